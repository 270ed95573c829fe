"""Big messages and slow readers: what is in between stays small."""

import threading
from pathlib import Path

from processes import wait_until
from wire import COPY_DONE, SYNC, bind, copy_data, execute, parse, query

MEGABYTE = 1 << 20
BIG = 64 * MEGABYTE
ALLOWANCE = 16 * MEGABYTE


def peak_bytes(pooler) -> int:
    for line in Path(f"/proc/{pooler.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no VmHWM")


def test_a_big_value_both_ways(start, connect):
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    client.value("select 1")
    before = peak_bytes(pooler)
    batch = parse("", "select $1::text") + bind("", "", (b"x" * BIG,)) + execute() + SYNC
    sender = threading.Thread(target=client.send, args=(batch,))
    sender.start()
    answers = client.read_until("Z")
    sender.join()
    assert len(answers.rows[0][0]) == BIG
    assert peak_bytes(pooler) - before < ALLOWANCE


def test_a_big_query(start, connect):
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    client.value("select 1")
    before = peak_bytes(pooler)
    assert client.ask(query(f"select length('{'x' * BIG}')")).rows == [[str(BIG).encode()]]
    assert peak_bytes(pooler) - before < ALLOWANCE


def test_a_long_copy_in(start, connect, table):
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    client.value("select 1")
    before = peak_bytes(pooler)
    rows = copy_data(b"1\t" + b"x" * 1000 + b"\n") * 1000
    client.send(query(f"begin; copy {table} from stdin"))
    for _ in range(BIG // len(rows)):
        client.send(rows)
    assert client.ask(COPY_DONE).tags[-1].startswith("COPY ")
    client.ask(query("rollback"))
    assert peak_bytes(pooler) - before < ALLOWANCE


def test_a_reader_that_does_not_read_holds_up_nobody(start, connect, connections):
    pooler = start(default_pool_size=2)
    slow, other = connect(pooler), connect(pooler)
    slow.value("select 1")
    before = peak_bytes(pooler)
    rows = BIG // 1000
    slow.send(query(f"select repeat('x', 1000) from generate_series(1, {rows})"))
    wait_until(lambda: connections(pooler, "wait_event = 'ClientWrite'") == 1, "the server waits for its reader")
    for number in range(100):
        assert other.value(f"select {number}") == str(number)
    assert len(slow.read_until("Z").rows) == rows
    assert peak_bytes(pooler) - before < ALLOWANCE


def test_a_client_that_writes_much_before_it_reads(start, connect):
    """Questions and answers together are far more than the sockets between hold."""
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    batch = parse("", "select $1::text") + (bind("", "", ("x" * 10_000,)) + execute()) * 100 + SYNC
    sender = threading.Thread(target=client.send, args=(batch * 30,))
    sender.start()
    for _ in range(30):
        assert len(client.read_until("Z").rows) == 100
    sender.join()


def test_memory_is_given_back_to_the_next_client(start, connect):
    """The same big thing many times costs what it costs once."""
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    for _ in range(3):
        client.ask(query(f"select length('{'x' * 4 * MEGABYTE}')"))
    before = peak_bytes(pooler)
    for _ in range(10):
        client.ask(query(f"select length('{'x' * 4 * MEGABYTE}')"))
    assert peak_bytes(pooler) - before < ALLOWANCE
