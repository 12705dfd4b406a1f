"""A local Neon: the API v2 on real Postgres, for demos and tests."""
