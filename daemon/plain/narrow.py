"""The part of a masking policy that speaks of one database, foreign tables told apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sanitizers.policy import MaskingPolicy
from sanitizers.rules import matches, parts
from sanitizers.schema import Schema

Place = tuple[str, str, str]
"""Database, schema, table."""

COLUMN, TABLE = 4, 3  # parts of a full name


def narrowed(policy: MaskingPolicy, schema: Schema, foreign: Sequence[Place] = ()) -> MaskingPolicy:
    """The policy without what it says of other databases, nor of foreign tables, whose rows are never taken."""
    name = schema.database
    places = [(name, table.schema, table.name) for table in schema.tables]
    tables = tuple(
        rule
        for rule in policy.tables
        if _may_mean(rule.match, TABLE, name) and not (_means(rule.match, foreign) and not _means(rule.match, places))
    )
    columns = tuple(rule for rule in policy.columns if _may_mean(rule.match, COLUMN, name))
    links = tuple(link for link in policy.links if _may_mean(link.from_, COLUMN, name))
    databases = {own: tables_ for own, tables_ in policy.databases.items() if own == name}
    return policy.model_copy(update={"databases": databases, "tables": tables, "columns": columns, "links": links})


def unnamed(policy: MaskingPolicy, foreign: Sequence[Place]) -> Iterator[str]:
    """A sentence for each foreign table that the policy does not name."""
    for place in foreign:
        if not any(rule.rows == "none" and matches(rule.match, place) for rule in policy.tables):
            name = ".".join(place)
            yield (
                f"{name} is a foreign table: its rows are another server's and are never copied, but whoever has the"
                f' result could ask that server; drop it, or name it: [[tables]] match = "{name}" rows = "none"'
            )


def _means(pattern: str, places: Sequence[Place]) -> bool:
    return any(matches(pattern, place) for place in places)


def _may_mean(pattern: str, full: int, database: str) -> bool:
    """Whether a pattern, if it names a database at all, names this one."""
    found = parts(pattern)
    return len(found) < full or matches(".".join(_quoted(part) for part in found[:1]), (database,))


def _quoted(part: str) -> str:
    return f'"{part}"' if "." in part else part
