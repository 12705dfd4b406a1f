"""The Neon client: one method per question or request, each in one sentence of Neon's API."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from daemon.errors import GoneError, NeonUnreachableError, NotFoundError, RefusedError
from daemon.model import Branch, Database, Endpoint, Listing, Operation, Project, Role
from daemon.neon import parse
from daemon.neon.access import NeonAccess, Timing
from daemon.neon.answers import Call
from daemon.neon.calls import Caller
from daemon.neon.operations import ENDED, wait
from daemon.neon.orders import BranchChange, CreateBranch, Created, Login, change_body, creation_body
from daemon.neon.pages import read_all, read_while
from daemon.neon.parse import ApiTable, AuthInfo

REAL_TIME = Timing()


class NeonClient:
    """One key, all its projects. Every method raises a NeonError that says what to do; none shows the key."""

    def __init__(
        self, access: NeonAccess, transport: httpx.BaseTransport | None = None, timing: Timing = REAL_TIME
    ) -> None:
        self._caller = Caller(access, transport, timing)
        self._operation_timeout = access.operation_timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._caller.close()

    def allow_writes(self, project_id: str) -> AbstractContextManager[None]:
        """Lift observe mode for one project and the length of a `with` block: the explicit exception of `sanitize`."""
        return self._caller.guard.allow_writes(project_id)

    @property
    def requests(self) -> Mapping[str, int]:
        """HTTP status, or `error` for no answer → requests so far."""
        return dict(self._caller.requests)

    def auth(self) -> AuthInfo:
        """What kind of key this is."""
        return parse.auth(self._get("/auth"))

    def list_projects(self, org_id: str | None = None) -> tuple[Project, ...]:
        """Every project that the key sees; a personal key of several organizations must name one."""
        params: dict[str, str | int] = {"limit": 400} | ({"org_id": org_id} if org_id else {})
        return read_all(self._caller, Call("GET", "/projects", params=params), "projects", parse.project)

    def get_project(self, project_id: str) -> Project:
        """One project."""
        return parse.project(parse.field(self._get(_at(project_id), project_id), "project", dict))

    def list_project(self, project_id: str, now: datetime) -> Listing:
        """One complete look at a project, or an error."""
        return Listing(
            project=self.get_project(project_id),
            branches=self.list_branches(project_id),
            endpoints=self.list_endpoints(project_id),
            running=self.list_running(project_id),
            listed_at=now,
        )

    def list_branches(self, project_id: str) -> tuple[Branch, ...]:
        """Every branch with its annotation. Sorted by birth, so that no page loses one to another's update."""
        params: dict[str, str | int] = {"limit": 1000, "sort_by": "created_at", "sort_order": "asc"}
        call = Call("GET", _at(project_id, "branches"), project_id, params=params)
        found = read_all(self._caller, call, "branches", parse.branch, annotations=True)
        if any(branch.project_id != project_id for branch in found):
            raise NeonUnreachableError(
                f"Neon lists branches of another project for {project_id}: nothing is decided on that"
            )
        return found

    def get_branch(self, project_id: str, branch_id: str) -> Branch:
        """One branch with its annotation. Raises GoneError."""
        data = self._get(_at(project_id, "branches", branch_id), project_id, _branch(branch_id))
        return parse.branch(parse.field(data, "branch", dict), parse.mapping(data).get("annotation"))

    def create_branch(self, order: CreateBranch) -> Created:
        """Create a branch; wait for the operations before the next change."""
        call = Call(
            "POST",
            _at(order.project_id, "branches"),
            order.project_id,
            f"parent {_branch(order.parent_id)}" if order.parent_id else "",
            body=creation_body(order),
        )
        data = self._caller.send(call).data
        return Created(
            branch=parse.branch(parse.field(data, "branch", dict), {"value": dict(order.annotation)}),
            endpoints=parse.items(data, "endpoints", parse.endpoint),
            operations=parse.items(data, "operations", parse.operation),
        )

    def update_branch(self, project_id: str, branch_id: str, change: BranchChange) -> tuple[Operation, ...]:
        """Rename, protect, unprotect, set or clear the expiry."""
        path = _at(project_id, "branches", branch_id)
        return self._change(Call("PATCH", path, project_id, _branch(branch_id), body=change_body(change)))

    def delete_branch(self, project_id: str, branch_id: str, *, hard: bool = False) -> tuple[Operation, ...]:
        """Delete a branch; `hard` leaves nothing to recover. One that is already gone is a success."""
        params: dict[str, str | int] = {"hard_delete": "true"} if hard else {}
        return self._change(
            Call("DELETE", _at(project_id, "branches", branch_id), project_id, _branch(branch_id), params=params)
        )

    def list_roles(self, project_id: str, branch_id: str) -> tuple[Role, ...]:
        """The roles that the API knows; those made in SQL are not among them."""
        data = self._get(_at(project_id, "branches", branch_id, "roles"), project_id, _branch(branch_id))
        return parse.items(data, "roles", parse.role)

    def reveal_password(self, project_id: str, branch_id: str, role: str) -> str | None:
        """A role's password, or None where Neon does not store it (412). Raises GoneError."""
        path = _at(project_id, "branches", branch_id, "roles", role, "reveal_password")
        try:
            data = self._get(path, project_id, _role(branch_id, role))
        except RefusedError as error:
            if error.status == 412:
                return None
            raise
        return parse.field(data, "password", str)

    def reset_password(self, project_id: str, branch_id: str, role: str) -> str:
        """Give a role a new password and wait until the old one opens nothing any more."""
        path = _at(project_id, "branches", branch_id, "roles", role, "reset_password")
        data = self._caller.send(Call("POST", path, project_id, _role(branch_id, role))).data
        password = parse.field(parse.field(data, "role", dict), "password", str)
        self.wait_for(project_id, parse.items(data, "operations", parse.operation))
        return password

    def list_databases(self, project_id: str, branch_id: str) -> tuple[Database, ...]:
        """The databases of a branch."""
        data = self._get(_at(project_id, "branches", branch_id, "databases"), project_id, _branch(branch_id))
        return parse.items(data, "databases", parse.database)

    def list_endpoints(self, project_id: str, branch_id: str | None = None) -> tuple[Endpoint, ...]:
        """The computes of a project or of one branch; the API gives them in one page."""
        parts = ("endpoints",) if branch_id is None else ("branches", branch_id, "endpoints")
        thing = _branch(branch_id) if branch_id else ""
        return parse.items(self._get(_at(project_id, *parts), project_id, thing), "endpoints", parse.endpoint)

    def start_endpoint(self, project_id: str, endpoint_id: str) -> tuple[Operation, ...]:
        """Start a compute."""
        path = _at(project_id, "endpoints", endpoint_id, "start")
        return self._change(Call("POST", path, project_id, f"compute {endpoint_id}"))

    def disable_endpoint(self, project_id: str, endpoint_id: str, *, disabled: bool) -> tuple[Operation, ...]:
        """Stop a compute and keep it stopped, or allow it again."""
        body = {"endpoint": {"disabled": disabled}}
        path = _at(project_id, "endpoints", endpoint_id)
        return self._change(Call("PATCH", path, project_id, f"compute {endpoint_id}", body=body))

    def connection_uri(self, project_id: str, login: Login) -> str:
        """The direct (not pooled) connection URI. It holds the password."""
        params = {"branch_id": login.branch_id, "database_name": login.database, "role_name": login.role}
        if login.endpoint_id:
            params["endpoint_id"] = login.endpoint_id
        call = Call("GET", _at(project_id, "connection_uri"), project_id, _branch(login.branch_id), params=params)
        return parse.field(self._caller.send(call).data, "uri", str)

    def schema_sql(self, project_id: str, branch_id: str, database: str) -> str:
        """The schema of a database as SQL."""
        return parse.field(self._schema(project_id, branch_id, {"db_name": database, "format": "sql"}), "sql", str)

    def schema_json(self, project_id: str, branch_id: str, database: str) -> tuple[ApiTable, ...]:
        """The tables of a database with columns and keys."""
        data = self._schema(project_id, branch_id, {"db_name": database, "format": "json"})
        return parse.items(parse.field(data, "json", dict), "tables", parse.table)

    def has_data_api(self, project_id: str, branch_id: str, database: str) -> bool:
        """Whether the Data API serves a database of a branch."""
        return self._found(project_id, branch_id, "data-api", database) is not None

    def has_auth(self, project_id: str, branch_id: str) -> bool:
        """Whether a branch has Neon Auth."""
        return self._found(project_id, branch_id, "auth") is not None

    def count_buckets(self, project_id: str, branch_id: str) -> int:
        """Buckets of object storage of a branch."""
        found = self._found(project_id, branch_id, "buckets")
        return 0 if found is None else len(parse.field(found, "buckets", list))

    def list_running(self, project_id: str) -> tuple[Operation, ...]:
        """The operations that have not ended. Newest first, so a page without any is the last one that matters."""
        call = Call("GET", _at(project_id, "operations"), project_id, params={"limit": 100})
        found = read_while(self._caller, call, parse.operation, lambda page: any(o.status not in ENDED for o in page))
        return tuple(o for o in found if o.status not in ENDED)

    def wait_for(self, project_id: str, operations: tuple[Operation, ...], timeout: float | None = None) -> None:
        """Wait until every operation has ended; `timeout` in seconds for all. Raises OperationFailedError."""
        wait(self._caller, project_id, operations, self._operation_timeout if timeout is None else timeout)

    def _found(self, project_id: str, branch_id: str, *parts: str) -> Any:
        """What hangs on a branch, or None where the API knows of nothing there."""
        try:
            return self._get(_at(project_id, "branches", branch_id, *parts), project_id, _branch(branch_id))
        except (GoneError, NotFoundError):
            return None

    def _get(self, path: str, project: str = "", thing: str = "") -> Any:
        return self._caller.send(Call("GET", path, project, thing)).data

    def _change(self, call: Call) -> tuple[Operation, ...]:
        answer = self._caller.send(call)
        return () if answer.data is None else parse.items(answer.data, "operations", parse.operation)

    def _schema(self, project_id: str, branch_id: str, params: Mapping[str, str]) -> Any:
        path = _at(project_id, "branches", branch_id, "schema")
        return self._caller.send(Call("GET", path, project_id, _branch(branch_id), params=params)).data


def _at(project_id: str, *parts: str) -> str:
    return "/".join(("/projects", quote(project_id, safe=""), *(quote(part, safe="") for part in parts)))


def _branch(branch_id: str) -> str:
    return f"branch {branch_id}"


def _role(branch_id: str, role: str) -> str:
    return f"role {role} of branch {branch_id}"
