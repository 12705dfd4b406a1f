-- Every type that Postgres 14 to 18 and their usual extensions have, with the values that are hard to copy.
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION btree_gist;
CREATE EXTENSION cube;
CREATE EXTENSION isn;
CREATE EXTENSION intarray;

CREATE SCHEMA "Odd.Schema";
CREATE TYPE "Odd.Schema"."Mood" AS ENUM ('sad', 'it''s "great"', 'back\slash', '');
CREATE DOMAIN email_address AS citext CHECK (VALUE ~ '@');
CREATE DOMAIN short_code AS varchar(20) NOT NULL;
CREATE DOMAIN shorter_code AS short_code CHECK (length(VALUE) <= 12);
CREATE DOMAIN tags AS text[];
CREATE TYPE address AS (street text, "Post Code" varchar(10), geo point);
CREATE TYPE household AS (home address, others address[], mood "Odd.Schema"."Mood");
CREATE TYPE heights AS RANGE (subtype = float8);

CREATE TABLE numbers (
  id int PRIMARY KEY, small smallint, big bigint, money2 numeric(12, 2), wild numeric, tiny numeric(3, 3),
  single real, double double precision, cash money, flag boolean, oids oid, kind regclass, role_ regrole
);
INSERT INTO numbers VALUES
  (1, -32768, -9223372036854775808, 9999999999.99, 'NaN', 0.999, '-Infinity', 'NaN', -92233720368547758.08, true,
   4294967295, 'numbers', NULL),
  (2, 32767, 9223372036854775807, 'NaN', 'Infinity', -0.001, 1e-45, 2.2250738585072014e-308, 0.01, false, 0,
   'pg_class', 'pg_monitor'),
  (3, 0, 0, 0.00, 1e-200, 0, 0.1, 0.1, 0, NULL, 1, NULL, NULL);

CREATE TABLE texts (
  id int PRIMARY KEY, plain text, sized varchar(5), padded char(8), one char, "char" "char", named name,
  folded citext, domained email_address, code shorter_code, "C" text COLLATE "C", compressed text
);
INSERT INTO texts VALUES
  (1, E'tab\there\nline\r\n\\N \\. \\x', 'äöü', 'pad', 'x', 'y', 'a_name', 'MiXeD', 'A@B.example', 'twelve chars', 'é', repeat('x', 9000)),
  (2, '', '', '', '', '', '', '', '@', '', '', ''),
  (3, E'\\.', U&'\+01F600', '        ', ' ', ' ', '"', '''', 'x@y', 'z', E'\\N', U&'\0301e'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'not null', NULL, NULL);

CREATE TABLE times (
  id int PRIMARY KEY, d date, ts timestamp, tz timestamptz, ts3 timestamp(3), t time, ttz timetz, i interval,
  years interval year to month, secs interval second(2)
);
INSERT INTO times VALUES
  (1, 'infinity', '-infinity', 'infinity', '2024-02-29 23:59:59.999', '24:00', '23:59:59.999999+15:59',
   '178000000 years', '1 year 2 months', '1.25'),
  (2, '4713-01-01 BC', '4713-01-01 00:00 BC', '294276-12-31 23:59:59.999999+00', 'infinity', '00:00', '00:00-15:59',
   '-1 year +2 mons -3 days +04:05:06.789', '-1 month', '-0.01'),
  (3, '2024-02-29', '1970-01-01', '2024-03-31 02:30 Europe/Athens', NULL, NULL, NULL, '-00:00:00.000001', NULL, NULL);

CREATE TABLE documents (
  id int PRIMARY KEY, j json, jb jsonb, x xml, h hstore, path ltree, label lquery, v tsvector, q tsquery, jp jsonpath
);
INSERT INTO documents VALUES
  (1, '{"a":1, "a":2, "n":1e400, "u":"\u0000", "s":"\ud83d\ude00"}', '{"a": [1, {"b": "x\"y\\z"}], "": null}',
   '<a b="1">&lt;&amp;ü</a>', '"a"=>"1", "b c"=>NULL, ""=>"\"q\\"', 'Top.Child1.x_y', '*.a|b.!c{1,2}',
   'fat:2A,4B ''it''''s'':1', 'fat & (rat | !cat:AB) <2> ''x y''', '$.a[*] ? (@.b == "x")'),
  (2, '"text"', '"text"', 'text only', '', '', '*', '', '', '$'),
  (3, 'null', 'null', '<?xml version="1.0" encoding="UTF-8"?><r><![CDATA[<x>]]></r>', NULL, NULL, NULL, NULL, NULL, NULL),
  (4, '[]', '{"big": 123456789012345678901234567890.000, "deep": [[[[]]]]}', NULL, 'x=>y', 'a', 'a', '''a b'' ''\\''', '''\\''', NULL);

