"""Strategies of other packages: every class that a package names under the entry point group `branchwarden.strategies`.

[project.entry-points."branchwarden.strategies"]
my_mask = "my_package:MyMask"
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, get_args, get_origin

from psycopg import sql

from sanitizers.errors import PolicyError
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Inputs, MaskingStrategy

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
            strategies[kind] = _guarded(strategy, _package(entry))
    return Plugins(tuple(strategies.values()), tuple(problems))


def _load(entry: EntryPoint) -> type[MaskingStrategy]:
    loaded = entry.load()
    if not (isinstance(loaded, type) and issubclass(loaded, MaskingStrategy)):
        raise TypeError("it does not derive from sanitizers.strategies.MaskingStrategy")
    if getattr(loaded, "__abstractmethods__", None):
        raise TypeError(f"it does not define {', '.join(sorted(loaded.__abstractmethods__))}")
    return loaded


def _guarded(strategy: type[MaskingStrategy], package: str) -> type[MaskingStrategy]:
    """The strategy, whose mistakes are told in a sentence wherever they show."""

    def fits(self: MaskingStrategy, column: Column) -> str | None:
        with _told(self, column, package):
            return strategy.fits(self, column)

    def expression(self: MaskingStrategy, column: Column, inputs: Inputs) -> sql.Composable:
        with _told(self, column, package):
            first, second = (strategy.expression(self, column, inputs) for _ in range(2))
            if not isinstance(first, sql.Composable):
                raise TypeError(f"its expression is of type {type(first).__name__}, not SQL of psycopg.sql")
            if first != second:
                raise ValueError("its expression is another one each time: make it of column and inputs alone")
            return first

    return type(strategy.__name__, (strategy,), {"fits": fits, "expression": expression, "__doc__": strategy.__doc__})


@contextmanager
def _told(strategy: MaskingStrategy, column: Column, package: str) -> Iterator[None]:
    """What the package's code raises as PolicyError; it has seen names and types, no data."""
    try:
        yield
    except (*_BROKEN, *_MALFORMED) as error:
        kind = strategy.kind  # type: ignore[attr-defined]  # every subclass has it
        reason = f"{type(error).__name__}: {error}"
        raise PolicyError(
            f"column {column.name}: strategy {kind} of package {package} cannot be used: {reason}; choose another"
            " strategy, or mend the package"
        ) from None


def _kind(strategy: type[MaskingStrategy]) -> str:
    field = strategy.model_fields.get("kind")
    if field is None or get_origin(field.annotation) is not Literal or get_args(field.annotation) != (field.default,):
        raise TypeError('it has no `kind: Literal["name"] = Field(default="name", alias="strategy")`')
    if field.alias != "strategy":
        raise TypeError('the alias of its `kind` is not "strategy"')
    return str(field.default)


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module
