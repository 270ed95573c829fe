"""What can happen to a Neon under load (tests/support/lamp.py), each followed by what ends it.

    happen(lamp, "black hole", dice, ledger)
"""

import random

from lamp import Lamp
from ledger import Ledger
from processes import wait_until

# Upstream parameters and settings with which what is silent is found out in a second or two.
URL = {"tcp_user_timeout": "1000", "keepalives_idle": "1", "keepalives_interval": "1", "keepalives_count": "2"}
SETTINGS = {"default_pool_size": 6, "server_login_retry": 0.3, "server_connect_timeout": 3}


def kill(lamp: Lamp, dice: random.Random, ledger: Ledger):
    lamp.neon.post("/kill", how=dice.choice(["reset", "eof"]))


def restart(lamp: Lamp, dice: random.Random, ledger: Ledger):
    lamp.neon.set(suspend_mode=dice.choice(["direct_57P01", "eof"]))
    lamp.neon.post("/restart")


def crash(lamp: Lamp, dice: random.Random, ledger: Ledger):
    lamp.neon.post("/crash")


def black_hole(lamp: Lamp, dice: random.Random, ledger: Ledger):
    lamp.neon.set(suspend_mode="blackhole")
    lamp.neon.post("/restart")


def refuse(lamp: Lamp, dice: random.Random, ledger: Ledger):
    """Nobody answers at its port, and who was connected is not any more."""
    logged = len(lamp.pooler.log_text())
    lamp.neon.set(refuse="reset")
    lamp.neon.post("/kill", how="reset")
    lamp.neon.wait_for(lambda state: state["sessions"] == 0, "all are gone")
    wait_until(lambda: "refused" in lamp.pooler.log_text()[logged:].lower(), "a connect has failed")
    lamp.neon.set(refuse="off")


def slow(lamp: Lamp, dice: random.Random, ledger: Ledger):
    lamp.neon.set(rtt_ms=80, jitter_ms=20)
    ledger.wait_for_progress(10)
    kill(lamp, dice, ledger)
    ledger.wait_for_progress(10)
    lamp.neon.set(rtt_ms=0, jitter_ms=0)


MISHAPS = {"kill": kill, "restart": restart, "crash": crash, "black hole": black_hole, "refuse": refuse, "slow": slow}


def happen(lamp: Lamp, name: str, dice: random.Random, ledger: Ledger):
    """The mishap, under load, and back to where all is well."""
    ledger.wait_for_progress(dice.randint(5, 40))
    MISHAPS[name](lamp, dice, ledger)
    ledger.wait_for_progress(10)
