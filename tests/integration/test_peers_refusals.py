"""What other anonymizers found out hours after the start is said before it: see docs/explanation/what-others-met.md."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.peers_case import refusal

KEYS = """
CREATE TABLE people (id int PRIMARY KEY, phone varchar(10) UNIQUE, number int UNIQUE, team int, role text,
  first text, day date, required text NOT NULL, nick varchar(40), UNIQUE (team, role),
  EXCLUDE USING btree (nick WITH =));
CREATE UNIQUE INDEX ON people (lower(first));
CREATE UNIQUE INDEX ON people (day) WHERE team > 0;
"""


@pytest.mark.parametrize(
    ("column", "strategy", "says"),
    [
        ("phone", "phone", "the column holds 10 characters, 16 are needed"),
        ("phone", {"strategy": "phone", "digits": 6}, "the column is unique: set digits = 20"),
        ("phone", "digest", "the column holds 10 characters, 16 are needed"),
        ("number", "digest", "a digest of so few bits repeats"),
        ("role", "first_name", "its fakes repeat and the key (role, team) must stay unique"),
        ("first", "first_name", "the column is unique and these fakes repeat"),
        ("day", "date_shift", "the column is unique and these fakes repeat"),
        ("required", "null", "the column is NOT NULL: use constant"),
        ("nick", "first_name", "nick"),
    ],
)
def test_a_strategy_that_breaks_a_constraint_is_refused_with_what_to_do(
    database: TestDatabase, column: str, strategy: Any, says: str
) -> None:
    sentence = refusal(database, KEYS, {f"public.people.{column}": strategy})

    assert says in sentence


PARTITIONED = """
CREATE TABLE p (a bigint, b text) PARTITION BY {how} (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES {bounds};
"""


@pytest.mark.parametrize(("how", "bounds"), [("RANGE", "FROM (0) TO (9)"), ("LIST", "IN (1, 2)")])
def test_a_masked_key_that_may_find_no_partition_is_refused(database: TestDatabase, how: str, bounds: str) -> None:
    sentence = refusal(database, PARTITIONED.format(how=how, bounds=bounds), {"public.p.a": "digest"})

    assert "public.p.a: " in sentence
    assert "partition" in sentence


LABELS = "CREATE TYPE mood AS ENUM ('happy', 'fine'); CREATE TABLE people (id int PRIMARY KEY, feeling mood)"


@pytest.mark.parametrize("strategy", ["digest", "first_name", {"strategy": "constant", "value": "furious"}])
def test_a_strategy_that_knows_no_label_of_an_enum_is_refused(database: TestDatabase, strategy: Any) -> None:
    assert "public.people.feeling: " in refusal(database, LABELS, {"public.people.feeling": strategy})
