"""Pools of fakes: public, deterministic, powers of two."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from faker import Faker

from sanitizers.errors import PolicyError
from sanitizers.pools import HANDLE_LENGTH, HANDLES, LARGEST_POOL, MOST_BYTES, PoolName, pool

NAMES = get_args(PoolName)


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP", "fr_FR"])
def test_a_pool_is_a_power_of_two_of_different_values_that_a_name_can_hold(locale: str) -> None:
    for name in NAMES:
        values = pool(name, locale)

        assert len(values) == len(set(values)) or name in HANDLES, name
        assert len(values) & (len(values) - 1) == 0, name
        assert 8 <= len(values) <= LARGEST_POOL, name
        assert all(0 < len(value.encode()) <= MOST_BYTES for value in values), name


@pytest.mark.parametrize("locale", ["en_US", "ja_JP", "de_DE"])
@pytest.mark.parametrize("handles", sorted(HANDLES))
def test_handles_are_ascii_and_stand_where_their_names_stand(locale: str, handles: PoolName) -> None:
    names, values = pool(HANDLES[handles], locale), pool(handles, locale)

    assert len(names) == len(values)
    assert all(re.fullmatch(r"[a-z]+", value) for value in values)
    assert max(map(len, values)) <= HANDLE_LENGTH
    plain = [(name, value) for name, value in zip(names, values, strict=True) if re.fullmatch("[A-Za-z]{1,14}", name)]
    assert [value for _, value in plain] == [name.lower() for name, _ in plain]


def test_handles_of_japanese_names_are_these_names_in_latin_letters() -> None:
    firsts = dict(zip(pool("first_name", "ja_JP"), pool("first_handle", "ja_JP"), strict=True))
    lasts = dict(zip(pool("last_name", "ja_JP"), pool("last_handle", "ja_JP"), strict=True))

    assert (firsts["裕樹"], firsts["加奈"], lasts["中村"], lasts["長谷川"]) == ("yuki", "kana", "nakamura", "hasegawa")


@pytest.mark.parametrize("locale", ["zh_CN", "zh_TW"])
def test_handles_of_chinese_names_are_chinese_names(locale: str) -> None:
    fake = Faker(locale, use_weighting=False)
    fake.seed_instance(1)
    known = {re.sub("[^a-z]", "", fake.last_romanized_name().lower()) for _ in range(9999)}

    assert set(pool("last_handle", locale)) <= known


def test_pools_are_the_same_in_every_run() -> None:
    first = [pool(name, "en_US") for name in NAMES]
    pool.cache_clear()

    again = [pool(name, "en_US") for name in NAMES]

    assert first == again
    assert first != [pool(name, "de_DE") for name in NAMES]


def test_an_unknown_locale_is_told() -> None:
    with pytest.raises(PolicyError, match="no locale 'xx_YY'"):
        pool("city", "xx_YY")
