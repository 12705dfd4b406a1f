"""What tells rows apart, and what merely must not repeat: two notions, as the catalog has them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.engines.stream import copy_database
from sanitizers.errors import PlanError
from sanitizers.schema import Table, read_schema
from tests.fix_versions import VERSIONS
from tests.integration.peers_case import MakeDatabase
from tests.integration.shapes_case import conn
from tests.integration.stream_case import make_case
from tests.integration.test_select_subset import Taken, taken

__all__ = ["conn", "taken"]

KEYS = """
CREATE TABLE t (id int NOT NULL, tenant int NOT NULL, email text NOT NULL, nick text, login text NOT NULL, code int);
CREATE UNIQUE INDEX ON t (email) WHERE nick IS NOT NULL;
CREATE UNIQUE INDEX ON t (lower(login));
CREATE UNIQUE INDEX ON t (nick);
ALTER TABLE t ADD UNIQUE (tenant, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE t ADD PRIMARY KEY (id, tenant, email) INCLUDE (code)
"""


def _table(conn: psycopg.Connection[Any], name: str = "t") -> Table:
    return next(table for table in read_schema(conn).tables if table.name == name)


def test_only_full_keys_of_plain_columns_that_are_never_null_tell_rows_apart(conn: psycopg.Connection[Any]) -> None:
    conn.execute(KEYS)

    table = _table(conn)

    assert {"email", "login", "nick"} == {c.name for c in table.columns if c.unique}
    assert {"login", "nick"} == {c.name for c in table.columns if c.distinct}
    assert [{"id", "tenant", "email"}, {"id", "tenant"}] == [set(key) for key in table.identities]


def test_an_index_that_was_never_finished_binds_nobody(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE t (a int NOT NULL); INSERT INTO t VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("CREATE UNIQUE INDEX CONCURRENTLY ON t (a)")

    table = _table(conn)

    assert (table.unique_keys, table.identities, table.columns[0].unique) == ((), (), False)


def test_a_key_of_one_partition_tells_no_rows_of_the_whole_table_apart(conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        "CREATE TABLE t (a int NOT NULL, b int NOT NULL) PARTITION BY LIST (a);"
        " CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2);"
        " CREATE UNIQUE INDEX ON t1 (b); CREATE UNIQUE INDEX ON t (a, b)"
    )

    table = _table(conn)

    assert [c.name for c in table.columns if c.unique] == ["b"]
    assert [{"a", "b"}] == [set(key) for key in table.identities]


@pytest.mark.parametrize("major", VERSIONS)
def test_keys_are_read_alike_on_every_version(major: int, make_database_on: Any) -> None:
    with psycopg.connect(make_database_on(major).dsn, autocommit=True) as conn:
        conn.execute(KEYS)

        table = _table(conn)

    assert [{"id", "tenant", "email"}, {"id", "tenant"}] == [set(key) for key in table.identities]


def test_a_column_that_was_never_checked_for_null_tells_no_rows_apart(conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        "CREATE TABLE t (a int UNIQUE); INSERT INTO t VALUES (NULL), (NULL); ALTER TABLE t ADD NOT NULL a NOT VALID"
    )

    assert _table(conn).identities == ()


def test_a_name_beside_an_address_that_is_unique_in_some_rows_alone_is_refused(
    make_database: MakeDatabase,
) -> None:
    ddl = """
    CREATE TABLE t (email text NOT NULL, team text, gone bool NOT NULL, UNIQUE (email, team));
    CREATE UNIQUE INDEX ON t (email) WHERE NOT gone;
    INSERT INTO t SELECT 'a@corp.test', 'team ' || n, true FROM generate_series(1, 3000) AS n
    """

    with pytest.raises(PlanError, match=r"t.team: first_name does not fit: its fakes repeat and the key \(email, team"):
        make_case(make_database, ddl, {"public.t.email": "email", "public.t.team": "first_name"})


def test_rows_without_their_key_are_in_samples_like_others(taken: Taken) -> None:
    ddl = """
    CREATE TABLE t (nick text UNIQUE, label text, PRIMARY KEY (label));
    CREATE TABLE bare (a int);
    CREATE TABLE people (email text UNIQUE, note int);
    INSERT INTO t SELECT CASE WHEN n % 2 = 0 THEN 'n' || n END, 'l' || n FROM generate_series(1, 1000) AS n;
    INSERT INTO bare SELECT CASE WHEN n % 2 = 0 THEN n END FROM generate_series(1, 1000) AS n;
    INSERT INTO people SELECT CASE WHEN n % 2 = 0 THEN n || '@corp.test' END, n FROM generate_series(1, 1000) AS n
    """
    shares = '[[tables]]\nmatch = "t"\nrows = "50%"\n[[tables]]\nmatch = "people"\nrows = "50%"\n'
    keep = '[[columns]]\nmatch = "*.email"\nstrategy = "email"\n[[columns]]\nmatch = "*"\nstrategy = "keep"\n'

    rows = taken(ddl, shares + keep)

    assert 150 < len([r for r in rows["t"] if r["nick"] is None]) < 350
    assert 150 < len([r for r in rows["people"] if r["email"] is None]) < 350


def test_rows_that_nothing_identifies_are_in_some_sample(taken: Taken) -> None:
    ddl = "CREATE TABLE bare (a int); INSERT INTO bare VALUES (NULL), (1)"
    share = '[[tables]]\nmatch = "bare"\nrows = "99.9999%"\n[[columns]]\nmatch = "*"\nstrategy = "keep"\n'

    assert len(taken(ddl, share)["bare"]) == 2


def test_a_shuffle_without_a_key_of_all_rows_goes_by_the_whole_row(make_database: MakeDatabase) -> None:
    ddl = """
    CREATE TABLE t (email text NOT NULL, gone bool NOT NULL, n int);
    CREATE UNIQUE INDEX ON t (email) WHERE NOT gone;
    INSERT INTO t SELECT 'a@corp.test', true, n FROM generate_series(1, 200) AS n
    """
    case = make_case(make_database, ddl, {"public.t.n": "shuffle"})

    copy_database(case.run(), lambda _: None)

    query = sql.SQL("SELECT n FROM t").as_string()
    assert list(range(1, 201)) == sorted(n for (n,) in case.rows(query))
    assert [n for (n,) in case.rows(query)] != [n for (n,) in case.rows(query, of=case.source)]
