r"""How values are read for encryption and tokens written in columns of each type, in the text format of Postgres.

text      the value, or its octets where it is no UTF-8        token
bytea     the octets of `\x…`                                  the token's octets, which bytea reads as they are
json      the document as it is written                        "token"
arrays    the whole array as it is written                     {token}, an array of one element
"""

from __future__ import annotations

import json
import re
from contextlib import suppress

_HEX = re.compile(rb"\\x((?:[0-9a-f]{2})*)")
_ARRAY = re.compile(r'\{(?:"((?:[^"\\]|\\.)*)"|([^",{}\\\s]+))\}')


def read_value(value: bytes, *, octets: bool) -> bytes | str:
    """The value to encrypt."""
    if octets and (found := _HEX.fullmatch(value)):
        return bytes.fromhex(found[1].decode())
    with suppress(UnicodeDecodeError):
        return value.decode()
    return value


def written_value(value: bytes | str, *, octets: bool = False) -> bytes:
    """The value as `read_value` read it; `octets`: in hexadecimal, as bytea is written."""
    if isinstance(value, str):
        return value.encode()
    return b"\\x" + value.hex().encode() if octets else value


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
