r"""Paths into JSON documents, and the regular expressions that know them again. Pure.

    user.email                 a member of a member
    items[*].name              every element of an array
    *.name   "odd.name".x      every member; other names stand in double quotes
    **.phone                   a member at any depth
    attrs[key=email].value     the elements whose member `key` is `email`

While a document is walked, the place of a node is a text: `/.name` for each member, with `/` and `\\` in the name
written as `\s` and `\\`, and `/[1,4,]` for each element, with the numbers of the conditions that it fulfils.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_STEP = re.compile(
    r"""(?P<deep>\*\*) | (?P<any>\*) | "(?P<quoted>(?:[^"]|"")+)" | (?P<name>[^.\[\]*"$]+)
    | \[(?:(?P<each>\*) | (?P<key>[^=\[\]"*]+)=(?P<value>[^\]]*))\]""",
    re.VERBOSE,
)
_NO_PATH = (
    "{!r} is no path: write it as user.email, items[*].name or **.phone; a name with dots, brackets, stars, quotes or $"
    ' in it stands in double quotes, a quote in it twice: "we""ird".email'
)
_ANY_STEP, _ANY_MEMBER, _ANY_ELEMENT = r"/[^/]*", r"/\.[^/]*", r"/\[[^/]*\]"
_DEEP = f"(?:{_ANY_STEP})*"

Condition = tuple[str, str]
"""A member's name and its text, which an element of a key-value list has."""


@dataclass(frozen=True)
class Path:
    """A parsed path; `steps` are names (`.name`), `*`, `**`, `[*]`, or conditions on elements."""

    steps: tuple[str | Condition, ...]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What elements must fulfil."""
        return tuple(step for step in self.steps if isinstance(step, tuple))


def parse_path(text: str) -> Path:
    """Read a path; `$` alone is the document itself.

    Raises:
        ValueError: it is none.
    """
    steps: list[str | Condition] = []
    at = 1 if text.startswith("$") else 0
    while at < len(text):
        if text[at] == "." and at + 1 < len(text) and (steps or text.startswith("$")):
            at += 1
        elif steps and text[at] != "[":
            raise ValueError(_NO_PATH.format(text))
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(_NO_PATH.format(text))
        steps.append(_step(match))
        at = match.end()
    if not text:
        raise ValueError("a path is empty: write $ for the document itself")
    return Path(tuple(steps))


def _step(match: re.Match[str]) -> str | Condition:
    if match["key"]:
        return (match["key"].strip(), match["value"].strip())
    if match["each"]:
        return "[*]"
    name = match["quoted"].replace('""', '"') if match["quoted"] else match["name"]
    return f".{name}" if name else match[0]


def exact_place(steps: Sequence[str | Condition], conditions: Sequence[Condition]) -> str | None:
    """The one place that steps lead to, which is found without an expression; None where there can be several."""
    if any(isinstance(step, tuple) or step in {"*", "**"} or (step == "[*]" and conditions) for step in steps):
        return None
    return "".join("/[]" if step == "[*]" else f"/{_written(str(step))}" for step in steps)


def exact_ways(paths: Sequence[Path], conditions: Sequence[Condition]) -> list[str] | None:
    """All places on the way to those of the paths, or None where they cannot be told one by one."""
    prefixes = dict.fromkeys(path.steps[:end] for path in paths for end in range(len(path.steps)))
    found = [exact_place(steps, conditions) for steps in prefixes]
    if any(path.steps[-1:] == ("**",) for path in paths):
        return None
    return [place for place in found if place is not None] if None not in found else None


def place_pattern(paths: Sequence[Path], conditions: Sequence[Condition]) -> str:
    """A Postgres regular expression for the places that one of the paths names."""
    return f"^(?:{'|'.join(''.join(_pattern(step, conditions) for step in path.steps) for path in paths)})$"


def way_pattern(paths: Sequence[Path], conditions: Sequence[Condition]) -> str | None:
    """The same for the places that one of the paths leads through, or None where none leads anywhere."""
    ways = [path.steps if path.steps[-1] == "**" else path.steps[:-1] for path in paths if path.steps]
    return f"^(?:{'|'.join(_way(way, conditions) for way in ways)})$" if ways else None


def _way(steps: Sequence[str | Condition], conditions: Sequence[Condition]) -> str:
    if not steps:
        return ""
    return f"(?:{_pattern(steps[0], conditions)}{_way(steps[1:], conditions)})?"


def _pattern(step: str | Condition, conditions: Sequence[Condition]) -> str:
    if isinstance(step, tuple):
        return rf"/\[(?:\d+,)*{conditions.index(step)},(?:\d+,)*\]"
    match step:
        case "**":
            return _DEEP
        case "*":
            return _ANY_MEMBER
        case "[*]":
            return _ANY_ELEMENT
        case _:
            return "/" + _literal(_written(step))


def _written(name: str) -> str:
    """The step as it is written in places, its point in front."""
    return name.replace("\\", "\\\\").replace("/", "\\s")


def _literal(text: str) -> str:
    """Only ASCII signs mean something in Postgres' expressions."""
    return "".join(c if c.isalnum() or not c.isascii() or c in "_ " else "\\" + c for c in text)
