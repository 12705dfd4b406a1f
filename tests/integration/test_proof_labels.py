"""The labels of enums are written by whoever made the type: where they stand, a masked column's word is no copy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, make_case

MakeDatabase = Callable[[], TestDatabase]

FILES = """
CREATE TYPE kind AS ENUM ('DOCUMENT', 'In Progress', 'image/png', 'theodora@mail.invalid');
CREATE DOMAIN sort AS kind;
CREATE TABLE counters (id text PRIMARY KEY, last int);
CREATE TABLE files (
  id int PRIMARY KEY, kind kind DEFAULT 'DOCUMENT' CHECK (kind <> 'image/png' OR id < 0), kinds kind[], sort sort,
  note text);
CREATE INDEX ON files (id) WHERE kind = 'DOCUMENT';
CREATE VIEW documents AS SELECT * FROM files WHERE kind = 'DOCUMENT';
CREATE MATERIALIZED VIEW seen AS SELECT kind FROM files;
INSERT INTO counters VALUES ('DOCUMENT', 1), ('image/png', 2), ('sheet-of-jane', 3);
INSERT INTO files SELECT n, 'DOCUMENT', '{DOCUMENT, DOCUMENT}', 'DOCUMENT' FROM generate_series(1, 20) n;
REFRESH MATERIALIZED VIEW seen;
ANALYZE;
"""


@pytest.fixture
def files(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, FILES, {"public.counters.id": "digest"})
    case.copy()
    case.execute("ANALYZE")
    return case


def test_a_label_is_no_copy_of_a_masked_word(files: Case) -> None:
    proof = files.verify()

    assert proof.problems == ()
    assert [(c.searched, c.by_coincidence, c.found) for c in proof.columns] == [(3, 1, 0)]


def test_the_same_word_in_a_text_still_is_one(files: Case) -> None:
    files.execute("UPDATE files SET note = 'DOCUMENT' WHERE id = 7")

    name = files.plan.database
    assert files.verify().problems == (f"{name}.public.files.note holds 1 original value of {name}.public.counters.id",)


@pytest.mark.parametrize("personal", ["theodora@mail.invalid", "In Progress"])
def test_a_label_that_is_more_than_a_word_is_found_where_the_type_is_defined(files: Case, personal: str) -> None:
    files.execute(f"INSERT INTO counters VALUES ('{personal}', 4)", of=files.source)
    files.execute("INSERT INTO counters VALUES ('masked', 4)")

    name = files.plan.database
    assert files.verify().problems == (
        f"the definition of type public.kind in {name} holds 1 original value of {name}.public.counters.id",
    )


@pytest.mark.parametrize("personal", ["theodora@mail.invalid", "In Progress"])
def test_it_is_found_in_a_column_of_the_type_as_well(files: Case, personal: str) -> None:
    files.execute(f"INSERT INTO counters VALUES ('{personal}', 4)", of=files.source)
    files.execute(f"INSERT INTO counters VALUES ('masked', 4); UPDATE files SET kind = '{personal}' WHERE id = 7")

    name = files.plan.database
    assert files.verify().problems == (
        f"{name}.public.files.kind holds 1 original value of {name}.public.counters.id",
        f"the definition of type public.kind in {name} holds 1 original value of {name}.public.counters.id",
    )


ELSEWHERE = {
    "function public.guess(text)": (
        "CREATE FUNCTION guess(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN $1 = ''DOCUMENT''; END'"
    ),
    "view public.guesses": "CREATE VIEW guesses AS SELECT * FROM counters WHERE id = 'DOCUMENT'",
    "default value for column note of table public.files": "ALTER TABLE files ALTER note SET DEFAULT 'DOCUMENT'",
    "table public.files": "COMMENT ON TABLE files IS 'DOCUMENT'",
    "type public.other": "CREATE DOMAIN other AS text DEFAULT 'DOCUMENT'",
}


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_definition_that_has_nothing_to_do_with_the_type_is_not_excused(files: Case, place: str) -> None:
    for database in (files.source, files.target):
        files.execute(ELSEWHERE[place], of=database)

    name = files.plan.database
    assert files.verify().problems == (
        f"the definition of {place} in {name} holds 1 original value of {name}.public.counters.id",
    )


TYPED = """
CREATE TABLE parts (kind kind) PARTITION BY LIST (kind);
CREATE TABLE documents_part PARTITION OF parts FOR VALUES IN ('DOCUMENT');
CREATE DOMAIN narrow AS kind DEFAULT 'DOCUMENT' CHECK (VALUE <> 'image/png');
CREATE TABLE narrowed (one narrow DEFAULT 'DOCUMENT', many kind[] DEFAULT '{DOCUMENT}', sorts sort[]);
CREATE FUNCTION first_kind(kind DEFAULT 'DOCUMENT') RETURNS kind LANGUAGE sql RETURN coalesce($1, 'DOCUMENT'::kind);
CREATE STATISTICS guessed ON (kind = 'DOCUMENT'), id FROM files;
ALTER TABLE files ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON files USING (kind = 'DOCUMENT');
CREATE RULE kept AS ON DELETE TO files WHERE OLD.kind = 'DOCUMENT' DO INSTEAD NOTHING;
CREATE TRIGGER told BEFORE UPDATE ON files FOR EACH ROW WHEN (NEW.kind = 'DOCUMENT')
  EXECUTE FUNCTION suppress_redundant_updates_trigger();
"""


def test_whatever_definition_speaks_of_the_type_may_name_its_labels(files: Case) -> None:
    for database in (files.source, files.target):
        files.execute(TYPED, of=database)

    assert files.verify().problems == ()


TOLD_ONCE = {
    "index public.noted": (
        "CREATE INDEX noted ON files (id) WHERE note = 'DOCUMENT'; COMMENT ON INDEX noted IS 'DOCUMENT'"
    ),
    "function public.odd()": (
        "CREATE FUNCTION odd() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; -- it doesn't matter\nEND $$;"
        "COMMENT ON FUNCTION odd() IS 'DOCUMENT'"
    ),
    "type public.other": "CREATE DOMAIN other AS text DEFAULT 'DOCUMENT'; COMMENT ON DOMAIN other IS 'DOCUMENT'",
    "view public.documents (comment)": "COMMENT ON VIEW documents IS 'DOCUMENT'",
}


@pytest.mark.parametrize("place", TOLD_ONCE)
def test_an_object_whose_definition_and_comment_hold_a_value_is_told_once(files: Case, place: str) -> None:
    for database in (files.source, files.target):
        files.execute(TOLD_ONCE[place], of=database)

    name = files.plan.database
    assert files.verify().problems == (
        f"the definition of {place} in {name} holds 1 original value of {name}.public.counters.id",
    )


def test_all_labels_of_an_enum_are_told_at_once(files: Case) -> None:
    files.execute("INSERT INTO counters VALUES ('theodora@mail.invalid', 4), ('In Progress', 5)", of=files.source)
    files.execute("INSERT INTO counters VALUES ('masked', 4), ('as well', 5)")

    name = files.plan.database
    assert files.verify().problems == (
        f"the definition of type public.kind in {name} holds 2 original values of {name}.public.counters.id",
    )
