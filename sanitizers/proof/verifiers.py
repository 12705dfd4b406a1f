"""Password verifiers of roles, compared in memory: they are as good as the passwords to whoever knows SCRAM."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import psycopg

VERIFIERS = "SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin AND rolpassword IS NOT NULL"


class Verifiers(Mapping[str, str]):
    """Role → verifier; shows its roles and nothing else."""

    def __init__(self, by_role: Mapping[str, str]) -> None:
        self._by_role = dict(by_role)

    def __getitem__(self, role: str) -> str:
        return self._by_role[role]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_role)

    def __len__(self) -> int:
        return len(self._by_role)

    def __repr__(self) -> str:
        return f"Verifiers({', '.join(sorted(self._by_role))})"

    def without(self, roles: Collection[str]) -> Verifiers:
        """All but those of some roles."""
        return Verifiers({role: verifier for role, verifier in self._by_role.items() if role not in roles})


def read_verifiers(conn: psycopg.Connection) -> Verifiers:
    """The verifiers of every role that can log in with a password; needs pg_read_all_data."""
    verifiers = read_verifiers_of(conn)
    conn.commit()
    return verifiers


def read_verifiers_of(conn: psycopg.Connection) -> Verifiers:
    """The same within a transaction that goes on."""
    return Verifiers(dict(conn.execute(VERIFIERS).fetchall()))


def same_verifiers(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the roles whose password is still the one that it was, in order."""
    return tuple(sorted(role for role, verifier in after.items() if before.get(role) == verifier))
