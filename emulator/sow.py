"""Turns a seed into a project with data, by the same road as the API: nothing that Neon would refuse gets in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from emulator import branches, ids, logins, roles
from emulator.cloud import Cloud
from emulator.errors import ApiError, PostgresError, SeedError
from emulator.postgres import Server
from emulator.seed import Seed, SeedBranch, SeedDatabase
from emulator.state import Branch, Database, Endpoint, Project, Role

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Sowing:
    """One seed on its way into the cloud."""

    cloud: Cloud
    seed: Seed
    folder: Path
    tell: Tell

    async def run(self) -> Project:
        """Make the project; raises SeedError."""
        project = self._project()
        for plan in self.seed.branches:
            self.tell(f"branch {plan.name}")
            try:
                branch = await self._branch(project, plan)
            except ApiError as error:
                raise SeedError(f"The seed's branch {plan.name} is refused: {error.message}.") from error
            branch.logical_size = await self.cloud.fleet.size(branch.id)
        await self.cloud.fleet.stop_all()
        for branch, plan in zip(project.branches.values(), self.seed.branches, strict=True):
            self._backdate(project, branch, plan)
            _flag(project, branch, plan)
        self.cloud.state.seeded = True
        self.cloud.save()
        return project

    def _project(self) -> Project:
        plan, now = self.seed.project, self.cloud.now
        fields = plan.model_dump(exclude={"created", "id"})
        born = now - plan.created
        name = plan.id or ids.project_id()
        project = Project(**fields, id=name, created_at=born, updated_at=born, org_id=self.cloud.state.org_id)
        self.cloud.state.projects[name] = project
        return project

    async def _branch(self, project: Project, plan: SeedBranch) -> Branch:
        if plan.parent is None:
            branch = await self._root(project, plan)
        else:
            branch = self._child(project, plan, plan.parent)
            await self.cloud.settle()
            _check_operations(project, branch)
        if any(d.sql for d in plan.databases):
            await self._fill(branch, plan)
        return branch

    async def _root(self, project: Project, plan: SeedBranch) -> Branch:
        now, name = self.cloud.now, ids.branch_id()
        branch = Branch(
            id=name,
            project_id=project.id,
            name=plan.name,
            initial=True,
            default=True,
            primary=True,
            state_changed_at=now,
            created_at=now,
            updated_at=now,
            created_by={"name": "emulator"},
            annotation=plan.annotation_at(now),
        )
        project.branches[name] = branch
        self._add_roles(branch, plan)
        self._add_databases(branch, plan)
        self.cloud.fleet.enrol(name, project.pg_version, history=True)
        await self.cloud.fleet.create_empty(name)
        await logins.work(self.cloud, branch, partial(_build, branch))
        if plan.endpoint:
            self.cloud.new_endpoint(branch)
        return branch

    def _child(self, project: Project, plan: SeedBranch, parent: str) -> Branch:
        order = branches.Order(
            parent_id=next(b.id for b in project.branches.values() if b.name == parent),
            name=plan.name,
            init_source=plan.init_source,
            endpoints=("read_write",) if plan.endpoint else (),
            annotation=plan.annotation_at(self.cloud.now),
        )
        return branches.create(self.cloud, project, order).branch

    def _add_roles(self, branch: Branch, plan: SeedBranch) -> None:
        now = self.cloud.now
        for name in plan.roles:
            branch.roles[name] = Role(
                branch_id=branch.id, name=name, password=ids.password(), created_at=now, updated_at=now
            )

    def _add_databases(self, branch: Branch, plan: SeedBranch) -> None:
        now = self.cloud.now
        for database in plan.databases:
            if database.owner not in branch.roles:
                raise SeedError(
                    f"The seed's database {database.name} belongs to {database.owner}, no role of its branch."
                )
            branch.databases[database.name] = Database(
                id=self.cloud.state.database_id(),
                branch_id=branch.id,
                name=database.name,
                owner_name=database.owner,
                created_at=now,
                updated_at=now,
            )

    async def _fill(self, branch: Branch, plan: SeedBranch) -> None:
        async with self.cloud.fleet.using(branch.id) as server:
            for database in plan.databases:
                if database.name not in branch.databases:
                    raise SeedError(
                        f"The seed's branch {plan.name} has no database {database.name}: its parent has none."
                    )
                await asyncio.to_thread(self._run_files, server, branch, database)

    def _run_files(self, server: Server, branch: Branch, database: SeedDatabase) -> None:
        owner = branch.roles[branch.databases[database.name].owner_name]
        for name in database.sql:
            try:
                server.binaries.run(
                    "psql",
                    "--no-psqlrc",
                    "--quiet",
                    "--output=/dev/null",
                    "--file=-",  # unlike plain stdin this names the line of an error
                    "--set=ON_ERROR_STOP=1",
                    "--set=VERBOSITY=terse",
                    f"--dbname={server.dsn(user=owner.name, dbname=database.name)}",
                    script=(self.folder / name).read_text(encoding="utf-8"),
                    password=owner.password,
                )
            except PostgresError as error:
                raise SeedError(f"The seed's file {name} fails: {str(error).replace('<stdin>', name)}") from error

    def _backdate(self, project: Project, branch: Branch, plan: SeedBranch) -> None:
        now = self.cloud.now
        born = now - plan.created
        branch.created_at = branch.updated_at = branch.state_changed_at = born
        if branch.parent_id is not None:
            branch.parent_timestamp = born
        things: list[Role | Database | Endpoint] = [*branch.roles.values(), *branch.databases.values()]
        for thing in [*things, *project.endpoints_of(branch.id)]:
            thing.created_at = thing.updated_at = born
        if plan.reset is not None:
            branch.last_reset_at = branch.updated_at = branch.parent_timestamp = now - plan.reset
        for endpoint in project.endpoints_of(branch.id):
            endpoint.started_at = born
            endpoint.last_active = endpoint.suspended_at = now - (
                plan.created if plan.last_active is None else plan.last_active
            )
        if plan.expires is not None:
            branch.expires_at = (now + plan.expires).replace(microsecond=0)
            branch.ttl_interval_seconds = round((plan.expires + plan.created).total_seconds())


def _build(branch: Branch, server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        for role in branch.roles.values():
            roles.create_role(conn, role.name, role.password)
    for database in branch.databases.values():
        logins.make_database(server, name=database.name, owner=database.owner_name)


def _check_operations(project: Project, branch: Branch) -> None:
    for operation in project.operations.values():
        if operation.branch_id == branch.id and operation.error:
            raise SeedError(f"The seed's branch {branch.name} cannot be made: {operation.error}")


def _flag(project: Project, branch: Branch, plan: SeedBranch) -> None:
    branch.default = branch.primary = plan.default
    branches.protect(branch, protected=plan.protected)
    if plan.expires is not None and (plan.default or plan.protected or project.children(branch.id)):
        raise SeedError(f"The seed's branch {branch.name} expires, so it cannot be default, protected or a parent.")
