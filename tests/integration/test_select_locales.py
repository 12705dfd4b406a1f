"""The locale of a row: whose fakes follow it, and which must join instead."""

from __future__ import annotations

import psycopg
import pytest

from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.pools import pool
from sanitizers.schema import read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.select_case import Masked, masked

__all__ = ["masked"]

CUSTOMERS = """
CREATE TABLE c (id int PRIMARY KEY, email text UNIQUE, username text UNIQUE, city text UNIQUE, name text, country text);
CREATE TABLE o (email text {email}, u text {username}, city text {city});
INSERT INTO c SELECT n, n || '@corp.test', 'u' || n, 'c' || n, 'N' || n, 'DE' FROM generate_series(1, 40) AS n;
INSERT INTO o SELECT email, username, city FROM c;
"""
KEYS = {name: f"REFERENCES c ({name})" for name in ("email", "username", "city")}
NO_KEYS = dict.fromkeys(KEYS, "")
SPOKEN = """
[[tables]]
match = "c"
locale_column = "country"
locales = ["de_DE"]
"""
POLICY = """
[public.c]
id = "keep"
email = "email"
username = "user_name"
city = { strategy = "city", unique = true }
name = "full_name"
country = "keep"
[public.o]
email = "email"
u = "user_name"
city = { strategy = "city", unique = true }
"""
LINKS = "".join(
    f'[[links]]\nfrom = "DB.public.o.{child}"\nto = "DB.public.c.{parent}"\n'
    for child, parent in {"email": "email", "u": "username", "city": "city"}.items()
)


@pytest.mark.parametrize(("keys", "links"), [(KEYS, ""), (NO_KEYS, LINKS)], ids=["foreign keys", "links"])
def test_what_is_linked_joins_although_one_table_speaks_by_row(
    masked: Masked, keys: dict[str, str], links: str
) -> None:
    rows = masked(CUSTOMERS.format(**keys), SPOKEN + links + POLICY)

    by_email = sorted((c["email"], c["username"], c["city"]) for c in rows["c"])
    assert sorted((o["email"], o["u"], o["city"]) for o in rows["o"]) == by_email
    assert all(c["name"].split(" ")[0] in pool("first_name", "de_DE") for c in rows["c"])


def test_what_is_not_linked_follows_the_row_and_belongs_together(masked: Masked) -> None:
    rows = masked(CUSTOMERS.format(**NO_KEYS), SPOKEN + POLICY)["c"]

    firsts, handles = pool("first_name", "de_DE"), pool("first_handle", "de_DE")
    for row in rows:
        handle = row["email"].split(".")[0]
        assert row["username"].split("_")[0] == handle
        assert any(row["name"].startswith(f"{firsts[n]} ") for n, h in enumerate(handles) if h == handle)


def test_the_plan_says_which_columns_take_the_policys_locale_instead(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(CUSTOMERS.format(**{**NO_KEYS, "email": KEYS["email"]}))
        schema = read_schema(conn)
    text = (SPOKEN + POLICY).replace("[public.", f'["{schema.database}".public.')

    plan = compile_plan([schema], parse_policy(f"version = 1\n{text}", "masking.toml")).databases[0]

    told = {p.column.name: p.origin for p in plan.tables[0].columns if "locale" in p.origin}
    linked = f"{schema.database}.public.o.email"
    assert told == {"email": f"its name; takes the policy's locale, since it is linked to {linked}"}
    assert not [p for p in plan.tables[1].columns if "locale" in p.origin]
