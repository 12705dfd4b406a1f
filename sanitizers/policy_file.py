"""Adds suggestions to a policy file and leaves a person's words, comments and order as they are."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.container import Container
from tomlkit.items import InlineTable, Item, Table

from sanitizers.errors import PolicyError
from sanitizers.policy import MaskingPolicy, parse_policy, read_text
from sanitizers.rules import pattern_of
from sanitizers.strategies import Strategy
from sanitizers.strategies.inner import written

HEADER = """\
# Masking policy: every column and what becomes of it. A column that is not here stops the run.
# Suggested by name and type: read every line, change what is wrong, then sign below.
version = 1
locale = "{locale}"
# Without a name and a date this policy runs by hand only, never by schedule.
reviewed_by = ""
reviewed_on = ""
"""


@dataclass(frozen=True)
class Suggestion:
    """A strategy for a column that the policy may not know yet, and why, in a few words."""

    database: str
    schema: str
    table: str
    column: str
    strategy: Strategy
    reason: str
    pii_class: str | None = None
    """Class of the taxonomy, or None where nothing personal was seen."""

    @property
    def path(self) -> tuple[str, str, str, str]:
        """Where it goes in the policy."""
        return (self.database, self.schema, self.table, self.column)


def write_policy(path: Path, suggestions: Iterable[Suggestion], locale: str = "en_US") -> tuple[Suggestion, ...]:
    """Add what the file does not decide yet; make the file if there is none. Returns what was added.

    Nothing that is there is changed but the review: nobody has reviewed the new lines, so `reviewed_by` and
    `reviewed_on` are emptied. The file is replaced in one step.

    Raises:
        PolicyError: the file that is there is no policy; it is left alone.
    """
    text = read_text(path) if path.exists() else HEADER.format(locale=locale)
    policy = parse_policy(text, str(path))
    added = tuple(s for s in suggestions if policy.strategy(s.path) is None)
    if added or not path.exists():
        merged = _merged(text, policy, added)
        _check(parse_policy(merged, str(path)), policy, path)
        _replace(path, merged)
    return added


def _merged(text: str, policy: MaskingPolicy, added: Iterable[Suggestion]) -> str:
    document = tomlkit.parse(text)
    for suggestion in added:
        _add(document, suggestion)
    if policy.reviewed_by or policy.reviewed_on:
        document["reviewed_by"] = ""
        document["reviewed_on"] = ""
    return tomlkit.dumps(document)


def _add(document: Container | Table, suggestion: Suggestion) -> None:
    table: Container | Table = document
    for depth, name in enumerate(suggestion.path[:3]):
        if name not in table:
            table[name] = tomlkit.table(is_super_table=depth < 2)
        table = table[name]
    item = _item(suggestion.strategy)
    item.comment(printable(suggestion.reason))
    _append(table, suggestion.column, item)


def printable(text: str) -> str:
    """On one line, as a comment must be."""
    return "".join(c if c.isprintable() else " " for c in text)


def _append(table: Container | Table, name: str, item: Item) -> None:
    """Behind the last column, but before the comment that stands above the next table: TOML Kit counts it in here."""
    container = table.value if isinstance(table, Table) else table
    tail: list[Item] = []
    while container.body and container.body[-1][0] is None:
        tail.insert(0, container.body.pop()[1])
    table[name] = item
    for part in tail:
        container.append(None, part)


def toml_key(name: str) -> str:
    """A name as TOML writes a key."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml_text(name)


def toml_rule(path: Sequence[str]) -> str:
    """The lines, to be set apart by what stands before them, that leave a table's rows out; of that table alone."""
    return "".join(
        f"\n    {line}" for line in ("[[tables]]", f"match = {_toml_text(pattern_of(path))}", 'rows = "none"')
    )


def _toml_text(text: str) -> str:
    """A text as TOML writes it, on one line and whatever is in it."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def toml_strategy(strategy: Strategy) -> str:
    """A strategy as a policy writes it."""
    return _item(strategy).as_string()


def _item(strategy: Strategy) -> Item:
    decided = written(strategy)
    if isinstance(decided, str):
        return tomlkit.string(decided)
    inline: InlineTable = tomlkit.inline_table()
    inline.update(decided)
    return inline


def _check(after: MaskingPolicy, before: MaskingPolicy, path: Path) -> None:
    if any(after.strategy(place) != before.strategy(place) for place in before.paths()):
        raise PolicyError(
            f"{path}: new columns cannot be added without changing others: sort it by database and retry."
        )


def _replace(path: Path, text: str) -> None:
    try:
        _replace_file(path, text)
    except OSError as error:
        raise PolicyError(f"{path}: the masking policy cannot be written: {error.strerror}.") from None


def _replace_file(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
