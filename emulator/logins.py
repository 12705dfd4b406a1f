"""Roles of a branch and their passwords, on the record and in Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

import psycopg
from psycopg import sql

from emulator import ids, roles, rules
from emulator.cloud import Cloud, Step
from emulator.errors import ApiError
from emulator.postgres import Server
from emulator.state import Branch, Operation, Project, Role


def create(cloud: Cloud, project: Project, branch: Branch, role: Role) -> list[Operation]:
    """Make a role; without a password it cannot log in."""
    rules.check_unlocked(project)
    if role.name in branch.roles:
        raise ApiError(409, "role already exists")
    branch.roles[role.name] = role
    return _configure(cloud, project, branch, partial(_create, role.name, role.password))


def reset(cloud: Cloud, project: Project, branch: Branch, role: Role) -> list[Operation]:
    """Give a role a new password; its sessions end."""
    rules.check_unlocked(project)
    role.password, role.updated_at = ids.password(), cloud.now
    return _configure(cloud, project, branch, partial(set_passwords, passwords={role.name: role.password}))


def delete(cloud: Cloud, project: Project, branch: Branch, role: Role) -> list[Operation]:
    """Delete a role that owns no database."""
    rules.check_unlocked(project)
    if any(d.owner_name == role.name for d in branch.databases.values()):
        raise ApiError(422, "cannot delete a role that owns a database")
    del branch.roles[role.name]
    return _configure(cloud, project, branch, partial(_drop, role.name))


async def apply(cloud: Cloud, branch: Branch, fresh: dict[str, Role]) -> None:
    """Give roles of a branch the passwords on record, once its data are there."""
    known = {name: role.password for name, role in fresh.items() if role.password}
    if not known:
        return
    await work(cloud, branch, partial(set_passwords, passwords=known))


def set_passwords(server: Server, passwords: dict[str, str]) -> None:
    """Give roles that exist on a running server their passwords."""
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        for name, password in passwords.items():
            roles.set_password(conn, name, password)


def copied(source: Branch, branch_id: str) -> dict[str, Role]:
    """Give a source's roles to another branch, passwords included."""
    return {name: role.model_copy(update={"branch_id": branch_id}) for name, role in source.roles.items()}


def renewed(known: dict[str, Role], now: datetime) -> dict[str, Role]:
    """Give the roles new passwords."""
    change = {"updated_at": now}
    return {n: r.model_copy(update=change | {"password": r.password and ids.password()}) for n, r in known.items()}


async def work(cloud: Cloud, branch: Branch, change: Callable[[Server], None]) -> None:
    """Do something on a branch's server, in a thread."""
    async with cloud.fleet.using(branch.id) as server:
        await asyncio.to_thread(change, server)


def make_database(server: Server, *, name: str, owner: str) -> None:
    """Make a database with Neon's grants on a running server."""
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        roles.create_database(conn, name, owner)
    with psycopg.connect(server.dsn(dbname=name), autocommit=True) as conn:
        roles.grant_schema(conn, owner)


def _configure(cloud: Cloud, project: Project, branch: Branch, change: Callable[[Server], None]) -> list[Operation]:
    steps: list[Step] = [("apply_config", partial(work, cloud, branch, change))]
    return cloud.schedule(project, steps, branch=branch)


def _create(name: str, password: str | None, server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        roles.create_role(conn, name, password)


def _drop(name: str, server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
