"""A JSON object with nothing but the members that are named."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.json_text import refused_by_jsonb
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, of


class JsonOnly(MaskingStrategy):
    """Keeps `members` of a JSON object as they are and drops all others; what is no object becomes `{}`.

    For documents that other columns are generated from, as `id` is from `raw_json` in Neon Auth's `users_sync`: an
    empty object would leave them without their keys. Members that are null are dropped, too.
    """

    kind: Literal["json_only"] = Field(default="json_only", alias="strategy")
    members: tuple[str, ...] = Field(min_length=1)
    digested: ClassVar[bool] = False

    @property
    def checks(self) -> tuple[Check, ...]:
        """JSON of either kind."""
        return (of("json"),)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """NULL stays NULL; of what jsonb cannot hold nothing is kept."""
        document = sql.SQL("{}::jsonb").format(inputs.value)
        if column.bare_type == "json":
            refused = refused_by_jsonb(sql.SQL("{}::text").format(inputs.value))
            document = sql.SQL("(CASE WHEN {} THEN '{{}}' ELSE {}::text::jsonb END)").format(refused, inputs.value)
        pairs = sql.SQL(", ").join(
            sql.SQL("{name}, {document} -> {name}").format(name=sql.Literal(member), document=document)
            for member in self.members
        )
        return sql.SQL("(CASE WHEN {} IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object({})) END)").format(
            inputs.value, pairs
        )
