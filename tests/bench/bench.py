"""Measures what Ballast costs, beside PgBouncer, HAProxy in TCP mode (the floor: it only moves bytes) and nothing.

All are up at the same time over one private PostgreSQL and measured in turn, round after round, so that whatever
else the machine does meets all of them; the table shows medians. Server connections use TLS, pools have 20. Ballast's and
PgBouncer's clients are plain; through HAProxy and directly the client itself speaks TLS with the server, so pgbench
carries that cost. CPU is user + system time of the process over the transactions that pgbench counted.
"""

import argparse
import os
import re
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from poolers import Ballast, Direct, HAProxy, PgBouncer, Pooler
from postgres import TEST_SETTINGS, Postgres
from wire import Wire, query

ACCOUNTS = {"app": "secret"}
SETTINGS = {"default_pool_size": 20, "max_client_conn": 5000}
IDLE_CLIENTS = 2000
WARM_UP_S = 1
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SCALE = 10  # a million rows, all in memory


@dataclass(frozen=True)
class Load:
    """A pgbench run. One that prepares is shown as n/a for what can't carry it out."""

    name: str
    what: str
    options: tuple[str, ...]
    prepares: bool = False


LOADS = [
    Load("simple", "select by key, simple protocol, 20 clients", ("-S", "-M", "simple", "-c", "20", "-j", "2")),
    Load("extended", "the same, extended protocol", ("-S", "-M", "extended", "-c", "20", "-j", "2")),
    Load("prepared", "the same, prepared statements", ("-S", "-M", "prepared", "-c", "20", "-j", "2"), prepares=True),
    Load("1MB", "10,000 rows of 105 bytes, 4 clients", ("-f", "{wide}", "-c", "4", "-j", "2")),
    Load("connect", "a connection for each select, 4 clients", ("-S", "-C", "-c", "4", "-j", "2")),
]


@dataclass
class Samples:
    cpu_us: list[float] = field(default_factory=list)
    tps: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)


def cpu_s(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_SECOND  # utime, stime: proc(5)


def proportional_set_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) * 1024


def pgbench(pooler: Pooler, load: Load, wide: Path, seconds: int) -> tuple[int, float, float]:
    """Transactions, transactions a second, milliseconds of latency."""
    options = [option.format(wide=wide) for option in load.options]
    command = ["pgbench", "-n", "-T", str(seconds), *options, pooler.url()]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{pooler.name}, {load.name}: pgbench failed:\n{done.stderr}")
    patterns = (r"actually processed: (\d+)", r"tps = ([\d.]+)", r"latency average = ([\d.]+) ms")
    transactions, tps, latency = (re.search(pattern, done.stdout)[1] for pattern in patterns)
    return int(transactions), float(tps), float(latency)


def measure(pooler: Pooler, load: Load, wide: Path, seconds: int, samples: Samples):
    before = cpu_s(pooler.pid) if pooler.process else 0
    transactions, tps, latency = pgbench(pooler, load, wide, seconds)
    if pooler.process:
        samples.cpu_us.append((cpu_s(pooler.pid) - before) / transactions * 1e6)
    samples.tps.append(tps)
    samples.latency_ms.append(latency)


def measure_idle(kind: type[Pooler], server: Postgres, tls: bool) -> float:
    """Bytes that each of many clients costs which has logged in, asked one thing, and rests."""
    context = ssl.create_default_context(cafile=str(server.root_certificate)) if tls else None
    with kind(server, ACCOUNTS, SETTINGS | (client_tls(server) if tls else {})) as pooler:
        clients = []

        def connect():
            client = Wire.login(pooler.port, "app", ACCOUNTS["app"], "app", tls=context)
            client.ask(query("select 1"))
            clients.append(client)

        connect()  # the pool, and whatever the process makes only once, belongs to nobody
        before = proportional_set_bytes(pooler.pid)
        for _ in range(IDLE_CLIENTS):
            connect()
        used = proportional_set_bytes(pooler.pid) - before
        for client in clients:
            client.socket.close()
        return used / IDLE_CLIENTS


