"""Measures what scrapes of /metrics cost the clients: 100 clients run, by turns without and with somebody who scrapes.

Rounds of one long pgbench alternate, so that whatever else the machine does meets both; medians of their throughputs
are compared, and beside them the CPU time of Ballast's worker thread for each transaction, which the machine's other
load moves less.
"""

import argparse
import http.client
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from bench import ACCOUNTS, SETTINGS, TICKS_PER_SECOND, prepare
from poolers import Ballast
from postgres import TEST_SETTINGS, Postgres
from processes import free_port

CLIENTS = 100


class Scraper(threading.Thread):
    """Scrapes so many times a second until it is told to stop; 0: not at all."""

    def __init__(self, port: int, per_second: float):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.pause_s = 1 / per_second if per_second else 0
        self.done = threading.Event()
        self.slowest_ms = self.count = self.bytes = 0
        self.start()

    def run(self):
        due = time.monotonic()
        while self.pause_s and not self.done.wait(max(0.0, due - time.monotonic())):
            due += self.pause_s
            began = time.monotonic()
            self.connection.request("GET", "/metrics")
            answer = self.connection.getresponse()
            self.bytes = len(answer.read())
            if answer.status != 200:
                sys.exit(f"/metrics: {answer.status}")
            self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1000)
            self.count += 1

    def stop(self):
        self.done.set()
        self.join()
        self.connection.close()


def worker_cpu_s(pid: int) -> float:
    """Of all threads but the first, which is the control thread."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if task.name != str(pid):
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])  # utime, stime: proc(5)
    return total / TICKS_PER_SECOND


class Clients:
    """One pgbench, which tells its throughput every second."""

    def __init__(self, pooler: Ballast):
        command = ["pgbench", "-n", "-P", "1", "-T", "86400", "-S", "-M", "prepared", "-c", str(CLIENTS), "-j", "1"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen([*command, pooler.url()], text=True, **pipes)

    def seconds(self, count: int) -> float:
        """Transactions a second, over so many of its reports."""
        told = []
        while len(told) < count:
            line = self.process.stderr.readline()
            if not line:
                sys.exit("pgbench has ended")
            if found := re.match(r"progress: [\d.]+ s, ([\d.]+) tps", line):
                told.append(float(found[1]))
        return statistics.fmean(told)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scrapes", type=int, default=10000, help="how many in all (10000)")
    parser.add_argument("--per-second", type=float, default=20, help="scrapes a second (20)")
    parser.add_argument("--seconds", type=int, default=5, help="length of each round (5)")
    options = parser.parse_args()

    scrapes, slowest_ms, size = 0, 0.0, 0
    tps: dict[bool, list[float]] = {False: [], True: []}
    cpu_us: dict[bool, list[float]] = {False: [], True: []}
    port = free_port()
    with Postgres(settings=TEST_SETTINGS | {"shared_buffers": "512MB"}) as server:
        prepare(server)
        with Ballast(server, ACCOUNTS, SETTINGS | {"http_port": port}) as pooler:
            clients = Clients(pooler)
            clients.seconds(options.seconds)  # to warm up
            while scrapes < options.scrapes:
                for is_scraped in (False, True):
                    scraper = Scraper(port, options.per_second if is_scraped else 0)
                    before = worker_cpu_s(pooler.pid)
                    found = clients.seconds(options.seconds)
                    cpu_us[is_scraped].append((worker_cpu_s(pooler.pid) - before) / (found * options.seconds) * 1e6)
                    tps[is_scraped].append(found)
                    scraper.stop()
                    scrapes += scraper.count
                    slowest_ms, size = max(slowest_ms, scraper.slowest_ms), max(size, scraper.bytes)
                print(f"{scrapes} scrapes", file=sys.stderr, flush=True)
            clients.stop()
    print(f"{CLIENTS} clients, {scrapes} scrapes of {size} bytes, the slowest took {slowest_ms:.1f} ms")
    for label, values, digits in (("tps", tps, 0), ("worker's CPU us/txn", cpu_us, 2)):
        without, with_scrapes = (statistics.median(values[kind]) for kind in (False, True))
        change = (with_scrapes / without - 1) * 100
        print(f"{label:<20} without {without:>10,.{digits}f}   with {with_scrapes:>10,.{digits}f}   {change:+.1f} %")


if __name__ == "__main__":
    main()
