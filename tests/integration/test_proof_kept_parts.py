"""Of a value of which parts are kept, every other part is searched for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, clone_schema, make_plan

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TYPE contact AS (mail text, city text, more jsonb);
CREATE TABLE people (id int PRIMARY KEY, doc jsonb, raw json, docs jsonb[], who contact, login text);
CREATE TABLE notes (id int PRIMARY KEY, body text);
INSERT INTO people SELECT n, d, d::json, ARRAY[d],
  ROW(format('ann%s@corp.invalid', n), format('town-number-%s', n), d)::contact, format('login%s@corp.invalid', n)
FROM generate_series(1, 20) AS n CROSS JOIN LATERAL (SELECT jsonb_build_object(
  'mail', format('ann%s@corp.invalid', n), 'code', format('code-number-%s', n),
  'deep', jsonb_build_object('note', format('secret-note-%s', n)),
  'odd', CASE WHEN n = 1 THEN '["kept-for-it-is-no-leaf"]' ELSE '"odd@corp.invalid"' END::jsonb) AS d) AS made;
INSERT INTO notes VALUES (1, 'nothing')
"""
KEEPING = {"strategy": "json", "paths": {"mail": "email", "code": "keep", "odd": "email"}}
RESTING = {"strategy": "json", "paths": {"mail": "email", "deep": "null", "odd": "email"}, "rest": "keep"}
STRATEGIES: dict[str, Any] = {
    "doc": KEEPING,
    "raw": RESTING,
    "docs": KEEPING,
    "who": {"strategy": "composite", "attributes": {"mail": "email", "city": "keep", "more": KEEPING}},
}
ORIGINALS = ["ann7@corp.invalid", "secret-note-7"]


def _case(make_database: MakeDatabase, column: str) -> Case:
    source, target = make_database(), make_database()
    with psycopg.connect(source.dsn) as conn:
        conn.execute(SHOP.encode())
        empty = ", ".join(f"{name} = NULL" for name in STRATEGIES if name != column)
        conn.execute(f"UPDATE people SET {empty}".encode())
    clone_schema(source, target)
    others = {f"public.people.{name}": "null" for name in ("doc", "raw", "docs", "who", "login")}
    return Case(source, target, make_plan(source, others | {f"public.people.{column}": STRATEGIES[column]}))


@pytest.mark.parametrize("column", list(STRATEGIES))
def test_what_is_masked_beside_it_is_searched_for(make_database: MakeDatabase, column: str) -> None:
    case = _case(make_database, column)
    case.copy()
    clean = case.verify()
    found = []
    for value in (*ORIGINALS, "code-number-7"):
        case.execute(f"UPDATE notes SET body = '{value}'")
        found.append(case.verify().problems)

    place = f"{case.plan.database}.public"
    assert clean.problems == ()
    assert clean.not_searched == ()
    assert f"{place}.notes.body holds 1 original value of {place}.people.{column}" in found[0]
    assert f"{place}.notes.body holds 1 original value of {place}.people.{column}" in found[1]
    assert f"{place}.notes.body holds 1 original value of {place}.people.{column}" not in found[2]


def test_what_one_column_keeps_is_still_an_original_of_another(make_database: MakeDatabase) -> None:
    case = _case(make_database, "doc")
    case.copy()
    case.execute("""UPDATE people SET doc = doc || '{"code": "login3@corp.invalid"}' WHERE id = 3""")

    problems = case.verify().problems

    place = f"{case.plan.database}.public.people"
    assert problems == (f"{place}.doc holds 1 original value of {place}.login",)
