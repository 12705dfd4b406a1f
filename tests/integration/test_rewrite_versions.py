"""In place on every Postgres from 14 to 18: the same promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import HARD, HARD_SCHEMA, make_rewrite_case

SINCE_15 = "ALTER PUBLICATION sent_out SET TABLE people (id, email) WHERE (id > 5), cards;"


@pytest.mark.parametrize("major", [14, 15, 16, 17, 18])
def test_rows_are_masked_and_the_rest_is_as_before(make_database_on: Callable[[int], TestDatabase], major: int) -> None:
    script = HARD_SCHEMA.read_text() + (SINCE_15 if major >= 15 else "")
    case = make_rewrite_case(make_database_on(major), script, HARD)
    before, rows = case.looks(), case.rows("SELECT count(*) FROM people")

    case.rewrite()

    for one, other in zip(before, case.looks(), strict=True):
        assert one == other
    texts = [*case.statistics(), *(row for rows in case.contents().values() for row in rows)]
    assert [text for text in texts if "rigina" in text or "Originos" in text] == []
    assert rows == case.rows("SELECT count(*) FROM people")
    assert case.rows("SELECT * FROM audit") == []
