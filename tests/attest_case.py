"""An attestation for tests: the predicate of one run over one shop, and keys of RFC 8032's test vectors."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from daemon.attesting import Signing
from sanitizers.attest.compare import DatabaseNow, Facts, TableNow
from sanitizers.attest.keys import SigningKey
from sanitizers.attest.predicate import (
    Column,
    Database,
    Key,
    NeonPlace,
    Policy,
    Predicate,
    Road,
    RoadStatus,
    Source,
    Table,
    Tool,
)
from sanitizers.attest.statement import Statement, make_statement

END = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
SIGNER = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
OTHER = SigningKey(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
SIGNING = Signing(SIGNER, Path())
"""Writes to the working directory."""


def column(name: str = "email", **fields: Any) -> Column:
    default = {"personal_class": "email", "strategy": "email", "result": "pseudonymous", "values_masked": 3}
    return Column(**{"name": name, **default, **fields})


def kept(name: str = "id") -> Column:
    return column(name, personal_class="none", strategy="keep", result="kept", values_masked=None)


def table(name: str = "customers", **fields: Any) -> Table:
    return Table(**{"schema_name": "public", "name": name, "rows": 3, "columns": (kept(), column()), **fields})


def database(name: str = "shop", **fields: Any) -> Database:
    default = {"catalog_digest": "c" * 64, "tables": (table(), table("orders", rows=5, columns=(kept(),)))}
    return Database(**{"name": name, **default, **fields})


def road(name: str = "columns", **fields: Any) -> Road:
    default = {"status": RoadStatus.PASS, "numbers": {"places": 4, "found": 0}, "sentence": "4 columns, nothing found"}
    return Road(**{"name": name, "database": "shop", **default, **fields})


def predicate(**fields: Any) -> Predicate:
    default = {
        "run_id": "run-1",
        "tool": Tool(name="branchwarden", version="0.1.0"),
        "started_at": END - timedelta(minutes=5),
        "finished_at": END,
        "place": NeonPlace(project_id="quiet-sun-1", branch_id="br-staging-1", branch="staging"),
        "mode": "clean-room",
        "source": Source(lsn="0/16B3748", at=END - timedelta(minutes=6)),
        "policy": Policy(digest="a" * 64, reviewed=True),
        "plan_digest": "b" * 64,
        "key": Key(id="20261121T000000-abcd", stable=True),
        "databases": (database(),),
        "roads": (road(),),
        "not_looked_at": ("large objects",),
    }
    return Predicate(**{**default, **fields})


def statement(**fields: Any) -> Statement:
    return make_statement(predicate(**fields))


def facts(**fields: Any) -> Facts:
    """What is read of the database when nothing has changed."""
    tables = (TableNow("public", "customers", ("id", "email"), 3), TableNow("public", "orders", ("id",), 5))
    default = {"place": "quiet-sun-1/br-staging-1", "databases": (DatabaseNow("shop", "c" * 64, tables),)}
    return Facts(**{**default, **fields})
