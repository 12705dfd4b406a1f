"""An e-mail address that nobody can receive mail at."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.digests import digest_of
from sanitizers.folding import ascii_alone, caseless, caseless_bytes, composed, plain, text_bytes, trimmed
from sanitizers.formulas import DOMAIN, FIRST_NAME, LAST_NAME, mark
from sanitizers.pools import HANDLE_LENGTH, PoolName
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, at_least, of

TAIL = len("." + 16 * "f" + "@example.com")
DOMAINS = sql.SQL("('{{@example.com,@example.org,@example.net}}'::text[])[1 + get_byte({}, {}) % 3]")
NAME_LENGTH = 2 * HANDLE_LENGTH + 1

TWO_WORDS = HANDLE_LENGTH + 2
"""Characters of the name that reach into its second word."""

# Each pattern but the last is one spelling of an address, and its fake is told from those of the others by the name's
# capitals and the domain's first two letters (example, EXAMPLE, Example, eXample): no two spellings become one fake.
_SPELT = sql.SQL("""
(SELECT CASE {cases} ELSE {drawn} END
FROM (SELECT {name}::text AS name, {rest} AS rest, {text} COLLATE "C" AS v OFFSET 0) AS q)
""")
_DRAWN = sql.SQL("""
(SELECT string_agg(CASE WHEN i <> w.at AND (get_bit(w.bits, i) = 1 OR i = w.at + 1)
  THEN upper(substr(w.fake, i, 1) COLLATE "C") ELSE substr(w.fake, i, 1) END, '' ORDER BY i)
FROM (SELECT q.name || q.rest AS fake, strpos(q.name || q.rest, '@') + 1 AS at, {} AS bits OFFSET 0) AS w
CROSS JOIN LATERAL generate_series(1, length(w.fake)) AS i)
""")
_SMALL = sql.SQL("WHEN {} THEN q.name || q.rest")
_CAPITALS = sql.SQL("WHEN q.v !~ '[a-z]' AND {} THEN upper((q.name || q.rest) COLLATE \"C\")")
_WORDS = sql.SQL('WHEN q.v ~ {} AND {} THEN initcap(q.name COLLATE "C") || {}')
_FIRST = sql.SQL('WHEN q.v ~ {} AND {} THEN upper(left(q.name, 1) COLLATE "C") || substr(q.name, 2) || {}')
_TITLE = sql.SQL("WHEN q.v ~ {} AND {} THEN q.name || {}")
_REST = sql.SQL("CASE WHEN q.v ~ {} THEN overlay(q.rest PLACING 'E' FROM strpos(q.rest, '@') + 1) ELSE q.rest END")
_DOMAIN = "@[^A-Za-z]*[A-Z]?[^A-Z]*"
WORDS = f"^[^A-Za-z@]*[A-Z][a-z]*([^A-Za-z@]+[A-Z][a-z]*)*[^A-Za-z@]*({_DOMAIN})?$"
FIRST = f"^[^A-Za-z@]*[A-Z][^A-Z@]*({_DOMAIN})?$"
TITLE = f"^[^A-Z@]*{_DOMAIN}$"
"""A name in small letters, whose domain begins with a capital: without one, all would be small."""
TITLED = "@[^A-Z]*[A-Z]"
"""Of what fits one of those: whether the domain has a capital, which is then its first letter."""


class Email(PersonalStrategy):
    """`anna.meyer.3f9a1c0b2d4e5f60@example.org`: 64 bits of the digest keep it unique.

    Only at example.com, example.org and example.net, which RFC 2606 reserves. Spellings of one address that differ in
    case get spellings of one fake that differ in case, so they stay as equal to lower(email), and as different to a
    unique index, as they were: small letters, capitals, words or a first letter with a capital look the same in the
    fake, and so does a domain whose first letter alone is one; any other pattern, and capitals beside letters beyond
    ASCII, are drawn, or a fake of their own where the column has no room for a name. One with blanks around it, or with
    letters written as two characters (e and an accent), is another address of the same person, as it is to an index.
    """

    kind: Literal["email"] = Field(default="email", alias="strategy")
    injective: ClassVar[bool] = True
    needs: ClassVar[tuple[PoolName, ...]] = ("first_handle", "last_handle")
    draws: ClassVar[Draws] = "identity"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for digest and domain."""
        return (of("text"), at_least(TAIL - 1))

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """The person's name as far as the column has room for it, then the digest, then the domain."""
        name = named(column, inputs, TAIL, ".")
        domain = DOMAINS.format(inputs.mark, sql.Literal(DOMAIN))
        text = sql.SQL("{}::text").format(inputs.value)
        rest = sql.SQL("{} || {}").format(self._other_mark(text, inputs), domain)
        if column.case_insensitive:
            return sql.SQL("({}{})").format(name, rest)
        fake = sql.SQL("{}{} || {}").format(name, mark(inputs.mark), domain)
        bits = digest_of("spelling of an address", text_bytes(text))
        whole = sql.SQL("{}''").format(name)  # which ends with its operator, and may be nothing at all
        # Without a name too few letters are left to draw capitals for, so that spellings would meet.
        drawn = _DRAWN.format(bits) if _room(column) > 0 else sql.SQL("{} || {}").format(mark(bits), domain)
        spelt = _SPELT.format(cases=_patterns(column), drawn=drawn, name=whole, rest=rest, text=text)
        return sql.SQL("(CASE WHEN {} THEN {} ELSE {} END)").format(_usual(text), fake, spelt)

    def _other_mark(self, text: sql.Composable, inputs: Inputs) -> sql.Composable:
        """A mark of its own for an address with blanks around it or in parts: to a unique index these count."""
        other = mark(digest_of("blanks around an address", caseless_bytes(text)))
        return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(_whole(text), mark(inputs.mark), other)


