"""Statements: the same run gives the same bytes, and what contradicts itself is never written or read."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from sanitizers.attest.attestation import Verified, read_attestation, write_attestation
from sanitizers.attest.envelope import sign_payload
from sanitizers.attest.predicate import NeonPlace, Place, PostgresPlace, RoadStatus, Source, worst
from sanitizers.attest.statement import PREDICATE_TYPE, STATEMENT_TYPE, describe, make_statement, parse_statement
from sanitizers.attest.strict_json import canonical_bytes
from sanitizers.errors import AttestationError
from tests.attest_case import END, OTHER, SIGNER, column, database, predicate, road, statement, table


def test_what_was_attested_is_read_again_as_it_was() -> None:
    attested = statement()

    read = read_attestation(write_attestation(attested, [SIGNER, OTHER]), [SIGNER.public])

    assert read == Verified(attested, (SIGNER.id,))


def test_the_format_is_frozen() -> None:
    # A change here makes a new predicate type: what auditors hold must be read for years.
    data = write_attestation(statement(), [SIGNER])

    assert hashlib.sha256(data).hexdigest() == "bfddc2c41bc1bbb08fc558217dfefe7426edac92d7c9419c3941742517d66124"


def test_the_statement_is_in_totos_with_one_subject_for_each_database() -> None:
    document = json.loads(statement(databases=(database(), database("log/äb"))).payload)

    assert list(document) == ["_type", "predicate", "predicateType", "subject"]
    assert document["_type"] == STATEMENT_TYPE == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == PREDICATE_TYPE
    assert [subject["name"] for subject in document["subject"]] == [
        "postgres:quiet-sun-1/br-staging-1/shop",
        "postgres:quiet-sun-1/br-staging-1/log%2F%C3%A4b",
    ]


def test_a_subject_is_the_digest_of_catalog_and_rows_whatever_the_order_of_tables() -> None:
    one = database()
    other = database(tables=tuple(reversed(one.tables)))
    catalog = "c" * 64
    described = f'{{"catalog":"{catalog}","rows":[["public","customers",3],["public","orders",5]]}}'.encode()

    (subject,) = make_statement(predicate(databases=(other,))).subject

    assert describe(one) == describe(other) == described
    assert subject.digest.sha256 == hashlib.sha256(described).hexdigest()


def test_the_payload_has_no_blank_no_float_and_times_in_utc() -> None:
    text = statement().payload.decode()

    assert '"finishedAt":"2026-11-21T12:30:00Z"' in text
    assert '"class":"email","name":"email","result":"pseudonymous"' in text
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text
    assert not list(_floats(json.loads(text)))


def _floats(value: Any) -> list[float]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [number for each in inner for number in _floats(each)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (NeonPlace(project_id="p/1", branch_id="br 1", branch="staging"), "p%2F1/br%201"),
        (PostgresPlace(server="db.example:5432"), "db.example:5432"),
        (PostgresPlace(server="[::1]:5432"), "[::1]:5432"),
        (PostgresPlace(server="%2Ftmp%2Fa%20b:5432"), "%2Ftmp%2Fa%20b:5432"),
    ],
)
def test_a_place_has_one_name(place: Place, name: str) -> None:
    attested = statement(place=place)

    assert attested.subject[0].name == f"postgres:{name}/shop"
    assert parse_statement(attested.payload) == attested


@pytest.mark.parametrize(
    "server", ["ada:secret@db.example:5432", "db.example", "postgres://db:5432", "db:5432?a=b", ""]
)
def test_a_server_with_more_than_host_and_port_is_refused(server: str) -> None:
    with pytest.raises(ValidationError):
        PostgresPlace(server=server)


@pytest.mark.parametrize(
    "make",
    [
        lambda: predicate(databases=()),
        lambda: predicate(databases=(database(), database())),
        lambda: predicate(roads=(road(), road())),
        lambda: predicate(roads=(road(database="other"),)),
        lambda: database(tables=(table(), table())),
        lambda: table(columns=(column(), column())),
        lambda: road(numbers={"found": 1}),
        lambda: road(numbers={"Found": 1}),
        lambda: road(sentence=""),
        lambda: column(result="kept", values_masked=1),
        lambda: column(result="anonymous", values_kept=1),
        lambda: column(result="safe"),
        lambda: column(values_masked=-1),
        lambda: column(values_masked=2**53),
        lambda: column(values_masked=1.0),
        lambda: table(rows="3"),
        lambda: predicate(plan_digest="B" * 64),
        lambda: predicate(started_at=END + timedelta(seconds=1)),
        lambda: predicate(finished_at=END.replace(tzinfo=None)),
        lambda: predicate(finished_at=END.astimezone(timezone(timedelta(hours=1)))),
        lambda: predicate(password="x"),
        Source,
        lambda: Source(lsn="0/16B3748", unknown=" "),
        lambda: Source(lsn="16B3748", at=END),
    ],
)
def test_what_is_wrong_or_contradicts_itself_cannot_be_attested(make: Callable[[], object]) -> None:
    with pytest.raises(ValidationError):
        make()


def test_a_source_that_is_not_known_says_why() -> None:
    assert Source(unknown="a standby tells no LSN of production").lsn is None


def _changed(**members: Any) -> bytes:
    return json.dumps({**json.loads(statement().payload), **members}).encode()


def _inside(**members: Any) -> bytes:
    document = json.loads(statement().payload)
    return json.dumps({**document, "predicate": {**document["predicate"], **members}}).encode()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "the statement is no JSON"),
        (b"{}", "or newer"),
        (_changed(_type="https://in-toto.io/Statement/v2"), "or newer"),
        (_changed(predicateType="https://slsa.dev/provenance/v1"), "or newer"),
        (_changed(subject=[]), "the subjects are not the databases"),
        (_changed(more=1), "more: Extra inputs"),
        (_changed(predicate=None), "predicate: "),
        (_inside(run_id="r"), "predicate.run_id: Extra inputs"),
        (_inside(runId=7), "predicate.runId: "),
        (_inside(startedAt="yesterday"), "predicate.startedAt: "),
        (_inside(startedAt="0001-01-01T00:00:00+14:00"), "predicate.startedAt: times are in UTC"),
        (_inside(roads=[{"name": "a", "status": "OK", "sentence": "s"}]), r"predicate.roads.0.status: "),
        (_inside(place={"kind": "moon"}), "predicate.place: "),
    ],
)
def test_a_statement_that_is_none_is_refused_even_when_signed(payload: bytes, words: str) -> None:
    data = sign_payload(payload, [SIGNER])

    with pytest.raises(AttestationError, match=words):
        read_attestation(data, [SIGNER.public])


def test_members_are_known_by_one_name_alone() -> None:
    payload = statement().payload.replace(b'"runId"', b'"run_id"')

    with pytest.raises(AttestationError, match=r"predicate\.run_id: Extra inputs"):
        parse_statement(payload)


def test_canonical_json_is_utf_8_in_order_and_knows_no_nan() -> None:
    assert canonical_bytes({"b": "ä", "a": [1]}) == '{"a":[1],"b":"ä"}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_bytes(float("nan"))


def test_errors_do_not_repeat_what_was_read() -> None:
    with pytest.raises(AttestationError) as caught:
        parse_statement(_inside(runId={"a": "ada@example.com"}, planDigest="ada@example.com"))

    assert "ada@example.com" not in str(caught.value)


def test_a_statement_is_not_looked_at_before_its_signature() -> None:
    data = sign_payload(b"no statement", [OTHER])

    with pytest.raises(AttestationError, match="none of your"):
        read_attestation(data, [SIGNER.public])


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        (["PASS", "SAMPLED"], "SAMPLED"),
        (["SAMPLED", "UNKNOWN"], "UNKNOWN"),
        ([], "UNKNOWN"),
        (["PASS"], "PASS"),
        (["PASS", "UNKNOWN"], "UNKNOWN"),
        (["UNKNOWN", "FAIL", "PASS"], "FAIL"),
    ],
)
def test_the_verdict_is_the_worst_and_unknown_where_nobody_looked(statuses: list[str], verdict: str) -> None:
    assert worst(RoadStatus(status) for status in statuses) == RoadStatus(verdict)


def test_a_run_with_a_failed_road_can_be_attested_and_says_so() -> None:
    failed = road("history", status=RoadStatus.FAIL, numbers={"found": 2}, sentence="2 moments reach raw rows")

    assert statement(roads=(road(), failed)).predicate.verdict is RoadStatus.FAIL


def test_a_road_may_lead_to_each_database_and_to_the_whole() -> None:
    databases = (database("shop"), database("log"))
    roads = (road(), road(database="log"), road(database=None))

    assert parse_statement(statement(databases=databases, roads=roads).payload).predicate.roads == roads


def test_equal_moments_are_written_alike() -> None:
    other = datetime.fromisoformat("2026-11-21T12:30:00+00:00")

    assert statement(finished_at=other).payload == statement().payload
