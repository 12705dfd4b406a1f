"""Passwords are compared in memory; branch, roles and the other branch are all that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from daemon.lineage import classify
from daemon.model import Branch, Listing, SharedPassword
from daemon.passwords import PasswordCache, PasswordCheck, compare_passwords
from tests.builders import PROJECT, ago, branch, branch_id, ledger_entry, listing, project
from tests.scripted_neon import client, refusal, reply

MAIN = branch("main", default=True, created_at=ago(days=300))
STAGING = branch("staging", created_at=ago(days=4))
PROOF = ledger_entry("staging")


class Vault:
    """Neon's roles and passwords: by branch name, then role. None means 412, "403" that the key may not."""

    def __init__(self, **passwords: Mapping[str, str | None]) -> None:
        self.passwords = {branch_id(name.replace("__", "/")): dict(roles) for name, roles in passwords.items()}
        self.updated_at = "2026-11-01T00:00:00Z"
        self.extra: dict[str, Any] = {}
        self.revealed: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.removeprefix(f"/api/v2/projects/{PROJECT}/branches/").split("/")
        roles = self.passwords.get(parts[0])
        if roles is None:
            return refusal(404, "branch not found")
        if len(parts) == 2:
            return reply({"roles": [{"name": r, "updated_at": self.updated_at, **self.extra} for r in roles]})
        self.revealed.append(f"{parts[0]} {parts[2]}")
        password = roles[parts[2]]
        if password in {None, "403"}:
            return refusal(403 if password else 412)
        return reply({"password": password})


def compare(vault: Vault, *branches: Branch, cache: PasswordCache | None = None, **fields: Any) -> PasswordCheck:
    whole = listing(*branches, **fields)
    return compare_passwords(client(vault), whole, _lineages(whole), cache or PasswordCache.new())


def _lineages(whole: Listing) -> Any:
    return classify(whole.branches, (PROOF,), (), ())


def test_a_child_that_kept_the_password_of_production_shares_it() -> None:
    alice, bob = branch("dev/alice", parent="main"), branch("dev/bob", parent="main")
    vault = Vault(
        main={"app": "p1", "own": "p2"}, dev__alice={"app": "p1", "own": "x"}, dev__bob={"app": "y", "own": "z"}
    )

    check = compare(vault, MAIN, alice, bob)

    assert {alice.id: SharedPassword(("app",), "main")} == check.shared
    assert (frozenset(), ()) == (check.unknown, check.unknowns)


def test_the_same_password_of_another_role_opens_nothing() -> None:
    alice = branch("dev/alice", parent="main")

    assert compare(Vault(main={"app": "p"}, dev__alice={"other": "p"}), MAIN, alice).shared == {}


def test_a_clean_branch_that_opens_a_raw_one_is_told_but_two_raw_ones_are_not() -> None:
    raw, raw_too = branch("dev/raw", parent="main"), branch("dev/raw2", parent="main")
    vault = Vault(main={"app": "p"}, dev__raw={"app": "r"}, dev__raw2={"app": "r"}, staging={"app": "r"})

    check = compare(vault, MAIN, raw, raw_too, STAGING)

    assert {STAGING.id: SharedPassword(("app",), "dev/raw")} == check.shared


def test_production_is_named_before_a_raw_branch() -> None:
    raw = branch("a-raw", parent="main")
    vault = Vault(**{"main": {"app": "p"}, "a-raw": {"app": "p"}, "staging": {"app": "p"}})

    check = compare(vault, MAIN, raw, STAGING)

    assert {"main"} == {shared.opens for shared in check.shared.values()}


def test_a_password_is_revealed_once_until_the_role_changes() -> None:
    alice = branch("dev/alice", parent="main")
    vault = Vault(main={"app": "p"}, dev__alice={"app": "p"})
    first = compare(vault, MAIN, alice)

    second = compare(vault, MAIN, alice, cache=first.cache)
    assert len(vault.revealed) == 2
    vault.updated_at = "2026-11-02T00:00:00Z"
    vault.passwords[alice.id]["app"] = "fresh"
    third = compare(vault, MAIN, alice, cache=second.cache)

    assert len(vault.revealed) == 4
    assert (first.shared, {}) == (second.shared, third.shared)


