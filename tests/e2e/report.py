"""Tables and plots. The plots are SVG, written by hand: nothing has to be installed for them.

    page = Page("Headline"); page.plots.append(shares("Share ...", {"Ballast": requests}, 200)); write(file, [page])
"""

import math
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from users import Request

WIDTH, HEIGHT = 860, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 50, 30, 40
COLOURS = ["#b3261e", "#1f5fa8", "#2e7d4f", "#8a6d1d"]
LEAST_MS, MOST_MS = 2, 60_000
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1d2430}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{padding:.15rem .8rem;border-bottom:1px solid #dfe3ea;text-align:right}"
    "td:first-child,th:first-child{text-align:left}.wrong{color:#b3261e;font-weight:bold}"
    "svg{max-width:100%;height:auto}"
)

Columns = dict[str, dict[str, str]]


@dataclass
class Page:
    title: str
    checks: list[tuple[bool, str]] = field(default_factory=list)
    tables: list[Columns] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)


def show(columns: Columns):
    """On the terminal, one column for each."""
    width = max(24, *(len(name) for name in columns)) + 2
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    print(" " * 34 + "".join(f"{title:>{width}}" for title in columns))
    for name in names:
        print(f"{name:<34}" + "".join(f"{column.get(name, '-'):>{width}}" for column in columns.values()), flush=True)


def write(file: Path, pages: list[Page]):
    """The report, and each plot in a file of its own beside it."""
    parts = [f"<!doctype html><meta charset=utf-8><title>Chatbot under load</title><style>{STYLE}</style>"]
    parts.append("<h1>The chatbot under load</h1>")
    for page in pages:
        name = page.title.partition(":")[0].lower()
        parts.append(f"<h2>{escape(page.title)}</h2><ul>")
        marks = {True: "<li>ok: ", False: "<li class=wrong>WRONG: "}
        parts += [marks[ok] + escape(what) for ok, what in page.checks]
        parts.append("</ul>")
        for number, plot in enumerate(page.plots, 1):
            (file.parent / f"{name}-{number}.svg").write_text(plot)
            parts.append(plot)
        parts += [_table(columns) for columns in page.tables]
    file.write_text("\n".join(parts) + "\n")


def _table(columns: Columns) -> str:
    names = dict.fromkeys(name for column in columns.values() for name in column)
    rows = ["<tr><th>" + "".join(f"<th>{escape(title)}" for title in columns)]
    for name in names:
        rows.append(f"<tr><td>{escape(name)}")
        rows += [f"<td>{escape(column.get(name, '-'))}" for column in columns.values()]
    return f"<table>{''.join(rows)}</table>"


@dataclass
class Axis:
    """From values to places; by the logarithm if `is_log`."""

    least: float
    most: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        value = min(max(value, self.least), self.most)
        if self.is_log:
            share = math.log(value / self.least) / math.log(self.most / self.least)
        else:
            share = (value - self.least) / (self.most - self.least)
        return round(self.start + share * (self.end - self.start), 1)


def shares(title: str, series: dict[str, list[Request]], goal_ms: float) -> str:
    """For each time, the share of requests that were answered by then; those without an answer never are."""
    x = Axis(LEAST_MS, MOST_MS, LEFT, WIDTH - RIGHT, is_log=True)
    y = Axis(0, 1, HEIGHT - BOTTOM, TOP)
    drawn = _frame(title, x, "ms", [(share, f"{share:.0%}") for share in (0, 0.5, 0.95, 1)], y)
    drawn.append(f'<line x1="{x.at(goal_ms)}" x2="{x.at(goal_ms)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="goal"/>')
    for number, (name, requests) in enumerate(series.items()):
        good = sorted(request.took_ms for request in requests if request.status in (200, 201))
        points = " ".join(f"{x.at(took)},{y.at((rank + 1) / len(requests))}" for rank, took in _thinned(good))
        colour = COLOURS[number % len(COLOURS)]
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        drawn.append(f'<text x="{WIDTH - RIGHT - 330}" y="{140 + 18 * number}" fill="{colour}">{escape(name)}</text>')
    return _svg(drawn)


