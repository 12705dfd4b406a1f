"""The attestation of a run: what was done and proven, signed by this installation and written to a file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from daemon.errors import SettingsError
from daemon.keys import MaskingKey, has_signing_key, new_signing_key, newest_signing_key
from daemon.keys.files import sync_folder
from daemon.policies import personal_classes
from sanitizers.attest.attestation import write_attestation
from sanitizers.attest.keys import SigningKey
from sanitizers.attest.predicate import (
    Column,
    Database,
    Key,
    Place,
    Policy,
    Predicate,
    Result,
    Road,
    Source,
    Table,
    Tool,
)
from sanitizers.attest.results import result_of
from sanitizers.attest.statement import make_statement
from sanitizers.decisions import Classes
from sanitizers.engines.journal import Mode
from sanitizers.errors import AttestationError
from sanitizers.plan import DatabasePlan, MaskingPlan, TablePlan
from sanitizers.policy import MaskingPolicy
from sanitizers.proof.database_proof import ColumnCounted, DatabaseProof
from sanitizers.proof.roads import Found
from sanitizers.schema import Schema

EPHEMERAL = "ephemeral"
GENERATED = "generated"
"""In place of a strategy: Postgres computes the column from others."""
FILE = "attestation-{}.json"
UNATTESTED = "no attestation of what was found could be written"


@dataclass(frozen=True)
class Signing:
    """What a run signs with, and where to."""

    key: SigningKey = field(repr=False)
    folder: Path
    made: bool = False
    """Whether the key is new: there was none."""


@dataclass(frozen=True)
class Part:
    """A database of a run: as it was planned, as it is now, and what was proven of it."""

    plan: DatabasePlan
    schema: Schema
    proof: DatabaseProof


@dataclass(frozen=True)
class Account:
    """All that a run has to say of itself."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    place: Place
    mode: Mode
    source: Source
    policy: MaskingPolicy
    plan: MaskingPlan
    key: MaskingKey
    parts: Sequence[Part]
    roads: Sequence[Found] = ()
    """To the whole branch or server."""
    history_raw_until: datetime | None = None


@dataclass(frozen=True)
class Attestation:
    """An attestation that was written: where, by which key, and its text."""

    path: Path
    key_id: str
    text: str = field(repr=False)

    @property
    def ledger(self) -> Mapping[str, str]:
        """As the ledger has it: whole, so that it is there where the file is not."""
        return {"path": str(self.path), "key": self.key_id, "envelope": self.text}


def new_run_id(now: datetime) -> str:
    """A name for a run, in the order of time."""
    return f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}"


def prepare_signing(keys: Path, folder: Path, now: datetime) -> Signing:
    """The key to sign with, made where there is none yet, and the folder. Raises SettingsError before a run begins.

    Unlike a masking key, one that is lost costs nothing but the next signature; so nobody has to make it by hand.
    """
    made = not has_signing_key(keys)
    if made:
        new_signing_key(keys, now)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the folder of attestations {folder}: {error.strerror}") from None
    return Signing(newest_signing_key(keys), folder, made=made)


def attest(account: Account, signing: Signing) -> Attestation:
    """Sign and write. Raises AttestationError, or SettingsError where the file cannot be written."""
    data = write_attestation(make_statement(predicate_of(account)), [signing.key])
    path = signing.folder / FILE.format(account.run_id)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # what cannot be written can often not be removed either
            draft.unlink()
        raise SettingsError(f"cannot write the attestation {path}: {error.strerror}") from None
    return Attestation(path, signing.key.id, data.decode())


def predicate_of(account: Account) -> Predicate:
    """The account in the words of an attestation. Raises AttestationError where the schema is not the proven one."""
    for part in account.parts:
        if part.schema.digest != part.plan.schema.digest:
            name = part.schema.database
            raise AttestationError(
                f"the schema of {name} changed after it was proven: what came since nobody looked at"
            )
    roads = (*account.roads, *(road for part in account.parts for road in _roads(part)))
    return Predicate(
        run_id=account.run_id,
        tool=Tool(name="branchwarden", version=version("branchwarden")),
        started_at=account.started_at,
        finished_at=account.finished_at,
        place=account.place,
        mode=account.mode,
        source=account.source,
        policy=Policy(digest=account.policy.digest, reviewed=account.policy.reviewed),
        plan_digest=account.plan.digest,
        key=Key(id=account.key.id, stable=account.key.id != EPHEMERAL),
        databases=tuple(_database(account, part) for part in account.parts),
        roads=tuple(
            Road(name=r.road, database=r.database, status=r.status, numbers=_integers(r), sentence=r.sentence)
            for r in roads
        ),
        not_looked_at=tuple(dict.fromkeys(what for road in roads for what in road.unseen)),
        history_raw_until=account.history_raw_until,
    )


def _roads(part: Part) -> Iterator[Found]:
    """A plan goes by the source's name, and the copy may have one of its own."""
    return (replace(road, database=part.schema.database) for road in part.proof.roads)


def _integers(road: Found) -> dict[str, int]:
    return {name: int(number) for name, number in road.numbers.items()}


def _database(account: Account, part: Part) -> Database:
    return Database(
        name=part.schema.database,
        catalog_digest=part.schema.digest,
        tables=tuple(_tables(part, personal_classes((part.plan.schema,)), stable=account.key.id != EPHEMERAL)),
    )


def _tables(part: Part, classes: Classes, *, stable: bool) -> Iterator[Table]:
    """Every table as it is now, which is as it was planned."""
    plans = {(t.table.schema, t.table.name): t for t in part.plan.tables}
    counted = {(t.schema, t.name): t for t in part.proof.counted}
    for table in part.schema.tables:
        name = (table.schema, table.name)
        plan, numbers = plans[name], counted[name]
        values = {column.name: column for column in numbers.columns}
        place = (part.plan.database, *name)
        columns = (
            _column(plan, column.name, (classes.get((*place, column.name), ""), values.get(column.name), stable))
            for column in table.columns
        )
        yield Table(schema_name=table.schema, name=table.name, rows=numbers.rows, columns=tuple(columns))


def _column(table: TablePlan, name: str, about: tuple[str, ColumnCounted | None, bool]) -> Column:
    found, counted, stable = about
    plan = next((c for c in table.columns if c.column.name == name), None)
    if plan is None:
        computed: Result = "pseudonymous" if table.masked else "kept"
        return Column(name=name, personal_class=found or "none", strategy=GENERATED, result=computed)
    result = result_of(plan.strategy, stable_key=stable)
    if counted is not None and counted.kept and result == "anonymous":
        result = "pseudonymous"
    return Column(
        name=name,
        personal_class=found or "none",
        strategy=str(plan.strategy.kind),
        result=result,
        values_masked=counted.values - counted.kept if counted and plan.masked else None,
        values_kept=counted.kept if counted and plan.masked else None,
    )
