"""Postgres servers for tests."""
