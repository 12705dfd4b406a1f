"""Masks the personal data of a Postgres database and proves that none is left; knows nothing of Neon."""
