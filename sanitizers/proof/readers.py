"""Sessions that read the tables of one server together, part by part."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.engines.crew import Crew
from sanitizers.proof.hashed import Known, together
from sanitizers.proof.parts import LEAST, Parts
from sanitizers.proof.places import Place
from sanitizers.track import Track

AT_ONCE = 100
"""Columns that one query reads: each gives up to three results, and a SELECT gives 1,664."""


@dataclass(frozen=True)
class Group:
    """Columns that one query reads, with their numbers: of one table, or a single one that is nested."""

    numbers: tuple[int, ...]
    places: tuple[Place, ...]


_FEW = """
SELECT schemaname, tablename, attname FROM pg_stats
WHERE n_distinct BETWEEN 0 AND 10000
"""

Row = Sequence[Any]
Key = tuple[str, str, str]
Ask = Callable[[psycopg.Connection, Sequence[Place]], sql.Composed]
Take = Callable[[Group, Row], None]


@dataclass(frozen=True)
class Question:
    """What is asked of each part of each table, and what becomes of the answers, one at a time."""

    ask: Ask
    take: Take
    parameters: Mapping[str, bytes]
    blocks: int = LEAST
    """How large a part may be."""


class Readers:
    """Sessions on one server, each in a transaction."""

    def __init__(self, conns: Sequence[psycopg.Connection], track: Track, *, few: bool = False) -> None:
        """Read with these sessions.

        Args:
            conns: that are at nothing else.
            track: to be told.
            few: whether each different value of columns that have few is worth being found first.
        """
        self.conns = tuple(conns)
        self._track = track
        self._parts = Parts(conns[0])
        self._crew = Crew(self.conns, lambda: self.conns)
        self._taking = threading.Lock()
        self._edged: set[Key] = set()
        self.known = Known(set(conns[0].execute(_FEW)) if few else (), self._edged)

    def read(self, places: Mapping[int, Place], question: Question) -> None:
        """Ask of every part of every place's table; rows are taken in any order, one at a time."""
        jobs = []
        for group in groups(places, self.known):
            self._edged |= self._parts.edged(self.conns[0], group.places)
            jobs += [Group(group.numbers, part) for part in self._parts.of(group.places, question.blocks)]
        done = iter(range(len(jobs)))

        def answer(conn: psycopg.Connection, job: Group) -> None:
            self._track.say(".".join(job.places[0].key[:2]), next(done), len(jobs))
            query = question.ask(conn, job.places)
            for row in conn.cursor(binary=True).execute(query, question.parameters):
                with self._taking:
                    question.take(job, row)

        self._crew.work(jobs, answer)


def groups(places: Mapping[int, Place], known: Known) -> Iterator[Group]:
    """The columns of each table together, but for those that are better read by themselves."""
    found: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, place in places.items():
        found[place.key[:2] if together(place) and place.key not in known.few else place.key].append(number)
    for numbers in found.values():
        for at in range(0, len(numbers), AT_ONCE):
            some = tuple(numbers[at : at + AT_ONCE])
            yield Group(some, tuple(places[n] for n in some))
