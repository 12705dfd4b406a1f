"""`decrypt`: tokens, rows of COPY and columns back to values, and loud refusals that hold none of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import psycopg
import pytest

from daemon.keys import required_keyring
from sanitizers.fields.cipher import Context, encrypt
from tests.fix_plain import Desk
from tests.fix_postgres import TestDatabase

PLACE = Context("public", "people", "secret")
AT = ("--at", str(PLACE))
PLAIN = "zq-plaintext é\t\\x"


@pytest.fixture
def vault(desk: Desk) -> Desk:
    """A desk with a field key."""
    made = desk.run("keys", "new", "--kind", "field")
    assert (made.returncode, "Back it up" in made.stdout) == (0, True)
    return desk


def sealed(desk: Desk, value: str | bytes = PLAIN) -> str:
    return encrypt(value, PLACE, required_keyring(desk.folder / "keys"), deterministic=False)


def silent(done: subprocess.CompletedProcess[str], *tokens: str) -> bool:
    """Whether nothing that was protected is in what was said."""
    said = done.stdout + done.stderr
    return not any(text in said for text in ("zq-plaintext", "Traceback", *(token[40:] for token in tokens)))


def test_a_token_comes_back_as_text_as_json_and_octets_as_hexadecimal(vault: Desk) -> None:
    token = sealed(vault)

    assert vault.run("decrypt", token, *AT).stdout == PLAIN + "\n"
    assert json.loads(vault.run("decrypt", token, *AT, "--json").stdout) == {"value": PLAIN}
    assert vault.run("decrypt", sealed(vault, b"\x00\xff"), *AT).stdout == "\\x00ff\n"


def test_rows_of_copy_come_back_from_stdin_with_all_else_untouched(vault: Desk) -> None:
    lines = f"1\t{sealed(vault)}\ta\\tb\n2\t\\N\t\\N\n3\t{sealed(vault, '')}\t\n"

    done = vault.run("decrypt", *AT, "--field", "2", typed=lines)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1\tzq-plaintext é\\t\\\\x\ta\\tb\n2\t\\N\t\\N\n3\t\t\n"


def test_another_place_and_a_changed_token_do_not_open(vault: Desk) -> None:
    token = sealed(vault)
    changed = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]

    for given, place in ((token, "public.people.other"), (changed, str(PLACE))):
        done = vault.run("decrypt", given, "--at", place, "--json")
        assert (done.returncode, json.loads(done.stdout)["outcome"]) == (2, "usage")
        assert f"a token does not open as {place} with field key" in done.stderr
        assert silent(done, token, changed)


def test_the_file_of_another_key_opens_nothing(vault: Desk) -> None:
    token = sealed(vault)
    (file,) = (vault.folder / "keys").glob("field-*.key")
    file.write_text("ab" * 32 + "\n")

    done = vault.run("decrypt", token, *AT)

    assert done.returncode == 2
    assert "is not the one that was used (compare it with its backup)" in done.stderr
    assert silent(done, token)


def test_a_retired_key_opens_nothing_and_its_id_is_named(vault: Desk) -> None:
    token = sealed(vault)
    key_id = token.split(".")[1]
    retired = vault.run("keys", "retire", key_id)
    vault.run("keys", "new", "--kind", "field")

    done = vault.run("decrypt", token, *AT)

    assert "`decrypt` opens nothing that it encrypted any more" in retired.stdout
    assert done.returncode == 2
    assert f"encrypted with field key {key_id}, which is not in the keyring" in done.stderr


def test_a_newer_key_encrypts_and_older_ones_still_open(vault: Desk) -> None:
    before = sealed(vault)
    vault.run("keys", "new", "--kind", "field")
    after = sealed(vault)

    assert before.split(".")[1] != after.split(".")[1]
    assert vault.run("decrypt", before, *AT).stdout == PLAIN + "\n"
    assert [entry["state"] for entry in vault.json("keys", "list") if entry["kind"] == "field"] == ["in use", "older"]


def test_plaintext_in_a_column_ends_it_with_the_row(vault: Desk, database: TestDatabase) -> None:
    token = sealed(vault)
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE people (id int, secret text)")
        rows = [(n, token if n != 3 else PLAIN) for n in range(1, 2000)]
        conn.cursor().executemany("INSERT INTO people VALUES (%s, %s)", rows)

    done = vault.run("decrypt", *AT, "--dsn", database.dsn)

    assert done.returncode == 2
    assert "row 3: a value is no token: it was never encrypted" in done.stderr
    assert silent(subprocess.CompletedProcess([], 0, "", done.stderr), token)


def test_a_reference_is_read_where_it_is_and_opened_where_it_leads(vault: Desk, database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute('CREATE TABLE "Odd.One" (a int, secret text, "the id" int, PRIMARY KEY ("the id", a))')
        conn.execute('INSERT INTO "Odd.One" VALUES (1, %s, 2), (3, NULL, 4)', (sealed(vault, "x"),))

    done = vault.run("decrypt", *AT, "--dsn", database.dsn, "--column", 'public."Odd.One".secret')

    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["2\t1\tx", "4\t3\t\\N"]
    gone = vault.run("decrypt", *AT, "--dsn", database.dsn)
    assert (gone.returncode, "there is no column public.people.secret in that database" in gone.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("x", "--at", "a.b.c", "--field", "1"), "give one of a token, --dsn and --field"),
        (("x", "--at", "a.b.c", "--column", "a.b.d"), "--column says what --dsn reads"),
        (("--field", "1", "--at", "a.b.c", "--json"), "--json is for one token"),
        (("x", "--at", "a.b"), "--at a.b is no schema.table.column"),
        (("x", "--at", "a.b.c", "--keys", "nowhere"), "no field key in nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = Desk(tmp_path).run("decrypt", *arguments)

    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert sentence in done.stderr


def test_a_field_that_rows_do_not_have_is_refused(vault: Desk) -> None:
    done = vault.run("decrypt", *AT, "--field", "3", typed="1\t2\n")

    assert done.returncode == 2
    assert "--field 3: a row of stdin has 2 fields" in done.stderr
