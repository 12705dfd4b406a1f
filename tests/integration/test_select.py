"""The masked SELECT on real Postgres, read by an owner who is no superuser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.digests import set_key, value_bytes
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.pools import pool
from sanitizers.schema import Column, read_schema
from sanitizers.select import masked_select

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
DDL = """
CREATE DOMAIN address AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "First Name" text,
    last_name varchar(6),
    whole text,
    email address UNIQUE,
    login char(24) UNIQUE,
    phone varchar(20),
    phone_number bigint,
    street text, city text, postcode text, company text,
    born date, seen timestamptz, woke timestamp,
    token text NOT NULL, ref uuid, raw bytea, num int, big bigint UNIQUE, ip inet,
    notes text, extra jsonb, doc jsonb, kept int[],
    loud text GENERATED ALWAYS AS (upper(whole)) STORED
);
INSERT INTO people ("First Name", last_name, whole, email, login, phone, phone_number, street, city, postcode, company,
    born, seen, woke, token, ref, raw, num, big, ip, notes, extra, doc, kept)
SELECT 'Zq' || i % 50, 'Lq' || i, 'Zq' || i || ' Lq' || i, 'u' || i || '@corp.test', 'login' || i, '+49 30 ' || i,
    4930000 + i,
    i || ' Ulica', 'Zcity' || i, 'Z' || i, 'Zcorp ' || i,
    date '1960-01-01' + i * 17, now() - i * interval '1 hour', '2001-01-01 10:00',
    'tok\\' || i, gen_random_uuid(), decode(md5(i::text), 'hex'), i, i, '10.0.0.1'::inet + i, 'call ' || i,
    jsonb_build_object('mail', 'u' || i), jsonb_build_object('id', i, 'mail', 'u' || i), ARRAY[i, i]
