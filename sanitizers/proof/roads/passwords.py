"""Roles whose password is production's: a copy is handed out, and must not hand production's passwords out with it."""

from __future__ import annotations

from typing import ClassVar

import psycopg

from sanitizers.proof.roads.answers import many
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.verifiers import read_verifiers_of, same_verifiers

ONE_SERVER = "SELECT system_identifier FROM pg_control_system()"


class Passwords(Road):
    """Password verifiers of the copy's roles next to those of the source's."""

    name: ClassVar[str] = "passwords"
    title: ClassVar[str] = "Passwords of production"
    question: ClassVar[str] = "Does a password of production open the copy?"

    def look(self, site: Site) -> Found:
        """Compare in memory; a verifier leaves neither server by any other way."""
        if site.source is None:
            return self.unknown(site, ["passwords of roles: there is no source to compare with"])
        if _server(site.source) == _server(site.target):
            sentence = "Source and target are on one server, whose roles they share: no password was copied."
            return self.found(site, {"roles": 0}, sentence)
        after = read_verifiers_of(site.target)
        same = same_verifiers(read_verifiers_of(site.source), after)
        problems = [f"role {role} has the password that it has on the source: ALTER ROLE … PASSWORD" for role in same]
        sentence = f"{many(len(after), 'role')} with a password, {len(same)} of them with the source's."
        return self.found(site, {"roles": len(after), "same": len(same)}, sentence, problems)


def _server(conn: psycopg.Connection) -> int:
    row = conn.execute(ONE_SERVER).fetchone()
    return int(row[0]) if row else 0
