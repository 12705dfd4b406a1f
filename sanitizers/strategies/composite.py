"""A composite value, by attribute."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.schema import Column
from sanitizers.strategies.inner import InnerParts
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.nested import masked_value, part_digest
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, Several, not_unique

_ROW = sql.SQL("""
(CASE WHEN num_nonnulls({value}) = 1 THEN (SELECT ROW({fakes})::{type}
  FROM (SELECT p.*{digests} FROM (SELECT {parts} OFFSET 0) AS p OFFSET 0) AS "part") END)
""")


class Composite(MaskingStrategy):
    """Masks the attributes that `attributes` names; of the others nothing is left, or with `rest = "keep"` all."""

    kind: Literal["composite"] = Field(default="composite", alias="strategy")
    attributes: InnerParts = Field(min_length=1)
    rest: Literal["null", "keep"] = "null"
    digested: ClassVar[bool] = False

    @property
    def checks(self) -> tuple[Check, ...]:
        """A composite type with these attributes, which fit their strategies."""
        return (self._composite, self._parts_fit, not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Every attribute in its place."""
        chosen = dict(self.attributes)
        strategies = [chosen.get(attribute.name) for attribute in column.attributes]
        pairs = [(n, a, s) for n, (a, s) in enumerate(zip(column.attributes, strategies, strict=True))]
        parts = [sql.SQL("({}).{} AS {}").format(inputs.value, sql.Identifier(a.name), _value(n)) for n, a, _ in pairs]
        digests = [
            sql.SQL(", {} AS {}").format(part_digest(s, a, sql.Identifier("p", f"v{n}")), _digest(n))
            for n, a, s in pairs
            if s
        ]
        fakes = [self._fake(inputs, *pair) for pair in pairs]
        return _ROW.format(
            value=inputs.value,
            fakes=sql.SQL(", ").join(fakes),
            type=sql.SQL(column.type),
            digests=sql.SQL("").join(digests),
            parts=sql.SQL(", ").join(parts),
        )

    def residue_in(self, column: Column) -> Residue:  # noqa: ARG002
        """Originals are what is masked inside; what is kept there is none, see `proof.inside`."""
        return "pool"

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:
        """What the strategies inside can produce."""
        known = {attribute.name: attribute for attribute in column.attributes}
        chosen = [(s, known[name]) for name, s in self.attributes if name in known]
        return Several(tuple(s.producible(a.inner if s.inside(a) and a.inner else a, locales) for s, a in chosen))

    def _fake(self, inputs: Inputs, n: int, attribute: Column, strategy: MaskingStrategy | None) -> sql.Composable:
        value = sql.Identifier("part", f"v{n}")
        if strategy is None and self.rest == "null":
            return sql.SQL("NULL")
        if strategy is None or isinstance(strategy, Keep):
            return value
        digest = sql.Identifier("part", f"d{n}")
        fake = masked_value(strategy, attribute, replace(inputs, value=value, digest=digest, mark=digest))
        return sql.SQL("({})::{}").format(fake, sql.SQL(attribute.type))

    def _composite(self, column: Column) -> str | None:
        unknown = column.kind == "" and column.category == "other"
        return None if column.kind == "c" or unknown else f"the column is {column.type}, no composite type"

    def _parts_fit(self, column: Column) -> str | None:
        return next(self._misfits(column), None) if column.attributes else None

    def _misfits(self, column: Column) -> Iterator[str]:
        known = {attribute.name: attribute for attribute in column.attributes}
        for name, strategy in self.attributes:
            if name not in known:
                yield f"{column.type} has no attribute {name}"
            elif problem := strategy.fits(known[name]):
                yield f"{name}: {strategy.kind} does not fit: {problem}"  # type: ignore[attr-defined]


def _value(number: int) -> sql.Identifier:
    return sql.Identifier(f"v{number}")


def _digest(number: int) -> sql.Identifier:
    return sql.Identifier(f"d{number}")
