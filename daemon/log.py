"""Logs: structlog and the standard library's loggers through one chain, whose last step but one masks secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "***"
SHORTEST_SECRET = 6  # characters; to mask a shorter value wherever it occurs would blank ordinary words
DEEPEST = 8  # levels of nesting that are walked; below that a value is written as masked text
QUIET = ("httpx", "httpcore", "uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "apscheduler", "sqlalchemy")
"""Loggers that say at INFO what is no news; httpx's request lines hold addresses that are secrets."""

QUOTED = r"""'(?:[^'\\]|\\.|'')*'?|"(?:[^"\\]|\\.|"")*"?"""
PATTERNS = (
    (re.compile(r"\b(napi|npg)_[A-Za-z0-9_\-]+"), rf"\1_{MASK}"),
    (re.compile(r"(https?://hooks\.slack(?:-gov)?\.com)/[^\s\"'<>]+", re.IGNORECASE), rf"\1/{MASK}"),
    # any scheme; up to the last @ before a slash or blank, because passwords with an @ are written as they are
    (re.compile(r"\b([A-Za-z][A-Za-z0-9+.\-]{0,30}://[^\s:/@]*):[^\s/]*@"), rf"\1:{MASK}@"),
    (re.compile(rf"(?i)(pass(?:word|wd|phrase)['\"]?\s*[=:\s]\s*)(?:{QUOTED})"), rf"\1{MASK}"),
    (re.compile(r"(?i)(pass(?:word|wd|phrase)\s*=\s*)(?!\*)\S+"), rf"\1{MASK}"),
    (re.compile(rf"(?i)(authorization['\"]?\s*[=:,]\s*b?)(?:{QUOTED})"), rf"\1{MASK}"),
    (re.compile(r"(?i)(authorization\s*[=:]\s*)(?!\*)(?:\w+[ \t]+)?\S+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]{12,}"), rf"\1 {MASK}"),
)
SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|authorization|api_?key|webhook|^(dsn|token|key|cookie)$|_(dsn|token)$", re.IGNORECASE
)
"""Names under which a text is masked whatever it looks like."""

_secrets: set[str] = set()


def register_secret(value: str) -> None:
    """Mask a value wherever it turns up from now on, also written as part of an address."""
    for form in (value, value.strip(), quote(value, safe=""), quote_plus(value)):
        if len(form) >= SHORTEST_SECRET:
            _secrets.add(form)


def redact_text(text: str) -> str:
    """Mask every secret in a text."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: object, depth: int = 0) -> object:
    """Mask every secret in a value, however nested; what is no plain value is written as text first."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {redact_text(str(key)): _redact_item(str(key), item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        return [redact_value(item, depth + 1) for item in value]
    return redact_text(repr(value) if isinstance(value, BaseException | bytes) else str(value))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every secret in a log entry: structlog's processor."""
    return {key: _redact_item(key, item, 0) for key, item in event.items()}


def printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Spell out what would steer a terminal: branch names are chosen by anyone."""
    return {
        key: _escape(item, keep="\n\t" if key in {"exception", "stack"} else "") if isinstance(item, str) else item
        for key, item in event.items()
    }


def hush_driver() -> None:
    """Keep psycopg from telling of errors that it ignores: their words are the server's, and may quote a value."""
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)


def configure(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (default stderr): for people on a terminal, as JSON lines elsewhere."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(terminal=out.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # It warns of every beat that a long run skips, which is what `max_instances` is for.
    logging.getLogger("apscheduler").setLevel(max(logging.ERROR, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    """What every entry gets, whoever wrote it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(*, terminal: bool) -> structlog.stdlib.ProcessorFormatter:
    """The tracebacks become text before masking: their messages may hold anything."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            *([printable] if terminal else []),
            renderer,
        ],
    )


def _escape(text: str, keep: str) -> str:
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def _redact_item(key: str, value: object, depth: int) -> object:
    if SECRET_KEY.search(key) and not isinstance(value, bool | int | float | None):
        return MASK
    return redact_value(value, depth + 1)
