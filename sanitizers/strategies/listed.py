"""Several values in one text: `ann@x.test, bob@y.test`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.schema import Column
from sanitizers.strategies.inner import Inner
from sanitizers.strategies.nested import masked_array
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, not_unique, of

PART = Column("part", "text")

# Empty parts are taken for NULL, which no strategy replaces, and come out empty again.
_LIST = sql.SQL("""
(SELECT array_to_string({fakes}, CASE WHEN strpos({value}, {separator} || ' ') > 0 THEN {separator} || ' '
  ELSE {separator} END, '')
FROM (SELECT ARRAY(SELECT nullif(btrim("part"), '')
  FROM unnest(string_to_array({value}, {separator})) WITH ORDINALITY AS u("part", n) ORDER BY n) AS value OFFSET 0
  ) AS "list" WHERE {value} IS NOT NULL)
""")


class Listed(MaskingStrategy):
    """Masks each part between separators with the strategy `of`; equal parts get the fakes of equal values anywhere."""

    kind: Literal["list"] = Field(default="list", alias="strategy")
    of: Inner
    separator: str = Field(default=",", min_length=1)
    digested: ClassVar[bool] = False

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text whose parts fit the strategy."""
        return (of("text"), self._parts_fit, not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """Taken apart, masked, put together with blanks where there were some."""
        fakes = masked_array(self.of, PART, replace(inputs, value=sql.Identifier("list", "value")))
        text = sql.SQL("{}::text").format(inputs.value)
        return _LIST.format(fakes=fakes, value=text, separator=sql.Literal(self.separator))

    def residue_in(self, column: Column) -> Residue:  # noqa: ARG002
        """As the parts."""
        return self.of.residue_in(PART)

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:  # noqa: ARG002
        """What a list of one part can be."""
        return self.of.producible(PART, locales)

    def _parts_fit(self, column: Column) -> str | None:  # noqa: ARG002
        problem = self.of.fits(PART)
        return f"of its parts {problem}" if problem else None
