r"""Documents of type json, which is text: what of it jsonb refuses, told before a cast would end the statement.

jsonb refuses the null character, half a surrogate pair, numbers of giant exponents and, outside UTF-8, escapes of
characters that the database's encoding has not got. PostgreSQL can be asked since
version 16 alone, so text is looked at instead. What merely looks alike is none of it: `"1e1234"` is a string, and
`"C:\\udata"` holds a backslash.
"""

from __future__ import annotations

from psycopg import sql

_STRING = r'"(?:[^"\\]|\\.)*"'
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"

# Backslashes that are meant as such and whole surrogate pairs go first, then the strings for the look at numbers.
_REFUSED = sql.SQL(
    "(regexp_replace(replace({text}, {backslash}, ''), {pair}, '', 'g') ~* {half}"
    " OR regexp_replace({text}, {string}, '', 'g') ~* {giant}"
    " OR CASE current_setting('server_encoding') WHEN 'UTF8' THEN false"
    " WHEN 'LATIN1' THEN replace({text}, {backslash}, '') ~* {beyond_latin1}"
    " ELSE replace({text}, {backslash}, '') ~* {beyond_ascii} END)"
)
_SCALARS = sql.SQL(
    "to_jsonb(ARRAY(SELECT coalesce(m[1], m[2]) FROM regexp_matches({text}, {scalar}, 'g') WITH ORDINALITY AS r (m, n)"
    " ORDER BY n))"
)


def refused_by_jsonb(text: sql.Composable) -> sql.Composed:
    """SQL for whether a valid JSON text cannot be cast to jsonb.

    Exponents of four digits and more count for giant, although some of them would do, and of encodings other than
    UTF-8 and LATIN1 nothing is known but that they have the letters of ASCII.
    """
    return _REFUSED.format(
        text=text,
        backslash=sql.Literal(r"\\"),
        pair=sql.Literal(_PAIR),
        half=sql.Literal(r"\\u(?:0000|d[89a-f])"),
        string=sql.Literal(_STRING),
        beyond_latin1=sql.Literal(r"\\u(?!00)"),
        beyond_ascii=sql.Literal(r"\\u(?!00[0-7])"),
        giant=sql.Literal(r"e[+-]?\d{4}"),
    )


def scalars_of(text: sql.Composable) -> sql.Composed:
    """SQL for a jsonb array of the strings, as they are written, and the numbers of a JSON text, names included."""
    return _SCALARS.format(text=text, scalar=sql.Literal(r'"((?:[^"\\]|\\.)*)"|(-?\d[\d.eE+-]*)'))
