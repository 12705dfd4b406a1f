"""Whether staging behaves like production, in numbers and shapes that tell of nobody; and groups of rows alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import psycopg
import pytest

from sanitizers.proof import fidelity
from sanitizers.proof.fidelity import ColumnFidelity, Fidelity, Profile, Shape, read_fidelity
from sanitizers.proof.groups import Groups, QuasiIdentifiers, read_groups
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.looked_case import make_alike, open_site
from tests.integration.stream_case import Case

MakeOn = Callable[[int], TestDatabase]

SCHEMA = "CREATE TABLE people (id int PRIMARY KEY, name text, email text, plate text, sex text, zip text);"
ROWS = """
INSERT INTO people SELECT n, 'Théo Papa' || chr(97 + n % 26), CASE WHEN n % 4 > 0 THEN 'theo' || n || '@corp.de' END,
  'HB-AB ' || 100 + n % 7, CASE WHEN n % 2 = 0 THEN 'f' ELSE 'm' END, '1000' || n % 5
FROM generate_series(1, 400) n;
INSERT INTO people VALUES (401, 'Queer!Shape#1', NULL, 'XYZ', 'f', '99999');
"""
MASKED = {"public.people.name": "full_name", "public.people.email": "email", "public.people.plate": "scramble"}


def read(case: Case) -> Fidelity:
    with open_site(case.target.dsn, case.source.dsn, case.plan) as site:
        return read_fidelity(site)


def column(found: Fidelity, name: str) -> ColumnFidelity:
    return next(c for c in found.columns if c.column == f"public.people.{name}")


@pytest.mark.parametrize("major", VERSIONS)
def test_columns_are_told_next_to_the_sources_and_no_shape_tells_a_person(make_database_on: MakeOn, major: int) -> None:
    case = make_alike(lambda: make_database_on(major), SCHEMA, ROWS, MASKED)
    case.copy()

    found = read(case)

    shape = Shape("AA-AA 999", 400)
    assert Profile(401, 401, 8, 3, 9, 9, (shape,)) == column(found, "plate").source
    assert Profile(401, 401, 8, 3, 9, 9, (shape,)) == column(found, "plate").target
    assert column(found, "email").target.values == column(found, "email").source.values == 300  # type: ignore[union-attr]
    assert "Aaaa Aaaaa" in {s.text for s in column(found, "name").source.shapes}  # type: ignore[union-attr]
    assert all(s.rows >= 20 for c in found.columns for p in (c.source, c.target) if p for s in p.shapes)
    assert "Queer" not in repr(asdict(found))
    assert "Aaaaa!Aaaaa#9" not in repr(asdict(found))
    assert column(found, "plate").warnings == ()
    assert not column(found, "zip").masked


def test_values_far_off_are_warnings(make_database_on: MakeOn) -> None:
    case = make_alike(lambda: make_database_on(18), SCHEMA, ROWS, MASKED)
    case.copy()
    case.execute("UPDATE people SET plate = repeat('x', 30), email = NULL, name = 'Anna Berg' WHERE id % 10 > 0")
    case.execute("UPDATE people SET zip = 'nothing of the policy'")

    warnings = read(case).warnings

    told = [warning.partition(".public.people.")[2] for warning in warnings]
    assert "email: 95% of the values are NULL, in the source 25%" in told
    assert "plate: half of the values have 30 characters or fewer, in the source 9" in told
    assert "name: most values of the source look like Aaaa Aaaaa, and hardly any here" in told
    assert not any("people.zip" in w for w in warnings)


def test_what_empties_a_column_is_meant_to(make_database_on: MakeOn) -> None:
    case = make_alike(lambda: make_database_on(18), SCHEMA, ROWS, {"public.people.email": "null"})
    case.copy()

    assert read(case).warnings == ()


def test_large_tables_are_sampled_on_both_sides(make_database_on: MakeOn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "MOST_ROWS", 2000)
    many = ROWS.replace("(1, 400)", "(1001, 21000)")
    case = make_alike(lambda: make_database_on(18), SCHEMA, many + "ANALYZE;", MASKED)
    case.copy()

    email = column(read(case), "email")

    assert email.sampled
    assert email.source is not None
    assert 0 < email.target.rows < 10_000
    assert 0 < email.source.rows < 10_000


def test_groups_of_rows_that_are_alike_are_counted(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    with psycopg.connect(database.dsn) as conn:
        conn.execute((SCHEMA + ROWS).encode())
        sexes, persons = (QuasiIdentifiers("public", "people", names) for names in (("sex",), ("sex", "zip")))

        found = read_groups(conn, [sexes, persons], k=40)

    assert found == (
        Groups(sexes, 40, 401, 2, 200, 0, 0),
        Groups(persons, 40, 401, 11, 1, 1, 1),
    )
    assert str(found[1]) == (
        "public.people (sex, zip): 1 of 401 rows are in groups of fewer than 40 (1 of 11, the smallest has 1)"
    )
    assert [groups.anonymous for groups in found] == [True, False]


def test_an_empty_table_has_no_group(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    with psycopg.connect(database.dsn) as conn:
        conn.execute(SCHEMA.encode())
        (found,) = read_groups(conn, [QuasiIdentifiers("public", "people", ("sex",))])

    assert (found.rows, found.smallest, found.anonymous) == (0, 0, True)
