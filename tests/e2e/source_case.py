"""What the tests of `verify BRANCH --with-source` share: its events, and copies that are still there. No fixtures."""

from __future__ import annotations

from daemon.model import RUN_ANNOTATION, Branch
from tests.fix_daemon import Warden


def kinds(warden: Warden) -> list[str]:
    return [event["kind"] for event in warden.json("events") if event["kind"].startswith("verify.")]


def copies(warden: Warden) -> list[Branch]:
    """Branches of runs that are not published."""
    with warden.client() as client:
        branches = client.list_branches(warden.project_id)
    return [b for b in branches if RUN_ANNOTATION in b.annotation and b.name.startswith("branchwarden-")]
