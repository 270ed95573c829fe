"""PostgreSQL's libpq_pipeline: each of its tests has a verdict, most also a trace of the protocol to be the same."""

import shutil
import subprocess
import time
from pathlib import Path

from score import Score
from source_tree import SourceTree

FOLDER = "src/test/modules/libpq_pipeline"
ROWS = 700  # what PostgreSQL's own run of it takes
LONGEST_TEST_S = 60


class LibpqPipelineSuite:
    database = "regression"
    results = "."

    def __init__(self, name: str, tree: SourceTree):
        self.name = name
        self.tree = tree
        self.program = tree.build / FOLDER / "libpq_pipeline"
        environment = {"LD_LIBRARY_PATH": str(tree.libpq_folder)}
        listed = subprocess.run([self.program, "tests"], env=environment, capture_output=True, text=True, check=True)
        self.names = listed.stdout.split()

    def tests(self) -> list[str]:
        return self.names

    def choose(self, names: list[str]):
        self.names = names

    def prepare(self, folder: Path):
        self.traces = folder / "traces"
        shutil.copytree(self.tree.source / FOLDER / "traces", self.traces)

    def run(self, environment: dict[str, str], folder: Path, limit_s: float) -> Score:
        score = Score()
        began = time.monotonic()
        for name in self.names:
            left_s = limit_s - (time.monotonic() - began)
            if left_s <= 0:
                score.silent.append(name)
                continue
            self._run_one(name, environment, folder, min(left_s, LONGEST_TEST_S), score)
        score.seconds = time.monotonic() - began
        return score

    def adopt(self, names: list[str], folder: Path):
        for name in names:
            trace = folder / f"{name.removesuffix(' trace')}.trace"
            if name.endswith(" trace") and trace.exists():
                shutil.copy(trace, self.traces)

    def _run_one(self, name: str, environment: dict[str, str], folder: Path, limit_s: float, score: Score):
        trace, expected = folder / f"{name}.trace", self.traces / f"{name}.trace"
        with (folder / f"{name}.log").open("wb") as log:
            command = [self.program, "-r", str(ROWS), "-t", trace, name, f"dbname={self.database}"]
            try:
                status = subprocess.run(command, env=environment, stdout=log, stderr=log, timeout=limit_s).returncode
            except subprocess.TimeoutExpired:
                status = "none in time"
            log.write(f"exit status: {status}\n".encode())
        score.verdicts[name] = "ok" if status == 0 else "failed"
        if expected.exists():
            same = trace.exists() and trace.read_bytes() == expected.read_bytes()
            score.verdicts[f"{name} trace"] = "ok" if same else "failed"
