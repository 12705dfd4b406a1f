"""No old row version stays in a catalog unnoticed, whoever the role is and whatever else is going on."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.engines.blockers import find_blockers
from sanitizers.engines.rewrite import Progress, rewrite_database
from sanitizers.engines.vacuum import vacuum_catalog
from sanitizers.errors import CopyFailedError
from tests.fix_postgres import OWNER, TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import GivenUpError

MakeOn = Callable[[int], TestDatabase]

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, name text);
INSERT INTO people SELECT n, 'Original ' || n % 5 FROM generate_series(1, 300) n;

ANALYZE;
"""
STRANGER = "stranger_to_catalogs"


@pytest.mark.parametrize("major", VERSIONS)
def test_a_catalog_that_postgres_passes_by_is_an_error(make_database_on: MakeOn, major: int) -> None:
    database = make_database_on(major)
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {STRANGER} LOGIN PASSWORD 'pw'".encode())
        stranger = database.server.dsn(user=STRANGER, password="pw", dbname=database.name)
        with (
            psycopg.connect(stranger) as conn,
            pytest.raises(CopyFailedError, match=r"did not VACUUM pg_catalog\.pg_statistic,.*must own the database"),
        ):
            vacuum_catalog(conn, "pg_statistic")
        admin.execute(f"DROP ROLE {STRANGER}".encode())


@pytest.mark.parametrize("major", VERSIONS)
def test_rows_that_an_older_transaction_may_still_read_are_waited_for_and_told_of(
    make_database_on: MakeOn, major: int
) -> None:
    case = make_rewrite_case(make_database_on(major), PEOPLE)
    with psycopg.connect(case.database.dsn) as old, psycopg.connect(case.database.dsn) as conn:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1")
        case.execute("UPDATE people SET name = 'else'; ANALYZE people")

        with pytest.raises(CopyFailedError, match=r"old row versions in pg_catalog\.pg_statistic stay.*run again"):
            vacuum_catalog(conn, "pg_statistic", patience=0)

        old.rollback()
        vacuum_catalog(conn, "pg_statistic", patience=0)
        assert not conn.autocommit


def test_large_objects_that_a_run_unlinked_which_was_cut_off_are_taken_off_the_disk_by_the_next(
    database: TestDatabase,
) -> None:
    case = make_rewrite_case(database, PEOPLE, {"public.people.name": "full_name"})
    case.execute("SELECT lo_from_bytea(0, 'Original bytes')")

    def cut(progress: Progress) -> None:
        if progress.about.startswith("large objects"):
            # As if the process had ended after the commit and before anything else.
            case.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
            raise GivenUpError

    with pytest.raises(GivenUpError):
        rewrite_database(case.run(), cut)
    assert case.rows("SELECT pg_relation_size('pg_largeobject') > 0") == [(True,)]

    case.rewrite()

    assert case.rows("SELECT pg_relation_size('pg_largeobject')") == [(0,)]


def test_who_may_not_vacuum_the_catalogs_is_told_before_the_run(database: TestDatabase) -> None:
    case = make_rewrite_case(database, PEOPLE, {"public.people.name": "full_name"})
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database.name} OWNER TO cloud_admin".encode())
        admin.execute(f"GRANT CREATE ON DATABASE {database.name} TO {OWNER}".encode())

    with psycopg.connect(database.dsn) as conn:
        in_place, clean_room = (find_blockers(conn, case.plan, mode) for mode in ("in-place", "clean-room"))

    (sentence,) = in_place
    assert sentence.startswith(f"the catalogs of database {database.name} can be changed by cloud_admin alone")
    assert f"run ALTER DATABASE {database.name} OWNER TO {OWNER} as a superuser" in sentence
    assert clean_room == ()
