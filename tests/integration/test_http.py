"""What operators and Prometheus ask over HTTP."""

import re
import urllib.error
import urllib.request

import pytest

from processes import free_port


@pytest.fixture
def ask(start):
    """ask(pooler's settings): a Ballast with HTTP, and a function that asks it: path -> (status, body)."""

    def begin(**settings):
        port = free_port()
        pooler = start(http_port=port, **settings)

        def get(path, token="", method="GET"):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        return pooler, get

    return begin


def samples(text):
    """The exposition's samples: name with labels -> value. Fails for what is none."""
    found, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types
            types[name] = kind
        elif not line.startswith("#"):
            sample = re.fullmatch(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\})? ([-+0-9.eInf]+)', line)
            assert sample, line
            name = re.sub("_(bucket|sum|count)$", "", sample[1]) if sample[1] not in types else sample[1]
            assert name in types, line
            assert (types[name] == "counter") == name.endswith("_total"), line
            key = sample[1] + (sample[2] or "")
            assert key not in found
            found[key] = float(sample[3])
    return found


def test_prometheus_sees_what_clients_have_done(ask, connect):
    pooler, get = ask(workers=2)
    clients = [connect(pooler) for _ in range(4)]
    for client in clients:
        assert client.value("select 1") == "1"
    status, text = get("/metrics")
    assert status == 200
    found = samples(text)
    pool = 'database="app",user="app"'
    assert found[f"ballast_request_seconds_count{{{pool}}}"] >= 4
    assert found[f"ballast_transaction_seconds_count{{{pool}}}"] >= 4
    assert found[f'ballast_clients{{{pool},state="idle"}}'] == 4
    assert found[f'ballast_servers{{{pool},state="idle"}}'] >= 1
    assert found["ballast_client_connections"] == 4
    assert found['ballast_upstream_state{state="awake"}'] == 1
    assert found["ballast_transactions_total"] >= 4


def test_health_is_told_to_everybody_and_the_rest_to_who_knows_the_token(ask):
    _, get = ask(http_token="s3cret")
    assert get("/live")[0] == get("/health")[0] == get("/ready")[0] == 200
    assert get("/metrics")[0] == get("/metrics", "wrong")[0] == 401
    assert get("/metrics", "s3cret")[0] == 200
    assert get("/health/db", "s3cret") == (200, '{"state": "unknown"}\n')


def test_what_is_no_request_is_refused_and_the_next_is_answered(ask):
    _, get = ask()
    assert get("/nothing")[0] == 404
    assert get("/metrics", method="DELETE")[0] == 405
    assert get("/live?" + "x" * 9000)[0] == 413
    assert get("/live") == (200, "live\n")
