"""Vectors of texts: made here, or by a service."""

import asyncio
import math

import httpx
import pytest
from chatbot.embedding import SIZE, Pieces, Served, embedding_of
from chatbot.llm import LlmFailed
from chatbot.settings import TEXTBOOK, read_settings
from chatbot.textbook import read_textbook

URL = "postgresql://ann:secret@db/books"
SERVED = {"DATABASE_URL": URL, "CHATBOT_LLM_URL": "http://llm.example/v1", "CHATBOT_EMBEDDING_MODEL": "small"}


def vectors(*texts: str) -> list[list[float]]:
    return asyncio.run(Pieces().embed(list(texts)))


def distance(one: list[float], other: list[float]) -> float:
    return 1 - sum(a * b for a, b in zip(one, other))


def near(question: str) -> list[str]:
    """Sections that may have to do with it, the nearest first."""
    sections = read_textbook(TEXTBOOK)
    asked, *passages = vectors(question, *(f"{section.section}\n{section.body}" for section in sections))
    found = sorted((distance(asked, passage), section.section) for passage, section in zip(passages, sections))
    return [section for far, section in found if far <= Pieces.farthest]


def test_order_case_and_common_words_make_no_difference():
    one, other = vectors("What is a Connection pool?", "pool, connection")
    assert one == other and len(one) == SIZE and math.hypot(*one) == pytest.approx(1, abs=0.01)


def test_a_text_without_words_is_near_nothing():
    assert vectors("What is it?", "???", "") == [[0.0] * SIZE] * 3


@pytest.mark.parametrize(
    "question, section",
    [
        ("What is a conection pol?", "Connection pools"),
        ("And what are dedlocks?", "Locks"),
        ("serverles", "Serverless databases"),
        ("isolaton", "Isolation"),
    ],
)
def test_misspellings_are_near_what_was_meant(question, section):
    assert near(question)[0] == section


@pytest.mark.parametrize("question", ["Xylophone quartz?", "What is the capital of France?", "How do I bake a cake?"])
def test_what_the_book_says_nothing_of_is_near_nothing(question):
    assert near(question) == []


def served(answer: httpx.Response | Exception) -> Served:
    def handler(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    embedding = embedding_of(read_settings(SERVED))
    assert isinstance(embedding, Served)
    embedding._client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return embedding


def test_a_service_may_answer_in_any_order():
    told = {"data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]}
    assert asyncio.run(served(httpx.Response(200, json=told)).embed(["one", "other"])) == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(429),
        httpx.Response(200, text="no JSON"),
        httpx.Response(200, json=["no", "data"]),
        httpx.Response(200, json={"data": [{"index": 0, "embedding": None}]}),
        httpx.Response(200, json={"data": []}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("silent"),
    ],
)
def test_a_service_that_fails_is_told_of_as_the_llm_is(answer):
    with pytest.raises(LlmFailed):
        asyncio.run(served(answer).embed(["one"]))
