"""Definitions that Postgres writes otherwise once a dump was restored or an index rebuilt: they are the same ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fix_plain import Desk, execute, rows
from tests.fix_postgres import TestDatabase

# IN on a varchar is kept as an array that is cast whole, and read back as one of cast elements; a literal of a subquery
# has no name, and is read back with that of its type.
ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, email text,
  open boolean GENERATED ALWAYS AS (status NOT IN ('a', 'b')) STORED,
  status varchar(20) CHECK (status IN ('new', 'pa''id]')),
  seen regclass CHECK (seen IN ('pg_class', 'pg_proc')));
CREATE INDEX ON orders (email) WHERE status IN ('new', 'sent');
CREATE INDEX ON orders ((status IN ('new', 'sent')));
CREATE VIEW waiting AS SELECT * FROM orders WHERE status NOT IN ('sent', 'gone');
CREATE MATERIALIZED VIEW kept AS SELECT * FROM orders WHERE status NOT IN ('sent', 'gone');
CREATE VIEW kinds AS SELECT * FROM
  (SELECT id, 'order' AS kind FROM orders UNION SELECT 1, 'none' UNION SELECT -1, NULL) q
  WHERE EXISTS (SELECT NULL FROM orders);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER looks BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status IN ('new', 'sent')) EXECUTE FUNCTION look();
CREATE POLICY few ON orders USING (status IN ('new', 'sent'));
CREATE STATISTICS pair ON (status IN ('new', 'sent')), id FROM orders;
CREATE TABLE parts (region varchar, code varchar CHECK (code IN ('a', 'b')), email text) PARTITION BY LIST (region);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN ('x', 'y');
INSERT INTO orders VALUES (1, 'zeno@zq-original.test', DEFAULT, 'new', 'pg_class');
INSERT INTO parts VALUES ('x', 'a', 'zeno@zq-original.test');
"""
POLICY = """version = 1
reviewed_by = "Ada"
reviewed_on = 2026-11-21
[{0}.public.orders]
id = "keep"
email = "email"
status = "keep"
seen = "keep"
[{0}.public.parts]
region = "keep"
code = "keep"
email = "email"
"""


@pytest.mark.parametrize("way", ["clean room", "in place"])
def test_what_a_dump_writes_in_other_words_is_no_difference(
    way: str, desk: Desk, make_database: Callable[[], TestDatabase]
) -> None:
    source = make_database()
    execute(source.dsn, ORDERS)
    desk.decide(POLICY.format(source.name))

    if way == "clean room":
        target = make_database()
        done = desk.run("sanitize", "--source", source.dsn, "--target", target.dsn)
    else:
        target = source
        done = desk.run("sanitize", "--in-place", source.dsn, "--yes")

    assert done.returncode == 0, done.stderr
    assert rows(target.dsn, "SELECT count(*) FROM orders JOIN parts USING (email) WHERE email LIKE 'zeno@%'") == [(0,)]
