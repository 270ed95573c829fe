"""Prometheus' rules and Grafana's dashboard, as deploy/ has them, against a real Prometheus and a real Ballast."""

import json
import math
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from processes import free_port, spawn, stop, wait_until
from wire import SYNC, bind, execute, parse, query

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = Path(__file__).parent / "prometheus" / "alerts_test.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "ballast.json").read_text())


def panels():
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries():
    """Title and expression of each query, with Grafana's variables filled in."""
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], re.sub(r"\$(instance|database|user)\b", ".*", text)


def promtool(*words):
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_and_the_rules_are_prometheus_own():
    promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_only_then():
    tested = set(re.findall(r"alertname: (\w+)", RULES.read_text()))
    assert tested == set(re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus" / "alerts.yml").read_text()))
    promtool("test", "rules", RULES)


class Prometheus:
    """One that scrapes a Ballast four times a second, with the rules of deploy/prometheus."""

    def __init__(self, folder: Path, target: int):
        self.port = free_port()
        shutil.copy(DEPLOY / "prometheus" / "alerts.yml", folder)
        text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        text = text.replace("ballast:9127", f"127.0.0.1:{target}")
        text = text.replace("scrape_interval: 15s", "scrape_interval: 250ms")
        (folder / "prometheus.yml").write_text(text)
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        command += [f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]
        self.process = spawn(command, folder / "log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)

    def get(self, path: str, **fields):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(fields)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]

    def ask(self, expression: str) -> list[float]:
        return [float(found["value"][1]) for found in self.get("query", query=expression)["result"]]

    def has_scraped(self, times: int) -> bool:
        try:
            return max(self.ask("count_over_time(ballast_pool_size[1m])"), default=0) >= times
        except OSError:
            return False


@pytest.fixture
def watched(start, connect, tmp_path, tls_settings):
    """A Prometheus that has seen clients of a Ballast do some of everything."""
    port = free_port()
    pooler = start(http_port=port, default_pool_size=3, **tls_settings)
    with Prometheus(tmp_path, port) as prometheus:
        client = connect(pooler)
        client.ask(parse("s", "select 1") + SYNC)
        wait_until(lambda: prometheus.has_scraped(1), "a scrape that has seen the pool: what it counts now is a rate")
        client.ask(query("begin; select 1"))
        connect(pooler).ask(query("select 1"))  # over a second server connection
        client.ask(query("commit"))
        for _ in range(20):
            client.ask(query("select 1"))
            client.ask(query("set application_name to 'seen'"))
            client.ask(bind("", "s") + execute() + SYNC)
        client.ask(query("create temp table kept (id int)"))
        client.ask(query("nonsense"))
        wait_until(lambda: prometheus.has_scraped(12), "a dozen scrapes")
        yield prometheus


def test_each_query_of_the_dashboard_has_data_and_no_alert_fires(watched):
    asked = list(queries())
    assert len(asked) > 40
    assert [expression for _, expression in asked if not watched.ask(expression)] == []
    never = {"Wakes"}  # this database does not sleep: a quantile of nothing
    unknown = {title for title, expression in asked if not any(map(math.isfinite, watched.ask(expression)))}
    assert unknown <= never
    for alert in watched.get("rules")["groups"][0]["rules"]:
        assert alert["health"] in ("ok", "unknown"), alert
        assert alert["state"] != "firing", alert


def test_the_dashboard_names_what_there_is_once_and_lets_its_reader_choose():
    titles = [panel["title"] for panel in DASHBOARD["panels"]]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids)) == len(titles)
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    choices = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert choices == {"datasource", "instance", "database", "user"}
