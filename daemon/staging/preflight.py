"""What must be known before anything is created. Through the API alone: never a connection to production."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from daemon.amounts import counted, readable_size, readable_time
from daemon.errors import RunRefusedError
from daemon.lineage import classify, still_proves
from daemon.model import Branch, Database, Listing
from daemon.policies import Place, coverage, draft_policy, unmasked, unnamed, without_foreign
from daemon.progress import breakable
from daemon.staging.api_schema import api_schema
from daemon.staging.context import NEON_OWN_ROLES, Progress, StagingContext, StagingRequest, quoted
from daemon.staging.dump import read_dump
from sanitizers.notes import find_notes
from sanitizers.plan import MaskingPlan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import Schema
from sanitizers.tokens import key_problems

ROOTS_BY_PLAN = {"free": 3, "launch": 5, "scale": 25, "business": 25}
"""Root branches that a plan allows. Source: Neon's docs, manage/branches, 2025-10."""
BRANCHES_BY_PLAN = {"free": 10, "launch": 5000, "scale": 5000, "business": 5000}
"""Branches that a plan allows. Source: Neon's docs, introduction/plans, 2026-03."""


EGRESS_PER_GB, STORAGE_PER_GB_MONTH = 0.10, 0.35
"""US dollars. Source: Neon's docs, introduction/plans, 2026-03."""
BYTES_PER_SECOND = 10e6  # masked rows of an ordinary table on two cores, with headroom


@dataclass(frozen=True)
class Preflight:
    """All that the run needs to start, and sentences worth telling."""

    listing: Listing
    production: Branch
    databases: tuple[Database, ...]
    plan: MaskingPlan
    notes: tuple[str, ...]
    coverage: str
    """How many columns the policy covers."""
    policy: MaskingPolicy
    """What it says of tables that can be masked; nothing of foreign ones."""


@dataclass(frozen=True)
class Layout:
    """The schema of every database, and the foreign tables, which are in no schema of ours."""

    schemas: tuple[Schema, ...]
    foreign: tuple[Place, ...]


def preflight(context: StagingContext, request: StagingRequest) -> Preflight:
    """Look at everything that could refuse the run. Raises RunRefusedError with every problem; nothing was created."""
    with breakable(context.ahead):
        return _preflight(context, request)


def _preflight(context: StagingContext, request: StagingRequest) -> Preflight:
    project_id = request.project.id
    listing = context.client.list_project(project_id, context.clock())
    production = find_source(listing, context, request)
    databases = context.client.list_databases(project_id, production.id)
    layout = read_layout(context, production, databases)
    schemas, policy = layout.schemas, without_foreign(request.policy, layout.schemas, layout.foreign)
    draft = draft_policy(schemas, policy)
    plan, problems = draft.plan, [*draft.problems, *unmasked(schemas, draft.databases, policy)]
    problems += [*unnamed(request.policy, layout.foreign), *key_problems(draft.databases, request.keyring)]
    problems += [*_room(listing, request), *_names(listing, context, request), *_size(listing, production)]
    problems += _owners(schemas, databases, _api_roles(context, production))
    covered = coverage(schemas, policy, request.policy.digest)
    if plan is None or problems:
        raise RunRefusedError(f"refused before anything was created ({covered}):", problems)
    notes = (covered, *_notes(listing, production, plan, request))
    return Preflight(listing, production, databases, plan, notes, covered, policy)


def find_source(listing: Listing, context: StagingContext, request: StagingRequest) -> Branch:
    """The production branch to copy. Raises RunRefusedError."""
    wanted = request.staging.source
    ledger = context.store.published(request.project.id)
    lineage = classify(listing.branches, ledger, request.project.production, ())
    for branch in listing.branches:
        if wanted in {branch.id, branch.name} or (not wanted and branch.default):
            if not lineage[branch.id].production:
                raise RunRefusedError(f"{branch.name} is no production branch: name one in staging.source")
            return branch
    raise RunRefusedError(f"there is no branch {wanted or 'that is the default one'}: name one in staging.source")


def read_layout(context: StagingContext, branch: Branch, databases: tuple[Database, ...]) -> Layout:
    """What every database of a branch looks like, through the API."""
    schemas, foreign = list[Schema](), list[Place]()
    for database in databases:
        context.tell(Progress("preflight", f"reading the schema of {database.name}"))
        sql = context.client.schema_sql(branch.project_id, branch.id, database.name)
        tables = context.client.schema_json(branch.project_id, branch.id, database.name)
        facts = read_dump(sql)
        schemas.append(api_schema(database.name, tables, facts))
        foreign += [(database.name, *name) for name in facts.foreign]
    return Layout(tuple(schemas), tuple(foreign))


