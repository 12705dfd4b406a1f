"""A database that is masked where it is has no source, but a memory: rows and texts are compared with that."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import psycopg
import pytest

from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import Found, Status
from tests.fix_postgres import TestDatabase
from tests.integration.remembered_case import MASKED, SHOP, prove, prove_later
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case

IN_A_SENTENCE = "UPDATE notes SET body = 'Mail ZQ7@corp.invalid, soon.' WHERE id = 3"


@pytest.fixture
def shop(database: TestDatabase) -> RewriteCase:
    return make_rewrite_case(database, SHOP, MASKED)


@pytest.fixture(params=[prove, prove_later], ids=["one run", "cut off and gone on with"])
def run(request: pytest.FixtureRequest) -> Callable[..., DatabaseProof]:
    answer: Callable[..., DatabaseProof] = request.param
    return answer


def road(proof: DatabaseProof, name: str) -> Found:
    (found,) = (one for one in proof.roads if one.road == name)
    return found


def test_what_is_masked_passes_both_roads(shop: RewriteCase, run: Callable[..., DatabaseProof]) -> None:
    shop.execute("DROP TABLE logins")
    case = make_rewrite_case(shop.database, "SELECT 1", MASKED)

    proof = run(case)

    rows, texts = road(proof, "same-key"), road(proof, "containment")
    assert proof.problems == ()
    assert (rows.unseen, texts.unseen) == ((), ())
    assert (rows.status, texts.status) == (Status.PASS, Status.PASS)
    assert (rows.numbers["columns"], rows.numbers["values"]) == (5, 2000)
    assert rows.numbers["rows"] == rows.numbers["rows-looked-at"] == 400
    assert texts.numbers["originals"] >= 4 * 400
    assert texts.numbers["rows-of-originals"] == texts.numbers["rows-of-originals-looked-at"] == 400


@pytest.mark.parametrize(
    ("plant", "place", "column"),
    [
        (IN_A_SENTENCE, "notes.body", "email"),
        ("""UPDATE notes SET extra = '{"a": ["see zq7@corp.invalid"]}' WHERE id = 3""", "notes.extra", "email"),
        ("UPDATE notes SET body = 'call (210) 000-0007 today' WHERE id = 3", "notes.body", "phone"),
        ("UPDATE notes SET body = 'Dear Anna Zqmaria Schmidt7, hello' WHERE id = 3", "notes.body", "name"),
        ("UPDATE notes SET body = 'She likes Zqwalks, with dog7!' WHERE id = 3", "notes.body", "about"),
    ],
)
def test_an_original_inside_a_kept_text_is_found(
    shop: RewriteCase, run: Callable[..., DatabaseProof], plant: str, place: str, column: str
) -> None:
    shop.execute(plant)

    proof = run(shop)

    database = shop.plan.database
    assert proof.problems == (
        f"texts of {database}.public.{place} contain 1 original value of {database}.public.people.{column}",
    )
    assert road(proof, "containment").status is Status.FAIL
    said = json.dumps(asdict(proof)).lower()
    assert "zq7" not in said
    assert "schmidt" not in said


@pytest.mark.parametrize(
    ("was", "column", "equal"),
    [
        ("UPDATE people SET email = 'zq' || id || '@corp.invalid' WHERE id = 7", "email", 1),
        ("UPDATE people SET born = date '1950-01-01' + id * 3", "born", 400),
    ],
)
def test_a_column_that_is_as_it_was_at_the_same_key_is_found(
    shop: RewriteCase, run: Callable[..., DatabaseProof], was: str, column: str, equal: int
) -> None:
    proof = run(shop, lambda: shop.execute(was))

    found = road(proof, "same-key")
    place = f"{shop.plan.database}.public.people.{column}"
    assert found.problems == (f"{place} is as it was in {equal} of 400 rows that were compared by their key",)
    assert found.status is Status.FAIL


def test_a_value_of_another_row_is_not_this_row_s_original(
    shop: RewriteCase, run: Callable[..., DatabaseProof]
) -> None:
    proof = run(shop, lambda: shop.execute("UPDATE people SET born = date '1950-01-01' + 8 * 3 WHERE id = 7"))

    assert road(proof, "same-key").problems == ()


def test_rows_of_which_none_has_a_key_of_before_are_said_to_be_unseen(shop: RewriteCase) -> None:
    found = road(prove(shop, lambda: shop.execute("UPDATE people SET id = -id")), "same-key")

    assert found.status is Status.UNKNOWN
    assert f"{shop.plan.database}.public.people, of whose rows none has the key of one of before" in found.unseen


def test_half_of_a_small_domain_may_be_what_it_was(database: TestDatabase) -> None:
    drawn = {"strategy": "sql", "expression": "CASE WHEN id % 4 < 2 THEN 'f' ELSE 'm' END"}
    case = make_rewrite_case(database, SHOP, {"public.people.sex": drawn})

    found = road(prove(case), "same-key")

    assert found.problems == ()
    assert 150 < found.numbers["equal"] < 250


def test_a_constant_that_everybody_had_before_is_no_finding(database: TestDatabase) -> None:
    script = SHOP + "UPDATE people SET about = 'Zqsomething the same';"
    case = make_rewrite_case(
        database, script, {"public.people.about": {"strategy": "constant", "value": "Zqsomething the same"}}
    )

    found = road(prove(case), "same-key")

    assert (found.problems, found.numbers["equal"]) == ((), 400)


@pytest.mark.parametrize("masked", [{"public.logins.email": "email"}, {"public.people.region": "digest"}])
def test_rows_that_no_kept_key_tells_apart_are_said_to_be_unseen(database: TestDatabase, masked: Any) -> None:
    case = make_rewrite_case(database, SHOP, masked)

    found = road(prove(case), "same-key")

    table = "logins" if "public.logins.email" in masked else "people"
    assert found.status is Status.UNKNOWN
    assert found.unseen == (f"{case.plan.database}.public.{table}, whose rows no kept column tells apart",)


def test_what_the_policy_keeps_on_purpose_is_no_finding_on_either_road(
    database: TestDatabase, run: Callable[..., DatabaseProof]
) -> None:
    masked = {"public.people.email": {"strategy": "email", "keep_if": "id < 100"}}
    shared = "UPDATE people SET email = 'zq7@corp.invalid' WHERE id = 300;"  # of one who is kept and of one who is not
    case = make_rewrite_case(database, SHOP + shared + IN_A_SENTENCE, masked)

    proof = run(case)

    assert road(proof, "containment").problems == road(proof, "same-key").problems == ()
    assert road(proof, "same-key").numbers["values"] == 301


def test_what_a_pool_can_produce_proves_nothing_in_a_text(
    database: TestDatabase, run: Callable[..., DatabaseProof]
) -> None:
    constant = {"strategy": "constant", "value": "Nobody at all"}
    address = {"strategy": "constant", "value": "nobody@corp.invalid"}
    script = (
        SHOP + "UPDATE people SET about = 'nobody AT all', email = 'nobody@corp.invalid' WHERE id = 7;"
        "UPDATE notes SET body = 'Said nobody at all, <nobody@corp.invalid>' WHERE id = 3"
    )
    case = make_rewrite_case(database, script, {"public.people.about": constant, "public.people.email": address})

    assert road(run(case), "containment").problems == ()


MANY = """
CREATE TABLE many (id int PRIMARY KEY, email text, phone text) WITH (fillfactor = 20);
CREATE TABLE mails (id int PRIMARY KEY, body text);
INSERT INTO many SELECT n, 'zq' || n || '@corp.invalid', '+30 210 555' || lpad(n::text, 5, '0')
FROM generate_series(1, 50000) n;
INSERT INTO mails SELECT n, 'Write to zq' || n * 100 || '@corp.invalid, please' FROM generate_series(1, 300) n;

