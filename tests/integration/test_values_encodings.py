"""Databases in other encodings than UTF-8 get the same fakes, and none stops in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from emulator.postgres import Server
from sanitizers.schema import Column
from sanitizers.select import masked_select
from sanitizers.strategies.permute import Permute
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.value_case import Masker

WORDS = ["josé@x.de", "JOSÉ@x.de", " José@x.de", "Ångström Þór", "ascii", "µ ÿ", "Straße 12ß", "", "  ", None]
STRATEGIES = ["digest", "email", "full_name", "scramble", "permute", "user_name", "phone", "text", "url", "password"]


@pytest.fixture
def masker_in(postgres: Server, database: TestDatabase) -> Iterator[Callable[[str], Masker]]:
    """Encoding → a database in it that masks."""
    opened: list[tuple[str, psycopg.Connection[Any]]] = []

    def make(encoding: str) -> Masker:
        name = f"{database.name}_{encoding.lower()}"
        with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
            made = "CREATE DATABASE {} OWNER {} ENCODING {} LOCALE 'C' TEMPLATE template0"
            conn.execute(sql.SQL(made).format(sql.Identifier(name), sql.Identifier(OWNER), sql.Literal(encoding)))
        dsn = postgres.dsn(user=OWNER, password=database.password, dbname=name)
        conn = psycopg.connect(dsn, autocommit=True, client_encoding="UTF8")
        opened.append((name, conn))
        with psycopg.connect(postgres.dsn(dbname=name), autocommit=True) as admin:
            admin.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(OWNER)))
        return Masker(conn)

    yield make
    for name, conn in opened:
        conn.close()
        with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_fakes_do_not_depend_on_the_encoding(masker_in: Callable[[str], Masker], strategy: str) -> None:
    fakes = [masker_in(encoding)("text", strategy, WORDS) for encoding in ("LATIN1", "UTF8")]

    assert fakes[0] == fakes[1]
    assert not set(fakes[0]) & set(WORDS) - {None, "", "  "}
    assert [fake is None for fake in fakes[0]] == [word is None for word in WORDS]


def test_a_database_without_an_encoding_is_digested_byte_by_byte(masker_in: Callable[[str], Masker]) -> None:
    mask, utf8 = masker_in("SQL_ASCII"), masker_in("UTF8")

    known = [mask("text", strategy, ["josé", "ascii"]) for strategy in ("digest", "user_name")]
    for strategy in STRATEGIES:
        table = mask.table("text", strategy, [])
        mask.conn.execute("INSERT INTO t SELECT n, chr(200 + n) || 'x' FROM generate_series(1, 9) AS n")
        mask.conn.execute("INSERT INTO t VALUES (10, ''), (11, '  '), (12, NULL)")
        fakes = mask.conn.execute(masked_select(table)).fetchall()
        assert [n for n, fake in fakes if fake is None] == [12], strategy
        assert len(fakes) == 12, strategy

    assert known == [utf8("text", strategy, ["josé", "ascii"]) for strategy in ("digest", "user_name")]


def test_short_unique_texts_stay_different_beyond_ascii(masker_in: Callable[[str], Masker]) -> None:
    mask = masker_in("UTF8")
    plates = [f"{town}{n}" for town in ("MÜ", "TÖ", "ЖЯ", "日本", "A") for n in range(300)]

    fakes = mask("varchar(6)", "permute", plates)

    assert len(set(fakes)) == len(plates)
    assert not {fake for fake in fakes if {"Ü", "日"} <= set(fake)}
    assert [len(fake) for fake in fakes] == [len(plate) for plate in plates]


def test_a_permutation_that_keeps_some_values_serves_no_unique_column(masker_in: Callable[[str], Masker]) -> None:
    column = Column("v", "bigint", unique=True)

    assert "one of the values that are kept" in (Permute(keep_values=("7",)).fits(column) or "")
    assert Permute().fits(column) is None
    assert masker_in("UTF8")("bigint", "permute", ["7"], keep_values=["7"]) == ["7"]
