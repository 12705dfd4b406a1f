"""Branches that no rule flags until a given day: made by people, for a reason, and taken back by people."""

from __future__ import annotations

from datetime import datetime

from daemon.errors import UsageError
from daemon.lineage import classify, in_flight
from daemon.model import Branch, Exemption
from daemon.neon import NeonClient
from daemon.settings import ProjectSettings
from daemon.store import Store

Projects = tuple[ProjectSettings, ...]


def exempt_branch(
    client: NeonClient, store: Store, projects: Projects, wanted: tuple[str, datetime, str, datetime]
) -> Exemption:
    """Exempt one branch; `wanted` is (name or id, until, reason, now). Raises UsageError."""
    name, until, reason, now = wanted
    branch = _find(client, projects, name)
    made = Exemption(branch.project_id, branch.id, branch.name, until, reason, now)
    store.add_exemption(made, now)
    return made


def exempt_existing(
    client: NeonClient, store: Store, projects: Projects, terms: tuple[datetime, str, datetime]
) -> tuple[Exemption, ...]:
    """Exempt every branch that is there now; `terms` are (until, reason, now).

    Production stays watched, or nobody would hear that staging is stale; branches of a run in flight are never flagged.
    """
    until, reason, now = terms
    made = []
    for project in projects:
        branches = client.list_branches(project.id)
        lineages = classify(branches, store.published(project.id), project.production, ())
        made += [
            Exemption(b.project_id, b.id, b.name, until, reason, now)
            for b in branches
            if not lineages[b.id].production and not in_flight(b)
        ]
    store.add_exemptions(tuple(made), now)
    return tuple(made)


def remove_exemption(client: NeonClient, store: Store, projects: Projects, wanted: tuple[str, datetime]) -> str:
    """Take an exemption back; `wanted` is (name or id, now). Returns the branch's name. Raises UsageError."""
    name, now = wanted
    for project in projects:  # first by the record: the branch may be gone
        for exemption in store.active_exemptions(project.id, now):
            if name in {exemption.branch_id, exemption.branch_name}:
                store.remove_exemption(project.id, exemption.branch_id, now)
                return exemption.branch_name
    _find(client, projects, name)
    raise UsageError(f"{name} is not exempt")


def _find(client: NeonClient, projects: Projects, name: str) -> Branch:
    found = [b for p in projects for b in client.list_branches(p.id) if name in {b.id, b.name}]
    if not found:
        raise UsageError(f"there is no branch `{name}` in the watched projects: `branchwarden tree` shows all")
    if len(found) > 1:
        raise UsageError(f"`{name}` is in several projects: name one with --project")
    return found[0]
