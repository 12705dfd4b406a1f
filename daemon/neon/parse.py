"""Neon's JSON → our values. What lacks a field we need is refused: half an answer must not look like a whole one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from daemon.errors import NeonUnreachableError
from daemon.model import Branch, Database, Endpoint, Operation, Project, Role

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True)
class AuthInfo:
    """Whose key it is. `method` is Neon's word: api_key_user, api_key_org, oauth, keycloak or session_cookie."""

    account_id: str
    method: str

    @property
    def kind(self) -> str:
        """The kind of key in words."""
        kinds = {"api_key_user": "personal API key", "api_key_org": "organization or project API key"}
        return kinds.get(self.method, self.method)


@dataclass(frozen=True)
class ApiColumn:
    """A column in the API's schema answer."""

    name: str
    type: str
    nullable: bool
    generated: bool


@dataclass(frozen=True)
class ApiConstraint:
    """A constraint: `primary_key`, `unique` or `foreign_key`; `references` is (schema, table, columns)."""

    kind: str
    name: str
    columns: tuple[str, ...]
    references: tuple[str, str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class ApiTable:
    """A table in the API's schema answer."""

    schema: str
    name: str
    columns: tuple[ApiColumn, ...]
    constraints: tuple[ApiConstraint, ...]


def field(data: Any, key: str, kind: type[T]) -> T:
    """A required field. Raises NeonUnreachableError."""
    value = mapping(data).get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise NeonUnreachableError(f"Neon's answer lacks a readable `{key}`: nothing is decided on half an answer")
    return value


def optional(data: Any, key: str, kind: type[T]) -> T | None:
    """A field that may be absent or null, but must not be of another kind. Raises NeonUnreachableError."""
    return None if mapping(data).get(key) is None else field(data, key, kind)


def mapping(data: Any) -> Json:
    """A JSON object. Raises NeonUnreachableError."""
    if not isinstance(data, dict):
        raise NeonUnreachableError(
            "Neon's answer is not the object that it should be: nothing is decided on half an answer"
        )
    return data


def items(data: Any, key: str, parse: Callable[[Any], T]) -> tuple[T, ...]:
    """A required list, every entry of it parsed. Raises NeonUnreachableError."""
    entries: list[Any] = field(data, key, list)
    return tuple(parse(entry) for entry in entries)


def moment(data: Any, key: str) -> datetime:
    """A required time, as aware UTC. Raises NeonUnreachableError."""
    value = read_moment(field(data, key, str))
    if value is None:
        raise NeonUnreachableError(
            f"Neon's answer has no readable time in `{key}`: nothing is decided on half an answer"
        )
    return value


def read_moment(text: str) -> datetime | None:
    """A time with its zone as aware UTC, or None."""
    try:
        value = datetime.fromisoformat(text)
        return value.astimezone(UTC) if value.tzinfo else None
    except (ValueError, OverflowError):
        return None


def maybe_moment(data: Any, key: str) -> datetime | None:
    """A time that may be absent, null or empty. Raises NeonUnreachableError when it is garbled."""
    return moment(data, key) if mapping(data).get(key) else None


def branch(data: Any, annotation: Any = None) -> Branch:
    """A branch and the annotation that belongs to it."""
    return Branch(
        id=field(data, "id", str),
        project_id=field(data, "project_id", str),
        name=field(data, "name", str),
        created_at=moment(data, "created_at"),
        updated_at=moment(data, "updated_at"),
        parent_id=optional(data, "parent_id", str) or None,
        parent_timestamp=maybe_moment(data, "parent_timestamp"),
        default=field(data, "default", bool),
        protected=field(data, "protected", bool),
        state=field(data, "current_state", str),
        init_source=optional(data, "init_source", str) or "parent-data",
        expires_at=maybe_moment(data, "expires_at"),
        last_reset_at=maybe_moment(data, "last_reset_at"),
        restored_from=optional(data, "restored_from", str) or None,
        restore_status=optional(data, "restore_status", str) or None,
        logical_size=optional(data, "logical_size", int),
        creation_source=optional(data, "creation_source", str) or "",
        created_by=optional(optional(data, "created_by", dict) or {}, "name", str) or "",
        annotation=annotation_value(annotation),
        parent_lsn=optional(data, "parent_lsn", str) or None,
    )


def annotation_value(annotation: Any) -> dict[str, str]:
    """The annotation's pairs; none is an empty one."""
    if annotation is None:
        return {}
    pairs: dict[str, Any] = optional(annotation, "value", dict) or {}
    return {key: value if isinstance(value, str) else str(value) for key, value in pairs.items()}


def endpoint(data: Any) -> Endpoint:
    """A compute."""
    return Endpoint(
        id=field(data, "id", str),
        branch_id=field(data, "branch_id", str),
        host=field(data, "host", str),
        type=field(data, "type", str),
        state=field(data, "current_state", str),
        disabled=field(data, "disabled", bool),
        last_active=maybe_moment(data, "last_active"),
    )


def operation(data: Any) -> Operation:
    """An operation."""
    return Operation(
        id=field(data, "id", str),
        action=field(data, "action", str),
        status=field(data, "status", str),
        branch_id=optional(data, "branch_id", str),
        error=optional(data, "error", str) or "",
        retry_at=maybe_moment(data, "retry_at"),
    )


def project(data: Any) -> Project:
    """A project, from a list or by itself."""
    owner = optional(data, "owner", dict) or {}
    return Project(
        id=field(data, "id", str),
        name=field(data, "name", str),
        pg_version=field(data, "pg_version", int),
        created_at=moment(data, "created_at"),
        history_retention_seconds=optional(data, "history_retention_seconds", int) or 0,
        subscription_type=optional(owner, "subscription_type", str) or "UNKNOWN",
        store_passwords=field(data, "store_passwords", bool),
        org_id=optional(data, "org_id", str),
        branch_logical_size_limit_bytes=optional(data, "branch_logical_size_limit_bytes", int) or 0,
    )


def role(data: Any) -> Role:
    """A role, without its password."""
    return Role(
        name=field(data, "name", str),
        protected=optional(data, "protected", bool) or False,
        updated_at=moment(data, "updated_at"),
        authentication_method=optional(data, "authentication_method", str) or "password",
    )


def database(data: Any) -> Database:
    """A database."""
    return Database(name=field(data, "name", str), owner=field(data, "owner_name", str))


def auth(data: Any) -> AuthInfo:
    """Whose key it is."""
    return AuthInfo(account_id=field(data, "account_id", str), method=field(data, "auth_method", str))


def table(data: Any) -> ApiTable:
    """A table of the schema answer."""
    has_constraints = mapping(data).get("constraints") is not None
    return ApiTable(
        schema=field(data, "schema", str),
        name=field(data, "name", str),
        columns=items(data, "columns", _column),
        constraints=items(data, "constraints", _constraint) if has_constraints else (),
    )


def _column(data: Any) -> ApiColumn:
    nullable = optional(data, "nullable", bool)
    return ApiColumn(
        name=field(data, "name", str),
        type=field(data, "type", str),
        nullable=True if nullable is None else nullable,
        generated=optional(data, "generated", bool) or False,
    )


def _constraint(data: Any) -> ApiConstraint:
    target = optional(data, "referenced_table", dict)
    return ApiConstraint(
        kind=field(data, "type", str),
        name=optional(data, "name", str) or "",
        columns=items(data, "columns", str),
        references=None
        if target is None
        else (field(target, "schema", str), field(target, "table", str), items(target, "columns", str)),
    )
