"""SET ROLE and SET SESSION AUTHORIZATION, and DISCARD ALL, which ends everything at once."""

import pytest

from wire import SYNC, bind, execute, parse, query

WHO = "select session_user, current_user, current_setting('role')"
PLAIN = ["member", "member", "none"]
BACK = ["reset role", "set role none", "set role to default", "reset session authorization", "discard all"]


@pytest.fixture
def member(crowd):
    client = crowd.client()
    assert client.row(WHO) == PLAIN
    return client


@pytest.mark.parametrize(
    "sql, role",
    [
        ("set role clerk", "clerk"),
        ("SET SESSION ROLE 'clerk'", "clerk"),
        ('set role "Odd ""Role"', 'Odd "Role'),
        ("select set_config('role', 'clerk', false)", "clerk"),
        ("do $$ begin set role clerk; end $$", "clerk"),
        ("select 1; set role clerk; select 2", "clerk"),
    ],
)
@pytest.mark.parametrize("back", BACK)
def test_a_role_and_back(crowd, member, sql, role, back):
    bystander = crowd.client()
    member.run(sql)
    for _ in range(3):
        assert member.row(WHO) == ["member", role, role]
        assert bystander.row(WHO) == PLAIN
    member.run(back)
    for _ in range(2):
        assert member.row(WHO) == PLAIN
    member.shares_servers()


def test_a_role_is_in_force(crowd, member, server):
    server.sql("drop table if exists public.of_clerks; create table public.of_clerks ()", "app")
    server.sql("alter table public.of_clerks owner to clerk", "app")
    server.sql("alter role member noinherit")
    try:
        for _ in range(2):
            member.run("set role clerk")
            member.run("select * from of_clerks")
            member.run("reset role")
            assert member.fails("select * from of_clerks") == "42501"
    finally:
        server.sql("alter role member inherit")


def test_a_role_and_settings_together(member):
    member.run("set app.user_id = 'me'; set role clerk; set work_mem = '3MB'")
    for _ in range(3):
        assert member.value("select current_user") == "clerk"
        assert member.settings("app.user_id", "work_mem") == ["me", "3MB"]


def test_reset_all_leaves_the_role(member):
    member.run("set role clerk; set work_mem = '3MB'")
    member.run("reset all")
    assert member.row("select current_user, current_setting('work_mem')") == ["clerk", "4MB"]


def test_a_role_that_may_not_be_taken_on(member):
    assert member.fails("set role chief") == "42501"
    assert member.fails("set role nobody_known") == "22023"
    assert member.row(WHO) == PLAIN


@pytest.mark.parametrize("sql", ["set local role clerk", "select set_config('role', 'clerk', true)"])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_local_role_ends_with_its_transaction(member, sql, end):
    member.run("begin")
    member.run(sql)
    assert member.row(WHO) == ["member", "clerk", "clerk"]
    member.run(end)
    assert member.row(WHO) == PLAIN


def test_a_role_set_in_a_transaction_that_is_rolled_back(member):
    member.run("set role clerk")
    member.run('begin; set role "Odd ""Role"; savepoint a; reset role')
    assert member.row(WHO) == PLAIN
    member.run("rollback to a")
    assert member.row(WHO)[1] == 'Odd "Role'
    member.run("rollback")
    assert member.row(WHO)[1] == "clerk"


def test_a_role_at_startup(crowd):
    client = crowd.client(options="-c role=clerk")
    for _ in range(2):
        assert client.row(WHO) == ["member", "clerk", "clerk"]
    client.run("set role none")
    assert client.row(WHO) == PLAIN
    client.run("reset role")
    assert client.row(WHO) == ["member", "clerk", "clerk"]


def test_a_function_with_a_role_of_its_own(member, server):
    body = "returns text language sql set role = clerk as 'select current_user::text'"
    server.sql(f"create or replace function public.as_clerk() {body}", "app")
    assert member.value("select as_clerk()") == "clerk"
    for _ in range(2):
        assert member.row(WHO) == PLAIN


# Session authorization ------------------------------------------------------------------------------------------------


@pytest.fixture
def chief(gather):
    return gather(user="chief").client()


CHIEF = ["chief", "chief", "none"]


@pytest.mark.parametrize("back", ["reset session authorization", "set session authorization default", "discard all"])
def test_a_session_authorization_and_back(chief, back):
    chief.run("set session authorization member")
    for _ in range(3):
        assert chief.row(WHO) == ["member", "member", "none"]
        assert chief.fails("select * from pg_authid") == "42501"
    chief.run(back)
    for _ in range(2):
        assert chief.row(WHO) == CHIEF
        chief.run("select 1 from pg_authid limit 1")
    chief.shares_servers()


def test_a_role_below_a_session_authorization(chief):
    chief.run("set session authorization member; set role clerk")
    for _ in range(3):
        assert chief.row(WHO) == ["member", "clerk", "clerk"]
    chief.run("reset role")
    assert chief.row(WHO) == ["member", "member", "none"]
    chief.run("set session authorization default")
    assert chief.row(WHO) == CHIEF


