"""The shape of strategies that are an SQL expression of people's own."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sanitizers.strategies.strategy import Check, MaskingStrategy, not_unique


class WrittenStrategy(MaskingStrategy):
    """An expression, the functions of the database that it may call, and whether its author says that it is unique."""

    expression_: str = Field(alias="expression", min_length=1)
    functions: tuple[str, ...] = ()
    unique: bool = False
    digested: ClassVar[bool] = False

    @property
    def keeps_unique(self) -> bool:
        """As its author says."""
        return self.unique

    @property
    def checks(self) -> tuple[Check, ...]:
        """Any type; Postgres judges the cast."""
        return () if self.unique else (not_unique,)
