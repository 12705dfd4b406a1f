"""What can go wrong, as one tree.

EmulatorError        the emulator cannot start or go on; one sentence for the person who started it
├── SeedError        the seed folder is wrong
└── PostgresError    a Postgres program failed or a server did not start
ApiError             a request is refused: becomes `{code, message, request_id}` with an HTTP status
"""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator cannot start or go on; the message is the whole explanation."""


class SeedError(EmulatorError):
    """The seed folder, its project.toml or one of its SQL files is wrong."""


class PostgresError(EmulatorError):
    """A Postgres program failed, or a server did not start."""


class ApiError(Exception):
    """A request is refused the way Neon refuses it."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
