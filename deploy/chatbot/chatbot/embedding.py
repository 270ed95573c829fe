"""Texts as vectors: those of texts that are alike point the same way.

    embedding = embedding_of(settings)
    [vector] = await embedding.embed(["What is a lock?"])
"""

import math
import re
from collections import Counter
from typing import Protocol
from zlib import crc32

import httpx

from .llm import LlmFailed, client
from .settings import Settings

COMMON = frozenset(
    "a an and are as at be by can do does for from had has have how i in is it its me of on or that the their there "
    "they this to was what when where which who why will with you your".split()
)
PIECE = 3  # letters
SIZE = 1024  # of a vector of pieces: with fewer, pieces that have nothing to do with each other share places too often

Vector = list[float]


class Embedding(Protocol):
    model: str  # vectors of two models can't be compared
    farthest: float  # the cosine distance up to which a passage may have to do with a question

    async def embed(self, texts: list[str]) -> list[Vector]:
        """LlmFailed if there are none to be had."""

    async def close(self): ...


def embedding_of(settings: Settings) -> Embedding:
    return Served(settings) if settings.embedding_model else Pieces()


class Pieces:
    """Made here, of how often each three letters follow each other: knows no meaning, but forgives misspellings."""

    model = f"pieces-{PIECE}-{SIZE}"
    # Measured with the textbook: misspelled words of a section are 0.81 away from it, what it says nothing of 0.86.
    farthest = 0.83

    async def embed(self, texts: list[str]) -> list[Vector]:
        return [_pieces(text) for text in texts]

    async def close(self):
        pass


class Served:
    """By the host of the LLM: POST URL/embeddings, as OpenAI's."""

    farthest = 1.0  # what is near differs from model to model; beyond a right angle nothing is

    def __init__(self, settings: Settings):
        self.model = settings.embedding_model
        self._client = client(settings)
        self._url = f"{settings.llm_url}/embeddings"

    async def embed(self, texts: list[str]) -> list[Vector]:
        try:
            response = await self._client.post(self._url, json={"model": self.model, "input": texts})
            if response.status_code != 200:
                raise LlmFailed(f"status {response.status_code}")
            told = sorted(response.json()["data"], key=lambda each: each["index"])
            vectors = [[float(number) for number in each["embedding"]] for each in told]
        except httpx.HTTPError as error:
            raise LlmFailed(type(error).__name__) from error
        except (ValueError, LookupError, TypeError) as error:
            raise LlmFailed("an answer that has no embeddings") from error
        if len(vectors) != len(texts):
            raise LlmFailed(f"{len(vectors)} embeddings for {len(texts)} texts")
        return vectors

    async def close(self):
        await self._client.aclose()


def _pieces(text: str) -> Vector:
    words = [f" {word} " for word in re.findall(r"\w+", text.lower()) if word not in COMMON]
    counts = Counter(word[at : at + PIECE] for word in words for at in range(len(word) - PIECE + 1))
    vector = [0.0] * SIZE
    for piece, count in counts.items():
        place = crc32(piece.encode())
        # Two that share a place by chance should not look alike: half of them count against the others.
        vector[place % SIZE] += math.copysign(math.sqrt(count), (place >> 31) - 0.5)
    length = math.hypot(*vector)
    return [round(number / length, 4) for number in vector] if length else vector
