"""Options that `sanitize` and `plan` share, and what they come to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from daemon.attesting import Signing, prepare_signing
from daemon.cli.common import clean, err
from daemon.errors import SettingsError, UsageError
from daemon.keys import MaskingKey, ephemeral_key, field_keyring, given_key
from daemon.settings import Settings
from sanitizers.engines.journal import Mode
from sanitizers.fields.keyring import Keyring
from sanitizers.policy import MaskingPolicy, load_policy

PolicyOption = Annotated[
    Path | None, typer.Option("--policy", help="Masking policy; default: staging.policy.", show_default=False)
]
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="Masking key, a file or a folder; default: keys.path.", show_default=False)
]
EphemeralOption = Annotated[
    bool, typer.Option("--ephemeral-key", help="A key for this run alone, never written: fakes cannot be linked.")
]
EventTriggerOption = Annotated[
    list[str] | None,
    typer.Option("--allow-event-trigger", help="An event trigger that may fire on the run.", show_default=False),
]
ModeOption = Annotated[str, typer.Option(help="How: clean-room or in-place.")]

SampleOption = Annotated[
    str | None,
    typer.Option("--sample", help="Take a share of the people, as 5%, and what is theirs.", show_default=False),
]

MODES: tuple[Mode, ...] = ("clean-room", "in-place")


def known_mode(mode: str) -> Mode:
    """The mode, or UsageError."""
    for known in MODES:
        if mode == known:
            return known
    raise UsageError(f"--mode {clean(mode)} is not known: there are {' and '.join(MODES)}")


def chosen_policy(settings: Settings, path: Path | None, sample: str | None = None) -> MaskingPolicy:
    """The policy that is named, or that of the settings. Raises SettingsError or PolicyError."""
    path = path or settings.staging.policy
    if not path.exists():
        raise SettingsError(f"there is no masking policy {path}: write one with `branchwarden detect --write`")
    return load_policy(path, sample)


def chosen_signing(settings: Settings) -> Signing:
    """The key that attestations are signed with, made where there is none yet. Raises SettingsError."""
    signing = prepare_signing(settings.keys.path, settings.attestations.path, datetime.now(UTC))
    if signing.made:
        err.print(f"Made signing key {signing.key.id} in {settings.keys.path}, for the attestations of runs.")
    return signing


def chosen_key(settings: Settings, path: Path | None, *, ephemeral: bool) -> MaskingKey:
    """The key that is named, a passing one, or the newest of the settings' folder. Raises SettingsError."""
    return ephemeral_key() if ephemeral else given_key(path or settings.keys.path)


def chosen_keyring(settings: Settings, policy: MaskingPolicy) -> Keyring | None:
    """The field keys of the settings' folder, where the policy encrypts something. Raises SettingsError."""
    return field_keyring(settings.keys.path) if policy.encrypts else None
