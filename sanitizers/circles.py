"""An order of tables in which each comes after those that it refers to, and the references that must give way. Pure.

Nothing here calls itself, however long a chain of references is, and no way through them is walked twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sanitizers.schema import ForeignKey

Name = tuple[str, str]
"""Schema and table."""


@dataclass(frozen=True)
class Reference:
    """A foreign key of a table, or what the policy says refers like one."""

    child: Name
    key: ForeignKey
    optional: bool
    """Whether it can be NULL."""
    declared: bool = False
    """By the policy: nothing says that a value stands there once."""

    @property
    def parent(self) -> Name:
        """The table that it refers to."""
        return self.key.schema, self.key.table


@dataclass(frozen=True)
class Arrangement:
    """Tables in an order, and what does not follow it."""

    order: tuple[Name, ...]
    """Parents first."""
    cut: frozenset[Reference]
    """References that may be NULL and close a circle: they lead to tables that come later."""
    stuck: tuple[tuple[Reference, ...], ...]
    """Circles of references that cannot be NULL."""


def arrange(tables: Iterable[Name], references: Sequence[Reference]) -> Arrangement:
    """Find the order. As few references give way as can be told quickly, not the fewest that there are."""
    names = sorted(tables)
    stuck = _circles(names, [r for r in references if not r.optional])
    hopeless = {reference for circle in stuck for reference in circle}
    left = [r for r in references if r not in hopeless]
    order: list[Name] = []
    cut: set[Reference] = set()
    by_child = _grouped(left, lambda r: r.child)
    for component in _components(names, left):
        inner = set(component)
        order += _lined_up(component, {n: [r for r in by_child[n] if r.parent in inner] for n in component}, cut)
    return Arrangement(tuple(order), frozenset(cut), stuck)


def _lined_up(names: Sequence[Name], parents: Mapping[Name, list[Reference]], cut: set[Reference]) -> Iterator[Name]:
    """Tables of one circle: next comes the one with the fewest references that must give way for it."""
    left = set(names)
    needed = {name: sum(not r.optional for r in parents[name]) for name in names}
    wanted = {name: len(parents[name]) for name in names}
    children = _grouped((r for name in names for r in parents[name]), lambda r: r.parent)
    while left:
        chosen = min((name for name in left if not needed[name]), key=lambda name: (wanted[name], name))
        cut.update(r for r in parents[chosen] if r.parent in left)
        left.remove(chosen)
        for reference in children[chosen]:
            needed[reference.child] -= not reference.optional
            wanted[reference.child] -= 1
        yield chosen


def _circles(names: Sequence[Name], references: Sequence[Reference]) -> tuple[tuple[Reference, ...], ...]:
    """The references that go round, circle by circle."""
    number = {name: at for at, component in enumerate(_components(names, references)) for name in component}
    inside: defaultdict[int, list[Reference]] = defaultdict(list)
    for reference in references:
        if number[reference.child] == number[reference.parent]:
            inside[number[reference.child]].append(reference)
    return tuple(map(tuple, inside.values()))


def _grouped(references: Iterable[Reference], by: Callable[[Reference], Name]) -> defaultdict[Name, list[Reference]]:
    found: defaultdict[Name, list[Reference]] = defaultdict(list)
    for reference in references:
        found[by(reference)].append(reference)
    return found


def _components(names: Sequence[Name], references: Sequence[Reference]) -> list[list[Name]]:
    """Strongly connected components, those that are referred to first (Tarjan, with a stack of its own)."""
    by_child = _grouped(references, lambda r: r.child)
    search = _Search({name: sorted({r.parent for r in by_child[name]}) for name in names})
    for name in names:
        if name not in search.index:
            search.walk(name)
    return search.components


class _Search:
    """One walk through all tables; each is entered once."""

    def __init__(self, parents: Mapping[Name, Sequence[Name]]) -> None:
        self._parents = parents
        self.index: dict[Name, int] = {}
        self._low: dict[Name, int] = {}
        self._open: dict[Name, None] = {}
        self.components: list[list[Name]] = []

    def walk(self, start: Name) -> None:
        """Enter everything that can be reached from a table."""
        way = [(start, self._enter(start))]
        while way:
            here, rest = way[-1]
            after = next(rest, None)
            if after is None:
                way.pop()
                self._leave(here, way[-1][0] if way else None)
            elif after not in self.index:
                way.append((after, self._enter(after)))
            elif after in self._open:
                self._low[here] = min(self._low[here], self.index[after])

    def _enter(self, name: Name) -> Iterator[Name]:
        self.index[name] = self._low[name] = len(self.index)
        self._open[name] = None
        return iter(self._parents[name])

    def _leave(self, name: Name, child: Name | None) -> None:
        if child is not None:
            self._low[child] = min(self._low[child], self._low[name])
        if self._low[name] == self.index[name]:
            component: list[Name] = []
            while not component or component[-1] != name:
                component.append(self._open.popitem()[0])
            self.components.append(component)
