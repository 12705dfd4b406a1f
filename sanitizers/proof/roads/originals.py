"""Whether some texts of the target are originals: asked of the source, which is where originals are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psycopg import sql

from sanitizers.plan import DatabasePlan
from sanitizers.proof.hashed import FEWEST_DIGITS, SHORTEST
from sanitizers.proof.places import Place
from sanitizers.proof.producible import Producible, folded
from sanitizers.proof.roads.road import Site
from sanitizers.proof.search import wanted
from sanitizers.proof.sieve import with_parameters
from sanitizers.proof.verdict import FEW_WORDS

_AMONG = sql.SQL("SELECT DISTINCT v FROM ({}) AS each WHERE v = ANY (%s)")


def distinctive(text: str) -> bool:
    """Whether a text is long enough not to be found everywhere by chance; as the search for whole values has it."""
    if any(c.isalpha() for c in text):
        return len(text) >= SHORTEST
    return sum(c in "0123456789" for c in text) >= FEWEST_DIGITS


def originals_among(site: Site, texts: Iterable[str]) -> Mapping[str, int]:
    """How many different ones of the texts are originals, by masked column; needs source and plan.

    What a pool of the plan can produce does not count, nor do one or two common words.
    """
    candidates = sorted({text for text in map(folded, texts) if distinctive(text)})
    if not candidates or site.source is None or site.plan is None:
        return {}
    found: dict[str, list[str]] = {}
    for place in wanted(site.plan, site.source).places:
        values = with_parameters(place.values(), site.source)
        rows = site.source.execute(_AMONG.format(values), (candidates,)).fetchall()
        if rows:
            found[str(place)] = _counted(place, [row[0] for row in rows], site.plan)
    return {column: len(values) for column, values in found.items() if values}


def _counted(place: Place, values: list[str], plan: DatabasePlan) -> list[str]:
    producible = Producible(plan)
    left = [value for value in values if value not in producible]
    return [] if place.common and len(left) <= FEW_WORDS else left
