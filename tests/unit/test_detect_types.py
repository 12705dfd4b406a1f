"""Detection inside arrays, ranges and composite types, and suggestions that such types can hold."""

from __future__ import annotations

import pytest

from sanitizers.detect.inside import composite_remedies
from sanitizers.schema import Column
from sanitizers.strategies import Strategy
from tests.unit.test_detect import column, found, suggested, table, vocabulary

ADDRESS = Column(
    "value", "public.address", kind="c", attributes=(column("street"), column("city"), column("floor", "integer"))
)
CONTACT = Column(
    "value",
    "public.contact",
    kind="c",
    attributes=(column("email"), Column("home", "public.address", kind="c", attributes=ADDRESS.attributes)),
)


def inside(name: str, value: Column) -> Column:
    """A column of this composite type."""
    return Column(name, value.type, kind="c", attributes=value.attributes)


def array_of(name: str, value: Column) -> Column:
    return Column(name, f"{value.type}[]", array=True, element=value)


def written(strategy: Strategy) -> object:
    return strategy.model_dump(by_alias=True, exclude_defaults=True)


@pytest.mark.parametrize(
    ("type_", "expected"), [("inet", "ip_address"), ("macaddr", "mac_address"), ("jsonb", "payload"), ("integer", None)]
)
def test_the_elements_of_an_array_tell_what_the_array_is(type_: str, expected: str | None) -> None:
    assert found("things", array_of("seen", column("seen", type_))) == {"seen": expected}


def test_personal_attributes_make_a_composite_column_personal() -> None:
    columns = (inside("reach", CONTACT), array_of("reaches", CONTACT), inside("size", Column("v", "s", kind="c")))

    assert found("things", *columns) == {"reach": "payload", "reaches": "payload", "size": None}


def test_attributes_that_are_personal_are_masked_and_the_others_kept() -> None:
    strategies = suggested(table("things", inside("home", ADDRESS), array_of("homes", ADDRESS)))

    expected = {"attributes": {"street": "street", "city": "city"}, "rest": "keep"}
    assert {name: written(strategy) for name, strategy in strategies.items()} == {
        "things.home": expected,
        "things.homes": expected,
    }


def test_composite_types_inside_composite_types_are_looked_into() -> None:
    [strategy] = composite_remedies(inside("reach", CONTACT), vocabulary())

    attributes = dict(strategy.attributes)
    assert attributes["email"].kind == "email"  # type: ignore[attr-defined]  # every strategy has it
    assert {name for name, _ in attributes["home"].attributes} == {"street", "city"}  # type: ignore[attr-defined]


def test_an_attribute_that_nothing_fits_leaves_the_decision_to_people() -> None:
    place = Column("home_location", "public.geometry", not_null=True)
    visit = Column("v", "visit", kind="c", attributes=(column("city"), place))

    assert [*composite_remedies(visit, vocabulary())] == []
    assert suggested(table("things", Column("v", "visit", kind="c", attributes=visit.attributes, not_null=True))) == {}


def test_a_range_of_dates_of_birth_is_believed_and_moved() -> None:
    born = Column("birth_date", "daterange", kind="r", subtype=column("bound", "date"), not_null=True)

    assert found("things", born) == {"birth_date": "date_of_birth"}
    assert suggested(table("things", born))["things.birth_date"].kind == "range_shift"


def test_a_point_is_a_place_where_people_are() -> None:
    assert found("customers", column("location", "point")) == {"location": "geo_point"}
    assert found("shapes", column("location", "point")) == {"location": None}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (column("profile", "xml", not_null=True), "<removed/>"),
        (column("prefs", "public.hstore", kind="b", not_null=True), ""),
        (column("search", "tsvector", not_null=True), ""),
        (Column("religion", "public.faith", enum=True, labels=("none", "some"), not_null=True), "none"),
    ],
)
def test_what_is_emptied_gets_a_value_that_the_type_can_read(given: Column, expected: str) -> None:
    [strategy] = suggested(table("people", given)).values()

    assert strategy.kind == "constant"
    assert written(strategy) == {"value": expected}


def test_a_district_is_part_of_an_address_where_one_is_beside_it() -> None:
    assert found("places", column("district"), column("city"))["district"] == "region"
    assert found("visits", column("district"))["district"] is None


def base_type(name: str, type_: str, *, not_null: bool = False) -> Column:
    """A column of a base type that is an extension's or somebody's own."""
    schema, _, own = type_.rpartition(".")
    return Column(name, type_, kind="b", type_name=(schema, own), not_null=not_null)


def test_a_personal_name_is_believed_whatever_an_unknown_type_holds() -> None:
    columns = (
        base_type("email", "app.mail_text"),
        base_type("size", "app.mail_text"),
        base_type("phone", "app.hstore"),
    )

    assert found("things", *columns) == {"email": "email", "size": None, "phone": "payload"}
    assert {n: s.kind for n, s in suggested(table("things", *columns)).items()} == {
        "things.email": "null",
        "things.size": "keep",
        "things.phone": "null",
    }


def test_nothing_is_suggested_for_a_personal_column_of_an_unknown_type_that_refuses_null() -> None:
    assert suggested(table("things", base_type("email", "app.mail_text", not_null=True))) == {}


@pytest.mark.parametrize("type_", ["public.vector(3)", "ai.halfvec(768)", "public.sparsevec(9)"])
def test_embeddings_are_emptied_as_their_text_is(type_: str) -> None:
    column = Column("embedding", type_, kind="b", type_name=("public", "vector"))

    assert found("things", column) == {"embedding": "free_text"}
    assert [s.kind for s in suggested(table("things", column)).values()] == ["null"]


@pytest.mark.parametrize("name", ["text", "date", "uuid", "point", "bytea"])
def test_a_type_of_somebody_is_not_taken_for_the_one_of_postgres_that_is_called_alike(name: str) -> None:
    own = Column("value", f"app.{name}", kind="c", type_name=("app", name))

    assert own.category == "other"
    assert (own.bare_type, Column("value", name).bare_type) == (f"app.{name}", name)
    assert Column("value", "app.citext").category == "text"
