"""SQL that people write in a policy: conditions and expressions over the row's own columns, and nothing else. Pure.

A boundary of trust: whoever may write a policy must not read other tables with it, nor change or call anything. The
text is cut into tokens, and every token that is not known to be harmless refuses it; what Postgres reads otherwise
than this file does (E'' and U&'' strings, dollar quotes, comments, backslashes, blanks of Unicode) is no token at all.
Postgres judges types and volatility, and whose functions and operators are meant, when the plan is tried on the
database (`sanitizers.trial`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OPENING = _words("""
    and or not is distinct from between symmetric in like ilike similar to escape case when then else any all some
    array collate at zone as for both leading trailing row date time timestamp timestamptz interval
""")
"""Words of expressions that name neither a column nor a function, and that a value may follow."""

CLOSING = _words("""
    null true false unknown end current_date current_timestamp year month day hour minute second epoch dow doy week
    quarter
""")
"""Words that are values themselves, or parts of one."""

FUNCTIONS = _words("""
    abs age array_length array_position array_to_string btrim cardinality ceil char_length coalesce concat concat_ws
    date_part date_trunc decode encode extract family floor format greatest host initcap isfinite jsonb_array_length
    jsonb_build_object jsonb_extract_path jsonb_extract_path_text jsonb_typeof least left length lower lower_inc lpad
    ltrim make_date make_interval md5 mod network nullif octet_length overlay position regexp_match regexp_replace
    repeat replace reverse right round rpad rtrim set_masklen setweight sign split_part starts_with strpos substr
    substring to_char to_date to_jsonb to_number to_timestamp to_tsvector translate trim trunc upper upper_inc
    width_bucket cast
