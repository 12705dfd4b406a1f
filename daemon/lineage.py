"""Branch tree + sanitize ledger → what every branch holds, and why. Pure.

A branch holds what its source held at the moment of its last create, reset or restore. Only the ledger makes a
branch `sanitized`, and only for as long as nothing was copied over it since.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.entry import LedgerEntry
from daemon.model import Branch, DataClass, Lineage, Purpose
from daemon.purposes import CLEAN, HOLDS, PurposePattern, purpose_of

__all__ = ["PurposePattern", "classify", "in_flight", "purpose_of", "taken_at", "unmatched_production"]


def classify(
    branches: Iterable[Branch],
    ledger: Iterable[LedgerEntry],
    production: Collection[str],
    purposes: Iterable[PurposePattern],
) -> dict[str, Lineage]:
    """The lineage of every branch, by id. `production` holds names or ids; empty means: find out."""
    listed = tuple(branches)
    proofs = _valid_proofs(listed, ledger)
    tree = _Tree(
        branches={branch.id: branch for branch in listed},
        proofs={id_: entry for id_, entry in proofs.items() if not entry.void},
        void={id_: entry for id_, entry in proofs.items() if entry.void},
        production=frozenset(production),
    )
    patterns, held = tuple(purposes), _held_by_all(tree)
    circle = _Held(DataClass.UNKNOWN, "its ancestors form a circle")
    return {branch.id: _lineage(tree, branch, held.get(branch.id, circle), patterns) for branch in listed}


def unmatched_production(branches: Iterable[Branch], production: Collection[str]) -> tuple[str, ...]:
    """A sentence for each listed production branch that is not there: with a typo, raw copies look merely unknown."""
    known = {name for branch in branches for name in (branch.id, branch.name)}
    return tuple(
        f"no branch is called {name}, but `production` lists it: correct it, or copies of production go unseen"
        for name in sorted(production)
        if name not in known
    )


def taken_at(branch: Branch) -> datetime:
    """The moment from which its data are: last create, reset or restore, as exactly as Neon tells."""
    return branch.parent_timestamp or branch.last_reset_at or branch.created_at


def in_flight(branch: Branch) -> bool:
    """Whether a sanitize run made it and it still expires: nothing is known to be finished about it."""
    return branch.run_id is not None and branch.expires_at is not None


@dataclass(frozen=True)
class _Tree:
    branches: Mapping[str, Branch]
    proofs: Mapping[str, LedgerEntry]
    void: Mapping[str, LedgerEntry]
    """Entries that would prove their branch, were it not for their attestations."""
    production: frozenset[str]

    def parent(self, branch: Branch) -> Branch | None:
        return self.branches.get(branch.parent_id) if branch.parent_id else None

    def disproof(self, branch: Branch) -> LedgerEntry | None:
        """The entry of a branch that is what a run of ours made of it, but for the residue that was found since."""
        entry = self.void.get(branch.id)
        return entry if entry is not None and entry.void == entry.disproved else None

    def is_production(self, branch: Branch) -> bool:
        if self.production:
            return branch.id in self.production or branch.name in self.production
        if branch.id in self.proofs or self.disproof(branch):
            return False
        # A root that a run made and that the ledger does not prove is a failed run or a lost store, not production.
        return branch.default or branch.protected or (branch.is_root and branch.run_id is None)

    def parents_first(self) -> tuple[Branch, ...]:
        """Every branch after its parent. Branches whose parents form a circle, which cannot be, are left out."""
        children: dict[str, list[Branch]] = defaultdict(list)
        start = []
        for branch in self.branches.values():
            parent = self.parent(branch)
            if parent is None or self.is_production(branch):
                start.append(branch)
            else:
                children[parent.id].append(branch)
        order = deque(start)
        found = []
        while order:
            found.append(order.popleft())
            order.extend(children[found[-1].id])
        return tuple(found)

    def restored_into_production(self) -> dict[str, Branch]:
        """Production branch by id of every ancestor that it was restored or made from."""
        found: dict[str, Branch] = {}
        for production in sorted(filter(self.is_production, self.branches.values()), key=lambda b: (b.name, b.id)):
            step = self.parent(production)
            while step is not None and step.id not in found:
                found[step.id] = production
                step = self.parent(step)
        return found


def _valid_proofs(branches: Iterable[Branch], ledger: Iterable[LedgerEntry]) -> dict[str, LedgerEntry]:
    """The newest entry per branch, where nothing was copied over the branch since."""
    newest: dict[str, LedgerEntry] = {}
    for entry in sorted(ledger, key=lambda e: (e.verified_at, e.run_id)):
        newest[entry.branch_id] = entry
    found = {branch.id: newest[branch.id] for branch in branches if branch.id in newest}
    return {b.id: found[b.id] for b in branches if b.id in found and still_proves(found[b.id], b)}


def still_proves(entry: LedgerEntry, branch: Branch) -> bool:
    """Whether nothing was copied over the branch since the ledger's run verified it."""
    if entry.project_id != branch.project_id or branch.restored_from or branch.restore_status:
        return False
    if branch.state == "resetting":
        return False
    if branch.last_reset_at is not None and branch.last_reset_at >= entry.verified_at:
        return False
    if entry.masked_from is not None:
        return (branch.parent_id, branch.parent_timestamp) == entry.masked_from
    # A clean-room staging branch is a root: a parent means that something was restored over it.
    return branch.is_root


