"""A database is masked where it is: for a copy that somebody made and may spoil, never for production."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daemon.amounts import counted
from daemon.errors import RunRefusedError
from daemon.plain.outlook import Outlook, connected, look_ahead
from daemon.plain.run import How, Left, Proven, Sanitized, attest_failure, ending, looking, sanitized
from daemon.plain.server import PlainDatabase
from daemon.progress import Progress, Watch, breakable
from daemon.proven import engine_teller, tell_searched
from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.errors import ResidueError
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.witness import WitnessRun, witness_database
from sanitizers.seal import cut_neighbours

LEFT = Left(
    "The database may be half masked: nobody may use it. Run the same again, with the same policy and key: it goes on"
    " where this one ended. Or drop it.",
    "The database may be half masked: nobody may use it. The same again would fail alike. Either change or drop in the"
    " database what this says (the constraint or function of that name, or the rows of a table that is not masked yet)"
    " and run the same again: it goes on where this one ended. Or change the policy, drop the database and begin with"
    " a fresh copy.",
)
UNPROVEN = Left(
    "The database is masked but not proven: nobody may use it. Remove what was found and run the same again, which"
    " proves it anew, or drop it. To use it unproven all the same: DROP SCHEMA branchwarden_journal CASCADE."
)
UNATTESTED = Left("The database is masked and proven, but not attested: mask a fresh copy where you need that.")
UNTOUCHED = Left("No row was changed: run it again when it suits, with this policy and key or others.")
HALF = "An earlier run was cut off here: this one goes on where that one ended."


@dataclass(frozen=True)
class InPlace:
    """What is asked for. `unattended` means that nobody is there to be asked."""

    database: PlainDatabase
    how: How
    unattended: bool = False

    def look(self, watch: Watch) -> Outlook:
        """Everything that could refuse the run; nothing is changed. Raises RunRefusedError."""
        with looking(watch):
            return self._look()

    def _look(self) -> Outlook:
        outlook = look_ahead(self.database, self.how.wish, self.how.key.secret)
        name, sessions = outlook.facts.name, outlook.facts.sessions
        if outlook.facts.standby:
            raise RunRefusedError(
                f"{self.database.place} is a hot standby, which takes no writes: mask a copy of its own"
            )
        outlook.refuse()
        if self.unattended and sessions:
            raise RunRefusedError(
                f"{connected(outlook.facts)} connected to {name}, so it may be in use: end them, or leave --yes out"
                " and type the name"
            )
        return outlook


def mask_in_place(run: InPlace, confirm: Callable[[Outlook], None], watch: Watch) -> Sanitized:
    """Mask a database where it is, and prove it. `confirm` raises where a person does not want it.

    Raises:
        RunRefusedError: something must be changed first; nothing was touched.
        RunFailedError: it did not end, or something of the original was found.
    """
    started_at = run.how.clock()
    outlook = run.look(watch)
    for note in (outlook.coverage, *outlook.notes, *([HALF] if outlook.going_on else [])):
        watch.tell(Progress("preflight", note))
    with breakable(watch.ahead):
        confirm(outlook)
    state, proofs = [LEFT if outlook.going_on else UNTOUCHED], list[DatabaseProof]()
    with ending(watch, lambda: state[0]):
        with witness_database(_sight(run, outlook, watch), engine_teller(watch.tell, "verify")) as witness:

            def look() -> None:
                witness.look()
                state[0] = LEFT
                _cut_neighbours(run, watch)

            def prove() -> None:
                state[0] = UNPROVEN
                proof = witness.judge()
                if proof.problems:
                    attest_failure(Proven(run.database, outlook, proof, started_at), run.how, watch)
                    raise ResidueError(proof.problems, originals=proof.found)
                proofs.append(proof)

            report = rewrite_database(_rewrite(run, outlook, watch, (look, prove)), engine_teller(watch.tell, "mask"))
        watch.tell(Progress("mask", f"{report.rows:,} rows of {counted(len(report.tables), 'table')}"))
        (proof,) = proofs
        tell_searched(watch.tell, [proof])
        state[0] = UNATTESTED
        return sanitized(Proven(run.database, outlook, proof, started_at), run.how)


def _cut_neighbours(run: InPlace, watch: Watch) -> None:
    """A copy must not call production's neighbours, with production's passwords least of all."""
    with run.database.session() as conn:
        for what, count in cut_neighbours(conn).items():
            watch.tell(Progress("mask", f"{count} {what} of the copy removed or stopped"))


def _rewrite(run: InPlace, outlook: Outlook, watch: Watch, proof: tuple[Callable[[], None], ...]) -> RewriteRun:
    look, prove = proof
    return RewriteRun(
        look=look,
        prove=prove,
        connect=run.database.connect,
        plan=outlook.require_plan(),
        key=run.how.key.secret,
        stop=watch.stop,
        on_connection=watch.connections.add,
        allow_event_triggers=run.how.wish.allow_event_triggers,
        streams=run.how.streams,
        keyring=run.how.wish.keyring,
    )


def _sight(run: InPlace, outlook: Outlook, watch: Watch) -> WitnessRun:
    return WitnessRun(
        connect=run.database.connect,
        plan=outlook.require_plan(),
        key=run.how.key.secret,
        stop=watch.stop,
        on_connection=watch.connections.add,
    )
