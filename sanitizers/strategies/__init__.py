"""One strategy per file; the union below is the registry: it parses, validates and words the error.

A new strategy is one file and one name in the union. Those of other packages join it by their entry points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union, get_args

from pydantic import Field

from sanitizers.strategies.card import Card
from sanitizers.strategies.city import City
from sanitizers.strategies.company import Company
from sanitizers.strategies.composite import Composite
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.coordinates import Coordinates
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.derived import Derived
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.document import Document
from sanitizers.strategies.email import Email
from sanitizers.strategies.encrypt import Encrypt
from sanitizers.strategies.first_name import FirstName
from sanitizers.strategies.full_name import FullName
from sanitizers.strategies.generalize import Generalize
from sanitizers.strategies.hostname import Hostname
from sanitizers.strategies.hstore import Hstore
from sanitizers.strategies.iban import Iban
from sanitizers.strategies.imei import Imei
from sanitizers.strategies.inner import KINDS
from sanitizers.strategies.ip import Ip
from sanitizers.strategies.job import Job
from sanitizers.strategies.json_only import JsonOnly
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.last_name import LastName
from sanitizers.strategies.listed import Listed
from sanitizers.strategies.mac import Mac
from sanitizers.strategies.national_id import NationalId
from sanitizers.strategies.noise import Noise
from sanitizers.strategies.null import Null
from sanitizers.strategies.password import Password
from sanitizers.strategies.permute import Permute
from sanitizers.strategies.phone import Phone
from sanitizers.strategies.plugins import load_plugins
from sanitizers.strategies.postcode import Postcode
from sanitizers.strategies.range_shift import RangeShift
from sanitizers.strategies.region import Region
from sanitizers.strategies.scramble import Scramble
from sanitizers.strategies.scrub import Scrub
from sanitizers.strategies.shuffle import Shuffle
from sanitizers.strategies.sql_expression import SqlExpression
from sanitizers.strategies.strategy import Inputs, MaskingStrategy, Residue
from sanitizers.strategies.street import Street
from sanitizers.strategies.text import Text
from sanitizers.strategies.url import Url
from sanitizers.strategies.user_agent import UserAgent
from sanitizers.strategies.user_name import UserName
from sanitizers.strategies.vin import Vin

__all__ = ["KINDS", "PLUGINS", "Inputs", "MaskingStrategy", "Residue", "Strategy"]

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
    | Region
    | Job
    | UserAgent
    | Text
    | Scramble
    | Permute
    | NationalId
    | Card
    | Iban
    | Imei
    | Vin
    | Ip
    | Mac
    | Url
    | Hostname
    | Coordinates
    | Generalize
    | Noise
    | Password
    | DateShift
    | Digest
    | Null
    | Constant
    | JsonOnly
    | Document
    | SqlExpression
    | Derived
    | Shuffle
    | Encrypt
    | Scrub
    | RangeShift
    | Composite
    | Hstore
    | Listed
    | Keep
)
KINDS.update({cls.model_fields["kind"].default: cls for cls in get_args(AnyStrategy)})

PLUGINS = load_plugins(KINDS)
"""Strategies of other installed packages, and what is wrong with some; a policy is not read while anything is."""

KINDS.update({cls.model_fields["kind"].default: cls for cls in PLUGINS.strategies})

if TYPE_CHECKING:
    Strategy = Annotated[AnyStrategy, Field(discriminator="kind")]
else:
    Strategy = Annotated[Union[*KINDS.values()], Field(discriminator="kind")]  # known at run time alone
