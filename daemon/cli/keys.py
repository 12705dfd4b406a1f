"""`keys new|list|retire|public`: masking, signing and field keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from daemon.cli.common import ConfigOption, JsonOption, out, print_json
from daemon.duration import format_duration
from daemon.keys import KeyEntry, KeyKind, every_key, new_field_key, new_key, new_signing_key, public_key, retire_key
from daemon.settings import load_settings

KindOption = Annotated[KeyKind, typer.Option("--kind", help="What it is for.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    group = typer.Typer(no_args_is_help=True, help="Masking keys, keys that sign attestations, field keys.")
    group.command("new")(new)
    group.command("list")(list_all)
    group.command("retire")(retire)
    group.command("public")(public)
    app.add_typer(group, name="keys")


def new(kind: KindOption = KeyKind.MASKING, config: ConfigOption = None) -> None:
    """Make a key. From now on it is the one in use: with a new masking key every value gets another fake."""
    folder = load_settings(config).keys.path
    if kind is KeyKind.SIGNING:
        key_id = new_signing_key(folder, datetime.now(UTC))
        out.print(f"Made signing key {key_id} in {folder}. Give `branchwarden keys public` to those who verify.")
        return
    if kind is KeyKind.FIELD:
        key_id = new_field_key(folder, datetime.now(UTC))
        out.print(f"Made field key {key_id} in {folder}. Back it up: without it nobody gets encrypted values back.")
        return
    key_id = new_key(folder, datetime.now(UTC))
    out.print(f"Made masking key {key_id} in {folder}. Back it up: without it the fakes cannot be made again.")


def list_all(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """All keys with kind, age and whether they are in use, newest first. Nothing of their secrets."""
    keys = every_key(load_settings(config).keys.path)
    now = datetime.now(UTC)
    if as_json:
        print_json([{**asdict(key), "age": now - key.made} for key in keys])
        return
    if keys:
        out.print(_table(keys, now))
    if not any(key.kind is KeyKind.MASKING for key in keys):
        out.print("There is no masking key: make one with `branchwarden keys new`.")


def retire(
    key_id: Annotated[str, typer.Argument(help="Id of a key, as `keys list` shows it.")], config: ConfigOption = None
) -> None:
    """Take a key out of use. Its file is renamed, never deleted."""
    kind = retire_key(load_settings(config).keys.path, key_id)
    if kind is KeyKind.SIGNING:
        out.print(f"Key {key_id} is retired: what it signed is not trusted here any more. Tell those who verify.")
    elif kind is KeyKind.FIELD:
        out.print(f"Key {key_id} is retired: `decrypt` opens nothing that it encrypted any more. Keep its file.")
    else:
        out.print(f"Key {key_id} is retired.")


def public(
    key_id: Annotated[
        str | None, typer.Argument(help="Id of a signing key; default: the one in use.", show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print the public half of a signing key (PEM), for an auditor who verifies attestations."""
    typer.echo(public_key(load_settings(config).keys.path, key_id).pem, nl=False)


def _table(keys: Iterable[KeyEntry], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("kind", "id", "made", "age", "state"):
        table.add_column(name, no_wrap=True)
    for key in keys:
        made = f"{key.made:%Y-%m-%d %H:%M} UTC"
        table.add_row(key.kind, key.id, made, format_duration(now - key.made), key.state)
    return table
