"""Fakes that a database's encoding has no characters for are refused while planning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from emulator.postgres import Server
from sanitizers.encodings import encoding_problems
from tests.fix_postgres import TestDatabase
from tests.integration.value_case import Masker


@pytest.fixture
def latin(postgres: Server, database: TestDatabase) -> Any:
    """A database in LATIN1."""
    name = f"{database.name}_latin"
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        made = "CREATE DATABASE {} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
        admin.execute(sql.SQL(made).format(sql.Identifier(name)))
        with psycopg.connect(postgres.dsn(dbname=name), autocommit=True, client_encoding="UTF8") as conn:
            yield Masker(conn)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


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
