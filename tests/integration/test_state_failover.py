"""Behind the pooler is another server now, one that says other things of itself."""

from processes import local_ports, wait_until
from wire import Wire, query


def test_a_server_of_another_version(start_on_link, link, connect):
    """What clients can't set is no difference that could be removed: nobody tries to, and everybody is served."""
    pooler = start_on_link(default_pool_size=2)
    startup = {"TimeZone": "Asia/Tokyo"}
    early = connect(pooler, **startup)
    early.ask(query("set app.user_id = 'early'"))
    version = early.parameters["server_version"]
    assert version.startswith("15.")
    link.rewritten[b"server_version\x0015."] = b"server_version\x0016."
    link.cut()
    if pooler.process:
        wait_until(lambda: not local_ports(pooler.pid, link.port), "it knows that the servers are gone")
    else:  # everybody has to connect again
        early = connect(pooler, **startup)
        early.ask(query("set app.user_id = 'early'"))
    for _ in range(3):
        with link.counted() as flights:
            assert works(early) == ["Asia/Tokyo", "early"]
    assert (flights.awaited, flights.behind) == (1, 0)
    late = connect(pooler, TimeZone="UTC")
    assert late.parameters["server_version"] == version.replace("15.", "16.", 1)
    late.ask(query("set app.user_id = 'late'"))
    for _ in range(3):
        assert works(late) == ["UTC", "late"]
        assert works(early) == ["Asia/Tokyo", "early"]


def works(client: Wire) -> list[str]:
    answers = client.ask(query("select current_setting('timezone'), current_setting('app.user_id')"))
    assert not answers.sqlstates, answers.error
    return [value.decode() for value in answers.rows[0]]
