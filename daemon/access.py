"""Who gets connection details: a published staging branch or a child of one, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.connect import Details, connection_details
from daemon.errors import UsageError
from daemon.lineage import classify, in_flight
from daemon.model import Branch, Lineage
from daemon.neon import Login, NeonClient
from daemon.purposes import CLEAN
from daemon.settings import ProjectSettings
from daemon.store import Store


@dataclass(frozen=True)
class Door:
    """What is asked for; without a role the owner of the database, without a database the first one."""

    branch: str
    role: str | None = None
    database: str | None = None


def open_door(client: NeonClient, store: Store, projects: tuple[ProjectSettings, ...], door: Door) -> Details:
    """How to connect to a sanitized branch. Raises UsageError for any other branch."""
    found = []
    for project in projects:
        branches = client.list_branches(project.id)
        lineages = classify(branches, store.published(project.id), project.production, ())
        found += [(b, lineages[b.id]) for b in branches if door.branch in {b.id, b.name}]
    if not found:
        raise UsageError(f"there is no branch `{door.branch}` in the watched projects: `branchwarden tree` shows all")
    if len(found) > 1:
        raise UsageError(f"`{door.branch}` is in several projects: name one with --project")
    branch, lineage = found[0]
    _require_clean(branch, lineage)
    return connection_details(_uri(client, branch, door))


def _require_clean(branch: Branch, lineage: Lineage) -> None:
    if lineage.data_class not in CLEAN:
        raise UsageError(
            f"{branch.name} is {lineage.data_class} ({lineage.reason}): details are given for sanitized branches only"
        )
    if in_flight(branch):
        raise UsageError(f"{branch.name} belongs to a sanitize run that has not published it")


def _uri(client: NeonClient, branch: Branch, door: Door) -> str:
    databases = client.list_databases(branch.project_id, branch.id)
    wanted = next((d for d in databases if door.database in {None, d.name}), None)
    if wanted is None:
        names = ", ".join(d.name for d in databases)
        raise UsageError(f"{branch.name} has no database `{door.database}`: it has {names}")
    return client.connection_uri(branch.project_id, Login(branch.id, wanted.name, door.role or wanted.owner))
