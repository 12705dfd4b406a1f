"""The HTML report: what somebody who decides about data reads first, and nothing that it could not know."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from daemon.checking.attestation import AttestationChecked
from daemon.checking.page import page
from daemon.checking.result import Checked
from sanitizers.attest.compare import Difference, Effect
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.fidelity import ColumnFidelity, Fidelity, Profile
from sanitizers.proof.roads import Found, Status
from tests.attest_case import statement

AT = datetime(2026, 11, 22, 17, 5, tzinfo=UTC)
OPEN = "whether something was restored over it since"


def checked(status: Status = Status.PASS, **fields: object) -> Checked:
    about = {"problems": ("found",)} if status is Status.FAIL else {}
    about |= {"unseen": ("not seen",)} if status is Status.UNKNOWN else {}
    road = Found("columns", "shop", status, {"places": 4}, "4 columns looked at.", **about)
    proof = DatabaseProof("shop", roads=(road,))
    return Checked("db.example:5432/copy", AT, (proof,), **fields)  # type: ignore[arg-type]


def attested(effect: Effect | None = None) -> AttestationChecked:
    differences = (Difference("restore", "shop", OPEN, effect),) if effect else ()
    return AttestationChecked("a.json", statement(), ("k1",), differences=differences)


@pytest.mark.parametrize("status", Status)
def test_each_verdict_says_what_to_do_and_what_the_four_words_mean(status: Status) -> None:
    text = page(checked(status))

    assert text.count("<b>What to do:</b>") == 1
    assert text.index("How to read this") < text.index("Every road")
    assert all(f'<span class="badge {word}">{word}</span></dt>' in text for word in Status)


@pytest.mark.parametrize("full", [False, True])
def test_what_is_a_sample_even_of_everything_is_not_asked_for_again(full: bool) -> None:
    text = page(checked(Status.SAMPLED, full=full))

    assert ("run it again with --full" in text) is not full
    assert ("every row and every letter (--full), but for the bytes of pages" in text) is full


def test_it_says_what_was_looked_at_when_and_next_to_what() -> None:
    text = page(checked(source="db.example:5432/before"))

    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", text[: text.index("</header>")]))
    assert facts["looked at on"].startswith("2026-11-22 17:05 UTC, by branchwarden ")
    assert (facts["called below"], facts["compared with"]) == ("shop", "db.example:5432/before")
    assert "<h1>Residue proof of db.example:5432/copy</h1>" in text


def test_of_an_attestation_alone_it_does_not_say_that_roads_were_looked_down() -> None:
    text = page(Checked("a.json", AT, attestation=attested()))

    assert "<h1>Attestation of a.json</h1>" in text
    assert "No database was looked at now." in text
    assert "every road was looked down" not in text


def test_what_nobody_can_tell_of_an_attestation_is_among_what_could_not_be_looked_at() -> None:
    text = page(checked(attestation=attested(Effect.UNKNOWN)))

    assert f'<h2>What could not be looked at</h2><ul class="open"><li>{OPEN}</li></ul>' in text


def test_a_column_and_its_source_stay_together_on_paper_and_names_break_between_words() -> None:
    profile = Profile(rows=3, values=3, distinct=3, shortest=1, median=2, longest=3)
    column = ColumnFidelity("public.support_messages.body", True, profile, profile, sampled=False)
    roads = (Found("columns", "shop", Status.PASS, {}, "Looked."),)
    proof = DatabaseProof("shop", roads=roads, fidelity=Fidelity("shop", (column,)))

    text = page(Checked("copy", AT, (proof,)))

    assert "<code>public.<wbr>support_<wbr>messages.<wbr>body</code>" in text
    assert [part.count("<tr>") for part in re.findall(r"<tbody>.*?</tbody>", text, re.DOTALL)] == [1, 2]
