"""`sanitize` without Neon: from one plain Postgres into another, or one where it is."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.cli.common import clean, err, out, print_json
from daemon.cli.progress import telling
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
            raise UsageError("--source and --target go together")
        if self.schema_exists and not pair:
            raise UsageError("--schema-exists speaks of --target: give --source and --target")
        return pair or self.in_place is not None


@dataclass(frozen=True)
class Manner:
    """How the command line wants it told and asked."""

    yes: bool
    dry_run: bool
    as_json: bool


def sanitize_plain(databases: Databases, how: How, manner: Manner) -> None:
    """Run it and print what came of it."""
    with telling() as tell:
        watch = Watch(tell)
        with signals(watch.abandon):
            done = _run(databases, how, manner, watch)
    if done is not None:
        print_json(done) if manner.as_json else _print(done)


def _run(databases: Databases, how: How, manner: Manner, watch: Watch) -> Sanitized | None:
    if databases.in_place is not None:
        database = parse_dsn("--in-place", databases.in_place)
        run = InPlace(database, how, unattended=manner.yes)
        if manner.dry_run:
            _print_outlook(run.look())
            return None
        return mask_in_place(run, lambda outlook: _confirm(database, outlook, manner), watch)
    source, target = parse_dsn("--source", databases.source or ""), parse_dsn("--target", databases.target or "")
    room = CleanRoom(source, target, how, databases.schema_exists)
    if manner.dry_run:
        _print_outlook(room.look()[0])
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


def _print_outlook(outlook: Outlook) -> None:
    for note in (outlook.coverage, *outlook.notes):
        out.print(f"  {clean(note)}", soft_wrap=True)
    out.print("Nothing that was looked at stands in the way. Nothing was changed.")


def _print(done: Sanitized) -> None:
    proof = done.proof
    out.print(f"{clean(done.place)} is sanitized.")
    out.print(f"  {proof['coverage']}", soft_wrap=True)
    out.print(f"  {proof['rows']:,} rows in {proof['tables']} tables, {proof['columns masked']} columns masked")
    out.print(f"  {proof['original values searched']:,} original values searched for, {proof['found']} found")
    for note in done.notes:
        out.print(f"  {clean(note)}", soft_wrap=True)
