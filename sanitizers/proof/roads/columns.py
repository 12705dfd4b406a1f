"""Original values of masked columns in the columns of tables, masked or not, each compared as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sanitizers.proof.looked import Searched
from sanitizers.proof.places import read_columns
from sanitizers.proof.roads.road import Site
from sanitizers.proof.roads.searched import SearchedRoad


class Columns(SearchedRoad):
    """Every column of every table: values, leaves and keys of documents, elements of arrays."""

    name: ClassVar[str] = "columns"
    title: ClassVar[str] = "Original values in columns"
    question: ClassVar[str] = "Does any column of any table, masked or not, still hold somebody's value?"
    place: ClassVar[str] = "column"

    def count(self, site: Site) -> int:
        """Those of tables and of everything else."""
        return len(read_columns(site.target))

    def more(self, searched: Searched) -> Mapping[str, int]:
        """What was searched for, and what was not: short values, common words, small domains."""
        return {
            "columns": len(searched.columns),
            "originals": sum(column.searched for column in searched.columns),
            "too-short": sum(column.too_short for column in searched.columns),
            "by-chance": sum(column.by_chance for column in searched.columns),
            "by-coincidence": sum(column.by_coincidence for column in searched.columns),
            "small-domains": searched.not_searched,
        }

    def unread(self, searched: Searched) -> tuple[str, ...]:
        """Masked columns that cannot be read in the source."""
        return searched.unread
