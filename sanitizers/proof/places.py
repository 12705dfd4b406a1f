"""Where in a database a value can be read, and how to take values out: columns and the planner's statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.json_text import refused_by_jsonb, scalars_of
from sanitizers.proof import octets
from sanitizers.proof.decided import CALLED, LEAVES
from sanitizers.proof.inside import WHOLE, Inside
from sanitizers.strategies.nested import kept_value

COLUMNS = """
SELECT n.nspname, c.relname, a.attname,
  CASE WHEN b.type = 'json'::regtype
      THEN CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'json' ELSE 'old json' END
    WHEN b.type = 'tsvector'::regtype THEN 'words'
    WHEN b.type IN ('json'::regtype, 'jsonb'::regtype) OR y.typcategory IN ('A', 'C')
      OR (SELECT typname = 'hstore' FROM pg_type WHERE oid = b.type) THEN 'nested'
    WHEN y.typcategory = 'N' THEN 'number'
    WHEN b.type = 'bytea'::regtype THEN 'octets'
    ELSE 'plain' END,
  c.relkind = 'r', c.relkind = 'm' OR a.attgenerated <> '',
  EXISTS (SELECT FROM pg_type w WHERE w.typtype = 'e' AND (w.oid = b.type OR w.typarray = b.type)),
  CASE WHEN b.type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'integer'
    WHEN b.type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN 'dated'
    WHEN y.typcategory IN ('D', 'I', 'N', 'T', 'V') OR b.type = 'uuid'::regtype THEN 'tight' ELSE 'loose' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid
CROSS JOIN LATERAL (
  WITH RECURSIVE level (type, base) AS (
    SELECT y.oid, y.typbasetype UNION ALL SELECT t.oid, t.typbasetype FROM level JOIN pg_type t ON t.oid = level.base
  )
  SELECT type FROM level WHERE base = 0
) b
WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relpersistence <> 't' AND c.relispopulated
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'branchwarden_journal')
  AND n.nspname !~ '^pg_(toast_)?temp_'
  AND b.type <> 'bool'::regtype
ORDER BY 1, 2, a.attnum
"""
"""The journal holds definitions, which are looked at where they are in force, and digests."""

STATISTICS = """
SELECT schemaname, tablename, ARRAY[attname::text], most_common_vals::text::text[] || histogram_bounds::text::text[]
  || most_common_elems::text::text[]
FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT schemaname, tablename, coalesce(attnames::text[], '{}'), ARRAY(SELECT unnest(most_common_vals))
FROM pg_stats_ext WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT statistics_schemaname, statistics_name, ARRAY[]::text[],
  most_common_vals::text::text[] || histogram_bounds::text::text[]
FROM pg_stats_ext_exprs WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""

_HASHED_STATISTICS = sql.SQL("""
SELECT array_to_string(ARRAY[schema, name] || columns, '.'),
  ARRAY(SELECT hashtextextended({v}, {seed}) FROM unnest(sampled) AS u (v) WHERE v <> '')
FROM ({statistics}) AS s (schema, name, columns, sampled)
""")
_VALUES = sql.SQL(
    "SELECT {normal} AS v FROM {relation} AS t CROSS JOIN LATERAL ({leaves}) AS l WHERE {column} IS NOT NULL{which}"
)
_EXCEPT = sql.SQL("SELECT v FROM ({found}) AS f EXCEPT SELECT v FROM ({staying}) AS s")
_LEAVES = sql.SQL("SELECT w.leaf, {stays} AS stays FROM ({leaves}) AS w")
_PARTS = sql.SQL("""
UNION ALL SELECT u.leaf, {stays} FROM ({leaves}) AS w
CROSS JOIN LATERAL unnest(string_to_array(w.leaf, {separator})) AS u (leaf)
""")
_ALL_STAY = sql.SQL(
    "NOT EXISTS (SELECT FROM unnest(string_to_array(w.leaf, {separator})) AS u (leaf) WHERE btrim(u.leaf) <> ''"
    " AND NOT {stays})"
)
_ROWS = sql.SQL("(SELECT * FROM {relation} AS t WHERE {wanted} (({kept}) IS TRUE))")
_PART = sql.SQL("(SELECT * FROM {relation} AS t WHERE {part})")
_SAMPLE = sql.SQL("(SELECT * FROM {} AS t TABLESAMPLE SYSTEM ({}) REPEATABLE ({}))")
_ALL, _AND_STAYS, _AND_GOES = sql.SQL(""), sql.SQL(" AND l.stays"), sql.SQL(" AND l.stays IS NOT TRUE")
_NORMAL = sql.SQL("""lower(btrim({} COLLATE "C", E' \\t\\n\\r'))""")  # "C": alike on every server
_PLAIN = sql.SQL("SELECT {}::text AS leaf")
_NESTED = sql.SQL("""
SELECT node #>> '{{}}' AS leaf FROM jsonb_path_query({document}, '$.**') AS node
WHERE jsonb_typeof(node) IN ('string', 'number')
""")
_KEYS = sql.SQL("""
UNION ALL
SELECT key FROM jsonb_path_query({document}, '$.**') AS node
CROSS JOIN LATERAL jsonb_object_keys(CASE jsonb_typeof(node) WHEN 'object' THEN node ELSE '{{}}' END) AS key
""")
_WITHOUT = sql.SQL(
    "CASE jsonb_typeof({document}) WHEN 'object' THEN {document} - {members}::text[] ELSE {document} END"
)
_DOCUMENTS: Mapping[str, sql.SQL] = {
    "nested": sql.SQL("to_jsonb({column})"),
    "words": sql.SQL("to_jsonb(tsvector_to_array({column}))"),
    # json may hold what jsonb refuses; its strings and numbers are looked at as they are written
    "json": sql.SQL(
        "CASE WHEN pg_input_is_valid({column}::text, 'jsonb') THEN {column}::text::jsonb ELSE {scalars} END"
    ),
    # before PostgreSQL 16, which can ask
    "old json": sql.SQL("CASE WHEN {refused} THEN {scalars} ELSE {column}::text::jsonb END"),
}


