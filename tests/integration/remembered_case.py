"""A shop that is masked where it is, and the proof that goes by what the run remembers of it. No fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.witness import WitnessRun, witness_database
from tests.integration.rewrite_case import RewriteCase
from tests.integration.stream_case import KEY, connector

Change = Callable[[], None]

SHOP = """
CREATE TABLE people (id int, region text, name text, email text, phone text, sex text, born date, about text,
  PRIMARY KEY (region, id));
CREATE TABLE notes (id int PRIMARY KEY, body text, extra jsonb);
CREATE TABLE logins (email text);
INSERT INTO people SELECT n, 'r' || n % 3, 'Anna Zqmaria Schmidt' || n, 'zq' || n || '@corp.invalid',
  '+30 210 ' || lpad(n::text, 7, '0'), CASE WHEN n % 2 = 0 THEN 'f' ELSE 'm' END, date '1950-01-01' + n * 3,
  'likes Zqwalks with dog' || n FROM generate_series(1, 400) n;
INSERT INTO notes SELECT n, 'nothing happened on day ' || n, '{"a": "hello world again"}' FROM generate_series(1, 50) n;
ANALYZE;
"""
MASKED: dict[str, Any] = {
    "public.people.name": "full_name",
    "public.people.email": "email",
    "public.people.phone": "phone",
    "public.people.born": "date_shift",
    "public.people.about": "digest",
}


class CutError(Exception):
    """A run ends here."""


def cut() -> None:
    raise CutError


def nothing() -> None:
    pass


def prove(case: RewriteCase, plant: Change = nothing) -> DatabaseProof:
    """Mask and judge; `plant` is done between the two."""
    proofs: list[DatabaseProof] = []
    with witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness:

        def judge() -> None:
            plant()
            proofs.append(witness.judge())

        case.rewrite(look=witness.look, prove=judge)
    return proofs[0]


def prove_later(case: RewriteCase, plant: Change = nothing) -> DatabaseProof:
    """The same by another run than the one that has looked and masked, and was cut off then."""
    with (
        witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness,
        pytest.raises(CutError),
    ):
        case.rewrite(look=witness.look, prove=cut)
    return prove(case, plant)
