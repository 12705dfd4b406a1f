"""Texts without regard to case and normalization, as UTF-8 and alike on every server, whatever its locale and encoding.

Postgres' own lower() asks the database's locale, so that it cannot be what fakes are drawn by. ASCII, which is nearly
everything, is folded as in the "C" locale. Of what is beyond, letters are looked up in a table of this module. It is in
settings of the session (`fold_settings`), since a statement would repeat it at each of its places; by its bytes in
hexadecimal, which are ASCII, so that a database of any encoding takes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import chain

from psycopg import sql

LETTERS = (range(0x80, 0x590), range(0x1E00, 0x1F00))
"""Latin, Greek, Cyrillic and Armenian: blocks whose letters have had their small forms since Unicode 5."""

USUAL = (range(0xC0, 0xDF), range(0x391, 0x3C3), range(0x410, 0x430))
"""Capitals of Western Europe, Greek and Cyrillic: first in the table, which is walked from the front."""

_UTF8 = sql.SQL("(SELECT getdatabaseencoding() = 'UTF8')")
# A database without an encoding (SQL_ASCII) may hold bytes that are no UTF-8: they count as they are.
_BYTES = sql.SQL(
    "convert_to({}, (SELECT CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END::name))"
)
_PLAIN = sql.SQL("((octet_length({text}) = length({text}) AND {utf8}) IS NOT FALSE)")
# Nothing matches where there is nothing: such bytes are NULL, or empty, and stay so.
_NAMED = sql.SQL("""
coalesce((SELECT decode(string_agg(coalesce({table} ->> p[1], p[1]), '' ORDER BY n), 'hex')
FROM regexp_matches(encode({bytes}, 'hex'), '(?:[0-7].)+|[89a-f].(?:[89ab].)*', 'g') WITH ORDINALITY AS m (p, n)),
{bytes})
""")
# translate() walks its whole table for each character, so it is given those letters alone that are in the text.
_TRANSLATED = sql.SQL("""
(SELECT CASE WHEN f.found = '' THEN f.v ELSE translate(f.v, f.found, translate(f.found, {letters}, {small})) END
FROM (SELECT c.v, regexp_replace(c.v, {others}, '', 'g') AS found
  FROM (SELECT {text} AS v FROM (SELECT {lower} AS v OFFSET 0) AS w OFFSET 0) AS c OFFSET 0) AS f)
""")
_ITSELF = sql.SQL("w.v")
_COMPOSED = sql.SQL("CASE WHEN w.v IS NFC NORMALIZED THEN w.v ELSE normalize(w.v, NFC) END")  # most are: asking is less
_SETTING = sql.SQL("(SELECT convert_from(decode(current_setting({}), 'hex'), 'UTF8'))")
OTHERS, LETTERS_SETTING, SMALL, CAPITAL, TABLE = (
    f"branchwarden.fold_{name}" for name in ("others", "letters", "small", "capital", "table")
)


def text_bytes(text: sql.Composable) -> sql.Composable:
    """SQL for a text in UTF-8, whatever the encoding of the database."""
    return _BYTES.format(text)


def lowered(text: sql.Composable) -> sql.Composable:
    """SQL for a text with ASCII letters in lower case and no others."""
    return sql.SQL('lower({} COLLATE "C")').format(text)


def trimmed(text: sql.Composable) -> sql.Composable:
    """SQL for the same without blanks around it."""
    return sql.SQL('lower(btrim({} COLLATE "C"))').format(text)


def plain(text: sql.Composable) -> sql.Composable:
    """SQL for whether a text is ASCII; false of all texts in a database that is not in UTF-8, and true of NULL."""
    return _PLAIN.format(text=text, utf8=_UTF8)


def composed(text: sql.Composable) -> sql.Composable:
    """SQL for whether a text has no letter in parts (e and an accent); outside UTF-8 nearly none has."""
    return sql.SQL("(NOT {} OR {} IS NFC NORMALIZED)").format(_UTF8, text)


def ascii_alone(text: sql.Composable) -> sql.Composable:
    """SQL for whether a text is ASCII, in a database of any encoding."""
    return sql.SQL("({} OR {} !~ {})").format(plain(text), text, sql.Literal(r"[^\x01-\x7f]"))


def folded_bytes(text: sql.Composable) -> sql.Composable:
    """SQL for the bytes that all spellings of a text have in common: no blanks around it, small letters, composed.

    Args:
        text: a text; used more than once.
    """
    return _small_bytes(text, trimmed(text), _COMPOSED)


def caseless_bytes(text: sql.Composable) -> sql.Composable:
    """SQL for the bytes that a text has in common with those that differ from it by case alone."""
    return _small_bytes(text, lowered(text), _ITSELF)


def caseless(text: sql.Composable) -> sql.Composable:
    """SQL for whether a text is in small letters alone, so that its bytes are its `caseless_bytes`."""
    return sql.SQL("(CASE WHEN {} THEN {} !~ {} ELSE {} = {} END)").format(
        _UTF8, text, _setting(CAPITAL), text_bytes(text), caseless_bytes(text)
    )


def _small_bytes(text: sql.Composable, lower: sql.Composable, in_utf8: sql.Composable) -> sql.Composable:
    return _written(text.as_string(), lower.as_string(), in_utf8.as_string())


@lru_cache(1024)
def _written(*parts: str) -> sql.Composable:
    """Composed once for columns of one name: a thousand tables have it several times each."""
    return sql.SQL(_cases(*map(sql.SQL, parts)).as_string())


def _cases(text: sql.Composable, lower: sql.Composable, in_utf8: sql.Composable) -> sql.Composable:
    return sql.SQL("(CASE WHEN {} THEN {} WHEN {} THEN {} ELSE {} END)").format(
        plain(text), text_bytes(lower), _UTF8, text_bytes(_translated(lower, in_utf8)), _named(lower)
    )


def _translated(lower: sql.Composable, text: sql.Composable) -> sql.Composable:
    constants = {"others": OTHERS, "letters": LETTERS_SETTING, "small": SMALL}
    return _TRANSLATED.format(lower=lower, text=text, **{name: _setting(s) for name, s in constants.items()})


def _setting(name: str) -> sql.Composable:
    return _SETTING.format(sql.Literal(name))


def _named(text: sql.Composable) -> sql.Composable:
    """In any encoding, letter by letter: slow."""
    table = sql.SQL("(SELECT {}::jsonb)").format(_setting(TABLE))  # read once
    return _NAMED.format(table=table, bytes=text_bytes(text))


@cache
def small_letters() -> dict[str, str]:
    """Every letter beyond ASCII that has one other form for comparing, and that form."""
    letters = map(chr, chain.from_iterable(LETTERS))
    return {letter: small for letter in letters if (small := _small(letter)) != letter}


def _small(letter: str) -> str:
    """By Unicode's case folding, or its small form, whichever is one character."""
    return next((form for form in (letter.casefold(), letter.lower()) if len(form) == 1), letter)


@cache
def fold_settings() -> Mapping[str, str]:
    """Names and values of the settings that a session needs before it folds; without them a statement fails."""
    small = dict(sorted(small_letters().items(), key=lambda pair: not any(ord(pair[0]) in block for block in USUAL)))
    letters = "".join(small)
    pairs = {letter.encode().hex(): form.encode().hex() for letter, form in small.items()}
    texts = {
        OTHERS: f"[^{letters}]+",
        LETTERS_SETTING: letters,
        SMALL: "".join(small.values()),
        CAPITAL: f"[A-Z{letters}]",
        TABLE: json.dumps(pairs, separators=(",", ":")),
    }
    return {name: text.encode().hex() for name, text in texts.items()}
