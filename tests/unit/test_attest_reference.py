"""The reference of attestations: every member is in it, and its commands verify one with openssl alone."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from sanitizers.attest.attestation import write_attestation
from sanitizers.attest.compare import Effect
from sanitizers.attest.predicate import Predicate, Result
from sanitizers.attest.record import member_name
from tests.attest_case import OTHER, SIGNER, statement
from tests.reference_pages import code, page, rows

PAGE = page("attestation.md")


def _section(name: str) -> str:
    return PAGE.split(f"## {name}\n")[1].split("\n## ")[0]


def _members(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """The path of every member that holds no others."""
    for name, field in model.model_fields.items():
        path, inner = before + member_name(name), list(_models(field.annotation))
        several = "[]" if str(field.annotation).startswith("tuple") and inner else ""
        if not inner:
            yield path
        for part in inner:
            yield from _members(part, f"{path}{several}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def test_every_member_of_the_predicate_is_described_and_no_other() -> None:
    described = {code(row[0]) for row in rows(_section("Predicate"))} - set(get_args(Result))

    assert {"runId", "databases[].tables[].schema", "key.id"} <= described
    assert described == set(_members(Predicate))


def test_every_result_and_effect_is_described() -> None:
    text = _section("Predicate")
    words = {row[2].split()[0] for row in rows_of_differences()}

    assert [result for result in get_args(Result) if f"| `{result}` |" not in text] == []
    assert words == set(Effect)


def rows_of_differences() -> list[list[str]]:
    lines = _section("Does it still hold?").splitlines()
    table = [line for line in lines if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def _verify(folder: Path, data: bytes, pem: str = SIGNER.public.pem) -> subprocess.CompletedProcess[str]:
    found = re.search(r"^```sh\n(.*?)^```", _section("Verify with openssl alone"), flags=re.MULTILINE | re.DOTALL)
    assert found
    (folder / "attestation.json").write_bytes(data)
    (folder / "signer.pem").write_text(pem)
    return subprocess.run(["sh", "-c", found[1]], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


needs_openssl = pytest.mark.skipif(  # an auditor has it, and we need it for nothing but this page's commands
    shutil.which("openssl") is None, reason="there is no openssl on PATH: install it to run the page's commands"
)


@needs_openssl
@pytest.mark.parametrize("keys", [[SIGNER], [SIGNER, OTHER], [OTHER, SIGNER]])
def test_the_commands_of_the_reference_verify_an_attestation(tmp_path: Path, keys: list[Any]) -> None:
    done = _verify(tmp_path, write_attestation(statement(), keys))

    assert (done.returncode, done.stdout.strip()) == (0, "Signature Verified Successfully"), done.stderr
    assert (tmp_path / "statement.json").read_bytes() == statement().payload


@needs_openssl
def test_the_commands_of_the_reference_refuse_a_changed_attestation(tmp_path: Path) -> None:
    signed, other = (write_attestation(statement(run_id=run), [SIGNER]).decode() for run in ("run-1", "run-2"))
    payload = re.compile(r'"payload":"[^"]*"')
    forged = payload.sub(payload.findall(other)[0], signed)

    done = _verify(tmp_path, forged.encode())

    assert done.returncode != 0
    assert "Success" not in done.stdout


@needs_openssl
def test_the_commands_of_the_reference_refuse_another_key(tmp_path: Path) -> None:
    done = _verify(tmp_path, write_attestation(statement(), [SIGNER]), OTHER.public.pem)

    assert done.returncode != 0
