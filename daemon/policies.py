"""From a schema to a first masking policy: where the vocabularies that ship meet the detector."""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from daemon.errors import UsageError
from daemon.shipped import CONFIG
from sanitizers.decisions import Classes, decide
from sanitizers.detect.classify import classify
from sanitizers.detect.suggest import suggest
from sanitizers.detect.vocabulary import Vocabulary, merge_vocabularies
from sanitizers.plan import DatabasePlan, Draft, MaskingPlan, compile_plan, draft_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.policy_file import Suggestion, printable, toml_key, toml_rule, toml_strategy
from sanitizers.rules import matches
from sanitizers.schema import Column, ColumnRef, Schema, Table
from sanitizers.strategies.keep import Keep

Place = tuple[str, str, str]
"""Database, schema, table."""

COLUMNS_IN = ("project", "table", "column", "type", "comment")
COLUMNS_OUT = ("project", "table", "column", "predicted_class")
NOT_PERSONAL = "none"


@cache
def vocabulary() -> Vocabulary:
    """The words of every language that ships."""
    return merge_vocabularies(tomllib.loads(path.read_text()) for path in sorted((CONFIG / "pii").glob("*.toml")))


def suggestions(schemas: Iterable[Schema]) -> tuple[Suggestion, ...]:
    """A strategy for every column of every schema, and why."""
    return suggest(tuple(schemas), vocabulary())


def compile_policy(schemas: Sequence[Schema], policy: MaskingPolicy) -> MaskingPlan:
    """The masking plan; rules that speak of classes get those that the detector finds. Raises PlanError."""
    return compile_plan(schemas, policy, _classes(schemas, policy))


def draft_policy(schemas: Sequence[Schema], policy: MaskingPolicy) -> Draft:
    """The same as far as it goes, with every problem."""
    return draft_plan(schemas, policy, _classes(schemas, policy))


def coverage(schemas: Sequence[Schema], policy: MaskingPolicy, digest: str) -> str:
    """How many columns the policy covers, of all that are copied, and which policy it is, by its digest."""
    decisions = decide(schemas, policy, _classes(schemas, policy))
    asked = [
        (schema.database, table.schema, table.name, column.name)
        for schema in schemas
        for table in schema.tables
        for column in table.columns
        if not column.generated
    ]
    covered = sum(decisions.strategy(path) is not None for path in asked)
    return f"{covered}/{len(asked)} columns covered, policy sha256:{digest}"


def missing_lines(schema: Schema, policy: MaskingPolicy) -> Iterator[str]:
    """TOML for every column that the policy does not cover, as the detector suggests it."""
    decisions = decide((schema,), policy, _classes((schema,), policy))
    before: tuple[str, ...] = ()
    for item in suggestions((schema,)):
        if decisions.strategy(item.path) is None:
            if item.path[:3] != before:
                before = item.path[:3]
                yield f"[{'.'.join(toml_key(part) for part in before)}]"
            yield f"{toml_key(item.column)} = {toml_strategy(item.strategy)}  # {printable(item.reason)}"


def unmasked(schemas: Iterable[Schema], planned: Sequence[DatabasePlan], policy: MaskingPolicy) -> Iterator[str]:
    """No policy may mask nothing at all, and one that nobody has signed may not keep what looks personal."""
    if not any(table.masked for database in planned for table in database.tables):
        yield "the policy masks nothing: what comes out would be production; mask a column"
    if policy.reviewed:
        return
    kept = {
        (database.database, table.table.schema, table.table.name, column.column.name)
        for database in planned
        for table in database.tables
        for column in table.columns
        if isinstance(column.strategy, Keep) and not column.strategy.public
    }
    for suggestion in suggestions(schemas):
        if suggestion.path in kept and suggestion.strategy.masks and suggestion.pii_class is not None:
            name = ".".join(suggestion.path)
            yield f"{name} looks personal ({suggestion.pii_class}) and is kept: mask it, or sign the policy"
    yield from _kept_in_part(planned)


def _kept_in_part(planned: Sequence[DatabasePlan]) -> Iterator[str]:
    for database in planned:
        for table in database.tables:
            place = f"{database.database}.{table.table.qualified}"
            if table.rule.keep_rows:
                yield f"{place} keeps rows as they are (keep_rows): sign the policy"
            for column in table.columns:
                if column.masked and (column.strategy.keep_if or column.strategy.keep_values):
                    yield f"{place}.{column.column.name} keeps some originals (keep_if, keep_values): sign the policy"


def _classes(schemas: Iterable[Schema], policy: MaskingPolicy) -> Classes | None:
    return personal_classes(schemas) if any(rule.pii_class for rule in policy.columns) else None


