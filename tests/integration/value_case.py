"""Masks one column of a real table through the masked SELECT."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.digests import set_key
from sanitizers.plan import TablePlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from sanitizers.select import masked_select

KEY = bytes(range(32))


class Masker:
    """A connection to a database of one's own, with the key set."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        set_key(conn, KEY)

    def __call__(self, type_: str, strategy: str, values: Iterable[Any], **parameters: Any) -> list[Any]:
        """The fakes of the values (as text, None for NULL) in a column of that type, in their order."""
        table = self.table(type_, strategy, values, **parameters)
        masked = sql.SQL("SELECT v::text FROM ({}) AS m ORDER BY n").format(masked_select(table))
        return [fake for (fake,) in self.conn.execute(masked)]

    def table(self, type_: str, strategy: str, values: Iterable[Any], **parameters: Any) -> TablePlan:
        """The plan of a new table `t` with those values."""
        # A type cannot be a bound parameter; the tests write it.
        self.conn.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (n int, v {type_})")
        with self.conn.cursor() as cursor:
            cursor.executemany(f"INSERT INTO t VALUES (%s, (%s)::text::{type_})", list(enumerate(values)))
        given = ", ".join(f"{name} = {json.dumps(value)}" for name, value in parameters.items())
        schema = read_schema(self.conn)
        policy = (
            f'version = 1\n["{schema.database}".public.t]\nn = "keep"\nv = {{ strategy = "{strategy}"'
            f"{', ' if given else ''}{given} }}"
        )
        return compile_plan([schema], parse_policy(policy, "masking.toml")).databases[0].tables[0]
