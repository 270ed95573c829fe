"""With a real PostgreSQL behind Ballast and a Neon that sleeps, restarts, is silent and refuses."""

import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from answers import NOT_FOUND, OK, UNAVAILABLE
from chatbot_process import FOLDER, PYTHON, Chatbot, environment, init_db
from processes import wait_until
from visitor import Visitor

MOST_KEPT = 50
SCHEMA = """
select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
where table_schema = 'public' order by 1, 2;
select indexdef from pg_indexes where schemaname = 'public' order by 1;
select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
where connamespace = 'public'::regnamespace order by 1, 2
"""


def test_init_db_may_be_run_by_several_at_once_and_again(lamp, server):
    server.sql("drop schema public cascade; create schema public authorization app", "app")
    with ThreadPoolExecutor() as threads:
        done = list(threads.map(lambda _: init_db(lamp.pooler.url()), range(3)))
    assert [each.returncode for each in done] == [0, 0, 0], [each.stderr for each in done]
    count = "select count(*), max(id) from documents"
    before = server.sql(count, "app")
    assert init_db(lamp.pooler.url()).returncode == 0
    assert server.sql(count, "app") == before and before.startswith("27|")


def test_the_migrations_make_the_tables_of_the_models(lamp, server):
    migrated = server.sql(SCHEMA, "app")
    server.sql("create database models owner app")
    script = (
        "import asyncio, os\n"
        "from chatbot.database import Database\nfrom chatbot.models import Base\n"
        "from chatbot.settings import read_settings\n"
        "work = lambda connection: connection.run_sync(Base.metadata.create_all)\n"
        "asyncio.run(Database(read_settings(os.environ)).run_in_transaction(work))\n"
    )
    run(script, lamp.pooler.url(database="models"))
    made = server.sql(SCHEMA, "models")
    others = ("alembic_version", "embeddings")  # the latter where there is pgvector
    assert made.splitlines() == [line for line in migrated.splitlines() if not any(name in line for name in others)]


def test_a_textbook_of_ones_own_takes_the_place_of_the_other(lamp, server, tmp_path):
    (tmp_path / "1.md").write_text("# Lamps\n\n## Ballasts\nA ballast limits the current.\n")
    url = lamp.pooler.url()
    assert init_db(url, CHATBOT_TEXTBOOK=tmp_path).returncode == 0
    kept = server.sql("select chapter, section, body from documents", "app").strip()
    assert kept == "Lamps|Ballasts|A ballast limits the current."
    (tmp_path / "1.md").write_text("Nothing.")
    refused = init_db(url, CHATBOT_TEXTBOOK=tmp_path)
    assert refused.returncode == 1 and refused.stderr.startswith("chatbot: CHATBOT_TEXTBOOK")
    assert init_db(url).returncode == 0


def test_the_last_fifty_conversations_are_kept_however_many_begin_at_once(visitor, server):
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda number: visitor.ask(f"Question {number}?"), range(MOST_KEPT + 14)))
    assert {each.status_code for each in told} <= {OK, NOT_FOUND}  # not found: forgotten before it was answered
    assert len(visitor.get("/conversations").json()) == MOST_KEPT
    whose = f"from messages join users on users.id = user_id where name = '{visitor.name}'"
    kept = f"select count(distinct conversation_id) {whose}"
    assert server.sql(kept, "app").strip() == str(MOST_KEPT)


def test_the_conversation_that_has_rested_longest_goes_first(visitor):
    first, second = (visitor.ask(f"{name}?").json()["conversation_id"] for name in ("First", "Second"))
    for number in range(MOST_KEPT - 2):
        visitor.ask(f"Question {number}?")
    visitor.ask("Again?", conversation=first)
    visitor.ask("One more?")
    assert visitor.get(f"/conversations/{first}").status_code == OK
    assert visitor.get(f"/conversations/{second}").status_code == NOT_FOUND


def test_one_key_at_many_hands_is_one_question_and_one_answer(visitor):
    key = uuid.uuid4()
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda _: visitor.ask(key=key), range(16)))
    assert {each.status_code for each in told} == {OK}
    assert len({each.text for each in told}) == 1
    assert [each["role"] for each in visitor.get(f"/conversations/{key}").json()] == ["user", "assistant"]


