"""What can stand between a client and a PostgreSQL: Ballast, PgBouncer, HAProxy, or nothing. All are used alike.

    with Ballast(server, settings={"default_pool_size": 5}) as pooler:
        psycopg2.connect(pooler.url("app", "secret", "app"))

Settings have the names that Ballast and PgBouncer share; times are in seconds. BALLAST_BIN and PGBOUNCER_BIN name
other binaries than the repository's and Debian's.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote, urlencode

import processes
from postgres import Postgres

REPOSITORY = Path(__file__).resolve().parents[2]


class Pooler:
    """Owns a folder, a port and a process. Subclasses write the configuration and name the command."""

    name = ""

    def __init__(self, server: Postgres, accounts: dict[str, str], settings: dict | None = None):
        self.server = server
        self.accounts = accounts  # user: password; the first one is the upstream URL's
        self.settings = settings or {}
        self.folder = Path(tempfile.mkdtemp(prefix=f"ballast-{self.name}-"))
        self.log = self.folder / "log"
        self.process = None
        self.port = 0

    def __enter__(self):
        for _ in range(10):  # somebody may take the port between our look and the bind
            self.port = processes.free_port()
            self.configure()
            self.process = processes.spawn(self.command(), self.log, **self.spawn_options())
            processes.wait_until(self._up_or_gone, f"{self.name} listens")
            if self.process.poll() is None:
                return self
        raise RuntimeError(f"{self.name} does not start:\n{self.log_text()}")

    def __exit__(self, *_):
        processes.stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    @classmethod
    def prepares(cls) -> bool:
        """Does it know prepared statements of the protocol?"""
        return True

    def configure(self):
        raise NotImplementedError

    def command(self) -> list:
        raise NotImplementedError

    def spawn_options(self) -> dict:
        return {}

    @property
    def pid(self) -> int:
        return self.process.pid

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def url(self, user="", password="", database="app", host="127.0.0.1", **parameters: str) -> str:
        user = user or next(iter(self.accounts))
        password = password or self.accounts[user]
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        parameters = {"sslmode": "disable"} | parameters
        return f"postgresql://{login}@{host}:{self.port}/{quote(database, safe='')}?{urlencode(parameters)}"

    def _up_or_gone(self) -> bool:
        return processes.accepts(self.port) or self.process.poll() is not None


class Ballast(Pooler):
    name = "ballast"
    program = Path(os.environ.get("BALLAST_BIN", REPOSITORY / "build" / "ballast"))

    def __init__(self, server, accounts, settings=None, upstream: str = "", tables: str = ""):
        super().__init__(server, accounts, settings)
        user, password = next(iter(accounts.items()))
        self.upstream = upstream or server.url(user, password, "app")
        self.tables = tables  # TOML after the settings: [databases.NAME], [users.NAME]

    def configure(self):
        accounts = self.folder / "users.txt"
        accounts.write_text("".join(f'"{user}" "{password}"\n' for user, password in self.accounts.items()))
        settings = {"listen_addr": "127.0.0.1", "listen_port": self.port, "auth_file": str(accounts)} | self.settings
        lines = [f"{name} = {_toml(value)}" for name, value in settings.items()]
        self.config_file.write_text("\n".join(lines) + "\n" + self.tables)

    def __exit__(self, *_):
        status = processes.stop(self.process) if self.process.poll() is None else 0
        log = self.log_text()
        super().__exit__()
        if status:  # an assert, a sanitizer's finding, a leak
            raise RuntimeError(f"ballast ended with {status}:\n{log}")

    @property
    def config_file(self) -> Path:
        return self.folder / "ballast.toml"

    def command(self):
        return [self.program, "--config", self.config_file]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BALLAST_", "PG"))}
        return kept | {"DATABASE_URL": self.upstream}

    def spawn_options(self):
        return {"env": self.environment()}


class PgBouncer(Pooler):
    name = "pgbouncer"
    program = Path(os.environ.get("PGBOUNCER_BIN", "/usr/sbin/pgbouncer"))
    prepares_from = (1, 21)  # from then on it knows prepared statements in transaction pooling

    @classmethod
    def version(cls) -> tuple[int, ...]:
        told = subprocess.run([cls.program, "-V"], capture_output=True, text=True, check=True).stdout
        return tuple(int(number) for number in told.split()[1].split("."))  # PgBouncer 1.18.0

    @classmethod
    def prepares(cls) -> bool:
        return cls.version() >= cls.prepares_from

    def configure(self):
        users = "".join(f'"{user}" "{password}"\n' for user, password in self.accounts.items())
        (self.folder / "users.txt").write_text(users)
        shutil.copy(self.server.root_certificate, self.folder / "ca.crt")
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self.folder / "users.txt",
            "pool_mode": "transaction",
            "ignore_startup_parameters": "extra_float_digits",
            "server_tls_sslmode": "verify-full",
            "server_tls_ca_file": self.folder / "ca.crt",
            "log_connections": 0,
            "log_disconnections": 0,
        }
        if self.prepares():
            settings["max_prepared_statements"] = 200  # its default since 1.24; before, it was 0
        settings |= self.settings
        lines = ["[databases]", f"* = host=localhost port={self.server.port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        if os.geteuid() == 0:  # it refuses to run as root
            account = pwd.getpwnam("postgres")
            for path in [self.folder, *self.folder.iterdir()]:
                os.chown(path, account.pw_uid, account.pw_gid)

    def command(self):
        user = ["-u", "postgres"] if os.geteuid() == 0 else []
        return [self.program, "-q", *user, self.folder / "pgbouncer.ini"]


class HAProxy(Pooler):
    """Passes bytes on, nothing else: the client's TLS, where it uses TLS, ends in the server."""

    name = "haproxy"

    def configure(self):
        (self.folder / "haproxy.cfg").write_text(
            "global\n  nbthread 1\n  maxconn 4000\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
            f"listen postgres\n  bind 127.0.0.1:{self.port}\n  server one 127.0.0.1:{self.server.port}\n"
        )

    def command(self):
        return ["/usr/sbin/haproxy", "-db", "-f", self.folder / "haproxy.cfg"]

    def url(self, user="", password="", database="app", host="127.0.0.1", **parameters):
        return super().url(user, password, database, host, **({"sslmode": "require"} | parameters))


class Direct(Pooler):
    name = "direct"

    def __enter__(self):
        self.port = self.server.port
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, user="", password="", database="app", host="127.0.0.1", **parameters):
        return super().url(user, password, database, host, **({"sslmode": "require"} | parameters))


def _toml(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, (str, Path)) else str(value)
