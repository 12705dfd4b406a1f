"""Which server an attestation speaks of: one address may lead to another cluster, and a copy has its identifier."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from daemon.checking import AttestationChecked, PlainCheck, check_plain
from daemon.plain import parse_dsn
from daemon.progress import Watch
from sanitizers.attest.predicate import PostgresPlace
from tests.attest_case import statement
from tests.fix_postgres import TestDatabase

ELSEWHERE = "elsewhere.example:5432"


@pytest.fixture
def differ(database: TestDatabase) -> Callable[..., dict[str, list[str]]]:
    """By kind, what differs from an attestation of the server as it is, but for some of its place."""
    target = parse_dsn("--dsn", database.dsn)
    here = target.attested_place()

    def look(**changes: str | None) -> dict[str, list[str]]:
        place = PostgresPlace(**{**here.model_dump(), **changes})
        attested = AttestationChecked("a file", statement(place=place))
        checked = check_plain(PlainCheck(target, attestation=attested), Watch(lambda _: None)).attestation
        found: dict[str, list[str]] = {}
        for difference in checked.differences if checked else ():
            found.setdefault(difference.kind, []).append(difference.sentence)
        return found

    return look


def test_the_server_itself_is_known_by_its_identifier(differ: Callable[..., dict[str, list[str]]]) -> None:
    found = differ()

    assert "place" not in found
    assert not any("copy of its files" in why for why in found["unseen"])
    assert "place" not in differ(system=None), "a server that did not tell is known by its address alone"


def test_another_cluster_at_the_same_address_is_another_place(differ: Callable[..., dict[str, list[str]]]) -> None:
    (why,) = differ(system="7423456789012345678")["place"]

    assert "7423456789012345678" in why


def test_the_same_cluster_at_another_address_may_be_a_copy(differ: Callable[..., dict[str, list[str]]]) -> None:
    found = differ(server=ELSEWHERE)

    assert "place" not in found
    assert any("copy of its files" in why for why in found["unseen"])
    assert "place" in differ(server=ELSEWHERE, system=None)
