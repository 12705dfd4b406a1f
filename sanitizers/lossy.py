"""Whether what an index computes tells two fakes apart. Pure."""

from __future__ import annotations

import re

TELLING = frozenset(
    {
        *("lower", "upper", "initcap", "text", "citext", "normalize", "unaccent", "replace", "reverse"),
        *("md5", "sha224", "sha256", "sha384", "sha512", "digest", "encode", "decode", "convert_to"),
        *("coalesce", "nullif", "concat", "concat_ws", "btrim", "ltrim", "rtrim", "trim"),
    }
)
"""Functions that give different texts for fakes that differ in 16 hexadecimal digits."""
_OPAQUE = re.compile(r"'(?:[^']|'')*'")
_CALLED = re.compile(r'"?([\w$]+)"?\(')
_ARITHMETIC = re.compile(r"[%/&#*+~]|-(?!>)|<<|>>(?!')")


def loses(expression: str) -> bool:
    """Whether different values may be equal in it: it calls what cuts, counts or rounds, or nobody knows what.

    Args:
        expression: as the server writes it. A length in a cast, `varchar(5)`, counts as a call.
    """
    text = _OPAQUE.sub("''", expression)
    return bool({name.lower() for name in _CALLED.findall(text)} - TELLING) or _ARITHMETIC.search(text) is not None
