"""What a refusal says to add to the policy can be added as it stands, whatever the table is called."""

from __future__ import annotations

import pytest

from daemon.plain.narrow import narrowed
from daemon.policies import compile_policy, missing_lines, unnamed
from sanitizers.policy import parse_policy
from sanitizers.rules import matches, pattern_of
from sanitizers.schema import Column, Schema, Table

NASTY = [
    "plain",
    "with space",
    "with.dot",
    ".",
    'quo"te',
    '"',
    '""',
    '"a"."b"',
    "star*",
    "*",
    "[[tables]]",
    "back\\slash",
    "it's",
    "naïve Ünïcode 名前",
    "soft\xadhyphen",
    "line\nbreak\ttab",
    "a = 1 # no comment",
    "\x01\x7f\u2028",
    "😀",
    "%s {0}",
]


@pytest.mark.parametrize("name", NASTY)
def test_a_foreign_table_is_named_by_the_lines_of_its_refusal(name: str) -> None:
    place, others = (name, name, name), [(name, name, f"{name}x"), (name, f"x{name}", name), ("x", "x", "x")]

    (sentence,) = unnamed(parse_policy("version = 1\n", "p"), [place])
    policy = parse_policy(f"version = 1\n{sentence.partition('name it:')[2]}\n", "p")

    assert list(unnamed(policy, [place])) == []
    assert len(list(unnamed(policy, others))) == len(others)
    assert narrowed(policy, Schema(name, ()), []).tables == policy.tables
    assert narrowed(policy, Schema(f"{name}x", ()), []).tables == ()


@pytest.mark.parametrize("name", NASTY)
def test_the_lines_that_a_policy_lacks_cover_the_columns(name: str) -> None:
    columns = (Column(name=name, type="text"), Column(name="email", type="text"))
    schema = Schema(name, (Table(schema=name, name=name, columns=columns),))

    lines = list(missing_lines(schema, parse_policy("version = 1\n", "p")))
    policy = parse_policy("\n".join(["version = 1", *lines]), "p")

    assert all("".join(line).isprintable() for line in lines)
    assert compile_policy([schema], policy).column_count == len(columns)


@pytest.mark.parametrize("name", NASTY)
def test_a_pattern_of_a_name_describes_that_name_alone(name: str) -> None:
    assert matches(pattern_of([name]), [name])
    assert matches(pattern_of([name, name]), [name, name])
    assert not matches(pattern_of([name]), [f"{name}x"])
    assert not matches(pattern_of([name]), ["something"])
