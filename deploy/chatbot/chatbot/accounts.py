"""Users and their logins. A token is known to its user alone: the database has its hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import Database
from .models import Session, User
from .passwords import Passwords


class NameTaken(Exception):
    pass


@dataclass(frozen=True)
class Account:
    id: int
    name: str


@dataclass(frozen=True)
class Login:
    token: str
    expires_at: datetime


class Accounts:
    def __init__(self, database: Database, passwords: Passwords, session_days: float):
        self._database = database
        self._passwords = passwords
        self._lasts = timedelta(days=session_days)

    async def register(self, name: str, password: str):
        hash = await self._passwords.hash(password)
        added = insert(User).values(name=name, password_hash=hash)
        # Repeated, it meets the row that it has made itself: no other has the same salt.
        added = added.on_conflict_do_update(
            index_elements=[User.name],
            set_={"name": added.excluded.name},
            where=User.password_hash == added.excluded.password_hash,
        ).returning(User.id)

        async def add(connection: AsyncConnection) -> int | None:
            return (await connection.execute(added)).scalar()

        if await self._database.run(add) is None:
            raise NameTaken

    async def log_in(self, name: str, password: str) -> Login | None:
        """None when there is no such user, or the password is another."""

        async def find(connection: AsyncConnection):
            return (await connection.execute(select(User.id, User.password_hash).where(User.name == name))).first()

        user = await self._database.run(find)
        # No connection is held while this takes its time.
        if not await self._passwords.matches(user.password_hash if user else None, password):
            return None
        login = Login(secrets.token_urlsafe(32), datetime.now(timezone.utc) + self._lasts)
        expired = delete(Session).where(Session.user_id == user.id, Session.expires_at < func.now()).cte("expired")
        row = {"token_hash": hash_of(login.token), "user_id": user.id, "expires_at": login.expires_at}
        opened = insert(Session).values(row).on_conflict_do_nothing().add_cte(expired)

        async def open_session(connection: AsyncConnection):
            await connection.execute(opened)

        await self._database.run(open_session)
        return login

    async def who_is(self, token: str) -> Account | None:
        mine = select(User.id, User.name).join(Session, Session.user_id == User.id)
        mine = mine.where(Session.token_hash == hash_of(token), Session.expires_at > func.now())

        async def find(connection: AsyncConnection):
            return (await connection.execute(mine)).first()

        user = await self._database.run(find)
        return Account(user.id, user.name) if user else None

    async def log_out(self, token: str):
        async def end(connection: AsyncConnection):
            await connection.execute(delete(Session).where(Session.token_hash == hash_of(token)))

        await self._database.run(end)


def hash_of(token: str) -> bytes:
    """Without salt: nobody can try all tokens, they are random and 256 bits long."""
    return hashlib.sha256(token.encode()).digest()
