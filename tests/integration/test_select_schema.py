"""read_schema against a catalog with everything in it that has tripped others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from sanitizers.schema import Column, ColumnRef, Schema, read_schema

DDL = """
CREATE SCHEMA neon_auth;
CREATE SCHEMA "Odd Schema";
CREATE DOMAIN short AS varchar(12) NOT NULL;
CREATE DOMAIN shorter AS short CHECK (VALUE <> '');
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE neon_auth.users_sync (
    raw_json jsonb NOT NULL,
    id text GENERATED ALWAYS AS (raw_json ->> 'id') STORED NOT NULL PRIMARY KEY,
    updated_at timestamptz
);
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gone text,
    email varchar(80),
    login text UNIQUE,
    tenant int NOT NULL,
    nick shorter,
    feeling mood,
    tags text[],
    whole text GENERATED ALWAYS AS (login || '!') VIRTUAL,
    UNIQUE (tenant, nick)
);
ALTER TABLE customers DROP COLUMN gone;
CREATE UNIQUE INDEX ON customers (lower(email)) WHERE tenant > 0;
CREATE TABLE orders (
    day date NOT NULL,
    customer bigint REFERENCES customers,
    tenant int,
    nick varchar(12),
    PRIMARY KEY (day, customer),
    FOREIGN KEY (tenant, nick) REFERENCES customers (tenant, nick)
) PARTITION BY RANGE (day);
CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE "Odd Schema"."Odd ""Table"" x" ("Quoted Column" text, "Größe" numeric(10, 2));
CREATE TABLE base (a text);
CREATE TABLE child (b text) INHERITS (base);
CREATE TEMP TABLE passing (a text);
CREATE VIEW seen AS SELECT id FROM customers;
INSERT INTO orders SELECT '2026-02-02', NULL, NULL, NULL WHERE false;
"""


@pytest.fixture
def conn(database: Any) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn) as opened:
        opened.execute(DDL)
        opened.commit()
        yield opened


def column(schema: Schema, table: str, name: str) -> Column:
    found = next(t for t in schema.tables if t.name == table).column(name)
    assert found is not None
    return found


def test_user_tables_of_every_schema_are_listed_and_partitions_fold_into_their_root(
    conn: psycopg.Connection[Any],
) -> None:
    schema = read_schema(conn)

    names = [t.qualified for t in schema.tables]

    expected = [
        'Odd Schema.Odd "Table" x',
        "neon_auth.users_sync",
        "public.base",
        "public.child",
        "public.customers",
        "public.orders",
    ]
    assert expected == names
    orders = schema.table("public", "orders")
    assert orders is not None
    assert orders.partitioned
    assert orders.owner == "neondb_owner"
    assert orders.total_bytes > 0


def test_dropped_columns_are_gone_and_generated_and_identity_ones_are_marked(conn: psycopg.Connection[Any]) -> None:
    schema = read_schema(conn)

    customers = schema.table("public", "customers")

    assert customers is not None
    names = [c.name for c in customers.columns]
    assert names == ["id", "email", "login", "tenant", "nick", "feeling", "tags", "whole"]
    assert [c.name for c in customers.columns if c.generated] == ["whole"]
    assert [c.name for c in customers.columns if c.identity] == ["id"]
    assert column(schema, "users_sync", "id").generated_as == "(raw_json ->> 'id'::text)"


def test_types_are_qualified_and_domains_are_followed_to_their_base(conn: psycopg.Connection[Any]) -> None:
    schema = read_schema(conn)

    nick = column(schema, "customers", "nick")

    assert (
        nick.type,
        nick.base_type,
        nick.max_length,
        nick.category,
    ) == ("public.shorter", "character varying(12)", 12, "text")
    assert nick.not_null
    assert column(schema, "customers", "email").max_length == 80
    assert column(schema, "customers", "feeling").category == "enum"
    assert column(schema, "customers", "tags").category == "array"
    assert column(schema, 'Odd "Table" x', "Größe").category == "number"


def test_unique_is_what_must_stay_unique_by_itself(conn: psycopg.Connection[Any]) -> None:
    schema = read_schema(conn)

    customers = schema.table("public", "customers")

    assert customers is not None
    assert [c.name for c in customers.columns if c.unique] == ["id", "email", "login"]
    assert ("nick", "tenant") in customers.unique_keys


def test_foreign_keys_name_their_target_also_pair_by_pair(conn: psycopg.Connection[Any]) -> None:
    schema = read_schema(conn)

    references = {name: column(schema, "orders", name).references for name in ("customer", "tenant", "nick", "day")}

    assert {
        "customer": (ColumnRef("public", "customers", "id"),),
        "tenant": (ColumnRef("public", "customers", "tenant"),),
        "nick": (ColumnRef("public", "customers", "nick"),),
        "day": (),
    } == references
    assert column(schema, "orders", "day").partition_key


def test_reading_leaves_the_session_as_it_was(conn: psycopg.Connection[Any]) -> None:
    before = conn.execute("SHOW search_path").fetchone()
    conn.commit()

    read_schema(conn)

    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert before == conn.execute("SHOW search_path").fetchone()


def test_the_digest_is_that_of_a_twin_and_changes_with_a_constraint(
    conn: psycopg.Connection[Any], make_database: Callable[[], Any]
) -> None:
    with psycopg.connect(make_database().dsn) as twin:
        twin.execute(DDL)

        assert read_schema(conn).digest == read_schema(twin).digest

        twin.execute("ALTER TABLE customers ADD CHECK (tenant > 0)")
        assert read_schema(conn).digest != read_schema(twin).digest


def test_tables_of_an_extension_are_no_user_tables(database: Any) -> None:
    with psycopg.connect(database.admin_dsn) as admin:
        admin.execute("CREATE TABLE belongs (a text); CREATE TABLE mine (a text)")
        admin.execute("CREATE EXTENSION IF NOT EXISTS plpgsql; ALTER EXTENSION plpgsql ADD TABLE belongs")

        assert [t.name for t in read_schema(admin).tables] == ["mine"]
