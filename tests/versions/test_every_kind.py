"""Every kind of relation with columns of every kind of type: each is masked, kept or refused with a reason."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from daemon.policies import suggestions
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import load_policy
from sanitizers.policy_file import write_policy
from sanitizers.schema import Schema, read_schema
from sanitizers.trial import try_plan
from tests.fix_plain import Desk
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.peers_case import clone_schema
from tests.integration.rewrite_case import RewriteCase
from tests.integration.stream_case import Case

MakeDatabaseOn = Callable[[int], TestDatabase]
CANARY = "canary@corp.invalid"

AS_ADMINISTRATOR = """
CREATE TYPE own;
CREATE FUNCTION own_in(cstring) RETURNS own LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION own_out(own) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE own (INPUT = own_in, OUTPUT = own_out, LIKE = text);
CREATE TYPE half_made; CREATE FOREIGN DATA WRAPPER away;
CREATE SERVER far FOREIGN DATA WRAPPER away;
GRANT USAGE ON FOREIGN SERVER far TO neondb_owner;
"""
AS_OWNER = """
CREATE TYPE pair AS (email text, floor int);
CREATE TYPE "date" AS (email text, floor int);
CREATE TABLE people (email text, floor int);
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE mails AS RANGE (subtype = text, collation = "C", multirange_type_name = many_mails);
CREATE DOMAIN mail AS text CHECK (VALUE ~ '@');
CREATE DOMAIN narrow AS mail NOT NULL;
CREATE DOMAIN mail_array AS text[];
CREATE DOMAIN mail_pair AS pair;
CREATE DOMAIN mail_mood AS mood;
CREATE DOMAIN mail_range AS mails;
CREATE DOMAIN mail_many AS many_mails;
CREATE TYPE everything AS (email text, email_c pair, email_d mail, email_e mood, email_r mails, email_m many_mails);
CREATE TABLE heads (id int, email text);
CREATE TABLE heirs (floor int) INHERITS (heads);
CREATE TABLE typed OF pair;
CREATE UNLOGGED TABLE fleeting (email text);
CREATE TABLE long (email text); ALTER TABLE long ALTER email SET STORAGE EXTERNAL;
CREATE SEQUENCE numbers START 7;
CREATE FUNCTION first_of(anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
"""
ROWS = f"""
INSERT INTO heads VALUES (1, '{CANARY}');
INSERT INTO heirs VALUES (2, '{CANARY}', 7);
INSERT INTO typed VALUES ('{CANARY}', 7);
INSERT INTO fleeting VALUES ('{CANARY}');
INSERT INTO long SELECT string_agg('{CANARY} ' || n, ' ') FROM generate_series(1, 500) AS n;
SELECT nextval('numbers');
"""

PAIR, RANGE = f"('{CANARY}', 7)", f"mails('{CANARY}', '{CANARY}z')"


@dataclass(frozen=True)
class Kind:
    """A column's type, a value of it, and what is suggested for a column of that type that is called email."""

    type: str
    value: str
    strategy: str


KINDS = {
    "b": Kind("text", f"'{CANARY}'", "email"),
    "b_name": Kind("name", f"'{CANARY}'", "email"),
    "b_own": Kind("own", f"'{CANARY}'", "null"),
    "b_array": Kind("text[]", f"ARRAY['{CANARY}']", "constant"),
    "b_own_array": Kind("own[]", f"ARRAY['{CANARY}'::own]", "constant"),
    "b_vector": Kind("int2vector", "'1 2'", "keep"),
    "c": Kind("pair", PAIR, "composite"),
    "c_called_alike": Kind('public."date"', PAIR, "composite"),
    "c_of_table": Kind("people", PAIR, "composite"),
    "c_array": Kind("pair[]", f"ARRAY[{PAIR}::pair]", "composite"),
    "c_all": Kind(
        "everything", f"('{CANARY}', {PAIR}::pair, '{CANARY}', 'sad', {RANGE}, many_mails({RANGE}))", "composite"
    ),
    "d": Kind("mail", f"'{CANARY}'", "email"),
    "d_narrow": Kind("narrow", f"'{CANARY}'", "email"),
    "d_array": Kind("mail_array", f"ARRAY['{CANARY}']", "constant"),
    "d_c": Kind("mail_pair", f"{PAIR}::pair", "composite"),
    "d_e": Kind("mail_mood", "'sad'", "keep"),
    "d_r": Kind("mail_range", RANGE, "null"),
    "d_m": Kind("mail_many", f"many_mails({RANGE})", "null"),
    "e": Kind("mood", "'sad'", "keep"),
    "r": Kind("mails", RANGE, "null"),
    "r_array": Kind("mails[]", f"ARRAY[{RANGE}]", "constant"),
    "m": Kind("many_mails", f"many_mails({RANGE})", "null"),
}
INDEXED = ("b", "b_name", "c", "d", "e", "r", "m")  # an index on a name holds cstrings, a pseudo type
RELATIONS = {
    "r": "CREATE TABLE {name} (id int PRIMARY KEY, email {type})",
    "p": """CREATE TABLE {name} (id int PRIMARY KEY, email {type}) PARTITION BY RANGE (id);
CREATE TABLE {name}_low PARTITION OF {name} FOR VALUES FROM (0) TO (2);
CREATE TABLE {name}_rest (email {type}, id int NOT NULL);
ALTER TABLE {name} ATTACH PARTITION {name}_rest DEFAULT""",
    "v": "CREATE VIEW {name} AS SELECT * FROM {table}",
    "m": "CREATE MATERIALIZED VIEW {name} AS SELECT * FROM {table}",
    "f": "CREATE FOREIGN TABLE {name} (id int, email {type}) SERVER far",
}
WITH_ROWS = ("r", "p")
EVERYTHING_THERE_IS = """
SELECT DISTINCT c.relkind::text, y.typtype::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type y ON y.oid = a.atttypid
WHERE a.attnum > 0 AND (c.relnamespace = 'public'::regnamespace
  OR c.oid IN (SELECT reltoastrelid FROM pg_class WHERE relnamespace = 'public'::regnamespace))
"""
TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1
"""
FACTS = """
SELECT c.relname, c.relkind::text, k.conname::text, k.convalidated, i.indisvalid
FROM pg_class c LEFT JOIN pg_constraint k ON k.conrelid = c.oid LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, 3;
"""


def script() -> str:
    """Everything, with rows in what holds some of its own."""
    made = [AS_OWNER]
    for (letter, template), (key, kind) in itertools.product(RELATIONS.items(), KINDS.items()):
        name = f"{letter}_{key}"
        made.append(template.format(name=name, type=kind.type, table=f"r_{key}") + ";")
        if letter in WITH_ROWS:
            made.append(f"INSERT INTO {name} VALUES (1, {kind.value}), (2, {kind.value});")
            made.extend(f"CREATE INDEX ON {name} (email);" for _ in (key,) if key in INDEXED)
    return "\n".join([*made, ROWS, *(f"REFRESH MATERIALIZED VIEW m_{key};" for key in KINDS)])


def make(make_database_on: MakeDatabaseOn, major: int) -> TestDatabase:
    """A database with everything."""
    database = make_database_on(major)
    for dsn, text in ((database.admin_dsn, AS_ADMINISTRATOR), (database.dsn, script())):
        with psycopg.connect(dsn) as conn:
            conn.execute(text.encode())
    return database


def read(database: TestDatabase) -> Schema:
    """Its schema."""
    with psycopg.connect(database.dsn) as conn:
        return read_schema(conn)


def suggested_plan(database: TestDatabase, folder: Any) -> DatabasePlan:
    """What a person gets who takes every suggestion."""
    schema, path = read(database), folder / "masking.toml"
    write_policy(path, suggestions([schema]))
    return compile_plan([schema], load_policy(path)).databases[0]


def facts(database: TestDatabase, query: str) -> list[tuple[Any, ...]]:
    """As the superuser."""
    with psycopg.connect(database.admin_dsn) as conn:
        return conn.execute(query.encode()).fetchall()


def contents(database: TestDatabase) -> dict[str, list[tuple[str]]]:
    """Every row of every table and view, as text."""
    with psycopg.connect(database.admin_dsn) as conn:
        names = [name for (name,) in conn.execute(TABLES)]
        query = "SELECT t::text FROM {} AS t ORDER BY 1"
        return {
            name: conn.execute(sql.SQL(query).format(sql.SQL(name))).fetchall()  # regclass has quoted it
            for name in names
        }


@pytest.mark.parametrize("major", VERSIONS)
def test_detection_decides_on_columns_of_every_kind_of_type(major: int, make_database_on: MakeDatabaseOn) -> None:
    database = make(make_database_on, major)

    found = {s.table: s.strategy.kind for s in suggestions([read(database)]) if s.column == "email"}

    there = set(facts(database, EVERYTHING_THERE_IS))
    assert set(itertools.product("rpvmfc", "bcderm")) | {("S", "b"), ("t", "b"), ("i", "p"), ("I", "p")} <= there
    assert set(itertools.product("iI", "bcerm")) <= there
    assert {kind for (kind,) in facts(database, "SELECT relkind::text FROM pg_class")} == set("rpvmfciISt")
    assert {kind for (kind,) in facts(database, "SELECT typtype::text FROM pg_type")} == set("bcdermp")
    expected = {f"{letter}_{key}": kind.strategy for letter in WITH_ROWS for key, kind in KINDS.items()}
    others = dict.fromkeys(("people", "heads", "heirs", "typed", "fleeting", "long"), "email")
    assert found == expected | others


@pytest.mark.parametrize("engine", ["clean room", "in place"])
@pytest.mark.parametrize("major", VERSIONS)
def test_every_kind_is_masked_and_stays_what_it_is(
    major: int, engine: str, make_database_on: MakeDatabaseOn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = make(make_database_on, major)
    plan = suggested_plan(source, tmp_path_factory.mktemp("policy"))
    before, built = contents(source), facts(source, FACTS)
    with psycopg.connect(source.dsn) as conn:
        assert try_plan(conn, plan) == ()

    if engine == "clean room":
        masked = make_database_on(major)
        clone_schema(source, masked)
        case = Case(source, masked, plan)
        case.copy()
        assert case.verify().problems == ()
    else:
        masked = source
        RewriteCase(source, plan).rewrite()

    after = contents(masked)
    assert [name for name, rows in before.items() if CANARY in str(rows)]
    assert [name for name, rows in after.items() if CANARY in str(rows)] == []
    assert {name: len(rows) for name, rows in before.items()} == {name: len(rows) for name, rows in after.items()}
    assert built == facts(masked, FACTS)
    kept = [f"{letter}_{key}" for letter in "rpvm" for key, kind in KINDS.items() if kind.strategy == "keep"]
    assert {name: before[name] for name in kept} == {name: after[name] for name in kept}
    assert facts(masked, "SELECT last_value FROM numbers") == [(7,)]


def test_foreign_tables_are_refused_by_name_until_the_policy_speaks_of_them(
    desk: Desk, make_database_on: MakeDatabaseOn
) -> None:
    database = make(make_database_on, 18)
    desk.run("detect", "--dsn", database.dsn, "--write")

    refused = desk.run("plan", "--dsn", database.dsn)
    policy = (desk.folder / "masking.toml").read_text(encoding="utf-8")
    desk.decide(f'{policy}\n[[tables]]\nmatch = "{database.name}.public.f_*"\nrows = "none"\n')
    planned = desk.run("plan", "--dsn", database.dsn)

    assert refused.returncode == 5
    assert [key for key in KINDS if f"{database.name}.public.f_{key} is a foreign table" not in refused.stderr] == []
    assert refused.stderr.count("  - ") == len(KINDS)
    assert planned.returncode == 0, planned.stderr
