"""The clean-room engine on real Postgres, as a role like `neondb_owner`: no superuser anywhere but in the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from emulator import roles
from emulator.postgres import Server
from sanitizers.engines.stream import copy_database
from sanitizers.schema import read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import HARD_SCHEMA, PEOPLE, Case, clone_schema, dump, make_case, make_plan

MakeDatabase = Callable[[], TestDatabase]


@pytest.fixture
def hard(make_database: MakeDatabase) -> Case:
    return make_case(make_database, HARD_SCHEMA.read_text(encoding="utf-8"), PEOPLE)


def test_a_hard_schema_is_after_the_copy_what_it_was_before(hard: Case) -> None:
    before = dump(hard.target)

    hard.copy()

    assert before == dump(hard.target)
    with psycopg.connect(hard.target.dsn) as conn:
        assert read_schema(conn).digest == hard.plan.schema.digest, "no other schema is attested"


def test_every_row_arrives_and_no_trigger_or_rule_fires(hard: Case) -> None:
    report = hard.copy()

    counts = {f"{t.schema}.{t.table}": t.rows for t in report.tables}
    assert counts["public.people"] == 32
    assert counts["public.no_columns"] == 2
    assert counts["sales.orders"] == 3
    assert {"public.vehicles": 1, "public.lorries": 1}.items() <= counts.items()
    assert hard.rows("SELECT * FROM audit") == []
    assert hard.rows("SELECT count(*) FROM vehicles") == [(2,)]
    assert hard.rows("SELECT count(*), count(DISTINCT v) FROM sales.hashed") == [(20, 20)]


def test_references_still_join_and_kept_values_are_unchanged(hard: Case) -> None:
    hard.copy()

    kept = """SELECT id, manager, favourite, feeling FROM people ORDER BY id"""
    assert hard.rows(kept, of=hard.source) == hard.rows(kept)
    joined = 'SELECT count(*) FROM people p JOIN "Odd ""Table"".y" o ON o."Person Id" = p.id AND o."e.mail" = p.email'
    assert hard.rows(joined) == [(31,)]
    assert hard.rows("SELECT count(email) FROM people WHERE email ~ '@example[.](com|org|net)$'") == [(31,)]
    assert hard.rows("SELECT count(*) FROM people WHERE email IS NULL AND phone IS NULL") == [(1,)]
    assert hard.rows("SELECT count(*) FROM people WHERE initials <> left(first_name, 1) || left(last_name, 1)") == [
        (0,)
    ]
    assert hard.rows("SELECT count(*) FROM people WHERE shouted <> upper(last_name)") == [(0,)]


def test_sequences_go_on_where_the_source_stands(hard: Case) -> None:
    sequences = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE relkind = 'S' ORDER BY 1"""
    names = [row[0] for row in hard.rows(sequences)]

    hard.copy()

    def positions(of: TestDatabase) -> list[list[tuple[object, ...]]]:
        return [hard.rows(f"SELECT last_value, is_called FROM {name}", of=of) for name in names]

    assert len(names) == 4
    assert positions(hard.source) == positions(hard.target)


def test_materialized_views_are_filled_where_they_were(hard: Case) -> None:
    hard.copy()

    populated = "SELECT matviewname, ispopulated FROM pg_matviews ORDER BY 1"
    assert hard.rows(populated) == [("busier", True), ("busy", True), ("never_filled", False)]
    assert hard.rows("SELECT orders FROM busier") == [(3,)]
    assert hard.rows("SELECT count(*) FROM busy b JOIN people p USING (id) WHERE p.first_name = b.first_name") == [
        (32,)
    ]


def test_every_table_has_fresh_statistics_and_no_index_is_invalid(hard: Case) -> None:
    hard.copy()

    never = """SELECT relname FROM pg_class WHERE relkind IN ('r', 'm') AND reltuples < 0
               AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1"""
    assert hard.rows(never) == [("never_filled",)]
    assert hard.rows("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid OR NOT indisready") == []
    assert (
        hard.rows("SELECT conname FROM pg_constraint WHERE NOT convalidated AND conname !~ '(exists|note_old)'") == []
    )


def test_nothing_of_ours_stays_behind(hard: Case) -> None:
    hard.copy()

    schemas = "SELECT nspname FROM pg_namespace WHERE nspname ~ 'branchwarden'"
    assert hard.rows(schemas) == []
    assert hard.rows(schemas, of=hard.source) == []


