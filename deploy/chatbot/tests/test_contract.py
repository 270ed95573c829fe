"""Every endpoint: what it takes, what it answers, whom it refuses."""

import uuid

import pytest
from answers import CONFLICT, CREATED, INVALID, NOT_FOUND, NO_CONTENT, OK, UNAUTHORIZED
from visitor import PASSWORD, Visitor

LONGEST_QUESTION = 2000


def test_a_user_registers_logs_in_and_is_known(guest):
    registered = guest.post("/register", json=guest.credentials())
    assert (registered.status_code, registered.json()) == (CREATED, {"name": guest.name})
    logged_in = guest.post("/login", json=guest.credentials())
    assert logged_in.status_code == OK and set(logged_in.json()) == {"token", "expires_at"}
    assert guest.get("/me").json() == {"name": guest.name}


def test_a_token_does_as_well_as_the_cookie(visitor):
    token = visitor.post("/login", json=visitor.credentials()).json()["token"]
    visitor.cookies.clear()
    assert visitor.get("/me").status_code == UNAUTHORIZED
    assert visitor.get("/me", headers={"Authorization": f"Bearer {token}"}).json() == {"name": visitor.name}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor):
    cookie = visitor.post("/login", json=visitor.credentials()).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "max-age=1209600" in cookie


def test_a_name_is_taken_once(visitor):
    again = visitor.post("/register", json=visitor.credentials(password="another secret"))
    assert again.status_code == CONFLICT
    assert visitor.post("/login", json=visitor.credentials()).status_code == OK


@pytest.mark.parametrize("wrong", [{"password": "a wrong secret"}, {"name": "nobody"}])
def test_a_wrong_password_and_an_unknown_name_are_told_the_same(visitor, wrong):
    refused = visitor.post("/login", json=visitor.credentials(**wrong))
    assert (refused.status_code, refused.json()["detail"]) == (UNAUTHORIZED, "Name or password is wrong.")


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "n" * 65}, {"password": "short"}, {"password": "p" * 129}])
def test_names_and_passwords_have_limits(guest, wrong):
    assert guest.post("/register", json=guest.credentials(**wrong)).status_code == INVALID


def test_a_session_ends_with_the_logout(visitor):
    token = visitor.post("/login", json=visitor.credentials()).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert visitor.post("/logout", headers=headers).status_code == NO_CONTENT
    assert visitor.get("/me", headers=headers).status_code == UNAUTHORIZED


def test_a_session_ends_when_its_time_is_over(visitor, server):
    server.sql(
        "update sessions set expires_at = now() - interval '1 second' "
        f"where user_id = (select id from users where name = '{visitor.name}')",
        "app",
    )
    assert visitor.get("/me").status_code == UNAUTHORIZED
    assert visitor.post("/login", json=visitor.credentials()).status_code == OK
    left = f"select count(*) from sessions join users on users.id = user_id where name = '{visitor.name}'"
    assert server.sql(left, "app").strip() == "1"


def test_the_database_knows_neither_password_nor_token(visitor, server):
    token = visitor.cookies["chatbot_session"]
    kept = server.sql("select * from users; select encode(token_hash, 'escape') from sessions", "app")
    assert visitor.name in kept and PASSWORD not in kept and token not in kept


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/me"),
        ("POST", "/logout"),
        ("GET", "/conversations"),
        ("GET", f"/conversations/{uuid.uuid4()}"),
        ("DELETE", f"/conversations/{uuid.uuid4()}"),
        ("POST", "/chat/query"),
    ],
)
def test_who_has_not_logged_in_is_told_to(guest, method, path):
    refused = guest.request(method, path, json={"question": "May I?"} if method == "POST" else None)
    assert refused.status_code == UNAUTHORIZED and refused.headers["www-authenticate"] == "Bearer"
    made_up = guest.request(method, path, json={"question": "May I?"}, headers={"Authorization": "Bearer made-up"})
    assert made_up.status_code == (NO_CONTENT if path == "/logout" else UNAUTHORIZED)


def test_a_question_is_answered_with_sources(visitor):
    key = uuid.uuid4()
    told = visitor.ask("What is a connection pool?", key=key)
    assert told.status_code == OK
    answer = told.json()
    assert answer["key"] == answer["conversation_id"] == str(key)
    assert "lends them" in answer["answer"]
    assert answer["sources"][0] == {"chapter": "Connections", "section": "Connection pools"}


def test_a_question_that_the_book_knows_nothing_of_is_answered_so(visitor):
    answer = visitor.ask("Xylophone quartz?").json()
    assert answer["sources"] == [] and "says nothing about that" in answer["answer"]


@pytest.mark.parametrize("odd", ["'; drop table users; --", "a & | ! ( <-> b", "\\", "ü" * 500, "%s :name $1", "?"])
def test_a_question_may_be_any_text(visitor, odd):
    assert visitor.ask(odd).status_code == OK
    assert visitor.get("/conversations").json()[0]["title"] == odd[:80]


