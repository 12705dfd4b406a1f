"""What becomes of a clean branch in which `verify` found residue: the ledger is told, and whoever reads alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from daemon.alerts import branch_disproved
from daemon.amounts import counted
from daemon.checking import Checked, Known
from daemon.errors import StateError
from daemon.lineage import still_proves
from daemon.purposes import CLEAN
from daemon.records import Event
from daemon.store import Store
from sanitizers.proof.roads import Status

NO_RESIDUE = frozenset({"shape"})
"""Rows that were deleted and indexes that were added are the life of a staging branch."""


def failed_roads(checked: Checked) -> tuple[str, ...]:
    """The roads of its databases on which something was found. Pure.

    History and passwords of a branch are looked at in every cycle, and have rules of their own.
    """
    found = {r.road: r for proof in checked.proofs for r in proof.roads if r.status is Status.FAIL}
    return tuple(road for road in found if road not in NO_RESIDUE)


def tell_disproof(store: Store, known: Known, checked: Checked, now: datetime) -> Checked:
    """Write it down where it is news, and say so among the remarks; nobody takes it back but a new sanitize run.

    What cannot be written down is told as well: the verdict stands.
    """
    roads = failed_roads(checked)
    branch, entry = known.branch, known.entry
    proven = entry is not None and still_proves(entry, branch)
    if not roads or not (proven or known.lineage.data_class in CLEAN) or (proven and entry and entry.disproved):
        return checked
    problems = sum(len(r.problems) for proof in checked.proofs for r in proof.roads if r.road in roads)
    told = f"`verify` found {counted(problems, 'problem')} in {branch.name} (roads {', '.join(roads)})"
    what = _consequence(entry.run_id if proven and entry else "")
    data = {"run": entry.run_id if proven and entry else "", "branch": branch.name, "roads": list(roads)}
    event = Event("verify.disproved", branch.project_id, branch.id, f"{told}: {what}", data)
    try:
        store.record([event], [branch_disproved(event, now)], now)
    except StateError as error:
        left = f"this could NOT be recorded, so that the ledger goes on trusting {branch.name}: {error} Verify it again"
        return replace(checked, remarks=(*checked.remarks, left))
    return replace(checked, remarks=(*checked.remarks, f"recorded, and an alert is queued: {what}"))


def _consequence(run_id: str) -> str:
    if run_id:
        return f"what run {run_id} proved holds no more; make a clean branch with `branchwarden sanitize`"
    return "no run of the ledger made it, so that its data class stays as it is; delete it, and verify its parent"
