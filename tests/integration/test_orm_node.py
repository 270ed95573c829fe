"""drizzle-orm, knex and typeorm: forty tenants on four servers. Each has its own tests, run by node's test runner."""

import json
import os
import re
import subprocess
from dataclasses import asdict

import pytest

from tenants import SERVERS, SETTINGS, TENANTS, TURNS, Servers, Tenant, schemas


@pytest.fixture
def pooler(start, server):
    server.sql(schemas(), "app")
    return start(default_pool_size=SERVERS, query_wait_timeout=15)


def told(tenant: Tenant) -> dict:
    properties = ("schema", "zone", "options", "changes", "settings")
    return asdict(tenant) | {name: getattr(tenant, name) for name in properties}


@pytest.mark.parametrize("orm", ["drizzle", "knex", "typeorm"])
def test_forty_tenants(node_modules, pooler, orm):
    world = {
        "url": pooler.url().partition("?")[0],
        "tenants": [told(Tenant(number)) for number in range(TENANTS)],
        "turns": TURNS,
        "settings": SETTINGS,
    }
    command = ["node", "--test", "--test-reporter=tap", f"{orm}.test.mjs"]
    environment = os.environ | {"TENANTS": json.dumps(world)}
    done = subprocess.run(command, cwd=node_modules, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = int(re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)[1])
    everybody = re.findall(r"SEEN (\[.*\])", done.stdout)
    assert len(everybody) == passed > 0
    for seen in everybody:
        servers = Servers()
        for pid, number in json.loads(seen):
            servers.note(pid, Tenant(number))
        servers.check_that_all_were_shared(pooler)