@pytest.mark.parametrize("change", [{"last_reset_at": ago(hours=1)}, {"parent": "staging"}])
def test_a_branch_that_was_reset_or_restored_is_looked_at_again(change: dict[str, Any]) -> None:
    alice = branch("dev/alice", parent="main")
    vault = Vault(main={"app": "p"}, staging={}, dev__alice={"app": "own"})
    first = compare(vault, MAIN, STAGING, alice)
    vault.passwords[alice.id]["app"] = "p"

    second = compare(vault, MAIN, STAGING, branch("dev/alice", **{"parent": "main", **change}), cache=first.cache)

    assert {alice.id} == set(second.shared)


def test_branches_that_are_gone_are_forgotten() -> None:
    alice = branch("dev/alice", parent="main")
    first = compare(Vault(main={"app": "p"}, dev__alice={"app": "p"}), MAIN, alice)

    second = compare(Vault(main={"app": "p"}), MAIN, cache=first.cache)

    assert [(MAIN.id, "app")] == list(second.cache.digests)


@pytest.mark.parametrize(("answer", "words"), [(None, "does not reveal"), ("403", "may not reveal")])
def test_what_cannot_be_revealed_is_unknown_and_told(answer: str | None, words: str) -> None:
    alice = branch("dev/alice", parent="main")

    check = compare(Vault(main={"app": "p"}, dev__alice={"app": answer}), MAIN, alice)

    assert frozenset({alice.id}) == check.unknown
    assert len(check.unknowns) == 1
    assert check.unknowns[0].startswith("passwords of dev/alice were not compared")
    assert words in check.unknowns[0]


def test_when_production_cannot_be_revealed_every_other_branch_is_unknown_in_one_sentence() -> None:
    devs = [branch(f"dev/d{n}", parent="main") for n in range(7)]
    vault = Vault(main={"app": None}, **{f"dev__d{n}": {"app": "x"} for n in range(7)})

    check = compare(vault, MAIN, *devs)

    assert {b.id for b in devs} == check.unknown
    assert len(check.unknowns) == 1
    assert "and 2 more" in check.unknowns[0]


def test_a_project_that_stores_no_passwords_is_not_asked_for_any() -> None:
    alice, vault = branch("dev/alice", parent="main"), Vault()

    check = compare(vault, MAIN, alice, project=project(store_passwords=False))

    assert (frozenset({alice.id}), []) == (check.unknown, vault.revealed)
    assert "does not store passwords" in check.unknowns[0]


def test_a_branch_that_vanishes_meanwhile_is_unknown_and_no_error() -> None:
    alice = branch("dev/alice", parent="main")

    assert frozenset({alice.id}) == compare(Vault(main={"app": "p"}), MAIN, alice).unknown


@pytest.mark.parametrize(
    "extra", [{"protected": True}, {"authentication_method": "oauth"}, {"authentication_method": "no_login"}]
)
def test_roles_that_nobody_logs_in_with_are_left_alone(extra: dict[str, Any]) -> None:
    vault = Vault(main={"app": "p"}, dev__alice={"app": "p"})
    vault.extra = extra

    assert compare(vault, MAIN, branch("dev/alice", parent="main")).shared == {}
    assert vault.revealed == []


def test_neither_password_nor_key_is_in_what_is_kept() -> None:
    check = compare(
        Vault(main={"app": "hunter2"}, dev__alice={"app": "hunter2"}), MAIN, branch("dev/alice", parent="main")
    )

    assert "hunter2" not in repr(check)
    assert repr(check.cache) == "PasswordCache()"
    assert b"hunter2" not in b"".join(digest for _, digest in check.cache.digests.values())
