"""The demo's project: branches of every kind, and a database with one of everything that masking must get right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from emulator.server import Emulator
from tests.fix_emulator import Api

pytestmark = pytest.mark.postgres

KINDS = """
SELECT 'identity column', count(*) FROM pg_attribute WHERE attidentity <> '' AND attrelid >= 16384
UNION ALL SELECT 'generated column', count(*) FROM pg_attribute WHERE attgenerated <> '' AND attrelid >= 16384
UNION ALL SELECT 'array column', count(*) FROM pg_attribute WHERE atttypid = 'text[]'::regtype AND attrelid >= 16384
UNION ALL SELECT 'jsonb column', count(*) FROM pg_attribute WHERE atttypid = 'jsonb'::regtype AND attrelid >= 16384
UNION ALL SELECT 'enum', count(*) FROM pg_type WHERE typtype = 'e'
UNION ALL SELECT 'foreign key', count(*) FROM pg_constraint WHERE contype = 'f'
UNION ALL SELECT 'check', count(*) FROM pg_constraint WHERE contype = 'c' AND conrelid >= 16384
UNION ALL SELECT 'unique', count(*) FROM pg_constraint WHERE contype = 'u'
UNION ALL SELECT 'expression index', count(*) FROM pg_index WHERE indexprs IS NOT NULL AND indisunique
UNION ALL SELECT 'partitioned table', count(*) FROM pg_class WHERE relkind = 'p'
UNION ALL SELECT 'matview', count(*) FROM pg_class WHERE relkind = 'm'
UNION ALL SELECT 'view', count(*) FROM pg_class WHERE relkind = 'v' AND oid >= 16384
UNION ALL SELECT 'trigger', count(*) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'comment', count(*) FROM pg_description WHERE objoid >= 16384
UNION ALL SELECT 'role made in SQL', count(*) FROM pg_roles WHERE rolname = 'reporting' AND rolcanlogin
UNION ALL SELECT 'row of NULL', count(*) FROM customers WHERE phone IS NULL
UNION ALL SELECT 'mixed-case row', count(*) FROM "Staff Notes" WHERE "Note" IS NOT NULL
UNION ALL SELECT 'login of the auth service', count(*) FROM neon_auth.users_sync
UNION ALL SELECT 'invoice', count(*) FROM billing.invoices
"""


@pytest.fixture
def demo(demo_neon: Emulator) -> Iterator[Api]:
    with Api(demo_neon) as opened:
        yield opened


def branches(demo: Api) -> dict[str, Any]:
    return {b["name"]: b for b in demo.get("/branches", limit=1000)["branches"]}


def test_the_demo_has_a_dozen_branches_or_fewer_of_every_kind(demo: Api) -> None:
    found = branches(demo)
    production = found["production"]

    assert 10 <= len(found) <= 13
    assert (production["default"], production["protected"], "parent_id" in production) == (True, False, False)
    assert found["perf-test"]["parent_id"] == found["dev/alice"]["id"]
    assert "parent_id" not in found["migration-test"]
    assert found["migration-test"]["init_source"] == "schema-only"
    assert "last_reset_at" in found["qa"]
    assert "expires_at" in found["preview/pr-131"]


def test_the_ages_of_the_demo_are_counted_from_today(demo: Api) -> None:
    found, now = branches(demo), datetime.now(UTC)
    endpoints = {e["branch_id"]: e for e in demo.get("/endpoints")["endpoints"]}
    alice = found["dev/alice"]

    age = now - datetime.fromisoformat(alice["created_at"])
    unused = now - datetime.fromisoformat(endpoints[alice["id"]]["last_active"])
    left = datetime.fromisoformat(found["preview/pr-131"]["expires_at"]) - now

    assert timedelta(days=40) <= age < timedelta(days=41)
    assert timedelta(days=12) <= unused < timedelta(days=13)
    assert timedelta(days=4) < left <= timedelta(days=5)


def test_a_deletion_date_in_an_annotation_has_passed(demo: Api) -> None:
    branch_id = branches(demo)["preview/pr-97"]["id"]

    written = demo.get(f"/branches/{branch_id}")["annotation"]["value"]["deletion-date"]

    assert datetime.fromisoformat(written).date() < datetime.now(UTC).date()


def test_the_shop_has_one_of_everything_that_a_copy_must_get_right(demo: Api) -> None:
    counts = dict(demo.sql("production", KINDS))

    assert [kind for kind, count in counts.items() if count == 0] == []
    assert demo.sql("production", "SELECT count(*) FROM customers") == [(2000,)]
    assert demo.sql("production", "SELECT count(*) FROM gift_cards") == [(0,)]
    with psycopg.connect(demo.uri("production", database="support")) as conn:
        assert conn.execute("SELECT count(*) FROM tickets").fetchone() == (120,)


def test_no_name_pool_can_produce_the_demos_people(demo: Api) -> None:
    rows = demo.sql("production", "SELECT last_name, email, coalesce(phone, '#1/2~3') FROM customers")
    shapes = [re.compile(r".+quist[IVXLCDM#]+"), re.compile(r".+@acme-shop\.test"), re.compile(r"#\d+/\d+~\d+")]

    assert [row for row in rows if not all(s.fullmatch(v) for s, v in zip(shapes, row, strict=True))] == []


def test_children_hold_the_rows_of_production_and_what_was_added_to_them(demo: Api) -> None:
    assert demo.sql("perf-test", "SELECT count(*), (SELECT count(*) FROM scratch_export) FROM customers") == [
        (2000, 100)
    ]
    assert demo.sql("migration-test", "SELECT count(*) FROM customers") == [(0,)]
