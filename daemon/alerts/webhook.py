"""Sends a message to a Slack-style incoming webhook. The address is a secret: no error, repr or log line holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from daemon.errors import BranchwardenError, SettingsError
from daemon.loopback import is_loopback
from daemon.records import Message

TIMEOUT = httpx.Timeout(10.0)  # seconds for each of connect, write and read
LONGEST_PAUSE = timedelta(days=1)  # a receiver that asks for more is asked again after a day
RENEW = "make a new incoming webhook and set it"
CODES = {
    "invalid_token": f"its address is not valid any more; {RENEW}",
    "no_active_hooks": f"it was disabled; {RENEW}",
    "no_service": f"it was disabled or removed; {RENEW}",
    "no_team": f"its workspace is gone; {RENEW}",
    "team_disabled": f"its workspace is disabled; {RENEW}",
    "user_not_found": f"its owner is gone; {RENEW}",
    "channel_not_found": f"its channel is gone; {RENEW}",
    "channel_is_archived": f"its channel is archived; unarchive the channel, or {RENEW}",
    "posting_to_general_channel_denied": "it may not post to its channel; choose another channel",
    "action_prohibited": "an administrator of the workspace forbids it; ask them",
}


class DeliveryError(BranchwardenError):
    """A message was not taken.

    Attributes:
        retry_after: how long the receiver wants to be left alone, if it said so.
        permanent: whether only a person can change it; it is tried again all the same, slowly.
        about_message: whether this message alone is refused, so that others may go.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        permanent: bool = False,
        about_message: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.permanent = permanent
        self.about_message = about_message


@dataclass(frozen=True)
class Webhook:
    """A webhook that can be handed around: its repr does not show the address."""

    client: httpx.Client = field(repr=False)
    url: str = field(repr=False)

    def __post_init__(self) -> None:
        check_address(self.url)

    def send(self, message: Message) -> None:
        """Send a message; raises DeliveryError."""
        send(self.client, self.url, message)


def check_address(url: str) -> None:
    """Refuse an address that would carry alerts over an open network.

    Raises:
        SettingsError: not https, and not this machine.
    """
    try:
        parts = urlsplit(url)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
    except ValueError:
        raise SettingsError("The webhook's address cannot be read; copy it again.") from None
    if not parts.hostname or not (parts.scheme == "https" or local):
        raise SettingsError("The webhook's address must begin with https:// (http:// only for this machine).")


def send(client: httpx.Client, url: str, message: Message) -> None:
    """Post a message; returning means that the receiver took it. Redirects are not followed.

    Raises:
        DeliveryError: it was not taken, or nobody knows.
    """
    body = json.dumps({"text": message.text, "blocks": list(message.blocks)}).encode("ascii")
    headers = {"content-type": "application/json"}
    try:
        with client.stream(
            "POST", url, content=body, headers=headers, timeout=TIMEOUT, follow_redirects=False
        ) as response:
            if not response.is_success:
                raise refusal(response, _first_words(response))
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        # httpx's own words and its request hold the address, so neither is passed on
        raise DeliveryError(f"The webhook did not answer ({type(error).__name__}); it is tried again.") from None


def refusal(response: httpx.Response, answer: str) -> DeliveryError:
    """Word a refusal: what to do, and when to try again."""
    status, reason = response.status_code, CODES.get(answer)
    pause = retry_after(response.headers)
    if status == 429:
        return DeliveryError("The webhook takes no more messages for now (429); it is tried again.", retry_after=pause)
    if status >= 500 or status == 408:
        return DeliveryError(f"The webhook fails ({status}); it is tried again.", retry_after=pause)
    if 300 <= status < 400:
        reason = "it redirects elsewhere, which is not followed; set its final address"
    elif status in {401, 403, 404, 410}:
        reason = reason or f"it is unknown or switched off; {RENEW}"
    if reason:
        return DeliveryError(f"The webhook refuses ({status}): {reason}.", retry_after=pause, permanent=True)
    sentence = f"The webhook refuses this message ({status}); see `branchwarden outbox`."
    return DeliveryError(sentence, retry_after=pause, permanent=True, about_message=True)


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """Read Retry-After: seconds, or a date that is measured by the receiver's own clock."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), LONGEST_PAUSE)
    try:
        pause = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):  # neither, or one without a time zone
        return None
    return max(timedelta(0), min(pause, LONGEST_PAUSE))


def _first_words(response: httpx.Response) -> str:
    """Read the first piece of the answer; Slack's are single words."""
    return next(response.iter_bytes(), b"")[:100].decode("ascii", "replace").strip()
