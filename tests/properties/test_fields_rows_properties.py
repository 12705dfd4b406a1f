"""Whatever the bytes are and wherever the blocks are cut: what is not changed stays byte for byte."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizers.fields.rows import Layout, RowTransformer, escape, unescape

calm = settings(deadline=None)  # a busy machine is no defect
octets = st.binary(max_size=30) | st.text(st.sampled_from("\\\t\n\r\b\f\vNx7a."), max_size=12).map(str.encode)
values = st.none() | octets
tables = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(values, min_size=n, max_size=n), min_size=1, max_size=6))
# As an old or foreign writer may spell it.
spelled = st.lists(st.sampled_from([rb"\x41", rb"\101", rb"\q", b"\\\n", b"\\\t", b"\\\\", b"a", b"\xff", b"\r"]))


def blocks(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


def through(layout: Layout, pieces: list[bytes]) -> bytes:
    transformer = RowTransformer(layout)
    passed = b"".join([transformer.feed(piece) for piece in pieces])
    transformer.finish()
    return passed


@calm
@given(octets)
def test_every_value_comes_back_out_of_its_field(value: bytes) -> None:
    written = escape(value)

    assert value == unescape(written)
    assert not set(b"\n\t\r") & set(written)


@calm
@given(tables, st.lists(st.integers(0, 10_000), max_size=8))
def test_identity_gives_the_same_bytes(table: list[list[bytes | None]], cuts: list[int]) -> None:
    stream = b"".join(b"\t".join(map(escape, row)) + b"\n" for row in table)
    columns = len(table[0])
    same = {n: (lambda row, n=n: row[n]) for n in range(columns)}

    assert stream == through(Layout(columns, same), blocks(stream, cuts))
    assert stream == through(Layout(columns), blocks(stream, cuts))


@calm
@given(st.lists(spelled, min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=8))
def test_identity_keeps_every_spelling(fields: list[list[bytes]], cuts: list[int]) -> None:
    stream = b"\t".join(b"".join(parts) for parts in fields) + b"\n"
    same = {n: (lambda row, n=n: row[n]) for n in range(len(fields))}

    assert stream == through(Layout(len(fields), same), blocks(stream, cuts))


@calm
@given(tables, st.lists(st.integers(0, 10_000), max_size=8))
def test_a_change_reaches_every_value_and_no_other(table: list[list[bytes | None]], cuts: list[int]) -> None:
    stream = b"".join(b"\t".join(map(escape, row)) + b"\n" for row in table)
    turned = Layout(len(table[0]), {0: lambda row: None if row[0] is None else row[0][::-1]})

    after = through(turned, blocks(stream, cuts))

    expected = [[None if row[0] is None else row[0][::-1], *row[1:]] for row in table]
    assert expected == [list(map(unescape, line.split(b"\t"))) for line in after.split(b"\n")[:-1]]
