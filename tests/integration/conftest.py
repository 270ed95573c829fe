"""One PostgreSQL for all tests; a pooler with usual settings for most of them, and a way to start others.

BALLAST_BIN names the binary. BALLAST_TARGET=pgbouncer or direct puts something else in its place, to try out a test.
"""

import os
import resource
import ssl
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True

import pytest

import processes
from crowd import Crowd
from flights import Link
from neon import ROLES as NEON_ROLES
from neon import NeonPostgres
from poolers import Ballast, Direct, PgBouncer, Pooler
from postgres import HOST_BASED_AUTHENTICATION, Postgres
from wire import Wire

TARGETS = {kind.name: kind for kind in (Ballast, PgBouncer, Direct)}
TARGET = TARGETS[os.environ.get("BALLAST_TARGET", "ballast")]
ACCOUNTS = {"app": "secret", "other": "the other's secret"}
SERVERS = 5

# How the server asks these users is what their names say.
OTHER_METHODS = """\
hostssl  all       md5_user     all      md5
hostssl  all       plain_user   all      password
hostssl  all       cert_user    all      cert
"""

ROLES = """
create role app login password 'secret';
create role other login password 'the other''s secret';
create role plain_user login password 'in the clear';
create role cert_user login;
set password_encryption = md5;
create role md5_user login password 'hashed';
create database app owner app;
"""

STATE_ROLES = """
create role member login password 'a member''s';
create role chief superuser login password 'the chief''s';
create role clerk;
create role "Odd ""Role";
grant clerk, "Odd ""Role" to member;
grant create, temporary on database app to member;
"""
STATE_SCHEMAS = """
create schema blue; create table blue.place as select 'blue' as name;
create schema red; create table red.place as select 'red' as name;
create schema "Odd ""Schema, too"; create table "Odd ""Schema, too".place as select 'odd' as name;
grant usage on schema blue, red, "Odd ""Schema, too" to public;
grant select on all tables in schema blue, red, "Odd ""Schema, too" to public;
"""


@pytest.fixture(scope="session", autouse=True)
def many_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(scope="session")
def server():
    without_tls = "host all all all scram-sha-256\n" if TARGET is Direct else ""
    with Postgres(hba=OTHER_METHODS + HOST_BASED_AUTHENTICATION + without_tls) as postgres:
        postgres.sql(ROLES)
        postgres.sql("grant create on schema public to public", "app")
        yield postgres


@pytest.fixture(scope="session")
def tls_settings(server):
    """Settings with which clients may use TLS."""
    issued = server.authority.issue("pooler")
    if server.account:  # PgBouncer runs under PostgreSQL's account
        os.chown(issued.key, server.account.pw_uid, server.account.pw_gid)
    return {
        "client_tls_sslmode": "allow",
        "client_tls_cert_file": str(issued.cert),
        "client_tls_key_file": str(issued.key),
    }


@pytest.fixture(scope="session")
def tls_context(server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.root_certificate))


@pytest.fixture(scope="session")
def shared_pooler(server, tls_settings):
    with TARGET(server, ACCOUNTS, {"default_pool_size": SERVERS, "max_client_conn": 2000} | tls_settings) as pooler:
        yield pooler


@pytest.fixture
def pooler(shared_pooler):
    """Clients with and without TLS, 5 server connections. Whatever a test does to it, it must live on."""
    if shared_pooler.process and shared_pooler.process.poll() is not None:
        shared_pooler.__enter__()  # an earlier test has brought it down, and has failed for that
    yield shared_pooler
    if shared_pooler.process:
        assert shared_pooler.process.poll() is None, shared_pooler.log_text()


@pytest.fixture
def start(server):
    """start(default_pool_size=1, ...): a pooler of the test's own with these settings."""
    with ExitStack() as stack:

        def started(options: dict = {}, **settings) -> Pooler:
            return stack.enter_context(TARGET(server, ACCOUNTS, settings, **options))

        yield started


