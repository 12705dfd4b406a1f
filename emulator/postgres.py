"""Postgres servers from the wheel's programs, on private Unix sockets.

A `Runtime` is the short-lived side of them: one folder, entered by nobody else, with the sockets, the logs and the one
configuration that all servers share. Data directories hold data alone, so they can be copied from one to another.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg.conninfo import make_conninfo

from emulator.binaries import Binaries, environment
from emulator.errors import PostgresError

__all__ = ["SUPERUSER", "Binaries", "Runtime", "Server", "runtime"]

SUPERUSER = "cloud_admin"
RUNTIME_PREFIX = "bw-sockets-"
START_LIMIT = 60.0  # seconds; recovery after a kill included
STOP_LIMIT = 30.0  # seconds for a fast shutdown before it becomes an immediate one
POLL = 0.01  # seconds
FIRST_PORT = 5001  # only a number in the socket's name: nothing listens on TCP

SETTINGS = """\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 64MB
maintenance_work_mem = 128MB
password_encryption = 'scram-sha-256'
# Data of a demo or a test: a power cut may lose them.
fsync = off
full_page_writes = off
wal_level = replica
max_wal_senders = 8
min_wal_size = 2MB
max_wal_size = 256MB
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, mdy'
default_text_search_config = 'pg_catalog.english'
# No value of a user's table in a log: neither statements nor details.
log_min_error_statement = panic
log_error_verbosity = terse
"""

ACCESS = f"""\
local all         {SUPERUSER} peer map=own
local replication {SUPERUSER} peer map=own
local all         all         scram-sha-256
"""


class Runtime:
    """The folder of sockets, logs and configuration that the servers of one program share."""

    def __init__(self, binaries: Binaries) -> None:
        self.binaries = binaries
        base = None if len(tempfile.gettempdir()) < 60 else "/tmp"  # noqa: S108  a socket's path ends at 107 bytes
        self.folder = Path(tempfile.mkdtemp(prefix=RUNTIME_PREFIX, dir=base))
        self._ports = itertools.count(FIRST_PORT)
        self._write("postgresql.conf", SETTINGS)
        self._write("pg_hba.conf", ACCESS)
        self._write("pg_ident.conf", "".join(f"own {name} {SUPERUSER}\n" for name in self._own_names()))
        binaries.account.own(self.folder)

    def server(self, data: Path, binaries: Binaries | None = None, options: Sequence[str] = ()) -> Server:
        """Give a server, not yet started, for a data directory that need not exist yet."""
        return Server(self, data, binaries or self.binaries, options)

    def next_port(self) -> int:
        """A number that no other server of this runtime has."""
        return next(self._ports)

    def close(self) -> None:
        """Remove the folder; the servers must have been stopped."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _own_names(self) -> set[str]:
        return {pwd.getpwuid(os.geteuid()).pw_name, self.binaries.account.name}

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        self.binaries.account.own(path)


class Server:
    """One Postgres server; as a context manager it runs from start to stop."""

    superuser = SUPERUSER

    def __init__(self, runtime: Runtime, data: Path, binaries: Binaries, options: Sequence[str] = ()) -> None:
        self.data = data
        self._options = options
        self.port = runtime.next_port()
        self.binaries = binaries
        self._runtime = runtime
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket_folder(self) -> Path:
        """What a client gives as `host`."""
        return self._runtime.folder

    @property
    def socket(self) -> Path:
        """The Unix socket itself."""
        return self.socket_folder / f".s.PGSQL.{self.port}"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.socket_folder / f"{self.port}.log"

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        return self._process is not None and self._process.poll() is None

    def dsn(self, *, user: str = SUPERUSER, password: str | None = None, dbname: str = "postgres") -> str:
        """Connection string; the superuser needs no password from us."""
        return make_conninfo(
            "", host=str(self.socket_folder), port=self.port, user=user, password=password, dbname=dbname
        )

    def init(self) -> None:
        """Make the data directory: UTF-8, C.UTF-8, WAL segments of 1 MB."""
        provider = ["--locale-provider=builtin"] if self.binaries.major >= 17 else []
        self.binaries.account.private_folder(self.data)
        self.binaries.run(
            "initdb",
            f"--pgdata={self.data}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *provider,
            "--wal-segsize=1",
            "--no-sync",
            "--auth=reject",  # never read: the access rules are the runtime's
        )

    def start(self) -> None:
        """Start and wait until connections are taken; raises PostgresError with the end of the log."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment(),
                start_new_session=True,  # Ctrl-C is for us: we stop the servers in order
                **self.binaries.as_user(),
            )
        self._wait_until_ready(time.monotonic() + START_LIMIT)

    def stop(self, *, immediate: bool = False) -> None:
        """Disconnect everybody and stop; `immediate` skips the checkpoint, for data that are thrown away."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _command(self) -> list[str]:
        files = {name: self.socket_folder / f for name, f in CONFIGURATION.items()}
        options = [o for name, path in files.items() for o in ("-c", f"{name}={path}")]
        place = ["-D", str(self.data), "-k", str(self.socket_folder), "-p", str(self.port)]
        return [self.binaries.program("postgres"), *place, *options, *self._options]

    def _wait_until_ready(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            if not self.running:
                raise PostgresError(f"Postgres did not start on {self.data}: {self._end_of_log()}")
            if self._ready():
                return
            time.sleep(POLL)
        self.stop(immediate=True)
        raise PostgresError(f"Postgres on {self.data} was not ready after {START_LIMIT:.0f} s: {self._end_of_log()}")

    def _ready(self) -> bool:
        # The eighth line of postmaster.pid is the server's own word for it; the first says whose word it is.
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        ours = self._process is not None and lines[:1] == [str(self._process.pid)]
        return ours and len(lines) >= 8 and lines[7].strip() == "ready"

    def _end_of_log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace").strip()[-1000:]


CONFIGURATION = {"config_file": "postgresql.conf", "hba_file": "pg_hba.conf", "ident_file": "pg_ident.conf"}


@contextmanager
def runtime(binaries: Binaries | None = None) -> Iterator[Runtime]:
    """Give a runtime and remove it at the end."""
    opened = Runtime(binaries or Binaries.find())
    try:
        yield opened
    finally:
        opened.close()
