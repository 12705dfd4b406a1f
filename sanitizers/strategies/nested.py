"""Values inside values: elements of arrays, members of documents.

Each is drawn by itself and by nothing else, so that it gets the fake that the same value gets in a column of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql

from sanitizers.persons import own_source
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Inputs, MaskingStrategy

# unnest stands where it yields one value: in FROM it takes composite values apart.
_ARRAY = sql.SQL("""
(CASE WHEN array_ndims({value}) IS NULL THEN {value}
  ELSE (SELECT CASE WHEN array_ndims({value}) = 1 AND array_lower({value}, 1) = 1 THEN "masked".flat ELSE {shaped} END
    FROM (SELECT array_agg(({fake})::{type} ORDER BY "element".n) AS flat
      FROM (SELECT "each".value, "each".n, {digest} AS digest
        FROM (SELECT unnest({value}) AS value, generate_series(1, cardinality({value})) AS n) AS "each" OFFSET 0
        ) AS "element") AS "masked") END)
""")

# Other shapes are written as Postgres writes them, [0:1][1:2]={{{{...}},{{...}}}}, and read again: a brace opens where
# a multiple of the elements of its dimension begins.
_SHAPED = sql.SQL("""
(SELECT (array_dims({value}) || '=' || string_agg(
    repeat('{{', "edge".opens) || "edge".text || repeat('}}', "edge".closes), {between} ORDER BY "edge".n))::{type}[]
FROM (SELECT "each".n,
    coalesce('"' || replace(replace("each".v::text, {slash}, {slashes}), '"', {quote}) || '"', 'NULL') AS text,
    (SELECT count(*)::int FROM unnest("shape".sizes) AS size WHERE ("each".n - 1) % size = 0) AS opens,
    (SELECT count(*)::int FROM unnest("shape".sizes) AS size WHERE "each".n % size = 0) AS closes
  FROM (SELECT (ARRAY[{sizes}])[: array_ndims({value})] AS sizes) AS "shape",
    (SELECT unnest("masked".flat) AS v, generate_series(1, cardinality("masked".flat)) AS n) AS "each") AS "edge")
""")
_DIMENSIONS = 6  # Postgres has no more


def masked_array(strategy: MaskingStrategy, element: Column, inputs: Inputs) -> sql.Composable:
    """SQL for an array, element by element: dimensions and bounds stay, and NULL and empty ones as they are."""
    return _ARRAY.format(
        value=inputs.value,
        shaped=_shaped(element, inputs.value),
        fake=masked_part(strategy, element, inputs, "element"),
        type=sql.SQL(element.type),
        digest=part_digest(strategy, element, sql.Identifier("each", "value")),
    )


def _shaped(element: Column, value: sql.Composable) -> sql.Composable:
    lengths = [sql.SQL("coalesce(array_length({}, {}), 1)").format(value, n + 1) for n in range(_DIMENSIONS)]
    return _SHAPED.format(
        value=value,
        type=sql.SQL(element.type),
        sizes=sql.SQL(", ").join(sql.SQL(" * ").join(lengths[n:]) for n in range(_DIMENSIONS)),
        between=sql.Literal(";" if element.bare_type == "box" else ","),
        slash=sql.Literal("\\"),
        slashes=sql.Literal("\\\\"),
        quote=sql.Literal('\\"'),
    )


def part_digest(strategy: MaskingStrategy, column: Column, value: sql.Composable) -> sql.Composable:
    """SQL for the digest that a value of this type is drawn by."""
    if not strategy.digested or strategy.inside(column):
        return sql.SQL("NULL::bytea")
    return own_source(strategy, column).of_value(value)


def masked_part(strategy: MaskingStrategy, column: Column, inputs: Inputs, alias: str) -> sql.Composable:
    """SQL for the fake of `alias`.value, whose digest is `alias`.digest."""
    value, digest = sql.Identifier(alias, "value"), sql.Identifier(alias, "digest")
    return masked_value(strategy, column, replace(inputs, value=value, digest=digest, mark=digest))


def masked_value(strategy: MaskingStrategy, column: Column, inputs: Inputs) -> sql.Composable:
    """SQL for the fake of a value by itself, or the value where the strategy keeps it."""
    if strategy.inside(column) and column.inner is not None:
        return masked_array(strategy, column.inner, inputs)
    fake = strategy.expression(column, inputs)
    if not strategy.keep_values:
        return fake
    typed = sql.SQL("({})::{}").format(fake, sql.SQL(column.type))
    kept = kept_value(strategy.keep_values, inputs.value)
    return sql.SQL("(CASE WHEN {} THEN {} ELSE {} END)").format(kept, inputs.value, typed)


def kept_value(patterns: Sequence[str], value: sql.Composable) -> sql.Composable:
    """SQL that is true for a value that is on the list."""
    likes = [_like(pattern) for pattern in patterns]
    return sql.SQL('(lower({}::text COLLATE "C") LIKE ANY ({}::text[])) IS TRUE').format(value, sql.Literal(likes))


def _like(pattern: str) -> str:
    plain = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return "".join(c.lower() if c.isascii() else c for c in plain)
