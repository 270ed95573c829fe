"""Conversations and their messages. All of it belongs to one user and is found by that user only.

What writes is one statement, and therefore one round trip, where one is enough. The longer ones are in SQL: that reads
better than the same in Python.
"""

import json
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import Database
from .models import Conversation, Message, User
from .retrieval import Source

MOST_KEPT = 50
TITLE_LENGTH = 80
REMEMBERED = 6  # messages of a conversation that an LLM is told

# What this key was used for before, if it was: a row for the question and one for the answer. The snapshot of a
# statement is that of its start, so that what it writes itself is not among them.
EARLIER = """
select {found} as is_there, m.role, m.conversation_id, m.content, m.sources
from (select) one left join messages m on m.user_id = :user_id and m.key = :key
"""

ASK = text(
    """
with touched as (
  update conversations set updated_at = now() where user_id = :user_id and id = :conversation_id
  returning user_id, id
), asked as (
  insert into messages (user_id, key, role, conversation_id, content)
  select user_id, :key, 'user', id, :question from touched
  on conflict do nothing
)"""
    + EARLIER.format(found="exists (select from touched)")
).columns(conversation_id=UUID(as_uuid=True), sources=JSONB)

START = text(
    """
with started as (
  insert into conversations (user_id, id, title) values (:user_id, :conversation_id, :title)
  on conflict do nothing
), asked as (
  insert into messages (user_id, key, role, conversation_id, content)
  values (:user_id, :key, 'user', :conversation_id, :question)
  on conflict do nothing
), forgotten as (
  delete from conversations where user_id = :user_id and id in (
    select id from conversations where user_id = :user_id and id <> :conversation_id
    order by updated_at desc, id offset :others
  )
)"""
    + EARLIER.format(found="true")
).columns(conversation_id=UUID(as_uuid=True), sources=JSONB)

# If two answer one question, the first answer is kept and both are given that. No row: the conversation is gone.
ANSWER = text(
    """
insert into messages (user_id, key, role, conversation_id, content, sources)
select user_id, :key, 'assistant', id, :content, cast(:sources as jsonb)
from conversations where user_id = :user_id and id = :conversation_id for key share
on conflict (user_id, key, role) do update set role = excluded.role
returning content, sources
"""
).columns(sources=JSONB)


class NoSuchConversation(Exception):
    pass


class KeyUsed(Exception):
    """Another question was asked under this key."""


@dataclass(frozen=True)
class Answer:
    content: str
    sources: list[Source]


@dataclass(frozen=True)
class Question:
    """One that is kept. `answer` is there when it was asked before, and answered."""

    user_id: int
    conversation_id: uuid.UUID
    key: uuid.UUID
    content: str
    answer: Answer | None = None


@dataclass(frozen=True)
class Summary:
    id: uuid.UUID
    title: str
    updated_at: datetime


@dataclass(frozen=True)
class Entry:
    key: uuid.UUID
    role: str
    content: str
    sources: list[dict]
    created_at: datetime


class Conversations:
    def __init__(self, database: Database):
        self._database = database

    async def ask(self, user_id: int, conversation_id: uuid.UUID | None, key: uuid.UUID, question: str) -> Question:
        """Keeps the question. Without a conversation it begins one, which has the question's key as its id."""
        values = {
            "user_id": user_id,
            "conversation_id": conversation_id or key,
            "key": key,
            "question": question,
        }
        if conversation_id:
            rows = await self._database.run(lambda connection: _all(connection, ASK, values))
        else:
            more = {"title": question[:TITLE_LENGTH], "others": MOST_KEPT - 1}
            rows = await self._database.run_in_transaction(lambda connection: _start(connection, values | more))
        if not rows[0].is_there:
            raise NoSuchConversation
        earlier = {row.role: row for row in rows}
        if before := earlier.get("user"):
            if (before.conversation_id, before.content) != (values["conversation_id"], question):
                raise KeyUsed
        return Question(user_id, values["conversation_id"], key, question, _answer(earlier.get("assistant")))

    async def answer(self, question: Question, answer: Answer) -> Answer | None:
        """Keeps the answer, unless there is one. What is kept; None if the conversation is not there any more."""
        values = {
            "user_id": question.user_id,
            "conversation_id": question.conversation_id,
            "key": question.key,
            "content": answer.content,
            "sources": json.dumps([asdict(source) for source in answer.sources]),
        }
        rows = await self._database.run(lambda connection: _all(connection, ANSWER, values))
        return _answer(rows[0]) if rows else None

    async def summaries(self, user_id: int) -> list[Summary]:
        mine = select(Conversation.id, Conversation.title, Conversation.updated_at)
        mine = mine.where(Conversation.user_id == user_id).order_by(Conversation.updated_at.desc(), Conversation.id)
        rows = await self._database.run(lambda connection: _all(connection, mine.limit(MOST_KEPT)))
        return [Summary(*row) for row in rows]

    async def read(self, user_id: int, conversation_id: uuid.UUID) -> list[Entry]:
        """All messages, in order. A conversation has at least one."""
        asked = select(Message.key, Message.role, Message.content, Message.sources, Message.created_at)
        asked = asked.where(Message.user_id == user_id, Message.conversation_id == conversation_id)
        rows = await self._database.run(lambda connection: _all(connection, asked.order_by(Message.position)))
        if not rows:
            raise NoSuchConversation
        return [Entry(*row) for row in rows]

    async def recent(self, question: Question) -> list[tuple[str, str]]:
        """The role and text of the messages before the question, oldest first."""
        before = select(Message.role, Message.content).where(
            Message.user_id == question.user_id,
            Message.conversation_id == question.conversation_id,
            Message.key != question.key,
        )
        before = before.order_by(Message.position.desc()).limit(REMEMBERED)
        rows = await self._database.run(lambda connection: _all(connection, before))
        return [(row.role, row.content) for row in reversed(rows)]

    async def delete(self, user_id: int, conversation_id: uuid.UUID):
        """Repeated, it finds nothing to delete: that is no error."""
        gone = delete(Conversation).where(Conversation.user_id == user_id, Conversation.id == conversation_id)

        async def forget(connection: AsyncConnection):
            await connection.execute(gone)

        await self._database.run(forget)


async def _start(connection: AsyncConnection, values: dict) -> list[Any]:
    # Who begins a conversation waits here for those of the same user that do so too: each then counts what the other
    # has added. It needs a statement of its own, since a statement does not see what was written after it began.
    lock = select(User.id).where(User.id == values["user_id"]).with_for_update(key_share=True)
    await connection.execute(lock)
    return await _all(connection, START, values)


async def _all(connection: AsyncConnection, statement, values: dict | None = None) -> list[Any]:
    return (await connection.execute(statement, values or {})).all()


def _answer(row) -> Answer | None:
    return Answer(row.content, [Source(**source) for source in row.sources]) if row else None
