"""Routes of computes."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator import rules
from emulator.api.bodies import CreateEndpoint, EndpointChange, UpdateEndpoint
from emulator.api.web import answer, body_of, cloud_of, route, shown
from emulator.cloud import Cloud, Step
from emulator.errors import ApiError
from emulator.state import Endpoint, Operation, Project

ENDPOINTS = "/projects/{project_id}/endpoints"
ENDPOINT = ENDPOINTS + "/{endpoint_id}"


async def index(request: Request) -> Response:
    """List the computes of a project."""
    return answer({"endpoints": [e.shown() for e in _project(request).endpoints.values()]})


async def index_of_branch(request: Request) -> Response:
    """List the computes of a branch."""
    project = _project(request)
    branch = cloud_of(request).branch(project.id, request.path_params["branch_id"])
    return answer({"endpoints": [e.shown() for e in project.endpoints_of(branch.id)]})


async def show(request: Request) -> Response:
    """Show one compute."""
    return answer({"endpoint": _endpoint(request).shown()})


async def create(request: Request) -> Response:
    """Create a compute."""
    wanted = (await body_of(request, CreateEndpoint)).endpoint
    cloud, project = cloud_of(request), _project(request)
    rules.check_unlocked(project)
    branch = cloud.branch(project.id, wanted.branch_id)
    if wanted.type == "read_write" and any(e.type == "read_write" for e in project.endpoints_of(branch.id)):
        raise ApiError(409, "read-write endpoint already exists")
    endpoint = cloud.new_endpoint(branch, wanted.type)
    endpoint.name, endpoint.disabled = wanted.name, wanted.disabled
    operations = [] if wanted.disabled else _schedule(cloud, project, endpoint, _starting(cloud, endpoint))
    return answer({"endpoint": endpoint.shown(), "operations": shown(operations)}, 201)


async def update(request: Request) -> Response:
    """Change a compute; disabling it suspends it."""
    change = (await body_of(request, UpdateEndpoint)).endpoint
    cloud, project, endpoint = cloud_of(request), _project(request), _endpoint(request)
    rules.check_unlocked(project)
    _apply(endpoint, change)
    endpoint.updated_at = cloud.now
    operations = _schedule(cloud, project, endpoint, _suspending(cloud, endpoint)) if change.disabled else []
    cloud.save()
    return answer({"endpoint": endpoint.shown(), "operations": shown(operations)})


async def delete(request: Request) -> Response:
    """Delete a compute; one that is not there is as good as deleted."""
    cloud, project = cloud_of(request), _project(request)
    endpoint = project.endpoints.get(request.path_params["endpoint_id"])
    if endpoint is None:
        return Response(status_code=204)
    rules.check_unlocked(project)
    if project.branches[endpoint.branch_id].protected:
        raise ApiError(422, "cannot delete a compute of a protected branch")
    del project.endpoints[endpoint.id]
    operations = _schedule(cloud, project, endpoint, _suspending(cloud, endpoint))
    return answer({"endpoint": endpoint.shown(), "operations": shown(operations)})


async def start(request: Request) -> Response:
    """Start a compute."""
    cloud, project, endpoint = cloud_of(request), _project(request), _endpoint(request)
    rules.check_unlocked(project)
    if endpoint.disabled:
        raise ApiError(422, "endpoint is disabled")
    operations = _schedule(cloud, project, endpoint, _starting(cloud, endpoint))
    return answer({"endpoint": endpoint.shown(), "operations": shown(operations)})


async def suspend(request: Request) -> Response:
    """Suspend a compute; its connections end."""
    cloud, project, endpoint = cloud_of(request), _project(request), _endpoint(request)
    rules.check_unlocked(project)
    operations = _schedule(cloud, project, endpoint, _suspending(cloud, endpoint))
    return answer({"endpoint": endpoint.shown(), "operations": shown(operations)})


async def restart(request: Request) -> Response:
    """Suspend a compute and start it again."""
    cloud, project, endpoint = cloud_of(request), _project(request), _endpoint(request)
    rules.check_unlocked(project)
    steps = [*_suspending(cloud, endpoint), *_starting(cloud, endpoint)]
    return answer({"endpoint": endpoint.shown(), "operations": shown(_schedule(cloud, project, endpoint, steps))})


routes: list[Route] = [
    route("GET", ENDPOINTS, index),
    route("POST", ENDPOINTS, create),
    route("GET", ENDPOINT, show),
    route("PATCH", ENDPOINT, update),
    route("DELETE", ENDPOINT, delete),
    route("POST", f"{ENDPOINT}/start", start),
    route("POST", f"{ENDPOINT}/suspend", suspend),
    route("POST", f"{ENDPOINT}/restart", restart),
    route("GET", "/projects/{project_id}/branches/{branch_id}/endpoints", index_of_branch),
]


def _project(request: Request) -> Project:
    return cloud_of(request).project(request.path_params["project_id"])


def _endpoint(request: Request) -> Endpoint:
    return cloud_of(request).endpoint(request.path_params["project_id"], request.path_params["endpoint_id"])


def _apply(endpoint: Endpoint, change: EndpointChange) -> None:
    for name in change.model_fields_set:
        if (value := getattr(change, name)) is not None:
            setattr(endpoint, name, value)


def _starting(cloud: Cloud, endpoint: Endpoint) -> list[Step]:
    return [("start_compute", partial(_wake, cloud, endpoint.branch_id))]


def _suspending(cloud: Cloud, endpoint: Endpoint) -> list[Step]:
    return [("suspend_compute", partial(cloud.fleet.suspend, endpoint.branch_id))]


async def _wake(cloud: Cloud, branch_id: str) -> None:
    async with cloud.fleet.using(branch_id):
        pass


def _schedule(cloud: Cloud, project: Project, endpoint: Endpoint, steps: list[Step]) -> list[Operation]:
    branch = project.branches[endpoint.branch_id]
    return cloud.schedule(project, steps, branch=branch, endpoint_id=endpoint.id)
