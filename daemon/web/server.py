"""The page itself, and the thread that serves it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from daemon.errors import BranchwardenError, SettingsError
from daemon.web.health import Health, problems
from daemon.web.metrics import HealthCollector

STOP_SECONDS = 2  # how long open requests may take when the daemon stops
UNREADABLE = "The state store cannot be read; run `branchwarden doctor`."


def build_app(read: Callable[[], Health], clock: Callable[[], datetime]) -> Starlette:
    """Build the page. `read` is called for every /readyz and /metrics, in a thread; it may raise BranchwardenError."""
    registry = CollectorRegistry()
    registry.register(HealthCollector(read, clock))

    def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(_request: Request) -> Response:
        return _readiness(read, clock)

    def metrics(_request: Request) -> Response:
        try:
            return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
        except BranchwardenError:  # its text may name a path; the log has it
            return PlainTextResponse(UNREADABLE + "\n", 503)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


@contextmanager
def serving(app: Starlette, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread while the block runs; yields the base URL. Port 0 takes any free one.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=STOP_SECONDS
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS + 3)
        listener.close()


def _readiness(read: Callable[[], Health], clock: Callable[[], datetime]) -> Response:
    try:
        reasons = problems(read(), clock())
    except BranchwardenError:  # its text may name a path; the log has it
        reasons = (UNREADABLE,)
    return JSONResponse({"ready": not reasons, "reasons": list(reasons)}, 503 if reasons else 200)


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port < 65_536:
        raise SettingsError(f"Cannot listen on {host}:{port} (no such port); set another http.port.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(f"Cannot listen on {host}:{port} ({error}); set another http.host or http.port.") from error
