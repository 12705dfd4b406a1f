"""SQL for the hashes of values, as cheap as it comes: what a search for whole values spends its time on.

Of a text that begins and ends as it must, `hashbpcharextended` of its lower case is what `hashtextextended` is of
`places.normal`: it leaves out blanks at the end by itself. Everything else goes the long way. No value is looked
at from outside first, as how long it is: that costs as much as the hash.

All of it is for queries that are sent with parameters, in which each % is doubled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg import sql

from sanitizers.proof.inside import WHOLE
from sanitizers.proof.places import Place

SHORTEST = 5  # characters; shorter values are found everywhere by chance
FEWEST_DIGITS = 7  # the same for values without letters
_LONG = 12  # bytes, from which nobody looks closer: what is found is

_BLANKS = sql.SQL("E' \\t\\n\\r'")
_TEXT = sql.SQL('{}::text COLLATE "C"')
_LARGE = sql.SQL("CASE WHEN {v} NOT BETWEEN -999999 AND 999999 THEN {v}::text END")
_TIGHT = sql.SQL("hashtextextended(lower({v}), {seed})")
_LOOSE = sql.SQL(
    "CASE WHEN {edged} THEN hashtextextended(lower(btrim({v}, {blanks})), {seed})"
    " ELSE hashbpcharextended(lower({v})::bpchar, {seed}) END"
)
_BEGINS = sql.SQL("{v} < '!'")
_EDGED = sql.SQL("({v} < '!' OR {v} LIKE E'%%\\n%%' OR {v} LIKE E'%%\\r%%' OR {v} LIKE E'%%\\t%%')")
_DISTINCTIVE = sql.SQL("""
(CASE WHEN octet_length({v}) >= {long} THEN true
  WHEN ({v} >= 'a' AND {v} < '{{') OR ({v} >= 'A' AND {v} < '[') THEN length({v}::bpchar) >= {shortest}
  WHEN btrim({v}, {blanks}) ~ '[^0-9[:punct:][:space:]]' THEN length(btrim({v}, {blanks})) >= {shortest}
  ELSE length({v}) - length(translate({v}, '0123456789', '')) >= {digits} END)
""")
_DATE = sql.SQL("{v} < 'A' AND {v} LIKE '____-__-__%%'")
_PLAIN_ROWS = sql.SQL("(SELECT {values} FROM {relation} AS t OFFSET 0) AS s")
_FEW_ROWS = sql.SQL("(SELECT DISTINCT {values} FROM {relation} AS t) AS s")
_NESTED_ROWS = sql.SQL("({values} OFFSET 0) AS s")


@dataclass(frozen=True)
class Known:
    """What is known of the columns of a server, by their keys."""

    few: Collection[tuple[str, str, str]]
    """That have few different values, by the planner's statistics."""
    edged: Collection[tuple[str, str, str]] = ()
    """Of which some values end with a tab or the end of a line."""


@dataclass(frozen=True)
class Values:
    """The value of a row, as text in the collation "C"."""

    v: sql.Composable
    form: str
    edged: bool = True
    """Whether it may end with a tab or the end of a line."""

    def hash(self, seed: sql.Literal) -> sql.Composed:
        """Its hash; NULL of NULL."""
        if self.form != "loose":
            return _TIGHT.format(v=self.v, seed=seed)
        return _LOOSE.format(v=self.v, seed=seed, edged=self._edges, blanks=_BLANKS)

    @property
    def distinctive(self) -> sql.Composed:
        """Whether it is long enough to be searched for; of odd ones more than the exact rule has it."""
        return _DISTINCTIVE.format(
            v=self.v,
            blanks=_BLANKS,
            shortest=sql.Literal(SHORTEST),
            digits=sql.Literal(FEWEST_DIGITS),
            long=sql.Literal(_LONG),
        )

    @property
    def dates(self) -> sql.Composed:
        """An aggregate: whether some look like a date."""
        return sql.SQL("bool_or({})").format(_DATE.format(v=self.v))

    @property
    def _edges(self) -> sql.Composed:
        return (_EDGED if self.edged else _BEGINS).format(v=self.v)


def together(place: Place) -> bool:
    """Whether a column's values can be read beside those of others: one value of a row, as it is."""
    return place.kind in {"plain", "number"} and place.inside == WHOLE and place.kept is None and not place.without


def rows(places: Sequence[Place], known: Known, *, small: bool) -> tuple[sql.Composed, list[Values]]:
    """What stands in FROM, and the values of the places in it: of columns of one table, or of a single one.

    Args:
        places: columns that are read together.
        known: of their server.
        small: whether small numbers are of interest, and keys of JSON objects are not.
    """
    if not together(places[0]):
        return _NESTED_ROWS.format(values=places[0].values(keys=not small)), [Values(sql.SQL("s.v"), "tight")]
    named = [(place, sql.Identifier(f"v{number}")) for number, place in enumerate(places)]
    values = sql.SQL(", ").join(sql.SQL("{} AS {}").format(_text(place, small=small), v) for place, v in named)
    found = [Values(sql.SQL("s.{}").format(v), place.form, place.key in known.edged) for place, v in named]
    from_ = _FEW_ROWS if len(places) == 1 and places[0].key in known.few else _PLAIN_ROWS
    return from_.format(values=values, relation=places[0].relation), found


def _text(place: Place, *, small: bool) -> sql.Composed:
    column = sql.Identifier("t", place.column)
    return _LARGE.format(v=column) if place.form == "integer" and not small else _TEXT.format(column)
