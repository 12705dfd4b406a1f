"""Strategies of other packages: a real one is installed into a folder, and a new Python finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = """
from typing import Literal
from psycopg import sql
from pydantic import Field
from sanitizers.formulas import number
from sanitizers.strategies import MaskingStrategy

class Badge(MaskingStrategy):
    '''A badge number.'''
    kind: Literal["badge"] = Field(default="badge", alias="strategy")
    prefix: str = "B"

    def expression(self, column, inputs):
        return sql.SQL("({} || ({} % 10000)::text)").format(sql.Literal(self.prefix), number(inputs.digest))
"""
READ = """
from sanitizers.policy import parse_policy
from sanitizers.errors import PolicyError
text = 'version = 1\\n[db.public.t]\\nb = { strategy = "badge", prefix = "X" }\\n'
text += 'd = { strategy = "json", paths = { a = "badge" } }\\n'
try:
    policy = parse_policy(text, "masking.toml")
    column = ("db", "public", "t", "b")
    print(policy.strategy(column).masking["prefix"], policy.strategy((*column[:3], "d")).paths[0][1].kind)
except PolicyError as error:
    print(error)
"""

LOOK = """
from typing import ClassVar
from acme_masks import Badge
from sanitizers.columns import Column

class Number(Badge):
    injective: ClassVar[bool] = True

repeated, unique = (Column(name="b", type="text", unique=u) for u in (False, True))
print(Badge().fits(repeated), Badge().fits(unique), Number().fits(unique), sep="\\n")
"""


def installed(folder: Path, source: str, entry: str = "acme_masks:Badge") -> str:
    """What a Python that has the package prints when it reads a policy that uses it."""
    (folder / "acme_masks.py").write_text(source, encoding="utf-8")
    metadata = folder / "acme_masks-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-masks\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[branchwarden.strategies]\nbadge = {entry}\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", READ], check=True, capture_output=True, text=True, env=environment, timeout=120
    )
    return done.stdout.strip()


def test_a_strategy_of_another_package_is_one_like_any_other(tmp_path: Path) -> None:
    assert installed(tmp_path, GOOD) == "X badge"


@pytest.mark.parametrize(
    ("source", "entry", "said"),
    [
        ("import nothing_of_that_name", "acme_masks:Badge", "No module named 'nothing_of_that_name'"),
        ("raise ValueError('no')", "acme_masks:Badge", "cannot be used: no."),
        ("def broken(:", "acme_masks:Badge", "invalid syntax"),
        (GOOD, "acme_masks:Nobody", "has no attribute 'Nobody'"),
        (GOOD, "acme_masks:number", "does not derive from"),
        (GOOD.replace('"badge"', '"email"'), "acme_masks:Badge", "there is a strategy 'email' already"),
        (GOOD.replace("def expression", "def other"), "acme_masks:Badge", "it does not define expression"),
        (GOOD.replace("kind: Literal", "sort: Literal"), "acme_masks:Badge", "it has no `kind: Literal"),
        (
            GOOD.replace('alias="strategy"', 'alias="x"'),
            "acme_masks:Badge",
            'the alias of its `kind` is not "strategy"',
        ),
    ],
)
def test_a_package_that_brings_no_strategy_is_named(source: str, entry: str, said: str, tmp_path: Path) -> None:
    printed = installed(tmp_path, source, entry)

    assert printed.startswith(f"package acme-masks: its strategy {entry} cannot be used: ")
    assert said in printed


def test_a_strategy_that_does_not_say_that_its_fakes_differ_gets_no_unique_column(tmp_path: Path) -> None:
    (tmp_path / "look.py").write_text(LOOK, encoding="utf-8")
    (tmp_path / "acme_masks.py").write_text(GOOD, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}

    done = subprocess.run(
        [sys.executable, "look.py"], check=True, capture_output=True, text=True, env=environment, cwd=tmp_path
    )

    advice = "use digest or permute, or unique = true where the strategy has it"
    assert done.stdout.splitlines() == ["None", f"the column is unique and these fakes repeat: {advice}", "None"]
