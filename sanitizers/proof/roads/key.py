"""The masking key: whoever has it can test a guess, so the copy must not hold it anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import ClassVar

import psycopg
from psycopg import sql

from sanitizers.proof.definitions import read_definitions
from sanitizers.proof.places import Place, read_columns
from sanitizers.proof.roads.answers import many
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.samples import Samples
from sanitizers.proof.sieve import with_parameters

ROWS = 10_000
"""Of a large table that are looked at."""
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
        """Definitions, settings and columns; of large tables some rows, with `full` all."""
        if site.key is None:
            return self.unknown(site, ["the masking key: it was not given, so that nobody can look for it"])
        written = list(_written(site.target, site.key))
        columns, samples = read_columns(site.target), Samples(site.target, site.seed, full=site.full, rows=ROWS)
        for number, place in enumerate(columns):
            site.track.say(str(place), number, len(columns))
            written += [f"column {place}"] if _holds(site.target, samples.of(place), site.key) else []
        problems = tuple(f"the masking key is written in {name}" for name in written)
        numbers = {
            "columns": len(columns),
            "rows": samples.rows,
            "rows-looked-at": samples.looked_at,
            "found": len(problems),
        }
        sampled = samples.looked_at < samples.rows
        rows = f" ({samples.looked_at:,} of about {samples.rows:,} rows, drawn at random)" if sampled else ""
        sentence = f"Looked for in definitions, settings and columns{rows}; {many(len(problems), 'place')} found."
        return self.found(site, numbers, sentence, problems, sampled=sampled)


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
