"""Values that other anonymizers choked on: texts, documents, arrays: see docs/explanation/what-others-met.md."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.peers_case import Engine, MakeDatabase, both_engines, make_masked

TEXTS = r"""
CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kept text, masked text, name text, raw bytea);
INSERT INTO notes (kept, masked, name, raw) SELECT v, v || id, nullif(v, ''), decode(md5(v), 'hex') FROM (VALUES
  (1, '\'), (2, '\.'), (3, '\N'), (4, 'a\tb\x41\\101'), (5, E'tab\there'), (6, E'line\nbreak\r\n'),
  (7, 'it''s "quoted"'),
  (8, '/* no comment'), (9, '*/; -- DROP TABLE notes;'), (10, '$$ $1 $body$'), (11, 'E''\'''), (12, '%s %% {0} {name}'),
  (13, 'ünïcödé 漢字 🙂'), (14, ''), (15, ' '), (16, E'\x01\x1f\x7f'), (17, 'NULL'), (18, '\x'), (19, '\xdeadbeef'),
  (20, 'unterminated '''), (21, repeat('long \ ', 20000))) AS t (id, v);
INSERT INTO notes (kept) VALUES (NULL);
"""


@both_engines
@pytest.mark.parametrize("strategy", ["digest", "full_name"])
def test_no_text_is_taken_for_syntax(make_database: MakeDatabase, engine: Engine, strategy: str) -> None:
    strategies = {"public.notes.masked": strategy, "public.notes.name": "last_name", "public.notes.raw": "digest"}

    twins = make_masked(make_database, engine, TEXTS, strategies)

    kept = "SELECT id, kept FROM notes ORDER BY id"
    assert twins.originals(kept) == twins.rows(kept)
    missing = "SELECT id FROM notes WHERE masked IS NULL OR name IS NULL ORDER BY 1"
    assert twins.originals(missing) == twins.rows(missing) == [(14,), (22,)]
    values = "SELECT masked, raw FROM notes WHERE masked IS NOT NULL"
    assert len(twins.rows(values)) == 21
    assert set(twins.originals(values)).isdisjoint(twins.rows(values))


@both_engines
def test_different_texts_with_backslashes_get_different_fakes(make_database: MakeDatabase, engine: Engine) -> None:
    script = r"""CREATE TABLE t (v text UNIQUE);
    INSERT INTO t VALUES ('\101'), ('A'), ('\\101'), ('\x41'), ('\'), ('\\'), (''), ('\000')"""

    twins = make_masked(make_database, engine, script, {"public.t.v": "digest"})

    assert twins.rows("SELECT count(DISTINCT v) FROM t WHERE v ~ '^[0-9a-f]{32}$'") == [(8,)]


DOCUMENTS = r"""
CREATE TABLE people (profile jsonb NOT NULL, id int PRIMARY KEY, mail text, settings json, history jsonb[], name text,
  tags text[], facts jsonb);
INSERT INTO people SELECT '[{"a": [1, 2, {"b": null}]}, "x\\y\"z", 1e400, {}]', n, 'person' || n || '@mail.invalid',
  ' { "dup": 1,  "dup": 2 } ', ARRAY['{"k": "a,b"}', NULL, '[]']::jsonb[], 'Original', '{"a,b", NULL, "q\"", "{}", ""}',
  CASE n % 3 WHEN 0 THEN 'null' WHEN 1 THEN NULL ELSE '{"n": "\u00fc"}' END::jsonb
FROM generate_series(1, 30) n;
"""


@both_engines
def test_documents_and_arrays_beside_masked_columns_arrive_as_they_were(
    make_database: MakeDatabase, engine: Engine
) -> None:
    twins = make_masked(
        make_database, engine, DOCUMENTS, {"public.people.mail": "email", "public.people.name": "first_name"}
    )

    kept = "SELECT id, profile::text, settings::text, history::text, tags::text, facts::text FROM people ORDER BY id"
    assert twins.originals(kept) == twins.rows(kept)
    assert twins.rows("SELECT count(*) FROM people WHERE mail ~ 'invalid' OR name = 'Original'") == [(0,)]


ARRAYS = r"""
CREATE TABLE people (id int PRIMARY KEY, mails text[], names varchar(20)[] NOT NULL, grid text[][], born date[]);
INSERT INTO people VALUES
  (1, '{zebediah@mail.invalid,NULL,"quux, jr@mail.invalid"}', '{Zebediah}', '{{Zebediah,Quux},{a,b}}', '{1970-01-01}'),
  (2, '{}', '{}', '{}', '{infinity,NULL}'), (3, NULL, '{NULL}', NULL, NULL),
  (4, '{quux@mail.invalid,zebediah@mail.invalid}', '{"Zebediah \"Z\" Q"}', '{}', '{}');
"""


@both_engines
def test_every_element_of_an_array_gets_its_own_fake(make_database: MakeDatabase, engine: Engine) -> None:
    kinds = {"mails": "email", "names": "first_name", "grid": "digest", "born": "date_shift"}

    twins = make_masked(make_database, engine, ARRAYS, {f"public.people.{name}": kind for name, kind in kinds.items()})

    shapes = """SELECT id, array_dims(mails), array_dims(names), array_dims(grid), array_dims(born),
      array_positions(mails, NULL), array_positions(names, NULL), array_positions(born, 'infinity') FROM people
      ORDER BY id"""
    assert twins.originals(shapes) == twins.rows(shapes)
    text = str(twins.rows("SELECT people::text FROM people")).lower()
    assert [word for word in ("zebediah", "quux", "invalid", "1970-01-01") if word in text] == []
    same = "SELECT count(*) FROM people a, people b WHERE a.id = 1 AND b.id = 4 AND a.mails[1] = b.mails[2]"
    assert twins.rows(same) == [(1,)]


PATHS = """
CREATE TABLE people (id int PRIMARY KEY, mail text NOT NULL UNIQUE, profile jsonb, settings json NOT NULL, name text);
INSERT INTO people SELECT n, 'zeb' || n || '@mail.invalid', jsonb_build_object('plan', 'gold', 'secret', 'Zebediah',
  'contact', jsonb_build_object('mail', 'zeb' || n || '@mail.invalid', 'phones', ARRAY['+30 555 ' || n, NULL])),
  format('[{"key": "mail", "value": "zeb%s@mail.invalid"}, {"key": "size", "value": "XL"}]', n)::json, 'Zebediah'
FROM generate_series(1, 30) n;
"""


@both_engines
def test_a_path_into_a_document_is_masked_like_a_column(make_database: MakeDatabase, engine: Engine) -> None:
    profile = {"contact.mail": "email", "contact.phones[*]": "phone", "plan": "keep"}
    settings = {"[key=mail].value": "email", "[*].*": "keep"}
    strategies = {
        "public.people.mail": "email",
        "public.people.name": "first_name",
        "public.people.profile": {"strategy": "json", "paths": profile},
        "public.people.settings": {"strategy": "json", "paths": settings},
    }

    twins = make_masked(make_database, engine, PATHS, strategies)

    same = """SELECT count(*) FROM people WHERE profile #>> '{contact,mail}' = mail AND settings #>> '{0,value}' = mail
      AND profile ->> 'plan' = 'gold' AND settings #>> '{1,value}' = 'XL' AND NOT profile ? 'secret'
      AND profile #>> '{contact,phones,0}' ~ '^[+]999' AND profile #>> '{contact,phones,1}' IS NULL"""
    assert twins.rows(same) == [(30,)]
    text = str(twins.rows("SELECT people::text FROM people")).lower()
    assert [word for word in ORIGINALS if word in text] == []


ORIGINALS = ("zebediah", "quux", "invalid", "+30")


@both_engines
@pytest.mark.parametrize(
    ("type_", "value", "strategy"),
    [
        ("text", "zebediah@mail.invalid, quux@mail.invalid,,", "digest"),
        ("text", "zebediah@mail.invalid,quux@mail.invalid", "email"),
        ("jsonb", '["zebediah@mail.invalid", {"phone": ["+30 555"]}]', {"strategy": "json_only", "members": ["a"]}),
        ("json", '{"keep": 1, "who": "Zebediah"}', {"strategy": "json_only", "members": ["keep"]}),
        ("jsonb[]", '{"{\\"who\\": \\"Zebediah\\"}",NULL}', {"strategy": "constant", "value": "{}"}),
    ],
)
def test_lists_in_one_value_leave_no_member_behind(
    make_database: MakeDatabase, engine: Engine, type_: str, value: str, strategy: Any
) -> None:
    quoted = value.replace("'", "''")
    script = f"CREATE TABLE t (id int, v {type_}); INSERT INTO t VALUES (1, '{quoted}'), (2, NULL)"

    twins = make_masked(make_database, engine, script, {"public.t.v": strategy})

    ((masked,),) = twins.rows("SELECT v::text FROM t WHERE id = 1")
    assert [word for word in ORIGINALS if word in masked.lower()] == []
    assert twins.rows("SELECT id FROM t WHERE v IS NULL") == [(2,)]
