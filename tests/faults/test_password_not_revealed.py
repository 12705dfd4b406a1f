"""A role whose password Neon does not reveal: nobody can compare it, and the result says so."""

from datetime import UTC, datetime

import httpx
import pytest

from daemon.neon import NeonAccess, NeonClient
from daemon.staging import StagingContext, sanitize
from tests.faults.rig import FAST, Rig, Road, rig

__all__ = ["rig"]


class Discreet(Road):
    """Neon as it is where a project does not store the password of a role (412)."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/roles/neondb_owner/reveal_password"):
            return httpx.Response(412, json={"message": "not stored", "code": ""}, request=request)
        return super().handle_request(request)


@pytest.mark.slow
def test_a_password_that_is_not_revealed_is_told_as_not_compared(rig: Rig) -> None:
    told: list[str] = []
    access = NeonAccess(rig.neon.base_url, rig.neon.api_key, enforce=False, requests_per_minute=60000)

    with NeonClient(access, Discreet(), FAST) as client:
        context = StagingContext(client, rig.store, lambda: datetime.now(UTC), lambda one: told.append(one.sentence))
        published = sanitize(context, rig.request)

    assert published.proof["passwords not compared"] == ["neondb_owner"]
    [sentence] = [one for one in told if one.startswith("not looked at: whether the password")]
    assert "neondb_owner" in sentence


@pytest.mark.slow
def test_where_all_are_revealed_nothing_is_said(rig: Rig) -> None:
    published = rig.sanitize()

    assert published.proof["passwords not compared"] == []
    assert not any("password of role" in told for told in rig.told)
