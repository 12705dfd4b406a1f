"""A sieve of this process loses none of the hashes it was made of, and few others get through."""

from __future__ import annotations

import random
from array import array

import pytest

from sanitizers.proof.bits import LEAST, MOST_ONCE, WIDEST, Bits, Different, hashes_in, sieve_of

EDGES = (0, 1, 7, 8, 63, 64, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)


def some(count: int, seed: int = 1) -> array[int]:
    draw = random.Random(seed)  # noqa: S311  # nothing secret
    return array("Q", [draw.getrandbits(64) for _ in range(count)])


@pytest.mark.parametrize("expected", [0, 20_000, MOST_ONCE + 1, 10 * WIDEST])
def test_every_hash_it_was_made_of_gets_through_and_few_others(expected: int) -> None:
    bits = Bits(expected)
    bits.put(array("Q", EDGES))
    bits.put(some(5_000))
    bits.close()

    assert all(hash_ in bits for hash_ in (*EDGES, *some(5_000)))
    assert expected == 0 or sum(hash_ in bits for hash_ in some(2_000, seed=2)) < 400


def test_a_sieve_of_nothing_lets_nothing_through_and_is_small() -> None:
    bits = sieve_of(())

    assert not any(hash_ in bits for hash_ in EDGES)
    assert bits.parameters == {"bits": bytes(LEAST // 8)}


def test_few_hashes_are_counted_one_by_one() -> None:
    counted = Different(most=100)
    for _ in range(3):
        counted.add(some(100))

    assert (counted.count, counted.few) == (100, True)


def test_many_hashes_are_counted_by_a_sample_of_them() -> None:
    counted = Different(most=4096)
    for _ in range(2):
        counted.add(some(100_000))

    assert not counted.few
    assert 95_000 < counted.count < 105_000
    assert len(counted.seen) <= 4096


def test_hashes_are_read_as_a_server_writes_them() -> None:
    sent = (258).to_bytes(8, "big") + (-1).to_bytes(8, "big", signed=True)

    assert list(hashes_in(sent)) == [258, 2**64 - 1]
    assert list(hashes_in(None)) == []
