"""Texts: what is found in them and what comes instead. Fakes are those of the key 00 01 … 1f."""

import re

import pytest

from sanitizers.fields.fakes import Fakes
from sanitizers.fields.known import Known, too_short
from sanitizers.fields.scrub import find, scrub

FAKES = Fakes(bytes(range(32)))
ANNA = FAKES.email("anna@corp.test")


def scrubbed(text: str, *pairs: tuple[str, str]) -> str:
    return scrub(text, FAKES, Known(pairs))


def found(text: str) -> set[tuple[str, str]]:
    return {(f.kind, text[f.start : f.end]) for f in find(text)}


# Addresses


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", ""),
        ("mail me (", ")."),
        ("<", ">, please"),
        ('"', '"'),
        ("'", "'"),
        ("`", "`;"),
        ("mailto:", "?subject=x"),
        ("user=", "&x=1"),
        ("To:\n\t", "\r\n"),
        ("a/", "/b"),
        ("…", "…"),
        ("...", "..."),
        ("**", "**"),
        ("—", "--thanks"),
        ("联系我", "给我"),
        ("(", "!)"),
        ("\u200b", "\u200b"),
        ("x@y.test,", ";z@y.test"),
        ("x@y.test'", "'z@y.test"),
    ],
)
def test_punctuation_around_an_address_stays(before: str, behind: str) -> None:
    after = scrubbed(f"{before}anna@corp.test{behind}", ("x@y.test", "x@y.test"), ("z@y.test", "z@y.test"))

    assert f"{before}{ANNA}{behind}" == after


@pytest.mark.parametrize(
    "address",
    [
        "joanna@corp.test",
        "x.anna@corp.test",
        "anna@corp.test.example",
        "anna+news@corp.test",
        "o'brien@corp.test",
        "anna@corp",
        "anna@192.168.1.1",
        '"anna meyer"@corp.test',
        "bounce+anna=corp.test@list.test",
        "josé@exämple.test",
        "jose\u0301@corp.test",
        "अजय@डाटा.भारत",
        "用户@例子.公司",
        "пётр@пример.рф",
        "anna_@sub-domain.corp.test",
        "a" * 200 + "@corp.test",
        "anna@" + "a." * 100 + "test",
    ],
)
def test_no_part_of_an_address_is_left(address: str) -> None:
    assert f"to {FAKES.email(address)} now" == scrubbed(f"to {address} now", ("anna", "other"), ("corp", "other"))


def test_encoded_addresses_get_the_same_fake_encoded_alike() -> None:
    assert f"?to={ANNA.replace('@', '%40')}&x" == scrubbed("?to=anna%40corp.test&x")
    assert f"To: {ANNA.replace('@', '=40')}." == scrubbed("To: anna=40corp.test.")
    news = FAKES.email("anna+news@corp.test").replace("@", "%40")
    assert news == scrubbed("anna%2Bnews%40corp.test")
    assert scrubbed("Anna%40corp.test", ("anna@corp.test", "emma@example.org")) == "emma%40example.org"


def test_what_only_looks_like_an_address_stays() -> None:
    for text in ("3 @ 5", "@anna", "anna@", "pack@4.17.21", "x=40", "100%40", "a=40b", "@@", "+@x", "a @b.test"):
        assert text == scrubbed(text)


def test_addresses_of_the_web_go_whole() -> None:
    url = "https://anna:pw@corp.test:8080/a(b)?mail=a@b.test&n=4111111111111111#x"

    assert f"see ({FAKES.url(url)}), or" == scrubbed(f"see ({url}), or", ("corp", "other"))
    assert f"{FAKES.url('www.corp.test/x')}." == scrubbed("www.corp.test/x.")
    assert f"<{FAKES.url('HTTP://X.TEST')}>" == scrubbed("<HTTP://X.TEST>")
    assert {("url", "s3://bucket/key"), ("url", "http://a.test")} == found("s3://bucket/key, http://a.test")


def test_addresses_of_machines_go_without_port_and_mask() -> None:
    assert f"{FAKES.ip('10.1.2.3')}:80 and {FAKES.ip('10.0.0.0')}/8." == scrubbed("10.1.2.3:80 and 10.0.0.0/8.")
    assert f"[{FAKES.ip('fe80::1')}]:80, {FAKES.ip('2001:DB8::8:800:200C:417A')}." == scrubbed(
        "[fe80::1]:80, 2001:DB8::8:800:200C:417A."
    )
    for text in ("1.2.3", "256.1.1.1", "1.2.3.4.5", "v1.2.3.4", "12:30:45", "std::string", "::", "a::b::c", "08:00:2b"):
        assert text == scrubbed(text)


# Known originals


def test_known_originals_go_as_whole_words_the_longest_first_in_any_case() -> None:
    pairs = ("Anna", "Mallory"), ("Anna Meyer", "Sarah Gamble"), ("Meyer", "Munoz"), ("ACME Ltd.", "Hahn")

    text = "ANNA MEYER's card; Anna (Meyer), Annabel, Hanna, meyer-anna at acme ltd.: Anna\r\nMeyer, Anna  Meyer"
    after = "Sarah Gamble's card; Mallory (Munoz), Annabel, Hanna, Munoz-Mallory at Hahn: Sarah Gamble, Sarah Gamble"

    assert after == scrubbed(text, *pairs)


