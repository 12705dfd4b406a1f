"""Ed25519 keys (RFC 8032) that sign attestations. The id of a key says nothing of its secret half."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sanitizers.errors import AttestationError

KEY_ID_LENGTH = 16  # hexadecimal characters
LARGEST_PEM = 1 << 14  # bytes; an Ed25519 key in PEM has a hundred


@dataclass(frozen=True)
class PublicKey:
    """What an auditor holds: it checks signatures and can make none."""

    raw: bytes = field(repr=False)
    """32 bytes, RFC 8032."""

    @property
    def id(self) -> str:
        """First 16 hexadecimal characters of the SHA-256 of the key's DER (SubjectPublicKeyInfo)."""
        der = self._key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()[:KEY_ID_LENGTH]

    @property
    def pem(self) -> str:
        """The key as text, in SubjectPublicKeyInfo."""
        return self._key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether this key's other half made the signature over exactly this message."""
        try:
            self._key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


@dataclass(frozen=True)
class SigningKey:
    """What the run signs with; whoever has it can attest anything."""

    seed: bytes = field(repr=False)
    """32 bytes, RFC 8032."""

    @property
    def public(self) -> PublicKey:
        """The half that others may have."""
        return PublicKey(self._key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def id(self) -> str:
        """That of the public half."""
        return self.public.id

    @property
    def pem(self) -> str:
        """The secret as text, in PKCS 8, not encrypted: for a file of mode 600 and for nothing else."""
        return self._key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same each time."""
        return self._key().sign(message)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def make_signing_key() -> SigningKey:
    """A new key, of the operating system's randomness."""
    return SigningKey(Ed25519PrivateKey.generate().private_bytes_raw())


def read_public_key(pem: bytes) -> PublicKey:
    """The public key in a PEM text. Raises AttestationError; a private key is refused."""
    if b"PRIVATE KEY" in pem:
        raise AttestationError(
            "this is a private key, which only the signer may hold: give what `branchwarden keys public` prints"
        )
    try:
        key = load_pem_public_key(_small(pem))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AttestationError("this is no public key: give what `branchwarden keys public` prints") from None
    if not isinstance(key, Ed25519PublicKey):
        raise AttestationError("this public key is not Ed25519: give what `branchwarden keys public` prints")
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def read_signing_key(pem: bytes) -> SigningKey:
    """The private key in a PEM text. Raises AttestationError, which says nothing of what was read."""
    try:
        key = load_pem_private_key(_small(pem), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AttestationError("this is no signing key: restore it from your backup") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise AttestationError("this signing key is not Ed25519: make one with `branchwarden keys new --kind signing`")
    return SigningKey(key.private_bytes_raw())


def _small(pem: bytes) -> bytes:
    if len(pem) > LARGEST_PEM:
        raise ValueError("no key is that long")
    return pem
