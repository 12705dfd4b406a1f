"""DSSE envelopes v1 (github.com/secure-systems-lab/dsse): bytes, their type, and signatures over both.

The key id in an envelope is not signed: it is shown to people who look for a key, and decides nothing here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sanitizers.attest.keys import KEY_ID_LENGTH, PublicKey, SigningKey
from sanitizers.attest.strict_json import canonical_bytes, parse_object
from sanitizers.errors import AttestationError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST = 32 << 20  # bytes; a hundred thousand columns take about this
MOST_SIGNATURES = 64  # each is tried with each key

_KEY_ID = re.compile(rf"[0-9a-f]{{{KEY_ID_LENGTH}}}")
_AGAIN = "fetch the file again, as it was written"


@dataclass(frozen=True)
class Signature:
    """A signature and what it says of its maker, which is a hint and no proof."""

    signature: bytes
    claimed_id: str = ""


@dataclass(frozen=True)
class Envelope:
    """An envelope as it was read: nothing in it is verified."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are over."""
        return pre_authentication_encoding(self.payload_type, self.payload)


@dataclass(frozen=True)
class Opened:
    """The payload of an envelope and the ids of the trusted keys that signed it, in order; at least one."""

    payload: bytes
    signers: tuple[str, ...]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """PAE of the DSSE protocol: the type cannot be taken for the payload, nor the other way round."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign_payload(payload: bytes, keys: Sequence[SigningKey]) -> bytes:
    """An envelope with a signature of each key, as canonical JSON.

    Raises:
        AttestationError: no key, or a payload that nobody would read.
    """
    if not keys:
        raise AttestationError("no key to sign with: make one with `branchwarden keys new --kind signing`")
    message = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    signatures = [{"keyid": key.id, "sig": _encoded(key.sign(message))} for key in keys]
    data = canonical_bytes({"payload": _encoded(payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures})
    if len(data) > LARGEST:
        raise AttestationError(f"the attestation has {len(data)} bytes, more than {LARGEST}: attest databases apart")
    return data


def open_envelope(data: bytes, keys: Sequence[PublicKey]) -> Opened:
    """Verify an envelope: one signature of one of the keys is enough.

    Raises:
        AttestationError: it cannot be read, or none of the keys has signed it.
    """
    if not keys:
        raise AttestationError("no public key to verify with: give what `branchwarden keys public` prints")
    envelope = read_envelope(data)
    message = envelope.signed_bytes
    trusted = {key.id: key for key in keys}
    signers = [
        id_ for id_, key in trusted.items() if any(key.signed(s.signature, message) for s in envelope.signatures)
    ]
    if not signers:
        raise AttestationError(_untrusted(envelope, trusted))
    return Opened(envelope.payload, tuple(sorted(signers)))


def read_envelope(data: bytes) -> Envelope:
    """Read an envelope without verifying it; members that DSSE does not know are ignored, as it demands.

    Raises:
        AttestationError: it is none, or not of an attestation.
    """
    if len(data) > LARGEST:
        raise AttestationError(f"the file has {len(data)} bytes, an attestation at most {LARGEST}: give another file")
    document = parse_object(data, "the attestation")
    payload_type = _text(document, "payloadType")
    if payload_type != PAYLOAD_TYPE:
        raise AttestationError(f"the envelope holds something else than {PAYLOAD_TYPE}: give the file of a run")
    return Envelope(_decoded(document, "payload"), payload_type, tuple(_signatures(document)))


def _signatures(document: dict[str, object]) -> Iterator[Signature]:
    found = document.get("signatures")
    if not isinstance(found, list) or not found:
        raise AttestationError("the attestation is not signed: anybody can have written it, do not trust it")
    if len(found) > MOST_SIGNATURES:
        raise AttestationError(f"the attestation has {len(found)} signatures, at most {MOST_SIGNATURES} are read")
    for each in found:
        if not isinstance(each, dict):
            raise AttestationError(f"a signature of the attestation is no JSON object: {_AGAIN}")
        claimed = each.get("keyid")
        yield Signature(_decoded(each, "sig"), claimed if isinstance(claimed, str) else "")


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise AttestationError(f"the attestation has no text `{name}`: {_AGAIN}")
    return value


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(document: dict[str, object], name: str) -> bytes:
    """Standard or URL-safe base64, both of which DSSE allows; each with one way to write the same bytes."""
    text = _text(document, name)
    for alphabet in (None, b"-_"):
        try:
            data = base64.b64decode(text, alphabet, validate=True)
        except ValueError:
            continue
        if base64.b64encode(data, alphabet).decode("ascii") == text:
            return data
    raise AttestationError(f"`{name}` of the attestation is no base64: {_AGAIN}")


def _untrusted(envelope: Envelope, trusted: dict[str, PublicKey]) -> str:
    claimed = sorted({s.claimed_id for s in envelope.signatures if _KEY_ID.fullmatch(s.claimed_id)})
    if any(key_id in trusted for key_id in claimed):
        return "the attestation was changed after it was signed, or its key id is false: do not trust it"
    makers = f"keys {', '.join(claimed)}" if claimed else "keys that it does not name"
    return f"none of your {len(trusted)} public key(s) has signed it, it speaks of {makers}: ask its maker for the key"
