"""An hstore, by key."""

from __future__ import annotations

from typing import Literal

from psycopg import sql
from pydantic import Field

from sanitizers.schema import Column
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.inner import InnerParts, Parts
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.leaves import LeavesStrategy, columns, leaves
from sanitizers.strategies.null import Null
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, not_unique

# Functions of the extension's own schema: nobody's search path is to be relied on.
_HSTORE = sql.SQL("""
(CASE WHEN {value} IS NOT NULL THEN coalesce((
  SELECT {schema}.hstore(array_agg("leaf".key), array_agg({fake}))
  FROM (SELECT l.*{digests} FROM (SELECT q.*, {columns}
      FROM (SELECT e.key, e.value AS scalar, 'string' AS kind, {fate} AS fate FROM {schema}.each({value}) AS e) AS q
      WHERE q.fate >= -2 OFFSET 0) AS l OFFSET 0) AS "leaf"
), {schema}.hstore('{{}}'::text[])) END)
""")
_REST, _KEEP, _DROP = -1, -2, -3


class Hstore(LeavesStrategy):
    """Masks the values of `keys` and drops every other pair, or keeps it, or masks its value by `rest`.

    NULL stays NULL, and a value that is of another kind than its strategy fits becomes NULL. Keys stay as they are.
    """

    kind: Literal["hstore"] = Field(default="hstore", alias="strategy")
    keys: InnerParts = Field(min_length=1)

    @property
    def parts(self) -> Parts:
        """The strategies by key."""
        return self.keys

    @property
    def checks(self) -> tuple[Check, ...]:
        """The type of that name, and strategies that mask text."""
        return (_is_hstore, self._parts_fit, not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Pair by pair."""
        numbered = list(enumerate(strategy for _, strategy in self.named))
        fates = [
            sql.SQL("WHEN {} THEN {}").format(sql.Literal(key), sql.Literal(number))
            for number, (key, _) in enumerate(self.keys)
        ]
        other = {"drop": _DROP, "keep": _KEEP}.get(str(self.rest), len(self.keys))
        found = [(number, leaf) for number, strategy in numbered for leaf in leaves(strategy, f"digest {number} ")]
        digests = [
            sql.SQL(", CASE WHEN l.fate = {} THEN {} END AS {}").format(
                sql.Literal(number), leaf.drawn("l"), sql.Identifier(leaf.digest)
            )
            for number, leaf in found
        ]
        fakes = [self._case(inputs, number, strategy) for number, strategy in numbered]
        kept = sql.SQL('WHEN {} THEN "leaf".scalar').format(sql.Literal(_KEEP))
        return _HSTORE.format(
            value=inputs.value,
            schema=sql.Identifier(column.type_name[0] or "public"),
            fake=sql.SQL('CASE "leaf".fate {} {} END').format(sql.SQL(" ").join(fakes), kept),
            digests=sql.SQL("").join(digests),
            columns=columns(leaf for _, leaf in found),
            fate=sql.SQL("CASE e.key {} ELSE {} END").format(sql.SQL(" ").join(fates), sql.Literal(other)),
        )

    def _case(self, inputs: Inputs, number: int, strategy: MaskingStrategy) -> sql.Composable:
        if isinstance(strategy, Keep):
            fake: sql.Composable = sql.SQL('"leaf".scalar')
        elif isinstance(strategy, Null):
            fake = sql.SQL("NULL")
        elif isinstance(strategy, Constant):
            fake = sql.SQL('CASE WHEN "leaf".scalar IS NOT NULL THEN {} END').format(sql.Literal(strategy.text))
        else:
            fake = next(leaves(strategy, f"digest {number} ")).fake(inputs, "leaf")
        return sql.SQL("WHEN {} THEN {}").format(sql.Literal(number), fake)

    def _parts_fit(self, column: Column) -> str | None:  # noqa: ARG002
        for name, strategy in self.named:
            kinds = [leaf.digest for leaf in leaves(strategy, "")]
            if not isinstance(strategy, Keep | Null | Constant) and kinds[:1] != ["s"]:
                return f"{name}: it does not mask text"
        return None


def _is_hstore(column: Column) -> str | None:
    return None if column.bare_type == "hstore" else f"the column is {column.type}, no hstore"
