"""Envelopes: what a trusted key signed comes out as it went in, and nothing else comes out at all."""

import base64
import hashlib
import json
from typing import Any

import pytest

from sanitizers.attest import envelope
from sanitizers.attest.envelope import PAYLOAD_TYPE, open_envelope, pre_authentication_encoding, sign_payload
from sanitizers.errors import AttestationError
from tests.attest_case import OTHER, SIGNER

PAYLOAD = b'{"a":1}'
SIGNED = sign_payload(PAYLOAD, [SIGNER])


def _with(**members: Any) -> bytes:
    return json.dumps({**json.loads(SIGNED), **members}).encode()


def _signature(**members: Any) -> list[dict[str, Any]]:
    return [{**json.loads(SIGNED)["signatures"][0], **members}]


def test_the_encoding_is_that_of_the_specification() -> None:
    # given the test vector of the DSSE protocol
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")

    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_are_in_bytes() -> None:
    assert pre_authentication_encoding("ä", "ö".encode()) == "DSSEv1 2 ä 2 ö".encode()


def test_what_was_signed_comes_out_with_the_ids_of_its_signers() -> None:
    data = sign_payload(PAYLOAD, [SIGNER, OTHER])

    opened = open_envelope(data, [SIGNER.public, OTHER.public])

    assert opened.payload == PAYLOAD
    assert opened.signers == tuple(sorted([SIGNER.id, OTHER.id]))


def test_one_trusted_key_of_several_signatures_is_enough_and_the_only_one_named() -> None:
    data = sign_payload(PAYLOAD, [SIGNER, OTHER])

    assert open_envelope(data, [OTHER.public]).signers == (OTHER.id,)


def test_the_same_key_twice_is_one_signer() -> None:
    opened = open_envelope(sign_payload(PAYLOAD, [SIGNER, SIGNER]), [SIGNER.public, SIGNER.public])

    assert opened.signers == (SIGNER.id,)


def test_the_key_id_is_the_start_of_the_digest_of_the_public_key_in_der() -> None:
    # given the DER of RFC 8032's first test key, written out: RFC 8410's prefix and 32 bytes
    der = bytes.fromhex("302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")

    assert base64.b64encode(der).decode() in SIGNER.public.pem
    assert hashlib.sha256(der).hexdigest()[:16] == SIGNER.id == "06e3fd8fda29bb60"


@pytest.mark.parametrize("claimed", [OTHER.id, "", "anything", None, 7])
def test_the_key_id_decides_nothing(claimed: object) -> None:
    data = _with(signatures=_signature(keyid=claimed))

    assert open_envelope(data, [SIGNER.public]).signers == (SIGNER.id,)


def test_a_false_key_id_does_not_make_a_signature_good() -> None:
    # given a signature of somebody else that claims to be of the trusted key
    forged = json.loads(sign_payload(PAYLOAD, [OTHER]))
    forged["signatures"][0]["keyid"] = SIGNER.id

    with pytest.raises(AttestationError, match="changed after it was signed"):
        open_envelope(json.dumps(forged).encode(), [SIGNER.public])


def test_a_changed_payload_is_refused() -> None:
    data = _with(payload=base64.b64encode(b'{"a":2}').decode())

    with pytest.raises(AttestationError, match="changed after it was signed"):
        open_envelope(data, [SIGNER.public])


def test_a_stranger_is_named_so_that_their_key_can_be_found() -> None:
    with pytest.raises(AttestationError, match=rf"none of your 1 public key\(s\).* keys {SIGNER.id}"):
        open_envelope(SIGNED, [OTHER.public])


def test_a_claimed_id_that_is_none_is_never_printed() -> None:
    data = _with(signatures=_signature(keyid="\x1b[31mred"))

    with pytest.raises(AttestationError, match="does not name") as caught:
        open_envelope(data, [OTHER.public])
    assert "red" not in str(caught.value)


def test_without_a_key_nothing_is_verified_or_signed() -> None:
    with pytest.raises(AttestationError, match="keys public"):
        open_envelope(SIGNED, [])
    with pytest.raises(AttestationError, match="keys new --kind signing"):
        sign_payload(PAYLOAD, [])


def test_members_that_dsse_does_not_know_are_ignored_as_it_demands() -> None:
    data = _with(more="x", signatures=_signature(cert="y"))

    assert open_envelope(data, [SIGNER.public]).payload == PAYLOAD


def test_url_safe_base64_is_read_as_well() -> None:
    payload = b"\xff\xfe\xfd"
    document = json.loads(sign_payload(payload, [SIGNER]))
    assert document["payload"] == "//79"
    document["payload"] = "__79"

    assert open_envelope(json.dumps(document).encode(), [SIGNER.public]).payload == payload


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "no JSON object"),
        (b"{}", "no text `payloadType`"),
        (b'{"payload":"","payload":""}', "the same member twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' + b"9" * 5000 + b"}", "too long"),
        (_with(payloadType="application/json"), "something else"),
        (_with(payloadType=3), "no text `payloadType`"),
        (_with(payload=None), "no text `payload`"),
        (_with(payload="eyJhIjoxfQ"), "`payload` of the attestation is no base64"),  # padding cut off
        (_with(payload="eyJh\nIjoxfQ=="), "no base64"),
        (_with(payload="eyJhIjoxfR=="), "no base64"),  # bits that say nothing are set
        (_with(payload="/_79"), "no base64"),  # two alphabets
        (_with(payload="ä"), "no base64"),
        (_with(signatures=[]), "is not signed"),
        (_with(signatures=None), "is not signed"),
        (_with(signatures={}), "is not signed"),
        (_with(signatures=[7]), "a signature of the attestation is no JSON object"),
        (_with(signatures=[{}]), "no text `sig`"),
        (_with(signatures=_signature(sig="*")), "`sig` of the attestation is no base64"),
        (_with(signatures=_signature() * 65), "65 signatures"),
        (_with(signatures=_signature(sig="")), "changed after it was signed"),
    ],
)
def test_what_is_no_envelope_is_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(AttestationError, match=words):
        open_envelope(data, [SIGNER.public])


def test_too_large_a_file_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "LARGEST", len(SIGNED) - 1)

    with pytest.raises(AttestationError, match=f"the file has {len(SIGNED)} bytes"):
        open_envelope(SIGNED, [SIGNER.public])
    with pytest.raises(AttestationError, match="attest databases apart"):
        sign_payload(PAYLOAD, [SIGNER])


def test_a_type_that_is_signed_for_another_purpose_does_not_pass_for_an_attestation() -> None:
    # given a signature over the same bytes as another type
    signature = SIGNER.sign(pre_authentication_encoding("text/plain", PAYLOAD))

    data = _with(payloadType=PAYLOAD_TYPE, signatures=_signature(sig=base64.b64encode(signature).decode()))

    with pytest.raises(AttestationError, match="changed"):
        open_envelope(data, [SIGNER.public])
