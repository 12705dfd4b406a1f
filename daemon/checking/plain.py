"""Any Postgres by its connection string: whoever masked it, and with whatever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import psycopg

from daemon.checking.attestation import AttestationChecked
from daemon.checking.now import read_now
from daemon.checking.result import Checked
from daemon.errors import DatabaseUnreachableError, StoppedError, UsageError
from daemon.plain import PlainDatabase
from daemon.plain.narrow import narrowed
from daemon.plain.outlook import FOREIGN_TABLES
from daemon.policies import draft_policy, unnamed
from daemon.progress import Watch
from daemon.proven import engine_teller
from sanitizers.attest.compare import Facts
from sanitizers.attest.predicate import Place, PostgresPlace
from sanitizers.errors import CopyFailedError
from sanitizers.plan import DatabasePlan
from sanitizers.policy import MaskingPolicy
from sanitizers.proof.roads import ALL_ROADS, RUN_ROADS
from sanitizers.proof.survey import SurveyRun, survey_database
from sanitizers.schema import read_schema

RESTORED = "whether something was restored over it since: plain Postgres does not tell"

OTHERS = """
SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> current_database() ORDER BY 1
"""
MOST_NAMED = 5  # of the other databases

COPY = "whether this is the attested server {}, or a copy of its files at {}: both have its identifier"


@dataclass(frozen=True)
class PlainCheck:
    """What is asked for; everything but the target may be missing, and what then cannot be told is UNKNOWN."""

    target: PlainDatabase
    source: PlainDatabase | None = None
    policy: MaskingPolicy | None = None
    key: bytes | None = field(default=None, repr=False)
    attestation: AttestationChecked | None = None
    full: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def check_plain(check: PlainCheck, watch: Watch) -> Checked:
    """Look down every road of a database, and compare it with an attestation.

    Raises:
        UsageError: source and target are one database, or the policy does not fit.
        DatabaseUnreachableError: one of them does not answer.
    """
    facts = check.target.facts()
    if check.source is not None and check.source.facts().is_itself(facts):
        raise UsageError("--dsn and --source are one database: give the one that was masked, and the one before")
    plan, decided, remarks = _planned(check)
    run = SurveyRun(
        target=check.target.connect,
        source=check.source.connect if check.source else None,
        plan=plan,
        key=check.key,
        full=check.full,
        stop=watch.stop,
        on_connection=watch.connections.add,
        roads=RUN_ROADS if decided else ALL_ROADS,
    )
    try:
        proof = survey_database(run, engine_teller(watch.tell, "verify"))
    except CopyFailedError as error:
        if watch.stop.is_set():
            raise StoppedError("stopped on request\nNothing was changed.") from None
        raise DatabaseUnreachableError(str(error)) from None
    attestation = check.attestation.against(_facts(check, facts.name)) if check.attestation else None
    source = check.source.place if check.source else ""
    remarks = (*remarks, *_elsewhere(check.target))
    return Checked(check.target.place, check.clock(), (proof,), (), attestation, check.full, remarks, source)


def _elsewhere(target: PlainDatabase) -> Iterator[str]:
    """A connection string leads to one database; who is asked about a server must know of the others."""
    try:
        with target.session() as conn:
            others = [name for (name,) in conn.execute(OTHERS)]
    except DatabaseUnreachableError:
        yield "not looked at: which other databases the server has"
        return
    if others:
        names = ", ".join(others[:MOST_NAMED]) + (
            f" and {len(others) - MOST_NAMED} more" if others[MOST_NAMED:] else ""
        )
        yield f"not looked at: the server's other {'databases' if others[1:] else 'database'} ({names})"


def _planned(check: PlainCheck) -> tuple[DatabasePlan | None, bool, tuple[str, ...]]:
    """The plan, whether it names each foreign table, and why there is none.

    A catalog that changed since voids an attestation, and a policy that does not fit it must not hide that.
    """
    if check.policy is None:
        return None, False, ()
    try:
        return (*plan_of(check.source or check.target, check.policy), ())
    except UsageError as error:
        if check.attestation is None:
            raise
        return None, False, (str(error),)


def plan_of(database: PlainDatabase, policy: MaskingPolicy) -> tuple[DatabasePlan, bool]:
    """The plan of a database, and whether the policy names each of its foreign tables.

    A copy may have another name than the policy, which then speaks of one. Raises UsageError where it does not fit.
    """
    with database.session() as conn:
        schema = read_schema(conn)
        foreign = conn.execute(FOREIGN_TABLES).fetchall()
    names = tuple(policy.databases)
    if schema.database not in names and len(names) == 1:
        schema = replace(schema, database=names[0])
    foreign = [(schema.database, *place[1:]) for place in foreign]
    draft = draft_policy((schema,), narrowed(policy, schema, foreign))
    if draft.plan is None:
        raise UsageError(
            "\n".join([f"the policy does not fit {database.place}:", *(f"  - {p}" for p in draft.problems)])
        )
    return draft.plan.databases[0], not any(unnamed(policy, foreign))


def _facts(check: PlainCheck, database: str) -> Facts:
    said = check.attestation.statement if check.attestation else None
    name, doubts = _place(check.target.attested_place(), said.predicate.place if said else None)
    unseen, unread = [RESTORED, *doubts], list[str]()
    databases = []
    try:
        with check.target.session() as conn:
            databases.append(read_now(conn))
    except (DatabaseUnreachableError, psycopg.Error):
        unseen.append("tables and rows: the server refused to show them")
        unread.append(database)
    return Facts(name, tuple(databases), unseen=tuple(unseen), unread=tuple(unread))


def _place(here: PostgresPlace, said: Place | None) -> tuple[str, tuple[str, ...]]:
    """The name of the server, and what is not known of it.

    One server has many names, and one name leads to many servers in time. So it goes by the cluster's own identifier,
    which copies of its files have too.
    """
    if not isinstance(said, PostgresPlace) or said.system is None or here.system is None:
        return here.name, ()
    if said.system != here.system:
        return f"{here.name} (cluster {here.system}, the attested one is {said.system})", ()
    return said.name, () if said.name == here.name else (COPY.format(said.name, here.name),)
