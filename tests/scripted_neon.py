"""An API that answers by script, and a clock that moves by sleeping alone: for what no emulator does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from daemon.neon import NeonAccess, NeonClient, Timing
from tests.builders import NOW, api_branch

KEY = "napi_secret0123456789"
Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], httpx.Response]
READY = {"id": "op-1", "action": "create_branch", "status": "running"}


class World:
    """A clock that moves by sleeping alone, dice that always fall on the same side, and a list of the sleeps."""

    def __init__(self, dice: float = 0.0) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []
        self.timing = Timing(clock=lambda: self.seconds, sleep=self._sleep, dice=lambda: dice, now=lambda: NOW)

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds


class Script:
    """Answers one after the other, the last one for ever; remembers the requests."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def paths(self) -> list[str]:
        return [f"{r.method} {r.url.path.removeprefix('/api/v2')}" for r in self.requests]


def client(handler: Handler, world: World | None = None, *, enforce: bool = True, **access: Any) -> NeonClient:
    given = {"host": "https://neon.example/api/v2", "key": KEY, "enforce": enforce, **access}
    return NeonClient(NeonAccess(**given), httpx.MockTransport(handler), (world or World()).timing)


def reply(data: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=data, headers=headers)


def refusal(status: int, message: str = "no", code: str = "", **headers: str) -> httpx.Response:
    return reply({"message": message, "code": code}, status, **headers)


def page(*names: str, **pagination: str) -> httpx.Response:
    notes = {api_branch(n)["id"]: {"object": {}, "value": {"note": n}} for n in names}
    return reply({"branches": [api_branch(n) for n in names], "annotations": notes, "pagination": pagination})
