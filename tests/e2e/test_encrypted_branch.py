"""A staging branch with an encrypted column on Neon, made either way: its class, its tokens, and the values again."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from tests.fix_daemon import Warden


def _encrypting(warden: Warden) -> None:
    """The policy of `detect`, but for a column that must come back."""
    warden.prepare()
    assert warden.run("keys", "new", "--kind", "field").returncode == 0
    lines = warden.policy.read_text().splitlines()
    sealed = 'phone = { strategy = "encrypt", deterministic = true }'
    decided = [sealed if line.startswith("phone = ") else line for line in lines]
    assert decided != lines
    warden.policy.write_text("\n".join(decided))


@pytest.mark.parametrize("mode", ["clean-room", "in-place"])
def test_a_branch_with_an_encrypted_column_has_its_class_and_its_values_come_back(warden: Warden, mode: str) -> None:
    _encrypting(warden)

    done = warden.run("sanitize", "--mode", mode)

    assert done.returncode == 0, done.stderr
    staging = next(v for v in warden.json("status")[0]["views"] if v["branch"]["name"] == "staging")
    assert staging["lineage"]["data_class"] == "encrypted"
    assert "1 column comes back for those who hold the field key" in staging["lineage"]["reason"]
    uri = warden.run("connect", "staging").stdout.strip()
    with psycopg.connect(uri) as conn:
        tokens = [phone for (phone,) in conn.execute("SELECT phone FROM people ORDER BY id")]
    assert all(token is None or token.startswith("bw1d.") for token in tokens)
    assert any(tokens)
    opened = warden.run("decrypt", "--at", "public.people.phone", "--dsn", uri)
    assert opened.returncode == 0, opened.stderr
    assert len(opened.stdout.splitlines()) == len(tokens)
    assert "bw1d" not in opened.stdout
    with sqlite3.connect(warden.state) as store:
        store.execute("UPDATE runs SET proof = json_set(proof, '$.\"columns encrypted\"', 0)")
    assert warden.json("explain", "staging")["view"]["lineage"]["data_class"] != "sanitized"
