"""The vectors of passages, in a table that is there where the database has pgvector.

    if await database.run_in_transaction(make_table):
        await fill(database, embedding)

Where it has not, nothing is missing: then passages are found by their words alone.
"""

import logging

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import ONE_AT_A_TIME, Database, sqlstate
from .embedding import Embedding, Vector

AT_ONCE = 100  # texts in a request for embeddings

LOCK = text("select pg_advisory_xact_lock(:key)")
CAN_HAVE = text(
    "select to_regtype('vector') is null and exists (select from pg_available_extensions where name = 'vector')"
)
HAS_TYPE = text("select to_regtype('vector') is not null")
HAS_TABLE = text("select to_regclass('embeddings') is not null")
# Without a number of dimensions, which differs from model to model, and so without an index: that of a textbook's
# passages would be no faster than to compare them all.
TABLE = text(
    """
create table if not exists embeddings (
  document_id bigint primary key references documents (id) on delete cascade,
  model text not null,
  body_md5 text not null,
  embedding vector not null
)"""
)
MISSING = text(
    """
select id, section, body from documents
left join embeddings on document_id = id and model = :model and body_md5 = md5(body)
where document_id is null order by id
"""
)
# Unless the passage has changed meanwhile: who has changed it makes its vector. asyncpg knows no vectors, but texts.
KEEP = text(
    """
insert into embeddings (document_id, model, body_md5, embedding)
select id, :model, md5(body), cast(cast(:vector as text) as vector) from documents where id = :id and body = :body
on conflict (document_id) do update
set model = excluded.model, body_md5 = excluded.body_md5, embedding = excluded.embedding
"""
)

log = logging.getLogger("chatbot")


async def make_table(connection: AsyncConnection) -> bool:
    """Is it there now?"""
    await connection.execute(LOCK, {"key": ONE_AT_A_TIME})
    if await connection.scalar(CAN_HAVE):
        try:
            async with connection.begin_nested():
                await connection.execute(text("create extension vector"))
        except DBAPIError as error:
            log.warning("pgvector is not used until somebody who may do so creates it (%s)", sqlstate(error))
    if not await connection.scalar(HAS_TYPE):
        return False
    await connection.execute(TABLE)
    return True


async def has_table(connection: AsyncConnection) -> bool:
    return bool(await connection.scalar(HAS_TABLE))


async def fill(database: Database, embedding: Embedding):
    """Makes the vectors of passages that have none of this model, or have changed. No connection waits for them."""

    async def missing(connection: AsyncConnection):
        return (await connection.execute(MISSING, {"model": embedding.model})).all()

    passages = await database.run(missing)
    for start in range(0, len(passages), AT_ONCE):
        some = passages[start : start + AT_ONCE]
        vectors = await embedding.embed([f"{passage.section}\n{passage.body}" for passage in some])
        rows = [
            {"id": passage.id, "body": passage.body, "model": embedding.model, "vector": written(vector)}
            for passage, vector in zip(some, vectors)
        ]
        await database.run(lambda connection: connection.execute(KEEP, rows))


def written(vector: Vector) -> str:
    """As pgvector reads it."""
    return f"[{','.join(f'{number:g}' for number in vector)}]"
