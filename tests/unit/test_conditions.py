"""People's SQL: one harmless expression over the row passes, all else is refused before Postgres sees it."""

from __future__ import annotations

import re

import pytest

from sanitizers.conditions import condition_problem, read_expression

COLUMNS = ("id", "email", "postcode", "born", "Full Name", "date", "tags", "doc", "user", "u", "e", "filter", "grün")
HARMLESS = """
id = 1
lower(email) LIKE '%@corp.test' AND NOT (id IN (1, 2, 3))
"Full Name" IS NOT NULL OR email ~ '^a[0-9]+$'
left(postcode, 3) || '00'
date_trunc('month', born)::date
date > date '2020-01-01' - interval '1 day'
born AT TIME ZONE 'UTC' < current_timestamp
CASE WHEN id % 2 = 0 THEN 'even' ELSE 'odd' END
extract(year FROM born) BETWEEN 1990 AND 2000
doc -> 'a' ->> 'b' = 'c' AND doc ? 'x' AND doc @> '{"a": [1]}'
tags[1] = ANY (ARRAY['a', 'b']) AND cardinality(tags[1:2]) > 0
CAST(id AS numeric(10, 2)) * 1.5e3 > -1
email COLLATE "C" < 'm'
coalesce(email, 'it''s; -- no /* comment */ $$')
"user" = 'root'
"filter" IS DISTINCT FROM u & 1
grün = 'ü'
to_tsvector('english', coalesce(email, ''))
substring(email FROM 1 FOR 3)
CASE id WHEN 1 THEN NULL ELSE true END IS NOT NULL
id::numeric(10, 2)::text = '1.00' AND tags::varchar(3)[] IS NOT NULL
born > timestamp '2020-01-01' - interval '1' day
trim(BOTH ' ' FROM email) = 'a' AND (id, email) = (1, 'a')
"""
REFUSED = {
    "nothing": ["", "   \n"],
    "other tables": [
        "id IN (SELECT id FROM other)",
        "exists(select 1)",
        "id in (table other)",
        "id in (values (1))",
        "(with x as (select 1) select 1) = 1",
        "other.secret = 1",
        '"pg_authid"."rolpassword" is null',
        "public.t.id = 1",
        "t.id = 1",
        "t = t",
        "ctid is null",
        "tableoid::regclass",
    ],
    "functions": [
        "pg_sleep(9)",
        "pg_read_file ('x')",
        '"lower"(email)',
        '"pg_sleep"(1)',
        "pg_catalog.pg_sleep(1)",
        '"pg_catalog" . "pg_sleep" (1)',
        "id(1)",
        "current_setting('x')",
        "set_config('a', 'b', false)",
        "nextval('s')",
        "random() < 0.5",
        "lo_import('x')",
        "dblink('x', 'y')",
        "query_to_xml('x', true, true, '')",
        "unnest(tags)",
        "generate_series(1, 2)",
        "pg_ls_dir('.')",
        "pg_stat_file('x')",
        "lo_get(1)",
        "lo_export(1, 'x')",
        "currval('s')",
        "setval('s', 1)",
        "pg_notify('a', 'b')",
        "pg_terminate_backend(1)",
        "pg_advisory_lock(1)",
        "txid_current()",
        "to_regclass('x')",
        "has_table_privilege('x', 'select')",
        "dblink_exec('x')",
        "xmlparse(document 'x')",
        "xpath('/', doc)",
        "lower((id)(1))",
        "coalesce(pg_sleep(1), 'a')",
        "lower(variadic tags)",
        "make_interval(days => 1)",
        "count(id)",
        "(email).lower",
        "email.lower",
        "version()",
    ],
    "the session": [
        "user = 'a'",
        "current_user = 'a'",
        "SESSION_USER = 'a'",
        "current_schema = 'a'",
        "localtime > born",
    ],
    "casts that read the catalog": [
        "'other'::regclass",
        "cast('x' as regclass) = 1",
        "regclass 'other' = 1",
        "e 'a' = 1",
        "'(1)'::other",
        "'x'::public.other",
        "'x'::\"text\"",
        "id::1",
        "id::'text'",
        "id::(text)",
        "id::[1]",
        "id::varchar(n)",
        "id::varchar(lower(email))",
        "id::varchar('1')",
        "id::int[id]",
        "id::int id",
        "id::int 'x'",
        "id::int lower(email)",
        "id::int(3)(4)",
        "id::setof int",
        "id::xml",
        "id::oid",
        "id::regrole",
        "cast(id as public.evil)",
        "cast(id as evil)",
    ],
    "strings of other kinds": [
        "E'\\'' = 'a'",
        "e'a' = 'a'",
        "'a\\' = 'b'",
        "U&'\\0027' = ''",
        "u&'a' = ''",
        'U&"\\0073" = 1',
        'u &"u" = 1',
        "B'1' = 1",
        "x'00' = 1",
        "N'a' = 'a'",
        "$$a$$ = 'a'",
        "$a$x$a$ = 'a'",
        "email = $1",
        "'open",
        '"open',
        "'a' UESCAPE '!' = 'a'",
        "'\x00' = 'a'",
        "'\x1b' = 'a'",
    ],
    "comments": ["id = 1 -- and", "id = 1 /* and */", "id =-- 1\n1", "id --1", "id /*", "1 */ 2"],
    "several statements": ["id = 1; DROP TABLE x", "id = 1) OR (1 = 1", "1), (2", "id = 1))", "((id = 1)", "([id)]"],
    "several values": [
        "id id",
        "id 'a'",
        "'a' 'b'",
        "1 2",
        "(id) (id)",
        "id email = 1",
        "id = 1 as",
        "1in(2)",
        "1e",
        "1x",
        "null null",
        "id is null true",
        "true false",
        "id, email",
        "id = 1, pg_sleep(1)",
        "id as x",
        "id from t",
        "email for 1",
        "id both",
        "distinct email",
        "all email",
        "any (tags)",
        "and id = 1",
    ],
    "operators": [
        "id OPERATOR(public.+) 1",
        "id <-> 1",
        "id +++ 1",
        "id => 1",
        "lower(email := 'a')",
        "id =-1",
        "id ! 1",
        "id ` 1",
        "id {} 1",
        "id \\ 1",
    ],
    "windows": ["lower(email) over ()", "lower(email) filter (where true)", "email within group (order by id)"],
    "blanks and letters that only look the same": [
        "pg\u00a0sleep(1)",
        "id\u00a0= 1",
        "id\u2003= 1",
        "\uff49d = 1",
        "İd = 1",
        "\u212ad = 1",
        "id\x0b= 1",
        "id = \u0661",
        "id = 1\u0661",
        "id = \uff11",
        "id::varchar(\u0663)",
        "id = 1.\u0661",
    ],
    "other names": [
        '"ID" = 1',
        "nobody = 1",
        "email COLLATE \"de-x-icu\" = 'a'",
        "email collate public.x = 'a'",
        '"" = 1',
    ],
}


