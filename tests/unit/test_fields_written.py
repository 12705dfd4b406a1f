"""Tokens as columns of each type hold them, and whatever else people hand in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizers.errors import FieldError
from sanitizers.fields.cipher import Context, encrypt, is_token
from sanitizers.fields.keyring import FieldKey, Keyring
from sanitizers.fields.opened import open_rows, open_value
from sanitizers.fields.written import found_token, read_value, text_of, written_token, written_value

RING = Keyring([FieldKey("test", bytes(range(32)))])
PLACE = Context("s", "t", "c")
TOKEN = encrypt("value", PLACE, RING, deterministic=True)


@pytest.mark.parametrize("document", [False, True])
@pytest.mark.parametrize("array", [False, True])
def test_a_token_is_found_in_what_was_written_for_a_column(document: bool, array: bool) -> None:
    written = written_token(TOKEN, document=document, array=array).decode()

    assert found_token(written) == TOKEN
    assert open_value(written, PLACE, RING) == b"value"


def test_a_token_is_found_in_octets_in_arrays_of_them_and_before_the_blanks_of_a_char() -> None:
    octets = "\\x" + TOKEN.encode().hex()

    found = {found_token(text) for text in (octets, '{"' + octets.replace("\\", "\\\\") + '"}', TOKEN + "   ")}

    assert found == {TOKEN}


@given(st.text())
def test_no_other_text_becomes_a_token(text: str) -> None:
    assert not is_token(found_token(text))


@given(st.text(st.characters(exclude_categories=("Cs",))) | st.binary())
def test_values_are_written_as_they_were_read(value: str | bytes) -> None:
    assert read_value(written_value(value), octets=isinstance(value, bytes)) == value


def test_a_text_that_is_no_utf_8_is_not_in_the_error() -> None:
    with pytest.raises(FieldError) as caught:
        text_of(b"zq-secret \xff")

    assert "zq-secret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_rows_are_opened_up_to_the_first_that_does_not_and_that_is_named() -> None:
    lines = f"1\t{TOKEN}\n2\t\\N\n3\tzq-plain\n4\t{TOKEN}\n".encode()
    rows = open_rows(lines.splitlines(keepends=True), (2, 1), PLACE, RING)

    assert [next(rows), next(rows)] == [b"1\tvalue\n", b"2\t\\N\n"]
    with pytest.raises(FieldError, match="row 3: a value is no token") as caught:
        next(rows)
    assert "zq-plain" not in str(caught.value)
