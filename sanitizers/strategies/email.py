"""An e-mail address that nobody can receive mail at."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.pools import HANDLE_LENGTH, PoolName, pick
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, MaskingStrategy, at_least, hexadecimal, of

TAIL = len("." + 16 * "f" + "@example.com")
DOMAINS = sql.SQL("('{{com,org,net}}'::text[])[1 + get_byte({}, 16) % 3]")


class Email(MaskingStrategy):
    """`anna.meyer.3f9a1c0b2d4e5f60@example.org`: 64 bits of the digest keep it unique.

    Only at example.com, example.org and example.net, which RFC 2606 reserves. Addresses that differ in case alone
    get different fakes, except in citext columns, where they are equal to begin with.
    """

    kind: Literal["email"] = Field(default="email", alias="strategy")
    injective: ClassVar[bool] = True
    needs: ClassVar[tuple[PoolName, ...]] = ("handle",)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for digest and domain."""
        return (of("text"), at_least(TAIL - 1))

    def expression(self, column: Column, value: sql.Composable, digest: sql.Composable) -> sql.Composable:  # noqa: ARG002
        """As much of a pooled name as the column has room for, then the digest, then the domain."""
        tail = sql.SQL("{} || '@example.' || {}").format(hexadecimal(digest, 9, 8), DOMAINS.format(digest))
        return sql.SQL("({}{})").format(named(column, digest, TAIL), tail)


def named(column: Column, digest: sql.Composable, tail: int) -> sql.Composable:
    """A pooled name and a dot, cut so that `tail` characters (the dot among them) fit behind; or nothing."""
    handle = pick("handle", digest, at=0)
    room = HANDLE_LENGTH if column.max_length is None else column.max_length - tail
    if room < 1:
        return sql.SQL("")
    if room < HANDLE_LENGTH:
        handle = sql.SQL("rtrim(left({}, {}), '.')").format(handle, sql.Literal(room))
    return sql.SQL("{} || '.' || ").format(handle)
