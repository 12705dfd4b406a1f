"""Cuts what is to be put back into statements that can run at the same time, by the locks that they take.

- build: CREATE INDEX shares its table with other builds. The index of a key is built so too, not by ALTER TABLE.
- whole: keys for which that will not do take their table for themselves while they are built, one table at a time.
- key: what takes a table for a moment: a constraint over a built index, comments, the root of an index, attaching.
- check: reads its table through, alone.
- reference: foreign keys are added unchecked, which locks both tables for a moment.
- validation: they are checked, all of one table together; only one such check may run on a table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import psycopg

from sanitizers.engines.obstacles import USER_TABLES, Obstacle, Obstacles

KEYS = (
    USER_TABLES
    + """
SELECT format('index %s', c.oid::regclass), k.conrelid::regclass::text,
  CASE WHEN a.amname = 'btree' AND k.contype <> 'x' AND (k.contype = 'u'
      OR NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = k.conrelid)) THEN pg_get_indexdef(c.oid) END,
  format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s USING INDEX %I', k.conrelid::regclass, k.conname,
    CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, c.relname)
    || CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END
    || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END
FROM pg_constraint k JOIN user_table t ON t.oid = k.conrelid
JOIN pg_class c ON c.oid = k.conindid JOIN pg_am a ON a.oid = c.relam
WHERE k.contype IN ('p', 'u', 'x') AND c.relkind = 'i'
"""
)
"""Keys that hold an index. USING INDEX would make the NOT NULL that a primary key inherits the table's own."""

CHECKED = (
    USER_TABLES
    + """
SELECT format('foreign key %I of %s', k.conname, k.conrelid::regclass), k.conrelid::regclass::text,
  format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname)
FROM pg_constraint k JOIN user_table t ON t.oid = k.conrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.convalidated AND t.relkind = 'r'
"""
)
"""Foreign keys that can be added first and checked later. Of a partitioned table only PostgreSQL 18 can."""


@dataclass(frozen=True)
class _Key:
    table: str
    build: str | None
    add: str


@dataclass
class _Indexes:
    builds: list[Obstacle] = field(default_factory=list)
    whole: defaultdict[tuple[str, str], list[Obstacle]] = field(default_factory=lambda: defaultdict(list))
    rest: list[Obstacle] = field(default_factory=list)


def spread(conn: psycopg.Connection, obstacles: Obstacles) -> Mapping[str, tuple[Obstacle, ...]]:
    """The obstacles of a database that has them all, cut, by the kind that the journal calls them; changes nothing."""
    with conn.transaction():
        conn.execute("SET LOCAL search_path = ''")
        keys = {about: _Key(*rest) for about, *rest in conn.execute(KEYS.encode())}
        checked = {about: (table, check) for about, table, check in conn.execute(CHECKED.encode())}
    indexes = _Indexes()
    for index in obstacles.indexes:
        _cut(index, keys.get(index.about), indexes)
    return {
        "build": tuple(indexes.builds),
        "whole": _joined("keys of", indexes.whole),
        "key": tuple(indexes.rest),
        "check": obstacles.checks,
        "reference": tuple(_unchecked(key) if key.about in checked else key for key in obstacles.foreign_keys),
        "validation": _validations(obstacles.foreign_keys, checked),
        "trigger": obstacles.triggers,
    }


def _cut(index: Obstacle, key: _Key | None, into: _Indexes) -> None:
    """Whatever part comes first takes the index away."""
    first, *others = index.restore or ("",)
    if key and first.startswith("ALTER TABLE ONLY "):
        if key.build is None:
            into.whole[key.table, index.owner].append(index)
            return
        into.builds.append(replace(index, restore=(key.build,)))
        into.rest.append(replace(index, remove=(), restore=(key.add, *others)))
    elif first.startswith(("CREATE INDEX ", "CREATE UNIQUE INDEX ")):
        into.builds.append(replace(index, restore=(first,)))
        into.rest += [replace(index, remove=(), restore=tuple(others))] if others else []
    else:
        into.rest.append(index)


def _unchecked(key: Obstacle) -> Obstacle:
    add, *others = key.restore
    return replace(key, restore=(f"{add} NOT VALID", *others))


def _validations(keys: Iterable[Obstacle], checked: Mapping[str, tuple[str, str]]) -> tuple[Obstacle, ...]:
    groups: defaultdict[tuple[str, str], list[Obstacle]] = defaultdict(list)
    for key in keys:
        if key.about in checked:
            table, check = checked[key.about]
            groups[table, key.owner].append(replace(key, remove=(), restore=(check,)))
    return _joined("foreign keys of", groups)


def _joined(what: str, groups: Mapping[tuple[str, str], Iterable[Obstacle]]) -> tuple[Obstacle, ...]:
    """One obstacle of all those of a table (and its owner)."""
    return tuple(
        Obstacle(
            f"{what} {table}",
            owner,
            tuple(statement for obstacle in group for statement in obstacle.remove),
            tuple(statement for obstacle in group for statement in obstacle.restore),
        )
        for (table, owner), group in groups.items()
    )
