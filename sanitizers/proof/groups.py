"""k-anonymity: how many rows share each combination of declared quasi-identifiers (Samarati and Sweeney, 1998)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

K = 5
"""Rows that should share each combination, where nobody says otherwise."""

GROUPS = sql.SQL("""
SELECT coalesce(sum(rows), 0)::bigint, count(*), coalesce(min(rows), 0), count(*) FILTER (WHERE rows < {k}),
  coalesce(sum(rows) FILTER (WHERE rows < {k}), 0)::bigint
FROM (SELECT count(*) AS rows FROM {relation} AS t GROUP BY {columns}) AS g
""")


@dataclass(frozen=True)
class QuasiIdentifiers:
    """Columns of a table that together may tell a person from others: postcode, date of birth, sex."""

    schema: str
    table: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.schema}.{self.table} ({', '.join(self.columns)})"


@dataclass(frozen=True)
class Groups:
    """The rows of a table by their quasi-identifiers; NULL is a value like any other."""

    of: QuasiIdentifiers
    k: int
    rows: int
    groups: int
    smallest: int
    """Rows of the smallest group; 0: the table is empty."""
    small_groups: int
    """Groups of fewer than k rows."""
    rows_in_small_groups: int

    @property
    def anonymous(self) -> bool:
        """Whether every row has k - 1 others like it."""
        return self.small_groups == 0

    def __str__(self) -> str:
        if self.anonymous:
            return f"{self.of}: each of {self.groups:,} groups has {self.smallest:,} rows or more"
        return (
            f"{self.of}: {self.rows_in_small_groups:,} of {self.rows:,} rows are in groups of fewer than {self.k}"
            f" ({self.small_groups:,} of {self.groups:,}, the smallest has {self.smallest:,})"
        )


def read_groups(conn: psycopg.Connection, declared: Iterable[QuasiIdentifiers], k: int = K) -> tuple[Groups, ...]:
    """Count; one pass for each declaration."""
    return tuple(_read(conn, one, k) for one in declared)


def _read(conn: psycopg.Connection, of: QuasiIdentifiers, k: int) -> Groups:
    # As text: types without equality (json, point) make groups as well.
    columns = (sql.SQL("{}::text").format(sql.Identifier("t", name)) for name in of.columns)
    relation = sql.Identifier(of.schema, of.table)
    query = GROUPS.format(k=sql.Literal(k), relation=relation, columns=sql.SQL(", ").join(columns))
    row = conn.execute(query).fetchone()
    return Groups(of, k, *(row or (0, 0, 0, 0, 0)))
