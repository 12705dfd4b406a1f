"""The planner's statistics: samples of values that whoever may SELECT can read, until the next ANALYZE."""

from __future__ import annotations

from typing import ClassVar

from sanitizers.proof.places import read_statistics
from sanitizers.proof.roads.road import Site
from sanitizers.proof.roads.searched import SearchedRoad

UNSEEN = """
SELECT format('%I.%I', n.nspname, s.stxname) FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1
"""
"""Postgres shows the values in extended statistics to the owner of the table alone."""


class Statistics(SearchedRoad):
    """Most common values, histograms and elements of `pg_stats`, and extended statistics."""

    name: ClassVar[str] = "statistics"
    title: ClassVar[str] = "The planner's statistics"
    question: ClassVar[str] = "Do samples that the server took of the rows still show somebody's value?"
    place: ClassVar[str] = "statistic"

    def count(self, site: Site) -> int:
        """Those of columns, indexes, and extended ones."""
        return sum(1 for _ in read_statistics(site.target))

    def unseen(self, site: Site) -> tuple[str, ...]:
        """Extended statistics are shown to the owner of the table alone."""
        return tuple(f"the extended statistics {site.database}.{row[0]}" for row in site.target.execute(UNSEEN))
