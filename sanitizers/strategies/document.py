"""A JSON document, by path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from psycopg import sql
from pydantic import Field, field_validator

from sanitizers.json_text import refused_by_jsonb
from sanitizers.schema import Column
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.inner import InnerParts, Parts
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.leaves import Leaf, LeavesStrategy, columns, leaves
from sanitizers.strategies.null import Null
from sanitizers.strategies.paths import Condition, Path, exact_place, exact_ways, parse_path, place_pattern, way_pattern
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, not_unique, of

_OTHER, _WALK, _DROP, _KEEP, _NOTHING = -1, -2, -3, -4, -5
"""Fates of a node beside the numbers of the paths: the rest's strategy, look inside, leave out, as it is, JSON null."""

_DOCUMENT = sql.SQL("CASE WHEN {refused} THEN 'null'::jsonb ELSE {value}::text::jsonb END")

_WALKED = sql.SQL("""
WITH RECURSIVE "node" (place, path, key, value, kind, fate) AS (
  SELECT r.place, r.path, r.key, r.value, r.kind, {fate}
  FROM (SELECT ARRAY[1::bigint] AS place, '' AS path, NULL::text AS key, v.value, jsonb_typeof(v.value) AS kind
    FROM (SELECT {document} AS value OFFSET 0) AS v) AS r
  UNION ALL
  SELECT r.place, r.path, r.key, r.value, r.kind, {fate}
  FROM (SELECT p.place || c.n AS place, p.path || c.step AS path, c.key, c.value, jsonb_typeof(c.value) AS kind
    FROM "node" AS p CROSS JOIN LATERAL (
      SELECT m.key, m.value, row_number() OVER () AS n, '/.' || {name} AS step
      FROM jsonb_each(CASE p.kind WHEN 'object' THEN p.value ELSE '{{}}' END) AS m WHERE p.kind = 'object'
      UNION ALL
      SELECT NULL, e.value, e.n, '/[' || {conditions} || ']'
      FROM jsonb_array_elements(CASE p.kind WHEN 'array' THEN p.value ELSE '[]' END) WITH ORDINALITY AS e (value, n)
      WHERE p.kind = 'array'
    ) AS c WHERE p.fate = {walk}) AS r
)""")

_NAME = sql.SQL("replace(replace(m.key, {}, {}), '/', {})").format(
    sql.Literal("\\"), sql.Literal("\\\\"), sql.Literal("\\s")
)

# Opening brackets, leaves and closing brackets in the order of the document; a comma before all but what opens.
_BUILT = sql.SQL("""
({walked}
SELECT string_agg(CASE WHEN "token".comma THEN ',' || "token".text ELSE "token".text END, '' ORDER BY "token".place)
FROM (
  SELECT t.place, t.text, NOT t.closes AND NOT coalesce(lag(t.opens) OVER (ORDER BY t.place), true) AS comma
  FROM (
    SELECT "leaf".place, CASE WHEN "leaf".key IS NULL THEN '' ELSE to_json("leaf".key) || ':' END
        || {token} AS text,
      "leaf".fate = {walk} AS opens, false AS closes
    FROM (SELECT l.*{digests} FROM (
      SELECT q.*, {columns} FROM (SELECT n.*, n.value #>> '{{}}' AS scalar FROM "node" AS n) AS q
      WHERE q.fate <> {drop} OR q.key IS NULL OFFSET 0) AS l OFFSET 0) AS "leaf"
    UNION ALL
    SELECT n.place || 9223372036854775807, CASE n.kind WHEN 'object' THEN '}}' ELSE ']' END, false, true
    FROM "node" AS n WHERE n.fate = {walk}
  ) AS t
) AS "token")""")


