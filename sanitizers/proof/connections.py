"""Connection strings in definitions: a function's body, a comment, a setting that says how to reach another server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import psycopg

from sanitizers.proof.definitions import read_definitions

CONNECTION = re.compile(
    r"postgres(?:ql)?://|\b(?:host|hostaddr|service)\s*=\s*[\w./'-]+.*?\b(?:dbname|user|password|port)\s*=|"
    r"\b(?:dbname|user|password|port)\s*=\s*[\w./'-]+.*?\b(?:host|hostaddr|service)\s*=",
    re.IGNORECASE | re.DOTALL,
)
"""A connection string of libpq in either form."""


def connection_strings(conn: psycopg.Connection, allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """The objects that hold one and that no pattern of the policy allows, as `pg_describe_object` calls them."""
    found = dict.fromkeys(d.name for d in read_definitions(conn) if CONNECTION.search(d.text))
    likes = [re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL) for pattern in allowed]
    return tuple(name for name in found if not any(like.fullmatch(name) for like in likes))


def connection_problems(conn: psycopg.Connection, allowed: Sequence[str]) -> Iterator[str]:
    """A sentence for each, before anything is copied: the copy would have it, too."""
    for name in connection_strings(conn, allowed):
        yield (
            f"there is a connection string in {name}: whoever has the copy could reach that server; take it out, or"
            f" name it in the policy's allow_connections"
        )