@pytest.mark.parametrize("path", ["/suspend", "/restart", "/crash"])
def test_the_database_may_go_away_between_two_questions(visitor, lamp, path):
    visitor.ask()
    lamp.neon.post(path)
    wakes = lamp.neon.state()["wakes"]
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda _: visitor.ask(), range(8)))
    assert [each.status_code for each in told] == [OK] * 8
    assert lamp.neon.state()["wakes"] <= wakes + 1


def test_a_process_on_its_own_connections_finds_out_that_they_are_gone(server, lamp):
    """Without Ballast, where each connection of the pool ends with the database: the request is repeated."""
    url = server.url("app", "secret", "app")
    with Chatbot(url) as chatbot, Visitor(chatbot.url) as visitor:
        visitor.come_in()
        for _ in range(3):
            server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chatbot'")
            assert visitor.ask().status_code == OK


def test_while_nobody_answers_it_says_so_and_then_recovers_by_itself(lamp):
    """Ballast's clients wait for as long as query_wait_timeout says: here for two seconds."""
    with lamp.another_ballast(query_wait_timeout=2, server_down_timeout=1) as pooler:
        with Chatbot(pooler.url()) as chatbot, Visitor(chatbot.url) as visitor:
            visitor.come_in()
            lamp.neon.set(refuse="reset")
            lamp.neon.post("/kill", how="reset")
            try:
                key = uuid.uuid4()
                refused = visitor.ask(key=key)
                assert refused.status_code == UNAVAILABLE and int(refused.headers["retry-after"]) > 0
                assert set(refused.json()) == {"detail", "answer", "retry_after_s"}
                assert visitor.get("/conversations").status_code == UNAVAILABLE
                assert visitor.get("/health").status_code == OK
                assert health_of_database(visitor) == UNAVAILABLE
            finally:
                lamp.neon.set(refuse="off")
            wait_until(lambda: visitor.ask(key=key).status_code == OK, "it is answered")
            assert [each["role"] for each in visitor.get(f"/conversations/{key}").json()] == ["user", "assistant"]
            assert health_of_database(visitor) == OK


def test_who_is_shed_is_told_to_come_again_later_than_one_whose_database_is_away(lamp):
    with lamp.another_ballast(default_pool_size=1, max_queue=1, query_wait_timeout=5) as pooler:
        with Chatbot(pooler.url()) as chatbot, Visitor(chatbot.url) as visitor:
            visitor.come_in()
            with ThreadPoolExecutor(20) as threads:
                told = list(threads.map(lambda _: visitor.get("/conversations"), range(100)))
            assert {each.status_code for each in told} == {OK, UNAVAILABLE}
            assert {each.headers["retry-after"] for each in told if each.status_code != OK} == {"10"}
            assert visitor.get("/conversations").status_code == OK


def test_the_answer_comes_before_the_deadline_though_the_database_is_silent(lamp):
    with Chatbot(lamp.pooler.url(), CHATBOT_DATABASE_TIMEOUT=1) as chatbot, Visitor(chatbot.url) as visitor:
        visitor.come_in()
        lamp.neon.set(refuse="drop", suspend_mode="blackhole")
        lamp.neon.post("/suspend")
        try:
            assert visitor.ask().status_code == UNAVAILABLE
            assert health_of_database(visitor) == UNAVAILABLE
        finally:
            lamp.neon.set(refuse="off", suspend_mode="direct_57P01")
        wait_until(lambda: visitor.ask().status_code == OK, "it recovers by itself", deadline_s=60)


def test_the_database_sleeps_though_the_process_is_watched(lamp):
    with Chatbot(lamp.pooler.url()) as chatbot, Visitor(chatbot.url) as visitor:
        visitor.come_in()
        lamp.neon.post("/suspend")
        wakes = lamp.neon.state()["wakes"]
        for _ in range(20):
            assert visitor.get("/health").status_code == OK
        assert lamp.neon.state()["wakes"] == wakes
        assert visitor.get("/health/db").status_code == OK
        assert lamp.neon.state()["wakes"] == wakes + 1


def health_of_database(visitor: Visitor) -> int:
    began = time.monotonic()
    status = visitor.get("/health/db").status_code
    assert time.monotonic() - began < 2
    return status


def run(script: str, url: str):
    done = subprocess.run([PYTHON, "-c", script], cwd=FOLDER, env=environment(url), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