def timeline(
    title: str, seen: list[Request], sessions: list[tuple[float, int]], happened: list = [], probed: list = []
) -> str:
    """A dot for each request: when it was sent, and how long it took. Below, the server connections.

    `happened`: mishaps, from when to when; `probed`: grey dots, requests that the database has no part in.
    """
    last = max([request.at_s for request in seen] + [1])
    x = Axis(0, last, LEFT, WIDTH - RIGHT)
    y = Axis(LEAST_MS, MOST_MS, HEIGHT - BOTTOM, TOP, is_log=True)
    ticks = [(ms, f"{ms} ms") for ms in (10, 50, 200, 1000, 10_000)]
    drawn = _frame(title, x, "s", ticks, y)
    for name, began, end in happened:
        wide, high = max(x.at(end) - x.at(began), 2), HEIGHT - BOTTOM - TOP
        drawn.append(f'<rect x="{x.at(began)}" y="{TOP}" width="{wide}" height="{high}" class="mishap"/>')
        drawn.append(f'<text x="{x.at(began) + 3}" y="{TOP + 12}">{escape(name)}</text>')
    for at, ms in probed:
        drawn.append(f'<circle cx="{x.at(at)}" cy="{y.at(ms)}" r="1" fill="#98a2b3"/>')
    for request in seen:
        colour = COLOURS[0] if request.status not in (200, 201) else COLOURS[1]
        drawn.append(f'<circle cx="{x.at(request.at_s)}" cy="{y.at(request.took_ms)}" r="1.3" fill="{colour}"/>')
    below = Axis(0, 20, HEIGHT - BOTTOM, TOP)
    line = " ".join(f"{x.at(at)},{below.at(count)}" for at, count in sessions if at <= last)
    drawn.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[2]}" stroke-width="1"/>')
    most = max((count for _, count in sessions), default=0)
    place = f'x="{WIDTH - RIGHT - 250}" y="{HEIGHT - BOTTOM - 95}"'
    drawn.append(f'<text {place} fill="{COLOURS[2]}">server connections, {most} at most</text>')
    return _svg(drawn)


def _frame(title: str, x: Axis, unit: str, ticks: list[tuple[float, str]], y: Axis) -> list[str]:
    drawn = [f'<text x="{LEFT}" y="18" class="title">{escape(title)}</text>']
    for value, label in ticks:
        drawn.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y.at(value)}" y2="{y.at(value)}" class="grid"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{y.at(value) + 4}" text-anchor="end">{label}</text>')
    steps = (10, 50, 100, 200, 500, 1000, 10_000) if x.is_log else [x.most * part / 6 for part in range(7)]
    for value in steps:
        drawn.append(f'<line x1="{x.at(value)}" x2="{x.at(value)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="grid"/>')
        place = f'x="{x.at(value)}" y="{HEIGHT - BOTTOM + 16}"'
        drawn.append(f'<text {place} text-anchor="middle">{value:.0f} {unit}</text>')
    return drawn


def _thinned(values: list[float], most: int = 500) -> list[tuple[int, float]]:
    """With their ranks; so many that the eye sees no difference."""
    step = max(len(values) // most, 1)
    kept = list(enumerate(values))[::step]
    return kept + [(len(values) - 1, values[-1])] if values else []


def _svg(drawn: list[str]) -> str:
    style = (
        "text{font:11px system-ui,sans-serif;fill:#667085}.title{font-size:14px;fill:#1d2430}.grid{stroke:#e7eaef}"
        ".goal{stroke:#1d2430;stroke-dasharray:4 3}.mishap{fill:#b3261e;opacity:.15}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
    return "\n".join([head, f"<style>{style}</style><rect width='100%' height='100%' fill='#fff'/>", *drawn, "</svg>"])
