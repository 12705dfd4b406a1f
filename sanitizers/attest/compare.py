"""Does an attestation still say something of a database as it is? Pure: what was read of the database comes in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sanitizers.attest.predicate import Database, Table
from sanitizers.attest.statement import Statement


class Effect(StrEnum):
    """What a difference means for the attestation."""

    VOIDS = "voids"
    """It says nothing of the database any more."""
    UNKNOWN = "unknown"
    """Nobody could look, so that nothing follows."""
    NORMAL = "normal"
    """The life of a staging branch."""


@dataclass(frozen=True)
class Difference:
    """One difference between what was attested and what there is."""

    kind: str
    place: str
    sentence: str
    effect: Effect


@dataclass(frozen=True)
class TableNow:
    """A table as it is; `rows` is None where they were not counted, which says nothing against the attestation."""

    schema: str
    name: str
    columns: tuple[str, ...]
    """Every column, generated ones included."""
    rows: int | None = None


@dataclass(frozen=True)
class DatabaseNow:
    """A database as it is, read in the same way as for the attestation."""

    name: str
    catalog_digest: str
    tables: tuple[TableNow, ...]


@dataclass(frozen=True)
class Facts:
    """What was read of a branch or server."""

    place: str
    """`name` of the predicate's place."""
    databases: tuple[DatabaseNow, ...]
    restored_at: datetime | None = None
    """When something was last restored over it; None: never. Where nothing can tell, say so in `unseen`."""
    roles_as_production: tuple[str, ...] = ()
    """Roles with production's password verifier."""
    unseen: tuple[str, ...] = ()
    """What could not be looked at, half a sentence each."""
    unread: tuple[str, ...] = ()
    """Names of databases that are there and that nobody could look into; `unseen` says so."""


def compare(statement: Statement, facts: Facts) -> tuple[Difference, ...]:
    """Every difference, those that void the attestation first; nothing voids it and all was seen: it still holds."""
    order = list(Effect)
    found = (*_of_the_place(statement, facts), *_of_databases(statement, facts))
    return tuple(sorted(found, key=lambda difference: order.index(difference.effect)))


def _of_the_place(statement: Statement, facts: Facts) -> Iterator[Difference]:
    attested = statement.predicate
    if facts.place != attested.place.name:
        sentence = f"the attestation is of {attested.place.name}, this is {facts.place}"
        yield Difference("place", facts.place, sentence, Effect.VOIDS)
    if facts.restored_at is not None and facts.restored_at >= attested.finished_at:
        sentence = f"something was restored over it at {facts.restored_at.isoformat()}, after the proof"
        yield Difference("restore", facts.place, sentence, Effect.VOIDS)
    for role in facts.roles_as_production:
        yield Difference("role", role, f"role {role} has the password that it has on production", Effect.VOIDS)
    for what in facts.unseen:
        yield Difference("unseen", facts.place, f"not looked at: {what}", Effect.UNKNOWN)


def _of_databases(statement: Statement, facts: Facts) -> Iterator[Difference]:
    before = {database.name: database for database in statement.predicate.databases}
    now = {database.name: database for database in facts.databases}
    for name in sorted(now.keys() - before.keys()):
        yield Difference("database", name, f"database {name} is new: nobody looked into it", Effect.VOIDS)
    for name in sorted(before.keys() - now.keys() - set(facts.unread)):
        yield Difference("database", name, f"database {name} is gone, and its rows with it", Effect.NORMAL)
    for name in sorted(before.keys() & now.keys()):
        yield from _of_a_database(before[name], now[name])


def _of_a_database(before: Database, now: DatabaseNow) -> Iterator[Difference]:
    if before.catalog_digest != now.catalog_digest:
        sentence = f"the catalog of {now.name} is not the attested one: a table, type, constraint or default changed"
        yield Difference("catalog", now.name, sentence, Effect.VOIDS)
    tables = {(table.schema_name, table.name): table for table in before.tables}
    for table in now.tables:
        place = f"{now.name}.{table.schema}.{table.name}"
        attested = tables.get((table.schema, table.name))
        if attested is None:
            yield Difference("table", place, f"table {place} is new: nobody looked into it", Effect.VOIDS)
        else:
            yield from _of_a_table(place, attested, table)
    yield from _gone(now.name, tables, now.tables)


def _of_a_table(place: str, before: Table, now: TableNow) -> Iterator[Difference]:
    known = {column.name for column in before.columns}
    for name in now.columns:
        if name not in known:
            sentence = f"column {place}.{name} is new: nobody looked into it"
            yield Difference("column", f"{place}.{name}", sentence, Effect.VOIDS)
    for name in sorted(known.difference(now.columns)):
        yield Difference("column", f"{place}.{name}", f"column {place}.{name} is gone", Effect.NORMAL)
    if now.rows is not None and now.rows != before.rows:
        later = ": nothing is said of those that came later" if now.rows > before.rows else ""
        sentence = f"{place} has {now.rows} rows, {before.rows} were attested{later}"
        yield Difference("rows", place, sentence, Effect.NORMAL)


def _gone(database: str, before: Mapping[tuple[str, str], Table], now: Iterable[TableNow]) -> Iterator[Difference]:
    for schema, name in sorted(before.keys() - {(table.schema, table.name) for table in now}):
        place = f"{database}.{schema}.{name}"
        yield Difference("table", place, f"table {place} is gone, and its rows with it", Effect.NORMAL)
