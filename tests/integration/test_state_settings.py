"""Settings: what a client has set it finds again, on whatever server, and nobody else does."""

import pytest

from wire import SYNC, bind, execute, message, parse

VALUES = [
    "plain",
    "",
    " blanks around ",
    "it's \"quoted\"",
    "''",
    '""',
    "C:\\dir\\'file'\\",
    "ünïcödé 日本 🚀",
    "a, b, \"C, d\"",
    "; drop table place; --",
    "$$ $1 %s /* no comment */",
    "line\nline\ttab\r\n",
    "Case", "CASE", "case",
    "x" * 129,
    "y" * 301,
    "z'\\\"" * 3000,
]  # fmt: skip


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def escaped(value: str) -> str:
    return " E'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def dollar_quoted(value: str) -> str:
    return f"$_${value}$_$"


def by_set(client, name, value):
    client.run(f"set {name} = {literal(value)}")


def by_set_with_escapes(client, name, value):
    client.run(f"SET SESSION {name} TO{escaped(value)}")


def by_set_in_the_extended_protocol(client, name, value):
    client.call(f"set {name} = {literal(value)}")


def by_set_config(client, name, value):
    client.run(f"select set_config('{name}', {dollar_quoted(value)}, false)")


def by_set_config_with_parameters(client, name, value):
    client.call("select set_config($1, $2, $3)", name, value, "false")


def by_set_config_of_a_prepared_statement(client, name, value):
    client.ask(parse("set", "select set_config($1, $2, false)"), SYNC)
    client.ask(bind("", "set", (name, value)), execute(), SYNC)
    client.run("deallocate set")


def by_a_computed_name(client, name, value):
    client.run(f"select set_config('{name[:5]}' || '{name[5:]}', {literal(value)}, false)")


def from_a_subquery(client, name, value):
    client.run(f"with new as (select {literal(value)} as value) select set_config('{name}', value, false) from new")


def in_a_transaction(client, name, value):
    client.run("begin")
    client.run(f"set {name} = {literal(value)}")
    client.run("commit")


def in_a_do_block(client, name, value):
    client.run(f"do $do$ begin perform set_config('{name}', {literal(value)}, false); end $do$")


