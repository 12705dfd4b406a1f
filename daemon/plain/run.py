"""What both kinds of plain run share: what is asked for, what comes of it, and how errors become ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from daemon.attesting import UNATTESTED, Account, Part, Signing, attest, new_run_id
from daemon.errors import BranchwardenError, RunFailedError, RunRefusedError, StoppedError
from daemon.keys import MaskingKey
from daemon.plain.outlook import Outlook, Wish
from daemon.plain.server import PlainDatabase
from daemon.progress import Progress, Watch, breakable
from daemon.proven import summary
from daemon.records import JsonMapping
from sanitizers.attest.predicate import Source
from sanitizers.errors import BlockedError, CopyFailedError, SanitizerError
from sanitizers.plan import MaskingPlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import Found
from sanitizers.schema import read_schema

MOMENT_UNKNOWN = "the run read a server that others may write to; its rows are of a moment between its start and end"


@dataclass(frozen=True)
class How:
    """What decides how a run works."""

    wish: Wish
    key: MaskingKey = field(repr=False)
    streams: int = 2
    signing: Signing | None = None
    """None for a dry run, which makes no key."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class Sanitized:
    """A database that was masked and proven."""

    place: str
    proof: JsonMapping
    notes: tuple[str, ...]
    attestation: Path
    roads: tuple[Found, ...] = ()


@dataclass(frozen=True)
class Proven:
    """A run that came to its proof, before that is told and attested."""

    database: PlainDatabase
    outlook: Outlook
    proof: DatabaseProof
    started_at: datetime
    notes: tuple[str, ...] = ()


def sanitized(run: Proven, how: How) -> Sanitized:
    """The result of a run, attested; the proof as the ledger has it. Raises SettingsError or AttestationError."""
    outlook, proof = run.outlook, run.proof
    if outlook.plan is None or how.signing is None:
        raise ValueError("a run without a plan proves nothing, and without a key it attests nothing")
    attestation = attest(_account(run, how, outlook.plan), how.signing)
    about: JsonMapping = {
        "policy reviewed": how.wish.policy.reviewed,
        "coverage": outlook.coverage,
        "mode": how.wish.mode,
        "key": how.key.id,
        **summary(outlook.plan, [proof]),
    }
    notes = (*run.notes, *proof.remarks)
    return Sanitized(run.database.place, about, notes, attestation.path, proof.roads)


def attest_failure(run: Proven, how: How, watch: Watch) -> None:
    """A signed record of a run that found something; where it cannot be written, that is told and hides nothing."""
    if run.outlook.plan is None or how.signing is None:
        raise ValueError("a run without a plan proves nothing, and without a key it attests nothing")
    try:
        attestation = attest(_account(run, how, run.outlook.plan), how.signing)
    except (BranchwardenError, SanitizerError, psycopg.Error):
        watch.tell(Progress("verify", UNATTESTED))
    else:
        watch.tell(Progress("verify", f"attestation of what was found: {attestation.path}"))


def _account(run: Proven, how: How, plan: MaskingPlan) -> Account:
    with run.database.session() as conn:
        schema = read_schema(conn)
    now = how.clock()
    return Account(
        run_id=new_run_id(run.started_at),
        started_at=run.started_at,
        finished_at=now,
        place=run.database.attested_place(),
        mode=how.wish.mode,
        source=Source(unknown=MOMENT_UNKNOWN),
        policy=how.wish.policy,
        plan=plan,
        key=how.key,
        parts=[Part(plan.databases[0], schema, run.proof)],
    )


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
