"""A suite that pg_regress or pg_isolation_regress runs by a schedule, comparing outputs with expected files.

The scripts and expected files are copied to a folder that the server's account can read: the server loads data and
libraries from there, and the output of a direct run may join the expected files (`adopt`).
"""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import processes
from score import Score
from source_tree import SourceTree

VERDICT = re.compile(r"^(?:test|    ) (\S+) +\.\.\. (ok|FAILED|failed \(ignored\))")
VERDICTS = {"ok": "ok", "FAILED": "failed", "failed (ignored)": "ignored"}
MOST_ALTERNATIVES = 10  # pg_regress looks for NAME_0.out to NAME_9.out


class RegressSuite:
    folder = "src/test/regress"
    program = "pg_regress"
    schedule = "parallel_schedule"
    parts = ["sql", "expected", "data"]
    results = "results"
    database = "regression"

    def __init__(self, name: str, tree: SourceTree):
        self.name = name
        self.tree = tree
        self.source = tree.source / self.folder
        self.groups = self._groups()
        self.serial = False

    def tests(self) -> list[str]:
        return [test for kind, tests in self.groups if kind == "test" for test in tests]

    def choose(self, names: list[str]):
        """Only these, and what they need."""
        needed = self._needed_by(names)
        chosen = [(kind, [test for test in tests if test in needed]) for kind, tests in self.groups]
        self.groups = [(kind, tests) for kind, tests in chosen if tests]

    def prepare(self, folder: Path):
        self.input = folder / "input"
        self.libraries = folder / "libraries"
        self.libraries.mkdir(parents=True)
        for part in self.parts:
            shutil.copytree(self.source / part, self.input / part)
        for library in (self.tree.build / self.folder).glob("*.so"):
            shutil.copy(library, self.libraries)
        lines = [f"{kind}: {' '.join(tests)}\n" for kind, tests in self.groups]
        (self.input / "schedule").write_text("".join(lines))
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)

    def run(self, environment: dict[str, str], folder: Path, limit_s: float) -> Score:
        command = [self.tree.build / self.folder / self.program, "--use-existing", f"--dbname={self.database}"]
        command += [f"--inputdir={self.input}", f"--outputdir={folder}", f"--schedule={self.input / 'schedule'}"]
        command += [f"--bindir={self.tree.psql_folder}", f"--dlpath={self.libraries}"]
        command += ["--max-connections=1"] if self.serial else []
        log = folder / "pg_regress.log"
        began = time.monotonic()
        process = processes.spawn(command, log, cwd=folder, env=environment)
        status = _finish(process, limit_s)
        score = self._read(log)
        score.seconds = time.monotonic() - began
        if status is None:
            score.troubles.append(f"not finished after {limit_s:.0f} s")
        elif status and not score.failed:
            score.troubles.append(f"{self.program} ended with {status}, see {log}")
        return score

    def adopt(self, names: list[str], folder: Path):
        """Lets the outputs of that run count as expected ones too."""
        for name in names:
            alternatives = (self.input / "expected" / f"{name}_{i}.out" for i in range(MOST_ALTERNATIVES))
            output = folder / self.results / f"{name}.out"
            if output.exists():
                shutil.copy(output, next(path for path in alternatives if not path.exists()))

    def _groups(self) -> list[tuple[str, list[str]]]:
        """The schedule's lines: "test", or "ignore" for tests that may fail, and their names."""
        lines = (self.source / self.schedule).read_text().splitlines()
        split = [line.partition(":") for line in lines if re.match(r"(test|ignore):", line)]
        return [(kind, names.split()) for kind, _, names in split]

    def _needed_by(self, names: list[str]) -> set[str]:
        """The schedule says in its comments who depends on whom; all may need test_setup and create_index."""
        text = (self.source / self.schedule).read_text()
        said = re.findall(r"^# .*?(\w+) depends on ([\w, ]+)$", text, re.MULTILINE)
        dependencies = {name: re.findall(r"\w+", others) for name, others in said}
        needed: set[str] = set()
        waiting = [*names, "test_setup", "create_index"]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += dependencies.get(name, [])
        return needed

    def _read(self, log: Path) -> Score:
        score = Score()
        for line in log.read_text(errors="replace").splitlines():
            if found := VERDICT.match(line):
                score.verdicts[found[1]] = VERDICTS[found[2]]
        score.silent = [test for test in self.tests() if test not in score.verdicts]
        return score


def _finish(process: subprocess.Popen, limit_s: float) -> int | None:
    """Its exit status; none when it had to be ended, with all that it had started."""
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # a session of its own: processes.spawn
            process.wait()


class IsolationSuite(RegressSuite):
    """Its tester asks the server who waits for whom by the process ids that clients were given: through any pooler
    that shares servers most of it fails."""

    folder = "src/test/isolation"
    program = "pg_isolation_regress"
    schedule = "isolation_schedule"
    parts = ["specs", "expected"]
    database = "isolation_regression"
