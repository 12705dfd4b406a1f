"""Linked texts of different width still join once they are masked."""

from __future__ import annotations

from itertools import product

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


def test_spellings_of_an_address_stay_different_where_there_is_no_room_for_a_name(masked: Masked) -> None:
    spellings = ["".join(letters) + "@x.de" for letters in product("aA", "bB", "cC", *["dD"] * 8)]
    spellings.append(spellings[0].upper())
    values = ", ".join(f"('{spelling}')" for spelling in spellings)
    ddl = f"""
    CREATE TABLE people (email varchar(28) PRIMARY KEY); INSERT INTO people VALUES {values};
    CREATE TABLE orders (email varchar(40) REFERENCES people); INSERT INTO orders VALUES {values};
    """

    rows = masked(ddl, '[public.people]\nemail = "email"\n[public.orders]\nemail = "email"')

    fakes = {row["email"] for row in rows["people"]}
    assert len(fakes) == len(spellings) == 2049
    assert fakes == {row["email"] for row in rows["orders"]}
    assert max(map(len, fakes)) <= 28
    assert rows["people"][0]["email"].upper() == rows["people"][-1]["email"]
