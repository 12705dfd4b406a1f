"""The settings under which the server writes definitions out, so that they read the same on every server and anywhere.

A database or a role may have its own DateStyle: a bound of a partition would be written '01-02-2024' under one and
read as another day under another, and one schema would have as many digests as there are settings. Without a
client_encoding the driver gives the names in a database that has none (SQL_ASCII) as bytes.
"""

from __future__ import annotations

import re

from sanitizers.spelling import SPELLING

DEPARSE = f"""
SELECT pg_catalog.set_config(name, value, true)
FROM (VALUES ('search_path', ''), ('quote_all_identifiers', 'off'), {SPELLING}) AS setting(name, value)
"""  # noqa: S608  constants alone
"""Until the end of the transaction; only pg_catalog is on the search path then, every other name is qualified."""

_NAME = r"\"(?:[^\"]|\"\")+\""
_TYPE = rf"((?:{_NAME}|[\w.]| (?=\w)|\(\d+(?:,\d+)?\))+)"
_CAST_ARRAY = re.compile(r"\(ARRAY\[")
_CAST = re.compile(rf"\]\)::{_TYPE}\[\]")
_NAMED_LITERAL = re.compile(rf"((?:NULL|'(?:[^']|'')*')::{_TYPE}(?:\[\])?) AS ({_NAME}|\w+)")
_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[\[\](),]|[^\[\](),'\"]+")

_SHORT = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    "character": "bpchar",
    "character varying": "varchar",
    "bit varying": "varbit",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}
"""Types whose own name, as a column is called after it, is another than the one that SQL has for them."""


def as_restored(definition: str) -> str:
    """The definition as Postgres writes it once it has read it back.

    It keeps `status IN ('a', 'b')` of a varchar as an array that is cast whole, `(ARRAY['a', 'b'])::text[]`, and takes
    its own text for one of cast elements, `ARRAY[('a')::text, ('b')::text]`. A literal without a name in a subquery,
    `SELECT 'a'`, is written as `'a'::text`, and read back as one that is called like its type; here it has none. Both
    mean the same; what came out of a dump or was rebuilt has the second form.
    """
    definition = _NAMED_LITERAL.sub(_without_name, definition)
    for found in reversed(list(_CAST_ARRAY.finditer(definition))):  # the innermost first
        elements, end = _elements(definition, found.end())
        if cast := _CAST.match(definition, end):
            inner = ", ".join(f"({element})::{cast[1]}" for element in elements)
            definition = f"{definition[: found.start()]}ARRAY[{inner}]{definition[cast.end() :]}"
    return definition


def _without_name(found: re.Match[str]) -> str:
    bare = re.sub(r"\([^)]*\)", "", found[2])
    own = _SHORT.get(bare) or bare.rpartition(".")[2].strip('"')
    return found[1] if found[3].strip('"') == own else found[0]


def _elements(text: str, start: int) -> tuple[list[str], int]:
    """What stands between commas from here to the bracket that closes, and where that is."""
    depth, begun, elements = 0, start, []
    for piece in _PIECE.finditer(text, start):
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(piece[0], 0)
        if depth < 0 or (depth == 0 and piece[0] == ","):
            elements.append(text[begun : piece.start()].strip())
            begun = piece.end()
        if depth < 0:
            return elements, piece.start()
    return elements, len(text)
