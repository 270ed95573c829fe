"""The parts of the proof. Each makes a scene, lets users live in it, and says what it found.

    Proof(options, folder).run(["headline", "burst"])    # 1 if anything is wrong
"""

import argparse
import asyncio
import csv
import json
import time
from dataclasses import astuple, fields
from pathlib import Path

import mishaps
import report
from figures import Watch, percentile
from scenes import SERVERS, WAKE_MS, WAYS, Scene, a_quarter_cu
from users import MESSAGES, Request, Users

P95_MS = 200
FIRST_ANSWERS_MS = WAKE_MS + 300
IMPATIENT_URL = mishaps.URL  # tests/support/mishaps.py
IMPATIENT = {"server_login_retry": 0.3, "server_connect_timeout": 3}
REFUSES_FOR_S = 4
REST_S = 12  # between two mishaps
SETTLED_S = 5  # after a mishap's end, of which what follows is measured
FEW_SERVERS = 3
# So far away that three connections are too few for a load that the chatbot has processor enough for: 3 / 17 ms are 176
# statements a second, and 400 users who think half as long again ask for 190. Who waits, waits in Ballast, which sheds.
EXHAUSTED = {"default_pool_size": FEW_SERVERS, "queue_target": 0.04}
EXHAUSTED_CHATBOT = {"CHATBOT_POOL_SIZE": 40, "CHATBOT_POOL_TIMEOUT": 0.1}
EXHAUSTED_RTT_MS = 15
EXHAUSTED_THINKS = 1.5
SHORT = {"users": 24, "think": (0.3, 0.9), "seconds": 5.0, "rest_s": 2.0}
KINDS = ("log in", "list", "read", "ask", "ask anew")


