"""Strategies as parameters of strategies: `{ "user.email" = "email" }`, by path, key or attribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationError

from sanitizers.strategies.strategy import MaskingStrategy

KINDS: dict[str, type[MaskingStrategy]] = {}
"""Every strategy by the name that a policy uses; filled by `sanitizers.strategies`."""

Parts = tuple[tuple[str, MaskingStrategy], ...]


def parse_inner(value: object) -> MaskingStrategy:
    """A strategy as a policy writes it: a word, or a table with `strategy`.

    Raises:
        ValueError: it is none, or one that cannot stand inside another.
    """
    if isinstance(value, MaskingStrategy):
        return value
    written = {"strategy": value} if isinstance(value, str) else value
    kind = written.get("strategy") if isinstance(written, dict) else None
    if kind not in KINDS:
        raise ValueError(f"unknown strategy {kind!r}; allowed are {', '.join(sorted(KINDS))}")
    try:
        strategy = KINDS[kind].model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ValueError(f"{kind}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return _checked(strategy)


def _checked(strategy: MaskingStrategy) -> MaskingStrategy:
    if strategy.keep_if or strategy.row_expression or strategy.whole_table:
        raise ValueError("what depends on the row or on other rows cannot stand inside a value")
    if strategy.streamed:
        raise ValueError("it is for whole columns: its values are made as rows stream by")
    if getattr(strategy, "by", "") == "person" or getattr(strategy, "per", ()):
        raise ValueError("inside a value, fakes are drawn by the value alone")
    return strategy


def _parse_parts(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    parts = []
    for name, written in value.items():
        try:
            parts.append((name, parse_inner(written)))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return tuple(parts)


def written(strategy: MaskingStrategy) -> Any:
    """A strategy as a policy writes it."""
    dumped = strategy.model_dump(by_alias=True, exclude_defaults=True)
    kind = str(strategy.kind)  # type: ignore[attr-defined]  # every subclass has it
    dumped.pop("strategy", None)
    return {"strategy": kind, **dumped} if dumped else kind


def _write_parts(parts: Parts) -> dict[str, Any]:
    return {name: written(strategy) for name, strategy in parts}


Inner = Annotated[MaskingStrategy, BeforeValidator(parse_inner), PlainSerializer(written)]
"""One strategy."""

InnerParts = Annotated[Parts, BeforeValidator(_parse_parts), PlainSerializer(_write_parts)]
"""Strategies by name, as pairs: what people write stays hashable."""
