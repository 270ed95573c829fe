"""node's `pg` and `postgres` from npm. Each file has tests of its own, run by node's test runner."""

import os
import re
import subprocess

import pytest


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("driver", ["pg", "postgres"])
def test_driver(node_modules, pooler, server, driver, tls):
    url = pooler.url(host="localhost").partition("?")[0]
    environment = os.environ | {"APP_URL": url, "APP_CA": server.root_certificate.read_text() if tls else ""}
    environment["NODE_OPTIONS"] = "--dns-result-order=ipv4first"  # node 18 takes localhost for ::1 and nothing else
    command = ["node", "--test", "--test-reporter=tap", f"{driver}.test.mjs"]
    done = subprocess.run(command, cwd=node_modules, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)[1]) > 0
