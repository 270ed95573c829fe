"""Ports, waiting and child processes: what every server that the tests start has in common."""

import ctypes
import signal
import socket
import subprocess
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
LOOK_S = 1.0  # what one look counts at most
_libc = ctypes.CDLL(None)


def free_port() -> int:
    """A port that was free a moment ago; whoever uses it must be ready to ask for another."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(condition, what: str, deadline_s: float = 60.0):
    """Polls until `condition()` is true, and gives back what it returned.

    What counts is the time in which we looked: a machine that stood still has not waited."""
    waited_s, longest_s, seen = 0.0, 0.0, time.monotonic()
    while not (result := condition()):
        if waited_s > deadline_s:
            raise TimeoutError(f"waited {deadline_s} s in vain: {what} (longest look {longest_s:.1f} s; {_pressure()})")
        time.sleep(0.01)
        now = time.monotonic()
        longest_s = max(longest_s, now - seen)
        waited_s += min(now - seen, LOOK_S)
        seen = now
    return result


def _pressure() -> str:
    """How much the machine has kept its processes waiting lately."""
    lines = [f"{kind} {Path('/proc/pressure', kind).read_text().splitlines()[0]}" for kind in ("cpu", "io")]
    return ", ".join(lines)


def _where_it_stands(process: subprocess.Popen) -> str:
    """What each thread of a process that does not end is waiting for, for whoever reads the failure."""
    told = []
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
        told.append(f"{(thread / 'comm').read_text().strip()} {state} {(thread / 'wchan').read_text()}")
    return "; ".join(told)


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


def local_ports(pid: int, remote_port: int) -> set[int]:
    """The local ports of the process's TCP connections to that port."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            sockets.add(target[len("socket:[") : -1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, remote, _, _, _, _, _, _, inode, *_ = line.split()
            if inode in sockets and int(remote.rpartition(":")[2], 16) == remote_port:
                found.add(int(local.rpartition(":")[2], 16))
    return found


def spawn(command, log: Path, **options) -> subprocess.Popen:
    """Starts a child that a Ctrl-C on our terminal does not reach and that does not outlive us."""

    def end_with_parent():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
            **options,
        )


def stop(process: subprocess.Popen, how: signal.Signals = signal.SIGTERM, deadline_s: float = 60.0) -> int:
    """Asks the process to end, insists when it does not, and returns its exit status."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            wait_until(lambda: process.poll() is not None, f"process {process.pid} ends", deadline_s)
        except TimeoutError as error:
            print(error, _where_it_stands(process), sep="\n")
            process.kill()
    return process.wait()
