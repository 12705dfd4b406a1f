-- What stands on the tables: views, a materialized view, a trigger, rights.
CREATE VIEW customer_totals AS
SELECT c.id, c.email, c.full_name, count(o.id) AS orders, max(o.placed_at) AS last_order
FROM customers c LEFT JOIN orders o ON o.customer_id = c.id
GROUP BY c.id; -- needs the primary key of customers

CREATE MATERIALIZED VIEW best_customers AS
SELECT c.id, c.full_name, c.email, sum(i.amount) AS spent
FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_items i ON i.order_id = o.id
GROUP BY c.id ORDER BY spent DESC LIMIT 50;
CREATE UNIQUE INDEX best_customers_id ON best_customers (id);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    old_email text,
    new_email text,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    IF TG_OP = 'UPDATE' AND NEW.email IS DISTINCT FROM OLD.email THEN
        INSERT INTO audit_log (customer_id, old_email, new_email) VALUES (NEW.id, OLD.email, NEW.email);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER customers_note_change BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note_change();

UPDATE customers SET email = 'renamed.' || email WHERE id % 250 = 0;

GRANT USAGE ON SCHEMA public, billing TO reporting;
GRANT SELECT ON ALL TABLES IN SCHEMA public, billing TO reporting;

ANALYZE;
