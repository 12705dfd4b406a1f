"""An address of a machine that there is not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import documentation_address, documentation_address_v4
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, Residue, at_least, of

V4_LENGTH, V6_LENGTH = 15, 39
NETS = ("192.0.2", "198.51.100", "203.0.113")


class Ip(PersonalStrategy):
    """An address in the ranges for documentation: 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32.

    IPv4 stays IPv4, IPv6 stays IPv6; networks become networks. `unique = true`: every fake is one of IPv6 with 96 bits
    of the digest, for the 762 of IPv4 repeat.
    """

    kind: Literal["ip"] = Field(default="ip", alias="strategy")
    unique: bool = False
    draws: ClassVar[Draws] = "detail"
    residue: ClassVar[Residue] = "pool"

    @property
    def keeps_unique(self) -> bool:
        """Whether 96 bits decide."""
        return self.unique

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text or one of Postgres' own types; with `unique` addresses, for networks are cut to their mask."""
        if self.unique:
            return (of("text", "inet"), at_least(V6_LENGTH), _no_network)
        return (of("text", "inet"), at_least(V4_LENGTH), _repeats)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """By the family of the original; the length of the mask stays with it."""
        v4, v6 = documentation_address_v4(inputs.mark), documentation_address(inputs.mark)
        if column.category == "text":
            return self._text(column, inputs, v4, v6)
        if self.unique:
            return v6
        if column.bare_type == "cidr":
            v4, v6 = _network(inputs, v4, 24), _network(inputs, v6, 32)
        else:
            v4, v6 = (sql.SQL("set_masklen({}, masklen({}))").format(fake, inputs.value) for fake in (v4, v6))
        return sql.SQL("(CASE family({}) WHEN 4 THEN {} ELSE {} END)").format(inputs.value, v4, v6)

    def _text(self, column: Column, inputs: Inputs, v4: sql.Composable, v6: sql.Composable) -> sql.Composable:
        if self.unique:
            return sql.SQL("host({})").format(v6)
        if column.max_length is not None and column.max_length < V6_LENGTH:
            return sql.SQL("host({})").format(v4)
        return sql.SQL("host(CASE WHEN strpos({}::text, ':') > 0 THEN {} ELSE {} END)").format(inputs.value, v6, v4)

    def different(self, column: Column) -> int:  # noqa: ARG002
        """96 bits."""
        return 2**96

    def residue_in(self, column: Column) -> Residue:  # noqa: ARG002
        """Originals are found by chance only among the few of IPv4."""
        return "search" if self.unique else "pool"

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:  # noqa: ARG002
        """Every address of IPv4, as hosts and with any mask."""
        if self.unique:
            return frozenset()
        hosts = [f"{net}.{host}" for net in NETS for host in range(255)]
        return frozenset([*hosts, *(f"{host}/{mask}" for host in hosts for mask in range(33))])


def _network(inputs: Inputs, fake: sql.Composable, least: int) -> sql.Composable:
    """The network that a fake is in, no wider than the range for documentation."""
    return sql.SQL("network(set_masklen({}, greatest(masklen({}), {})))").format(fake, inputs.value, sql.Literal(least))


def _no_network(column: Column) -> str | None:
    return "the column is a unique cidr, a network: use null or constant" if column.bare_type == "cidr" else None


def _repeats(column: Column) -> str | None:
    return "the column is unique and there are few addresses of IPv4: set unique = true" if column.unique else None
