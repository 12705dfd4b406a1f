"""Connections are verified and bound to the channel, whatever the URI asks for; plaintext stays on this machine."""

import certifi
import pytest
from psycopg import conninfo

from daemon.connect import connection_details, leads_to, plain_parameters, secure_parameters

NEON = "postgresql://neondb_owner:npg_x@ep-cool-moon-12345678.eu-central-1.aws.neon.tech/neondb"


@pytest.mark.parametrize("query", ["", "?sslmode=disable", "?sslmode=prefer&channel_binding=disable"])
def test_another_machine_is_always_verified(query: str) -> None:
    found = secure_parameters(NEON + query)

    assert (found["sslmode"], found["channel_binding"], found["sslrootcert"]) == (
        "verify-full",
        "require",
        certifi.where(),
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "ep-x.localhost"])
def test_plaintext_is_for_this_machine_alone(host: str) -> None:
    assert secure_parameters(f"postgresql://a:b@{host}:5433/db")["sslmode"] == "prefer"


def test_a_loopback_name_with_another_address_is_another_machine() -> None:
    assert secure_parameters("postgresql://a:b@localhost/db?hostaddr=192.0.2.7")["sslmode"] == "verify-full"


@pytest.mark.parametrize("host", ["localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.7", "0.0.0.0"])  # noqa: S104  # a name
def test_what_only_looks_like_this_machine_is_verified(host: str) -> None:
    assert secure_parameters(f"postgresql://a:b@{host}/db")["sslmode"] == "verify-full"


def test_a_uri_leads_to_an_endpoint_by_its_host_or_its_options() -> None:
    by_option = "postgresql://a:b@localhost:5433/db?options=endpoint%3Dep-cool-moon-12345678"

    assert leads_to(NEON, "ep-cool-moon-12345678")
    assert leads_to(by_option, "ep-cool-moon-12345678")
    assert not leads_to(NEON, "ep-cool-moon-1234567")
    assert not leads_to(by_option, "ep-cool-moon-1234567")


def test_what_is_handed_out_can_be_read_back_by_libpq_and_verifies() -> None:
    uri = "postgresql://app%20user:p%40ss%2Fword@ep-cool-moon-12345678.aws.neon.tech:5432/my%20db?options=-c%20a%3Db"

    details = connection_details(uri)

    found = conninfo.conninfo_to_dict(details.uri)
    assert (found["user"], found["password"], found["dbname"]) == ("app user", "p@ss/word", "my db")
    assert found["sslmode"] == "verify-full"
    assert details.environment["PGUSER"] == "'app user'"
    assert details.environment["PGDATABASE"] == "'my db'"
    assert "p@ss" not in repr(details)


@pytest.mark.parametrize(
    ("dsn", "sslmode"),
    [
        ("host=db.example.com dbname=d", "verify-full"),
        ("host=db.example.com sslmode=disable", "disable"),
        ("postgresql://me@db.example.com/d?sslmode=require", "require"),
        ("host=localhost dbname=d", "prefer"),
        ("host=/run/postgresql dbname=d", "prefer"),
        ("dbname=d", "prefer"),
        ("service=shop", "verify-full"),
        ("host=localhost,db.example.com", "verify-full"),
        ("host=/run/postgresql,db.example.com", "verify-full"),
        ("host=/run/postgresql,localhost", "prefer"),
    ],
)
def test_a_connection_string_of_a_person_is_verified_where_it_says_nothing(dsn: str, sslmode: str) -> None:
    assert plain_parameters(dsn)["sslmode"] == sslmode


def test_a_variable_that_leads_elsewhere_is_no_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")

    assert plain_parameters("dbname=d")["sslmode"] == "verify-full"


def test_a_root_certificate_of_ones_own_is_kept() -> None:
    found = plain_parameters("host=db.example.com sslrootcert=/etc/own.pem")

    assert (found["sslmode"], found["sslrootcert"]) == ("verify-full", "/etc/own.pem")
