"""What the proof of one database says: every road, and what was counted. Names and numbers, never a value."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sanitizers.plan import DatabasePlan
from sanitizers.proof.fidelity import Fidelity
from sanitizers.proof.groups import Groups
from sanitizers.proof.kept import ColumnKept, Counts
from sanitizers.proof.looked import ColumnSearched
from sanitizers.proof.roads.road import Found, Status


@dataclass(frozen=True)
class ColumnCounted:
    """A masked column: values that are not NULL, and those of them that the policy keeps on purpose."""

    name: str
    values: int
    kept: int


@dataclass(frozen=True)
class TableCounted:
    """A table of the target with its rows, and its masked columns as they were in the source."""

    schema: str
    name: str
    rows: int
    columns: tuple[ColumnCounted, ...]


@dataclass(frozen=True)
class DatabaseProof:
    """What was looked at and what was found."""

    database: str
    roads: tuple[Found, ...] = ()
    """Each with what was found on it, in the order of the registry."""
    counted: tuple[TableCounted, ...] = ()
    columns: tuple[ColumnSearched, ...] = ()
    """Every masked column whose originals were searched for."""
    not_searched: tuple[str, ...] = ()
    """Masked columns whose originals and fakes share one small domain, so that equal values would prove nothing."""
    public: tuple[str, ...] = ()
    """Kept columns that the policy calls public: not looked at."""
    kept: tuple[ColumnKept, ...] = ()
    """Masked columns of which the policy keeps something on purpose."""
    warnings: tuple[str, ...] = ()
    """Masked columns that nothing was masked of, a sentence each."""
    fidelity: Fidelity | None = None
    """How columns behave next to the source's, where that could be looked at."""
    groups: tuple[Groups, ...] = ()
    """Rows by the quasi-identifiers that the policy declares."""
    uncounted: tuple[str, ...] = ()
    """What beside the roads could not be looked at and why, half a sentence each."""
    seconds: float = field(default=0.0, compare=False)

    @property
    def tables(self) -> int:
        """Tables whose rows were counted."""
        return len(self.counted)

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(table.rows for table in self.counted)

    @property
    def places(self) -> int:
        """Columns, statistics and definitions of the target that originals were searched for in."""
        return sum(road.numbers.get("places", 0) for road in self.roads if road.road != "containment")

    @property
    def searched(self) -> int:
        """Different original values that were searched for."""
        return sum(column.searched for column in self.columns)

    @property
    def problems(self) -> tuple[str, ...]:
        """Whatever any road found, a sentence each."""
        return tuple(problem for road in self.roads for problem in road.problems)

    @property
    def unseen(self) -> tuple[str, ...]:
        """What could not be looked at, on the roads and beside them, half a sentence each."""
        return (*(what for road in self.roads for what in road.unseen), *self.uncounted)

    @property
    def found(self) -> bool:
        """Whether originals of masked columns are left."""
        return any(column.found for column in self.columns)

    @property
    def clean(self) -> bool:
        """Whether no road failed; one that is unknown is none that failed."""
        return all(road.status is not Status.FAIL for road in self.roads)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever takes the result must know, a sentence each."""
        return (
            *(f"warning: {warning}" for warning in self.warnings),
            *(f"kept on purpose: {column}" for column in self.kept),
            *(f"k-anonymity: {groups}" for groups in self.groups),
            *(f"not looked at: {what}" for what in self.unseen),
        )

    def timed(self, started: float) -> DatabaseProof:
        """The same with how long it took since that moment of the monotonic clock."""
        return replace(self, seconds=time.monotonic() - started)


def counted(plan: DatabasePlan, before: Counts, after: Counts) -> Iterator[TableCounted]:
    """Every table of the plan."""
    for table in plan.tables:
        name = (table.table.schema, table.table.name)
        masked = (c.column.name for c in table.columns if c.masked)
        numbers = ((column, before.columns[*name, column]) for column in masked)
        columns = tuple(ColumnCounted(column, values, kept) for column, (values, _, kept, *_) in numbers)
        yield TableCounted(*name, after.rows[name], columns)