VACUUM ANALYZE;
"""


def test_of_a_large_table_some_rows_are_remembered_and_every_address(database: TestDatabase) -> None:
    masked = {"public.many.email": "email", "public.many.phone": "phone"}
    case = make_rewrite_case(database, MANY, masked)
    remembered: list[tuple[Any, ...]] = []

    def look_into_the_journal() -> None:
        remembered.extend(
            case.rows(
                "SELECT (SELECT count(*) FROM branchwarden_journal.cells),"
                " (SELECT count(DISTINCT whole) FROM branchwarden_journal.token)"
            )
        )

    proof = prove(case, look_into_the_journal)

    rows, texts = road(proof, "same-key"), road(proof, "containment")
    [(cells, originals)] = remembered
    assert 8_000 < cells < 25_000
    assert 4_000 < originals < 25_000
    assert (rows.status, rows.numbers["rows"], rows.numbers["rows-looked-at"]) == (Status.SAMPLED, 50_000, cells)
    assert rows.numbers["values"] == 2 * cells
    database = case.plan.database
    assert texts.problems == (
        f"texts of {database}.public.mails.body contain 300 original values of {database}.public.many.email",
    )
    assert texts.numbers["rows-of-originals"] == texts.numbers["rows-of-addresses-looked-at"] == 50_000
    assert 2_000 < texts.numbers["rows-of-originals-looked-at"] < 12_000


def test_a_server_that_reads_the_rows_by_another_session_s_settings_compares_alike(shop: RewriteCase) -> None:
    with psycopg.connect(shop.database.admin_dsn, autocommit=True) as admin:
        name = psycopg.sql.Identifier(shop.database.name)
        admin.execute(psycopg.sql.SQL("ALTER DATABASE {} SET datestyle = 'German'").format(name))

    found = road(
        prove_later(shop, lambda: shop.execute("UPDATE people SET born = '1950-01-22' WHERE id = 7")), "same-key"
    )

    assert (found.problems, found.numbers["values"]) == ((), 2000)
    assert found.numbers["equal"] == 1


@pytest.mark.parametrize("major", [14, 15, 16, 17])
def test_both_roads_are_looked_down_on_every_version(
    make_database_on: Callable[[int], TestDatabase], major: int
) -> None:
    case = make_rewrite_case(make_database_on(major), SHOP, MASKED)
    case.execute(IN_A_SENTENCE)
    again = "UPDATE people SET email = 'zq' || id || '@corp.invalid' WHERE id = 9"

    proof = prove_later(case, lambda: case.execute(again))

    assert {one.road for one in proof.roads if one.problems} >= {"containment", "same-key"}
    assert road(proof, "same-key").numbers["values"] == 2000


def test_values_of_a_loose_collation_are_remembered(make_database_on: Callable[[int], TestDatabase]) -> None:
    loose = """
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE people (id text COLLATE loose PRIMARY KEY, name text COLLATE loose);
    INSERT INTO people SELECT 'Zq' || n, 'Theodora Papadimitriou' || n FROM generate_series(1, 30) n;
    """
    case = make_rewrite_case(make_database_on(17), loose, {"public.people.name": "full_name"})

    found = road(prove(case), "same-key")

    assert (found.status, found.numbers["values"]) == (Status.PASS, 30)


def test_a_file_that_the_run_made_is_known_to_hold_its_rows_alone(
    shop: RewriteCase, run: Callable[..., DatabaseProof]
) -> None:
    shop.execute("UPDATE people SET sex = 'x' WHERE id < 50; DELETE FROM people WHERE id = 400")

    assert road(run(shop), "pages").unseen == ()
