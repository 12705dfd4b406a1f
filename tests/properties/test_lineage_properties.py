"""What holds for every tree of branches, every ledger and every list of production branches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.entry import LedgerEntry
from daemon.lineage import classify
from daemon.model import Branch, DataClass
from tests.builders import NOW, branch, branch_id, ledger_entry

NAMES = ("a", "b", "c", "d", "e", "f")
DAYS = st.integers(min_value=0, max_value=30)
WORSE = (DataClass.SANITIZED, DataClass.UNKNOWN, DataClass.RAW, DataClass.PRODUCTION)


def _at(days: int) -> datetime:
    return NOW - timedelta(days=days)


@st.composite
def trees(draw: st.DrawFn, *, circles: bool = False) -> list[Branch]:
    """Up to six branches; without circles, each has its parent among those before it."""
    found = []
    for number, name in enumerate(NAMES[: draw(st.integers(1, len(NAMES)))]):
        parents = NAMES if circles else NAMES[:number]
        parent = draw(st.sampled_from((None, *parents)))
        found.append(
            branch(
                name,
                parent=parent,
                created_at=_at(draw(DAYS)),
                last_reset_at=draw(st.none() | DAYS.map(_at)),
                parent_timestamp=draw(st.none() | DAYS.map(_at)) if parent else None,
                default=number == 0,
                protected=draw(st.booleans()),
            )
        )
    return found


LEDGERS = st.lists(
    st.builds(lambda name, days: ledger_entry(name, verified_at=_at(days)), st.sampled_from(NAMES), DAYS), max_size=4
)
LISTS = st.lists(st.sampled_from(NAMES), max_size=2)


@given(st.data(), trees(circles=True), LEDGERS, LISTS)
def test_the_order_of_branches_and_entries_is_irrelevant(
    data: st.DataObject, branches: list[Branch], ledger: list[LedgerEntry], listed: list[str]
) -> None:
    expected = classify(branches, ledger, listed, ())

    mixed = classify(data.draw(st.permutations(branches)), data.draw(st.permutations(ledger)), listed, ())

    assert expected == mixed


@given(trees(), LEDGERS, LISTS)
def test_what_was_copied_from_a_raw_or_production_branch_is_never_sanitized(
    branches: list[Branch], ledger: list[LedgerEntry], listed: list[str]
) -> None:
    found = classify(branches, ledger, listed, ())

    bad = {b.id for b in branches if found[b.id].data_class in {DataClass.RAW, DataClass.PRODUCTION}}
    assert not [b.name for b in branches if b.parent_id in bad and found[b.id].data_class is DataClass.SANITIZED]


@given(trees(circles=True), LEDGERS, LISTS)
def test_nothing_is_sanitized_without_an_entry_for_itself_or_an_ancestor(
    branches: list[Branch], ledger: list[LedgerEntry], listed: list[str]
) -> None:
    found = classify(branches, ledger, listed, ())

    clean = {b.id for b in branches if found[b.id].data_class is DataClass.SANITIZED}
    proven = {entry.branch_id for entry in ledger}
    assert not [b.name for b in branches if b.id in clean and b.id not in proven and b.parent_id not in clean]


@given(trees(), LEDGERS, st.lists(st.sampled_from(NAMES), min_size=1, max_size=2), st.sampled_from(NAMES))
def test_one_more_proof_never_makes_any_branch_worse_where_production_is_listed(
    branches: list[Branch], ledger: list[LedgerEntry], listed: list[str], name: str
) -> None:
    others = [entry for entry in ledger if entry.branch_id != branch_id(name)]
    before = classify(branches, others, listed, ())

    after = classify(branches, [*others, ledger_entry(name, verified_at=_at(1))], listed, ())

    own = _family(branches, branch_id(name))
    assert not [
        b.name for b in branches if b.id not in own and _rank(after[b.id].data_class) > _rank(before[b.id].data_class)
    ]


@given(trees(), LEDGERS)
def test_a_reset_to_production_makes_any_branch_raw(branches: list[Branch], ledger: list[LedgerEntry]) -> None:
    listed = [branches[0].name]
    restored = [
        b if n == 0 else replace(b, parent_id=branches[0].id, last_reset_at=NOW) for n, b in enumerate(branches)
    ]

    found = classify(restored, ledger, listed, ())

    assert {DataClass.RAW} >= {found[b.id].data_class for b in restored[1:]}


def _rank(data_class: DataClass) -> int:
    return WORSE.index(data_class)


def _family(branches: list[Branch], root: str) -> set[str]:
    """A branch and its descendants; parents come before children here."""
    found = {root}
    for member in branches:
        if member.parent_id in found:
            found.add(member.id)
    return found
