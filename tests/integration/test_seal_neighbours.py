"""A copy must not call production's neighbours: foreign servers, publishers, scheduled jobs."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from sanitizers.errors import SealError
from sanitizers.seal import cut_neighbours
from tests.fix_postgres import OWNER, TestDatabase

SERVER = '"The ""Neighbour"""'
SECRET = "password-at-the-neighbour"
SUBSCRIPTION = '"From ""them"""'
SUBSCRIBE = (
    f"CREATE SUBSCRIPTION {SUBSCRIPTION} CONNECTION 'host=neighbour.invalid password={SECRET}'"
    " PUBLICATION theirs WITH (connect = false, slot_name = 'kept')"
)
SUBSCRIPTIONS = "SELECT count(*) FROM pg_subscription"


def _admin(database: TestDatabase, *statements: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement)


def _count(database: TestDatabase, query: str) -> int:
    with psycopg.connect(database.admin_dsn) as conn:
        row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _cut(database: TestDatabase) -> dict[str, int]:
    with psycopg.connect(database.dsn) as conn:
        return dict(cut_neighbours(conn))


@pytest.fixture
def foreign(database: TestDatabase) -> TestDatabase:
    """A database with a foreign server of its owner, two user mappings, and a name that needs quoting."""
    _admin(
        database,
        "CREATE FOREIGN DATA WRAPPER dummy",
        f"CREATE SERVER {SERVER} FOREIGN DATA WRAPPER dummy",
        f"ALTER SERVER {SERVER} OWNER TO {OWNER}",
        f"CREATE USER MAPPING FOR {OWNER} SERVER {SERVER} OPTIONS (password '{SECRET}')",
        f"CREATE USER MAPPING FOR PUBLIC SERVER {SERVER} OPTIONS (user 'everyone')",
    )
    return database


@pytest.fixture
def subscribed(database: TestDatabase) -> Iterator[TestDatabase]:
    """A database with an enabled subscription of its owner; the publisher's host does not exist."""
    _admin(
        database,
        f"GRANT CREATE ON DATABASE {database.name} TO {OWNER}",
        SUBSCRIBE,
        f"ALTER SUBSCRIPTION {SUBSCRIPTION} OWNER TO {OWNER}",
        f"ALTER SUBSCRIPTION {SUBSCRIPTION} ENABLE",
    )
    yield database
    if _count(database, SUBSCRIPTIONS):  # a database that has one cannot be dropped
        _admin(
            database,
            f"ALTER SUBSCRIPTION {SUBSCRIPTION} DISABLE",
            f"ALTER SUBSCRIPTION {SUBSCRIPTION} SET (slot_name = NONE)",
            f"DROP SUBSCRIPTION {SUBSCRIPTION}",
        )


@pytest.fixture
def cron(database: TestDatabase) -> TestDatabase:
    """A database with a table like pg_cron's; the extension itself is not in the wheel."""
    _admin(
        database,
        "CREATE SCHEMA cron",
        "CREATE TABLE cron.job (jobid int PRIMARY KEY, username text, active boolean NOT NULL)",
        "INSERT INTO cron.job VALUES (1, 'neondb_owner', true), (2, 'neondb_owner', false), (3, 'other', true)",
        f"GRANT USAGE ON SCHEMA cron TO {OWNER}",
        f"GRANT SELECT, UPDATE ON cron.job TO {OWNER}",
    )
    return database


def test_nothing_to_cut_is_no_error(database: TestDatabase) -> None:
    assert _cut(database) == {}


def test_user_mappings_are_dropped_and_the_foreign_server_stays(foreign: TestDatabase) -> None:
    assert _cut(foreign) == {"user mappings": 2}
    assert _count(foreign, "SELECT count(*) FROM pg_user_mapping") == 0
    assert _count(foreign, "SELECT count(*) FROM pg_foreign_server") == 1
    assert _cut(foreign) == {}


def test_a_mapping_that_the_owner_may_not_drop_is_refused_by_name(foreign: TestDatabase) -> None:
    _admin(foreign, 'ALTER SERVER "The ""Neighbour""" OWNER TO cloud_admin')

    with pytest.raises(SealError) as error:
        _cut(foreign)

    assert 'The "Neighbour"' in str(error.value)
    assert "password" not in str(error.value)


def test_subscriptions_are_dropped_without_a_word_to_the_publisher(subscribed: TestDatabase) -> None:
    assert _cut(subscribed) == {"subscriptions": 1}
    assert _count(subscribed, SUBSCRIPTIONS) == 0


def test_a_subscription_of_the_superuser_is_refused(subscribed: TestDatabase) -> None:
    _admin(subscribed, f"ALTER SUBSCRIPTION {SUBSCRIPTION} OWNER TO cloud_admin")

    with pytest.raises(SealError, match="subscription") as error:
        _cut(subscribed)

    assert SECRET not in str(error.value)


def test_a_subscription_of_another_database_is_left_to_its_own_seal(
    subscribed: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    assert _cut(make_database()) == {}
    assert _count(subscribed, SUBSCRIPTIONS) == 1


def test_scheduled_jobs_are_stopped_and_kept(cron: TestDatabase) -> None:
    assert _cut(cron) == {"cron jobs": 2}
    assert _count(cron, "SELECT count(*) FROM cron.job WHERE active") == 0
    assert _count(cron, "SELECT count(*) FROM cron.job") == 3


def test_jobs_of_others_that_row_security_hides_are_seen_where_the_role_passes_it(cron: TestDatabase) -> None:
    _admin(
        cron,
        "ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON cron.job USING (username = CURRENT_USER)",
    )

    assert _cut(cron) == {"cron jobs": 2}


def test_jobs_that_may_not_be_stopped_are_refused(cron: TestDatabase) -> None:
    _admin(
        cron,
        "CREATE FUNCTION cron.keep() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN NEW.active := true; RETURN NEW; END $$",
        "CREATE TRIGGER keep BEFORE UPDATE ON cron.job FOR EACH ROW EXECUTE FUNCTION cron.keep()",
    )

    with pytest.raises(SealError, match="unschedule them on production"):
        _cut(cron)


def test_a_jobs_table_that_refuses_every_change_is_refused_with_its_code(cron: TestDatabase) -> None:
    _admin(
        cron,
        "CREATE FUNCTION cron.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a value'; END $$",
        "CREATE TRIGGER no BEFORE UPDATE ON cron.job FOR EACH ROW EXECUTE FUNCTION cron.no()",
    )

    with pytest.raises(SealError, match="SQLSTATE P0001") as error:
        _cut(cron)

    assert "a value" not in str(error.value)
