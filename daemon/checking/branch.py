"""A branch of Neon: its roads as a whole, every one of its databases, and the attestation of its run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import psycopg

from daemon.branchroads import BranchFacts, look_at_branch
from daemon.checking.attestation import AttestationChecked, check_attestation
from daemon.checking.now import read_now
from daemon.checking.planned import Connector, Planned, looking, plan_databases
from daemon.checking.result import Checked
from daemon.connect import open_connection
from daemon.entry import LedgerEntry
from daemon.errors import BranchwardenError, UsageError
from daemon.lineage import still_proves, taken_at
from daemon.model import Branch, Database, DataClass, Lineage
from daemon.neon import Login, NeonClient
from daemon.progress import Watch
from daemon.proven import engine_teller
from sanitizers.attest.compare import DatabaseNow, Difference, Effect, Facts
from sanitizers.attest.keys import PublicKey
from sanitizers.attest.predicate import NeonPlace
from sanitizers.policy import MaskingPolicy
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import ALL_ROADS, RUN_ROADS, Found, Status
from sanitizers.proof.survey import SurveyRun, survey_database
from sanitizers.spelling import BEGIN


@dataclass(frozen=True)
class Known:
    """What is known of a branch before it is looked at."""

    branch: Branch
    lineage: Lineage
    entry: LedgerEntry | None
    """Of the run that published it."""
    passwords: Found
    production_ids: Collection[str] = ()
    """Of the project's production branches."""
    production_roles: tuple[str, ...] = ()
    """Roles with a password that also opens production or raw rows."""


@dataclass(frozen=True)
class BranchCheck:
    """What a branch is looked at with."""

    policy: MaskingPolicy | None = None
    key_of: Callable[[str], bytes | None] = lambda _: None
    """Gives the masking key of a run by its id, empty where that is not known."""
    keys: Sequence[PublicKey] = ()
    attestation: AttestationChecked | None = None
    """One that was given; without it the ledger's."""
    full: bool = False
    sources: Mapping[str, Connector] = field(default_factory=dict, repr=False)
    """Database → a connection to production as it was when the rows were copied, where there is one."""
    unsourced: str | None = None
    """Why there is none, where one was asked for."""


def check_branch(
    client: NeonClient, known: Known, check: BranchCheck, about: tuple[Watch, Callable[[], datetime]]
) -> Checked:
    """Look down every road of a branch. Wakes its compute.

    Raises:
        NeonError: the API or the branch does not answer.
    """
    watch, clock = about
    connects = _connectors(client, known.branch, watch)
    with looking(watch):
        planned = plan_databases([check.sources.get(name) or here for name, here in connects.items()], check.policy)
        proofs = tuple(_proofs(known, connects, (check, planned), watch))
    raw = (_raw_until(known), _raw_parent(known), known.lineage.parent_raw_until)
    facts = BranchFacts(known.branch, list(connects), *raw)
    roads = (known.passwords, *look_at_branch(client, facts, clock()))
    attestation = attested(known, check)
    remarks = (*_unfit(known, planned), *_remarks(known, check, proofs))
    if attestation is not None:
        attestation = attestation.against(_facts(known, connects))
        attestation = replace(attestation, differences=(*_disproved(known), *attestation.differences))
    return Checked(known.branch.name, clock(), proofs, roads, attestation, check.full, remarks)


def refuse_unfit(client: NeonClient, known: Known, check: BranchCheck, watch: Watch) -> None:
    """Before a source is made for nothing: the schema of a branch that is as attested is the source's, too.

    Raises UsageError where the policy does not fit it.
    """
    said = attested(known, check)
    if said is None or said.statement is None:
        return
    with looking(watch):
        planned = plan_databases(list(_connectors(client, known.branch, watch).values()), check.policy)
    before = {database.name: database.catalog_digest for database in said.statement.predicate.databases}
    if planned.problems and {schema.database: schema.digest for schema in planned.schemas} == before:
        raise UsageError("\n".join(_unfit(known, planned)))


def _unfit(known: Known, planned: Planned) -> Iterator[str]:
    return (f"the policy does not fit {known.branch.name}: {problem}" for problem in planned.problems)


