"""The plan tried on a database of its schema: read only, nothing is made there, no value leaves it.

Postgres judges what no model of it can: types and casts of people's SQL, what it would call, and whether some rows of
each table still hold to their constraints once they are masked. It runs on a hot standby and for a role without TEMP.
The fakes are drawn with the run's key, or, where there is none yet, with one that is thrown away. A table that passes
costs one round trip; only for one that fails is it asked, half by half, which of its columns are to blame.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from sanitizers.called import call_problems
from sanitizers.claims import WIDE, Check, Claim, Computed, find_claims, read_conditions
from sanitizers.digests import KEY_BYTES, give_settings
from sanitizers.encodings import encoding_problems
from sanitizers.engines.crew import Crew
from sanitizers.explain import explain
from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.proof.connections import connection_problems
from sanitizers.select import masked_select
from sanitizers.shuffled import find_shuffled
from sanitizers.spelling import SPELL
from sanitizers.steady import unsteady_problems
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.shuffle import Shuffle
from sanitizers.tokens import room_problems

T = TypeVar("T")

ROWS, CLAIMED_ROWS = 1000, 20_000
"""Of each table, the first that a condition on rows takes; more where they must hold to constraints and are short."""

ALL_ROWS, FEWEST_ROWS = 300_000, 100
"""Of all tables together, so that a thousand of them are tried in seconds, and of each however many there are."""

MOST_CULPRITS = 20
"""Columns of a table that are named at once."""

MOST_SHUFFLES = 50
"""Orders that a table's rows can be brought into at once: each one joins it with itself."""

TOO_WIDE = "54011"

_COUNT = sql.SQL(
    "SELECT {counts} FROM (SELECT {columns}, m.tableoid FROM"
    " (SELECT *, {table}::regclass::oid AS tableoid FROM ({masked}) AS n LIMIT {rows}) AS m OFFSET 0) AS t"
)
_SECURED = sql.SQL("""
SELECT relforcerowsecurity, quote_ident(pg_get_userbyid(relowner)), quote_ident(current_user)
FROM pg_class WHERE oid = {}::regclass AND row_security_active(oid)
""")
_NOT_THE_PLANS = ("08", "40", "53", "55", "57", "58")
"""Classes of errors that say nothing about the plan: the connection, the machine, a lock, somebody who cancels."""


