"""Sleep and wake of a database whose clients never stop to have something to ask (tests/support/sleepers.py).

    done = await sleep_cycles(lamp, sleepers, "eof", 30)
    done[0].errors
"""

import asyncio
import itertools
from dataclasses import dataclass, field

from lamp import Lamp
from sleepers import Sleepers, Told

KINDS = ("direct_57P01", "eof", "blackhole")
# When the clients ask: while it goes to sleep, when it sleeps, or all the time, without a rest before. What is under
# way when everything falls silent is found out by TCP alone, so that "always" is none of a black hole's.
ARRIVALS = ("stopping", "asleep")
# With these a server connection that rests for a tenth of a second has to show that it is there.
SETTINGS = {"default_pool_size": 5, "server_check_delay": 0.1, "server_check_timeout": 0.3}
REPEATS = 60


@dataclass
class Cycle:
    kind: str
    arrival: str
    told: list[Told] = field(default_factory=list)
    first: Told | None = None  # who asked before all others, where it was known to sleep
    held: int = 0  # the most connects that waited for the database at a time
    connects: int = 0

    @property
    def errors(self) -> list[str]:
        return [f"{told.driver}: {'write' if told.writes else 'read'}: {told.error}" for told in self.told if told.error]

    @property
    def is_known_to_sleep(self) -> bool:
        """Did every idle server connection end before anybody asked? Else Ballast can't know that it is asleep."""
        return self.arrival == "asleep" and self.kind != "blackhole"


async def sleep_cycles(lamp: Lamp, sleepers: Sleepers, kind: str, count: int, arrivals=ARRIVALS) -> list[Cycle]:
    await post(lamp, "/set", suspend_mode=kind)
    await sleepers.go_ahead(writes=True)  # what it reads from then on
    turns = itertools.islice(itertools.cycle(arrivals), count)
    return [await sleep_cycle(lamp, sleepers, Cycle(kind, arrival), bool(turn & 2)) for turn, arrival in enumerate(turns)]


async def sleep_cycle(lamp: Lamp, sleepers: Sleepers, cycle: Cycle, writes_first: bool) -> Cycle:
    before = await state(lamp)
    if cycle.arrival == "always":
        # A write that is under way when its server is gone may have been done, and nobody could hide that. The word that
        # undoes it (57P01) may be lost, where the next write meets a connection that is closed already.
        sleepers.only_reads = True
        asking = asyncio.create_task(sleepers.turn(REPEATS))
        flights = before["client_flights"]
        await until(lamp, lambda seen: seen["client_flights"] > flights + len(sleepers.crowds), cycle)
        await post(lamp, "/suspend")
    else:
        rest_s = SETTINGS["server_check_delay"]
        await until(lamp, lambda seen: seen["now"] > before["now"] + 2 * rest_s, cycle)
        suspending = asyncio.create_task(post(lamp, "/suspend"))
        if cycle.arrival == "stopping":
            # A session that is still there may take a write into its end without a word: that would be in doubt.
            is_silent = cycle.kind == "blackhole"
            await until(lamp, lambda seen: seen["state"] != "ACTIVE" and (is_silent or seen["sessions"] == 0), cycle)
        else:
            await suspending
        first = asyncio.create_task(sleepers.go_ahead(writes_first)) if cycle.is_known_to_sleep else None
        asking = asyncio.create_task(sleepers.turn())
        await suspending
    await until(lamp, lambda seen: asking.done(), cycle)
    cycle.told += asking.result()
    if cycle.is_known_to_sleep:
        cycle.first = await first
        cycle.told.append(cycle.first)
    sleepers.only_reads = False
    cycle.told += await sleepers.turn()
    cycle.connects = (await state(lamp))["logins"] - before["logins"]
    return cycle


async def until(lamp: Lamp, condition, cycle: Cycle):
    """Looks at Neon's state until the condition holds, and at how many connects it holds back meanwhile."""

    def look():
        def seen(state) -> bool:
            if state["state"] in ("IDLE", "STARTING"):
                cycle.held = max(cycle.held, state["held_clients"])
            return condition(state)

        lamp.neon.wait_for(seen, "the clients and the database get on", deadline_s=90)

    await asyncio.to_thread(look)


async def state(lamp: Lamp) -> dict:
    return await asyncio.to_thread(lamp.neon.state)


async def post(lamp: Lamp, path: str, **arguments) -> dict:
    return await asyncio.to_thread(lambda: lamp.neon.post(path, **arguments))
