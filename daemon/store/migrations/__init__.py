"""Migrations of the state store, run by alembic at start; found inside the package, so also from a wheel."""
