"""What SET changed ends as on a direct connection: with its transaction, or by going back to the client's startup."""

import os
from contextlib import closing

import psycopg2
import pytest

from processes import wait_until
from wire import SYNC, bind, close, execute, parse, query

STARTUP = {
    "TimeZone": "PST8PDT",  # PGTZ
    "DateStyle": "Postgres, MDY",  # PGDATESTYLE
    "application_name": "Starter",
    "app.tenant": "acme",
    "options": '-c geqo=off -c search_path=blue,\\ "$user" --statement-timeout=5000 -cwork_mem=3MB'
    " -c app.user_id=it\\'s\\ \\\\",
}
AT_STARTUP = {
    "timezone": "PST8PDT",
    "datestyle": "Postgres, MDY",
    "application_name": "Starter",
    "app.tenant": "acme",
    "geqo": "off",
    "search_path": 'blue, "$user"',
    "statement_timeout": "5s",
    "work_mem": "3MB",
    "app.user_id": "it's \\",
}
CHANGED = {
    "timezone": "Asia/Tokyo",
    "datestyle": "ISO, DMY",
    "application_name": "Changed",
    "app.tenant": "other",
    "geqo": "on",
    "search_path": "red",
    "statement_timeout": "6s",
    "work_mem": "4MB",
    "app.user_id": "changed",
}


def settings(client) -> dict[str, str]:
    return dict(zip(AT_STARTUP, client.row("select " + ", ".join(f"current_setting('{name}')" for name in AT_STARTUP))))


def change(client):
    client.run("; ".join(f"set {name} = '{value}'" for name, value in CHANGED.items()))
    assert settings(client) == CHANGED


@pytest.fixture
def starter(crowd):
    client = crowd.client(**STARTUP)
    assert settings(client) == AT_STARTUP
    change(client)
    return client


def each(template: str) -> list[str]:
    return [template.format(name) for name in AT_STARTUP]


BACK = {
    "RESET x": each("reset {}"),
    "SET x TO DEFAULT": each("set {} to default"),
    "SET x = DEFAULT": each("SET SESSION {} = DEFAULT"),
    "set_config of null": [sql for sql in each("select set_config('{}', null, false)") if "app." not in sql]
    + ["reset app.tenant; reset app.user_id"],
    "RESET ALL": ["reset all"],
    "DISCARD ALL": ["discard all"],
}


def alone(client, statements):
    for sql in statements:
        client.run(sql)


def in_the_extended_protocol(client, statements):
    for sql in statements:
        for part in sql.split(";"):
            client.call(part)


def prepared(client, statements):
    for sql in statements:
        for part in sql.split(";"):
            client.ask(parse("back", part), SYNC)
            client.ask(bind("", "back"), execute(), SYNC)
            client.ask(close("S", "back"), SYNC)


def in_a_transaction(client, statements):
    client.run("begin")
    alone(client, statements)
    assert settings(client) == AT_STARTUP
    client.run("commit")


def in_one_query(client, statements):
    client.run("; ".join(["select 1", *statements, "select 2"]))


def among_statements_of_a_transaction_in_one_query(client, statements):
    client.run("; ".join(["begin", *statements, "commit", "select 1"]))


WAYS = [
    alone,
    in_the_extended_protocol,
    prepared,
    in_a_transaction,
    in_one_query,
    among_statements_of_a_transaction_in_one_query,
]


CASES = [(back, way) for back in BACK for way in WAYS if back != "DISCARD ALL" or way in WAYS[:3]]  # in none, 25001


@pytest.mark.parametrize("back, way", CASES, ids=[f"{back}-{way.__name__}" for back, way in CASES])
def test_back_to_the_clients_own_startup(starter, back, way):
    way(starter, BACK[back])
    for _ in range(3):
        assert settings(starter) == AT_STARTUP
    starter.shares_servers()


@pytest.mark.parametrize("back", [back for back in BACK if back != "DISCARD ALL"])
def test_a_way_back_that_is_rolled_back(starter, back):
    starter.run("begin")
    alone(starter, BACK[back])
    starter.run("rollback")
    assert settings(starter) == CHANGED