def test_a_session_authorization_ends_a_role(chief):
    chief.run("set role clerk")
    chief.run("set session authorization member")
    assert chief.row(WHO) == ["member", "member", "none"]


def test_a_local_session_authorization(chief):
    chief.run("begin; set local session authorization member")
    assert chief.row(WHO) == ["member", "member", "none"]
    chief.run("commit")
    assert chief.row(WHO) == CHIEF


def test_settings_set_as_superuser_stay_with_less_rights(chief):
    chief.run("set log_min_duration_statement = '1h'")
    chief.run("set session authorization member; set work_mem = '3MB'")
    for _ in range(3):
        assert chief.row(WHO)[1] == "member"
        assert chief.setting("work_mem") == "3MB"
    assert chief.fails("set log_min_duration_statement = '2h'") == "42501"
    chief.run("reset session authorization")
    assert chief.setting("log_min_duration_statement") == "1h"


# DISCARD --------------------------------------------------------------------------------------------------------------


def test_a_setting_made_by_a_function_with_more_rights_keeps_its_server(member, crowd, server):
    body = "returns void language sql security definer as 'select set_config($$log_min_error_statement$$, $1, false)'"
    server.sql(f"create or replace function public.logs_from(text) {body}", "app")
    ask = "select current_setting('log_min_error_statement')"
    other = crowd.client()
    default = other.value(ask)
    member.run("set work_mem = '3MB'; select logs_from('panic')")
    for _ in range(2):
        member.keeps_its_server()
        assert member.row(f"{ask}, current_setting('work_mem')") == ["panic", "3MB"]
        assert other.value(ask) == default
    member.run("select logs_from(null)")
    member.shares_servers()
    assert member.row(f"{ask}, current_setting('work_mem')") == [default, "3MB"]
    member.run("select logs_from('panic')")
    crowd.leaves(member)
    for _ in range(3):
        assert other.value(ask) == default


def test_discard_all_ends_everything(crowd):
    client = crowd.client(options="-c work_mem=3MB")
    key = 8101
    client.run("create temp table mine as select 1 as id; prepare by_sql as select 1")
    client.keeps_its_server()
    client.run(f"set work_mem = '5MB'; set role clerk; listen news; select pg_advisory_lock({key})")
    client.run("declare held cursor with hold for select 1")
    client.ask(parse("by_protocol", "select 2"), SYNC)
    client.run("discard all")
    client.shares_servers()
    assert client.row("select current_user, current_setting('work_mem')") == ["member", "3MB"]
    assert client.fails("select * from mine") == "42P01"
    assert client.fails("execute by_sql") == "26000"
    assert client.fails("fetch held") == "34000"
    assert client.ask(bind("", "by_protocol"), execute(), SYNC).sqlstates == ["26000"]
    assert client.rows("select pg_listening_channels()") == []
    assert crowd.client().value(f"select pg_try_advisory_lock({key})") == "t"


@pytest.mark.parametrize(
    "sql, gone",
    [("discard temp", True), ("discard temporary", True), ("discard plans", False), ("discard sequences", False)],
)
def test_the_other_discards(plain_crowd, sql, gone):
    client = plain_crowd.client()
    client.run("create temp table mine as select 1 as id")
    client.keeps_its_server()
    client.run("set work_mem = '5MB'")
    client.run(sql)
    if gone:
        client.shares_servers()
        assert client.fails("select * from mine") == "42P01"
    else:
        client.keeps_its_server()
        assert client.value("select id from mine") == "1"
    assert client.setting("work_mem") == "5MB"


def test_discard_all_in_the_extended_protocol(crowd):
    client = crowd.client()
    client.run("create temp table mine (); set work_mem = '5MB'")
    client.keeps_its_server()
    assert client.call("discard all").tags == ["DISCARD ALL"]
    client.shares_servers()
    assert client.setting("work_mem") == "4MB"


def test_a_discard_all_of_one_client_is_nothing_to_another(gather):
    crowd = gather(servers=3)
    one, other = crowd.client(), crowd.client()
    other.run("set work_mem = '5MB'; create temp table mine as select 1 as id")
    other.keeps_its_server()
    other.ask(parse("statement", "select id from mine"), SYNC)
    for _ in range(3):
        one.run("discard all")
        assert other.setting("work_mem") == "5MB"
        assert other.ask(bind("", "statement"), execute(), SYNC).rows == [[b"1"]]


def test_deallocate_all_and_discard_all_end_protocol_level_statements(plain_crowd):
    client = plain_crowd.client()
    for sql in ("deallocate all", "DEALLOCATE PREPARE ALL", "discard all"):
        client.ask(parse("statement", "select 1"), SYNC)
        client.run(sql)
        assert client.ask(bind("", "statement"), execute(), SYNC).sqlstates == ["26000"]
        assert client.ask(parse("statement", "select 2"), bind("", "statement"), execute(), SYNC).rows == [[b"2"]]
        client.ask(query("deallocate statement"))
        assert client.ask(bind("", "statement"), execute(), SYNC).sqlstates == ["26000"]