def _room(listing: Listing, request: StagingRequest) -> Iterator[str]:
    """A clean room adds one root (the target) and one child (the source), masking in place one child."""
    plan, root = listing.project.subscription_type.partition("_")[0], request.how.mode == "clean-room"
    roots = sum(branch.is_root for branch in listing.branches)
    allowed = request.staging.root_branches or ROOTS_BY_PLAN.get(plan)
    if root and allowed is not None and roots + 1 > allowed:
        names = ", ".join(sorted(b.name for b in listing.branches if b.is_root))
        yield (
            f"the root branch allowance is used up: {roots} of {allowed} ({names}), and the target is a root;"
            " delete one, or set staging.root_branches if your plan allows more"
        )
    limit = BRANCHES_BY_PLAN.get(plan)
    more = 2 if root else 1
    if limit is not None and len(listing.branches) + more > limit:
        yield f"the project has {len(listing.branches)} of {limit} branches and the run needs {more} more: delete some"


def _names(listing: Listing, context: StagingContext, request: StagingRequest) -> Iterator[str]:
    entries = {entry.branch_id: entry for entry in context.store.published(request.project.id)}
    for branch in listing.branches:
        if branch.name != request.staging.name:
            continue
        if branch.id not in entries:
            yield f"a branch called {branch.name} is there that no sanitize run made: rename it or set staging.name"
        elif not still_proves(entries[branch.id], branch):
            yield f"{branch.name} was reset or restored since it was published, so it is not ours any more: rename it"


def _size(listing: Listing, production: Branch) -> Iterator[str]:
    cap = listing.project.branch_logical_size_limit_bytes
    if cap and production.logical_size and production.logical_size > cap:
        size = readable_size(production.logical_size)
        yield f"{production.name} holds {size}, a branch of this plan {readable_size(cap)}"


def _api_roles(context: StagingContext, production: Branch) -> frozenset[str]:
    roles = context.client.list_roles(production.project_id, production.id)
    return frozenset(role.name for role in roles) - NEON_OWN_ROLES


def _owners(schemas: tuple[Schema, ...], databases: tuple[Database, ...], known: frozenset[str]) -> Iterator[str]:
    for database in databases:
        if database.owner not in known:
            yield f"database {database.name} belongs to {database.owner}, which the API does not know: change its owner"
    for schema in schemas:
        owner = next(d.owner for d in databases if d.name == schema.database)
        for table in schema.tables:
            if table.owner and table.owner not in known:
                yield (
                    f"{schema.database}.{table.qualified} belongs to {table.owner}, a role made by SQL that the run"
                    f" cannot be: on production run, as {table.owner},"
                    f" `ALTER TABLE {quoted(table.schema)}.{quoted(table.name)} OWNER TO {quoted(owner)}`"
                )


def _notes(listing: Listing, production: Branch, plan: MaskingPlan, request: StagingRequest) -> Iterator[str]:
    tables = sum(len(database.tables) for database in plan.databases)
    masked = f"{plan.masked_count} of {plan.column_count} columns in {counted(tables, 'table')} are masked"
    yield f"{masked}, every column is covered"
    yield from find_notes(plan)
    if not request.policy.reviewed:
        yield "nobody has signed the masking policy yet (reviewed_by, reviewed_on)"
    if production.logical_size:
        yield from _costs(production.name, production.logical_size)
    if request.how.mode == "in-place":
        days = listing.project.history_retention_seconds / 86400
        yield f"masked in place: its history in Neon stays raw for {days:g} days after the run (the restore window)"
        yield "tables that are kept are written anew too, without what was deleted there: no page stays production's"
        return
    roots = sum(branch.is_root for branch in listing.branches)
    yield f"root branches: {roots} now, {roots + 1} while a previous staging branch is kept"


def _costs(name: str, size: int) -> Iterator[str]:
    """What streaming and keeping so much comes to, at most: deltas and plan allowances only make it less."""
    time = readable_time(size / BYTES_PER_SECOND)
    egress, storage = size / 1e9 * EGRESS_PER_GB, size / 1e9 * STORAGE_PER_GB_MONTH
    yield f"{name} holds {readable_size(size)}: about {time} to stream through here"
    yield f"it costs at most ${egress:,.2f} of egress, and ${storage:,.2f} a month for the copy that stays"
