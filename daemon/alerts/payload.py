"""What is told: one message per change, not per cycle. Pure: report or run → message."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from daemon.alerts.blocks import code, compose, defuse
from daemon.amounts import counted
from daemon.model import Action, Finding, Report, Severity
from daemon.records import Event, Message, RunStep, SanitizeRun

WORST = 10  # findings that a first summary names
ORDER = {severity: rank for rank, severity in enumerate(reversed(Severity))}


def cycle_messages(report: Report) -> tuple[Message, ...]:
    """Tell what changed: a summary after a project's first cycle, later what is new and what is resolved."""
    if report.first_cycle:
        return (_summary(report),)
    new = [o.decision.finding for o in report.outcomes if o.decision.action is Action.FLAG]
    gone = [o.decision.finding for o in report.outcomes if o.decision.action is Action.RESOLVE]
    return (*([_new(report, new)] if new else []), *([_resolved(report, gone)] if gone else []))


def run_published(run: SanitizeRun, project_name: str) -> Message:
    """Tell that a staging branch was published, with the proof in numbers."""
    lines = [
        f"{code(run.target_name)} was masked ({run.mode}), verified and published.",
        "Branch from it, or run `branchwarden connect`.",
        f"Policy {code(run.policy_digest[:12])}, plan {code(run.plan_digest[:12])}, run {code(run.id)}.",
    ]
    attestation = run.proof.get("attestation")
    if isinstance(attestation, Mapping):
        path, key = (code(str(attestation.get(name))) for name in ("path", "key"))
        lines.append(f"Attestation {path}, signed with key {key}; verdict {code(str(run.proof.get('verdict')))}.")
    fields = [f"*{defuse(key.replace('_', ' '))}*\n{_number(value)}" for key, value in _numbers(run)]
    title = f"New sanitized staging branch in {defuse(project_name)}"
    return compose(title, lines, f"run:{run.id}:published", fields)


def run_ended(run: SanitizeRun, project_name: str) -> Message:
    """Tell that a run failed or was abandoned; nothing was published."""
    word = "was abandoned" if run.step is RunStep.ABANDONED else "failed"
    lines = [
        defuse(run.error) or "No reason was recorded.",
        f"Nothing was published; what run {code(run.id)} made stays sealed and expires by itself.",
    ]
    return compose(f"A sanitize run {word} in {defuse(project_name)}", lines, f"run:{run.id}:{run.step}")


def run_refused(project_id: str, project_name: str, problems: Sequence[str], now: datetime) -> Message:
    """Tell that preflight refused a run; the same problems are told once a day."""
    lines = ["Nothing was created.", *(f"• {defuse(problem)}" for problem in problems)]
    key = digest("refused", [project_id, now.date().isoformat(), *problems])
    return compose(f"A sanitize run was refused in {defuse(project_name)}", lines, key)


def branch_disproved(event: Event, now: datetime) -> Message:
    """Tell that residue was found in a branch that was called clean; the same once a day."""
    title = f"Residue in a sanitized branch of {defuse(event.project_id or '')}"
    parts = [event.project_id or "", event.branch_id or "", f"{now:%Y-%m-%d}", str(event.data.get("run"))]
    return compose(title, [defuse(event.sentence)], digest("disproved", parts))


def notice(title: str, sentence: str, dedup_key: str) -> Message:
    """Tell anything else, such as a project that cannot be reached."""
    return compose(defuse(title), [defuse(sentence)], dedup_key)


def digest(kind: str, parts: Iterable[str]) -> str:
    """Make a dedup key of a kind and what it is about."""
    return f"{kind}:{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'replace')).hexdigest()}"


def _summary(report: Report) -> Message:
    """One message for everything that was there before us."""
    found = sorted(report.findings, key=_badness)
    branches = len({finding.branch_id for finding in found})
    rules = Counter(finding.rule for finding in found)
    lines = [f"{len(report.views)} branches, {branches} of them flagged. Nothing is deleted."]
    lines += [f"• {count} x {rule}" for rule, count in rules.most_common()]
    lines += ["*Worst first*" if len(found) <= WORST else f"*The worst {WORST}*"] if found else []
    lines += [_line(finding) for finding in found[:WORST]]
    lines += [f"Not looked at: {defuse(unknown)}" for unknown in report.unknowns]
    key = f"first:{report.project_id}:{report.started_at.isoformat()}"
    return compose(f"First look at {defuse(report.project_name)}", lines, key)


def _new(report: Report, found: Sequence[Finding]) -> Message:
    title = f"{counted(len(found), 'new finding')} in {defuse(report.project_name)}"
    return compose(title, [_line(finding) for finding in sorted(found, key=_badness)], _key("new", report, found))


def _resolved(report: Report, found: Sequence[Finding]) -> Message:
    title = f"{counted(len(found), 'finding')} resolved in {defuse(report.project_name)}"
    lines = [f"• {code(finding.branch_name)} {finding.rule}" for finding in sorted(found, key=_badness)]
    return compose(title, lines, _key("resolved", report, found))


def _key(kind: str, report: Report, found: Sequence[Finding]) -> str:
    """A finding that was resolved and returns has another `first_seen`, so it is told again."""
    return digest(
        kind, [report.project_id, *sorted(f"{f.rule} {f.branch_id} {f.first_seen.isoformat()}" for f in found)]
    )


def _badness(finding: Finding) -> tuple[int, datetime, str]:
    return (ORDER[finding.severity], finding.deadline, finding.branch_name)


def _line(finding: Finding) -> str:
    due = finding.deadline.strftime("%Y-%m-%d %H:%M UTC")
    name = code(finding.branch_name)
    return f"• *{finding.severity}* {name} {finding.rule}: {defuse(finding.sentence)} (deadline {due})"


def _numbers(run: SanitizeRun) -> list[tuple[str, int | float]]:
    """The proof's own numbers; what is nested in it stays in the ledger."""
    return [(key, value) for key, value in run.proof.items() if isinstance(value, int | float)]


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
