"""A token that only those who hold the field key can take back."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from psycopg import sql
from pydantic import Field, model_validator

from sanitizers.fields.cipher import BLOCK, TAG_BYTES, longest_token
from sanitizers.fields.keyring import KEY_ID_LENGTH, SALTED_BYTES
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, holder

HOLDERS = frozenset({"text", "json", "bytea"})
"""Categories whose values can be a token; of arrays, those of their elements."""
STAND_IN = "bw0{}.{}."
"""How the stand-in for a token begins, which is none."""
_STAND_IN = sql.SQL("""
rpad({head} || encode({digest}, 'hex'), {fixed} + (4 * ({more} + {block} * (1 + {octets} / {block})) + 2) / 3, 'A')
""")


class Encrypt(MaskingStrategy):
    """`bw1r.<key id>.<base64url>`: AES-256-GCM, and `branchwarden decrypt` for those who hold the field key.

    `deterministic = true`: equal values get equal tokens (`bw1d.…`, AES-256-GCM-SIV), for keys, references and what is
    searched by equality. A reference is encrypted in the place of the column that it leads to. Stays unique. Python
    makes the tokens, on the rows as they stream by. `of` is for values of types that hold no token, in a text column.
    """

    kind: Literal["encrypt"] = Field(default="encrypt", alias="strategy")
    deterministic: bool = False
    of: str = ""
    """Another column of the row, of any type, whose value is encrypted here; empty: the column's own."""
    injective: ClassVar[bool] = True
    streamed: ClassVar[bool] = True

    @model_validator(mode="after")
    def _keeps_nothing(self) -> Self:
        if self.keep_if or self.keep_values:
            raise ValueError("a value that stayed would be plaintext: take no keep_if or keep_values")
        return self

    @property
    def checks(self) -> tuple[Check, ...]:
        """A type that can hold a token, with room for the shortest."""
        return (_holds, self._room)

    def inside(self, column: Column) -> bool:  # noqa: ARG002
        """An array becomes an array of one token, which is that of the whole."""
        return False

    def different(self, column: Column) -> int | None:  # noqa: ARG002
        """Tokens are equal where values are, if at all."""
        return None

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """A stand-in as long as the token, for statements that are only tried: tokens are made as rows stream by."""
        mode = "d" if self.deterministic else "r"
        token = _STAND_IN.format(
            head=sql.Literal(STAND_IN.format(mode, "0" * KEY_ID_LENGTH)),
            digest=inputs.digest,
            fixed=sql.Literal(len(STAND_IN.format(mode, "")) + KEY_ID_LENGTH),
            more=sql.Literal(TAG_BYTES + (0 if self.deterministic else SALTED_BYTES)),
            block=sql.Literal(BLOCK),
            octets=sql.SQL("octet_length({}::text)").format(inputs.value),
        )
        return _written(column, token)

    def longest(self, octets: int) -> int:
        """Characters of the token of a value of so many bytes."""
        return longest_token(octets, "0" * KEY_ID_LENGTH, deterministic=self.deterministic)

    def _room(self, column: Column) -> str | None:
        least, width = self.longest(0), token_width(column)
        if width is None or width >= least:
            return None
        return f"{holder(column)} {width} characters, the shortest token has {least}: make it text"


def token_width(column: Column) -> int | None:
    """Characters of the longest token that the column, or an element of it, has room for; None: any."""
    return column.element.max_length if column.category == "array" and column.element else column.max_length


def token_category(column: Column) -> str:
    """Of the column, or of its elements: how a token is written in it."""
    return column.element.category if column.category == "array" and column.element else column.category


def _holds(column: Column) -> str | None:
    held = column.element if column.category == "array" else column
    if held is not None and held.category in HOLDERS and held.bare_type not in {"name", '"char"'}:
        return None
    return f"the column is {column.type}, which cannot hold a token: make it text, or choose another strategy"


def _written(column: Column, token: sql.Composable) -> sql.Composable:
    match token_category(column):
        case "json":
            token = sql.SQL("('\"' || {} || '\"')").format(token)
        case "bytea":
            token = sql.SQL("convert_to({}, 'UTF8')").format(token)
    if column.category != "array":
        return token
    return sql.SQL("(CASE WHEN {} IS NOT NULL THEN ARRAY[{}] END)").format(token, token)
