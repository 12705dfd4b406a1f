"""Publishing is cut at each of its sub-steps, or the project changes under it: it is finished, or told and left sealed.

The older staging branch has a child here, so it has to be kept under another name.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from daemon.errors import RunFailedError, RunRefusedError
from daemon.model import Branch
from daemon.neon import BranchChange, CreateBranch
from daemon.records import RunStep
from daemon.staging import Progress, sanitize, settle_unfinished
from daemon.staging.context import StagingContext
from emulator.server import Tuning, running
from tests.faults.rig import LOGIN, CrashError, Cut, Rig, after, crash_after, crash_before, open_rig
from tests.fix_daemon import Warden

EXPIRY, OLD_NAME, NEW_NAME = 5, 6, 7  # changing requests of a run that finds an older staging branch
FIRST_NAME = 6  # of one that finds none

OpenRig = Callable[[bool], AbstractContextManager[Rig]]


@pytest.fixture(scope="module")
def bases(templates: Path, open_folder: Path) -> dict[bool, tuple[Path, Path]]:
    """The data of a project and the folder of a branchwarden, without and with a published staging branch."""
    bases = {}
    for published in (False, True):
        data, folder = open_folder / f"cut-neon-{published}", open_folder / f"cut-warden-{published}"
        with (
            running(LOGIN, data=data, tuning=Tuning(templates=templates, housekeeping=0.2)) as neon,
            open_rig(neon, folder) as rig,
        ):
            if published:
                _create(rig, "dev/child", rig.sanitize().branch)
        bases[published] = (data, folder)
    return bases


@pytest.fixture
def opened(bases: dict[bool, tuple[Path, Path]], fresh_folder: Path, templates: Path) -> OpenRig:
    """Opens a copy of a base, for one test to change."""

    @contextmanager
    def open_copy(published: bool) -> Iterator[Rig]:
        data, folder = fresh_folder / "neon", fresh_folder / "warden"
        for source, target in zip(bases[published], (data, folder), strict=True):
            # cp keeps the owner: the servers run as another user where the tests run as root.
            subprocess.run(["cp", "-a", str(source), str(target)], check=True)
        with running(data=data, tuning=Tuning(templates=templates, housekeeping=0.2)) as neon:
            with open_rig(neon, folder) as rig:
                yield rig
            assert Warden(neon, folder).run("once").returncode in {0, 1, 3}, "the cycle works in any case"

    return open_copy


def _create(rig: Rig, name: str, parent: Branch) -> Branch:
    created = rig.client.create_branch(CreateBranch(rig.project_id, name, parent.id, with_compute=True))
    rig.client.wait_for(rig.project_id, created.operations)
    return created.branch


def _rename(rig: Rig, branch: Branch, name: str) -> None:
    operations = rig.client.update_branch(rig.project_id, branch.id, BranchChange(name=name))
    rig.client.wait_for(rig.project_id, operations)


def _settle(rig: Rig) -> tuple[str, ...]:
    with rig.context() as context:
        return settle_unfinished(context, rig.project_id)


def _die_when_told(rig: Rig, beginning: str) -> None:
    """A run whose process dies at the moment of a sentence."""

    def tell(progress: Progress) -> None:
        if progress.sentence.startswith(beginning):
            raise CrashError

    with rig.context() as context:
        dying = StagingContext(context.client, context.store, context.clock, tell)
        with pytest.raises(CrashError):
            sanitize(dying, rig.request)


def _die_after_ledger(rig: Rig) -> None:
    _die_when_told(rig, "giving CONNECT back")


def _target(rig: Rig) -> Branch:
    found = rig.of_role(rig.last_run(), "target")
    assert found is not None
    return found


def _assert_sealed(rig: Rig, branch: Branch) -> None:
    assert branch.expires_at is not None
    assert rig.open_to_production(branch) == []
    shut_out = (
        "SELECT count(*) FROM pg_roles WHERE rolname = 'app' AND has_database_privilege(oid, 'neondb', 'CONNECT')"
    )
    assert rig.sql(branch, shut_out) == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cut", "n"),
    [
        pytest.param(None, 0, id="after the ledger"),
        pytest.param(crash_before, EXPIRY, id="after the seal was lifted"),
        pytest.param(crash_after, EXPIRY, id="after the expiry was cleared"),
        pytest.param(crash_after, OLD_NAME, id="after the older one was renamed"),
        pytest.param(crash_after, NEW_NAME, id="after the new one was renamed"),
    ],
)
def test_a_publish_that_was_cut_off_is_finished(opened: OpenRig, cut: Cut | None, n: int) -> None:
    with opened(True) as rig:
        old = rig.named("staging")
        if cut is None:
            _die_after_ledger(rig)
            _assert_sealed(rig, _target(rig))
        else:
            with pytest.raises(CrashError):
                rig.sanitize({n: cut})
        assert rig.last_run().step is RunStep.PUBLISHING

        assert _settle(rig) == ()

        run, names = rig.last_run(), {b.id: b.name for b in rig.branches()}
        assert run.step is RunStep.PUBLISHED
        assert [i for i, name in names.items() if name == "staging"] == [run.target_branch_id]
        assert names[old.id].startswith("staging-2")
        entries = {e.branch_id: e for e in rig.store.published(rig.project_id)}
        assert {i: (e.branch_name, e.superseded) for i, e in entries.items()} == {
            run.target_branch_id: ("staging", False),
            old.id: (names[old.id], True),
        }
        staging = rig.named("staging")
        assert staging.expires_at is None
        assert rig.sql(staging, "SELECT count(*) FROM people WHERE email LIKE '%zq-original%'") == [(0,)]
        assert rig.of_role(run, "source") is None
        assert _settle(rig) == ()


@pytest.mark.slow
def test_a_strangers_branch_of_the_name_is_told_and_the_target_stays_sealed(opened: OpenRig) -> None:
    with opened(False) as rig:
        _die_after_ledger(rig)
        stranger = _create(rig, "staging", rig.named("production"))

        problems = _settle(rig)

        assert len(problems) == 1
        assert "staging is there that is not ours: rename it" in problems[0]
        _assert_sealed(rig, _target(rig))
        assert rig.named("staging").id == stranger.id
        with pytest.raises(RunRefusedError, match="not ours"):
            rig.sanitize()

        _rename(rig, stranger, "mine")
        assert _settle(rig) == ()
        assert rig.named("staging").id == rig.last_run().target_branch_id


@pytest.mark.slow
def test_a_stranger_who_takes_the_name_at_the_last_moment_keeps_it(opened: OpenRig) -> None:
    with opened(False) as rig:
        take = after(lambda: _create(rig, "staging", rig.named("production")))
        with pytest.raises(RunFailedError, match="the next cycle goes on with publishing"):
            rig.sanitize({FIRST_NAME: take})

        stranger = rig.named("staging")
        assert rig.open_to_production(_target(rig)) == []
        assert "not ours" in _settle(rig)[0]
        _rename(rig, stranger, "mine")
        assert _settle(rig) == ()
        assert rig.named("staging").id == rig.last_run().target_branch_id


@pytest.mark.slow
def test_a_target_that_was_restored_from_production_is_never_published(opened: OpenRig) -> None:
    with opened(True) as rig:
        old = rig.named("staging")
        _die_after_ledger(rig)
        target = _target(rig)
        rig.restore_over(target)

        assert _settle(rig) == ()

        assert rig.last_run().step is RunStep.ABANDONED
        assert "restored or reset the target" in rig.last_run().error
        assert rig.named("staging").id == old.id
        left = _target(rig)
        assert (left.name, left.expires_at is None) == (target.name, False)


@pytest.mark.slow
def test_a_target_that_is_gone_is_abandoned_and_the_next_run_succeeds(opened: OpenRig) -> None:
    with opened(True) as rig:
        _die_after_ledger(rig)
        target = _target(rig)
        rig.client.wait_for(rig.project_id, rig.client.delete_branch(rig.project_id, target.id))

        assert _settle(rig) == ()

        assert rig.last_run().step is RunStep.ABANDONED
        assert "expired before it could be published" in rig.last_run().error
        assert rig.sanitize().branch.name == "staging"


@pytest.mark.slow
def test_staging_that_a_person_restored_over_refuses_a_new_run_by_name(opened: OpenRig) -> None:
    with opened(True) as rig:
        child = rig.named("dev/child")
        rig.client.wait_for(rig.project_id, rig.client.delete_branch(rig.project_id, child.id))
        rig.restore_over(rig.named("staging"))
        before = [(b.id, b.name) for b in rig.branches()]

        with pytest.raises(RunRefusedError, match="staging was reset or restored"):
            rig.sanitize()

        assert [(b.id, b.name) for b in rig.branches()] == before


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, EXPIRY])
def test_staging_that_a_person_restores_over_during_the_run_is_neither_renamed_nor_deleted(
    opened: OpenRig, n: int
) -> None:
    with opened(True) as rig:
        child, old = rig.named("dev/child"), rig.named("staging")
        rig.client.wait_for(rig.project_id, rig.client.delete_branch(rig.project_id, child.id))
        with pytest.raises(RunFailedError, match="not ours: rename it"):
            rig.sanitize({n: after(lambda: rig.restore_over(old))})

        assert rig.named("staging").id == old.id
        assert rig.open_to_production(_target(rig)) == []
        assert "not ours" in _settle(rig)[0]
        _rename(rig, old, "mine")
        assert _settle(rig) == ()
        assert rig.named("mine").id == old.id
        assert rig.named("staging").id == rig.last_run().target_branch_id
