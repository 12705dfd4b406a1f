"""The same value everywhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_network
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from sanitizers.schema import Category, Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, holder, not_unique

# How to tell that a text is a value of the category; Postgres itself has the last word.
_PARSERS: Mapping[Category, Callable[[str], object]] = {
    "integer": int,
    "number": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "uuid": uuid.UUID,
    "inet": lambda text: ip_network(text, strict=False),
    "json": json.loads,
    "boolean": lambda text: {"true": True, "false": False}[text],
}


class Constant(MaskingStrategy):
    """`value` in every row that is not NULL. Give arrays and JSON as Postgres writes them: `"{}"`."""

    kind: Literal["constant"] = Field(default="constant", alias="strategy")
    value: StrictBool | StrictInt | StrictFloat | StrictStr
    digested: ClassVar[bool] = False
    residue: ClassVar[Residue] = "pool"

    @property
    def text(self) -> str:
        """The value as Postgres reads it."""
        return json.dumps(self.value) if isinstance(self.value, bool) else str(self.value)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Not unique, of the right type, short enough."""
        return (not_unique, self._right_type, self._label, self._short_enough)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """NULL stays NULL."""
        typed = sql.SQL("{}::{}").format(sql.Literal(self.text), sql.SQL(column.type))
        return sql.SQL("(CASE WHEN {} IS NOT NULL THEN {} END)").format(inputs.value, typed)

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:  # noqa: ARG002
        """The value."""
        return frozenset({self.text})

    def _right_type(self, column: Column) -> str | None:
        try:
            _PARSERS.get(column.category, str)(self.text)
        except (ValueError, KeyError, InvalidOperation):
            return f"the value is no {column.type}"
        return None

    def _label(self, column: Column) -> str | None:
        if not column.labels or self.text in column.labels:
            return None
        return f"the value is no label of {column.type}"

    def _short_enough(self, column: Column) -> str | None:
        if column.max_length is None or len(self.text) <= column.max_length:
            return None
        return f"the value has {len(self.text)} characters, {holder(column)} {column.max_length}"
