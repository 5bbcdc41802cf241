"""What alembic runs: the migrations over the connection that the platform hands in, inside its transaction."""

from alembic import context

from ingest.registry_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can't alter a column: alembic then copies the table
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