class Proof:
    def __init__(self, given: argparse.Namespace, folder: Path):
        self.short = given.short
        self.users = SHORT["users"] if given.short else given.users
        self.think = SHORT["think"] if given.short else tuple(given.think)
        self.seconds = SHORT["seconds"] if given.short else given.seconds
        self.rest_s = SHORT["rest_s"] if given.short else REST_S
        self.seed = given.seed
        self.ways = given.way or list(WAYS)
        self.folder = folder
        self.passed = self.failed = 0
        self.pages: list[report.Page] = []

    def run(self, parts: list[str]) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        with a_quarter_cu() as self.server:
            for part in parts:
                getattr(self, part)()
        report.write(self.folder / "report.html", self.pages)
        print(f"\nreport: {self.folder / 'report.html'}\n{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0

    def check(self, is_so: bool, what: str):
        self.passed, self.failed = self.passed + is_so, self.failed + (not is_so)
        print(f"{'ok   ' if is_so else 'WRONG'} {what}", flush=True)
        if self.pages:
            self.pages[-1].checks.append((is_so, what))

    def fast(self, is_so: bool, what: str):
        """A check of how fast it was. The short form does not judge that: it runs beside other things."""
        if not self.short:
            self.check(is_so, what)

    def page(self, title: str):
        print(f"\n== {title}", flush=True)
        self.pages.append(report.Page(title))

    # The headline

    def headline(self):
        thought = f"a thought takes {self.think[0]:g} to {self.think[1]:g} s"
        self.page(f"Headline: {self.users} users, {self.seconds:g} s, {thought}")
        columns, series = {}, {}
        for way in ["ballast"] if self.short else self.ways:
            users, watch, trips = self._live_on(way)
            columns[WAYS[way].title] = self._figures(users, watch, trips)
            series[WAYS[way].title] = users.seen
            if way == "ballast":
                self._judge_headline(users, watch)
                title = "Each request through Ballast"
                plot = report.timeline(title, users.seen, watch.sessions, [], users.probed)
                self.pages[-1].plots.append(plot)
        self.pages[-1].plots.append(report.shares("Share of requests answered within", series, P95_MS))
        self.pages[-1].tables.append(columns)
        report.show(columns)

    def _live_on(self, way: str) -> tuple[Users, Watch, dict[str, float]]:
        async def live(scene: Scene) -> tuple[Users, Watch, dict[str, float]]:
            async with Users(scene.chatbot.port, self.users, self.seed) as users:
                trips = await self._trips(scene, users)
                users.seen.clear()
                with Watch(scene.neon, scene.processes) as watch:
                    users.began = watch.began
                    await users.live(self.seconds, self.think)
            return users, watch, trips

        with Scene(way, self.server) as scene:
            users, watch, trips = asyncio.run(live(scene))
            self._save(f"headline-{way}", users.seen, scene)
        return users, watch, trips

    async def _trips(self, scene: Scene, users: Users, times: int = 5) -> dict[str, float]:
        """Flights to the database for a request of each kind, when one user is alone.

        A flight is what arrives at once. PgBouncer 1.25 writes a Bind by itself, then what follows it: two flights, but
        one round trip.
        """
        user, trips = users.all[0], {}
        for _ in range(3):  # statements are prepared, and Ballast has seen them
            for kind in KINDS:
                await users.do(user, kind)
        for kind in KINDS:
            before = await asyncio.to_thread(scene.neon.state)
            for _ in range(times):
                await users.do(user, kind)
            after = await asyncio.to_thread(scene.neon.state)
            trips[kind] = (after["client_flights"] - before["client_flights"]) / times
        return trips

    def _judge_headline(self, users: Users, watch: Watch):
        statuses = users.statuses()
        self.check(set(statuses) == {200}, f"no error in {len(users.seen)} requests: {dict(statuses)}")
        p95 = percentile([request.took_ms for request in users.seen], 95)
        self.fast(p95 < P95_MS, f"p95 is {p95:.0f} ms, below {P95_MS} ms")
        self.check(watch.most <= SERVERS, f"{watch.most} server connections at most, {SERVERS} are allowed")
        self._judge_ledger(users)

    def _judge_ledger(self, users: Users):
        rows = [json.loads(line) for line in self.server.sql(MESSAGES, "app").splitlines()]
        wrong = users.wrong(rows)
        told = sum(told.answer is not None for user in users.all for told in user.told.values())
        asked = sum(len(user.told) for user in users.all)
        counted = f"{asked} questions, {told} answers given, {len(rows)} messages kept"
        self.check(not wrong, f"{counted}: none is lost or doubled")
        for each in wrong[:5]:
            print(f"      {each}")

    def _figures(self, users: Users, watch: Watch, trips: dict[str, float] | None = None) -> dict[str, str]:
        good = [request.took_ms for request in users.seen if request.status in (200, 201)]
        shown = {"requests": f"{len(users.seen)}", "requests/s": f"{len(users.seen) / watch.seconds:.1f}"}
        shown |= {f"p{percent} ms": _ms(percentile(good, percent)) for percent in (50, 90, 95, 99, 100)}
        for kind in KINDS:
            these = [request.took_ms for request in users.seen if request.kind == kind and request.status in (200, 201)]
            shown[f"p95 of {kind!r}"] = _ms(percentile(these, 95))
        statuses = users.statuses()
        shown["errors"] = str(sum(count for status, count in statuses.items() if status not in (200, 201, 503)))
        shown["503"] = str(statuses[503])
        shown["server connections, most"] = str(watch.most)
        shown["logins at the database"] = str(watch.after["logins"])
        shown["wakes"] = str(watch.gained("wakes"))
        shown["flights to the database/request"] = f"{watch.gained('client_flights') / max(len(users.seen), 1):.2f}"
        for kind, count in (trips or {}).items():
            shown[f"flights for {kind!r}"] = f"{count:.1f}"
        for name in ("chatbot", "pooler", "neonsim", "PostgreSQL", "users", "whole machine"):
            shown[f"processor: {name}"] = f"{watch.cpu[name]:.0%}" if name in watch.cpu else "-"
        shown["users were late, p95 ms"] = _ms(percentile(users.late_ms, 95))
        for percent in (50, 95, 99, 100):
            shown[f"without the database, p{percent} ms"] = _ms(percentile([ms for _, ms in users.probed], percent))
        return shown

    def _save(self, name: str, seen: list[Request], scene: Scene):
        (self.folder / f"{name}.log").write_text(scene.chatbot.log_text())
        with (self.folder / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow([each.name for each in fields(Request)])
            rows.writerows(astuple(request) for request in seen)

    # Mishaps

    def mishaps(self):
        self.page(f"Mishaps: {self.users} users, and a database that has its moods")
        scene = Scene("ballast", self.server, IMPATIENT, IMPATIENT_URL)
        happened: list[tuple[str, float, float]] = []
        with scene:
            users, watch, wakes = asyncio.run(self._live_through(scene, happened))
            self._save("mishaps-ballast", users.seen, scene)
        title = "Each request, and each mishap"
        plot = report.timeline(title, users.seen, watch.sessions, happened, users.probed)
        self.pages[-1].plots.append(plot)
        statuses = users.statuses()
        self.check(set(statuses) <= {200, 503}, f"requests waited or got a clean 503: {dict(statuses)}")
        self.check(watch.most <= SERVERS, f"{watch.most} server connections at most, {SERVERS} are allowed")
        self._judge_ledger(users)
        for (name, began, end), (_, next_began, _) in zip(happened, happened[1:] + [("", watch.seconds, 0)]):
            self._judge_mishap(name, began, end, next_began, users, wakes[name])
        columns = {"Ballast": self._figures(users, watch)}
        self.pages[-1].tables.append(columns)
        report.show(columns)

    def _judge_mishap(self, name: str, began: float, end: float, until: float, users: Users, wakes: int):
        self.check(wakes <= 1, f"{name}: {wakes} wakes")
        sent = [request for request in users.seen if began <= request.at_s < until]
        refused = [request for request in sent if request.status == 503]
        waited = [request for request in sent if request.status == 200 and request.took_ms > 1000]
        over = max([request.at_s + request.took_ms / 1000 for request in refused + waited], default=end)
        print(f"      {name}: {end - began:.1f} s long; {len(waited)} waited for more than a second,")
        print(f"      {len(refused)} got 503, the last of them {max(over - end, 0):.1f} s after its end")
        later = [request for request in users.seen if end + self._settled_s() <= request.at_s < until]
        p95 = percentile([request.took_ms for request in later], 95)
        is_normal = later and all(request.status == 200 for request in later)
        after = f"from {self._settled_s():g} s after it on"
        self.check(bool(is_normal), f"{name}: {after} all is well ({len(later)} requests)")
        self.fast(p95 is not None and p95 < P95_MS, f"{name}: p95 is {_ms(p95)} ms again")

    def _settled_s(self) -> float:
        return self.rest_s / 2 if self.short else SETTLED_S

    async def _live_through(self, scene: Scene, happened: list) -> tuple[Users, Watch, dict[str, int]]:
        wakes: dict[str, int] = {}

        def happen(began: float):
            for name, mishap in MISHAPS.items():
                time.sleep(self.rest_s)
                before = scene.neon.state()["wakes"]
                start = time.monotonic() - began
                mishap(scene, users)
                happened.append((name, start, time.monotonic() - began))
                wakes[name] = -before
                time.sleep(self.rest_s)
                wakes[name] += scene.neon.state()["wakes"]

        async with Users(scene.chatbot.port, self.users, self.seed) as users:
            with Watch(scene.neon, scene.processes) as watch:
                users.began = watch.began
                happening = asyncio.create_task(asyncio.to_thread(happen, watch.began))
                while not happening.done():
                    await users.live(self.rest_s, self.think)
                await happening
        return users, watch, wakes

    # A burst

    def burst(self):
        self.page(f"Burst: from 0 to {self.users} users, and the database sleeps")
        shown, series = {}, {}
        with Scene("ballast", self.server) as scene:
            # A page that is opened asks for the list. Whoever asks all at once has his turn in each of several steps: the
            # first answer comes late, when all have had their first turns. That is told, but no goal.
            for kind in ("list", "ask anew"):
                users, watch = asyncio.run(self._burst(scene, kind))
                series[kind] = users.seen
                self._save(f"burst-{kind.replace(' ', '-')}", users.seen, scene)
                ends = sorted(request.took_ms for request in users.seen)
                self.check(users.statuses() == {200: self.users}, f"{kind}: no error: {dict(users.statuses())}")
                self.check(watch.gained("wakes") == 1, f"{kind}: {watch.gained('wakes')} wake")
                self.check(watch.most <= SERVERS, f"{kind}: {watch.most} server connections at most")
                if kind == "list":
                    first = f"the first answer after {ends[0]:.0f} ms, of {FIRST_ANSWERS_MS}"
                    self.fast(ends[0] <= FIRST_ANSWERS_MS, f"{kind}: {first}")
                in_time = sum(each <= FIRST_ANSWERS_MS for each in ends)
                figures = {"answered within wake time + 300 ms": str(in_time)}
                figures |= {f"p{percent} ms": _ms(percentile(ends, percent)) for percent in (0, 50, 95, 100)}
                shown[kind] = figures
        self.pages[-1].plots.append(report.shares("Share of users answered within", series, FIRST_ANSWERS_MS))
        self.pages[-1].tables.append(shown)
        report.show(shown)

    async def _burst(self, scene: Scene, kind: str) -> tuple[Users, Watch]:
        seed = self.seed + (kind == "list")
        async with Users(scene.chatbot.port, self.users, seed) as users:
            await users.burst("list")  # pages were open, connections were there; then nobody came for a while
            users.seen.clear()
            await asyncio.to_thread(scene.neon.post, "/suspend")
            await asyncio.to_thread(scene.neon.wait_for_state, "IDLE")
            with Watch(scene.neon, scene.processes) as watch:
                await users.burst(kind)
        return users, watch

    # Exhaustion

    def exhaustion(self):
        count = 2 * self.users
        self.page(f"Exhaustion: {count} users, {FEW_SERVERS} server connections {EXHAUSTED_RTT_MS} ms away")
        think = tuple(EXHAUSTED_THINKS * seconds for seconds in self.think)

        async def live(scene: Scene) -> tuple[Users, Watch]:
            async with Users(scene.chatbot.port, count, self.seed) as users:
                with Watch(scene.neon, scene.processes) as watch:
                    users.began = watch.began
                    await users.live(min(self.seconds, 60), think)
            return users, watch

        with Scene("ballast", self.server, EXHAUSTED, {}, EXHAUSTED_CHATBOT, {"rtt_ms": EXHAUSTED_RTT_MS}) as scene:
            users, watch = asyncio.run(live(scene))
            self._save("exhaustion-ballast", users.seen, scene)
        statuses = users.statuses()
        shed = [request.took_ms for request in users.seen if request.status == 503]
        served = [request.took_ms for request in users.seen if request.status == 200]
        self.check(set(statuses) <= {200, 503}, f"answers, or a clean 503: {dict(statuses)}")
        self.check(watch.most <= FEW_SERVERS, f"{watch.most} server connections at most, {FEW_SERVERS} are allowed")
        self.fast(bool(shed), f"{len(shed)} were shed, p95 after {_ms(percentile(shed, 95))} ms")
        p95 = percentile(served, 95)
        self.fast(p95 is not None and p95 < P95_MS, f"p95 of the {len(served)} others is {_ms(p95)} ms")
        self._judge_ledger(users)
        self.pages[-1].plots.append(report.timeline("Each request", users.seen, watch.sessions))
        columns = {"Ballast": self._figures(users, watch)}
        self.pages[-1].tables.append(columns)
        report.show(columns)


def _suspend(scene: Scene, users: Users):
    scene.neon.post("/suspend")


def _restart(scene: Scene, users: Users):
    scene.neon.post("/restart")


def _fall_silent(scene: Scene, users: Users):
    scene.neon.set(suspend_mode="blackhole")
    scene.neon.post("/restart")
    scene.neon.set(suspend_mode="direct_57P01")


def _refuse(scene: Scene, users: Users):
    scene.neon.set(refuse="reset")
    scene.neon.post("/kill", how="reset")
    time.sleep(REFUSES_FOR_S)
    scene.neon.set(refuse="off")


MISHAPS = {"suspend": _suspend, "restart": _restart, "black hole": _fall_silent, "refuse": _refuse}


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
