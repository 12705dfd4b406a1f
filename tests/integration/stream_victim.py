"""A clean-room run that kills itself at one point: python -m tests.integration.stream_victim < arguments as JSON.

Arguments: source, target (DSNs), strategies, step and about (where to die), changes (of the CopyRun).
"""

from __future__ import annotations

import json
import os
import signal
import sys

import psycopg

from sanitizers.engines.stream import CopyRun, Progress, copy_database
from tests.integration.stream_case import KEY, plan_of


def main() -> None:
    arguments = json.load(sys.stdin)

    def die(progress: Progress) -> None:
        if progress.step == arguments["step"] and arguments["about"] in progress.about:
            os.kill(os.getpid(), signal.SIGKILL)

    run = CopyRun(
        source=lambda _: psycopg.connect(arguments["source"]),
        target=lambda _: psycopg.connect(arguments["target"]),
        plan=plan_of(arguments["source"], arguments["strategies"]),
        key=KEY,
        **arguments["changes"],
    )
    copy_database(run, die)


if __name__ == "__main__":
    main()
