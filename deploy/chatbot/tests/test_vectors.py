"""Passages found by vectors: with pgvector, or where this machine has none, with as much of it as the chatbot uses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from chatbot_process import Chatbot, init_db
from visitor import Visitor

IS_TRUSTED = "select bool_or(trusted) from pg_available_extension_versions where name = 'vector'"
STAND_IN = """
create type vector as (numbers float8[]);
create function vector(text) returns vector immutable language sql
  as $$ select row(translate($1, '[]', '{}')::float8[])::vector $$;
create cast (text as vector) with function vector(text);
create function cosine_distance(a vector, b vector) returns float8 immutable language plpgsql as $$ begin
  if cardinality(a.numbers) <> cardinality(b.numbers) then raise exception 'different vector dimensions'; end if;
  return (
    select 1 - sum(x * y) / nullif(sqrt(sum(x * x) * sum(y * y)), 0) from unnest(a.numbers, b.numbers) as _ (x, y)
  );
end $$;
create operator <=> (leftarg = vector, rightarg = vector, function = cosine_distance);
"""
KEPT = "select model, count(*), max(embeddings.xmin::text::bigint) from embeddings group by model"
MISSPELLED = "What is a conection pol?"
LAMPS = "# Things\n\n## Ballasts\nA ballast limits the current.\n\n## Whales\nWhales are large, and sing.\n"


@pytest.fixture(scope="module")
def url(lamp, server):
    """Of a database that has vectors, or whose owner may have pgvector there."""
    server.sql("create database vectors owner app")
    prepared = {"t": "", "f": "create extension vector", "": STAND_IN}
    server.sql(prepared[server.sql(IS_TRUSTED).strip()], "vectors")
    return lamp.pooler.url(database="vectors")


@pytest.fixture(scope="module")
def plain_url(lamp, server):
    """Of one that has none, where nobody but its owner may have them."""
    server.sql("create database plain")
    server.sql("grant create on schema public to app", "plain")
    return lamp.pooler.url(database="plain")


@pytest.fixture
def book(tmp_path, llm):
    """A textbook of one's own, and a service to which bulbs are as good as ballasts."""
    llm.status, llm.themes = 200, (("ballast", "bulb"), ("whale", "sea"))
    (tmp_path / "1.md").write_text(LAMPS)
    return {"CHATBOT_TEXTBOOK": tmp_path, "CHATBOT_LLM_URL": llm.url, "CHATBOT_EMBEDDING_MODEL": "themes"}


def sources(url: str, question: str, **settings) -> list[str]:
    with Chatbot(url, **settings) as chatbot, Visitor(chatbot.url) as visitor:
        return [source["section"] for source in visitor.come_in().ask(question).json()["sources"]]


def fill(url: str, **settings) -> str:
    """What was warned of."""
    done = init_db(url, **settings)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_each_passage_has_one_vector_however_often_it_is_made(url, server):
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(lambda _: fill(url), range(3))) == [""] * 3
    before = server.sql(KEPT, "vectors")
    assert before.startswith("pieces-3-1024|27|")
    fill(url)
    assert server.sql(KEPT, "vectors") == before


def test_a_misspelled_question_is_answered(url):
    fill(url)
    with Chatbot(url) as chatbot, Visitor(chatbot.url) as visitor:
        visitor.come_in()
        answer = visitor.ask(MISSPELLED).json()
        assert answer["sources"][0] == {"chapter": "Connections", "section": "Connection pools"}
        assert visitor.ask("What is a connection pool?").json()["sources"][0] == answer["sources"][0]
        assert visitor.ask("Xylophone quartz?").json()["sources"] == []
        assert visitor.ask("???").json()["sources"] == []


def test_without_vectors_words_are_looked_for(plain_url, server):
    for _ in range(2):
        fill(plain_url)
    assert server.sql("select to_regclass('embeddings') is null", "plain").strip() == "t"
    with Chatbot(plain_url) as chatbot, Visitor(chatbot.url) as visitor:
        visitor.come_in()
        assert visitor.ask(MISSPELLED).json()["sources"] == []
        assert visitor.ask("What is a connection pool?").json()["sources"][0]["section"] == "Connection pools"


def test_a_service_finds_what_has_the_same_meaning(url, server, book, llm):
    fill(url, **book)
    assert server.sql(KEPT, "vectors").startswith("themes|2|")
    assert sources(url, "Why do bulbs flicker?", **book)[0] == "Ballasts"
    assert llm.embedded[-1] == ["Why do bulbs flicker?"] and llm.keys[-1] == ""


def test_what_has_changed_gets_a_new_vector(url, server, book, llm):
    fill(url, **book)
    book["CHATBOT_TEXTBOOK"].joinpath("1.md").write_text(LAMPS.replace("Whales are large", "Whales are huge"))
    llm.embedded.clear()
    fill(url, **book)
    assert llm.embedded == [["Whales\nWhales are huge, and sing."]]
    assert server.sql(KEPT, "vectors").startswith("themes|2|")


def test_vectors_of_another_model_are_no_match(url, book):
    fill(url, **book)
    assert sources(url, "What is a balast?") == []
    assert sources(url, "What is a ballast?") == ["Ballasts"]


def test_when_the_service_fails_words_are_looked_for(url, book, llm):
    fill(url)
    llm.status = 500
    assert "the LLM's host failed: status 500" in fill(url, **book)
    assert sources(url, "How do whales sing? Do bulbs?", **book) == ["Whales"]
