"""From one database into another: rows are masked inside the source, and no raw one reaches the target."""

from __future__ import annotations

from dataclasses import dataclass, replace

from daemon.amounts import counted
from daemon.errors import RunRefusedError, UsageError
from daemon.plain.outlook import Outlook, look_ahead
from daemon.plain.run import How, Left, Proven, Sanitized, attest_failure, ending, looking, sanitized
from daemon.plain.schema import make_schema, refuse_what_is_not_empty
from daemon.plain.server import Facts, PlainDatabase
from daemon.progress import Progress, Watch
from daemon.proven import engine_teller, tell_searched
from sanitizers.engines.blockers import find_blockers, unknown_event_triggers
from sanitizers.engines.journal import journaled_schema
from sanitizers.engines.stream import CopyRun, copy_database
from sanitizers.errors import ResidueError
from sanitizers.plan import DatabasePlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.verify import VerifyRun, verify_database
from sanitizers.track import Progress as Stand

FAILED = Left("The source is as it was. Drop the target: it is masked, but not proven.")
UNATTESTED = Left(
    "The source is as it was. The target is masked and proven, but not attested: drop it and run the same again."
)
EMPTY = Left("The source is as it was, and the target is as empty as before: run the same again.")
AS_WAS = Left("The source and the target are as they were.")
MADE = Left(
    "The source is as it was. The target has its schema and no rows: run again with --schema-exists, or drop what is in"
    " it and run the same again."
)
LEFT = Left(
    "The source is as it was. Drop the target, or run the same again: it goes on with what is complete.",
    "The source is as it was. The same again would fail alike: change what this says in the policy or in the source,"
    " drop the target and run again with a fresh one.",
)


@dataclass(frozen=True)
class CleanRoom:
    """What is asked for."""

    source: PlainDatabase
    target: PlainDatabase
    how: How
    schema_exists: bool = False

    def look(self, watch: Watch) -> tuple[Outlook, Facts]:
        """Everything that could refuse the run; nothing is created. Raises RunRefusedError or UsageError."""
        with looking(watch):
            return self._look()

    def _look(self) -> tuple[Outlook, Facts]:
        outlook, there = look_ahead(self.source, self.how.wish, self.how.key.secret), self.target.facts()
        if outlook.facts.is_same_as(there):
            raise UsageError("--source and --target are one database: give another target, or mask it with --in-place")
        if there.standby:
            raise RunRefusedError(f"the target {self.target.place} is a hot standby, which takes no writes")
        replace(outlook, problems=(*outlook.problems, *self._misnamed())).refuse()
        if not self.schema_exists and not self.begun:
            refuse_what_is_not_empty(self.target)
        return outlook, there

    def _misnamed(self) -> tuple[str, ...]:
        with self.target.session() as conn:
            return tuple(unknown_event_triggers([conn], self.how.wish.allow_event_triggers))

    @property
    def begun(self) -> bool:
        """Whether the target holds a run that was cut off, and that this one can go on with."""
        with self.target.session() as conn:
            return journaled_schema(conn) is not None


def copy_masked(run: CleanRoom, watch: Watch) -> Sanitized:
    """Copy a database, masked, and prove the copy.

    Raises:
        UsageError: source and target are one database.
        RunRefusedError: something must be changed first; no row was copied.
        RunFailedError: it did not arrive whole, or something of the original was found.
    """
    started_at = run.how.clock()
    outlook, there = run.look(watch)
    for note in (outlook.coverage, *outlook.notes):
        watch.tell(Progress("preflight", note))
    begun = run.begun
    state = [LEFT if begun else AS_WAS]
    with ending(watch, lambda: state[0]):
        notes: tuple[str, ...] = ()
        if not run.schema_exists and not begun:
            state[0] = EMPTY
            watch.tell(Progress("schema", "making the target's schema"))
            notes = make_schema(run.source, run.target, (outlook.facts, there), watch.stop)
            state[0] = MADE
        plan = outlook.require_plan()
        _refuse_blockers(run, plan)
        _copy(run, plan, watch, state)
        state[0] = FAILED
        proven = Proven(run.target, outlook, _prove(run, outlook, watch), started_at, notes)
        if proven.proof.problems:
            attest_failure(proven, run.how, watch)
            raise ResidueError(proven.proof.problems, originals=proven.proof.found)
        tell_searched(watch.tell, [proven.proof])
        state[0] = UNATTESTED
        return sanitized(proven, run.how)


def _refuse_blockers(run: CleanRoom, plan: DatabasePlan) -> None:
    with run.target.connect() as conn:
        if journaled_schema(conn) is not None:
            return
        problems = find_blockers(conn, plan, "clean-room", run.how.wish.allow_event_triggers)
    if problems:
        again = (
            "" if run.schema_exists else "The target has its schema now and no rows: run again with --schema-exists."
        )
        raise RunRefusedError("refused before any row was copied:", problems, again)


def _copy(run: CleanRoom, plan: DatabasePlan, watch: Watch, state: list[Left]) -> None:
    told = engine_teller(watch.tell, "mask")

    def tell(stand: Stand) -> None:
        if stand.step == "clear":  # the journal is begun
            state[0] = LEFT
        told(stand)

    copy = CopyRun(
        source=run.source.connect,
        target=run.target.connect,
        plan=plan,
        key=run.how.key.secret,
        stop=watch.stop,
        on_connection=watch.connections.add,
        streams=run.how.streams,
        allow_event_triggers=run.how.wish.allow_event_triggers,
        keyring=run.how.wish.keyring,
    )
    report = copy_database(copy, tell)
    if report.anew:
        watch.tell(Progress("mask", "the source had changed since the run that was cut off: all was copied once more"))
    watch.tell(Progress("mask", f"{report.rows:,} rows of {counted(len(report.tables), 'table')}"))


def _prove(run: CleanRoom, outlook: Outlook, watch: Watch) -> DatabaseProof:
    check = VerifyRun(
        source=run.source.connect,
        target=run.target.connect,
        plan=outlook.require_plan(),
        key=run.how.key.secret,
        stop=watch.stop,
        on_connection=watch.connections.add,
        streams=run.how.streams,
    )
    return verify_database(check, engine_teller(watch.tell, "verify"))
