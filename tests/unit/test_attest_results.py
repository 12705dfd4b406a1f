"""What an attestation calls a column: a fake under a stable key is a pseudonym, however random it looks."""

from typing import Any

import pytest

from sanitizers.attest.results import WITH_A_FORGOTTEN_KEY, WITHOUT_A_KEY, result_of
from sanitizers.strategies import KINDS

PARAMETERS: dict[str, dict[str, Any]] = {
    "json_only": {"members": ["id"]},
    "national_id": {"country": "us"},
    "json": {"paths": {"a": "email"}},
    "hstore": {"keys": {"a": "email"}},
    "list": {"of": "email"},
    "composite": {"attributes": {"a": "email"}},
    "sql": {"expression": "1"},
    "derived": {"expression": "1"},
    "constant": {"value": "x"},
}


def _of(kind: str, *, stable_key: bool, **more: Any) -> str:
    return result_of(KINDS[kind](**PARAMETERS.get(kind, {}), **more), stable_key=stable_key)


def test_the_lists_name_strategies_that_there_are() -> None:
    assert set(KINDS) >= WITHOUT_A_KEY | WITH_A_FORGOTTEN_KEY


@pytest.mark.parametrize("kind", sorted(set(KINDS) - WITHOUT_A_KEY - {"keep", "encrypt"}))
def test_under_a_stable_key_every_fake_is_a_pseudonym(kind: str) -> None:
    assert _of(kind, stable_key=True) == "pseudonymous"


@pytest.mark.parametrize("stable_key", [True, False])
def test_what_comes_back_is_encrypted_whatever_the_masking_key(stable_key: bool) -> None:
    assert _of("encrypt", stable_key=stable_key) == "encrypted"
    assert _of("encrypt", stable_key=stable_key, deterministic=True) == "encrypted"


@pytest.mark.parametrize("stable_key", [True, False])
@pytest.mark.parametrize("kind", ["null", "constant"])
def test_what_is_emptied_or_always_the_same_is_anonymous(kind: str, stable_key: bool) -> None:
    assert _of(kind, stable_key=stable_key) == "anonymous"


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("email", "anonymous"),
        ("digest", "anonymous"),
        ("date_shift", "pseudonymous"),
        ("generalize", "pseudonymous"),
        ("shuffle", "pseudonymous"),
        ("text", "pseudonymous"),
        ("permute", "pseudonymous"),
        ("json", "pseudonymous"),
        ("sql", "pseudonymous"),
    ],
)
def test_without_the_key_only_what_shows_nothing_of_the_original_is_anonymous(kind: str, result: str) -> None:
    assert _of(kind, stable_key=False) == result


@pytest.mark.parametrize("kept", [{"keep_values": ["*@example.com"]}, {"keep_if": "staff"}])
def test_a_column_that_keeps_some_values_is_never_anonymous(kept: dict[str, Any]) -> None:
    assert _of("null", stable_key=False, **kept) == "pseudonymous"


@pytest.mark.parametrize(("public", "result"), [(True, "public"), (False, "kept")])
def test_a_kept_column_is_called_so(public: bool, result: str) -> None:
    assert _of("keep", stable_key=True, public=public) == result
