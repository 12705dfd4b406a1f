"""What a column's values may look like: which sightings speak against a masked column, and which its fakes explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.proof.inside import kept_parts, strategies_in
from sanitizers.proof.kept import keeping
from sanitizers.proof.sightings import ALL, Kind
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.strategy import MaskingStrategy

Policy = Literal["masked", "partly kept", "kept", "public", "derived", "unplanned"]
"""What the policy says of a column. `derived`: Postgres computes it from others; `unplanned`: there is no plan."""

NOTHING: frozenset[Kind] = frozenset()
_ADDRESSES: frozenset[Kind] = frozenset({"email", "ip"})
_BY_KIND: Mapping[str, frozenset[Kind]] = {
    "null": ALL,
    **dict.fromkeys(("first_name", "last_name", "full_name", "city", "region", "company", "job", "text"), ALL),
    "street": ALL - {"phone"},  # house numbers and names of streets
    "postcode": ALL - {"phone", "national_id"},
    "user_agent": frozenset({"email", "iban"}),  # versions are written as addresses are
    "email": _ADDRESSES,  # the digest in it may be digits alone
    **dict.fromkeys(("user_name", "hostname", "url", "digest", "imei", "ip", "password"), _ADDRESSES),
    "mac": frozenset({"email"}),
    "phone": _ADDRESSES | {"phone"},
    "card": _ADDRESSES | {"card"},
    "iban": _ADDRESSES | {"iban"},
    # A number of one country is one of another's by chance.
    "national_id": _ADDRESSES,
    # What these are made of is looked at by itself.
    **dict.fromkeys(("json", "hstore", "composite", "list"), ALL),
}
"""By strategy; of any other the fakes are made of the original's form, or of people's own SQL, and may look anyhow."""


def judged(column: ColumnPlan) -> frozenset[Kind]:
    """The kinds that no fake of the column can be."""
    found = ALL
    for strategy in strategies_in(column.strategy):
        found &= _of(strategy)
    return found


def policy_of(table: TablePlan, column: ColumnPlan) -> Policy:
    """What the policy says of a column."""
    if isinstance(column.strategy, Keep):
        return "public" if column.strategy.public else "kept"
    return "partly kept" if keeping(table, column) or kept_parts(column) or not judged(column) else "masked"


def _of(strategy: MaskingStrategy) -> frozenset[Kind]:
    kind = str(strategy.kind)  # type: ignore[attr-defined]  # every subclass has it
    kinds = _BY_KIND.get(kind, NOTHING)
    # What is unique ends in a digest, which may be digits alone; a unique card begins as none does.
    return kinds & _ADDRESSES if getattr(strategy, "unique", False) and kind != "card" else kinds
