"""The sealed source of `verify --with-source`, cut, refused or of another moment: none stays, none proves too much."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from daemon.model import Branch
from daemon.records import RunStep
from daemon.staging import SealedCopy, Unsourced, sealed_source, settle_unfinished
from daemon.staging.copies import Origin
from emulator.server import Tuning, running
from tests.faults.rig import LOGIN, CrashError, Cut, Rig, Send, crash_after, fault, open_rig, refuse

CREATE, RESET, DELETE = 1, 2, 3


def forget_the_moment(request: httpx.Request, send: Send) -> httpx.Response:
    """An API that passes over what it does not know makes a copy of now."""
    body = json.loads(request.content)
    del body["branch"]["parent_lsn"]
    return send(httpx.Request(request.method, request.url, headers=_headers(request), json=body))


def _headers(request: httpx.Request) -> dict[str, str]:
    return {"Authorization": request.headers["Authorization"]}


@pytest.fixture(scope="module")
def rig(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A project in which every case leaves what it found."""
    with (
        running(LOGIN, tuning=Tuning(templates=templates, housekeeping=0.2)) as neon,
        open_rig(neon, tmp_path_factory.mktemp("rig")) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def origin(rig: Rig) -> Origin:
    """A moment of production with people that are gone by now."""
    return _moment(rig)


def _moment(rig: Rig) -> Origin:
    production = rig.named("production")
    with rig.context() as context, context.client.allow_writes(rig.project_id):
        rig.post("branches", {"branch": {"name": "moment", "parent_id": production.id}})
        moment = rig.named("moment")
        context.client.wait_for(rig.project_id, context.client.delete_branch(rig.project_id, moment.id))
    rig.sql(production, "DELETE FROM people WHERE id > 5")
    return Origin(rig.project_id, production.id, moment.parent_lsn, moment.parent_timestamp)


def _look(
    rig: Rig, origin: Origin, cuts: dict[int, Cut] | None = None
) -> tuple[SealedCopy | Unsourced, list[str], int]:
    """What there is to compare with, the roles that open it with production's passwords, and its people."""
    with rig.context(cuts) as context, sealed_source(context, origin, "staging") as source:
        if isinstance(source, Unsourced):
            return source, [], 0
        branch: Branch = source.copy.branch
        with source.copy.connector(source.copy.databases[0])(None) as conn:
            row = conn.execute("SELECT count(*) FROM people").fetchone()
        return source, rig.open_to_production(branch), int(row[0]) if row else 0


def _last(rig: Rig) -> str:
    return rig.store.read_events(1)[-1].kind


def test_it_is_production_as_it_was_sealed_expiring_and_then_gone(rig: Rig, origin: Origin) -> None:
    source, opened, people = _look(rig, origin)

    assert isinstance(source, SealedCopy)
    assert source.copy.branch.expires_at is not None
    assert (opened, people) == ([], 20)
    assert rig.of_run(rig.last_run()) == ()
    assert rig.last_run().step is RunStep.ENDED
    assert rig.sent == ["POST branches", "POST reset_password", f"DELETE {source.copy.branch.id}"]


def test_a_copy_of_another_moment_is_no_source(rig: Rig, origin: Origin) -> None:
    found, _, _ = _look(rig, origin, {CREATE: forget_the_moment})

    assert isinstance(found, Unsourced)
    assert "another moment" in found.why
    assert rig.of_run(rig.last_run()) == ()
    assert (_last(rig), rig.last_run().step) == ("verify.failed", RunStep.FAILED)


@pytest.mark.parametrize(("n", "cut"), [(CREATE, refuse), (CREATE, fault), (RESET, refuse), (RESET, fault)])
def test_where_the_api_refuses_there_is_no_source_and_no_copy(rig: Rig, origin: Origin, n: int, cut: Cut) -> None:
    found, _, _ = _look(rig, origin, {n: cut})

    assert isinstance(found, Unsourced)
    assert rig.of_run(rig.last_run()) == ()
    assert _last(rig) == "verify.failed"


def test_a_copy_that_cannot_be_deleted_is_named_and_deleted_by_the_next_cycle(rig: Rig, origin: Origin) -> None:
    _look(rig, origin, {DELETE: refuse})

    (left,) = rig.of_run(rig.last_run())
    assert rig.last_run().step is RunStep.STARTED
    assert f"{left.name} could not be deleted" in rig.told[-1]
    assert f"{left.name} could not be deleted" in rig.store.read_events(1)[-1].sentence
    with rig.context({1: refuse}) as context:
        (problem,) = settle_unfinished(context, rig.project_id)
    assert f"{left.name} may hold raw rows and cannot be deleted" in problem
    with rig.context() as context:
        assert settle_unfinished(context, rig.project_id) == ()
    assert rig.of_run(rig.last_run()) == ()
    assert _last(rig) == "verify.abandoned"


@pytest.mark.parametrize("n", [CREATE, RESET])
def test_whatever_ends_it_leaves_no_copy(rig: Rig, origin: Origin, n: int) -> None:
    with pytest.raises(CrashError):
        _look(rig, origin, {n: crash_after})

    assert rig.of_run(rig.last_run()) == ()
    assert _last(rig) == "verify.failed"


def test_production_that_something_was_restored_over_is_not_copied(templates: Path, tmp_path: Path) -> None:
    with running(LOGIN, tuning=Tuning(templates=templates, housekeeping=0.2)) as neon, open_rig(neon, tmp_path) as rig:
        origin, production = _moment(rig), rig.named("production")
        rig.post("branches", {"branch": {"name": "before", "parent_id": production.id}})
        rig.post(
            f"branches/{production.id}/restore",
            {"source_branch_id": rig.named("before").id, "preserve_under_name": "old"},
        )

        found, _, _ = _look(rig, origin)

        assert isinstance(found, Unsourced)
        assert "restored over production" in found.why
        assert rig.sent == []