@pytest.mark.parametrize("wrong", ["", "q" * (LONGEST_QUESTION + 1), "a null \0 character"])
def test_a_question_has_limits(visitor, wrong):
    assert visitor.ask(wrong).status_code == INVALID


@pytest.mark.parametrize("path", ["/register", "/login", "/chat/query"])
def test_half_a_character_is_refused(visitor, path):
    body = '{"name": "\\ud800", "password": "\\ud800 secret", "question": "\\ud800"}'
    assert visitor.post(path, content=body, headers={"Content-Type": "application/json"}).status_code == INVALID


def test_a_conversation_goes_on(visitor):
    first = visitor.ask("What is a lock?").json()
    second = visitor.ask("And a deadlock?", conversation=first["conversation_id"]).json()
    assert second["conversation_id"] == first["conversation_id"]
    history = visitor.get(f"/conversations/{first['conversation_id']}").json()
    assert [message["role"] for message in history] == ["user", "assistant"] * 2
    assert [message["content"] for message in history][::2] == ["What is a lock?", "And a deadlock?"]
    assert history[3]["content"] == second["answer"] and history[3]["sources"] == second["sources"]
    assert [each["title"] for each in visitor.get("/conversations").json()] == ["What is a lock?"]


def test_the_conversation_used_last_is_listed_first(visitor):
    ids = [visitor.ask(title).json()["conversation_id"] for title in ("first", "second", "third")]
    visitor.ask("again", conversation=ids[0])
    assert [each["id"] for each in visitor.get("/conversations").json()] == [ids[0], ids[2], ids[1]]


def test_a_conversation_is_deleted_with_its_messages(visitor):
    id = visitor.ask().json()["conversation_id"]
    assert visitor.delete(f"/conversations/{id}").status_code == NO_CONTENT
    assert visitor.get(f"/conversations/{id}").status_code == NOT_FOUND
    assert visitor.get("/conversations").json() == []
    assert visitor.delete(f"/conversations/{id}").status_code == NO_CONTENT


def test_a_question_to_a_conversation_that_is_not_there_is_refused(visitor):
    assert visitor.ask(conversation=uuid.uuid4()).status_code == NOT_FOUND


def test_conversations_of_others_are_not_there(visitor, chatbot):
    answer = visitor.ask("A secret of mine").json()
    id = answer["conversation_id"]
    with Visitor(chatbot.url) as other:
        other.come_in()
        assert other.get("/conversations").json() == []
        assert other.get(f"/conversations/{id}").status_code == NOT_FOUND
        assert other.ask(conversation=id).status_code == NOT_FOUND
        other.delete(f"/conversations/{id}")
        assert other.ask("What is mine?", key=answer["key"]).status_code == OK  # a key counts for its user only
    assert len(visitor.get(f"/conversations/{id}").json()) == 2


def test_the_same_key_asks_once(visitor):
    key = uuid.uuid4()
    answers = [visitor.ask(key=key).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(visitor.get(f"/conversations/{key}").json()) == 2
    follow = uuid.uuid4()
    answers = [visitor.ask("And isolation?", conversation=key, key=follow).json() for _ in range(2)]
    assert answers[0] == answers[1] and len(visitor.get(f"/conversations/{key}").json()) == 4


def test_another_question_under_the_same_key_is_refused(visitor):
    key = uuid.uuid4()
    visitor.ask(key=key)
    assert visitor.ask("Something else?", key=key).status_code == CONFLICT


def test_an_answer_is_streamed_as_events(visitor):
    key = uuid.uuid4()
    events = visitor.events("What is a connection pool?", key=key)
    assert [name for name, _ in events] == ["sources", "text", "end"]
    assert events[0][1][0] == {"chapter": "Connections", "section": "Connection pools"}
    assert events[-1][1] == {"is_kept": True}
    kept = visitor.get(f"/conversations/{key}").json()
    assert kept[1]["content"] == events[1][1]
    assert visitor.events("What is a connection pool?", key=key) == events


def test_health_is_of_the_process_and_of_the_database(guest):
    assert guest.get("/health").json() == {"status": "ok"}
    assert guest.get("/health/db").json() == {"status": "ok"}


def test_the_interface_is_described(guest):
    described = guest.get("/openapi.json").json()["paths"]
    assert set(described) == {
        "/register", "/login", "/logout", "/me", "/conversations", "/conversations/{id}", "/chat/query",
        "/health", "/health/db",
    }  # fmt: skip
    assert "503" in described["/chat/query"]["post"]["responses"]


def test_the_page_has_nothing_from_elsewhere(guest):
    for path, kind in (("/", "text/html"), ("/chat.js", "javascript"), ("/chat.css", "text/css")):
        file = guest.get(path)
        assert file.status_code == OK and kind in file.headers["content-type"]
        assert file.headers["content-security-policy"].startswith("default-src 'self'")
        assert "http://" not in file.text and "https://" not in file.text
