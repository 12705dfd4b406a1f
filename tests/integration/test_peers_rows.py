"""Rows that other anonymizers lost, doubled or did not see: see docs/explanation/what-others-met.md."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from sanitizers.engines.stream import CopyRun, Progress, copy_database
from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from tests.integration.peers_case import (
    Engine,
    MakeDatabase,
    both_engines,
    clone_schema,
    execute,
    make_masked,
    make_twins,
    query_rows,
)
from tests.integration.stream_case import KEY, connector

PARTITIONED = """
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, day date NOT NULL, mail text NOT NULL, note text,
  PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (note text, mail text NOT NULL, old int, day date NOT NULL, id bigint NOT NULL);
ALTER TABLE events_2025 DROP COLUMN old;
ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT PARTITION BY LIST (day);
CREATE TABLE events_rest_all PARTITION OF events_rest DEFAULT;
INSERT INTO events (day, mail) SELECT date '2024-06-01' + n * 20, 'person' || n || '@mail.invalid'
FROM generate_series(1, 100) n;
CREATE TABLE empty_parts (id int, mail text) PARTITION BY RANGE (id);
CREATE TABLE empty_parts_1 PARTITION OF empty_parts FOR VALUES FROM (0) TO (9);
CREATE TABLE empty (id int PRIMARY KEY, mail text UNIQUE);
CREATE TABLE nulls (id int, mail text UNIQUE, note text);
INSERT INTO nulls SELECT n, NULL, NULL FROM generate_series(1, 20) n;
"""
MAILS = {f"public.{name}.mail": "email" for name in ("events", "empty_parts", "empty", "nulls")}


@both_engines
def test_each_partition_keeps_its_rows_and_empty_tables_stay_empty(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_masked(make_database, engine, PARTITIONED, MAILS)

    where = "SELECT tableoid::regclass::text, id, day, note FROM events ORDER BY 2"
    assert twins.originals(where) == twins.rows(where)
    assert twins.rows("SELECT count(*) FROM events WHERE mail ~ 'invalid' OR mail IS NULL") == [(0,)]
    assert twins.rows("SELECT (SELECT count(*) FROM empty), (SELECT count(*) FROM empty_parts)") == [(0, 0)]
    assert twins.rows("SELECT count(*), count(mail) FROM nulls") == [(20, 0)]
    parts = "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition ORDER BY relname"
    assert twins.originals(parts) == twins.rows(parts)


HASHED = """
CREATE TABLE accounts (mail text NOT NULL, number text, filler text, PRIMARY KEY (mail)) PARTITION BY HASH (mail);
CREATE TABLE accounts_0 PARTITION OF accounts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE accounts_1 PARTITION OF accounts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE accounts_2 PARTITION OF accounts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE INDEX ON accounts (number);
INSERT INTO accounts SELECT 'person' || n || '@mail.invalid', n, repeat('x', 300) FROM generate_series(1, 20000) n;
"""


@both_engines
def test_parallel_streams_meet_in_one_partition_without_a_deadlock(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_twins(make_database, engine, HASHED, {"public.accounts.mail": "email"})
    pieces: dict[str, Any] = {"piece": 1 << 18} if engine == "clean-room" else {}

    twins.run(streams=4, **pieces)

    assert twins.rows("SELECT count(*), count(DISTINCT number) FROM accounts WHERE mail ~ '@example'") == [
        (20000, 20000)
    ]
    moved = """SELECT count(*) FROM accounts a WHERE NOT satisfies_hash_partition(
      'accounts'::regclass, 3, right(tableoid::regclass::text, 1)::int, mail)"""
    assert twins.rows(moved) == [(0,)]


HIDDEN = """
CREATE TABLE salaries (id int PRIMARY KEY, person text, amount int);
INSERT INTO salaries SELECT n, 'Original ' || n, n FROM generate_series(1, 30) n;
ALTER TABLE salaries ENABLE ROW LEVEL SECURITY;
ALTER TABLE salaries FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON salaries USING (id < 4) WITH CHECK (id < 4);
"""


@both_engines
def test_rows_that_a_policy_hides_are_masked_like_all_others(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_masked(make_database, engine, HIDDEN, {"public.salaries.person": "full_name"})

    assert twins.rows("SELECT count(*), sum(amount) FROM salaries WHERE person !~ 'Original'") == [(30, 465)]
    assert twins.rows("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'salaries'") == [(True,)]


LIVE = """
CREATE TABLE a_parents (id int PRIMARY KEY, name text);
CREATE TABLE z_children (id int PRIMARY KEY, parent int NOT NULL REFERENCES a_parents);
INSERT INTO a_parents SELECT n, 'Original' FROM generate_series(1, 1000) n;
INSERT INTO z_children SELECT n, n FROM generate_series(1, 1000) n;
"""


@pytest.mark.parametrize("streams", [1, 3])
def test_a_source_that_changes_meanwhile_is_copied_as_it_was_at_one_moment(
    make_database: MakeDatabase, streams: int
) -> None:
    twins = make_twins(make_database, "clean-room", LIVE, {"public.a_parents.name": "first_name"})
    numbers = iter(range(5000, 9000))

    def write(progress: Progress) -> None:
        if progress.step == "load":
            new = next(numbers)
            execute(
                twins.original, f"INSERT INTO a_parents VALUES ({new}); INSERT INTO z_children VALUES ({new}, {new})"
            )
            execute(twins.original, f"DELETE FROM z_children WHERE id = {new - 4999}")

    twins.run(write, streams=streams)

    assert next(numbers) > 5002
    assert twins.rows("SELECT count(*), max(id) FROM a_parents") == [(1000, 1000)]
    assert twins.rows("SELECT count(*), min(id), max(id) FROM z_children") == [(1000, 1, 1000)]


COMPOSITE = """
CREATE TABLE people (id int PRIMARY KEY, mail text NOT NULL UNIQUE);
CREATE TABLE orders (person int REFERENCES people, number int, PRIMARY KEY (person, number));
CREATE TABLE items (person int, number int, line int, PRIMARY KEY (person, number, line),
  FOREIGN KEY (person, number) REFERENCES orders);
