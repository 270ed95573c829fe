"""The .deb where systemd runs: installed, started, asked, reloaded, watched, removed and purged."""

import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import processes
from dockerfile import Build
from machine import Machine
from postgres import Postgres, app_password
from root import Root
from steps import Sequence

# Where packages that come and go leave traces by Debian's own rules.
TRACES = re.compile(r"/(var/(lib/(dpkg|apt|systemd)|cache|log|tmp)|run|proc|sys|dev|tmp)(/|$)|/etc/[a-z]+-$")
UNITS = ["/lib/systemd/system/ballast.service", "/lib/systemd/system/ballast.socket"]

# systemd-analyze says "exposed" above 5.0, and "safe" up to 2.0 for what has almost no rights left.
EXPOSURE_MAX = 2.0


class PackageTest(Sequence):
    def __init__(self, base: Root, build: Build, deb: Path | None, folder: Path):
        self.base = base
        self.build = build
        self.deb = deb
        self.folder = folder
        self.stack = ExitStack()
        self.port = processes.free_port()
        self.http_port = processes.free_port()

    def end(self):
        self.stack.close()

    def steps(self):
        return [
            self.the_package_is_built,
            self.lintian_has_nothing_to_say,
            self.it_is_installed_and_waits_for_a_database,
            self.its_units_are_verified,
            self.it_starts_and_serves_psql,
            self.it_reads_its_settings_again,
            self.its_watchdog_starts_a_hanging_process_again,
            self.a_client_that_comes_while_it_is_restarted_waits_at_the_socket,
            self.removed_it_leaves_its_settings_and_nothing_that_runs,
            self.purged_it_leaves_nothing,
        ]

    def the_package_is_built(self):
        if not self.deb:
            [self.deb] = self.build.stage("package").root.folder.glob("*.deb")
        print(f"    {self.deb.name}, {self.deb.stat().st_size // 1024} kB")

    def lintian_has_nothing_to_say(self):
        command = ["lintian", "--fail-on", "error,warning", "--allow-root", self.deb]
        told = subprocess.run(command, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr

    def it_is_installed_and_waits_for_a_database(self):
        root = self.base.copy(self.folder / "machine")
        shutil.copy(self.deb, root.path("/root/ballast.deb"))
        depends = subprocess.run(["dpkg-deb", "-f", self.deb, "Depends"], capture_output=True, text=True, check=True)
        needed = [word.split()[0] for word in depends.stdout.split(",")]
        root.run(["apt-get", "update"])
        root.run(["apt-get", "install", "-y", "--no-install-recommends", "systemd-sysv", *needed])
        # Overrides that are the test's own, so that the package's files stay as they are.
        override = root.path("/etc/systemd/system/ballast.service.d/test.conf")
        override.parent.mkdir(parents=True)
        ports = f"BALLAST_LISTEN_PORT={self.port} BALLAST_HTTP_PORT={self.http_port}"
        override.write_text(f"[Service]\nEnvironment={ports}\nWatchdogSec=3s\n")
        listen = root.path("/etc/systemd/system/ballast.socket.d/test.conf")
        listen.parent.mkdir(parents=True)
        listen.write_text(f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{self.port}\n")
        self.log = self.folder / "machine.log"
        self.machine = self.stack.enter_context(Machine(root, self.log))
        self.before = self.everything()
        print("    " + self.machine.run("apt-get", "install", "-y", "/root/ballast.deb").strip().splitlines()[-1])
        assert self.machine.property("ballast", "UnitFileState") == "enabled"
        assert self.machine.property("ballast", "ActiveState") == "inactive"
        assert self.machine.property("ballast", "ConditionResult") == "no"

    def its_units_are_verified(self):
        told = self.machine.attempt("systemd-analyze", "verify", "--man=no", *UNITS)
        assert told.returncode == 0 and "ballast" not in told.stdout, told.stdout
        told = self.machine.run("systemd-analyze", "security", "--no-pager", "ballast.service").strip().splitlines()[-1]
        print("    " + told)
        assert float(re.search(r"(\d+\.\d+)", told)[1]) <= EXPOSURE_MAX

    def it_starts_and_serves_psql(self):
        database = self.stack.enter_context(Postgres())
        self.password = app_password(database)
        root = self.machine.root
        shutil.copy(database.root_certificate, root.path("/etc/ballast/ca.crt"))
        root.path("/root/url").write_text(database.url("app", self.password, "app", sslrootcert="/etc/ballast/ca.crt"))
        self.machine.run("install", "-m", "0640", "-g", "ballast", "/root/url", "/etc/ballast/upstream_url")
        self.machine.run("systemctl", "start", "ballast")
        assert self.machine.property("ballast", "ActiveState") == "active"
        assert self.psql("select current_user") == "app"
        pid = self.pid()
        assert self.machine.run("stat", "-c", "%U", f"/proc/{pid}").strip() == "ballast"
        self.machine.run("test", "-S", f"/run/ballast/.s.PGSQL.{self.port}")
        self.machine.run("env", f"BALLAST_HTTP_PORT={self.http_port}", "ballast", "health")

    def it_reads_its_settings_again(self):
        pid = self.pid()
        self.machine.run("systemctl", "reload", "ballast")
        processes.wait_until(lambda: "were read again" in self.journal(), "the reload is in the journal")
        assert self.pid() == pid

    def its_watchdog_starts_a_hanging_process_again(self):
        pid = self.pid()
        self.machine.run("sh", "-c", f"kill -STOP {pid}")
        another = "systemd has started another"
        processes.wait_until(lambda: self.pid() not in ("0", pid) and self.is_active(), another, 60)
        assert "Watchdog timeout" in self.journal()
        assert self.psql("select current_user") == "app"

    def a_client_that_comes_while_it_is_restarted_waits_at_the_socket(self):
        self.machine.run("systemctl", "stop", "ballast")
        self.machine.run("systemctl", "start", "ballast.socket")
        assert not self.is_active()
        assert self.psql("select current_user") == "app"  # the client's coming starts it
        assert self.is_active()

    def removed_it_leaves_its_settings_and_nothing_that_runs(self):
        pid = self.pid()
        self.machine.run("apt-get", "remove", "-y", "ballast")
        assert self.machine.attempt("test", "-e", f"/proc/{pid}").returncode != 0
        assert not processes.accepts(self.port)
        self.machine.run("test", "-f", "/etc/ballast/ballast.toml")
        self.machine.run("test", "-f", "/etc/ballast/upstream_url")

    def purged_it_leaves_nothing(self):
        self.machine.run("rm", "/etc/ballast/ca.crt", "/root/url")  # the test's own
        self.machine.run("apt-get", "purge", "-y", "ballast")
        assert self.machine.attempt("getent", "passwd", "ballast").returncode != 0
        assert self.machine.attempt("getent", "group", "ballast").returncode != 0
        left = self.everything() - self.before
        assert not left, sorted(left)
        units = self.machine.run("systemctl", "list-units", "--all", "--no-legend", "--plain", "ballast*")
        assert "ballast" not in units, units

    def is_active(self) -> bool:
        return self.machine.property("ballast", "ActiveState") == "active"

    def pid(self) -> str:
        return self.machine.property("ballast", "MainPID")

    def journal(self) -> str:
        return self.machine.run("journalctl", "--unit", "ballast", "--no-pager")

    def everything(self) -> set[str]:
        found = self.machine.run("find", "/", "-xdev").splitlines()
        return {path for path in found if not TRACES.match(path)}

    def psql(self, statement: str) -> str:
        url = f"postgresql://app:{self.password}@127.0.0.1:{self.port}/app"
        done = subprocess.run(["psql", "-XAtc", statement, url], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + self.journal()
        return done.stdout.strip()
