"""Runs migrations against the database named in the configuration."""

from alembic import context
from sqlalchemy import create_engine

from gateway.store.tables import METADATA

config = context.config
url = config.get_main_option("sqlalchemy.url") or "sqlite://"

if context.is_offline_mode():
    context.configure(url=url, target_metadata=METADATA, literal_binds=True, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