def test_discard_all_may_not_be_in_a_transaction(starter):
    starter.run("begin")
    assert starter.fails("discard all") == "25001"
    starter.run("rollback")
    assert starter.fails("select 1; discard all") == "25001"
    assert settings(starter) == CHANGED


def test_a_client_without_startup_settings_goes_back_to_the_servers(crowd):
    client, witness = crowd.client(), crowd.client()
    servers = settings_known(witness)
    client.run("set timezone = 'Asia/Tokyo'; set work_mem = '7MB'; set search_path = red; set app.user_id = 'me'")
    client.run("reset all")
    assert settings_known(client) == servers
    assert client.setting("app.user_id") == ""  # as a placeholder that was set once


def settings_known(client) -> list[str]:
    return client.settings("timezone", "work_mem", "search_path")


def test_one_reset_leaves_the_others(starter):
    starter.run("reset timezone")
    assert settings(starter) == CHANGED | {"timezone": "PST8PDT"}
    starter.run("reset app.user_id")
    assert settings(starter) == CHANGED | {"timezone": "PST8PDT", "app.user_id": "it's \\"}


def test_clients_with_different_startup_values(crowd):
    places = ("blue", "red")
    clients = {place: crowd.client(options=f"-c search_path={place} -c app.user_id={place}") for place in places}
    for client in clients.values():
        client.run("set search_path = public; set app.user_id = 'nobody'")
    for place, client in clients.items():
        client.run("reset all")
        for _ in range(3):
            assert client.row("select name, current_setting('app.user_id') from place") == [place, place]


def test_pgtz_pgdatestyle_and_pgoptions(crowd, monkeypatch):
    monkeypatch.setitem(os.environ, "PGTZ", "PST8PDT")
    monkeypatch.setitem(os.environ, "PGDATESTYLE", "Postgres, MDY")
    monkeypatch.setitem(os.environ, "PGOPTIONS", "-c intervalstyle=postgres_verbose -c geqo=off")
    connection = psycopg2.connect(crowd.pooler.url(*crowd.login))
    connection.autocommit = True
    other = crowd.client()
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'iso_8601'; set geqo = on")
        other.run("select 1")
        for back in ("reset all", "discard all"):
            cursor.execute(back)
            other.run("select 1")
            moment = "'2000-01-02 03:00+00'::timestamptz"
            cursor.execute(f"select {moment}::text, interval '1 day'::text, current_setting('geqo')")
            assert cursor.fetchone() == ("Sat Jan 01 19:00:00 2000 PST", "@ 1 day", "off")


# Startup --------------------------------------------------------------------------------------------------------------


def test_unknown_startup_parameters_with_a_dot_are_custom_settings(crowd):
    client = crowd.client(**{"app.request_id": "r-1", "tracing.level": "deep"})
    for _ in range(2):
        assert client.settings("app.request_id", "tracing.level") == ["r-1", "deep"]
    client.run("set app.request_id = 'r-2'")
    client.run("reset app.request_id")
    assert client.setting("app.request_id") == "r-1"


def test_startup_values_of_any_content(crowd):
    for value in ("it's", "a\\b", '"quoted"', "ünïcödé", " blanks ", "", "x" * 400, "$$", "a, b"):
        client = crowd.client(**{"app.word": value})
        assert client.setting("app.word") == value
        assert client.setting("app.word") == value
        crowd.leaves(client)


def test_a_search_path_in_the_options_decides(crowd):
    blue, red = crowd.client(options="-c search_path=blue"), crowd.client(options="-c search_path=red")
    for _ in range(3):
        assert blue.value("select name from place") == "blue"
        assert red.value("select name from place") == "red"