WAYS = [
    by_set,
    by_set_with_escapes,
    by_set_in_the_extended_protocol,
    by_set_config,
    by_set_config_with_parameters,
    by_set_config_of_a_prepared_statement,
    by_a_computed_name,
    from_a_subquery,
    in_a_transaction,
    in_a_do_block,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_value_comes_back_byte_for_byte(crowd, way):
    client = crowd.client()
    for value in VALUES:
        way(client, "app.user_id", value)
        way(client, "application_name", value)
        assert client.setting("app.user_id") == value
        assert client.setting("application_name") == as_application_name(value)
    client.shares_servers()


def as_application_name(value: str) -> str:
    """The server replaces the bytes that aren't printable ASCII, and keeps 63 (NAMEDATALEN - 1)."""
    return "".join(chr(byte) if 32 <= byte <= 126 else "?" for byte in value.encode()[:63])


def test_two_values_that_differ_in_case_only(crowd):
    one, other = crowd.client(application_name="Reader"), crowd.client(application_name="READER")
    one.run("set app.place = 'Paris'")
    other.run("set app.place = 'PARIS'")
    for _ in range(3):
        assert one.settings("app.place", "application_name") == ["Paris", "Reader"]
        assert other.settings("app.place", "application_name") == ["PARIS", "READER"]


def test_two_long_values_that_differ_at_their_end(crowd):
    one, other = crowd.client(), crowd.client()
    one.run(f"set app.place = '{'x' * 400}1'")
    other.run(f"set app.place = '{'x' * 400}2'")
    for _ in range(3):
        assert one.setting("app.place") == "x" * 400 + "1"
        assert other.setting("app.place") == "x" * 400 + "2"


def test_names_of_settings_have_no_case(crowd):
    client = crowd.client()
    client.run("set App.User_Id = 'me'")
    client.run("set \"TimeZone\" = 'Asia/Tokyo'")
    assert client.setting("app.USER_ID") == "me"
    assert client.setting("timezone") == "Asia/Tokyo"


def test_a_custom_setting_of_three_parts_and_one_with_a_quoted_name(crowd):
    client = crowd.client()
    client.run("set app.deep.value = 'deep'")
    client.run('set "app"."user" = \'reserved word\'')
    assert client.setting("app.deep.value") == "deep"
    assert client.setting('app."user"') == "reserved word"


def test_a_custom_setting_that_only_others_have_set_has_no_value(crowd):
    """Null, unless somebody has set it on this server before: PostgreSQL never forgets a name, RESET makes it empty."""
    client = crowd.client()
    for _ in range(3):
        assert client.row("select current_setting('app.user_id', true)") in ([None], [""])


def test_a_custom_setting_of_null_is_empty(crowd):
    client = crowd.client()
    client.run("set app.user_id = 'me'")
    client.run("select set_config('app.user_id', null, false)")
    assert client.setting("app.user_id") == ""
    client.call("select set_config($1, $2, false)", "app.other_id", None)
    assert client.setting("app.other_id") == ""


def test_a_built_in_setting_of_null_is_the_default(crowd):
    client = crowd.client(options="-c work_mem=3MB")
    client.run("set work_mem = '7MB'")
    client.run("select set_config('work_mem', null, false)")
    assert client.setting("work_mem") == "3MB"


# Two clients with these never find each other's; also none of the strangers'.
OF_EVERY_KIND = {
    "statement_timeout": ("11s", "2min"),
    "lock_timeout": ("1s", "1ms"),
    "idle_in_transaction_session_timeout": ("1h", "2h"),
    "work_mem": ("1MB", "65kB"),
    "random_page_cost": ("1.25", "3e+06"),
    "enable_seqscan": ("on", "off"),
    "geqo": ("on", "off"),
    "plan_cache_mode": ("force_custom_plan", "force_generic_plan"),
    "constraint_exclusion": ("on", "partition"),
    "synchronous_commit": ("on", "local"),
    "default_transaction_isolation": ("repeatable read", "serializable"),
    "default_transaction_read_only": ("off", "on"),
    "default_transaction_deferrable": ("on", "off"),
    "client_min_messages": ("warning", "error"),
    "extra_float_digits": ("3", "-15"),
    "bytea_output": ("escape", "hex"),
    "xmloption": ("document", "content"),
    "datestyle": ("SQL, DMY", "German, YMD"),
    "intervalstyle": ("sql_standard", "postgres_verbose"),
    "timezone": ("Asia/Kolkata", "<-03>+03"),
    "lc_time": ("C", "POSIX"),
    "search_path": ("blue, public", '"Odd ""Schema, too", "$user", red'),
    "application_name": ("one", "other"),
    "check_function_bodies": ("on", "off"),
    "array_nulls": ("off", "on"),
    "escape_string_warning": ("off", "on"),
    "transform_null_equals": ("on", "off"),
    "default_text_search_config": ("pg_catalog.english", "pg_catalog.simple"),
    "vacuum_cost_delay": ("1ms", "500us"),
    "client_encoding": ("UTF8", "LATIN9"),
    "standard_conforming_strings": ("on", "off"),
    "row_security": ("on", "off"),
    "gin_pending_list_limit": ("1MB", "128kB"),
    "app.number": ("1", "2"),
}
LISTS = ("search_path", "datestyle")


def test_settings_of_every_kind_are_each_clients_own(crowd):
    clients = [crowd.client(), crowd.client()]
    for number, client in enumerate(clients):
        for name, values in OF_EVERY_KIND.items():
            value = values[number] if name in LISTS else literal(values[number])
            client.run(f"set {name} = {value}")
    shown = ", ".join(f"current_setting('{name}')" for name in OF_EVERY_KIND)
    for _ in range(4):
        for number, client in enumerate(clients):
            found = dict(zip(OF_EVERY_KIND, client.row(f"select {shown}")))
            assert found == {name: values[number] for name, values in OF_EVERY_KIND.items()}
    for client in clients:
        client.shares_servers()


def test_settings_do_what_they_are_for(crowd):
    """Not only shown: in force."""
    one, other = crowd.client(), crowd.client()
    one.run("set search_path = blue; set timezone = 'Asia/Tokyo'; set bytea_output = escape; set datestyle = 'German'")
    other.run("set search_path = red; set timezone = 'UTC'; set standard_conforming_strings = off")
    other.run("set escape_string_warning = off; set default_transaction_read_only = on")
    sql = "select name, '2000-01-01 00:00+00'::timestamptz, '\\x41'::bytea from place"
    for _ in range(3):
        assert one.row(sql) == ["blue", "01.01.2000 09:00:00 JST", "A"]
        assert other.row("select name, '2000-01-01'::timestamptz, 'a\\'b' from place") == [
            "red", "2000-01-01 00:00:00+00", "a'b",
        ]  # fmt: skip
        assert other.fails("create table red_only ()") == "25006"


def test_a_statement_timeout_ends_only_its_own_clients_statements(plain_crowd):
    hasty, patient = plain_crowd.client(), plain_crowd.client()
    hasty.run("set statement_timeout = '5ms'")
    for _ in range(3):
        assert hasty.fails("select pg_sleep(20)") == "57014"
        patient.run("select pg_sleep(0.02)")


def test_timeouts_that_do_not_count_for_what_is_asked_behind_a_statement_are_kept(crowd):
    client = crowd.client()
    for timeout in ("1500ms", "1min", "0"):
        client.run(f"set work_mem = '3MB'; set lock_timeout = '2ms'; set statement_timeout = '{timeout}'")
        client.shares_servers()
        assert client.settings("statement_timeout", "lock_timeout", "work_mem") == [timeout, "2ms", "3MB"]
    client.run("reset lock_timeout")
    assert client.settings("statement_timeout", "lock_timeout") == ["0", "0"]
    client.shares_servers()


def test_a_value_too_long_to_be_carried_about_keeps_its_server(crowd):
    client, other = crowd.client(), crowd.client()
    client.run("set app.user_id = 'short'")
    client.run("select set_config('app.user_id', repeat('long', 1000000), false), set_config('work_mem', '3MB', false)")
    for _ in range(3):
        client.keeps_its_server()
        assert client.value("select length(current_setting('app.user_id'))") == "4000000"
        assert other.value("select length(current_setting('app.user_id', true))") in (None, "0")
    client.run("set app.user_id = 'short again'")
    client.shares_servers()
    assert client.settings("app.user_id", "work_mem") == ["short again", "3MB"]


def test_names_that_only_a_do_block_says(crowd):
    block = "do $do$ begin set within.one = '1'; perform set_config('within.two', '2', false); " \
        "execute 'set within.three = 3'; end $do$"
    client, other = crowd.client(), crowd.client()
    client.run(block)
    ask = "select " + ", ".join(f"current_setting('within.' || '{name}', true)" for name in ("one", "two", "three"))
    for _ in range(3):
        assert client.row(ask) == ["1", "2", "3"]
        assert set(other.row(ask)) <= {None, ""}
    client.shares_servers()


SPELLINGS = [
    ("set time zone 'Asia/Tokyo'", "timezone", "Asia/Tokyo"),
    ("set time zone -7.5", "timezone", "<-07:30>+07:30"),
    ("set time zone interval '+02:00' hour to minute", "timezone", "<+02>-02"),
    ("set session time zone local", "timezone", "Europe/Oslo"),
    ("set names 'LATIN1'", "client_encoding", "LATIN1"),
    ("set schema 'blue'", "search_path", "blue"),
    ("set search_path = blue, \"$user\", 'red'", "search_path", 'blue, "$user", red'),
    ("set search_path = ''", "search_path", '""'),
    ("set search_path = 'Odd \"Schema, too', public", "search_path", '"Odd ""Schema, too", public'),
    ("select set_config('search_path', 'blue,  \"$user\" ,red', false)", "search_path", 'blue,  "$user" ,red'),
    ("set xml option document", "xmloption", "document"),
    ("set session characteristics as transaction isolation level repeatable read", "default_transaction_isolation",
     "repeatable read"),
    ("set session characteristics as transaction read only", "default_transaction_read_only", "on"),
    ("set datestyle to german", "datestyle", "German, DMY"),
    ("set datestyle = iso, ymd", "datestyle", "ISO, YMD"),
    ("set datestyle = 'sql,dmy'", "datestyle", "SQL, DMY"),
    ("set work_mem = 2048", "work_mem", "2MB"),
    ("set work_mem to '0.5MB'", "work_mem", "512kB"),
    ("set enable_sort = no", "enable_sort", "off"),
    ("set enable_sort = false", "enable_sort", "off"),
    ("/* why */ set -- how\n enable_sort\t=\n0", "enable_sort", "off"),
    ("set lock_timeout = -0", "lock_timeout", "0"),
    ("select 1; set app.user_id = 'behind'; select 2", "app.user_id", "behind"),
    ("with x as (select set_config('app.user_id', 'inside', false)) select * from x", "app.user_id", "inside"),
    ("values (set_config('app.user_id', 'a value', false))", "app.user_id", "a value"),
    ("explain analyze select set_config('app.user_id', 'explained', false)", "app.user_id", "explained"),
    ("set app.user_id = 42", "app.user_id", "42"),
    ("set app.user_id = on", "app.user_id", "on"),
    ("set app.user_id = word", "app.user_id", "word"),
    ("update pg_settings set setting = '8MB' where name = 'work_mem'", "work_mem", "8MB"),
]  # fmt: skip


@pytest.mark.parametrize("sql, name, value", SPELLINGS, ids=[sql.split("\n")[0][:60] for sql, _, _ in SPELLINGS])
def test_a_spelling(crowd, sql, name, value):
    client, bystander = crowd.client(TimeZone="Europe/Oslo"), crowd.client()
    before = bystander.row(f"select current_setting('{name}', true)")
    client.run(sql)
    for _ in range(2):
        assert client.setting(name) == value
        assert bystander.row(f"select current_setting('{name}', true)") == before


def test_a_set_that_fails_changes_nothing(crowd):
    client = crowd.client()
    client.run("set work_mem = '3MB'; set timezone = 'UTC'")
    assert client.fails("set work_mem = 'much'") == "22023"
    assert client.fails("set nothing_like_that = 1") == "42704"
    assert client.fails("set timezone = 'Mars/Olympus'") == "22023"
    assert client.fails("set log_connections = on") == "55P02"  # can't be set after connection start
    assert client.settings("work_mem", "timezone") == ["3MB", "UTC"]


def test_a_client_encoding_is_in_force_both_ways(crowd):
    western, modern = crowd.client(), crowd.client()
    western.run("set client_encoding = latin1")
    for _ in range(3):
        assert western.run("select U&'\\00e9'").rows == [["é".encode("latin1")]]
        assert modern.run("select U&'\\00e9'").rows == [["é".encode()]]
        assert western.ask(message("Q", b"select length('\xe9\xe8')\0")).rows == [[b"2"]]
        assert modern.value("select length('éè')") == "2"


def test_search_path_decides_for_prepared_statements_too(crowd):
    one, other = crowd.client(), crowd.client()
    one.run("set search_path = blue")
    other.run("set search_path = red")
    for client in (one, other):
        client.ask(parse("where", "select name from place"), SYNC)
    for _ in range(4):
        assert one.ask(bind("", "where"), execute(), SYNC).rows == [[b"blue"]]
        assert other.ask(bind("", "where"), execute(), SYNC).rows == [[b"red"]]
    one.run("set search_path = red")
    assert one.ask(bind("", "where"), execute(), SYNC).rows == [[b"red"]]


def test_parameter_status_follows_the_clients_own_settings_only(crowd):
    client = crowd.client(TimeZone="Asia/Tokyo")
    reported = dict(client.parameters)

    def ask(sql):
        for answer in client.run(sql):
            if answer.kind == "S":
                name, _, value = answer.body[:-1].partition(b"\0")
                reported[name.decode()] = value.decode()

    for sql in ("select 1", "set timezone = 'UTC'", "select 1", "begin", "set local timezone = 'CET'"):
        ask(sql)
        ask("select 1")
    assert reported["TimeZone"] == "CET"
    ask("rollback")
    ask("select 1")
    assert reported["TimeZone"] == "UTC"
    ask("reset timezone")
    ask("select 1")
    assert reported["TimeZone"] == "Asia/Tokyo"
    assert reported["application_name"] == "" and reported["DateStyle"] == client.setting("datestyle")
