"""The run's branches live for as long as the run does, and no longer."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from daemon.model import Branch
from daemon.neon import CreateBranch, NeonAccess, NeonClient
from daemon.staging.renew import LIFE, Renewal
from emulator.server import Emulator
from tests.fix_daemon import wait_until


@pytest.fixture
def client(neon: Emulator) -> Iterator[NeonClient]:
    with NeonClient(NeonAccess(host=neon.base_url, key=neon.api_key, enforce=True)) as opened:
        yield opened


def _now() -> datetime:
    return datetime.now(UTC)


def _expiring(client: NeonClient, neon: Emulator, life: timedelta) -> Branch:
    project_id = neon.project_ids[0]
    production = next(b for b in client.list_branches(project_id) if b.default)
    order = CreateBranch(project_id, "copy", production.id, expires_at=_now() + life)
    created = client.create_branch(order)
    client.wait_for(project_id, created.operations)
    return created.branch


def test_the_expiry_is_moved_two_hours_ahead_again_and_again(neon: Emulator, client: NeonClient) -> None:
    branch = _expiring(client, neon, timedelta(minutes=10))
    with Renewal(client, branch.project_id, _now, every=timedelta(seconds=0.3)) as renewal:
        renewal.watch((branch,))
        wait_until(lambda: _expiry(client, branch) > _now() + LIFE - timedelta(minutes=1))

        assert not renewal.lost


def test_after_the_run_nothing_renews_it_any_more(neon: Emulator, client: NeonClient) -> None:
    branch = _expiring(client, neon, timedelta(minutes=10))
    with Renewal(client, branch.project_id, _now, every=timedelta(seconds=0.2)) as renewal:
        renewal.watch((branch,))
        renewal.stop()
        before = _expiry(client, branch)
        time.sleep(1)

        assert _expiry(client, branch) == before


def test_neon_deletes_what_nobody_renews(neon: Emulator, client: NeonClient) -> None:
    branch = _expiring(client, neon, timedelta(seconds=4))

    wait_until(lambda: branch.id not in {b.id for b in client.list_branches(branch.project_id)})


def test_a_renewal_that_does_not_get_through_is_known_to_be_lost_after_a_life(
    neon: Emulator, client: NeonClient
) -> None:
    branch = _expiring(client, neon, timedelta(minutes=10))
    with Renewal(client, "no-such-project", lambda: _now() + timedelta(minutes=11)) as renewal:
        renewal.watch((branch,))

        assert renewal.lost


def _expiry(client: NeonClient, branch: Branch) -> datetime:
    expires_at = client.get_branch(branch.project_id, branch.id).expires_at
    assert expires_at is not None
    return expires_at
