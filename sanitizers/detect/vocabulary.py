"""The words that classification goes by, handed in as parsed TOML (`config/pii/*.toml`), a file per language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sanitizers.errors import PolicyError
from sanitizers.schema import Category

Words = tuple[str, ...]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassWords(_Model):
    """The words of one class of personal data; see config/pii/en.toml for what each list means."""

    words: Words = ()
    whole: Words = ()
    person: Words = ()
    organisation: Words = ()
    letter: Words = ()
    types: tuple[Category, ...] = ()


class TableWords(_Model):
    """Words in the names of tables."""

    person: Words = ()
    organisation: Words = ()
    other: Words = ()


class NameWords(_Model):
    """Words in the names of columns that belong to no class."""

    heads: Words = ()
    technical: Words = ()
    affixes: Words = ()
    geographic: Words = ()
    embedding: Words = ()
    letter: Words = ()


class VocabularyFile(_Model):
    """One file."""

    tables: TableWords = TableWords()
    names: NameWords = NameWords()
    classes: dict[str, ClassWords] = Field(default_factory=dict)


@dataclass(frozen=True)
class Vocabulary:
    """All files together. Every word is written as `squeeze` does; the maps lead from a word to its class."""

    words: Mapping[str, str]
    whole: Mapping[str, str]
    person: Mapping[str, str]
    organisation: Mapping[str, str]
    letter: Mapping[str, str]
    types: Mapping[str, frozenset[Category]]
    tables: Mapping[str, frozenset[str]]
    """Keys: person, organisation, other."""
    names: Mapping[str, frozenset[str]]
    """Keys: heads, technical, affixes."""


def merge_vocabularies(documents: Iterable[Mapping[str, Any]]) -> Vocabulary:
    """One vocabulary out of several parsed files; where two give a word to different classes, the first one has it.

    Raises:
        PolicyError: a file has a key that there is not.
    """
    try:
        files = [VocabularyFile.model_validate(document) for document in documents]
    except ValidationError as error:
        raise PolicyError(f"a vocabulary of personal data is not well-formed: {error}") from error
    types: dict[str, frozenset[Category]] = {}
    for name, entry in (pair for file in files for pair in file.classes.items()):
        types[name] = types.get(name, frozenset()) | set(entry.types)
    return Vocabulary(
        **{kind: _to_class(files, kind) for kind in ("words", "whole", "person", "organisation", "letter")},
        types=types,
        tables={key: _squeezed(getattr(f.tables, key) for f in files) for key in TableWords.model_fields},
        names={key: _squeezed(getattr(f.names, key) for f in files) for key in NameWords.model_fields},
    )


def _to_class(files: Iterable[VocabularyFile], kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in files:
        for name, entry in file.classes.items():
            for word in getattr(entry, kind):
                found.setdefault(squeeze(word), name)
    return found


def _squeezed(lists: Iterable[Words]) -> frozenset[str]:
    return frozenset(squeeze(word) for words in lists for word in words)


def tokens(name: str) -> tuple[str, ...]:
    """The words of a name: `homePhone_2` → home, phone, 2. Accents and case are gone."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return tuple(part.lower() for part in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", plain))


def squeeze(words: str) -> str:
    """Words as one, singular: `First Names` → firstname."""
    return singular("".join(tokens(words)))


def singular(word: str) -> str:
    """Without the plural s, roughly; the same for words and for names, so that it need not be right."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@dataclass(frozen=True)
class Run:
    """Some words in a row, out of the words of a name."""

    words: tuple[str, ...]
    rest: tuple[str, ...]
    """The words behind them."""

    @property
    def squeezed(self) -> str:
        """As `squeeze` writes them."""
        return singular("".join(self.words))

    def __str__(self) -> str:
        return " ".join(self.words)


def runs(parts: tuple[str, ...]) -> Iterator[Run]:
    """Every run of words, best first: the nearer to the end, then the longer."""
    for end in range(len(parts), 0, -1):
        yield from (Run(parts[start:end], parts[end:]) for start in range(end))
