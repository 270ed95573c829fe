"""The commands beside serve, as an operator runs them."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import psycopg
import pytest

from neon import Neon
from poolers import Ballast
from processes import accepts, free_port, spawn, stop, wait_until

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("BALLAST_", "PG"))}


def ballast(*arguments, **environment: str) -> subprocess.CompletedProcess:
    command = [Ballast.program, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=120)


class Terminal:
    """A program on a terminal of its own; what it has written so far is `screen`."""

    def __init__(self, *command, **environment: str):
        self.side, far = pty.openpty()
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
            env=ENVIRONMENT | {"TERM": "xterm"} | environment,
        )
        self.far = far  # stays open, so that what was set can be asked when the program has ended
        self.screen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.side)
        os.close(self.far)

    def type(self, text: str):
        os.write(self.side, text.encode())

    def resize(self, columns: int, rows: int):
        fcntl.ioctl(self.far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, pattern: str, deadline_s: float = 30) -> str:
        end = time.monotonic() + deadline_s
        while not re.search(pattern, self.screen):
            left = end - time.monotonic()
            assert left > 0, f"waited in vain for {pattern}: {self.screen!r}"
            if select.select([self.side], [], [], min(left, 0.1))[0]:
                self.screen += os.read(self.side, 65536).decode(errors="replace")
        return self.screen

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.far)[3] & termios.ECHO)

    def ended(self) -> int:
        return self.process.wait(timeout=60)


# check ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def neon(neon_server):
    """One that sleeps until somebody comes, and is awake from then on."""
    with Neon(neon_server, suspend_timeout_s=0, error_cache_s=0, time_scale=0.01) as neon:
        yield neon


def checked(url: str, *arguments, **environment: str) -> tuple[int, dict[str, dict]]:
    """The exit code, and the last finding of each step."""
    done = ballast("check", "--json", url, *arguments, **environment)
    assert "secret" not in done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] == (done.returncode == 0)
    return done.returncode, {step["step"]: step for step in report["steps"]}


STEPS = ["url", "dns", "tcp", "tls", "certificate", "login", "channel binding", "wake", "round trip", "max_connections"]


def test_check_goes_all_the_way(server):
    code, steps = checked(server.url("app", "secret", "app"))
    assert code == 0
    assert {step["verdict"] for step in steps.values()} == {"ok"}, steps
    assert list(steps) == STEPS
    assert steps["dns"]["found"].startswith("localhost: ") and "127.0.0.1" in steps["dns"]["found"]
    assert steps["tls"]["found"].startswith("TLSv1.3, ")
    assert "verified, its name too" in steps["certificate"]["found"]
    assert "user app, database app, PostgreSQL 15" in steps["login"]["found"]
    assert steps["channel binding"]["found"] == "SCRAM-SHA-256-PLUS"
    assert steps["round trip"]["ms"] > 0
    assert steps["max_connections"]["found"].startswith("max_connections 200: 3 reserved, 9 left for others")


def test_check_takes_the_url_from_where_serve_does_and_tells_people(server):
    done = ballast("check", NEON_DATABASE_URL=server.url("app", "secret", "app"))
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok    url") and lines[0].endswith("(from NEON_DATABASE_URL)")
    assert any(line.startswith("ok    login") and " ms " in line for line in lines)
    assert "secret" not in done.stdout


def test_check_without_a_database(server):
    done = ballast("check")
    assert done.returncode == 2
    assert done.stderr == "ballast: no database to check: give its URL, or set NEON_DATABASE_URL\n"


def test_check_says_that_a_pool_may_ask_for_more_than_there_is(server):
    code, steps = checked(server.url("app", "secret", "app"), "--default-pool-size", 300)
    assert code == 0
    assert steps["max_connections"]["verdict"] == "warn"
    assert "lower default_pool_size" in steps["max_connections"]["remedy"]


def test_check_of_a_server_without_tls(plain_server):
    code, steps = checked(f"postgresql://app:secret@127.0.0.1:{plain_server.port}/app?sslmode=disable")
    assert code == 0
    assert steps["tls"]["verdict"] == "warn"
    assert "channel binding" not in steps


def test_check_of_a_unix_socket(neon_server):
    code, steps = checked(f"postgresql:///app?user=app&host={neon_server.folder}&port={neon_server.port}")
    assert code == 0
    assert list(steps) == ["url", "tls", "login", "wake", "round trip", "max_connections"]
    assert steps["tls"]["found"] == "none: a unix socket"


def test_check_tells_a_wake_from_a_login(neon):
    neon.set(wake_ms=1500)
    code, steps = checked(neon.url())
    assert code == 0
    assert "asleep" in steps["wake"]["found"]
    assert "keepalive" in steps["wake"]["remedy"]
    assert neon.state()["wakes"] == 1


def test_check_measures_round_trips(neon):
    neon.set(rtt_ms=60)
    _, steps = checked(neon.url())
    assert steps["round trip"]["ms"] >= 60


def test_check_does_not_take_a_long_way_for_a_wake(neon):
    checked(neon.url())
    neon.set(rtt_ms=400)
    _, steps = checked(neon.url())
    assert steps["wake"]["found"] == "the database was awake"


# Of the simulator's table of errors: what the remedy has to speak of.
REMEDIES = {
    9: "hidden channel binding",
    10: "ends TLS",
    15: "IP Allow",
    16: "block this network",
    17: "VPC endpoint",
    18: "VPC endpoint",
    19: "too many try at once",
    20: "try again",
    21: "copy the URL again",
    22: "enable the endpoint",
    23: "plan's quota",
    24: "copy the URL again",
    25: "enable the endpoint",
    26: "plan's quota",
    27: "plan's quota",
    28: "suspend some",
    29: "plan's quota",
    30: "too many try at once",
    31: "try again",
    32: "too many try at once",
    33: "too many try at once",
    34: "try again",
    36: "no free place",
    37: "try again",
    39: "without -pooler",
    41: "without -pooler",
}


@pytest.mark.parametrize("row", REMEDIES)
def test_check_has_a_remedy_for_what_neon_says(neon, row):
    neon.post("/inject", row=row)
    code, steps = checked(neon.url())
    assert code == 1
    assert steps["login"]["verdict"] == "fail"
    assert REMEDIES[row] in steps["login"]["remedy"]
    assert steps["login"]["found"][0] not in ":; "
    assert list(steps)[-1] == "login"


def test_check_of_a_wrong_password(neon, server):
    for url in (neon.url(password="wrong secret"), server.url("app", "wrong secret", "app")):
        code, steps = checked(url)
        assert code == 1
        assert "password authentication failed" in steps["login"]["found"]
        assert "the password is wrong" in steps["login"]["remedy"]


def test_check_of_a_database_or_a_user_that_is_not_there(server, plain_server):
    _, steps = checked(server.url("app", "secret", "nowhere"))
    assert "another name" in steps["login"]["remedy"]
    assert steps["login"]["found"] == 'database "nowhere" does not exist'
    _, steps = checked(server.url("app", "", "app"))
    assert "no password" in steps["login"]["remedy"]


def test_check_of_a_certificate_that_nobody_vouches_for(server, plain_server):
    code, steps = checked(server.url("app", "secret", "app", sslrootcert=str(plain_server.root_certificate)))
    assert code == 1
    assert "certificate verify failed" in steps["tls"]["found"]
    assert "sslrootcert" in steps["tls"]["remedy"]
    code, steps = checked(server.url("app", "secret", "app", sslmode="require", sslrootcert=""), HOME="/nowhere")
    assert code == 0
    assert steps["certificate"]["verdict"] == "warn"
    assert "not verified" in steps["certificate"]["found"]


def test_check_of_a_certificate_for_another_host(neon):
    code, steps = checked(neon.url().replace(neon.host(), "another.example"))
    assert code == 1
    assert "does not match host name" in steps["tls"]["found"]
    assert "issued for" in steps["tls"]["remedy"]


def test_check_where_channel_binding_is_not_to_be_had(server):
    code, steps = checked(server.url("plain_user", "in the clear", "app", channel_binding="require"))
    assert code == 1
    assert "channel_binding=require" in steps["login"]["remedy"]
    code, steps = checked(server.url("plain_user", "in the clear", "app"))
    assert code == 0
    assert steps["channel binding"]["verdict"] == "warn"


def test_check_of_a_host_that_is_not_there():
    code, steps = checked("postgresql://app:secret@no-such-host.invalid/app")
    assert code == 1
    assert steps["dns"]["verdict"] == "fail"
    assert "host is unknown" in steps["dns"]["remedy"]
    assert "tcp" not in steps


def test_check_of_a_port_where_nobody_listens():
    code, steps = checked(f"postgresql://app:secret@127.0.0.1:{free_port()}/app")
    assert code == 1
    assert "nobody listens" in steps["tcp"]["remedy"]
    assert "login" not in steps


def test_check_goes_on_with_the_addresses_that_answer(server):
    url = server.url("app", "secret", "app").replace(
        f"localhost:{server.port}", f"localhost:{free_port()},localhost:{server.port}"
    )
    done = ballast("check", url)
    assert "Connection refused" in done.stdout
    assert "\nok    login" in done.stdout


def test_check_names_the_direct_host_of_neons_pooler():
    host = "ep-quiet-lamp-123456-pooler.eu-central-1.aws.neon.tech"
    code, steps = checked(f"postgresql://app:secret@{host}:{free_port()}/app?hostaddr=127.0.0.1")
    assert code == 1
    assert steps["host"]["verdict"] == "warn"
    assert "ep-quiet-lamp-123456.eu-central-1.aws.neon.tech" in steps["host"]["remedy"]


# scram-secret ---------------------------------------------------------------------------------------------------------


def secret_of(password: str, *arguments) -> str:
    command = [Ballast.program, "scram-secret", *arguments]
    done = subprocess.run(command, input=password + "\n", capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def role_with(server, name: str, secret: str):
    server.sql(f"drop role if exists {name}; create role {name} login password '{secret}'")


@pytest.mark.parametrize("password", ["pencil", "two words '\"\\", "pässwörd", "x" * 1000])
def test_a_scram_secret_opens_postgresql(server, password):
    secret = secret_of(password).strip()
    assert secret.startswith("SCRAM-SHA-256$4096:")
    role_with(server, "by_secret", secret)
    stored = server.sql("select rolpassword from pg_authid where rolname = 'by_secret'").strip()
    assert stored == secret
    with psycopg.connect(server.url("by_secret", password, "app")) as connection:
        assert connection.execute("select current_user").fetchone() == ("by_secret",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url("by_secret", password + "x", "app"))


def test_a_scram_secret_opens_ballast_and_by_it_the_server(server, tmp_path):
    line = secret_of("pencil", "--user", "by_secret")
    role_with(server, "by_secret", line.split('"')[3])
    (tmp_path / "users").write_text(line)
    with Ballast(server, {"app": "secret"}, {"auth_file": str(tmp_path / "users")}) as pooler:
        with psycopg.connect(pooler.url("by_secret", "pencil")) as connection:
            assert connection.execute("select current_user").fetchone() == ("by_secret",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(pooler.url("by_secret", "pen"))


def test_two_secrets_of_a_password_differ():
    assert secret_of("pencil") != secret_of("pencil")


def test_no_password_is_no_secret():
    done = subprocess.run([Ballast.program, "scram-secret"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == "" and "no password" in done.stderr


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown():
    with Terminal(Ballast.program, "scram-secret") as terminal:
        terminal.wait_for("Password: $")
        assert not terminal.echoes()
        terminal.type("pencil\n")
        terminal.wait_for("Again: $")
        terminal.type("pencil\n")
        terminal.wait_for(r"SCRAM-SHA-256\$4096:\S+\s")
        assert terminal.ended() == 0
        assert "pencil" not in terminal.screen
        assert terminal.echoes()


def test_two_passwords_that_differ_are_none():
    with Terminal(Ballast.program, "scram-secret") as terminal:
        terminal.wait_for("Password: $")
        terminal.type("pencil\n")
        terminal.wait_for("Again: $")
        terminal.type("pen\n")
        terminal.wait_for("differ")
        assert terminal.ended() == 2


def test_an_interrupted_question_leaves_the_terminal_as_it_was():
    with Terminal(Ballast.program, "scram-secret") as terminal:
        terminal.wait_for("Password: $")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == -signal.SIGINT
        assert terminal.echoes()


# import ---------------------------------------------------------------------------------------------------------------

PGBOUNCER_INI = """\
;; what an installation may look like
[databases]
app = host=localhost port={port} pool_size=3
renamed = host=localhost port={port} dbname=app
elsewhere = host=db.example
* = host=localhost port={port}

