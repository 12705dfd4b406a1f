"""What stops a run is told before anything is created, all at once, with the statement that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from emulator import roles
from emulator.postgres import Runtime, Server
from sanitizers.engines.blockers import Reach, blockers_in_reach, find_blockers
from sanitizers.engines.journal import Mode
from sanitizers.errors import BlockedError
from sanitizers.schema import read_schema
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case, plan_of

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE visits (person int REFERENCES people, place text);
INSERT INTO people VALUES (1, 'Original One'), (2, 'Original Two');
INSERT INTO visits VALUES (1, 'somewhere');
"""
MASKED = {"public.people.name": "full_name"}


@pytest.fixture
def case(database: TestDatabase) -> RewriteCase:
    return make_rewrite_case(database, PEOPLE, MASKED)


@pytest.fixture
def other_role(database: TestDatabase) -> Callable[..., str]:
    """Make a role: SQL-made (no member of anything), or as Neon's API makes one."""
    made: list[str] = []

    def make(*, api: bool = False) -> str:
        name = f"other_{database.name}_{len(made)}"
        with psycopg.connect(database.server.dsn(), autocommit=True) as conn:
            if api:
                roles.create_role(conn, name, "pw")
            else:
                conn.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        as_admin(database, f"GRANT USAGE, CREATE ON SCHEMA public TO {name}")
        made.append(name)
        return name

    return make


