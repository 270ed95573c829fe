"""The endpoints. Each asks for what it needs of the database, gets it, and lets go of the connection."""

import asyncio
import json
import logging
import uuid
from dataclasses import asdict, dataclass
from typing import AsyncIterator, List, Optional

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from . import schemas
from .accounts import Account, Accounts, NameTaken
from .answering import Answering
from .conversations import Answer, Conversations, KeyUsed, NoSuchConversation, Question
from .database import RETRY_AFTER_S, Database, DatabaseUnavailable
from .passwords import TooBusy
from .retrieval import Passage, Retrieval
from .settings import Settings

COOKIE = "chatbot_session"
FALLBACK = "I can't look into the textbook just now. Ask again in a moment."

log = logging.getLogger("chatbot")


@dataclass(frozen=True)
class Parts:
    """What the endpoints are made of; one of each for the process."""

    settings: Settings
    database: Database
    accounts: Accounts
    conversations: Conversations
    retrieval: Retrieval
    answering: Answering


def parts(request: Request) -> Parts:
    return request.app.state.parts


async def token(
    bearer: Optional[HTTPAuthorizationCredentials] = Depends(HTTPBearer(auto_error=False)),
    cookie: Optional[str] = Depends(APIKeyCookie(name=COOKIE, auto_error=False)),
) -> str:
    """Programs send it as a bearer token, browsers as a cookie that other sites can't make them send."""
    found = bearer.credentials if bearer else cookie
    if not found:
        raise HTTPException(401, "Log in first.", headers={"WWW-Authenticate": "Bearer"})
    return found


async def user(token: str = Depends(token), its: Parts = Depends(parts)) -> Account:
    account = await its.accounts.who_is(token)
    if account is None:
        raise HTTPException(401, "This session has ended.", headers={"WWW-Authenticate": "Bearer"})
    return account


router = APIRouter(responses={503: {"model": schemas.Trouble}})


@router.post("/register", status_code=201, response_model=schemas.User)
async def register(given: schemas.Credentials, its: Parts = Depends(parts)):
    _check(given.name, given.password)
    try:
        await its.accounts.register(given.name, given.password)
    except NameTaken:
        raise HTTPException(409, "This name is taken.") from None
    except TooBusy:
        raise _too_busy() from None
    return schemas.User(name=given.name)


@router.post("/login", response_model=schemas.Token)
async def log_in(given: schemas.Credentials, response: Response, its: Parts = Depends(parts)):
    _check(given.name, given.password)
    try:
        login = await its.accounts.log_in(given.name, given.password)
    except TooBusy:
        raise _too_busy() from None
    if login is None:
        raise HTTPException(401, "Name or password is wrong.")
    response.set_cookie(
        COOKIE,
        login.token,
        max_age=int(its.settings.session_days * 86400),
        httponly=True,
        samesite="strict",
        secure=its.settings.secure_cookie,
    )
    return schemas.Token(token=login.token, expires_at=login.expires_at)


@router.post("/logout", status_code=204)
async def log_out(response: Response, token: str = Depends(token), its: Parts = Depends(parts)):
    await its.accounts.log_out(token)
    response.delete_cookie(COOKIE)


@router.get("/me", response_model=schemas.User)
async def me(user: Account = Depends(user)):
    return schemas.User(name=user.name)


@router.get("/conversations", response_model=List[schemas.Conversation])
async def list_conversations(user: Account = Depends(user), its: Parts = Depends(parts)):
    return [asdict(summary) for summary in await its.conversations.summaries(user.id)]


@router.get("/conversations/{id}", response_model=List[schemas.Message])
async def read_conversation(id: uuid.UUID, user: Account = Depends(user), its: Parts = Depends(parts)):
    try:
        return [asdict(entry) for entry in await its.conversations.read(user.id, id)]
    except NoSuchConversation:
        raise HTTPException(404, "There is no such conversation.") from None


