-- What an application logs in with where somebody did not make the role through the API.
CREATE ROLE app LOGIN PASSWORD 'made-by-sql-and-inherited';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app;
