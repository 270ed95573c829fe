"""Who may come in, and how."""

import ssl
import struct

import psycopg
import pytest

from wire import GSSENC_REQUEST, PROTOCOL_3_0, SSL_REQUEST, LoginRefused, Wire, parse, query


def request(code: int) -> bytes:
    return struct.pack("!ii", 8, code)


def test_both_users_reach_the_server_as_themselves(pooler, connect):
    for user in ("app", "other"):
        assert connect(pooler, user).value("select current_user") == user


@pytest.mark.parametrize("user, password", [("app", "wrong"), ("nobody", "secret"), ("app", "")])
def test_a_wrong_password_and_an_unknown_user_look_the_same(pooler, user, password):
    with pytest.raises(LoginRefused) as refused:
        Wire.login(pooler.port, user, password, "app")
    assert refused.value.sqlstate == "28P01"
    assert str(refused.value) == f'password authentication failed for user "{user}"'


def test_an_unknown_database_is_refused_as_postgresql_does(pooler):
    with pytest.raises(Exception) as refused:
        Wire.login(pooler.port, "app", "secret", "nowhere").ask(query("select 1")).rows[0]
    assert 'database "nowhere" does not exist' in str(refused.value) or isinstance(refused.value, IndexError)


def test_an_unknown_user_takes_as_long_as_a_wrong_password(pooler):
    """The work is the same: SCRAM with its iterations is done by the client in both cases, one step each."""

    def kinds(user: str) -> list[int]:
        seen = []
        with Wire(pooler.port) as client:
            read = client.read

            def remember():
                answer = read()
                if answer.kind == "R":
                    seen.append(struct.unpack_from("!i", answer.body)[0])
                return answer

            client.read = remember
            client.startup(user=user, database="app")
            with pytest.raises(LoginRefused):
                client.authenticate("wrong")
        return seen

    assert kinds("app") == kinds("nobody") == [10, 11]


def test_a_login_byte_by_byte(pooler):
    client = Wire(pooler.port)
    whole = client.send
    client.send = lambda *messages: [whole(bytes([byte])) for byte in b"".join(messages)]
    client.startup(user="app", database="app")
    client.authenticate("secret")
    assert client.value("select 1") == "1"
    client.socket.close()


def test_what_the_client_is_told_about_the_server(client, direct_parameters):
    for name, value in direct_parameters.items():
        if name not in ("application_name", "session_authorization", "is_superuser"):
            assert client.parameters[name] == value, name
    assert client.parameters["session_authorization"] == "app"
    assert client.process != 0 and len(client.secret) == 4


@pytest.fixture
def direct_parameters(server, tls_context) -> dict[str, str]:
    with Wire.login(server.port, "app", "secret", "app", tls=tls_context) as direct:
        return direct.parameters


def test_startup_parameters_are_the_clients(pooler, connect):
    one = connect(pooler, application_name="one", DateStyle="German", TimeZone="Asia/Tokyo")
    two = connect(pooler, application_name="two")
    for _ in range(3):
        assert one.value("show datestyle") == "German, DMY"
        assert one.value("show timezone") == "Asia/Tokyo"
        assert one.value("show application_name") == "one"
        assert two.value("show application_name") == "two"
        assert two.value("show datestyle") == "ISO, MDY"


def test_no_database_means_the_users_name(pooler):
    client = Wire(pooler.port)
    client.startup(user="app")
    client.authenticate("secret")
    assert client.value("select current_database()") == "app"
    client.socket.close()


def test_no_user_is_refused(pooler):
    with Wire(pooler.port) as client:
        client.startup(database="app")
        assert client.closed_by_peer().sqlstates == ["28000"]


def test_tls_with_the_right_certificate(pooler, tls_context):
    with Wire.login(pooler.port, "app", "secret", "app", tls=tls_context) as client:
        assert client.value("select 1") == "1"
        assert client.socket.version() in ("TLSv1.2", "TLSv1.3")


def test_tls_required(start, tls_settings, tls_context):
    pooler = start(**tls_settings | {"client_tls_sslmode": "require"})
    with pytest.raises(LoginRefused, match="client_tls_sslmode|TLS|SSL"):
        Wire.login(pooler.port, "app", "secret", "app")
    with Wire.login(pooler.port, "app", "secret", "app", tls=tls_context) as client:
        assert client.value("select 1") == "1"


def test_tls_off(start):
    pooler = start()
    with Wire(pooler.port) as client:
        client.send(request(SSL_REQUEST))
        assert client.socket.recv(1) == b"N"
        client.startup(user="app", database="app")
        client.authenticate("secret")
        assert client.value("select 1") == "1"


