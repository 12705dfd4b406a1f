"""Waiting for operations: every change in Neon is asynchronous, and the next one is refused until it has ended."""

from __future__ import annotations

from urllib.parse import quote

from daemon.errors import OperationFailedError
from daemon.model import Operation
from daemon.neon import parse
from daemon.neon.answers import Call
from daemon.neon.calls import Caller

DONE = frozenset({"finished", "skipped"})
FAILED = frozenset({"failed", "error"})  # not for good while Neon means to try again
ENDED = DONE | FAILED | {"cancelled"}
FIRST_POLL = 0.1  # seconds, doubled from poll to poll
LONGEST_POLL = 2.0  # seconds


def wait(caller: Caller, project_id: str, operations: tuple[Operation, ...], timeout: float) -> None:
    """Return when all are done. Raises OperationFailedError for one that fails or does not end in `timeout` seconds."""
    give_up_at = caller.timing.clock() + timeout
    for operation in operations:
        _wait_for_one(caller, project_id, operation, give_up_at)


def _wait_for_one(caller: Caller, project_id: str, operation: Operation, give_up_at: float) -> None:
    pause = FIRST_POLL
    while not _is_done(caller, operation):
        if caller.timing.clock() >= give_up_at:
            raise OperationFailedError(
                f"operation {operation.action} of project {project_id} has not ended in time "
                f"(last seen: {operation.status}): look at it in the Neon console"
            )
        caller.timing.sleep(pause)
        pause = min(pause * 2, LONGEST_POLL)
        operation = _look(caller, project_id, operation)


def _is_done(caller: Caller, operation: Operation) -> bool:
    retried = operation.retry_at is not None and operation.retry_at > caller.timing.now()
    if operation.status == "cancelled" or (operation.status in FAILED and not retried):
        detail = f": {operation.error}" if operation.error else ""
        raise OperationFailedError(
            f"operation {operation.action} ended as {operation.status}{detail}; "
            "look at the project's operations in the Neon console"
        )
    return operation.status in DONE


def _look(caller: Caller, project_id: str, operation: Operation) -> Operation:
    path = f"/projects/{quote(project_id, safe='')}/operations/{quote(operation.id, safe='')}"
    data = caller.send(Call("GET", path, project_id, f"operation {operation.id}")).data
    return parse.operation(parse.field(data, "operation", dict))
