"""Preflight refuses before anything is created, says every reason at once, and leaves the project as it was."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daemon.neon import CreateBranch
from emulator.server import Tuning, running
from tests.fix_daemon import SMALL, Warden

LEGACY = """
CREATE ROLE legacy NOLOGIN;
CREATE TABLE legacy_people (id int PRIMARY KEY, email text);
GRANT legacy TO neondb_owner;
GRANT CREATE ON SCHEMA public TO legacy;
ALTER TABLE legacy_people OWNER TO legacy;
"""
ROOT = '\n[[branches]]\nname = "root-{n}"\nparent = "production"\ninit_source = "schema-only"\n'


@pytest.fixture
def make_warden(templates: Path, tmp_path: Path) -> Iterator[Callable[..., Warden]]:
    """A warden on the small project, changed as the test needs it."""
    with ExitStack() as stack:

        def make(*, roots: int = 0, plan: str = "launch_v3", sql: str = "") -> Warden:
            seed = tmp_path / "seed"
            seed.mkdir()
            (seed / "small.sql").write_text((SMALL / "small.sql").read_text() + sql)
            project = (SMALL / "project.toml").read_text().replace("launch_v3", plan)
            (seed / "project.toml").write_text(project + "".join(ROOT.format(n=n) for n in range(roots)))
            neon = stack.enter_context(running(seed, tuning=Tuning(templates=templates, housekeeping=0.2)))
            warden = Warden(neon, tmp_path)
            warden.prepare()
            return warden

        yield make


def _assert_refused(warden: Warden, *sentences: str) -> None:
    before = warden.listing()

    done = warden.run("sanitize")

    assert done.returncode == 5, done.stderr
    assert "refused before anything was created" in done.stderr
    assert "Traceback" not in done.stderr
    for sentence in sentences:
        assert sentence in done.stderr
    assert warden.listing() == before
    assert [e["kind"] for e in warden.json("events")] == ["sanitize.refused"]


def _without(warden: Warden, *columns: str) -> None:
    lines = warden.policy.read_text().splitlines()
    kept = [line for line in lines if line.split(" = ")[0] not in columns]
    warden.policy.write_text("\n".join(kept) + "\n")


def test_every_uncovered_column_is_named(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden()
    _without(warden, "email", "body")

    _assert_refused(warden, "neondb.public.people.email", "neondb.public.notes.body")


def test_a_policy_column_that_does_not_exist_is_named(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden()
    text = warden.policy.read_text()
    warden.policy.write_text(text.replace("[neondb.public.people]", '[neondb.public.people]\nnickname = "keep"'))

    _assert_refused(warden, "neondb.public.people.nickname")


def test_a_used_up_root_allowance_is_told_with_the_roots_that_use_it(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden(roots=2, plan="free_v3")

    _assert_refused(warden, "3 of 3", "root-0", "root-1")


def test_a_table_that_the_run_cannot_own_is_named_with_the_statement_that_helps(
    make_warden: Callable[..., Warden],
) -> None:
    warden = make_warden(sql=LEGACY)

    _assert_refused(warden, "neondb.public.legacy_people belongs to legacy", "ALTER TABLE", "OWNER TO neondb_owner")


def test_all_reasons_are_told_at_once(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden(roots=2, plan="free_v3", sql=LEGACY)
    _without(warden, "email")

    _assert_refused(warden, "neondb.public.people.email", "3 of 3", "belongs to legacy")


def test_a_foreign_branch_called_staging_is_not_touched(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden()
    with warden.client(enforce=True) as client:
        production = next(b for b in client.list_branches(warden.project_id) if b.default)
        created = client.create_branch(CreateBranch(warden.project_id, "staging", production.id))
        client.wait_for(warden.project_id, created.operations)

    _assert_refused(warden, "a branch called staging is there that no sanitize run made")


def test_an_unsigned_policy_may_not_keep_what_looks_personal(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden()
    warden.policy.write_text(warden.policy.read_text().replace('email = "email"', 'email = "keep"'))

    _assert_refused(warden, "neondb.public.people.email looks personal", "sign the policy")


def test_an_unsigned_policy_that_masks_nothing_is_refused(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden()
    text = re.sub(r'^(\w+) = ("\w+"|\{.*\})', r'\1 = "keep"', warden.policy.read_text(), flags=re.MULTILINE)
    head, _, tables = text.partition("[neondb")
    settings = 'version = 1\nlocale = "en_US"\n'
    assert head
    warden.policy.write_text(f"{settings}[neondb{tables}")

    _assert_refused(warden, "masks nothing", "neondb.public.people.email")


def test_dry_run_says_what_a_run_would_do_and_creates_nothing(make_warden: Callable[..., Warden]) -> None:
    warden = make_warden()
    before = warden.listing()

    done = warden.run("sanitize", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "every column is covered" in done.stdout
    assert warden.listing() == before
