"""Fakes that a database's encoding has no characters for are refused while planning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from emulator.postgres import Server
from sanitizers.encodings import encoding_problems
from tests.fix_postgres import TestDatabase
from tests.integration.value_case import Masker


@contextmanager
def made(server: Server, database: TestDatabase, encoding: str, client: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database in that encoding, which is dropped at the end."""
    name = f"{database.name}_{encoding.lower()}"
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        statement = "CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0"
        admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(encoding)))
        with psycopg.connect(server.dsn(dbname=name), autocommit=True, client_encoding=client) as conn:
            yield conn
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def latin(postgres: Server, database: TestDatabase) -> Iterator[Masker]:
    """A database in LATIN1."""
    with made(postgres, database, "LATIN1", "UTF8") as conn:
        yield Masker(conn)


@pytest.mark.parametrize(("locale", "refused"), [("en_US", False), ("de_DE", False), ("ja_JP", True)])
def test_names_of_another_script_are_refused(latin: Masker, locale: str, refused: bool) -> None:
    table = replace(latin.table("text", "first_name", ["x"]), locale=locale)

    found = list(encoding_problems(latin.conn, table))

    assert [("ja_JP" in problem and "LATIN1" in problem) for problem in found] == [True] * refused


def test_a_short_permutation_that_the_encoding_makes_no_permutation_is_refused(latin: Masker) -> None:
    short = latin.table("varchar(6)", "permute", [])
    column = replace(short.columns[1].column, unique=True)
    unique = replace(short, columns=(replace(short.columns[1], column=column),))

    assert ["permute" in problem and "LATIN1" in problem for problem in encoding_problems(latin.conn, unique)] == [True]
    assert not list(encoding_problems(latin.conn, short))
    assert not list(encoding_problems(latin.conn, latin.table("text", "permute", ["x"])))


@pytest.mark.parametrize(("strategy", "told"), [("first_name", 1), ("digest", 1), ("keep", 0), ("null", 0)])
def test_an_encoding_that_nothing_is_converted_to_is_told(
    latin: Masker, postgres: Server, database: TestDatabase, strategy: str, told: int
) -> None:
    table = replace(latin.table("text", strategy, []), locale="ja_JP")

    with made(postgres, database, "MULE_INTERNAL", "SQL_ASCII") as conn:
        found = list(encoding_problems(conn, table))

    assert ["no conversion between UTF-8 and the database's encoding MULE_INTERNAL" in told for told in found] == (
        [True] * told
    )
