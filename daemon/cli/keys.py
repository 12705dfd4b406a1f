"""`keys new|list|retire`: the masking keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daemon.cli.common import ConfigOption, JsonOption, out, print_json
from daemon.keys import list_keys, new_key, retire_key
from daemon.settings import load_settings


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    group = typer.Typer(no_args_is_help=True, help="Masking keys: same key and value give the same fake.")
    group.command("new")(new)
    group.command("list")(list_all)
    group.command("retire")(retire)
    app.add_typer(group, name="keys")


def new(config: ConfigOption = None) -> None:
    """Make a key. From now on it is the one in use: every value gets another fake."""
    folder = load_settings(config).keys.path
    key_id = new_key(folder, datetime.now(UTC))
    out.print(f"Made masking key {key_id} in {folder}. Back it up: without it the fakes cannot be made again.")


def list_all(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The keys that are not retired, newest first; the first is the one in use."""
    ids = list_keys(load_settings(config).keys.path)
    if as_json:
        print_json(ids)
        return
    for position, key_id in enumerate(ids):
        out.print(f"{key_id}{'  in use' if position == 0 else ''}")
    if not ids:
        out.print("There is no masking key: make one with `branchwarden keys new`.")


def retire(
    key_id: Annotated[str, typer.Argument(help="Id of a key, as `keys list` shows it.")], config: ConfigOption = None
) -> None:
    """Take a key out of use. Its file is renamed, never deleted."""
    retire_key(load_settings(config).keys.path, key_id)
    out.print(f"Key {key_id} is retired.")