CREATE TABLE parcels (person int, number int, line int, label text,
  FOREIGN KEY (person, number, line) REFERENCES items);
INSERT INTO people SELECT n, 'person' || n || '@mail.invalid' FROM generate_series(1, 400) n;
INSERT INTO orders SELECT id, n FROM people, generate_series(1, 2) n;
INSERT INTO items SELECT person, number, n FROM orders, generate_series(1, 2) n;
INSERT INTO parcels SELECT person, number, line, 'Original' FROM items;
"""
COMPOSITE_POLICY = """
version = 1
sample = "10%"
[[columns]]
match = "*.mail"
strategy = "email"
[[columns]]
match = "*.label"
strategy = "null"
[[columns]]
type = "integer"
strategy = "keep"
"""


def test_a_sample_takes_children_whose_reference_is_part_of_their_key(make_database: MakeDatabase) -> None:
    source, target = make_database(), make_database()
    execute(source, COMPOSITE)
    clone_schema(source, target)
    with psycopg.connect(source.dsn) as conn:
        schema = read_schema(conn)
    policy = parse_policy(COMPOSITE_POLICY, "masking.toml")
    plan = compile_plan([schema], policy).databases[0]

    copy_database(CopyRun(connector(source), connector(target), plan, KEY), lambda _: None)

    counts = """SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM orders) / 2,
      (SELECT count(*) FROM items) / 4, (SELECT count(*) FROM parcels) / 4"""
    ((people, *others),) = query_rows(target, counts)
    assert 15 < people < 80
    assert {people} == set(others)
    assert query_rows(target, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated") == [(0,)]


STAFF = """
CREATE TABLE users (id int PRIMARY KEY, mail text NOT NULL UNIQUE, name text, password text);
CREATE TABLE sessions (id int PRIMARY KEY, mail text REFERENCES users (mail));
INSERT INTO users VALUES (1, 'ada@ourselves.invalid', 'Ada', 'hash 1'), (2, 'Test.One@login.invalid', 'Test', 'hash 2'),
  (3, 'zeb@mail.invalid', 'Zebediah', 'hash 3'), (4, 'ada@ourselves.invalid.org', 'Eve', 'hash 4');
INSERT INTO sessions SELECT id, mail FROM users;
"""


@both_engines
def test_staff_and_test_logins_stay_while_all_others_are_masked(make_database: MakeDatabase, engine: Engine) -> None:
    mail = {"strategy": "email", "keep_values": ["*@ourselves.invalid", "test.*@login.invalid"]}
    kept_row = {"keep_if": "mail LIKE '%@ourselves.invalid'"}
    masked = {
        "public.users.mail": mail,
        "public.sessions.mail": mail,
        "public.users.name": {"strategy": "first_name"} | kept_row,
        "public.users.password": {"strategy": "digest"} | kept_row,
    }

    twins = make_masked(make_database, engine, STAFF, masked)

    users = twins.rows(
        "SELECT mail, name = 'Ada', password = 'hash 1' FROM users JOIN sessions USING (mail) ORDER BY users.id"
    )
    assert users[0] == ("ada@ourselves.invalid", True, True)
    assert users[1] == ("Test.One@login.invalid", False, False)
    assert [mail.rpartition("@")[2][:8] for mail, *_ in users[2:]] == ["example."] * 2
    assert twins.rows("SELECT count(*) FROM users WHERE password ~ 'hash' OR name IN ('Zebediah', 'Eve')") == [(1,)]


PHOTOS = """
CREATE TABLE photos (id int PRIMARY KEY, name text, photo oid);
INSERT INTO photos VALUES (1, 'Zebediah', lo_from_bytea(0, 'Zebediah'));
"""


@both_engines
def test_large_objects_are_never_left_in_the_masked_database(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_twins(make_database, engine, PHOTOS, {"public.photos.name": "first_name"})

    twins.run()

    assert twins.rows("SELECT oid FROM pg_largeobject_metadata") == []
    assert twins.rows("SELECT count(*) FROM photos WHERE name = 'Zebediah'") == [(0,)]