@dataclass(frozen=True)
class Place:
    """A column whose values can be read, of any table or filled materialized view."""

    schema: str
    table: str
    column: str
    kind: str
    """`plain`, `number` or `octets`, or what it is made of: `nested` (array, composite, jsonb), `json`, `words`
    (tsvector)."""
    only: bool
    """Whether rows of inheritance children are to be left out."""
    derived: bool
    """Whether Postgres computes it from other columns: a materialized view's, a generated one."""
    labels: bool = False
    """Whether its values are labels of an enum: the type's words, which no row of another table got there."""
    form: str = "loose"
    """Whether a value as text may have blanks at its ends (`loose`) or never has (`tight`, `integer`, `dated`)."""
    without: tuple[str, ...] = ()
    """Members of a JSON object that do not count, because masking keeps them on purpose."""
    common: str = ""
    """Whether the values are words that unrelated columns hold as well; see `strategies.strategy`."""
    kept: sql.Composable | None = None
    """SQL condition on the row `t`: where it is true, the policy keeps the value on purpose."""
    inside: Inside = WHOLE
    """How single leaves count."""
    part: sql.Composable | None = None
    """SQL condition on the row `t`, where a part of the table is to be read alone."""
    percent: float = 100
    """Of the table's blocks, which are drawn by `sample`."""
    sample: int = 0
    unsaid: str = ""
    """Pattern of leaves that say nothing when they are found, because fakes of other rows look alike."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Schema, table, column."""
        return (self.schema, self.table, self.column)

    def __str__(self) -> str:
        return ".".join(self.key)

    @property
    def is_document(self) -> bool:
        """Whether its leaves may have names: JSON, hstore, composite values; arrays of all that, too."""
        return self.kind in _DOCUMENTS and self.kind != "words"

    def named(self, names: Sequence[str]) -> sql.Composed:
        """SELECT every leaf under members of such names as `v`, and that as `name`."""
        column = sql.Identifier("t", self.column)
        return LEAVES.format(
            normal=normal(sql.SQL("(leaf #>> '{}')")),
            relation=self._rows("NOT"),
            document=self._document(column),
            called=CALLED,
            names=sql.Literal(list(names)),
            column=column,
        )

    def values(self, *, keys: bool = False) -> sql.Composed:
        """SELECT every value as `v`: text, trimmed, lower case in ASCII; of nested ones every leaf.

        Args:
            keys: whether the keys of JSON objects count as well, and what is ASCII in octets that are no text.
        """
        found = self._values(self._rows("NOT"), keys=keys, which=_AND_GOES if self._some_stay else _ALL)
        if self.inside.staying is None:
            return found
        column = sql.Identifier("t", self.column)
        staying = _VALUES.format(
            normal=normal(sql.Identifier("l", "leaf")),
            relation=self._rows("NOT"),
            leaves=self._leaves(self.inside.staying, keys=False),
            column=column,
            which=_ALL,
        )
        return _EXCEPT.format(found=found, staying=staying)

    def kept_values(self) -> sql.Composed | None:
        """The same for the values that the policy keeps, or None where it keeps none."""
        kept: list[sql.Composable] = []
        if self.kept is not None:
            kept.append(self._values(self._rows(""), keys=False))
        if self._some_stay:
            kept.append(self._values(self._rows("NOT"), keys=False, which=_AND_STAYS))
        return sql.SQL(" UNION ALL ").join(kept) if kept else None

    @property
    def _some_stay(self) -> bool:
        return bool(self.inside.kept or self.inside.names)

    def _rows(self, wanted: str) -> sql.Composed:
        if self.kept is None:
            return self.relation
        return _ROWS.format(relation=self.relation, wanted=sql.SQL(wanted), kept=self.kept)

    @property
    def relation(self) -> sql.Composed:
        """What stands in FROM before `AS t`."""
        only = sql.SQL("ONLY " if self.only else "")
        whole = sql.SQL("{}{}").format(only, sql.Identifier(self.schema, self.table))
        if self.percent < 100:
            return _SAMPLE.format(whole, sql.Literal(self.percent), sql.Literal(self.sample))
        return whole if self.part is None else _PART.format(relation=whole, part=self.part)

    def _values(self, rows: sql.Composed, *, keys: bool, which: sql.SQL = _ALL) -> sql.Composed:
        column = sql.Identifier("t", self.column)
        return _VALUES.format(
            normal=normal(sql.Identifier("l", "leaf")),
            relation=rows,
            leaves=self._apart(self._leaves(column, keys=keys)),
            column=column,
            which=which,
        )

    def _apart(self, leaves: sql.Composable) -> sql.Composable:
        """The leaves, and the parts of those that are lists; with whether each stays on purpose."""
        if self.inside == WHOLE:
            return leaves
        whole = [self._stays(sql.Identifier("w", "leaf"))]
        parts: list[sql.Composable] = []
        stays = self._stays(sql.Identifier("u", "leaf"))
        for separator in map(sql.Literal, self.inside.separators):
            whole.append(_ALL_STAY.format(separator=separator, stays=stays))
            parts.append(_PARTS.format(leaves=leaves, separator=separator, stays=stays))
        return _LEAVES.format(leaves=leaves, stays=sql.SQL(" OR ").join(whole)) + sql.SQL("").join(parts)

    def _stays(self, leaf: sql.Composable) -> sql.Composable:
        names = sql.Literal([name.lower() for name in self.inside.names])
        return sql.SQL("({} OR {} = ANY ({}::text[]))").format(
            kept_value(self.inside.kept, sql.SQL("btrim({})").format(leaf)), normal(leaf), names
        )

    def _leaves(self, column: sql.Composable, *, keys: bool) -> sql.Composable:
        if self.kind == "octets":
            return octets.leaves(column, printed=keys)
        if self.kind not in _DOCUMENTS:
            return _PLAIN.format(column)
        document = self._document(column)
        return _NESTED.format(document=document) + (_KEYS.format(document=document) if keys else sql.SQL(""))

    def _document(self, column: sql.Composable) -> sql.Composed:
        """As jsonb."""
        text = sql.SQL("{}::text").format(column)
        document = _DOCUMENTS[self.kind].format(column=column, refused=refused_by_jsonb(text), scalars=scalars_of(text))
        if not self.without:
            return document
        return _WITHOUT.format(document=document, members=sql.Literal(list(self.without)))


def normal(text: sql.Composable) -> sql.Composed:
    """SQL for the form in which values are compared."""
    return _NORMAL.format(text)


def read_columns(conn: psycopg.Connection) -> tuple[Place, ...]:
    """Every column of every schema that can hold a value; partitions are read through their root."""
    return tuple(Place(*row) for row in conn.execute(COLUMNS))


def read_statistics(conn: psycopg.Connection) -> Iterator[tuple[str, list[str]]]:
    """Name and sampled values of each column, index and extended statistics."""
    for schema, table, columns, values in conn.execute(STATISTICS):
        yield ".".join((schema, table, *columns)), [value for value in values or () if value]


def hash_statistics(conn: psycopg.Connection, seed: int) -> Iterator[tuple[str, list[int]]]:
    """The same with the hashes of the values, which stay where they are."""
    known = {"v": normal(sql.Identifier("u", "v")), "seed": sql.Literal(seed), "statistics": sql.SQL(STATISTICS)}
    yield from conn.execute(_HASHED_STATISTICS.format(**known))
