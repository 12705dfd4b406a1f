"""What can go wrong, as one tree. Every error says in one sentence what happened and what to do next.

BranchwardenError                 exit code
├── UsageError                    2   bad arguments
│   └── SettingsError             2   a setting, a config file or a masking policy is wrong
├── DatabaseUnreachableError      4   a database given by its connection string does not answer, or not to this role
├── StateError                    2   the state store cannot be used
│   ├── StateLockedError          2   another instance holds it
│   └── StateTooNewError          2   written by a newer branchwarden
├── NeonError                     4   Neon's API refused or did not answer
│   ├── NeonUnreachableError      4   no answer, or none that can be read
│   ├── WrongKeyError             4   401
│   ├── NotAllowedError           4   403, or 404 for a project that the key cannot see
│   ├── NotFoundError             4   404
│   ├── GoneError                 4   the branch or endpoint was there and is not any more
│   ├── ConflictError             4   409
│   ├── LockedError               4   423 to the last try
│   ├── RefusedError              4   any other 4xx: the request as such is refused
│   ├── OperationFailedError      4   an operation ended in failure or did not end
│   └── ObserveModeError          4   a write was tried while `enforce` is false
└── SanitizeError                 5   a sanitize run did not publish
    ├── RunRefusedError           5   refused before anything was created
    └── RunFailedError            5   failed on the way; the target stays sealed and expires
        └── StoppedError          5   the process was asked to end
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any


class BranchwardenError(Exception):
    """Any error that a user can do something about; the message is the whole explanation.

    `details` is what `--json` prints beside it.
    """

    exit_code = 1
    outcome = "findings"
    """The exit code's name."""
    details: Mapping[str, Any] = MappingProxyType({})


class UsageError(BranchwardenError):
    """The command line asks for something that cannot be."""

    exit_code = 2
    outcome = "usage"


class SettingsError(UsageError):
    """A setting, the config file or the masking policy is wrong."""


class DatabaseUnreachableError(BranchwardenError):
    """A database that was given by its connection string does not answer, or lets this role not in."""

    exit_code = 4
    outcome = "unreachable"


class StateError(BranchwardenError):
    """The state store cannot be opened, read or written."""

    exit_code = 2
    outcome = "usage"


class StateLockedError(StateError):
    """Another branchwarden holds the state store."""


class StateTooNewError(StateError):
    """The state store was written by a newer branchwarden."""


class NeonError(BranchwardenError):
    """Neon's API refused, failed or did not answer."""

    exit_code = 4
    outcome = "unreachable"


class NeonUnreachableError(NeonError):
    """No answer from the API, or none that can be read."""


class WrongKeyError(NeonError):
    """The API key is missing, wrong or revoked."""


class NotAllowedError(NeonError):
    """The API key is valid but may not do this."""


class NotFoundError(NeonError):
    """The API knows no such project, branch, role or endpoint."""


class GoneError(NeonError):
    """A branch or endpoint that was listed a moment ago is not there any more."""


class ConflictError(NeonError):
    """The name is taken, or the object is not in a state for this."""


class LockedError(NeonError):
    """Operations of the project kept running to the last try."""


class RefusedError(NeonError):
    """The API refuses the request as such; `code` is Neon's own, often empty, `status` is HTTP's."""

    def __init__(self, message: str, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class OperationFailedError(NeonError):
    """An operation ended in failure, or had not ended when waiting was given up."""


class ObserveModeError(NeonError):
    """A request that writes was tried in observe mode; it never left this process."""


class SanitizeError(BranchwardenError):
    """A sanitize run did not publish a branch."""

    exit_code = 5
    outcome = "failed"


class RunRefusedError(SanitizeError):
    """Refused by preflight: nothing was created. `problems` has a sentence for each reason; `after` follows them."""

    outcome = "refused"

    def __init__(self, message: str, problems: Sequence[str] = (), after: str = "") -> None:
        super().__init__("\n".join([message, *(f"  - {problem}" for problem in problems), *filter(None, [after])]))
        self.problems = tuple(problems) or (message,)


class RunFailedError(SanitizeError):
    """Failed after something was created; what is left is sealed and expires by itself."""


class StoppedError(RunFailedError):
    """The run was told to stop; what it made stays sealed and expires."""

    outcome = "stopped"
