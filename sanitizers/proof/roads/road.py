"""What a road is: one way on which an original could be reached, looked down by itself and answered for in numbers.

A road that could not be looked down is UNKNOWN, never PASS, and the others go on.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, TypeVar

import psycopg

from sanitizers.plan import DatabasePlan
from sanitizers.proof.looked import Searched
from sanitizers.proof.memory import Facts
from sanitizers.track import Track

T = TypeVar("T")

GRANTS = {
    "table": "SELECT ON",
    "view": "SELECT ON",
    "materialized view": "SELECT ON",
    "sequence": "SELECT ON",
    "schema": "USAGE ON SCHEMA",
    "function": "EXECUTE ON FUNCTION",
    "foreign server": "USAGE ON FOREIGN SERVER",
}
DENIED = re.compile(rf"permission denied for ({'|'.join(GRANTS)}) (.+)")
HIDDEN = re.compile(r'query would be affected by row-level security policy for table "(.+)"')


class Status(StrEnum):
    """What looking down a road has said."""

    PASS = "PASS"  # noqa: S105  # a verdict, no password
    SAMPLED = "SAMPLED"
    """Nothing was found in rows drawn at random; the others nobody looked at."""
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


CLEAN = frozenset({Status.PASS, Status.SAMPLED})
"""Nothing was found, and nothing that was to be looked at stayed unseen."""


@dataclass(frozen=True)
class Found:
    """What a road says: names and counts, never a value."""

    road: str
    """The road's name, which stays."""
    database: str | None
    """None: it is a way to the whole branch or server."""
    status: Status
    numbers: Mapping[str, int]
    """Counts by slug; `found` is how many originals can be read there."""
    sentence: str
    """For a privacy officer."""
    problems: tuple[str, ...] = ()
    """A sentence each; a road that failed has at least one."""
    unseen: tuple[str, ...] = ()
    """What could not be looked at, half a sentence each; one that is UNKNOWN has at least one."""

    def __post_init__(self) -> None:
        if (self.status is Status.FAIL) != bool(self.problems):
            raise ValueError(f"{self.road}: a road fails with problems, and with problems alone")
        if self.status is Status.UNKNOWN and not self.unseen:
            raise ValueError(f"{self.road}: a road that is UNKNOWN says what it could not look at")
        if self.status in CLEAN and (self.unseen or self.numbers.get("found")):
            raise ValueError(f"{self.road}: a road on which something is found or unseen is no {self.status}")


@dataclass(frozen=True)
class Compared:
    """Rows and definitions next to those of before."""

    rows: int
    problems: tuple[str, ...]
    """A sentence for every table with other rows than it must have, and for everything that is built otherwise."""


@dataclass(frozen=True)
class Site:
    """What a road may use. Both sessions see every row, write texts as UTF-8 and go by UTC."""

    target: psycopg.Connection
    source: psycopg.Connection | None
    """The database as it was before masking, where there still is one; with its key."""
    plan: DatabasePlan | None
    key: bytes | None = field(repr=False)
    seed: int = field(repr=False)
    """Salts the hashes that are compared; of this proof alone."""
    full: bool
    """Whether roads may take hours."""
    track: Track
    searched: Searched | str = ""
    """What the search for whole values came to, which several roads answer from; or why there was none."""
    compared: Compared | None = None
    """What comparing with the database before masking came to, where the run has done it."""
    beside: tuple[psycopg.Connection, ...] = ()
    """More sessions of the target, for roads that read much; each is left as it was found, in no transaction."""
    remembered: Facts | None = None
    """What a run in place knew before it masked; rows and tokens of the originals are in its journal."""
    journaled: bool = False
    """Whether a run is at work in the target: its journal is no leftover then."""

    @cached_property  # a connection that was lost does not know its name any more
    def database(self) -> str:
        """The target's name: as the plan has it, where there is one."""
        return self.plan.database if self.plan else self.target.info.dbname


class Road(ABC):
    """One way. Subclasses are constants in all but name: whatever a look needs comes with the site."""

    name: ClassVar[str]
    """A slug: lower-case letters, digits and hyphens."""
    title: ClassVar[str]
    question: ClassVar[str]
    """What an auditor asks."""
    full_only: ClassVar[bool] = False
    """Whether it takes so long that it is looked down only when asked for; otherwise nothing is said of it."""

    @abstractmethod
    def look(self, site: Site) -> Found:
        """Look; what it makes in the databases is gone afterwards. Errors of the server may pass."""

    def found(
        self,
        site: Site,
        numbers: Mapping[str, int],
        sentence: str,
        problems: Sequence[str] = (),
        *,
        sampled: bool = False,
    ) -> Found:
        """The answer of a road that could be looked down to its end, or in some rows (`sampled`)."""
        status = Status.FAIL if problems else Status.SAMPLED if sampled else Status.PASS
        return Found(self.name, site.database, status, dict(numbers), sentence, tuple(problems))

    def unknown(self, site: Site, why: Iterable[str], numbers: Mapping[str, int] | None = None) -> Found:
        """The answer of one that could not be looked down, or not to its end, and on which nothing was found so far."""
        reasons = tuple(why)
        sentence = f"Not looked at: {'; '.join(reasons)}."
        return Found(self.name, site.database, Status.UNKNOWN, dict(numbers or {}), sentence, unseen=reasons)


def look_down(roads: Sequence[Road], site: Site) -> tuple[Found, ...]:
    """Look down every road in turn, each in savepoints of its own, which are rolled back.

    Raises CopyFailedError when the run is stopped.
    """
    chosen = [road for road in roads if site.full or not road.full_only]
    found = []
    for number, road in enumerate(chosen):
        site.track.step(road.name)(site.database, number, len(chosen))
        found.append(_look(road, site))
    return tuple(found)


def _look(road: Road, site: Site) -> Found:
    found = guarded(site, lambda: road.look(site))
    return road.unknown(site, [found]) if isinstance(found, str) else found


def guarded(site: Site, look: Callable[[], T]) -> T | str:
    """What a look says, or why the server refused it; what it made in the databases is rolled back."""
    try:
        with ExitStack() as stack:
            for conn in (site.target, site.source):
                if conn is not None:
                    stack.enter_context(conn.transaction(force_rollback=True))
            return look()
    except psycopg.Error as error:
        return _reason(error)


def _reason(error: psycopg.Error) -> str:
    """Without the message, which may quote a value."""
    if error.sqlstate is None:
        return "the connection to the server was lost or refused"
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return _denied(error)
    return f"the server refused it ({type(error).__name__}, SQLSTATE {error.sqlstate})"


def _denied(error: psycopg.Error) -> str:
    """What the role may not read, and how to let it: the server's own words name an object and nothing else.

    Those that somebody's function raises, and those in another language, stay out.
    """
    said, speaker = error.diag.message_primary or "", error.diag.source_function
    if speaker == "aclcheck_error" and (match := DENIED.fullmatch(said)):
        kind, name = match.groups()
        return f"the server refused to show {kind} {name} (SQLSTATE 42501): GRANT {GRANTS[kind]} {name} to the role"
    if speaker == "check_enable_rls" and (match := HIDDEN.fullmatch(said)):
        return f"row-level security hides rows of {match[1]} (SQLSTATE 42501): give the role BYPASSRLS, or be the owner"
    return (
        "the role may not see all of it (SQLSTATE 42501): connect as the owner, or GRANT pg_read_all_data to the role"
    )