def _patterns(column: Column) -> sql.Composable:
    """What a text looks like that all of the fake can look like as well; words only where there are as many of them."""
    text = sql.SQL("q.v")
    plain = ascii_alone(text)
    cases = [_SMALL.format(caseless(text)), _CAPITALS.format(plain)]
    if _room(column) >= TWO_WORDS:
        rest, forms = _REST.format(sql.Literal(TITLED)), ((_WORDS, WORDS), (_FIRST, FIRST), (_TITLE, TITLE))
        cases += [form.format(sql.Literal(like), plain, rest) for form, like in forms]
    return sql.SQL(" ").join(cases)


def _room(column: Column) -> int:
    """Characters for the name, as far as names need them."""
    return NAME_LENGTH if column.max_length is None else column.max_length - TAIL


def _whole(text: sql.Composable) -> sql.Composable:
    """Whether an address has neither blanks around it nor letters in parts."""
    return sql.SQL("(btrim({}) = {} AND ({} OR {}))").format(text, text, plain(text), composed(text))


def _usual(text: sql.Composable) -> sql.Composable:
    """Whether an address is spelt as all its spellings are folded to."""
    return sql.SQL("CASE WHEN {} THEN {} = {} ELSE {} AND {} END").format(
        plain(text), text, trimmed(text), _whole(text), caseless(text)
    )


def named(column: Column, inputs: Inputs, tail: int, between: str) -> sql.Composable:
    """The person's name and `between`, cut so that `tail` characters (`between` among them) fit behind; or nothing."""
    first, last = inputs.pick("first_handle", FIRST_NAME), inputs.pick("last_handle", LAST_NAME)
    name = sql.SQL("{} || {} || {}").format(first, sql.Literal(between), last)
    room = NAME_LENGTH if column.max_length is None else column.max_length - tail
    if room < 1:
        return sql.SQL("")
    if room < NAME_LENGTH:
        name = sql.SQL("rtrim(left({}, {}), {})").format(name, sql.Literal(room), sql.Literal(between))
    return sql.SQL("{} || {} || ").format(name, sql.Literal(between))
