"""Column names and types → classes of personal data. Pure; looks at no value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sanitizers.detect.vocabulary import Vocabulary, runs, singular, tokens
from sanitizers.schema import Category, Column, Table

ALWAYS_BELIEVED: frozenset[Category] = frozenset({"text", "array"})
PERSONAL_ENOUGH = 2  # columns of these classes make a table one of people, whatever its name is
PERSON_MARKS = frozenset({"first_name", "last_name", "email", "phone", "password", "date_of_birth"})
ADDRESS_MARKS = frozenset({"street_address", "city", "postal_code"})
ONLY_IN_ADDRESSES = frozenset({"state", "district"})
PLACES = frozenset({"location_text", "street_address", "birth_place", "city"})
PLACE_TYPES = frozenset({"point", "geometry", "geography"})
ROWS_OWN = frozenset({"id", "session", "sid"})
"""What a uuid is called that says which row is meant: as a credential it would break joins that nobody declared."""
EMBEDDINGS = frozenset({"vector", "halfvec", "sparsevec"})
UNDERSTOOD = PLACE_TYPES | EMBEDDINGS | {"hstore"}


@dataclass(frozen=True)
class Classified:
    """A column, its class of the taxonomy or None, and the reason in a few words."""

    column: Column
    pii_class: str | None
    reason: str


def classify(table: Table, vocabulary: Vocabulary) -> tuple[Classified, ...]:
    """Classify every column of a table, each in the light of the table's name and of its neighbours."""
    return classify_columns(table.name, table.columns, vocabulary)


def classify_columns(name: str, columns: Sequence[Column], vocabulary: Vocabulary) -> tuple[Classified, ...]:
    """Classify the columns of a table, or the attributes of a composite type, that is called `name`."""
    parts = tokens(name)
    first = [_by_name(column, vocabulary) for column in columns]
    found = {c.pii_class for c in first}
    letter = any(singular("".join(tokens(column.name))) in vocabulary.names["letter"] for column in columns)
    role = _role(parts, vocabulary, found)
    known = tuple(_in_context(c, role, vocabulary, found) for c in first)
    return tuple(_in_letter(c, vocabulary) for c in known) if letter else known


def _role(parts: tuple[str, ...], vocabulary: Vocabulary, found: set[str | None]) -> str:
    """`person`, `organisation` or empty. The last word of a table's name is what its rows are."""
    if parts and singular(parts[-1]) in vocabulary.tables["other"]:
        return ""
    of_people = len(found & PERSON_MARKS) >= PERSONAL_ENOUGH
    for run in runs(parts):
        roles = [role for role in ("organisation", "person") if run.squeezed in vocabulary.tables[role]]
        if roles:
            return roles[-1 if of_people else 0]
    return "person" if of_people else ""


def _by_name(column: Column, vocabulary: Vocabulary) -> Classified:
    parts = _without_affixes(tokens(column.name), vocabulary)
    if (name := vocabulary.whole.get(singular("".join(parts)))) and _believed(column, name, vocabulary):
        return Classified(column, name, f"it is called {column.name}")
    if _is_persons_name(parts, vocabulary) and _believed(column, "person_name", vocabulary):
        return Classified(column, "person_name", f"a person stands before 'name' in {column.name}")
    for run in runs(parts):
        name = vocabulary.words.get(run.squeezed) or vocabulary.words.get(singular(run.squeezed.rstrip("0123456789")))
        if name and not _is_about(run.rest, vocabulary) and _believed(column, name, vocabulary):
            return Classified(column, name, f"{str(run)!r} in its name")
        if not run.rest and run.squeezed in vocabulary.names["heads"] and not _named_whole(parts, vocabulary):
            return Classified(column, None, f"its name ends in {str(run)!r}")
    return _by_type(column, parts, vocabulary)


def _is_persons_name(parts: tuple[str, ...], vocabulary: Vocabulary) -> bool:
    """Whether it is somebody's name: `reporter_name`; `user_name` is a class of its own."""
    if parts[-1:] != ("name",) or singular("".join(parts)) in vocabulary.words:
        return False
    return any(run.squeezed in vocabulary.tables["person"] for run in runs(parts[:-1]) if not run.rest)


def _named_whole(parts: tuple[str, ...], vocabulary: Vocabulary) -> bool:
    """Whether words that reach to the end of the name are of a class: `national_id` although `id` is a head."""
    return any(run.squeezed in vocabulary.words for run in runs(parts) if not run.rest)