[users]
other = pool_mode=transaction max_user_connections=4

[pgbouncer]
%include {included}
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/userlist.txt
logfile = {folder}/pooler.log
pidfile = {folder}/pooler.pid
admin_users = postgres
server_tls_sslmode = verify-full
server_tls_ca_file = {root}
ignore_startup_parameters = extra_float_digits
server_check_query = select 1
so_reuseport = 1
"""


def test_what_is_imported_from_pgbouncer_serves(server, tmp_path):
    port = free_port()
    (tmp_path / "more.ini").write_text("query_wait_timeout = 30\nserver_idle_timeout = 60\n")
    (tmp_path / "userlist.txt").write_text('"app" "secret"\n"other" "the other\'s secret" ""\n')
    (tmp_path / "pgbouncer.ini").write_text(
        PGBOUNCER_INI.format(
            port=server.port,
            own_port=port,
            folder=tmp_path,
            included=tmp_path / "more.ini",
            root=server.root_certificate,
        )
    )
    done = ballast("import", tmp_path / "pgbouncer.ini")
    assert done.returncode == 0, done.stderr
    assert "# elsewhere: another server (db.example)" in done.stdout
    (tmp_path / "ballast.toml").write_text(done.stdout)
    process = spawn([Ballast.program, "--config", tmp_path / "ballast.toml"], tmp_path / "out", env=ENVIRONMENT)
    try:
        wait_until(lambda: accepts(port) or process.poll() is not None, "the imported Ballast listens")
        for user, password in (("app", "secret"), ("other", "the other's secret")):
            for database in ("app", "renamed"):
                url = f"host=127.0.0.1 port={port} user={user} dbname={database}"
                asked = subprocess.run(
                    ["psql", "-XAtc", "select current_user, current_database()", url],
                    env=ENVIRONMENT | {"PGPASSWORD": password},
                    capture_output=True,
                    text=True,
                )
                assert asked.stdout == f"{user}|app\n", asked.stderr
        assert "listening" in (tmp_path / "pooler.log").read_text()
    finally:
        assert stop(process) == 0


def test_import_of_a_file_that_pgbouncer_would_refuse(tmp_path):
    (tmp_path / "bad.ini").write_text("[databases]\na = host=h password='hunter2\n")
    done = ballast("import", tmp_path / "bad.ini")
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr == 'ballast: "a" has a value whose quote isn\'t closed\n'


# top ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(start):
    """A Ballast with HTTP behind a token, and the options with which top finds it."""
    port = free_port()
    pooler = start(http_port=port, http_token="open sesame")
    return pooler, ["top", "--http-port", port]


def test_top_prints_one_table_where_there_is_no_terminal(watched, connect, tmp_path):
    pooler, command = watched
    client = connect(pooler)
    assert client.value("select 1") == "1"
    (tmp_path / "token").write_text("open sesame\n")
    done = ballast(*command, BALLAST_HTTP_TOKEN_FILE=str(tmp_path / "token"))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout and "sesame" not in done.stdout
    lines = done.stdout.splitlines()
    assert re.match(r"ballast \S+ at 127\.0\.0\.1:\d+, up \d+ s   database awake", lines[0])
    header = next(line for line in lines if line.startswith("DATABASE"))
    row = lines[lines.index(header) + 1].split()
    assert row[:4] == ["app", "app", "1", "0"]
    assert len(row) == len(header.split())


def test_top_counts_what_happens_between_two_looks(watched, connect):
    pooler, command = watched
    client = connect(pooler)
    process = subprocess.Popen(
        [Ballast.program, *map(str, command), "--count", "3", "--interval", "0.5"],
        env=ENVIRONMENT | {"BALLAST_HTTP_TOKEN": "open sesame"},
        stdout=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None:
        client.value("select 1")
    tables = process.stdout.read().split("\n\n")
    rows = [line.split() for table in tables for line in table.splitlines() if line.startswith("app ")]
    assert len(rows) == 3
    for row in rows:
        assert float(row[10]) > 0  # transactions a second
        assert all(float(cell) > 0 for cell in row[11:14])  # of a request


def test_top_on_a_terminal_fills_the_screen_and_leaves_it_on_q(watched):
    _, command = watched
    with Terminal(Ballast.program, *command, BALLAST_HTTP_TOKEN="open sesame") as terminal:
        terminal.resize(40, 10)
        terminal.wait_for(r"\x1b\[\?1049h")
        terminal.wait_for("DATABASE")
        assert not terminal.echoes()
        seen = len(terminal.screen)
        terminal.wait_for(f"(?s).{{{seen}}}.*DATABASE")  # again
        assert all(len(re.sub(r"\x1b\[\S*?[A-Za-z]", "", line)) <= 40 for line in terminal.screen[seen:].split("\r\n"))
        terminal.type("q")
        terminal.wait_for(r"\x1b\[\?1049l")
        assert terminal.ended() == 0
        assert terminal.echoes()


def test_a_signal_ends_top_and_restores_the_screen(watched):
    _, command = watched
    with Terminal(Ballast.program, *command, BALLAST_HTTP_TOKEN="open sesame") as terminal:
        terminal.wait_for("DATABASE")
        terminal.process.send_signal(signal.SIGTERM)
        terminal.wait_for(r"\x1b\[\?1049l")
        assert terminal.ended() == -signal.SIGTERM
        assert terminal.echoes()


def test_top_stays_when_ballast_goes_away_and_says_so(start):
    port = free_port()
    pooler = start(http_port=port)
    with Terminal(Ballast.program, "top", "--http-port", port) as terminal:
        terminal.wait_for("DATABASE")
        pooler.process.send_signal(signal.SIGSTOP)
        terminal.wait_for("no HTTP from|nobody answers|no whole answer")
        pooler.process.send_signal(signal.SIGCONT)
        seen = len(terminal.screen)
        terminal.wait_for(f"(?s).{{{seen}}}.*DATABASE.*\x1b\\[J$")
        terminal.type("q")
        assert terminal.ended() == 0


def test_top_without_anybody_to_ask(watched):
    _, command = watched
    assert ballast("top").returncode == 2
    done = ballast("top", "--http-port", free_port())
    assert (done.returncode, done.stdout) == (1, "")
    assert "nobody answers at 127.0.0.1" in done.stderr
    done = ballast(*command, BALLAST_HTTP_TOKEN="another")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("wants another http_token\n")
    assert ballast(*command, "--count", "0").returncode == 2
    assert ballast(*command, "--interval", "1ms").returncode == 2


# completion -----------------------------------------------------------------------------------------------------------


def printed(*arguments) -> str:
    done = ballast(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


COMPLETIONS = {
    "che": ["check"],
    "co": ["config", "completion"],
    "check --js": ["--json"],
    "top --cou": ["--count"],
    "serve --pool-m": ["--pool-mode"],
    "--pool-mode ": ["session", "transaction", "statement"],
    "--pool-mode t": ["transaction"],
    "serve --pool-mode = s": ["session", "statement"],
    "serve --pool-mode =": ["session", "transaction", "statement"],
    "completion ": ["bash", "zsh", "--help"],
    "scram-secret --": ["--user", "--help"],
    "import some": ["some file.ini"],
    "--auth-file some": ["some file.ini"],
    "--workers ": [],
    "check --config some": ["some file.ini"],
}


@pytest.mark.parametrize("line", COMPLETIONS)
def test_bash_completes(tmp_path, line):
    (tmp_path / "some file.ini").touch()
    (tmp_path / "completion").write_text(printed("completion", "bash"))
    *words, last = line.split(" ")
    script = """
        source ./completion
        [[ $(complete -p ballast) == *' _ballast '* ]] || exit 9
        COMP_WORDS=(ballast "$@") COMP_CWORD=$#
        _ballast
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    command = ["bash", "--norc", "-c", script, "bash", *words, last]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(filter(None, done.stdout.splitlines())) == sorted(COMPLETIONS[line])


