"""A copy that fails on a value: no value is in what is printed, recorded or waiting to be sent."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daemon.model import Branch
from daemon.records import RunStep
from emulator.server import Tuning, running
from tests.faults.rig import LOGIN
from tests.fix_daemon import Warden

KEPT = "Qxcolour"  # in every row of a column that is copied as it is
VALUES = (KEPT, "Zqfirst", "zq1@", "zq-original.test")
KEEP_COLUMN = f"ALTER TABLE people ADD colour text; UPDATE people SET colour = '{KEPT}' || id;"

# The trial reads the first 20,000 rows at most: what only a later row breaks is met on the way.
MORE = f"""
INSERT INTO people (first_name, email, colour)
SELECT 'Zqfirst' || n, 'zq' || n || '@zq-original.test', '{KEPT}' || n FROM generate_series(21, 20100) AS n;
"""
# Fakes break it in the trial: it is told by name.
TRIED = "ALTER TABLE people ADD CONSTRAINT ours CHECK (email LIKE 'zq%');"
# Fakes break it while they are loaded: Postgres answers with the whole row.
CHECK = MORE + "ALTER TABLE people ADD CONSTRAINT ours CHECK (id < 20050 OR email LIKE 'zq%');"
# Fakes break it while the index is built again: the message is the function's own.
INDEX = (
    MORE
    + """
CREATE FUNCTION loud(id bigint, mail text, colour text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
  IF id > 20050 AND mail NOT LIKE 'zq%' THEN
    RAISE EXCEPTION 'no good: % %', mail, colour USING DETAIL = colour, HINT = colour; END IF;
  RETURN mail;
END $$;
CREATE INDEX people_loud ON people (loud(id, email, colour));
"""
)
# The same, told by a cast: the value is in Postgres' own words.
CAST = (
    MORE
    + "CREATE INDEX people_cast ON people ((CASE WHEN id < 20050 OR email LIKE 'zq%' THEN 0 ELSE colour::int END));"
)


@pytest.fixture
def make_warden(templates: Path, tmp_path: Path) -> Iterator[Callable[[str], Warden]]:
    """A warden on a project whose fakes break what the given statements put into production."""
    with ExitStack() as stack:

        def make(statements: str) -> Warden:
            seed = tmp_path / "seed"
            seed.mkdir()
            for name in ("project.toml", "login.sql"):
                (seed / name).write_text((LOGIN / name).read_text())
            (seed / "people.sql").write_text((LOGIN / "people.sql").read_text() + KEEP_COLUMN + statements)
            neon = stack.enter_context(running(seed, tuning=Tuning(templates=templates, housekeeping=0.2)))
            warden = Warden(neon, tmp_path)
            warden.prepare()
            return warden

        yield make


def _of_runs(warden: Warden) -> list[Branch]:
    with warden.client() as client:
        return [b for b in client.list_branches(warden.project_id) if b.run_id]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statements", "said"),
    [(TRIED, "check ours would be broken by email"), (CHECK, "SQLSTATE"), (INDEX, "SQLSTATE"), (CAST, "SQLSTATE")],
    ids=["tried", "check", "function", "cast"],
)
def test_a_copy_that_fails_on_a_value_tells_its_code_and_no_value(
    make_warden: Callable[[str], Warden], statements: str, said: str
) -> None:
    warden = make_warden(statements)

    done = warden.run("sanitize")

    with warden.store() as store:
        run = store.list_runs(warden.project_id, limit=1)[0]
        messages = store.list_outbox(include_delivered=True)
        kinds = [event.kind for event in store.read_events(100, warden.project_id)]
    told = done.stdout + done.stderr
    recorded = b"".join(path.read_bytes() for path in sorted(warden.folder.glob("state.db*")))
    assert kinds[-1] == "sanitize.failed", "events and the outbox are in the state store, which is searched as a whole"
    assert re.search(r'^colour = "?keep|^colour = .*"keep"', warden.policy.read_text(), re.MULTILINE), "it is copied"
    assert any("failed" in message.message.text for message in messages)
    assert done.returncode == 5, told
    assert said in done.stderr
    assert "Traceback" not in told
    assert run.step is RunStep.FAILED
    assert [value for value in VALUES if value in told + run.error] == []
    assert [value for value in VALUES if value.encode() in recorded] == []
    assert all(branch.expires_at is not None for branch in _of_runs(warden))
