"""`demo`: the whole job on an embedded emulator. Everything is real but the people."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.table import Table
from rich.text import Text

from daemon.access import Door
from daemon.app import App, open_app
from daemon.cli.common import clean, err, out
from daemon.cli.emulator import missing
from daemon.cli.progress import telling
from daemon.cli.roads import roads_table
from daemon.cli.show import SEVERITY_STYLE, lineage_tree, summary
from daemon.errors import UsageError
from daemon.keys import new_key
from daemon.model import Report
from daemon.neon import Login
from daemon.proven import roads_of
from daemon.settings import Settings, load_settings
from daemon.staging import Published

IN_FULL = frozenset({"raw-dev-branch", "past-deletion-date"})
LINES_OF_ALERT = 9
SAMPLE = "SELECT first_name, last_name, email, phone FROM customers ORDER BY id LIMIT 3"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(demo)


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running for psql until Ctrl-C.")] = False,
) -> None:
    """The whole job on a Neon of its own: poll, flag, sanitize, prove, publish, tell. No account, no network."""
    try:
        from emulator.errors import EmulatorError
        from emulator.server import Tuning, running
    except ModuleNotFoundError as error:
        raise UsageError(missing(error)) from None
    signal.signal(signal.SIGTERM, _on_sigterm)
    _forget_environment()
    _title("A Neon of its own on this machine: API v2 on real PostgreSQL. Nothing leaves it.")
    try:
        with running("demo", tuning=Tuning(tell=_detail)) as neon, _folder() as folder, _receiver() as slack:
            settings = _settings(folder, neon.base_url, neon.project_ids[0], slack.url)
            _whole_job(settings, neon.api_key, slack)
            if keep:
                _wait()
    except EmulatorError as error:
        raise UsageError(str(error)) from None


def _whole_job(settings: Settings, key: str, slack: Receiver) -> None:
    with telling() as tell, open_app(settings, exclusive=True, tell=tell, key=key) as app:
        project = app.choose_one(None)
        _title("1. Poll: every branch, what it holds, when it is due")
        report = app.run_cycle(project)
        out.print(lineage_tree(report, datetime.now(UTC)))
        out.print(f"  {summary(report)}")
        _title("2. Flag: a sentence each. Observe mode: nothing is deleted, no request but GET was sent")
        _findings(report)
        _title("3. Sanitize: a masking policy by name and type, then seal, mask, verify, publish")
        added = app.write_policy(project)
        _detail(f"{settings.staging.policy.name}: {len(added)} columns, {sum(s.strategy.masks for s in added)} masked")
        published = app.sanitize(app.request(project, "manual"))
        _title("4. Proof")
        _proof(published)
        _compare(app, published)
        _title("5. The next cycle sees it")
        after = app.run_cycle(project)
        out.print(f"  {summary(after)}")
        app.deliver()
        _title("6. The event log, and the alerts that Slack got")
        _events(app)
        for message in slack.received:
            _message(message)
        _title("Yours: NEON_API_KEY=... BRANCHWARDEN_PROJECT=... branchwarden once")


def _proof(published: Published) -> None:
    proof = published.proof
    out.print(f"  {clean(published.branch.name)} is published ({published.branch.id})")
    for name in ("rows", "tables", "columns masked", "original values searched", "found"):
        out.print(f"  {name:<26}{proof[name]:>8,}")
    out.print(roads_table(roads_of(proof)))


def _compare(app: App, published: Published) -> None:
    """The same three rows on both sides. The demo's people are made up, which is why they may be shown."""
    project = app.choose(None)
    production = next(v.branch for v in app.look(project[0]).views if v.branch.default)
    login = Login(production.id, "neondb", "neondb_owner")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "first_name", "last_name", "email", "phone"):
        table.add_column(name)
    for label, uri in (
        (
            "production",
            app.client.connection_uri(production.project_id, login),
        ),
        ("staging", app.connection(project, Door(published.branch.id, database="neondb")).uri),
    ):
        with psycopg.connect(uri) as conn:
            for row in conn.execute(SAMPLE):
                table.add_row(label, *(Text("NULL" if value is None else str(value)) for value in row))
    out.print(table)
    out.print("  (The demo's people have names that no fake can equal, so that a search for them proves something.)")


def _events(app: App) -> None:
    check = app.store.verify_events()
    out.print(f"  {check.count} events, hash chain {'intact' if check.ok else 'BROKEN'}")
    for event in app.store.read_events(1000):
        if event.kind.startswith("sanitize."):
            out.print(f"  {event.at:%H:%M:%S} {event.kind:<19} {clean(event.sentence)}", soft_wrap=True)


def _findings(report: Report) -> None:
    """The ones that the demo is about in full; how many others there are."""
    shown = [f for f in report.findings if f.rule in IN_FULL]
    for finding in shown:
        line = Text("  ").append(f"{finding.severity:<9}", SEVERITY_STYLE[finding.severity])
        out.print(line.append(clean(finding.sentence), "default"), soft_wrap=True)
    others = Counter(f.rule for f in report.findings if f.rule not in IN_FULL)
    out.print(f"  and {', '.join(f'{count} {rule}' for rule, count in others.most_common())}")


def _message(text: str) -> None:
    """The text of an alert, cut where it gets long."""
    lines = [clean(line) for line in text.splitlines()]
    for number, line in enumerate(lines[:LINES_OF_ALERT]):
        out.print(f"  {'Slack ▏' if number == 0 else '      ▏'} {line}", overflow="ellipsis", no_wrap=True)
    if len(lines) > LINES_OF_ALERT:
        out.print(f"        ▏ ... and {len(lines) - LINES_OF_ALERT} more lines")


def _settings(folder: Path, host: str, project: str, webhook: str) -> Settings:
    new_key(folder / "keys", datetime.now(UTC))
    return load_settings(
        Path(os.devnull),
        projects=[{"id": project, "production": ["production"]}],
        api={"host": host},
        state={"path": folder / "branchwarden.db"},
        keys={"path": folder / "keys"},
        attestations={"path": folder / "attestations"},
        staging={"policy": folder / "masking.toml"},
        alerts={"webhook_url": webhook},
    )


def _forget_environment() -> None:
    """The demo stands alone: no real key and no real setting may get into it."""
    for name in [n for n in os.environ if n.startswith(("BRANCHWARDEN_", "NEON_", "PG"))]:
        del os.environ[name]


@contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="branchwarden-demo-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@dataclass(frozen=True)
class Receiver:
    """A webhook on this machine that keeps what it gets."""

    url: str
    received: list[str] = field(default_factory=list)


@contextmanager
def _receiver() -> Iterator[Receiver]:
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received.append(json.loads(body)["text"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="webhook", daemon=True)
    thread.start()
    try:
        yield Receiver(f"http://127.0.0.1:{server.server_port}/services/demo", received)
    finally:
        server.shutdown()
        server.server_close()


def _on_sigterm(number: int, _: object) -> None:
    """Unwind, so that servers stop and the folder with the key goes."""
    raise SystemExit(128 + number)


def _wait() -> None:
    err.print("Running until Ctrl-C.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        err.print("Stopping.")


def _title(text: str) -> None:
    out.print()
    out.print(Text(text, "bold cyan"))


def _detail(text: str) -> None:
    err.print(Text(f"  {clean(text)}", "dim"))
