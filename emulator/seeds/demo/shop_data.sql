-- Two thousand invented people. Every name, address, phone number and e-mail is put together here from syllables and
-- shapes that belong to no list of real names, so a value found anywhere else can only have come from this table.
SELECT setseed(0.5);

CREATE FUNCTION pg_temp.word(n bigint, words text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT words[1 + mod(n, cardinality(words)::bigint)::int] $$;

INSERT INTO customers (first_name, last_name, email, phone, birth_date, tags, preferences, created_at, updated_at)
SELECT first_name, last_name,
       lower(first_name || '.' || last_name) || '@acme-shop.test',
       CASE WHEN n % 11 <> 0 THEN format('#%s/%s~%s', 40 + n % 47, lpad((n * 7919 % 10000)::text, 4, '0'), 100 + n % 899) END,
       CASE WHEN n % 7 <> 0 THEN date '1941-03-02' + (n * 37 % 22000)::int END,
       CASE n % 4 WHEN 0 THEN '{}' WHEN 1 THEN '{newsletter}' ELSE '{newsletter,loyal}' END::text[],
       jsonb_build_object('theme', CASE n % 2 WHEN 0 THEN 'dark' ELSE 'light' END, 'columns', n % 5),
       now() - make_interval(days => (n % 390)::int, mins => (n % 1440)::int), now() - make_interval(days => (n % 30)::int)
FROM (
    SELECT n,
           pg_temp.word(n, '{Zorv,Quil,Thyx,Brae,Morv,Fenj,Kwel,Drus,Ylva,Ombr}')
               || pg_temp.word(n / 10, '{andi,etha,iswo,ulmi,orqa,ynde,elko,ubra,ixta,awin}') AS first_name,
           pg_temp.word(n / 3, '{Brack,Hollow,Winter,Copper,Marsh,Thistle,Lantern,Quarry,Ember,Sparrow,Juniper,Harrow}')
               || pg_temp.word(n / 5, '{mere,gate,by,thorpe,wick,holt,stow,combe}') || 'quist' || to_char(n, 'FMRN') AS last_name
    FROM generate_series(1, 2000) AS n
) AS people;

INSERT INTO addresses (customer_id, street, city, postcode, country)
SELECT id, format('%s%s %s', pg_temp.word(id, '{Obelisk,Zinnober,Quitten,Wacholder,Karussell,Nebelkraehen}'),
                  pg_temp.word(id / 6, '{zeile,stiege,twiete,gasse}'), 1 + id * 13 % 240),
       pg_temp.word(id, '{Oberquellstadt,Niederfunkelbach,Sankt Morlen,Kaltwispern,Drosselfurth}'),
       format('Q%s-%s', 10000 + id * 31 % 89999, id % 10), pg_temp.word(id, '{DE,AT,CH,FR}')
FROM customers WHERE id % 10 <> 0;

INSERT INTO products (sku, title, price)
SELECT format('SKU-%s', lpad(n::text, 4, '0')),
       pg_temp.word(n, '{Kettle,Lamp,Chair,Mug,Rug,Clock}') || ' ' || pg_temp.word(n / 6, '{Basic,Classic,Deluxe,Mini}'),
       5 + n * 1.5
FROM generate_series(1, 60) AS n;

INSERT INTO orders (customer_id, address_id, state, placed_at, note)
SELECT c.id, a.id, pg_temp.word(n + c.id, '{new,paid,shipped,shipped,returned}')::order_state,
       c.created_at + make_interval(hours => (n * 20)::int),
       CASE WHEN (c.id + n) % 9 = 0 THEN 'Leave it with the neighbour' END
FROM customers c LEFT JOIN addresses a ON a.customer_id = c.id, generate_series(1, 1 + (c.id % 3)) AS n;

INSERT INTO order_items (order_id, line, sku, quantity, price)
SELECT o.id, n, p.sku, 1 + (o.id * n) % 5, p.price
FROM orders o, generate_series(1, 1 + (o.id % 3)::int) AS n,
     LATERAL (SELECT sku, price FROM products WHERE sku = format('SKU-%s', lpad((1 + (o.id * 7 + n) % 60)::text, 4, '0'))) p;

INSERT INTO employees (manager_id, full_name, work_email, hired_on)
SELECT CASE WHEN n > 1 THEN 1 + (n - 2) / 4 END, first_name || ' ' || last_name,
       lower(first_name) || '.staff' || n || '@acme-shop.test', date '2015-06-01' + n * 90
FROM (SELECT n, pg_temp.word(n, '{Ivorna,Jaskel,Pellith,Rondak,Sibbet}') AS first_name,
             pg_temp.word(n / 5, '{Vexholm,Tarnquist,Ulmgaard}') || 'quist' || to_char(n, 'FMRN') AS last_name
      FROM generate_series(1, 24) AS n) AS people;

INSERT INTO "Staff Notes" ("Employee Id", "Written By", "Note")
SELECT e.id, m.full_name, CASE WHEN e.id % 5 <> 0 THEN 'Talked with ' || e.full_name || ' about the spring rota' END
FROM employees e JOIN employees m ON m.id = e.manager_id;

INSERT INTO page_views (customer_id, path, seen_at)
SELECT CASE WHEN n % 4 <> 0 THEN 1 + n % 2000 END, '/products/' || n % 60,
       timestamptz '2025-07-01 00:00+00' + make_interval(mins => n * 120)
FROM generate_series(1, 4000) AS n;

INSERT INTO billing.invoices (number, order_id, bill_to, bill_email, total, issued_on)
SELECT format('INV-%s', lpad(o.id::text, 6, '0')), o.id, c.full_name, c.email,
       (SELECT sum(amount) FROM order_items i WHERE i.order_id = o.id), o.placed_at::date
FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.state <> 'new';
SELECT setval('billing.dunning_number', 731);

INSERT INTO neon_auth.users_sync (raw_json, updated_at)
SELECT jsonb_build_object('id', 'user-' || id, 'display_name', full_name, 'primary_email', email), updated_at
FROM customers WHERE id % 4 = 0;
