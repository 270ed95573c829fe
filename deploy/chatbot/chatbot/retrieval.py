"""Finds the passages that a question is about: by PostgreSQL's full-text search (its manual, chapter 12), and by
vectors where the database has pgvector. It is one statement either way.
"""

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import Database
from .embedding import Embedding
from .llm import LlmFailed
from .vectors import has_table, written

PASSAGES = 4
VECTOR_TIMEOUT_S = 3  # then the question is looked for without its vector: that is better than late

# plainto_tsquery wants every word to be there. A question has words that no passage has: any will do, the rank decides.
# 1: ranks of long passages are divided by 1 + the logarithm of their length.
BY_WORDS = """
select id, row_number() over (order by ts_rank_cd(search, query, 1) desc, id) as place
from documents, cast(replace(cast(plainto_tsquery('english', :question) as text), '&', '|') as tsquery) query
where search @@ query order by place limit :passages
"""

# The distance of what another model has made is unknown, and can't even be asked for.
BY_VECTORS = """
select id, row_number() over (order by distance, id) as place
from (
  select document_id as id,
    case when model = :model then embedding <=> cast(cast(:vector as text) as vector) end as distance
  from embeddings
) near
where distance <= :farthest order by place limit :passages
"""

# Ranks and distances can't be compared, places can: reciprocal rank fusion, with its usual 60.
FOUND = """
select chapter, section, body
from (select id, sum(1.0 / (60 + place)) as score from ({}) found group by id) scored join documents using (id)
order by score desc, id limit :passages
"""

WORDS = text(FOUND.format(BY_WORDS))
WORDS_AND_VECTORS = text(FOUND.format(f"({BY_WORDS}) union all ({BY_VECTORS})"))

log = logging.getLogger("chatbot")


@dataclass(frozen=True)
class Source:
    """Where an answer has it from."""

    chapter: str
    section: str


@dataclass(frozen=True)
class Passage:
    source: Source
    body: str


class Retrieval:
    def __init__(self, database: Database, embedding: Embedding):
        self._database = database
        self._embedding = embedding
        self._has_vectors: bool | None = None  # not known before the first question

    async def passages(self, question: str) -> list[Passage]:
        """The best first."""
        statement, values = WORDS, {"question": question, "passages": PASSAGES}
        if vector := await self._vector(question):
            statement, values = WORDS_AND_VECTORS, values | vector

        async def search(connection: AsyncConnection):
            return (await connection.execute(statement, values)).all()

        rows = await self._database.run(search)
        return [Passage(Source(row.chapter, row.section), row.body) for row in rows]

    async def _vector(self, question: str) -> dict | None:
        """What the statement has to know of it."""
        if self._has_vectors is None:
            self._has_vectors = await self._database.run(has_table)
        if not self._has_vectors:
            return None
        try:
            [vector] = await asyncio.wait_for(self._embedding.embed([question]), VECTOR_TIMEOUT_S)
        except (LlmFailed, asyncio.TimeoutError) as failed:
            log.warning("a question is looked for by its words alone: %r", failed)
            return None
        return {"vector": written(vector), "model": self._embedding.model, "farthest": self._embedding.farthest}
