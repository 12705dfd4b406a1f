"""SQL that people write in a policy: conditions and expressions over the row's own columns, and nothing else. Pure.

Postgres judges types and volatility when the plan is tried on the database (`sanitizers.trial`); here it is made sure
that the text is one expression, and that it reads no other table and calls no function but well-known harmless ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_TOKEN = re.compile(
    r"""\s+
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<word>[^\W\d]\w*)
    | (?P<number>\d[\w.]*)
    | (?P<cast>::)
    | (?P<open>[(\[]) | (?P<close>[)\]])
    | (?P<sign>[-+*/%<>=~!@\#^&|?.,:]+)
    """,
    re.VERBOSE,
)

KEYWORDS = frozenset(
    ["and", "or", "not", "is", "null", "true", "false", "unknown", "distinct", "from", "between", "symmetric", "in", "like", "ilike", "similar", "to", "escape", "case", "when", "then", "else", "end", "any", "all", "some", "array", "collate", "at", "time", "zone", "cast", "as", "interval", "date", "timestamp", "timestamptz", "using", "for", "both", "leading", "trailing", "year", "month", "day", "hour", "minute", "second", "epoch", "row", "coalesce", "nullif", "greatest", "least", "current_date", "current_timestamp", "with", "without", "varying", "character", "double", "precision"]
)
"""Words of expressions that name neither a column nor a function."""

FUNCTIONS = frozenset(
    ["abs", "age", "array_length", "array_position", "array_to_string", "btrim", "cardinality", "ceil", "char_length", "coalesce", "concat", "concat_ws", "date_part", "date_trunc", "decode", "encode", "extract", "family", "floor", "format", "greatest", "host", "initcap", "isfinite", "jsonb_array_length", "jsonb_build_object", "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_typeof", "least", "left", "length", "lower", "lower_inc", "lpad", "ltrim", "make_date", "make_interval", "md5", "mod", "network", "nullif", "octet_length", "overlay", "position", "regexp_match", "regexp_replace", "repeat", "replace", "reverse", "right", "round", "rpad", "rtrim", "set_masklen", "setweight", "sign", "split_part", "starts_with", "strpos", "substr", "substring", "to_char", "to_date", "to_jsonb", "to_number", "to_timestamp", "to_tsvector", "translate", "trim", "trunc", "upper", "upper_inc", "width_bucket", "in", "any", "all", "some", "cast", "interval", "varchar", "char", "numeric", "decimal", "bit", "values"]
)
"""Functions that depend on nothing but their arguments (and the session's settings, which the run fixes)."""

FORBIDDEN = frozenset({"select", "with", "table", "insert", "update", "delete", "into", "over", "within", "filter"})


def condition_problem(text: str, columns: Collection[str]) -> str | None:
    """Why the text is no expression over these columns, as half a sentence, or None."""
    try:
        tokens = list(_tokens(text))
    except ValueError as error:
        return str(error)
    if not tokens:
        return "it is empty"
    if not _balanced(tokens):
        return "its brackets do not match"
    return next(_unknown(tokens, frozenset(columns)), None)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or ("--" in match[0] and match.lastgroup == "sign") or "/*" in match[0]:
            raise ValueError(f"{text[at : at + 1]!r} cannot stand in an expression")
        at = match.end()
        if match.lastgroup:
            yield match.lastgroup, match[0]


def _balanced(tokens: list[tuple[str, str]]) -> bool:
    depth = 0
    for kind, _ in tokens:
        depth += (kind == "open") - (kind == "close")
        if depth < 0:
            return False
    return depth == 0


def _unknown(tokens: list[tuple[str, str]], columns: frozenset[str]) -> Iterator[str]:
    """What is neither a column nor a harmless function, keyword or type."""
    for number, (kind, text) in enumerate(tokens):
        before = tokens[number - 1] if number else ("", "")
        after = tokens[number + 1] if number + 1 < len(tokens) else ("", "")
        name = text[1:-1].replace('""', '"') if kind == "quoted" else text.lower()
        if kind not in {"word", "quoted"} or before[0] == "cast" or (before[0] == "sign" and before[1].endswith(".")):
            continue
        if kind == "word" and name in FORBIDDEN:
            yield f"{text} cannot stand in an expression: it may read this row alone"
        elif after == ("open", "("):
            if kind == "quoted" or name not in FUNCTIONS | KEYWORDS:
                yield f"{text}() is not one of the functions that may be called"
        elif name not in columns and not (kind == "word" and name in KEYWORDS | FUNCTIONS):
            yield f"there is no column {name}"
        elif after[0] == "sign" and after[1].startswith(".") and name not in columns:
            yield f"{text}. cannot stand in an expression: it may read this row alone"
