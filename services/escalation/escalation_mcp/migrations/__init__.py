"""Alembic's versions of escalation's schema, shipped inside the package."""
