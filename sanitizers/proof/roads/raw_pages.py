"""Bytes of pages, where the role may read them, and originals to look for in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from sanitizers.plan import TablePlan
from sanitizers.proof.producible import Producible, folded
from sanitizers.proof.roads.heap import BLOCK, Relation
from sanitizers.proof.roads.road import Site

MOST_PAGES = 4096
"""Of one relation, 32 MiB, spread over it; `full` reads them all."""
AT_ONCE = 128
PER_TABLE = 6
"""Rows that needles are taken of."""
SHORTEST, LONGEST = 8, 64
"""Characters of a needle: shorter ones are found by chance, longer ones may be compressed."""

RIGHTS = """
SELECT (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pageinspect'),
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
"""
INDEXES = "SELECT indexrelid::int8, pg_relation_size(indexrelid) / %s FROM pg_index WHERE indrelid = %s"
SAMPLE = sql.SQL("SELECT {} FROM ONLY {} AS t ORDER BY hashtextextended(t.ctid::text, {}) LIMIT {}")
SAMPLE_OF_ALL = sql.SQL("SELECT {} FROM {} AS t ORDER BY hashtextextended(t.ctid::text, {}) LIMIT {}")
PAGES = sql.SQL("SELECT {schema}.get_raw_page(%s::regclass::text, 'main', n) FROM generate_series(%s::int, %s) AS n")
FILE = "SELECT pg_read_binary_file(pg_relation_filepath(%s::regclass), %s::bigint * 8192, (%s - %s + 1) * 8192, true)"
READABLE = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {} AS t WHERE position(%s IN t::text) > 0)")


@dataclass(frozen=True)
class Needles:
    """Originals by the column that they are of."""

    by_column: Mapping[str, tuple[str, ...]] = field(repr=False)
    tables: Mapping[tuple[str, str], bool]
    """Every table of the plan, and whether there are any of it."""

    @property
    def count(self) -> int:
        """All of them."""
        return sum(map(len, self.by_column.values()))

    def fit(self, relation: Relation) -> bool:
        """Whether some may have been in the relation: of its own table, of any where that is not in the plan."""
        return self.tables.get((relation.root_schema, relation.root), self.count > 0)


@dataclass(frozen=True)
class RawFound:
    """What the bytes of a relation and its indexes hold."""

    pages: int
    skipped: int
    """Pages beyond the limit."""
    originals: Mapping[str, int]
    """How many needles of each column."""
    looked_for: bool
    """Whether any needle may have been there."""


class RawPages:
    """Reads pages; `None` of `open_pages` where the role may not."""

    def __init__(self, site: Site, schema: str | None, needles: Needles) -> None:
        self._site = site
        self._schema = schema
        self.needles = needles

    def search(self, relation: Relation) -> RawFound:
        """Look through a relation and its indexes."""
        found: dict[str, set[str]] = {}
        pages = skipped = 0
        indexes = self._site.target.execute(INDEXES, (BLOCK, relation.oid)).fetchall()
        for oid, size in ((relation.oid, relation.pages), *indexes):
            for first, last in chosen_pages(size, size if self._site.full else MOST_PAGES):
                pages += last - first + 1
                self._note(self._block(oid, first, last), found)
            skipped += size
        skipped -= pages
        left = {column: self._not_readable(relation, texts) for column, texts in found.items()}
        originals = {column: count for column, count in left.items() if count}
        return RawFound(pages, skipped, originals, self.needles.fit(relation))

    def _block(self, oid: int, first: int, last: int) -> bytes:
        if self._schema is None:
            rows = self._site.target.execute(FILE, (oid, first, last, first), binary=True)
        else:
            query = PAGES.format(schema=sql.SQL(self._schema))
            rows = self._site.target.execute(query, (oid, first, last), binary=True)
        return b"".join(bytes(row[0]) for row in rows if row[0] is not None)

    def _note(self, block: bytes, found: dict[str, set[str]]) -> None:
        for column, texts in self.needles.by_column.items():
            found.setdefault(column, set()).update(text for text in texts if text.encode() in block)

    def _not_readable(self, relation: Relation, texts: set[str]) -> int:
        """Those that no row shows: what a row shows other roads judge."""
        query = READABLE.format(sql.Identifier(relation.schema, relation.name))
        shown = (self._site.target.execute(query, (text,)).fetchone() for text in texts)
        return sum(not (row and row[0]) for row in shown)


def chosen_pages(pages: int, most: int) -> Iterator[tuple[int, int]]:
    """First and last page of runs of at most 128, all of them or about `most` pages spread over the relation; pure."""
    runs = [(first, min(first + AT_ONCE, pages) - 1) for first in range(0, pages, AT_ONCE)]
    wanted = min(len(runs), max(1, most // AT_ONCE))
    yield from (runs[n * len(runs) // wanted] for n in range(wanted) if runs)


def open_pages(site: Site) -> RawPages | str:
    """A reader of pages with needles of the source, or why there is none, half a sentence."""
    schema, superuser = site.target.execute(RIGHTS).fetchone() or (None, False)
    if not superuser:
        return "the bytes of pages, which only a superuser may read"
    if site.source is None or site.plan is None:
        return "the bytes of pages: without a source there are no originals to look for in them"
    if schema is None:
        site.target.execute("CHECKPOINT")  # the files alone can be read, and lag behind the buffers
    fit = _fit(Producible(site.plan), utf8=site.target.info.parameter_status("server_encoding") == "UTF8")
    found = {(t.table.schema, t.table.name): _needles(site.source, t, site.seed, fit) for t in site.plan.tables}
    by_column = {column: texts for some in found.values() for column, texts in some.items()}
    return RawPages(site, schema, Needles(by_column, {name: any(some.values()) for name, some in found.items()}))


def _needles(
    source: psycopg.Connection, table: TablePlan, seed: int, fit: Callable[[str | None], bool]
) -> dict[str, tuple[str, ...]]:
    """Originals of a few rows anywhere in the table; of texts alone, which lie on pages as they are written."""
    columns = [c for c in table.columns if c.masked and c.residue != "none" and c.column.category == "text"]
    if not columns:
        return {}
    values = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("t", c.column.name)) for c in columns)
    name = sql.Identifier(table.table.schema, table.table.name)
    sample = SAMPLE_OF_ALL if table.table.partitioned else SAMPLE
    rows = source.execute(sample.format(values, name, sql.Literal(seed), sql.Literal(PER_TABLE))).fetchall()
    by_column = zip(columns, zip(*rows, strict=True), strict=True) if rows else ()
    return {
        f"{table.table.qualified}.{c.column.name}": tuple(dict.fromkeys(v for v in texts if fit(v)))
        for c, texts in by_column
    }


def _fit(producible: Producible, *, utf8: bool) -> Callable[[str | None], bool]:
    """Whether a value can be looked for on pages that are in UTF-8, or in an encoding that shares ASCII with it."""

    def fit(value: str | None) -> bool:
        if value is None or not (utf8 or value.isascii()):
            return False
        return SHORTEST <= len(value) <= LONGEST and folded(value) not in producible

    return fit
