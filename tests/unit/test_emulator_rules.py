"""What the emulated Neon refuses, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from emulator import rules
from emulator.errors import ApiError
from emulator.state import Branch, Operation, Project

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def branch(name: str, **fields: object) -> Branch:
    times = dict.fromkeys(("state_changed_at", "created_at", "updated_at"), NOW)
    return Branch.model_validate({"id": f"br-{name}", "project_id": "p", "name": name, **times, **fields})


def project(*branches: Branch, **fields: object) -> Project:
    made = Project.model_validate({"id": "p", "name": "p", "created_at": NOW, "updated_at": NOW, **fields})
    made.branches = {b.id: b for b in branches}
    return made


def root(**fields: object) -> Branch:
    return branch("root", **({"default": True, "initial": True} | fields))


@pytest.mark.parametrize("status", ["scheduling", "running", "cancelling"])
def test_an_operation_that_goes_on_locks_the_project(status: str) -> None:
    locked = project(root())
    locked.operations["o"] = Operation(
        id="o", project_id="p", action="create_branch", status=status, created_at=NOW, updated_at=NOW
    )

    with pytest.raises(ApiError) as refused:
        rules.check_unlocked(locked)

    assert refused.value.status == 423


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled", "skipped", "error"])
def test_an_operation_that_has_ended_locks_nothing(status: str) -> None:
    free = project(root())
    free.operations["o"] = Operation(
        id="o", project_id="p", action="create_branch", status=status, created_at=NOW, updated_at=NOW
    )

    rules.check_unlocked(free)


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(seconds=-1), timedelta(days=30, seconds=1)])
def test_a_deletion_date_in_the_past_or_too_far_ahead_is_refused(ahead: timedelta) -> None:
    with pytest.raises(ApiError) as refused:
        rules.check_moment(NOW + ahead, NOW)

    assert refused.value.status == 400


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(days=30)])
def test_a_deletion_date_up_to_thirty_days_ahead_is_fine(ahead: timedelta) -> None:
    rules.check_moment(NOW + ahead, NOW)


@pytest.mark.parametrize(("plan", "roots"), [("free_v3", 3), ("launch_v3", 5), ("scale_v3", 25), ("launch", 5)])
def test_roots_are_counted_against_the_plan(plan: str, roots: int) -> None:
    def with_roots(count: int) -> Project:
        return project(*(branch(f"r{n}") for n in range(count)), subscription_type=plan, branches_limit=100)

    rules.check_allowance(with_roots(roots - 1), root=True)
    rules.check_allowance(with_roots(roots), root=False)
    with pytest.raises(ApiError) as refused:
        rules.check_allowance(with_roots(roots), root=True)

    assert (refused.value.status, refused.value.code) == (422, "ROOT_BRANCHES_LIMIT_EXCEEDED")


def test_branches_are_counted_against_the_limit() -> None:
    full = project(root(), branch("dev", parent_id="br-root"), branches_limit=2)

    with pytest.raises(ApiError) as refused:
        rules.check_allowance(full, root=False)

    assert (refused.value.code, refused.value.message) == ("BRANCHES_LIMIT_EXCEEDED", "branches limit exceeded")


def test_a_schema_only_root_can_be_deleted_and_the_initial_root_cannot() -> None:
    first, second = root(default=False), branch("shell", init_source="schema-only")

    rules.check_delete(project(first, second), second)
    with pytest.raises(ApiError, match="root branch"):
        rules.check_delete(project(first, second), first)


def test_every_child_is_named_when_a_parent_cannot_be_deleted() -> None:
    parent = branch("dev", parent_id="br-root")
    children = [branch(name, parent_id="br-dev") for name in ("one", "two")]

    with pytest.raises(ApiError, match="children: br-one, br-two"):
        rules.check_delete(project(root(), parent, *children), parent)


def test_a_branch_that_is_being_made_can_have_no_child() -> None:
    with pytest.raises(ApiError, match="branch not ready yet"):
        rules.check_parent(branch("new", current_state="init"))


def test_an_expiring_branch_becomes_neither_protected_nor_default() -> None:
    short = branch("short", expires_at=NOW + timedelta(days=1))

    with pytest.raises(ApiError, match="cannot protect"):
        rules.check_may_protect(short)
    with pytest.raises(ApiError, match="as default"):
        rules.check_may_be_default(short)


def test_a_branch_is_not_restored_from_itself_as_it_is_now() -> None:
    dev = branch("dev", parent_id="br-root")

    with pytest.raises(ApiError, match="source_timestamp or source_lsn is required"):
        rules.check_restore(project(root(), dev), dev, dev, None)
