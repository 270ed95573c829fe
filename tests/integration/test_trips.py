"""What a client's statement costs in round trips to the server, counted on the link between.

Where Ballast's number is not that of a direct connection or of PgBouncer, theirs are there too, for BALLAST_TARGET.
"""

import pytest

from conftest import TARGET
from wire import SYNC, Wire, bind, close, execute, parse, query


@pytest.fixture
def clients(start_on_link, connect):
    """clients(servers, {...}, {...}): for each startup packet a client; all share so many servers."""

    def through(servers: int, *startups: dict[str, str]) -> list[Wire]:
        pooler = start_on_link(default_pool_size=servers)
        found = [connect(pooler, **startup) for startup in startups]
        for client in found:
            client.ask(query("select 1"))
        fill(found, servers)
        return found

    return through


def fill(clients: list[Wire], servers: int):
    """As many servers are connected as there may be."""
    for client in clients[:servers]:
        client.ask(query("begin; select 1"))
    for client in clients[:servers]:
        client.ask(query("commit"))


def of(ballast: int, direct: int | None = None, pgbouncer: int | None = None) -> int:
    return {"ballast": ballast, "direct": direct, "pgbouncer": pgbouncer}[TARGET.name] or 0


def extended(sql: str, *values) -> bytes:
    return parse("", sql) + bind("", "", values) + execute() + SYNC


