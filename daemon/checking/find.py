"""What is known of a branch before it is looked at: by the API and the ledger, with no connection to any database."""

from __future__ import annotations

from datetime import datetime

from daemon.checking.branch import Known
from daemon.checking.passwords import passwords_of
from daemon.errors import UsageError
from daemon.lineage import classify
from daemon.neon import NeonClient
from daemon.passwords import PasswordCache, compare_passwords
from daemon.settings import ProjectSettings, Settings
from daemon.store import Store


def find_branch(
    client: NeonClient, store: Store, wanted: tuple[Settings, ProjectSettings, str], now: datetime
) -> Known:
    """The branch of a project by name or id. Raises UsageError where there is none such, or it is production."""
    settings, project, name = wanted
    listing = client.list_project(project.id, now)
    branch = next((b for b in listing.branches if name in {b.id, b.name}), None)
    if branch is None:
        raise UsageError(f"there is no branch `{name}` in {project.id}: `branchwarden tree` shows all")
    ledger = store.published(project.id)
    lineages = classify(listing.branches, ledger, project.production, settings.purposes)
    if lineages[branch.id].production:
        raise UsageError(f"{branch.name} is production, which nobody connects to: name a copy of it")
    passwords = compare_passwords(client, listing, lineages, PasswordCache.new())
    entry = next((one for one in ledger if one.branch_id == branch.id), None)
    shared = passwords.shared.get(branch.id)
    roles = shared.roles if shared else ()
    production = [id_ for id_, lineage in lineages.items() if lineage.production]
    return Known(branch, lineages[branch.id], entry, passwords_of(branch, passwords), production, roles)
