"""psql: the simple protocol, several statements in one message, COPY, cursors."""

import subprocess

import pytest


@pytest.fixture(params=["disable", "verify-full"])
def psql(request, pooler, server):
    def run(script: str, *options: str) -> str:
        url = pooler.url(host="localhost", sslmode=request.param, sslrootcert=str(server.root_certificate))
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=0", *options, url]
        done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    return run


def test_logs_in_and_selects(psql):
    assert psql("select current_user, current_database();") == "app|app\n"


def test_sees_the_server_version(psql):
    assert psql(r"\echo :SERVER_VERSION_NAME").startswith("15.")


def test_describes_a_table(psql, table):
    assert "word|text" in psql(rf"\d {table}")


def test_several_statements_in_one_message(psql):
    assert psql(r"select 1\; select 2\; select 3;").split() == ["1", "2", "3"]


def test_an_error_leaves_the_connection_usable(psql):
    output = psql("select 1/0; select 'still here';")
    assert "division by zero" in output and "still here" in output


def test_the_error_position_is_the_clients(psql):
    assert "LINE 1: select 1 from nowhere" in psql("select 1 from nowhere;")


def test_copy_in_and_out(psql, table):
    script = f'copy {table} from stdin (format csv);\n1,one\n2,"t,w,o"\n\\.\ncopy {table} to stdout;'
    assert psql(script) == "1\tone\n2\tt,w,o\n"


def test_a_cursor_in_a_transaction(psql):
    script = "begin; declare c cursor for select generate_series(1, 5); fetch 2 from c; fetch 2 from c; commit;"
    assert psql(script).split() == ["1", "2", "3", "4"]


def test_fetch_count_reads_a_result_in_parts(psql):
    output = psql("select generate_series(1, 1000);", "-v", "FETCH_COUNT=7")
    assert output.split() == [str(number) for number in range(1, 1001)]


def test_notices_arrive(psql):
    assert "hello from the server" in psql("do $$ begin raise notice 'hello from the server'; end $$;")


def test_a_transaction_that_failed_rolls_back(psql, table):
    psql(f"begin; insert into {table} values (1); select 1/0; commit;")
    assert psql(f"select count(*) from {table};") == "0\n"
