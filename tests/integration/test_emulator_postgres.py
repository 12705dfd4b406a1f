"""The servers that everything else stands on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from emulator import copies
from emulator.binaries import Account, Binaries
from emulator.errors import EmulatorError, PostgresError
from emulator.postgres import Runtime, Server
from tests.fix_postgres import TestDatabase


def test_the_owner_of_a_database_is_no_superuser_and_bypasses_row_security(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        row = conn.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication, "
            "pg_has_role('neon_superuser', 'member') FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == (False, True, True, True, True, True)


def test_the_owner_may_not_switch_off_triggers_by_replication_role(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SET session_replication_role = replica")


def test_the_owner_reads_password_verifiers_as_on_neon(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        row = conn.execute("SELECT rolpassword FROM pg_authid WHERE rolname = current_user").fetchone()

    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$")


def test_the_owner_creates_in_public(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE t (id int)")
        row = conn.execute("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 't'").fetchone()

    assert row == ("neondb_owner",)


def test_a_wrong_password_is_refused(database: TestDatabase) -> None:
    dsn = database.server.dsn(user=database.owner, password="wrong", dbname=database.name)

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn)


def test_databases_of_one_test_are_apart(make_database: Callable[[], TestDatabase]) -> None:
    first, second = make_database(), make_database()
    with psycopg.connect(first.dsn) as conn:
        conn.execute("CREATE TABLE only_here (id int)")

    with psycopg.connect(second.dsn) as conn:
        row = conn.execute("SELECT to_regclass('only_here')").fetchone()

    assert row == (None,)


def test_nothing_listens_on_tcp(postgres: Server) -> None:
    with psycopg.connect(postgres.dsn()) as conn:
        row = conn.execute("SHOW listen_addresses").fetchone()

    assert row == ("",)


def test_only_we_can_enter_the_folder_of_the_sockets(postgres: Server) -> None:
    assert postgres.socket_folder.stat().st_mode & 0o077 == 0


def test_the_server_process_never_belongs_to_root(postgres: Server) -> None:
    assert postgres.data.stat().st_uid != 0


def test_postgres_16_starts_too(postgres_runtime: Runtime, open_folder: Path) -> None:
    server = postgres_runtime.server(open_folder / "pg16", Binaries.find(16))
    server.init()

    with server, psycopg.connect(server.dsn()) as conn:
        major = conn.info.server_version // 10000

    assert major == 16
    assert not server.running


def test_a_data_directory_that_is_none_is_one_clear_error(postgres_runtime: Runtime, open_folder: Path) -> None:
    server = postgres_runtime.server(Account.current().private_folder(open_folder / "no-cluster"))

    with pytest.raises(PostgresError, match="did not start"):
        server.start()


def test_a_version_that_the_wheel_lacks_is_refused() -> None:
    with pytest.raises(EmulatorError, match="has Postgres 16 and 18, not 17"):
        Binaries.find(17)


def test_programs_run_as_an_ordinary_user() -> None:
    expected = "nobody" if os.geteuid() == 0 else Account.current().name

    actual = Binaries.find().run_any(["id", "-un"]).strip()

    assert expected == actual


def test_a_copy_of_a_stopped_server_takes_no_old_wal_along(postgres_runtime: Runtime, open_folder: Path) -> None:
    source = postgres_runtime.server(open_folder / "source")
    source.init()
    with source, psycopg.connect(source.dsn(), autocommit=True) as conn:
        conn.execute("CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 50000) n")

    copies.copy_stopped(source.binaries, source.data, open_folder / "clean")

    assert len([f for f in (open_folder / "clean" / "pg_wal").iterdir() if f.is_file()]) <= 2
    assert rows_of(postgres_runtime.server(open_folder / "clean")) == 50000


def test_a_copy_of_a_crashed_server_recovers(postgres_runtime: Runtime, open_folder: Path) -> None:
    source = postgres_runtime.server(open_folder / "crashed")
    source.init()
    source.start()
    with psycopg.connect(source.dsn(), autocommit=True) as conn:
        conn.execute("CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 50000) n")
    source.stop(immediate=True)

    copies.copy_stopped(source.binaries, source.data, open_folder / "recovered")

    assert rows_of(postgres_runtime.server(open_folder / "recovered")) == 50000


def rows_of(server: Server) -> int:
    with server, psycopg.connect(server.dsn()) as conn:
        row = conn.execute("SELECT count(*) FROM t").fetchone()
    assert row is not None
    return int(row[0])
