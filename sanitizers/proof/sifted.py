"""A search for whole values from beginning to end: what is taken, where it is looked for, and what it proves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from sanitizers.plan import DatabasePlan
from sanitizers.proof.bits import unsigned
from sanitizers.proof.definitions import read_labels
from sanitizers.proof.looked import Looked, Searched
from sanitizers.proof.places import Place, hash_statistics
from sanitizers.proof.producible import Producible
from sanitizers.proof.readers import Readers
from sanitizers.proof.roads.originals import distinctive
from sanitizers.proof.search import (
    columns_to_look_at,
    names_of_kept,
    not_searched,
    quoted_to_look_at,
    sampled_to_look_at,
    wanted,
)
from sanitizers.proof.verdict import Columns, Pair, Verdict
from sanitizers.proof.whole import Whole
from sanitizers.track import Track


def search_whole(plan: DatabasePlan, source: Readers, target: Readers, seed: int, track: Track) -> Searched:
    """Search the target for every original of the source; nothing is made in either."""
    track.step("collect", plan.database)
    found = wanted(plan, source.conns[0])
    whole = Whole(source, target, seed)
    whole.take(found.places)
    track.step("search", plan.database)
    looked = _look(plan, whole, target, seed)
    track.step("join", plan.database)
    labels = set(whole.of_texts([*read_labels(target.conns[0])]))
    hits, chance = _explained(whole, found.places, plan)
    columns = Columns(
        found.places,
        {number: counted.count for number, counted in whole.originals.searched.items()},
        {number: counted.count for number, counted in whole.originals.too_short.items()},
    )
    verdict = Verdict(columns, looked, hits, chance, labels, whole.shares, _named(whole, plan, looked, hits))
    places = Counter(place.road for place in looked if not place.public)
    return Searched(
        tuple(verdict.searched()),
        tuple(verdict.residue()),
        places,
        found.problems,
        len(not_searched(plan)),
        whole.originals if whole.originals.kept is not None else None,
    )


def _look(plan: DatabasePlan, whole: Whole, target: Readers, seed: int) -> list[Looked]:
    pairs = columns_to_look_at(plan, target.conns[0])
    whole.look([place for _, place in pairs])
    looked = [one for one, _ in pairs]
    for one, hashes in sampled_to_look_at(plan, target.conns[0], hash_statistics(target.conns[0], seed)):
        whole.look_at(len(looked), map(unsigned, hashes))
        looked.append(one)
    for one, texts in quoted_to_look_at(plan, target.conns[0]):
        whole.look_at(len(looked), whole.of_texts(texts))
        looked.append(one)
    return looked


def _named(
    whole: Whole, plan: DatabasePlan, looked: list[Looked], hits: Mapping[Pair, Collection[int]]
) -> Mapping[int, Collection[tuple[int, str]]]:
    """Of documents whose leaves were found in kept columns of texts: the names that they stand under."""
    wanted_: dict[int, set[int]] = {}
    for (number, at), hashes in hits.items():
        if looked[at].kept and looked[at].called is not None and whole.columns[number].is_document:
            wanted_.setdefault(number, set()).update(hashes)
    names = names_of_kept(plan)
    return {number: whole.names(whole.columns[number], hashes, names) for number, hashes in wanted_.items()}


def _explained(
    whole: Whole, columns: tuple[Place, ...], plan: DatabasePlan
) -> tuple[Mapping[Pair, Collection[int]], set[int]]:
    """Hits without what the policy keeps, and those of them that a pool can produce."""
    by_place, by_column = whole.hits()
    producible = Producible(plan)
    chance = set(whole.of_texts(sorted(producible.texts))) if by_column else set()
    short: set[int] = set()
    kept: set[int] = set()
    unsaid: dict[int, set[int]] = {number: set() for number in by_column}  # another column may say it
    every = set().union(*by_column.values())
    for number, place in enumerate(columns):
        if every and place.kept_values() is not None:
            kept.update(h for _, h in whole.values(place, every, kept=True))
        if unknown := by_column.get(number, set()) - chance:
            for value, hash_ in whole.values(place, unknown):
                if value in producible:
                    chance.add(hash_)
                if not distinctive(value):
                    short.add(hash_)
                if place.unsaid and re.search(place.unsaid, value):
                    unsaid[number].add(hash_)
    said = {number: originals - kept - short - unsaid[number] for number, originals in by_column.items()}
    return dict(_pairs(by_place, said)), chance & every


def _pairs(by_place: Mapping[int, set[int]], by_column: Mapping[int, set[int]]) -> Iterator[tuple[Pair, set[int]]]:
    for at, there in by_place.items():
        for number, originals in by_column.items():
            if both := there & originals:
                yield (number, at), both
