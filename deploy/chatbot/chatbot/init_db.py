"""Brings the database up to date: python -m chatbot.init_db

Tables by Alembic's migrations, then the textbook, and its vectors where the database has pgvector. It may be run at
any time, by several at once, as often as one likes.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError

from .database import Database, DatabaseUnavailable
from .embedding import embedding_of
from .llm import LlmFailed
from .settings import Settings, SettingsError, read_settings
from .textbook import load_textbook, read_textbook
from .vectors import fill, make_table

ALEMBIC = Path(__file__).parents[1] / "alembic.ini"

log = logging.getLogger("chatbot")


def init_db(settings: Settings):
    configuration = Config(str(ALEMBIC))
    configuration.attributes["settings"] = settings
    command.upgrade(configuration, "head")
    asyncio.run(_load(settings))


async def _load(settings: Settings):
    sections = read_textbook(settings.textbook)
    if not sections:
        raise SettingsError(f"CHATBOT_TEXTBOOK: {settings.textbook} has no chapter with sections (*.md, # and ##)")
    database, embedding = Database(settings), embedding_of(settings)
    try:
        await database.run_in_transaction(lambda connection: load_textbook(connection, sections))
        if await database.run_in_transaction(make_table):
            await fill(database, embedding)
    except LlmFailed as failed:
        log.warning("passages without vectors are found by their words alone: the LLM's host failed: %s", failed)
    finally:
        await embedding.close()
        await database.close()


def main():
    try:
        init_db(read_settings(os.environ))
    except SettingsError as error:
        sys.exit(f"chatbot: {error}")
    except (DatabaseUnavailable, SQLAlchemyError, OSError) as error:
        sys.exit(f"chatbot: the database is not up to date: {error}")


if __name__ == "__main__":
    main()
