"""More than the servers can serve: each statement is answered or told to come again, and its client stays connected."""

import pytest

from surge import Group, Surge

CLIENTS = 40
SERVERS = 2
ROUNDS = 5
HOLD_S = 0.02  # all clients at once hold the servers for 0.4 s
QUEUE = 10

LIMITS = {
    "queue_target": {"queue_target": 0.05},
    "max_queue": {"max_queue": QUEUE},
    "query_wait_timeout": {"query_wait_timeout": 0.05},
    "all": {"queue_target": 0.05, "max_queue": 30, "query_wait_timeout": 0.1, "fair_by": "application_name"},
}


@pytest.mark.parametrize("name", LIMITS)
def test_each_statement_is_answered_or_shed_and_nobody_is_disconnected(start, connect, connections, name):
    pooler = start(auth_type="trust", default_pool_size=SERVERS, **LIMITS[name])
    with Surge(pooler.port, [Group("all", CLIENTS)], HOLD_S, seed=1) as surge:
        told = surge.rounds(ROUNDS)["all"]
        assert (told.disconnects, told.unanswered, dict(told.errors), told.wrong) == (0, 0, {}, [])
        assert len(told.answered_s) + len(told.shed_s) == CLIENTS * ROUNDS
        assert told.answered_s and told.shed_s
        assert connections(pooler) <= SERVERS
        assert connect(pooler).value("select 1") == "1"  # and when it is over, all is as before


def test_who_has_priority_is_served_while_others_are_shed(start):
    pooler = start(auth_type="trust", default_pool_size=SERVERS, max_queue=QUEUE)
    high = Group("high", QUEUE, startup={"options": "-c ballast.priority=high"})
    with Surge(pooler.port, [Group("others", CLIENTS - QUEUE), high], HOLD_S, seed=1) as surge:  # others come first
        told = surge.rounds(ROUNDS)
        assert (told["high"].shed_s, len(told["high"].answered_s)) == ([], QUEUE * ROUNDS)
        assert told["others"].shed_s
        assert not told["others"].errors and not told["others"].disconnects
