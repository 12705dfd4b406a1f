"""Strategies of other packages: every class that a package names under the entry point group `branchwarden.strategies`.

[project.entry-points."branchwarden.strategies"]
my_mask = "my_package:MyMask"
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, get_args, get_origin

from sanitizers.strategies.strategy import MaskingStrategy

GROUP = "branchwarden.strategies"

# Whatever a module raises while it is imported and its classes are built; a full disk or Ctrl-C is not of these.
_BROKEN = (ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError, RuntimeError)
_MALFORMED = (SyntaxError, TypeError, ValueError)


@dataclass(frozen=True)
class Plugins:
    """What the installed packages bring; a sentence for each that brings nothing."""

    strategies: tuple[type[MaskingStrategy], ...]
    problems: tuple[str, ...]


def load_plugins(known: Collection[str]) -> Plugins:
    """Import every strategy that an installed package names; `known` are the names that are taken."""
    strategies: dict[str, type[MaskingStrategy]] = {}
    problems = []
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (_package(e), e.name)):
        try:
            strategy = _load(entry)
            kind = _kind(strategy)
            if kind in known or kind in strategies:
                raise ValueError(f"there is a strategy {kind!r} already")
        except (*_BROKEN, *_MALFORMED) as error:
            # What another package raises may say anything, but it has seen no data yet.
            problems.append(f"package {_package(entry)}: its strategy {entry.value} cannot be used: {error}.")
        else:
            strategies[kind] = strategy
    return Plugins(tuple(strategies.values()), tuple(problems))


def _load(entry: EntryPoint) -> type[MaskingStrategy]:
    loaded = entry.load()
    if not (isinstance(loaded, type) and issubclass(loaded, MaskingStrategy)):
        raise TypeError("it does not derive from sanitizers.strategies.MaskingStrategy")
    if getattr(loaded, "__abstractmethods__", None):
        raise TypeError(f"it does not define {', '.join(sorted(loaded.__abstractmethods__))}")
    return loaded


def _kind(strategy: type[MaskingStrategy]) -> str:
    field = strategy.model_fields.get("kind")
    if field is None or get_origin(field.annotation) is not Literal or get_args(field.annotation) != (field.default,):
        raise TypeError('it has no `kind: Literal["name"] = Field(default="name", alias="strategy")`')
    if field.alias != "strategy":
        raise TypeError('the alias of its `kind` is not "strategy"')
    return str(field.default)


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module
