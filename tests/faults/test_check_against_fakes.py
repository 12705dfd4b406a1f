"""What only the database can judge is judged before a row moves: a check that no fake satisfies."""

import pytest

from daemon.errors import RunFailedError
from daemon.records import RunStep
from tests.faults.rig import Rig, rig

__all__ = ["rig"]


@pytest.mark.slow
def test_a_check_that_the_fakes_break_is_told_with_its_name_and_no_row_was_copied(rig: Rig) -> None:
    check = "ALTER TABLE people ADD CONSTRAINT as_ever CHECK (first_name LIKE 'Zq%')"
    rig.sql(rig.named("production"), check)

    with pytest.raises(RunFailedError, match="as_ever") as caught:
        rig.sanitize()

    assert "Zq" not in str(caught.value)
    assert rig.last_run().step is RunStep.FAILED
    assert not any("rows of" in sentence for sentence in rig.told)
