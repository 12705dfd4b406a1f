"""Assembles the command groups and turns every error into a sentence and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from typer.exceptions import Abort, TyperException

from daemon.cli import (
    branches,
    cycles,
    databases,
    decrypt,
    demo,
    emulator,
    exceptions,
    keys,
    plans,
    records,
    staging,
    upkeep,
    verify,
)
from daemon.cli.ending import Ending, end, ending_of
from daemon.errors import BranchwardenError, UsageError
from daemon.log import hush_driver
from sanitizers.errors import SanitizerError

app = typer.Typer(
    name="branchwarden",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps the branches of a Neon Postgres project few, fresh and free of personal data.",
)
for group in (
    demo,
    cycles,
    branches,
    databases,
    plans,
    staging,
    verify,
    records,
    exceptions,
    keys,
    decrypt,
    upkeep,
    emulator,
):
    group.add_to(app)


@app.callback(invoke_without_command=True)
def _branchwarden(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show_version:
        typer.echo(f"branchwarden {version('branchwarden')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> NoReturn:
    """Run the command line and exit: 0 clean, 1 findings, 2 usage, 3 incomplete, 4 API, 5 no sanitize run published."""
    hush_driver()
    sys.exit(_run())


def _run() -> int:  # noqa: PLR0911  # one line per kind of end
    try:
        return app(standalone_mode=False) or 0
    except TyperException as error:
        message = error.format_message().rstrip(".")
        if not message:  # a group without a command has shown its help
            return 0
        return end(ending_of(UsageError(f"{message}: `branchwarden --help` shows what there is")))
    except (Abort, KeyboardInterrupt):
        return end(Ending(130, "interrupted", "interrupted", ("interrupted",)))
    except (BranchwardenError, SanitizerError) as error:
        return end(ending_of(error))
    except BrokenPipeError:
        # The reader of a pipe has enough; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  # the last resort: a stack trace would quote values to the terminal
        sentence = _internal(error)
        return end(Ending(70, "internal", sentence, (sentence,)))


def _internal(error: Exception) -> str:
    """Where it happened and what kind it is; not its text, which may quote a value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"  # noqa: PTH119  # a frame's file name is no path of ours
    return f"internal error: {type(error).__name__} at {place}; this is a mistake in branchwarden, please report it"
