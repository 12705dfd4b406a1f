"""The predicate: what was run, where, with what decisions, and what the proof looked at and found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self
from urllib.parse import quote

from pydantic import Field, StringConstraints, model_validator

from sanitizers.attest.record import Count, Moment, Record, Sha256, Slug, Text
from sanitizers.proof.roads.road import CLEAN, Status

Result = Literal["anonymous", "pseudonymous", "kept", "encrypted", "public"]
"""What became of a column's values.

anonymous     nothing that anybody keeps leads from a value back to its original: emptied, a constant, a fake under a
              key that was forgotten with the run
pseudonymous  whoever holds the key can test a guess, or a part of the original shows: every fake under a stable key,
              moved dates, shuffled values
kept          as it was
encrypted     comes back for those who hold the field key
public        kept, and the policy calls it public: nobody looked for it elsewhere
"""

UNCHANGED: frozenset[Result] = frozenset({"kept", "public"})


RoadStatus = Status
"""What looking down a road has said. A road that could not be looked down is UNKNOWN, never PASS."""


class Tool(Record):
    """What made the statement."""

    name: Text
    version: Text


class NeonPlace(Record):
    """A branch of Neon. Its name is what it was when the run ended; ids stay."""

    kind: Literal["neon"] = "neon"
    project_id: Text
    branch_id: Text
    branch: Text

    @property
    def name(self) -> str:
        """`project/branch`, by their ids: branches are renamed."""
        return f"{quote(self.project_id, safe='')}/{quote(self.branch_id, safe='')}"


class PostgresPlace(Record):
    """Any other server, as `host:port`; a user or a password has no place here."""

    kind: Literal["postgres"] = "postgres"
    server: Annotated[str, StringConstraints(pattern=r"^[^\s@/?#]+:[0-9]{1,5}$")]
    system: Text | None = None
    """The cluster's own identifier (`pg_control_system`): it stays what it is by whatever name one connects."""

    @property
    def name(self) -> str:
        """`host:port`, where the folder of a socket is percent-encoded in `server` already."""
        return quote(self.server, safe=":[]%")


Place = Annotated[NeonPlace | PostgresPlace, Field(discriminator="kind")]


class Source(Record):
    """The moment of production that the rows are of; `unknown` says why, where one of the two is not known."""

    lsn: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$")] | None = None
    at: Moment | None = None
    unknown: str = ""

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if (self.lsn is None or self.at is None) and not self.unknown.strip():
            raise ValueError("without LSN or time, `unknown` must say why")
        return self


class Policy(Record):
    """The masking policy of the run: which one, and whether a person put their name and a date under it."""

    digest: Sha256
    reviewed: bool


class Key(Record):
    """The masking key by its id. Under a stable one the fakes are pseudonyms, and the same in the next run."""

    id: Text
    stable: bool


class Column(Record):
    """A column. Counts are None where the engine does not count; values are per row."""

    name: Text
    personal_class: Text
    """Of personal data, as the detector names it; `none` where it sees none."""
    strategy: Text
    result: Result
    values_masked: Count | None = None
    values_kept: Count | None = None
    """Values that the policy keeps on purpose in a masked column."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.result in UNCHANGED and self.values_masked:
            raise ValueError(f"a column that is {self.result} has no masked values")
        if self.result == "anonymous" and self.values_kept:
            raise ValueError("a column that keeps some values is not anonymous")
        return self


class Table(Record):
    """A table with every column, generated ones included, and the rows that it had at the proof."""

    schema_name: Text
    name: Text
    rows: Count
    columns: tuple[Column, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _no_twins("column", [column.name for column in self.columns])
        return self


class Database(Record):
    """A database as it was proven."""

    name: Text
    catalog_digest: Sha256
    tables: tuple[Table, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _no_twins("table", [(table.schema_name, table.name) for table in self.tables])
        return self


class Road(Record):
    """One way on which an original could be reached: what was looked at, in numbers, and a sentence for people."""

    name: Slug
    database: Text | None = None
    """None: it is a way to the whole branch or server."""
    status: RoadStatus
    numbers: dict[Slug, Count] = Field(default_factory=dict)
    """`found` is how many originals can be read there, where that was counted."""
    sentence: Text

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.status in CLEAN and self.numbers.get("found"):
            raise ValueError(f"a road on which something was found is no {self.status}")
        return self


class Predicate(Record):
    """All that is attested of a run."""

    run_id: Text
    tool: Tool
    started_at: Moment
    finished_at: Moment
    """When the proof was complete: a restore after it voids the attestation."""
    place: Place
    mode: Literal["clean-room", "in-place"]
    source: Source
    policy: Policy
    plan_digest: Sha256
    key: Key
    databases: Annotated[tuple[Database, ...], Field(min_length=1)]
    roads: tuple[Road, ...]
    not_looked_at: tuple[Text, ...] = ()
    """What nobody looked at, half a sentence each."""
    history_raw_until: Moment | None = None
    """Until when the history of a branch that was masked in place reaches raw rows."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _no_twins("database", [database.name for database in self.databases])
        _no_twins("road", [(road.name, road.database) for road in self.roads])
        if {road.database for road in self.roads} - {None, *(database.name for database in self.databases)}:
            raise ValueError("a road leads to a database that is not there")
        if self.finished_at < self.started_at:
            raise ValueError("the run ended before it began")
        return self

    @property
    def verdict(self) -> RoadStatus:
        """The worst of all roads, as `worst` has it."""
        return worst(road.status for road in self.roads)


def worst(statuses: Iterable[RoadStatus]) -> RoadStatus:
    """The verdict over several: FAIL before UNKNOWN before SAMPLED; of none it is UNKNOWN, since nobody looked."""
    found = set(statuses) or {RoadStatus.UNKNOWN}
    order = (RoadStatus.FAIL, RoadStatus.UNKNOWN, RoadStatus.SAMPLED, RoadStatus.PASS)
    return next(status for status in order if status in found)


def _no_twins(what: str, names: Sequence[object]) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"a {what} is there twice")
