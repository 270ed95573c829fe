"""Composes an answer from passages: by an LLM if there is one, else by the passages' own best sentences.

Nothing here knows of the database, and so no connection of it can be held while an LLM thinks: the caller has read
what is needed before, and writes what has come of it afterwards.
"""

import logging
import re
from typing import AsyncIterator

from .embedding import COMMON
from .llm import Llm, LlmFailed
from .retrieval import Passage

SENTENCES = 3
NOTHING_FOUND = "The textbook says nothing about that. Try other words."
INSTRUCTIONS = (
    "You answer questions about a textbook. Use only the passages below, in your own words, in a few sentences. "
    "If they do not answer the question, say so. Name passages by their numbers, like [1]."
)
ENDINGS = re.compile(r"(ings?|edly|ed|es|s|ly)$")

log = logging.getLogger("chatbot")


class Answering:
    def __init__(self, llm: Llm | None = None):
        self._llm = llm

    @property
    def remembers(self) -> bool:
        """Does it make use of what was said before?"""
        return self._llm is not None

    async def stream(self, question: str, passages: list[Passage], before: list[tuple[str, str]]) -> AsyncIterator[str]:
        """The answer, piece by piece. If the LLM fails before its first word, the sentences answer in its stead."""
        if self._llm and passages:
            has_begun = False
            try:
                async for piece in self._llm.stream(prompt(question, passages, before)):
                    has_begun = True
                    yield piece
                return
            except LlmFailed as failed:
                log.warning("the LLM failed: %s", failed)
                if has_begun:
                    yield " ... (The answer ends here: its author can't be reached.)"
                    return
        yield extract(question, passages)


def prompt(question: str, passages: list[Passage], before: list[tuple[str, str]]) -> list[dict[str, str]]:
    numbered = [f"[{number}] {passage.source.section}: {passage.body}" for number, passage in enumerate(passages, 1)]
    messages = [{"role": "system", "content": "\n\n".join([INSTRUCTIONS, *numbered])}]
    messages += [{"role": role, "content": content} for role, content in before]
    return [*messages, {"role": "user", "content": question}]


def extract(question: str, passages: list[Passage]) -> str:
    """The sentences that share most words with the question, in the order of the book's relevance to it."""
    wanted = words(question)
    found = []
    for number, passage in enumerate(passages, 1):
        about = wanted & words(passage.source.section)
        for place, sentence in enumerate(re.split(r"(?<=[.!?])\s+", passage.body)):
            # A passage opens with what it is about, and the best passages come first.
            score = 2 * len(wanted & words(sentence)) + len(about) + (place == 0) - 0.5 * number
            found.append((score, number, place, sentence))
    best = sorted(sorted(found, key=lambda each: -each[0])[:SENTENCES], key=lambda each: each[1:3])
    return " ".join(f"{sentence} [{number}]" for _, number, _, sentence in best) or NOTHING_FOUND


def words(text: str) -> set[str]:
    """Without those that every text has, and without endings."""
    return {ENDINGS.sub("", word) for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in COMMON}
