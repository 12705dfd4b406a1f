"""What a copy that did not end says of the target, and that the advice holds."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from daemon.errors import RunFailedError, StoppedError
from daemon.keys import MaskingKey
from daemon.plain import CleanRoom, copy_masked, parse_dsn
from daemon.plain.outlook import Wish
from daemon.plain.run import How, Sanitized
from daemon.progress import Progress, Watch
from sanitizers.policy import parse_policy
from tests.attest_case import SIGNING
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import KEY

SCRIPT = """
CREATE TABLE people (id int PRIMARY KEY, email text);
INSERT INTO people SELECT n, 'jane' || n || '@corp.invalid' FROM generate_series(1, 9) n
"""
POLICY = """version = 1
[{0}.public.people]
id = "keep"
email = "email"
"""
Pair = tuple[TestDatabase, TestDatabase]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where attestations are written to."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pair(make_database: Callable[[], TestDatabase]) -> Pair:
    source, target = make_database(), make_database()
    execute(source, SCRIPT)
    return source, target


def execute(database: TestDatabase, script: str) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(script.encode())


def copy(pair: Pair, tell: Callable[[Watch, Progress], None], *, schema_exists: bool = False) -> Sanitized:
    source, target = pair
    policy = parse_policy(POLICY.format(source.name), "masking.toml")
    room = CleanRoom(
        parse_dsn("--source", source.dsn),
        parse_dsn("--target", target.dsn),
        How(Wish("clean-room", policy), MaskingKey("a key", KEY), signing=SIGNING),
        schema_exists,
    )
    watch = Watch(lambda progress: tell(watch, progress))
    return copy_masked(room, watch)


def silent(watch: Watch, progress: Progress) -> None:
    pass


def test_a_target_that_has_its_schema_and_no_rows_is_filled_with_schema_exists(pair: Pair) -> None:
    def migrate(_: Watch, progress: Progress) -> None:
        if progress.step == "schema":
            execute(pair[0], "ALTER TABLE people ADD nick text")

    with pytest.raises(RunFailedError, match="has its schema and no rows: run again with --schema-exists") as failure:
        copy(pair, migrate)
    for database in pair:
        execute(database, "ALTER TABLE people DROP nick")
    done = copy(pair, silent, schema_exists=True)

    assert "goes on with what is complete" not in str(failure.value)
    assert done.proof["rows"] == 9


def test_a_target_that_is_empty_still_is_said_to_be(pair: Pair) -> None:
    def stop(watch: Watch, progress: Progress) -> None:
        if progress.step == "schema":
            watch.stop.set()

    with pytest.raises(StoppedError, match="the target is as empty as before: run the same again"):
        copy(pair, stop)

    assert copy(pair, silent).proof["rows"] == 9


def test_a_copy_that_has_begun_goes_on_by_the_same_command(pair: Pair) -> None:
    def stop(watch: Watch, progress: Progress) -> None:
        if progress.sentence.startswith("load"):
            watch.stop.set()

    with pytest.raises(StoppedError, match="run the same again: it goes on with what is complete"):
        copy(pair, stop)

    assert copy(pair, silent).proof["rows"] == 9


def test_an_attestation_that_cannot_be_written_leaves_no_half_of_it(pair: Pair) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(_: Watch, progress: Progress) -> None:
        if "original values searched" in progress.sentence:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))

    try:
        with pytest.raises(RunFailedError, match="cannot write the attestation"):
            copy(pair, fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("change", ["ALTER TABLE people ADD nick text", "CREATE TABLE pasted (email text)"])
def test_a_schema_that_changes_after_the_proof_is_not_attested(pair: Pair, change: str) -> None:
    def migrate(_: Watch, progress: Progress) -> None:
        if "original values searched" in progress.sentence:
            execute(pair[1], change)

    with pytest.raises(RunFailedError, match=r"changed after it was proven(?s:.*)not attested: drop it"):
        copy(pair, migrate)

    assert not list(Path.cwd().glob("attestation-*"))
