"""Class of personal data → the strategies to try, best first. The first one that fits the column is suggested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sanitizers.detect.vocabulary import runs, tokens
from sanitizers.schema import Category, Column
from sanitizers.strategies import Strategy
from sanitizers.strategies.card import Card
from sanitizers.strategies.city import City
from sanitizers.strategies.company import Company
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.coordinates import Coordinates
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.email import Email
from sanitizers.strategies.first_name import FirstName
from sanitizers.strategies.full_name import FullName
from sanitizers.strategies.generalize import Generalize
from sanitizers.strategies.hostname import Hostname
from sanitizers.strategies.iban import Iban
from sanitizers.strategies.imei import Imei
from sanitizers.strategies.ip import Ip
from sanitizers.strategies.job import Job
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.last_name import LastName
from sanitizers.strategies.mac import Mac
from sanitizers.strategies.national_id import NationalId
from sanitizers.strategies.noise import Noise
from sanitizers.strategies.null import Null
from sanitizers.strategies.permute import Permute
from sanitizers.strategies.phone import BIGINT_DIGITS, MOST_DIGITS, UNIQUE_DIGITS, Phone
from sanitizers.strategies.postcode import Postcode
from sanitizers.strategies.range_shift import RangeShift
from sanitizers.strategies.region import Region
from sanitizers.strategies.scramble import Scramble
from sanitizers.strategies.shuffle import Shuffle
from sanitizers.strategies.street import Street
from sanitizers.strategies.text import Text
from sanitizers.strategies.url import Url
from sanitizers.strategies.user_agent import UserAgent
from sanitizers.strategies.user_name import UserName
from sanitizers.strategies.vin import Vin

REMOVED = "[removed]"
PHONES = tuple(Phone(digits=digits) for digits in (12, MOST_DIGITS, UNIQUE_DIGITS, BIGINT_DIGITS, 9, 6, 4))
GONE: tuple[Strategy, ...] = (Null(), Constant(value=REMOVED), Constant(value=""), Digest())
TEXT: tuple[Strategy, ...] = (Text(), Constant(value=REMOVED), Constant(value=""), Null())
NUMBERS: tuple[Strategy, ...] = (Scramble(), Permute(), Digest())
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
    "region": (Region(), Region(unique=True)),
    "postal_code": (Postcode(), Postcode(unique=True)),
    "org_name": (Company(), Company(unique=True)),
    "employer": (Company(), Company(unique=True)),
    "date_of_birth": (DateShift(days=365), Generalize(), *GONE),
    "date_of_death": (DateShift(days=365), Generalize(), *GONE),
    "password": SECRET,
    "auth_token": SECRET,
    "free_text": TEXT,
    "document": TEXT,
    "payload": TEXT,
    "user_agent": (UserAgent(), UserAgent(unique=True), *TEXT),
    "online_activity": (Url(), *TEXT),
    "personal_url": (Url(), *GONE),
    "photo": (Null(), Url(), *GONE),
    "hostname": (Hostname(), *NUMBERS),
    "ip_address": (Ip(), Ip(unique=True), *NUMBERS),
    "mac_address": (Mac(), *NUMBERS),
    "device_id": (Digest(), *NUMBERS),
    "external_account_id": (Digest(), *NUMBERS),
    "crypto_wallet": (Digest(), *NUMBERS),
    "payment_card": (Card(), Card(unique=True), *NUMBERS),
    "iban": (Iban(), *NUMBERS),
    "geo_point": (Coordinates(), *GONE),
    "income_financial": (Noise(), *GONE),
    "age": (Generalize(), Null(), Keep()),
    "evaluation": (Noise(),),
    "occupation": (Job(), Job(unique=True), *GONE),
    **dict.fromkeys(("signature", "mfa_secret", "private_key", "app_secret", "card_cvv", "security_answer"), GONE),
    **dict.fromkeys(("biometric", "genetic", "criminal", "health", "ethnicity", "religion", "political"), GONE),
    **dict.fromkeys(("sexual_orientation", "trade_union"), GONE),
    **dict.fromkeys(("national_id", "tax_id", "passport_number", "driver_license", "gov_id_other"), NUMBERS),
    **dict.fromkeys(("vehicle_id", "person_ref", "health_id", "professional_id"), NUMBERS),
    **dict.fromkeys(("bank_account", "bank_routing"), NUMBERS),
}

# What such numbers are called where they are: the country's own, which nobody has, before any other.
BY_NAME: Mapping[str, Strategy] = {
    "ssn": NationalId(country="us"),
    "socialsecurity": NationalId(country="us"),
    "nino": NationalId(country="gb"),
    "nationalinsurance": NationalId(country="gb"),
    "nhs": NationalId(country="gb_nhs"),
    "aadhaar": NationalId(country="in"),
    "pesel": NationalId(country="pl"),
    "bsn": NationalId(country="nl"),
    "cpr": NationalId(country="dk"),
    "hetu": NationalId(country="fi"),
    "henkilotunnus": NationalId(country="fi"),
    "personnummer": NationalId(country="se"),
    "fodselsnummer": NationalId(country="no"),
    "nir": NationalId(country="fr"),
    "codicefiscale": NationalId(country="it"),
    "steuerid": NationalId(country="de"),
    "isikukood": NationalId(country="ee"),
    "asmenskodas": NationalId(country="lt"),
    "egn": NationalId(country="bg"),
    "cnp": NationalId(country="ro"),
    "imei": Imei(),
    "vin": Vin(),
}
NAMED = frozenset({"national_id", "tax_id", "health_id", "device_id", "vehicle_id"})

# Say little about a person by themselves, and are as often about none: kept where NULL does not fit.
COARSE = frozenset({"card_partial", "education", "evaluation", "gender", "marital_family", "nationality", "region"})
SHUFFLED = frozenset({"education", "gender", "marital_family", "nationality"})
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
}
EMPTY_BY_TYPE: Mapping[str, str] = {
    "xml": "<removed/>",  # an empty text is no document: queries would fail on it
    "hstore": "",
    "tsvector": "",
    "time without time zone": "00:00",
    "time with time zone": "00:00+00",
    "interval": "0",
    "point": "(0,0)",
}
WORDS_FIT: frozenset[Category] = frozenset({"text", "bytea"})
"""Where any text can be put in place of a value; every other type reads its values."""


def remedies(pii_class: str | None, column: Column) -> Iterator[Strategy]:
    """What to try, best first. Of a class that must be masked, `keep` is never among it."""
    if pii_class is None or pii_class in KEPT:
        yield Keep()
    elif pii_class in COARSE:
        if pii_class in SHUFFLED:
            yield Shuffle()
        yield from (*PREFERRED.get(pii_class, ()), Null(), Keep())
    else:
        yield from _typed(column)
        yield from _named(pii_class, column)
        yield from (s for s in PREFERRED.get(pii_class, ()) if s.kind != "constant" or column.category in WORDS_FIT)
        yield from (Digest(), Null())
        yield from (Constant(value=value) for value in _empty(column))


def _typed(column: Column) -> Iterator[Strategy]:
    """What the type alone decides, whatever the values mean."""
    if column.array and column.element is not None and column.element.category == "number":
        yield Null()  # an embedding of no numbers is one of the wrong length to whoever reads it
    if column.category in {"json", "array"} or column.bare_type == "xml":
        yield from (Constant(value=value) for value in _empty(column))
    if column.subtype is not None or (column.element is not None and column.element.subtype is not None):
        yield RangeShift()


def _empty(column: Column) -> Iterator[str]:
    """A value that says nothing, where one is known for sure."""
    if column.category == "enum":
        yield from column.labels[:1]
    elif column.category in EMPTY:
        yield EMPTY[column.category]
    elif column.bare_type in EMPTY_BY_TYPE:
        yield EMPTY_BY_TYPE[column.bare_type]
    elif column.kind in {"r", "m"}:
        yield "empty" if column.kind == "r" else "{}"


def _named(pii_class: str, column: Column) -> Iterator[Strategy]:
    """The strategy for a number that the column's name calls by its own."""
    if pii_class in NAMED:
        parts = tokens(column.name)
        names = {"".join(run.words) for run in runs(parts)}
        yield from (strategy for name, strategy in BY_NAME.items() if name in names)
