-- A second database beside the shop's: whoever copies a branch must not forget it.
CREATE TABLE tickets (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reporter_name text NOT NULL,
    reporter_email text NOT NULL,
    subject text NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);

INSERT INTO tickets (reporter_name, reporter_email, subject, opened_at, closed_at)
SELECT 'Quilandi Harrowmerequist' || to_char(n, 'FMRN'), 'ticket.quilandi' || n || '@acme-shop.test',
       CASE n % 3 WHEN 0 THEN 'Parcel is late' WHEN 1 THEN 'Wrong colour' ELSE 'Invoice again, please' END,
       now() - make_interval(days => n), CASE WHEN n % 2 = 0 THEN now() - make_interval(days => n - 1) END
FROM generate_series(1, 120) AS n;

ANALYZE;
