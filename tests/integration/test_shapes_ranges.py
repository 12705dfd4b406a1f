"""Ranges move as a whole, and what did not overlap does not overlap, on real Postgres."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.errors import PlanError
from sanitizers.select import masked_select, set_key
from tests.integration.shapes_case import KEY, Masked, Row, conn, make_plan, masked, rows_of

__all__ = ["conn", "masked"]

DDL = """
CREATE TYPE "Odd Range" AS RANGE (SUBTYPE = date, MULTIRANGE_TYPE_NAME = "Odd Ranges");
CREATE DOMAIN stay AS daterange NOT NULL;
CREATE TABLE t (id int PRIMARY KEY, room int, days daterange, moments tstzrange, plain tsrange, ints int4range,
  nums numrange, odd "Odd Range", stay stay, many datemultirange, odds "Odd Ranges");
INSERT INTO t VALUES
  (1, 7, '[2000-01-01,2000-01-11)', '(2000-01-01 10:00+00,2000-01-02 11:00+00]', '[2000-01-01,)', '[5,9)', '(1.5,2.5)',
   '[2000-01-01,2000-01-05]', '[2000-01-01,2000-01-02)', '{[2000-01-01,2000-01-03),[2001-01-01,)}',
   '{[2000-01-01,2000-01-02]}'),
  (2, 7, 'empty', '(,)', 'empty', '(,5)', '(,)', '(,2000-01-01)', 'empty', '{}', '{}'),
  (3, 7, NULL, NULL, '[-infinity,infinity]', NULL, NULL, NULL, '(,)', NULL, NULL),
  (4, 7, '[2000-01-01,2000-01-11)', NULL, NULL, NULL, NULL, NULL, '(,)', NULL, NULL);
"""
RANGES = ("days", "moments", "plain", "ints", "nums", "odd", "stay", "many", "odds")
POLICY = 'id = "keep"\nroom = "keep"\n' + "\n".join(f'{name} = "range_shift"' for name in RANGES)


def text(conn: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return conn.execute(query.encode()).fetchall()


@pytest.fixture
def moved(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Table `after` beside `t`."""
    conn.execute(DDL)
    plan = make_plan(conn, POLICY)
    set_key(conn, KEY)
    conn.execute(sql.SQL("CREATE TABLE after AS {}").format(masked_select(plan.tables[0])))
    return conn


@pytest.mark.parametrize("name", RANGES)
def test_width_and_bounds_stay_and_the_place_does_not(name: str, moved: psycopg.Connection[Any]) -> None:
    same = f"""
        SELECT t.id, a.{name} IS NULL = (t.{name} IS NULL), isempty(a.{name}) IS NOT DISTINCT FROM isempty(t.{name}),
          upper(a.{name}) - lower(a.{name}) IS NOT DISTINCT FROM upper(t.{name}) - lower(t.{name}),
          (lower_inc(a.{name}), upper_inc(a.{name}), lower_inf(a.{name}), upper_inf(a.{name}))
            IS NOT DISTINCT FROM (lower_inc(t.{name}), upper_inc(t.{name}), lower_inf(t.{name}), upper_inf(t.{name}))
        FROM t JOIN after a USING (id) WHERE (t.{name}::text LIKE '%infinity%') IS NOT TRUE ORDER BY 1"""

    assert {row[1:] for row in text(moved, same)} == {(True, True, True, True)}
    assert text(moved, f"SELECT t.{name} = a.{name} FROM t JOIN after a USING (id) WHERE id = 1") == [(False,)]


def test_equal_ranges_move_by_as_many_and_every_part_of_a_multirange_by_the_same(
    moved: psycopg.Connection[Any],
) -> None:
    assert text(moved, "SELECT count(DISTINCT days) FROM after WHERE id IN (1, 4)") == [(1,)]
    gap = "SELECT upper((array_agg(r ORDER BY r))[1]) - lower(many) FROM {}, unnest(many) r WHERE id = 1 GROUP BY many"
    assert text(moved, gap.format("after")) == text(moved, gap.format("t")) == [(2,)]
    assert text(moved, "SELECT plain::text FROM after WHERE id = 3") == [("[-infinity,infinity]",)]


BOOKINGS = """
CREATE TABLE t (id int PRIMARY KEY, room int, hotel text, during daterange, start_on date, end_on date,
  EXCLUDE USING {using});
"""
STAYS = """
INSERT INTO t SELECT i, i % 5, 'h', daterange(date '2000-01-01' + i, date '2000-01-01' + i + 5), date '2000-01-01' + i,
  date '2000-01-01' + i + 5 FROM generate_series(0, 400) AS i
"""
KEPT = 'id = "keep"\nroom = "keep"\nhotel = "keep"\n'


def bookings(conn: psycopg.Connection[Any], server: Any, using: str) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    conn.execute(BOOKINGS.format(using=using) + STAYS)


def test_bookings_of_a_room_move_together_and_still_exclude_one_another(make_database_on: Any) -> None:
    database = make_database_on(17)
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        bookings(conn, database, "gist (room WITH =, during WITH &&)")
        policy = KEPT + 'during = { strategy = "range_shift", per = ["room"] }\n'
        policy += "".join(
            f'{name} = {{ strategy = "date_shift", per = ["room"] }}\n' for name in ("start_on", "end_on")
        )

        rows = rows_of(conn, make_plan(conn, policy))

        assert not overlapping(rows)
        assert {row["during"].lower - row["start_on"] for row in rows} == {rows[0]["during"].upper - rows[0]["end_on"]}
        with pytest.raises(PlanError, match="during must move together where room is equal"):
            make_plan(conn, policy.replace('"range_shift", per = ["room"]', '"range_shift"'))


