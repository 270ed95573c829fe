"""PostgreSQL's own test suites against a private PostgreSQL 15, direct and through Ballast.

Every run has a fresh server (TLS, SCRAM) and, unless it is direct, a fresh Ballast before it. What passes direct has
to pass through Ballast: the exit code is 0 only then. If the tree is of another minor release than the server, some
expected files differ: then the outputs of the direct run join them, and a second direct run shows that they repeat.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from libpq_pipeline import LibpqPipelineSuite
from poolers import REPOSITORY, Ballast, Direct, Pooler
from postgres import SUPERUSER, Postgres, program
from regress import IsolationSuite, RegressSuite
from score import Score
from source_tree import SourceTree
from watchdog import Watchdog

SUITES = {"regress": RegressSuite, "libpq_pipeline": LibpqPipelineSuite, "isolation": IsolationSuite}

# Nothing here may change a plan or the visibility of a row: the expected outputs show both.
SERVER_SETTINGS = {"fsync": "off", "max_connections": "200", "max_prepared_transactions": "10"}

# What pg_regress gives a database that it makes itself.
DATABASE = """
create database {name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C';
alter database {name} set lc_messages = 'C';
alter database {name} set lc_monetary = 'C';
alter database {name} set lc_numeric = 'C';
alter database {name} set lc_time = 'C';
alter database {name} set bytea_output = 'hex';
alter database {name} set timezone_abbreviations = 'Default';
"""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/conformance/run", description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a tree of PostgreSQL 15's sources, left as it is")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="runs through Ballast in a row (1)")
    parser.add_argument("--serial", action="store_true", help="one regression test at a time")
    parser.add_argument("--only", choices=["direct", "ballast"], help="without a direct run, all failures count")
    parser.add_argument("--suite", nargs="+", choices=SUITES, default=["regress", "libpq_pipeline"])
    parser.add_argument("--tests", nargs="+", metavar="NAME", help="just these, with what they depend on")
    parser.add_argument("--ballast", type=Path, metavar="PATH", help="the binary ($BALLAST_BIN; else it is built)")
    parser.add_argument("--pool-size", type=int, default=20, metavar="N", help="default_pool_size (20)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of Ballast's")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="longest time of a run (900)")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="for what is built of SOURCE")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="for differences and logs; a new one by default")
    given = parser.parse_args()
    temporary = os.environ.get("TMPDIR", "/tmp")
    given.cache = given.cache or Path(os.environ.get("XDG_CACHE_HOME", temporary)) / "ballast-conformance"
    given.output = (given.output or Path(tempfile.mkdtemp(prefix="ballast-conformance-"))).resolve()
    given.settings = {"default_pool_size": given.pool_size} | dict(setting(text, parser) for text in given.set)
    return given


def setting(text: str, parser: argparse.ArgumentParser) -> tuple[str, str | int]:
    name, equals, value = text.partition("=")
    if not equals:
        parser.error(f"--set {text}: NAME=VALUE is what it takes")
    return name, int(value) if value.lstrip("-").isdigit() else value


def ballast_binary(given: Path | None) -> Path:
    if given or "BALLAST_BIN" in os.environ:
        return (given or Path(os.environ["BALLAST_BIN"])).resolve()
    build = REPOSITORY / "build"
    if not (build / "build.ninja").exists():
        release = ["-DCMAKE_BUILD_TYPE=Release", "-DBALLAST_TESTS=OFF"]
        subprocess.run(["cmake", "-G", "Ninja", "-S", REPOSITORY, "-B", build, *release], check=True)
    subprocess.run(["cmake", "--build", build, "--target", "ballast"], check=True)
    return build / "ballast"


def chosen_suites(given: argparse.Namespace, tree: SourceTree) -> list:
    suites = [SUITES[name](name, tree) for name in given.suite]
    names = given.tests or []
    unknown = set(names).difference(*(suite.tests() for suite in suites))
    if unknown:
        sys.exit(f"no such test: {', '.join(sorted(unknown))}")
    if names:
        suites = [suite for suite in suites if not set(names).isdisjoint(suite.tests())]
    for suite in suites:
        suite.serial = given.serial
        if names:
            suite.choose([name for name in names if name in suite.tests()])
    return suites


def pooler(kind: type[Pooler], server: Postgres, database: str, settings: dict) -> Pooler:
    accounts = {SUPERUSER: server.superuser_password}
    if kind is Ballast:
        return Ballast(server, accounts, settings, upstream=server.superuser_url(database))
    return kind(server, accounts)


def client_environment(target: Pooler, tree: SourceTree) -> dict[str, str]:
    """For psql and libpq of the tree, by way of the target."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "BALLAST_"))}
    return kept | {
        "LD_LIBRARY_PATH": str(tree.libpq_folder),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(target.port),
        "PGUSER": SUPERUSER,
        "PGPASSWORD": target.accounts[SUPERUSER],
        "PGSSLMODE": "require" if isinstance(target, Direct) else "disable",
    }


def run(suite, kind: type[Pooler], folder: Path, given: argparse.Namespace, tree: SourceTree) -> Score:
    folder.mkdir(parents=True)
    score = Score()
    with Postgres(settings=SERVER_SETTINGS) as server:
        make_results(folder / suite.results, server)
        server.sql(DATABASE.format(name=suite.database))
        try:
            with pooler(kind, server, suite.database, given.settings) as target:
                with Watchdog(server.superuser_url(), suite.database) as watchdog:
                    score = suite.run(client_environment(target, tree), folder, given.limit)
                score.troubles += watchdog.interventions
                if target.process and target.process.poll() is not None:
                    score.troubles.append(f"{target.name} ended in the middle of it with {target.process.returncode}")
                (folder / f"{target.name}.log").write_text(target.log_text())
        except RuntimeError as ended:  # Ballast did not start, or did not end well: an assert, a sanitizer's finding
            (folder / "ballast.log").write_text(str(ended))
            said = str(ended).splitlines()
            score.troubles.append(f"{said[0]} {said[-1]}")
        shutil.copy(server.log, folder / "postgres.log")
    return score


def make_results(folder: Path, server: Postgres):
    """COPY ... TO writes there as the server's account, psql as ours."""
    folder.mkdir(parents=True, exist_ok=True)
    if server.account:
        os.chown(folder, server.account.pw_uid, server.account.pw_gid)


def report(what: str, score: Score, wrong: list[str]):
    print(f"{what}: {score}")
    if wrong:
        print(f"  {' '.join(wrong)}")
    for trouble in score.troubles:
        print(f"  {trouble}")
    sys.stdout.flush()


def reference(suite, folder: Path, given: argparse.Namespace, tree: SourceTree) -> Score:
    score = run(suite, Direct, folder / "direct", given, tree)
    report(f"{suite.name}, direct", score, score.failed)
    if score.failed and not score.troubles:
        suite.adopt(score.failed, folder / "direct")
        score = run(suite, Direct, folder / "direct-again", given, tree)
        report(f"{suite.name}, direct again, these outputs now among the expected ones", score, score.failed)
    return score


def compare(suite, given: argparse.Namespace, tree: SourceTree) -> bool:
    """Whether the suite passed."""
    folder = given.output / suite.name
    suite.prepare(folder)
    direct = None if given.only == "ballast" else reference(suite, folder, given, tree)
    if given.only == "direct":
        return direct.clean
    passed = direct is None or bool(direct.having("ok")) and not direct.troubles
    for number in range(1, given.runs + 1):
        score = run(suite, Ballast, folder / f"ballast-{number}", given, tree)
        lost = score.lost(direct) if direct else score.failed
        report(f"{suite.name}, through Ballast, run {number}: {len(lost)} lost", score, lost)
        passed = passed and bool(score.having("ok")) and not lost and not score.troubles
    return passed


def require_same_major(tree: SourceTree):
    version = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    server = re.search(r"\d+", version)[0]
    if tree.version.partition(".")[0] != server:
        sys.exit(f"the tree is PostgreSQL {tree.version}, the server {server}")


def main() -> int:
    given = options()
    given.output.mkdir(parents=True, exist_ok=True)
    if any(given.output.iterdir()):
        sys.exit(f"--output {given.output} is not empty")
    given.output.chmod(0o755)  # PostgreSQL's own account reads it
    tree = SourceTree(given.source, given.cache)
    tree.make()
    require_same_major(tree)
    if given.only != "direct":
        Ballast.program = ballast_binary(given.ballast)
    passed = [compare(suite, given, tree) for suite in chosen_suites(given, tree)]
    print(f"differences and logs: {given.output}")
    print("passed" if all(passed) else "failed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
