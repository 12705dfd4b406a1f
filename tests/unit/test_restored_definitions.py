"""Arrays in definitions, as Postgres writes them before and after it has read its own text back."""

from __future__ import annotations

import pytest

from sanitizers.deparse import as_restored


@pytest.mark.parametrize(
    ("written", "restored"),
    [
        ("s = ANY ((ARRAY['a'::t, 'b'::t])::text[])", "s = ANY (ARRAY[('a'::t)::text, ('b'::t)::text])"),
        ("(ARRAY['it''s, ]) here'::t])::text[]", "ARRAY[('it''s, ]) here'::t)::text]"),
        ("(ARRAY[f(a, b), c[1]])::numeric(3,1)[]", "ARRAY[(f(a, b))::numeric(3,1), (c[1])::numeric(3,1)]"),
        ('(ARRAY[a])::"My, [schema]"."type"[]', 'ARRAY[(a)::"My, [schema]"."type"]'),
        ("(ARRAY[((ARRAY[a])::text[])[1]])::oid[]", "ARRAY[((ARRAY[(a)::text])[1])::oid]"),
    ],
)  # fmt: skip
def test_an_array_that_is_cast_whole_is_one_of_cast_elements(written: str, restored: str) -> None:
    assert as_restored(written) == restored
    assert as_restored(restored) == restored


@pytest.mark.parametrize(
    ("unnamed", "name"),
    [
        ("'b'::text", "text"),
        ("NULL::timestamp(3) without time zone", "timestamp"),
        ("'-1'::integer", "int4"),
        ("'x'::character varying", '"varchar"'),
        ("'{}'::text[]", "text"),
        ("'it''s'::app.\"Mood\"", '"Mood"'),
    ],
)
def test_a_literal_that_is_called_like_its_type_has_no_name(unnamed: str, name: str) -> None:
    assert as_restored(f"SELECT id, {unnamed} AS {name} FROM t") == f"SELECT id, {unnamed} FROM t"
    assert as_restored(f"SELECT {unnamed} AS kind FROM t") == f"SELECT {unnamed} AS kind FROM t"


@pytest.mark.parametrize(
    "written", ["(ARRAY[1, 2])::text", "'(ARRAY['::text", "ARRAY[1, 2]", "(ARRAY[a])::text = b[1]"]
)
def test_anything_else_stays_as_it_is(written: str) -> None:
    assert as_restored(written) == written