def _lineage(tree: _Tree, branch: Branch, held: _Held, patterns: tuple[PurposePattern, ...]) -> Lineage:
    pattern = purpose_of(branch.name, patterns)
    purpose = _purpose(tree, branch, pattern)
    named = pattern if pattern is not None and pattern.purpose is purpose else None
    return Lineage(
        data_class=held.data_class,
        reason=held.reason,
        production=tree.is_production(branch),
        purpose=purpose,
        since=held.since,
        holds=named.allowed if named else HOLDS.get(purpose, CLEAN),
        approved_until=named.until if named else None,
        approved_by=named.by if named else "",
        history_raw_until=held.history_raw_until,
        parent_raw_until=held.parent_raw_until,
    )


def _purpose(tree: _Tree, branch: Branch, pattern: PurposePattern | None) -> Purpose:
    if tree.is_production(branch):
        return Purpose.PRODUCTION
    if in_flight(branch):
        return Purpose.SCRATCH
    if branch.id in tree.proofs or tree.disproof(branch):
        return Purpose.STAGING
    return pattern.purpose if pattern else Purpose.DEV


@dataclass(frozen=True)
class _Held:
    data_class: DataClass
    reason: str
    since: datetime | None = None
    near_production: bool = False
    """Whether it or an ancestor is production or raw: then what is not known counts as raw."""
    history_raw_until: datetime | None = None
    parent_raw_until: datetime | None = None


def _held_by_all(tree: _Tree) -> dict[str, _Held]:
    into_production = tree.restored_into_production()
    held: dict[str, _Held] = {}
    for branch in tree.parents_first():
        held[branch.id] = _held(tree, branch, held, into_production.get(branch.id))
    return held


