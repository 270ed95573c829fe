#!/usr/bin/python3
"""The cross-talk hunt: many clients do random things to their sessions on few servers, and check what they are told.

    hunt.py [--clients 200] [--servers 8] [--seconds 300] [--seed N]

BALLAST_BIN names the binary; BALLAST_TARGET=direct hunts on PostgreSQL itself. Ends with 1 and what was wrong, or with
0. Each client's deeds follow from the seed, its number and its turn; what happens between clients is the machine's.
"""

import argparse
import faulthandler
import os
import resource
import secrets
import sys
import threading
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "hunt")]
sys.dont_write_bytecode = True

from poolers import Ballast, Direct, PgBouncer
from postgres import HOST_BASED_AUTHENTICATION, TEST_SETTINGS, Postgres
from quarry import WORLD, Quarry, Shared, Wrong

ACCOUNTS = {"app": "secret"}
PINS = 3  # servers that clients may keep for themselves at a time
THREAD_STACK_BYTES = 1 << 19


def hunt(target, clients: int, servers: int, seconds: float, seed: int) -> tuple[int, list[str]]:
    """How many turns all clients took, and what was wrong."""
    hba = HOST_BASED_AUTHENTICATION + ("host all all all scram-sha-256\n" if target is Direct else "")
    server_settings = TEST_SETTINGS | {"max_connections": str(clients * 2 + 50), "timezone": "UTC"}
    with Postgres(hba=hba, settings=server_settings) as server:
        server.sql("create role app login password 'secret'; create database app owner app")
        server.sql("grant create on schema public to public;" + WORLD, "app")
        settings = {"default_pool_size": servers, "max_client_conn": clients * 3, "query_wait_timeout": 30}
        settings |= {"log_connections": 0, "log_disconnections": 0}
        with target(server, ACCOUNTS, settings) as pooler:
            shared = Shared(pooler.port, ACCOUNTS["app"], seed, min(PINS, servers - 1))
            return chase([Quarry(number, shared) for number in range(clients)], shared, seconds)


def chase(quarries: list[Quarry], shared: Shared, seconds: float) -> tuple[int, list[str]]:
    wrong: list[str] = []

    def live(quarry: Quarry):
        try:
            quarry.live()
        except Wrong as found:
            wrong.append(str(found))
            shared.stop.set()
        except Exception as broken:
            wrong.append(str(quarry.wrong(repr(broken))))
            shared.stop.set()

    threading.stack_size(THREAD_STACK_BYTES)
    threads = [threading.Thread(target=live, args=[quarry], daemon=True) for quarry in quarries]
    for thread in threads:
        thread.start()
    shared.stop.wait(seconds)
    shared.stop.set()
    for thread in threads:
        thread.join()
    return sum(quarry.turn for quarry in quarries), wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--servers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args()
    faulthandler.enable()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    target = {kind.name: kind for kind in (Ballast, PgBouncer, Direct)}[os.environ.get("BALLAST_TARGET", "ballast")]
    turns, wrong = hunt(target, options.clients, options.servers, options.seconds, options.seed)
    who = f"{options.clients} clients on {options.servers} servers"
    print(f"seed {options.seed}: {turns} turns of {who}, {len(wrong)} wrong")
    for found in wrong[:5]:
        print(found)
    return 1 if wrong or not turns else 0


if __name__ == "__main__":
    sys.exit(main())