@pytest.fixture
def other_role(postgres: Server, owner_password: str) -> Iterator[str]:
    """Another role that Neon's API made."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
        roles.create_role(conn, "other_role", owner_password)
    yield "other_role"
    with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
        conn.execute("DROP ROLE other_role")


TWO_OWNERS = """
CREATE SCHEMA theirs AUTHORIZATION other_role;
SET ROLE other_role;
CREATE TABLE theirs.parents (id serial PRIMARY KEY, name text UNIQUE);
CREATE INDEX ON theirs.parents (lower(name));
INSERT INTO theirs.parents (name) VALUES ('Zebediah'), ('Quux');
CREATE MATERIALIZED VIEW theirs.names AS SELECT name FROM theirs.parents;
CREATE FUNCTION theirs.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fired'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON theirs.parents FOR EACH ROW EXECUTE FUNCTION theirs.refuse();
GRANT USAGE ON SCHEMA theirs TO neondb_owner;
GRANT REFERENCES, SELECT ON theirs.parents TO neondb_owner;
RESET ROLE;
SET ROLE neondb_owner;
CREATE TABLE public.children (id int PRIMARY KEY, parent int REFERENCES theirs.parents);
INSERT INTO public.children VALUES (1, 1), (2, 2);
RESET ROLE;
"""


def test_tables_of_another_api_role_are_rebuilt_by_that_role(other_role: str, make_database: MakeDatabase) -> None:
    source, target = make_database(), make_database()
    with psycopg.connect(source.admin_dsn) as conn:
        conn.execute(TWO_OWNERS)
    clone_schema(source, target)
    plan = make_plan(source, {"theirs.parents.name": "digest"})
    case = Case(source, target, plan, {other_role: source.password})
    before = dump(target)

    case.copy()

    assert before == dump(target)
    assert case.rows("SELECT count(*) FROM theirs.names n JOIN theirs.parents USING (name)") == [(2,)]
    assert case.rows("SELECT last_value FROM theirs.parents_id_seq") == [(2,)]
    assert case.verify().clean


def test_tables_of_a_group_are_rebuilt_by_its_member(other_role: str, make_database: MakeDatabase) -> None:
    source, target = make_database(), make_database()
    with psycopg.connect(source.admin_dsn) as conn:
        conn.execute("ALTER ROLE other_role NOLOGIN; GRANT other_role TO neondb_owner")
        conn.execute(TWO_OWNERS)
    clone_schema(source, target)
    case = Case(source, target, make_plan(source))
    before = dump(target)

    case.copy()

    assert before == dump(target)
    assert case.verify().clean


def test_a_key_that_a_view_needs_stays_and_one_that_is_a_replica_identity_comes_back(
    make_database: MakeDatabase,
) -> None:
    script = """
    CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL UNIQUE, b text);
    ALTER TABLE t REPLICA IDENTITY USING INDEX t_a_key;
    CREATE VIEW v AS SELECT id, b, count(*) FROM t GROUP BY id;
    CREATE FUNCTION f(int) RETURNS void BEGIN ATOMIC
      INSERT INTO t VALUES ($1, $1) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING; END;
    INSERT INTO t SELECT n, n, 'x' FROM generate_series(1, 100) n;
    """
    case = make_case(make_database, script)
    before = dump(case.target)
    steps: list[str] = []

    copy_database(case.run(), lambda progress: steps.append(f"{progress.step} {progress.about}"))

    assert before == dump(case.target)
    assert [s for s in steps if s.startswith("clear index")] == ["clear index public.t_a_key"]
    assert case.rows("SELECT relreplident FROM pg_class WHERE relname = 't'") == [("i",)]


def test_equal_values_stay_equal_and_another_key_gives_others(make_database: MakeDatabase) -> None:
    script = (
        "CREATE TABLE a (v text); CREATE TABLE b (v text); INSERT INTO a VALUES ('same'); INSERT INTO b VALUES ('same')"
    )
    masked = {"public.a.v": "digest", "public.b.v": "digest"}
    cases = [make_case(make_database, script, masked) for _ in range(2)]

    cases[0].copy()
    cases[1].copy(key=bytes(32))

    values = [case.rows("SELECT a.v FROM a JOIN b USING (v)") for case in cases]
    assert [len(rows) for rows in values] == [1, 1]
    assert values[0] != values[1]
