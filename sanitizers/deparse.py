"""The settings under which the server writes definitions out, so that they read the same on every server and anywhere.

A database or a role may have its own DateStyle: a bound of a partition would be written '01-02-2024' under one and
read as another day under another, and one schema would have as many digests as there are settings. Without a
client_encoding the driver gives the names in a database that has none (SQL_ASCII) as bytes.
"""

from __future__ import annotations

from sanitizers.spelling import SPELLING

DEPARSE = f"""
SELECT pg_catalog.set_config(name, value, true)
FROM (VALUES ('search_path', ''), ('quote_all_identifiers', 'off'), {SPELLING}) AS setting(name, value)
"""  # noqa: S608  constants alone
"""Until the end of the transaction; only pg_catalog is on the search path then, every other name is qualified."""
