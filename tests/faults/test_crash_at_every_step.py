"""A run is cut at every request that changes something: nothing stays open, and the next run succeeds.

A run that takes the name from an older staging branch sends nine such requests. The process dies after every one of
them, and every one but the sixth takes effect and is answered with 500. Some are cut in two more ways: refused (422),
which differs where something is made, and the process dies before it, which shows the moments after the statements and
the writes to the ledger in between: the source is sealed, the seal is lifted, the ledger says published.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.errors import RunFailedError
from daemon.records import RunStep, SanitizeRun
from daemon.staging import settle_unfinished
from daemon.staging.leftovers import clear_leftovers
from emulator.server import Tuning, running
from tests.faults.rig import HASTY, LOGIN, CrashError, Cut, Rig, crash_after, crash_before, fault, open_rig, refuse

REQUESTS = [
    "POST branches",  # 1 the source
    "POST reset_password",  # 2
    "POST branches",  # 3 the target
    "POST reset_password",  # 4; mask and verify follow, then the ledger says `publishing`
    "PATCH target",  # 5 its expiry is cleared
    "PATCH old",  # 6 the older staging branch gives its name away
    "PATCH target",  # 7 takes the name; then the ledger says `published`
    "DELETE source",  # 8
    "DELETE old",  # 9
]
PUBLISHING = 5  # from this request on the proof is in the ledger
NAMED = 8  # from this one on the branch is published
CRASHES = [(crash_after, n) for n in range(1, 10)] + [(crash_before, n) for n in (3, PUBLISHING, NAMED)]
UNSEALED = [(fault, n) for n in range(1, PUBLISHING)] + [(refuse, n) for n in (1, 3)]
UNNAMED = [(fault, PUBLISHING), (fault, 7), (refuse, PUBLISHING)]
UNTIDY = [(fault, 8), (fault, 9), (refuse, 8)]
FOLLOWED = {(crash_after, 3), (crash_before, NAMED), (fault, 3), (refuse, 8)}
"""After these cases a whole run is done, after each of the others what comes before one."""

OPEN_STEPS = {RunStep.PUBLISHING, RunStep.PUBLISHED}


def name(parameter: object) -> object:
    """How a case is called."""
    return getattr(parameter, "__name__", parameter)


@pytest.fixture(scope="module")
def rig(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One project with a published staging branch; every case leaves it like that, with another one."""
    with (
        running(LOGIN, tuning=Tuning(templates=templates, housekeeping=0.2)) as neon,
        open_rig(neon, tmp_path_factory.mktemp("rig")) as opened,
    ):
        opened.sanitize()
        yield opened


@pytest.fixture(autouse=True)
def tidy(rig: Rig) -> Iterator[None]:
    """No case leaves a branch to the next one, whose requests are counted."""
    yield
    with rig.context() as context, context.client.allow_writes(rig.project_id):
        clear_leftovers(context, rig.project_id)


def _assert_nothing_open(rig: Rig, run: SanitizeRun) -> None:
    """Once the ledger says sealed, no password of production opens a branch; what is not published expires."""
    for branch in rig.of_run(run):
        if run.step is not RunStep.STARTED:
            assert rig.open_to_production(branch) == []
        if run.step not in OPEN_STEPS:
            assert branch.expires_at is not None


def _assert_one_staging(rig: Rig) -> None:
    """One branch has the name; it is proven, open for ever, and holds no original."""
    staging = [b for b in rig.branches() if b.name == "staging"]
    entries = {e.branch_id for e in rig.store.published(rig.project_id) if not e.superseded}
    assert [b.id for b in staging] == list(entries)
    assert staging[0].expires_at is None
    assert rig.open_to_production(staging[0]) == []
    rows = rig.sql(staging[0], "SELECT count(*), count(*) FILTER (WHERE email LIKE '%zq-original%') FROM people")
    assert rows == [(20, 0)]


def _settle(rig: Rig) -> None:
    with rig.context() as context:
        assert settle_unfinished(context, rig.project_id) == ()


