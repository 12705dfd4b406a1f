"""The planner's statistics: samples of values that whoever may SELECT can read, until the next ANALYZE."""

from __future__ import annotations

from typing import ClassVar

from sanitizers.proof.places import read_statistics
from sanitizers.proof.roads.road import Site
from sanitizers.proof.roads.searched import SearchedRoad

UNSEEN = """
SELECT 'the extended statistics', format('%I.%I', n.nspname, s.stxname)
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE NOT pg_has_role(c.relowner, 'USAGE')
UNION ALL
SELECT 'the statistics of', format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND (c.relkind IN ('r', 'p', 'm', 'f') OR EXISTS (
    SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND i.indexprs IS NOT NULL))
  AND (row_security_active(c.oid) OR EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')))
ORDER BY 1, 2
"""
"""Postgres shows statistics to whoever may read the column, the values in extended ones to the table's owner alone."""


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
        """What is shown to others alone."""
        return tuple(f"{what} {site.database}.{name}" for what, name in site.target.execute(UNSEEN))
