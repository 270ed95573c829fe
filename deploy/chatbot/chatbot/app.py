"""The application: its parts put together, and what it says when the database is away."""

import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from . import pages, routes
from .accounts import Accounts
from .answering import Answering
from .conversations import Conversations
from .database import Database, DatabaseUnavailable
from .embedding import embedding_of
from .llm import Llm
from .passwords import Passwords
from .retrieval import Retrieval
from .settings import Settings

log = logging.getLogger("chatbot")


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI(title="Chatbot", description="Answers questions about a textbook, and says where it has it from.")

    @asynccontextmanager
    async def life(app: FastAPI):
        database, passwords = Database(settings), Passwords()
        llm = Llm(settings) if settings.llm_url else None
        embedding = embedding_of(settings)
        app.state.parts = routes.Parts(
            settings,
            database,
            Accounts(database, passwords, settings.session_days),
            Conversations(database),
            Retrieval(database, embedding),
            Answering(llm),
        )
        yield
        if llm:
            await llm.close()
        await embedding.close()
        passwords.close()
        await database.close()

    app.router.lifespan_context = life  # FastAPI has an argument for it from 0.93 on
    app.add_exception_handler(DatabaseUnavailable, unavailable)
    app.include_router(routes.router)
    app.include_router(routes.health)
    app.include_router(pages.router)
    return app


async def unavailable(request: Request, error: DatabaseUnavailable) -> JSONResponse:
    log.warning("%s %s: the database is unavailable: %s", request.method, request.url.path, error)
    wait_s = error.retry_after_s
    said = {"detail": "The database can't be asked now.", "answer": routes.FALLBACK, "retry_after_s": wait_s}
    return JSONResponse(said, 503, headers={"Retry-After": str(wait_s)})
