"""A copy that is not sealed yet and cannot be deleted: told by its name at once, and every cycle tries again."""

import pytest

from daemon.errors import RunFailedError, RunRefusedError
from daemon.records import RunStep
from daemon.staging import settle_unfinished
from tests.faults.rig import Cut, Rig, break_down, refuse, rig

__all__ = ["rig"]

RESET = 2  # the source is there, open to whoever knows production's passwords
REFUSED: dict[int, Cut] = dict.fromkeys(range(RESET, 20), refuse)


@pytest.mark.slow
def test_an_open_copy_is_named_at_once_and_deleted_by_the_next_cycle(rig: Rig) -> None:
    with pytest.raises(RunFailedError, match=r"branchwarden-source-\S+ could not be deleted and may be open"):
        rig.sanitize(REFUSED)

    run = rig.last_run()
    source = rig.of_role(run, "source")
    assert source is not None
    assert source.expires_at is not None
    assert rig.open_to_production(source) == ["neondb_owner", "app"]
    assert [e.kind for e in rig.store.read_events(10, rig.project_id)][-1] == "sanitize.failed"
    assert len(rig.store.list_outbox()) == 1

    with rig.context({1: refuse}) as context:
        problems = settle_unfinished(context, rig.project_id)
    assert len(problems) == 1
    assert f"{source.name} was not sealed yet and cannot be deleted: delete it now" in problems[0]
    assert "verified" not in problems[0]
    with pytest.raises(RunRefusedError, match="delete it now"):
        rig.sanitize({1: refuse})

    with rig.context() as context:
        assert settle_unfinished(context, rig.project_id) == ()
    assert rig.last_run().step is RunStep.ABANDONED
    assert rig.of_run(run) == ()
    assert rig.sanitize().branch.name == "staging"


@pytest.mark.slow
def test_where_not_even_a_list_can_be_had_both_copies_are_named(rig: Rig) -> None:
    with pytest.raises(RunFailedError) as error:
        rig.sanitize({RESET: break_down})

    run = rig.last_run()
    assert f"branchwarden-source-{run.id}, branchwarden-target-{run.id} could not be deleted" in str(error.value)
    assert run.step is RunStep.STARTED
    with rig.context() as context:
        assert settle_unfinished(context, rig.project_id) == ()
    assert rig.of_run(run) == ()
