"""Same key → the same fakes, byte for byte, on every Postgres from 14 to 18: every strategy on every type it fits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.digests import set_key
from sanitizers.engines.load import LOAD_SETTINGS
from sanitizers.schema import Table, read_schema
from sanitizers.select import masked_select
from sanitizers.strategies import KINDS
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.stream_case import KEY, make_plan

NEWEST = VERSIONS[-1]
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "composite": {"attributes": {"street": "street", "number": "digest"}},
    "constant": {"value": ""},
    "derived": {"expression": "'row ' || id"},
    "hstore": {"keys": {"a": "digest"}},
    "list": {"of": "digest"},
    "json": {"paths": {"a": "full_name", "b": "keep"}},
    "json_only": {"members": ["a"]},
    "national_id": {"country": "de"},
    "sql": {"expression": "left(value, 2) || id"},
}
"""Of strategies that need some."""
TEXT_ONLY = ("constant", "derived", "sql")
"""Made for any type, but not with these parameters."""

ORIGINALS = Path(__file__).with_name("originals.sql")

Outputs = Mapping[str, str]
"""Strategy and column → SHA-256 of the masked column"""


@pytest.fixture(scope="module")
def seen() -> dict[int, Outputs]:
    """What each version gave: made once, compared by several tests."""
    return {}


def fakes(database: TestDatabase) -> Outputs:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(ORIGINALS.read_text(encoding="utf-8").encode())
        (table,) = read_schema(conn).tables
    found: dict[str, str] = {}
    for kind in KINDS:
        found |= _masked(database, table, {"strategy": kind, **PARAMETERS.get(kind, {})})
    return found


def _masked(database: TestDatabase, table: Table, parameters: dict[str, Any]) -> Outputs:
    """Mask every column that the strategy fits and is made for."""
    kind = parameters["strategy"]
    strategy = KINDS[kind].model_validate(parameters)
    names = [
        c.name for c in table.columns if strategy.fits(c) is None and (kind not in TEXT_ONLY or c.category == "text")
    ]
    plan = make_plan(database, {f"public.originals.{name}": parameters for name in names}).tables[0]
    digests = {name: hashlib.sha256() for name in names}
    with psycopg.connect(database.dsn) as conn:
        set_key(conn, KEY)
        conn.execute(LOAD_SETTINGS)
        with conn.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(masked_select(plan))) as out:
            for row in out.rows():
                for column, value in zip(plan.columns, row, strict=True):
                    if column.masked or kind == "keep":
                        digests[column.column.name].update(repr(value).encode())
    return {f"{kind} of {name}": digest.hexdigest() for name, digest in digests.items()}


@pytest.mark.parametrize("major", VERSIONS[:-1])
def test_every_strategy_gives_the_fakes_of_the_newest_version(
    major: int, make_database_on: Callable[[int], TestDatabase], seen: dict[int, Outputs]
) -> None:
    for version in {major, NEWEST} - seen.keys():
        seen[version] = fakes(make_database_on(version))

    assert len({name.split()[0] for name in seen[major]}) == len(KINDS)
    assert seen[NEWEST] == seen[major]