def test_accents_count_and_their_encoding_does_not() -> None:
    for written in ("José", "Jose\u0301"):
        for original in ("José", "Jose\u0301"):
            assert scrubbed(f"Jose {written} JOSE", (original, "Bob")) == "Jose Bob JOSE"
    assert scrubbed("Jose\u0301", ("Jose", "Bob")) == "Jose\u0301"
    assert scrubbed("İstanbul İpek", ("İpek", "Bob")) == "İstanbul Bob"
    assert scrubbed("ΝΙΚΟΣ Νίκος", ("Νίκος", "Bob"), ("ΝΙΚΟΣ", "Bob")) == "Bob Bob"


def test_scripts_without_blanks_need_no_blanks() -> None:
    assert scrubbed("我是王小明先生", ("王小明", "李雷")) == "我是李雷先生"
    assert scrubbed("김철수는", ("김철수", "이영희")) == "이영희는"
    assert scrubbed("นายสมชายครับ", ("สมชาย", "ดี")) == "นายดีครับ"


def test_short_originals_go_only_as_they_are_written() -> None:
    assert scrubbed("for An, AN", ("An", "Bo")) == "for Bo, Bo"
    assert scrubbed("an apple", ("An", "Bo")) == "an apple"
    assert [t for t in ("x", "7", "123", "-", "", " ", "An", "王", "1234") if too_short(t)] == [
        "x",
        "7",
        "123",
        "-",
        "",
        " ",
    ]
    assert scrubbed("x 7 123", ("x", "a"), ("7", "8"), ("123", "456")) == "x 7 123"


def test_the_first_fake_of_an_original_counts() -> None:
    assert scrubbed("Anna", ("Anna", "Bob"), ("ANNA", "Eve")) == "Bob"


def test_a_known_number_is_found_in_every_writing() -> None:
    pair = ("+49 30 123456", "+999000")

    for written in (
        "+49 30 123456",
        "+4930123456",
        "0049 30 123456",
        "+49/30/12-34-56",
        "4930123456",
        "+49 (30) 123456",
    ):
        assert scrubbed(f"call {written} now", pair) == "call +999000 now"


def test_known_fakes_win_over_keyed_ones() -> None:
    pair = ("anna@corp.test", "emma@example.org")

    assert scrubbed("anna@corp.test, Anna@Corp.test", pair) == "emma@example.org, emma@example.org"


# Overlaps


def test_of_what_overlaps_nothing_is_left() -> None:
    pairs = ("Main Street 030", "Elm Street 1"), ("1234567 Berlin", "7 Bonn")

    assert re.fullmatch(r"at (\+999\d+|Elm Street 1|7 Bonn)\.", scrubbed("at Main Street 030 1234567 Berlin.", *pairs))


def test_what_came_is_not_scrubbed_again() -> None:
    assert scrubbed("Anna Eve", ("Anna", "anna@corp.test"), ("Eve", "Bob"), ("Bob", "Eve")) == "anna@corp.test Bob"


def test_equal_originals_get_equal_fakes_everywhere() -> None:
    one, other = scrubbed("a: anna@corp.test"), scrubbed("anna@corp.test, anna@corp.test\nanna@corp.test")

    assert other == f"{one[3:]}, {one[3:]}\n{one[3:]}"


def test_another_key_gives_other_fakes() -> None:
    assert scrub("anna@corp.test", Fakes(bytes(32))) != ANNA


def test_texts_without_anything_personal_stay() -> None:
    for text in (
        "",
        " ",
        "Nothing here.",
        "a\tb\r\n",
        "Order 4711-22 of 2026-11-22 07:11, 12 pieces at 1.234,50",
        "\0\x7f",
    ):
        assert text == scrubbed(text, ("Anna", "Bob"))


def test_no_value_shows_in_what_is_printed() -> None:
    shown = repr(list(find("anna@corp.test 4111 1111 1111 1111"))) + repr(list(Known([("Anna", "Bob")]).places("Anna")))

    assert not re.search("anna|4111|bob", shown + repr(Known([("Anna", "Bob")])) + repr(FAKES), re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("ref 4532015112831366x", "ref 9999x"),
        ("a4532015112831366", "a9999"),
        ("CARD:4532015112831366_1", "CARD:9999_1"),
        ("CARD4532015112831366USED", "CARD9999USED"),
        ("nr4532 0151 1283 1366x", "nr9999x"),
        ("4532-0151-1283-1366abc", "9999abc"),
        ("14532015112831366x", "14532015112831366x"),
        ("x45320151128313667", "x45320151128313667"),
    ],
)
def test_a_known_number_goes_whatever_letters_stand_around_it(text: str, after: str) -> None:
    assert scrubbed(text, ("4532015112831366", "9999")) == after
