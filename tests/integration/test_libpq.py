"""libpq's pipeline mode, in C: the program's own checks decide."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def program(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("libpq") / "pipeline"
    includes = subprocess.run(["pg_config", "--includedir"], capture_output=True, text=True, check=True).stdout.strip()
    source = Path(__file__).parent / "libpq_pipeline.c"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", f"-I{includes}", source, "-lpq", "-o", made], check=True)
    return made


@pytest.mark.parametrize("case", ["in_order", "prepared", "error", "flush", "large"])
@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_pipeline(program, pooler, case, sslmode):
    done = subprocess.run([program, pooler.url(sslmode=sslmode), case], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
