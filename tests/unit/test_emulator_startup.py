"""The first packet of a connection: endpoint ids are found and taken out, everything else stays."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import startup
from emulator.startup import Startup

VERSION = 3 << 16
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


def message(options: str | None = None) -> Startup:
    parameters = {"user": "neondb_owner", "database": "neondb"}
    return Startup(VERSION, parameters | ({"options": options} if options is not None else {}))


@pytest.mark.parametrize(
    ("options", "endpoint", "rest"),
    [
        (None, None, None),
        ("", None, None),
        ("endpoint=ep-a-b-12345678", "ep-a-b-12345678", None),
        ("endpoint%3Dep-a-b-12345678", "ep-a-b-12345678", None),
        ("endpoint=ep-a-b-12345678-pooler", "ep-a-b-12345678", None),
        ("-c statement_timeout=5s endpoint=ep-a-b-1", "ep-a-b-1", "-c statement_timeout=5s"),
        ("endpoint=ep-a-b-1 -c search_path=a\\ b", "ep-a-b-1", "-c search_path=a\\ b"),
        ("-c application_name=endpoint=x", None, "-c application_name=endpoint=x"),
    ],
)
def test_the_endpoint_is_found_and_taken_out(options: str | None, endpoint: str | None, rest: str | None) -> None:
    sent = message(options)

    assert sent.endpoint == endpoint
    assert sent.without_endpoint().parameters.get("options") == rest
    assert sent.without_endpoint().user == "neondb_owner"


@given(st.dictionaries(text, text, max_size=5))
def test_what_is_written_is_read_back(parameters: dict[str, str]) -> None:
    sent = Startup(VERSION, parameters)

    packet = sent.packet()

    assert struct.unpack_from("!i", packet)[0] == len(packet)
    assert startup.parse(packet[4:]) == sent


@pytest.mark.parametrize("payload", [struct.pack("!i", 2 << 16) + b"\0", struct.pack("!i", VERSION) + b"user\0"])
def test_what_is_no_startup_message_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="not a startup message"):
        startup.parse(payload)


def test_an_error_response_has_the_fields_that_clients_need() -> None:
    packet = startup.error_response("no such endpoint", "08004")

    assert packet[:1] == b"E"
    assert struct.unpack("!i", packet[1:5])[0] == len(packet) - 1
    assert {b"SFATAL", b"C08004", b"Mno such endpoint"} <= set(packet[5:].split(b"\0"))
