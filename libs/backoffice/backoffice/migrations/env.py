"""Run by Alembic for the shared schema and for each office's. ``Database.prepare`` gives the connection, inside a
transaction that holds the lock, and the table that remembers the version."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