FROM generate_series(1, 500) AS i;
INSERT INTO people (token) VALUES ('only a token');
"""
POLICY = """
version = 1
["{database}".public.people]
id = "keep"
"First Name" = "first_name"
last_name = "last_name"
whole = "full_name"
email = "email"
login = "user_name"
phone = "phone"
phone_number = "phone"
street = "street"
city = "city"
postcode = "postcode"
company = "company"
born = {{ strategy = "date_shift", days = 30 }}
seen = {{ strategy = "date_shift", days = 1 }}
woke = "date_shift"
token = "digest"
ref = "digest"
raw = "digest"
num = "digest"
big = "digest"
ip = "digest"
notes = "null"
extra = {{ strategy = "constant", value = "{{}}" }}
doc = {{ strategy = "json_only", members = ["id"] }}
kept = "keep"
"""

Row = dict[str, Any]


def prepare(conn: psycopg.Connection[Any], policy: str) -> DatabasePlan:
    schema = read_schema(conn)
    return compile_plan([schema], parse_policy(policy.format(database=schema.database), "masking.toml")).databases[0]


def rows(conn: psycopg.Connection[Any], plan: DatabasePlan, key: bytes = KEY) -> list[Row]:
    set_key(conn, key)
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
        return cur.execute(masked_select(plan.tables[0])).fetchall()


@pytest.fixture
def conn(database: Any) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn) as opened:
        opened.execute(DDL)
        opened.commit()
        yield opened


@pytest.fixture
def plan(conn: psycopg.Connection[Any]) -> DatabasePlan:
    return prepare(conn, POLICY)


def originals(conn: psycopg.Connection[Any]) -> list[Row]:
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
        return cur.execute("SELECT * FROM people").fetchall()


def test_every_masked_value_is_another_one_and_null_stays_null(
    conn: psycopg.Connection[Any], plan: DatabasePlan
) -> None:
    before, after = originals(conn), rows(conn, plan)

    assert [r["id"] for r in before] == [r["id"] for r in after]
    for column in (c for c in plan.tables[0].columns if c.masked and c.strategy.kind != "null"):
        name = column.column.name
        assert [r[name] is None for r in before] == [r[name] is None for r in after], name
        assert not [1 for old, new in zip(before, after, strict=True) if old[name] == new[name] is not None], name
    assert {None} == {r["notes"] for r in after}


def test_generated_columns_are_left_to_the_target(conn: psycopg.Connection[Any], plan: DatabasePlan) -> None:
    assert "loud" not in rows(conn, plan)[0]


def test_fakes_look_like_what_they_stand_for(conn: psycopg.Connection[Any], plan: DatabasePlan) -> None:
    fake = rows(conn, plan)[0]

    first, last = fake["whole"].split(" ", 1)

    assert fake["First Name"] in pool("first_name")
    assert first in pool("first_name")
    assert last in pool("last_name")
    assert fake["email"].rpartition("@")[2] in {"example.com", "example.org", "example.net"}
    assert len(fake["login"]) == 24
    assert fake["phone"].startswith("+999")
    assert len(fake["phone"]) == 16
    assert str(fake["phone_number"])[:3] == "999"
    assert fake["ref"].version == 4
    assert str(fake["ip"]).startswith("2001:db8:")
    assert fake["doc"] == {"id": 1}
    assert fake["extra"] == {}


def test_unique_columns_stay_unique_and_dates_move_within_their_bounds(
    conn: psycopg.Connection[Any], plan: DatabasePlan
) -> None:
    before, after = originals(conn)[:500], rows(conn, plan)[:500]

    shifts = [(new["born"] - old["born"]).days for old, new in zip(before, after, strict=True)]

    for name in ("email", "login", "big", "token", "ref"):
        assert len({r[name] for r in after}) == 500, name
    assert all(1 <= abs(days) <= 30 for days in shifts)
    assert {1, -1} == {days // abs(days) for days in shifts}
    assert {24.0} == {
        abs((new["seen"] - old["seen"]).total_seconds()) / 3600 for old, new in zip(before, after, strict=True)
    }


def test_the_same_key_gives_the_same_fakes_and_another_key_others(
    conn: psycopg.Connection[Any], plan: DatabasePlan
) -> None:
    first, again, other = rows(conn, plan), rows(conn, plan), rows(conn, plan, OTHER_KEY)

    assert first == again
    for name in ("First Name", "whole", "email", "login", "phone", "street", "token", "ref", "raw", "ip", "born"):
        same = sum(a[name] == b[name] for a, b in zip(first[:500], other[:500], strict=True))
        assert same < 50, name


def test_the_same_value_gets_the_same_fake_in_every_table_and_database(
    conn: psycopg.Connection[Any], make_database: Callable[[], Any]
) -> None:
    ddl = "CREATE TABLE {} (email varchar(90)); INSERT INTO {} VALUES ('ann@corp.test'), ('bob@corp.test')"
    policy = 'version = 1\n["{{database}}".public.{table}]\nemail = "email"'
    fakes = []

    for table in ("here", "there"):
        with psycopg.connect(make_database().dsn) as opened:
            opened.execute(ddl.format(table, table))
            opened.commit()
            fakes.append(rows(opened, prepare(opened, policy.format(table=table))))

    assert fakes[0] == fakes[1]


def test_nothing_of_ours_is_called_and_nothing_is_made_in_the_source(
    conn: psycopg.Connection[Any], plan: DatabasePlan
) -> None:
    set_key(conn, KEY)
    conn.execute("SET TRANSACTION READ ONLY")

    calls = conn.execute(sql.SQL("EXPLAIN (VERBOSE) {}").format(masked_select(plan.tables[0]))).fetchall()

    assert conn.execute(masked_select(plan.tables[0])).rowcount == 501
    assert not [line for (line,) in calls if "branchwarden" in line and "current_setting" not in line]


def test_the_key_is_in_no_text_that_postgres_keeps(conn: psycopg.Connection[Any], plan: DatabasePlan) -> None:
    rows(conn, plan)

    bodies = conn.execute("SELECT string_agg(prosrc, ' ') FROM pg_proc").fetchone()
    running = conn.execute("SELECT string_agg(query, ' ') FROM pg_stat_activity").fetchone()

    assert KEY.hex() not in masked_select(plan.tables[0]).as_string(conn)
    assert KEY.hex() not in str(bodies) + str(running)


def test_a_session_without_a_key_fails_and_so_does_one_that_lost_it(
    database: Any, conn: psycopg.Connection[Any], plan: DatabasePlan
) -> None:
    with psycopg.connect(database.dsn) as keyless, pytest.raises(psycopg.errors.InvalidParameterValue):
        keyless.execute(masked_select(plan.tables[0]))

    conn.execute("SELECT 1")  # a transaction is open: the setting goes with it
    set_key(conn, KEY)
    conn.rollback()

    with pytest.raises(psycopg.errors.InvalidParameterValue):
        conn.execute(masked_select(plan.tables[0]))
    conn.rollback()


def test_a_key_of_another_length_is_refused(conn: psycopg.Connection[Any]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        set_key(conn, b"short")


def test_it_can_be_copied(conn: psycopg.Connection[Any], plan: DatabasePlan) -> None:
    set_key(conn, KEY)

    with conn.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(masked_select(plan.tables[0]))) as copy:
        copied = b"".join(copy)

    assert copied.count(b"\n") == 501
    assert b"corp.test" not in copied


def test_no_setting_of_the_session_changes_a_fake(conn: psycopg.Connection[Any], plan: DatabasePlan) -> None:
    facts = sql.SQL(
        "SELECT array_agg(extract(epoch FROM born)), array_agg(extract(epoch FROM seen)), array_agg(raw)"
        ", array_agg(num) FROM (SELECT * FROM ({}) AS m ORDER BY id) AS ordered"
    ).format(masked_select(plan.tables[0]))
    set_key(conn, KEY)

    before = conn.execute(facts).fetchone()
    conn.execute(
        "SET datestyle = 'german'; SET timezone = 'Asia/Tokyo'; SET search_path = ''; SET bytea_output = escape"
    )
    after = conn.execute(facts).fetchone()

    assert before == after


def test_inheritance_children_keep_their_rows_and_partitions_come_with_their_root(database: Any) -> None:
    policy = """version = 1
    ["{database}".public]
    base.a = "digest"
    child.a = "digest"
    parts.a = "keep"
    """
    with psycopg.connect(database.dsn) as conn:
        conn.execute("""
            CREATE TABLE base (a text); CREATE TABLE child () INHERITS (base);
            INSERT INTO base VALUES ('x'); INSERT INTO child VALUES ('y'), ('z');
            CREATE TABLE parts (a int) PARTITION BY LIST (a); CREATE TABLE part PARTITION OF parts DEFAULT;
            INSERT INTO parts VALUES (1), (2), (3)""")
        conn.commit()
        plan = prepare(conn, policy)
        set_key(conn, KEY)

        counts = [conn.execute(masked_select(table)).rowcount for table in plan.tables]

    assert counts == [1, 2, 3]


def test_infinite_dates_stay_infinite(database: Any) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE ends (a date, b timestamptz); INSERT INTO ends VALUES ('infinity', '-infinity')")
        conn.commit()
        plan = prepare(conn, 'version = 1\n["{database}".public.ends]\na = "date_shift"\nb = "date_shift"')
        set_key(conn, KEY)

        masked = sql.SQL("SELECT m::text FROM ({}) AS m").format(masked_select(plan.tables[0]))

        assert conn.execute(masked).fetchone() == ("(infinity,-infinity)",)


def test_citext_values_that_postgres_holds_for_equal_get_one_fake() -> None:
    """The wheel brings no citext, so the type's name is enough here: what counts is that the digest folds case."""
    column = Column("email", "public.citext")

    assert "lower(" in value_bytes(column, sql.Identifier("email")).as_string()
