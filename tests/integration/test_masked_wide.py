"""Tables of hundreds of digests: both engines mask them, or a plan refuses them with what helps."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import make_case

MOST_FILLED, MOST_COLUMNS = 450, 830
TOO_LONG = (
    "{}.public.wide: a masked row would be longer than a page (8 kB): make some columns NULL, or keep them, in 1 of 1"
    " rows that were tried."
)
TOO_MANY = (
    "{}.public.wide: Postgres cannot plan it: TooManyColumns (SQLSTATE 54011); with their digests these are more"
    " columns than a query can have (1,664): keep some, or make them NULL."
)


def script(width: int, filled: int, kind: str) -> str:
    names = [f"c{n}" for n in range(width)]
    value = "'zq'" if kind == "text" else "7"
    return (
        f"CREATE TABLE wide (id int PRIMARY KEY, {', '.join(f'{name} {kind}' for name in names)});"
        f"INSERT INTO wide (id, {', '.join(names[:filled])}) VALUES (1, {', '.join([value] * filled)})"
    )


def digests(width: int) -> dict[str, str]:
    return {f"public.wide.c{n}": "digest" for n in range(width)}


@pytest.mark.parametrize(
    ("width", "filled", "kind"),
    [(MOST_FILLED, MOST_FILLED, "text"), (MOST_COLUMNS, 9, "text"), (MOST_COLUMNS, MOST_COLUMNS, "bigint")],
)
def test_what_passes_the_plan_is_masked_by_both_engines(
    width: int, filled: int, kind: str, make_database: Callable[[], TestDatabase]
) -> None:
    copied = make_case(make_database, script(width, filled, kind), digests(width))
    rewritten = make_rewrite_case(make_database(), script(width, filled, kind), digests(width))

    with psycopg.connect(copied.source.dsn, autocommit=True) as conn:
        assert try_plan(conn, copied.plan) == ()
    copied.copy()
    rewritten.rewrite()

    assert copied.verify().problems == ()
    [(row,)] = rewritten.rows("SELECT to_jsonb(w) - 'id' FROM wide w")
    assert len([v for v in row.values() if v is not None and v not in ("zq", 7)]) == filled


@pytest.mark.parametrize(
    ("width", "filled", "problem"),
    [(460, 460, TOO_LONG), (MOST_COLUMNS, 500, TOO_LONG), (900, 1, TOO_MANY), (1599, 1, TOO_MANY)],
)
def test_what_no_engine_could_write_is_refused_by_the_plan(
    width: int, filled: int, problem: str, database: TestDatabase
) -> None:
    case = make_rewrite_case(database, script(width, filled, "text"), digests(width))

    with psycopg.connect(database.dsn, autocommit=True) as conn:
        found = try_plan(conn, case.plan)

    assert found == (problem.format(case.plan.database),)