def test_bash_completes_what_is_typed(tmp_path):
    (tmp_path / "completion").write_text(printed("completion", "bash"))
    with Terminal("bash", "--norc", "--noprofile", "-i", PS1="ready> ", HOME=str(tmp_path)) as terminal:
        terminal.wait_for("ready> $")
        terminal.type(f"source {tmp_path}/completion; ballast() {{ echo \"<$*>\"; }}\n")
        terminal.wait_for("(?s)ready> .*ready> $")
        terminal.type("ballast comp\tz\t--he\t\n")
        terminal.wait_for("<completion zsh --help>")
        terminal.type("ballast serve --pool-mode=tr\t--listen-p\t1\n")
        terminal.wait_for("<serve --pool-mode=transaction --listen-port 1>")


def test_zsh_completes_what_is_typed(tmp_path):
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "_ballast").write_text(printed("completion", "zsh"))
    with Terminal("zsh", "-f", "-i", PS1="ready> ", HOME=str(tmp_path)) as terminal:
        terminal.wait_for("ready> ")
        terminal.type(f"fpath=({tmp_path}/functions $fpath); autoload -Uz compinit; compinit -u -D\n")
        terminal.type("ballast() { print -r -- \"<$*>\" }; print done and re''ady\n")
        terminal.wait_for("done and ready")
        for typed, completed in {
            "ballast comp\tz\t\n": "<completion zsh>",
            "ballast serve --pool-mo\ttr\t--listen-po\t1\n": "<serve --pool-mode=transaction --listen-port=1>",
            "ballast check --js\t\n": "<check --json>",
            "ballast scram-secret --us\tme\n": "<scram-secret --user=me>",
        }.items():
            terminal.type(typed)
            terminal.wait_for(re.escape(completed))


