"""Hashes, and how many are made at a time."""

import asyncio

import pytest
from chatbot import passwords
from chatbot.passwords import Passwords, TooBusy


@pytest.fixture
def hashing():
    made = Passwords()
    yield made
    made.close()


def test_a_hash_is_argon2id_and_salted(hashing):
    one, other = (asyncio.run(hashing.hash("a good secret")) for _ in range(2))
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and one != other


def test_only_the_right_password_matches(hashing):
    hash = asyncio.run(hashing.hash("a good secret"))
    assert asyncio.run(hashing.matches(hash, "a good secret"))
    assert not asyncio.run(hashing.matches(hash, "a good secreT"))
    assert not asyncio.run(hashing.matches("no hash", "a good secret"))


def test_nobody_has_a_password_but_is_compared_with_one(hashing, monkeypatch):
    compared = []
    verify = hashing._verify
    monkeypatch.setattr(hashing, "_verify", lambda *given: compared.append(given) or verify(*given))
    assert not asyncio.run(hashing.matches(None, "nobody's"))
    assert len(compared) == 1


def test_the_loop_goes_on_while_a_hash_is_made(hashing):
    async def turns() -> int:
        hash, count = asyncio.ensure_future(hashing.hash("a good secret")), 0
        while not hash.done():
            await asyncio.sleep(0)
            count += 1
        return count

    assert asyncio.run(turns()) > 10


def test_who_would_wait_behind_too_many_is_told_so(hashing, monkeypatch):
    monkeypatch.setattr(passwords, "MOST_WAITING", 2)

    async def three():
        return await asyncio.gather(*(hashing.hash("a good secret") for _ in range(3)), return_exceptions=True)

    told = asyncio.run(three())
    assert [type(each) for each in told] == [str, str, TooBusy]
    assert asyncio.run(hashing.hash("later"))
