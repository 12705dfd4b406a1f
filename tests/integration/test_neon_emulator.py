"""The client against the emulated Neon: real answers, real operations, real passwords."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from daemon.errors import ConflictError, GoneError, NotFoundError, ObserveModeError, RefusedError, WrongKeyError
from daemon.lineage import classify
from daemon.model import Branch, DataClass
from daemon.neon import BranchChange, CreateBranch, Created, Login, NeonAccess, NeonClient
from daemon.passwords import PasswordCache, compare_passwords
from emulator.server import Emulator
from tests.builders import ledger_entry

pytestmark = pytest.mark.postgres


@pytest.fixture
def client(neon: Emulator) -> Iterator[NeonClient]:
    with NeonClient(NeonAccess(neon.base_url, neon.api_key, enforce=True)) as opened:
        yield opened


@pytest.fixture
def project(neon: Emulator) -> str:
    return neon.project_ids[0]


def _default(client: NeonClient, project: str) -> Branch:
    return next(branch for branch in client.list_branches(project) if branch.default)


def _create(client: NeonClient, order: CreateBranch) -> Created:
    created = client.create_branch(order)
    client.wait_for(order.project_id, created.operations)
    return created


def test_a_branch_lives_from_create_to_delete(client: NeonClient, project: str) -> None:
    expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    order = CreateBranch(
        project, "dev/alice", _default(client, project).id, expires_at=expiry, annotation={"owner": "Ada"}
    )

    branch_id = _create(client, order).branch.id
    born = client.get_branch(project, branch_id)
    client.wait_for(project, client.update_branch(project, branch_id, BranchChange(name="dev/ada", expires_at=None)))
    changed = client.get_branch(project, branch_id)
    client.wait_for(project, client.delete_branch(project, branch_id))

    assert (born.name, born.expires_at, dict(born.annotation)) == ("dev/alice", expiry, {"owner": "Ada"})
    assert (changed.name, changed.expires_at) == ("dev/ada", None)
    assert client.delete_branch(project, branch_id) == ()
    with pytest.raises(GoneError):
        client.get_branch(project, branch_id)


def test_a_change_that_meets_running_operations_is_tried_until_they_end(client: NeonClient, project: str) -> None:
    production = _default(client, project).id

    first = client.create_branch(CreateBranch(project, "one", production))
    second = client.create_branch(CreateBranch(project, "two", production))

    client.wait_for(project, (*first.operations, *second.operations))
    assert {"one", "two"} <= {branch.name for branch in client.list_branches(project)}
    assert client.list_running(project) == ()


def test_a_listing_is_whole_and_says_what_each_branch_holds(client: NeonClient, project: str) -> None:
    production = _default(client, project).id
    _create(client, CreateBranch(project, "dev/alice", production))
    _create(client, CreateBranch(project, "shell", production, init_source="schema-only"))

    listing = client.list_project(project, datetime.now(UTC))

    found = classify(listing.branches, (), [production], ())
    assert {
        _default(client, project).name: DataClass.PRODUCTION,
        "dev/alice": DataClass.RAW,
        "shell": DataClass.UNKNOWN,
    } == {branch.name: found[branch.id].data_class for branch in listing.branches}
    assert len(listing.endpoints) == 3
    assert listing.project.id == project


def test_the_uri_opens_the_database_and_a_reset_password_closes_it(client: NeonClient, project: str) -> None:
    branch = _create(client, CreateBranch(project, "dev/alice", _default(client, project).id)).branch
    role, database = client.list_roles(project, branch.id)[0].name, client.list_databases(project, branch.id)[0].name
    login = Login(branch.id, database, role)

    before = client.connection_uri(project, login)
    with psycopg.connect(before) as connection:
        user = connection.execute("SELECT current_user").fetchone()
    fresh = client.reset_password(project, branch.id, role)

    assert user == (role,)
    assert client.reveal_password(project, branch.id, role) == fresh
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(before)
    with psycopg.connect(client.connection_uri(project, login)):
        pass


def test_the_schema_comes_as_sql_and_as_tables(client: NeonClient, project: str) -> None:
    production = _default(client, project)
    database, role = (
        client.list_databases(project, production.id)[0].name,
        client.list_roles(project, production.id)[0].name,
    )
    with psycopg.connect(client.connection_uri(project, Login(production.id, database, role))) as connection:
        connection.execute(
            "CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE, boss int REFERENCES people)"
        )

    (table,) = client.schema_json(project, production.id, database)

    assert [(c.name, c.nullable) for c in table.columns] == [("id", False), ("email", False), ("boss", True)]
    assert {"primary_key", "unique", "foreign_key"} == {constraint.kind for constraint in table.constraints}
    assert "CREATE TABLE public.people" in client.schema_sql(project, production.id, database)


def test_a_child_keeps_the_password_of_an_unprotected_parent_until_it_is_reset(
    client: NeonClient, project: str
) -> None:
    branch = _create(client, CreateBranch(project, "dev/alice", _default(client, project).id)).branch
    role = client.list_roles(project, branch.id)[0].name

    def shared(cache: PasswordCache) -> tuple[set[str], PasswordCache]:
        listing = client.list_project(project, datetime.now(UTC))
        check = compare_passwords(client, listing, classify(listing.branches, (), (), ()), cache)
        return set(check.shared), check.cache

    before, cache = shared(PasswordCache.new())
    client.reset_password(project, branch.id, role)
    after, _ = shared(cache)

    assert (before, after) == ({branch.id}, set())


def _restore(neon: Emulator, branch: Branch, source: Branch, **more: str) -> None:
    """As a person does it in the console: the daemon itself restores nothing."""
    httpx.post(
        f"{neon.base_url}/projects/{branch.project_id}/branches/{branch.id}/restore",
        headers={"Authorization": f"Bearer {neon.api_key}"},
        json={"source_branch_id": source.id, **more},
    ).raise_for_status()


def test_a_restore_changes_what_a_branch_holds(neon: Emulator, client: NeonClient, project: str) -> None:
    production = _default(client, project)
    staging = _create(client, CreateBranch(project, "staging", production.id, init_source="schema-only")).branch
    dev = _create(client, CreateBranch(project, "dev/alice", production.id)).branch
    proof = ledger_entry(project_id=project, branch_id=staging.id, verified_at=datetime.now(UTC))
    time.sleep(1.1)  # Neon's times are whole seconds: a copy in the second of the proof counts as before it

    def held() -> dict[str, DataClass]:
        wait_until(lambda: client.list_running(project) == ())
        branches = client.list_branches(project)
        found = classify(branches, [proof], [production.id], ())
        return {branch.name: found[branch.id].data_class for branch in branches if branch.id != production.id}

    before = held()
    _restore(neon, dev, staging)
    cleaned = held()
    _restore(neon, staging, production, preserve_under_name="staging-before")
    spoiled = held()

    assert before == {"staging": DataClass.SANITIZED, "dev/alice": DataClass.RAW}
    assert cleaned == {"staging": DataClass.SANITIZED, "dev/alice": DataClass.SANITIZED}
    # Neon moves the child to the kept copy, of which the ledger knows nothing.
    assert spoiled == {
        "staging": DataClass.RAW,
        "staging-before": DataClass.UNKNOWN,
        "dev/alice": DataClass.UNKNOWN,
    }


def wait_until(done: Callable[[], bool]) -> None:
    """Ask every tenth of a second, for ten seconds at most."""
    for _ in range(100):
        if done():
            return
        time.sleep(0.1)
    pytest.fail("it did not come about in ten seconds")


def test_a_compute_can_be_disabled_and_allowed_again(client: NeonClient, project: str) -> None:
    (endpoint,) = client.list_endpoints(project, _default(client, project).id)

    client.wait_for(project, client.disable_endpoint(project, endpoint.id, disabled=True))
    disabled = client.list_endpoints(project)[0].disabled
    client.wait_for(project, client.disable_endpoint(project, endpoint.id, disabled=False))
    client.wait_for(project, client.start_endpoint(project, endpoint.id))

    assert (disabled, client.list_endpoints(project)[0].disabled) == (True, False)
    assert client.list_endpoints(project)[0].state == "active"


def test_refusals_come_with_neons_own_words(client: NeonClient, project: str) -> None:
    production = _default(client, project)
    _create(client, CreateBranch(project, "dev/alice", production.id))

    with pytest.raises(ConflictError):
        client.create_branch(CreateBranch(project, "dev/alice", production.id))
    with pytest.raises(RefusedError):
        client.delete_branch(project, production.id)


def test_a_wrong_key_and_a_wrong_project_are_told_apart(neon: Emulator, client: NeonClient) -> None:
    with NeonClient(NeonAccess(neon.base_url, "napi_wrong", enforce=False)) as stranger, pytest.raises(WrongKeyError):
        stranger.auth()
    with pytest.raises(NotFoundError, match="project no-such-project-1 not found"):
        client.list_project("no-such-project-1", datetime.now(UTC))


def test_observe_mode_leaves_the_project_as_it_is(neon: Emulator, project: str) -> None:
    with NeonClient(NeonAccess(neon.base_url, neon.api_key, enforce=False)) as watcher:
        before = watcher.list_branches(project)

        with pytest.raises(ObserveModeError):
            watcher.create_branch(CreateBranch(project, "x"))

        assert before == watcher.list_branches(project)


def test_the_key_is_of_a_kind_and_sees_its_projects(neon: Emulator, client: NeonClient) -> None:
    assert "key" in client.auth().kind
    assert set(neon.project_ids) <= {project.id for project in client.list_projects()}
