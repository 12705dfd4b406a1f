"""A part of a table that is lost at its commit keeps the whole table from being taken for full."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from threading import Event
from typing import Any

import psycopg
import pytest

from sanitizers.engines.load import Loading
from sanitizers.engines.team import Team
from sanitizers.engines.units import cut
from sanitizers.errors import CopyFailedError
from sanitizers.track import Track
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, connector, make_case

LARGE = """
CREATE TABLE large (id int PRIMARY KEY, email text, filler text);
INSERT INTO large SELECT n, 'somebody' || n || '@mail.invalid', repeat('x', 200) FROM generate_series(1, 5000) n;
"""
PIECE = 1 << 17


class Doomed(psycopg.Connection[Any]):
    """Its server process is ended between the last row and the COMMIT, once it was told to."""

    admin = ""

    def commit(self) -> None:
        if self.admin:
            with psycopg.connect(self.admin, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", (self.info.backend_pid,))
        super().commit()


@pytest.fixture
def case(make_database: Callable[[], TestDatabase]) -> Case:
    """A copy whose journal is open and whose target is cleared."""
    case = make_case(make_database, LARGE, {"public.large.email": "email"})
    case.give_up("load")
    return case


def test_the_last_part_does_not_say_done_for_one_that_never_came(case: Case) -> None:
    made: list[psycopg.Connection[Any]] = []

    def target(_: str | None) -> psycopg.Connection[Any]:
        made.append((connector(case.target)(None)) if not made else Doomed.connect(case.target.dsn))
        return made[-1]

    with ExitStack() as stack:
        run = case.run(streams=2, piece=PIECE, target=target)
        team = Team(run, stack)
        units = cut(team.source, case.plan.tables, 2, PIECE)
        loading = Loading(units, run.protection, Track(lambda _: None, Event()))
        sound, doomed = team.loaders(len(units)).hands
        made[1].admin = case.target.admin_dsn  # type: ignore[attr-defined]

        with pytest.raises(CopyFailedError, match="connection to Postgres was lost"):
            loading.load(doomed, units[0])
        for unit in units[1:]:
            loading.load(sound, unit)

    assert len(units) > 2
    assert case.rows("SELECT name FROM branchwarden_journal.done") == []
