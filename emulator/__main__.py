"""python -m emulator: a local Neon until it is told to stop."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from emulator.errors import EmulatorError
from emulator.server import Emulator, Tuning, running

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; exit code 0, or 2 when the emulator cannot start."""
    options = _parser().parse_args(arguments)
    try:
        run(options.seed, data=options.data, port=options.port, tuning=Tuning(idle=options.idle, tell=_note))
    except EmulatorError as error:
        _note(str(error))
        return 2
    return 0


def run(place: str | Path | None, *, data: Path | None, port: int, tuning: Tuning) -> None:
    """Run an emulator and greet, until the first SIGINT or SIGTERM, also while it loads; raises EmulatorError."""
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    with contextlib.suppress(KeyboardInterrupt), running(place, data=data, port=port, tuning=tuning) as emulator:
        print(greeting(emulator), flush=True)  # noqa: T201
        while True:  # in turns: a signal that the system gives to another thread would not wake a long sleep
            time.sleep(0.2)


def _interrupt(*_: object) -> None:
    # Once is enough: nothing may disturb the servers' orderly stop.
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def greeting(emulator: Emulator) -> str:
    """Say how to reach it."""
    url, key, project = emulator.base_url, emulator.api_key, emulator.project_ids[0]
    return (
        f"Neon API:  {url}\n"
        f"API key:   {key}\n"
        f"Projects:  {', '.join(emulator.project_ids)}\n"
        f"Postgres:  localhost:{emulator.proxy_port} (plaintext, loopback only)\n"
        f"Data:      {emulator.folder}\n"
        f"Try:       curl -H 'Authorization: Bearer {key}' {url}/projects/{project}/branches"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    parser.add_argument(
        "--seed", default=None, help="demo, or a folder with a project.toml; an empty project otherwise"
    )
    parser.add_argument("--port", type=int, default=0, help="port of the HTTP API; a free one otherwise")
    parser.add_argument("--data", type=Path, default=None, help="folder that keeps the data; gone at the end otherwise")
    parser.add_argument("--idle", type=float, default=300.0, help="seconds after which an unused branch is stopped")
    return parser


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
