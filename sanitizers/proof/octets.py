"""SQL for octets (`bytea`) as the text that they are, where they are one: what an application wrote may be a letter."""

from __future__ import annotations

from psycopg import sql

MOST = 1 << 20
"""Octets of a value that are looked at as text; of a longer one those in front."""

# As encode(…, 'escape') writes them: zeros and what is not ASCII in octal, backslashes twice.
_ON = r"\\2[0-7][0-7]"
_TWO = rf"\\3(?:0[2-7]|[123][0-7]){_ON}"
_THREE = rf"\\340\\2[4-7][0-7]{_ON}|\\3(?:4[1-7]|5[0-4]){_ON}{_ON}|\\355\\2[0-3][0-7]{_ON}|\\35[67]{_ON}{_ON}"
_FOUR = rf"\\360\\2[2-7][0-7]{_ON}{_ON}|\\36[1-3]{_ON}{_ON}{_ON}|\\364\\2[01][0-7]{_ON}{_ON}"
UTF8 = rf"^(?:[^\\]|\\\\|{_TWO}|{_THREE}|{_FOUR})*$"
ASCII = r"^(?:[^\\]|\\\\)*$"
NOT_PRINTED = r"(?:\\[0-7]{3}|[\x01-\x1f\x7f])+"

# Where the database has another encoding, what is not ASCII may not be a text there.
_TEXT = sql.SQL("""
CASE WHEN octet_length({octets}) > {most} THEN NULL
  WHEN getdatabaseencoding() = 'UTF8' THEN
    CASE WHEN encode({octets}, 'escape') ~ {utf8} THEN convert_from({octets}, 'UTF8') END
  WHEN encode({octets}, 'escape') ~ {ascii} THEN replace(encode({octets}, 'escape'), {twice}, {once}) END
""")
_LEAVES = sql.SQL("SELECT coalesce({text}, {octets}::text) AS leaf")
_MORE = sql.SQL("""
SELECT w.leaf FROM (SELECT {text} AS text OFFSET 0) AS o
CROSS JOIN LATERAL (VALUES (o.text), ({octets}::text), (CASE WHEN o.text IS NULL THEN {printed} END)) AS w (leaf)
WHERE w.leaf IS NOT NULL
""")
_PRINTED = sql.SQL("regexp_replace(encode(substring({octets} FROM 1 FOR {most}), 'escape'), {others}, ' ', 'g')")
_OPAQUE = sql.SQL("SELECT count(*) FROM {relation} AS t WHERE {column} IS NOT NULL AND ({text}) IS NULL")


def text_of(column: sql.Composable) -> sql.Composed:
    """SQL for the text that the octets are; NULL where they are none."""
    return _TEXT.format(
        octets=sql.SQL("{}::bytea").format(column),
        most=sql.Literal(MOST),
        utf8=sql.Literal(UTF8),
        ascii=sql.Literal(ASCII),
        twice=sql.Literal("\\\\"),
        once=sql.Literal("\\"),
    )


def leaves(column: sql.Composable, *, printed: bool) -> sql.Composed:
    r"""SELECT `leaf`: the text, or else `\x…`; with `printed` both, and what is ASCII in octets that are no text."""
    octets = sql.SQL("{}::bytea").format(column)
    if not printed:
        return _LEAVES.format(text=text_of(column), octets=octets)
    ascii_ = _PRINTED.format(octets=octets, most=sql.Literal(MOST), others=sql.Literal(NOT_PRINTED))
    return _MORE.format(text=text_of(column), octets=octets, printed=ascii_)


def opaque(relation: sql.Composable, column: str) -> sql.Composed:
    """SELECT how many values are no text."""
    name = sql.Identifier("t", column)
    return _OPAQUE.format(relation=relation, column=name, text=text_of(name))
