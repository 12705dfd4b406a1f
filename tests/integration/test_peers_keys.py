"""Keys, references and sequences that other anonymizers broke: see docs/explanation/what-others-met.md."""

from __future__ import annotations

import psycopg
import pytest

from tests.integration.peers_case import Engine, MakeDatabase, both_engines, execute, make_masked, make_twins

NATURAL = """
CREATE TABLE accounts (key {type} PRIMARY KEY, backup {type} UNIQUE REFERENCES accounts);
CREATE TABLE visits (id int PRIMARY KEY, account {type} NOT NULL REFERENCES accounts ON UPDATE CASCADE,
  previous {type});
INSERT INTO accounts SELECT {value} FROM generate_series(1, 300) n;
UPDATE accounts SET backup = key;
INSERT INTO visits SELECT row_number() OVER (), key FROM accounts, generate_series(1, 2);
"""


@both_engines
@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("text", "'person ' || n"),
        ("varchar(40)", "'person ' || n"),
        ("char(40)", "'person ' || n"),
        ("uuid", "md5(n::text)::uuid"),
        ("bigint", "n * 1000003"),
        ("bytea", r"'\x5c00'::bytea || int4send(n)"),
        ("inet", "inet '10.0.0.0' + n"),
    ],
)
def test_a_masked_natural_key_of_any_type_still_joins(
    make_database: MakeDatabase, engine: Engine, type_: str, value: str
) -> None:
    columns = ("accounts.key", "accounts.backup", "visits.account", "visits.previous")
    strategies = {f"public.{name}": "digest" for name in columns}

    twins = make_masked(make_database, engine, NATURAL.format(type=type_, value=value), strategies)

    joined = "SELECT count(*), count(DISTINCT a.key) FROM visits v JOIN accounts a ON a.key = v.account"
    assert twins.rows(joined) == [(600, 300)]
    assert twins.rows("SELECT count(*) FROM accounts WHERE backup = key") == [(300,)]
    kept = {row[0] for row in twins.originals("SELECT key::text FROM accounts")}
    assert kept & {row[0] for row in twins.rows("SELECT key::text FROM accounts")} == set()
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="visits_account_fkey"):
        execute(twins.masked, f"INSERT INTO visits SELECT 0, {value} FROM generate_series(1, 1) n")


CIRCLE = """
CREATE TABLE firms (tax text PRIMARY KEY, boss text);
CREATE TABLE people (mail text PRIMARY KEY, firm text NOT NULL REFERENCES firms, mentor text REFERENCES people);
INSERT INTO firms SELECT 'tax ' || n FROM generate_series(1, 50) n;
INSERT INTO people SELECT 'person' || n || '@mail.invalid', 'tax ' || n, NULL FROM generate_series(1, 50) n;
UPDATE firms SET boss = 'person' || substr(tax, 5) || '@mail.invalid';
UPDATE people SET mentor = mail;

ALTER TABLE firms ALTER boss SET NOT NULL, ADD CONSTRAINT led FOREIGN KEY (boss) REFERENCES people DEFERRABLE;
"""


@both_engines
def test_a_circle_of_references_over_masked_keys_holds(make_database: MakeDatabase, engine: Engine) -> None:
    strategies = {
        "public.firms.tax": "digest",
        "public.people.firm": "digest",
        "public.firms.boss": "email",
        "public.people.mail": "email",
        "public.people.mentor": "email",
    }

    twins = make_masked(make_database, engine, CIRCLE, strategies)

    query = "SELECT count(*) FROM firms f JOIN people p ON p.mail = f.boss AND p.firm = f.tax AND p.mentor = p.mail"
    assert twins.rows(query) == [(50,)]
    assert twins.rows("SELECT count(*) FROM people WHERE mail ~ 'invalid' OR firm ~ 'tax'") == [(0,)]
    constraints = "SELECT conname, condeferrable, convalidated FROM pg_constraint WHERE contype = 'f' ORDER BY 1"
    assert twins.originals(constraints) == twins.rows(constraints)


UNIQUE_TARGET = """
CREATE SCHEMA crm;
CREATE TABLE crm.people (id int PRIMARY KEY, team int NOT NULL, mail text NOT NULL UNIQUE, UNIQUE (mail, team));
CREATE UNIQUE INDEX ON crm.people (team, id);
CREATE TABLE logins (id int PRIMARY KEY, mail text REFERENCES crm.people (mail), team int, person int,
  FOREIGN KEY (mail, team) REFERENCES crm.people (mail, team) MATCH SIMPLE,
  FOREIGN KEY (team, person) REFERENCES crm.people (team, id));
INSERT INTO crm.people SELECT n, n % 3, 'person' || n || '@mail.invalid' FROM generate_series(1, 60) n;
INSERT INTO logins SELECT id, mail, team, id FROM crm.people;
INSERT INTO logins VALUES (61, NULL, 1, 1);
"""


