"""Rows of COPY as they stream by: what is changed, what passes, what is refused."""

import pytest

from sanitizers.errors import RowsError
from sanitizers.fields.rows import Layout, RowTransformer, alone, escape, unescape


def through(layout: Layout, *blocks: bytes) -> bytes:
    transformer = RowTransformer(layout)
    passed = b"".join([transformer.feed(block) for block in blocks])
    transformer.finish()
    return passed


def test_only_the_chosen_column_changes() -> None:
    layout = Layout(3, {1: alone(1, bytes.upper)})

    assert through(layout, b"a\tb\tc\n\t\t\nd\t\\N\tf\n") == b"a\tB\tc\n\t\t\nd\t\\N\tf\n"


def test_values_are_unescaped_for_the_change_and_escaped_again() -> None:
    seen: list[bytes] = []

    def turned(value: bytes) -> bytes:
        seen.append(value)
        return value[::-1]

    rows = rb"a\tb\nc\\d\re\bf\fg\vh" + b"\n" + rb"\x41\101\x4\7\q\x" + b"\n"
    changed = through(Layout(1, {0: alone(0, turned)}), rows)

    assert seen == [b"a\tb\nc\\d\re\bf\fg\vh", b"AA\x04\x07qx"]
    assert changed == rb"h\vg\ff\be\rd\\c\nb\ta" + b"\n" + b"xq\x07\x04AA\n"


def test_a_value_that_stays_keeps_its_spelling() -> None:
    rows = rb"\x41\101\q" + b"\t" + rb"\N" + b"\n"

    assert rows == through(Layout(2, {0: lambda row: row[0], 1: lambda row: row[1]}), rows)


def test_octal_escapes_are_cut_to_a_byte_as_postgres_does() -> None:
    assert unescape(rb"\377\777\1015") == b"\xff\xffA5"


def test_null_is_no_text_of_the_same_letters() -> None:
    assert unescape(rb"\N") is None
    assert unescape(rb"\\N") == rb"\N"
    assert unescape(rb"a\N") == b"aN"
    assert escape(None) == rb"\N"
    assert escape(rb"\N") == rb"\\N"
    assert through(Layout(1, {0: lambda row: None if row[0] == b"x" else b""}), b"x\n\\N\n") == b"\\N\n\n"


def test_newlines_and_tabs_behind_a_backslash_belong_to_the_value() -> None:
    layout = Layout(2, {0: alone(0, lambda value: value + b"!")})

    changed = through(layout, b"a\\\nb\\\\\tc\\\td\n", b"x\\\\\\\n", b"y\tz\n")

    assert changed == b"a\\nb\\\\!\tc\\\td\n" + b"x\\\\\\ny!\tz\n"


def test_blocks_may_be_cut_anywhere() -> None:
    rows = b"\xc3\xa4\\\\\tb\\\nb\t\\N\n" * 3
    layout = Layout(3, {0: alone(0, bytes.upper), 1: alone(1, bytes.title)})
    whole = through(layout, rows)

    assert {whole} == {through(layout, rows[:at], rows[at:]) for at in range(len(rows))}
    assert whole == through(layout, *(rows[at : at + 1] for at in range(len(rows))))


def test_a_change_reads_other_columns_and_those_behind_go_no_farther() -> None:
    layout = Layout(3, {0: lambda row: (row[0] or b"").replace(row[1] or b"", row[2] or b"")}, passed_on=1)

    assert through(layout, b"dear Anna\tAnna\tEmma\n") == b"dear Emma\n"


def test_changes_see_the_row_as_it_came() -> None:
    layout = Layout(2, {0: lambda row: row[1], 1: lambda row: row[0]})

    assert through(layout, b"a\tb\n") == b"b\ta\n"


def test_a_row_of_other_columns_is_refused_without_its_values() -> None:
    for rows, count in ((b"secret\n", 1), (b"secret\tb\tc\n", 3)):
        with pytest.raises(RowsError, match=f"{count} columns, not 2") as caught:
            RowTransformer(Layout(2)).feed(rows)
        assert "secret" not in str(caught.value)


def test_a_stream_that_ends_inside_a_row_is_refused() -> None:
    for rest in (b"a", b"a\tb", b"\\", b"a\\\n"):
        transformer = RowTransformer(Layout(1))
        assert transformer.feed(b"x\n" + rest) == b"x\n"
        with pytest.raises(RowsError, match="inside a row"):
            transformer.finish()


def test_a_long_row_in_many_blocks_is_put_together_once() -> None:
    transformer = RowTransformer(Layout(2, {0: alone(0, bytes.upper)}))
    for _ in range(20_000):  # 160 MB of copies for each thousand blocks, were it put together with each
        assert transformer.feed(b"x" * 4096) == b""

    assert transformer.feed(b"\ty\nz") == b"X" * (4096 * 20_000) + b"\ty\n"
