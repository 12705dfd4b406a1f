"""The settings that decide how the server writes and reads values, so that every session of a run does it alike.

A database or a role may have its own DateStyle or bytea_output. A proof whose two ends differ there finds no original,
and a condition of the policy (`price::text = '0.3'`) would mean other rows to whoever copies than to whoever counts.
"""

from __future__ import annotations

SPELLING = """
  ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), ('extra_float_digits', '3'),
  ('bytea_output', 'hex'), ('lc_monetary', 'C'), ('xmloption', 'content'), ('client_encoding', 'UTF8')
"""
"""Rows (name, value) for VALUES, to be given to set_config; names as pg_settings has them."""

PATH = """
  ('search_path', pg_catalog.concat_ws(', ', 'pg_catalog', CASE WHEN
    pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) '' THEN pg_catalog.current_setting('search_path')
  END))
"""
"""The same for the search path: what a user calls like a function of pg_catalog comes after that one."""

BEGIN = f"SELECT pg_catalog.set_config(name, value, false) FROM (VALUES {PATH}) AS s (name, value)"  # noqa: S608
"""The search path alone, for the whole session: the first statement of any, since it means the same under any path."""

SPELL = f"SELECT pg_catalog.set_config(name, value, true) FROM (VALUES {SPELLING}, {PATH}) AS s (name, value)"  # noqa: S608
"""All of it until the end of the transaction."""
