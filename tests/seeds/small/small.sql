CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_name text,
    last_name text,
    email text UNIQUE,
    phone text,
    birth_date date
);
-- Originals that no pool can produce: a search for them proves something.
INSERT INTO people (first_name, last_name, email, phone, birth_date)
SELECT 'Zqfirst' || n, 'Zqlast' || n, 'zq' || n || '@zq-original.test', '0049-zq-' || n, date '1970-01-01' + n % 9000
FROM generate_series(1, 50) AS n;
CREATE TABLE notes (
    id int PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES people,
    body text
);
INSERT INTO notes SELECT n, n, NULL FROM generate_series(1, 20) AS n;
ANALYZE;
