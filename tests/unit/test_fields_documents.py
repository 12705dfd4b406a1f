"""JSON documents: what is personal goes, all else stays byte for byte."""

import json

import pytest

from sanitizers.errors import FieldError
from sanitizers.fields.documents import scrub_json
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.known import Known

FAKES = Fakes(bytes(range(32)))
ANNA = FAKES.email("anna@corp.test")
PAIRS = Known([("Anna Meyer", "Sarah Gamble"), ("Anna", "Mallory"), ("4711815", "1234567")])


def scrubbed(document: str) -> str:
    return scrub_json(document, FAKES, PAIRS)


def test_leaves_and_keys_are_scrubbed_at_every_depth() -> None:
    document = {"anna@corp.test": [{"x": ["by Anna Meyer", None, True, 1.5]}], "Anna": "to anna@corp.test, Anna"}

    expected = {ANNA: [{"x": ["by Sarah Gamble", None, True, 1.5]}], "Mallory": f"to {ANNA}, Mallory"}
    assert expected == json.loads(scrubbed(json.dumps(document)))


def test_what_is_not_personal_keeps_its_spelling() -> None:
    document = ' {"a" :\t1.50e+400, "a":2,\r\n"u":"\\u00e9\\/\\u0000\\ud83d" , "":[ ],"\\"":-0} '

    assert document == scrubbed(document)


def test_strings_with_escapes_are_read_as_what_they_say() -> None:
    assert f'["{ANNA}"]' == scrubbed('["anna\\u0040corp.test"]')
    assert f'["a\\n{ANNA} \\"é\\" \\\\"]' == scrubbed('["a\\nanna@corp.test \\"\\u00e9\\" \\\\"]')
    assert f'"\\ud83d {ANNA}"' == scrubbed('"\\ud83d anna@corp.test"')


def test_numbers_become_the_digits_of_their_fakes() -> None:
    assert f"[1234567, {FAKES.card('4111111111111111')}, 47118150]" == scrubbed("[4711815, 4111111111111111, 47118150]")
    assert scrub_json("[4711815]", FAKES, Known([("4711815", "none")])) == "[null]"


def test_keys_that_become_alike_stay_apart() -> None:
    cards = "4111111111111111", "4012888888881881", "4242424242424242", "5555555555554444"
    many = [*cards, *(f"10.0.{n // 250}.{n % 250}" for n in range(900))]

    after = json.loads(scrubbed(json.dumps({key: number for number, key in enumerate(many)})))

    assert list(range(len(many))) == list(after.values())
    assert json.loads(scrubbed('[{"10.0.0.1": 1}, {"10.0.0.1": 1}]'))[0].keys() == {FAKES.ip("10.0.0.1")}


def test_documents_of_any_depth_are_read() -> None:
    deep = "[" * 50_000 + '"anna@corp.test"' + "]" * 50_000

    assert deep.replace("anna@corp.test", ANNA) == scrubbed(deep)


@pytest.mark.parametrize(
    "text", ["secret", '{"secret', '["a" secret]', "'secret'", '["\\q secret"]', "[01x]", '"secret\\']
)
def test_what_is_no_json_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(FieldError, match=r"character \d+.*as text") as caught:
        scrubbed(text)

    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None
