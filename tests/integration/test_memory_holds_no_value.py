"""What a run in place remembers of the rows: no value, no plain hash of one, no order, nothing once it is proven."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sanitizers.proof.witness import WitnessRun, witness_database
from tests.fix_postgres import TestDatabase
from tests.integration.remembered_case import MASKED, SHOP, CutError, cut, prove
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case
from tests.integration.stream_case import KEY, connector

MakeDatabase = Callable[[], TestDatabase]


@pytest.fixture
def shop(database: TestDatabase) -> RewriteCase:
    return make_rewrite_case(database, SHOP, MASKED)


def test_nothing_that_is_remembered_is_a_value_or_the_plain_hash_of_one(shop: RewriteCase) -> None:
    shop.execute("ALTER TABLE people ADD nobody text")
    case = make_rewrite_case(shop.database, "SELECT 1", MASKED)
    with (
        witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness,
        pytest.raises(CutError),
    ):
        case.rewrite(look=witness.look, prove=cut)

    [(seed,)] = case.rows("SELECT (facts ->> 'seed')::bigint FROM branchwarden_journal.witness")
    plain = case.rows(
        f"""SELECT hashtextextended(v, {seed}) FROM generate_series(1, 400) n CROSS JOIN LATERAL (VALUES
        ('zq' || n || '@corp.invalid'), ('anna zqmaria schmidt' || n), ('Anna Zqmaria Schmidt' || n), (n::text),
        ('(r' || n % 3 || ',' || n || ')'), ((date '1950-01-01' + n * 3)::text)) AS e (v)"""
    )
    kept = case.rows(
        "SELECT unnest(hashes || who) FROM branchwarden_journal.cells UNION ALL"
        " SELECT hash FROM branchwarden_journal.often UNION ALL"
        " SELECT unnest(ARRAY[whole, hash]) FROM branchwarden_journal.token UNION ALL"
        " SELECT hash FROM branchwarden_journal.spared"
    )
    text = case.rows("SELECT cells::text FROM branchwarden_journal.cells")

    assert len(kept) > 400 * (6 + 5)
    assert not {row[0] for row in plain} & {row[0] for row in kept}
    assert not [row for row in text if "zq" in row[0].lower()]
    assert len(case.rows("SELECT DISTINCT unnest(hashes) FROM branchwarden_journal.cells")) == 400 * 5


def test_all_that_was_remembered_goes_when_the_proof_has_passed(shop: RewriteCase) -> None:
    prove(shop)

    assert shop.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'branchwarden_journal'") == [(0,)]


def test_a_database_of_another_key_remembers_nothing_alike(make_database: MakeDatabase) -> None:
    one, other = (make_rewrite_case(make_database(), SHOP, MASKED) for _ in range(2))
    kept = []
    for case, key in ((one, KEY), (other, bytes(32))):
        run = WitnessRun(connector(case.database), case.plan, key, seed=7)
        with witness_database(run, lambda _: None) as witness, pytest.raises(CutError):
            case.rewrite(look=witness.look, prove=cut, key=key)
        kept.append({row[0] for row in case.rows("SELECT unnest(hashes || who) FROM branchwarden_journal.cells")})

    assert not kept[0] & kept[1]


def test_the_order_of_the_rows_is_not_remembered(shop: RewriteCase) -> None:
    with (
        witness_database(WitnessRun(connector(shop.database), shop.plan, KEY), lambda _: None) as witness,
        pytest.raises(CutError),
    ):
        shop.rewrite(look=witness.look, prove=cut)

    whos = [row[0] for row in shop.rows("SELECT who FROM branchwarden_journal.cells ORDER BY ctid")]

    assert whos == sorted(whos)
