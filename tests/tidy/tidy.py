"""The house rules (DESIGN: floors, style) as tests. Each check yields what is wrong, as "file:line: what".

    tidy.py [--build FOLDER]    FOLDER has the ballast binary, whose settings table the README must show
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[2]

# A file includes its own floor and those further left; the pure ones don't know each other.
PURE = ["protocol", "proxy/base", "proxy/sql"]
FLOORS = [PURE, ["proxy/io"], ["proxy/pool"], ["proxy/session"], ["proxy/app"], ["proxy"]]

# Headers of libraries and the only places that include them.
ALLOWED = {
    r"boost/asio": ["proxy/app/"],
    r"boost/beast": ["proxy/app/http.cpp"],
    r"openssl/(?!evp|hmac|sha|rand|crypto|md5|kdf|core_names|params)": ["proxy/io/"],
    r"openssl/": ["proxy/io/", "protocol/digest.cpp"],
    r"libpq": ["proxy/app/conninfo.cpp", "proxy/app/connection_keywords.cpp", "proxy/app/check_login.cpp"],
    r"CLI/": ["proxy/app/options.cpp"],
    r"toml": ["proxy/app/options.cpp"],
    r"prometheus/": ["proxy/app/metrics.cpp"],
    r"spdlog": ["proxy/base/log.cpp"],
    r"sys/(socket|epoll)\.h|netdb\.h": ["proxy/io/"],
    # A lock says that two threads meet: the server budget, a worker's mailbox, the threads that look names up, the log.
    r"(mutex|shared_mutex|condition_variable)$": [
        "proxy/pool/broker.", "proxy/pool/keepalive.", "proxy/pool/upstream.", "proxy/pool/login_memory.",
        "proxy/io/reactor.", "proxy/io/resolver.", "proxy/base/log.cpp",
    ],
}

LONGEST_FILE = 400
LONGEST_TEST = 1000  # many short cases, in the order of the source that they test
LONGEST_FUNCTION = 60

# Sources without a test file of their own name, and the test that has them in its hands instead.
TESTED_ELSEWHERE = {
    "protocol/digest.cpp": "tests/unit/protocol/scram_test.cpp",
    "proxy/app/administration_routes.cpp": "tests/unit/app/operations_test.cpp",
    "proxy/app/census.cpp": "tests/integration/test_http.py",
    "proxy/app/check_network.cpp": "tests/integration/test_commands.py",
    "proxy/app/command_table.cpp": "tests/unit/app/help_command_test.cpp",
    "proxy/app/connection_keywords.cpp": "tests/unit/app/conninfo_test.cpp",
    "proxy/app/console.cpp": "tests/integration/test_console.py",
    "proxy/app/console_columns.cpp": "tests/unit/app/console_tables_test.cpp",
    "proxy/app/console_extended.cpp": "tests/unit/app/console_session_test.cpp",
    "proxy/app/console_pools.cpp": "tests/unit/app/console_tables_test.cpp",
    "proxy/app/console_set.cpp": "tests/integration/test_console.py",
    "proxy/app/console_settings.cpp": "tests/unit/app/console_tables_test.cpp",
    "proxy/app/console_sockets.cpp": "tests/unit/app/console_tables_test.cpp",
    "proxy/app/console_statistics.cpp": "tests/unit/app/console_tables_test.cpp",
    "proxy/app/pool_report.cpp": "tests/integration/test_console.py",
    "proxy/app/survey.cpp": "tests/integration/test_console.py",
    "proxy/app/counter_table.cpp": "tests/unit/app/metrics_test.cpp",
    "proxy/app/database_probe.cpp": "tests/integration/test_http.py",
    "proxy/app/http.cpp": "tests/integration/test_http.py",
    "proxy/app/live_settings.cpp": "tests/unit/app/administration_test.cpp",
    "proxy/app/predecessor.cpp": "tests/integration/test_handover.py",
    "proxy/app/process_figures.cpp": "tests/unit/app/metrics_test.cpp",
    "proxy/pool/pool_statistics.cpp": "tests/unit/app/metrics_test.cpp",
    "proxy/app/layers.cpp": "tests/unit/app/options_test.cpp",
    "proxy/app/listener.cpp": "tests/integration/test_life.py",
    "proxy/app/service.cpp": "tests/integration/test_life.py",
    "proxy/app/successor.cpp": "tests/integration/test_handover.py",
    "proxy/app/status_page.cpp": "tests/unit/app/operations_test.cpp",
    "proxy/app/terminal.cpp": "tests/integration/test_commands.py",
    "proxy/app/top_command.cpp": "tests/integration/test_commands.py",
    "proxy/app/worker.cpp": "tests/integration/test_life.py",
    "proxy/io/peer_certificate.cpp": "tests/integration/test_commands.py",
    "proxy/io/connect_attempt.cpp": "tests/unit/io/connector_test.cpp",
    "proxy/io/tls_base.cpp": "tests/unit/io/client_tls_test.cpp",
    "proxy/io/tls_channel.cpp": "tests/unit/io/client_tls_test.cpp",
    "proxy/io/upstream_tls.cpp": "tests/unit/io/connector_tls_test.cpp",
    "proxy/pool/pool_growth.cpp": "tests/unit/pool/pool_test.cpp",
    "proxy/pool/pool_set.cpp": "tests/unit/pool/pool_test.cpp",
    "proxy/pool/server_answers.cpp": "tests/unit/pool/server_connection_test.cpp",
    "proxy/pool/server_channels.cpp": "tests/unit/pool/server_connection_test.cpp",
    "proxy/pool/server_login_end.cpp": "tests/unit/session/login_pipelining_test.cpp",
    "proxy/pool/pool_early.cpp": "tests/unit/session/login_pipelining_test.cpp",
    "proxy/pool/server_hold.cpp": "tests/unit/session/cancel_test.cpp",
    "proxy/session/cancel_forward.cpp": "tests/unit/session/cancel_test.cpp",
    "proxy/session/cancel_keys.cpp": "tests/unit/session/cancel_test.cpp",
    "proxy/session/client_listening.cpp": "tests/unit/session/listening_test.cpp",
    "proxy/session/client_prepares.cpp": "tests/unit/session/prepares_test.cpp",
    "proxy/session/client_requests.cpp": "tests/unit/session/requests_test.cpp",
    "proxy/session/client_answers.cpp": "tests/unit/session/requests_test.cpp",
    "proxy/session/client_executes.cpp": "tests/unit/session/prepares_test.cpp",
    "proxy/session/client_session.cpp": "tests/unit/session/life_test.cpp",
    "proxy/session/client_steering.cpp": "tests/unit/session/steering_test.cpp",
    "proxy/sql/effect_calls.cpp": "tests/unit/sql/effect_reader_test.cpp",
    "proxy/sql/effect_settings.cpp": "tests/unit/sql/effect_reader_test.cpp",
}

BANNED = {
    r"\b(TODO|FIXME|XXX)\b": "do it, or open an issue",
    r"\b(class|struct)\s+\w*(Manager|Helper|Util|Utils|Impl)\b": "say what it is",
}


def files(*patterns: str) -> list[Path]:
    """The repository's files; what was built or installed is not."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if not re.match(r"build|\.git/|.*node_modules/", name(path)))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sources(*folders: str) -> list[Path]:
    return files(*(f"{folder}/**/*.{kind}pp" for folder in folders for kind in "ch"))


