"""The outbox on a real store: at least once, patient, nothing lost."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from daemon.alerts import Webhook
from daemon.delivery import Delivered, deliver_due
from daemon.records import Message
from daemon.store import open_store
from tests.fix_receiver import Answer, receiving

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def message(number):
    return Message(f"message {number}", ({"type": "divider"},), f"key-{number}")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


@pytest.fixture
def store(path):
    with open_store(path, exclusive=True) as opened:
        for number in (1, 2, 3):
            opened.queue_message(message(number), NOW)
        yield opened


@pytest.fixture
def receiver():
    with receiving() as started:
        yield started


@pytest.fixture
def send(receiver):
    with httpx.Client(trust_env=False) as client:
        yield Webhook(client, receiver.url).send


def test_messages_go_out_in_order_and_once(store, receiver, send):
    first = deliver_due(store, send, NOW)
    again = deliver_due(store, send, NOW + SECOND)

    assert receiver.got == ["message 1", "message 2", "message 3"]
    assert first == Delivered(sent=3, failed=0, waiting=0)
    assert again == Delivered(sent=0, failed=0, waiting=0)
    assert store.list_outbox() == ()
    assert [m.delivered_at for m in store.list_outbox(include_delivered=True)] == [NOW] * 3


def test_a_message_comes_back_as_it_was_queued(store):
    assert [m.message for m in store.due_messages(NOW)] == [message(1), message(2), message(3)]


def test_the_same_change_is_queued_once_even_after_delivery(store, receiver, send):
    deliver_due(store, send, NOW)

    store.queue_message(message(1), NOW + SECOND)

    assert store.due_messages(NOW + SECOND) == ()


def test_without_a_webhook_everything_waits(store):
    assert deliver_due(store, None, NOW) == Delivered(sent=0, failed=0, waiting=3)
    assert [m.attempts for m in store.list_outbox()] == [0, 0, 0]


def test_a_receiver_that_is_down_is_asked_ever_more_slowly_and_gets_all_in_the_end(store, receiver, send):
    receiver.answer = Answer(500)
    now, pauses = NOW, []
    for _ in range(12):
        result = deliver_due(store, send, now)
        assert (result.failed, result.waiting, result.error) == (1, 3, "The webhook fails (500); it is tried again.")
        due = min(m.due_at for m in store.list_outbox())
        assert store.due_messages(due - SECOND) == ()
        pauses.append((due - now) / SECOND)
        now = due

    receiver.answer = Answer()
    deliver_due(store, send, now)

    assert pauses[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert max(pauses) == 3600
    assert receiver.got == ["message 1", "message 2", "message 3"]


def test_a_receiver_that_asks_for_a_pause_gets_it_for_every_message(store, receiver, send):
    receiver.refusals["message 2"] = Answer(429, headers={"retry-after": "300"})
    deliver_due(store, send, NOW)
    receiver.refusals.clear()

    deliver_due(store, send, NOW + timedelta(minutes=5) - SECOND)
    assert receiver.got == ["message 1"]
    deliver_due(store, send, NOW + timedelta(minutes=5))

    assert receiver.got == ["message 1", "message 2", "message 3"]


def test_a_message_that_is_refused_for_itself_lets_the_others_go(store, receiver, send):
    receiver.refusals["message 1"] = Answer(400, "invalid_blocks")

    result = deliver_due(store, send, NOW)

    assert receiver.got == ["message 2", "message 3"]
    assert (result.sent, result.failed, result.waiting) == (2, 1, 1)
    (left,) = store.list_outbox()
    assert "refuses this message (400)" in left.last_error
    assert left.due_at == NOW + timedelta(hours=1)


def test_a_webhook_that_was_withdrawn_is_asked_once_an_hour_until_there_is_a_new_one(store, receiver, send):
    receiver.answer = Answer(404, "no_service")
    deliver_due(store, send, NOW)
    deliver_due(store, send, NOW + timedelta(minutes=59))
    receiver.answer = Answer()

    result = deliver_due(store, send, NOW + timedelta(hours=1))

    assert len(receiver.asked) == 4
    assert result == Delivered(sent=3, failed=0, waiting=0)


def test_a_kill_between_sending_and_marking_sends_twice_and_loses_nothing(path, receiver, send):
    code = (
        "import os, sys, pathlib, httpx; from datetime import UTC, datetime\n"
        "from daemon.alerts import Webhook; from daemon.delivery import deliver_due\n"
        "from daemon.store import open_store\n"
        "def send_and_die(message):\n"
        "    Webhook(httpx.Client(trust_env=False), sys.argv[2]).send(message); os.kill(os.getpid(), 9)\n"
        "with open_store(pathlib.Path(sys.argv[1]), exclusive=True) as store:\n"
        "    deliver_due(store, send_and_die, datetime.now(UTC))"
    )
    with open_store(path, exclusive=True) as store:
        store.queue_message(message(1), NOW)
    killed = subprocess.run([sys.executable, "-c", code, str(path), receiver.url], check=False)

    with open_store(path, exclusive=True) as store:
        deliver_due(store, send, datetime.now(UTC))
        assert store.list_outbox() == ()
    assert (killed.returncode, receiver.got) == (-9, ["message 1", "message 1"])


def test_a_round_sends_no_flood(store, receiver, send):
    for number in range(4, 50):
        store.queue_message(message(number), NOW)

    assert deliver_due(store, send, NOW) == Delivered(sent=20, failed=0, waiting=29)
