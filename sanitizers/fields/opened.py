"""Tokens back into values, one or in rows as COPY writes them. They come out as their column showed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from sanitizers.errors import FieldError, NoTokenError
from sanitizers.fields.cipher import Context, decrypt
from sanitizers.fields.keyring import Keyring
from sanitizers.fields.rows import Layout, Row, RowTransformer
from sanitizers.fields.written import found_token, written_value


def open_value(written: str, place: Context, keyring: Keyring) -> bytes:
    r"""The value of a token, in whatever column it was; octets as `\x…`.

    Raises:
        FieldError: it is no token, its key is not there, or it was made elsewhere, by another key or otherwise.
    """
    return written_value(decrypt(found_token(written), place, keyring))


def open_rows(blocks: Iterable[bytes], layout: tuple[int, int], place: Context, keyring: Keyring) -> Iterator[bytes]:
    """Rows in the text format of COPY with one column opened; NULL stays NULL.

    Args:
        blocks: the stream, cut anywhere.
        layout: how many columns there are, and which one holds tokens, from 0.
        place: where the values were encrypted.
        keyring: the keys.

    Raises:
        FieldError: as `open_value`, with the number of the row.
    """
    columns, number = layout
    numbers = count(1)

    def opened(row: Row) -> bytes | None:
        at, value = next(numbers), row[number]
        try:
            return None if value is None else open_value(_ascii(value), place, keyring)
        except FieldError as error:
            raise type(error)(f"row {at}: {error}") from None

    through = RowTransformer(Layout(columns, {number: opened}))
    for block in blocks:
        yield through.feed(block)
    through.finish()


def _ascii(value: bytes) -> str:
    if value.isascii():
        return value.decode()
    raise NoTokenError("a value is no token: it was never encrypted (see whether the policy says `encrypt` here)")
