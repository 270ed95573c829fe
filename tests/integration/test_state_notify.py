"""LISTEN and NOTIFY: who listens is told, in order, once, while idle, and nobody else is."""

import socket

import psycopg2
import pytest

from crowd import notified
from processes import wait_until
from wire import SYNC, Wire, bind, execute, parse, query


@pytest.fixture
def listener(crowd):
    return crowd.client()


@pytest.fixture
def speaker(crowd):
    return crowd.client()


def quiet(listener, speaker) -> bool:
    """Nothing else has come before what is sent now."""
    listener.run("listen marker")
    speaker.run("notify marker")
    return listener.notification() == ("marker", "")


def test_a_notification_arrives_while_idle(listener, speaker):
    assert listener.run("listen news").tags == ["LISTEN"]
    speaker.run("notify news, 'for you'")
    assert listener.notification() == ("news", "for you")
    speaker.run("notify news")
    assert listener.notification() == ("news", "")
    listener.shares_servers()


def test_listening_pins_nobody(crowd):
    listeners = [crowd.client() for _ in range(10)]
    for number, listener in enumerate(listeners):
        listener.run(f"listen of_{number}; listen of_all")
    speaker = crowd.client()
    for number, listener in enumerate(listeners):
        speaker.run(f"notify of_{number}, '{number}'")
    speaker.run("notify of_all, 'all'")
    for number, listener in enumerate(listeners):
        assert [listener.notification(), listener.notification()] == [(f"of_{number}", f"{number}"), ("of_all", "all")]
        listener.shares_servers()


def test_ones_own_notification(listener):
    listener.run("listen news")
    for _ in range(3):
        listener.run("notify news, 'own'")
        assert listener.notification() == ("news", "own")


def test_every_way_to_listen_and_notify(listener, speaker):
    listener.call("listen one")
    listener.run("begin; listen two; commit")
    listener.run("select 1; LISTEN Three; select 2")
    listener.run('listen "Odd ""Channel"')
    listener.run("do $$ begin listen five; end $$")
    listener.ask(parse("six", "listen six"), SYNC)
    listener.ask(bind("", "six"), execute(), SYNC)
    speaker.run("notify one, '1'")
    speaker.call("notify two, '2'")
    speaker.run("select pg_notify('three', '3')")
    speaker.call("select pg_notify($1, $2)", 'Odd "Channel', "4")
    speaker.run("do $$ begin notify five, '5'; end $$")
    speaker.run("begin; notify six, '6'; commit")
    found = [listener.notification() for _ in range(6)]
    assert found == [("one", "1"), ("two", "2"), ("three", "3"), ('Odd "Channel', "4"), ("five", "5"), ("six", "6")]


def test_from_a_trigger(listener, speaker, server):
    server.sql(
        "drop table if exists public.spoken; create table public.spoken (word text);"
        "grant all on public.spoken to member;"
        "create or replace function public.speaks() returns trigger language plpgsql as "
        "$$ begin perform pg_notify('spoken', new.word); return null; end $$;"
        "create trigger speaks after insert on public.spoken for each row execute function public.speaks()",
        "app",
    )
    listener.run("listen spoken")
    speaker.run("insert into spoken select 'word ' || i from generate_series(1, 5) i")
    assert [listener.notification()[1] for _ in range(5)] == [f"word {number}" for number in range(1, 6)]


def test_a_notification_is_sent_at_commit_only(listener, speaker):
    listener.run("listen news")
    speaker.run("begin; notify news, 'first'")
    speaker.run("notify news, 'second'")
    assert quiet(listener, listener)
    speaker.run("commit")
    assert [listener.notification(), listener.notification()] == [("news", "first"), ("news", "second")]


def test_a_notification_of_a_transaction_that_is_rolled_back(listener, speaker):
    listener.run("listen news")
    speaker.run("begin; notify news, 'never'; rollback")
    speaker.run("begin; savepoint a; notify news, 'nor this'; rollback to a; notify news, 'but this'; commit")
    assert listener.notification() == ("news", "but this")


def test_a_listen_that_is_rolled_back(listener, speaker):
    listener.run("begin; listen news; rollback")
    listener.run("begin; savepoint a; listen more; rollback to a; commit")
    assert listener.fails("listen third; select 1 / 0") == "22012"
    for channel in ("news", "more", "third"):
        speaker.run(f"notify {channel}")
    assert quiet(listener, speaker)
    assert listener.rows("select pg_listening_channels()") == ["marker"]


