"""The clean-room engine on real Postgres, as a role like `neondb_owner`: no superuser anywhere but in the checks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import HARD_SCHEMA, PEOPLE, Case, dump, make_case

MakeDatabase = Callable[[], TestDatabase]


@pytest.fixture
def hard(make_database: MakeDatabase) -> Case:
    return make_case(make_database, HARD_SCHEMA.read_text(encoding="utf-8"), PEOPLE)


def test_a_hard_schema_is_after_the_copy_what_it_was_before(hard: Case) -> None:
    before = dump(hard.target)

    hard.copy()

    assert before == dump(hard.target)


def test_every_row_arrives_and_no_trigger_or_rule_fires(hard: Case) -> None:
    report = hard.copy()

    counts = {f"{t.schema}.{t.table}": t.rows for t in report.tables}
    assert counts["public.people"] == 32
    assert counts["public.no_columns"] == 2
    assert counts["sales.orders"] == 3
    assert {"public.vehicles": 1, "public.lorries": 1}.items() <= counts.items()
    assert hard.rows("SELECT * FROM audit") == []
    assert hard.rows("SELECT count(*) FROM vehicles") == [(2,)]
    assert hard.rows("SELECT count(*), count(DISTINCT v) FROM sales.hashed") == [(20, 20)]


def test_references_still_join_and_kept_values_are_unchanged(hard: Case) -> None:
    hard.copy()

    kept = """SELECT id, manager, favourite, feeling FROM people ORDER BY id"""
    assert hard.rows(kept, of=hard.source) == hard.rows(kept)
    joined = 'SELECT count(*) FROM people p JOIN "Odd ""Table"".y" o ON o."Person Id" = p.id AND o."e.mail" = p.email'
    assert hard.rows(joined) == [(31,)]
    assert hard.rows("SELECT count(email) FROM people WHERE email ~ '@example[.](com|org|net)$'") == [(31,)]
    assert hard.rows("SELECT count(*) FROM people WHERE email IS NULL AND phone IS NULL") == [(1,)]
    assert hard.rows("SELECT count(*) FROM people WHERE initials <> left(first_name, 1) || left(last_name, 1)") == [
        (0,)
    ]
    assert hard.rows("SELECT count(*) FROM people WHERE shouted <> upper(last_name)") == [(0,)]


def test_sequences_go_on_where_the_source_stands(hard: Case) -> None:
    sequences = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE relkind = 'S' ORDER BY 1"""
    names = [row[0] for row in hard.rows(sequences)]

    hard.copy()

    def positions(of: TestDatabase) -> list[list[tuple[object, ...]]]:
        return [hard.rows(f"SELECT last_value, is_called FROM {name}", of=of) for name in names]

    assert len(names) == 4
    assert positions(hard.source) == positions(hard.target)


def test_materialized_views_are_filled_where_they_were(hard: Case) -> None:
    hard.copy()

    populated = "SELECT matviewname, ispopulated FROM pg_matviews ORDER BY 1"
    assert hard.rows(populated) == [("busier", True), ("busy", True), ("never_filled", False)]
    assert hard.rows("SELECT orders FROM busier") == [(3,)]
    assert hard.rows("SELECT count(*) FROM busy b JOIN people p USING (id) WHERE p.first_name = b.first_name") == [
        (32,)
    ]


def test_every_table_has_fresh_statistics_and_no_index_is_invalid(hard: Case) -> None:
    hard.copy()

    never = """SELECT relname FROM pg_class WHERE relkind IN ('r', 'm') AND reltuples < 0
               AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1"""
    assert hard.rows(never) == [("never_filled",)]
    assert hard.rows("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid OR NOT indisready") == []
    assert (
        hard.rows("SELECT conname FROM pg_constraint WHERE NOT convalidated AND conname !~ '(exists|note_old)'") == []
    )


def test_nothing_of_ours_stays_behind(hard: Case) -> None:
    hard.copy()

    schemas = "SELECT nspname FROM pg_namespace WHERE nspname ~ 'branchwarden'"
    assert hard.rows(schemas) == []
    assert hard.rows(schemas, of=hard.source) == []
