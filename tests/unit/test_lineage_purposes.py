"""Purpose and allowance come from the config's patterns; runs in flight are scratch."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.entry import LedgerEntry
from daemon.lineage import classify
from daemon.model import Branch, DataClass, Lineage, Purpose
from daemon.purposes import PurposePattern
from tests.builders import ago, ahead, branch

PRODUCTION, RAW, SANITIZED, UNKNOWN = DataClass.PRODUCTION, DataClass.RAW, DataClass.SANITIZED, DataClass.UNKNOWN
MAIN = branch("main", default=True, created_at=ago(days=300))


def lineages(*branches: Branch, ledger: tuple[LedgerEntry, ...] = (), **given: Any) -> dict[str, Lineage]:
    found = classify(branches, ledger, given.get("production", ()), given.get("purposes", ()))
    return {b.name: found[b.id] for b in branches}


def test_branches_of_a_run_in_flight_are_scratch_its_source_raw_and_its_target_unknown() -> None:
    mark = {"annotation": {"branchwarden.run": "r-2"}, "expires_at": ahead(hours=2)}
    source = branch("bw-source", parent="main", **mark)
    target = branch("bw-target", init_source="schema-only", **mark)

    found = lineages(MAIN, source, target)

    assert (found["bw-source"].data_class, found["bw-target"].data_class) == (RAW, UNKNOWN)
    assert {Purpose.SCRATCH} == {found["bw-source"].purpose, found["bw-target"].purpose}
    assert not found["bw-target"].production


def test_the_first_fitting_pattern_gives_purpose_and_allowance() -> None:
    patterns = (
        PurposePattern(pattern="preview/*", purpose=Purpose.PREVIEW),
        PurposePattern(pattern="*", purpose=Purpose.DEV, holds=(SANITIZED,)),
    )
    preview, other = branch("preview/pr-1", parent="main"), branch("x", parent="main")

    found = lineages(MAIN, preview, other, purposes=patterns)

    assert (found["preview/pr-1"].purpose, found["x"].purpose) == (Purpose.PREVIEW, Purpose.DEV)
    assert RAW not in found["preview/pr-1"].holds
    assert found["x"].holds == (SANITIZED,)
    assert Purpose.PRODUCTION is found["main"].purpose


def test_an_approval_to_hold_raw_rows_travels_with_the_lineage() -> None:
    pattern = PurposePattern(pattern="incident/*", purpose=Purpose.RAW_APPROVED, until=ahead(days=2), by="Ada")
    incident = branch("incident/42", parent="main")

    found = lineages(MAIN, incident, purposes=(pattern,))["incident/42"]

    assert (ahead(days=2), "Ada") == (found.approved_until, found.approved_by)
    assert RAW in found.holds


@pytest.mark.parametrize(
    "given",
    [
        {"purpose": "raw-approved"},
        {"purpose": "raw-approved", "until": "2026-12-01T00:00:00Z"},
        {"purpose": "raw-approved", "until": "2026-12-01T00:00:00Z", "by": "  "},
        {"purpose": "raw-approved", "by": "Ada"},
        {"purpose": "raw-approved", "by": "Ada", "until": "2026-12-01T00:00:00"},
        {"purpose": "production"},
        {"purpose": "dev", "max_age": "soon"},
        {"purpose": "dev", "colour": "blue"},
    ],
)
def test_a_pattern_that_is_wrong_or_unsigned_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        PurposePattern.model_validate({"pattern": "*", **given})


def test_a_maximum_age_is_written_as_people_say_it() -> None:
    pattern = PurposePattern.model_validate({"pattern": "*", "purpose": "dev", "max_age": "14d"})

    assert pattern.max_age is not None
    assert pattern.max_age.days == 14
