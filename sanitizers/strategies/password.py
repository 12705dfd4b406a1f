"""One known password for everybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Literal, Self

from psycopg import sql
from pydantic import Field, model_validator

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, at_least, not_unique, of

Scheme = Literal["bcrypt", "django", "custom"]
HASHES: Mapping[Scheme, str] = {
    "bcrypt": "$2b$10$branchwardenTestSaltaOx5titZV1I6JEMQPSFFKIFbgWOIS/jiq",
    "django": "pbkdf2_sha256$600000$branchwarden$B9XGWL3+iNTIgWcu/59V5QUF4YHywytwJPYqaDlpgpk=",
}
"""Of the password `branchwarden`, published, with salts that are no secret either."""


class Password(MaskingStrategy):
    """The hash of the password `branchwarden` for every login, so that people can log in to what they test.

    `bcrypt` is what Rails, Laravel and Node applications use, `django` its PBKDF2. For any other take
    `scheme = "custom"` and give the `hash` of a password of your own. Everybody who reaches such an application can log
    in as anybody: where it can be reached from outside, take `digest`, which no password opens.
    """

    kind: Literal["password"] = Field(default="password", alias="strategy")
    scheme: Scheme = "bcrypt"
    hash: str = ""
    digested: ClassVar[bool] = False
    residue: ClassVar[Residue] = "pool"

    @model_validator(mode="after")
    def _hash_belongs_to_custom(self) -> Self:
        if (self.scheme == "custom") != bool(self.hash):
            raise ValueError('hash and scheme = "custom" go together')
        return self

    @property
    def text(self) -> str:
        """The hash that everybody gets."""
        return self.hash or HASHES[self.scheme]

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for the hash, and not unique."""
        return (of("text"), at_least(len(self.text)), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """NULL stays NULL, and the empty text too: who has no password gets none."""
        return sql.SQL("(CASE WHEN {v} IS NOT NULL THEN CASE WHEN {v}::text = '' THEN '' ELSE {fake} END END)").format(
            v=inputs.value, fake=sql.Literal(self.text)
        )

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:  # noqa: ARG002
        """The hash."""
        return frozenset({self.text})