def test_a_listen_counts_from_its_commit(listener, speaker):
    listener.run("begin; listen news")
    speaker.run("notify news, 'too early'")
    listener.run("commit")
    speaker.run("notify news, 'in time'")
    assert listener.notification() == ("news", "in time")


def test_an_answered_listen_is_in_force(listener, speaker):
    """No notification sent after the LISTEN was answered is missed."""
    for number in range(30):
        listener.run(f"listen channel_{number}")
        speaker.run(f"notify channel_{number}, '{number}'")
    for number in range(30):
        assert listener.notification() == (f"channel_{number}", f"{number}")


ENDS = ["unlisten news", "unlisten *", "UNLISTEN News", "begin; unlisten news; commit", "discard all"]


@pytest.mark.parametrize("end", ENDS)
def test_an_end_of_listening(listener, speaker, end):
    for _ in range(2):
        listener.run("listen news")
        speaker.run("notify news, 'before'")
        assert listener.notification() == ("news", "before")
        for part in end.split("; "):
            listener.run(part)
        speaker.run("notify news, 'after'")
        assert quiet(listener, speaker)


def test_an_unlisten_that_is_rolled_back(listener, speaker):
    listener.run("listen news")
    listener.run("begin; unlisten *; rollback")
    speaker.run("notify news, 'still'")
    assert listener.notification() == ("news", "still")


def test_an_unlisten_of_one_among_many(crowd, speaker):
    one, other = crowd.client(), crowd.client()
    for client in (one, other):
        client.run("listen news; listen more")
    one.run("unlisten news")
    one.run("unlisten never_listened")
    speaker.run("notify news, 'n'; notify more, 'm'")
    assert one.notification() == ("more", "m")
    assert [other.notification(), other.notification()] == [("news", "n"), ("more", "m")]


def test_listening_twice_is_told_once(listener, speaker):
    listener.run("listen news; listen news")
    speaker.run("notify news, 'once'; notify news, 'once'")  # equal ones of a transaction are one
    assert listener.notification() == ("news", "once")
    assert quiet(listener, speaker)
    listener.run("unlisten news")
    speaker.run("notify news")
    assert quiet(listener, speaker)


def test_listening_channels_are_the_clients_own(crowd):
    one, other = crowd.client(), crowd.client()
    one.run("listen a; listen b")
    other.run("listen c")
    for _ in range(2):
        assert sorted(one.rows("select pg_listening_channels()")) == ["a", "b"]
        assert other.rows("select pg_listening_channels()") == ["c"]
    one.run("unlisten *")
    assert one.rows("select pg_listening_channels()") == []


def test_the_order_of_notifications(crowd, listener):
    speakers = [crowd.client(), crowd.client()]
    listener.run("listen news")
    for number in range(20):
        speakers[number % 2].run(f"notify news, '{number}'")
    speakers[0].run("begin; " + "; ".join(f"notify news, 'in one {number}'" for number in range(20)) + "; commit")
    found = [listener.notification()[1] for _ in range(40)]
    assert found == [f"{number}" for number in range(20)] + [f"in one {number}" for number in range(20)]


def test_the_largest_payload(listener, speaker):
    listener.run("listen news")
    payload = "ü" * 3000 + "x" * 1999
    assert len(payload.encode()) == 7999
    speaker.run(f"notify news, '{payload}'")
    assert listener.notification() == ("news", payload)
    assert speaker.fails(f"notify news, '{payload}+'") == "22023"
    assert quiet(listener, speaker)


def test_payloads_of_any_content(listener, speaker):
    listener.run("listen news")
    for payload in ("it's", "a\\b", '{"id": 1}', " ", "line\nline", "🚀"):
        speaker.call("select pg_notify('news', $1)", payload)
        assert listener.notification() == ("news", payload)


def test_a_notification_waits_for_the_end_of_the_listeners_transaction(listener, speaker):
    listener.run("listen news")
    listener.run("begin")
    listener.run("select 1")
    speaker.run("notify news, 'waits'")
    listener.run("select 2")
    assert listener.told == []
    listener.run("commit")
    assert listener.notification() == ("news", "waits")


