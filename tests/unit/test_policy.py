"""The masking policy: what people write, and what they are told when it is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sanitizers.errors import PolicyError
from sanitizers.policy import MaskingPolicy, load_policy, parse_policy
from sanitizers.policy_file import Suggestion, write_policy
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.email import Email
from sanitizers.strategies.keep import Keep

GOOD = """
version = 1
locale = "de_DE"
reviewed_by = "Ada"
reviewed_on = "2026-11-21"

[neondb.public.customers]
email = "email"   # the login, too
id = "keep"
born_on = { strategy = "date_shift", days = 365 }

[neondb."Odd.Schema"."Big Table"]
"Größe" = { strategy = "keep", public = true }
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "masking.toml")
    return str(caught.value).splitlines()


def test_a_policy_names_every_column_by_its_path() -> None:
    policy = parse_policy(GOOD, "masking.toml")

    paths = list(policy.paths())

    assert paths == [
        ("neondb", "public", "customers", "email"),
        ("neondb", "public", "customers", "id"),
        ("neondb", "public", "customers", "born_on"),
        ("neondb", "Odd.Schema", "Big Table", "Größe"),
    ]
    assert policy.strategy(paths[2]) == DateShift(days=365)
    assert policy.strategy(paths[3]) == Keep(public=True)
    assert policy.strategy(("neondb", "public", "customers", "nickname")) is None


def test_only_a_name_and_a_date_make_it_reviewed() -> None:
    signed = parse_policy(GOOD, "masking.toml")

    undated = parse_policy('version = 1\nreviewed_by = "Ada"', "masking.toml")
    unsigned = parse_policy('version = 1\nreviewed_by = " "\nreviewed_on = 2026-11-21', "masking.toml")

    assert signed.reviewed
    assert signed.reviewed_on == date(2026, 11, 21)
    assert not undated.reviewed
    assert not unsigned.reviewed


def test_the_digest_is_of_the_decisions_not_of_order_or_review() -> None:
    policy = parse_policy(GOOD, "masking.toml")

    reviewed = policy.model_copy(update={"reviewed_by": "Grace"})
    written_out = parse_policy(GOOD.replace('id = "keep"', 'id = { strategy = "keep" }'), "masking.toml")
    changed = parse_policy(GOOD.replace("365", "366"), "masking.toml")

    assert MaskingPolicy.model_validate(reviewed.model_dump(by_alias=True)).digest == policy.digest
    assert written_out.digest == policy.digest
    assert changed.digest != policy.digest


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('email = "emial"', "masking.toml: db.public.t.email: unknown strategy 'emial'; allowed are card, city, "),
        ("email = 3", "masking.toml: db.public.t.email: "),
        ("email = { days = 3 }", "masking.toml: db.public.t.email: no strategy; write `column = "),
        (
            'x = { strategy = "null", why = 1 }',
            "masking.toml: db.public.t.x: null has no parameter 'why'; allowed are keep_values, keep_if.",
        ),
        (
            'x = { strategy = "date_shift", day = 1 }',
            "masking.toml: db.public.t.x: date_shift has no parameter 'day'; allowed are by, days, per, keep_",
        ),
        (
            'x = { strategy = "date_shift", days = 0 }',
            "masking.toml: db.public.t.x: date_shift: days: Input should be ",
        ),
        ('x = { strategy = "constant" }', "masking.toml: db.public.t.x: constant needs the parameter 'value'."),
    ],
)
def test_a_wrong_column_is_named_with_what_would_be_right(line: str, sentence: str) -> None:
    (problem,) = problems(f"version = 1\n[db.public.t]\n{line}")

    assert problem.startswith(sentence), problem


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "masking.toml: version is missing: write version = 1 above everything else."),
        ("version = 2", "masking.toml: version: Input should be 1."),
        (
            'version = 1\nlocal = "x"',
            "masking.toml: local: unknown setting; allowed are version, locale, sample, allow_connections, ",
        ),
        ('version = 1\nlocale = "xx_YY"', "masking.toml: locale: Faker knows no locale 'xx_YY'; write it as en_US or "),
        ('version = 1\n[db]\npublic = "keep"', "masking.toml: db.public: expected [database.schema.table] with a "),
        ("version = ", "masking.toml: not valid TOML: "),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(text: str, sentence: str) -> None:
    (problem,) = problems(text)

    assert problem.startswith(sentence), problem


