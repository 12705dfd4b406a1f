"""Values that keep their form: numbers and texts of the same shape, networks, places, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.pools import SHORTEST_SENTENCE
from sanitizers.schema import Column
from sanitizers.select import masked_select
from sanitizers.strategies.text import Text
from tests.integration.value_case import Masker

TEXTS = [
    "",
    " ",
    "7",
    "a",
    "Z",
    "-",
    "\\",
    "\\x41\\",
    "'; DROP TABLE t; --",
    "AB-12 34/c",
    "Zoë Ünal",
    "漢字",
    "🙂",
    "a\tb\nc",
    "%s {0} $1",
    "x" * 300,
    None,
]
DOCUMENTATION = [ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


@pytest.fixture
def mask(database: Any) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        yield Masker(conn)


def shape(text: str) -> str:
    """ASCII alone; what is beyond stands for a letter."""
    wide = re.sub(r"[\u00c0-\u00de]", "A", text)
    wide = re.sub(r"[^\x00-\x7f]", "a", wide)
    return re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub("[0-9]", "0", wide)))


def test_scrambled_texts_have_their_form_and_not_one_of_their_letters_and_digits(mask: Masker) -> None:
    fakes = mask("text", "scramble", TEXTS)

    assert [t if t is None else shape(t) for t in TEXTS] == [f if f is None else shape(f) for f in fakes]
    pairs = [(a, b) for t, f in zip(TEXTS, fakes, strict=True) if t is not None for a, b in zip(t, f, strict=True)]
    assert not [a for a, b in pairs if a == b and (a.isalnum() or not a.isascii())]
    assert all(a == b for a, b in pairs if a.isascii() and not a.isalnum())


def test_scrambled_values_are_decided_by_the_whole_value(mask: Masker) -> None:
    fakes = mask("varchar(9)", "scramble", [f"{n:09}" for n in range(1000)])

    assert len(set(fakes)) > 990
    assert len({f[:4] for f in fakes}) > 900  # alike originals are no alike fakes


def test_permuted_numbers_of_every_size_change_places_and_fit_their_type(mask: Masker) -> None:
    # given: all of smallint, and the ends of the others
    small = mask("smallint", "permute", range(-32768, 32768))
    ends = [-(2**63), 1 - 2**63, -(2**31), 2**31 - 1, 2**31, 2**62 - 1, 2**62, 2**63 - 1, None]

    # when
    big = mask("bigint", "permute", ends)

    # then
    assert sorted(map(int, small)) == list(range(-32768, 32768))
    assert sum(int(s) == n for n, s in enumerate(small, start=-32768)) < 20
    changed = [sum((int(s) ^ n) >> bit & 1 for n, s in enumerate(small[32768:])) for bit in range(15)]
    assert all(15000 < count < 17768 for count in changed)  # each bit of half of them
    assert [None if n is None else (n < 0, (n if n >= 0 else -1 - n).bit_length()) for n in ends] == [
        None if b is None else (int(b) < 0, (int(b) if int(b) >= 0 else -1 - int(b)).bit_length()) for b in big
    ]
    assert not [n for n, b in zip(ends, big, strict=True) if n is not None and n == int(b)]


def test_a_number_is_permuted_alike_in_every_integer_type(mask: Masker) -> None:
    numbers = [0, 1, 17, 30000, -30000]

    assert mask("smallint", "permute", numbers) == mask("integer", "permute", numbers)
    assert mask("bigint", "permute", [*numbers, 70000]) == mask("integer", "permute", [*numbers, 70000])


@pytest.mark.parametrize(
    "values",
    [
        [f"{n:04}" for n in range(10000)],
        [f"{a}{b}" for a in "abcXYZ0189-" for b in "abcXYZ0189-"],
        [f"K{n}-{chr(97 + n % 26)}" for n in range(3000)],
        ["", "-", "--"],
    ],
    ids=["digits", "pairs", "codes", "nothing to permute"],
)
def test_permuted_texts_are_as_many_as_before_and_have_their_form(mask: Masker, values: list[str]) -> None:
    fakes = mask("varchar(9)", "permute", values)

    assert len(set(values)) == len(set(fakes))
    assert list(map(shape, values)) == list(map(shape, fakes))


def test_permuted_texts_that_have_no_permutation_are_digests(mask: Masker) -> None:
    fakes = mask("text", "permute", ["Zoë", "Zoé", "y" * 65, "y" * 66])

    assert all(re.fullmatch("[0-9a-f]{16}", fake) for fake in fakes)
    assert len(set(fakes)) == 4


@pytest.mark.parametrize("longest", [1, 40, 2000])
def test_sentences_are_as_long_as_the_original(mask: Masker, longest: int) -> None:
    values = [*TEXTS, "word " * 3000]

    fakes = mask("text", "text", values, longest=longest)

    assert [None if v is None else min(len(v), longest) for v in values] == [
        None if f is None else len(f) for f in fakes
    ]
    assert not [f for v, f in zip(values, fakes, strict=True) if v == f and v is not None and len(v) > 1]


def test_sentences_fit_a_column_of_any_length(mask: Masker) -> None:
    assert [len(f) for f in mask("varchar(5)", "text", ["abc", "abcde"])] == [3, 5]


def test_sentences_have_no_blank_at_their_ends(mask: Masker) -> None:
    values = ["x" * length for length in range(1, 200)]

    fakes = mask("text", "text", values)

    assert [len(fake) for fake in fakes] == [len(value) for value in values]
    assert [fake for fake in fakes if fake != fake.strip()] == []
    producible = Text().producible(Column("v", "text"), ("en_US",))
    assert [fake for fake in fakes[:SHORTEST_SENTENCE] if fake not in producible] == []


IPS = ["10.1.2.3", "8.8.8.8", "fe80::1", "2a00:1450::8888", "not an address", "", None]


@pytest.mark.parametrize("unique", [False, True])
def test_addresses_are_for_documentation_and_of_their_family(mask: Masker, unique: bool) -> None:
    as_text = mask("text", "ip", IPS, unique=unique)
    as_inet = mask("inet", "ip", [*IPS[:4], None, "10.1.2.3/8"], unique=unique)
    short = mask("varchar(15)", "ip", ["1.2.3.4", "::1"]) if not unique else []

    found = [ip_address(f.partition("/")[0]) for f in [*as_text, *as_inet, *short] if f is not None]
    assert all(any(address in net for net in DOCUMENTATION) for address in found)
    assert (as_text[-1], as_inet[4]) == (None, None)
    assert {address.version for address in found[2:4]} == {6}
    assert {address.version for address in found[:2]} == ({6} if unique else {4})


def test_networks_stay_networks_within_the_ranges_for_documentation(mask: Masker) -> None:
    fakes = mask("cidr", "ip", ["10.0.0.0/8", "192.168.4.0/28", "fe80::/10", "2a00:1450::/48", "0.0.0.0/0", "1.2.3.4"])

    nets = [ip_network(f) for f in fakes]
    assert [net.prefixlen for net in nets] == [24, 28, 32, 48, 24, 32]
    assert all(any(n.version == d.version and n.subnet_of(d) for d in DOCUMENTATION) for n in nets)


@pytest.mark.parametrize("type_", ["macaddr", "macaddr8", "text", "varchar(12)"])
def test_hardware_addresses_are_locally_administered(mask: Masker, type_: str) -> None:
    fakes = mask(type_, "mac", ["08:00:2b:01:02:03"[: 12 if type_ == "varchar(12)" else 17], None])

    assert fakes[0].startswith("02")
    assert len(fakes[0]) == {"macaddr8": 23, "varchar(12)": 12}.get(type_, 17)
    assert fakes[1] is None


@pytest.mark.parametrize(("kind", "host"), [("url", "example.com"), ("hostname", "example.net")])
@pytest.mark.parametrize("type_", ["text", "varchar(30)", "citext_like"])
def test_hosts_are_reserved_and_lead_nowhere(mask: Masker, kind: str, host: str, type_: str) -> None:
    if type_ == "citext_like":
        mask.conn.execute("CREATE DOMAIN citext_like AS varchar(40) CHECK (VALUE <> 'x')")

    fakes = mask(type_, kind, ["a", "https://anna.test/?q=1", "", None])

    assert [f is None for f in fakes] == [False, False, False, True]
    assert all(host in f for f in fakes[:3])
    assert len(set(fakes[:3])) == 3


def test_nothing_of_ours_is_called(mask: Masker) -> None:
    for kind, type_ in (("permute", "bigint"), ("permute", "text"), ("scramble", "text"), ("text", "text")):
        table = mask.table(type_, kind, ["1"])

        lines = mask.conn.execute(sql.SQL("EXPLAIN (VERBOSE) {}").format(masked_select(table))).fetchall()

        assert not [line for (line,) in lines if re.search(r"public\.\w+\(", line)]
