"""Which values and rows stay as they are, and which rows are taken at all."""

from __future__ import annotations

from tests.integration.select_case import Masked, masked

__all__ = ["masked"]


def test_staff_and_test_logins_stay_usable(masked: Masked) -> None:
    ddl = """
    CREATE TABLE users (email text, name text, role text);
    INSERT INTO users VALUES ('Eve@Ours.example', 'Eve', 'admin'), ('joe@corp.test', 'Joe', 'user'),
      (NULL, 'Ned', NULL);
    """
    policy = """
    [public.users]
    role = "keep"
    email = { strategy = "email", keep_values = ["*@ours.example"] }
    name = { strategy = "full_name", keep_if = "role = 'admin'" }
    """

    eve, joe, ned = masked(ddl, policy)["users"]

    assert (eve["email"], eve["name"]) == ("Eve@Ours.example", "Eve")
    assert joe["email"].lower().split("@")[1].startswith("example.")
    assert joe["name"] != "Joe"
    assert ned["email"] is None
    assert ned["name"] != "Ned"


def test_whole_rows_stay_or_go_as_the_policy_says(masked: Masked) -> None:
    ddl = """
    CREATE TABLE users (id int, email text); INSERT INTO users SELECT n, n || '@corp.test' FROM generate_series(1, 9) n;
    CREATE TABLE sessions (token text); INSERT INTO sessions VALUES ('a');
    CREATE TABLE logs (id int, line text); INSERT INTO logs SELECT n, n::text FROM generate_series(1, 9) AS n;
    """
    policy = """
    [[tables]]
    match = "users"
    keep_rows = "id <= 2"
    [[tables]]
    match = "sess*"
    rows = "none"
    [[tables]]
    match = "logs"
    rows = "id % 3 = 0"
    [[columns]]
    match = "*.id"
    strategy = "keep"
    [[columns]]
    match = "*"
    strategy = "null"
    """

    rows = masked(ddl, policy)

    assert [u["email"] for u in rows["users"]] == ["1@corp.test", "2@corp.test", *[None] * 7]
    assert rows["sessions"] == []
    assert [row["id"] for row in rows["logs"]] == [3, 6, 9]
