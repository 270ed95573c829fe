"""Users, sessions, conversations, messages, documents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

NOW = sa.text("now()")
SEARCH = "setweight(to_tsvector('english', section), 'A') || setweight(to_tsvector('english', body), 'B')"


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column(
            "user_id", sa.BigInteger, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "conversations",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", postgresql.UUID, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Index("conversations_by_use", "user_id", "updated_at"),
    )
    op.create_table(
        "messages",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("key", postgresql.UUID, primary_key=True),
        sa.Column("role", sa.Text, primary_key=True),
        sa.Column("conversation_id", postgresql.UUID, nullable=False),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("sources", postgresql.JSONB, nullable=False, server_default="[]"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.CheckConstraint("role in ('user', 'assistant')", name="messages_role"),
        sa.ForeignKeyConstraint(
            ["user_id", "conversation_id"], ["conversations.user_id", "conversations.id"], ondelete="CASCADE"
        ),
        sa.Index("messages_in_order", "user_id", "conversation_id", "position"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("chapter", sa.Text, nullable=False),
        sa.Column("section", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("search", postgresql.TSVECTOR, sa.Computed(SEARCH, persisted=True), nullable=False),
        sa.Index("documents_by_place", "chapter", "section", unique=True),
        sa.Index("documents_search", "search", postgresql_using="gin"),
    )


def downgrade():
    op.execute("drop table if exists embeddings")  # chatbot/vectors.py makes it, where the database has pgvector
    for table in ("documents", "messages", "conversations", "sessions", "users"):
        op.drop_table(table)
