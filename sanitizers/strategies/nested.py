"""Values inside values: elements of arrays, members of documents.

Each is drawn by itself and by nothing else, so that it gets the fake that the same value gets in a column of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql

from sanitizers.digests import DigestSource
from sanitizers.persons import own_source
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Inputs, MaskingStrategy

_ARRAY = sql.SQL("""
(CASE WHEN array_ndims({value}) IS NULL THEN {value}
  WHEN array_ndims({value}) > 2 OR array_lower({value}, 1) <> 1 OR array_lower({value}, 2) <> 1 THEN '{{}}'
  ELSE (SELECT CASE array_ndims({value}) WHEN 1 THEN "masked".flat ELSE (
      SELECT array_agg("masked".flat[(i - 1) * array_length({value}, 2) + 1 : i * array_length({value}, 2)] ORDER BY i)
      FROM generate_series(1, array_length({value}, 1)) AS i) END
    FROM (SELECT array_agg(({fake})::{type} ORDER BY "element".n) AS flat
      FROM (SELECT "each".value, "each".n, {digest} AS digest
        FROM unnest({value}) WITH ORDINALITY AS "each" (value, n) OFFSET 0) AS "element") AS "masked") END)
""")


def masked_array(strategy: MaskingStrategy, element: Column, inputs: Inputs) -> sql.Composable:
    """SQL for an array, element by element, NULL and empty ones as they are; of one or two dimensions.

    Arrays of more dimensions, or that do not begin at 1, become empty ones: they cannot be built again by SQL alone.
    """
    return _ARRAY.format(
        value=inputs.value,
        fake=masked_part(strategy, element, inputs, "element"),
        type=sql.SQL(element.type),
        digest=part_digest(strategy, element, sql.Identifier("each", "value")),
    )


def part_digest(strategy: MaskingStrategy, column: Column, value: sql.Composable) -> sql.Composable:
    """SQL for the digest that a value of this type is drawn by."""
    return part_source(strategy, column).of_value(value) if strategy.digested else sql.SQL("NULL::bytea")


def part_source(strategy: MaskingStrategy, column: Column) -> DigestSource:
    """What a value that stands for itself is drawn by."""
    return own_source(strategy, column)


def masked_part(strategy: MaskingStrategy, column: Column, inputs: Inputs, alias: str) -> sql.Composable:
    """SQL for the fake of `alias`.value, whose digest is `alias`.digest."""
    value, digest = sql.Identifier(alias, "value"), sql.Identifier(alias, "digest")
    fake = strategy.expression(column, replace(inputs, value=value, digest=digest, mark=digest))
    if not strategy.keep_values:
        return fake
    typed = sql.SQL("({})::{}").format(fake, sql.SQL(column.type))
    return sql.SQL("(CASE WHEN {} THEN {} ELSE {} END)").format(kept_value(strategy.keep_values, value), value, typed)


def kept_value(patterns: Sequence[str], value: sql.Composable) -> sql.Composable:
    """SQL that is true for a value that is on the list."""
    likes = [_like(pattern) for pattern in patterns]
    return sql.SQL('(lower({}::text COLLATE "C") LIKE ANY ({}::text[])) IS TRUE').format(value, sql.Literal(likes))


def _like(pattern: str) -> str:
    plain = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return "".join(c.lower() if c.isascii() else c for c in plain)