STATEMENTS = {
    "simple": query("select * from t"),
    "several in one query": query("select 1; select 2; select 3"),
    "extended": extended("select $1::int", 1),
    "pipelined": extended("select 1") + extended("select 2"),
    "an error": query("select 1 / 0"),
    "a change": query("update t set id = 1"),
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_statement_is_one_trip(clients, link, kind):
    (client,) = clients(1, {})
    for _ in range(2):
        with link.counted() as flights:
            client.ask(STATEMENTS[kind], ready=2 if kind == "pipelined" else 1)
        assert (flights.awaited, flights.behind) == (1, 0)


def test_a_transaction_of_one_statement_is_two(clients, link):
    (client,) = clients(1, {})
    for statement in (query("select * from t"), extended("select 1")):
        with link.counted() as flights:
            for request in (query("begin"), statement, query("commit")):
                client.ask(request)
        assert (flights.awaited, flights.behind) == (of(2, direct=3, pgbouncer=3), 0)


def test_a_transaction_in_the_extended_protocol_is_two(clients, link):
    (client,) = clients(1, {})
    with link.counted() as flights:
        for sql in ("begin isolation level serializable", "select 1", "commit"):
            client.ask(extended(sql))
    assert (flights.awaited, flights.behind) == (of(2, direct=3, pgbouncer=3), 0)


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("way", [query, extended], ids=lambda way: way.__name__)
def test_an_empty_transaction_is_none(clients, link, way, end):
    (client,) = clients(1, {})
    with link.counted() as flights:
        client.ask(way("begin"))
        client.ask(way(end))
    assert (flights.awaited, flights.behind) == (of(0, direct=2, pgbouncer=2), 0)


def test_a_transaction_in_a_pipeline_is_one(clients, link):
    (client,) = clients(1, {})
    with link.counted() as flights:
        client.ask(query("begin"), query("select 1"), query("commit"), ready=3)
    assert (flights.awaited, flights.behind) == (1, 0)


def test_the_first_use_of_a_prepared_statement_on_a_server_is_one(clients, link):
    client, other = clients(2, {}, {})
    client.ask(parse("statement", "select $1::int + 1"), SYNC)
    other.ask(query("begin; select 1"))
    for _ in range(2):
        with link.counted() as flights:
            assert client.ask(bind("", "statement", (1,)), execute(), SYNC).rows == [[b"2"]]
        assert (flights.awaited, flights.behind) == (1, 0)
        client.ask(query("begin; select 1"))  # it keeps that server, and the other client has to take the other one
        other.ask(query("commit"))
        other.ask(query("begin; select 1"))
        client.ask(query("commit"))
    other.ask(query("commit"))


def test_another_client_finds_the_statement_prepared(clients, link):
    one, other = clients(1, {}, {})
    for client in (one, other):
        with link.counted() as flights:
            client.ask(parse("statement", "select 7"), bind("", "statement"), execute(), SYNC)
        assert (flights.awaited, flights.behind) == (1, 0)


def test_a_parse_of_what_was_prepared_and_closed(clients, link):
    (client,) = clients(1, {})
    for _ in range(3):
        with link.counted() as flights:
            client.ask(parse("s", "select 7"), bind("", "s"), execute(), close("S", "s"), SYNC)
        assert (flights.awaited, flights.behind) == (1, 0)


# Settings -------------------------------------------------------------------------------------------------------------

ONE = {"TimeZone": "Asia/Tokyo", "application_name": "one"}
OTHER = {"TimeZone": "UTC", "application_name": "other"}


def test_a_statement_of_a_client_whose_reported_settings_differ_is_one(clients, link):
    one, other = clients(1, ONE, OTHER)
    for client, zone in [(other, b"UTC"), (one, b"Asia/Tokyo")] * 3:
        with link.counted() as flights:
            assert client.ask(query("show timezone")).rows == [[zone]]
        assert (flights.awaited, flights.behind) == (of(1, direct=1, pgbouncer=2), 0)


IN_OPTIONS = {"options": "-c search_path=pg_catalog,public -c statement_timeout=7s"}


def test_a_statement_of_a_client_whose_other_settings_differ_is_one(clients, link):
    one, other = clients(1, IN_OPTIONS, {})
    for client, timeout in [(other, b"0"), (one, b"7s")] * 3:
        with link.counted() as flights:
            assert client.ask(query("show statement_timeout")).rows == [[timeout]]
        assert (flights.awaited, flights.behind) == (1, 0)


@pytest.mark.parametrize("kind", ["query", "extended", "transaction"])
def test_statements_with_settings_to_bring_along(clients, link, kind):
    """The settings were made by SET; a transaction of such a client is two trips, too."""
    one, other = clients(1, {}, {})
    one.ask(query("set search_path = public; set app.user_id = 'one'; set statement_timeout = '7s'"))
    other.ask(query("select 1"))
    shown = extended("show app.user_id") if kind == "extended" else query("show app.user_id")
    requests, trips = [shown], 1
    if kind == "transaction":
        requests, trips = [query("begin"), shown, query("commit")], of(2, direct=3, pgbouncer=3)
    for _ in range(2):
        with link.counted() as flights:
            answers = [answer for request in requests for answer in one.ask(request)]
        assert b"one" in [answer.values[0] for answer in answers if answer.kind == "D"]
        assert (flights.awaited, flights.behind) == (trips, 0)
        with link.counted() as flights:
            other.ask(query("select 1"))
        assert (flights.awaited, flights.behind) == (1, 0)


def test_equal_settings_cost_nothing(clients, link):
    """Also when the server writes a value differently: `iso` is `ISO, MDY` to it."""
    startups = [{"DateStyle": "iso", "options": "-c work_mem=2048"}, {"DateStyle": "ISO", "options": "-c work_mem=2MB"}]
    one, other = clients(1, *startups)
    for client in [one, other] * 2:
        with link.counted() as flights:
            client.ask(query("select 1"))
        assert (flights.awaited, flights.behind) == (1, 0)


def test_a_set_is_one_trip_and_what_looks_after_it_is_behind(clients, link):
    one, other = clients(1, {}, {})
    for number in range(3):
        with link.counted() as flights:
            one.ask(query(f"set work_mem = '{number + 1}MB'"))
        assert flights.awaited == 1 and flights.behind <= of(1)
        with link.counted() as flights:
            other.ask(query("select 1"))
        assert (flights.awaited, flights.behind) == (1, 0)


def test_a_statement_does_not_wait_for_the_look_at_what_the_last_one_left(clients, link):
    (client,) = clients(1, {})
    for number in range(3):
        with link.counted() as flights:
            client.ask(query(f"set work_mem = '{number + 1}MB'"))
            assert client.ask(query("show work_mem")).rows == [[b"%dMB" % (number + 1)]]
        assert flights.awaited == 2 and flights.behind <= of(1)


def test_another_clients_statement_may_wait_for_it_but_no_longer(clients, link):
    one, other = clients(1, {}, {})
    for number in range(3):
        with link.counted() as flights:
            one.ask(query(f"set work_mem = '{number + 1}MB'"))
            other.ask(query("select 1"))
        assert flights.awaited <= of(3, direct=2, pgbouncer=2)


def test_a_local_set_in_a_transaction(clients, link):
    (client,) = clients(1, {})
    with link.counted() as flights:
        for sql in ("begin", "set local work_mem = '3MB'", "select 1", "commit"):
            client.ask(query(sql))
    assert flights.awaited == of(3, direct=4, pgbouncer=4) and flights.behind <= of(1)


# Release --------------------------------------------------------------------------------------------------------------


def test_a_release_costs_nothing(clients, link):
    """Neither a trip in somebody's way nor one afterwards."""
    one, other = clients(1, {}, {})
    with link.counted() as flights:
        for client in (one, other) * 3:
            client.ask(query("select * from t"))
    assert (flights.awaited, flights.behind) == (6, 0)


def test_the_release_of_a_transaction_costs_nothing(clients, link):
    one, other = clients(1, {}, {})
    with link.counted() as flights:
        for client in (one, other) * 2:
            client.ask(query("begin; update t set id = id; commit"))
    assert (flights.awaited, flights.behind) == (4, 0)


def test_a_client_that_leaves_costs_nothing(clients, link):
    one, other = clients(1, {}, {})
    one.ask(query("select 1"))
    with link.counted() as flights:
        one.socket.close()
        other.ask(query("select 1"))
    assert (flights.awaited, flights.behind) == (1, 0)
