"""One strategy per file; the union below is the registry: it parses, validates and words the error.

A new strategy is one file and one name in the union.
"""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from sanitizers.strategies.city import City
from sanitizers.strategies.company import Company
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.email import Email
from sanitizers.strategies.first_name import FirstName
from sanitizers.strategies.full_name import FullName
from sanitizers.strategies.json_only import JsonOnly
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.last_name import LastName
from sanitizers.strategies.null import Null
from sanitizers.strategies.phone import Phone
from sanitizers.strategies.postcode import Postcode
from sanitizers.strategies.strategy import Inputs, MaskingStrategy, Residue
from sanitizers.strategies.street import Street
from sanitizers.strategies.user_name import UserName

__all__ = ["KINDS", "Inputs", "MaskingStrategy", "Residue", "Strategy"]

AnyStrategy = (
    FirstName
    | LastName
    | FullName
    | Email
    | UserName
    | Phone
    | Street
    | City
    | Postcode
    | Company
    | DateShift
    | Digest
    | Null
    | Constant
    | JsonOnly
    | Keep
)
Strategy = Annotated[AnyStrategy, Field(discriminator="kind")]

KINDS: dict[str, type[MaskingStrategy]] = {cls.model_fields["kind"].default: cls for cls in get_args(AnyStrategy)}
"""Every strategy by the name that a policy uses."""
