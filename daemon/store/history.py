"""Findings and exemptions: what is open, since when, until when, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from daemon.model import Action, Exemption, Finding, Report, Severity
from daemon.store.tables import exemptions, findings

UNRESOLVED = findings.c.resolved_at.is_(None)


def open_findings(connection: sa.Connection, project_id: str) -> tuple[Finding, ...]:
    """Return what is flagged now, exempted findings left out, oldest first."""
    wanted = sa.select(findings).where(findings.c.project_id == project_id, findings.c.exempt == 0, UNRESOLVED)
    return tuple(_finding(row) for row in connection.execute(wanted.order_by(findings.c.first_seen, findings.c.id)))


def record(connection: sa.Connection, report: Report, now: datetime) -> None:
    """Bring the findings of a project to what its cycle decided."""
    for outcome in report.outcomes:
        action, finding = outcome.decision.action, outcome.decision.finding
        if action is Action.RESOLVE:
            _resolve(connection, _is(finding), now)
        else:
            _upsert(connection, finding, exempt=action is Action.EXEMPT, now=now)
    if not report.unknowns:
        _resolve_unmentioned_exempt(connection, report, now)


def add_exemptions(connection: sa.Connection, new: Iterable[Exemption]) -> None:
    """Write exemptions; a newer one of the same branch replaces the older."""
    for exemption in new:
        row = {column.name: getattr(exemption, column.name) for column in exemptions.c}
        keys = ["project_id", "branch_id"]
        changes = {name: value for name, value in row.items() if name not in keys}
        connection.execute(insert(exemptions).values(row).on_conflict_do_update(index_elements=keys, set_=changes))


def active_exemptions(connection: sa.Connection, project_id: str, now: datetime) -> tuple[Exemption, ...]:
    """Return the exemptions whose end has not come."""
    wanted = sa.select(exemptions).where(exemptions.c.project_id == project_id, exemptions.c.until > now)
    return tuple(Exemption(**row._asdict()) for row in connection.execute(wanted.order_by(exemptions.c.branch_name)))


def remove_exemption(connection: sa.Connection, project_id: str, branch_id: str) -> Exemption | None:
    """Delete an exemption and return it, or None when there was none."""
    mine = sa.and_(exemptions.c.project_id == project_id, exemptions.c.branch_id == branch_id)
    row = connection.execute(sa.delete(exemptions).where(mine).returning(*exemptions.c)).one_or_none()
    return None if row is None else Exemption(**row._asdict())


def _is(finding: Finding) -> sa.ColumnElement[bool]:
    project_id, rule, branch_id = finding.key
    return sa.and_(
        findings.c.project_id == project_id, findings.c.rule == rule, findings.c.branch_id == branch_id, UNRESOLVED
    )


def _resolve(connection: sa.Connection, wanted: sa.ColumnElement[bool], now: datetime) -> None:
    connection.execute(sa.update(findings).where(wanted).values(resolved_at=now))


def _resolve_unmentioned_exempt(connection: sa.Connection, report: Report, now: datetime) -> None:
    """Close exempted findings that no rule answers any more: history hides them, so no decision ever resolves them."""
    mentioned = {o.decision.finding.key for o in report.outcomes if o.decision.action is Action.EXEMPT}
    wanted = sa.select(findings).where(findings.c.project_id == report.project_id, findings.c.exempt == 1, UNRESOLVED)
    for finding in [_finding(row) for row in connection.execute(wanted)]:
        if finding.key not in mentioned:
            _resolve(connection, _is(finding), now)


def _upsert(connection: sa.Connection, finding: Finding, *, exempt: bool, now: datetime) -> None:
    """Insert, or update what may change. `first_seen` stays; the deadline moves only when an exemption has ended."""
    row = {name: getattr(finding, name) for name in Finding.__dataclass_fields__}
    statement = insert(findings).values(**row, exempt=int(exempt), last_seen=now, resolved_at=None)
    deadline = sa.case((findings.c.exempt == 1, statement.excluded.deadline), else_=findings.c.deadline)
    changing = ("branch_name", "severity", "sentence", "last_seen", "exempt")
    changes = {name: statement.excluded[name] for name in changing}
    keys = ["project_id", "rule", "branch_id"]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=keys, index_where=UNRESOLVED, set_={**changes, "deadline": deadline}
        )
    )


def _finding(row: sa.Row[tuple[object, ...]]) -> Finding:
    values = row._asdict()
    fields = {name: values[name] for name in Finding.__dataclass_fields__}
    return Finding(**{**fields, "severity": Severity(values["severity"])})
