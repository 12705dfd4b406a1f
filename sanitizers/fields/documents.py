"""JSON documents: strings, keys and numbers are scrubbed as texts, all else stays byte for byte."""

from __future__ import annotations

import json
import re

from sanitizers.errors import FieldError
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.known import Known
from sanitizers.fields.scrub import NOTHING_KNOWN, scrub

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]++|\\.)*+")(?P<key>(?=\s*+:))?
    |(?P<number>-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?)|(?P<other>[\s,:]++|[{}\[\]]|true|false|null)""",
    re.VERBOSE | re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def scrub_json(document: str, fakes: Fakes, known: Known = NOTHING_KNOWN) -> str:
    """The document with a fake in place of everything personal in its strings, keys and numbers.

    A number becomes the digits of its fake, or null where that has none. Keys of one object that would become alike
    get a number behind.

    Raises:
        FieldError: it is no JSON text; it says where, not what.
    """
    return _Walk(fakes, known).scrubbed(document)


class _Walk:
    def __init__(self, fakes: Fakes, known: Known) -> None:
        self._fakes, self._known = fakes, known
        self._keys: list[set[str]] = []

    def scrubbed(self, document: str) -> str:
        parts, at = [], 0
        while at < len(document):
            token = _TOKEN.match(document, at)
            if token is None:
                raise FieldError(f"no JSON document: character {at + 1} begins nothing; scrub the column as text")
            parts.append(self._token(token))
            at = token.end()
        return "".join(parts)

    def _token(self, token: re.Match[str]) -> str:
        match token.lastgroup:
            case "string":
                return self._string(token[0])
            case "key":
                return self._key(token["string"])
            case "number":
                return self._number(token[0])
        if token[0] == "{":
            self._keys.append(set())
        elif token[0] == "}" and self._keys:
            self._keys.pop()
        return token[0]

    def _string(self, written: str) -> str:
        before = _decoded(written)
        after = scrub(before, self._fakes, self._known)
        return written if after == before else _encoded(after)

    def _key(self, written: str) -> str:
        before, here = _decoded(written), self._keys[-1] if self._keys else set()
        name = after = scrub(before, self._fakes, self._known)
        number = 2
        while name != before and name in here:
            name, number = f"{after} {number}", number + 1
        here.add(name)
        return written if name == before else _encoded(name)

    def _number(self, written: str) -> str:
        after = scrub(written, self._fakes, self._known)
        if after == written:
            return written
        return "".join(c for c in after if c in "0123456789").lstrip("0") or "null"


def _decoded(written: str) -> str:
    if "\\" not in written:
        return written[1:-1]
    try:
        text = json.loads(written, strict=False)
    except json.JSONDecodeError as error:
        place = error.pos
    else:
        return str(text)
    raise FieldError(f"no JSON document: a string has a wrong escape at its character {place}; scrub it as text")


def _encoded(text: str) -> str:
    return json.dumps(text, ensure_ascii=_SURROGATE.search(text) is not None)
