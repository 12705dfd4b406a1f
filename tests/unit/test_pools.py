"""Pools of fakes: public, deterministic, powers of two."""

from __future__ import annotations

import re

import pytest

from sanitizers.errors import PolicyError
from sanitizers.pools import HANDLE_LENGTH, LARGEST_POOL, MOST_BYTES, build_pools


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP", "fr_FR"])
def test_a_pool_is_a_power_of_two_of_different_values_that_a_name_can_hold(locale: str) -> None:
    pools = build_pools(locale)

    for name, values in pools.values.items():
        assert len(values) == len(set(values)), name
        assert len(values) & (len(values) - 1) == 0, name
        assert 16 <= len(values) <= LARGEST_POOL, name
        assert all(0 < len(value.encode()) <= MOST_BYTES for value in values), name


@pytest.mark.parametrize("locale", ["en_US", "ja_JP"])
def test_handles_are_ascii_whatever_the_script_of_the_names(locale: str) -> None:
    pools = build_pools(locale)

    handles = pools.values["handle"]

    assert all(re.fullmatch(r"[a-z]+(\.[a-z]+)?", handle) for handle in handles)
    assert max(map(len, handles)) <= HANDLE_LENGTH


def test_pools_are_the_same_in_every_run() -> None:
    first = build_pools("en_US")
    build_pools.cache_clear()

    again = build_pools("en_US")

    assert first is not again
    assert first.digest == again.digest
    assert first.digest != build_pools("de_DE").digest


def test_an_unknown_locale_is_told() -> None:
    with pytest.raises(PolicyError, match="no locale 'xx_YY'"):
        build_pools("xx_YY")
