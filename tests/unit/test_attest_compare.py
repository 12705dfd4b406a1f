"""Which differences between what was attested and what there is void an attestation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sanitizers.attest.compare import DatabaseNow, Difference, Effect, Facts, TableNow, compare
from tests.attest_case import END, facts, statement


def _with_tables(*tables: TableNow, catalog: str = "c") -> Facts:
    return facts(databases=(DatabaseNow("shop", catalog * 64, tables),))


def _told(found: tuple[Difference, ...]) -> list[tuple[str, str, Effect]]:
    return [(difference.kind, difference.place, difference.effect) for difference in found]


CUSTOMERS, ORDERS = facts().databases[0].tables


def test_a_database_as_it_was_differs_in_nothing() -> None:
    assert compare(statement(), facts()) == ()


def test_a_database_that_nobody_could_look_into_is_not_gone() -> None:
    unread = facts(databases=(), unseen=("tables and rows of shop",), unread=("shop",))

    assert [kind for kind, _, _ in _told(compare(statement(), unread))] == ["unseen"]


def test_rows_that_were_not_counted_say_nothing() -> None:
    assert compare(statement(), _with_tables(replace(CUSTOMERS, rows=None), ORDERS)) == ()


@pytest.mark.parametrize(
    ("rows", "words"), [(4, "3 were attested: nothing is said of"), (0, "0 rows, 3 were attested")]
)
def test_rows_that_come_and_go_are_normal(rows: int, words: str) -> None:
    found = compare(statement(), _with_tables(replace(CUSTOMERS, rows=rows), ORDERS))

    assert _told(found) == [("rows", "shop.public.customers", Effect.NORMAL)]
    assert words in found[0].sentence


def test_a_new_column_voids_it() -> None:
    found = compare(statement(), _with_tables(CUSTOMERS, replace(ORDERS, columns=("id", "note"))))

    assert _told(found) == [("column", "shop.public.orders.note", Effect.VOIDS)]


def test_a_new_table_voids_it_also_where_another_schema_has_one_of_its_name() -> None:
    found = compare(statement(), _with_tables(CUSTOMERS, ORDERS, replace(ORDERS, schema="audit")))

    assert _told(found) == [("table", "shop.audit.orders", Effect.VOIDS)]


def test_a_changed_catalog_voids_it_though_all_tables_are_alike() -> None:
    found = compare(statement(), _with_tables(CUSTOMERS, ORDERS, catalog="d"))

    assert _told(found) == [("catalog", "shop", Effect.VOIDS)]


def test_what_is_gone_is_told_after_the_catalog_that_it_changed() -> None:
    found = compare(statement(), _with_tables(replace(CUSTOMERS, columns=("id",)), catalog="d"))

    assert _told(found) == [
        ("catalog", "shop", Effect.VOIDS),
        ("column", "shop.public.customers.email", Effect.NORMAL),
        ("table", "shop.public.orders", Effect.NORMAL),
    ]


def test_what_voids_it_comes_first_wherever_it_was_found() -> None:
    now = _with_tables(replace(CUSTOMERS, rows=9), replace(ORDERS, columns=("id", "note")))

    assert [difference.effect for difference in compare(statement(), now)] == [Effect.VOIDS, Effect.NORMAL]


def test_a_new_database_voids_it_and_one_that_is_gone_does_not() -> None:
    found = compare(statement(), facts(databases=(DatabaseNow("more", "c" * 64, ()),)))

    assert _told(found) == [("database", "more", Effect.VOIDS), ("database", "shop", Effect.NORMAL)]


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=1)])
def test_a_restore_at_or_after_the_proof_voids_it(after: timedelta) -> None:
    found = compare(statement(), facts(restored_at=END + after))

    assert _told(found) == [("restore", "quiet-sun-1/br-staging-1", Effect.VOIDS)]


def test_a_restore_before_the_proof_is_what_the_run_made() -> None:
    assert compare(statement(), facts(restored_at=END - timedelta(seconds=1))) == ()


def test_another_branch_is_not_what_was_attested() -> None:
    found = compare(statement(), facts(place="quiet-sun-1/br-dev-2"))

    assert _told(found) == [("place", "quiet-sun-1/br-dev-2", Effect.VOIDS)]


def test_a_role_with_productions_password_voids_it() -> None:
    assert _told(compare(statement(), facts(roles_as_production=("app",)))) == [("role", "app", Effect.VOIDS)]


def test_what_could_not_be_looked_at_is_unknown_and_comes_between() -> None:
    found = compare(
        statement(),
        facts(
            unseen=("roles: not allowed",),
            restored_at=END,
            databases=_with_tables(replace(CUSTOMERS, rows=9), ORDERS).databases,
        ),
    )

    assert [difference.effect for difference in found] == [Effect.VOIDS, Effect.UNKNOWN, Effect.NORMAL]
    assert found[1].sentence == "not looked at: roles: not allowed"