class Document(LeavesStrategy):
    """Masks what `paths` name and drops all else: a member goes, an element of an array or the whole becomes null.

    `user.email`, `items[*].name`, `*.name` (every member), `**.phone` (at any depth), `attrs[key=email].value` (the
    elements whose `key` is `email`); the first path that fits wins. Strategies see strings as text, or as dates where
    they fit dates alone, and numbers as integers or decimals; what is of another kind than the strategy fits is
    dropped. null stays null, `keep` keeps a whole branch. `rest` may be `drop`, `keep`, or a strategy for every other
    string: other booleans then stay and other numbers are dropped. Names of members stay, those that wildcards pass,
    too. A json document that jsonb cannot hold (a null character, half a surrogate pair) becomes null as a whole; of
    members of the same name the last one counts.
    """

    kind: Literal["json"] = Field(default="json", alias="strategy")
    paths: InnerParts = Field(min_length=1)

    @field_validator("paths")
    @classmethod
    def _readable(cls, value: InnerParts) -> InnerParts:
        for text, _ in value:
            parse_path(text)
        return value

    @property
    def parts(self) -> Parts:
        """The strategies by path."""
        return self.paths

    @property
    def checks(self) -> tuple[Check, ...]:
        """JSON of either kind, and strategies that mask strings or numbers."""
        return (of("json"), self._parts_fit, not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """The document walked from the root, and written again as text."""
        walk = _Walk(self, inputs)
        raw = column.bare_type == "json"
        document = (
            _DOCUMENT.format(value=inputs.value, refused=refused_by_jsonb(sql.SQL("{}::text").format(inputs.value)))
            if raw
            else sql.SQL("{}::jsonb").format(inputs.value)
        )
        walked = _WALKED.format(
            document=document, fate=walk.fate(), name=_NAME, conditions=walk.conditions(), walk=sql.Literal(_WALK)
        )
        built = _BUILT.format(
            walked=walked,
            token=walk.token(),
            digests=walk.digests(),
            columns=columns(leaf for _, _, found in walk.masking() for leaf in found),
            walk=sql.Literal(_WALK),
            drop=sql.Literal(_DROP),
        )
        return sql.SQL("(CASE WHEN {} IS NOT NULL THEN {} END)").format(inputs.value, built)

    def _parts_fit(self, column: Column) -> str | None:  # noqa: ARG002
        for name, strategy in self.named:
            if not isinstance(strategy, Keep | Null | Constant) and not list(leaves(strategy, "")):
                return f"{name}: it masks neither strings nor numbers"
        return None


@dataclass(frozen=True)
class _Walk:
    """The SQL that depends on the paths."""

    document: Document
    inputs: Inputs

    def fate(self) -> sql.Composable:
        """What becomes of node `r`: the first path that fits, the way to another one, or the rest."""
        cases = [self._case(number) for number in range(len(self.document.paths))]
        container = sql.SQL("r.kind IN ('object', 'array')")
        if (way := self._way()) is not None:
            cases.append(sql.SQL("WHEN {} AND {} THEN {}").format(container, way, sql.Literal(_WALK)))
        match self.document.rest:
            case "drop":
                other: sql.Composable = sql.Literal(_DROP)
            case "keep":
                other = sql.Literal(_KEEP)
            case _:
                cases.append(sql.SQL("WHEN {} THEN {}").format(container, sql.Literal(_WALK)))
                cases.append(sql.SQL("WHEN r.kind IN ('null', 'boolean') THEN {}").format(sql.Literal(_KEEP)))
                cases.append(sql.SQL("WHEN r.kind = 'string' THEN {}").format(sql.Literal(_OTHER)))
                other = sql.Literal(_DROP)
        return sql.SQL("CASE {} ELSE {} END").format(sql.SQL(" ").join(cases), other)

    def _case(self, number: int) -> sql.Composable:
        _, strategy = self.document.paths[number]
        here = self._here(self._paths[number])
        if isinstance(strategy, Keep):
            return sql.SQL("WHEN {} THEN {}").format(here, sql.Literal(_KEEP))
        if isinstance(strategy, Null):
            return sql.SQL("WHEN {} THEN {}").format(here, sql.Literal(_NOTHING))
        kinds = {leaf.digest[-1] for leaf in leaves(strategy, "")}
        able = [kind for kind, letter in (("string", "s"), ("number", "n")) if letter in kinds]
        if isinstance(strategy, Constant):
            able = ["string", "number", "boolean"]
        fate = sql.SQL("CASE WHEN r.kind = 'null' THEN {} WHEN r.kind = ANY ({}::text[]) THEN {} ELSE {} END").format(
            sql.Literal(_KEEP), sql.Literal(able), sql.Literal(number), sql.Literal(_DROP)
        )
        return sql.SQL("WHEN r.kind NOT IN ('object', 'array') AND {} THEN {}").format(here, fate)

    def _here(self, path: Path) -> sql.Composable:
        """Whether node `r` is where a path leads; comparing costs a tenth of matching."""
        exact = exact_place(path.steps, self._conditions)
        if exact is None:
            return _at(place_pattern([path], self._conditions))
        return sql.SQL('r.path COLLATE "C" = {}').format(sql.Literal(exact))

    def _way(self) -> sql.Composable | None:
        """Whether a path leads through node `r`; None where none leads anywhere."""
        pattern = way_pattern(self._paths, self._conditions)
        exact = exact_ways(self._paths, self._conditions)
        if pattern is None or exact is None:
            return None if pattern is None else _at(pattern)
        return sql.SQL('r.path COLLATE "C" = ANY ({}::text[])').format(sql.Literal(exact))

    @property
    def _paths(self) -> list[Path]:
        return [parse_path(text) for text, _ in self.document.paths]

    @property
    def _conditions(self) -> list[Condition]:
        return list(dict.fromkeys(condition for path in self._paths for condition in path.conditions))

    def conditions(self) -> sql.Composable:
        """The numbers of the conditions that element `e` fulfils, each with a comma."""
        tests = [
            sql.SQL("CASE WHEN e.value ->> {} = {} THEN {} ELSE '' END").format(
                sql.Literal(key), sql.Literal(value), sql.Literal(f"{number},")
            )
            for number, (key, value) in enumerate(self._conditions)
        ]
        return sql.SQL(" || ").join(tests) if tests else sql.SQL("''")

    def digests(self) -> sql.Composable:
        """A column for each strategy and type: computed where the node's fate is that strategy."""
        columns = [
            sql.SQL(", CASE WHEN l.fate = {} THEN {} END AS {}").format(
                sql.Literal(fate), leaf.drawn("l"), sql.Identifier(leaf.digest)
            )
            for fate, _, found in self.masking()
            for leaf in found
        ]
        return sql.SQL("").join(columns)

    def token(self) -> sql.Composable:
        """The text of node `leaf`."""
        cases = [
            sql.SQL("WHEN {} THEN CASE \"leaf\".kind WHEN 'object' THEN '{{' ELSE '[' END").format(sql.Literal(_WALK)),
            sql.SQL('WHEN {} THEN "leaf".value::text').format(sql.Literal(_KEEP)),
        ]
        for fate, strategy, found in self.masking():
            tokens = [leaf.token(self.inputs, "leaf") for leaf in found]
            if isinstance(strategy, Constant):
                tokens = [sql.Literal(json.dumps(strategy.value))]
            made = sql.SQL("coalesce({}, 'null')").format(sql.SQL(", ").join(tokens))
            cases.append(sql.SQL("WHEN {} THEN {}").format(sql.Literal(fate), made))
        return sql.SQL("CASE \"leaf\".fate {} ELSE 'null' END").format(sql.SQL(" ").join(cases))

    def masking(self) -> Iterator[tuple[int, MaskingStrategy, list[Leaf]]]:
        """Every fate that is a strategy's, the strategy, and what it masks."""
        numbered = [(number, strategy) for number, (_, strategy) in enumerate(self.document.paths)]
        if isinstance(self.document.rest, MaskingStrategy):
            numbered.append((_OTHER, self.document.rest))
        for fate, strategy in numbered:
            if not isinstance(strategy, Keep | Null):
                yield fate, strategy, list(leaves(strategy, f"digest {fate} "))


def _at(pattern: str) -> sql.Composable:
    return sql.SQL('r.path COLLATE "C" ~ {}').format(sql.Literal(pattern))
