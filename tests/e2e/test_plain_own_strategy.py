"""A strategy of somebody's own package, through the command: like any other where it is right, told where it is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.fix_plain import ROOT, Desk, execute, rows
from tests.fix_postgres import TestDatabase

PACKAGE = """
import itertools
from typing import Literal
from psycopg import sql
from pydantic import Field
from sanitizers.formulas import number
from sanitizers.strategies import MaskingStrategy

counter = itertools.count()

class Badge(MaskingStrategy):
    '''A badge number.'''
    kind: Literal["badge"] = Field(default="badge", alias="strategy")

    def expression(self, column, inputs):
        {}
"""
RIGHT = """return sql.SQL("('B' || ({} % 10000)::text)").format(number(inputs.digest))"""
POLICY = """version = 1
[{0}.public.staff]
id = "keep"
badge = "badge"
old = {{ strategy = "json", paths = {{ "no" = "badge" }} }}
"""
STAFF = """
CREATE TABLE staff (id int PRIMARY KEY, badge text, old jsonb);
INSERT INTO staff SELECT n, 'zq-badge-' || n, jsonb_build_object('no', 'zq-old-' || n) FROM generate_series(1, 50) AS n
"""
BADGES = "SELECT badge, old ->> 'no' FROM staff ORDER BY id"


@dataclass(frozen=True)
class Office:
    """A desk, a database of its own, and a package that is installed beside the command."""

    desk: Desk
    staff: TestDatabase
    folder: Path

    def install(self, body: str) -> None:
        (self.folder / "acme_masks.py").write_text(PACKAGE.format(body), encoding="utf-8")
        metadata = self.folder / "acme_masks-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-masks\nVersion: 1.0\n", encoding="utf-8")
        (metadata / "entry_points.txt").write_text("[branchwarden.strategies]\nbadge = acme_masks:Badge\n")

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return self.desk.run(*arguments, PYTHONPATH=os.pathsep.join([str(self.folder), str(ROOT)]))


@pytest.fixture
def office(desk: Desk, make_database: Callable[[], TestDatabase], tmp_path: Path) -> Office:
    staff, folder = make_database(), tmp_path / "site"
    folder.mkdir()
    execute(staff.dsn, STAFF)
    desk.decide(POLICY.format(staff.name))
    return Office(desk, staff, folder)


def test_both_engines_mask_with_it_alike(office: Office, make_database: Callable[[], TestDatabase]) -> None:
    office.install(RIGHT)
    target = make_database()

    copied = office.run("sanitize", "--source", office.staff.dsn, "--target", target.dsn)
    rewritten = office.run("sanitize", "--in-place", office.staff.dsn, "--yes")

    assert (copied.returncode, rewritten.returncode) == (0, 0), copied.stderr + rewritten.stderr
    fakes = rows(target.dsn, BADGES)
    assert all(badge[0] == old[0] == "B" and badge[1:].isdigit() and old[1:].isdigit() for badge, old in fakes)
    assert len(set(fakes)) > 40
    assert rows(office.staff.dsn, BADGES) == fakes


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("return 1 / 0", 2, "strategy badge of package acme-masks cannot be used: ZeroDivisionError: division by zero"),
        (
            "return 'B1'",
            2,
            "strategy badge of package acme-masks cannot be used: TypeError: its expression is of type str",
        ),
        ("return sql.Literal(next(counter))", 2, "ValueError: its expression is another one each time"),
        ("return sql.SQL('no such thing')", 5, "public.staff: badge: badge does not fit: "),
        ("return sql.SQL('ARRAY[1, 2]::point')", 5, "badge: badge does not fit: cannot cast type integer[] to point"),
        ("return sql.SQL('random()')", 5, "badge: badge does not fit: it gives other fakes each time it is asked"),
    ],
)
def test_a_wrong_one_is_told_before_a_row_is_touched(body: str, code: int, said: str, office: Office) -> None:
    office.install(body)

    refused = [
        office.run("plan", "--dsn", office.staff.dsn),
        office.run("sanitize", "--in-place", office.staff.dsn, "--yes"),
    ]

    for done in refused:
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        assert said in done.stderr
        assert "zq-" not in done.stdout + done.stderr
    assert rows(office.staff.dsn, "SELECT count(*) FROM staff WHERE badge LIKE 'zq%'") == [(50,)]
