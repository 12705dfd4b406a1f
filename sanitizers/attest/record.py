"""What all models of an attestation have in common: frozen, strict, and with in-toto's way to write names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

LARGEST_NUMBER = 2**53 - 1  # what every reader of JSON takes for the same integer

_OTHERWISE = {"type_": "_type", "schema_name": "schema", "personal_class": "class"}
"""Names that Python or pydantic have taken."""


def member_name(name: str) -> str:
    """The name of a field in JSON: lowerCamelCase, as in-toto writes them."""
    return _OTHERWISE.get(name) or to_camel(name)


class Record(BaseModel):
    """A part of an attestation. Unknown members are refused: what is signed is what is understood."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=member_name, populate_by_name=True
    )


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() != timedelta(0):
        raise ValueError("times are in UTC, written with Z")
    return moment.replace(tzinfo=UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time, in UTC (RFC 3339 with Z)."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal."""
Count = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
Text = Annotated[str, Field(min_length=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
"""A word that programs look for; ASCII, so that every reader sorts members alike."""
