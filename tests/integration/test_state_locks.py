"""Advisory locks: held by their client alone, as long as it wants, and never longer than it lives."""

import itertools

import pytest

from processes import wait_until
from wire import TERMINATE, query

keys = itertools.count(1000)


@pytest.fixture
def crowd(gather):
    """One server more than the strangers of two pinned clients need."""
    return gather(servers=3, plain=True)


@pytest.fixture
def holder(crowd):
    return crowd.client()


@pytest.fixture
def rival(crowd):
    """A client that tries, and holds nothing afterwards: in transactions only."""
    return crowd.client()


def may_have(rival, key: str, shared: str = "") -> bool:
    (found,) = rival.row(f"select pg_try_advisory_xact_lock{shared}({key})")
    return found == "t"


FORMS = {
    "one key": lambda: f"{next(keys)}",
    "one negative key": lambda: f"{-next(keys)}",
    "one large key": lambda: f"{(1 << 62) + next(keys)}",
    "two keys": lambda: f"{next(keys)}, {next(keys)}",
    "two negative keys": lambda: f"{-next(keys)}, {-next(keys)}",
}


TAKES = [
    "select pg_advisory_lock({})",
    "select pg_try_advisory_lock({})",
    "do $$ begin perform pg_advisory_lock({}); end $$",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("take", TAKES)
def test_a_lock_is_held_until_it_is_given_back(holder, rival, form, take):
    key = FORMS[form]()
    holder.run(take.format(key))
    holder.keeps_its_server()
    assert not may_have(rival, key) and not may_have(rival, key, "_shared")
    assert holder.value(f"select pg_advisory_unlock({key})") == "t"
    holder.shares_servers()
    assert may_have(rival, key)


def test_over_the_extended_protocol(holder, rival):
    key = next(keys)
    holder.call("select pg_advisory_lock($1::int, $2::int)", key, 2)
    holder.keeps_its_server()
    assert not may_have(rival, f"{key}, 2") and may_have(rival, f"{key}, 1")
    assert holder.call("select pg_advisory_unlock($1::int, $2::int)", key, 2).rows == [[b"t"]]
    holder.shares_servers()


def test_shared_locks(gather):
    crowd = gather(servers=4, plain=True)
    key = str(next(keys))
    one, other, rival = crowd.client(), crowd.client(), crowd.client()
    one.run(f"select pg_advisory_lock_shared({key})")
    one.keeps_its_server()
    assert other.value(f"select pg_try_advisory_lock_shared({key})") == "t"
    other.keeps_its_server()
    assert may_have(rival, key, "_shared") and not may_have(rival, key)
    assert one.value(f"select pg_advisory_unlock_shared({key})") == "t"
    one.shares_servers()
    assert not may_have(rival, key)
    assert other.value(f"select pg_advisory_unlock_shared({key})") == "t"
    other.shares_servers()
    assert may_have(rival, key)


def test_a_lock_taken_three_times_is_given_back_three_times(holder, rival):
    key = str(next(keys))
    for _ in range(3):
        holder.run(f"select pg_advisory_lock({key})")
        holder.keeps_its_server()
    for _ in range(2):
        assert holder.value(f"select pg_advisory_unlock({key})") == "t"
        holder.keeps_its_server()
        assert not may_have(rival, key)
    assert holder.value(f"select pg_advisory_unlock({key})") == "t"
    holder.shares_servers()
    assert may_have(rival, key)
    answers = holder.run(f"select pg_advisory_unlock({key})")
    assert answers.rows == [[b"f"]]
    assert [answer.fields["V"] for answer in answers if answer.kind == "N"] == ["WARNING"]


def test_a_lock_taken_both_ways(holder, rival):
    key = str(next(keys))
    holder.run(f"select pg_advisory_lock({key}), pg_advisory_lock_shared({key})")
    holder.keeps_its_server()
    assert holder.value(f"select pg_advisory_unlock({key})") == "t"
    holder.keeps_its_server()
    assert not may_have(rival, key) and may_have(rival, key, "_shared")
    assert holder.value(f"select pg_advisory_unlock_shared({key})") == "t"
    holder.shares_servers()


def test_several_locks_of_one_statement(holder, rival):
    first = next(keys) * 100
    holder.run(f"select pg_advisory_lock({first} + i) from generate_series(1, 50) i")
    holder.keeps_its_server()
    holder.run(f"select pg_advisory_unlock({first} + i) from generate_series(1, 49) i")
    holder.keeps_its_server()
    assert not may_have(rival, str(first + 50)) and may_have(rival, str(first + 49))
    holder.run("select pg_advisory_unlock_all()")
    holder.shares_servers()
    assert may_have(rival, str(first + 50))


def test_an_unlock_of_what_is_not_held_pins_nobody(holder):
    answers = holder.run(f"select pg_advisory_unlock({next(keys)})")
    assert answers.rows == [[b"f"]]
    holder.shares_servers()


XACT_LOCKS = ["pg_advisory_xact_lock", "pg_try_advisory_xact_lock", "pg_advisory_xact_lock_shared"]


@pytest.mark.parametrize("function", XACT_LOCKS)
def test_locks_of_a_transaction_never_pin(holder, rival, function):
    key = str(next(keys))
    holder.run(f"select {function}({key})")
    holder.shares_servers()
    assert may_have(rival, key)
    for end in ("commit", "rollback"):
        holder.run("begin")
        holder.run(f"select {function}({key})")
        assert not may_have(rival, key)
        holder.run(end)
        holder.shares_servers()
        assert may_have(rival, key)


def test_a_lock_of_the_session_survives_the_rollback_of_its_transaction(holder, rival):
    key = str(next(keys))
    holder.run("begin")
    holder.run(f"select pg_advisory_lock({key})")
    holder.run("rollback")
    holder.keeps_its_server()
    assert not may_have(rival, key)
    holder.run("begin; select 1")
    assert holder.value(f"select pg_advisory_unlock({key})") == "t"
    holder.run("commit")
    holder.shares_servers()
    assert may_have(rival, key)


def test_an_unlock_survives_the_rollback_of_its_transaction(holder, rival):
    key = str(next(keys))
    holder.run(f"select pg_advisory_lock({key})")
    holder.keeps_its_server()
    holder.run(f"begin; select pg_advisory_unlock({key}); rollback")
    holder.shares_servers()
    assert may_have(rival, key)


def test_a_lock_of_a_query_that_fails_afterwards(holder, rival):
    key = str(next(keys))
    assert holder.fails(f"select pg_advisory_lock({key}); select 1 / 0") == "22012"
    holder.keeps_its_server()
    assert not may_have(rival, key)
    holder.run("select pg_advisory_unlock_all()")
    holder.shares_servers()


def test_a_lock_taken_in_a_function(holder, rival, server):
    key = str(next(keys))
    server.sql(
        "create or replace function public.takes(bigint) returns void language plpgsql as "
        "'begin perform pg_advisory_lock($1); end';"
        "create or replace function public.gives(bigint) returns bool language sql as 'select pg_advisory_unlock($1)'",
        "app",
    )
    holder.run(f"select takes({key})")
    holder.keeps_its_server()
    assert not may_have(rival, key)
    assert holder.value(f"select gives({key})") == "t"
    holder.shares_servers()
    assert may_have(rival, key)


@pytest.mark.parametrize("where", ["idle", "in a transaction", "in a failed transaction", "while a query runs"])
def test_a_client_that_is_killed_holds_no_lock(crowd, holder, rival, where):
    key = str(next(keys))
    holder.run(f"select pg_advisory_lock({key})")
    holder.keeps_its_server()
    if where != "idle":
        holder.run("begin")
    if where == "in a failed transaction":
        holder.fails("select 1 / 0")
    if where == "while a query runs":
        holder.send(query("select pg_sleep(0.2)"))
    assert not may_have(rival, key)
    crowd.leaves(holder)
    wait_until(lambda: may_have(rival, key), "the lock is free")


def test_a_client_that_says_goodbye_holds_no_lock(crowd, holder, rival):
    key = str(next(keys))
    holder.run(f"select pg_advisory_lock({key})")
    holder.keeps_its_server()
    holder.send(TERMINATE)
    crowd.leaves(holder)
    wait_until(lambda: may_have(rival, key), "the lock is free")


def test_a_client_waits_for_the_lock_of_another(crowd, holder, rival):
    key = next(keys)
    holder.run(f"select pg_advisory_lock({key})")
    holder.keeps_its_server()
    rival.send(query(f"select pg_advisory_lock({key})"))
    rival.pinned = True
    assert holder.value(f"select pg_advisory_unlock({key})") == "t"
    holder.shares_servers()
    assert rival.read_until("Z").types == "TDCZ"
    rival.keeps_its_server()
    rival.run(f"select pg_advisory_unlock({key})")
    rival.shares_servers()


def test_locks_among_settings(gather):
    """Pinned, and unpinned again, the client has its settings, and the strangers have theirs."""
    crowd = gather()
    key = next(keys)
    client = crowd.client()
    client.run("set app.user_id = 'me'; set work_mem = '3MB'")
    for _ in range(2):
        client.run(f"select pg_advisory_lock({key})")
        client.keeps_its_server()
        client.run("set work_mem = '5MB'")
        assert client.settings("app.user_id", "work_mem") == ["me", "5MB"]
        client.run(f"select pg_advisory_unlock({key})")
        client.shares_servers()
        assert client.settings("app.user_id", "work_mem") == ["me", "5MB"]
