"""References between a citext and a text: Postgres compares them as texts, and fakes of a citext know no capitals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from daemon.policies import suggestions, undecided
from sanitizers.problems.links import same_fakes
from sanitizers.schema import Column, read_schema
from sanitizers.strategies.digest import Digest
from tests.fix_postgres import TestDatabase
from tests.integration.peers_case import execute, make_masked, refusal

ENDS = """
CREATE EXTENSION citext;
CREATE DOMAIN address AS citext;
CREATE TABLE a (email {parent} PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY, email {child} REFERENCES a);
INSERT INTO a VALUES ('Anna@Corp.com');
INSERT INTO b VALUES (1, 'Anna@Corp.com');
"""
TIED = "is tied to {other} by a foreign key: no strategy gives equal fakes in {types}: keep both, or change a type"
MakeDatabaseOn = Callable[[int], TestDatabase]


@pytest.mark.parametrize("child", ["citext", "address"])
@pytest.mark.parametrize("strategy", ["digest", "user_name", "url", "hostname", "email", "permute"])
def test_a_reference_from_a_citext_to_a_text_is_refused_and_not_broken(
    make_database_on: MakeDatabaseOn, strategy: str, child: str
) -> None:
    script = ENDS.format(parent="text", child=child)

    said = refusal(make_database_on(17), script, {"public.a.email": strategy, "public.b.email": strategy})

    assert f"public.{child} and text would get different fakes, use keep or change a type" in said


def test_elements_of_arrays_are_drawn_as_columns_of_their_type_are() -> None:
    texts, folded = (Column("k", f"{kind}[]", element=Column("k", kind)) for kind in ("text", "public.citext"))

    assert same_fakes(Digest(), texts, texts)
    assert not same_fakes(Digest(), texts, folded)


@pytest.mark.parametrize("strategy", ["digest", {"strategy": "full_name", "unique": True}])
def test_references_whose_ends_are_drawn_alike_hold(make_database_on: MakeDatabaseOn, strategy: Any) -> None:
    script = ENDS.format(parent="citext", child="address")

    twins = make_masked(
        lambda: make_database_on(17), "in-place", script, {"public.a.email": strategy, "public.b.email": strategy}
    )

    assert twins.rows("SELECT count(*) FROM a JOIN b ON b.email::text = a.email::text") == [(1,)]
    assert twins.rows("SELECT count(*) FROM a WHERE email::text ILIKE '%corp%'") == [(0,)]


def test_detection_leaves_ends_that_no_strategy_masks_alike_to_a_person(make_database_on: MakeDatabaseOn) -> None:
    database = make_database_on(17)
    execute(database, ENDS.format(parent="text", child="citext"))
    with psycopg.connect(database.dsn) as conn:
        schema = read_schema(conn)

    found = suggestions([schema])

    assert [item.path[2:] for item in found] == [("b", "id")]
    a, b = f"{schema.database}.public.a.email", f"{schema.database}.public.b.email"
    assert undecided([schema], found) == (
        f"{a} looks personal and {TIED.format(other=b, types='text and public.citext')}",
        f"{b} looks personal and {TIED.format(other=a, types='public.citext and text')}",
    )
