"""What the pools and constants of a plan can put into a target by chance: found there, it proves nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sanitizers.plan import DatabasePlan
from sanitizers.strategies.full_name import FullNames
from sanitizers.strategies.strategy import Several


class Producible:
    """Every text that the plan's pools and constants can put somewhere, compared as `places.normal` writes values."""

    def __init__(self, plan: DatabasePlan) -> None:
        self._texts: set[str] = set()
        self._names: set[tuple[frozenset[str], frozenset[str], int | None]] = set()
        for collection in {id(c): c for c in _producible(plan)}.values():
            self._add(collection)

    @property
    def texts(self) -> Collection[str]:
        """Those that are written out; names made of two pools are not."""
        return self._texts

    def __contains__(self, value: str) -> bool:
        return value in self._texts or any(_is_name(value, *names) for names in self._names)

    def _add(self, collection: Collection[str]) -> None:
        if isinstance(collection, FullNames):
            first, last = frozenset(map(folded, collection.first)), frozenset(map(folded, collection.last))
            self._names.add((first, last, collection.length))
        else:
            self._texts.update(map(folded, collection))


def _producible(plan: DatabasePlan) -> Iterator[Collection[str]]:
    for table in plan.tables:
        for column in table.columns:
            found = column.producible(table.locales.all)
            yield from found.parts if isinstance(found, Several) else [found]


def _is_name(value: str, first: frozenset[str], last: frozenset[str], length: int | None) -> bool:
    """Whether a first and a last name of the pools make it, cut at `length`."""
    if length is not None and len(value) >= length:
        return any(f"{one} "[:length] == value[: len(one) + 1] for one in first)
    cuts = (i for i, character in enumerate(value) if character == " ")
    return any(value[:i] in first and value[i + 1 :] in last for i in cuts)


def folded(text: str) -> str:
    """As `places.normal` does it in SQL: only ASCII letters change."""
    return "".join(c.lower() if c.isascii() else c for c in text.strip(" \t\n\r"))
