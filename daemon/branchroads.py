"""Roads to a whole branch of Neon: its history, its computes, and what hangs on it outside of the database.

What cannot be looked at is UNKNOWN, and a run does not publish such a branch: nobody could call it sanitized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.errors import NeonError
from daemon.model import Branch, Endpoint
from daemon.neon import NeonClient
from sanitizers.proof.roads import Found, Status

HISTORY, COMPUTES, DATA_API, AUTH, STORAGE = "history", "computes", "data-api", "auth", "storage"


@dataclass(frozen=True)
class BranchFacts:
    """What is known of a branch before it is asked for more."""

    branch: Branch
    databases: Sequence[str]
    raw_until: datetime | None
    """Until when its history reaches raw rows; None: it never held one, or the next says what its parent holds."""
    raw_parent: str = ""
    """Why its parent holds raw rows, where it has one that does."""
    parent_raw_until: datetime | None = None
    """Until when the history of a parent that was masked in place reaches raw rows; None: there is no such parent."""


def look_at_branch(client: NeonClient, facts: BranchFacts, now: datetime) -> tuple[Found, ...]:
    """Every road to the branch as a whole. An answer that the API refuses is UNKNOWN."""
    return (
        history(facts, now),
        _asked(COMPUTES, lambda: computes(client.list_endpoints(facts.branch.project_id, facts.branch.id))),
        _asked(DATA_API, lambda: _data_api(client, facts)),
        _asked(AUTH, lambda: _auth(client, facts.branch)),
        _asked(STORAGE, lambda: _storage(client, facts.branch)),
    )


def history(facts: BranchFacts, now: datetime) -> Found:
    """Is there a moment inside the restore window, or a parent, at which raw rows can be read? Pure."""
    until = facts.raw_until
    numbers = {"parents": int(facts.branch.parent_id is not None)}
    if until is not None and until > now:
        told = f"history raw until {until:%Y-%m-%d %H:%M} UTC"
        problem = f"{facts.branch.name}: {told}: whoever may make branches can go back to rows as they were"
        return _found(HISTORY, numbers, f"It was masked in place: {told}.", problems=(problem,))
    if facts.raw_parent:
        problem = f"{facts.branch.name}: its parent holds raw rows ({facts.raw_parent})"
        return _found(HISTORY, numbers, "Its parent holds raw rows.", problems=(problem,))
    parents = facts.parent_raw_until
    if parents is not None and parents > now:
        told = f"history raw until {parents:%Y-%m-%d %H:%M} UTC"
        told = f"It was made from a branch that was masked in place: {told}."
        return _found(HISTORY, numbers, told, problems=(f"{facts.branch.name}: {told.removesuffix('.')}",))
    if until is not None:
        told = f"It was masked in place; its history was raw until {until:%Y-%m-%d %H:%M} UTC, which is over."
        return _found(HISTORY, numbers, told)
    began = "It began with rows that were masked" if facts.branch.parent_id else "It began without a row"
    told = f"{began}: no moment of its history, and no parent, holds a raw one."
    return _found(HISTORY, numbers, told)


def computes(endpoints: Sequence[Endpoint]) -> Found:
    """Computes lead to the same pages, pooled or not, for reading alone or not. Pure."""
    reading = sum(endpoint.type == "read_only" for endpoint in endpoints)
    numbers = {"computes": len(endpoints), "read-only": reading}
    told = f"{len(endpoints)} computes, {reading} of them for reading alone; pooled and direct lead to the same rows."
    return _found(COMPUTES, numbers, told)


def refusals(roads: Sequence[Found]) -> Iterator[str]:
    """Why a branch cannot be published. That its history is raw was asked for, and is told until it is over."""
    for road in roads:
        if road.road != HISTORY:
            yield from road.problems
            yield from (f"cannot be looked at, so that nobody can call it sanitized: {what}" for what in road.unseen)


def _data_api(client: NeonClient, facts: BranchFacts) -> Found:
    on = sum(client.has_data_api(facts.branch.project_id, facts.branch.id, name) for name in facts.databases)
    told = f"It is on for {on} of {len(facts.databases)} databases, and serves the rows that were looked at."
    return _found(DATA_API, {"on": on}, told)


def _auth(client: NeonClient, branch: Branch) -> Found:
    if not client.has_auth(branch.project_id, branch.id):
        return _found(AUTH, {"on": 0}, "Neon Auth is not in use.")
    unseen = "sessions, secrets of providers and signing keys of Neon Auth, which Neon keeps outside of the database"
    return _found(AUTH, {"on": 1}, f"Not looked at: {unseen}.", unseen=(unseen,))


def _storage(client: NeonClient, branch: Branch) -> Found:
    buckets = client.count_buckets(branch.project_id, branch.id)
    if not buckets:
        return _found(STORAGE, {"buckets": 0}, "There is no bucket.")
    unseen = f"the files in {buckets} buckets of object storage"
    return _found(STORAGE, {"buckets": buckets}, f"Not looked at: {unseen}.", unseen=(unseen,))


def _asked(road: str, ask: Callable[[], Found]) -> Found:
    try:
        return ask()
    except NeonError as error:
        why = f"the {road.replace('-', ' ')} of the branch: the API did not tell ({type(error).__name__})"
    return _found(road, {}, f"Not looked at: {why}.", unseen=(why,))


def _found(
    road: str,
    numbers: Mapping[str, int],
    sentence: str,
    *,
    problems: tuple[str, ...] = (),
    unseen: tuple[str, ...] = (),
) -> Found:
    status = Status.FAIL if problems else Status.UNKNOWN if unseen else Status.PASS
    return Found(road, None, status, dict(numbers), sentence, problems, unseen)
