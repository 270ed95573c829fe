"""Answers of an LLM, which is a small server here that says what it is told to."""

import threading
import uuid

import pytest
from answers import OK
from visitor import Visitor

LLM = "Twice round the lamp [1]."


@pytest.fixture
def visitor(talker, llm):
    llm.status, llm.breaks_off = 200, False
    llm.asked.clear()
    llm.keys.clear()
    with Visitor(talker.url) as visitor:
        yield visitor.come_in()


def test_the_llm_is_asked_with_passages_and_with_what_was_said_before(visitor, llm):
    first = visitor.ask("What is a lock?").json()
    assert first["answer"] == LLM
    visitor.ask("And a deadlock?", conversation=first["conversation_id"])
    told = llm.asked[1]
    assert told["stream"] is True and llm.keys == ["Bearer a key"] * 2
    assert "[1] Locks: A lock makes one transaction wait" in told["messages"][0]["content"]
    assert told["messages"][1:] == [
        {"role": "user", "content": "What is a lock?"},
        {"role": "assistant", "content": LLM},
        {"role": "user", "content": "And a deadlock?"},
    ]


def test_its_words_are_streamed_as_they_come(visitor, llm):
    llm.gate.clear()
    body = {"question": "What is a lock?", "stream": True}
    with visitor.stream("POST", "/chat/query", json=body) as response:
        lines = response.iter_lines()
        while "Twice" not in next(lines):
            pass
        assert not llm.gate.is_set()  # it has not ended yet
        llm.gate.set()
        assert [line.strip() for line in lines if line.startswith("event")][-1] == "event: end"


def test_the_same_key_does_not_ask_it_again(visitor, llm):
    key = uuid.uuid4()
    assert visitor.ask(key=key).json() == visitor.ask(key=key).json()
    assert len(llm.asked) == 1


def test_an_llm_that_refuses_is_replaced_by_the_book(visitor, llm):
    llm.status = 429
    told = visitor.ask("What is a connection pool?")
    assert told.status_code == OK and "lends them" in told.json()["answer"]


def test_an_llm_that_breaks_off_is_told_of(visitor, llm):
    llm.breaks_off = True
    assert "its author can't be reached" in visitor.ask("What is a lock?").json()["answer"]


def test_no_transaction_and_no_server_connection_is_held_while_it_thinks(visitor, llm, server):
    llm.waiting.clear()
    llm.gate.clear()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(visitor.ask("What is a lock?")))
    asking.start()
    try:
        assert llm.waiting.wait(30)
        is_busy = "state <> 'idle' or xact_start is not null"
        busy = f"select count(*) from pg_stat_activity where usename = 'app' and ({is_busy})"
        assert server.sql(busy).strip() == "0"
    finally:
        llm.gate.set()
        asking.join()
    assert answers[0].json()["answer"] == LLM
