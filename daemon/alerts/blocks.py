"""Slack's message format: safe text from foreign strings, blocks within Slack's limits. Pure.

Limits are those of Slack's Block Kit reference; the whole message also stays well below the 13,000 characters at which
webhooks were seen to answer `msg_blocks_too_long`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from daemon.records import JsonMapping, Message

TEXT = 3_000  # characters; Slack takes 40,000, but phones show the first few lines
HEADER = 150
SECTION = 2_900  # Slack takes 3,000
FIELDS = 10
FIELD = 200  # Slack takes 2,000
SECTIONS = 3  # at most 8,700 characters of lines
NAME = 100
SENTENCE = 300

ZERO_WIDTH_SPACE = "\u200b"
UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
ACTIVE = re.compile(r"(://|@|\]\(|www\.|mailto:|tel:)", re.IGNORECASE)
"""What Slack, Mattermost and others turn into a link or a mention although it is escaped."""
PARTIAL_ENTITY = re.compile(r"&[a-z]{0,3}$")


def defuse(foreign: str, limit: int = SENTENCE) -> str:
    """Make a foreign string plain text: no link, no mention, no line break. Branch names are chosen by anyone."""
    text = UNSEEN.sub(" ", foreign.encode("utf-8", "replace").decode("utf-8")).strip()
    text = ACTIVE.sub(lambda found: found[0][0] + ZERO_WIDTH_SPACE + found[0][1:], text)
    return clip(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), limit)


def code(foreign: str) -> str:
    """Write a name as code; a backtick inside would end it."""
    return f"`{defuse(foreign.replace('`', chr(0x2CB)), NAME) or '(no name)'}`"


def clip(text: str, limit: int) -> str:
    """Cut escaped text to `limit` characters, never inside of an entity."""
    if len(text) <= limit:
        return text
    return PARTIAL_ENTITY.sub("", text[: limit - 1]) + "…"


def fit(lines: Sequence[str], limit: int) -> str:
    """Join as many whole lines as fit into `limit` characters and say how many are left out."""
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > limit - 20:  # room for the last line
            break
        kept.append(line)
    left = len(lines) - len(kept)
    return "\n".join([*kept, f"… and {left} more"] if left else kept)


def compose(title: str, lines: Sequence[str], dedup_key: str, fields: Sequence[str] = ()) -> Message:
    """Build a message. `title`, `lines` and `fields` are safe already; the text says it all for who shows no blocks."""
    title = clip(title, HEADER) or "branchwarden"  # an empty header is refused
    blocks: list[JsonMapping] = [_header(title)]
    blocks += [{"type": "section", "text": _mrkdwn(part)} for part in _parts(fit(lines, SECTION * SECTIONS))]
    if fields:
        blocks.append({"type": "section", "fields": [_mrkdwn(clip(field, FIELD)) for field in fields[:FIELDS]]})
    told = [line for line in [*fields[:FIELDS], *lines] if line]
    text = f"*{title}*\n{fit([line.replace(chr(10), ': ') for line in told], TEXT - HEADER - 10)}"
    return Message(text.strip(), tuple(blocks), dedup_key)


def _header(title: str) -> JsonMapping:
    return {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}


def _mrkdwn(text: str) -> JsonMapping:
    """Wrap text; verbatim keeps Slack from finding links and mentions by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _parts(text: str) -> list[str]:
    """Split lines into pieces that fit a section each."""
    parts = [""]
    for line in text.split("\n") if text else []:
        if len(parts[-1]) + len(line) + 1 > SECTION:
            parts.append("")
        parts[-1] += ("\n" if parts[-1] else "") + line
    return [part for part in parts if part]
