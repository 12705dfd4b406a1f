"""What both kinds of plain run share: what is asked for, what comes of it, and how errors become ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from daemon.errors import BranchwardenError, RunFailedError, RunRefusedError, StoppedError
from daemon.keys import MaskingKey
from daemon.plain.outlook import Outlook, Wish
from daemon.progress import Watch, breakable
from daemon.proven import summary
from daemon.records import JsonMapping
from sanitizers.errors import BlockedError, CopyFailedError, SanitizerError
from sanitizers.proof.verify import DatabaseProof


@dataclass(frozen=True)
class How:
    """What decides how a run works."""

    wish: Wish
    key: MaskingKey = field(repr=False)
    streams: int = 2


@dataclass(frozen=True)
class Sanitized:
    """A database that was masked and proven."""

    place: str
    proof: JsonMapping
    notes: tuple[str, ...]


def sanitized(place: str, outlook: Outlook, how: How, proof: DatabaseProof, notes: tuple[str, ...] = ()) -> Sanitized:
    """The result of a run; the proof as the ledger has it."""
    if outlook.plan is None:
        raise ValueError("a run without a plan proves nothing")
    about: JsonMapping = {
        "policy reviewed": how.wish.policy.reviewed,
        "coverage": outlook.coverage,
        "mode": how.wish.mode,
        "key": how.key.id,
        **summary(outlook.plan, [proof]),
    }
    return Sanitized(place, about, (*notes, *proof.remarks))


@contextmanager
def looking(watch: Watch) -> Iterator[None]:
    """Errors of a preflight as ours. Nothing was begun, so a signal breaks it off at once.

    Raises:
        StoppedError: the process was asked to end.
        RunFailedError: a question to a database was not answered. All that has a code of its own passes.
    """
    with breakable(watch.ahead):
        try:
            yield
        except (CopyFailedError, psycopg.Error) as error:
            raise RunFailedError(f"{_reason(error)}\nNothing was created or changed.") from None


@dataclass(frozen=True)
class Left:
    """What a run has left behind and what to do about it, in words."""

    words: str
    alike: str = ""
    """The same where the same run would fail alike."""

    def after(self, error: Exception) -> str:
        """The words for the error that ended the run."""
        lasting = isinstance(error, CopyFailedError) and error.lasting
        return self.alike if lasting and self.alike else self.words


@contextmanager
def ending(watch: Watch, left: Callable[[], Left]) -> Iterator[None]:
    """Errors of a run as ours, with what the run has left behind.

    Raises:
        StoppedError: the process was asked to end.
        RunRefusedError: something must be changed first, nothing was done.
        RunFailedError: anything else.
    """
    try:
        yield
    except RunRefusedError:
        if watch.stop.is_set():  # what was cancelled may look like a refusal
            raise StoppedError(f"stopped on request\n{left().words}") from None
        raise
    except BlockedError as error:
        raise RunRefusedError("refused before any row was touched:", error.problems) from None
    except (BranchwardenError, SanitizerError, psycopg.Error) as error:
        if watch.stop.is_set():
            raise StoppedError(f"stopped on request\n{left().words}") from None
        raise RunFailedError(f"{_reason(error)}\n{left().after(error)}") from None


def _reason(error: Exception) -> str:
    if not isinstance(error, psycopg.Error):
        return str(error)
    if error.sqlstate is None:
        return "the connection to Postgres was lost: run it again"
    return f"a database refused a statement of the run (SQLSTATE {error.sqlstate})"
