"""A root file system that is booted: systemd as its first process, in a container that shares this machine's network.

    with Machine(root, log) as machine:
        machine.run("systemctl", "start", "ballast")

Needs systemd-nspawn, but no systemd here: then it gets a cgroup of its own, which is gone with it.
"""

import shlex
import subprocess
from pathlib import Path

import processes
from root import CLEAN, Root, run

HIERARCHIES = [Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")]


class Machine:
    def __init__(self, root: Root, log: Path):
        self.root = root
        self.log = log
        self.cgroups: list[Path] = []

    def __enter__(self):
        command = ["systemd-nspawn", "--quiet", "--register=no", "--directory", str(self.root.folder), "--boot"]
        joins = ""
        if not Path("/run/systemd/system").exists():
            command.insert(2, "--keep-unit")
            name = f"ballast-{self.root.folder.parent.name}"
            self.cgroups = [place / name for place in HIERARCHIES if (place / "cgroup.procs").exists()]
            joins = "".join(f"mkdir {group} && echo $$ >{group}/cgroup.procs\n" for group in self.cgroups)
        self.process = processes.spawn(["sh", "-ec", joins + "exec " + shlex.join(command)], self.log)
        try:
            self.leader = processes.wait_until(self._leader, "systemd is started", 60)
            processes.wait_until(self._is_up, "systemd is up", 120)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        processes.stop(self.process, deadline_s=60)  # it asks systemd to power off
        for group in self.cgroups:
            for folder in sorted([group, *group.rglob("*/")], reverse=True):
                folder.rmdir()

    def attempt(self, *command: str) -> subprocess.CompletedProcess:
        entered = ["nsenter", f"--target={self.leader}", "--all", "--wd=/", "env", "-i"]
        settings = [f"{name}={value}" for name, value in CLEAN.items()]
        return run([*entered, *settings, *command])

    def run(self, *command: str) -> str:
        done = self.attempt(*command)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def property(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", unit, "--property", name, "--value").strip()

    def _leader(self) -> int | None:
        if self.process.poll() is not None:
            raise RuntimeError(f"systemd-nspawn has ended:\n{self.log.read_text(errors='replace')}")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next((int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text() == "systemd\n"), None)

    def _is_up(self) -> bool:
        return self.attempt("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")