@both_engines
def test_references_to_a_unique_column_of_another_schema_hold(make_database: MakeDatabase, engine: Engine) -> None:
    strategies = {"crm.people.mail": "email", "public.logins.mail": "email"}

    twins = make_masked(make_database, engine, UNIQUE_TARGET, strategies)

    assert twins.rows("SELECT count(*) FROM logins JOIN crm.people p USING (mail, team) WHERE p.id = person") == [(60,)]
    assert twins.rows("SELECT id FROM logins WHERE mail IS NULL") == [(61,)]
    assert twins.rows("SELECT count(*) FROM crm.people WHERE mail ~ 'invalid'") == [(0,)]
    assert twins.rows("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated") == [(3,)]


HALF_MASKED = """
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE contacts (owner int REFERENCES owners, kind text, mail text, note text,
  PRIMARY KEY (owner, kind), UNIQUE (mail, kind));
INSERT INTO owners SELECT generate_series(1, 40);
INSERT INTO contacts SELECT id, kind, 'person' || id || kind || '@mail.invalid', 'secret'
FROM owners, unnest('{home,work}'::text[]) kind;
"""


@both_engines
def test_a_key_of_two_columns_of_which_one_is_masked_stays_unique(make_database: MakeDatabase, engine: Engine) -> None:
    masked = {"public.contacts.mail": "email", "public.contacts.note": "null"}

    twins = make_masked(make_database, engine, HALF_MASKED, masked)

    assert twins.rows("SELECT count(*), count(DISTINCT (mail, kind)) FROM contacts") == [(80, 80)]
    assert twins.rows("SELECT count(*) FROM contacts WHERE mail ~ 'invalid' OR note IS NOT NULL") == [(0,)]
    keys = "SELECT conname FROM pg_constraint WHERE contype IN ('u', 'p') ORDER BY 1"
    assert twins.originals(keys) == twins.rows(keys)


NUMBERED = """
CREATE TABLE always (id bigint GENERATED ALWAYS AS IDENTITY (START WITH 500 INCREMENT BY 5) PRIMARY KEY, name text);
CREATE TABLE by_default (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text);
CREATE TABLE serials (id serial PRIMARY KEY, small smallserial, name text);
CREATE SEQUENCE invoices START 9000;
CREATE SEQUENCE untouched START 77;
CREATE TABLE downwards (id int PRIMARY KEY DEFAULT 0);
CREATE SEQUENCE falling INCREMENT -2 MAXVALUE -1 OWNED BY downwards.id;
INSERT INTO always (name) SELECT 'original ' || n FROM generate_series(1, 30) n;
INSERT INTO by_default SELECT n, 'original ' || n FROM generate_series(7, 30) n;
SELECT setval('by_default_id_seq', 30);
INSERT INTO serials (name) SELECT 'original ' || n FROM generate_series(1, 30) n;
SELECT nextval('invoices'), nextval('invoices'), nextval('falling');
DELETE FROM always WHERE id > 600;
"""
NUMBERED_TABLES = ("always", "by_default", "serials")
NAMES = {f"public.{table}.name": "full_name" for table in NUMBERED_TABLES}


@both_engines
def test_identities_and_sequences_go_on_where_they_stood(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_twins(make_database, engine, NUMBERED, NAMES)
    ids = "SELECT (SELECT array_agg(id ORDER BY id) FROM always), (SELECT array_agg(id ORDER BY id) FROM by_default)"

    twins.run()

    assert twins.originals(ids) == twins.rows(ids)
    assert twins.rows("SELECT count(*) FROM always WHERE name ~ 'original'") == [(0,)]
    execute(twins.masked, "".join(f"INSERT INTO {t} (name) VALUES ('next');" for t in NUMBERED_TABLES))
    new = "SELECT a.id, b.id, s.id, s.small FROM always a, by_default b, serials s WHERE (a.name, b.name, s.name)"
    assert twins.rows(f"{new} = ('next', 'next', 'next')") == [(650, 31, 31, 31)]
    following = "SELECT nextval('invoices'), nextval('untouched'), nextval('falling')"
    assert twins.rows(following) == [(9002, 77, -3)]
