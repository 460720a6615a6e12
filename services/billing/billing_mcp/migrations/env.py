"""Run by Alembic. The connection (inside a transaction that holds the lock) is given by ``database.prepare``."""

from alembic import context

from billing_mcp.rows import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
