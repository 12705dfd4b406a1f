"""What people wrote into the definitions of objects: defaults, checks, views, functions, comments, labels."""

from __future__ import annotations

from typing import ClassVar

from sanitizers.proof.definitions import read_definitions
from sanitizers.proof.roads.road import Site
from sanitizers.proof.roads.searched import SearchedRoad


class Definitions(SearchedRoad):
    """Literals in expressions of indexes, constraints, defaults and policies, bounds, labels, comments, bodies."""

    name: ClassVar[str] = "definitions"
    title: ClassVar[str] = "Definitions and comments"
    question: ClassVar[str] = "Did somebody write a person's value into a check, a function, a comment or a label?"
    place: ClassVar[str] = "definition"

    def count(self, site: Site) -> int:
        """Those of people, not of Postgres or extensions."""
        return len(read_definitions(site.target))