def attested(known: Known, check: BranchCheck) -> AttestationChecked | None:
    """The attestation that was given, or the ledger's; not compared with anything yet."""
    return check.attestation or _of_the_ledger(known, check)


def _disproved(known: Known) -> Iterator[Difference]:
    """What passes now does not take back what was found before: a cleaned row says nothing of copies and history."""
    if known.entry is not None and known.entry.disproved and still_proves(known.entry, known.branch):
        yield Difference("residue", known.branch.name, f"it {known.entry.disproved}", Effect.VOIDS)


def _remarks(known: Known, check: BranchCheck, proofs: Sequence[DatabaseProof]) -> Iterator[str]:
    """What roads that are UNKNOWN for want of a source cannot say themselves."""
    if check.unsourced is not None:
        yield f"there is no source to compare with: {check.unsourced}"
    elif (
        attested(known, check)
        and not check.sources
        and any(road.status is Status.UNKNOWN for proof in proofs for road in proof.roads)
    ):
        yield (
            "roads that need the originals are UNKNOWN: with --with-source they are looked down with a sealed copy of"
            f" production as it was when {known.branch.name} was made, which is deleted at the end"
        )


def _connectors(client: NeonClient, branch: Branch, watch: Watch) -> dict[str, Connector]:
    databases = client.list_databases(branch.project_id, branch.id)
    return {database.name: _connector(client, branch, database, watch) for database in databases}


def _connector(client: NeonClient, branch: Branch, database: Database, watch: Watch) -> Connector:
    uri = client.connection_uri(branch.project_id, Login(branch.id, database.name, database.owner))

    def connect(_: str | None) -> psycopg.Connection:
        conn = open_connection(uri)
        watch.connections.add(conn)
        try:
            conn.execute(BEGIN)
            conn.commit()
        except psycopg.Error:
            conn.close()
            raise
        return conn

    return connect


def _proofs(
    known: Known, connects: Mapping[str, Connector], about: tuple[BranchCheck, Planned], watch: Watch
) -> Iterator[DatabaseProof]:
    check, planned = about
    said = attested(known, check)
    key = check.key_of(said.key_id if said else "")
    roads = RUN_ROADS if planned.decided else ALL_ROADS
    for (name, connect), plan in zip(connects.items(), planned.plans, strict=True):
        run = SurveyRun(
            target=connect,
            source=check.sources.get(name),
            plan=plan,
            key=key,
            full=check.full,
            stop=watch.stop,
            on_connection=watch.connections.add,
            roads=[road for road in roads if road.name != "passwords"],  # compared by way of the API
        )
        yield survey_database(run, engine_teller(watch.tell, "verify"))


def _raw_until(known: Known) -> datetime | None:
    return known.entry.history_raw_until if known.entry else None


def _raw_parent(known: Known) -> str:
    clean = {DataClass.SANITIZED, DataClass.ENCRYPTED, DataClass.SCHEMA_ONLY}
    return "" if known.lineage.data_class in clean else known.lineage.reason


def _of_the_ledger(known: Known, check: BranchCheck) -> AttestationChecked | None:
    if known.entry is None:
        return None
    where = f"ledger, run {known.entry.run_id}"
    if not known.entry.attestation:
        return AttestationChecked(where, refusal=f"the attestation {known.entry.void}")
    return check_attestation(known.entry.attestation.encode(), check.keys, where)


def _facts(known: Known, connects: Mapping[str, Connector]) -> Facts:
    branch = known.branch
    place = NeonPlace(project_id=branch.project_id, branch_id=branch.id, branch=branch.name)
    databases: list[DatabaseNow] = []
    unread: list[str] = []
    for name, connect in connects.items():
        try:
            with connect(None) as conn:
                databases.append(read_now(conn))
        except (BranchwardenError, psycopg.Error):
            unread.append(name)
    restored = branch.last_reset_at
    if known.entry is not None and not still_proves(known.entry, branch):
        restored = taken_at(branch)
    unseen = tuple(f"tables and rows of {name}: the server refused to show them" for name in unread)
    return Facts(place.name, tuple(databases), restored, known.production_roles, unseen, tuple(unread))
