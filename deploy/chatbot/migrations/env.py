"""Runs the migrations over asyncpg, as the application does, in one transaction."""

import asyncio
import os

from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from chatbot.database import ONE_AT_A_TIME
from chatbot.models import Base
from chatbot.settings import read_settings


def migrate(connection: Connection):
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        # It ends with the transaction, so that it works through any pooler. Who comes second finds all done.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        context.run_migrations()


async def main():
    settings = context.config.attributes.get("settings") or read_settings(os.environ)
    engine = create_async_engine(
        settings.database_url, connect_args=dict(settings.connect_args), poolclass=NullPool, hide_parameters=True
    )
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
