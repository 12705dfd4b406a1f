"""What every strategy has in common, and the checks that several of them share.

A strategy is written by people (so it is a frozen pydantic model) and compiled to one SQL expression per column. The
expression gets the original value and keyed digests, all as plain column references, and yields the fake; NULL in,
NULL out. What a digest is taken over is the row's business (`sanitizers.persons`): the value itself, so that the same
value gets the same fake in every table, or the person that the row is about. Whoever knew all of
its 256 bits could extend it to that of a longer content, but no value's: such a content has bytes 0 behind the value,
which no text has, and of a bytea's digest 128 bits at most are written into a target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import BaseModel, ConfigDict

from sanitizers.pools import Locales, PoolName, pick
from sanitizers.schema import Category, Column

Residue = Literal["search", "pool", "none"]
"""How to look for originals in the target.

search  no original may be found anywhere
pool    the same, but for originals that the strategy itself can produce
none    outputs and originals share one small domain, so that equal values prove nothing
"""

Common = Literal["", "name", "word"]
"""How much a few originals in an unrelated column say: everything, little (people's names) or nothing (towns)."""

Draws = Literal["value", "identity", "detail"]
"""What decides a fake when the policy does not say.

value     the original value
identity  the person that the row is about: names and logins of one row belong together
detail    the person, where every row is another one and nothing refers to the column; otherwise the value
"""

MARKS = 2**64
"""What the 16 hexadecimal digits that keep a fake unique tell apart."""

Check = Callable[[Column], str | None]

# Categories in which unrelated columns hold the same values all the time: numbers, days, flags.
SMALL_DOMAINS: frozenset[Category] = frozenset({"integer", "number", "date", "timestamp", "boolean", "enum"})


@dataclass(frozen=True)
class Several(Collection[str]):
    """Texts of several collections, of which some may be too many to write out."""

    parts: tuple[Collection[str], ...]

    def __iter__(self) -> Iterator[str]:
        return (text for part in self.parts for text in part)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __contains__(self, text: object) -> bool:
        return any(text in part for part in self.parts)


@dataclass(frozen=True)
class Inputs:
    """What an expression is made of. All are references, so that repeating them costs nothing."""

    value: sql.Composable
    """The original."""
    digest: sql.Composable
    """Of the value or of the row's person: picks from pools."""
    mark: sql.Composable
    """Of the value itself: keeps a fake unique."""
    locales: Locales = field(default_factory=Locales)
    locale: sql.Composable | None = None
    """The row's own locale, where the table has a column for it."""
    computed: sql.Composable = field(default_factory=lambda: sql.SQL("NULL"))
    """What the strategy asked the row for; see `MaskingStrategy.row_expression`."""

    def pick(self, pool: PoolName, at: int) -> sql.Composable:
        """SQL for a value of the pool in the row's locale, by two bytes of the digest."""
        return self.choose(lambda locale: pick(pool, locale, self.digest, at))

    def choose(self, fake: Callable[[str], sql.Composable]) -> sql.Composable:
        """SQL for what `fake` gives in the row's locale."""
        if self.locale is None or not self.locales.others:
            return fake(self.locales.default)
        cases = [sql.SQL("WHEN {} THEN {}").format(self._spoken(name), fake(name)) for name in self.locales.others]
        return sql.SQL("(CASE {} ELSE {} END)").format(sql.SQL(" ").join(cases), fake(self.locales.default))

    def _spoken(self, locale: str) -> sql.Composable:
        """Whether the row's locale is this one, written as de_DE, de-DE, DE or de."""
        language, _, country = locale.upper().partition("_")
        named = sql.SQL("upper(replace({}::text, '-', '_'))").format(self.locale)
        return sql.SQL("{} IN ({}, {}, {})").format(
            named, *(sql.Literal(name) for name in (locale.upper(), country, language))
        )


class MaskingStrategy(BaseModel, ABC):
    """One way to replace the values of a column. Subclasses add `kind`, the discriminator (`strategy` in TOML)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    keep_values: tuple[str, ...] = ()
    """Values that stay as they are, `*` for any characters, in any case: staff and test logins."""
    keep_if: str = ""
    """SQL condition over the row's originals; where it is true, the value stays as it is."""

    masks: ClassVar[bool] = True
    """Whether values change at all."""
    digested: ClassVar[bool] = True
    """Whether `expression` uses a keyed digest."""
    draws: ClassVar[Draws] = "value"
    injective: ClassVar[bool] = False
    """Whether different originals get different fakes (64 bits or more decide), so that keys stay unique."""
    residue: ClassVar[Residue] = "search"
    needs: ClassVar[tuple[PoolName, ...]] = ()
    """Pools that `expression` picks from."""
    common: ClassVar[Common] = ""
    """Whether originals are words that unrelated columns hold as well."""
    whole_table: ClassVar[bool] = False
    """Whether a fake depends on other rows, so that a table cannot be masked part by part."""

    streamed: ClassVar[bool] = False
    """Whether Python makes the values, on the rows as they stream by; `expression` gives what stands in for them."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """What a column must pass beside the checks for all; each answers with a problem or None."""
        return ()

    @property
    def row_expression(self) -> str:
        """People's SQL over the row's originals, whose value comes as `Inputs.computed`; empty: none."""
        return ""

    @property
    def masked_expression(self) -> str:
        """People's SQL over the masked row, which is then the column's value; empty: none."""
        return ""

    @property
    def row_functions(self) -> tuple[str, ...]:
        """Functions of the database that people's SQL may call."""
        return getattr(self, "functions", ())

    @property
    def keeps_unique(self) -> bool:
        """Whether these parameters keep unique columns unique."""
        return self.injective

    def different(self, column: Column) -> int | None:  # noqa: ARG002
        """How many different fakes a unique column can get; None where they repeat only if originals do."""
        return MARKS if self.digested else None

    @property
    def label(self) -> str:
        """Name of the subkey for digests of the value."""
        return str(self.kind)  # type: ignore[attr-defined]  # every subclass has it, as the discriminator

    @property
    def by_value(self) -> bool:
        """Whether the policy asks for fakes that the value alone decides."""
        return self.draws == "value"

    @property
    def masking(self) -> dict[str, object]:
        """Kind and parameters, as far as they decide what comes out."""
        return self.model_dump()

    def fits(self, column: Column) -> str | None:
        """Why this strategy cannot be used on the column or the elements of its arrays, as half a sentence, or None."""
        problem = self._misfit(column)
        inner = column.inner if problem else None
        if inner is None:
            return problem
        of_elements = self._misfit(inner)
        if of_elements is None or of_elements == problem:
            return of_elements
        return f"it masks each element by itself, and {of_elements}"

    def inside(self, column: Column) -> bool:
        """Whether it masks each element of an array by itself, because it fits those and not the whole."""
        inner = column.inner
        return inner is not None and self._misfit(column) is not None and self._misfit(inner) is None

    def _misfit(self, column: Column) -> str | None:
        checks: tuple[Check, ...] = (not_generated, not_identity, *self.checks, self._may_repeat)
        return next((problem for check in checks if (problem := check(column))), None)

    def _may_repeat(self, column: Column) -> str | None:
        """The last check, and nobody's to leave out: who does not say that fakes differ gets no unique column."""
        return None if self.keeps_unique else not_unique(column)

    @abstractmethod
    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """SQL that yields the fake."""

    def residue_in(self, column: Column) -> Residue:
        """How originals of this column are to be searched for."""
        return "none" if column.category in SMALL_DOMAINS else self.residue

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:  # noqa: ARG002
        """All texts that masking can put into the column although nobody's original was used."""
        return ()


class PersonalStrategy(MaskingStrategy):
    """A strategy whose fakes can be those of the row's person."""

    by: Literal["", "value", "person"] = ""
    """What decides the fake; empty: the person where that is safe, otherwise the value."""

    @property
    def by_value(self) -> bool:
        """As the policy says, or as is usual for the strategy."""
        return self.by == "value" or (not self.by and self.draws == "value")


def not_generated(column: Column) -> str | None:
    """Postgres computes generated columns itself."""
    return "the column is generated, Postgres computes it: take it out of the policy" if column.generated else None


def not_identity(column: Column) -> str | None:
    """The sequence behind an identity column would know nothing of the fakes."""
    return "the column is an identity: its numbers come from a sequence, keep it" if column.identity else None


_APART: Mapping[Category, str] = {
    "text": "use digest or permute, or unique = true where the strategy has it",
    "integer": "use permute or digest",
    **dict.fromkeys(("uuid", "bytea", "inet"), "use digest"),
}
"""What keeps values apart, by category."""


def not_unique(column: Column) -> str | None:
    """For strategies whose fakes repeat."""
    if not column.unique:
        return None
    return f"the column is unique and these fakes repeat: {_APART.get(column.category, 'use keep')}"


def of(*categories: Category) -> Check:
    """The column's type is of one of the categories."""
    expected = " or ".join(categories)

    def check(column: Column) -> str | None:
        return None if column.category in categories else f"the column is {column.type}, not {expected}"

    return check


def at_least(characters: int) -> Check:
    """A text column is long enough."""

    def check(column: Column) -> str | None:
        if column.max_length is None or column.max_length >= characters:
            return None
        return f"{holder(column)} {column.max_length} characters, {characters} are needed"

    return check


def holder(column: Column) -> str:
    """Whose width a column has, and a verb."""
    return f"the column is tied to {column.cut_as}, which holds" if column.cut_as else "the column holds"


def shortened(text: sql.Composable, length: int | None) -> sql.Composable:
    """The text cut to `length` characters, or as it is."""
    return text if length is None else sql.SQL("left({}, {})").format(text, sql.Literal(length))