def as_admin(database: TestDatabase, script: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute(script.encode())


def blockers(case: RewriteCase, mode: Mode = "in-place") -> tuple[str, ...]:
    with psycopg.connect(case.database.dsn) as conn:
        return find_blockers(conn, case.plan, mode)


def drop_role(database: TestDatabase, name: str) -> None:
    as_admin(database, f"REASSIGN OWNED BY {name} TO {OWNER}; DROP OWNED BY {name}; DROP ROLE {name}")


def test_nothing_blocks_a_plain_database(case: RewriteCase) -> None:
    assert blockers(case) == ()
    assert blockers(case, "clean-room") == ()


def test_tables_of_somebody_else_need_a_grant_that_is_spelled_out(
    case: RewriteCase, other_role: Callable[..., str]
) -> None:
    other = other_role()
    as_admin(case.database, f"ALTER TABLE people OWNER TO {other}; GRANT ALL ON people TO {OWNER}")

    (sentence,) = blockers(case)
    before = case.contents()
    with pytest.raises(BlockedError):
        case.rewrite()

    assert sentence.startswith("table public.people, ")
    assert f'GRANT "{other}" TO "{OWNER}" WITH INHERIT TRUE, SET TRUE as a superuser.' in sentence
    assert before == case.contents()
    as_admin(case.database, sentence.split(": run ")[1].split(" as ")[0])
    assert blockers(case) == ()
    case.rewrite()
    assert case.rows("SELECT count(*) FROM people WHERE name ~ 'Original'") == [(0,)]
    assert case.rows("SELECT tableowner FROM pg_tables WHERE tablename = 'people'") == [(other,)]
    drop_role(case.database, other)


def test_a_table_that_only_refers_to_a_masked_one_needs_its_owner_too(
    case: RewriteCase, other_role: Callable[..., str]
) -> None:
    other = other_role()
    as_admin(case.database, f"ALTER TABLE visits OWNER TO {other}; GRANT REFERENCES ON people TO {other}")

    (sentence,) = blockers(case)

    assert sentence.startswith("foreign key visits_person_fkey of public.visits can be changed by other_")
    drop_role(case.database, other)


def test_a_role_that_the_run_can_connect_as_does_its_part_itself(
    case: RewriteCase, other_role: Callable[..., str]
) -> None:
    other = other_role(api=True)
    as_admin(case.database, f"ALTER TABLE people OWNER TO {other}; GRANT REFERENCES ON people TO {OWNER}")
    as_admin(case.database, f"GRANT CONNECT ON DATABASE {case.database.name} TO {other}")
    before = case.looks()

    with psycopg.connect(case.database.dsn) as conn:
        reach = Reach("in-place", roles=frozenset({other}))
        assert blockers_in_reach(conn, case.plan, reach) == ()
    RewriteCase(case.database, case.plan, {other: "pw"}).rewrite()

    assert before == case.looks()
    assert case.rows("SELECT count(*) FROM people WHERE name ~ 'Original'") == [(0,)]
    drop_role(case.database, other)


def test_a_reference_that_could_not_be_put_back_is_named(case: RewriteCase, other_role: Callable[..., str]) -> None:
    other = other_role()
    as_admin(case.database, f"ALTER TABLE people OWNER TO {other}; GRANT {other} TO {OWNER}")
    as_admin(case.database, f"ALTER TABLE visits OWNER TO {OWNER}; REVOKE ALL ON people FROM {other}")

    sentences = blockers(case)

    assert f"GRANT TRUNCATE ON public.people TO {OWNER} as {other}." in " ".join(sentences)
    assert f"GRANT REFERENCES ON public.people TO {OWNER} as {other}." in " ".join(sentences)
    drop_role(case.database, other)


def test_a_partition_of_somebody_else_is_analyzed_by_its_owner(
    database: TestDatabase, other_role: Callable[..., str]
) -> None:
    script = (
        "CREATE TABLE events (id int, who text) PARTITION BY RANGE (id);"
        "CREATE TABLE low PARTITION OF events FOR VALUES FROM (0) TO (200);"
        "INSERT INTO events SELECT n, 'Original ' || n % 5 FROM generate_series(1, 199) n\n\nANALYZE"
    )
    case, other = make_rewrite_case(database, script, {"public.events.who": "full_name"}), other_role(api=True)
    as_admin(database, f"ALTER TABLE low OWNER TO {other}; GRANT CONNECT ON DATABASE {database.name} TO {other}")

    assert "table public.low" in blockers(case)[0]
    RewriteCase(database, case.plan, {other: "pw"}).rewrite()

    assert [text for text in case.statistics() if "Original" in text] == []
    drop_role(database, other)


def test_an_event_trigger_blocks_unless_it_is_allowed_or_fires_on_nothing_of_ours(case: RewriteCase) -> None:
    as_admin(
        case.database,
        """CREATE FUNCTION watch_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;
        CREATE EVENT TRIGGER "Watch" ON ddl_command_end EXECUTE FUNCTION watch_ddl();
        CREATE EVENT TRIGGER harmless ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION watch_ddl()""",
    )

    (sentence,) = blockers(case)

    assert 'ALTER EVENT TRIGGER "Watch" DISABLE as ' in sentence
    with psycopg.connect(case.database.dsn) as conn:
        assert find_blockers(conn, case.plan, "in-place", ("Watch",)) == ()
    with pytest.raises(BlockedError):
        case.rewrite()
    as_admin(case.database, 'ALTER EVENT TRIGGER "Watch" DISABLE')
    case.rewrite()


def test_all_that_blocks_is_told_at_once(database: TestDatabase, case: RewriteCase) -> None:
    as_admin(database, "SELECT lo_from_bytea(0, 'Original bytes')")
    as_admin(database, "CREATE SCHEMA branchwarden_journal")

    sentences = blockers(case)

    assert len(sentences) == 2
    assert "schema branchwarden_journal that no run made is in the way" in sentences[0]
    assert "1 large objects of cloud_admin hold bytes that no masking policy names: run SELECT" in sentences[1]
    assert [s for s in blockers(case, "clean-room") if "large" in s] == []


@pytest.fixture
def logical_server(postgres_runtime: Runtime, open_folder: Path) -> Iterator[Server]:
    """A server that decodes its log and prepares transactions."""
    server = postgres_runtime.server(open_folder / "logical")
    server.init()
    with server, psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET wal_level = logical")
        conn.execute("ALTER SYSTEM SET max_prepared_transactions = 2")
    with server:
        yield server


def test_logical_slots_and_prepared_transactions_block(logical_server: Server) -> None:
    with psycopg.connect(logical_server.dsn(), autocommit=True) as conn:
        conn.execute(PEOPLE)
        conn.execute("BEGIN; INSERT INTO visits VALUES (2, 'somewhere'); PREPARE TRANSACTION 'it''s mine'")
        with psycopg.connect(logical_server.dsn()) as reader:
            plan = plan_of(read_schema(reader), MASKED)
            (prepared,) = find_blockers(reader, plan, "in-place")
        conn.execute("ROLLBACK PREPARED 'it''s mine'")
        conn.execute("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
        (slot,) = find_blockers(conn, plan, "in-place")

    assert "run ROLLBACK PREPARED 'it''s mine' as" in prepared
    assert slot.startswith("Logical replication slot cdc would send what this run writes to somebody else: run")
    assert "SELECT pg_drop_replication_slot('cdc') as a role with REPLICATION." in slot


PARTITION = ("PARTITION BY LIST (id)", "PARTITION OF people DEFAULT", "public.people DETACH PARTITION public.far")
HEIR = ("", "() INHERITS (people)", "public.far NO INHERIT public.people")  # to ANALYZE the parent would ask it


@pytest.mark.parametrize(("parent", "child", "helps"), [PARTITION, HEIR])
def test_a_foreign_child_of_a_masked_table_is_to_be_taken_off(
    database: TestDatabase, parent: str, child: str, helps: str
) -> None:
    script = f"CREATE TABLE people (id int, name text) {parent}"
    case = make_rewrite_case(database, script, {"public.people.name": "full_name"})
    as_admin(
        database,
        f"""CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER away FOREIGN DATA WRAPPER nowhere;
        GRANT USAGE ON FOREIGN SERVER away TO {OWNER};
        CREATE FOREIGN TABLE far {child} SERVER away""",
    )

    assert [s for s in blockers(case) if "public.far is a foreign table: " in s and f"ALTER TABLE {helps} as" in s]


def test_row_security_that_would_hide_rows_from_a_clean_room_is_named(
    case: RewriteCase, other_role: Callable[..., str]
) -> None:
    case.execute("ALTER TABLE people ENABLE ROW LEVEL SECURITY; ALTER TABLE people FORCE ROW LEVEL SECURITY")
    as_admin(case.database, f"ALTER ROLE {OWNER} NOBYPASSRLS")
    try:
        clean, in_place = blockers(case, "clean-room"), blockers(case)
        report = case.rewrite()
    finally:
        as_admin(case.database, f"ALTER ROLE {OWNER} BYPASSRLS")

    assert f'ALTER ROLE "{OWNER}" BYPASSRLS' in clean[0]
    assert in_place == ()
    assert report.rows == 2
    assert case.rows("SELECT count(*) FROM people WHERE name ~ 'Original'") == [(0,)]
    assert case.rows("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'people'") == [(True,)]
