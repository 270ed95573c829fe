"""A root file system in a folder, and commands that run in it with chroot.

    root = Root.bootstrap(folder, mirror)
    other = root.copy(another_folder)
    other.run(["apt-get", "update"])
    process = other.spawn(Account(10001, 10001), ["/usr/bin/ballast"], environment, log, writable=["/var/lib/ballast"])

What is mounted for a command is seen by that command alone and gone with it: a mount namespace each.
"""

import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import processes

SUITE = "bookworm"
SOURCES = Path("/etc/apt/sources.list.d")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLEAN = {"PATH": PATH, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}

# As in the images that Debian makes for Docker: what was installed is not kept a second time.
NO_CACHE = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
Dir::Cache { pkgcache ""; srcpkgcache ""; };
"""


@dataclass(frozen=True)
class Account:
    uid: int = 0
    gid: int = 0


def sources() -> list[Path]:
    """What tells this machine's apt where Debian's packages are."""
    found = [path for path in (Path("/etc/apt/sources.list"), *SOURCES.glob("*")) if _is_debian(path)]
    if not found:
        raise SystemExit(f"this machine has no apt sources for {SUITE}")
    return found


def mirror() -> str:
    """The first address in them."""
    for line in sources()[0].read_text().splitlines():
        words = line.split()
        if words and words[0] in ("URIs:", "deb"):
            return next(word for word in words[1:] if "://" in word)
    raise SystemExit(f"{sources()[0]} names no address")


def _is_debian(path: Path) -> bool:
    if not path.is_file() or path.suffix not in (".list", ".sources"):
        return False
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    return any(SUITE in line.split() for line in lines)


def run(words: list[str]) -> subprocess.CompletedProcess:
    """To its end, with its output and its errors in one text."""
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(words, stdin=subprocess.DEVNULL, text=True, **both)


class Root:
    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def bootstrap(cls, folder: Path) -> "Root":
        command = ["debootstrap", "--variant=minbase", SUITE, folder, mirror()]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"debootstrap: {done.stdout[-2000:]}{done.stderr}")
        root = cls(folder)
        (folder / "etc/apt/sources.list").unlink(missing_ok=True)
        for path in sources():
            shutil.copy(path, folder / "etc/apt" / path.relative_to("/etc/apt"))
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        (folder / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")  # as any container is given one
        (folder / "etc/apt/apt.conf.d/no-cache").write_text(NO_CACHE)
        root.run(["sh", "-c", "apt-get clean && rm -rf /var/lib/apt/lists/*"])
        return root

    @classmethod
    def empty(cls, folder: Path) -> "Root":
        folder.mkdir()
        return cls(folder)

    def copy(self, folder: Path) -> "Root":
        subprocess.run(["cp", "-a", "--reflink=auto", self.folder, folder], check=True)
        return Root(folder)

    def path(self, inside: str) -> Path:
        return self.folder / inside.lstrip("/")

    def run(self, command: list[str], environment={}, account=Account(), folder="/", mounts={}) -> str:
        """Its output; raises with it when the command fails."""
        words = self._command(command, CLEAN | environment, account, folder, mounts, writable=None)
        done = run(words)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}")
        return done.stdout

    def spawn(self, account: Account, command, environment, log: Path, mounts={}, writable=[], folder="/"):
        """A process without privileges that can't write but below `writable` and in an empty /tmp."""
        words = self._command(command, {"PATH": PATH} | environment, account, folder, mounts, writable)
        return processes.spawn(words, log)

    def _command(self, command, environment, account, folder, mounts, writable) -> list[str]:
        """`mounts`: what of this machine (value) is where in the root (key). `writable`: None for everything."""
        root = shlex.quote(str(self.folder))
        steps = [f"mount --bind {root} {root}", f"mount --rbind /dev {root}/dev"]  # /dev/pts with it
        for inside, outside in mounts.items():
            place = self.path(inside)
            assert place.resolve().is_relative_to(self.folder.resolve()), f"{inside} leads out of the root"
            is_folder = Path(outside).is_dir()
            steps.append(f"mkdir -p {shlex.quote(str(place if is_folder else place.parent))}")
            if not is_folder:
                steps.append(f"touch {shlex.quote(str(place))}")
            steps.append(f"mount --bind {shlex.quote(str(outside))} {shlex.quote(str(place))}")
        if writable is not None:
            steps.append(f"mount -o remount,ro,bind {root}")
            steps.append(f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp")
            for inside in writable:
                place = shlex.quote(str(self.path(inside)))
                steps.append(f"mount --bind {place} {place} && mount -o remount,rw,bind {place}")
        steps.append(f"mount -t proc proc {root}/proc")
        settings = [f"{name}={value}" for name, value in environment.items()]
        drop = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
        if writable is not None:
            drop += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        inner = ["chroot", str(self.folder), "env", "-i", "-C", folder, *settings, *drop, *command]
        steps.append("exec " + shlex.join(str(word) for word in inner))
        return ["unshare", "--mount", "sh", "-ec", "\n".join(steps)]
