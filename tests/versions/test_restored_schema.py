"""A schema that went through pg_dump is the one that it was, whatever the databases' own settings are."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.schema import Schema, read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import clone_schema

ODD_SETTINGS = """
ALTER DATABASE {0} SET datestyle = 'SQL, DMY'; ALTER DATABASE {0} SET intervalstyle = 'sql_standard';
ALTER DATABASE {0} SET timezone = 'Asia/Kolkata'; ALTER DATABASE {0} SET quote_all_identifiers = on;
ALTER DATABASE {0} SET bytea_output = 'escape'; ALTER DATABASE {0} SET extra_float_digits = -5
"""

DEPARSED = """
CREATE TABLE events (
  at timestamptz NOT NULL CHECK (at > '2001-02-03 04:05:06+00'), day date DEFAULT '2004-05-06',
  span interval DEFAULT '-1 day +02:03:04', raw bytea DEFAULT '\\x005c', ratio float8 DEFAULT 0.1234567890123456
) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-02') TO ('2024-02-01');
CREATE INDEX ON events (day) WHERE day > '2003-02-01';
"""

LATE_COLUMN = """
CREATE TABLE parents (a int);
CREATE TABLE children (z text) INHERITS (parents);
ALTER TABLE parents ADD COLUMN late int;
"""

NUMBERED_KEYS = """
CREATE TABLE whole (a int PRIMARY KEY) PARTITION BY LIST (a);
CREATE TABLE part_1 PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF whole FOR VALUES IN (2);
CREATE TABLE links (a int REFERENCES whole) PARTITION BY LIST (a);
CREATE TABLE links_1 (a int, CONSTRAINT links_a_fkey FOREIGN KEY (a) REFERENCES whole);
ALTER TABLE links ATTACH PARTITION links_1 FOR VALUES IN (1);
ALTER TABLE whole DETACH PARTITION part_1;
ALTER TABLE whole ATTACH PARTITION part_1 FOR VALUES IN (1);
"""


def schema_of(database: TestDatabase) -> Schema:
    with psycopg.connect(database.dsn) as conn:
        return read_schema(conn)


@pytest.mark.parametrize("script", [DEPARSED, LATE_COLUMN, NUMBERED_KEYS], ids=["settings", "inherited", "keys"])
def test_a_restored_dump_has_the_digest_of_its_source(script: str, make_database: Callable[[], TestDatabase]) -> None:
    source, target = make_database(), make_database()
    with psycopg.connect(source.dsn) as conn:
        conn.execute(script.encode())
    clone_schema(source, target)
    with psycopg.connect(source.admin_dsn, autocommit=True) as conn:
        conn.execute(ODD_SETTINGS.format(source.name).encode())

    assert schema_of(source).tables != ()
    assert schema_of(source).digest == schema_of(target).digest


def test_a_column_that_any_level_is_partitioned_by_is_a_partition_key(
    make_database: Callable[[], TestDatabase],
) -> None:
    database = make_database()
    with psycopg.connect(database.dsn) as conn:
        conn.execute("""
        CREATE TABLE sales (a int, b text, c date, d text) PARTITION BY RANGE (a);
        CREATE TABLE other (gone int, d text, c date, b text, a int) PARTITION BY LIST (lower(d));
        ALTER TABLE other DROP COLUMN gone;
        ALTER TABLE sales ATTACH PARTITION other FOR VALUES FROM (1) TO (9);
        """)

    (table,) = schema_of(database).tables

    assert [(c.name, c.partition_key) for c in table.columns] == [("a", True), ("b", False), ("c", False), ("d", True)]
