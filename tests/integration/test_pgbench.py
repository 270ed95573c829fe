"""pgbench through the pooler: its tables, and its books after each of its three modes."""

import subprocess

import pytest

CLIENTS = 10
EACH = 100


def pgbench(pooler, *options: str):
    done = subprocess.run(["pgbench", *options, pooler.url()], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tables(shared_pooler):
    pgbench(shared_pooler, "-i", "-q", "-s", "1")


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_the_books_balance(pooler, tables, server, mode):
    server.sql("truncate pgbench_history; update pgbench_accounts set abalance = 0 where abalance <> 0", "app")
    server.sql("update pgbench_tellers set tbalance = 0; update pgbench_branches set bbalance = 0", "app")
    # A thread for each client: pgbench waits for PQprepare() without serving the other clients of the thread, which
    # may hold all server connections in their transactions.
    pgbench(pooler, "-n", "-M", mode, "-c", str(CLIENTS), "-j", str(CLIENTS), "-t", str(EACH))
    sums = """select (select count(*) from pgbench_history),
                     (select sum(delta) from pgbench_history) - (select sum(abalance) from pgbench_accounts),
                     (select sum(tbalance) from pgbench_tellers) - (select sum(bbalance) from pgbench_branches)"""
    assert server.sql(sums, "app").strip() == f"{CLIENTS * EACH}|0|0"


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_a_connection_for_each_transaction(pooler, tables, mode):
    report = pgbench(pooler, "-n", "-S", "-C", "-M", mode, "-c", "5", "-t", "20")
    assert "processed: 100/100" in report


def test_a_pipeline(pooler, tables, tmp_path):
    script = tmp_path / "pipeline.sql"
    script.write_text(
        "\\startpipeline\n" + "select abalance from pgbench_accounts where aid = 7;\n" * 20 + "\\endpipeline\n"
    )
    for mode in ("extended", "prepared"):
        pgbench(pooler, "-n", "-M", mode, "-c", "5", "-t", "50", "-f", str(script))
