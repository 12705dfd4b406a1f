"""`doctor`, `config check`: is everything in order."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from daemon.app import open_app, utc_now
from daemon.cli.common import ConfigOption, JsonOption, clean, out, print_json
from daemon.doctor import Answer, Verdict, examine, examine_without, heartbeat_age
from daemon.duration import format_duration
from daemon.errors import BranchwardenError, UsageError
from daemon.settings import load_settings, variables
from daemon.store import open_store

STYLE = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red", Verdict.UNKNOWN: "yellow"}


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(doctor)
    group = typer.Typer(no_args_is_help=True, help="The settings.")
    group.command("check")(check)
    app.add_typer(group, name="config")


def doctor(
    config: ConfigOption = None,
    heartbeat: Annotated[
        bool, typer.Option("--heartbeat", help="Only: does the scheduler live? For container health checks.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Is everything in order, what kind of key is used, what can it not see? Exit 1 with a failure, 3 unknown."""
    settings = load_settings(config)
    if heartbeat:
        if as_json:
            raise UsageError("--heartbeat answers with the exit code: leave --json out")
        with open_store(settings.state.path, exclusive=False) as store:
            alive, sentence = heartbeat_age(store.last_heartbeat(), utc_now())
        out.print(sentence)
        raise typer.Exit(0 if alive else 1)
    try:
        with open_app(settings, exclusive=False) as app:
            answers = examine(app)
    except BranchwardenError as error:
        answers = examine_without(settings, error)
    if as_json:
        print_json(answers)
    for answer in answers if not as_json else ():
        out.print(_line(answer), soft_wrap=True)
    verdicts = {answer.verdict for answer in answers}
    raise typer.Exit(1 if Verdict.FAIL in verdicts else 3 if Verdict.UNKNOWN in verdicts else 0)


def check(
    config: ConfigOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also list every setting as a variable.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read the settings and say what they come to. Exit 2 when something is wrong."""
    settings = load_settings(config)
    watched = settings.watched()
    settings.alerts.url()
    if as_json and everything:
        raise UsageError("--all lists variables for a person, --json prints every setting anyway: give one of them")
    if as_json:
        print_json(settings.model_dump(mode="json"))
        return
    every = format_duration(settings.schedule.every)
    out.print(f"The settings are in order: {', '.join(p.id for p in watched)}.")
    out.print(f"  mode {'enforce' if settings.enforce else 'observe'}, a cycle every {every}")
    out.print(f"  state {settings.state.path}, policy {settings.staging.policy}, keys {settings.keys.path}")
    for rule in settings.all_rules():
        out.print(
            f"  rule {rule.kind}: {rule.severity}, grace {format_duration(rule.grace)}{'' if rule.enabled else ', off'}"
        )
    for name in sorted(variables()) if everything else ():
        out.print(f"  {name}")


def _line(answer: Answer) -> Text:
    line = Text(f"{answer.verdict:<8}", STYLE[answer.verdict])
    return line.append(f"{answer.about:<24} ", "bold").append(clean(answer.sentence), "default")