def try_plan(
    conn: psycopg.Connection[Any],
    plan: DatabasePlan,
    key: bytes | None = None,
    beside: Sequence[psycopg.Connection[Any]] = (),
) -> tuple[str, ...]:
    """Every reason why the database would refuse the plan, a sentence each, naming tables and constraints, no values.

    The connection is to a database of the plan's schema, outside a transaction; it is left as it was, and so are those
    `beside` it, which take tables off the same list. With the run's `key` the fakes are those of the run, so that a run
    fails on none that passed; without one they are any fakes.
    """
    key = key or secrets.token_bytes(KEY_BYTES)
    hands, found = (conn, *beside), dict[int, list[str]]()
    tables = [table for table in plan.tables if table.masked and not table.empty]
    most = max(ALL_ROWS // max(len(tables), 1), FEWEST_ROWS)
    with ExitStack() as stack:
        for hand in hands:
            stack.enter_context(hand.transaction(force_rollback=True))
            _prepare(hand, key)
        conditions = read_conditions(conn)
        told = [f"{plan.database}: {problem}." for problem in connection_problems(conn, plan.allow_connections)]
        for hand in hands:
            hand.execute("SAVEPOINT trial")

        def work(hand: psycopg.Connection[Any], job: tuple[int, TablePlan]) -> None:
            number, table = job
            own = conditions.get((table.table.schema, table.table.name), [])
            found[number] = [*_try_table(hand, table, own, most)]

        Crew(hands, lambda: hands).work(enumerate(tables), work)
    told += (
        f"{plan.database}.{table.table.qualified}: {problem}."
        for number, table in enumerate(tables)
        for problem in found[number]
    )
    return tuple(told)


def _prepare(conn: psycopg.Connection[Any], key: bytes) -> None:
    conn.execute("SET TRANSACTION READ ONLY")
    # Compiling such expressions takes longer than a thousand rows do without it.
    conn.execute("SELECT set_config('row_security', 'off', true), set_config('jit', 'off', true)")
    give_settings(conn, key, local=True)
    conn.execute(SPELL)


def _try_table(
    conn: psycopg.Connection[Any], table: TablePlan, conditions: Sequence[Check | Computed], most: int
) -> Iterator[str]:
    called = [*call_problems(conn, table), *encoding_problems(conn, table), *room_problems(conn, table)]
    if called:  # nothing that may not be called is run
        yield from called
        return
    yield from _shuffle_problems(table)
    claims = [*find_claims(table, conditions)]
    trial = _Trial(conn, _tried(_unshuffled(table)), _moved(table), most)
    counted = trial.count(claims)
    if isinstance(counted, psycopg.Error):
        yield from trial.reasons(claims, counted)
        return
    rows, *broken = counted
    for claim, count in zip(claims, broken, strict=True):
        if count:
            yield f"{claim.sentence} in {count} of {rows} rows that were tried"
    yield from unsteady_problems(conn, trial.table)


def _shuffle_problems(table: TablePlan) -> Iterator[str]:
    shuffled = find_shuffled(table)
    if shuffled and len(shuffled.groups) > MOST_SHUFFLES:
        yield (
            f"{len(shuffled.groups)} columns are shuffled each for itself, a table can have {MOST_SHUFFLES} of them:"
            " let some move together (`with`), or choose another strategy"
        )


def _moved(table: TablePlan) -> Mapping[str, int]:
    """How many rows off a shuffled column's values are taken from in the trial; columns of a group move together."""
    shuffled = find_shuffled(table)
    groups = shuffled.groups.values() if shuffled else ()
    return {name: place for place, group in enumerate(groups, 1) for name in group.values()}


def _unshuffled(table: TablePlan) -> TablePlan:
    """The table without its shuffles, which need all rows: what they put into a column is what it has."""
    columns = (replace(p, strategy=Keep()) if isinstance(p.strategy, Shuffle) else p for p in table.columns)
    return replace(table, columns=tuple(columns))


def _tried(table: TablePlan) -> TablePlan:
    """The table with rows that are found at once; those of a sample would be others with the run's key anyway."""
    return replace(table, rows=table.rows.tried or table.rows)


_Blame = tuple[Sequence[T], Callable[[Sequence[T]], psycopg.Error | None]]


@dataclass(frozen=True)
class _Trial:
    """A table on its database, in a transaction with the savepoint `trial`."""

    conn: psycopg.Connection[Any]
    table: TablePlan
    moved: Mapping[str, int]
    most: int
    """Rows that are tried, at most."""

    def count(
        self, claims: Sequence[Claim], only: Collection[ColumnPlan] | None = None
    ) -> tuple[int, ...] | psycopg.Error:
        """Rows, and for each claim those that break it; `only`: the columns that are masked, None for all."""
        table = self.table if only is None else _masking(self.table, only)
        row = self._ask(_counting(table, claims, self.moved, self.most))
        return row if isinstance(row, psycopg.Error) else row[: len(claims) + 1]

    def reasons(self, claims: Sequence[Claim], error: psycopg.Error) -> Iterator[str]:
        """Which columns it was, or which claims, or only that it failed."""
        if secured := self._secured(error):
            yield secured
            return
        if error.sqlstate == TOO_WIDE:  # no column alone is to blame, and halves of so many take long to plan
            yield _words(error)
            return
        masked = [plan for plan in self.table.columns if plan.masked]
        planned = self._explained(masked)
        words = _read if planned is None else _words
        found = [
            f"{plan.column.name}: {plan.strategy.kind} does not fit: {words(alone)}"
            for plan, alone in islice(_to_blame(*self._tried(masked, planned)), MOST_CULPRITS)
        ]
        if not found and planned is None and not isinstance(self.count(()), psycopg.Error):
            found = [
                f"it cannot be told whether {claim.sentence}: {_read(alone)}"
                for claim, alone in islice(_to_blame(claims, lambda some: _failed(self.count(some))), MOST_CULPRITS)
            ]
        yield from found or [words(planned or error)]

    def _tried(self, masked: Sequence[ColumnPlan], planned: psycopg.Error | None) -> _Blame[ColumnPlan]:
        """The columns that can be to blame, and how some of them are tried where no other is masked."""
        if planned is not None:
            return masked, self._explained
        drawn = [plan for plan in masked if not plan.strategy.masked_expression]
        return drawn, lambda some: _failed(self.count((), some))

    def _explained(self, only: Collection[ColumnPlan]) -> psycopg.Error | None:
        """Why Postgres cannot even plan the masked SELECT with these columns masked."""
        return _failed(self._ask(sql.SQL("EXPLAIN {}").format(masked_select(_masking(self.table, only)))))

    def _secured(self, error: psycopg.Error) -> str | None:
        """What to do where row-level security is why this role may not read the table; None where it is not."""
        if not isinstance(error, psycopg.errors.InsufficientPrivilege):
            return None
        found = self._ask(_SECURED.format(sql.Literal(_quoted(self.table))))
        if isinstance(found, psycopg.Error) or not found:
            return None
        forced, owner, me = found
        if not forced:
            return "row-level security hides rows of it from this role: run as its owner, or as a role with BYPASSRLS"
        return (
            "row-level security is forced on it, so that it hides rows from its owner, too: run ALTER TABLE"
            f" {_quoted(self.table)} NO FORCE ROW LEVEL SECURITY as {owner} and FORCE it again afterwards, or"
            f" ALTER ROLE {me} BYPASSRLS as a superuser"
        )

    def _ask(self, query: sql.Composed) -> tuple[Any, ...] | psycopg.Error:
        """The first row, or why there is none; an error that says nothing about the plan is raised."""
        try:
            return self.conn.execute(query).fetchone() or ()
        except psycopg.Error as error:
            if not error.sqlstate or error.sqlstate.startswith(_NOT_THE_PLANS):
                raise
            failure = error
        self.conn.execute("ROLLBACK TO SAVEPOINT trial")
        return failure


def _masking(table: TablePlan, only: Collection[ColumnPlan]) -> TablePlan:
    """The table with these columns masked and no other."""
    names = {plan.column.name for plan in only}
    columns = (p if p.column.name in names else replace(p, strategy=Keep()) for p in table.columns)
    return replace(table, columns=tuple(columns))


def _counting(table: TablePlan, claims: Sequence[Claim], moved: Mapping[str, int], most: int) -> sql.Composed:
    # Every value is needed, or Postgres would not compute those that no claim is about, and their casts go untried.
    computed = [c for c in table.table.columns if c.generated and c.generated_as]
    present = [p.column for p in table.columns if p.masked]
    whole = [sql.SQL("count({})").format(sql.Identifier("t", c.name)) for c in (*present, *computed)]
    generated = [sql.SQL("({}) AS {}").format(sql.SQL(c.generated_as), sql.Identifier(c.name)) for c in computed]
    return _COUNT.format(
        counts=sql.SQL(", ").join([sql.SQL("count(*)"), *(claim.count for claim in claims), *whole]),
        columns=sql.SQL(", ").join([*(_column(p.column.name, moved) for p in table.columns), *generated]),
        table=sql.Literal(_quoted(table)),
        masked=masked_select(table),
        rows=sql.Literal(min(most, CLAIMED_ROWS if claims and len(table.columns) <= WIDE else ROWS)),
    )


def _quoted(table: TablePlan) -> str:
    return sql.Identifier(table.table.schema, table.table.name).as_string()


def _column(name: str, moved: Mapping[str, int]) -> sql.Composable:
    column = sql.Identifier("m", name)
    if name not in moved:
        return column
    return sql.SQL("lag({0}, {1}, {0}) OVER () AS {2}").format(column, sql.Literal(moved[name]), sql.Identifier(name))


def _to_blame(
    parts: Sequence[T], failure: Callable[[Sequence[T]], psycopg.Error | None]
) -> Iterator[tuple[T, psycopg.Error]]:
    """The parts that fail by themselves, found by halves: few are to blame as a rule, out of up to 1,600."""
    error = failure(parts) if parts else None
    if error is not None and len(parts) == 1:
        yield parts[0], error
    elif error is not None:
        half = len(parts) // 2
        yield from _to_blame(parts[:half], failure)
        yield from _to_blame(parts[half:], failure)


def _failed(answer: object) -> psycopg.Error | None:
    return answer if isinstance(answer, psycopg.Error) else None


def _read(error: psycopg.Error) -> str:
    """The error of a statement that read rows: its words may be theirs, whatever its code."""
    return str(explain(error, "it fails on a row that was tried"))


def _words(error: psycopg.Error) -> str:
    """The error without values. What Postgres says about a statement that it only planned names types and functions."""
    if (error.sqlstate or "").startswith("42") and error.diag.message_primary:
        return f"{error.diag.message_primary} (SQLSTATE {error.sqlstate})"
    return str(explain(error, "Postgres cannot plan it"))
