"""The status page, in a headless Chromium."""

import os
import re
import subprocess

from processes import free_port, wait_until
from wire import query


def test_status_page(node_modules, start, connect, tmp_path):
    port = free_port()
    pooler = start(http_port=port, http_token="s3cret", default_pool_size=3)
    pinned, plain = connect(pooler), connect(pooler)
    pinned.ask(query("create temp table kept (id int)"))
    for _ in range(20):
        plain.ask(query("select 1"))
    shots = os.environ.get("BALLAST_SHOTS", str(tmp_path))
    environment = os.environ | {"PAGE": f"http://127.0.0.1:{port}/", "TOKEN": "s3cret", "SHOTS": shots}
    command = ["node", "--test", "--test-reporter=tap", "status_page.test.mjs"]
    done = subprocess.run(command, cwd=node_modules, env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)[1]) == 5
