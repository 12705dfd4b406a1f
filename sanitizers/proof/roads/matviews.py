"""Materialized views: copies of rows that nothing brings up to date by itself."""

from __future__ import annotations

from typing import ClassVar

from sanitizers.proof.roads.road import Site
from sanitizers.proof.roads.searched import SearchedRoad, count_rows

COUNT = "SELECT count(*) FROM pg_matviews WHERE ispopulated"


class MaterializedViews(SearchedRoad):
    """Every column of every filled materialized view."""

    name: ClassVar[str] = "matviews"
    title: ClassVar[str] = "Materialized views"
    question: ClassVar[str] = "Does a materialized view still show rows as they were before masking?"
    place: ClassVar[str] = "column of a materialized view"
    places: ClassVar[str] = "columns of materialized views"

    def count(self, site: Site) -> int:
        """Filled ones: the others hold nothing."""
        return count_rows(site, COUNT)