@pytest.fixture
def connect():
    """connect(pooler, user): a raw client that has logged in."""
    with ExitStack() as stack:

        def connected(pooler: Pooler, user: str = "app", **startup) -> Wire:
            return stack.enter_context(Wire.login(pooler.port, user, ACCOUNTS[user], "app", **startup))

        yield connected


@pytest.fixture(scope="session")
def state_world(server) -> dict[str, str]:
    """Accounts for tests of session state, with roles to take on, and schemas that have a table of the same name."""
    accounts = {"member": "a member's", "chief": "the chief's"}
    server.sql(STATE_ROLES)
    server.sql(STATE_SCHEMAS, "app")
    return accounts


@pytest.fixture
def gather(server, state_world):
    """gather(): a Crowd on a pooler of its own, whose `client(...)` are the ones to test."""
    with ExitStack() as stack:

        def gathered(user="member", servers=2, plain=False, **settings) -> Crowd:
            settings = {"default_pool_size": servers, "query_wait_timeout": 5} | settings
            pooler = stack.enter_context(TARGET(server, state_world, settings))
            return stack.enter_context(Crowd(pooler, user, state_world[user], servers, plain))

        yield gathered


@pytest.fixture
def crowd(gather) -> Crowd:
    """Two servers, six strangers with settings of their own."""
    return gather()


@pytest.fixture
def plain_crowd(gather) -> Crowd:
    """Two servers, six strangers who change nothing."""
    return gather(plain=True)


@pytest.fixture(scope="session")
def plain_server():
    """One that takes connections without TLS, so that a link before it sees its messages."""
    with Postgres(hba="host all all all scram-sha-256\n") as postgres:
        postgres.sql("create role app login password 'secret'; create database app owner app")
        postgres.sql("create table t (id int); alter table t owner to app; insert into t values (1)", "app")
        yield postgres


@pytest.fixture
def link(plain_server):
    with Link(plain_server.port) as link:
        yield link


@pytest.fixture
def start_on_link(link, plain_server):
    """start_on_link(default_pool_size=1, ...): a pooler whose server is at the other end of the link."""
    far_end = SimpleNamespace(port=link.port, root_certificate=plain_server.root_certificate)
    upstream = f"postgresql://app:secret@127.0.0.1:{link.port}/app?sslmode=disable"
    with ExitStack() as stack:

        def started(**settings) -> Pooler:
            options = {"upstream": upstream} if TARGET is Ballast else {}
            if TARGET is PgBouncer:
                settings["server_tls_sslmode"] = "disable"
            return stack.enter_context(TARGET(far_end, ACCOUNTS, settings, **options))

        yield started


@pytest.fixture(scope="session")
def neon_server():
    """The PostgreSQL behind all simulators of Neon."""
    with NeonPostgres() as postgres:
        postgres.sql(NEON_ROLES)
        yield postgres


@pytest.fixture
def client(connect, pooler) -> Wire:
    return connect(pooler)


@pytest.fixture
def table(server):
    """An empty table `t (id int, word text)` in database app."""
    server.sql("drop table if exists t; create table t (id int, word text)", "app")
    server.sql("alter table t owner to app; grant all on t to other", "app")
    return "t"


@pytest.fixture(scope="session")
def connections(server):
    """connections(pooler): how many server connections the pooler has, and of these how many `where` holds for."""

    def count(pooler: Pooler, where: str = "true") -> int:
        mine = "usename in ('app', 'other')"
        if pooler.process:
            ports = processes.local_ports(pooler.pid, server.port) or {-2}
            mine = f"client_port in ({','.join(map(str, ports))})"
        return int(server.sql(f"select count(*) from pg_stat_activity where {mine} and ({where})"))

    return count


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory) -> Path:
    """The folder with the node tests and what they need; npm's own cache keeps the packages for the next time."""
    source = Path(__file__).parent / "node"
    folder = tmp_path_factory.mktemp("node")
    for file in source.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    command = ["npm", "ci", "--silent", "--prefer-offline", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
