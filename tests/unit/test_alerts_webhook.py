"""Sending to a real local HTTP server, well and badly behaved."""

import re
import socket
import threading
import traceback
from datetime import timedelta

import httpx
import pytest

from daemon.alerts import webhook
from daemon.alerts.webhook import DeliveryError, Webhook, check_address, send
from daemon.errors import SettingsError
from daemon.records import Message
from tests.fix_receiver import SECRET_PATH, Answer, receiving

MESSAGE = Message("*hi*", ({"type": "section", "text": {"type": "mrkdwn", "text": "hi ü"}},), "k1")


@pytest.fixture
def client():
    with httpx.Client(trust_env=False) as opened:
        yield opened


def refused(client, **behaviour):
    with receiving(Answer(**behaviour)) as receiver, pytest.raises(DeliveryError) as caught:
        send(client, receiver.url, MESSAGE)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_a_message_arrives_with_text_and_blocks(client):
    with receiving() as receiver:
        Webhook(client, receiver.url).send(MESSAGE)

    assert receiver.asked == [(SECRET_PATH, {"text": "*hi*", "blocks": list(MESSAGE.blocks)}, 200)]


def test_nothing_that_is_printed_shows_the_address(client):
    hook = Webhook(client, f"https://hooks.slack.com{SECRET_PATH}")

    assert "s3cr3t" not in f"{hook!r} {hook}"


def test_too_many_requests_are_answered_with_the_pause_that_was_asked_for(client):
    error = refused(client, status=429, headers={"retry-after": "17"})

    assert (error.retry_after, error.permanent) == (timedelta(seconds=17), False)


def test_a_pause_may_be_a_date_by_the_receivers_own_clock(client):
    headers = {"date": "Mon, 04 May 2020 12:00:00 GMT", "retry-after": "Mon, 04 May 2020 12:02:00 GMT"}

    assert refused(client, status=503, headers=headers).retry_after == timedelta(minutes=2)


@pytest.mark.parametrize("value", ["soon", "-5", "", "1e9", "Mon, 99 May 2020", "٣"])
def test_a_pause_that_cannot_be_read_is_none(value):
    assert webhook.retry_after(httpx.Headers([(b"retry-after", value.encode())])) is None


def test_a_pause_of_years_is_a_day():
    assert webhook.retry_after(httpx.Headers({"retry-after": "9" * 40})) == timedelta(days=1)


def test_a_server_error_is_for_a_while(client):
    error = refused(client, status=500)

    assert (error.permanent, error.about_message) == (False, False)


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (403, "invalid_token", "make a new incoming webhook"),
        (404, "no_service", "make a new incoming webhook"),
        (410, "channel_is_archived", "unarchive"),
        (403, "action_prohibited", "administrator"),
        (404, "", "make a new incoming webhook"),
        (400, "user_not_found", "make a new incoming webhook"),
        (302, "", "final address"),
    ],
)
def test_a_lasting_refusal_says_what_to_do(client, status, body, advice):
    error = refused(client, status=status, body=body)

    assert (error.permanent, error.about_message) == (True, False)
    assert re.search(advice, str(error))


def test_a_refused_message_does_not_hold_up_the_others(client):
    error = refused(client, status=400, body="invalid_blocks")

    assert (error.permanent, error.about_message) == (True, True)


def test_an_answer_that_repeats_the_address_is_not_passed_on(client):
    refused(client, status=404, body=f"no hook at https://hooks.slack.com{SECRET_PATH}")


def test_a_redirect_is_not_followed(client):
    with receiving() as elsewhere:
        refused(client, status=307, headers={"location": elsewhere.url})

    assert elsewhere.asked == []


def test_a_receiver_that_is_down_is_one_sentence(client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(DeliveryError, match="did not answer") as caught:
        send(client, f"http://127.0.0.1:{port}{SECRET_PATH}", MESSAGE)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


def test_a_receiver_that_never_answers_is_given_up(client, monkeypatch):
    monkeypatch.setattr(webhook, "TIMEOUT", httpx.Timeout(0.2))
    done = threading.Event()

    with receiving(Answer(wait=done)) as receiver:
        with pytest.raises(DeliveryError, match="ReadTimeout"):
            send(client, receiver.url, MESSAGE)
        done.set()


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/x", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:80/x"]
)
def test_https_and_this_machine_are_allowed(url):
    check_address(url)


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/s3cr3t", "ftp://x/s3cr3t", "s3cr3t", "https:///s3cr3t", "", "http://[s3cr3t"]
)
def test_any_other_address_is_refused_without_repeating_it(url):
    with pytest.raises(SettingsError) as caught:
        check_address(url)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
