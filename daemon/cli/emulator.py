"""`emulator`: a local Neon alone, for trying things out and for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.common import err
from daemon.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(emulator)


def emulator(
    seed: Annotated[str, typer.Option(help="`demo`, `empty`, or a folder with a project.toml.")] = "demo",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the API; 0 takes a free one.")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Folder that keeps the data; without it they go at the end.", show_default=False)
    ] = None,
) -> None:
    """Run a Neon of your own on this machine: API v2 on real Postgres. Ends with SIGTERM or Ctrl-C."""
    try:
        from emulator.__main__ import run
        from emulator.errors import EmulatorError
        from emulator.server import Tuning
    except ModuleNotFoundError as error:
        raise UsageError(missing(error)) from None
    try:
        run(seed, data=data, port=port, tuning=Tuning(tell=err.print))
    except EmulatorError as error:
        raise UsageError(str(error)) from None


def missing(error: ModuleNotFoundError) -> str:
    """What to do when the emulator or its Postgres is not installed."""
    return f"{error.name} is not installed: the emulator needs the extra, pip install 'branchwarden[demo]'"
