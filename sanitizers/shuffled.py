"""Rows that get values of other rows: the FROM clause of a table with shuffled columns. Pure.

Rows are numbered twice, in two orders by digests that have nothing to do with one another; each row gets the values of
the one that has its number in the other order. Where the table has a key, the digests are over that, otherwise over the
whole row; rows that are equal as a whole may then change places, which nobody sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from sanitizers.digests import digest_of, value_bytes
from sanitizers.folding import text_bytes
from sanitizers.plan import TablePlan
from sanitizers.strategies.shuffle import Shuffle

Group = tuple[str, ...]
INNER = "t"
ROW, PLACE, VALUE = "branchwarden row {}", "branchwarden place {}", "branchwarden value {}"
CUT = "branchwarden cut {}"
_BOTH = sql.SQL("""
(SELECT {t}.*, {numbers} FROM {rows}) AS {t} {joins}
""")
_JOIN = sql.SQL("""
JOIN (SELECT {values}, row_number() OVER (ORDER BY {order}) AS {place} FROM {rows}) AS {alias}
  ON {alias}.{place} = {t}.{row}
""")


@dataclass(frozen=True)
class Shuffled:
    """A table's shuffled columns, each by its number in the plan, in the groups that move together."""

    table: TablePlan
    groups: Mapping[Group, Mapping[int, str]]

    def value(self, number: int) -> sql.Composable | None:
        """SQL for what the other row has in a column, or None where it is not shuffled."""
        for place, columns in enumerate(self.groups.values()):
            if number in columns:
                return sql.Identifier(PLACE.format(place), VALUE.format(number))
        return None

    def source(self, rows: sql.Composable) -> sql.Composable:
        """SQL for the rows of the table, given as a FROM clause, with those of the other order beside them."""
        t = sql.Identifier(INNER)
        order = sql.SQL("row_number() OVER (ORDER BY {}) AS {}")
        numbers = sql.SQL(", ").join(
            [
                *(
                    order.format(self._order("rows", g), sql.Identifier(ROW.format(n)))
                    for n, g in enumerate(self.groups)
                ),
                *(sql.SQL("{} AS {}").format(leads, self._cut(name)) for name, leads in self.table.rows.cut.items()),
            ]
        )
        joins = [self._join(place, rows) for place in range(len(self.groups))]
        return _BOTH.format(t=t, numbers=numbers, rows=rows, joins=sql.SQL(" ").join(joins))

    def leads(self, name: str) -> sql.Composable:
        """SQL for whether the reference that the column is part of leads to a row that is taken."""
        return sql.Identifier(INNER, CUT.format(list(self.table.rows.cut).index(name)))

    def _cut(self, name: str) -> sql.Composable:
        return sql.Identifier(CUT.format(list(self.table.rows.cut).index(name)))

    def _join(self, place: int, rows: sql.Composable) -> sql.Composable:
        group, columns = list(self.groups.items())[place]
        name = sql.Identifier(PLACE.format(place))
        values = sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.Identifier(INNER, column), sql.Identifier(VALUE.format(number)))
            for number, column in columns.items()
        )
        return _JOIN.format(
            values=values,
            order=self._order("values", group),
            place=name,
            rows=rows,
            t=sql.Identifier(INNER),
            alias=name,
            row=sql.Identifier(ROW.format(place)),
        )

    def _order(self, what: str, group: Group) -> sql.Composable:
        table = self.table.table
        label = f"shuffle {what} {table.qualified} {' '.join(group)}"
        if not table.identities:
            return digest_of(label, text_bytes(sql.SQL("({}.*)::text").format(sql.Identifier(INNER))))
        columns = [column for name in table.identities[0] if (column := table.column(name))]
        parts = [value_bytes(column, sql.Identifier(INNER, column.name)) for column in columns]
        return digest_of(label, sql.SQL(" || '\\x00'::bytea || ").join(parts))


def find_shuffled(table: TablePlan) -> Shuffled | None:
    """The shuffled columns of a table, or None where there are none."""
    groups: dict[Group, dict[int, str]] = {}
    for number, plan in enumerate(table.columns):
        if isinstance(plan.strategy, Shuffle):
            groups.setdefault(plan.strategy.group(plan.column.name), {})[number] = plan.column.name
    return Shuffled(table, groups) if groups else None
