"""Linked texts of different width still join once they are masked."""

from __future__ import annotations

from tests.integration.select_case import Masked, masked

__all__ = ["masked"]


def test_linked_addresses_of_different_width_join(masked: Masked) -> None:
    ddl = """
    CREATE TABLE people (email varchar(80) UNIQUE);
    CREATE TABLE orders (email varchar(30) REFERENCES people (email));
    CREATE TABLE letters (email text);
    INSERT INTO people SELECT 'u' || n || '@corp.test' FROM generate_series(1, 50) AS n;
    INSERT INTO orders SELECT email FROM people;
    INSERT INTO letters SELECT email FROM people;
    """
    link = '[[links]]\nfrom = "DB.public.letters.email"\nto = "DB.public.orders.email"\n'
    policy = link + "".join(f'[public.{name}]\nemail = "email"\n' for name in ("people", "orders", "letters"))

    rows = masked(ddl, policy)

    people, orders, letters = ({row["email"] for row in rows[name]} for name in ("people", "orders", "letters"))
    assert len(people) == 50
    assert people == orders == letters
    assert max(map(len, people)) <= 30
