"""Keys of attestations as text: only Ed25519 comes in, and no secret goes out by accident."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sanitizers.attest.keys import make_signing_key, read_public_key, read_signing_key
from sanitizers.errors import AttestationError
from tests.attest_case import SIGNER


def test_keys_are_read_as_they_were_written() -> None:
    key = make_signing_key()

    assert read_signing_key(key.pem.encode()) == key
    assert read_public_key(key.public.pem.encode()) == key.public


def test_two_keys_differ_in_everything() -> None:
    one, other = make_signing_key(), make_signing_key()

    assert one.id != other.id
    assert one.seed != other.seed


def test_a_signature_is_that_of_rfc_8032() -> None:
    # given the first test vector: no message
    signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"  # noqa: E501

    assert SIGNER.sign(b"").hex() == signature
    assert SIGNER.public.signed(bytes.fromhex(signature), b"")


def test_a_secret_is_not_shown() -> None:
    shown = repr(SIGNER) + str(SIGNER)

    assert SIGNER.seed.hex() not in shown
    assert repr(SIGNER.seed) not in shown


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    with pytest.raises(AttestationError, match="private key"):
        read_public_key(SIGNER.pem.encode())


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PUBLIC KEY-----", b"\xff" * 100, SIGNER.public.pem.encode() * 1000])
def test_what_is_no_public_key_is_refused(pem: bytes) -> None:
    with pytest.raises(AttestationError, match=r"no public key|keys public"):
        read_public_key(pem)


def test_keys_of_another_kind_are_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(AttestationError, match="not Ed25519"):
        read_public_key(public)
    with pytest.raises(AttestationError, match="not Ed25519"):
        read_signing_key(private)


def test_a_signing_key_behind_a_passphrase_is_refused_without_its_text() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))

    with pytest.raises(AttestationError, match="is no signing key"):
        read_signing_key(pem)
