"""The first packet of a Postgres connection: read it, take Neon's endpoint id out of it, write it again. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from urllib.parse import unquote

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
MAX_LENGTH = 10_000  # bytes, as Postgres itself allows
POOLER = "-pooler"


@dataclass(frozen=True)
class Startup:
    """A StartupMessage: protocol version and parameters."""

    version: int
    parameters: dict[str, str]

    @property
    def user(self) -> str:
        """The role that wants in."""
        return self.parameters.get("user", "")

    @property
    def endpoint(self) -> str | None:
        """The endpoint id given in `options`, without Neon's suffix for pooled connections."""
        named = [w for w in _words(self.parameters.get("options", "")) if w.startswith("endpoint=")]
        return named[-1].removeprefix("endpoint=").removesuffix(POOLER) if named else None

    def without_endpoint(self) -> Startup:
        """Give the message that Postgres is to see."""
        rest = [w for w in _words(self.parameters.get("options", "")) if not w.startswith("endpoint=")]
        parameters = {k: v for k, v in self.parameters.items() if k != "options"}
        return replace(self, parameters=parameters | ({"options": " ".join(rest)} if rest else {}))

    def packet(self) -> bytes:
        """Write it as bytes."""
        pairs = b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in self.parameters.items())
        return struct.pack("!ii", 9 + len(pairs), self.version) + pairs + b"\0"


def parse(payload: bytes) -> Startup:
    """Read what follows the length word; raises ValueError for what is no startup message."""
    (version,) = struct.unpack_from("!i", payload)
    texts = [t.decode() for t in payload[4:].split(b"\0")]
    if version >> 16 != 3 or texts[-2:] != ["", ""] or len(texts) % 2:
        raise ValueError("not a startup message of protocol 3")
    return Startup(version, dict(zip(texts[0:-2:2], texts[1:-2:2], strict=True)))


def error_response(message: str, sqlstate: str) -> bytes:
    """Write a FATAL ErrorResponse that every client understands."""
    fields = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": message}
    body = b"".join(k.encode() + v.encode() + b"\0" for k, v in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", 4 + len(body)) + body


def _words(options: str) -> list[str]:
    # Spaces part the words unless a backslash stands before them; some clients leave the URL's %3D as it is.
    words, word, escaped = [], "", False
    for letter in options:
        if letter == " " and not escaped:
            words.append(word)
            word = ""
        else:
            word += letter
        escaped = letter == "\\" and not escaped
    return [unquote(w) if w.startswith("endpoint%3") else w for w in [*words, word] if w]
