"""What Neon refuses, with its status codes and messages. Pure: state and time in, ApiError or nothing out.

Messages seen in the wild are Neon's own; those that nobody could confirm say the same thing in our words.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from emulator.errors import ApiError
from emulator.state import Branch, Project

MAX_EXPIRY = timedelta(days=30)
LOCKED = "project already has running conflicting operations, scheduling of new ones is prohibited"


def check_unlocked(project: Project) -> None:
    """Refuse a mutation while operations of the project go on."""
    if any(project.unfinished()):
        raise ApiError(423, LOCKED)


def check_name(project: Project, name: str) -> None:
    """Refuse a second branch of the same name."""
    if not 1 <= len(name) <= 256:
        raise ApiError(400, "branch name must have 1 to 256 characters")
    if any(b.name == name for b in project.branches.values()):
        raise ApiError(409, "branch already exists", "BRANCH_ALREADY_EXISTS")


def check_parent(parent: Branch) -> None:
    """Refuse a child of a branch that is not ready or that expires."""
    if parent.current_state != "ready":
        raise ApiError(422, "branch not ready yet")
    if parent.expires_at is not None:
        raise ApiError(422, "cannot create a child branch of a branch with an expiration date")


def check_allowance(project: Project, *, root: bool) -> None:
    """Refuse one branch, or one root, too many."""
    branches = project.branches.values()
    if len(branches) >= project.branch_limit:
        raise ApiError(422, "branches limit exceeded", "BRANCHES_LIMIT_EXCEEDED")
    if root and sum(b.parent_id is None for b in branches) >= project.root_limit:
        raise ApiError(422, "root branches limit exceeded", "ROOT_BRANCHES_LIMIT_EXCEEDED")


def check_moment(expires_at: datetime, now: datetime) -> None:
    """Refuse a deletion date in the past or more than 30 days ahead."""
    if expires_at <= now:
        raise ApiError(400, "expires_at must be in the future")
    if expires_at > now + MAX_EXPIRY:
        raise ApiError(400, "expires_at must be at most 30 days in the future")


def check_may_expire(project: Project, branch: Branch) -> None:
    """Refuse a deletion date on default and protected branches and on parents."""
    if branch.default:
        raise ApiError(422, "cannot set an expiration date on the default branch")
    if branch.protected:
        raise ApiError(422, "cannot set an expiration date on a protected branch")
    if project.children(branch.id):
        raise ApiError(422, "cannot set an expiration date on a branch that has children")


def check_may_protect(branch: Branch) -> None:
    """Refuse protection of a branch that expires."""
    if branch.expires_at is not None:
        raise ApiError(422, "cannot protect a branch with an expiration date")


def check_may_be_default(branch: Branch) -> None:
    """Refuse an expiring branch as default."""
    if branch.expires_at is not None:
        raise ApiError(422, "cannot set a branch with an expiration date as default")


def check_delete(project: Project, branch: Branch) -> None:
    """Refuse to delete the default branch, the initial root, a protected branch or a parent."""
    if branch.default:
        raise ApiError(422, "cannot delete the default branch")
    if branch.initial and branch.parent_id is None:
        raise ApiError(422, "cannot delete the root branch of the project")
    if branch.protected:
        raise ApiError(422, "cannot delete a protected branch")
    if children := project.children(branch.id):
        raise ApiError(422, f"cannot delete branch that has children: {', '.join(c.id for c in children)}")


def check_restore(project: Project, branch: Branch, source: Branch, preserve: str | None) -> None:
    """Refuse a restore of a protected branch, of a parent without a name for its old state, or from itself now."""
    if branch.protected:
        raise ApiError(422, "cannot restore a protected branch")
    if source.id == branch.id:
        raise ApiError(422, "source_timestamp or source_lsn is required to restore a branch to its own past")
    if project.children(branch.id) and not preserve:
        raise ApiError(422, "Branch has children, preserve_under_name is required")
    if preserve:
        check_name(project, preserve)
        check_allowance(project, root=branch.parent_id is None)
    check_parent(source)
