"""A Neon of one's own: a PostgreSQL, and neonsim (tests/neon) before it, which sleeps, wakes, fails and costs as Neon does.

    with Neon(suspend_timeout_s=1) as neon:
        psycopg.connect(neon.url())          # wakes it
        neon.wait_for_state("IDLE")
        neon.post("/inject", row=26)
        neon.state()["cost_usd"]

Knobs are those of tests/neon/knobs.hpp, with small times here where Neon's are long. `real=True` really stops PostgreSQL.
"""

import argparse
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlencode

import processes
from certificates import Certificate
from postgres import HOST_BASED_AUTHENTICATION, SUPERUSER, TEST_SETTINGS, Postgres, app_password, program

REPOSITORY = Path(__file__).resolve().parents[2]
DOMAIN = "sim.localtest"
ENDPOINT = "ep-quiet-lamp-123456"
SLEEPS_AFTER_S = 60  # as `run`; Neon's own default is five minutes
ROLES = "create role app login password 'secret'; create database app owner app"

# Neon's own would make every test wait. Step 1 of the monitor is off, because PostgreSQL tells its statistics up to ten
# seconds late: next to a timeout of one second that would be the longer time.
QUICK = {
    "stop_ms": 20,
    "wake_ms": 30,
    "pool_miss_p": 0,
    "cplane_ms": 0,
    "connect_ms": 0,
    "stale_connect_ms": 0,
    "stopping_policy": "hold",
    "monitor_poll_ms": 50,
    "cplane_poll_ms": 50,
    "count_statistics": False,
}


class Refused(Exception):
    """The control interface does not understand."""


class Neon:
    program = Path(os.environ.get("NEONSIM_BIN", REPOSITORY / "build" / "neonsim"))

    def __init__(self, server: "NeonPostgres | None" = None, real: bool = False, **knobs):
        self.own_server = server is None
        self.server = NeonPostgres() if server is None else server
        self.real = real
        self.knobs = QUICK | knobs
        self.folder = Path(tempfile.mkdtemp(prefix="ballast-neon-"))
        self.log = self.folder / "log"
        self.process = None
        self.port = self.control_port = 0

    def __enter__(self):
        if self.own_server:
            self.server.start()
            self.server.sql(ROLES)
        self.certificate = self.issue()
        # What it says first, on its standard output, is where it listens.
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"neonsim does not start: {self.log.read_text()}")
        ports = json.loads(line)
        self.port, self.control_port = ports["port"], ports["control_port"]
        return self

    def __exit__(self, *_):
        status = processes.stop(self.process)
        self.process.stdout.close()
        log = self.log.read_text()
        if self.own_server:
            self.server.stop()
            shutil.rmtree(self.server.folder, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if status:
            raise RuntimeError(f"neonsim ended with {status}:\n{log}")

    def issue(self) -> Certificate:
        hosts = (f"DNS:*.{DOMAIN}", "DNS:localhost", "IP:127.0.0.1")
        return self.server.authority.issue("neon", f"*.{DOMAIN}", hosts)

    def command(self) -> list[str]:
        server = self.server
        command = [self.program, "--socket-dir", server.folder, "--socket-port", server.port]
        command += ["--superuser", SUPERUSER, "--domain", DOMAIN, "--endpoint", ENDPOINT]
        command += ["--certificate", self.certificate.cert, "--key", self.certificate.key]
        if self.real:
            command += ["--pgdata", server.data, "--pg-bin", Path(program("pg_ctl")).parent]
        for name, value in self.knobs.items():
            command += ["--set", f"{name}={_text(value)}"]
        return [str(word) for word in command]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def root_certificate(self) -> Path:
        return self.server.root_certificate

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.root_certificate))

    def host(self, pooled: bool = False) -> str:
        return f"{ENDPOINT}{'-pooler' if pooled else ''}.{DOMAIN}"

    def url(self, user="app", password="secret", database="app", pooled=False, **parameters: str) -> str:
        """For libpq and what takes its parameters; the name is not in DNS, `hostaddr` says where it is."""
        parameters = {
            "hostaddr": "127.0.0.1",
            "sslmode": "verify-full",
            "sslrootcert": str(self.root_certificate),
            "channel_binding": "require",
        } | parameters
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        where = f"{self.host(pooled)}:{self.port}/{quote(database, safe='')}"
        return f"postgresql://{login}@{where}?{urlencode(parameters, quote_via=quote)}"

    def get(self, path: str):
        return self._ask(urllib.request.Request(self._address(path)))

    def post(self, path: str, **arguments) -> dict:
        body = json.dumps(arguments).encode()
        return self._ask(urllib.request.Request(self._address(path), body, method="POST"))

    def set(self, **knobs) -> dict:
        return self.post("/set", **{name: _text(value) for name, value in knobs.items()})

    def state(self) -> dict:
        return self.get("/state")

    def timeline(self) -> list[dict]:
        return self.get("/timeline")

    def wait_for(self, condition, what: str, deadline_s: float = 30.0) -> dict:
        """Until condition(state) is true; that state."""

        def met():
            state = self.state()
            return state if condition(state) else None

        return processes.wait_until(met, what, deadline_s)

    def wait_for_state(self, name: str, deadline_s: float = 30.0) -> dict:
        return self.wait_for(lambda state: state["state"] == name, f"Neon is {name}", deadline_s)

    def _address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.control_port}{path}"

    def _ask(self, request: urllib.request.Request):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)["error"]) from error


class NeonPostgres(Postgres):
    """One that neonsim may enter as anybody, by a unix socket in its folder."""

    def __init__(self, folder: Path | None = None, settings: dict = {}):
        super().__init__(folder, TEST_SETTINGS | settings, "local all all trust\n" + HOST_BASED_AUTHENTICATION)
        self.settings = self.settings | {"unix_socket_directories": self.folder, "wal_level": "replica"}


def run(folder: Path):
    """A Neon whose data stay in `folder`, until SIGTERM; prints the URL and that of its control when it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # whoever reaches the socket in it may enter
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = NeonPostgres(folder)
    server.settings = {key: value for key, value in server.settings.items() if key not in TEST_SETTINGS}
    with server:
        password = app_password(server)
        with Neon(server, wake_ms=400, stop_ms=300, suspend_timeout_s=SLEEPS_AFTER_S) as neon:
            print(neon.url("app", password), f"http://127.0.0.1:{neon.control_port}", flush=True)
            neon.process.wait()
            sys.exit(f"neonsim ended by itself, see {neon.log}")


def _text(value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A Neon of one's own in a folder.")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    run(parser.parse_args().data.resolve())
