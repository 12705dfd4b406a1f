"""A whole proof on real Postgres: every road of the registry, in a clean room and in place, planted and clean."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from threading import Event

import psycopg
import pytest
from psycopg import sql

from sanitizers.errors import CopyFailedError
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import ALL_ROADS, Found, Site, Status, look_down
from sanitizers.proof.roads.passwords import Passwords
from sanitizers.proof.survey import SurveyRun, survey_database
from sanitizers.proof.witness import WitnessRun, witness_database
from sanitizers.track import Track
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import HARD_SCHEMA, KEY, PEOPLE, Case, connector, make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, name text, email text UNIQUE, zip text, sex text,
  words tsvector, mail text GENERATED ALWAYS AS (lower(email)) STORED);
CREATE TABLE notes (id int PRIMARY KEY, body text);
CREATE MATERIALIZED VIEW addresses AS SELECT email FROM customers;
INSERT INTO customers (id, name, email, zip, sex) SELECT n, 'Theodora Papadimitriou' || n,
  'theodora' || n || '@corp-mail.gr', '70' || n % 3, CASE WHEN n % 2 = 0 THEN 'f' ELSE 'm' END
  FROM generate_series(1, 30) n;
INSERT INTO notes SELECT n, 'nothing to see ' || n FROM generate_series(1, 30) n;
REFRESH MATERIALIZED VIEW addresses;
ANALYZE;
"""
MASKED = {"public.customers.name": "full_name", "public.customers.email": "email"}
CANARY = "theodora7@corp-mail.gr"


