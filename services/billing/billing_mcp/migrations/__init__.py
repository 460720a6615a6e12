"""Alembic's environment and the schema's versions, shipped inside the package."""