def _assert_next_run_succeeds(rig: Rig, case: tuple[Cut, int]) -> None:
    if case not in FOLLOWED:
        return
    published = rig.sanitize()

    assert published.kept == ()
    assert rig.named("staging").id == published.branch.id
    assert {b.name for b in rig.branches()} == {"production", "staging"}
    _assert_one_staging(rig)


def test_a_run_changes_the_project_with_nine_requests(rig: Rig) -> None:
    old = rig.named("staging")
    published = rig.sanitize()

    source = rig.last_run().source_branch_id or ""
    names = {old.id: "old", published.branch.id: "target", source: "source"}
    sent = [f"{method} {names.get(what, what)}" for method, _, what in (s.partition(" ") for s in rig.sent)]
    assert sent == REQUESTS


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "n"), CRASHES, ids=name)
def test_a_process_that_dies_leaves_nothing_open_and_is_settled(rig: Rig, cut: Cut, n: int) -> None:
    old = rig.named("staging")
    with pytest.raises(CrashError):
        rig.sanitize({n: cut})

    run = rig.last_run()
    expected = RunStep.STARTED if n < PUBLISHING else RunStep.PUBLISHING if n < NAMED else RunStep.PUBLISHED
    assert run.step is expected
    _assert_nothing_open(rig, run)
    if n < PUBLISHING:
        assert rig.named("staging").id == old.id

    _settle(rig)

    if n < PUBLISHING:
        assert rig.last_run().step is RunStep.ABANDONED
        assert rig.of_run(run) == ()
    else:
        assert rig.last_run().step is RunStep.PUBLISHED
        assert rig.named("staging").id == run.target_branch_id
    _assert_one_staging(rig)
    _assert_next_run_succeeds(rig, (cut, n))


@pytest.mark.slow
def test_a_copy_that_is_still_being_made_is_waited_for(rig: Rig) -> None:
    """Neon refuses its deletion as long as the making lasts, which may be longer than all tries of a request."""
    with pytest.raises(CrashError):
        rig.sanitize({1: crash_after})
    run = rig.last_run()

    with rig.context(timing=HASTY) as context:
        assert settle_unfinished(context, rig.project_id) == ()

    assert rig.of_run(run) == ()


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "n"), UNSEALED, ids=name)
def test_a_failure_before_the_seal_is_complete_leaves_no_copy(rig: Rig, cut: Cut, n: int) -> None:
    old = rig.named("staging")
    with pytest.raises(RunFailedError, match="was not sealed yet and has been deleted"):
        rig.sanitize({n: cut})

    run = rig.last_run()
    assert run.step is RunStep.FAILED
    assert rig.of_run(run) == ()
    assert rig.named("staging").id == old.id
    _settle(rig)
    _assert_next_run_succeeds(rig, (cut, n))


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "n"), UNNAMED, ids=name)
def test_a_failure_while_publishing_is_finished_by_the_next_settle(rig: Rig, cut: Cut, n: int) -> None:
    with pytest.raises(RunFailedError, match="the next cycle goes on with publishing"):
        rig.sanitize({n: cut})

    run = rig.last_run()
    assert run.step is RunStep.PUBLISHING
    _assert_nothing_open(rig, run)
    _settle(rig)
    assert rig.last_run().step is RunStep.PUBLISHED
    assert rig.named("staging").id == run.target_branch_id
    assert rig.of_role(run, "source") is None
    _assert_one_staging(rig)


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "n"), UNTIDY, ids=name)
def test_a_failure_after_publishing_does_not_take_the_branch_back(rig: Rig, cut: Cut, n: int) -> None:
    published = rig.sanitize({n: cut})

    run = rig.last_run()
    assert run.step is RunStep.PUBLISHED
    assert rig.named("staging").id == published.branch.id
    source = rig.of_role(run, "source")
    assert source is None or source.expires_at is not None
    _assert_nothing_open(rig, run)
    _assert_next_run_succeeds(rig, (cut, n))
