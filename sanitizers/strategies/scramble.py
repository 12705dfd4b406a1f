"""Other digits and letters in the same places."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.folding import plain, text_bytes
from sanitizers.formulas import rewritten
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, not_unique, of

# Beyond ASCII what is a letter, and of which case, depends on the server: UTF-8 decides, where À to Þ are c380 to c39e.
_WIDE = sql.SQL("""
coalesce((SELECT string_agg(CASE WHEN ascii(c) < 128 THEN c
  ELSE chr(CASE WHEN encode({bytes}, 'hex') COLLATE "C" BETWEEN 'c380' AND 'c39e' THEN 65 ELSE 97 END
  + get_byte({digest}, (i * 7) % 32) % 26) END, ''
  ORDER BY i)
FROM (SELECT i, substr({text}, i, 1) AS c FROM generate_series(1, length({text})) AS i) AS w), {text})
""")


class Scramble(MaskingStrategy):
    """Every digit becomes another digit, every letter another letter of its case; the rest stays: `AB-123` → `QX-850`.

    For numbers of passports, plates, licences and cases, which must keep their form. Letters beyond ASCII become ASCII
    ones. Fakes of short values repeat: `permute` serves columns that are unique.
    """

    kind: Literal["scramble"] = Field(default="scramble", alias="strategy")
    residue: ClassVar[Residue] = "none"  # a dense range of numbers is full of one another's fakes

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text that is not unique."""
        return (of("text"), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """Two passes where there is anything beyond ASCII, one otherwise."""
        text = sql.SQL("{}::text").format(inputs.value)
        wide = _WIDE.format(text=text, digest=inputs.digest, bytes=text_bytes(sql.SQL("c")))
        return sql.SQL("(CASE WHEN {ascii} THEN {plain} ELSE {wide} END)").format(
            ascii=plain(text),
            plain=rewritten(text, inputs.digest, 1),
            wide=sql.SQL("(SELECT {} FROM (SELECT {} AS v OFFSET 0) AS x)").format(
                rewritten(sql.Identifier("x", "v"), inputs.digest, 1), wide
            ),
        )
