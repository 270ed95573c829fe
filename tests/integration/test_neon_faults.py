"""What goes wrong under load loses no transaction, repeats none, and does none that was refused."""

import random

import pytest

from lamp import Lamp
from ledger import TABLE, Ledger
from mishaps import MISHAPS, SETTINGS, URL, happen

CLIENTS = 12
TURNS = {"black hole": 1, "slow": 1}
SEED = 7


@pytest.mark.parametrize("name", MISHAPS)
def test_every_acknowledged_transaction_is_there_once_and_no_refused_one(neon_server, name):
    neon_server.sql(TABLE, "app")
    dice = random.Random(SEED)
    with Lamp(neon_server, {}, SETTINGS, **URL) as lamp, Ledger(lamp.pooler, CLIENTS, SEED) as ledger:
        for _ in range(TURNS.get(name, 4)):
            happen(lamp, name, dice, ledger)
    lines = neon_server.sql("select id, part from ledger", "app").splitlines()
    assert ledger.broken == []
    assert ledger.check([tuple(map(int, line.split("|"))) for line in lines]) == []
    assert ledger.count("done") > 0
