"""What the suites need of a tree of PostgreSQL's sources, built outside of it and kept for the next time."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = [
    "src/interfaces/libpq",
    "src/bin/psql",
    "src/test/regress",
    "src/test/isolation",
    "src/test/modules/libpq_pipeline",
]
CONFIGURE = ["--without-readline", "--without-zlib", "--with-ssl=openssl", "--quiet"]
# A release has what these make; a checkout has not. configure takes the variables too.
GENERATORS = {"FLEX": "flex", "BISON": "bison"}


class SourceTree:
    def __init__(self, source: Path, cache: Path):
        self.source = source.resolve()
        configure = self.source / "configure"
        if not configure.is_file():
            sys.exit(f"{source} is no tree of PostgreSQL's sources: it has no configure")
        self.version = re.search(r"^PACKAGE_VERSION='(.*)'", configure.read_text(), re.MULTILINE)[1]
        place = hashlib.sha256(str(self.source).encode()).hexdigest()[:12]
        self.build = cache / f"postgresql-{self.version}-{place}"

    @property
    def psql_folder(self) -> Path:
        return self.build / "src/bin/psql"

    @property
    def libpq_folder(self) -> Path:
        return self.build / "src/interfaces/libpq"

    def make(self):
        """Does nothing much when all is there and newer than its sources."""
        self._require_generators()
        self.build.mkdir(parents=True, exist_ok=True)
        log = self.build / "conformance.log"
        log.write_text("")
        if not (self.build / "GNUmakefile").exists():
            print(f"configuring PostgreSQL {self.version} in {self.build}", flush=True)
            self._run([self.source / "configure", *CONFIGURE], log)
        for folder in NEEDED:
            self._run(["make", "-s", f"-j{os.cpu_count()}", "-C", folder], log)

    def _run(self, command: list, log: Path):
        with log.open("a") as output:
            done = subprocess.run(command, cwd=self.build, stdout=output, stderr=subprocess.STDOUT, timeout=1800)
        if done.returncode:
            end = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:])
            sys.exit(f"{end}{' '.join(map(str, command))} failed, see {log}")

    def _require_generators(self):
        if (self.source / "src/fe_utils/psqlscan.c").exists():
            return
        missing = [name for variable, name in GENERATORS.items() if not shutil.which(os.environ.get(variable, name))]
        if missing:
            sys.exit(f"{self.source} is no release but a checkout, which needs {' and '.join(missing)} to be built")
