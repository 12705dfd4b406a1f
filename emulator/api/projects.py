"""Routes of projects, operations and of who is asking."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator.api.web import Paging, answer, cloud_of, encoded, page, route
from emulator.cloud import Cloud
from emulator.errors import ApiError
from emulator.state import Operation, Project, rfc3339

PROJECT = "/projects/{project_id}"
PROJECTS = Paging(10, 400)
OPERATIONS = Paging(100, 1000, descending=True)
LIST_LACKS = {
    "data_storage_bytes_hour",
    "data_transfer_bytes",
    "written_data_bytes",
    "compute_time_seconds",
    "active_time_seconds",
}
EMAIL = "owner@emulator.example.com"
PERSON = {"name": "Emulator", "last_name": "", "image": "", "login": "emulator", "email": EMAIL}
ADDRESS = ("address_city", "address_country", "address_line1", "address_line2", "address_postal_code", "address_state")


async def index(request: Request) -> Response:
    """List projects."""
    cloud = cloud_of(request)
    text = request.query_params.get("search", "")
    of_org = request.query_params.get("org_id") in {None, "", cloud.state.org_id}
    found = [p for p in cloud.state.projects.values() if of_org and (text in p.name or text in p.id)]
    listed, _ = page(request, found, _born, PROJECTS)
    maps: dict[str, Any] = {name: {p.id: [] for p in listed} for name in ("applications", "integrations")}
    return answer({"projects": [_item(p) for p in listed]} | maps | _cursor(_born(listed[-1]) if listed else ""))


async def shared(_: Request) -> Response:
    """List the projects that others share with us: none."""
    return answer({"projects": []})


async def show(request: Request) -> Response:
    """Show one project."""
    cloud = cloud_of(request)
    project = cloud.project(request.path_params["project_id"])
    return answer({"project": project.shown() | _period(cloud.now) | {"owner": _owner(project)}})


async def operations(request: Request) -> Response:
    """List operations, newest first."""
    project = cloud_of(request).project(request.path_params["project_id"])
    everything = project.operations.values()
    listed, _ = page(request, everything, _born, OPERATIONS)
    return answer({"operations": [o.shown() for o in listed]} | _cursor(_born(listed[-1]) if listed else ""))


async def operation(request: Request) -> Response:
    """Show one operation."""
    project = cloud_of(request).project(request.path_params["project_id"])
    found = project.operations.get(request.path_params["operation_id"])
    if found is None:
        raise ApiError(404, "operation not found")
    return answer({"operation": found.shown()})


async def auth(_: Request) -> Response:
    """Say what kind of key is used."""
    return answer({"account_id": "emulator", "auth_method": "api_key_user"})


async def me(request: Request) -> Response:
    """Say who is asking."""
    limits = {"active_seconds_limit": 0, "projects_limit": 100, "branches_limit": 5000, "max_autoscaling_limit": 16.0}
    account = {"provider": "github"} | {k: v for k, v in PERSON.items() if k != "last_name"}
    who = {
        "id": "emulator",
        "plan": "launch",
        "auth_accounts": [account],
        "billing_account": _billing(cloud_of(request)),
    }
    return answer(PERSON | limits | who)


async def organizations(request: Request) -> Response:
    """List the organizations of the one who is asking."""
    state = cloud_of(request).state
    born = rfc3339(state.started_at)
    names = {"id": state.org_id, "name": "Emulator", "handle": state.org_id, "plan": "launch", "managed_by": "console"}
    return answer({"organizations": [names | {"created_at": born, "updated_at": born}]})


routes: list[Route] = [
    route("GET", "/projects", index),
    route("GET", "/projects/shared", shared),
    route("GET", PROJECT, show),
    route("GET", f"{PROJECT}/operations", operations),
    route("GET", f"{PROJECT}/operations/{{operation_id}}", operation),
    route("GET", "/auth", auth),
    route("GET", "/users/me", me),
    route("GET", "/users/me/organizations", organizations),
]


def _born(thing: Project | Operation) -> str:
    return f"{thing.created_at.isoformat()}\n{thing.id}"


def _cursor(key: str) -> dict[str, Any]:
    # As Neon: every page that holds something has a cursor, the last one too; an empty page has none.
    return {"pagination": {"cursor": encoded(key)}} if key else {}


def _item(project: Project) -> dict[str, Any]:
    fields = {k: v for k, v in project.shown().items() if k not in LIST_LACKS}
    return fields | {"active_time": project.active_time_seconds, "org_name": "Emulator"}


def _period(now: datetime) -> dict[str, str]:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return {"consumption_period_start": rfc3339(first), "consumption_period_end": rfc3339(following)}


def _owner(project: Project) -> dict[str, Any]:
    plan = {"branches_limit": project.branch_limit, "subscription_type": project.subscription_type}
    return {"email": EMAIL, "name": "Emulator"} | plan


def _billing(cloud: Cloud) -> dict[str, Any]:
    plan = {"state": "active", "payment_source": {"type": "card"}, "subscription_type": "UNKNOWN"}
    since = {"payment_method": "none", "quota_reset_at_last": rfc3339(cloud.state.started_at)}
    return plan | since | {"name": "Emulator", "email": EMAIL} | dict.fromkeys(ADDRESS, "")