def includes(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if found := re.match(r'#include ["<]([^">]+)[">]', line):
            yield number, found[1]


def floor_of(file: str) -> str:
    return Path(file).parent.as_posix()


def height(floor: str) -> int:
    return next(level for level, floors in enumerate(FLOORS) if floor in floors)


def check_floors() -> Iterator[str]:
    """A file includes its own floor and those below."""
    for path in sources("protocol", "proxy"):
        own = floor_of(name(path))
        for number, included in includes(path):
            if not included.startswith(("protocol/", "proxy/", "tests/")):
                continue
            other = floor_of(included)
            if other != own and (included.startswith("tests/") or height(other) >= height(own)):
                yield f"{name(path)}:{number}: {own} does not include {included}"


def check_circles() -> Iterator[str]:
    """No header includes itself by way of others."""
    graph = {name(path): [found for _, found in includes(path)] for path in sources("protocol", "proxy")}
    finished: set[str] = set()

    def visit(file: str, way: list[str]) -> Iterator[str]:
        if file in way:
            yield " -> ".join([*way[way.index(file) :], file])
        elif file not in finished:
            for included in graph.get(file, []):
                yield from visit(included, [*way, file])
            finished.add(file)

    for file in graph:
        yield from visit(file, [])


def check_libraries() -> Iterator[str]:
    """Libraries stay behind the files that are there to hide them."""
    for path in sources("protocol", "proxy"):
        for number, included in includes(path):
            for header, places in ALLOWED.items():
                if re.match(header, included) and not name(path).startswith(tuple(places)):
                    yield f"{name(path)}:{number}: {included} belongs to {', '.join(places)}"


def check_headers() -> Iterator[str]:
    """A header opens with what it is about."""
    for path in files("protocol/*.hpp", "proxy/**/*.hpp", "tests/**/*.hpp"):
        lines = path.read_text().splitlines()
        if not lines[0].startswith("//"):
            yield f"{name(path)}:1: says not what it is"
        if "#pragma once" not in lines:
            yield f"{name(path)}:1: no #pragma once"


def check_types_are_defined_once() -> Iterator[str]:
    """Two types of one name in two headers break the one definition rule as soon as both meet in a program."""
    seen: dict[str, str] = {}
    for path in files("protocol/*.hpp", "proxy/**/*.hpp"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r"(?:struct|class|enum class|enum|using) (\w+)(?: final)?(?: [:{=]|$)", line)
            if found and found[1] in seen:
                yield f"{name(path)}:{number}: {found[1]} is defined in {seen[found[1]]} too"
            elif found:
                seen[found[1]] = f"{name(path)}:{number}"


def check_format() -> Iterator[str]:
    """clang-format would change nothing."""
    program = shutil.which("clang-format-14") or "clang-format"
    command = [program, "--dry-run", "--ferror-limit=1", *map(name, sources("protocol", "proxy", "tests"))]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        yield f"{program}: {found.stderr.strip()}"
    yield from re.findall(r"^\S+:\d+(?=:\d+: warning: .*clang-format)", found.stderr, re.MULTILINE)


def check_file_length() -> Iterator[str]:
    """A file is one noun, and can be read in one go."""
    for path in sources("protocol", "proxy", "tests") + files("tests/**/*.py"):
        length = len(path.read_text().splitlines())
        limit = LONGEST_TEST if name(path).startswith("tests/") else LONGEST_FILE
        if length > limit:
            yield f"{name(path)}:{length}: longer than {limit} lines"


def check_function_length() -> Iterator[str]:
    """A function fits on a screen. Found by the indentation that clang-format sees to."""
    for path in sources("protocol", "proxy", "tests"):
        begun: dict[str, int] = {}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            indent = line[: len(line) - len(line.lstrip())]
            if len(indent) > 2:
                continue
            if line.startswith(indent + "}"):
                start = begun.pop(indent, number)
                if number - start + 1 > LONGEST_FUNCTION:
                    yield f"{name(path)}:{start}: {number - start + 1} lines, more than {LONGEST_FUNCTION}"
            elif line.endswith("{") and ")" in line and not re.match(r"\s*(//|class |struct )", line):
                begun[indent] = number


def check_coroutines() -> Iterator[str]:
    """g++ 12.2 destroys some temporaries twice inside co_await expressions: no braces, no lambda, no ?: there."""
    for path in sources("protocol", "proxy", "tests"):
        text = path.read_text()
        for found in re.finditer(r"co_await\b([^;]*);", text):
            if re.search(r"[{?]|\[[&=\w, ]*\]\s*[({]", found[1]):
                yield f"{name(path)}:{text.count(chr(10), 0, found.start()) + 1}: too much in a co_await expression"


def check_words() -> Iterator[str]:
    """Words that say that something is not finished or has no name yet."""
    for path in files("**/*.?pp", "**/*.py", "**/*.md", "**/*.txt", "**/run", "deploy/**/*"):
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            for word, remedy in BANNED.items():
                if found := re.search(word, line):
                    yield f"{name(path)}:{number}: '{found[0]}': {remedy}"


def check_tests_mirror_sources() -> Iterator[str]:
    """protocol/x.cpp has tests/unit/protocol/x_test.cpp; what has none says who tests it."""
    for path in files("protocol/*.cpp", "proxy/*/*.cpp"):
        test = ROOT / "tests" / "unit" / path.parent.name / f"{path.stem}_test.cpp"
        if not test.exists() and name(path) not in TESTED_ELSEWHERE:
            yield f"{name(path)}:1: no {name(test)}"
    for source, test in TESTED_ELSEWHERE.items():
        for file in (source, test):
            if not (ROOT / file).exists():
                yield f"tests/tidy/tidy.py:1: TESTED_ELSEWHERE has {file}, which is gone"


def check_source_lists() -> Iterator[str]:
    """CMake's lists have every source, in order."""
    for path in files("**/CMakeLists.txt"):
        for block in re.findall(r"# keep sorted\n(.*?)\)", path.read_text(), re.DOTALL):
            listed = block.split()
            if listed != sorted(listed):
                yield f"{name(path)}:1: not sorted: {' '.join(listed)}"
            present = {source.name for source in path.parent.glob("*.cpp")} - {"main.cpp"}
            for missing in sorted(present - set(listed)):
                yield f"{name(path)}:1: {missing} is not listed"


def check_settings_in_readme(build: Path) -> Iterator[str]:
    """The README's table of settings is the program's own."""
    table = subprocess.run([build / "ballast", "config", "--markdown"], capture_output=True, text=True)
    if table.returncode:
        yield f"ballast config --markdown: {table.stderr.strip()}"
        return
    readme = ROOT / "README.md"
    shown = readme.read_text() if readme.exists() else ""
    missing = [line for line in table.stdout.strip().splitlines() if line not in shown]
    if missing:
        yield f"README.md:1: lacks {len(missing)} lines of `ballast config --markdown`, the first is: {missing[0]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, help="where the ballast binary is; without, the README is not compared")
    build = parser.parse_args().build
    checks = [found for title, found in globals().items() if title.startswith("check_")]
    results = {check: list(check()) for check in checks if check is not check_settings_in_readme}
    if build:
        results[check_settings_in_readme] = list(check_settings_in_readme(build.resolve()))
    for check, wrong in results.items():
        if wrong:
            print(f"{check.__name__}: {check.__doc__}")
            print("".join(f"  {line}\n" for line in wrong), end="")
    failed = sum(1 for wrong in results.values() if wrong)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
