"""A suggested strategy whose fakes a domain's own check refuses: the plan says so, with the column and what to do."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from sanitizers.schema import read_schema
from sanitizers.trial import try_plan
from tests.integration.shapes_case import conn, make_plan
from tests.unit.test_detect import suggested

__all__ = ["conn"]


@pytest.mark.parametrize(
    ("check", "value", "name", "kind"),
    [
        ("VALUE LIKE '%@corp.test'", "ann@corp.test", "email", "email"),
        ("VALUE ~ '^[0-9]{9}$'", "123456789", "phone", "phone"),
        ("length(VALUE) > 200", "x" * 201, "first_name", "first_name"),
    ],
)
def test_a_check_of_a_domain_that_fakes_break_is_told_before_a_run(
    check: str, value: str, name: str, kind: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute(f"CREATE DOMAIN odd AS text CHECK ({check}); CREATE TABLE t (id int PRIMARY KEY, {name} odd)".encode())
    conn.execute(f"INSERT INTO t VALUES (1, '{value}')".encode())
    chosen = suggested(*read_schema(conn).tables)[f"t.{name}"]

    found = try_plan(conn, make_plan(conn, f'id = "keep"\n{name} = "{chosen.kind}"'))

    assert chosen.kind == kind
    assert len(found) == 1
    assert f"public.t: {name}: {kind} does not fit: it fails on a row that was tried: CheckViolation" in found[0]
    assert "domain public.odd; a masked value breaks a check: choose a strategy that satisfies it" in found[0]
    assert value not in found[0]
