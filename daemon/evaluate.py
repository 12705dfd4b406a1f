"""Listing and facts → one view per branch; views and rules → findings. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from daemon.entry import LedgerEntry
from daemon.lineage import PurposePattern, in_flight, purpose_of, still_proves
from daemon.model import (
    Branch,
    BranchView,
    DataClass,
    DeletionDate,
    Finding,
    Lineage,
    Listing,
    SharedPassword,
)
from daemon.rules import HygieneRule

DATE_KEYS = ("deletion-date", "delete-after", "expires")
"""Annotation keys that are read as a deletion date where the config names none."""

FLIGHT = timedelta(hours=12)  # a run renews its branches two hours ahead; who expires later is not in flight


@dataclass(frozen=True)
class Facts:
    """What is known beside the listing and the lineages. The mappings are by branch id."""

    ledger: tuple[LedgerEntry, ...] = ()
    purposes: tuple[PurposePattern, ...] = ()
    date_keys: tuple[str, ...] = DATE_KEYS
    run_branches: frozenset[str] = frozenset()
    """Branches that this ledger knows as a run's source or target: an annotation alone makes no branch ours."""
    shared: Mapping[str, SharedPassword] = field(default_factory=dict)
    passwords_unknown: frozenset[str] = frozenset()


def build_views(listing: Listing, lineages: Mapping[str, Lineage], facts: Facts) -> tuple[BranchView, ...]:
    """One view per branch, in the order of the listing."""
    common = _look_around(listing, lineages, facts)
    return tuple(_view(branch, lineages[branch.id], facts, common) for branch in listing.branches)


def evaluate(
    views: Iterable[BranchView], rules: Iterable[HygieneRule], now: datetime, known: Iterable[Finding] = ()
) -> tuple[Finding, ...]:
    """What the rules find now. Where a rule cannot tell, what it found before (`known`) stands."""
    before = {finding.key: finding for finding in known}
    asked = tuple(rule for rule in rules if rule.enabled)
    answers = (_ask(rule, view, now, before) for view in views if not view.ours_in_flight for rule in asked)
    return tuple(finding for finding in answers if finding is not None)


def unreadable_dates(branches: Iterable[Branch], keys: Iterable[str] = DATE_KEYS) -> tuple[str, ...]:
    """A sentence for each annotation that is meant as a deletion date and is none."""
    names = tuple(keys)
    return tuple(
        f"{branch.name}: its annotation `{key}` is no date: write it as 2026-12-31 or 2026-12-31T18:00Z"
        for branch in branches
        for key in names
        if key in branch.annotation and read_date(branch.annotation[key]) is None
    )


def read_date(text: str) -> datetime | None:
    """A date (meaning its last second, UTC) or a date and time (UTC where it has no zone) in ISO form, or None."""
    try:
        return datetime.combine(date.fromisoformat(text.strip()), time(23, 59, 59), UTC)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class _Common:
    """What is the same for every branch, or needs all of them."""

    listed_at: datetime
    children: Mapping[str, tuple[str, ...]]
    last_active: Mapping[str, datetime]
    published: Mapping[str, datetime]
    attestations: Mapping[str, str]
    speaker: str | None


def _look_around(listing: Listing, lineages: Mapping[str, Lineage], facts: Facts) -> _Common:
    children: dict[str, list[str]] = defaultdict(list)
    for branch in listing.branches:
        if branch.parent_id:
            children[branch.parent_id].append(branch.name)
    active: dict[str, datetime] = {}
    for endpoint in listing.endpoints:
        if endpoint.last_active:
            active[endpoint.branch_id] = max(endpoint.last_active, active.get(endpoint.branch_id, endpoint.last_active))
    return _Common(
        listed_at=listing.listed_at,
        children={parent: tuple(sorted(names)) for parent, names in children.items()},
        last_active=active,
        published=_published(listing, lineages, facts),
        attestations={entry.branch_id: entry.attestation_path for entry in facts.ledger},
        speaker=_speaker(listing, lineages),
    )


def _published(listing: Listing, lineages: Mapping[str, Lineage], facts: Facts) -> dict[str, datetime]:
    """When each published staging branch was verified, where a ledger entry still holds for it."""
    branches = {b.id: b for b in listing.branches}
    verified: dict[str, datetime] = {}
    for entry in sorted(facts.ledger, key=lambda e: e.verified_at):
        branch = branches.get(entry.branch_id)
        if branch is not None and still_proves(entry, branch):
            verified[entry.branch_id] = entry.verified_at
    sanitized = {DataClass.SANITIZED, DataClass.ENCRYPTED}
    return {branch_id: at for branch_id, at in verified.items() if lineages[branch_id].data_class in sanitized}


def _speaker(listing: Listing, lineages: Mapping[str, Lineage]) -> str | None:
    """The branch that findings about the project are put on: the default one if it is production, else the first."""
    production = [b for b in listing.branches if lineages[b.id].production]
    production.sort(key=lambda b: (not b.default, b.name, b.id))
    return production[0].id if production else None


def _view(branch: Branch, lineage: Lineage, facts: Facts, common: _Common) -> BranchView:
    shared = facts.shared.get(branch.id)
    return BranchView(
        branch=branch,
        lineage=lineage,
        children=common.children.get(branch.id, ()),
        last_active=common.last_active.get(branch.id),
        deletion_date=_deletion_date(branch, lineage, facts, published=branch.id in common.published),
        shared_password_roles=shared.roles if shared else (),
        shared_password_with=shared.opens if shared else "",
        published_staging=branch.id in common.published,
        attestation=common.attestations.get(branch.id, "") if branch.id in common.published else "",
        ours_in_flight=branch.id in facts.run_branches and _is_in_flight(branch, common.listed_at),
        passwords_known=branch.id not in facts.passwords_unknown,
        speaks_for_project=branch.id == common.speaker,
        newest_staging_at=max(common.published.values(), default=None),
    )


def _is_in_flight(branch: Branch, now: datetime) -> bool:
    return in_flight(branch) and branch.expires_at is not None and branch.expires_at <= now + FLIGHT


def _deletion_date(branch: Branch, lineage: Lineage, facts: Facts, *, published: bool) -> DeletionDate | None:
    if branch.expires_at:
        return DeletionDate(branch.expires_at, "expires_at")
    for key in facts.date_keys:
        if at := read_date(branch.annotation.get(key, "")):
            return DeletionDate(at, "annotation")
    pattern = purpose_of(branch.name, facts.purposes)
    # Production and published staging are never due by a pattern: the one stays, the other is renewed by the daemon.
    if lineage.production or published or pattern is None or pattern.max_age is None:
        return None
    born = max(branch.created_at, branch.last_reset_at or branch.created_at)
    return DeletionDate(born + pattern.max_age, "max_age")


def _ask(
    rule: HygieneRule, view: BranchView, now: datetime, before: Mapping[tuple[str, str, str], Finding]
) -> Finding | None:
    if rule.undecidable(view):
        return before.get((view.branch.project_id, rule.kind, view.branch.id))
    sentence = rule.reason(view, now)
    if sentence is None:
        return None
    return Finding(
        project_id=view.branch.project_id,
        rule=rule.kind,
        branch_id=view.branch.id,
        branch_name=view.branch.name,
        severity=rule.severity,
        sentence=sentence,
        first_seen=now,
        deadline=now + rule.grace,
    )
