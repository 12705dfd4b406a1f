"""The keys of this installation: for masking, for signing attestations, and for fields that must come back.

Made once, in files of mode 600.
"""

from daemon.keys.fields import field_keyring, new_field_key, required_keyring
from daemon.keys.files import KeyKind
from daemon.keys.listing import KeyEntry, KeyState, every_key, retire_key
from daemon.keys.masking import (
    KEY_BYTES,
    MaskingKey,
    ephemeral_key,
    given_key,
    list_keys,
    new_key,
    newest_key,
    newest_secret,
    read_key,
    secret_of,
)
from daemon.keys.signing import (
    has_signing_key,
    new_signing_key,
    newest_signing_key,
    public_key,
    retired_keys,
    trusted_keys,
)

__all__ = [
    "KEY_BYTES",
    "KeyEntry",
    "KeyKind",
    "KeyState",
    "MaskingKey",
    "ephemeral_key",
    "every_key",
    "field_keyring",
    "given_key",
    "has_signing_key",
    "list_keys",
    "new_field_key",
    "new_key",
    "new_signing_key",
    "newest_key",
    "newest_secret",
    "newest_signing_key",
    "public_key",
    "read_key",
    "required_keyring",
    "retire_key",
    "retired_keys",
    "secret_of",
    "trusted_keys",
]
