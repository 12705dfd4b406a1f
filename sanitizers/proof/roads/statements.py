"""Texts of statements that the server remembers: literals are taken out of queries, not out of everything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import psycopg
from psycopg import sql

from sanitizers.proof.definitions import WORD, literals
from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.originals import distinctive, originals_among
from sanitizers.proof.roads.road import Found, Road, Site

EXTENSION = """
SELECT (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'),
  current_setting('pg_stat_statements.max', true) IS NOT NULL
"""
TEXTS = sql.SQL("""
SELECT query FROM {}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query IS NOT NULL
""")
HIDDEN = "<insufficient privilege>"
"""What the extension shows instead of the texts of other roles."""
REMEDY = "SELECT pg_stat_statements_reset()"


class _Texts(NamedTuple):
    shown: list[str]
    hidden: int


class Statements(Road):
    """`pg_stat_statements`: utility statements and DO blocks are kept there as they were written."""

    name: ClassVar[str] = "statements"
    title: ClassVar[str] = "Remembered statements"
    question: ClassVar[str] = "Does the server remember the text of a statement with somebody's data in it?"

    def look(self, site: Site) -> Found:
        """Every literal of every remembered text of this database."""
        schema, loaded = site.target.execute(EXTENSION).fetchone() or (None, False)
        if schema is None and loaded:
            why = "pg_stat_statements collects texts of statements, but this database has no view of them"
            return self.unknown(site, [f"{why} (CREATE EXTENSION pg_stat_statements, or {REMEDY} where it is)"])
        if schema is None or not loaded:
            return self.found(site, {"texts": 0}, "No statements are remembered: pg_stat_statements is not in use.")
        return _judged(site, _texts(site.target, schema)).of(self, site)


def _texts(conn: psycopg.Connection, schema: str) -> _Texts:
    texts = [row[0] for row in conn.execute(TEXTS.format(sql.Identifier(schema)))]
    return _Texts([text for text in texts if text != HIDDEN], texts.count(HIDDEN))


def _judged(site: Site, texts: _Texts) -> Answer:
    words = {word for text in texts.shown for word in _words(text) if distinctive(word)}
    hits = originals_among(site, words)
    problems = tuple(
        f"remembered statements hold {many(count, 'original value')} of {site.database}.{column}: {REMEDY}"
        for column, count in hits.items()
    )
    unseen = list(_unseen(site, texts, words))
    numbers = {"texts": len(texts.shown), "hidden": texts.hidden, "literals": len(words), "found": sum(hits.values())}
    sentence = f"{many(numbers['texts'], 'remembered statement')} with {many(len(words), 'literal')} looked at."
    return Answer(numbers, sentence, problems, tuple(unseen))


def _unseen(site: Site, texts: _Texts, words: set[str]) -> Iterator[str]:
    if texts.hidden:
        yield f"{many(texts.hidden, 'remembered statement')} of other roles, which pg_read_all_stats shows"
    if words and (site.source is None or site.plan is None):
        yield f"whether {many(len(words), 'literal')} of remembered statements are originals: there is no source to ask"


def _words(text: str) -> Iterator[str]:
    """Literals, and whatever is much of a number or an address also outside of quotes."""
    yield from literals(text)
    yield from (word for word in WORD.findall(text) if "@" in word or sum(map(str.isdigit, word)) >= 7)
