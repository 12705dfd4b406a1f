"""A run that kills itself right after the n-th statement that a pattern describes: python -m … PATTERN N, DSN on stdin.

The plan is that of the schema before the run, as every run makes it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.engines.journal import journaled_schema
from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.schema import read_schema
from tests.integration.rewrite_case import HARD, plan_of
from tests.integration.stream_case import KEY

_lock = threading.Lock()
_left = int(sys.argv[2]) if len(sys.argv) > 2 else 0


class Mortal(psycopg.Connection[Any]):
    """Dies of a statement."""

    def execute(self, query: Any, *args: Any, **options: Any) -> psycopg.Cursor[Any]:
        cursor = super().execute(query, *args, **options)
        text = query.as_string(self) if isinstance(query, sql.Composable) else query
        if isinstance(text, bytes):
            text = text.decode()
        if re.search(sys.argv[1], text):
            _strike()
        return cursor


def _strike() -> None:
    global _left  # noqa: PLW0603  all connections of this process count together
    with _lock:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    dsn = sys.stdin.read()
    with psycopg.connect(dsn) as conn:
        schema = journaled_schema(conn) or read_schema(conn)

    def connect(role: str | None) -> Mortal:
        assert role is None
        return Mortal.connect(dsn)

    rewrite_database(RewriteRun(connect, plan_of(schema, HARD), KEY), lambda _: None)


if __name__ == "__main__":
    main()
