"""Routes of roles, databases and connection strings."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator import ids, logins, rules
from emulator.api.bodies import CreateDatabase, CreateRole
from emulator.api.web import answer, body_of, cloud_of, required, route, shown
from emulator.errors import ApiError
from emulator.state import Branch, Database, Endpoint, Project, Role

BRANCH = "/projects/{project_id}/branches/{branch_id}"
ROLE = BRANCH + "/roles/{role_name}"


async def list_roles(request: Request) -> Response:
    """List the roles that the API knows."""
    return answer({"roles": [r.shown() for r in _branch(request).roles.values()]})


async def show_role(request: Request) -> Response:
    """Show one role."""
    return answer({"role": _role(request).shown()})


async def create_role(request: Request) -> Response:
    """Create a role; its password is in the answer."""
    wanted = (await body_of(request, CreateRole)).role
    cloud, branch, now = cloud_of(request), _branch(request), cloud_of(request).now
    role = Role(
        branch_id=branch.id,
        name=wanted.name,
        password=None if wanted.no_login else ids.password(),
        authentication_method="no_login" if wanted.no_login else "password",
        created_at=now,
        updated_at=now,
    )
    operations = logins.create(cloud, _project(request), branch, role)
    return answer({"role": _with_password(role), "operations": shown(operations)}, 201)


async def delete_role(request: Request) -> Response:
    """Delete a role; one that is not there is as good as deleted."""
    branch = _branch(request)
    role = branch.roles.get(request.path_params["role_name"])
    if role is None:
        return Response(status_code=204)
    operations = logins.delete(cloud_of(request), _project(request), branch, role)
    return answer({"role": role.shown(), "operations": shown(operations)})


async def reveal_password(request: Request) -> Response:
    """Reveal a role's password."""
    role = _role(request)
    if not _project(request).store_passwords or role.password is None:
        raise ApiError(412, "the password of this role is not stored")
    return answer({"password": role.password})


async def reset_password(request: Request) -> Response:
    """Reset a role's password; the new one is in the answer."""
    role = _role(request)
    operations = logins.reset(cloud_of(request), _project(request), _branch(request), role)
    return answer({"role": _with_password(role), "operations": shown(operations)})


async def list_databases(request: Request) -> Response:
    """List the databases that the API knows."""
    return answer({"databases": [d.shown() for d in _branch(request).databases.values()]})


async def show_database(request: Request) -> Response:
    """Show one database."""
    return answer({"database": _database(_branch(request), request.path_params["database_name"]).shown()})


async def create_database(request: Request) -> Response:
    """Create a database."""
    wanted = (await body_of(request, CreateDatabase)).database
    cloud, project, branch = cloud_of(request), _project(request), _branch(request)
    rules.check_unlocked(project)
    if wanted.name in branch.databases:
        raise ApiError(409, "database already exists")
    owner = cloud.role(project.id, branch.id, wanted.owner_name)
    database = Database(
        id=cloud.state.database_id(),
        branch_id=branch.id,
        name=wanted.name,
        owner_name=owner.name,
        created_at=cloud.now,
        updated_at=cloud.now,
    )
    branch.databases[database.name] = database
    work = partial(logins.work, cloud, branch, partial(logins.make_database, name=database.name, owner=owner.name))
    operations = cloud.schedule(project, [("apply_config", work)], branch=branch)
    return answer({"database": database.shown(), "operations": shown(operations)}, 201)


async def connection_uri(request: Request) -> Response:
    """Give a connection string."""
    cloud, project = cloud_of(request), _project(request)
    database, role = required(request, "database_name"), required(request, "role_name")
    endpoint = _endpoint(request, project)
    branch = project.branches[endpoint.branch_id]
    pooled = request.query_params.get("pooled") == "true"
    found = cloud.role(project.id, branch.id, role)
    return answer({"uri": cloud.uri(endpoint, found, _database(branch, database).name, pooled=pooled)})


routes: list[Route] = [
    route("GET", f"{BRANCH}/roles", list_roles),
    route("POST", f"{BRANCH}/roles", create_role),
    route("GET", ROLE, show_role),
    route("DELETE", ROLE, delete_role),
    route("GET", f"{ROLE}/reveal_password", reveal_password),
    route("POST", f"{ROLE}/reset_password", reset_password),
    route("GET", f"{BRANCH}/databases", list_databases),
    route("POST", f"{BRANCH}/databases", create_database),
    route("GET", f"{BRANCH}/databases/{{database_name}}", show_database),
    route("GET", "/projects/{project_id}/connection_uri", connection_uri),
]


def _project(request: Request) -> Project:
    return cloud_of(request).project(request.path_params["project_id"])


def _branch(request: Request) -> Branch:
    return cloud_of(request).branch(request.path_params["project_id"], request.path_params["branch_id"])


def _role(request: Request) -> Role:
    return cloud_of(request).role(*(request.path_params[n] for n in ("project_id", "branch_id", "role_name")))


def _database(branch: Branch, name: str) -> Database:
    if name not in branch.databases:
        raise ApiError(404, "database not found")
    return branch.databases[name]


def _endpoint(request: Request, project: Project) -> Endpoint:
    if wanted := request.query_params.get("endpoint_id"):
        return cloud_of(request).endpoint(project.id, wanted)
    branch_id = request.query_params.get("branch_id") or project.default_branch.id
    cloud_of(request).branch(project.id, branch_id)
    endpoints = [e for e in project.endpoints_of(branch_id) if e.type == "read_write"]
    if not endpoints:
        raise ApiError(404, "endpoint not found")
    return endpoints[0]


def _with_password(role: Role) -> dict[str, object]:
    return role.shown() | ({"password": role.password} if role.password else {})
