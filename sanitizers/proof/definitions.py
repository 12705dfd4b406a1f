"""The definitions of a database's objects, and how to take values out of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import psycopg

from sanitizers.deparse import DEPARSE

DEFINITIONS = """
WITH RECURSIVE label AS (
  SELECT enumtypid AS enum, enumlabel FROM pg_enum
),
spoken (enum, type) AS (
  SELECT DISTINCT enum, enum FROM label
  UNION
  SELECT s.enum, t.oid FROM spoken s JOIN pg_type o ON o.oid = s.type
  JOIN pg_type t ON t.typbasetype = o.oid OR t.oid = o.typarray
),
speaker (class, object, enum) AS (
  SELECT 'pg_type'::regclass, type, enum FROM spoken
  UNION
  SELECT CASE WHEN v.oid IS NULL THEN d.classid::regclass ELSE 'pg_class'::regclass END,
    coalesce(v.ev_class, d.objid), s.enum
  FROM spoken s JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = s.type
  LEFT JOIN pg_rewrite v ON d.classid = 'pg_rewrite'::regclass AND v.oid = d.objid AND v.rulename = '_RETURN'
),
labelled AS (
  SELECT class, object, array_agg(DISTINCT enumlabel::text) AS labels FROM speaker JOIN label USING (enum) GROUP BY 1, 2
),
definition (class, object, body) AS (
  SELECT 'pg_attrdef'::regclass, oid, pg_get_expr(adbin, adrelid) FROM pg_attrdef
  UNION ALL
  SELECT 'pg_constraint'::regclass, oid, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('c', 'x')
  UNION ALL
  SELECT 'pg_class'::regclass, oid, pg_get_viewdef(oid) FROM pg_class WHERE relkind IN ('v', 'm')
  UNION ALL
  SELECT 'pg_class'::regclass, oid, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relpartbound IS NOT NULL
  UNION ALL
  SELECT 'pg_class'::regclass, indexrelid, pg_get_indexdef(indexrelid) FROM pg_index
  WHERE indexprs IS NOT NULL OR indpred IS NOT NULL
  UNION ALL
  SELECT 'pg_proc'::regclass, oid,
    concat_ws(' ', (SELECT string_agg(quote_literal(substr(c, strpos(c, '=') + 1)), ' ') FROM unnest(proconfig) AS c),
      prosrc, pg_get_function_sqlbody(oid), pg_get_function_arguments(oid))
  FROM pg_proc
  UNION ALL
  SELECT 'pg_proc'::regclass, aggfnoid::oid, concat_ws(' ', quote_literal(agginitval), quote_literal(aggminitval))
  FROM pg_aggregate
  UNION ALL
  SELECT 'pg_policy'::regclass, oid,
    concat_ws(' ', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
  FROM pg_policy
  UNION ALL
  SELECT 'pg_rewrite'::regclass, oid, pg_get_ruledef(oid) FROM pg_rewrite WHERE rulename <> '_RETURN'
  UNION ALL
  SELECT 'pg_trigger'::regclass, oid, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL
  SELECT 'pg_type'::regclass, oid, coalesce(pg_get_expr(typdefaultbin, 0), quote_literal(typdefault))
  FROM pg_type WHERE typdefault IS NOT NULL
  UNION ALL
  SELECT 'pg_type'::regclass, enumtypid, quote_literal(enumlabel) FROM pg_enum
  UNION ALL
  SELECT 'pg_statistic_ext'::regclass, oid, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
  UNION ALL
  -- by way of jsonb: PostgreSQL 14 has no row filters
  SELECT 'pg_publication'::regclass, p.oid, to_jsonb(t) ->> 'rowfilter'
  FROM pg_publication_tables t JOIN pg_publication p USING (pubname)
),
remark (class, object, part, body) AS (
  SELECT classoid::regclass, objoid, objsubid, quote_literal(description) FROM pg_description
  UNION ALL
  SELECT classoid::regclass, objoid, objsubid, quote_literal(label) FROM pg_seclabel
  UNION ALL
  SELECT classoid::regclass, objoid, 0, quote_literal(description) FROM pg_shdescription
  WHERE classoid = 'pg_authid'::regclass
    OR (classoid, objoid) = ('pg_database'::regclass, (SELECT oid FROM pg_database WHERE datname = current_database()))
  UNION ALL
  SELECT class, object, part,
    (SELECT string_agg(quote_literal(substr(o, strpos(o, '=') + 1)), ' ') FROM unnest(options) o)
  FROM (
    SELECT 'pg_foreign_server'::regclass, oid, 0, srvoptions FROM pg_foreign_server
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwoptions FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_class'::regclass, ftrelid, 0, ftoptions FROM pg_foreign_table
    UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, attfdwoptions FROM pg_attribute
      WHERE attfdwoptions IS NOT NULL
  ) AS foreign_thing (class, object, part, options)
)
SELECT coalesce(pg_describe_object(class, object, part), 'an object'), body, coalesce(labels, '{}'), remark FROM (
  SELECT class, object, 0, body, labels, false FROM definition LEFT JOIN labelled USING (class, object)
  UNION ALL SELECT class, object, part, body, NULL, true FROM remark
) AS d (class, object, part, body, labels, remark)
WHERE object >= 16384 AND body <> '' AND NOT EXISTS (
  SELECT FROM pg_depend e WHERE e.classid = d.class AND e.objid = d.object AND e.deptype = 'e')
UNION ALL
SELECT 'the settings of ' || coalesce('role ' || rolname, 'the database'), (
  SELECT string_agg(quote_literal(substr(c, strpos(c, '=') + 1)), ' ') FROM unnest(setconfig) AS c), '{}', false
FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole
WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY 1, 4 DESC, 2
"""
"""What each object is called, its text, the labels of the enums that it speaks of, and whether that is a comment, which
comes first; the objects of extensions and of Postgres itself are nobody's data."""

LITERAL = re.compile(r"'((?:[^']|'')*)'")
REMARK = re.compile(r"--([^\n]*)|/\*(.*?)\*/", re.DOTALL)
CODE = re.compile(r"[a-z_-]+")
WORD = re.compile(r"[^\s'\"(),;<>=]+")
MANY_DIGITS = 7  # of a word that looks like a number
LONGEST_PHRASE = 6  # words

LABELS = "SELECT DISTINCT enumlabel FROM pg_enum"


@dataclass(frozen=True)
class Definition:
    """What an object is called, with its schema, and its text."""

    name: str
    text: str
    labels: frozenset[str]
    """Labels of enums that are nobody's data here: the object is the enum, or depends on it."""


def read_definitions(conn: psycopg.Connection) -> tuple[Definition, ...]:
    """Every definition of the database, with all that is said of an object under its one name.

    Where labels are excused in the definition alone, its comment is apart.
    """
    with conn.transaction(force_rollback=True):
        conn.execute(DEPARSE)
        rows = conn.execute(DEFINITIONS).fetchall()
    texts: dict[tuple[str, frozenset[str]], list[str]] = {}
    for name, text, labels, _ in rows:
        texts.setdefault((name, _words(labels)), []).append(text or "")
    excusing = {name for name, labels in texts if labels}
    # Comments come first: their quotes are even, those of a function's body may not be and would hide what follows.
    return tuple(
        Definition(name if labels or name not in excusing else f"{name} (comment)", "\n".join(found), labels)
        for (name, labels), found in texts.items()
    )


def read_labels(conn: psycopg.Connection) -> frozenset[str]:
    """The labels of all enums that are words of the schema, not of a row."""
    return _words(label for (label,) in conn.execute(LABELS))


def _words(labels: Iterable[str]) -> frozenset[str]:
    """Those that are one word and no address or number."""
    return frozenset(label for label in labels if label.split() == [label] and not _telling(label))


def literals(text: str, labels: Collection[str] = ()) -> Iterator[str]:
    """Quoted literals of a definition; of them and of remarks in code, words that look like an address or a number.

    Phrases in both as well, such as the name in 'ask Anna Meyer'. A literal of one lower-case word is code ('pending',
    'plpgsql'), and equal to somebody's note by chance: left out, as are `labels`.
    """
    for match in LITERAL.finditer(text):
        literal = match[1].replace("''", "'")
        yield from [literal] if literal not in labels and not CODE.fullmatch(literal) else []
        yield from _inside(literal)
    for remark in REMARK.finditer(text):
        yield from _inside(remark[1] or remark[2] or "")


def _inside(text: str) -> Iterator[str]:
    words = WORD.findall(text)
    yield from filter(_telling, words)
    names = [word.strip(".:!?") for word in words]
    for first, word in enumerate(names):
        if _opens(word):
            ends = range(first + 1, min(first + LONGEST_PHRASE, len(names)))
            yield from (" ".join(names[first : last + 1]) for last in ends if _opens(names[last]))


def _opens(word: str) -> bool:
    """Whether a name, a street or a number may begin or end with it: 'in progress' is everybody's."""
    return word[:1].isupper() or any(map(str.isdigit, word))


def _telling(word: str) -> bool:
    return "@" in word or sum(map(str.isdigit, word)) >= MANY_DIGITS
