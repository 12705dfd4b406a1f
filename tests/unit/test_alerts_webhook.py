"""Sending to a real local HTTP server, well and badly behaved."""

import json
import re
import socket
import threading
import traceback
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from daemon.alerts import webhook
from daemon.alerts.webhook import DeliveryError, Webhook, check_address, send
from daemon.errors import SettingsError
from daemon.records import Message

MESSAGE = Message("*hi*", ({"type": "section", "text": {"type": "mrkdwn", "text": "hi ü"}},), "k1")
SECRET = "/services/T000/B000/s3cr3t"


@contextmanager
def receiver(status=200, body="ok", headers=None, wait=None):
    """A receiver on this machine; yields its address and what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            if wait:
                wait.wait(5)
            self.send_response_only(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{SECRET}", got
        server.shutdown()
        thread.join()


@pytest.fixture
def client():
    with httpx.Client(trust_env=False) as opened:
        yield opened


def refused(client, **behaviour):
    with receiver(**behaviour) as (url, _), pytest.raises(DeliveryError) as caught:
        send(client, url, MESSAGE)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_a_message_arrives_with_text_and_blocks(client):
    with receiver() as (url, got):
        Webhook(client, url).send(MESSAGE)

    assert got == [(SECRET, {"text": "*hi*", "blocks": list(MESSAGE.blocks)})]


def test_nothing_that_is_printed_shows_the_address(client):
    hook = Webhook(client, f"https://hooks.slack.com{SECRET}")

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
    refused(client, status=404, body=f"no hook at https://hooks.slack.com{SECRET}")


def test_a_redirect_is_not_followed(client):
    with receiver() as (elsewhere, got):
        refused(client, status=307, headers={"location": elsewhere})

    assert got == []


def test_a_receiver_that_is_down_is_one_sentence(client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(DeliveryError, match="did not answer") as caught:
        send(client, f"http://127.0.0.1:{port}{SECRET}", MESSAGE)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


def test_a_receiver_that_never_answers_is_given_up(client, monkeypatch):
    monkeypatch.setattr(webhook, "TIMEOUT", httpx.Timeout(0.2))
    done = threading.Event()

    with receiver(wait=done) as (url, _):
        with pytest.raises(DeliveryError, match="ReadTimeout"):
            send(client, url, MESSAGE)
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
