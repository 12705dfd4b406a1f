"""One polling cycle of one project: list, classify, evaluate, decide, record, tell. Nothing is deleted here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from daemon.alerts import cycle_messages, notice
from daemon.alerts.payload import digest
from daemon.decide import decide
from daemon.evaluate import Facts, build_views, evaluate, unreadable_dates
from daemon.lineage import classify, unmatched_production
from daemon.model import Action, Decision, Lineage, Listing, Outcome, Report
from daemon.neon import NeonClient
from daemon.passwords import PasswordCache, PasswordCheck, compare_passwords
from daemon.records import Event, Message
from daemon.rules import InheritedPassword
from daemon.settings import ProjectSettings, Settings
from daemon.store import Store

KINDS = {Action.FLAG: "finding.new", Action.RESOLVE: "finding.resolved"}
"""What is worth an event; a finding that was known before is not."""


@dataclass
class Cycle:
    """What cycles work with. The password cache is all that one cycle hands to the next, and only in memory."""

    client: NeonClient
    store: Store
    settings: Settings
    clock: Callable[[], datetime]
    passwords: dict[str, PasswordCache] = field(default_factory=dict)

    def run(self, project: ProjectSettings, problems: tuple[str, ...] = ()) -> Report:
        """Look, record and queue the alerts: all of it, or an error and nothing. `problems` join what is unknown."""
        report = self.look(project)
        report = replace(report, unknowns=(*problems, *report.unknowns))
        told = (*cycle_messages(report), *_unknowns_told(report))
        self.store.record_cycle(report, tuple(_events(report)), told, report.finished_at)
        return report

    def look(self, project: ProjectSettings, *, compare: bool = True) -> Report:
        """Everything but the recording. Without `compare` no password is revealed: what was found before stands."""
        started_at = self.clock()
        listing = self.client.list_project(project.id, started_at)
        ledger = self.store.published(project.id)
        ours = self._run_branches(project.id)
        lineages = classify(listing.branches, ledger, project.production, self.settings.purposes)
        rules = self.settings.all_rules()
        asked = any(isinstance(rule, InheritedPassword) and rule.enabled for rule in rules)
        others = tuple(b for b in listing.branches if b.id not in ours or b.expires_at is None)
        check = self._compare(replace(listing, branches=others), lineages) if compare and asked else None
        facts = Facts(
            ledger=ledger,
            run_branches=ours,
            purposes=self.settings.purposes,
            date_keys=self.settings.branches.deletion_date_keys,
            shared=check.shared if check else {},
            passwords_unknown=check.unknown if check else frozenset(lineages),
        )
        views = build_views(listing, lineages, facts)
        history = self.store.open_findings(project.id)
        lost = unmatched_production(listing.branches, project.production)
        findings = evaluate(views, rules, started_at, history)
        if lost:  # with a typo there, copies of production look merely unknown: nothing is resolved by it
            seen = {finding.key for finding in findings}
            findings = (*findings, *(finding for finding in history if finding.key not in seen))
        decisions = decide(findings, history, self.store.active_exemptions(project.id, started_at), started_at)
        return Report(
            project_id=project.id,
            project_name=listing.project.name,
            started_at=started_at,
            finished_at=self.clock(),
            views=views,
            outcomes=tuple(Outcome(decision, done=True) for decision in decisions),
            unknowns=tuple(self._unknowns(project, listing, check)),
            first_cycle=not self.store.has_cycle(project.id),
        )

    def _run_branches(self, project_id: str) -> frozenset[str]:
        """Sources and targets of sanitize runs; the run itself sees to their passwords and their end."""
        runs = self.store.list_runs(project_id)
        return frozenset(b for run in runs for b in (run.source_branch_id, run.target_branch_id) if b)

    def _compare(self, listing: Listing, lineages: dict[str, Lineage]) -> PasswordCheck:
        cache = self.passwords.get(listing.project.id) or PasswordCache.new()
        check = compare_passwords(self.client, listing, lineages, cache)
        self.passwords[listing.project.id] = check.cache
        return check

    def _unknowns(self, project: ProjectSettings, listing: Listing, check: PasswordCheck | None) -> Iterator[str]:
        yield from unmatched_production(listing.branches, project.production)
        yield from unreadable_dates(listing.branches, self.settings.branches.deletion_date_keys)
        yield from check.unknowns if check else ()


def _unknowns_told(report: Report) -> Iterator[Message]:
    """What could not be looked at: once a week for as long as it lasts."""
    for sentence in report.unknowns:
        key = digest("unknown", [report.project_id, f"{report.finished_at:%G-W%V}", sentence])
        yield notice(f"Not everything in {report.project_name} could be looked at", sentence, key)


def _events(report: Report) -> Iterator[Event]:
    """One event for each change and one for the cycle itself."""
    for outcome in report.outcomes:
        if kind := KINDS.get(outcome.decision.action):
            yield _event(kind, outcome.decision)
    if report.first_cycle or any(o.decision.action in KINDS for o in report.outcomes):
        sentence = f"{len(report.views)} branches, {len(report.findings)} findings"
        yield Event("cycle.changed", report.project_id, None, sentence, {"branches": len(report.views)})


def _event(kind: str, decision: Decision) -> Event:
    finding = decision.finding
    data = {
        "rule": finding.rule,
        "branch": finding.branch_name,
        "severity": finding.severity.value,
        "deadline": finding.deadline.isoformat(),
        "why": decision.reason,
    }
    sentence = finding.sentence
    if decision.action is Action.RESOLVE:
        sentence = f"resolved: {finding.rule} on {finding.branch_name}"
    return Event(kind, finding.project_id, finding.branch_id, sentence, data)