def _held(tree: _Tree, branch: Branch, held: Mapping[str, _Held], production: Branch | None) -> _Held:
    """What a branch holds, its parent's class being known. `production` is a production branch made from it, if any."""
    if tree.is_production(branch):
        return _Held(DataClass.PRODUCTION, _why_production(tree, branch), near_production=True)
    if proof := tree.proofs.get(branch.id):
        raw = proof.history_raw_until
        masked = f"; it was masked in place, history raw until {raw:%Y-%m-%d %H:%M} UTC" if raw else ""
        reason = f"sanitized and verified on {_day(proof.verified_at)} by run {proof.run_id}{masked}"
        if proof.encrypted:
            columns = "1 column comes" if proof.encrypted == 1 else f"{proof.encrypted} columns come"
            reason += f"; {columns} back for those who hold the field key"
        return _Held(DataClass.ENCRYPTED if proof.encrypted else DataClass.SANITIZED, reason, history_raw_until=raw)
    if disproof := tree.disproof(branch):
        reason = f"run {disproof.run_id} sanitized it, but its attestation {disproof.void}"
        return _Held(DataClass.RAW, reason, near_production=True)
    parent = tree.parent(branch)
    if parent is None and production is not None:
        reason = f"{_production_name(production)} was restored or made from it"
        return _Held(DataClass.RAW, reason, near_production=True)
    if parent is None:
        void = tree.void.get(branch.id)
        why = f"made by run {void.run_id}, and its attestation {void.void}" if void else _why_unknown(branch)
        return _Held(DataClass.UNKNOWN, why)
    found = _inherited(tree, branch, parent, held[parent.id])
    near = held[parent.id].near_production or found.data_class is DataClass.RAW
    return replace(found, near_production=near)


def _inherited(tree: _Tree, branch: Branch, parent: Branch, source: _Held) -> _Held:
    """What the parent held at the moment of the copy."""
    at = taken_at(branch)
    copied = f"copied from {parent.name} on {_day(at)}"
    if branch.restored_from:
        reason = f"restored from snapshot {branch.restored_from}, of which nothing is known"
        return _Held(_at_worst(source), reason, at)
    if _has_schema_alone(branch):
        return _Held(DataClass.UNKNOWN, f"made from the schema of {parent.name}; what was loaded since is not known")
    if tree.is_production(parent):
        return _Held(DataClass.RAW, f"copied from {_production_name(parent)} on {_day(at)}", at)
    proof = tree.proofs.get(parent.id)
    if proof and at < proof.verified_at:
        return _Held(DataClass.RAW, f"{copied}, before that was verified on {_day(proof.verified_at)}", at)
    if not proof and _overwritten_since(parent, at):
        return _Held(_at_worst(source), f"{copied}, which was overwritten since: what it held then is not known", at)
    reason = f"copied from {parent.name}, which {_holds(source)}, on {_day(at)}"
    raw_until = source.history_raw_until or source.parent_raw_until
    return _Held(source.data_class, reason, at, parent_raw_until=raw_until)


def _at_worst(source: _Held) -> DataClass:
    return DataClass.RAW if source.near_production else DataClass.UNKNOWN


def _has_schema_alone(branch: Branch) -> bool:
    """A `schema-only` branch is born a root, so one with a parent was restored since, and that brings rows."""
    return branch.init_source == "parent-schema" and branch.last_reset_at is None


def _overwritten_since(parent: Branch, at: datetime) -> bool:
    """Whether the parent got other data after the copy was taken from it."""
    reset = parent.last_reset_at is not None and parent.last_reset_at >= at
    return reset or at < taken_at(parent) or parent.restored_from is not None


def _why_production(tree: _Tree, branch: Branch) -> str:
    if tree.production:
        return "listed as production"
    if branch.default:
        return "the default branch"
    return "a protected branch" if branch.protected else "a root branch that no sanitize run is known to have made"


def _why_unknown(branch: Branch) -> str:
    if branch.parent_id:
        return f"its parent {branch.parent_id} is not there any more"
    if branch.run_id:
        return f"made by run {branch.run_id}, which has not proven it clean"
    return "a root branch that is neither listed as production nor proven clean"


def _production_name(branch: Branch) -> str:
    return branch.name if branch.name == "production" else f"production branch {branch.name}"


def _holds(source: _Held) -> str:
    if source.data_class is DataClass.RAW:
        return "holds production rows"
    if source.data_class is DataClass.UNKNOWN:
        return "holds nobody knows what"
    return f"is {source.data_class}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
