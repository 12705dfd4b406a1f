"""Rows whose person's key is NULL, and people with odd names: nobody is drawn by what is another one's key."""

from __future__ import annotations

from tests.integration.select_case import Masked, masked

__all__ = ["masked"]


def test_a_row_without_its_persons_key_is_not_the_person_whose_key_it_has_elsewhere(masked: Masked) -> None:
    ddl = """
    CREATE TABLE visits (id int PRIMARY KEY, cust int, phone text NOT NULL);
    INSERT INTO visits VALUES (5, NULL, '1'), (6, 5, '1'), (7, 6, '1');
    CREATE TABLE calls (id int PRIMARY KEY, cust int, phone text NOT NULL);
    INSERT INTO calls VALUES (5, NULL, '1');
    CREATE TABLE people (id int PRIMARY KEY, login text, first_name text, phone text NOT NULL);
    INSERT INTO people VALUES (1, NULL, 'ann', '1'), (2, 'ann', 'Bob', '1'), (3, NULL, NULL, '1'), (4, '3', 'C', '1'),
      (5, '', NULL, '1');
    """
    rules = "".join(
        f'[[tables]]\nmatch = "{table}"\nperson = "cust"\nperson_of = "customers"\n' for table in ("visits", "calls")
    )
    columns = 'id = "keep"\nphone = { strategy = "phone", by = "person" }\n'
    policy = f"""{rules}
    [public.visits]
    cust = "keep"
    {columns}
    [public.calls]
    cust = "keep"
    {columns}
    [public.people]
    login = "user_name"
    first_name = "first_name"
    {columns}
    """

    rows = masked(ddl, policy)

    assert len({row["phone"] for row in (*rows["visits"], *rows["calls"])}) == 4
    assert len({row["phone"] for row in rows["people"]}) == 5


def test_people_called_name_are_not_drawn_by_what_they_are_called(masked: Masked) -> None:
    ddl = """
    CREATE TABLE people (name text); INSERT INTO people VALUES ('7');
    CREATE TABLE letters (number text, name text); INSERT INTO letters VALUES ('7', 'A');
    """
    policy = """
    [[tables]]
    match = "letters"
    person = "number"
    person_of = "name"
    [public.people]
    name = "full_name"
    [public.letters]
    number = "keep"
    name = "full_name"
    """

    rows = masked(ddl, policy)

    assert rows["letters"][0]["name"] != rows["people"][0]["name"]
