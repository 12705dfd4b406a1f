"""A clean-room run in a process of its own, which tells how much memory it needed at most.

python -m tests.integration.peers_memory < arguments as JSON: source and target (DSNs), strategies.
"""

from __future__ import annotations

import json
import resource
import sys

import psycopg

from sanitizers.engines.stream import CopyRun, copy_database
from tests.integration.stream_case import KEY, plan_of


def main() -> None:
    arguments = json.load(sys.stdin)
    plan = plan_of(arguments["source"], arguments["strategies"])
    run = CopyRun(
        lambda _: psycopg.connect(arguments["source"]), lambda _: psycopg.connect(arguments["target"]), plan, KEY
    )
    copy_database(run, lambda _: None)
    # Kilobytes or bytes, as the system likes.
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


if __name__ == "__main__":
    main()
