CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_name text,
    last_name text,
    email text UNIQUE,
    phone text,
    city text
);
INSERT INTO people (first_name, last_name, email, phone, city)
SELECT 'Zqfirst' || n, 'Zqlast' || n, 'zq' || n || '@zq-original.test', '0049-zq-' || n, 'Zqcity' || n % 1000
FROM generate_series(1, 400000) AS n;
ANALYZE;
