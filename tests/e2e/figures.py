"""What is measured beside the requests: processors, server connections, and percentiles of what was."""

import math
import os
import threading
import time
from pathlib import Path

from neon import Neon

LOOK_S = 0.1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], percent: float) -> float | None:
    """That below or at which so many of them are: nearest rank."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


class Watch:
    """How many server connections there are, looked at all the time, and what each process has of the processors.

    with Watch(neon, {"chatbot": pid}) as watch: ...
    watch.sessions, watch.cpu                # [(seconds, count)], {name: share of one processor}
    """

    def __init__(self, neon: Neon, processes: dict[str, int]):
        self.neon = neon
        self.processes = processes | {"neonsim": neon.pid, "PostgreSQL": neon.server.process.pid, "users": os.getpid()}
        self.sessions: list[tuple[float, int]] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self.began = time.monotonic()
        self.before = self.neon.state()
        self.spent = {name: spent_s(pid) for name, pid in self.processes.items()} | {"whole machine": busy_s()}
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.seconds = time.monotonic() - self.began
        self.after = self.neon.state()
        now = {name: spent_s(pid) for name, pid in self.processes.items()} | {"whole machine": busy_s()}
        self.cpu = {name: (now[name] - spent) / self.seconds for name, spent in self.spent.items()}

    @property
    def most(self) -> int:
        return max(count for _, count in self.sessions)

    def gained(self, name: str) -> int:
        return self.after[name] - self.before[name]

    def _look(self):
        while True:
            self.sessions.append((time.monotonic() - self.began, self.neon.state()["sessions"]))
            if self.over.wait(LOOK_S):
                return


def spent_s(pid: int) -> float:
    """Processor time of the process, and of its children: those that live, and those that have ended."""
    children = [int(child) for task in _tasks(pid) for child in _children(task)]
    return _spent_s(pid) + sum(_spent_s(child) for child in children)


def busy_s() -> float:
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / TICKS_PER_S


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _children(task: Path) -> list[str]:
    # This process has started the others, which are counted by themselves.
    if task.parent.parent.name == str(os.getpid()):
        return []
    try:
        return (task / "children").read_text().split()
    except FileNotFoundError:
        return []


def _spent_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(map(int, fields[11:15])) / TICKS_PER_S
