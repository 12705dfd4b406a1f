"""Sentences about nothing in place of free text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import TEXT_BYTES
from sanitizers.pools import MOST_BYTES, SHORTEST_SENTENCE, PoolName, pick_at, pool
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, not_unique, of

_INDEX = sql.SQL("((get_byte({digest}, i % {n}) << 8) | get_byte({digest}, (i * 3 + i / {n} + 1) % {n}))")
_TEXT = sql.SQL("""
rpad(rtrim(left((SELECT string_agg({sentence}, ' ' ORDER BY i) FROM generate_series(0, {length} / {shortest}) AS i),
  {length})), {length}, '.')
""")


class Text(MaskingStrategy):
    """Sentences of the policy's locale, exactly as long as the original, so that pages look as they did.

    What is longer than `longest` characters is cut there; a blank at the end becomes a full stop, for applications and
    their checks trim what people write. The empty text stays empty.
    """

    kind: Literal["text"] = Field(default="text", alias="strategy")
    longest: int = Field(default=2000, ge=1, le=100_000)
    needs: ClassVar[tuple[PoolName, ...]] = ("sentence",)
    residue: ClassVar[Residue] = "pool"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text that is not unique: short ones are alike."""
        return (of("text"), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """As many sentences as may be needed, cut to the length."""
        index = _INDEX.format(digest=inputs.digest, n=sql.Literal(TEXT_BYTES))
        sentence = inputs.choose(lambda locale: pick_at("sentence", locale, index))
        length = sql.SQL("least(length({}::text), {})").format(inputs.value, sql.Literal(self._room(column)))
        return _TEXT.format(sentence=sentence, length=length, shortest=sql.Literal(SHORTEST_SENTENCE))

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:
        """A sentence, or how it begins; what is longer is nobody's original."""
        most = min(self._room(column), MOST_BYTES)
        sentences = frozenset(s for name in locales for s in pool("sentence", name))
        return frozenset(_ended(s[:length]) for s in sentences for length in range(1, min(len(s), most) + 1))

    def _room(self, column: Column) -> int:
        return min(self.longest, column.max_length or self.longest)


def _ended(text: str) -> str:
    return f"{text[:-1]}." if text.endswith(" ") else text
