"""JSON documents are masked by path, on real Postgres."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from sanitizers.errors import PlanError, PolicyError
from tests.integration.shapes_case import Masked, conn, make_plan, masked, rows_of

__all__ = ["conn", "masked"]


def mask(conn: psycopg.Connection[Any], document: object, strategy: str, type_: str = "jsonb") -> Any:
    """The document of one row, masked; a text is taken as it is."""
    text = document if isinstance(document, str) else json.dumps(document)
    conn.execute(f"CREATE TABLE IF NOT EXISTS t (doc {type_}, mail text)")
    conn.execute("TRUNCATE t")
    conn.execute("INSERT INTO t VALUES (%s, 'Ada@corp.test')", (text,))
    [row] = rows_of(conn, make_plan(conn, f'doc = {strategy}\nmail = "email"'))
    return row["doc"]


A = """{ strategy = "json", paths = { a = "keep" } }"""


def by(paths: str, rest: str = "") -> str:
    return f'{{ strategy = "json", paths = {{ {paths} }}{rest and f", rest = {rest}"} }}'


ORDER = {
    "id": 7,
    "user": {"email": "Ada@corp.test", "age": 36, "vip": True, "note": None, "a/b\\c.d": "x"},
    "items": [{"name": "Ada", "sku": "A1"}, {"name": None}, "loose", {"sku": "B2"}],
    "attrs": [{"key": "email", "value": "Ada@corp.test"}, {"key": "size", "value": "XL"}],
    "deep": {"phone": "030 1", "x": [{"phone": "030 2", "y": {"phone": 49301}}]},
}


def test_a_value_gets_the_fake_that_it_gets_in_a_column(conn: psycopg.Connection[Any]) -> None:
    strategy = by('"user.email" = "email"')
    mask(conn, ORDER, strategy)

    [row] = rows_of(conn, make_plan(conn, f'doc = {strategy}\nmail = "email"'))

    assert row["doc"] == {"user": {"email": row["mail"]}}
    assert row["mail"] != "Ada@corp.test"


def test_what_no_path_names_is_dropped_and_elements_keep_their_places(conn: psycopg.Connection[Any]) -> None:
    doc = mask(conn, ORDER, by('"items[*].name" = { strategy = "constant", value = "X" }'))

    assert doc == {"items": [{"name": "X"}, {"name": None}, None, {}]}


def test_key_value_lists_are_masked_by_their_keys(conn: psycopg.Connection[Any]) -> None:
    doc = mask(conn, ORDER, by('"attrs[key=email].value" = "email", "attrs[*].key" = "keep"'))

    assert doc["attrs"][0]["value"].lower().partition("@")[2].startswith("example.")
    assert doc["attrs"][1] == {"key": "size"}


def test_any_depth_strings_and_numbers(conn: psycopg.Connection[Any]) -> None:
    doc = mask(conn, ORDER, by('"**.phone" = "phone"'))

    assert doc["deep"]["phone"].startswith("+999")
    assert doc["deep"]["x"][0]["phone"] != doc["deep"]["phone"]
    assert isinstance(doc["deep"]["x"][0]["y"]["phone"], int)
    assert str(doc["deep"]["x"][0]["y"]["phone"]).startswith("999")
    assert doc["user"] == {}


def test_odd_names_are_found_by_quoted_paths_alone(conn: psycopg.Connection[Any]) -> None:
    path = r'user."a/b\c.d"'

    doc = mask(conn, ORDER, by(f'\'{path}\' = {{ strategy = "constant", value = "X" }}'))

    assert doc == {"user": {"a/b\\c.d": "X"}}


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ('"keep"', {"m": "X", "o": {"s": "a", "n": 1, "b": True, "z": None}, "l": ["a", 2]}),
        ('"drop"', {"m": "X"}),
        (
            '{ strategy = "constant", value = "R" }',
            {"m": "X", "o": {"s": "R", "b": True, "z": None}, "l": ["R", None]},
        ),
    ],
)
def test_the_rest_is_dropped_kept_or_masked(rest: str, expected: Any, conn: psycopg.Connection[Any]) -> None:
    document = {"m": "secret", "o": {"s": "a", "n": 1, "b": True, "z": None}, "l": ["a", 2]}

    assert mask(conn, document, by('m = { strategy = "constant", value = "X" }', rest)) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"p": {"inside": "secret"}}, {}),
        ({"p": ["secret"]}, {}),
        ({"p": 17}, {}),
        ({"p": True}, {}),
        ({"p": None}, {"p": None}),
        ({"q": "secret"}, {}),
        ({}, {}),
        ([], []),
        (["secret", {"p": "secret"}], [None, None]),
        ('"secret"', None),
        ("17", None),
        ("null", None),
    ],
)
def test_what_is_of_another_kind_than_the_path_expects_is_dropped(
    document: Any, expected: Any, conn: psycopg.Connection[Any]
) -> None:
    assert mask(conn, document, by('p = "email"')) == expected


def test_a_path_through_a_value_that_has_no_members_finds_nothing(conn: psycopg.Connection[Any]) -> None:
    assert mask(conn, {"user": "secret", "items": {"0": "secret"}}, by('"user.a" = "keep", "items[*]" = "keep"')) == {
        "items": {}
    }


def test_the_document_itself_can_be_an_array_or_a_value(conn: psycopg.Connection[Any]) -> None:
    assert mask(conn, [{"a": 1, "b": 2}, []], by('"[*].a" = "keep"')) == [{"a": 1}, []]
    assert mask(conn, '"secret"', by('"$" = { strategy = "constant", value = "X" }')) == "X"


def test_a_kept_branch_stays_whole_and_null_drops_the_value(conn: psycopg.Connection[Any]) -> None:
    doc = mask(conn, ORDER, by('"deep" = "keep", "items[*]" = "null", "user.email" = "null"'))

    assert doc == {"deep": ORDER["deep"], "items": [None] * 4, "user": {"email": None}}


def test_the_first_path_that_fits_wins_and_a_way_leads_on(conn: psycopg.Connection[Any]) -> None:
    doc = mask(conn, {"a": {"b": "s", "c": "t"}}, by('"a" = "email", "a.b" = "keep", "a.*" = "null"'))

    assert doc == {"a": {"b": "s", "c": None}}


def test_dates_inside_are_shifted_like_dates_and_what_is_none_is_dropped(conn: psycopg.Connection[Any]) -> None:
    document = {"d": ["2000-02-29", "2023-02-29", "1999-12-31T10:00:00Z", "1999-12-31 x", "0000-01-01", "soon", 7]}

    doc = mask(conn, document, by('"d[*]" = { strategy = "date_shift", days = 3 }'))

    first, third = doc["d"][0], doc["d"][2]
    assert first[:8] in {"2000-02-", "2000-03-"}
    assert first != "2000-02-29"
    assert third.endswith("T10:00:00Z")
    assert not third.startswith("1999-12-31")
    assert [doc["d"][n] for n in (1, 3, 4, 5, 6)] == [None] * 5


HOSTILE = ["", "a\\b", 'quo"te', "\n\t", "日本 😀", "it's", "%s {} $1", "\x7f", "</script>", "/.x", "null"]


def test_hostile_strings_and_names_stay_json(conn: psycopg.Connection[Any]) -> None:
    document = {text: {"v": text} for text in HOSTILE}

    kept = mask(conn, document, by('"*.v" = "keep"'))
    doc = mask(conn, document, by('"*.v" = "digest"'))

    assert kept == document
    assert list(doc) == list(kept)
    assert len({value["v"] for value in doc.values()}) == len(HOSTILE)
    assert not {value["v"] for value in doc.values()} & set(HOSTILE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "x", "a": "y", "b": "z"}', {"a": "y"}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "\\u0000"}', None),
        ('{"a": "x", "\\ud83d": "y"}', None),
        ('{"a": "x", "n": 1e999999}', None),
        ('{"a": "x", "n": 1.5E+9999}', None),
        ('{"a": "\\u0000", "n": "1e1234"}', None),
        (' {"a" : "x"} ', {"a": "x"}),
    ],
)
def test_json_that_jsonb_refuses_becomes_null(text: str, expected: Any, conn: psycopg.Connection[Any]) -> None:
    assert mask(conn, text, by('a = "keep"'), "json") == expected


@pytest.mark.parametrize("text", ["1e1234", "0x5e1024ab", 'a \\"b: 1e9999', "C:\\\\udata", "\\\\u0000", "9e+1000"])
def test_what_merely_looks_like_it_stays(text: str, conn: psycopg.Connection[Any]) -> None:
    document = f'{{"a": "{text}", "1e1234": 1}}'

    assert mask(conn, document, by('a = "keep"'), "json") == {"a": json.loads(f'"{text}"')}


def test_documents_in_arrays_and_domains_are_masked(masked: Masked) -> None:
    [row] = masked(
        """CREATE DOMAIN doc AS jsonb CHECK (jsonb_typeof(VALUE) = 'object'); CREATE TABLE t (d doc, ds json[]);
        INSERT INTO t VALUES ('{"a": 1, "b": 2}', ARRAY['{"a": 1, "b": 2}', NULL]::json[])""",
        f"d = {A}\nds = {A}",
    )

    assert row == {"d": {"a": 1}, "ds": [{"a": 1}, None]}


def test_a_null_column_stays_null_and_deep_documents_are_walked(conn: psycopg.Connection[Any]) -> None:
    document: Any = "secret"
    for _ in range(200):
        document = {"a": [document]}

    assert mask(conn, document, by('"**.a[*]" = { strategy = "constant", value = "X" }')) != document
    conn.execute("UPDATE t SET doc = NULL")
    [row] = rows_of(conn, make_plan(conn, f"doc = {A}\nmail = 'keep'"))
    assert row["doc"] is None


def test_values_on_the_list_stay(conn: psycopg.Connection[Any]) -> None:
    document = ["ada@corp.test", "eve@home.test"]

    doc = mask(conn, document, by('"[*]" = { strategy = "email", keep_values = ["*@corp.test"] }'))

    assert doc[0] == "ada@corp.test"
    assert doc[1] != "eve@home.test"


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        ('"a..b" = "email"', "is no path"),
        ('a = "emial"', "paths: a: unknown strategy 'emial'"),
        ('a = { strategy = "email", keep_if = "true" }', "cannot stand inside a value"),
        ('a = { strategy = "email", by = "person" }', "drawn by the value alone"),
        ('a = { strategy = "date_shift", days = 0 }', "paths: a: date_shift: days"),
    ],
)
def test_what_cannot_be_meant_is_refused(paths: str, problem: str, conn: psycopg.Connection[Any]) -> None:
    with pytest.raises(PolicyError, match=problem):
        mask(conn, {}, by(paths))


def test_a_strategy_for_neither_strings_nor_numbers_is_refused(conn: psycopg.Connection[Any]) -> None:
    with pytest.raises(PlanError, match="a: it masks neither strings nor numbers"):
        mask(conn, {}, by('a = { strategy = "json_only", members = ["x"] }'))


def test_what_pools_put_into_a_document_is_known_to_the_proof(conn: psycopg.Connection[Any]) -> None:
    strategy = by('"*" = "full_name"', '{ strategy = "constant", value = "R" }')
    doc = mask(conn, {"a": "Ada"}, strategy)
    [column, _] = make_plan(conn, f'doc = {strategy}\nmail = "email"').tables[0].columns

    assert column.residue == "pool"
    assert doc["a"] in column.producible(["en_US"])
    assert "R" in column.producible(["en_US"])
    assert "Ada Qx" not in column.producible(["en_US"])
