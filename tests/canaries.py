"""A search for canaries in whatever a run leaves behind, in every spelling that a leak may have."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from subprocess import CompletedProcess
from urllib.parse import quote, quote_plus

# Without the "zq" none is a name of a column: a core that begins in the middle of three bytes is looked for without it.
CORES = {
    "masked name": "zqnäme&co",
    "masked address": "zqmailbox@zq-canary",
    "masked number": "9997771234",
    "encrypted": "zqailments",
    "kept by a condition": "zqstaffcity",
    "kept by its value": "zqcapitalcity",
    "kept": "zqcolourful",
    "text around what is scrubbed": "zqhallway",
    "member of a document": "zqmembership",
}
ROWS = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text UNIQUE, phone text, diagnosis text, city text,
  staff boolean, colour text);
CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people, body text, attributes jsonb);
CREATE TABLE lines (id int PRIMARY KEY, line text);
INSERT INTO people SELECT n, 'Zqnäme&Co Zqnäme&co' || n, 'zqmailbox@zq-canary' || n || '.eu',
  '+9997771234' || 100 + n, 'zqailments ' || n,
  CASE WHEN n % 3 = 0 THEN 'Zqcapitalcity' ELSE 'Zqstaffcity ' || n END, n % 3 = 1,
  'zqcolourful ' || n % 7 FROM generate_series(1, 40) AS n;
INSERT INTO notes SELECT n, n, 'In the zqhallway: zqnäme&co zqnäme&co' || n || ', zqmailbox@zq-canary' || n || '.eu',
  jsonb_build_object('who', 'zqmembership ' || n, 'mail', 'zqmailbox@zq-canary' || n || '.eu')
FROM generate_series(1, 30) AS n;
INSERT INTO lines SELECT n, 'line ' || n FROM generate_series(1, 20) AS n;
ANALYZE;
"""
PLANT = """
UPDATE lines SET line = 'zqmailbox@zq-canary7.eu' WHERE id = 7;
UPDATE lines SET line = 'as zqmailbox@zq-canary8.eu wrote from +9997771234108' WHERE id = 8;
"""
PLANT_MASKED = "UPDATE people SET email = 'zqmailbox@zq-canary7.eu' WHERE id = 7"
POLICY = """version = 1
reviewed_by = "Ada"
reviewed_on = 2026-11-21
[{0}.public.people]
id = "keep"
name = "full_name"
email = "email"
phone = "phone"
diagnosis = "encrypt"
city = {{ strategy = "city", keep_if = "staff", keep_values = ["Zqcapitalcity"] }}
staff = "keep"
colour = "keep"
[{0}.public.notes]
id = "keep"
person = "keep"
body = "scrub"
attributes = {{ strategy = "json", paths = {{ who = "text", mail = "email" }} }}
[{0}.public.lines]
id = "keep"
line = "keep"
"""


def spellings(core: str) -> Iterator[bytes]:
    """What stands for a text in lower case: as it is, quoted for JSON, HTML or a link, in hex."""
    octets = core.encode()
    yield from (octets, octets.hex().encode(), core.encode("utf-16-le"))
    yield from (form(core).lower().encode() for form in (quote, quote_plus, escape, _in_json))


def in_base64(core: str) -> Iterator[bytes]:
    """What base64 makes of a text wherever in a longer one it stands, but for its ends."""
    for before in range(3):
        whole = b"\0" * before + core.encode()
        usable = whole[: len(whole) - len(whole) % 3]
        yield from (form(usable)[4 if before else 0 :] for form in (b64encode, urlsafe_b64encode))


def digests(value: str) -> Iterator[bytes]:
    """Digests without a key: whoever has one can test guesses."""
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, value.encode())
        yield from (digest.hexdigest().encode(), b64encode(digest.digest())[:-2])


def _in_json(core: str) -> str:
    return json.dumps(core)[1:-1]


@dataclass(frozen=True)
class Canaries:
    """`cores` stand in every value of a column each, in lower case; `values` are whole values."""

    cores: Mapping[str, str]
    values: tuple[str, ...] = ()

    @cached_property
    def folded(self) -> Mapping[bytes, str]:
        """What is looked for in any case, and whose it is."""
        return {form: name for name, core in self.cores.items() for form in spellings(core)}

    @cached_property
    def exact(self) -> Mapping[bytes, str]:
        """What is looked for as it is."""
        cores = {form: name for name, core in self.cores.items() for form in in_base64(core)}
        return cores | {form: "a digest" for value in self.values for form in digests(value)}

    def found_in(self, data: bytes) -> set[str]:
        """Whose canaries are in it."""
        low = data.lower()
        found = {name for form, name in self.folded.items() if form in low}
        return found | {name for form, name in self.exact.items() if form in data}


@dataclass(frozen=True)
class Haul:
    """Artefacts by name."""

    artefacts: dict[str, bytes] = field(default_factory=dict)

    def take(self, name: str, data: bytes | str) -> None:
        """Add one; a second one of that name goes behind the first."""
        octets = data.encode() if isinstance(data, str) else data
        self.artefacts[name] = self.artefacts.get(name, b"") + octets

    def said(self, name: str, done: CompletedProcess[str]) -> CompletedProcess[str]:
        """Add what a command printed, and hand it on."""
        self.take(name, done.stdout + done.stderr)
        return done

    def empty(self) -> list[str]:
        """Artefacts that prove nothing."""
        return [name for name, data in self.artefacts.items() if not data.strip()]

    def holding(self, canaries: Canaries) -> dict[str, set[str]]:
        """Artefacts with canaries in them, and whose."""
        looked = {name: canaries.found_in(data) for name, data in self.artefacts.items()}
        return {name: found for name, found in looked.items() if found}

    def blind(self, canaries: Canaries) -> list[str]:
        """The positive control: artefacts in whose middle a canary would not be found."""
        core = next(iter(canaries.cores.values())).encode()
        halves = ((name, data[: len(data) // 2], data[len(data) // 2 :]) for name, data in self.artefacts.items())
        return [name for name, head, tail in halves if not canaries.found_in(head + core + tail)]


def values() -> tuple[str, ...]:
    """Some whole values of the masked and the encrypted columns."""
    people = range(1, 4)
    made = ("Zqnäme&Co Zqnäme&co{}", "zqmailbox@zq-canary{}.eu", "zqailments {}", "Zqstaffcity {}")
    return tuple(form.format(n) for form in made for n in people) + tuple(f"+9997771234{100 + n}" for n in people)


CANARIES = Canaries(CORES, values())
