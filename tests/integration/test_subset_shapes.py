"""Subsets of schemas whose references branch, meet again and go round are closed under foreign keys."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from sanitizers.circles import Reference, arrange
from sanitizers.errors import PlanError
from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import ForeignKey, Schema, read_schema
from sanitizers.select import masked_select
from tests.integration.peers_case import Engine, MakeDatabase, both_engines, make_twins
from tests.integration.test_select_subset import POLICY, Taken, taken
from tests.unit.test_plan import column, table

__all__ = ["taken"]

KEEP = '[[columns]]\nmatch = "*"\nstrategy = "keep"\n'
DIAMONDS = 60


def _diamonds() -> Schema:
    """d0 ← l1, r1 ← d1 ← l2, r2 ← ...: the ways from the last to the first double with each."""
    members = (column("id", "int", not_null=True), column("a", "int"), column("b", "int"))

    def made(name: str, *parents: str) -> Any:
        keys = [ForeignKey((here,), "public", there, ("id",)) for here, there in zip("ab", parents, strict=False)]
        keyed = (("id",),)
        return table(name, *members, unique_keys=keyed, identities=keyed, whole_foreign_keys=tuple(keys))

    tables = [made("d0")]
    for n in range(1, DIAMONDS + 1):
        tables += [made(f"l{n}", f"d{n - 1}"), made(f"r{n}", f"d{n - 1}"), made(f"d{n}", f"l{n}", f"r{n}")]
    return Schema("neondb", tuple(tables))


def test_a_chain_of_diamonds_looks_each_table_through_once() -> None:
    policy = parse_policy(f'version = 1\n[[tables]]\nmatch = "d0"\nrows = "id < 10"\n{KEEP}', "masking.toml")

    plan = compile_plan([_diamonds()], policy)

    last = next(t for t in plan.databases[0].tables if t.table.name == f"d{DIAMONDS}")
    text = masked_select(last).as_string()
    assert len(re.findall(r" AS (?:MATERIALIZED )?\(SELECT ", text)) == 3 * DIAMONDS
    assert text.count('FROM ONLY "public"."d0"') == 1


def test_diamonds_of_real_rows_are_closed(taken: Taken) -> None:
    ddl = ["CREATE TABLE d0 (id int PRIMARY KEY)"]
    for n in range(1, 6):
        ddl += [f"CREATE TABLE {s}{n} (id int PRIMARY KEY, a int REFERENCES d{n - 1})" for s in "lr"]
        ddl.append(f"CREATE TABLE d{n} (id int PRIMARY KEY, a int REFERENCES l{n}, b int REFERENCES r{n})")
    ddl.append("INSERT INTO d0 SELECT generate_series(1, 100)")
    for n in range(1, 6):
        ddl += [f"INSERT INTO {s}{n} SELECT i, i FROM generate_series(1, 100) AS i" for s in "lr"]
        ddl.append(f"INSERT INTO d{n} SELECT i, i, nullif(101 - i, 50) FROM generate_series(1, 100) AS i")

    rows = taken(";".join(ddl), f'[[tables]]\nmatch = "d0"\nrows = "id <= 70"\n{KEEP}')

    ids = {name: {r["id"] for r in found} for name, found in rows.items()}
    assert set(range(1, 71)) == ids["d0"]
    for n in range(1, 6):
        assert {r["a"] for r in rows[f"d{n}"]} <= ids[f"l{n}"]
        assert {r["b"] for r in rows[f"d{n}"]} <= {None, *ids[f"r{n}"]}
        assert {r["a"] for r in (*rows[f"l{n}"], *rows[f"r{n}"])} <= ids[f"d{n - 1}"]
    assert {*range(31, 71)} | {51} == ids["d1"]


def test_a_long_chain_is_walked_without_a_stack_of_calls() -> None:
    names = [("public", f"t{n:05}") for n in range(20_000)]
    key = [ForeignKey(("a",), *name, ("id",)) for name in names]
    chain = [Reference(names[n], key[n - 1], optional=False) for n in range(1, len(names))]

    found = arrange(names, chain)

    assert tuple(names) == found.order
    assert (frozenset(), ()) == (found.cut, found.stuck)


def test_of_a_circle_the_reference_that_may_be_null_gives_way() -> None:
    names = [("public", name) for name in "abc"]
    key = {name: ForeignKey(("x",), "public", name, ("id",)) for name in "abc"}
    a_to_b, b_to_c = (Reference(("public", n), key[m], optional=False) for n, m in ("ab", "bc"))
    c_to_a, a_to_a = (Reference(("public", n), key["a"], optional=True) for n in "ca")

    found = arrange(names, [a_to_b, b_to_c, c_to_a, a_to_a])

    assert (names[2], names[1], names[0]) == found.order
    assert (frozenset({c_to_a, a_to_a}), ()) == (found.cut, found.stuck)


WEB = """
CREATE TABLE firms (id int PRIMARY KEY, main_site int, owner int);
CREATE TABLE sites (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms, parent int REFERENCES sites);
CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE, site int NOT NULL REFERENCES sites,
  boss int REFERENCES people, deputy int REFERENCES people);
