"""What a session of a run keeps out of the log of a server that logs every statement."""

from __future__ import annotations

import psycopg
import pytest

from daemon.connect import prepare_session
from emulator.postgres import Server
from sanitizers.digests import set_key
from tests.fix_postgres import OWNER, fresh_database

KEY = bytes(range(100, 132))
MAY = f"GRANT SET ON PARAMETER log_parameter_max_length TO {OWNER}"


@pytest.mark.parametrize("may", [True, False], ids=["a role that may say so", "another role"])
def test_the_key_is_in_no_log_where_the_role_may_keep_parameters_out_of_it(
    talkative_server: Server, owner_password: str, may: bool
) -> None:
    database = fresh_database(talkative_server, owner_password)
    if may:
        with psycopg.connect(database.admin_dsn) as conn:
            conn.execute(MAY)

    with psycopg.connect(database.dsn) as conn:
        prepare_session(conn)
        set_key(conn, KEY)

    log = talkative_server.log.read_text()
    assert "SELECT set_config(name, value" in log, "statements are logged"
    assert (KEY.hex() in log) is not may, "without the right to say so it is the server's decision"


def test_no_parameter_is_logged_with_an_error(talkative_server: Server, owner_password: str) -> None:
    database = fresh_database(talkative_server, owner_password)

    with psycopg.connect(database.dsn, autocommit=True) as conn:
        prepare_session(conn)
        with pytest.raises(psycopg.errors.DivisionByZero):
            conn.execute("SELECT 1 / (length(%s) - 6)", ("canary",))

    log = talkative_server.log.read_text()
    assert "division by zero" in log
    assert "unnamed portal with parameters" not in log
