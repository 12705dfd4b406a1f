"""What every request passes: the guard of observe mode, the pace, and the road out of this machine."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from daemon.errors import ObserveModeError
from daemon.neon.access import NeonAccess, Timing

READING = frozenset({"GET", "HEAD"})
BURST = 20  # requests at once; Neon allows 40 per second and route


class WriteGuard(httpx.BaseTransport):
    """Lets only reading requests through until writes are allowed; there is no way around a transport."""

    def __init__(self, inner: httpx.BaseTransport, *, enforce: bool) -> None:
        self._inner = inner
        self._enforce = enforce
        self._lock = threading.Lock()
        self._projects: list[str] = []

    @contextmanager
    def allow_writes(self, project_id: str) -> Iterator[None]:
        """Let writes to one project through for the length of the block, in every thread: a run has several."""
        with self._lock:
            self._projects.append(project_id)
        try:
            yield
        finally:
            with self._lock:
                self._projects.remove(project_id)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, or raise ObserveModeError before it leaves the process."""
        if request.method not in READING and not self._enforce and not self._allowed(request.url.path):
            raise ObserveModeError(
                f"observe mode: {request.method} {request.url.path} was not sent; set `enforce = true` to allow writes"
            )
        return self._inner.handle_request(request)

    def _allowed(self, path: str) -> bool:
        with self._lock:
            return any(f"/projects/{project_id}/" in f"{path}/" for project_id in self._projects)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class TokenBucket:
    """Keeps all projects of one key together below Neon's 700 requests a minute."""

    def __init__(self, per_minute: int, timing: Timing) -> None:
        self._rate = per_minute / 60
        self._timing = timing
        self._tokens = float(min(BURST, per_minute))
        self._size = self._tokens
        self._filled_at = timing.clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take one token; sleep until there is one."""
        wait = self._reserve()
        if wait > 0:
            self._timing.sleep(wait)

    def _reserve(self) -> float:
        """Seconds to sleep. The count may go below zero: each waiting thread has its own place in the queue."""
        with self._lock:
            now = self._timing.clock()
            self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            self._tokens -= 1
            return max(0.0, -self._tokens / self._rate)


def open_transport(access: NeonAccess) -> httpx.BaseTransport:
    """A verifying transport, through the proxy that the environment names.

    httpx looks for proxies only where it makes the transport itself, which would go round the guard.
    """
    return httpx.HTTPTransport(proxy=_proxy(access))


def _proxy(access: NeonAccess) -> str | None:
    if access.loopback or urllib.request.proxy_bypass(access.name):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(urlsplit(access.host).scheme) or proxies.get("all")
