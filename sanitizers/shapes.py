"""What types are made of: the elements of arrays, the attributes of composite types, the bounds of ranges. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sanitizers.catalog import Row
from sanitizers.columns import Column

_LENGTH = re.compile(r"(?:character varying|character)\((\d+)\)")


def structure(types: Mapping[int, Row], oid: int, text: str, within: frozenset[int] = frozenset()) -> dict[str, Any]:
    """What a type that is no domain is made of, as the last fields of a Column.

    Args:
        types: the catalog's types by oid.
        oid: the type.
        text: how it is written, modifier included: an array's is that of its elements.
        within: the types that this one is a part of; a table's row type may hold an array of itself.
    """
    row, inside = types[oid], within | {oid}

    def part(name: str, of: int, written: str) -> Column | None:
        return None if not of or of in inside else _part(types, Written(name, of, written), inside)

    attributes = (part(name, of, written) for name, of, written in row["attributes"])
    return {
        "kind": row["kind"],
        "type_name": (row["schema"], row["name"]),
        "labels": tuple(row["labels"]),
        "element": part("element", row["element"], _element(types, row, text)),
        "attributes": tuple(a for a in attributes if a is not None),
        "subtype": part("bound", row["subtype"], types.get(row["subtype"], row)["text"]),
    }


def _element(types: Mapping[int, Row], row: Row, text: str) -> str:
    """An array's modifier is that of its elements."""
    return text.removesuffix("[]") if row["array"] else types.get(row["element"], row)["text"]


@dataclass(frozen=True)
class Written:
    """A type as it is used somewhere: by what name, which one, and how it is written there."""

    name: str
    oid: int
    text: str


def _part(types: Mapping[int, Row], written: Written, within: frozenset[int]) -> Column:
    row, base, not_null = types[written.oid], written.text, False
    while row["kind"] == "d":
        base, not_null, row = row["base_text"], not_null or row["not_null"], types[row["base"]]
    length = _LENGTH.fullmatch(base)
    return Column(
        name=written.name,
        type=written.text,
        base_type=base,
        not_null=not_null,
        max_length=int(length[1]) if length else None,
        enum=row["kind"] == "e",
        array=row["array"],
        **structure(types, row["oid"], base, within),
    )
