"""What can go wrong while masking. No message ever holds a value of a table.

SanitizerError
├── PolicyError      the masking policy cannot be read or contradicts itself
├── PlanError        schema and policy do not make a plan; lists every problem
├── SealError        a database cannot be sealed
├── CopyFailedError  the copy did not arrive whole
│   ├── CatalogsDifferError  source, target and plan are not of the same schema
│   ├── UnfinishedRunError   another run was cut off in this database and this one cannot go on with it
│   └── BlockedError         something must be changed before the run may begin; lists everything
├── ResidueError     something of the original was found
└── AttestationError an attestation or a key for it cannot be read, or is signed by nobody who is trusted
"""

from __future__ import annotations

from collections.abc import Sequence


class SanitizerError(Exception):
    """Any error of the sanitizers; the message says what to do next."""


class PolicyError(SanitizerError):
    """The masking policy cannot be read or contradicts itself."""


class PlanError(SanitizerError):
    """Schema and masking policy do not make a plan; `problems` has a sentence for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SealError(SanitizerError):
    """A database cannot be sealed, so nothing may be copied from or into it."""


class CopyFailedError(SanitizerError):
    """The copy stopped or did not arrive whole."""

    lasting = False
    """Whether values or constraints are the reason, so that the same run would fail alike."""


class CatalogsDifferError(CopyFailedError):
    """Source, target and plan are not of the same schema: discard the target and try once more."""


class UnfinishedRunError(CopyFailedError):
    """A run was cut off here that this one cannot go on with: of another plan or key, or somebody has written since."""


class BlockedError(CopyFailedError):
    """Nothing was changed: `problems` has a sentence for everything that must be changed by a person first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


WAYS_OUT = (
    "Where the policy keeps such a column: mask it like the other one, or keep_values what may stay, or say that its"
    " values are nobody's (public = true). See docs/howto/masking-policy.md, Residue."
)


class ResidueError(SanitizerError):
    """Something of the original can still be read; `problems` says where, never what; `originals`: values are left."""

    def __init__(self, problems: Sequence[str], *, originals: bool = False) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([*self.problems, WAYS_OUT] if originals else self.problems))


class AttestationError(SanitizerError):
    """An attestation, or a key for one, cannot be read or trusted."""


class FieldError(SanitizerError):
    """A protected field, its key or its row is not as it should be."""


class NoTokenError(FieldError):
    """The text has not the form of a token: it was never encrypted, or it was cut or changed."""


class UnknownKeyError(FieldError):
    """The keyring does not have the key that the token names."""


class NotAuthenticError(FieldError):
    """The token does not open: its key, its place or its own text is not that of the encryption."""


class RowsError(FieldError):
    """A stream of rows cannot be read as the rows that were announced."""
