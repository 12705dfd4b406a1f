"""A keyed digest that looks like nothing, for identifiers, tokens and secrets."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import NUMBER_BITS, documentation_address, hexadecimal, number, uuid4
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, at_least, of, shortened

HEX_DIGITS = 32
UNIQUE_HEX_DIGITS = 16  # 64 bits
FEWEST_HEX_DIGITS = 8
INTEGER_BITS = {"smallint": 15, "int2": 15, "integer": 31, "int": 31, "int4": 31}


class Digest(MaskingStrategy):
    """Up to 128 bits of the keyed digest in the column's own type.

    text: 32 hexadecimal digits, fewer where the column is shorter · uuid: a version 4 one · bytea: 16 bytes · bigint: a
    positive number · inet: an address in 2001:db8::/32, which is for documentation. Unique columns stay
    unique: 64 bits at least (56 in a bigint), or the strategy does not fit.
    """

    kind: Literal["digest"] = Field(default="digest", alias="strategy")
    injective: ClassVar[bool] = True

    @property
    def checks(self) -> tuple[Check, ...]:
        """A type that a digest can be written in, with bits enough for a unique column."""
        return (of("text", "uuid", "bytea", "integer", "inet"), at_least(FEWEST_HEX_DIGITS), _wide_enough, _host)

    def different(self, column: Column) -> int:
        """As the bits say that the type has room for."""
        return int(2 ** _bits(column))

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """One form per category."""
        digest = inputs.digest
        match column.category:
            case "uuid":
                return uuid4(digest)
            case "bytea":
                return sql.SQL("substr({}, 1, 16)").format(digest)
            case "inet":
                return documentation_address(digest, 0)
            case "integer":
                bits = _bits(column)
                return sql.SQL("({} % {})").format(number(digest, at=0), sql.Literal(2**bits))
            case _:
                short = column.max_length if (column.max_length or HEX_DIGITS) < HEX_DIGITS else None
                return shortened(hexadecimal(digest, 0, 16), short)


def _bits(column: Column) -> int:
    match column.category:
        case "uuid":
            return 122
        case "inet":
            return 96
        case "integer":
            return INTEGER_BITS.get(column.bare_type, NUMBER_BITS)
        case "text":
            return 4 * min(column.max_length or HEX_DIGITS, HEX_DIGITS)
        case _:
            return 128


def _wide_enough(column: Column) -> str | None:
    if not column.unique:
        return None
    if column.category == "integer" and column.bare_type in INTEGER_BITS:
        return f"the column is a unique {column.type}: a digest of so few bits repeats"
    return at_least(UNIQUE_HEX_DIGITS)(column)


def _host(column: Column) -> str | None:
    return "a digest is no network: use null or constant" if column.bare_type == "cidr" else None