def test_all_mistakes_are_told_at_once() -> None:
    found = problems('version = 3\nwho = 1\n[db.public.t]\na = "nope"\nb = { strategy = "phone", digits = 99 }')

    assert len(found) == 4


def test_a_missing_file_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file or directory; name a TOML file"):
        load_policy(tmp_path / "masking.toml")


def suggestion(column: str, table: str = "customers") -> Suggestion:
    return Suggestion("neondb", "public", table, column, Email(), "email: 'email' in its name")


def test_a_first_policy_can_be_read_back_and_is_not_reviewed(tmp_path: Path) -> None:
    path = tmp_path / "masking.toml"

    write_policy(path, [suggestion("email"), suggestion('odd "name".x', "Big Table")], locale="fr_FR")
    policy = load_policy(path)

    assert policy.locale == "fr_FR"
    assert not policy.reviewed
    assert policy.strategy(("neondb", "public", "customers", "email")) == Email()
    assert policy.strategy(("neondb", "public", "Big Table", 'odd "name".x')) == Email()
    assert [p.name for p in tmp_path.iterdir()] == ["masking.toml"]


def test_merging_adds_what_is_new_and_leaves_comments_and_decisions_alone(tmp_path: Path) -> None:
    path = tmp_path / "masking.toml"
    path.write_text(GOOD, encoding="utf-8")
    path.chmod(0o640)

    added = write_policy(path, [suggestion("email"), suggestion("id"), suggestion("mail"), suggestion("m", "other")])

    text = path.read_text(encoding="utf-8")
    assert [s.path[2:] for s in added] == [("customers", "mail"), ("other", "m")]
    assert 'email = "email"   # the login, too\nid = "keep"\n' in text
    assert "mail = \"email\" # email: 'email' in its name" in text
    assert load_policy(path).strategy(("neondb", "public", "customers", "id")) == Keep()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_comment_above_a_table_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "masking.toml"
    first, second = (
        '[neondb.public.customers]\nid = "keep"\n',
        '\n# Notes are read by nobody.\n[support.public.t]\na = "keep"\n',
    )
    third = '\n# Orders\n[neondb.public.orders]\nid = "keep"\n'
    path.write_text(f"version = 1\n{first}{second}{third}", encoding="utf-8")

    write_policy(path, [suggestion("mail")])

    line = "mail = \"email\" # email: 'email' in its name\n"
    assert path.read_text(encoding="utf-8") == f"version = 1\n{first}{line}{second}{third}"


def test_a_reason_with_a_line_break_in_it_stays_on_its_line(tmp_path: Path) -> None:
    path = tmp_path / "masking.toml"
    odd = Suggestion("neondb", "public", "t", "a\nb", Email(), "it is called a\nb")

    write_policy(path, [odd])

    assert load_policy(path).strategy(odd.path) == Email()


def test_new_lines_void_the_review_and_none_leave_the_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "masking.toml"
    path.write_text(GOOD, encoding="utf-8")

    nothing = write_policy(path, [suggestion("email")])
    untouched = path.read_text(encoding="utf-8")
    write_policy(path, [suggestion("mail")])

    assert nothing == ()
    assert untouched == GOOD
    assert not load_policy(path).reviewed


def test_a_file_that_is_no_policy_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "masking.toml"
    path.write_text("colour = 'red'", encoding="utf-8")

    with pytest.raises(PolicyError):
        write_policy(path, [suggestion("email")])

    assert path.read_text(encoding="utf-8") == "colour = 'red'"
