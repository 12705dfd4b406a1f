"""Whatever fails, no value of a table, no password and no key is told: canaries in every row and every road."""

from collections.abc import Callable

import pytest

from tests.fix_plain import Desk, execute
from tests.fix_postgres import TestDatabase

CANARY = "canary-7731"
BASE = f"""
CREATE TABLE people (id int PRIMARY KEY, email text, score text);
INSERT INTO people SELECT n, '{CANARY}-' || n || '@canary.test', '{CANARY}' || n FROM generate_series(1, 5) n;
"""
POLICY = """version = 1
reviewed_by = "Ada"
reviewed_on = 2026-11-21
[{0}.public.people]
id = "keep"
email = "email"
score = "keep"
"""
BROKEN = {
    "a check that fakes break": f"ALTER TABLE people ADD CONSTRAINT is_canary CHECK (email LIKE '{CANARY}%')",
    "a cast that fails in a generated column": f"""
        ALTER TABLE people ADD made int GENERATED ALWAYS AS
          (CASE WHEN email LIKE '{CANARY}%' THEN 1 ELSE email::int END) STORED""",
    "a function that raises with the row": f"""
        CREATE FUNCTION shout(v text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
          'BEGIN IF v LIKE ''{CANARY}%'' THEN RETURN true; END IF; RAISE EXCEPTION ''row {CANARY} %'', v; END';
        ALTER TABLE people ADD CHECK (shout(email))""",
    "an index over an expression that fails": f"""
        CREATE FUNCTION number_of(v text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
          'BEGIN IF v LIKE ''{CANARY}%'' THEN RETURN 1; END IF; RETURN v::int; END';
        CREATE INDEX ON people (number_of(email))""",
    "an original that stays": f"UPDATE people SET score = '{CANARY}-3@canary.test' WHERE id = 3",
}


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, desk: Desk, make_database: Callable[[], TestDatabase]) -> TestDatabase:
    """A database on which a run fails half-way, full of canaries."""
    database = make_database()
    execute(database.dsn, BASE)
    execute(database.dsn, BROKEN[request.param])
    desk.decide(POLICY.format(database.name))
    return database


@pytest.mark.parametrize("mode", ["clean-room", "in-place"])
def test_a_run_that_fails_tells_what_and_where_but_no_value(
    desk: Desk, broken: TestDatabase, make_database: Callable[[], TestDatabase], mode: str
) -> None:
    key = next((desk.folder / "keys").iterdir()).read_text().strip()
    target = make_database()
    places = {
        "clean-room": ["--source", broken.dsn, "--target", target.dsn],
        "in-place": ["--in-place", broken.dsn, "--yes"],
    }

    done = desk.run("sanitize", *places[mode])

    told = done.stdout + done.stderr
    assert done.returncode == 5, told
    assert "people" in told
    assert "Traceback" not in told
    assert "internal error" not in told
    for secret in (CANARY, "@canary", "@example.com", broken.password, key):
        assert secret not in told
