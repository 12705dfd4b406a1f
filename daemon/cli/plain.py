"""`sanitize` without Neon: from one plain Postgres into another, or one where it is."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.cli.common import clean, err, out, print_masked
from daemon.cli.ending import print_done
from daemon.cli.progress import telling
from daemon.cli.roads import roads_table
from daemon.cli.signals import signals
from daemon.errors import UsageError
from daemon.plain import CleanRoom, InPlace, Outlook, PlainDatabase, copy_masked, mask_in_place, parse_dsn
from daemon.plain.run import How, Sanitized
from daemon.progress import Watch


@dataclass(frozen=True)
class Databases:
    """The connection strings of the command line, as they were given."""

    source: str | None = None
    target: str | None = None
    in_place: str | None = None
    schema_exists: bool = False

    @property
    def given(self) -> bool:
        """Whether this is a run without Neon. Raises UsageError where the options do not fit together."""
        pair = self.source is not None or self.target is not None
        if pair and self.in_place is not None:
            raise UsageError("give --source and --target, or --in-place, not both")
        if pair and (self.source is None or self.target is None):
            raise UsageError("--source and --target go together: sanitize --source DSN --target DSN")
        if self.schema_exists and not pair:
            raise UsageError("--schema-exists speaks of --target: give --source and --target, or leave it out")
        return pair or self.in_place is not None


@dataclass(frozen=True)
class Manner:
    """How the command line wants it told and asked."""

    yes: bool
    dry_run: bool
    as_json: bool


@dataclass(frozen=True)
class Ahead:
    """What a run would be, after a preflight that found nothing in the way."""

    digest: str
    coverage: str
    notes: tuple[str, ...]


def sanitize_plain(databases: Databases, how: How, manner: Manner) -> None:
    """Run it and print what came of it."""
    with telling() as tell:
        watch = Watch(tell)
        with signals(watch.abandon, watch.ahead):
            done = _run(databases, how, manner, watch)
    if done is not None:
        print_done(done) if manner.as_json else _print(done)


def _run(databases: Databases, how: How, manner: Manner, watch: Watch) -> Sanitized | None:
    if databases.in_place is not None:
        database = parse_dsn("--in-place", databases.in_place, watch.connections.add)
        run = InPlace(database, how, unattended=manner.yes)
        if manner.dry_run:
            print_preflight(_ahead(run.look(watch)), as_json=manner.as_json)
            return None
        return mask_in_place(run, lambda outlook: _confirm(database, outlook, manner), watch)
    source = parse_dsn("--source", databases.source or "", watch.connections.add)
    target = parse_dsn("--target", databases.target or "", watch.connections.add)
    room = CleanRoom(source, target, how, databases.schema_exists)
    if manner.dry_run:
        print_preflight(_ahead(room.look(watch)[0]), as_json=manner.as_json)
        return None
    return copy_masked(room, watch)


def _confirm(database: PlainDatabase, outlook: Outlook, manner: Manner) -> None:
    """Whoever pasted the wrong connection string notices here: the name has to be typed."""
    if manner.yes:
        return
    err.print(f"Every personal value in {clean(database.place)} is going to be replaced. There is no way back.")
    if outlook.facts.sessions:
        err.print(f"Other sessions connected to it right now: {outlook.facts.sessions}. A copy of your own has none.")
    err.print(f"Type the name of the database to go on ({clean(outlook.facts.name)}): ", end="")
    try:
        typed = input()
    except EOFError:
        typed = ""
    if typed.strip() != outlook.facts.name:
        raise UsageError("the name was not typed: nothing was changed")


def _ahead(outlook: Outlook) -> Ahead:
    return Ahead(outlook.plan.digest if outlook.plan else "", outlook.coverage, outlook.notes)


def print_preflight(ahead: Ahead, *, as_json: bool) -> None:
    """Print what `--dry-run` came to."""
    if as_json:
        print_done(ahead)
        return
    for note in (ahead.coverage, *ahead.notes):
        out.print(f"  {clean(note)}", soft_wrap=True)
    out.print("Preflight finds nothing that stands in the way. Nothing was created or changed.")


def _print(done: Sanitized) -> None:
    proof = done.proof
    out.print(f"{clean(done.place)} is sanitized.")
    out.print(f"  {proof['coverage']}", soft_wrap=True)
    print_masked(proof)
    out.print(roads_table(done.roads))
    for note in done.notes:
        out.print(f"  {clean(note)}", soft_wrap=True)
    out.print(f"  attestation: {clean(str(done.attestation))}", soft_wrap=True)
