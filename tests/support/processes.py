"""Ports, waiting and child processes: what every server that the tests start has in common."""

import ctypes
import signal
import socket
import subprocess
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def free_port() -> int:
    """A port that was free a moment ago; whoever uses it must be ready to ask for another."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(condition, what: str, deadline_s: float = 30.0):
    """Polls until `condition()` is true, and gives back what it returned."""
    end = time.monotonic() + deadline_s
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline_s} s in vain: {what}")
        time.sleep(0.01)
    return result


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


def stop(process: subprocess.Popen, how: signal.Signals = signal.SIGTERM, deadline_s: float = 20.0) -> int:
    """Asks the process to end, insists when it does not, and returns its exit status."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
