"""Schemas that a load stumbles over: each arrives as it was, or is refused before the target is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from emulator.postgres import Server
from sanitizers.errors import CopyFailedError
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import dump, make_case

MakeDatabase = Callable[[], TestDatabase]

SCHEMAS = {
    "circular, deferred and unchecked references": """
        CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL, mail text UNIQUE);
        CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a DEFERRABLE INITIALLY DEFERRED,
          mail text REFERENCES a (mail));
        INSERT INTO a VALUES (1, 7, 'one@mail.invalid'); INSERT INTO b VALUES (7, 1, 'one@mail.invalid');
        ALTER TABLE a ADD CONSTRAINT to_b FOREIGN KEY (b) REFERENCES b DEFERRABLE;
        ALTER TABLE a ADD CONSTRAINT never FOREIGN KEY (b) REFERENCES a ON DELETE CASCADE NOT VALID;
        COMMENT ON CONSTRAINT to_b ON a IS 'round and round';
    """,
    "a unique constraint that is deferred, with columns beside": """
        CREATE TABLE a (id int, rank int, mail text,
          CONSTRAINT ranks UNIQUE (rank) INCLUDE (mail) WITH (fillfactor = 60) DEFERRABLE INITIALLY DEFERRED,
          CONSTRAINT mails UNIQUE NULLS NOT DISTINCT (mail, id) DEFERRABLE, PRIMARY KEY (id) INCLUDE (rank));
        ALTER TABLE a REPLICA IDENTITY USING INDEX a_pkey;
        INSERT INTO a SELECT n, n, 'm' || n FROM generate_series(1, 50) n;
    """,
    "exclusion constraints": """
        CREATE TABLE a (id int PRIMARY KEY, room int4range,
          EXCLUDE USING gist (room WITH &&) WHERE (id > 0) DEFERRABLE);
        INSERT INTO a SELECT n, int4range(n * 10, n * 10 + 9) FROM generate_series(1, 50) n;
    """,
    "checks that old rows break": """
        CREATE TABLE a (id int PRIMARY KEY, v int); INSERT INTO a VALUES (1, -1), (2, 2);
        ALTER TABLE a ADD CONSTRAINT positive CHECK (v > 0) NOT VALID;
        COMMENT ON CONSTRAINT positive ON a IS 'from now on';
    """,
    "an index that was never finished": """
        CREATE TABLE a (id int, v int) PARTITION BY RANGE (id);
        CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (0) TO (100);
        CREATE INDEX half ON ONLY a (v);
        INSERT INTO a SELECT n, n FROM generate_series(1, 50) n;
    """,
    "generated columns, identities and no columns": """
        CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY, v text,
          long int GENERATED ALWAYS AS (length(v)) STORED UNIQUE);
        INSERT INTO a (v) SELECT repeat('x', n) FROM generate_series(1, 50) n;
        CREATE TABLE b (); INSERT INTO b DEFAULT VALUES; INSERT INTO b DEFAULT VALUES;
        CREATE TABLE c (g int GENERATED ALWAYS AS (1) STORED); INSERT INTO c DEFAULT VALUES;
        CREATE TABLE d (gone int, v int, left_over text); ALTER TABLE d DROP gone, DROP left_over;
        INSERT INTO d VALUES (1), (NULL);
    """,
    "types that travel in binary, at their edges": """
        CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
        CREATE TABLE a (s smallint, i int, l bigint, b boolean, f float8, u uuid, y bytea, d date, t text, v varchar(4),
          c char(4), at timestamp(3), tz timestamptz, j json, jb jsonb, n numeric, p percent);
        INSERT INTO a VALUES
          (-32768, -2147483648, -9223372036854775808, false, '-0', gen_random_uuid(), '\\x005c00', '-infinity',
            E'a\\tb\\\\', 'abcd', 'x', 'infinity', '4713-01-01 00:00:00+00 BC', '{"a" :  1}',
            '{"b": [null, 1e3]}', 'NaN', 99.99),
          (1, 2, 3, true, 'NaN', NULL, '', '5874897-12-31', '', '', '', '2024-02-29 23:59:59.999', '-infinity', 'null',
            '"\\u00e9"', '-1234567890.000001230', 0);
        INSERT INTO a DEFAULT VALUES;
    """,
    "unlogged tables and tables that inherit": """
        CREATE UNLOGGED TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x');
        CREATE TABLE b (id int PRIMARY KEY, CHECK (id > 0)); CREATE TABLE c (w int, PRIMARY KEY (id)) INHERITS (b);
        CREATE TABLE d (UNIQUE (w)) INHERITS (c);
        INSERT INTO b VALUES (1); INSERT INTO c VALUES (2, 3); INSERT INTO d VALUES (4, 5), (6, 7);
    """,
    "keys of partitions, attached and their own": """
        CREATE TABLE a (id int, at date, PRIMARY KEY (id, at), UNIQUE (at, id)) PARTITION BY RANGE (at);
        CREATE TABLE a1 PARTITION OF a FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY HASH (id);
        CREATE TABLE a10 PARTITION OF a1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE a2 (at date NOT NULL, id int NOT NULL, own int UNIQUE, CONSTRAINT named PRIMARY KEY (id, at));
        ALTER TABLE a2 DROP own; ALTER TABLE a ATTACH PARTITION a2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
        CREATE TABLE b (id int, at date, FOREIGN KEY (id, at) REFERENCES a) PARTITION BY LIST (id);
        CREATE TABLE b1 PARTITION OF b DEFAULT;
        INSERT INTO a SELECT n, date '2020-06-01' + n * 10 FROM generate_series(1, 50) n;
        INSERT INTO b SELECT id, at FROM a;
    """,
}
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, contype, convalidated, condeferrable, condeferred, conislocal, coninhcount,
  pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')
FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid, indisready, indimmediate, indisreplident,
  indisclustered FROM pg_index WHERE indrelid::regclass::text !~ '^(pg_|information)' ORDER BY 1
"""


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_arrives_as_it_was(make_database: MakeDatabase, schema: str, streams: int) -> None:
    case = make_case(make_database, schema)
    before = [dump(case.target), case.rows(CONSTRAINTS), case.rows(INDEXES)]

    case.copy(streams=streams, piece=8192)

    assert before == [dump(case.target), case.rows(CONSTRAINTS), case.rows(INDEXES)]
    for (table,) in case.rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"):
        rows = f"SELECT t::text FROM ONLY {table} t ORDER BY 1"
        assert case.rows(rows, of=case.source) == case.rows(rows)


