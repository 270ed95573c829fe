"""The chatbot as it is meant to run: a process of its own, Ballast, and a Neon that sleeps (tests/neon)."""

import os
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
os.environ["NO_PROXY"] = "*"
ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "deploy" / "chatbot")]

from chatbot_process import Chatbot, FakeLlm, init_db
from lamp import Lamp
from neon import ROLES, NeonPostgres
from visitor import Visitor

SERVERS = 5
QUICK = {"server_login_retry": 0.2, "server_connect_timeout": 2, "default_pool_size": SERVERS}


@pytest.fixture(scope="session")
def server():
    with NeonPostgres() as postgres:
        postgres.sql(ROLES)
        yield postgres


@pytest.fixture(scope="session")
def lamp(server):
    with Lamp(server, {"wake_ms": 200}, QUICK, tcp_user_timeout="1000") as lamp:
        done = init_db(lamp.pooler.url())
        assert done.returncode == 0, done.stderr
        yield lamp


@pytest.fixture(scope="session")
def llm():
    with FakeLlm() as llm:
        yield llm


@pytest.fixture(scope="session")
def chatbot(lamp):
    """Without an LLM."""
    with Chatbot(lamp.pooler.url()) as chatbot:
        yield chatbot


@pytest.fixture(scope="session")
def talker(lamp, llm):
    """With an LLM."""
    with Chatbot(lamp.pooler.url(), CHATBOT_LLM_URL=llm.url, CHATBOT_LLM_KEY="a key") as chatbot:
        yield chatbot


@pytest.fixture
def guest(chatbot):
    """Nobody yet."""
    with Visitor(chatbot.url) as visitor:
        yield visitor


@pytest.fixture
def visitor(guest):
    """Registered and logged in."""
    return guest.come_in()