def test_notifications_stay_between_answers(listener, speaker):
    """None inside the rows of a long answer."""
    listener.run("listen news")
    listener.send(query("select repeat('x', 100) from generate_series(1, 20000)"))
    first = listener.read_until("D")
    for number in range(5):
        Wire.ask(speaker, query(f"notify news, '{number}'"))
    answers = first + listener.read_until("Z")
    kinds = "".join(answer.kind for answer in answers)
    assert "DAD" not in kinds and kinds.count("D") == 20000
    told = [notified(answer)[1] for answer in answers if answer.kind == "A"]
    while len(told) < 5:
        told.append(listener.notification()[1])
    assert told == [f"{number}" for number in range(5)]


def test_a_listener_that_leaves(crowd, speaker):
    for _ in range(3):
        listener = crowd.client()
        listener.run("listen news")
        crowd.leaves(listener)
        newcomer = crowd.client()
        speaker.run("notify news, 'for whom?'")
        assert quiet(newcomer, speaker)
        assert newcomer.rows("select pg_listening_channels()") == ["marker"]


def test_a_listener_that_does_not_read(crowd, speaker):
    """Its notifications pile up, others get theirs."""
    deaf, listener = crowd.client(), crowd.client()
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    for client in (deaf, listener):
        client.run("listen news")
    payload = "x" * 7000
    for number in range(100):
        Wire.ask(speaker, query(f"select pg_notify('news', '{number} {payload}')"))
        assert listener.notification() == ("news", f"{number} {payload}")
    for number in range(100):
        assert deaf.notification() == ("news", f"{number} {payload}")


def test_listening_at_all_settings(crowd, speaker):
    """The listener's settings, role and search_path are not the listening connection's business."""
    listener = crowd.client(options="-c search_path=blue -c client_encoding=LATIN1")
    listener.run("set role clerk; set app.user_id = 'me'; listen news")
    speaker.run("notify news, 'told'")
    assert listener.notification() == ("news", "told")
    found = listener.row("select name, current_user, current_setting('app.user_id') from place")
    assert found == ["blue", "clerk", "me"]


def test_a_driver_that_polls(crowd, speaker):
    connection = psycopg2.connect(crowd.pooler.url(*crowd.login))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("listen news")
    speaker.run("notify news, 'polled'")

    def polled():
        connection.poll()
        return connection.notifies

    assert [(each.channel, each.payload) for each in wait_until(polled, "a notification")] == [("news", "polled")]
    connection.close()


def test_listeners_hear_again_after_the_servers_were_gone(crowd, server, speaker, listener):
    """As when the database was suspended. On a direct connection a listener has to come back itself."""
    listener.run("listen news; listen more")
    listener.run("set app.user_id = 'me'")
    if crowd.pooler.name == "direct":
        crowd.leaves(listener)
        listener = crowd.client()
        listener.run("listen news; listen more; set app.user_id = 'me'")
    else:
        gone = server.sql("select string_agg(pid::text, ',') from pg_stat_activity where usename = 'member'").strip()
        server.sql(f"select pg_terminate_backend(pid) from pg_stat_activity where pid in ({gone})")
        still = f"select count(*) from pg_stat_activity where pid in ({gone})"
        wait_until(lambda: server.sql(still).strip() == "0", "all servers are gone")
        notice = listener.read_until("N")[-1]
        assert "missed" in notice.fields["M"]
    speaker.run("notify news, 'again'; notify more, 'and again'")
    assert [listener.notification(), listener.notification()] == [("news", "again"), ("more", "and again")]
    assert sorted(listener.rows("select pg_listening_channels()")) == ["more", "news"]


def test_a_thousand_listeners_on_one_server_connection(gather, connections):
    crowd = gather(plain=True, max_client_conn=1200)
    clients = 100 if crowd.pooler.name == "direct" else 1000
    listeners = [crowd.client() for _ in range(clients)]
    for number, listener in enumerate(listeners):
        Wire.ask(listener, query(f"listen everybody; listen only_{number}"))
    speaker = crowd.client()
    speaker.run("notify everybody, 'all'")
    for number in range(0, clients, 10):
        Wire.ask(speaker, query(f"notify only_{number}, '{number}'"))
    for number, listener in enumerate(listeners):
        assert listener.notification() == ("everybody", "all")
        if number % 10 == 0:
            assert listener.notification() == (f"only_{number}", f"{number}")
    if crowd.pooler.name != "direct":
        assert connections(crowd.pooler) <= crowd.servers + 1
