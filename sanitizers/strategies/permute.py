"""Another number, and never the same for two."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.digests import digest_of
from sanitizers.folding import ascii_alone, text_bytes
from sanitizers.formulas import MARK_BYTES, mark, rewritten
from sanitizers.schema import Column
from sanitizers.strategies.strategy import MARKS, Check, Inputs, MaskingStrategy, Residue, at_least, of

ROUNDS = 6
"""Halves of the value that are changed by the other half. Three rounds each way leave no pattern."""
FEWEST_BITS = 15  # smaller numbers would have next to no others to change places with
MOST_BITS = 63
MOST_CHARACTERS = 64  # 32 bytes of a digest for each half
BLURRED = "its collation holds different texts for equal, which fakes may then be"

_MAGNITUDE = sql.SQL("""
SELECT m & ((1::bigint << bits) - 1) AS low, (m >> bits) << bits AS high, bits, bits / 2 AS half
FROM (SELECT m, {fewest} - 1 + greatest(1, width_bucket(m, {powers}::bigint[])) AS bits
  FROM (SELECT CASE WHEN {value} < 0 THEN -1 - {value} ELSE {value} END::bigint AS m OFFSET 0) AS a OFFSET 0) AS b
""")
_HALVES = sql.SQL("SELECT low >> half AS x, low & ((1::bigint << half) - 1) AS y, bits, half, high FROM ({}) AS c")
_NUMBER_ROUND = sql.SQL("""
SELECT x AS y, y # (((get_byte(d, 0)::bigint << 24) | (get_byte(d, 1) << 16) | (get_byte(d, 2) << 8) | get_byte(d, 3))
  & ((1::bigint << {width}) - 1)) AS x, bits, half, high
FROM (SELECT *, {digest} AS d FROM ({inner}) AS e OFFSET 0) AS f OFFSET 0
""")
_JOINED = sql.SQL("""
(SELECT CASE WHEN {value} < 0 THEN -1 - n ELSE n END FROM (
  SELECT high | (x << half) | y AS n FROM ({}) AS g OFFSET 0) AS h)
""")

_TEXT_HALVES = sql.SQL("""
SELECT left(v, length(v) / 2) AS x, substr(v, length(v) / 2 + 1) AS y FROM (SELECT {value} AS v OFFSET 0) AS a
""")
_TEXT_ROUND = sql.SQL("""
SELECT {rewritten} AS x, x AS y FROM (SELECT *, {digest} AS d FROM ({inner}) AS e OFFSET 0) AS f OFFSET 0
""")


class Permute(MaskingStrategy):
    """A number of the same size, a text of the same form; different originals always get different fakes.

    A keyed permutation, so that unique columns and keys made of numbers stay unique, however many rows there are, and
    the same value is the same fake in every table. Texts beyond ASCII or very long have none: 64 bits keep them apart.
    Numbers keep their sign and their number of binary digits (below 32768 they change places among themselves), so that
    every integer type has room for them; texts keep every character's place and kind. Whoever has the key can turn it
    back. Where the policy keeps some values, a fake can be one of those: then nothing is unique any more.
    """

    kind: Literal["permute"] = Field(default="permute", alias="strategy")
    injective: ClassVar[bool] = True
    residue: ClassVar[Residue] = "none"
    DIGITS: ClassVar[int] = 2 * MARK_BYTES
    """Characters of what stands for a text that has no permutation."""

    @property
    def keeps_unique(self) -> bool:
        """Whether all values are permuted."""
        return not (self.keep_if or self.keep_values)

    @property
    def checks(self) -> tuple[Check, ...]:
        """An integer or a text; of one character there is nothing to permute."""
        return (of("integer", "text"), at_least(2), self._permuted)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """A Feistel network over two halves, in nested selects that compute each round once."""
        return _number(inputs) if column.category == "integer" else _text(column, inputs)

    def different(self, column: Column) -> int | None:
        """No two are equal, but of what is a digest: a text that may be beyond ASCII or very long."""
        return MARKS if column.category == "text" and not wide_permutation(column) else None

    def _permuted(self, column: Column) -> str | None:
        if not column.unique:
            return None
        if column.loose:
            return f"the column is unique and {BLURRED}: use digest"
        if self.keeps_unique:
            return None
        return "the column is unique and a fake can be one of the values that are kept: keep none, or use digest"


def _number(inputs: Inputs) -> sql.Composable:
    powers = sql.Literal([2**bits for bits in range(FEWEST_BITS, MOST_BITS)])
    parts: sql.Composable = _MAGNITUDE.format(value=inputs.value, fewest=sql.Literal(FEWEST_BITS), powers=powers)
    state: sql.Composable = _HALVES.format(parts)
    for number in range(ROUNDS):
        # x is the half that decides, y the one that changes; they take turns. Both fit four bytes.
        width = sql.SQL("half" if number % 2 == 0 else "(bits - half)")
        content = sql.SQL("int8send((bits::bigint << 40) | x)")
        state = _NUMBER_ROUND.format(width=width, digest=digest_of(f"permute {number}", content), inner=state)
    return _JOINED.format(state, value=inputs.value)


def _text(column: Column, inputs: Inputs) -> sql.Composable:
    value = sql.SQL("lower({}::text)" if column.case_insensitive else "{}::text").format(inputs.value)
    short = wide_permutation(column)
    state: sql.Composable = _TEXT_HALVES.format(value=value)
    for number in range(ROUNDS):
        digest = digest_of(f"permute text {number}", text_bytes(sql.SQL("x")))
        other = rewritten(sql.Identifier("y"), sql.Identifier("d"), 0, wide=short)
        state = _TEXT_ROUND.format(rewritten=other, digest=digest, inner=state)
    permuted = sql.SQL("(SELECT x || y FROM ({}) AS h)").format(state)
    if short:  # too short for a digest that does not repeat
        return permuted
    plain = sql.SQL("{} AND length({}) <= {}").format(ascii_alone(value), value, sql.Literal(MOST_CHARACTERS))
    # What is beyond ASCII or very long has no permutation of its own: 64 bits of its digest.
    return sql.SQL("(CASE WHEN {} THEN {} ELSE {} END)").format(plain, permuted, mark(inputs.mark))


def wide_permutation(column: Column) -> bool:
    """Whether the column is too short for a digest, so that what is beyond ASCII is permuted as well."""
    return column.category == "text" and column.max_length is not None and column.max_length < Permute.DIGITS
