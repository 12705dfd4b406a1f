"""As it is."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Inputs, MaskingStrategy, Residue, not_generated


class Keep(MaskingStrategy):
    """Copies the original.

    `public = true` says that the values are no secret (a list of countries, of products): an original of a masked
    column that is also found in this one is then no residue.
    """

    kind: Literal["keep"] = Field(default="keep", alias="strategy")
    public: bool = False
    masks: ClassVar[bool] = False
    digested: ClassVar[bool] = False
    injective: ClassVar[bool] = True
    residue: ClassVar[Residue] = "none"

    @property
    def masking(self) -> dict[str, object]:
        """`public` changes no value."""
        return {"kind": self.kind}

    def fits(self, column: Column) -> str | None:
        """Anything but a generated column."""
        return not_generated(column)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """The value."""
        return inputs.value
