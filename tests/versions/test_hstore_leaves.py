"""The values in an hstore are looked at one by one, and those that the policy keeps are no originals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from sanitizers.proof.inside import inside_of
from sanitizers.proof.places import read_columns
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.shapes_case import make_plan


@pytest.mark.parametrize("major", VERSIONS)
@pytest.mark.parametrize(
    ("strategy", "originals"),
    [
        ('{ strategy = "hstore", keys = { mail = "email", code = "keep" } }', {"ann@corp.test", "else"}),
        ('{ strategy = "hstore", keys = { mail = "email" }, rest = "keep" }', {"ann@corp.test"}),
        ('{ strategy = "hstore", keys = { mail = "email" } }', {"ann@corp.test", "c-7", "else"}),
    ],
)
def test_what_of_an_hstore_is_an_original(
    make_database_on: Callable[[int], TestDatabase], major: int, strategy: str, originals: set[str]
) -> None:
    database = make_database_on(major)
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION hstore")
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        conn.execute("CREATE TABLE t (h hstore)")
        conn.execute("INSERT INTO t VALUES ('mail => Ann@corp.test, code => C-7, other => else, none => NULL'), (NULL)")
        plan = make_plan(conn, f"[db.public.t]\nh = {strategy}").tables[0].columns[0]
        (place,) = read_columns(conn)

        found = {row[0] for row in conn.execute(replace(place, inside=inside_of(plan)).values())}
        everything = {row[0] for row in conn.execute(place.values(keys=True))}

    assert found == originals
    assert everything == {"ann@corp.test", "c-7", "else", "mail", "code", "other", "none"}