ALTER TABLE firms ADD FOREIGN KEY (main_site) REFERENCES sites, ADD FOREIGN KEY (owner) REFERENCES people;
INSERT INTO firms SELECT n FROM generate_series(1, 20) AS n;
INSERT INTO sites SELECT n, 1 + n % 20, nullif(n / 2, 0) FROM generate_series(1, 100) AS n;
INSERT INTO people SELECT n, n || '@corp.test', 1 + n % 100, nullif(n / 2, 0), nullif(n / 3, 0)
  FROM generate_series(1, 500) AS n;
UPDATE firms SET main_site = id, owner = 2 * id
"""


def _parents(rows: list[dict[str, Any]], name: str) -> set[Any]:
    return {r[name] for r in rows if r[name] is not None}


@pytest.mark.parametrize("rule", ['match = "firms"\nrows = "id < 5"', 'match = "people"\nrows = "20%"'])
def test_a_web_of_circles_is_closed(rule: str, taken: Taken) -> None:
    rows = taken(WEB, f"[[tables]]\n{rule}\n{POLICY}")

    ids = {name: {r["id"] for r in found} for name, found in rows.items()}
    assert _parents(rows["firms"], "main_site") <= ids["sites"]
    assert _parents(rows["firms"], "owner") <= ids["people"]
    assert {r["firm"] for r in rows["sites"]} <= ids["firms"]
    assert _parents(rows["sites"], "parent") <= ids["sites"]
    assert {r["site"] for r in rows["people"]} <= ids["sites"]
    assert _parents(rows["people"], "boss") | _parents(rows["people"], "deputy") <= ids["people"]
    assert 0 < len(rows["people"]) < 200
    assert any(r["boss"] for r in rows["people"])


def test_a_circle_of_keys_of_two_columns_gives_up_one_that_nothing_else_needs(taken: Taken) -> None:
    ddl = """
    CREATE TABLE tenants (id int PRIMARY KEY);
    CREATE TABLE people (tenant int REFERENCES tenants, id int, boss int, PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, boss) REFERENCES people);
    INSERT INTO tenants VALUES (1), (2), (3);
    INSERT INTO people SELECT t, n, nullif(n - 1, 0) FROM generate_series(1, 3) AS t, generate_series(1, 50) AS n
    """

    rows = taken(ddl, f'[[tables]]\nmatch = "tenants"\nrows = "id < 3"\n{KEEP}')

    assert {(t, n, n - 1 or None) for t in (1, 2) for n in range(1, 51)} == {tuple(r.values()) for r in rows["people"]}


def test_a_column_of_two_references_is_null_where_either_leads_nowhere(taken: Taken) -> None:
    ddl = """
    CREATE TABLE a (id int PRIMARY KEY, up int);
    CREATE TABLE b (id int PRIMARY KEY REFERENCES a);
    ALTER TABLE a ADD FOREIGN KEY (up) REFERENCES a, ADD FOREIGN KEY (up) REFERENCES b;
    INSERT INTO a SELECT n FROM generate_series(1, 40) AS n; INSERT INTO b SELECT n FROM generate_series(1, 40, 2) AS n;
    UPDATE a SET up = 1 + 2 * ((id * 7) % 20)
    """

    rows = taken(ddl, f'[[tables]]\nmatch = "a"\nrows = "id <= 20"\n{KEEP}')

    assert _parents(rows["a"], "up") <= {r["id"] for r in rows["a"]} & {r["id"] for r in rows["b"]}
    assert _parents(rows["a"], "up")


def test_a_shuffled_table_of_a_circle_is_closed(taken: Taken) -> None:
    ddl = """
    CREATE TABLE people (id int PRIMARY KEY, boss int REFERENCES people, pay int);
    INSERT INTO people SELECT n, nullif(n / 2, 0), n FROM generate_series(1, 200) AS n
    """
    policy = '[[tables]]\nmatch = "people"\nrows = "id % 3 > 0"\n[[columns]]\nmatch = "*.pay"\nstrategy = "shuffle"\n'

    rows = taken(ddl, policy + KEEP)

    ids = {r["id"] for r in rows["people"]}
    assert {n for n in range(1, 201) if n % 3} == ids == {r["pay"] for r in rows["people"]}
    assert {r["boss"] for r in rows["people"]} == {None, *(n // 2 for n in ids if n // 2 in ids)}


def test_partitions_and_names_that_need_quotes_are_followed(taken: Taken) -> None:
    ddl = """
    CREATE SCHEMA "we ird";
    CREATE TABLE "we ird"."sel""ect" ("from" int, "t" text, PRIMARY KEY ("from", "t")) PARTITION BY HASH ("from");
    CREATE TABLE "we ird".p0 PARTITION OF "we ird"."sel""ect" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE "we ird".p1 PARTITION OF "we ird"."sel""ect" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE child ("where" int, t text, "order" int,
      FOREIGN KEY ("where", t) REFERENCES "we ird"."sel""ect");
    INSERT INTO "we ird"."sel""ect" SELECT n, 'x' FROM generate_series(1, 100) AS n;
    INSERT INTO child SELECT n, 'x', n FROM generate_series(1, 100) AS n
    """

    rows = taken(ddl, f'[[tables]]\nmatch = \'"we ird"."sel""ect"\'\nrows = \'"from" <= 7\'\n{KEEP}')

    assert set(range(1, 8)) == {r["from"] for r in rows['sel"ect']} == {r["order"] for r in rows["child"]}


STRICT = """
CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE, boss int NOT NULL REFERENCES people);
INSERT INTO people SELECT n, n || '@corp.test', 1 + n / 2 FROM generate_series(1, 100) AS n;
CREATE TABLE fans (id int PRIMARY KEY, email text NOT NULL UNIQUE);
INSERT INTO fans SELECT n, n || '@fan.test' FROM generate_series(1, 100) AS n
"""


def test_a_circle_that_cannot_be_cut_is_refused_with_the_line_to_add(taken: Taken) -> None:

    with pytest.raises(PlanError, match=r'\n    \[\[tables\]\]\n    match = ".*public.people"\n    rows = "none"'):
        taken(STRICT, sample="10%")


def test_the_line_that_a_refusal_names_makes_a_plan(taken: Taken) -> None:

    rows = taken(STRICT, f'[[tables]]\nmatch = "public.people"\nrows = "all"\n{POLICY}', sample="10%")

    assert len(rows["people"]) == 100
    assert len(rows["fans"]) < 40


@both_engines
def test_either_engine_leaves_a_closed_subset(engine: Engine, make_database: MakeDatabase) -> None:
    twins = make_twins(make_database, engine, WEB)
    with psycopg.connect(twins.original.dsn) as conn:
        schema = read_schema(conn)
    policy = parse_policy(f'version = 1\n[[tables]]\nmatch = "firms"\nrows = "id < 5"\n{POLICY}', "masking.toml")

    replace(twins, plan=compile_plan([schema], policy).databases[0]).run()

    # The foreign keys are valid, or the run would have failed.
    assert twins.rows("SELECT id FROM firms ORDER BY 1") == [(1,), (2,), (3,), (4,)]
    kept = "SELECT count(*) FROM sites WHERE firm < 5"
    assert twins.originals(kept) == twins.rows("SELECT count(*) FROM sites")
