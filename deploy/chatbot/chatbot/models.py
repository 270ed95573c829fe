"""The tables. What is checked here is checked by the database, whoever writes to it.

A conversation belongs to a user by its very key, and so do its messages: there is no way to name somebody else's.
A message's key is given by who asks: asked twice under one key, a question is there once, and so is its answer.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, UUID
from sqlalchemy.orm import declarative_base

Base = declarative_base()

SEARCH = "setweight(to_tsvector('english', section), 'A') || setweight(to_tsvector('english', body), 'B')"


class User(Base):
    __tablename__ = "users"
    id = Column(BigInteger, Identity(always=True), primary_key=True)
    name = Column(Text, nullable=False, unique=True)
    password_hash = Column(Text, nullable=False)
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())


class Session(Base):
    """A login. Who reads this table can't take one over: it has the tokens' hashes."""

    __tablename__ = "sessions"
    token_hash = Column(LargeBinary, primary_key=True)
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    expires_at = Column(DateTime(timezone=True), nullable=False)


class Conversation(Base):
    __tablename__ = "conversations"
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    id = Column(UUID(as_uuid=True), primary_key=True)
    title = Column(Text, nullable=False)
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    __table_args__ = (Index("conversations_by_use", "user_id", "updated_at"),)


class Message(Base):
    __tablename__ = "messages"
    user_id = Column(BigInteger, primary_key=True)
    key = Column(UUID(as_uuid=True), primary_key=True)
    role = Column(Text, primary_key=True)
    conversation_id = Column(UUID(as_uuid=True), nullable=False)
    position = Column(BigInteger, Identity(always=True), nullable=False)
    content = Column(Text, nullable=False)
    sources = Column(JSONB, nullable=False, server_default="[]")
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    __table_args__ = (
        CheckConstraint("role in ('user', 'assistant')", name="messages_role"),
        ForeignKeyConstraint(
            ["user_id", "conversation_id"], ["conversations.user_id", "conversations.id"], ondelete="CASCADE"
        ),
        Index("messages_in_order", "user_id", "conversation_id", "position"),
    )


class Document(Base):
    """A passage of the textbook."""

    __tablename__ = "documents"
    id = Column(BigInteger, Identity(always=True), primary_key=True)
    chapter = Column(Text, nullable=False)
    section = Column(Text, nullable=False)
    body = Column(Text, nullable=False)
    search = Column(TSVECTOR, Computed(SEARCH, persisted=True), nullable=False)
    __table_args__ = (
        Index("documents_by_place", "chapter", "section", unique=True),
        Index("documents_search", "search", postgresql_using="gin"),
    )
