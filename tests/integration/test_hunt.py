"""Twenty seconds of the cross-talk hunt (tests/hunt/hunt.py): nobody finds another's state, nobody loses its own."""

import subprocess
import sys
from pathlib import Path

HUNT = Path(__file__).resolve().parents[1] / "hunt" / "hunt.py"


def test_two_hundred_clients_on_eight_servers():
    command = [sys.executable, "-B", HUNT, "--clients", "200", "--servers", "8", "--seconds", "20", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
