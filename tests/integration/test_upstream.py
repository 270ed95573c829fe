"""Ways to the server: what the URL asks for is done, and what fails is said."""


import psycopg
import pytest

from certificates import Authority
from wire import Wire, query


@pytest.fixture
def through(server, start):
    """through(url): one value that a client gets when Ballast serves this URL."""

    def select(url: str, user: str, password: str, sql: str = "select current_user") -> str:
        pooler = start(options={"upstream": url}, query_wait_timeout=2, auth_file="")
        with psycopg.connect(pooler.url(user, password), autocommit=True) as connection:
            return connection.execute(sql).fetchone()[0]

    return select


@pytest.mark.parametrize(
    "user, password",
    [("app", "secret"), ("md5_user", "hashed"), ("plain_user", "in the clear")],
    ids=["scram", "md5", "plain"],
)
def test_ways_to_log_in(through, server, user, password):
    assert through(server.url(user, password, "app"), user, password) == user


@pytest.mark.parametrize("binding", ["require", "prefer", "disable"])
def test_channel_binding(through, server, binding):
    assert through(server.url("app", "secret", "app", channel_binding=binding), "app", "secret") == "app"


def test_required_channel_binding_is_not_waived(through, server):
    with pytest.raises(psycopg.Error, match="channel"):
        through(server.url("md5_user", "hashed", "app", channel_binding="require"), "md5_user", "hashed")


def test_a_plain_password_is_not_sent_over_unverified_tls(through, server):
    with pytest.raises(psycopg.Error, match="(?i)password|verif"):
        url = server.url("plain_user", "in the clear", "app", sslmode="require", sslrootcert="")
        through(url, "plain_user", "in the clear")


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full", "prefer", "allow"])
def test_sslmode(through, server, sslmode):
    ssl = "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()"
    assert through(server.url("app", "secret", "app", sslmode=sslmode), "app", "secret", ssl) == "true"


def test_a_client_certificate(through, server):
    issued = server.authority.issue("to-server", subject="cert_user")
    url = server.url("cert_user", "unused", "app", sslcert=str(issued.cert), sslkey=str(issued.key))
    assert through(url, "cert_user", "unused") == "cert_user"


def test_a_server_of_another_authority_is_refused(through, server, tmp_path):
    other = Authority(tmp_path / "other")
    with pytest.raises(psycopg.Error, match="(?i)certificate"):
        through(server.url("app", "secret", "app", sslrootcert=str(other.root.cert)), "app", "secret")


def test_a_server_with_another_name_is_refused(through, server):
    url = server.url("app", "secret", "app", hostaddr="127.0.0.1").replace("@localhost:", "@somewhere.else:")
    with pytest.raises(psycopg.Error, match="(?i)certificate|somewhere.else"):
        through(url, "app", "secret")


def test_a_server_that_wants_tls_but_may_not_have_it(through, server):
    with pytest.raises(psycopg.Error, match="no encryption"):
        through(server.url("app", "secret", "app", sslmode="disable"), "app", "secret")


def test_several_hosts(through, server):
    one = f"localhost:{server.port}"
    url = server.url("app", "secret", "app").replace(f"@{one}", f"@127.0.0.1:1,{one}")
    assert through(url, "app", "secret") == "app"


def test_ipv6(through, server):
    url = server.url("app", "secret", "app").replace("@localhost:", "@[::1]:")
    assert through(url, "app", "secret", "select host(inet_server_addr())") == "::1"


def test_keywords_instead_of_a_url(through, server):
    keywords = (
        f"host=localhost port={server.port} user=app password=secret dbname=app sslmode=verify-full "
        f"sslrootcert='{server.root_certificate}' options='-c work_mem=9MB' application_name=from_the_url"
    )
    assert through(keywords, "app", "secret", "show work_mem") == "9MB"


def test_nobody_listens_there(start, connect):
    nobody = "postgresql://app:secret@127.0.0.1:1/app?sslmode=disable"
    pooler = start(options={"upstream": nobody}, query_wait_timeout=0.5)
    with pytest.raises(psycopg.Error, match="(?i)refused"):
        with psycopg.connect(pooler.url()) as connection:
            connection.execute("select 1")


def test_a_wrong_password_for_the_server(through, server):
    with pytest.raises(psycopg.Error, match="password authentication failed"):
        through(server.url("app", "not the secret", "app"), "app", "not the secret")


def test_a_server_that_goes_away_under_a_query(start, connect, server):
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    client.ask(query("begin"))
    backend = client.value("select pg_backend_pid()")
    client.send(query("select pg_sleep(60)"))
    server.sql(f"select pg_terminate_backend({backend})")
    told = client.closed_by_peer()
    assert told.sqlstates[0] in ("57P01", "08006")
    assert connect(pooler).value("select 1") == "1"


def test_an_idle_server_that_goes_away_is_nobodys_error(start, connect, server):
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    for _ in range(5):
        backend = client.value("select pg_backend_pid()")
        server.sql(f"select pg_terminate_backend({backend}, 5000)")
        assert client.value("select 1") == "1"


def test_five_hundred_clients_at_once_need_few_logins(start, server):
    """The queue is served while connections are made: nobody is refused, no more are made than the pool may have."""
    pooler = start(default_pool_size=5, max_client_conn=600)
    clients = [Wire.login(pooler.port, "app", "secret", "app") for _ in range(500)]
    for client in clients:
        client.send(query("select 1"))
    for client in clients:
        assert client.read_until("Z").rows == [[b"1"]]
        client.socket.close()
