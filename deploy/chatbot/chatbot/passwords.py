"""Passwords, as Argon2id hashes. To make one is slow on purpose: it is done in threads, and by few at a time.

    hash = await passwords.hash("a good secret")
    await passwords.matches(hash, "a good secret")
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHash

# OWASP's cheat sheet for password storage: 19 MiB, two passes, one thread.
MEMORY_KIB = 19 * 1024
PASSES = 2
AT_ONCE = 2
MOST_WAITING = 200


class TooBusy(Exception):
    """So many are logging in that one more would wait too long."""


class Passwords:
    def __init__(self):
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody's")

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, password)

    async def matches(self, hash: str | None, password: str) -> bool:
        """Takes as long for a user who does not exist (None): who asks can't find out who does."""
        is_right = await self._run(self._verify, hash or self._nobodys, password)
        return is_right and hash is not None

    def close(self):
        self._threads.shutdown(wait=False)

    def _verify(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (Argon2Error, InvalidHash):
            return False

    async def _run(self, function, *arguments):
        if self._waiting >= MOST_WAITING:
            raise TooBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        finally:
            self._waiting -= 1
