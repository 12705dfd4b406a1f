"""Roles whose password is production's: a copy is handed out, and must not hand production's passwords out with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import psycopg

from sanitizers.proof.roads.answers import many
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.verifiers import Verifiers, read_verifiers_of, same_verifiers

SERVER = "SELECT system_identifier, pg_postmaster_start_time(), pg_is_in_recovery() FROM pg_control_system()"


@dataclass(frozen=True)
class _Server:
    """What tells a server from others. A copy of its files has its identifier, but was not started at one moment."""

    identifier: int
    started: datetime
    standby: bool


class Passwords(Road):
    """Password verifiers of the copy's roles next to those of the source's."""

    name: ClassVar[str] = "passwords"
    title: ClassVar[str] = "Passwords of production"
    question: ClassVar[str] = "Does a password of production open the copy?"

    def look(self, site: Site) -> Found:
        """Compare in memory; a verifier leaves neither server by any other way."""
        if site.remembered is not None:
            return self._unchanged(site)
        if site.source is None:
            return self.unknown(site, ["passwords of roles: there is no source to compare with"])
        here, there = _server(site.source), _server(site.target)
        if (here.identifier, here.started) == (there.identifier, there.started):
            sentence = "Source and target are on one server, whose roles they share: no password was copied."
            return self.found(site, {"roles": 0}, sentence)
        after = read_verifiers_of(site.target)
        same = same_verifiers(read_verifiers_of(site.source), after)
        numbers = {"roles": len(after), "same": len(same)}
        if same and here.identifier == there.identifier and here.standby:
            what = "is the server that the source stands by for, which shares its roles, or a copy of that one"
            return self.unknown(
                site, [f"whether the target {what}: {many(len(same), 'role')} with one password"], numbers
            )
        problems = [f"role {role} has the password that it has on the source: ALTER ROLE … PASSWORD" for role in same]
        sentence = f"{many(len(after), 'role')} with a password, {len(same)} of them with the source's."
        return self.found(site, numbers, sentence, problems)

    def _unchanged(self, site: Site) -> Found:
        """A run in place changes no role, and nobody knows how its server came to its roles."""
        roles = _read(site.target)
        if roles is not None and not roles:
            sentence = "No role of this server has a password, so that none can have production's."
            return self.found(site, {"roles": 0}, sentence)
        whose = "of the roles of this server" if roles is None else f"of {many(len(roles), 'role')} of this server"
        why = (
            f"whether the passwords {whose} are production's: masking where it is changed none of them, and a server"
            " made from production's files, a base backup or a snapshot has them all"
        )
        return self.unknown(site, [why], {} if roles is None else {"roles": len(roles)})


def _server(conn: psycopg.Connection) -> _Server:
    row = conn.execute(SERVER).fetchone()
    if row is None:
        raise ValueError("a server has one identifier")
    return _Server(*row)


def _read(conn: psycopg.Connection) -> Verifiers | None:
    """The verifiers, None where the role may not read them."""
    try:
        with conn.transaction():
            return read_verifiers_of(conn)
    except psycopg.errors.InsufficientPrivilege:
        return None
