"""The passwords of a branch as a road, from what was compared by way of the API."""

from __future__ import annotations

from daemon.model import Branch
from daemon.passwords import PasswordCheck
from sanitizers.proof.roads import Found, Status

ROAD = "passwords"


def passwords_of(branch: Branch, check: PasswordCheck) -> Found:
    """Roles whose password also opens production, or a branch with raw rows."""
    shared = check.shared.get(branch.id)
    if shared is not None:
        problems = tuple(f"role {role} has the password that it has on {shared.opens}" for role in shared.roles)
        sentence = f"{len(problems)} roles have a password that also opens {shared.opens}."
        return Found(ROAD, None, Status.FAIL, {"same": len(problems)}, sentence, problems)
    if branch.id in check.unknown:
        unseen = ("passwords of roles: Neon does not reveal those that they would be compared with",)
        return Found(ROAD, None, Status.UNKNOWN, {}, f"Not looked at: {unseen[0]}.", (), unseen)
    return Found(ROAD, None, Status.PASS, {"same": 0}, "No role has a password that opens production or raw rows.")
