"""Which moment of which branch the rows of a staging branch are of, by its attestation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from daemon.model import Branch
from daemon.neon.orders import CreateBranch, creation_body
from daemon.staging import Unsourced, origin_of
from daemon.staging.copies import Origin
from sanitizers.attest.predicate import NeonPlace, Predicate, Source
from tests.attest_case import END, predicate
from tests.builders import branch

SOURCE = Source(lsn="0/16B3748", at=END - timedelta(minutes=6))


ANOTHER = "the attestation is of another branch"


def staged() -> tuple[Predicate, Branch]:
    said = predicate(source=SOURCE)
    assert isinstance(said.place, NeonPlace)
    return said, replace(branch("staging"), id=said.place.branch_id, project_id=said.place.project_id)


def test_position_time_and_branch_come_from_the_attestation() -> None:
    said, here = staged()

    assert origin_of(here, "br-production", said) == Origin(here.project_id, "br-production", "0/16B3748", SOURCE.at)


def test_what_nobody_names_is_not_guessed() -> None:
    said, here = staged()
    untold = predicate(source=Source(unknown="the API does not say"))

    assert origin_of(here, "br-production", untold) == Unsourced("the API does not say")
    nowhere = origin_of(here, "", said)
    assert isinstance(nowhere, Unsourced)
    assert "names no production branch" in nowhere.why


def test_an_attestation_of_another_branch_names_no_moment_of_this_one() -> None:
    said, here = staged()

    assert origin_of(replace(here, id="br-other"), "br-production", said) == Unsourced(ANOTHER)


def test_a_position_of_the_log_is_asked_for_before_a_time() -> None:
    order = CreateBranch("p", "copy", "br-production", lsn="0/16B3748", at=END)

    assert creation_body(order)["branch"]["parent_lsn"] == "0/16B3748"
    assert "parent_timestamp" not in creation_body(order)["branch"]
    assert creation_body(replace(order, lsn=None))["branch"]["parent_timestamp"] == END.isoformat()
    assert set(creation_body(replace(order, lsn=None, at=None))["branch"]) == {"name", "init_source", "parent_id"}
