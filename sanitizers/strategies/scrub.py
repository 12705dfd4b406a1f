"""Free text that stays readable, without what is personal in it."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from psycopg import sql
from pydantic import Field, model_validator

from sanitizers.formulas import rewritten
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, of

_EMPTY = sql.SQL(
    "(CASE left(btrim({}::text, E' \\t\\n\\r'), 1) WHEN '{{' THEN '{{}}' WHEN '[' THEN '[]' ELSE 'null' END)"
)


class Scrub(MaskingStrategy):
    """Keeps a text or a JSON document and replaces what is personal in it, by the fakes that columns get.

    That is what looks personal (addresses of mail, of the web and of machines, telephone numbers, cards, accounts,
    national ids), and the values of the masked columns of the same row and of the rows that it refers to. Python does
    it, on the rows as they stream by: a few thousand texts a second.
    """

    kind: Literal["scrub"] = Field(default="scrub", alias="strategy")
    residue: ClassVar[Residue] = "none"
    streamed: ClassVar[bool] = True

    @model_validator(mode="after")
    def _keeps_nothing(self) -> Self:
        if self.keep_if or self.keep_values:
            raise ValueError("a text without anything personal stays as it is anyway: take no keep_if or keep_values")
        return self

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text or JSON, not unique."""
        return (of("text", "json"),)

    def inside(self, column: Column) -> bool:  # noqa: ARG002
        """Texts stand in columns of their own."""
        return False

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """A stand-in for statements that are only tried: a text of the same form, a document with nothing in it."""
        if column.category == "json":
            return _EMPTY.format(inputs.value)
        return rewritten(sql.SQL("{}::text").format(inputs.value), inputs.digest, 1)
