"""Which rows are taken when not all are, such that no row refers to one that is not. Pure.

Some tables are restricted by the policy or by a sample. Every table that refers to a restricted one is restricted to
the rows whose references lead to rows that are taken, and so on. Where references go round in a circle, one that may be
NULL is cut: it becomes NULL in the rows that would refer to a row that is not there.

    WITH "branchwarden taken 0" AS (SELECT t."id" AS "branchwarden 0" FROM ONLY customers AS t WHERE ...), ...
    SELECT ... FROM ONLY orders AS t
    LEFT JOIN "branchwarden taken 0" AS "branchwarden lead 0" ON "branchwarden lead 0"."branchwarden 0" = t."customer"
    WHERE t."customer" IS NULL OR "branchwarden lead 0"."branchwarden 0" IS NOT NULL

Each restricted table is looked through once in a statement, in whatever number of ways it is referred to. It is joined,
for a look-up row by row would take for ever where the rows that are taken do not fit into memory. Postgres folds such
tables into one another and plans them together, in cubic time: in a long chain only the first ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property

from psycopg import sql

from sanitizers.circles import Arrangement, Name, Reference, arrange
from sanitizers.policy_file import toml_rule
from sanitizers.schema import Column, ForeignKey, Schema, Table
from sanitizers.wanted import Rows, Wanted, some_blocks, written

DEEP = 8  # tables of a chain from which on each is planned by itself; what real schemas have is planned together
TRIED = 1000  # rows of a table that is referred to; enough to see references lead there and elsewhere
TAKEN, LEAD, TARGET = "branchwarden taken {}", "branchwarden lead {}", "branchwarden {}"
_JOIN = sql.SQL(" LEFT JOIN {taken} AS {lead} ON {pairs}")
_ONCE = sql.SQL("(SELECT DISTINCT {columns} FROM {taken})")
_GIVEN = sql.SQL("{name} AS {apart}(SELECT {columns} FROM {rows} AS {alias}{joins}{where})")
_FIRST = sql.SQL(" LIMIT {}")


class Subset:
    """The restricted tables of one database, and why; `alias` is what the row of a table is called everywhere."""

    def __init__(
        self,
        schema: Schema,
        wanted: Mapping[Name, Wanted],
        links: Sequence[tuple[Name, ForeignKey]] = (),
        alias: str = "t",
    ) -> None:
        self._database = schema.database
        self._tables = {(table.schema, table.name): table for table in schema.tables}
        self._wanted = wanted
        self._alias = alias
        references = list(dict.fromkeys(_references(schema, links)))
        empty = {name for name, want in wanted.items() if want.rule.rows == "none"}
        self._restricted = _spread({n for n, want in wanted.items() if want.restricts}, references) - empty
        self._references = [r for r in references if {r.child, r.parent} <= self._restricted]
        self._given = cache(self._select)
        self._where = cache(self._condition)

    @property
    def restricts(self) -> bool:
        """Whether any row of the database is left out."""
        return bool(self._restricted)

    def limits(self, table: Table) -> bool:
        """Whether rows of a table may be left out."""
        return (table.schema, table.name) in self._restricted

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Why such rows cannot be chosen, a sentence for every circle."""
        stuck = [circle[0] for circle in self._order.stuck]
        return (
            *(self._refusal(r, "refers back to tables that refer to it, and is NOT NULL") for r in stuck),
            *(self._refusal(r, "refers to a PERIOD") for r in self._references if r.key.period),
        )

    def rows(self, name: Name) -> Rows:
        """The rows of a table that are taken."""
        if name not in self._restricted:
            return Rows()
        given = tuple(self._all_given(name))
        return Rows(self._where(name), self._cut(name), given, self._joins(name), self._tried(name))

    def _tried(self, name: Name) -> Rows:
        """The rows that people's SQL takes, of all or of some blocks; those of a share are others with each key."""
        parents = sorted({self._numbers[r.parent] for r in self._leads(name)})
        given = tuple(self._first(self._order.order[number]) for number in parents)
        joins = self._joins(name)
        condition = self._wanted[name].rule.condition if name in self._wanted else ""
        if not condition:
            return Rows(None, self._cut(name), given, joins)
        part = some_blocks(self._tables[name])
        return Rows(written(condition), self._cut(name), given, sql.SQL("{}{}").format(part, joins or sql.SQL("")))

    def _cut(self, name: Name) -> Mapping[str, sql.Composable]:
        found: dict[str, list[sql.Composable]] = {}
        for number, reference in enumerate(self._leads(name)):
            if reference in self._order.cut:
                for column in self._emptied(reference):
                    found.setdefault(column, []).append(self._leads_there(number, reference))
        return {column: sql.SQL(" AND ").join(conditions) for column, conditions in found.items()}

    @cached_property
    def _order(self) -> Arrangement:
        return arrange(self._restricted, self._references)

    @cached_property
    def _by_child(self) -> Mapping[Name, list[Reference]]:
        found: dict[Name, list[Reference]] = {name: [] for name in self._restricted}
        for reference in self._references:
            found[reference.child].append(reference)
        return found

    @cached_property
    def _targets(self) -> Mapping[Name, Mapping[str, str]]:
        """Of each table the columns that something refers to, by what they are called in the WITH."""
        found: dict[Name, dict[str, str]] = {}
        for reference in self._references:
            names = found.setdefault(reference.parent, {})
            for column in reference.key.targets:
                names.setdefault(column, TARGET.format(len(names)))
        return found

    def _leads(self, name: Name) -> Sequence[Reference]:
        return self._by_child[name]

    def _all_given(self, name: Name) -> Iterator[sql.Composable]:
        """What the rows of a table are chosen with, parents first; of a cut reference the table that it leads to."""
        needed = self._needed_by(self._leads(name))
        for number, table in enumerate(self._order.order):
            if needed >> number & 1:
                yield self._given(table)

    @cached_property
    def _needed(self) -> Mapping[Name, int]:
        """What each table is chosen with: a bit for each place of the order, for there may be a thousand of each."""
        found: dict[Name, int] = {}
        for table in self._order.order:
            found[table] = self._needed_by([r for r in self._leads(table) if r not in self._order.cut], found)
        return found

    def _needed_by(self, references: Iterable[Reference], known: Mapping[Name, int] | None = None) -> int:
        bits = 0
        for parent in {r.parent for r in references}:
            bits |= 1 << self._numbers[parent] | (self._needed if known is None else known)[parent]
        return bits

    def _select(self, name: Name) -> sql.Composable:
        where = self._where(name)
        joins = self._joins(name, followed=False) or sql.SQL("")
        whole = self._named(name, joins, sql.SQL(" WHERE {}").format(where) if where else sql.SQL(""))
        composed = whole.as_string()  # once, for the statements of a thousand tables may hold it
        return sql.SQL(composed)

    def _first(self, name: Name) -> sql.Composable:
        return self._named(name, sql.SQL(""), _FIRST.format(sql.Literal(TRIED)))

    def _named(self, name: Name, joins: sql.Composable, where: sql.Composable) -> sql.Composable:
        columns = [
            sql.SQL("{} AS {}").format(sql.Identifier(self._alias, column), sql.Identifier(called))
            for column, called in self._targets[name].items()
        ]
        only = sql.SQL("" if self._tables[name].partitioned else "ONLY ")
        return _GIVEN.format(
            name=self._taken(name),
            apart=sql.SQL("MATERIALIZED " if self._apart(name) else ""),
            columns=sql.SQL(", ").join(columns),
            rows=sql.SQL("{}{}").format(only, sql.Identifier(*name)),
            alias=sql.Identifier(self._alias),
            joins=joins,
            where=where,
        )

    def _apart(self, name: Name) -> bool:
        """Whether the table is planned by itself."""
        return self._levels[name] >= DEEP

    @cached_property
    def _levels(self) -> Mapping[Name, int]:
        """The length of the longest chain of tables that each is chosen with, itself included."""
        found: dict[Name, int] = {}
        for table in self._order.order:
            parents = {r.parent for r in self._leads(table) if r not in self._order.cut}
            found[table] = 1 + max((found[parent] for parent in parents), default=0)
        return found

    @cached_property
    def _numbers(self) -> Mapping[Name, int]:
        return {name: number for number, name in enumerate(self._order.order)}

    def _taken(self, name: Name) -> sql.Identifier:
        return sql.Identifier(TAKEN.format(self._numbers[name]))

    def _condition(self, name: Name) -> sql.Composable | None:
        own = self._wanted[name].condition(self._alias) if name in self._wanted else ()
        leads = (
            self._leads_there(number, reference)
            for number, reference in enumerate(self._leads(name))
            if reference not in self._order.cut
        )
        conditions = [*own, *leads]
        # Composed once: it stands in the table's own statement and in those of all that refer to it.
        return sql.SQL(sql.SQL(" AND ").join(conditions).as_string()) if conditions else None

    def _leads_there(self, number: int, reference: Reference) -> sql.Composable:
        """Whether a row refers to nothing, or to a row that is taken."""
        target = self._targets[reference.parent][reference.key.targets[0]]
        empty = [sql.SQL("{} IS NULL").format(sql.Identifier(self._alias, here)) for here in reference.key.columns]
        there = sql.SQL("{} IS NOT NULL").format(sql.Identifier(LEAD.format(number), target))
        return sql.SQL("({})").format(sql.SQL(" OR ").join([*empty, there]))

    def _joins(self, name: Name, *, followed: bool = True) -> sql.Composable | None:
        """`followed`: also for the references that are cut, which say in which rows they become NULL."""
        joins = [
            self._join(number, reference)
            for number, reference in enumerate(self._leads(name))
            if followed or reference not in self._order.cut
        ]
        return sql.SQL("").join(joins) if joins else None

    def _join(self, number: int, reference: Reference) -> sql.Composable:
        lead, taken, key = LEAD.format(number), self._taken(reference.parent), reference.key
        targets = [self._targets[reference.parent][there] for there in key.targets]
        pairs = [
            sql.SQL("{} = {}").format(sql.Identifier(lead, there), sql.Identifier(self._alias, here))
            for here, there in zip(key.columns, targets, strict=True)
        ]
        columns = sql.SQL(", ").join(map(sql.Identifier, targets))
        # Of what it planned apart Postgres knows no key: it would expect more rows with each, and more than there are.
        once = reference.declared or self._apart(reference.parent)
        return _JOIN.format(
            taken=_ONCE.format(columns=columns, taken=taken) if once else taken,
            lead=sql.Identifier(lead),
            pairs=sql.SQL(" AND ").join(pairs),
        )

    def _emptied(self, reference: Reference) -> Iterable[str]:
        """The columns that become NULL: one will do, if not MATCH FULL; best one that nothing else refers with."""
        may = [column.name for column in _members(self._tables[reference.child], reference.key) if _nullable(column)]
        if reference.key.full:
            return may
        others = {name for r in self._leads(reference.child) if r != reference for name in r.key.columns}
        return [name for name in may if name not in others][:1] or may[:1]

    def _refusal(self, reference: Reference, why: str) -> str:
        place = (self._database, *reference.child)
        return (
            f"{'.'.join(place)} ({', '.join(reference.key.columns)}) {why}: no part of these rows can be taken. Add"
            f' these lines, with "all" instead where nothing but the sample leaves rows out:{toml_rule(place)}'
        )


def _references(schema: Schema, links: Iterable[tuple[Name, ForeignKey]]) -> Iterator[Reference]:
    """Foreign keys, and what the policy says refers like one."""
    tables = {(table.schema, table.name): table for table in schema.tables}
    keys = ((name, key, False) for name, table in tables.items() for key in table.foreign_keys)
    for name, key, declared in (*keys, *((name, key, True) for name, key in links)):
        if name in tables and (key.schema, key.table) in tables:
            may = [_nullable(column) for column in _members(tables[name], key)]
            yield Reference(name, key, (all if key.full else any)(may), declared)


def _members(table: Table, key: ForeignKey) -> Iterator[Column]:
    yield from (column for name in key.columns if (column := table.column(name)))


def _nullable(column: Column) -> bool:
    return not column.not_null and not column.generated


def _spread(restricted: set[Name], references: Iterable[Reference]) -> set[Name]:
    """Restricted tables and all that refer to them, directly or by way of others."""
    children: dict[Name, list[Name]] = {}
    for reference in references:
        children.setdefault(reference.parent, []).append(reference.child)
    found, new = set(restricted), list(restricted)
    while new:
        more = set(children.get(new.pop(), ())) - found
        found |= more
        new += more
    return found
