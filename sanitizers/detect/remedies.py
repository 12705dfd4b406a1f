"""Class of personal data → the strategies to try, best first. The first one that fits the column is suggested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sanitizers.schema import Category, Column
from sanitizers.strategies import Strategy
from sanitizers.strategies.city import City
from sanitizers.strategies.company import Company
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.email import Email
from sanitizers.strategies.first_name import FirstName
from sanitizers.strategies.full_name import FullName
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.last_name import LastName
from sanitizers.strategies.null import Null
from sanitizers.strategies.phone import BIGINT_DIGITS, UNIQUE_DIGITS, Phone
from sanitizers.strategies.postcode import Postcode
from sanitizers.strategies.street import Street
from sanitizers.strategies.user_name import UserName

REMOVED = "[removed]"
PHONES = tuple(Phone(digits=digits) for digits in (12, UNIQUE_DIGITS, BIGINT_DIGITS, 9, 6, 4))
GONE: tuple[Strategy, ...] = (Null(), Constant(value=REMOVED), Constant(value=""), Digest())
TEXT: tuple[Strategy, ...] = (Constant(value=REMOVED), Constant(value=""), Null())
SECRET: tuple[Strategy, ...] = (Digest(), Null())

PREFERRED: Mapping[str, tuple[Strategy, ...]] = {
    "person_name": (FullName(), FullName(unique=True)),
    "first_name": (FirstName(), FirstName(unique=True)),
    "middle_name": (FirstName(), FirstName(unique=True)),
    "last_name": (LastName(), LastName(unique=True)),
    "username": (UserName(),),
    "im_social": (UserName(),),
    "email": (Email(),),
    "phone": PHONES,
    "street_address": (Street(), Street(unique=True)),
    "city": (City(), City(unique=True)),
    "location_text": (City(), City(unique=True)),
    "birth_place": (City(), City(unique=True)),
    "postal_code": (Postcode(), Postcode(unique=True)),
    "org_name": (Company(), Company(unique=True)),
    "employer": (Company(), Company(unique=True)),
    "date_of_birth": (DateShift(days=365), *GONE),
    "date_of_death": (DateShift(days=365), *GONE),
    "password": SECRET,
    "auth_token": SECRET,
    "free_text": TEXT,
    "document": TEXT,
    "payload": TEXT,
    "user_agent": TEXT,
    "online_activity": TEXT,
    "photo": GONE,
    "signature": GONE,
    "personal_url": GONE,
    "mfa_secret": GONE,
    "private_key": GONE,
    "app_secret": GONE,
    "card_cvv": GONE,
    "security_answer": GONE,
    "biometric": GONE,
    "genetic": GONE,
    "criminal": GONE,
    "health": GONE,
    "ethnicity": GONE,
    "religion": GONE,
    "political": GONE,
    "sexual_orientation": GONE,
    "trade_union": GONE,
    "occupation": GONE,
    "income_financial": (Null(),),
}

# Say little about a person by themselves, and are as often about none: kept where NULL does not fit.
COARSE = frozenset(
    {"age", "card_partial", "education", "evaluation", "gender", "marital_family", "nationality", "region"}
)
KEPT = frozenset({"country", "language", "name_affix"})

# When nothing else fits a column that must not be kept.
EMPTY: Mapping[Category, str] = {
    "text": "",
    "json": "{}",
    "array": "{}",
    "integer": "0",
    "number": "0",
    "boolean": "false",
    "date": "1970-01-01",
    "timestamp": "1970-01-01",
    "inet": "192.0.2.1",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "bytea": "",
    "other": "",
}


def remedies(pii_class: str | None, column: Column) -> Iterator[Strategy]:
    """What to try, best first. Of a class that must be masked, `keep` is never among it."""
    if pii_class is None or pii_class in KEPT:
        yield Keep()
    elif pii_class in COARSE:
        yield from (Null(), Keep())
    else:
        if column.category in {"json", "array"}:
            yield Constant(value=EMPTY[column.category])
        yield from PREFERRED.get(pii_class, ())
        yield from (Digest(), Null())
        if column.category in EMPTY:
            yield Constant(value=EMPTY[column.category])
