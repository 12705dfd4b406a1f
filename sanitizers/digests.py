"""Keyed digests: what the fakes of a row are drawn by.

A digest is SHA-256 over a subkey and some bytes of the row. The subkey is derived once per statement from the run's
key and a label, so that digests of different labels have nothing to do with one another. The key is a setting of the
session, sent as a bound parameter: it is in no statement's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.folding import caseless_bytes, fold_settings, folded_bytes, text_bytes
from sanitizers.schema import Column

__all__ = [
    "KEY_BYTES",
    "KEY_SETTING",
    "DigestSource",
    "digest_of",
    "give_settings",
    "set_key",
    "text_bytes",
    "value_bytes",
]

KEY_SETTING = "branchwarden.key"
KEY_BYTES = 32
SUBKEY_BYTES = 16  # 128 bits; with 32 most values would need a second block of SHA-256, which costs half as much again

# No text has a byte 0: what a row falls back on is nobody's key, and what tells its row is in no row's text.
KEYLESS, STRANGER = sql.SQL("decode('00', 'hex')"), sql.SQL("decode('0000', 'hex')")

# A session without a key must fail: an empty one would mask everything with no secret at all, and look right.
# decode() refuses the complaint, which is no hexadecimal text.
_SUBKEY = sql.SQL(
    "(SELECT substr(sha256(decode(CASE WHEN length(k) = 64 THEN k ELSE 'branchwarden.key is not set' END, 'hex')"
    " || convert_to({}, 'UTF8')), 1, {}) FROM (SELECT current_setting({}, true) AS k) AS setting)"
)


def set_key(conn: psycopg.Connection[Any], key: bytes) -> None:
    """Give the session its masking key, as a bound parameter: it is in no statement's text.

    Call it outside a transaction: the rollback of one would take the key away again, and masking then fails.

    Raises:
        ValueError: the key is not 32 bytes long.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"a masking key has {KEY_BYTES} bytes, this one has {len(key)}")
    with conn.transaction():
        give_settings(conn, key, local=False)


def give_settings(conn: psycopg.Connection[Any], key: bytes, *, local: bool) -> None:
    """Set what a masked SELECT reads in the session, or in its transaction alone: the key and what folds texts."""
    settings = {KEY_SETTING: key.hex(), **fold_settings()}
    conn.execute(
        "SELECT set_config(name, value, %s) FROM unnest(%s::text[], %s::text[]) AS s (name, value)",
        (local, list(settings), list(settings.values())),
    )


def digest_of(label: str, content: sql.Composable) -> sql.Composable:
    """SQL for the digest of some bytes under a label; NULL for NULL."""
    subkey = _SUBKEY.format(sql.Literal(label), sql.Literal(SUBKEY_BYTES), sql.Literal(KEY_SETTING))
    return sql.SQL("sha256({} || {})").format(subkey, content)


def value_bytes(column: Column, value: sql.Composable) -> sql.Composable:
    """SQL for the bytes of a value that its digest is taken over: its text in UTF-8, as it is.

    citext is folded, since Postgres itself holds such values for equal. bytea is taken raw, and of dates and times (and
    of the ends of their ranges) the seconds since 1970, so that no setting of the session has a say in it.
    """
    if column.subtype is not None and column.subtype.category in {"date", "timestamp"}:
        ends = sql.SQL("concat_ws(' ', extract(epoch FROM lower({v})), extract(epoch FROM upper({v})))")
        return text_bytes(ends.format(v=value))
    match column.category:
        case "bytea":
            return value
        case "date" | "timestamp":
            return text_bytes(sql.SQL("extract(epoch FROM {})::text").format(value))
        case _:
            text = sql.SQL("{}::text").format(value)
            # lower() first: what the database holds for equal must be one value, its rarest letters included.
            return caseless_bytes(sql.SQL("lower({})").format(text)) if column.case_insensitive else text_bytes(text)


@dataclass(frozen=True)
class DigestSource:
    """What one digest of a row is taken over: a value as it is, or the folded text of the columns of a person's key."""

    label: str
    columns: tuple[Column, ...]
    fold: bool = False
    instead: tuple[DigestSource, ...] = ()
    """What else says who it is, where those are NULL: the first that is not, under its own label."""
    otherwise: tuple[Column, ...] = ()
    """Columns to fall back on where all that is NULL, too, so that a row without its key is still somebody."""
    row: tuple[Column, ...] = ()
    """Columns that tell the row from others, for where all of those are NULL: strangers are not one person."""
    table: str = ""
    """Whose row that is: strangers of two tables are not one person either."""

    @property
    def nullable(self) -> bool:
        """Whether the digest is NULL where its one column is, which then needs no care of its own."""
        return len(self.columns) == 1 and not self.instead and not self.otherwise and not self.row

    def expression(self, alias: str) -> sql.Composable:
        """SQL for the digest, of a row of `alias`."""
        digests = [self._digest(alias), *(source.expression(alias) for source in self.instead)]
        if others := tuple(self._others(alias)):
            bytes_ = sql.SQL("coalesce({}, {})").format(sql.SQL(", ").join(others), STRANGER)
            digests.append(digest_of(self.label, bytes_))
        return digests[0] if len(digests) == 1 else sql.SQL("coalesce({})").format(sql.SQL(", ").join(digests))

    def _digest(self, alias: str) -> sql.Composable:
        """Of the columns alone; NULL where they are."""
        key = _of(alias, self.columns[0]) if len(self.columns) == 1 else _joined(alias, self.columns)
        return digest_of(self.label, self._bytes(key))

    def _others(self, alias: str) -> Iterator[sql.Composable]:
        if self.otherwise:
            yield sql.SQL("{} || {}").format(KEYLESS, text_bytes(_joined(alias, self.otherwise, "\x1f")))
        if self.row:
            row = sql.SQL("{} || {}").format(sql.Literal(f"{self.table}\x1f"), _joined(alias, self.row, "\x1f"))
            yield sql.SQL("{} || {}").format(STRANGER, text_bytes(row))

    def of_value(self, value: sql.Composable) -> sql.Composable:
        """SQL for the digest of a value that stands in no column: the same as in a column of this one's type."""
        return digest_of(self.label, self._bytes(value))

    def _bytes(self, value: sql.Composable) -> sql.Composable:
        if not self.fold:
            return value_bytes(self.columns[0], value)
        return folded_bytes(sql.SQL("{}::text").format(value))


def _of(alias: str, column: Column) -> sql.Composable:
    return sql.Identifier(alias, column.name)


def _joined(alias: str, columns: tuple[Column, ...], separator: str = " ") -> sql.Composable:
    """The texts of several columns as one; NULL where each of them is."""
    parts = [sql.SQL("{}::text").format(_of(alias, c)) for c in columns]
    joined = sql.SQL("concat_ws({}, {})").format(sql.Literal(separator), sql.SQL(", ").join(parts))
    return sql.SQL("(CASE WHEN num_nonnulls({}) > 0 THEN {} END)").format(sql.SQL(", ").join(parts), joined)
