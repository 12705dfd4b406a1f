-- One column per type, filled with values that are easily masked differently by another version.
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE COLLATION blurred (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE address AS (street text, number int);
CREATE DOMAIN short_text AS varchar(30);
CREATE TABLE originals (
  id serial PRIMARY KEY, plain text, sized varchar(40), padded char(36), folded citext, domained short_text, named name,
  small smallint, number int, big bigint, exact numeric(20, 4), double float8, cash money, day date, at timestamptz,
  local timestamp, clock time, span interval, host inet, net cidr, uid uuid, raw bytea, flag boolean, doc jsonb, old json,
  words text[], pairs hstore, path ltree, markup xml, vector tsvector, during daterange, many int4multirange, bits bit(4),
  fuzzy text COLLATE blurred, home address, numbers int[]
);
INSERT INTO originals (plain, sized, padded, folded, domained, named, small, number, big, exact, double, cash, day, at,
  local, clock, span, host, net, uid, raw, flag, doc, old, words, pairs, path, markup, vector, during, many, bits,
  fuzzy, home, numbers)
SELECT v, left(v, 40), left(v, 36), v, left(v, 30), left(v, 15), n, n * 1000, n * 10000000000, n / 7.0, n / 7.0::float8, n::text::money,
  date '1999-12-31' + n, timestamptz '2024-03-31 00:30:00.5+00' + n * interval '1 hour',
  timestamp '1890-01-01' + n * interval '1 day', time '12:00' + n * interval '1 s', n * interval '1 day', inet '10.0.0.0' + n,
  '10.0.0.0/8', md5(v)::uuid, convert_to(v, 'UTF8'), n % 2 = 0, jsonb_build_object('a', v, 'b', n), '{"a" : 1}', ARRAY[v, NULL],
  hstore('a', v), 'a.b', '<a/>', to_tsvector('simple', v), daterange(date '2024-01-01', date '2024-01-01' + n), '{[1,3)}', B'0101',
  v, ROW(v, n)::address, ARRAY[n, NULL]
FROM generate_series(1, 40) n, unnest(ARRAY['Zoë.' || n || '@Example.invalid', 'İstanbul ßtraße ' || n, E'back\\slash\t' || n, U&'JOS\00C9 Zoe\0308 \0416 ' || n]) v;
INSERT INTO originals (day, at, local, exact, double) VALUES ('infinity', '-infinity', 'infinity', 'NaN', 'NaN');
INSERT INTO originals DEFAULT VALUES;