def test_a_row_whose_masked_key_belongs_elsewhere_moves(make_database: MakeDatabase) -> None:
    case = make_case(
        make_database,
        """CREATE TABLE a (id int, mail text) PARTITION BY HASH (mail);
        CREATE TABLE a0 PARTITION OF a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE a1 PARTITION OF a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO a SELECT n, 'm' || n FROM generate_series(1, 2000) n""",
        {"public.a.mail": "digest"},
    )

    case.copy(streams=2, piece=8192)

    moved = "SELECT count(*) FROM a0 WHERE id = ANY (%s)"
    there = [row[0] for row in case.rows("SELECT id FROM a0", of=case.source)]
    with psycopg.connect(case.target.dsn) as conn:
        row = conn.execute(moved, (there,)).fetchone()
    assert case.rows("SELECT count(*), count(DISTINCT id) FROM a") == [(2000, 2000)]
    assert row
    assert 0 < row[0] < len(there)


@pytest.fixture
def visitor(postgres: Server) -> Iterator[str]:
    """A role that may read nothing yet."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
        conn.execute("CREATE ROLE visitor LOGIN PASSWORD 'visitor'")
        yield "visitor"
        conn.execute("DROP ROLE visitor")


def test_what_cannot_be_read_is_told_all_at_once_with_the_grant_that_helps(
    make_database: MakeDatabase, visitor: str
) -> None:
    case = make_case(make_database, "CREATE TABLE theirs (id serial PRIMARY KEY); CREATE TABLE seen (id int)")
    case.execute(f"GRANT SELECT ON seen TO {visitor}", of=case.source)
    dsn = case.source.server.dsn(user=visitor, password="visitor", dbname=case.source.name)

    with pytest.raises(CopyFailedError) as caught:
        case.copy(source=lambda _: psycopg.connect(dsn))

    case.execute(f"REVOKE ALL ON seen FROM {visitor}", of=case.source)
    for part in (
        "neondb_owner must run `GRANT SELECT ON public.theirs TO visitor` on the source",
        "neondb_owner must run `GRANT SELECT ON SEQUENCE public.theirs_id_seq TO visitor` on the source",
    ):
        assert part in str(caught.value)
    assert "public.seen" not in str(caught.value)


def test_nothing_is_written_to_the_source(make_database: MakeDatabase) -> None:
    case = make_case(make_database, SCHEMAS["exclusion constraints"], {"public.a.room": "null"})
    with psycopg.connect(case.source.admin_dsn, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {case.source.name} SET default_transaction_read_only = on")
        conn.execute(f"REVOKE TEMP, CREATE ON DATABASE {case.source.name} FROM PUBLIC, neondb_owner")

    report = case.copy(streams=2)

    assert report.rows == 50