def test_what_the_role_has_been_given_is_where_reset_goes_back_to(gather, server):
    server.sql("alter role chief set lock_timeout = '77s'; alter role chief in database app set app.team = 'seven'")
    try:
        client = gather(user="chief").client()
        both = "select current_setting('lock_timeout'), current_setting('app.team')"
        assert client.row(both) == ["77s", "seven"]
        client.run("set lock_timeout = '5s'; set app.team = 'eight'")
        assert client.row(both) == ["5s", "eight"]
        client.run("reset all")
        assert client.row(both) == ["77s", "seven"]
    finally:
        server.sql("alter role chief reset all; alter role chief in database app reset all")


def test_alter_role_set_counts_for_who_logs_in_afterwards(gather, server):
    crowd = gather(user="chief")
    before = crowd.client()
    before.run("select 1")
    before.run("alter role chief set lock_timeout = '78s'")
    try:
        after = crowd.client()
        for _ in range(3):
            assert after.setting("lock_timeout") == "78s"
    finally:
        server.sql("alter role chief reset all")


# Transactions ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(crowd):
    """A client whose app.user_id is `outer` and whose work_mem is 1MB."""
    client = crowd.client()
    client.run("set app.user_id = 'outer'; set work_mem = '1MB'")
    return client


def shown(client) -> list[str]:
    return client.settings("app.user_id", "work_mem")


INNER = "set app.user_id = 'inner'; set work_mem = '2MB'"
LOCAL = "set local app.user_id = 'inner'; set local work_mem = '2MB'"
LOCAL_BY_FUNCTION = "select set_config('app.user_id', 'inner', true), set_config('work_mem', '2MB', true)"
BY_FUNCTION = LOCAL_BY_FUNCTION.replace("true", "false")


@pytest.mark.parametrize("change", [INNER, BY_FUNCTION], ids=["set", "set_config"])
@pytest.mark.parametrize("end, kept", [("commit", True), ("rollback", False), ("commit and chain", True)])
def test_a_set_lasts_if_its_transaction_does(own, change, end, kept):
    own.run("begin")
    own.run(change)
    assert shown(own) == ["inner", "2MB"]
    own.run(end)
    assert shown(own) == (["inner", "2MB"] if kept else ["outer", "1MB"])
    if own.status == "T":
        own.run("commit")
    assert shown(own) == (["inner", "2MB"] if kept else ["outer", "1MB"])


@pytest.mark.parametrize("change", [LOCAL, LOCAL_BY_FUNCTION], ids=["set local", "set_config"])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_local_set_ends_with_its_transaction(own, change, end):
    own.run("begin")
    own.run(change)
    assert shown(own) == ["inner", "2MB"]
    own.run(end)
    assert shown(own) == ["outer", "1MB"]
    own.shares_servers()


def test_a_local_set_outside_a_transaction_is_a_warning(own):
    answers = own.run("set local app.user_id = 'inner'")
    assert [answer.fields["C"] for answer in answers if answer.kind == "N"] == ["25P01"]
    assert shown(own) == ["outer", "1MB"]


def test_a_local_set_in_one_query_lasts_to_its_end(own):
    answers = own.run("set local app.user_id = 'inner'; show app.user_id")
    assert answers.rows == [[b"inner"]]
    assert shown(own) == ["outer", "1MB"]


def test_a_set_and_a_local_set_in_one_transaction(own):
    own.run("begin; set app.user_id = 'kept'; set local app.user_id = 'local'")
    assert shown(own)[0] == "local"
    own.run("commit")
    assert shown(own)[0] == "kept"


def test_savepoints_give_back_what_was_set(own):
    own.run("begin; savepoint a")
    own.run(INNER)
    own.run("savepoint b; set app.user_id = 'innermost'")
    own.run("rollback to b")
    assert shown(own) == ["inner", "2MB"]
    own.run("rollback to a")
    assert shown(own) == ["outer", "1MB"]
    own.run("set work_mem = '3MB'; savepoint c; set app.user_id = 'released'; release c; commit")
    assert shown(own) == ["released", "3MB"]


def test_an_error_that_a_savepoint_contains(own):
    own.run("begin; set app.user_id = 'kept'; savepoint a; set app.user_id = 'lost'")
    assert own.fails("select 1 / 0") == "22012"
    own.run("rollback to a")
    own.run("commit")
    assert shown(own) == ["kept", "1MB"]


