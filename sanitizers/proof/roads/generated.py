"""What the server computes and stores beside a value: generated columns, and the words of a text search."""

from __future__ import annotations

from typing import ClassVar

from sanitizers.proof.places import read_columns
from sanitizers.proof.roads.road import Site
from sanitizers.proof.roads.searched import SearchedRoad


class Generated(SearchedRoad):
    """Stored generated columns, and every tsvector, whoever fills it."""

    name: ClassVar[str] = "generated"
    title: ClassVar[str] = "Generated columns and text search"
    question: ClassVar[str] = "Does a computed column or a search index still know the words of the original?"
    place: ClassVar[str] = "generated column or tsvector"
    places: ClassVar[str] = "generated columns and tsvectors"

    def count(self, site: Site) -> int:
        """Both kinds; columns of materialized views count as well, which errs to the safe side."""
        return sum(place.derived or place.kind == "words" for place in read_columns(site.target))
