"""What holds for every value, whatever it is: text with backslashes, quotes, emoji, nothing at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from emulator.postgres import Server
from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.schema import Column, Table
from sanitizers.select import masked_select, set_key
from sanitizers.strategies import Strategy
from sanitizers.strategies.city import City
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.email import Email
from sanitizers.strategies.first_name import FirstName
from sanitizers.strategies.full_name import FullName
from sanitizers.strategies.phone import Phone
from sanitizers.strategies.user_name import UserName

KEY, OTHER_KEY = secrets.token_bytes(32), secrets.token_bytes(32)
MASKS: dict[str, Strategy] = {
    "first": FirstName(),
    "whole": FullName(),
    "town": City(),
    "mail": Email(),
    "short_mail": Email(),
    "login": UserName(),
    "short_login": UserName(),
    "phone": Phone(),
    "long_phone": Phone(digits=16),
    "longest_phone": Phone(digits=20),
    "token": Digest(),
    "short_token": Digest(),
}
LENGTHS = {"first": 4, "short_mail": 28, "short_login": 17, "short_token": 16, "mail": 40}
UNIQUE = ("mail", "short_mail", "login", "short_login", "long_phone", "longest_phone", "token", "short_token")
DATES = {"born": "date", "seen": "timestamp without time zone", "woke": "timestamp with time zone"}

# Postgres knows no NUL; surrogates are no text.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=60)
values = st.lists(st.none() | texts, min_size=1, max_size=25)
dates = st.lists(
    st.none() | st.datetimes(min_value=__import__("datetime").datetime(1000, 1, 1)), min_size=1, max_size=25
)
"""
"""


def _type(name: str) -> str:
    return f"character varying({LENGTHS[name]})" if name in LENGTHS else "text"


def _table(name: str, types: dict[str, str], masks: dict[str, Strategy]) -> TablePlan:
    columns = tuple(
        ColumnPlan(Column(column, type_, max_length=LENGTHS.get(column)), masks[column])
        for column, type_ in types.items()
    )
    return TablePlan(Table("public", name, tuple(c.column for c in columns)), columns)


TEXTS = _table("texts", {name: _type(name) for name in MASKS}, MASKS)
MOMENTS = _table("moments", DATES, dict.fromkeys(DATES, DateShift(days=7)))


@pytest.fixture(scope="module")
def conn(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    """Temporary tables hold whatever Hypothesis thinks of; the masked columns read them as text."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as opened:
        opened.execute("DROP DATABASE IF EXISTS properties")
        opened.execute("CREATE DATABASE properties TEMPLATE template0 ENCODING 'UTF8'")
    with psycopg.connect(postgres.dsn(dbname="properties"), autocommit=True) as opened:
        opened.execute("CREATE TABLE texts (n serial, {})".format(", ".join(f"{n} text" for n in MASKS)))
        opened.execute("CREATE TABLE moments (n serial, {})".format(", ".join(f"{n} {t}" for n, t in DATES.items())))
        yield opened


def masked(conn: psycopg.Connection[Any], table: TablePlan, rows: list[Any], key: bytes = KEY) -> list[dict[str, Any]]:
    name, names = sql.Identifier(table.table.name), [c.column.name for c in table.columns]
    set_key(conn, key)
    conn.execute(sql.SQL("TRUNCATE {}").format(name))
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
        statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM unnest(%s::{}[]) WITH ORDINALITY AS u(v, n) ORDER BY n")
        everywhere = sql.SQL(", ").join(sql.SQL("v") for _ in names)
        type_ = sql.SQL("text" if table is TEXTS else "timestamp")
        cur.execute(statement.format(name, sql.SQL(", ").join(map(sql.Identifier, names)), everywhere, type_), (rows,))
        return cur.execute(masked_select(table)).fetchall()


many = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(rows=values)
def test_null_stays_null_and_nothing_else_becomes_it(conn: psycopg.Connection[Any], rows: list[str | None]) -> None:
    after = masked(conn, TEXTS, rows)

    for name in MASKS:
        assert [value is None for value in rows] == [row[name] is None for row in after]


@many
@given(rows=values)
def test_equal_values_get_equal_fakes_and_unique_ones_stay_unique(
    conn: psycopg.Connection[Any], rows: list[str | None]
) -> None:
    doubled = [*rows, *rows]

    after = masked(conn, TEXTS, doubled)

    assert after[: len(rows)] == after[len(rows) :]
    different = len({value for value in rows if value is not None})
    for name in UNIQUE:
        assert different == len({row[name] for row in after if row[name] is not None}), name


@many
@given(rows=values)
def test_fakes_fit_and_are_what_they_claim_to_be(conn: psycopg.Connection[Any], rows: list[str | None]) -> None:
    after = masked(conn, TEXTS, rows)

    for row in (row for row in after if row["first"] is not None):
        assert all(len(row[name]) <= length for name, length in LENGTHS.items())
        for plan in (c for c in TEXTS.columns if c.residue == "pool"):
            assert row[plan.column.name] in plan.producible(["en_US"])
        for name in ("mail", "short_mail"):
            local, _, domain = row[name].lower().partition("@")
            assert domain in {"example.com", "example.org", "example.net"}
            assert local.strip(".") == local
            assert ".." not in local
        assert row["phone"][1:].isdigit()
        assert row["phone"].startswith("+999")


@many
@given(rows=st.lists(texts, min_size=1, max_size=25, unique=True))
def test_another_key_gives_other_fakes_and_no_fake_is_its_original(
    conn: psycopg.Connection[Any], rows: list[str]
) -> None:
    one, other = masked(conn, TEXTS, rows), masked(conn, TEXTS, rows, OTHER_KEY)

    for name in UNIQUE:
        assert not {row[name] for row in one} & {row[name] for row in other}
        assert not {row[name] for row in one} & set(rows)


@many
@given(rows=dates)
def test_dates_move_by_whole_days_within_bounds_and_never_by_none(
    conn: psycopg.Connection[Any], rows: list[Any]
) -> None:
    after = masked(conn, MOMENTS, rows)

    for before, row in zip(rows, after, strict=True):
        if before is None:
            assert {None} == set(row.values())
            continue
        moved = row["seen"] - before
        assert 1 <= abs(moved.days) <= 7
        assert moved.seconds == moved.microseconds == 0
        assert 1 <= abs((row["born"] - before.date()).days) <= 7