def test_a_set_in_a_transaction_that_fails(own):
    own.run("begin")
    own.run(INNER)
    assert own.fails("select 1 / 0") == "22012"
    assert own.run("commit").tags == ["ROLLBACK"]
    assert shown(own) == ["outer", "1MB"]


def test_a_set_in_a_query_whose_later_statement_fails(own):
    assert own.fails(f"{INNER}; select 1 / 0") == "22012"
    assert shown(own) == ["outer", "1MB"]
    assert own.fails(f"{INNER}; commit; select 1 / 0") == "22012"
    assert shown(own) == ["inner", "2MB"]


def test_a_set_before_an_error_in_an_extended_batch(own):
    batch = [parse("", "set app.user_id = 'inner'"), bind("", ""), execute()]
    batch += [parse("", "select 1 / 0"), bind("", ""), execute()]
    assert own.ask(*batch, SYNC).sqlstates == ["22012"]
    assert shown(own)[0] == "outer"
    batch[3:3] = [SYNC]
    assert own.ask(*batch, SYNC, ready=2).sqlstates == ["22012"]
    assert shown(own)[0] == "inner"


def test_pipelined_sets_and_reads(own):
    batch = []
    for number in range(20):
        batch += [parse("", "select set_config('app.user_id', $1, false)"), bind("", "", (number,)), execute(), SYNC]
        batch += [parse("", "show app.user_id"), bind("", ""), execute(), SYNC]
    answers = own.ask(*batch, ready=40)
    assert [row[0] for row in answers.rows] == [b"%d" % (number // 2) for number in range(40)]
    assert shown(own)[0] == "19"


def test_queries_sent_behind_each_other(own):
    own.send(query("set app.user_id = 'first'"), query("show app.user_id"), query("set app.user_id = 'second'"))
    answers = own.ask(query("show app.user_id"), ready=4)
    assert answers.rows == [[b"first"], [b"second"]]
    assert shown(own)[0] == "second"


# Functions ------------------------------------------------------------------------------------------------------------

FUNCTIONS = {
    "set_in_function(text)": "language plpgsql as $$ begin execute format('set work_mem = %L', $1); end $$",
    "set_by_name(name text, value text)": "language sql as $$ select set_config(name, value, false); select $$",
    "log_in_as(text)": "language plpgsql as $$ begin perform set_config('inner.user_id', $1, false); end $$",
    "set_and_undone(text)": """language plpgsql set work_mem = '9MB' as $$ begin
        perform set_config('work_mem', $1, true); end $$""",
    "set_and_caught(text)": """language plpgsql as $$ begin
        begin perform set_config('work_mem', $1, false); raise division_by_zero; exception when others then null; end;
        end $$""",
}


@pytest.fixture(scope="module")
def functions(server, state_world):
    created = (f"create function public.{signature} returns void {body};" for signature, body in FUNCTIONS.items())
    server.sql(
        "".join(created) + "create view public.whoami as select current_setting('inner.user_id', true) as name;"
        "grant select on public.whoami to public",
        "app",
    )


def test_a_set_in_a_function(functions, own):
    own.run("select set_in_function('5MB')")
    for _ in range(2):
        assert shown(own) == ["outer", "5MB"]
    own.shares_servers()


def test_a_custom_set_in_a_function(functions, own):
    own.run("select set_by_name('app.user_id', 'from a function')")
    for _ in range(2):
        assert shown(own) == ["from a function", "1MB"]
    own.call("select set_by_name($1, $2)", "app.user_id", "and again")
    assert shown(own) == ["and again", "1MB"]


def test_a_custom_setting_whose_name_no_statement_ever_says(functions, crowd):
    """Row-level security often works so: a function logs in, a view or a policy looks."""
    clients = {name: crowd.client() for name in ("anne", "bob")}
    for name, client in clients.items():
        client.run(f"select log_in_as('{name}')")
    for _ in range(3):
        for name, client in clients.items():
            assert client.row("select name from whoami") == [name]
    assert crowd.client().row("select name from whoami") in ([None], [""])


@pytest.mark.parametrize(
    "body",
    [
        "language sql begin atomic select set_config('{}.who', $1, false); end",
        "language plpgsql as $$ begin execute 'set session {}.who = ' || quote_literal($1); end $$",
        "language plpgsql as $$ begin execute 'select set_config(''{}.who'', $1, false)' using $1; end $$",
        "language sql as $$ select pg_catalog.set_config ( E'{}.Who', $1, false); select $$",
        "language plpgsql as $$ begin execute format('SET \"{}\".who TO %L', $1); end $$",
    ],
    ids=["sql", "set", "quoted", "escaped", "identifier"],
)
def test_names_of_custom_settings_are_read_in_functions_of_every_kind(request, gather, server, body):
    scope = f"only_{request.node.callspec.id}"
    server.sql(
        f"create or replace function public.inner_in(text) returns void {body.format(scope)};"
        "create or replace function public.log_in_within(text) returns void language plpgsql as "
        "$$ begin perform inner_in($1); end $$",
        "app",
    )
    crowd = gather()
    client, other = crowd.client(), crowd.client()
    client.run("select log_in_within('anne')")
    ask = f"select current_setting('{scope}' || '.who', true)"
    for _ in range(3):
        assert client.row(ask) == ["anne"]
        assert other.row(ask) in ([None], [""])
    client.shares_servers()


def test_a_set_that_the_function_takes_back(functions, own):
    own.run("select set_and_undone('5MB')")
    assert shown(own)[1] == "1MB"
    own.run("select set_and_caught('5MB')")
    assert shown(own)[1] == "1MB"


def test_a_set_in_a_function_of_a_transaction_that_is_rolled_back(functions, own):
    own.run("begin; select set_in_function('5MB')")
    assert shown(own)[1] == "5MB"
    own.run("rollback")
    assert shown(own)[1] == "1MB"


def test_a_set_in_a_procedure_that_commits(own, server):
    server.sql(
        "create or replace procedure public.sets_and_commits() language plpgsql as "
        "$$ begin perform set_config('work_mem', '5MB', false); commit; raise division_by_zero; end $$",
        "app",
    )
    assert own.fails("call sets_and_commits()") == "22012"
    assert shown(own)[1] == "5MB"


# Others ---------------------------------------------------------------------------------------------------------------


def test_a_client_that_leaves_leaves_nothing(crowd):
    for _ in range(3):
        client = crowd.client()
        client.run("set app.user_id = 'gone'; set work_mem = '77MB'; set default_transaction_read_only = on")
        crowd.leaves(client)
        newcomer = crowd.client()
        assert newcomer.row("select current_setting('app.user_id', true)") in ([None], [""])
        assert newcomer.setting("work_mem") == "4MB"
        assert newcomer.setting("default_transaction_read_only") == "off"


def test_a_client_that_leaves_in_a_transaction_with_a_set(crowd):
    client = crowd.client()
    client.run("begin; set work_mem = '77MB'; set timezone = 'Asia/Tokyo'")
    crowd.leaves(client)
    newcomer = crowd.client()
    for _ in range(3):
        assert newcomer.setting("work_mem") == "4MB"


def test_what_the_servers_report_is_what_is_in_force_after_they_were_replaced(crowd, server, connections):
    """The servers end, as in a restart or a failover; a client that could stay still has all that it had set."""
    client = crowd.client(TimeZone="Asia/Tokyo")
    client.run("set app.user_id = 'me'; set work_mem = '3MB'")
    if crowd.pooler.name != "direct":  # there everybody would have to connect again
        server.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'member'")
        wait_until(lambda: connections(crowd.pooler) == 0, "all servers are gone")
    for _ in range(3):
        assert client.settings("timezone", "app.user_id", "work_mem") == [
            "Asia/Tokyo", "me", "3MB",
        ]  # fmt: skip
