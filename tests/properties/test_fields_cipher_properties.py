"""What holds for every value, place and key: it comes back exactly, and from nowhere else."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sanitizers.errors import FieldError
from sanitizers.fields.cipher import Context, decrypt, encrypt, is_token, longest_token
from sanitizers.fields.keyring import FieldKey, Keyring

calm = settings(deadline=None)  # a busy machine is no defect
RING = Keyring([FieldKey("a", bytes(range(32))), FieldKey("b", bytes(32))])
# Surrogates are no text; decomposed letters, controls, NUL and emoji are.
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=120)
values = texts | st.binary(max_size=120)
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
places = st.builds(Context, names, names, names)


def opens(token: str, place: Context, ring: Keyring = RING) -> bool:
    try:
        decrypt(token, place, ring)
    except FieldError:
        return False
    return True


@calm
@given(values, places, st.booleans())
def test_every_value_comes_back_as_it_was(value: str | bytes, place: Context, deterministic: bool) -> None:
    token = encrypt(value, place, RING, deterministic=deterministic)

    back = decrypt(token, place, RING)

    assert (type(value), value) == (type(back), back)
    assert is_token(token)
    octets = value if isinstance(value, bytes) else value.encode()
    assert longest_token(len(octets), RING.newest, deterministic=deterministic) == len(token)


@calm
@given(values, places, st.sampled_from(["schema", "table", "column"]), names, st.booleans())
def test_no_token_opens_in_another_place(
    value: str | bytes, place: Context, part: str, name: str, deterministic: bool
) -> None:
    other = replace(place, **{part: name})
    assume(place != other)

    assert not opens(encrypt(value, place, RING, deterministic=deterministic), other)


@calm
@given(texts, st.booleans(), st.data())
def test_no_changed_token_opens(value: str, deterministic: bool, data: st.DataObject) -> None:
    place = Context("s", "t", "c")
    token = encrypt(value, place, RING, deterministic=deterministic)
    at = data.draw(st.integers(0, len(token) - 1))
    piece = data.draw(st.text(st.sampled_from("Aab0-_.=+/ \n1rd"), max_size=3))
    changed = token[:at] + piece + token[at + data.draw(st.integers(0, 30)) :]
    assume(changed != token)

    assert not opens(changed, place)


@calm
@given(values, st.booleans(), st.integers(0, 255))
def test_no_token_opens_with_another_key_of_the_same_id(value: str | bytes, deterministic: bool, bit: int) -> None:
    place, secret = Context("s", "t", "c"), bytearray(range(32))
    secret[bit // 8] ^= 1 << bit % 8

    token = encrypt(value, place, RING, deterministic=deterministic)

    assert not opens(token, place, Keyring([FieldKey("a", bytes(secret))]))


@calm
@given(values, values)
def test_equal_tokens_are_equal_values(one: str | bytes, other: str | bytes) -> None:
    place = Context("s", "t", "c")

    tokens = [encrypt(value, place, RING, deterministic=True) for value in (one, other)]

    same = type(one) is type(other) and one == other
    assert same == (tokens[0] == tokens[1])
