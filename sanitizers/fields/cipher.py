"""One value ↔ one token: encryption that only holders of the field key can take back.

    bw1d.<key id>.<base64url of ciphertext + tag>                  equal values have equal tokens, AES-256-GCM-SIV
    bw1r.<key id>.<base64url of nonce + salt + ciphertext + tag>   no two tokens are equal, AES-256-GCM

AES-GCM-SIV (RFC 8452) stands a fixed nonce: the tag is then a function of the value and its place, and nothing but
equality shows. Version, mode, key id, schema, table and column are associated data, so that a token opens only where
it was made; a foreign key is to be encrypted in the place of the column that it refers to, or it joins no more.
"""

from __future__ import annotations

import base64
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

from cryptography.exceptions import InvalidTag

from sanitizers.errors import FieldError, NotAuthenticError, NoTokenError
from sanitizers.fields.keyring import KEY_ID, SALT_BYTES, Keyring

VERSION = "bw1"
NONCE_BYTES, TAG_BYTES, BLOCK = 12, 16, 16
_FIXED_NONCE = bytes(NONCE_BYTES)
_OCTETS, _TEXT = b"\x80", b"\x81"
"""What ends the plaintext before zeros fill its last block (ISO/IEC 9797-1, method 2), and what it is."""

# Blocks of 16 bytes in base64url: three are 64 digits; one or two more leave 4 or 2 bits of the last digit, all 0.
_DIGIT = "[A-Za-z0-9_-]"
_ONE, _TWO = f"{_DIGIT}{{21}}[AQgw]", f"{_DIGIT}{{42}}[AEIMQUYcgkosw048]"
_TWO_OR_MORE = f"(?:{_TWO}|(?:{_DIGIT}{{64}})+(?:{_ONE}|{_TWO})?)"
_THREE_OR_MORE = f"{_DIGIT}{{16}}(?:{_DIGIT}{{64}})+(?:{_ONE}|{_TWO})?"
TOKEN = rf"{VERSION}(?:d\.{KEY_ID}\.{_TWO_OR_MORE}|r\.{KEY_ID}\.{_THREE_OR_MORE})"
"""Every token and nothing else, without anchors, for Python's `re` and for Postgres alike."""
_TOKEN = re.compile(TOKEN, re.ASCII)


@dataclass(frozen=True)
class Context:
    """The place of a value: as much a part of the lock as the key."""

    schema: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


@overload
def encrypt(value: None, context: Context, keyring: Keyring, *, deterministic: bool) -> None: ...
@overload
def encrypt(value: bytes | str, context: Context, keyring: Keyring, *, deterministic: bool) -> str: ...
def encrypt(value: bytes | str | None, context: Context, keyring: Keyring, *, deterministic: bool) -> str | None:
    """The token of a value under the newest key; NULL stays NULL.

    Args:
        value: text or octets; `decrypt` gives back the same type. 'a' and b'a' are different values.
        context: where it stands.
        keyring: whose newest key encrypts.
        deterministic: whether equal values of one place must have equal tokens (keys, joins, unique columns).

    Raises:
        FieldError: the text is no Unicode (half a surrogate pair).
    """
    if value is None:
        return None
    key_id, plain = keyring.newest, _padded(value)
    if deterministic:
        associated = _associated(f"{VERSION}d", key_id, context)
        return _written("d", key_id, keyring.deterministic(key_id).encrypt(_FIXED_NONCE, plain, associated))
    nonce, sealing = os.urandom(NONCE_BYTES), keyring.sealing()
    sealed = sealing.aead.encrypt(nonce, plain, _associated(f"{VERSION}r", key_id, context))
    return _written("r", key_id, nonce + sealing.salt + sealed)


@overload
def decrypt(token: None, context: Context, keyring: Keyring) -> None: ...
@overload
def decrypt(token: str, context: Context, keyring: Keyring) -> bytes | str: ...
def decrypt(token: str | None, context: Context, keyring: Keyring) -> bytes | str | None:
    """The value of a token, of the type that it had; NULL stays NULL.

    Raises:
        NoTokenError: the text is not a whole token.
        UnknownKeyError: its key is not in the keyring.
        NotAuthenticError: key, place or token are not those of the encryption.
    """
    if token is None:
        return None
    key_id, body = key_of(token), base64.urlsafe_b64decode(token[token.rindex(".") + 1 :] + "==")
    associated = _associated(token[: len(VERSION) + 1], key_id, context)
    try:
        if token[len(VERSION)] == "d":
            return _unpadded(keyring.deterministic(key_id).decrypt(_FIXED_NONCE, body, associated))
        nonce, salt, sealed = body[:NONCE_BYTES], body[NONCE_BYTES:][:SALT_BYTES], body[NONCE_BYTES + SALT_BYTES :]
        return _unpadded(keyring.random(key_id, salt).decrypt(nonce, sealed, associated))
    except InvalidTag:
        raise NotAuthenticError(
            f"a token does not open as {context} with field key {key_id}: it was encrypted in another schema, table or"
            f" column (name that one), or the file of key {key_id} is not the one that was used (compare it with its"
            " backup), or the token was changed (read it again from where it came)"
        ) from None


def is_token(text: str) -> bool:
    """Whether a text has the form of a token; says nothing about its key."""
    return _TOKEN.fullmatch(text) is not None


def key_of(token: str) -> str:
    """The id of the key that a token needs. Raises NoTokenError."""
    if not is_token(token):
        raise NoTokenError(
            "a value is no token: it was never encrypted (see whether the policy says `encrypt` here), or it was cut"
            " (see whether the column is long enough) or changed (read it again from where it came)"
        )
    return token.split(".", 2)[1]


def longest_token(octets: int, key_id: str, *, deterministic: bool) -> int:
    """Characters of the token of a value of so many bytes in UTF-8, the most that a shorter one needs as well."""
    size = BLOCK * (octets // BLOCK + 1) + TAG_BYTES + (0 if deterministic else NONCE_BYTES + SALT_BYTES)
    return len(VERSION) + 1 + 1 + len(key_id) + 1 + (4 * size + 2) // 3


@lru_cache(maxsize=4096)
def _associated(mode: str, key_id: str, context: Context) -> bytes:
    """Every part with its length before it, so that no two places are written alike."""
    parts = [part.encode() for part in (mode, key_id, context.schema, context.table, context.column)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _written(mode: str, key_id: str, body: bytes) -> str:
    return f"{VERSION}{mode}.{key_id}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode('ascii')}"


def _padded(value: bytes | str) -> bytes:
    plain = _octets(value) + _TEXT if isinstance(value, str) else value + _OCTETS
    return plain + bytes(-len(plain) % BLOCK)


def _octets(text: str) -> bytes:
    with suppress(UnicodeEncodeError):  # it holds the text: not even the context of our error may be it
        return text.encode()
    raise FieldError("a text with half a surrogate pair is no Unicode and cannot be encrypted: mend it")


def _unpadded(plain: bytes) -> bytes | str:
    filled = plain.rstrip(b"\0")
    value, end = filled[:-1], filled[-1:]
    return value.decode() if end == _TEXT else value
