"""Whatever stands around it: nothing of what was found is left, and nothing else is touched."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizers.fields.documents import scrub_json
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.known import Known
from sanitizers.fields.scrub import scrub

FAKES = Fakes(bytes(range(32)))
ORIGINALS = ["anna@corp.test", "Anna Meyer", "+49 30 123456", "4111111111111111", "DE89370400440532013000", "10.1.2.3"]
PAIRS = [("Anna Meyer", "Sarah Gamble"), ("+49 30 123456", "+999000000000")]
# No letter or digit touches an original, so that each is a whole word, and no apostrophe: o'neil@corp.test is one.
between = st.text(st.sampled_from(' \t\n,;!?()<>[]{}"*…|'), min_size=1, max_size=4)
words = st.sampled_from(["call", "ok", "ünï", "漢字", "🙂", "e\u0301", "x", "to"])
calm = settings(deadline=None)  # a busy machine is no defect
pieces = st.lists(st.tuples(st.sampled_from(ORIGINALS) | words, between), max_size=12)
# What has neither digit nor @ nor :// nor a dot is nobody's.
harmless = st.text(st.characters(exclude_categories=("Nd", "Cs"), exclude_characters="@:./%="), max_size=60)


@calm
@given(pieces)
def test_every_original_goes_and_every_word_stays(parts: list[tuple[str, str]]) -> None:
    def whole(fake: Any) -> str:
        return "".join(fake(word) + gap for word, gap in parts)

    after = scrub(whole(lambda word: word), FAKES, Known(PAIRS))

    expected = {
        "anna@corp.test": FAKES.email("anna@corp.test"),
        "4111111111111111": FAKES.card("4111111111111111"),
        "DE89370400440532013000": FAKES.iban("DE89370400440532013000"),
        "10.1.2.3": FAKES.ip("10.1.2.3"),
        **dict(PAIRS),
    }
    assert whole(lambda word: expected.get(word, word)) == after


@calm
@given(harmless)
def test_texts_without_anything_personal_stay(text: str) -> None:
    assert text == scrub(text, FAKES, Known([("Anna Meyer 1", "x")]))


@calm
@given(st.text(max_size=80), st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=5))
def test_no_text_and_no_pairs_stop_it(text: str, pairs: list[tuple[str, str]]) -> None:
    assert isinstance(scrub(text, FAKES, Known(pairs)), str)


strings = harmless | st.sampled_from(ORIGINALS)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99999, 99999) | strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
    max_leaves=12,
)


@calm
@given(json_values, st.booleans(), st.sampled_from([None, 1]))
def test_documents_keep_their_shape_and_lose_their_originals(value: Any, ascii_only: bool, indent: int | None) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only, indent=indent)

    after = scrub_json(document, FAKES, Known(PAIRS))

    assert json.loads(after) == renamed(value)
    assert all(original not in after for original in ORIGINALS)


def renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {renamed(key): renamed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner) for inner in value]
    return scrub(value, FAKES, Known(PAIRS)) if isinstance(value, str) else value
