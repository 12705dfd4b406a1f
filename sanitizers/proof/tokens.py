"""What of a text is looked for within other texts: e-mail addresses, numbers and runs of words.

Both sides take their texts apart in the same way, so that what separates words does not matter, as long as it separates
them in both. All in SQL, with functions that cost little: a regular expression sees only texts that can have something.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import psycopg
from psycopg import sql

Kind = Literal["email", "number", "pair", "triple"]

EMAIL, PAIR, TRIPLE, TAIL = 1, 2, 3, 4
"""What a token is, as a number. Any other number is how many digits a number has: from 7."""

FEWEST_DIGITS = 7
MOST_DIGITS = 60
TAIL_DIGITS = 9
"""Digits that a telephone number ends with wherever it is dialled from: the last nine."""
SHORTEST_PHRASE = 8  # characters
MOST_TRIPLES = 32
"""Runs of words that are searched for of one original: of a longer one these are spread over it by their hashes."""

_SEPARATORS = ",;:<>()[]{}\"'|/\\=?!*&#\t\n\r"
_QUOTES = "\u00a0\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2026"
_EDGES = ".-_+@"
_RUN = r"[0-9](?:[ ./()-]{0,2}[0-9]){6"

_WORDS = sql.SQL("array_remove(array_remove(string_to_array({apart}, ' '), ''), '-')")
_TRANSLATED = sql.SQL("translate({v}, {from_}, {blanks})")
_ASCII_OR = sql.SQL("CASE WHEN octet_length({v}) = length({v}) THEN {ascii} ELSE {all} END")
_EMAILS = sql.SQL("""
SELECT {email} AS kind, e.v, btrim(u.word, {edges}) AS token FROM ({values}) AS e
CROSS JOIN LATERAL unnest(CASE WHEN e.v ~ '^[a-z0-9.@_+-]+$' THEN ARRAY[e.v] ELSE {words} END) AS u (word)
WHERE e.v LIKE '%@%' AND u.word LIKE '%_@_%'
""")
_QUOTED = sql.SQL("""
SELECT DISTINCT hashtextextended(k.token, {seed}), hashtextextended(k.v, {seed}) FROM ({emails}) AS k
WHERE k.token <> k.v
""")
_NUMBERS = sql.SQL("""
SELECT k.kind, d.v, k.token FROM (
  SELECT e.v, translate(e.v, '+ ./()-', '') AS digits FROM ({values}) AS e
  WHERE length(e.v) BETWEEN {fewest} AND {most} AND {whole}
  UNION ALL
  SELECT e.v, translate(m.found[1], ' ./()-', '') FROM ({values}) AS e
  CROSS JOIN LATERAL regexp_matches(e.v, {embedded}, 'g') AS m (found)
  WHERE (length(e.v) > {most} OR NOT {whole}) AND e.v ~ {run}
) AS d CROSS JOIN LATERAL (VALUES
  (length(d.digits), d.digits),
  ({tail}, CASE WHEN length(d.digits) >= {tail_digits} THEN '~' || right(d.digits, {tail_digits}) END)
) AS k (kind, token)
WHERE length(d.digits) BETWEEN {fewest} AND {most} AND k.token IS NOT NULL
""")
_WHOLE = sql.SQL("(translate(e.v, '0123456789 ./()-+', '') = '')")  # cheaper than a regular expression
_WITH_DIGITS = sql.SQL(
    "{values} WHERE o.v ~ '[0-9]' AND length(o.v) - length(translate(o.v, '0123456789', '')) >= {fewest}"
)
_PHRASES = sql.SQL("""
SELECT k.kind, w.v, k.token FROM (
  SELECT e.v, {words} AS words FROM ({values}) AS e
  WHERE e.v LIKE '%_ _%' AND (length(e.v) > {most} OR NOT {whole}) OFFSET 0
) AS w CROSS JOIN LATERAL unnest(w.words, w.words[2:], w.words[3:]) AS u (a, b, c)
CROSS JOIN LATERAL (VALUES {phrases}) AS k (kind, token)
WHERE k.token IS NOT NULL
""")
_PAIR = sql.SQL("(btrim(u.a, {edges}) || ' ' || btrim(u.b, {edges}))")
_TRIPLE = sql.SQL("(btrim(u.a, {edges}) || ' ' || btrim(u.b, {edges}) || ' ' || btrim(u.c, {edges}))")
_OWN = sql.SQL("""
SELECT CASE cardinality(w.words) WHEN 2 THEN {two} ELSE {three} END AS kind, w.v,
  CASE cardinality(w.words) WHEN 2 THEN {pair} ELSE {triple} END AS token FROM (
  SELECT e.v, {words} AS words FROM ({values}) AS e
  WHERE e.v LIKE '%_ _%' AND (length(e.v) > {most} OR NOT {whole}) OFFSET 0
) AS w CROSS JOIN LATERAL unnest(w.words, w.words[2:], w.words[3:]) AS u (a, b, c)
WHERE CASE cardinality(w.words) WHEN 2 THEN u.b IS NOT NULL ELSE u.c IS NOT NULL END
""")


def quoted_emails(values: sql.Composable, conn: psycopg.Connection, seed: sql.Literal) -> sql.Composed:
    """SELECT hashes of the addresses in texts `v` that are more than one, and of these."""
    return _QUOTED.format(seed=seed, emails=emails(values, conn))


def single_tokens(values: sql.Composable, conn: psycopg.Connection) -> sql.Composed:
    """SELECT `kind`, `v`, `token` of originals `v`: addresses and numbers, each of which tells whose it is."""
    return sql.SQL(" UNION ALL ").join([emails(values, conn), _numbers(values)])


def runs(values: sql.Composable, conn: psycopg.Connection) -> sql.Composed:
    """SELECT `kind`, `v`, `token` of originals `v`: two words are a pair, of more every three in a row."""
    kinds = {"two": sql.Literal(PAIR), "three": sql.Literal(TRIPLE)}
    return _OWN.format(pair=_edged(_PAIR), triple=_edged(_TRIPLE), **kinds, **_of(values, conn))


def tokens(values: sql.Composable, conn: psycopg.Connection, kinds: Collection[Kind]) -> sql.Composed | None:
    """SELECT `kind`, `v`, `token` of texts `v` in which something may stand; of some kinds, None of none."""
    parts: list[sql.Composable] = []
    if "email" in kinds:
        parts.append(emails(values, conn))
    if "number" in kinds:
        parts.append(_numbers(values))
    phrases = [
        sql.SQL("({}, {})").format(sql.Literal(number), _edged(phrase))
        for kind, number, phrase in (("pair", PAIR, _PAIR), ("triple", TRIPLE, _TRIPLE))
        if kind in kinds
    ]
    if phrases:
        parts.append(_PHRASES.format(phrases=sql.SQL(", ").join(phrases), **_of(values, conn)))
    return sql.SQL(" UNION ALL ").join(parts) if parts else None


def emails(values: sql.Composable, conn: psycopg.Connection) -> sql.Composed:
    """SELECT `kind`, `v`, `token` of texts `v`: the addresses in them."""
    return _EMAILS.format(email=sql.Literal(EMAIL), edges=sql.Literal(_EDGES), **_of(values, conn))


def _numbers(values: sql.Composable) -> sql.Composed:
    # Up to four letters may stand before it, as in an IBAN, and behind; among more it is a part of a digest.
    embedded = f"(?:^|[^0-9a-z])[a-z]{{0,4}}({_RUN},}})(?=[a-z]{{0,4}}(?:[^0-9a-z]|$))"
    return _NUMBERS.format(
        values=_WITH_DIGITS.format(values=_once(values), fewest=sql.Literal(FEWEST_DIGITS)),
        embedded=sql.Literal(embedded),
        run=sql.Literal(f"{_RUN}}}"),
        whole=_WHOLE,
        fewest=sql.Literal(FEWEST_DIGITS),
        most=sql.Literal(MOST_DIGITS),
        tail=sql.Literal(TAIL),
        tail_digits=sql.Literal(TAIL_DIGITS),
    )


def _of(values: sql.Composable, conn: psycopg.Connection) -> dict[str, sql.Composable]:
    words = _words(sql.Identifier("e", "v"), conn)
    return {"values": _once(values), "words": words, "most": sql.Literal(MOST_DIGITS), "whole": _WHOLE}


def _once(values: sql.Composable) -> sql.Composed:
    """The same, each value computed once: pulled up, its expression would stand wherever it is used."""
    return sql.SQL("SELECT o.v FROM (SELECT i.v FROM ({}) AS i OFFSET 0) AS o").format(values)


def _words(v: sql.Composable, conn: psycopg.Connection) -> sql.Composed:
    ascii_ = _translated(v, _SEPARATORS)
    if conn.info.parameter_status("server_encoding") != "UTF8":
        return _WORDS.format(apart=ascii_)
    return _WORDS.format(apart=_ASCII_OR.format(v=v, ascii=ascii_, all=_translated(v, _SEPARATORS + _QUOTES)))


def _translated(v: sql.Composable, separators: str) -> sql.Composed:
    return _TRANSLATED.format(v=v, from_=sql.Literal(separators), blanks=sql.Literal(" " * len(separators)))


def _edged(phrase: sql.SQL) -> sql.Composed:
    return phrase.format(edges=sql.Literal(_EDGES))
