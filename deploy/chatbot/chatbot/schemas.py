"""What goes in and out over HTTP, for FastAPI to check and OpenAPI to show."""

from datetime import datetime
from typing import List, Optional
from uuid import UUID

from pydantic import BaseModel, Field

LONGEST_QUESTION = 2000


class Credentials(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=8, max_length=128)


class User(BaseModel):
    name: str


class Token(BaseModel):
    token: str
    expires_at: datetime


class Query(BaseModel):
    question: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    conversation_id: Optional[UUID] = Field(None, description="None begins a conversation.")
    key: Optional[UUID] = Field(
        None,
        description="Chosen by who asks. When the same is asked again under one key, it is kept once, and its answer "
        "is the same: after a 503, repeat it so. A conversation that begins gets the key of its question as its id.",
    )
    stream: bool = Field(False, description="The answer as server-sent events: sources, text (many), end or trouble.")


class Source(BaseModel):
    chapter: str
    section: str


class Answer(BaseModel):
    conversation_id: UUID
    key: UUID
    answer: str
    sources: List[Source]


class Conversation(BaseModel):
    id: UUID
    title: str
    updated_at: datetime


class Message(BaseModel):
    key: UUID
    role: str
    content: str
    sources: List[Source]
    created_at: datetime


class Health(BaseModel):
    status: str


class Trouble(BaseModel):
    """The database can't be asked now. Ask again after `retry_after_s` seconds, with the same key."""

    detail: str
    answer: str
    retry_after_s: int
