"""A refusal keeps its reasons apart from its words."""

from daemon.cli.ending import ending_of
from daemon.errors import RunFailedError, RunRefusedError
from sanitizers.errors import BlockedError


def test_each_reason_is_a_problem_whatever_lines_it_has() -> None:
    error = RunRefusedError("refused:", ["one reason:\n  - with a list", "another"], "Then run again.")

    assert str(error) == "refused:\n  - one reason:\n  - with a list\n  - another\nThen run again."
    assert ending_of(error).problems == ("one reason:\n  - with a list", "another")


def test_without_reasons_the_message_is_the_problem() -> None:
    assert ending_of(RunRefusedError("is a hot standby")).problems == ("is a hot standby",)
    assert ending_of(RunFailedError("it failed:\n  - twice")).problems == ("it failed:\n  - twice",)
    assert ending_of(BlockedError(["one", "two"])).problems == ("one", "two")
