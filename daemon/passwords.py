"""Which passwords of a branch also open production, or a branch with production rows.

Passwords are revealed one by one and kept as keyed digests only, under a key that lives as long as the process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from daemon.errors import GoneError, NotAllowedError
from daemon.model import Branch, DataClass, Lineage, Listing, Role, SharedPassword
from daemon.neon import NeonClient

Stamp = tuple[datetime | None, datetime | None, str | None]
"""What changes with a role's password: the role's update, the branch's reset, its parent (a restore moves that)."""

MOST_NAMES = 5  # branches named in one sentence


@dataclass(frozen=True)
class PasswordCache:
    """Digests of passwords seen before, by (branch id, role). Holds no password; never stored."""

    key: bytes = field(repr=False)
    digests: Mapping[tuple[str, str], tuple[Stamp, bytes]] = field(default_factory=dict, repr=False)

    @classmethod
    def new(cls) -> PasswordCache:
        """An empty cache with a key of its own."""
        return cls(key=secrets.token_bytes(32))

    def seal(self, password: str) -> bytes:
        """The keyed digest of a password."""
        return hmac.digest(self.key, password.encode(), hashlib.sha256)


@dataclass(frozen=True)
class PasswordCheck:
    """The answer for a project: by branch id what is shared, the ids that could not be told, and why, in sentences."""

    shared: Mapping[str, SharedPassword]
    unknown: frozenset[str]
    unknowns: tuple[str, ...]
    cache: PasswordCache


def compare_passwords(
    client: NeonClient, listing: Listing, lineages: Mapping[str, Lineage], cache: PasswordCache
) -> PasswordCheck:
    """Compare the passwords of every branch that is not production with those of production and raw branches.

    Reveals a password again only when its stamp has changed. Raises NeonError when the API fails.
    """
    branches = listing.branches
    if not listing.project.store_passwords:
        reason = "the project does not store passwords, so they cannot be compared; turn `store_passwords` on"
        unknown = frozenset(b.id for b in branches if not lineages[b.id].production)
        return PasswordCheck({}, unknown, (reason,) if unknown else (), cache)
    rings = {branch.id: _read(client, branch, cache) for branch in branches}
    return _compare(branches, lineages, rings, cache)


@dataclass(frozen=True)
class _Ring:
    """The keys of one branch: digest by role, the stamps they belong to, and why some are missing."""

    digests: Mapping[str, bytes]
    stamps: Mapping[str, Stamp]
    problem: str = ""


def _read(client: NeonClient, branch: Branch, cache: PasswordCache) -> _Ring:
    digests: dict[str, bytes] = {}
    stamps: dict[str, Stamp] = {}
    problem = ""
    try:
        for role in _login_roles(client, branch):
            stamp = (role.updated_at, branch.last_reset_at, branch.parent_id)
            digest = _digest(client, branch, (role.name, stamp), cache)
            if digest is None:
                problem = "Neon does not reveal every password there"
            else:
                digests[role.name], stamps[role.name] = digest, stamp
    except NotAllowedError:
        problem = "the API key may not reveal passwords there"
    except GoneError:
        problem = "the branch changed while it was looked at"
    return _Ring(digests, stamps, problem)


def _login_roles(client: NeonClient, branch: Branch) -> Iterator[Role]:
    """Roles that people log in with by password; system roles are Neon's own."""
    for role in client.list_roles(branch.project_id, branch.id):
        if not role.protected and role.authentication_method == "password":
            yield role


def _digest(client: NeonClient, branch: Branch, role: tuple[str, Stamp], cache: PasswordCache) -> bytes | None:
    name, stamp = role
    remembered = cache.digests.get((branch.id, name))
    if remembered is not None and remembered[0] == stamp:
        return remembered[1]
    password = client.reveal_password(branch.project_id, branch.id, name)
    return None if password is None else cache.seal(password)


def _compare(
    branches: tuple[Branch, ...], lineages: Mapping[str, Lineage], rings: Mapping[str, _Ring], cache: PasswordCache
) -> PasswordCheck:
    production = sorted((b for b in branches if lineages[b.id].production), key=lambda b: (not b.default, b.name, b.id))
    raw = sorted((b for b in branches if lineages[b.id].data_class is DataClass.RAW), key=lambda b: (b.name, b.id))
    shared: dict[str, SharedPassword] = {}
    unknown: dict[str, str] = {}
    for branch in branches:
        if lineages[branch.id].production:
            continue
        # Who may open a raw branch anyway gains nothing new from another raw one.
        doors = production if lineages[branch.id].data_class is DataClass.RAW else [*production, *raw]
        if found := _first_shared(branch, doors, rings):
            shared[branch.id] = found
        elif problem := next((rings[b.id].problem for b in (branch, *doors) if rings[b.id].problem), ""):
            unknown[branch.id] = problem
    names = {branch.id: branch.name for branch in branches}
    return PasswordCheck(shared, frozenset(unknown), _sentences(unknown, names), _remember(rings, cache))


def _first_shared(branch: Branch, doors: Iterable[Branch], rings: Mapping[str, _Ring]) -> SharedPassword | None:
    """The first door that opens with a key of the branch: production comes before raw branches."""
    mine = rings[branch.id].digests
    for door in doors:
        theirs = rings[door.id].digests
        roles = sorted(role for role in mine if role in theirs and hmac.compare_digest(mine[role], theirs[role]))
        if roles:
            return SharedPassword(tuple(roles), door.name)
    return None


def _sentences(unknown: Mapping[str, str], names: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence per reason, however many branches it concerns."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for branch_id, reason in unknown.items():
        by_reason[reason].append(names[branch_id])
    return tuple(f"passwords of {_join(sorted(found))} were not compared: {why}" for why, found in by_reason.items())


def _join(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _remember(rings: Mapping[str, _Ring], cache: PasswordCache) -> PasswordCache:
    """A cache of what was seen this time; branches that are gone are forgotten."""
    digests = {
        (branch_id, role): (ring.stamps[role], digest)
        for branch_id, ring in rings.items()
        for role, digest in ring.digests.items()
    }
    return PasswordCache(cache.key, digests)
