"""The README's two commands as somebody meets them who has a fresh Debian and nothing else: each is timed.

Between them, through the Ballast that the first one serves: psql, pgbench, and the driver of a small program.
"""

import os
import re
import shlex
import signal
import time
from pathlib import Path

import processes
from root import CLEAN, Account, Root
from steps import Sequence

HOME = "/root/ballast"
UP_DEADLINE_S = 1800.0
ROOTS = "/etc/roots-of-this-machine.pem"
PROGRAM = """\
import sys, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("create temporary table mine (words text)")
    connection.execute("insert into mine values (%s)", ("carried over",))
    print(*connection.execute("select words, current_setting('server_version') from mine").fetchone())
"""


class NewcomerTest(Sequence):
    def __init__(self, base: Root, repository: Path, folder: Path):
        self.root = base.copy(folder / "newcomer")
        self.repository = repository
        self.log = folder / "up.log"
        self.up = None
        self.url = ""

    def steps(self):
        return [self.cloned, self.deploy_up, self.psql, self.pgbench, self.a_program, self.ctrl_c, self.tests_run]

    def end(self):
        if self.up is not None:
            processes.stop(self.up, signal.SIGINT)

    def cloned(self):
        self.in_root("apt-get update -q && apt-get install -qy --no-install-recommends git")
        self.in_root(f"git clone -q file:///source {HOME}", mounts={"/source": self.repository})

    def deploy_up(self):
        began = time.monotonic()
        command = ["sh", "-c", f"cd {HOME} && exec ./deploy/up"]
        self.up = self.root.spawn(Account(), command, CLEAN, self.log, writable=None)
        is_over = lambda: "serving until Ctrl-C" in self.log.read_text() or self.up.poll() is not None
        processes.wait_until(is_over, "deploy/up serves", deadline_s=UP_DEADLINE_S)
        said = self.log.read_text()
        if self.up.poll() is not None:
            raise RuntimeError(said[-4000:])
        print(f"  {time.monotonic() - began:.0f} s until its first SELECT")
        print("".join(f"  | {line}\n" for line in said[said.index("deploy/up: serving a") :].splitlines()), end="")
        self.url = re.search(r"postgres\S+://\S+", said)[0]

    def psql(self):
        words = self.in_root(f"psql -XAt {self.quoted_url} -c 'select 6 * 7'")
        assert words.strip() == "42", words

    def pgbench(self):
        self.in_root(f"pgbench -q -i -s 5 {self.quoted_url}")
        words = self.in_root(f"pgbench -n -c 50 -j 2 -T 10 {self.quoted_url}")
        print("".join(f"  | {line}\n" for line in words.splitlines() if re.match(r"tps|latency average|number of failed", line)), end="")
        assert "number of failed transactions: 0 " in words, words

    def a_program(self):
        self.in_root("apt-get install -qy --no-install-recommends python3-psycopg")
        (self.root.folder / "root/program.py").write_text(PROGRAM)
        words = self.in_root(f"python3 /root/program.py {self.quoted_url}")
        assert words.startswith("carried over 15"), words

    def ctrl_c(self):
        assert processes.stop(self.up, signal.SIGINT) == 0, self.log.read_text()[-2000:]

    def tests_run(self):
        trusted = os.environ.get("NODE_EXTRA_CA_CERTS")  # whom else this machine's npm believes
        more = {"environment": {"NODE_EXTRA_CA_CERTS": ROOTS}, "mounts": {ROOTS: trusted}} if trusted else {}
        words = self.in_root(f"cd {HOME} && ./tests/run", **more)
        print("".join(f"  | {line}\n" for line in words.splitlines()[-16:]), end="")

    @property
    def quoted_url(self) -> str:
        return shlex.quote(self.url)

    def in_root(self, line: str, **options) -> str:
        """Tells how long it took."""
        began = time.monotonic()
        words = self.root.run(["sh", "-ec", line], **options)
        shown = line.replace(self.url, "URL") if self.url else line
        print(f"  {time.monotonic() - began:.0f} s: {shown}", flush=True)
        return words
