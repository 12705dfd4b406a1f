"""How a command ended: a sentence on stderr, and one JSON object on stdout where `--json` was asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.cli.common import jsonable, print_json
from daemon.errors import BranchwardenError, UsageError
from sanitizers.errors import SanitizerError

SANITIZER_EXIT_CODE = 2
"""Outside a run, what the sanitizers refuse is the policy or the plan: configuration."""


@dataclass(frozen=True)
class Ending:
    """The end of a command that did not do what was asked; `details` is what it has to show all the same."""

    exit_code: int
    outcome: str
    """The exit code's name."""
    message: str
    problems: tuple[str, ...]
    """A sentence for each reason."""
    details: Mapping[str, Any] = field(default_factory=dict)


def ending_of(error: BranchwardenError | SanitizerError) -> Ending:
    """What an error comes to."""
    message = str(error)
    problems: tuple[str, ...] = getattr(error, "problems", (message,))
    if isinstance(error, SanitizerError):
        return Ending(SANITIZER_EXIT_CODE, UsageError.outcome, message, problems)
    return Ending(error.exit_code, error.outcome, message, problems, error.details)


def end(ending: Ending) -> int:
    """Tell how it ended; the exit code."""
    first, *rest = ending.message.splitlines() or [""]
    print(f"branchwarden: {first}", *rest, sep="\n", file=sys.stderr)  # noqa: T201  # the one place that prints errors
    if "--json" in sys.argv:  # whatever went wrong, also before the options were read
        about = {"exit_code": ending.exit_code, "outcome": ending.outcome, "problems": ending.problems}
        print_json({**ending.details, **about, "message": ending.message})
    return ending.exit_code


def print_done(value: Any) -> None:
    """Print what a run came to as JSON, with the exit code and its name as failures have them."""
    print_json({**jsonable(value), "exit_code": 0, "outcome": "clean", "problems": ()})
