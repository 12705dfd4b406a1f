"""Field keys: what reversible protection encrypts with. The newest encrypts, all of them decrypt.

No key is used as it is. HKDF (RFC 5869, SHA-256) derives one for each purpose: one for values whose equality must
show, and for all others one per keyring object, from 16 random bytes that every token carries. AES-GCM with random
nonces of 96 bits must stop at 2^32 values per key (NIST SP 800-38D, 8.3); with a key per run and stream that limit is
one of a single run, and a new salt is drawn before it is reached.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sanitizers.errors import FieldError, UnknownKeyError

KEY_BYTES = 32
SALT_BYTES = 16
SALTED_BYTES = 12 + SALT_BYTES
"""What a random token has more: its nonce and its salt."""
MOST_PER_SALT = 1 << 31
"""Half of what AES-GCM allows, so that threads that share a keyring may lose count of a few."""
KEY_ID = r"[0-9A-Za-z][0-9A-Za-z-]{0,31}"
KEY_ID_LENGTH = 20
"""Characters of the ids that `branchwarden keys new` gives."""
_DETERMINISTIC, _RANDOM = b"branchwarden field bw1 deterministic", b"branchwarden field bw1 random"
_SALTS_KEPT = 256


@dataclass(frozen=True)
class FieldKey:
    """A key and its id, which every token shows: 1 to 32 letters, digits and hyphens, nothing of the secret."""

    id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(KEY_ID, self.id):
            raise FieldError("the id of a field key is 1 to 32 letters, digits and hyphens: rename the key")
        if len(self.secret) != KEY_BYTES:
            raise FieldError(f"field key {self.id} has {len(self.secret)} bytes, not {KEY_BYTES}: restore its backup")


@dataclass(frozen=True)
class Sealing:
    """A derived key in use for random encryption, and the salt that it was derived with."""

    salt: bytes
    aead: AESGCM = field(repr=False)


class Keyring:
    """Keys, newest first, and those derived from them. Share one per run: it counts what it encrypts."""

    def __init__(self, keys: Sequence[FieldKey]) -> None:
        """Take the keys.

        Raises:
            FieldError: there is none, or two have one id.
        """
        if not keys:
            raise FieldError("a keyring needs a key: make one with `branchwarden keys new`")
        self.ids = tuple(key.id for key in keys)
        if len(set(self.ids)) < len(keys):
            raise FieldError("two field keys have the same id: keep the one that the values were encrypted with")
        self._secrets = {key.id: key.secret for key in keys}
        self._deterministic = {key.id: AESGCMSIV(_derive(key.secret, None, _DETERMINISTIC)) for key in keys}
        self._random = lru_cache(maxsize=_SALTS_KEPT)(self._derive_random)
        self._sealing, self._sealed = self._new_sealing(), 0

    def __repr__(self) -> str:
        return f"Keyring(ids={self.ids!r})"

    @property
    def newest(self) -> str:
        """Id of the key that encrypts."""
        return self.ids[0]

    def deterministic(self, key_id: str) -> AESGCMSIV:
        """The derived key for values whose equality shows. Raises UnknownKeyError."""
        self._must_have(key_id)
        return self._deterministic[key_id]

    def random(self, key_id: str, salt: bytes) -> AESGCM:
        """The derived key of one salt, to decrypt with. Raises UnknownKeyError."""
        self._must_have(key_id)
        return self._random(key_id, salt)

    def sealing(self) -> Sealing:
        """The newest key's derived key to encrypt one more value with."""
        self._sealed += 1
        if self._sealed > MOST_PER_SALT:
            self._sealing, self._sealed = self._new_sealing(), 1
        return self._sealing

    def _new_sealing(self) -> Sealing:
        salt = os.urandom(SALT_BYTES)
        return Sealing(salt, self._random(self.newest, salt))

    def _derive_random(self, key_id: str, salt: bytes) -> AESGCM:
        return AESGCM(_derive(self._secrets[key_id], salt, _RANDOM))

    def _must_have(self, key_id: str) -> None:
        if key_id not in self._secrets:
            raise UnknownKeyError(
                f"encrypted with field key {key_id}, which is not in the keyring: add its file, or restore its backup"
            )


def _derive(secret: bytes, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(secret)
