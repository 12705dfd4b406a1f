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

_CAST_ARRAY = re.compile(r"\(ARRAY\[")
_CAST = re.compile(r"\]\)::((?:\"(?:[^\"]|\"\")+\"|[\w.]| (?=\w)|\(\d+(?:,\d+)?\))+)\[\]")
_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[\[\](),]|[^\[\](),'\"]+")


def as_restored(definition: str) -> str:
    """The definition as Postgres writes it once it has read it back.

    It keeps `status IN ('a', 'b')` of a varchar as an array that is cast whole, `(ARRAY['a', 'b'])::text[]`, and takes
    its own text for one of cast elements, `ARRAY[('a')::text, ('b')::text]`. The two mean the same; what came out of a
    dump or was rebuilt has the second form.
    """
    for found in reversed(list(_CAST_ARRAY.finditer(definition))):  # the innermost first
        elements, end = _elements(definition, found.end())
        if cast := _CAST.match(definition, end):
            inner = ", ".join(f"({element})::{cast[1]}" for element in elements)
            definition = f"{definition[: found.start()]}ARRAY[{inner}]{definition[cast.end() :]}"
    return definition


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
