r"""Changes columns of the text format of COPY as it streams by, in blocks cut anywhere.

A field is escaped (`\\`, `\t`, `\n`, `\r`, `\b`, `\f`, `\v`, octal, hexadecimal; `\N` alone is NULL) and unescaped for
those columns alone that a change reads. A field whose value does not change passes byte for byte, whatever spelling it
came in. In memory are one block and one row. The client encoding must be UTF-8 and the stream that of the protocol,
which has no end mark (`\.`) as files have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sanitizers.errors import RowsError

NULL = rb"\N"
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_SPECIAL = re.compile(rb"[\\\b\f\n\r\t\v]")
_WRITTEN = {b"\\": rb"\\"} | {raw: b"\\" + letter for letter, raw in _LETTERS.items()}
_WHOLE_FIELD = re.compile(rb"(?:[^\\\t]++|\\.)*+", re.DOTALL)


class Row:
    """One row as it came: `row[n]` is the value of column n, None where it is NULL."""

    __slots__ = ("_fields",)

    def __init__(self, fields: list[bytes]) -> None:
        self._fields = fields

    def __getitem__(self, number: int) -> bytes | None:
        return unescape(self._fields[number])


Change = Callable[[Row], bytes | None]
"""The new value of a column, out of the row as it came; None is NULL."""


@dataclass(frozen=True)
class Layout:
    """The columns of a stream, counted from 0, and what becomes of them."""

    columns: int
    changes: Mapping[int, Change] = field(default_factory=dict)
    passed_on: int | None = None
    """How many columns, from the first on, go on; those behind are for changes to read (None: all go on)."""


def alone(number: int, change: Callable[[bytes], bytes]) -> Change:
    """A change that looks at its own column and leaves NULL alone."""

    def changed(row: Row) -> bytes | None:
        value = row[number]
        return None if value is None else change(value)

    return changed


class RowTransformer:
    """Takes blocks in, gives blocks out; `finish` at the end of the stream."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._dropped = layout.passed_on is not None and layout.passed_on < layout.columns
        self._waiting: list[bytes] = []

    def feed(self, block: bytes) -> bytes:
        """The rows that are whole by now, changed.

        Raises:
            RowsError: a row has not as many columns as was said.
        """
        if b"\n" not in block:  # a long row is put together once, not again with every block
            self._waiting.append(block)
            return b""
        lines = b"".join((*self._waiting, block)).split(b"\n")
        self._waiting = []
        return b"".join([self._changed(line) for line in self._whole(lines)])

    def finish(self) -> None:
        """Say that the stream is over. Raises RowsError: it ended inside a row."""
        if any(self._waiting):
            raise RowsError("the stream of rows ended inside a row: copy the table again")

    def _whole(self, lines: list[bytes]) -> Iterator[bytes]:
        """The lines that are rows; keeps what is not, or not yet."""
        broken: list[bytes] = []
        for line in lines[:-1]:
            if _ends_open(line):
                broken.append(line)  # a newline behind a backslash is a value's
            else:
                yield b"\n".join((*broken, line)) if broken else line
                broken = []
        self._waiting = [b"\n".join((*broken, lines[-1]))]

    def _changed(self, line: bytes) -> bytes:
        fields = _fields(line)
        if len(fields) != self._layout.columns:
            raise RowsError(
                f"a row has {len(fields)} columns, not {self._layout.columns}: the copy names other columns"
            )
        row, after = Row(fields), fields
        for number, change in self._layout.changes.items():
            after = after if after is not fields else fields.copy()
            after[number] = _rewritten(row[number], change(row), fields[number])
        if self._dropped:
            after = after[: self._layout.passed_on]
        return b"\t".join(after) + b"\n"


def unescape(written: bytes) -> bytes | None:
    r"""The value of a field of COPY; None for `\N`."""
    if b"\\" not in written:
        return written
    return None if written == NULL else _ESCAPED.sub(_raw, written)


def escape(value: bytes | None) -> bytes:
    """A value as COPY writes it."""
    if value is None:
        return NULL
    return _SPECIAL.sub(lambda found: _WRITTEN[found[0]], value)


def _raw(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = found.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])  # as Postgres does: \777 is \377
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    return _LETTERS.get(other, other)


def _rewritten(before: bytes | None, after: bytes | None, written: bytes) -> bytes:
    return written if before == after else escape(after)


def _fields(line: bytes) -> list[bytes]:
    fields = line.split(b"\t")
    if b"\\\t" not in line or not any(map(_ends_open, fields)):
        return fields
    return [found[0] for found in _split_escaped(line)]  # a tab behind a backslash is a value's


def _split_escaped(line: bytes) -> Iterator[re.Match[bytes]]:
    at = 0
    while at <= len(line) and (found := _WHOLE_FIELD.match(line, at)):
        yield found
        at = found.end() + 1


def _ends_open(piece: bytes) -> bool:
    """Whether the last backslash of a piece escapes what comes behind it."""
    return piece.endswith(b"\\") and (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1