def test_tls_without_asking_first(pooler, server):
    context = ssl.create_default_context(cafile=str(server.root_certificate))
    context.set_alpn_protocols(["postgresql"])
    client = Wire(pooler.port)
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    assert client.socket.selected_alpn_protocol() == "postgresql"
    client.startup(user="app", database="app")
    client.authenticate("secret")
    assert client.value("select 1") == "1"
    client.socket.close()


def test_direct_tls_needs_alpn(pooler, tls_context):
    client = Wire(pooler.port)
    with pytest.raises((ssl.SSLError, ConnectionError, Exception)):
        client.socket = tls_context.wrap_socket(client.socket, server_hostname="localhost")
        client.startup(user="app", database="app")
        client.authenticate("secret")
    client.socket.close()


def test_bytes_smuggled_before_tls_are_refused(pooler):
    with Wire(pooler.port) as client:
        client.send(request(SSL_REQUEST) + struct.pack("!ii", 8, PROTOCOL_3_0))
        told = b""
        try:
            while data := client.socket.recv(1000):
                told += data
        except ConnectionResetError:
            pass
        assert not told.startswith(b"S") or len(told) == 1


def test_gss_is_declined_and_the_login_goes_on(pooler):
    with Wire(pooler.port) as client:
        client.send(request(GSSENC_REQUEST))
        assert client.socket.recv(1) == b"N"
        client.startup(user="app", database="app")
        client.authenticate("secret")
        assert client.value("select 1") == "1"


@pytest.mark.parametrize("version, minor", [((3 << 16) | 9999, 2), ((3 << 16) | 2, None)])
def test_protocol_versions(pooler, version, minor):
    with Wire(pooler.port) as client:
        client.startup(version=version, user="app", database="app", **{"_pq_.unknown": "1"})
        seen = client.authenticate("secret")
        told = [answer for answer in seen if answer.kind == "v"]
        assert len(told) == 1
        newest, count = struct.unpack_from("!ii", told[0].body)
        assert count == 1 and told[0].body[8:] == b"_pq_.unknown\0"
        assert newest in ((3 << 16) | 2, 2)
        assert len(client.secret) > 4 or minor == 2
        assert client.value("select 1") == "1"


@pytest.mark.parametrize("length", [0, 3, 7, 8, 10_001, 2**31 - 1, -1])
def test_a_startup_packet_of_a_wrong_length_ends_that_connection(pooler, connect, length):
    with Wire(pooler.port) as client:
        client.send(struct.pack("!ii", length, PROTOCOL_3_0))
        client.socket.shutdown(1)
        client.closed_by_peer()
    assert connect(pooler).value("select 1") == "1"


@pytest.mark.parametrize("auth_type, password", [("md5", "secret"), ("trust", "anything")])
def test_other_ways_to_log_in(start, auth_type, password):
    pooler = start(auth_type=auth_type)
    with psycopg.connect(pooler.url(password=password)) as connection:
        assert connection.execute("select current_user").fetchone() == ("app",)


def test_plain_passwords_only_over_tls(start, tls_settings):
    pooler = start(auth_type="plain", **tls_settings)
    with psycopg.connect(pooler.url(sslmode="require")) as connection:
        assert connection.execute("select current_user").fetchone() == ("app",)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(pooler.url(sslmode="disable"))


def test_client_certificates(start, server, tls_settings, tmp_path):
    issued = server.authority.issue("client-app", subject="app")
    demanded = {"client_tls_sslmode": "verify-ca", "client_tls_ca_file": str(server.root_certificate)}
    pooler = start(auth_type="cert", **tls_settings | demanded)
    certificate = {"sslmode": "require", "sslcert": str(issued.cert), "sslkey": str(issued.key)}
    with psycopg.connect(pooler.url(**certificate)) as connection:
        assert connection.execute("select current_user").fetchone() == ("app",)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(pooler.url("other", "x", **certificate))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(pooler.url(sslmode="require"))


def test_a_unix_socket(start, tmp_path):
    pooler = start(unix_socket_dir=str(tmp_path))
    login = {"user": "app", "password": "secret", "dbname": "app"}
    with psycopg.connect(host=str(tmp_path), port=pooler.port, **login) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_no_password_in_the_log(start, connect):
    pooler = start(log_level="debug")
    connect(pooler).ask(parse("", "select 'a query'") + b"S\0\0\0\4")
    for user in ("app", "nobody"):
        with pytest.raises(LoginRefused):
            Wire.login(pooler.port, user, "a wrong password", "app")
    log = pooler.log_text()
    assert "login" in log
    for secret in ("secret", "a wrong password", "a query"):
        assert secret not in log
