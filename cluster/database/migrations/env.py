"""How Alembic runs a step: on the connection, and in the transaction, that `Database` hands over."""

from alembic import context

from cluster.database.tables import metadata

# SQLite can roll back its DDL; Alembic leaves that off because the driver, as it comes, commits before each statement.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
