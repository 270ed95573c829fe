"""A private PostgreSQL in a folder of its own: TLS from a throw-away CA, SCRAM, a port that the system chose.

    with Postgres(folder) as server:
        server.sql("create role app login password 'secret'")
        server.url("app", "secret", "postgres")

As root the server runs as the user `postgres`, else as oneself. It is stopped by its process id. As a program,
`postgres.py run --data FOLDER` keeps one with a user and database `app` until SIGTERM, and its data for the next time.
"""

import argparse
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote, urlencode

import processes
from certificates import Authority

HOST_BASED_AUTHENTICATION = """\
# type   database     user         address  method
local    all          all                   scram-sha-256
hostssl  all          all          all      scram-sha-256
hostssl  replication  all          all      scram-sha-256
"""
TEST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
}
SUPERUSER = "postgres"


def program(name: str) -> str:
    """PostgreSQL 15's program of that name; without a 15, the newest one's."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin: int(bin.parent.name))
    folders.sort(key=lambda bin: bin.parent.name == "15")
    found = [bin / name for bin in folders if (bin / name).exists()]
    if not found:
        sys.exit(f"no {name} below /usr/lib/postgresql: run tests/support/packages database")
    return str(found[-1])


class Postgres:
    def __init__(self, folder: Path | None = None, settings: dict | None = None, hba: str = HOST_BASED_AUTHENTICATION):
        self.temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="ballast-pg-")) if folder is None else folder
        self.settings = TEST_SETTINGS if settings is None else settings
        self.hba = hba
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self.process = None
        self.port = 0
        root = os.geteuid() == 0
        self.account = pwd.getpwnam("postgres") if root else None
        self.run_as = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def root_certificate(self) -> Path:
        return self.authority.root.cert

    @property
    def superuser_password(self) -> str:
        return (self.folder / "superuser-password").read_text()

    def url(self, user: str, password: str, database: str, **parameters: str) -> str:
        parameters = {"sslmode": "verify-full", "sslrootcert": str(self.root_certificate)} | parameters
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{login}@localhost:{self.port}/{quote(database, safe='')}?{urlencode(parameters)}"

    def superuser_url(self, database: str = "postgres") -> str:
        return self.url(SUPERUSER, self.superuser_password, database)

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Runs statements as the superuser over a direct connection; the rows, unaligned."""
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-", self.superuser_url(database)]
        return subprocess.run(command, input=statements, capture_output=True, text=True, check=True).stdout

    def start(self):
        self.authority = Authority(self.folder / "tls")
        if not self.data.exists():
            self._initialise()
        for _ in range(10):  # somebody may take the port between our look and the server's bind
            self.port = processes.free_port()
            if self._listen():
                return
        raise RuntimeError(f"PostgreSQL does not start, see {self.log}")

    def stop(self):
        if self.process:
            processes.stop(self.process, signal.SIGINT)  # "fast": ends sessions, checkpoints, exits
            self.process = None

    def _initialise(self):
        password_file = self.folder / "superuser-password"
        password_file.write_text(secrets.token_urlsafe(24))
        password_file.chmod(0o600)
        self.certificate = self.authority.issue("server")
        self._own(self.folder)
        # Made beside its place and moved there, so that an interrupted start leaves no half a database.
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [program("initdb"), "-D", unfinished, "-E", "UTF8", "--locale=C.UTF-8"]
        command += ["-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", password_file]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self.run_as)
        (unfinished / "pg_hba.conf").write_text(self.hba)
        unfinished.rename(self.data)

    def _own(self, folder: Path):
        if not self.account:
            return
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _listen(self) -> bool:
        tls = self.folder / "tls"
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1,::1",
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": tls / "server.crt",
            "ssl_key_file": tls / "server.key",
            "ssl_ca_file": tls / "ca.crt",
        } | self.settings
        command = [program("postgres"), "-D", self.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = processes.spawn(command, self.log, cwd=self.folder, **self.run_as)
        processes.wait_until(
            lambda: self._ready() or self.process.poll() is not None, "PostgreSQL starts", deadline_s=120
        )
        return self.process.poll() is None

    def _ready(self) -> bool:
        """The server's own word for it: line 8 of postmaster.pid."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"


def app_password(server: Postgres) -> str:
    """Of user `app`, who owns database `app`; both are made the first time."""
    password_file = server.folder / "app-password"
    if not password_file.exists():
        password = secrets.token_urlsafe(24)
        server.sql(f"drop role if exists app; create role app login password '{password}'")
        server.sql("create database app owner app")
        password_file.write_text(password)
        password_file.chmod(0o600)
    return password_file.read_text()


def run(folder: Path):
    """Serves user and database `app` from `folder` until SIGTERM; prints the URL when it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Postgres(folder, settings={}) as server:
        print(server.url("app", app_password(server), "app"), flush=True)
        server.process.wait()
        sys.exit(f"PostgreSQL ended by itself, see {server.log}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A private PostgreSQL in a folder.")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    run(parser.parse_args().data.resolve())
