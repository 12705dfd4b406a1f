"""What holds for every attestation, and for all bytes that somebody may give for one."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sanitizers.attest.attestation import read_attestation, write_attestation
from sanitizers.attest.compare import DatabaseNow, Effect, TableNow, compare
from sanitizers.attest.envelope import PAYLOAD_TYPE, open_envelope, pre_authentication_encoding, sign_payload
from sanitizers.attest.keys import read_public_key, read_signing_key
from sanitizers.attest.statement import Statement, parse_statement
from sanitizers.attest.strict_json import canonical_bytes, parse_object
from sanitizers.errors import AttestationError
from tests.attest_case import SIGNER, column, database, facts, kept, road, statement, table

# How long an example takes says nothing here: the machine has other things to do, and first draws build tables.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SIGNED = write_attestation(statement(), [SIGNER])
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
COUNTS = st.integers(min_value=0, max_value=2**53 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
TABLES = st.lists(
    st.builds(
        lambda schema, name, rows, columns: table(
            name, schema_name=schema, rows=rows, columns=tuple(kept(each) for each in columns)
        ),
        NAMES,
        NAMES,
        COUNTS,
        st.lists(NAMES, unique=True, max_size=3),
    ),
    unique_by=lambda t: (t.schema_name, t.name),
    max_size=3,
)
STATEMENTS = st.builds(
    lambda name, tables, run: statement(
        run_id=run, databases=(database(name, tables=tuple(tables)),), roads=(road(database=name),)
    ),
    NAMES,
    TABLES,
    NAMES,
)


@unhurried
@given(st.binary())
def test_no_bytes_at_all_give_another_error(data: bytes) -> None:
    for read in (lambda: read_attestation(data, [SIGNER.public]), lambda: parse_statement(data)):
        with suppress(AttestationError):
            read()


@unhurried
@given(st.binary() | st.binary().map(lambda data: b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(data)))
def test_no_bytes_at_all_give_another_error_for_a_key(data: bytes) -> None:
    whole = data + b"\n-----END PUBLIC KEY-----\n"
    for read in (read_public_key, read_signing_key):
        for pem in (data, whole, whole.replace(b"PUBLIC", b"PRIVATE")):
            with suppress(AttestationError):
                read(pem)


@unhurried
@given(JSON)
def test_no_json_at_all_gives_another_error_signed_or_not(value: Any) -> None:
    text = json.dumps(value).encode()
    for data in (text, sign_payload(text, [SIGNER])):
        with suppress(AttestationError):
            read_attestation(data, [SIGNER.public])


@unhurried
@given(st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures"]), JSON))
def test_no_member_of_an_envelope_gives_another_error(members: dict[str, Any]) -> None:
    data = json.dumps({**json.loads(SIGNED), **members}).encode()

    with suppress(AttestationError):
        read_attestation(data, [SIGNER.public])


@unhurried
@given(st.integers(min_value=0, max_value=len(SIGNED) - 1), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_never_changes_what_is_read(position: int, change: int) -> None:
    changed = bytearray(SIGNED)
    changed[position] ^= change

    with suppress(AttestationError):
        assert read_attestation(bytes(changed), [SIGNER.public]).statement == statement()


@unhurried
@given(st.integers(min_value=0, max_value=len(SIGNED) - 1))
def test_a_cut_off_attestation_is_refused(length: int) -> None:
    try:
        read_attestation(SIGNED[:length], [SIGNER.public])
    except AttestationError:
        return
    raise AssertionError("a part of an attestation was taken for the whole")


@unhurried
@given(STATEMENTS)
def test_every_statement_comes_back_as_it_was_and_in_the_same_bytes(attested: Statement) -> None:
    read = read_attestation(write_attestation(attested, [SIGNER]), [SIGNER.public]).statement

    assert read == attested
    assert read.payload == attested.payload


@unhurried
@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])), st.binary(), st.text())
def test_two_pairs_of_type_and_payload_are_never_signed_alike(one: bytes, kind: str, other: bytes, more: str) -> None:
    more = more.encode("utf-8", "ignore").decode()

    alike = pre_authentication_encoding(kind, one) == pre_authentication_encoding(more, other)

    assert alike == ((kind, one) == (more, other))


@unhurried
@given(st.binary())
def test_any_payload_is_signed_and_opened_as_it_is(payload: bytes) -> None:
    assert open_envelope(sign_payload(payload, [SIGNER]), [SIGNER.public]).payload == payload
    assert PAYLOAD_TYPE.encode() in sign_payload(payload, [SIGNER])


@unhurried
@given(st.dictionaries(NAMES, st.integers(-(2**53), 2**53) | NAMES | st.lists(NAMES)))
def test_canonical_json_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    assert parse_object(canonical_bytes(value), "it") == value


@unhurried
@given(TABLES, st.lists(COUNTS, min_size=3, max_size=3))
def test_rows_alone_never_void_an_attestation(tables: list[Any], rows: list[int]) -> None:
    attested = statement(databases=(database(tables=tuple(tables)),))
    now = tuple(
        TableNow(t.schema_name, t.name, tuple(c.name for c in t.columns), count)
        for t, count in zip(tables, rows, strict=False)
    )

    found = compare(attested, facts(databases=(DatabaseNow("shop", "c" * 64, now),)))

    assert {difference.effect for difference in found} <= {Effect.NORMAL}


@unhurried
@given(TABLES, NAMES)
def test_a_column_that_was_not_attested_always_voids_it(tables: list[Any], name: str) -> None:
    attested = statement(databases=(database(tables=(*tables, table("\x00new", columns=(column("\x00a"),)))),))
    now = tuple(
        TableNow(t.schema_name, t.name, (*(c.name for c in t.columns), f"\x01{name}"))
        for t in attested.predicate.databases[0].tables
    )

    found = compare(attested, facts(databases=(DatabaseNow("shop", "c" * 64, now),)))

    assert len([d for d in found if d.effect is Effect.VOIDS]) == len(now)
