"""Findings, those open before, exemptions and the time → decisions. Pure, and the same for any order of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from daemon.model import Action, Decision, Exemption, Finding, Severity

BADNESS = {severity: rank for rank, severity in enumerate(Severity)}
Key = tuple[str, str, str]


def decide(
    findings: Iterable[Finding], history: Iterable[Finding], exemptions: Iterable[Exemption], now: datetime
) -> tuple[Decision, ...]:
    """One decision per finding and per open finding of `history` that is found no more; the worst first.

    `first_seen` and `deadline` are those of the first sight. An exemption counts until its `until`.
    """
    found = {finding.key: finding for finding in findings}
    before = {finding.key: finding for finding in history}
    exempt = _exempt_branches(exemptions, now)
    decisions = [_decide_one(finding, before, exempt) for finding in found.values()]
    decisions += [_resolve(finding) for key, finding in before.items() if key not in found]
    return tuple(sorted(decisions, key=_order))


def _exempt_branches(exemptions: Iterable[Exemption], now: datetime) -> dict[tuple[str, str], Exemption]:
    valid = sorted((e for e in exemptions if e.until > now), key=lambda e: (e.until, e.created_at, e.reason))
    return {(e.project_id, e.branch_id): e for e in valid}


def _decide_one(
    finding: Finding, before: Mapping[Key, Finding], exempt: Mapping[tuple[str, str], Exemption]
) -> Decision:
    known = before.get(finding.key)
    if known is not None:
        finding = replace(finding, first_seen=known.first_seen, deadline=known.deadline)
    exemption = exempt.get((finding.project_id, finding.branch_id))
    if exemption is not None:
        return Decision(Action.EXEMPT, finding, f"exempt until {exemption.until:%Y-%m-%d}: {exemption.reason}")
    if known is not None:
        return Decision(Action.KEEP, finding, f"known since {known.first_seen:%Y-%m-%d}, {_due(known)}")
    return Decision(Action.FLAG, finding, f"new, {_due(finding)}")


def _resolve(finding: Finding) -> Decision:
    reason = f"{finding.rule} has nothing more to say about {finding.branch_name}, or the branch is gone"
    return Decision(Action.RESOLVE, finding, reason)


def _due(finding: Finding) -> str:
    return f"to be cleared by {finding.deadline:%Y-%m-%d %H:%M} UTC"


def _order(decision: Decision) -> tuple[int, str, str, str, str]:
    finding = decision.finding
    return (-BADNESS[finding.severity], finding.rule, finding.branch_name, finding.branch_id, finding.project_id)
