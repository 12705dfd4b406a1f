"""JSON of which there is one way to write and one way to read.

Written: members in order, no blanks, UTF-8, integers alone. For what we write that is RFC 8785. Read: a member that is
there twice, NaN and Infinity are refused, because two readers would understand two things.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sanitizers.errors import AttestationError


def canonical_bytes(value: object) -> bytes:
    """The value as JSON; raises ValueError where JSON has no way to write it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def parse_object(data: bytes, what: str) -> dict[str, object]:
    """The JSON object in some bytes; `what` is what errors call them.

    Raises:
        AttestationError: it is none, or none with one meaning.
    """
    try:
        document = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise AttestationError(f"{what} is not UTF-8: fetch the file again, as it was written") from None
    except json.JSONDecodeError as error:
        raise AttestationError(
            f"{what} is no JSON at character {error.pos}: fetch the file again, as it was written"
        ) from None
    except RecursionError:
        raise AttestationError(f"{what} is nested too deeply: no attestation is like that") from None
    except ValueError as error:  # from the two functions below, and for numbers of thousands of digits
        raise AttestationError(f"{what} is refused: {_told(error)}") from None
    if not isinstance(document, dict):
        raise AttestationError(f"{what} is no JSON object: give the file that the run wrote")
    return document


class _AmbiguousError(ValueError):
    """Readers would not agree on what it says."""


def _told(error: ValueError) -> str:
    return str(error) if isinstance(error, _AmbiguousError) else "it holds a number that is too long"


def _once(members: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) != len(members):
        raise _AmbiguousError("an object in it has the same member twice, so that it says two things at once")
    return found


def _refuse(_constant: str) -> object:
    raise _AmbiguousError("it holds NaN or Infinity, which are no JSON")