@pytest.fixture
def shop(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


def statuses(proof: DatabaseProof) -> dict[str, Status]:
    return {road.road: road.status for road in proof.roads}


def failed(proof: DatabaseProof) -> set[str]:
    return {name for name, status in statuses(proof).items() if status is Status.FAIL}


def test_every_road_but_the_slow_ones_passes_on_a_clean_copy(shop: Case) -> None:
    proof = shop.verify(roads=ALL_ROADS)

    expected = {road.name: Status.PASS for road in ALL_ROADS if not road.full_only}
    assert statuses(proof) == expected
    assert proof.clean


def test_every_road_passes_on_a_clean_copy_of_a_hard_schema_too(make_database: MakeDatabase) -> None:
    case = make_case(make_database, HARD_SCHEMA.read_text(encoding="utf-8"), PEOPLE)
    case.copy()

    proof = case.verify(roads=ALL_ROADS, full=True)

    assert proof.problems == ()
    assert [road.road for road in proof.roads] == [road.name for road in ALL_ROADS]


def test_a_database_that_was_masked_in_place_says_what_it_could_not_compare(database: TestDatabase) -> None:
    case = make_rewrite_case(database, SHOP, MASKED)
    proofs: list[DatabaseProof] = []
    with witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness:
        case.rewrite(look=witness.look, prove=lambda: proofs.append(witness.judge()))

    found = statuses(proofs[0])

    assert proofs[0].problems == ()
    assert {name for name, status in found.items() if status is Status.UNKNOWN} == {"passwords"}
    assert found["containment"] is found["same-key"] is Status.PASS
    assert found["columns"] is found["statistics"] is found["shape"] is found["matviews"] is Status.PASS


@pytest.mark.parametrize(
    ("plant", "road"),
    [
        (f"INSERT INTO notes VALUES (31, '{CANARY}')", "columns"),
        (f"UPDATE notes SET body = 'call {CANARY} today' WHERE id = 3", "containment"),
        ("UPDATE customers SET email = 'theodora' || id || '@corp-mail.gr' WHERE id < 9", "same-key"),
        (f"UPDATE customers SET words = to_tsvector('simple', '{CANARY}') WHERE id = 3", "generated"),
        (f"UPDATE customers SET email = '{CANARY}' WHERE id = 7", "generated"),
        (f"COMMENT ON TABLE notes IS 'ask {CANARY}'", "definitions"),
        (f"ALTER TABLE notes ALTER body SET DEFAULT '{CANARY}'", "definitions"),
        (f"ALTER TABLE notes ADD CHECK (body <> '{CANARY}')", "definitions"),
        (f"CREATE INDEX planted ON notes (id) WHERE body = '{CANARY}'", "definitions"),
        (f"CREATE POLICY planted ON notes USING (body = '{CANARY}')", "definitions"),
        (f"CREATE TYPE planted AS ENUM ('{CANARY}')", "definitions"),
        ("SELECT lo_from_bytea(0, 'hello')", "large-objects"),
        ("UPDATE customers SET zip = zip", "pages"),
        ("UPDATE customers SET name = 'call anna.real@gmail.com' WHERE id = 3", "detectors"),
        ("CREATE TABLE _pynonymizer_seed_fake_data (id int)", "leftovers"),
        (f"COMMENT ON TABLE notes IS 'key {KEY.hex()}'", "key"),
        ("DELETE FROM notes WHERE id = 1", "shape"),
    ],
)
def test_what_is_planted_on_a_road_fails_that_road_and_is_never_quoted(shop: Case, plant: str, road: str) -> None:
    shop.execute(plant)

    proof = shop.verify(roads=ALL_ROADS)

    assert road in failed(proof)
    assert not proof.clean
    said = json.dumps(asdict(proof)).lower()
    assert "theodora7" not in said
    assert "anna.real" not in said


def test_originals_that_statistics_and_matviews_still_hold_are_found(shop: Case) -> None:
    """As after an UPDATE without ANALYZE: planted by statistics of rows that are gone."""
    shop.execute(
        f"""CREATE TABLE gone AS SELECT 1 AS id, '{CANARY}'::text AS body FROM generate_series(1, 30); ANALYZE gone;
        CREATE MATERIALIZED VIEW planted AS SELECT * FROM gone; TRUNCATE gone"""
    )

    proof = shop.verify(roads=ALL_ROADS)

    assert {"statistics", "matviews"} <= failed(proof)
    assert "columns" not in failed(proof)


def test_a_sequence_that_is_behind_its_column_fails_its_road(make_database: MakeDatabase) -> None:
    case = make_case(make_database, SHOP + "CREATE TABLE bills (id serial PRIMARY KEY, n int);", MASKED)
    case.execute("INSERT INTO bills (n) SELECT 1 FROM generate_series(1, 5)", of=case.source)
    case.copy()
    case.execute("SELECT setval('bills_id_seq', 1)")

    assert "sequences" in failed(case.verify(roads=ALL_ROADS))


def test_the_masking_key_in_a_row_is_found_where_everything_is_looked_at(shop: Case) -> None:
    shop.execute(f"INSERT INTO notes VALUES (31, 'it is {KEY.hex().upper()}, keep it')")

    assert "key" in failed(shop.verify(roads=ALL_ROADS, full=True))


def test_declared_quasi_identifiers_are_counted_by_group(make_database: MakeDatabase) -> None:
    rule = {"match": "customers", "quasi_identifiers": [["zip", "sex"], ["sex"]]}
    case = make_case(make_database, SHOP, MASKED)
    table = next(t for t in case.plan.tables if t.table.name == "customers")
    object.__setattr__(table, "rule", type(table.rule).model_validate(rule))
    case.copy()

    first, second = case.verify().groups

    assert (first.rows, first.groups, first.smallest, first.rows_in_small_groups) == (30, 6, 5, 0)
    assert (second.groups, second.smallest) == (2, 15)


def test_what_could_not_be_counted_beside_the_roads_is_told(make_database: MakeDatabase) -> None:
    rule = {"match": "customers", "quasi_identifiers": [["zip", "sex"]]}
    case = make_case(make_database, SHOP, MASKED)
    table = next(t for t in case.plan.tables if t.table.name == "customers")
    object.__setattr__(table, "rule", type(table.rule).model_validate(rule))
    case.copy()
    case.execute("ALTER TABLE customers DROP zip, DROP name")

    proof = survey_database(SurveyRun(connector(case.target), connector(case.source), case.plan, KEY), lambda _: None)

    refused = f"of {case.plan.database}: the server refused it (UndefinedColumn, SQLSTATE 42703)"
    assert (proof.groups, proof.kept) == ((), ())
    assert proof.uncounted == (
        f"values that the policy keeps on purpose, and columns that nothing was masked of {refused}",
        f"k-anonymity of the declared columns {refused}",
    )
    assert f"not looked at: {proof.uncounted[1]}" in proof.remarks


def test_fidelity_stands_beside_the_roads(shop: Case) -> None:
    fidelity = shop.verify().fidelity

    assert fidelity is not None
    email = next(c for c in fidelity.columns if c.column == "public.customers.email")
    assert email.source is not None
    assert (email.target.rows, email.source.rows) == (30, 30)


def test_a_role_with_the_sources_password_on_another_server_fails_its_road(
    make_database_on: Callable[[int], TestDatabase],
) -> None:
    here, there = make_database_on(16), make_database_on(17)
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'pw_twin'"
    with psycopg.connect(there.admin_dsn, autocommit=True) as source, psycopg.connect(here.admin_dsn) as target:
        source.execute("CREATE ROLE pw_twin LOGIN PASSWORD 'one'")
        try:
            (same,) = source.execute(verifier).fetchone() or ("",)
            target.execute(sql.SQL("CREATE ROLE pw_twin LOGIN PASSWORD {}").format(sql.Literal(same)))

            (found,) = look_down([Passwords()], site(target, source))
        finally:
            source.execute("DROP ROLE pw_twin")
            target.rollback()

    assert found.problems == ("role pw_twin has the password that it has on the source: ALTER ROLE … PASSWORD",)
    assert "SCRAM" not in repr(found)


def test_databases_of_one_server_share_its_roles_which_are_not_compared(make_database: MakeDatabase) -> None:
    with psycopg.connect(make_database().dsn) as source, psycopg.connect(make_database().dsn) as target:
        (found,) = look_down([Passwords()], site(target, source))

    assert found.status is Status.PASS
    assert "one server" in found.sentence


def site(target: psycopg.Connection, source: psycopg.Connection) -> Site:
    return Site(target, source, None, KEY, 1, full=False, track=Track(lambda _: None, Event()))


class Losing(Passwords):
    """A road on which the server goes away."""

    def look(self, site: Site) -> Found:
        site.target.close()
        raise psycopg.OperationalError("gone")


def test_a_run_whose_connection_is_lost_on_a_road_is_no_proof(shop: Case) -> None:
    with pytest.raises(CopyFailedError, match="lost"):
        shop.verify(roads=[Losing()])
