"""`events`, `outbox`: what is written down. They need no API key."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli.common import ConfigOption, JsonOption, clean, err, one_line, out, print_json, was_given
from daemon.errors import UsageError
from daemon.records import QueuedMessage
from daemon.settings import load_settings
from daemon.store import open_store


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(events)
    app.command()(outbox)


def events(
    context: typer.Context,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many of the newest to show.")] = 50,
    kind: Annotated[str | None, typer.Option(help="Only events of this kind.", show_default=False)] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check that no row was edited, deleted or moved.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The append-only, hash-chained event log. Exit 1 when --verify finds it changed."""
    if verify and (kind is not None or was_given(context, "limit")):
        raise UsageError("--verify reads the whole log: leave --kind and --limit out")
    with open_store(load_settings(config).state.path, exclusive=False) as store:
        if verify:
            check = store.verify_events()
            _print_check(check.ok, check.count, check.head_digest) if not as_json else print_json(check)
            if not check.ok:
                out.print(f"  first row that does not fit: {check.first_bad_id}") if not as_json else None
                raise typer.Exit(1)
            return
        found = store.read_events(limit, kind=kind)
    if as_json:
        print_json(found)
        return
    for event in found:
        out.print(f"{event.at:%Y-%m-%d %H:%M:%S}  {event.kind:<20}  {one_line(event.sentence)}", soft_wrap=True)
    if not found:
        err.print(f"The log has no event{f' of kind {clean(kind)}' if kind else ''}.")


def _print_check(ok: bool, count: int, head: str) -> None:
    word = "intact" if ok else "CHANGED"
    out.print(f"event log {word}: {count} events, head {head or '-'}", soft_wrap=True)


def outbox(
    config: ConfigOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Delivered ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Alerts that wait for delivery, why, and when the next try comes."""
    settings = load_settings(config)
    with open_store(settings.state.path, exclusive=False) as store:
        queued = store.list_outbox(include_delivered=everything)
    if as_json:
        print_json(queued)
        return
    if not queued:
        out.print("The outbox is empty.")
    for item in queued:
        state = f"delivered {item.delivered_at:%Y-%m-%d %H:%M:%S}" if item.delivered_at else _waiting(item)
        out.print(f"{item.queued_at:%Y-%m-%d %H:%M:%S}  {state}  {one_line(item.message.text)}", soft_wrap=True)
    if queued and settings.alerts.url() is None:
        out.print("No webhook is configured, so nothing is sent: set alerts.webhook_url_file.")


def _waiting(item: QueuedMessage) -> str:
    why = f" ({one_line(item.last_error)})" if item.last_error else ""
    return f"waits, next try {item.due_at:%Y-%m-%d %H:%M:%S}{why}"
