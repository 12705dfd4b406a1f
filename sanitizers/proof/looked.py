"""What a search looked at and what it found there: names and counts, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sanitizers.proof.originals import Originals


@dataclass(frozen=True)
class ColumnSearched:
    """The originals of one masked column: how many different ones were searched for, and how many could not be."""

    column: str
    searched: int = 0
    too_short: int = 0
    by_chance: int = 0
    """Found, but any pool of the plan can produce them, so that they prove nothing."""
    by_coincidence: int = 0
    """Common words, too few of the column's in one place to be a copy of it; labels of enums."""
    found: int = 0
    repeated: int = 0
    """Of a document: values of columns that the policy keeps, which it repeats."""


@dataclass(frozen=True)
class Hit:
    """Originals of a column found in a place, counted."""

    place: str
    column: str
    count: int
    road: str = "columns"
    """That leads to the place."""


@dataclass(frozen=True)
class Looked:
    """A place that was looked at."""

    name: str
    derived: bool = False
    """Computed from columns or written in a definition: values that a public column holds prove nothing there."""
    public: bool = False
    """A column that the policy calls public: no hit counts there."""
    labels: bool = False
    """Holds labels of an enum: one that is a word of the schema is a coincidence."""
    drawn: bool = False
    """A masked column whose fakes are of one small domain with originals, such as days: no hit counts there."""
    kept: bool = False
    """A column that the policy keeps: what a document repeats of it does not count there."""
    called: str | None = None
    """What a document calls the values of a kept column of texts; None where it does not matter."""
    road: str = "columns"
    """The road that answers for it."""


@dataclass(frozen=True)
class Searched:
    """What a whole search came to."""

    columns: tuple[ColumnSearched, ...]
    """Every masked column whose originals were searched for."""
    hits: tuple[Hit, ...]
    places: Mapping[str, int] = field(default_factory=dict)
    """How many were looked at, by road."""
    unread: tuple[str, ...] = ()
    """A sentence for every column whose originals could not be read."""
    not_searched: int = 0
    """Masked columns whose originals and fakes share one small domain."""
    originals: Originals | None = field(default=None, repr=False, compare=False)
    """Their hashes, for roads that want to ask for more, where they are in this process."""
