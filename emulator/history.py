"""The past of a root: the empty cluster that it began as, and its write-ahead log since, replayed up to a moment.

Plain synchronous functions on data directories; nothing here knows of projects or HTTP. Logs are kept of the roots
that seeds make, and of no branch whose data something was restored over.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emulator.binaries import Binaries, environment
from emulator.copies import WAL, control, copy_stopped
from emulator.errors import ApiError
from emulator.postgres import Runtime

KEPT = ("-c", "wal_keep_size=1GB")
"""Options of a server whose log is kept."""
IDENTITY = "Database system identifier"
SEGMENT = re.compile(r"[0-9A-F]{24}")
LSN = re.compile(r"([0-9A-F]{1,8})/([0-9A-F]{1,8})")
COMMIT = re.compile(
    r"lsn: ([0-9A-F]+/[0-9A-F]+), .* desc: COMMIT(?:_PREPARED)? .*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC"
)
GONE = "the requested moment is outside of the history that is kept"


@dataclass(frozen=True)
class Moment:
    """A place in a log, and when the last transaction before it was committed. Records that begin there are later."""

    lsn: str
    at: datetime


def find_moment(binaries: Binaries, data: Path, wanted: str | datetime, since: datetime) -> Moment:
    """The moment of an LSN or a time, as Neon would find it. Raises ApiError before `since`, or where there is none."""
    commits = _commits(binaries, data)
    if isinstance(wanted, datetime):
        before = [moment for moment in commits if moment.at <= wanted]
        if not before or wanted < since:
            raise ApiError(400, GONE)
        return Moment(_behind(before[-1].lsn), before[-1].at)
    if not LSN.fullmatch(wanted):
        raise ApiError(400, "parent_lsn is no LSN")
    before = [moment for moment in commits if _number(moment.lsn) < _number(wanted)]
    after = [moment for moment in commits if _number(moment.lsn) >= _number(wanted)]
    # What nothing was written over since is as young as the present.
    if not before or (after and after[0].at <= since) or not _reaches(binaries, data, wanted):
        raise ApiError(400, GONE)
    return Moment(wanted, before[-1].at)


def make_past(runtime: Runtime, binaries: Binaries, folders: tuple[Path, Path, Path], lsn: str) -> None:
    """Make the data directory of a branch as its parent was at an LSN; `folders` are template, parent and branch."""
    template, parent, branch = folders
    if control(binaries, template)[IDENTITY] != control(binaries, parent)[IDENTITY]:
        raise ApiError(400, GONE)
    copy_stopped(binaries, template, branch)
    signal = branch / "recovery.signal"
    signal.touch(mode=0o600)
    binaries.account.own(signal)
    fetch = f"cp {shlex.quote(str(parent / WAL)).replace('%', '%%')}/%f %p"
    settings = {
        "restore_command": fetch,
        "recovery_target_lsn": lsn,
        "recovery_target_inclusive": "off",
        "recovery_target_timeline": "current",
        "recovery_target_action": "promote",
        "hot_standby": "off",  # then it is ready when it is promoted, and not before
    }
    with runtime.server(branch, binaries, [o for name, value in settings.items() for o in ("-c", f"{name}={value}")]):
        pass


def _commits(binaries: Binaries, data: Path) -> Sequence[Moment]:
    segments = sorted(f.name for f in (data / WAL).iterdir() if SEGMENT.fullmatch(f.name))
    told = _dump(binaries, data, "--rmgr=Transaction", segments[0], segments[-1])
    found = COMMIT.findall(told)
    return [Moment(lsn, datetime.fromisoformat(at).replace(tzinfo=UTC)) for lsn, at in found]


def _reaches(binaries: Binaries, data: Path, lsn: str) -> bool:
    """Whether the log goes on at or behind the LSN: only then a replay knows that it is there."""
    return "lsn: " in _dump(binaries, data, f"--start={lsn}", "--limit=1")


def _dump(binaries: Binaries, data: Path, *options: str) -> str:
    """What pg_waldump tells up to the end of the log, where it always complains."""
    command = [binaries.program("pg_waldump"), f"--path={data / WAL}", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", env=environment(), **binaries.as_user()
    )
    return done.stdout


def _number(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def _behind(lsn: str) -> str:
    """The next place at which a record may begin."""
    number = _number(lsn) + 8
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"
