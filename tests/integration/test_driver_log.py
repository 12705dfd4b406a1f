"""What the driver logs on its own is no news, and must not quote a row."""

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

    assert caplog.text == ""


def test_other_words_of_the_driver_are_logged_with_the_kind_of_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="psycopg"):
        logging.getLogger("psycopg").warning("something odd: %s", ValueError(CANARY))

    assert [record.getMessage() for record in caplog.records] == ["something odd: ValueError"]


def _write_and_give_up(conn: psycopg.Connection[Any]) -> None:
    with conn.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        copy.write(f"{CANARY}\n" * 100_000)
        raise RuntimeError