CREATE TABLE addresses (
  id int PRIMARY KEY, host inet, net cidr, mac macaddr, mac8 macaddr8, uid uuid, raw bytea, bits bit(5), many varbit,
  lsn pg_lsn, xid8_ xid8, snap pg_snapshot
);
INSERT INTO addresses VALUES
  (1, '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff5c5c2e0a', B'10101', B'1', '16/B374D848', '18446744073709551615', '10:20:10,14,15'),
  (2, '::ffff:1.2.3.4', '::/0', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff:ff:ff', '00000000-0000-0000-0000-000000000000', '',
   B'00000', B'', '0/0', '0', '1:1:'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE shapes (
  id int PRIMARY KEY, p point, l line, s lseg, b box, pa path, po polygon, c circle, cu cube, book isbn13,
  ir int4range, nr numrange, dr daterange, tr tstzrange, hr heights, im int4multirange, tm tstzmultirange, hm heights_multirange
);
INSERT INTO shapes VALUES
  (1, '(1e300,-0)', '{1,-1,0}', '[(0,0),(1,1)]', '((0,0),(1,1))', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(0,0),5>',
   '(1,2),(3,4)', '978-0-393-04002-9', '[1,5)', '(,1.50]', 'empty', '["2024-01-01 00:00+00",infinity)', '[1.5,2.5]',
   '{[1,3),[5,7)}', '{}', '{[1,2),[3,4]}'),
  (2, '(Infinity,NaN)', NULL, NULL, NULL, '((0,0),(1,1))', NULL, NULL, '(0)', NULL, 'empty', '(,)', '[2024-02-29,)', NULL, 'empty',
   '{}', '{["2024-01-01 00:00+00","2024-01-02 00:00+00")}', NULL);

CREATE TABLE nested (
  id int PRIMARY KEY, words text[], grid int[][], odd text[], moods "Odd.Schema"."Mood"[], mood "Odd.Schema"."Mood",
  domain_array tags, emails email_address[], home address, home_ household, homes address[], ranges int4range[],
  docs jsonb[], raws bytea[], stamps timestamptz[], nums numeric[], hs hstore[]
);
INSERT INTO nested VALUES
  (1, ARRAY['a,b', '{c}', '"d"', 'e\f', NULL, 'NULL', ''], '{{1,2},{3,NULL}}', '[-1:1]={x,y,z}',
   ARRAY['sad', '', 'back\slash']::"Odd.Schema"."Mood"[], 'it''s "great"', ARRAY['t, 1', NULL], ARRAY['A@b']::email_address[],
   ROW('1 "High", St', '10(5)', '(1,2)'), ROW(ROW('x', 'y', NULL), ARRAY[ROW('\', '''', NULL)::address, NULL], 'sad'),
   ARRAY[ROW(',', '', '(0,0)')::address], ARRAY['[1,2)'::int4range, 'empty'], ARRAY['{"a,b": "\\"}'::jsonb, NULL],
   ARRAY['\x00'::bytea, '\x5c'], ARRAY['infinity'::timestamptz, '2024-01-01 00:00+00'], ARRAY['NaN'::numeric, 1.50],
   ARRAY['"a,b"=>"{\"}"'::hstore]),
  (2, '{}', '{}', NULL, '{}', NULL, NULL, '{}', ROW(NULL, NULL, NULL), ROW(NULL, NULL, NULL), NULL, '{}', '{}', '{}', '{}', '{}', '{}');

CREATE TABLE computed (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5) PRIMARY KEY,
  by_default int GENERATED BY DEFAULT AS IDENTITY, serial_ serial, first text NOT NULL, last text,
  "full" text GENERATED ALWAYS AS (first || coalesce(' ' || last, '')) STORED,
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', first)) STORED,
  during int4range, EXCLUDE USING gist (during WITH &&), EXCLUDE USING gist (first WITH =, during WITH &&)
);
ALTER TABLE computed ADD COLUMN gone text, ADD COLUMN late int DEFAULT 7;
ALTER TABLE computed DROP COLUMN gone;
CREATE INDEX ON computed USING gin (words);
CREATE INDEX ON computed USING gin (last gin_trgm_ops);
CREATE INDEX ON computed USING brin (id);
CREATE UNIQUE INDEX ON computed (lower(last)) WHERE last IS NOT NULL;
INSERT INTO computed (first, last, during) SELECT 'First' || n, 'Last' || n, int4range(n, n + 1) FROM generate_series(1, 20) n;

CREATE TABLE people (
  id serial PRIMARY KEY, email email_address UNIQUE, first_name text NOT NULL, last_name varchar(12), phone varchar(20),
  born date, seen timestamptz, address inet, token uuid, secret bytea, badge bigint UNIQUE, note text, city char(12)
);
CREATE TABLE letters (id serial PRIMARY KEY, "to" email_address REFERENCES people (email), body text);
INSERT INTO people (email, first_name, last_name, phone, born, seen, address, token, secret, badge, note, city)
SELECT 'Person' || n || '@Mail.invalid', 'Theodora' || n, 'Papadim' || n, '+30 210 555' || n, date '1960-02-29' + n,
  timestamptz '2024-03-31 01:30+00' + n * interval '1 hour', inet '10.1.2.0' + n, md5(n::text)::uuid, decode(md5(n::text), 'hex'),
  8000000000 + n, 'note ' || n || E'\t\\', 'Heraklion' || n
FROM generate_series(100, 300) n;
INSERT INTO people (first_name, born, seen) VALUES ('Nobody', 'infinity', '-infinity');
INSERT INTO letters ("to", body) SELECT email, 'Dear ' || first_name FROM people WHERE email IS NOT NULL;
