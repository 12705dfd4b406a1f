"""Routes of branches."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator import branches, restores, rules, schema
from emulator.api.bodies import BranchChange, CreateBranch, RestoreBranch, UpdateBranch
from emulator.api.web import Paging, answer, body_of, cloud_of, page, required, route, shown
from emulator.cloud import Cloud
from emulator.errors import ApiError
from emulator.state import Branch, Endpoint, Project, rfc3339

BRANCHES = "/projects/{project_id}/branches"
BRANCH = BRANCHES + "/{branch_id}"
SORTS = {"name", "created_at", "updated_at"}
NO_PAST = "the emulator cannot go back in time yet but for new branches: leave the lsn and the timestamp out"


async def index(request: Request) -> Response:
    """List branches with their annotations."""
    project = cloud_of(request).project(request.path_params["project_id"])
    by, how = _sorting(request)
    listed, following = page(request, _search(request, project), lambda b: f"{getattr(b, by)}\n{b.id}", how)
    pagination = {"sort_by": by, "sort_order": "desc" if how.descending else "asc"}
    pagination |= {"next": following} if following else {}
    annotations = {b.id: _annotation(b) for b in listed if b.annotation}
    return answer({"branches": [b.shown() for b in listed], "annotations": annotations, "pagination": pagination})


async def count(request: Request) -> Response:
    """Count branches."""
    project = cloud_of(request).project(request.path_params["project_id"])
    return answer({"count": len(_search(request, project))})


async def show(request: Request) -> Response:
    """Show one branch."""
    _, branch = _named(request)
    return answer({"branch": branch.shown(), "annotation": _annotation(branch)})


async def create(request: Request) -> Response:
    """Create a branch."""
    cloud = cloud_of(request)
    body = await body_of(request, CreateBranch)
    project = cloud.project(request.path_params["project_id"])
    made = branches.create(cloud, project, await _in_the_past(cloud, project, body))
    content = {
        "branch": made.branch.shown(),
        "endpoints": [e.shown() | {"current_state": "init", "pending_state": "active"} for e in made.endpoints],
        "operations": shown(made.operations),
        "roles": [r.shown() for r in made.branch.roles.values()],
        "databases": [d.shown() for d in made.branch.databases.values()],
    }
    return answer(content | _uris(cloud, made.branch, made.endpoints), 201)


async def update(request: Request) -> Response:
    """Rename, protect or give a deletion date."""
    change = (await body_of(request, UpdateBranch)).branch
    project, branch = _named(request)
    rules.check_unlocked(project)
    _apply(project, branch.model_copy(), change, cloud_of(request).now)  # a refused field leaves the others as they are
    _apply(project, branch, change, cloud_of(request).now)
    cloud_of(request).save()
    return answer({"branch": branch.shown(), "operations": []})


async def delete(request: Request) -> Response:
    """Delete a branch; one that is not there is as good as deleted."""
    cloud = cloud_of(request)
    project = cloud.project(request.path_params["project_id"])
    branch = project.branches.get(request.path_params["branch_id"])
    if branch is None:
        return Response(status_code=204)
    operations = branches.delete(cloud, project, branch)
    return answer({"branch": branch.shown(), "operations": shown(operations)})


async def restore(request: Request) -> Response:
    """Restore a branch from another one."""
    cloud = cloud_of(request)
    body = await body_of(request, RestoreBranch)
    project, branch = _named(request)
    if body.source_lsn or body.source_timestamp:
        raise ApiError(422, NO_PAST)
    source = cloud.branch(project.id, body.source_branch_id)
    operations = restores.restore(cloud, branch, source, body.preserve_under_name or None)
    return answer({"branch": branch.shown(), "operations": shown(operations)})


async def set_as_default(request: Request) -> Response:
    """Make a branch the default one."""
    project, branch = _named(request)
    branches.set_default(cloud_of(request), project, branch)
    cloud_of(request).save()
    return answer({"branch": branch.shown(), "operations": []})


async def show_schema(request: Request) -> Response:
    """Give the schema of a database as SQL or JSON."""
    cloud = cloud_of(request)
    _, branch = _named(request)
    name, form = required(request, "db_name"), request.query_params.get("format", "sql")
    if {"lsn", "timestamp"} & set(request.query_params):
        raise ApiError(422, NO_PAST)
    if name not in branch.databases:
        raise ApiError(404, "database not found")
    if form not in schema.FORMATS:
        raise ApiError(400, 'parameter "format" in query has an error: must be sql or json')
    await cloud.wait_ready(branch.id)
    async with cloud.fleet.using(branch.id) as server:
        return answer({form: await asyncio.to_thread(schema.FORMATS[form], server, name)})


routes: list[Route] = [
    route("GET", BRANCHES, index),
    route("POST", BRANCHES, create),
    route("GET", f"{BRANCHES}/count", count),
    route("GET", BRANCH, show),
    route("PATCH", BRANCH, update),
    route("DELETE", BRANCH, delete),
    route("POST", f"{BRANCH}/restore", restore),
    route("POST", f"{BRANCH}/set_as_default", set_as_default),
    route("POST", f"{BRANCH}/set_as_primary", set_as_default),  # the older name, which PyPI's neon-api still calls
    route("GET", f"{BRANCH}/schema", show_schema),
]


def _named(request: Request) -> tuple[Project, Branch]:
    cloud, names = cloud_of(request), request.path_params
    return cloud.project(names["project_id"]), cloud.branch(names["project_id"], names["branch_id"])


def _sorting(request: Request) -> tuple[str, Paging]:
    by = request.query_params.get("sort_by", "updated_at")
    order = request.query_params.get("sort_order", "desc")
    if by not in SORTS or order not in {"asc", "desc"}:
        raise ApiError(400, 'parameter "sort_by" or "sort_order" in query has an error')
    return by, Paging(100, 10_000, descending=order == "desc")


def _search(request: Request, project: Project) -> list[Branch]:
    text = request.query_params.get("search", "")
    return [b for b in project.branches.values() if text in b.name or text in b.id]


def _annotation(branch: Branch) -> dict[str, Any]:
    written = rfc3339(branch.annotated_at or branch.created_at)
    thing = {"type": "console/branch", "id": branch.id}
    return {"object": thing, "value": branch.annotation, "created_at": written, "updated_at": written}


def _order(body: CreateBranch) -> branches.Order:
    wanted = body.branch
    return branches.Order(
        parent_id=wanted.parent_id or None,
        name=wanted.name,
        protected=wanted.protected,
        init_source=wanted.init_source,
        expires_at=wanted.expires_at,
        endpoints=tuple(e.type for e in body.endpoints),
        annotation=body.annotation_value or {},
    )


async def _in_the_past(cloud: Cloud, project: Project, body: CreateBranch) -> branches.Order:
    order, wanted = _order(body), body.branch.parent_lsn or body.branch.parent_timestamp
    if wanted is None:
        return order
    if order.init_source != branches.PARENT_DATA or (body.branch.parent_lsn and body.branch.parent_timestamp):
        raise ApiError(400, "parent_lsn and parent_timestamp exclude each other, and init_source")
    parent = cloud.branch(project.id, order.parent_id) if order.parent_id else project.default_branch
    since = cloud.now - timedelta(seconds=project.history_retention_seconds)
    return replace(order, past=await cloud.fleet.find_moment(parent.id, wanted, since))


def _apply(project: Project, branch: Branch, change: BranchChange, now: datetime) -> None:
    if change.name is not None:
        branches.rename(project, branch, change.name)
    if change.protected is not None:
        branches.protect(branch, protected=change.protected)
    if "expires_at" in change.model_fields_set:
        branches.expire(project, branch, change.expires_at, now)
    branch.updated_at = now


def _uris(cloud: Cloud, branch: Branch, endpoints: list[Endpoint]) -> dict[str, Any]:
    # As Neon: only where there is no choice.
    if not endpoints or len(branch.roles) != 1 or len(branch.databases) != 1:
        return {}
    (role,), (database,), endpoint = branch.roles.values(), branch.databases, endpoints[0]
    parameters = {
        "database": database,
        "password": role.password,
        "role": role.name,
        "host": endpoint.host,
        "pooler_host": endpoint.host.replace(endpoint.id, f"{endpoint.id}-pooler"),
    }
    uri = cloud.uri(endpoint, role, database)
    return {"connection_uris": [{"connection_uri": uri, "connection_parameters": parameters}]}
