"""What the database is asked for a question, when it has vectors and when it has none."""

import asyncio

import pytest
from chatbot import retrieval
from chatbot.embedding import Pieces
from chatbot.llm import LlmFailed
from chatbot.retrieval import WORDS, WORDS_AND_VECTORS, Retrieval

QUESTION = "What is a lock?"


class Asked:
    """A database, its connection and its rows."""

    def __init__(self, has_vectors: bool):
        self.has_vectors = has_vectors
        self.looked = 0
        self.statements: list[tuple] = []

    async def run(self, work):
        return await work(self)

    async def scalar(self, statement):
        self.looked += 1
        return self.has_vectors

    async def execute(self, statement, values):
        self.statements.append((statement, values))
        return self

    def all(self):
        return []


class Broken(Pieces):
    async def embed(self, texts):
        raise LlmFailed("refused")


class Silent(Pieces):
    async def embed(self, texts):
        await asyncio.Event().wait()


def ask(database: Asked, embedding, times: int = 1):
    async def asking():
        found = Retrieval(database, embedding)
        for _ in range(times):
            await found.passages(QUESTION)

    asyncio.run(asking())


def test_with_vectors_both_are_one_statement():
    database = Asked(has_vectors=True)
    ask(database, Pieces())
    [(statement, values)] = database.statements
    assert statement is WORDS_AND_VECTORS and values["question"] == QUESTION
    assert (values["model"], values["farthest"]) == (Pieces.model, Pieces.farthest)
    assert values["vector"].startswith("[") and values["vector"].endswith("]")


@pytest.mark.parametrize("has_vectors", [True, False])
def test_the_database_is_looked_at_once(has_vectors):
    database = Asked(has_vectors)
    ask(database, Pieces(), times=3)
    assert database.looked == 1 and len(database.statements) == 3


@pytest.mark.parametrize("has_vectors, embedding", [(False, Silent()), (True, Broken()), (True, Silent())])
def test_without_a_vector_words_are_looked_for(has_vectors, embedding, monkeypatch):
    monkeypatch.setattr(retrieval, "VECTOR_TIMEOUT_S", 0.01)
    database = Asked(has_vectors)
    ask(database, embedding)
    assert database.statements == [(WORDS, {"question": QUESTION, "passages": retrieval.PASSAGES})]
