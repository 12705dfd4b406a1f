"""Whatever people can write into a definition is read: an original there is found."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, make_case

MakeDatabase = Callable[[], TestDatabase]

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text);
INSERT INTO people SELECT n, 'Zqfirst' || n || ' Zqlast' || n, 'zq' || n || '@corp.invalid'
FROM generate_series(1, 20) n;
"""
MASKED = {"public.people.name": "full_name", "public.people.email": "email"}


@pytest.fixture
def people(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, PEOPLE, MASKED)
    case.copy()
    return case


@pytest.mark.parametrize(
    ("plant", "name"),
    [
        ("CREATE AGGREGATE glue (text) (SFUNC = textcat, STYPE = text, INITCOND = '{}')", "function glue(text)"),
        (
            (
                "CREATE AGGREGATE moving (text) (SFUNC = textcat, STYPE = text, MSFUNC = textcat, MINVFUNC = textcat,"
                " MSTYPE = text, MINITCOND = '{}')"
            ),
            "function moving(text)",
        ),
        (
            (
                "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;"
                " CREATE FOREIGN TABLE away (v text OPTIONS (column_name '{}')) SERVER far"
            ),
            "column v of foreign table away",
        ),
        ("COMMENT ON TABLE people IS 'ask {} (since 2020) about this.'", "table people"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ -- {} wrote this\nSELECT 1 $$", "function f()"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ /* as\n{} said */ SELECT 1 $$", "function f()"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql SET my.owner = '{}' RETURN 1", "function f()"),
        ("ALTER DATABASE {database} SET my.owner = 'a=b=zq7@corp.invalid'", "the settings of the database"),
    ],
)
def test_an_original_in_a_definition_is_found(people: Case, plant: str, name: str) -> None:
    database = people.target.name
    with psycopg.connect(people.target.admin_dsn) as admin:
        admin.execute(plant.replace("{database}", database).replace("{}", "Zqfirst7 Zqlast7").encode())

    proof = people.verify()
    found = [p for p in proof.problems if "definition" in p]

    assert len(found) == 1, proof.problems
    assert name.rpartition(" ")[2].partition("(")[0] in found[0]
