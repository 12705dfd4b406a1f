"""Tables that are cut for several streams arrive whole, each row once, whatever their shape."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from sanitizers.engines.stream import CopyReport
from sanitizers.engines.units import Unit, cut
from sanitizers.errors import CopyFailedError
from sanitizers.plan import DatabasePlan
from sanitizers.select import Slice
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, dump, make_case

MakeDatabase = Callable[[], TestDatabase]

PIECE = 64 << 10
SHAPES = """
CREATE TABLE plain (id int PRIMARY KEY, v text);
INSERT INTO plain SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n;
DELETE FROM plain WHERE id % 3 = 0;
CREATE TABLE wide (id int PRIMARY KEY, v text);
ALTER TABLE wide ALTER v SET STORAGE EXTERNAL;
INSERT INTO wide SELECT n, repeat(n::text, 20000) FROM generate_series(100, 300) n;
CREATE TABLE parts (id int, v text, PRIMARY KEY (id, v)) PARTITION BY LIST (v);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT n, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' || n END FROM generate_series(1, 9000) n;
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (w text) INHERITS (parent);
INSERT INTO parent SELECT n, repeat('p', 100) FROM generate_series(1, 3000) n;
INSERT INTO child SELECT n, repeat('c', 100), 'w' FROM generate_series(1, 3000) n;
CREATE TABLE nothing (id int PRIMARY KEY);
"""


@pytest.fixture
def shapes(make_database: MakeDatabase) -> Case:
    return make_case(make_database, SHAPES, {"public.parts.v": "digest"})


def units_of(case: Case, plan: DatabasePlan, streams: int) -> list[Unit]:
    with psycopg.connect(case.source.dsn) as conn:
        return list(cut(conn, plan.tables, streams, PIECE))


def copied(report: CopyReport) -> dict[str, int]:
    return {table.table: table.rows for table in report.tables}


def test_every_row_of_every_shape_arrives_once(shapes: Case) -> None:
    before = dump(shapes.target)

    report = shapes.copy(streams=3, piece=PIECE)

    expected = {"plain": 3334, "wide": 201, "parts": 9000, "parent": 3000, "child": 3000, "nothing": 0}
    assert expected == copied(report)
    for table in ("plain", "wide", "parent", "child"):
        content = f"SELECT count(*), sum(hashtext(t::text)::bigint) FROM ONLY {table} t"
        assert shapes.rows(content, of=shapes.source) == shapes.rows(content)
    assert shapes.rows("SELECT count(DISTINCT id) FROM parts") == [(9000,)]
    assert before == dump(shapes.target)


def test_big_tables_are_cut_and_come_first(shapes: Case) -> None:
    units = units_of(shapes, shapes.plan, streams=2)

    sizes = [unit.bytes for unit in units]
    pieces = {name: [u.piece for u in units if u.table.table.name == name] for name in ("plain", "wide", "nothing")}
    leaves = {unit.piece.leaf for unit in units if unit.table.table.name == "parts"}
    assert sorted(sizes, reverse=True) == sizes
    assert units[0].table.table.name == "wide"
    assert len(pieces["plain"]) > 1
    assert len(pieces["wide"]) > 1
    assert pieces["nothing"] == [Slice()]
    assert leaves == {("public", "parts_a"), ("public", "parts_0"), ("public", "parts_1")}


def test_one_stream_cuts_nothing(shapes: Case) -> None:
    units = units_of(shapes, shapes.plan, streams=1)

    assert {unit.piece for unit in units} == {Slice()}
    assert len(units) == len(shapes.plan.tables)


def test_a_partition_that_is_not_ours_to_read_is_read_through_its_root(shapes: Case) -> None:
    with psycopg.connect(shapes.source.admin_dsn) as conn:
        conn.execute("CREATE ROLE visitor; GRANT SELECT ON parts TO visitor; SET LOCAL ROLE visitor")
        units = cut(conn, shapes.plan.tables, 2, PIECE)
        conn.rollback()

    assert [unit.piece for unit in units if unit.table.table.name == "parts"] == [Slice()]


GUARD = "CREATE OR REPLACE FUNCTION {} (t text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN {}; RETURN true; END $$;"


def test_a_failing_stream_ends_the_others_and_its_error_is_told(make_database: MakeDatabase) -> None:
    script = """
    CREATE DOMAIN sleepy AS text CHECK (doze(VALUE)); CREATE DOMAIN strict AS text CHECK (refuse(VALUE));
    CREATE TABLE slow (v sleepy); INSERT INTO slow VALUES ('x');
    CREATE TABLE bad (v strict); INSERT INTO bad VALUES ('Zebediah');
    """
    case = make_case(make_database, GUARD.format("doze", "NULL") + GUARD.format("refuse", "NULL") + script)
    case.execute(GUARD.format("doze", "PERFORM pg_sleep(3600)") + GUARD.format("refuse", "RAISE EXCEPTION '%', t"))

    with pytest.raises(CopyFailedError, match=r"^load public\.bad: RaiseException") as caught:
        case.copy(streams=2)

    assert "Zebediah" not in str(caught.value)
    busy = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while case.rows(busy + " AND wait_event IS DISTINCT FROM 'ClientRead'"):
        time.sleep(0.01)


@pytest.mark.parametrize("changes", [{"streams": 0}, {"streams": -1}, {"piece": 0}])
def test_a_copy_without_a_stream_is_refused(shapes: Case, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a stream and a byte at least"):
        shapes.run(**changes)