""")
"""Functions that depend on nothing but their arguments (and the session's settings, which the run fixes)."""

TYPES = _words("""
    text varchar char bpchar citext smallint integer int bigint int2 int4 int8 numeric decimal real float4 float8 date
    time timetz timestamp timestamptz interval boolean bool uuid bytea inet cidr macaddr json jsonb tsvector bit varbit
    daterange int4range int8range numrange tsrange tstzrange point money name
""")
"""Types that a value may be cast to: those whose input reads nothing but the value."""

OPERATORS = _words("""
    = <> != < > <= >= + - * / % ^ || ~ ~* !~ !~* ~~ ~~* !~~ !~~* -> ->> #> #>> @> <@ && ? ?| ?& & | # << >> @@ -|-
""")
PUNCTUATION = frozenset({",", ":"})
INSIDE = _words("as from for both leading trailing")
"""Words that belong between the brackets of a call; outside of them they would begin another part of the statement."""
FIRST = _words("not case array row date time timestamp timestamptz interval")
"""Words of `OPENING` that an expression may begin with: DISTINCT would be the statement's."""
UNITS = _words("year month day hour minute second")
"""What may stand behind the text of an interval."""

SPECIAL = _words("""
    user current_user session_user system_user current_role current_catalog current_schema localtime localtimestamp
    current_time select with table values insert update delete merge into over within filter exists
""")
"""Words that Postgres takes for something else even where a column is called so: such a column stands in quotes."""

COLLATIONS = frozenset({"C", "POSIX"})

_TOKEN = re.compile(
    r"""[ \t\n\r\f]+
    | (?P<string>'(?:[^'\\]|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)
    | (?P<cast>::)
    | (?P<open>[(\[]) | (?P<close>[)\]])
    | (?P<dot>\.)
    | (?P<sign>[,:]|[-+*/%<>=~!@\#^&|?]+)
    """,
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_VALUES = frozenset({"string", "number", "column", "value", "close"})
"""Kinds behind which no value may follow: `regclass 'x'` is a cast, `1in` two tokens, `a b` a new name."""
_GLUED = frozenset({"string", "quoted", "number", "word"})
"""Kinds that must not touch one another: E'x', 1e, x'00'."""
_PAIRS = {")": "(", "]": "["}
LONGEST_NAME = 63  # bytes; Postgres cuts what is longer


@dataclass(frozen=True)
class Token:
    """A piece of an expression: kinds of the pattern, but `word` and `quoted` become what they stand for."""

    kind: str
    text: str
    glued: bool = False
    """Whether nothing stands between it and the one before."""

    @property
    def name(self) -> str:
        """A name as Postgres reads it: in lower case (ASCII alone) unless quoted."""
        if self.text.startswith('"'):
            return self.text[1:-1].replace('""', '"')
        return "".join(c.lower() if c.isascii() else c for c in self.text)


@dataclass(frozen=True)
class Expression:
    """What a vetted expression uses."""

    columns: frozenset[str]
    functions: frozenset[str]
    """As written, in lower case: `lower`, `public.my_mask`."""
    operators: frozenset[str]


def condition_problem(text: str, columns: Collection[str], functions: Sequence[str] = ()) -> str | None:
    """Why the text is no expression over these columns, as half a sentence, or None.

    Args:
        text: what a person wrote.
        columns: names that it may use.
        functions: further functions that the policy declares, as `public.my_mask`.
    """
    try:
        read_expression(text, columns, functions)
    except ValueError as error:
        return str(error)
    return None


def read_expression(text: str, columns: Collection[str], functions: Sequence[str] = ()) -> Expression:
    """What the expression uses.

    Raises:
        ValueError: it is none, or uses something that it may not; half a sentence.
    """
    tokens = list(_classified(list(_tokens(text)), frozenset(columns), frozenset(functions)))
    if not tokens:
        raise ValueError("it is empty")
    _check_brackets(tokens)
    _check_casts(tokens)
    _check_neighbours(tokens)
    columns_, functions_ = (frozenset(t.name for t in tokens if t.kind == kind) for kind in ("column", "function"))
    return Expression(columns_, functions_, frozenset(t.text for t in tokens if t.kind == "sign") - PUNCTUATION)


def _tokens(text: str) -> Iterator[Token]:
    if _CONTROL.search(text):
        raise ValueError("a control character cannot stand in an expression")
    at, glued = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text[at]!r} cannot stand in an expression")
        at = match.end()
        if match.lastgroup:
            yield Token(match.lastgroup, match[0], glued)
        glued = match.lastgroup is not None


def _classified(tokens: list[Token], columns: frozenset[str], functions: frozenset[str]) -> Iterator[Token]:
    """Every token by what it stands for; names of functions with their schema become one token."""
    number, before = 0, Token("", "")
    while number < len(tokens):
        token, after = tokens[number], [*tokens[number + 1 : number + 4], *3 * [Token("", "")]]
        if token.glued and before.kind in _GLUED | {"sign"} and token.kind in _GLUED and _misread(before, token):
            raise ValueError(f"{before.text}{token.text} cannot stand in an expression: put a blank between")
        if after[0].kind == "dot" and token.kind in {"word", "quoted"}:
            qualified = f"{token.name}.{after[1].name}"
            if qualified not in functions or (after[2].kind, after[2].text) != ("open", "("):
                raise ValueError(f"{qualified} cannot stand in an expression: it may read this row alone")
            yield Token("function", qualified)
            number, before = number + 3, after[1]
            continue
        yield _meaning(token, before, after[0], columns)
        number, before = number + 1, token


def _misread(before: Token, token: Token) -> bool:
    """Whether Postgres reads two tokens as one: u&"x" is an escaped name, E'x' and 1e are one as well."""
    return before.kind in _GLUED or (before.text == "&" and token.kind in {"string", "quoted"})


def _meaning(token: Token, before: Token, after: Token, columns: frozenset[str]) -> Token:
    if token.kind == "sign":
        return _sign(token, before)
    if token.kind not in {"word", "quoted"}:
        if token.kind == "dot":
            raise ValueError("'.' cannot stand in an expression: it may read this row alone")
        return token
    if before.kind == "cast" or (before.kind == "word" and before.name == "as"):
        return _type(token)
    if before.kind == "word" and before.name == "collate":
        if token.name in COLLATIONS:
            return Token("value", token.text)
        raise ValueError(f"COLLATE {token.text} cannot stand in an expression")
    if token.kind == "quoted":
        return _column(token, after, columns)
    return _word(token, after, columns)


def _sign(token: Token, before: Token) -> Token:
    """Signs in a row are one operator to Postgres, so that all of them together must be a known one."""
    if token.text in OPERATORS | PUNCTUATION and not (token.glued and before.text == ":"):
        return token
    if token.text[:-1] in OPERATORS and token.text[-1] in "+-" and "--" not in token.text:
        raise ValueError(f"{token.text!r} is no known operator: put a blank before the sign of a number")
    raise ValueError(f"{token.text!r} cannot stand in an expression")


def _type(token: Token) -> Token:
    if token.kind == "word" and token.name in TYPES:
        return Token("type", token.text)
    raise ValueError(f"{token.text} is no type that an expression may cast to")


def _word(token: Token, after: Token, columns: frozenset[str]) -> Token:
    name = token.name
    if name in SPECIAL:
        raise ValueError(f"{token.text} cannot stand in an expression: it may read this row alone")
    if after == Token("open", "(", after.glued) and name not in OPENING:
        if name in FUNCTIONS:
            return Token("function", token.text)
        raise ValueError(f"{token.text}() is not one of the functions that may be called")
    if name in OPENING and (name not in columns or name not in TYPES or after.kind == "string"):
        return Token("opening", token.text)
    if name in CLOSING and name not in columns:
        return Token("value", token.text)
    return _column(token, after, columns)


def _column(token: Token, after: Token, columns: frozenset[str]) -> Token:
    if after == Token("open", "(", after.glued):
        raise ValueError(f"{token.text}() is not one of the functions that may be called")
    if token.name not in columns or len(token.name.encode()) > LONGEST_NAME:
        raise ValueError(f"there is no column {token.name}")
    return Token("column", token.text)


def _check_brackets(tokens: Sequence[Token]) -> None:
    stack: list[str] = []
    for before, token in zip([Token("", ""), *tokens], tokens, strict=False):
        joins = before.kind == token.kind == "opening" and (before.name, token.name) == ("distinct", "from")
        if not stack and (token.text == "," or (token.kind == "opening" and token.name in INSIDE and not joins)):
            raise ValueError(f"{token.text} cannot stand outside of brackets: it must be one expression")
        if token.kind == "open":
            stack.append(token.text)
        elif token.kind == "close" and (not stack or stack.pop() != _PAIRS[token.text]):
            raise ValueError("its brackets do not match")
    if stack:
        raise ValueError("its brackets do not match")


def _check_casts(tokens: Sequence[Token]) -> None:
    """A type stands behind ::, and in its brackets nothing but numbers."""
    for number, (token, after) in enumerate(itertools.pairwise(tokens)):
        if token.kind == "cast" and after.kind != "type":
            raise ValueError(f"{after.text} is no type that an expression may cast to")
        if token.kind == "type" and after.kind == "open":
            size = itertools.takewhile(lambda t: t.kind != "close", tokens[number + 2 :])
            if any(t.kind != "number" and t.text != "," for t in size):
                raise ValueError(f"behind {token.text} brackets may hold numbers alone")


def _check_neighbours(tokens: Sequence[Token]) -> None:
    """One expression: behind a value comes an operator or a word that joins, never another value."""
    for token, after in itertools.pairwise(tokens):
        sized = token.kind == "type" and after.kind == "open"
        if token.kind in {*_VALUES, "type"} and _starts(token, after) and not sized:
            raise ValueError(f"{after.text} cannot stand behind {token.text}: it must be one expression")
    if tokens[0].kind == "opening" and tokens[0].name not in FIRST:
        raise ValueError(f"it cannot begin with {tokens[0].text}")
    if tokens[-1].kind not in {*_VALUES, "type"}:
        raise ValueError(f"it cannot end with {tokens[-1].text}")


def _starts(token: Token, after: Token) -> bool:
    """Whether a value begins; `end` closes one, and a unit belongs to the text before it."""
    if after.kind == "value":
        return after.name != "end" and not (token.kind == "string" and after.name in UNITS)
    return after.kind in {"string", "number", "column", "function"} or (after.kind, after.text) == ("open", "(")
