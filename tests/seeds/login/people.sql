CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_name text,
    email text UNIQUE
);
-- Originals that no pool can produce: a search for them proves something.
INSERT INTO people (first_name, email)
SELECT 'Zqfirst' || n, 'zq' || n || '@zq-original.test' FROM generate_series(1, 20) AS n;
ANALYZE;