ROW_ALONE, ONE = "may read this row alone", "must be one expression"
FUNCTION, TYPE = "is not one of the functions that may be called", "is no type that an expression may cast to"
WORDS = {
    "nothing": "^it is empty$",
    "other tables": f"{ROW_ALONE}|^there is no column (t|ctid|tableoid)$",
    "functions": f"{FUNCTION}|{ROW_ALONE}|{ONE}|^there is no column (variadic|days)$",
    "the session": ROW_ALONE,
    "casts that read the catalog": (
        f"{TYPE}|{ROW_ALONE}|{ONE}|brackets may hold numbers alone|^there is no column (regclass|text|n)$"
    ),
    "strings of other kinds": "cannot stand in an expression|^there is no column (b|x|n|uescape)$",
    "comments": "'[^']*(--|/[*]|[*]/)' cannot stand in an expression$",
    "several statements": "^';' cannot stand in an expression$|^its brackets do not match$",
    "several values": (
        f"{ONE}|put a blank between$|^it cannot begin with (distinct|all|any|and)$|{TYPE}|{FUNCTION}|no column t$"
    ),
    "operators": f"' cannot stand in an expression$|{FUNCTION}|^'=-' is no known operator",
    "windows": f"^(over|filter|within) cannot stand in an expression: it {ROW_ALONE}$",
    "blanks and letters that only look the same": (
        f"^there is no column \\W*\\w+\\W*$|{FUNCTION}|cannot stand in an expression"
    ),
    "other names": f"^there is no column (ID|nobody)$|{ROW_ALONE}|cannot stand in an expression$",
}
"""Why each text is refused: a pattern that the sentence has."""


@pytest.mark.parametrize("text", HARMLESS.strip().splitlines())
def test_one_expression_over_the_row_passes(text: str) -> None:
    assert condition_problem(text, COLUMNS) is None


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in REFUSED.items() for text in texts])
def test_everything_else_is_refused(why: str, text: str) -> None:
    assert re.search(WORDS[why], condition_problem(text, COLUMNS) or "")


def test_a_function_that_the_policy_declares_may_be_called_by_its_full_name_alone() -> None:
    declared = ("public.my_mask", "Odd Schema.f")

    assert condition_problem("public.my_mask(email, 1)", COLUMNS, declared) is None
    assert condition_problem('"Odd Schema"."f"(email)', COLUMNS, declared) is None
    assert condition_problem("my_mask(email)", COLUMNS, declared) == f"my_mask() {FUNCTION}"
    for text, name in (
        ("public.other(email)", "public.other"),
        ("public.my_mask", "public.my_mask"),
        ("public.my_mask.x(email)", "public.my_mask"),
    ):
        assert condition_problem(text, COLUMNS, declared) == f"{name} cannot stand in an expression: it {ROW_ALONE}"


def test_what_an_expression_uses_is_told() -> None:
    used = read_expression("Lower(\"Full Name\") || public.f(Email) <> date '2020-01-01'::text", COLUMNS, ("public.f",))

    assert used.columns == {"Full Name", "email"}
    assert used.functions == {"lower", "public.f"}
    assert used.operators == {"||", "<>"}
