"""What detection suggests for columns of every shape can be planned, and leaves no original, on every Postgres."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from daemon.policies import suggestions
from sanitizers.plan import compile_plan
from sanitizers.policy import load_policy
from sanitizers.policy_file import write_policy
from sanitizers.schema import read_schema
from sanitizers.select import masked_select, set_key
from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS

SCRIPT = """
CREATE TYPE address AS (street text, city text, floor int);
CREATE TYPE contact AS (email text, phone varchar(20), home address);
CREATE TYPE faith AS ENUM ('none', 'some');
CREATE DOMAIN mail AS text CHECK (VALUE ~ '@');
CREATE TABLE people (
  id int PRIMARY KEY, mail mail NOT NULL UNIQUE, reach contact, reaches contact[] NOT NULL,
  birth_date daterange NOT NULL, location point NOT NULL,
  profile xml NOT NULL, prefs hstore NOT NULL, ips inet[] NOT NULL, mac macaddr8 NOT NULL,
  search tsvector NOT NULL, religion faith NOT NULL, notes text[] NOT NULL, papers jsonb[] NOT NULL
);
INSERT INTO people VALUES (1, 'canary@corp.invalid',
  ('canary@corp.invalid', '+12065550100', ('Canary Lane 1', 'Canary', 7)),
  ARRAY[('canary@corp.invalid', NULL, NULL)]::contact[], '[2000-01-01,2000-01-02)', '(1,2)', '<a>Canary</a>',
  'who=>Canary', '{10.9.8.7}', '08:00:2b:01:02:03:04:05', 'canary', 'some', '{Canary}',
  '{"{\\"who\\": \\"Canary\\"}"}');
"""


@pytest.mark.parametrize("major", VERSIONS)
def test_a_suggested_policy_is_planned_and_leaves_no_original(
    major: int, make_database_on: Callable[[int], TestDatabase], tmp_path_factory: pytest.TempPathFactory
) -> None:
    database, path = make_database_on(major), tmp_path_factory.mktemp("policy") / "masking.toml"
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION hstore")
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        conn.execute(SCRIPT.encode())
        schema = read_schema(conn)
        write_policy(path, suggestions([schema]))

        plan = compile_plan([schema], load_policy(path)).databases[0]
        problems = try_plan(conn, plan)
        set_key(conn, bytes(range(32)))
        [row] = conn.execute(masked_select(plan.tables[0])).fetchall()

    assert problems == ()
    assert "canary" not in repr(row).lower()
    assert "10.9.8.7" not in repr(row)
    assert ",7)" in repr(row)  # the floor is nobody's
