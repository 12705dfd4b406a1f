"""Source and target are made at different moments: a migration in between is met once, and never published twice."""

from itertools import count

import pytest

from daemon.errors import RunFailedError
from daemon.records import RunStep
from daemon.staging import settle_unfinished
from tests.faults.rig import CrashError, Rig, after, crash_after, fault, rig

__all__ = ["rig"]

TARGET = 3  # the changing request that makes the target: the source is there, sealed
SECOND_SOURCE, SECOND_RESET, SECOND_TARGET = 7, 8, 9  # after the target's reset (4) and two deletions (5, 6)
_numbers = count(1)


def _migrate(rig: Rig, statement: str = "CREATE INDEX migrated_{} ON people (first_name)") -> None:
    rig.sql(rig.named("production"), statement.format(next(_numbers)))


@pytest.mark.slow
def test_one_migration_between_the_copies_makes_both_anew_and_the_run_succeeds(rig: Rig) -> None:
    published = rig.sanitize({TARGET: after(lambda: _migrate(rig))})

    assert any("both are made once more" in sentence for sentence in rig.told)
    assert [s.partition(" ")[0] for s in rig.sent[4:6]] == ["DELETE", "DELETE"]
    assert {b.name for b in rig.branches()} == {"production", "staging"}
    assert rig.open_to_production(published.branch) == []
    indexes = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'migrated_%'"
    assert rig.sql(published.branch, indexes) == [(1,)]


@pytest.mark.slow
def test_two_migrations_fail_the_run_and_leave_the_seal_on(rig: Rig) -> None:
    change = after(lambda: _migrate(rig))
    with pytest.raises(RunFailedError, match="is sealed and expires"):
        rig.sanitize({TARGET: change, SECOND_TARGET: change})

    run = rig.last_run()
    assert run.step is RunStep.FAILED
    left = rig.of_run(run)
    assert len(left) == 2
    for branch in left:
        assert branch.expires_at is not None
        assert rig.open_to_production(branch) == []
    assert rig.sanitize().branch.name == "staging"
    assert {b.name for b in rig.branches()} == {"production", "staging"}


@pytest.mark.slow
def test_a_column_that_no_policy_covers_is_not_published(rig: Rig) -> None:
    add = after(lambda: _migrate(rig, "ALTER TABLE people ADD passport_{} text DEFAULT 'Zqpassport'"))
    with pytest.raises(RunFailedError, match="passport"):
        rig.sanitize({TARGET: add})

    assert rig.last_run().step is RunStep.FAILED
    assert "staging" not in [b.name for b in rig.branches()]
    for branch in rig.of_run(rig.last_run()):
        assert branch.expires_at is not None
        assert rig.open_to_production(branch) == []


@pytest.mark.slow
@pytest.mark.parametrize("n", [SECOND_SOURCE, SECOND_RESET, SECOND_TARGET])
def test_a_crash_while_the_second_copies_are_made_is_not_taken_for_sealed(rig: Rig, n: int) -> None:
    with pytest.raises(CrashError):
        rig.sanitize({TARGET: after(lambda: _migrate(rig)), n: crash_after})

    run = rig.last_run()
    with rig.context() as context:
        assert settle_unfinished(context, rig.project_id) == ()

    assert run.step is RunStep.STARTED
    assert rig.of_run(run) == ()


@pytest.mark.slow
def test_a_second_source_of_which_only_a_fault_is_heard_is_deleted(rig: Rig) -> None:
    with pytest.raises(RunFailedError, match="was not sealed yet and has been deleted"):
        rig.sanitize({TARGET: after(lambda: _migrate(rig)), SECOND_SOURCE: fault})

    assert rig.of_run(rig.last_run()) == ()
