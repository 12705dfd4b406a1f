"""The outbox on a real store: at least once, patient, nothing lost."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.alerts.webhook import DeliveryError
from daemon.delivery import Delivered, deliver_due
from daemon.records import Message
from daemon.store import open_store

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


class Receiver:
    """Takes messages, or refuses as it is told to."""

    def __init__(self):
        self.got = []
        self.errors = {}

    def __call__(self, sent):
        error = self.errors.get(sent.text, self.errors.get("all"))
        if error:
            raise error
        self.got.append(sent.text)


@pytest.fixture
def receiver():
    return Receiver()


def test_messages_go_out_in_order_and_once(store, receiver):
    first = deliver_due(store, receiver, NOW)
    again = deliver_due(store, receiver, NOW + SECOND)

    assert receiver.got == ["message 1", "message 2", "message 3"]
    assert first == Delivered(sent=3, failed=0, waiting=0)
    assert again == Delivered(sent=0, failed=0, waiting=0)
    assert store.list_outbox() == ()
    assert [m.delivered_at for m in store.list_outbox(include_delivered=True)] == [NOW] * 3


def test_a_message_comes_back_as_it_was_queued(store):
    assert [m.message for m in store.due_messages(NOW)] == [message(1), message(2), message(3)]


def test_the_same_change_is_queued_once_even_after_delivery(store, receiver):
    deliver_due(store, receiver, NOW)

    store.queue_message(message(1), NOW + SECOND)

    assert store.due_messages(NOW + SECOND) == ()


def test_without_a_webhook_everything_waits(store):
    assert deliver_due(store, None, NOW) == Delivered(sent=0, failed=0, waiting=3)
    assert [m.attempts for m in store.list_outbox()] == [0, 0, 0]


def test_a_receiver_that_is_down_is_asked_ever_more_slowly_and_gets_all_in_the_end(store, receiver):
    receiver.errors["all"] = DeliveryError("The webhook fails (500).")
    now, pauses = NOW, []
    for _ in range(12):
        result = deliver_due(store, receiver, now)
        assert (result.failed, result.waiting, result.error) == (1, 3, "The webhook fails (500).")
        due = min(m.due_at for m in store.list_outbox())
        assert store.due_messages(due - SECOND) == ()
        pauses.append((due - now) / SECOND)
        now = due

    receiver.errors.clear()
    deliver_due(store, receiver, now)

    assert pauses[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert max(pauses) == 3600
    assert receiver.got == ["message 1", "message 2", "message 3"]


def test_a_receiver_that_asks_for_a_pause_gets_it_for_every_message(store, receiver):
    receiver.errors["message 2"] = DeliveryError("429", retry_after=timedelta(minutes=5))
    deliver_due(store, receiver, NOW)
    receiver.errors.clear()

    deliver_due(store, receiver, NOW + timedelta(minutes=5) - SECOND)
    assert receiver.got == ["message 1"]
    deliver_due(store, receiver, NOW + timedelta(minutes=5))

    assert receiver.got == ["message 1", "message 2", "message 3"]


def test_a_message_that_is_refused_for_itself_lets_the_others_go(store, receiver):
    receiver.errors["message 1"] = DeliveryError("invalid_blocks", permanent=True, about_message=True)

    result = deliver_due(store, receiver, NOW)

    assert receiver.got == ["message 2", "message 3"]
    assert (result.sent, result.failed, result.waiting) == (2, 1, 1)
    (left,) = store.list_outbox()
    assert (left.last_error, left.due_at) == ("invalid_blocks", NOW + timedelta(hours=1))


def test_a_crash_between_sending_and_marking_sends_twice_and_loses_nothing(path, receiver):
    def send_and_die(sent):
        receiver(sent)
        raise KeyboardInterrupt

    with open_store(path, exclusive=True) as store:
        store.queue_message(message(1), NOW)
        with pytest.raises(KeyboardInterrupt):
            deliver_due(store, send_and_die, NOW)

    with open_store(path, exclusive=True) as store:
        deliver_due(store, receiver, NOW + SECOND)
        assert store.list_outbox() == ()
    assert receiver.got == ["message 1", "message 1"]


def test_a_round_sends_no_flood(store, receiver):
    for number in range(4, 50):
        store.queue_message(message(number), NOW)

    assert deliver_due(store, receiver, NOW) == Delivered(sent=20, failed=0, waiting=29)
