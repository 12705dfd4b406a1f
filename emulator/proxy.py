"""The door to all branches: one TCP port on loopback that finds the branch by endpoint id, wakes it and forwards.

Authentication is not looked at: Postgres behind does it with its own SCRAM. Cancel requests are matched by the key that
Postgres gave to the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from emulator import startup
from emulator.errors import PostgresError
from emulator.fleet import Fleet
from emulator.postgres import SUPERUSER

CHUNK = 256 * 1024  # bytes forwarded at a time
HANDSHAKE_LIMIT = 60.0  # seconds for a client to say who it is
CONNECTION_ERRORS = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


class RefusedError(Exception):
    """A connection that is answered with an ErrorResponse."""

    def __init__(self, message: str, sqlstate: str = "08004") -> None:
        super().__init__(message)
        self.packet = startup.error_response(message, sqlstate)


Resolve = Callable[[str], str]
"""Endpoint id → branch id; raises RefusedError."""


@dataclass(frozen=True)
class Stream:
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass
class Proxy:
    """The door. `start` gives the port."""

    fleet: Fleet
    resolve: Resolve
    wait_ready: Callable[[str], Awaitable[None]]
    cancel_keys: dict[bytes, Path] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; port 0 takes a free one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  start_server runs us in a task
        self._tasks.add(task)
        try:
            with contextlib.suppress(*CONNECTION_ERRORS, asyncio.CancelledError):
                await self._serve(Stream(reader, writer))
        finally:
            self._tasks.discard(task)
            await _close(writer)

    async def _serve(self, client: Stream) -> None:
        async with asyncio.timeout(HANDSHAKE_LIMIT):
            payload = await self._first_packet(client)
        (code,) = struct.unpack_from("!i", payload)
        if code == startup.CANCEL_REQUEST:
            return await self._cancel(payload)
        try:
            await self._connect(client, payload)
        except RefusedError as refused:
            client.writer.write(refused.packet)
            await client.writer.drain()

    async def _first_packet(self, client: Stream) -> bytes:
        while True:
            (length,) = struct.unpack("!i", await client.reader.readexactly(4))
            if not 8 <= length <= startup.MAX_LENGTH:
                raise ConnectionError("not a Postgres client")
            payload = await client.reader.readexactly(length - 4)
            if struct.unpack_from("!i", payload)[0] not in {startup.SSL_REQUEST, startup.GSS_REQUEST}:
                return payload
            client.writer.write(b"N")  # no encryption: this port is on loopback alone
            await client.writer.drain()

    async def _connect(self, client: Stream, payload: bytes) -> None:
        try:
            message = startup.parse(payload)
        except ValueError as error:
            raise RefusedError(str(error), "08P01") from error
        branch_id = self._branch_of(message)
        await self.wait_ready(branch_id)
        try:
            async with self.fleet.using(branch_id) as server:
                behind = Stream(*await asyncio.open_unix_connection(str(server.socket)))
                behind.writer.write(message.without_endpoint().packet())
                await self._forward(client, behind, server.socket)
        except PostgresError as error:
            raise RefusedError("could not start the compute of this branch", "57P03") from error

    def _branch_of(self, message: startup.Startup) -> str:
        if message.user == SUPERUSER:
            raise RefusedError(f'role "{SUPERUSER}" is not permitted to log in', "28000")
        if message.endpoint is None:
            raise RefusedError(
                "Endpoint ID is not specified. Pass the endpoint ID as a parameter: '?options=endpoint%3D<endpoint-id>'"
            )
        return self.resolve(message.endpoint)

    async def _forward(self, client: Stream, behind: Stream, socket: Path) -> None:
        key: list[bytes] = []
        back = asyncio.ensure_future(self._back(behind.reader, client.writer, socket, key))
        there = asyncio.ensure_future(_pump(client.reader, behind.writer))
        try:
            # Whichever side ends first ends the connection: Postgres never half-closes.
            await asyncio.wait({back, there}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (back, there):
                task.cancel()
            await asyncio.gather(back, there, return_exceptions=True)
            for k in key:
                self.cancel_keys.pop(k, None)
            await _close(behind.writer)

    async def _back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, socket: Path, key: list[bytes]
    ) -> None:
        # Message by message until Postgres is ready for queries, to learn the cancel key; bytes from there on.
        kind = b""
        while kind != b"Z":
            head = await reader.readexactly(5)
            kind, body = head[:1], await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
            if kind == b"K":
                key.append(body)
                self.cancel_keys[body] = socket
            writer.write(head + body)
            await writer.drain()
        await _pump(reader, writer)

    async def _cancel(self, payload: bytes) -> None:
        socket = self.cancel_keys.get(payload[4:])
        if socket is None:
            return
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(struct.pack("!i", len(payload) + 4) + payload)
        await writer.drain()
        await reader.read()  # Postgres closes when the signal is sent
        await _close(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()
