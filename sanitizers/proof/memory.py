"""What a proof in place knew of the originals, in the journal: a run that is cut off is proven by the one that goes on.

A hash of the search is written down as a digest of itself under the masking key, which is in the session alone: to
whoever reads the journal it says nothing. A row for each different original, some 50 bytes; all of it goes with the
journal. So do the tokens and rows that `recalled` and `cells` write.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql
from pydantic import TypeAdapter

from sanitizers.proof.kept import Numbers
from sanitizers.proof.sealed import sealed_hash

_SECRET = sealed_hash(sql.Identifier("h", "hash"))
_WRITE = (
    sql.SQL(
        "INSERT INTO branchwarden_journal.original SELECT h.number, {}, h.distinctive FROM pg_temp.original AS h"
    ).format(_SECRET),
    sql.SQL("INSERT INTO branchwarden_journal.kept SELECT {} FROM pg_temp.kept AS h").format(_SECRET),
    sql.SQL("INSERT INTO branchwarden_journal.named SELECT h.number, {}, h.name FROM pg_temp.named AS h").format(
        _SECRET
    ),
)
# Only what was found again matters as a hash; all others count, no more.
_READ = (
    sql.SQL(
        "INSERT INTO pg_temp.original SELECT o.number, f.hash, o.distinctive FROM branchwarden_journal.original AS o"
        " LEFT JOIN (SELECT h.hash, {} AS secret FROM (SELECT DISTINCT hash FROM pg_temp.found) AS h) AS f"
        " ON f.secret = o.hash"
    ).format(_SECRET),
    sql.SQL(
        "INSERT INTO pg_temp.kept SELECT h.hash FROM (SELECT DISTINCT hash FROM pg_temp.original WHERE hash IS NOT NULL"
        ") AS h WHERE {} IN (SELECT hash FROM branchwarden_journal.kept)"
    ).format(_SECRET),
    sql.SQL(
        "INSERT INTO pg_temp.named SELECT n.number, h.hash, n.name FROM branchwarden_journal.named AS n"
        " JOIN (SELECT DISTINCT hash FROM pg_temp.original WHERE hash IS NOT NULL) AS h ON {} = n.hash"
    ).format(_SECRET),
)


@dataclass(frozen=True)
class Facts:
    """A database before it was masked, without any value."""

    seed: int
    """That the hashes were made with."""
    rows: tuple[tuple[tuple[str, str], int], ...]
    """Rows to be had of each table, by schema and name."""
    counted: tuple[tuple[tuple[str, str, str], Numbers], ...]
    """Of the masked columns; see `kept`."""
    objects: tuple[tuple[tuple[str, str], str], ...]
    """Digest of the definition of every object, by kind and name: definitions may quote a value."""
    problems: tuple[str, ...]
    taken_apart: tuple[int, int] = (0, 0)
    """Rows of whose originals there are tokens, and about how many rows there are in the same tables."""

    written: tuple[tuple[tuple[str, str], tuple[int, int, int]], ...] = ()
    """Of each table by schema and name, the server's counters of rows; see `roads.heap.Counters`."""


_FACTS = TypeAdapter(Facts)


def write(conn: psycopg.Connection, facts: Facts) -> None:
    """Put facts and hashes into the journal, in the transaction of `conn`, which has its key."""
    for statement in _WRITE:
        conn.execute(statement)
    conn.execute("INSERT INTO branchwarden_journal.witness VALUES (%s)", (_FACTS.dump_json(facts).decode(),))


def read_facts(conn: psycopg.Connection) -> Facts | None:
    """What an earlier run wrote, or None where it did not come so far."""
    row = conn.execute("SELECT facts::text FROM branchwarden_journal.witness").fetchone()
    return _FACTS.validate_json(row[0]) if row else None


def read_hashes(conn: psycopg.Connection) -> None:
    """Take the hashes of the earlier run, once all is collected that they may be found in."""
    for statement in _READ:
        conn.execute(statement)