def test_zsh_takes_the_script_by_source_too(tmp_path):
    (tmp_path / "script").write_text(printed("completion", "zsh"))
    script = "autoload -Uz compinit; compinit -u -D; source ./script; print $_comps[ballast]"
    done = subprocess.run(["zsh", "-f", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("_ballast\n", "")


def test_completion_for_another_shell():
    done = ballast("completion", "fish")
    assert (done.returncode, done.stdout) == (2, "")
    assert "use bash or zsh" in done.stderr


# man ------------------------------------------------------------------------------------------------------------------


def test_the_manual_page_has_no_warnings_and_says_everything():
    page = printed("man")
    command = ["groff", "-ww", "-man", "-Tutf8", "-P-cbou"]
    made = subprocess.run(command, input=page, capture_output=True, text=True, timeout=60)
    assert (made.returncode, made.stderr) == (0, "")
    text = re.sub(r"\s+", " ", made.stdout.replace("‐\n", "").replace("−", "-").replace("‐", "-"))
    for section in ("NAME", "SYNOPSIS", "COMMANDS", "SETTINGS", "SIGNALS", "EXIT STATUS", "SEE ALSO"):
        assert f" {section} " in text
    for name in re.findall(r"^\| `([a-z_]+)` \|", printed("config", "--markdown"), re.MULTILINE):
        assert f" --{name.replace('_', '-')} value" in text
    for command in re.findall(r"^  ballast (\S+)", printed("--help"), re.MULTILINE):
        assert f" ballast {command} " in text


def test_man_shows_the_manual_page(tmp_path):
    (tmp_path / "ballast.1").write_text(printed("man"))
    shown = subprocess.run(
        ["man", "--warnings", "-l", tmp_path / "ballast.1"],
        env=ENVIRONMENT | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "ballast - a PostgreSQL connection pooler for Neon" in shown.stdout