def personal_classes(schemas: Iterable[Schema]) -> Classes:
    """The class of personal data of every column that the detector sees one in."""
    return {
        (schema.database, table.schema, table.name, found.column.name): found.pii_class
        for schema in schemas
        for table in schema.tables
        for found in classify(table, vocabulary())
        if found.pii_class is not None
    }


def undecided(schemas: Iterable[Schema], found: Iterable[Suggestion]) -> tuple[str, ...]:
    """A sentence for each column without a suggestion: a person has to decide, and until then a run is refused."""
    decided = {item.path for item in found}
    return tuple(
        f"{schema.database}.{table.qualified}.{column.name} looks personal and {_why_none(schema, table, column)}"
        for schema in schemas
        for table in schema.tables
        for column in table.columns
        if not column.generated and (schema.database, table.schema, table.name, column.name) not in decided
    )


def _why_none(schema: Schema, table: Table, column: Column) -> str:
    """Why no strategy is suggested, as far as another type at the other end of a foreign key explains it."""
    place = ColumnRef(table.schema, table.name, column.name)
    columns = [(ColumnRef(t.schema, t.name, c.name), c) for t in schema.tables for c in t.columns]
    for ref, other in columns:
        if (ref in column.references or place in other.references) and other.type != column.type:
            return (
                f"is tied to {schema.database}.{ref} by a foreign key: no strategy gives equal fakes in {column.type}"
                f" and {other.type}: keep both, or change a type"
            )
    return "no strategy fits: decide in the policy"


def without_foreign(policy: MaskingPolicy, schemas: Iterable[Schema], foreign: Sequence[Place]) -> MaskingPolicy:
    """The policy without what it says of foreign tables alone, whose rows are never taken."""
    places = [(schema.database, table.schema, table.name) for schema in schemas for table in schema.tables]
    rules = tuple(r for r in policy.tables if not _means(r.match, foreign) or _means(r.match, places))
    return policy.model_copy(update={"tables": rules})


def unnamed(policy: MaskingPolicy, foreign: Sequence[Place]) -> Iterator[str]:
    """A sentence for each foreign table that the policy does not name."""
    for place in foreign:
        if not any(rule.rows == "none" and matches(rule.match, place) for rule in policy.tables):
            name = ".".join(place)
            yield (
                f"{name} is a foreign table: its rows are another server's and are never copied, but whoever has the"
                f" result could ask that server; drop it, or name it:{toml_rule(place)}"
            )


def _means(pattern: str, places: Sequence[Place]) -> bool:
    return any(matches(pattern, place) for place in places)


def classify_columns(source: Path, target: Path) -> int:
    """Classify a column list (CSV with the header of COLUMNS_IN); returns the number of columns. Raises UsageError."""
    try:
        with source.open(newline="", encoding="utf-8") as file:
            rows = list(_rows(csv.DictReader(file)))
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS_OUT)
            writer.writerows(_classified(rows))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(_unread(error, source, target)) from None
    return len(rows)


def _unread(error: Exception, source: Path, target: Path) -> str:
    """What is wrong with which of the two files, and what is wanted."""
    if not isinstance(error, OSError):
        return f"--columns {source} is no CSV file in UTF-8: write one with the header {','.join(COLUMNS_IN)}"
    if error.filename == str(target):
        return f"--out {target} cannot be written: {error.strerror}: name a file in a folder that is there and yours"
    header = ",".join(COLUMNS_IN)
    return f"--columns {source} cannot be read: {error.strerror}: name a CSV file with the header {header}"


def _rows(reader: csv.DictReader[str]) -> Iterator[Mapping[str, str]]:
    lacking = [name for name in COLUMNS_IN[:4] if name not in (reader.fieldnames or ())]
    if lacking:
        raise UsageError(f"the column list lacks {', '.join(lacking)}: its header must be {','.join(COLUMNS_IN)}")
    for number, row in enumerate(reader, start=2):
        if any(row.get(name) is None for name in COLUMNS_IN[:4]):
            raise UsageError(f"line {number} of the column list has too few fields")
        yield row


def _classified(rows: list[Mapping[str, str]]) -> Iterator[tuple[str, str, str, str]]:
    """In the order of the input; every column is seen beside the others of its table."""
    tables: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        tables[row["project"], row["table"]].append(row)
    found = {key: dict(zip(map(id, group), _classes_in(key[1], group), strict=True)) for key, group in tables.items()}
    for row in rows:
        predicted = found[row["project"], row["table"]][id(row)]
        yield row["project"], row["table"], row["column"], predicted or NOT_PERSONAL


def _classes_in(name: str, rows: list[Mapping[str, str]]) -> list[str | None]:
    schema, _, bare = name.rpartition(".")
    columns = tuple(Column(name=row["column"], type=row["type"]) for row in rows)
    table = Table(schema=schema or "public", name=bare, columns=columns)
    return [classified.pii_class for classified in classify(table, vocabulary())]
