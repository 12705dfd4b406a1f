"""What is attested: an in-toto Statement v1 about the databases of one run.

The predicate names places and counts; it holds no value of a table, no password and no key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final, Literal, Self
from urllib.parse import quote

from pydantic import ValidationError, model_validator

from sanitizers.attest.predicate import Database, Predicate
from sanitizers.attest.record import Record, Sha256
from sanitizers.attest.strict_json import canonical_bytes, parse_object
from sanitizers.errors import AttestationError

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
# Nobody can ever own a name below .invalid (RFC 2606): the identifier is nobody else's and leads nowhere.
PREDICATE_TYPE: Final = "https://branchwarden.invalid/attestation/sanitize-run/v1"


class DigestSet(Record):
    """in-toto's DigestSet, with the one algorithm that is used here."""

    sha256: Sha256


class Subject(Record):
    """A database: where it is, and the SHA-256 of its description."""

    name: str
    digest: DigestSet


class Statement(Record):
    """The statement; its subjects are always those of its predicate."""

    type_: Literal["https://in-toto.io/Statement/v1"] = STATEMENT_TYPE
    subject: tuple[Subject, ...]
    predicate_type: Literal["https://branchwarden.invalid/attestation/sanitize-run/v1"] = PREDICATE_TYPE
    predicate: Predicate

    @model_validator(mode="after")
    def _subjects_are_the_databases(self) -> Self:
        if self.subject != tuple(_subjects(self.predicate)):
            raise ValueError("the subjects are not the databases that the predicate describes")
        return self

    @property
    def payload(self) -> bytes:
        """The statement as canonical JSON: what is signed."""
        return canonical_bytes(self.model_dump(mode="json", by_alias=True))


def make_statement(predicate: Predicate) -> Statement:
    """The statement of a run."""
    return Statement(subject=tuple(_subjects(predicate)), predicate=predicate)


def parse_statement(payload: bytes) -> Statement:
    """Read a statement.

    Raises:
        AttestationError: it is none, of another version, or contradicts itself; says where.
    """
    document = parse_object(payload, "the statement")
    if document.get("_type") != STATEMENT_TYPE or document.get("predicateType") != PREDICATE_TYPE:
        raise AttestationError(
            f"the statement is no {PREDICATE_TYPE}: verify it with the version of branchwarden that made it, or newer"
        )
    try:
        return Statement.model_validate_json(payload, by_alias=True, by_name=False)
    except ValidationError as error:
        raise AttestationError(f"the statement is not as branchwarden writes it: {'; '.join(_told(error))}") from None


def describe(database: Database) -> bytes:
    """The canonical description that a subject's digest is over: the catalog's digest, and each table's rows."""
    rows = sorted([table.schema_name, table.name, table.rows] for table in database.tables)
    return canonical_bytes({"catalog": database.catalog_digest, "rows": rows})


def _subjects(predicate: Predicate) -> Iterator[Subject]:
    for database in predicate.databases:
        digest = hashlib.sha256(describe(database)).hexdigest()
        name = f"postgres:{predicate.place.name}/{quote(database.name, safe='')}"
        yield Subject(name=name, digest=DigestSet(sha256=digest))


def _told(error: ValidationError, at_most: int = 5) -> Iterator[str]:
    """Where and what, without the value that was read: a file of somebody else may hold anything."""
    for problem in error.errors(include_url=False, include_input=False, include_context=False)[:at_most]:
        place = ".".join(str(part) for part in problem["loc"])
        yield f"{place or 'statement'}: {problem['msg'].removeprefix('Value error, ')}"
