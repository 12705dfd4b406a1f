"""Large objects: no masking policy names what is in them, so a masked database keeps none."""

from __future__ import annotations

from typing import ClassVar

from sanitizers.proof.roads.answers import many
from sanitizers.proof.roads.road import Found, Road, Site

OBJECTS = """
SELECT (SELECT count(*) FROM pg_largeobject_metadata), pg_relation_size('pg_catalog.pg_largeobject'),
  coalesce((SELECT string_agg(DISTINCT pg_get_userbyid(lomowner)::text, ', ') FROM pg_largeobject_metadata), '')
"""
REMEDY = "SELECT lo_unlink(oid) FROM pg_largeobject_metadata, as each owner, then VACUUM pg_largeobject"


class LargeObjects(Road):
    """Those that are there, and pages of those that were unlinked."""

    name: ClassVar[str] = "large-objects"
    title: ClassVar[str] = "Large objects"
    question: ClassVar[str] = "Are there files inside the database that nobody masked?"

    def look(self, site: Site) -> Found:
        """Counted by the catalog; their contents are nobody's to read."""
        count, size, owners = site.target.execute(OBJECTS).fetchone() or (0, 0, "")
        problems = []
        if count:
            problems.append(
                f"{site.database} has {many(count, 'large object')} (of {owners}), which nobody masked: {REMEDY}"
            )
        elif size:
            problems.append(
                f"{site.database} has no large object, but {size:,} bytes of some that were unlinked:"
                " VACUUM pg_largeobject, as the owner of the database"
            )
        sentence = f"{many(count, 'large object')} in {size:,} bytes."
        return self.found(site, {"objects": count, "bytes": size}, sentence, problems)
