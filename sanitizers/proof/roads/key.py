"""The masking key: whoever has it can test a guess, so the copy must not hold it anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import ClassVar

import psycopg
from psycopg import sql

from sanitizers.proof.definitions import read_definitions
from sanitizers.proof.places import Place, read_columns
from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.sieve import with_parameters

SETTINGS = "SELECT 'setting ' || name, concat_ws(' ', setting, reset_val) FROM pg_settings WHERE setting <> ''"
HOLDS = sql.SQL(
    "SELECT EXISTS (SELECT FROM ({values}) AS e CROSS JOIN unnest(%s::text[]) AS s (spelling)"
    " WHERE strpos(e.v, s.spelling) > 0)"
)


class MaskingKeyRoad(Road):
    """The key in hexadecimal, base64 or raw."""

    name: ClassVar[str] = "key"
    title: ClassVar[str] = "The masking key"
    question: ClassVar[str] = "Can whoever holds the copy find the key that the fakes were made with?"

    def look(self, site: Site) -> Found:
        """Definitions and settings; with `full` every column as well."""
        if site.key is None:
            return self.unknown(site, ["the masking key: it was not given, so that nobody can look for it"])
        written = list(_written(site.target, site.key))
        columns = read_columns(site.target) if site.full else ()
        for number, place in enumerate(columns):
            site.track.say(str(place), number, len(columns))
            written += [f"column {place}"] if _holds(site.target, place, site.key) else []
        problems = tuple(f"the masking key is written in {name}" for name in written)
        numbers = {"columns": len(columns), "found": len(problems)}
        where = "definitions, settings and columns" if site.full else "definitions and settings"
        sentence = f"Looked for in {where}; {many(len(problems), 'place')} found."
        return Answer(numbers, sentence, problems).of(self, site)


def spellings(key: bytes) -> tuple[str, ...]:
    """How people write bytes, in lower case."""
    return (
        key.hex(),
        base64.b64encode(key).decode().rstrip("=").lower(),
        base64.urlsafe_b64encode(key).decode().rstrip("=").lower(),
    )


def _written(conn: psycopg.Connection, key: bytes) -> Iterator[str]:
    defined = ((it.name, it.text) for it in read_definitions(conn))
    for name, text in (*defined, *conn.execute(SETTINGS)):
        if key in text.encode() or any(spelling in text.lower() for spelling in spellings(key)):
            yield name


def _holds(conn: psycopg.Connection, place: Place, key: bytes) -> bool:
    """The column's values are in lower case, as the spellings are."""
    if place.kind == "number":
        return False
    query = HOLDS.format(values=with_parameters(place.values(keys=True), conn))
    row = conn.execute(query, (list(spellings(key)),)).fetchone()
    return bool(row and row[0])