def _without_affixes(parts: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    kept = tuple(part for part in parts if part not in vocabulary.names["affixes"])
    return kept if kept and len(parts) > 1 else parts


def _is_about(rest: tuple[str, ...], vocabulary: Vocabulary) -> bool:
    """Whether the words behind a match say that the column is only about it: `email_verified`."""
    return any(run.squeezed in vocabulary.names["heads"] for run in runs(rest))


def _believed(column: Column, name: str, vocabulary: Vocabulary) -> bool:
    if column.references and column.category != "text":
        return False
    if _unheard_of(column):
        return True
    if column.category == "uuid" and name == "auth_token" and {*tokens(column.name)[-1:]} <= ROWS_OWN:
        return False
    kinds = {column.category, *({column.subtype.category} if column.subtype else ())}
    return bool(kinds & (ALWAYS_BELIEVED | vocabulary.types.get(name, frozenset())))


def _unheard_of(column: Column) -> bool:
    """Whether the type is an extension's or somebody's own, of which only the name is known: it may hold any text."""
    foreign = column.kind == "b" and column.category == "other" and column.type_name[0] != "pg_catalog"
    return foreign and column.bare_type not in UNDERSTOOD


def _by_type(column: Column, parts: tuple[str, ...], vocabulary: Vocabulary) -> Classified:
    """What the type alone says, its own or that of an array's elements."""
    name, reason = next(_signs(column, parts, vocabulary), (None, "nothing personal in name and type"))
    return Classified(column, name, reason)


def _signs(column: Column, parts: tuple[str, ...], vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    value = column.inner or column
    if value.category == "inet":
        yield "ip_address", f"the type is {column.type}"
    if value.bare_type.startswith("macaddr"):
        yield "mac_address", f"the type is {column.type}"
    if value.bare_type == "tsvector":
        yield "free_text", "a search index holds the words of the text"
    if value.bare_type in EMBEDDINGS:
        yield "free_text", "the text of an embedding can be guessed from it"
    technical = any(run.squeezed in vocabulary.names["technical"] for run in runs(parts))
    if (value.category in {"json", "bytea"} or value.bare_type in {"hstore", "xml"}) and not technical:
        yield "payload", f"{column.type} of unknown content"
    yield from _signs_of_numbers(column, parts, vocabulary)
    inside = [c for c in classify_columns(value.bare_type, value.attributes, vocabulary) if c.pii_class]
    if inside:
        yield "payload", f"its type has {', '.join(c.column.name for c in inside)}"


def _signs_of_numbers(column: Column, parts: tuple[str, ...], vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """Points and arrays are places and embeddings only where they are called so."""
    value = column.inner or column
    if column.inner is not None and value.category == "number" and _ends_in(parts, vocabulary.names["embedding"]):
        yield "free_text", "the text of an embedding can be guessed from it"
    placed = any(vocabulary.words.get(run.squeezed) in PLACES for run in runs(parts))
    if value.bare_type in PLACE_TYPES and (placed or _ends_in(parts, vocabulary.names["geographic"])):
        yield "geo_point", f"it is called {column.name} and the type is {column.type}"


def _ends_in(parts: tuple[str, ...], words: frozenset[str]) -> bool:
    return any(run.squeezed in words for run in runs(parts) if not run.rest)


def _in_letter(before: Classified, vocabulary: Vocabulary) -> Classified:
    """`to` and `from`, which are anything elsewhere."""
    column = before.column
    name = vocabulary.letter.get(singular("".join(tokens(column.name))))
    if before.pii_class is not None or name is None or not _believed(column, name, vocabulary):
        return before
    return Classified(column, name, f"{column.name} in a table of letters")


def _in_context(before: Classified, role: str, vocabulary: Vocabulary, found: set[str | None]) -> Classified:
    """Decide what the name alone leaves open: `name`, `state`, `description`."""
    column, whole = before.column, singular("".join(tokens(before.column.name)))
    if before.pii_class == "region" and whole in ONLY_IN_ADDRESSES and not found & ADDRESS_MARKS:
        return Classified(column, None, f"a {whole} without an address beside it")
    if before.pii_class not in {None, "last_name", "org_name", "first_name"} or not role:
        return before
    words = vocabulary.person if role == "person" else vocabulary.organisation
    name = words.get(whole)
    if name in PLACES and column.bare_type in PLACE_TYPES:
        return Classified(column, "geo_point", f"{column.name} in a table of people, and the type is {column.type}")
    if name is None or not _believed(column, name, vocabulary) or before.pii_class == "first_name":
        return before
    return Classified(column, name, f"{column.name} in a table of {'people' if role == 'person' else 'organisations'}")
