r"""How values are read for encryption and tokens written in columns of each type, in the text format of Postgres.

text      the value                                              token
bytea     the octets of `\x…`                                  the token's octets, which bytea reads as they are
json      the document as it is written                        "token"
arrays    the whole array as it is written                     {token}, an array of one element
"""

from __future__ import annotations

import json
import re
from contextlib import suppress

from sanitizers.errors import FieldError

_HEX = re.compile(rb"\\x((?:[0-9a-f]{2})*)")
_ARRAY = re.compile(r'\{(?:"((?:[^"\\]|\\.)*)"|([^",{}\\\s]+))\}')


def text_of(value: bytes) -> str:
    """The text of a field. Raises FieldError where it is no UTF-8, which servers that write UTF-8 never send."""
    with suppress(UnicodeDecodeError):  # it holds the value
        return value.decode()
    raise FieldError("a text is no UTF-8: repair it, or choose another strategy for its column")


def read_value(value: bytes, *, octets: bool) -> bytes | str:
    """The value to encrypt; `octets`: of a bytea. Raises FieldError."""
    found = _HEX.fullmatch(value) if octets else None
    return bytes.fromhex(found[1].decode()) if found else text_of(value)


def written_value(value: bytes | str) -> bytes:
    """The value as `read_value` read it."""
    return value.encode() if isinstance(value, str) else b"\\x" + value.hex().encode()


def written_token(token: str, *, document: bool, array: bool) -> bytes:
    """A token as a column of that type takes it; `document`: of JSON, or an array of such."""
    text = f'"{token}"' if document else token
    if array:
        text = f'{{"\\"{token}\\""}}' if document else f"{{{token}}}"
    return text.encode()


def found_token(written: str) -> str:
    """The token in what a column of any such type gives, char(n) too; the text itself where there is none."""
    written = written.rstrip(" ")
    if element := _ARRAY.fullmatch(written):
        written = re.sub(r"\\(.)", r"\1", element[1]) if element[1] is not None else element[2]
    if octets := _HEX.fullmatch(written.encode()):
        with suppress(UnicodeDecodeError):
            return bytes.fromhex(octets[1].decode()).decode("ascii")
    if written.startswith('"'):
        with suppress(ValueError):
            loaded = json.loads(written)
            return loaded if isinstance(loaded, str) else written
    return written
