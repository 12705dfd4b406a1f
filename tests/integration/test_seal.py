"""Who may connect before, during and after the seal; real Postgres, and an owner who is no superuser, as on Neon."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from emulator import roles
from emulator.postgres import Server
from sanitizers.errors import SealError
from sanitizers.seal import (
    ConnectGrant,
    read_connect_grants,
    remove_passwords,
    seal_database,
    unseal_database,
    unsealed_databases,
)
from tests.fix_postgres import OWNER, TestDatabase

PASSWORD = "inherited-from-production"
ODD = ('Ann "the Quote" O\'Neil', "Ωμέγα роль", "select", "a%s{}\\b")
PLATFORM = ("cloud_admin", "neon_superuser")

MakeRole = Callable[..., str]


@pytest.fixture
def make_role(postgres: Server) -> Iterator[MakeRole]:
    """Make roles that log in, as the superuser or as neondb_owner; must be asked for before any database."""
    made: list[str] = []

    def make(name: str, by: str | None = None, options: str = "LOGIN") -> str:
        statement = sql.SQL("CREATE ROLE {} {} PASSWORD {}").format(
            sql.Identifier(name), sql.SQL(options), sql.Literal(PASSWORD)
        )
        with psycopg.connect(by or postgres.dsn(), autocommit=True) as conn:
            conn.execute(statement)
        made.append(name)
        return name

    yield make
    with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
        for name in made:
            conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def place(make_role: MakeRole, make_database: Callable[[], TestDatabase]) -> TestDatabase:
    """A database that is dropped before the roles are: the order of the arguments sees to it."""
    return make_database()


def _opens(place: TestDatabase, role: str) -> bool:
    try:
        psycopg.connect(place.server.dsn(user=role, password=PASSWORD, dbname=place.name)).close()
    except psycopg.OperationalError as error:
        return not ("permission denied for database" in str(error) or "password authentication failed" in str(error))
    return True


def _admin(place: TestDatabase, statement: str, *names: str) -> None:
    with psycopg.connect(place.admin_dsn, autocommit=True) as conn:
        conn.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _acl(place: TestDatabase) -> set[ConnectGrant]:
    with psycopg.connect(place.dsn) as conn:
        return set(read_connect_grants(conn))


def _seal(place: TestDatabase, *run_roles: str) -> tuple[ConnectGrant, ...]:
    with psycopg.connect(place.dsn) as conn:
        return seal_database(conn, (OWNER, *run_roles), PLATFORM)


def _unseal(place: TestDatabase, grants: tuple[ConnectGrant, ...], *run_roles: str) -> None:
    with psycopg.connect(place.dsn) as conn:
        unseal_database(conn, grants, (OWNER, *run_roles))


def test_public_is_shut_out_while_sealed_and_let_in_afterwards(make_role: MakeRole, place: TestDatabase) -> None:
    role = make_role("seal_visitor")
    before = _acl(place)
    assert _opens(place, role)

    grants = _seal(place)
    assert not _opens(place, role)
    _unseal(place, grants)

    assert _opens(place, role)
    assert _acl(place) == before
    assert ConnectGrant("public", grantable=False) in before


@pytest.mark.parametrize("name", ODD)
def test_names_of_any_kind_are_shut_out_and_let_in(make_role: MakeRole, place: TestDatabase, name: str) -> None:
    make_role(name)
    _admin(place, "REVOKE CONNECT ON DATABASE {} FROM PUBLIC", place.name)
    _admin(place, "GRANT CONNECT ON DATABASE {} TO {}", place.name, name)
    before = _acl(place)

    grants = _seal(place)
    assert not _opens(place, name)
    _unseal(place, grants)

    assert _opens(place, name)
    assert _acl(place) == before


def test_a_database_of_an_odd_name_is_sealed(
    postgres: Server, make_role: MakeRole, place: TestDatabase, owner_password: str
) -> None:
    role, name = make_role("seal_odd"), 'odd "db" Ωμέγα'
    odd = TestDatabase(postgres, name, owner_password)
    with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
        roles.create_database(conn, name, OWNER)
    try:
        grants = _seal(odd)
        assert not _opens(odd, role)
        _unseal(odd, grants)
        assert _opens(odd, role)
    finally:
        with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def test_grant_options_and_what_was_granted_with_them_come_back(make_role: MakeRole, place: TestDatabase) -> None:
    first, second, never = make_role("seal_first"), make_role("seal_second"), make_role("seal_never")
    _admin(place, "REVOKE CONNECT ON DATABASE {} FROM PUBLIC", place.name)
    _admin(place, "GRANT CONNECT ON DATABASE {} TO {} WITH GRANT OPTION", place.name, first)
    with psycopg.connect(place.server.dsn(user=first, password=PASSWORD, dbname=place.name)) as conn:
        conn.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO seal_second").format(sql.Identifier(place.name)))
    before = _acl(place)

    grants = _seal(place)
    sealed = [_opens(place, role) for role in (first, second, never)]
    _unseal(place, grants)

    assert sealed == [False, False, False]
    assert [_opens(place, role) for role in (first, second, never)] == [True, True, False]
    assert _acl(place) == before


def test_the_roles_of_the_run_get_in_while_sealed_and_lose_it_if_they_had_it_not(
    make_role: MakeRole, place: TestDatabase
) -> None:
    role = make_role("seal_worker")
    _admin(place, "REVOKE CONNECT ON DATABASE {} FROM PUBLIC", place.name)
    before = _acl(place)

    grants = _seal(place, role)
    assert _opens(place, role)
    _unseal(place, grants, role)

    assert not _opens(place, role)
    assert _acl(place) == before


def test_lifting_the_seal_twice_changes_nothing(make_role: MakeRole, place: TestDatabase) -> None:
    role = make_role("seal_twice")
    _admin(place, "GRANT CONNECT ON DATABASE {} TO {} WITH GRANT OPTION", place.name, role)
    before = _acl(place)
    grants = _seal(place)
    _unseal(place, grants)

    _unseal(place, grants)

    assert _acl(place) == before


def test_sealing_twice_gives_nothing_back_by_mistake(make_role: MakeRole, place: TestDatabase) -> None:
    role = make_role("seal_again")
    _seal(place)

    grants = _seal(place)
    _unseal(place, grants)

    assert not _opens(place, role)


@pytest.mark.parametrize("options", ["LOGIN", "LOGIN INHERIT"])
def test_a_member_of_the_owner_could_still_connect_so_the_seal_is_refused_by_name(
    make_role: MakeRole, place: TestDatabase, options: str
) -> None:
    member, other = make_role('seal "member"', options=options), make_role("seal_other")
    _admin(place, "GRANT {} TO {}", OWNER, member)
    before = _acl(place)

    with pytest.raises(SealError) as error:
        _seal(place)

    assert member in str(error.value)
    assert other not in str(error.value)
    assert place.name in str(error.value)
    assert _acl(place) == before


def test_a_member_that_does_not_inherit_cannot_connect_and_is_no_obstacle(
    make_role: MakeRole, place: TestDatabase
) -> None:
    member = make_role("seal_heirless", options="LOGIN NOINHERIT")
    _admin(place, "GRANT {} TO {} WITH INHERIT FALSE", OWNER, member)

    _seal(place)

    assert not _opens(place, member)


def test_open_sessions_of_others_end_with_the_seal(make_role: MakeRole, place: TestDatabase) -> None:
    role = make_role("seal_session")
    with psycopg.connect(place.server.dsn(user=role, password=PASSWORD, dbname=place.name)) as session:
        session.execute("SELECT 1")
        session.commit()

        _seal(place)

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_passwords_are_removed_where_the_owner_may(make_role: MakeRole, place: TestDatabase) -> None:
    made = [make_role(f"{name} own", by=place.dsn) for name in ODD]
    foreign = make_role("seal_foreign")

    with psycopg.connect(place.dsn) as conn:
        refused = remove_passwords(conn, (OWNER,))

    assert set(refused) & {*made, foreign} == {foreign}
    assert [_opens(place, role) for role in made] == [False] * len(made)
    assert _opens(place, foreign)


def test_a_role_that_may_do_it_removes_what_the_first_was_refused(make_role: MakeRole, place: TestDatabase) -> None:
    foreign, maker = (
        make_role("seal_refused"),
        make_role("seal_maker", options="LOGIN CREATEROLE IN ROLE neon_superuser"),
    )
    _admin(place, "GRANT {} TO {} WITH ADMIN OPTION", foreign, maker)

    with psycopg.connect(place.server.dsn(user=maker, password=PASSWORD, dbname=place.name)) as conn:
        refused = remove_passwords(conn, (OWNER, maker))

    assert foreign not in refused
    assert not _opens(place, foreign)


def test_passwords_of_the_roles_that_are_named_stay(make_role: MakeRole, place: TestDatabase) -> None:
    role = make_role("seal_named", by=place.dsn)

    with psycopg.connect(place.dsn) as conn:
        remove_passwords(conn, (OWNER, role))

    assert _opens(place, role)


def test_databases_that_were_left_out_are_listed(
    make_database: Callable[[], TestDatabase], place: TestDatabase
) -> None:
    other = make_database()

    with psycopg.connect(place.dsn) as conn:
        left = unsealed_databases(conn, (place.name,))

    assert other.name in left
    assert place.name not in left
    assert "postgres" not in left
