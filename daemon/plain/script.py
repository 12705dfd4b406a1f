"""The text of a schema-only pg_dump → what must succeed, what may fail, what is left out. Pure.

pg_dump begins every statement at the start of a line and indents what follows, and its output format is stable.
Literals, bodies of functions and quoted names are masked out before a statement is looked for, so that lines within
them are no statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPAQUE = re.compile(
    r"--[^\n]*|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)", re.DOTALL
)
_OPTIONAL = re.compile(
    r"^(?:ALTER (?!EVENT TRIGGER)[A-Z ]+ [^;\n]+ OWNER TO [^;\n]+|GRANT [^;]+|REVOKE [^;]+"
    r"|ALTER DEFAULT PRIVILEGES [^;]+|SET SESSION AUTHORIZATION [^;]+|RESET SESSION AUTHORIZATION"
    r"|COMMENT ON (?:EXTENSION|SCHEMA) [^;]+|SECURITY LABEL [^;]+|(?:CREATE|ALTER) PUBLICATION [^;]+);$",
    re.MULTILINE,
)
_UNWANTED = re.compile(
    r"^(?:(?:CREATE|ALTER) USER MAPPING [^;]+|(?:CREATE|ALTER) SUBSCRIPTION [^;]+|(?:CREATE|ALTER) EVENT TRIGGER [^;]+"
    r"|COMMENT ON EVENT TRIGGER [^;]+|SET transaction_timeout = 0);$|^\\(?:un)?restrict [^\n]*$",
    re.MULTILINE,
)
_SCHEMA = re.compile(r"^CREATE SCHEMA (?=[^\n]+;$)", re.MULTILINE)
_EVENT_TRIGGER = re.compile(r"^CREATE EVENT TRIGGER (\S+)", re.MULTILINE)
_HEADER = re.compile(r"^--\n-- Name: (?P<name>[^\n]*); Type: (?P<type>[A-Z ]+); Schema: [^\n]*\n--$", re.MULTILINE)
_COMMENT = re.compile(r"^--[^\n]*\n?", re.MULTILINE)
_COMMENTED = re.compile(r"COMMENT ON ((?:EXTENSION|SCHEMA) (?:\"(?:[^\"]|\"\")+\"|[\w$]+)) ")
_ROLE = re.compile(r" (?:OWNER TO|TO|FROM|FOR ROLE) (\"(?:[^\"]|\"\")+\"|[\w$]+)(?: WITH GRANT OPTION)?(?: IN |;|$)")


@dataclass(frozen=True)
class Script:
    """A dump taken apart."""

    required: str
    """Statements that run as one text, in one transaction."""
    optional: tuple[str, ...]
    """Owners, privileges, publications, comments on what may be there already and the like.

    Each is left out where the target has not got what it names, or the role may not do it.
    """
    event_triggers: tuple[str, ...]
    """Names of those that are left out: they would fire on the run's own statements."""


def read_script(dump: str) -> Script:
    """Take a dump apart. User mappings and subscriptions go: a copy must not call production's neighbours."""
    masked = _masked(dump)
    cut = sorted((*_found(_OPTIONAL, masked), *_found(_UNWANTED, masked)))
    kept = _without(dump, cut)
    return Script(
        required=_if_not_exists(kept),
        optional=tuple(dump[start:end] for start, end in _found(_OPTIONAL, masked)),
        event_triggers=tuple(dump[m.start(1) : m.end(1)] for m in _EVENT_TRIGGER.finditer(masked)),
    )


@dataclass(frozen=True)
class Entry:
    """The statements about one object; what stands before the first object has no name."""

    name: str
    """For people: `EXTENSION hstore`, `CAST (integer AS boolean)`."""
    text: str

    @property
    def statement(self) -> str:
        """The text without pg_dump's comments around it, in one line."""
        return " ".join(_COMMENT.sub("", self.text).split()).rstrip(";")


def entries(required: str) -> Iterator[Entry]:
    """The required statements object by object, as pg_dump's own headings part them."""
    masked = _masked(required)  # within a literal the end of a line is masked, so that nothing there is a heading
    found = [m for m in _HEADER.finditer(required) if m.start() == 0 or masked[m.start() - 1] == "\n"]
    ends = [*(m.start() for m in found), len(required)]
    yield Entry("", required[: ends[0]])
    for heading, end in zip(found, ends[1:], strict=True):
        kind, name = heading["type"], heading["name"]
        yield Entry(name if name.startswith(f"{kind} ") else f"{kind} {name}", required[heading.start() : end])


def subject_of(statement: str) -> str:
    """The role or the object that an optional statement speaks of, as it is written; never the words of a comment."""
    if comment := _COMMENTED.match(statement):
        return f"the comment on {comment[1]}"
    found = None if statement.startswith("SECURITY LABEL ") else _ROLE.search(statement)
    return found[1] if found else "a publication or a label"


def _masked(text: str) -> str:
    """The text with everything that is no code filled up, at the same positions."""
    return _OPAQUE.sub(lambda found: re.sub(r"[^\n]", "x", found[0]).replace("\n", "x"), text)


def _found(pattern: re.Pattern[str], masked: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in pattern.finditer(masked))


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    parts, position = [], 0
    for start, end in spans:
        parts.append(text[position:start])
        position = end
    return "".join([*parts, text[position:]])


def _if_not_exists(text: str) -> str:
    """Every database has a schema `public` already, and some dumps make one."""
    starts = [match.end() for match in _SCHEMA.finditer(_masked(text))]
    for start in reversed(starts):
        text = f"{text[:start]}IF NOT EXISTS {text[start:]}"
    return text
