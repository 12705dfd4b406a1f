"""Pages that hold more than their rows: masking by UPDATE leaves every original on disk, and VACUUM leaves the bytes.

Three looks, each as far as the role may: counters and sizes, free slots between rows (any role that may SELECT), and
the bytes themselves (superusers), where originals of the source are searched for. The bytes of a table are read only
where counters do not prove that it never held another row, or where all is to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.dropped import values_left
from sanitizers.proof.roads.heap import (
    Counters,
    Filling,
    Relation,
    Unexplained,
    flush_statistics,
    never_changed,
    read_filling,
    read_relations,
    unexplained,
)
from sanitizers.proof.roads.raw_pages import RawFound, RawPages, open_pages
from sanitizers.proof.roads.road import Found, Road, Site


@dataclass(frozen=True)
class Looked:
    """A relation that was looked at."""

    relation: Relation
    filling: Filling
    beside: Unexplained
    raw: RawFound | None = None
    before: Counters | None = None
    """Where a run in place remembers them."""

    @property
    def counted(self) -> bool:
        """Whether counters say that no other row was ever there."""
        return never_changed(self.relation, self.filling, self.before)

    @property
    def unread(self) -> str:
        """Why the bytes, where they are read, do not say so."""
        if self.raw is None or self.raw.skipped:
            return "of most pages: a part of them was read, `full` reads all"
        if not self.raw.looked_for:
            return "of tables whose originals are no texts of which any could be looked for"
        return "of pages of TOAST, where long values may be compressed" if self.relation.toast_pages else ""

    @property
    def proven(self) -> bool:
        """Whether bytes or counters say that no other row is there."""
        return self.counted or not self.unread


class Pages(Road):
    """Dead rows, free slots, bloat and bytes of every table that is masked, and of materialized views."""

    name: ClassVar[str] = "pages"
    title: ClassVar[str] = "Dead rows and pages"
    question: ClassVar[str] = "Are the originals still on disk, in rows that no query shows any more?"

    def look(self, site: Site) -> Found:
        """Look at each relation in turn; tables that the policy keeps as they are have nothing to hide."""
        flush_statistics(site.target)
        looked = list(_look(site, [one for one in read_relations(site.target) if _matters(site, one)]))
        doubtful = [one for one in looked if site.full or one.beside or not one.proven]
        pages = open_pages(site) if doubtful else ""
        reader = pages if isinstance(pages, RawPages) else None
        if reader:
            looked = [_read(site, one, reader) if one in doubtful else one for one in looked]
        problems = tuple(problem for one in looked for problem in _problems(site, one))
        # A run in place has written all of them anew.
        left = () if site.remembered else values_left(site.target, site.database)
        unseen = (*_unseen(looked, pages), *left)
        sampled = not all(one.counted for one in looked)
        numbers = _numbers(looked, reader)
        return Answer(numbers, _sentence(looked, numbers), problems, unseen, sampled).of(self, site)


def _matters(site: Site, relation: Relation) -> bool:
    if site.plan is None or relation.matview:
        return True
    masked = {(t.table.schema, t.table.name) for t in site.plan.tables if t.masked}
    known = {(t.table.schema, t.table.name) for t in site.plan.tables}
    name = (relation.root_schema, relation.root)
    return name in masked or name not in known


def _look(site: Site, relations: list[Relation]) -> Iterator[Looked]:
    before = dict(site.remembered.written) if site.remembered else {}
    for number, relation in enumerate(relations):
        site.track.say(relation.qualified, number, len(relations))
        filling, counters = read_filling(site.target, relation), before.get((relation.schema, relation.name))
        known = Counters(*counters) if counters else None
        yield Looked(relation, filling, unexplained(relation, filling), before=known)


def _read(site: Site, looked: Looked, reader: RawPages) -> Looked:
    site.track.say(f"pages of {looked.relation.qualified}")
    return replace(looked, raw=reader.search(looked.relation))


def _problems(site: Site, looked: Looked) -> Iterator[str]:
    relation, beside = looked.relation, looked.beside
    name = f"{site.database}.{relation.qualified}"
    remedy = f"{'REFRESH MATERIALIZED VIEW' if relation.matview else 'VACUUM FULL'} {relation.qualified}"
    if beside:
        kinds = (
            (beside.dead, "dead row"),
            (beside.slots, "free slot of a former row", "free slots of former rows"),
            (beside.hollow_pages, "page without a row before its end", "pages without a row before its end"),
            (beside.roomy_pages, "page more than its rows need", "pages more than its rows need"),
        )
        counted = ", ".join(many(count, *words) for count, *words in kinds if count)
        yield f"{name} has {looked.filling.rows:,} rows and beside them {counted}: {remedy}"
    for column, count in (looked.raw.originals if looked.raw else {}).items():
        yield (
            f"the pages of {name} and its indexes hold {many(count, 'sampled original')} of {column}"
            f" that no row shows: {remedy}"
        )


def _unseen(looked: list[Looked], pages: RawPages | str) -> Iterator[str]:
    unproven = [one.relation.qualified for one in looked if not one.proven]
    if unproven and isinstance(pages, str):
        yield f"{pages} (of {', '.join(unproven)}: rows were changed there, or counters do not go back far enough)"
        return
    for why in dict.fromkeys(one.unread for one in looked if not one.proven):
        names = (one.relation.qualified for one in looked if not one.proven and one.unread == why)
        yield f"the bytes {why} ({', '.join(names)})"


def _numbers(looked: list[Looked], reader: RawPages | None) -> Mapping[str, int]:
    raw = [one.raw for one in looked if one.raw]
    return {
        "tables": len(looked),
        "rows": sum(one.filling.rows for one in looked),
        "pages": sum(one.relation.pages for one in looked),
        "dead-rows": sum(one.beside.dead for one in looked),
        "free-slots": sum(one.beside.slots for one in looked),
        "hollow-pages": sum(one.beside.hollow_pages for one in looked),
        "roomy-pages": sum(one.beside.roomy_pages for one in looked),
        "pages-read": sum(one.pages for one in raw),
        "searched": reader.needles.count if reader else 0,
        "found": sum(count for one in raw for count in one.originals.values()),
    }


def _sentence(looked: list[Looked], numbers: Mapping[str, int]) -> str:
    rows, pages = sum(one.filling.rows for one in looked), sum(one.relation.pages for one in looked)
    counted = f"{many(rows, 'row')} on {many(pages, 'page')} of {many(len(looked), 'table')}"
    toasted = sum(bool(one.relation.toast_pages) for one in looked)
    sizes = f"; the room that rows need is not known of {many(toasted, 'table')} with TOAST" if toasted else ""
    read, searched = many(numbers["pages-read"], "page"), many(numbers["searched"], "original")
    raw = f"; {searched} of a few rows were looked for in the bytes of {read}" if numbers["pages-read"] else ""
    return f"{counted}, room estimated by the sizes of rows{sizes}{raw}."