@router.delete("/conversations/{id}", status_code=204)
async def delete_conversation(id: uuid.UUID, user: Account = Depends(user), its: Parts = Depends(parts)):
    await its.conversations.delete(user.id, id)


@router.post("/chat/query", response_model=schemas.Answer)
async def query(asked: schemas.Query, user: Account = Depends(user), its: Parts = Depends(parts)):
    _check(asked.question)
    key = asked.key or uuid.uuid4()
    try:
        # Neither needs the other: both at once take one round trip less.
        question, passages = await asyncio.gather(
            its.conversations.ask(user.id, asked.conversation_id, key, asked.question),
            its.retrieval.passages(asked.question),
        )
    except NoSuchConversation:
        raise HTTPException(404, "There is no such conversation.") from None
    except KeyUsed:
        raise HTTPException(409, "Another question was asked under this key.") from None
    events = _converse(its, question, passages)
    if asked.stream:
        first = await events.__anext__()  # what can fail before the answer begins still has a status of its own
        return StreamingResponse(_server_sent(first, events), media_type="text/event-stream", headers=NO_BUFFERING)
    *_, (_, kept) = [event async for event in events]
    if kept is None:
        raise HTTPException(404, "The conversation is not there any more.")
    sources = [asdict(source) for source in kept.sources]
    return schemas.Answer(
        conversation_id=question.conversation_id, key=question.key, answer=kept.content, sources=sources
    )


async def _converse(its: Parts, question: Question, passages: List[Passage]) -> AsyncIterator[tuple[str, object]]:
    """Events: the sources, then pieces of text, and at the end the answer as it is kept.

    The question is kept and the passages are found before, the answer is kept afterwards. In between an LLM may think
    for seconds, and the database has no part in that. A transaction that is open for so long holds one of few
    connections, its locks, and what VACUUM could remove; and it breaks when the database goes to sleep meanwhile.
    """
    if question.answer:  # it was asked before: the same answer, and no second call of the LLM
        yield "sources", question.answer.sources
        yield "text", question.answer.content
        yield "end", question.answer
        return

    before = await its.conversations.recent(question) if its.answering.remembers else []
    sources = [passage.source for passage in passages]
    yield "sources", sources

    text = ""
    async for piece in its.answering.stream(question.content, passages, before):
        text += piece
        yield "text", piece

    yield "end", await its.conversations.answer(question, Answer(text, sources))


NO_BUFFERING = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def _server_sent(first: tuple[str, object], others: AsyncIterator[tuple[str, object]]) -> AsyncIterator[str]:
    yield _event(*first)
    try:
        async for name, value in others:
            yield _event(name, value)
    except DatabaseUnavailable as unavailable:
        log.warning("a streamed answer is not kept: %s", unavailable)
        yield _event("trouble", {"detail": "The answer is not kept.", "retry_after_s": unavailable.retry_after_s})


def _event(name: str, value) -> str:
    if name == "sources":
        value = [asdict(source) for source in value]
    elif name == "end":
        value = {"is_kept": value is not None}
    return f"event: {name}\ndata: {json.dumps(value)}\n\n"


def _check(*texts: str):
    """JSON has strings that PostgreSQL can't keep: with null characters, and with halves of surrogate pairs."""
    for text in texts:
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise HTTPException(422, "The text has a character that can't be kept.")


def _too_busy() -> HTTPException:
    return HTTPException(503, "Too many are logging in.", headers={"Retry-After": str(RETRY_AFTER_S)})


health = APIRouter()


@health.get("/health", response_model=schemas.Health)
async def is_alive():
    """Of this process alone: it asks the database nothing, and so never wakes it."""
    return schemas.Health(status="ok")


@health.get("/health/db", response_model=schemas.Health, responses={503: {"model": schemas.Trouble}})
async def can_reach_database(its: Parts = Depends(parts)):
    """Within two seconds. Wakes a database that sleeps: not for a probe that is made every few seconds."""
    await its.database.check()
    return schemas.Health(status="ok")
