"""Composite types → a strategy for what is personal in them."""

from __future__ import annotations

from collections.abc import Iterator

from sanitizers.detect.classify import Classified, classify_columns
from sanitizers.detect.remedies import remedies
from sanitizers.detect.vocabulary import Vocabulary
from sanitizers.schema import Column
from sanitizers.strategies import Strategy
from sanitizers.strategies.composite import Composite


def composite_remedies(column: Column, vocabulary: Vocabulary) -> Iterator[Composite]:
    """The one strategy for a composite column or an array of them; none where some attribute has none."""
    value = column.inner or column
    first = {
        c.column.name: _first(c, vocabulary) for c in classify_columns(value.bare_type, value.attributes, vocabulary)
    }
    masked = {name: strategy for name, strategy in first.items() if strategy is None or strategy.masks}
    if masked and None not in masked.values():
        rest = {} if len(masked) == len(first) else {"rest": "keep"}
        yield Composite.model_validate({"attributes": masked, **rest})


def _first(found: Classified, vocabulary: Vocabulary) -> Strategy | None:
    """The first strategy that fits the attribute."""
    inside = composite_remedies(found.column, vocabulary) if found.pii_class else ()
    return next((s for s in (*inside, *remedies(found.pii_class, found.column)) if s.fits(found.column) is None), None)
