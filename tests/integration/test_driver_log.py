"""What the driver logs on its own must not quote a row."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
import pytest

import sanitizers.explain  # noqa: F401  takes such records out of the driver's log

CANARY = "canary-4711"


def test_a_copy_that_the_server_refuses_puts_no_value_into_a_log(
    database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE t (a int)")

        with pytest.raises(RuntimeError), caplog.at_level(logging.DEBUG, logger="psycopg"):
            _write_and_give_up(conn)

    assert CANARY not in caplog.text


def _write_and_give_up(conn: psycopg.Connection[Any]) -> None:
    with conn.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        copy.write(f"{CANARY}\n" * 100_000)
        raise RuntimeError
