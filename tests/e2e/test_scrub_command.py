"""`scrub` in the policy, through the real command: texts that people can still read, and every road clean."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.fix_plain import ORIGINAL, POLICY, Desk, execute, rows
from tests.fix_postgres import TestDatabase

NOTES = """
UPDATE notes SET body = 'Call Zqfirst Zqlast' || person || ' (zq' || person || '@zq-original.test) from 10.2.3.' || id
WHERE id <= 15;
UPDATE notes SET body = 'Nobody is named here, row ' || id WHERE id > 15;
"""


@pytest.mark.parametrize("mode", ["clean-room", "in-place"])
def test_texts_stay_readable_and_every_road_is_clean(
    mode: str, desk: Desk, shop: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    execute(shop.dsn, NOTES)
    desk.decide(POLICY.format(shop.name).replace('body = "keep"', 'body = "scrub"'))
    target = shop if mode == "in-place" else make_database()
    where = ("--in-place", shop.dsn, "--yes") if mode == "in-place" else ("--source", shop.dsn, "--target", target.dsn)

    done = desk.run("sanitize", *where, "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "clean"
    assert ORIGINAL not in done.stdout + done.stderr
    joined = "SELECT body, name, email FROM notes JOIN people ON people.id = person ORDER BY notes.id"
    texts = rows(target.dsn, joined)
    assert all(body.startswith(f"Call {name} ({email}) from ") for body, name, email in texts[:15])
    assert not any("10.2.3." in body for body, *_ in texts)
    assert [body for body, *_ in texts[15:]] == [f"Nobody is named here, row {n}" for n in range(16, 21)]
