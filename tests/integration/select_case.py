"""A rig for the masked SELECT: DDL and a policy in, the masked rows of every table out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from sanitizers.digests import set_key
from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from sanitizers.select import masked_select

KEY = bytes(range(32))
Rows = dict[str, list[dict[str, Any]]]
Masked = Callable[[str, str], Rows]


@pytest.fixture
def masked(database: Any) -> Masked:
    """Run DDL, compile a policy (lines of [[...]] first, then tables of `public`), and mask every table in order."""

    def run(ddl: str, policy: str) -> Rows:
        with psycopg.connect(database.dsn) as conn:
            conn.execute(ddl)
            conn.commit()
            schema = read_schema(conn)
            text = "version = 1\n" + policy.replace("[public.", f'["{schema.database}".public.').replace(
                "DB.", f"{schema.database}."
            )
            plan = compile_plan([schema], parse_policy(text, "masking.toml")).databases[0]
            set_key(conn, KEY)
            with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
                return {t.table.name: cur.execute(masked_select(t)).fetchall() for t in plan.tables}

    return run