def overlapping(rows: list[Row]) -> list[tuple[int, int]]:
    last: dict[int, Row] = {}
    found = []
    for row in sorted(rows, key=lambda r: r["during"].lower):
        before = last.get(row["room"])
        if before and before["during"].upper > row["during"].lower:
            found.append((before["id"], row["id"]))
        last[row["room"]] = row
    return found


@pytest.mark.parametrize(
    ("using", "columns", "problem"),
    [
        ("gist (during WITH &&)", 'during = "range_shift"', "must move together where nothing is equal"),
        (
            "gist (daterange(start_on, end_on) WITH &&)",
            'start_on = "date_shift"',
            "end_on, start_on must move together",
        ),
        ("gist (during WITH &&)", 'during = { strategy = "sql", expression = "value" }', "must move together"),
        ("btree (room WITH =)", 'room = "noise"', "the fakes of room repeat"),
    ],
)
def test_what_would_break_an_exclusion_constraint_is_refused(
    using: str, columns: str, problem: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute(BOOKINGS.format(using=using))
    named = {line.split(" = ")[0] for line in columns.splitlines()}
    rest = {"id", "room", "hotel", "during", "start_on", "end_on"} - named

    with pytest.raises(PlanError, match=problem):
        make_plan(conn, columns + "\n" + "\n".join(f'{name} = "keep"' for name in rest))


def test_emptied_columns_exclude_nothing(conn: psycopg.Connection[Any]) -> None:
    conn.execute(BOOKINGS.format(using="gist (during WITH &&)") + STAYS + " LIMIT 1")

    plan = make_plan(conn, KEPT + 'during = "null"\nstart_on = "keep"\nend_on = "keep"')

    assert {row["during"] for row in rows_of(conn, plan)} == {None}


def test_dates_without_their_key_column_move_by_themselves(masked: Masked) -> None:
    rows = masked(
        """CREATE TABLE t (id int, room int, day date NOT NULL);
        INSERT INTO t VALUES (1, 1, '2000-01-01'), (2, 1, '2000-01-11'), (3, NULL, '2000-01-01')""",
        'id = "keep"\nroom = "keep"\nday = { strategy = "date_shift", per = ["room"] }',
    )

    assert (rows[1]["day"] - rows[0]["day"]).days == 10
    assert rows[2]["day"] is not None


@pytest.mark.parametrize(
    ("column", "problem"), [("text", "not a range"), ("point", "not a range"), ("daterange UNIQUE", "unique")]
)
def test_what_is_no_range_is_refused(column: str, problem: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(f"CREATE TABLE t (c {column})")

    with pytest.raises(PlanError, match=problem):
        make_plan(conn, 'c = "range_shift"')


LIMITS = {
    "int4range": ("-2147483648", "2147483647"),
    "int8range": ("-9223372036854775808", "9223372036854775807"),
    "daterange": ("4714-11-24 BC", "5874897-12-31"),
    "tsrange": ("4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999"),
    "tstzrange": ("4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00"),
}
NEAR = """
CREATE TABLE t (room int, c {name});
INSERT INTO t SELECT room, unnest(ARRAY[
  {name}('{first}'::{type} + i * {step}, '{first}'::{type} + (i + 1) * {step}),
  {name}('{last}'::{type} - (i + 1) * {step}, '{last}'::{type} - i * {step})])
FROM generate_series(0, 99) AS i, generate_series(1, 9) AS room;
INSERT INTO t VALUES (10, '[{first},{last})'), (11, '[,{last})'), (12, '[{first},)');
"""


@pytest.mark.parametrize("name", LIMITS)
def test_ends_that_would_leave_their_type_stop_there_and_what_did_not_overlap_does_not(
    name: str, conn: psycopg.Connection[Any]
) -> None:
    first, last = LIMITS[name]
    kind = {"int4": "int", "int8": "bigint", "ts": "timestamp", "tstz": "timestamptz"}.get(name[:-5], name[:-5])
    step = "interval '1 day'" if name.startswith("ts") else "1"
    conn.execute(NEAR.format(name=name, first=first, last=last, type=kind, step=step).encode())
    plan = make_plan(conn, 'room = "keep"\nc = { strategy = "range_shift", days = 30, most = 30, per = ["room"] }')
    set_key(conn, KEY)

    conn.execute(sql.SQL("CREATE TABLE after AS {}").format(masked_select(plan.tables[0])))

    overlapping = "SELECT count(*) FROM {0} a JOIN {0} b ON a.room = b.room AND a.ctid < b.ctid AND a.c && b.c"
    assert text(conn, overlapping.format("t")) == text(conn, overlapping.format("after")) == [(0,)]
    assert text(conn, "SELECT count(DISTINCT room) FROM after WHERE isempty(c) AND room < 10") == [(9,)]
    assert text(conn, "SELECT c::text FROM after WHERE room >= 10") == text(
        conn, "SELECT c::text FROM t WHERE room >= 10"
    )
    moved = "SELECT count(*) FROM (SELECT c FROM after EXCEPT SELECT c FROM t) AS m WHERE NOT isempty(c)"
    assert text(conn, moved) > [(0,)]
