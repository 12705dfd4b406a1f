"""`sanitize`, `connect`: a sanitized staging branch, and the way into it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from daemon.access import Door
from daemon.app import Asked, open_app
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, out, print_masked, was_given
from daemon.cli.ending import print_done
from daemon.cli.handover import hand_over
from daemon.cli.options import (
    EphemeralOption,
    EventTriggerOption,
    KeyOption,
    ModeOption,
    PolicyOption,
    SampleOption,
    chosen_key,
    chosen_keyring,
    chosen_policy,
    chosen_signing,
    known_mode,
)
from daemon.cli.plain import Ahead, Databases, Manner, print_preflight, sanitize_plain
from daemon.cli.progress import telling
from daemon.cli.roads import roads_table
from daemon.cli.signals import signals
from daemon.errors import StateLockedError, UsageError
from daemon.plain.outlook import Wish
from daemon.plain.run import How
from daemon.proven import roads_of
from daemon.settings import Settings, load_settings
from daemon.staging import Published


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(sanitize)
    app.command()(connect)


def sanitize(
    context: typer.Context,
    config: ConfigOption = None,
    project: ProjectOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the staging branch.", show_default=False)] = None,
    mode: ModeOption = "clean-room",
    source: Annotated[str | None, typer.Option(help="Any Postgres to copy from.", show_default=False)] = None,
    target: Annotated[str | None, typer.Option(help="Any Postgres to copy into.", show_default=False)] = None,
    in_place: Annotated[str | None, typer.Option(help="Any Postgres to mask where it is.", show_default=False)] = None,
    schema_exists: Annotated[
        bool, typer.Option("--schema-exists", help="--target has the schema, and no rows.")
    ] = False,
    policy: PolicyOption = None,
    sample: SampleOption = None,
    key: KeyOption = None,
    ephemeral_key: EphemeralOption = False,
    streams: Annotated[int, typer.Option(help="Connections at once to either end.", min=1, max=16)] = 2,
    allow_event_trigger: EventTriggerOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="--in-place asks for no name.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Preflight alone: nothing is created.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Spawn a sanitized staging branch: seal, mask, verify, publish. Exit 5 when nothing was published."""
    settings = load_settings(config)
    if key is not None and ephemeral_key:
        raise UsageError("--key and --ephemeral-key exclude each other")
    if yes and in_place is None:
        raise UsageError("--yes speaks of --in-place, and nothing else asks: leave it out")
    databases = Databases(source, target, in_place, schema_exists)
    if databases.given:
        if project is not None or name is not None or was_given(context, "mode"):
            raise UsageError("--project, --name and --mode are of runs on Neon: leave them out")
        decided = chosen_policy(settings, policy, sample)
        wish = Wish(
            "clean-room" if in_place is None else "in-place",
            decided,
            _all(allow_event_trigger),
            chosen_keyring(settings, decided),
        )
        signing = None if dry_run else chosen_signing(settings)
        how = How(wish, chosen_key(settings, key, ephemeral=ephemeral_key), streams, signing)
        sanitize_plain(databases, how, Manner(yes, dry_run, as_json))
        return
    asked = Asked(name, known_mode(mode), policy, key, ephemeral_key, streams, _all(allow_event_trigger), sample)
    _on_neon(settings, project, asked, Manner(yes, dry_run, as_json))


def _all(names: list[str] | None) -> tuple[str, ...]:
    return tuple(names or ())


def _on_neon(settings: Settings, project: str | None, asked: Asked, manner: Manner) -> None:
    with telling() as tell:
        try:
            with (
                open_app(settings, exclusive=not manner.dry_run, tell=tell) as app,
                signals(app.staging.abandon, app.staging.ahead),
            ):
                request = app.request(app.choose_one(project), "manual", asked)
                if manner.dry_run:
                    flight = app.preflight(request)
                    ahead = Ahead(flight.plan.digest, flight.coverage, flight.notes[1:])
                    print_preflight(ahead, as_json=manner.as_json)
                    return
                try:
                    published = app.sanitize(request)
                finally:
                    app.deliver()
        except StateLockedError as locked:
            if asked != Asked() or manner.dry_run or manner.as_json:
                raise UsageError(f"{locked} A running daemon takes a plain `sanitize` over, without options.") from None
            hand_over(settings, project, locked)
            return
    print_done(published) if manner.as_json else _print_published(published)


def connect(
    branch: Annotated[str, typer.Argument(help="A published staging branch, or a child of one.")],
    role: Annotated[str | None, typer.Option(help="Default: the owner of the database.", show_default=False)] = None,
    database: Annotated[str | None, typer.Option(help="Default: the first one.", show_default=False)] = None,
    form: Annotated[Literal["uri", "env"], typer.Option("--format", help="One line, or PG* variables.")] = "uri",
    config: ConfigOption = None,
    project: ProjectOption = None,
) -> None:
    """Print connection details, for sanitized branches only. They hold the password: stdout and nowhere else."""
    with open_app(load_settings(config), exclusive=False) as app:
        details = app.connection(app.choose(project), Door(branch, role, database))
    if form == "uri":
        typer.echo(details.uri)
        return
    for variable, value in details.environment.items():
        typer.echo(f"export {variable}={value}")


def _print_published(published: Published) -> None:
    proof = published.proof
    out.print(f"{clean(published.branch.name)} is published ({published.branch.id}).")
    print_masked(proof)
    out.print(roads_table(roads_of(proof)))
    out.print(f"  attestation: {clean(published.attestation)}", soft_wrap=True)
    for name in published.kept:
        out.print(f"  {clean(name)} is kept: it still has children")
    out.print(f"  next: branchwarden connect {clean(published.branch.name)}")
