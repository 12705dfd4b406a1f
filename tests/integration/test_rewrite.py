"""In place: the rows are masked, and nothing else about the database is another than before."""

from __future__ import annotations

import psycopg
import pytest

from sanitizers.engines.rewrite import rewrite_database
from sanitizers.schema import read_schema
from sanitizers.track import Progress
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import HARD, HARD_SCHEMA, RewriteCase, make_rewrite_case


@pytest.fixture
def case(database: TestDatabase) -> RewriteCase:
    return make_rewrite_case(database, HARD_SCHEMA.read_text(), HARD)


def test_the_schema_and_all_its_settings_are_those_of_before(case: RewriteCase) -> None:
    before = case.looks()

    case.rewrite()

    for one, other in zip(before, case.looks(), strict=True):
        assert one == other
    with psycopg.connect(case.database.dsn) as conn:
        assert read_schema(conn).digest == case.plan.schema.digest, "no other schema is attested"


def test_no_original_is_left_in_rows_views_or_statistics(case: RewriteCase) -> None:
    case.rewrite()

    texts = [*case.statistics(), *(row for rows in case.contents().values() for row in rows)]
    assert [text for text in texts if "rigina" in text or "Originos" in text] == []


def test_every_row_is_there_and_what_is_kept_is_untouched(case: RewriteCase) -> None:
    kept = "SELECT id, born, city, feeling, manager, score FROM people ORDER BY id"
    before = case.rows(kept), {name: len(rows) for name, rows in case.contents().items()}

    report = case.rewrite()

    after = {name: len(rows) for name, rows in case.contents().items()}
    assert before[0] == case.rows(kept)
    assert {n: c for n, c in before[1].items() if "accounts" not in n} == {
        n: c for n, c in after.items() if "accounts" not in n
    }
    assert case.rows("SELECT count(*) FROM accounts") == [(30,)]
    assert {t.table for t in report.tables} == {n.split(".")[1] for n in HARD}


def test_no_trigger_or_rule_sees_a_masked_row(case: RewriteCase) -> None:
    case.rewrite()

    assert case.rows("SELECT * FROM audit") == []


def test_the_journal_and_the_copies_are_gone(case: RewriteCase) -> None:
    case.rewrite()

    assert case.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ 'branchwarden'") == []
    assert case.rows("SELECT relname FROM pg_class WHERE relpersistence = 'u'") == []


def test_references_hold_and_the_same_person_is_the_same_fake(case: RewriteCase) -> None:
    case.rewrite()

    assert case.rows("SELECT count(*) FROM kept k JOIN people p ON p.id = k.person AND p.email = k.holder") == [(51,)]
    assert case.rows("SELECT count(*) FROM cards c JOIN people p ON p.id = c.person") == [(51,)]


def test_no_file_of_before_stays_that_ever_held_a_row(case: RewriteCase) -> None:
    files = """SELECT pg_relation_filenode(oid), oid::regclass::text FROM pg_class
    WHERE oid > 16384 AND relkind IN ('r', 'm', 'i', 't') AND pg_relation_size(oid) > 8192 * (relkind = 'i')::int
    ORDER BY 2"""
    before = {node for node, _ in case.rows(files)}

    case.rewrite()

    assert [name for node, name in case.rows(files) if node in before] == []


def test_nothing_is_published_while_tables_are_rewritten(case: RewriteCase) -> None:
    published = "SELECT count(*) FROM pg_publication WHERE pubinsert OR pubupdate OR pubdelete OR pubtruncate"
    meanwhile = set()

    def watch(progress: Progress) -> None:
        if progress.step in {"load", "rebuild", "analyze"}:
            meanwhile.update(case.rows(published))

    before = case.rows(published)
    rewrite_database(case.run(), watch)

    assert before == case.rows(published) == [(1,)]
    assert meanwhile == {(0,)}


def test_what_a_run_wrote_is_counted_when_it_is_proven(database: TestDatabase) -> None:
    """By counters the proof knows that a page holds nothing but the rows; sessions tell theirs late."""
    script = "CREATE TABLE people (id int PRIMARY KEY, email text)"
    case = make_rewrite_case(database, script, {"public.people.email": "email"})
    case.execute("INSERT INTO people SELECT n, 'zq' || n || '@corp.invalid' FROM generate_series(1, 30) AS n")
    counted: list[tuple[int, ...]] = []
    query = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'people'"

    case.rewrite(prove=lambda: counted.extend(case.rows(query)))

    assert counted == [(60,)]
