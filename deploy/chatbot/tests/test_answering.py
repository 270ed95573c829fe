"""Answers made of passages, and the textbook that they come from."""

import asyncio

from chatbot.answering import NOTHING_FOUND, Answering, extract, prompt, words
from chatbot.llm import LlmFailed
from chatbot.retrieval import Passage, Source
from chatbot.settings import TEXTBOOK
from chatbot.textbook import read_textbook

LAMPS = Passage(Source("Light", "Lamps"), "A lamp gives light. Lamps need current. Whales swim.")
WHALES = Passage(Source("Sea", "Whales"), "A whale is large. It sings.")


class Broken:
    def __init__(self, *pieces):
        self.pieces = pieces

    async def stream(self, messages):
        for piece in self.pieces:
            yield piece
        raise LlmFailed("it ended in the middle")


def answer(answering: Answering, question: str, passages: list[Passage]) -> str:
    async def join():
        return "".join([piece async for piece in answering.stream(question, passages, [])])

    return asyncio.run(join())


def test_the_sentences_that_share_words_with_the_question_come_first():
    answer = extract("Why does a lamp need current?", [LAMPS, WHALES])
    assert answer.startswith("A lamp gives light. [1] Lamps need current. [1]")


def test_without_passages_it_says_so():
    assert extract("Where is the moon?", []) == NOTHING_FOUND


def test_words_are_compared_without_their_endings():
    assert words("The lamps are waiting") == words("a lamp waits")


def test_the_prompt_has_numbered_passages_then_what_was_said_then_the_question():
    told = prompt("And whales?", [LAMPS, WHALES], [("user", "Lamps?"), ("assistant", "Bright.")])
    assert [message["role"] for message in told] == ["system", "user", "assistant", "user"]
    assert "[2] Whales: A whale is large." in told[0]["content"] and told[-1]["content"] == "And whales?"


def test_an_llm_that_fails_before_its_first_word_is_replaced_by_sentences():
    assert answer(Answering(Broken()), "lamp?", [LAMPS]) == extract("lamp?", [LAMPS])


def test_an_llm_that_fails_later_is_not_contradicted():
    said = answer(Answering(Broken("It is ", "bright")), "lamp?", [LAMPS])
    assert said.startswith("It is bright ...") and "can't be reached" in said


def test_each_section_of_the_textbook_is_a_passage():
    sections = read_textbook(TEXTBOOK)
    assert len({section[:2] for section in sections}) == len(sections) >= 25
    assert all(section.chapter and section.section and len(section.body) > 100 for section in sections)