def client_tls(server: Postgres) -> dict:
    issued = server.authority.issue("pooler")
    # A folder that PgBouncer's own account can read.
    for path in (issued.key, issued.cert):
        if server.account:
            os.chown(path, server.account.pw_uid, server.account.pw_gid)
    return {
        "client_tls_sslmode": "require",
        "client_tls_cert_file": str(issued.cert),
        "client_tls_key_file": str(issued.key),
    }


def prepare(server: Postgres):
    server.sql("create role app login password 'secret'")
    server.sql("create database app owner app")
    direct = server.url("app", ACCOUNTS["app"], "app")
    subprocess.run(["pgbench", "-i", "-q", "-s", str(SCALE), direct], check=True, capture_output=True)
    # 11 bytes of DataRow around 94 of text.
    server.sql("create table wide as select repeat('x', 94) filler from generate_series(1, 10000)", "app")
    server.sql("grant select on wide to app; vacuum analyze", "app")


def row(label: str, unit: str, values: dict[str, list[float]], digits: int):
    medians = {name: statistics.median(found) for name, found in values.items() if found}
    cells = [f"{medians[name]:,.{digits}f}" if name in medians else "n/a" for name in values]
    ratio = "n/a"
    if "ballast" in medians and medians.get("pgbouncer"):
        ratio = f"{medians['ballast'] / medians['pgbouncer']:.2f}"
    print(f"{label:<10} {unit:<11}" + "".join(f"{cell:>12}" for cell in [*cells, ratio]), flush=True)


def heading(names: list[str]):
    print(f"\n{'':<22}" + "".join(f"{name:>12}" for name in [*names, "b/pgbouncer"]))


def run_loads(server: Postgres, kinds: list[type[Pooler]], loads: list[Load], rounds: int, seconds: int):
    samples = {load.name: {kind.name: Samples() for kind in kinds} for load in loads}
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as wide:
        wide.write("select filler from wide;\n")
        wide.flush()
        with ExitStack() as stack:
            poolers = [stack.enter_context(kind(server, ACCOUNTS, SETTINGS)) for kind in kinds]
            for turn in range(rounds):
                for load in loads:
                    for pooler in poolers:
                        if load.prepares and not pooler.prepares():
                            continue
                        if turn == 0:
                            pgbench(pooler, load, Path(wide.name), WARM_UP_S)
                        measure(pooler, load, Path(wide.name), seconds, samples[load.name][pooler.name])
                print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    heading([kind.name for kind in kinds])
    for load in loads:
        found = samples[load.name]
        row(load.name, "CPU us/txn", {name: found[name].cpu_us for name in found}, 1)
        row("", "tps", {name: found[name].tps for name in found}, 0)
        row("", "latency ms", {name: found[name].latency_ms for name in found}, 3)


def run_idle(server: Postgres, kinds: list[type[Pooler]]):
    heading([kind.name for kind in kinds])
    for label, tls in (("plain", False), ("TLS", True)):
        row("idle", f"{label}, bytes", {kind.name: [measure_idle(kind, server, tls)] for kind in kinds}, 0)


def main():
    names = [load.name for load in LOADS] + ["idle"]
    every = {kind.name: kind for kind in (Ballast, PgBouncer, HAProxy, Direct)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which medians are taken (5)")
    parser.add_argument("--seconds", type=int, default=5, help="length of each pgbench run (5)")
    for option, choices in (("--only", names), ("--pooler", list(every))):
        parser.add_argument(option, action="append", choices=choices, metavar="NAME", help=", ".join(choices))
    options = parser.parse_args()
    chosen = options.only or names
    kinds = [every[name] for name in options.pooler or every]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    for load in LOADS:
        if load.name in chosen:
            print(f"{load.name:<10} {load.what}")
    with Postgres(settings=TEST_SETTINGS | {"shared_buffers": "512MB"}) as server:
        prepare(server)
        loads = [load for load in LOADS if load.name in chosen]
        if loads:
            run_loads(server, kinds, loads, options.rounds, options.seconds)
        poolers = [kind for kind in kinds if kind in (Ballast, PgBouncer)]  # the others need a server for each client
        if "idle" in chosen and poolers:
            run_idle(server, poolers)


if __name__ == "__main__":
    main()
