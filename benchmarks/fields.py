"""What the Python on the COPY stream costs: encryption, scrubbing, and the transformer that carries both.

    python benchmarks/fields.py [--rows 100000]

Rows per second of one run in one process, and as ratios to rows that pass the transformer with an identity on one
column. No database: the rows are made here, as COPY would write them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from sanitizers.fields.cipher import Context, decrypt, encrypt
from sanitizers.fields.documents import scrub_json
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.keyring import FieldKey, Keyring
from sanitizers.fields.known import Known
from sanitizers.fields.rows import Change, Layout, Row, RowTransformer, alone
from sanitizers.fields.scrub import scrub

BLOCK = 1 << 16
RING, PLACE, FAKES = (
    Keyring([FieldKey("bench", os.urandom(32))]),
    Context("public", "people", "email"),
    Fakes(bytes(32)),
)
NOTE = (
    "Customer Anna{n} Meyer called from +49 30 {n:06} about order 4711-22. Please answer to person{n}@mail.invalid"
    " before 2026-12-01: she says that the parcel did not arrive, and that she wants her money back."
)
COLUMNS = 5  # key, address, name, text, document
EMAIL, NAME, TEXT, DOCUMENT = 1, 2, 3, 4


def row(n: int) -> bytes:
    """Key, address, name, a text of about 200 bytes, and a JSON document of it."""
    note = NOTE.format(n=n)
    document = f'{{"id": {n}, "by": "person{n}@mail.invalid", "tags": ["a", "b"], "note": "{note}"}}'
    return f"{n}\tperson{n}@mail.invalid\tAnna{n}\t{note}\t{document}\n".encode()


def known(row_: Row) -> Known:
    """As a run would have it: originals of the row's masked columns, and their fakes."""
    mail, name = (row_[EMAIL] or b"").decode(), (row_[NAME] or b"").decode()
    return Known([(mail, "emma@example.org"), (name, "Mallory"), ("Meyer", "Munoz")])


def sealed(*, deterministic: bool) -> Change:
    return alone(EMAIL, lambda value: encrypt(value.decode(), PLACE, RING, deterministic=deterministic).encode())


def opened(value: bytes) -> bytes:
    text = decrypt(value.decode(), PLACE, RING)
    return text.encode() if isinstance(text, str) else text


CHANGES: Mapping[str, Mapping[int, Change]] = {
    "rows pass, nothing is read": {},
    "identity on one column": {EMAIL: alone(EMAIL, bytes)},
    "identity on every column": {n: alone(n, bytes) for n in range(COLUMNS)},
    "encrypt, equal values stay equal": {EMAIL: sealed(deterministic=True)},
    "encrypt, no two are equal": {EMAIL: sealed(deterministic=False)},
    "scrub 200 bytes, nothing known": {TEXT: alone(TEXT, lambda value: scrub(value.decode(), FAKES).encode())},
    "scrub 200 bytes, three known": {TEXT: lambda r: scrub((r[TEXT] or b"").decode(), FAKES, known(r)).encode()},
    "scrub JSON of 300 bytes, three known": {
        DOCUMENT: lambda r: scrub_json((r[DOCUMENT] or b"").decode(), FAKES, known(r)).encode()
    },
}
FLOOR = "identity on one column"


def passed(stream: bytes, changes: Mapping[int, Change]) -> tuple[float, bytes]:
    """Seconds, and what came out."""
    transformer, begun = RowTransformer(Layout(COLUMNS, changes)), time.perf_counter()
    out = b"".join([transformer.feed(stream[at : at + BLOCK]) for at in range(0, len(stream), BLOCK)])
    transformer.finish()
    return time.perf_counter() - begun, out


def main() -> None:
    parser = argparse.ArgumentParser(description="Rows per second of the Python on the COPY stream.")
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    stream = b"".join(map(row, range(rows)))
    taken = {name: min(passed(stream, changes)[0] for _ in range(2)) for name, changes in CHANGES.items()}
    for kind, deterministic in (("equal values stay equal", True), ("no two are equal", False)):
        tokens = passed(stream, {EMAIL: sealed(deterministic=deterministic)})[1]
        seconds, plain = passed(tokens, {EMAIL: alone(EMAIL, opened)})
        assert plain == stream
        taken[f"decrypt, {kind}"] = seconds
    table = Table(title=f"{rows:,} rows of {len(stream) // rows} bytes, one process")
    for name in ("", "rows/s", "MB/s", f"time / {FLOOR}"):
        table.add_column(name, justify="right" if name else "left")
    for name, seconds in taken.items():
        speed = f"{len(stream) / seconds / 1e6:.1f}"
        table.add_row(name, f"{rows / seconds:,.0f}", speed, f"{seconds / taken[FLOOR]:.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
