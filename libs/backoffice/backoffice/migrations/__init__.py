"""The schema that every back office shares; run by Alembic before the schema of the office itself."""
