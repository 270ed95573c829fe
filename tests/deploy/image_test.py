"""The images of deploy/Dockerfile: built, and at work as docker-compose.yml and Kubernetes run them."""

import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import processes
from dockerfile import Build
from neon import DOMAIN, ENDPOINT, REPOSITORY, NeonPostgres
from postgres import app_password
from root import Root
from steps import Sequence

COMPILERS = ["g++", "gcc", "cc", "cmake", "ninja", "ld"]


def megabytes(root: Root) -> int:
    told = subprocess.run(["du", "-sm", root.folder], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[0])


class ImageTest(Sequence):
    def __init__(self, base: Root, build: Build, folder: Path):
        self.base = base
        self.build = build
        self.folder = folder
        self.stack = ExitStack()
        self.port = processes.free_port()
        self.http_port = processes.free_port()

    def end(self):
        self.stack.close()

    def steps(self):
        return [
            self.the_Dockerfile_builds_an_image_of_ballast,
            self.the_image_has_the_libraries_that_the_binary_needs_and_no_compiler,
            self.the_image_serves_psql_without_privileges_on_a_read_only_root,
            self.its_health_check_says_that_it_is_well,
            self.it_ends_cleanly_and_its_health_check_says_so,
            self.the_Dockerfile_builds_an_image_of_the_simulator,
            self.psql_wakes_the_simulator_through_ballast,
            self.the_Dockerfile_of_the_chatbot_builds_an_image,
            self.the_chatbot_makes_its_schema_and_is_well_by_way_of_ballast_and_the_simulator,
        ]

    def the_Dockerfile_builds_an_image_of_ballast(self):
        self.image = self.build.stage("ballast")
        assert self.image.ports == [6432, 9127]
        assert self.image.account.uid >= 1000

    def the_image_has_the_libraries_that_the_binary_needs_and_no_compiler(self):
        root = self.image.root
        libraries = root.run(["ldd", "/usr/bin/ballast"])
        assert "not found" not in libraries, libraries
        files = re.findall(r"=> /\S+/(\S+)", libraries)
        packages = root.run(["dpkg", "-S", *(f"*/{file}" for file in files)])
        print("    " + " ".join(sorted({line.partition(":")[0] for line in packages.splitlines()})))
        found = [name for name in COMPILERS for place in ("usr/bin", "bin") if root.path(f"{place}/{name}").exists()]
        assert not found, found
        print(f"    {megabytes(root)} MB unpacked, of which Debian is {megabytes(self.base)}")

    def the_image_serves_psql_without_privileges_on_a_read_only_root(self):
        self.database = NeonPostgres()
        self.stack.callback(shutil.rmtree, self.database.folder, ignore_errors=True)
        self.database.start()
        self.stack.callback(self.database.stop)
        self.password = app_password(self.database)
        url = self.database.url("app", self.password, "app", sslrootcert="/run/secrets/ca.crt")
        self.ballast, environment = self.start(url, {})
        self.environment = environment
        assert self.psql() == "app"
        status = Path(f"/proc/{self.ballast.pid}/status").read_text()
        uid = self.image.account.uid
        assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status, re.MULTILINE), status
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE), status

    def its_health_check_says_that_it_is_well(self):
        told = self.image.root.run(self.image.health, self.environment, self.image.account, mounts=self.secrets)
        assert told == "ready\n", told

    def it_ends_cleanly_and_its_health_check_says_so(self):
        assert processes.stop(self.ballast) == 0
        try:
            self.image.root.run(self.image.health, self.environment, self.image.account, mounts=self.secrets)
        except RuntimeError as error:
            assert "nobody answers" in str(error), error
        else:
            raise AssertionError("healthy without a process")

    def the_Dockerfile_builds_an_image_of_the_simulator(self):
        self.simulator = self.build.stage("neonsim")
        assert "not found" not in self.simulator.root.run(["ldd", "/usr/bin/neonsim"])

    def psql_wakes_the_simulator_through_ballast(self):
        port = processes.free_port()
        environment = {"NEONSIM_PORT": str(port), "PGPORT": str(self.database.port)}
        log = self.folder / "neonsim.log"
        simulator = self.simulator.root.spawn(
            self.simulator.account,
            self.simulator.entrypoint,
            self.simulator.environment | environment,
            log,
            mounts={"/run/postgresql": self.readable_socket_folder()},  # /var/run is a link to /run
            writable=[],
        )
        self.stack.callback(processes.stop, simulator)
        processes.wait_until(lambda: processes.accepts(port), f"the simulator listens, see {log}")
        self.simulator.root.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"])  # its HEALTHCHECK on this port
        host = f"{ENDPOINT}.{DOMAIN}"
        self.url = f"postgresql://app:{self.password}@{host}:{port}/app?hostaddr=127.0.0.1&sslmode=require"
        self.ballast, _ = self.start(self.url, {"BALLAST_SCALE_TO_ZERO": "on"})
        assert self.psql() == "app"

    def the_Dockerfile_of_the_chatbot_builds_an_image(self):
        context = REPOSITORY / "deploy/chatbot"
        build = Build(context / "Dockerfile", context, self.build.images, self.folder)
        self.chatbot = build.stage("0")

    def the_chatbot_makes_its_schema_and_is_well_by_way_of_ballast_and_the_simulator(self):
        image, port = self.chatbot, processes.free_port()
        environment = image.environment | {"NEON_DATABASE_URL": self.url, "POOLER_ADDRESS": f"127.0.0.1:{self.port}"}
        make_schema = [*image.entrypoint, "python3", "-m", "chatbot.init_db"]
        image.root.run(make_schema, environment, image.account, image.folder)
        log = self.folder / "chatbot.log"
        command = [word if word != "8000" else str(port) for word in image.command]
        process = image.root.spawn(image.account, [*image.entrypoint, *command], environment, log, folder=image.folder)
        self.stack.callback(processes.stop, process)
        processes.wait_until(lambda: processes.accepts(port) or process.poll() is not None, "the chatbot listens")
        health = [word.replace(":8000/", f":{port}/") for word in image.health]
        assert health != image.health
        try:
            image.root.run(health, environment, image.account)
        except RuntimeError as error:
            raise AssertionError(log.read_text()) from error
        assert int(self.psql("select count(*) from pg_tables where schemaname = 'public'")) > 0

    def readable_socket_folder(self) -> Path:
        """The simulator has an account of its own, which has to reach PostgreSQL's socket."""
        folder = self.database.folder
        folder.chmod(0o711)
        return folder

    def start(self, url: str, settings: dict[str, str]):
        """Ballast as the image's entrypoint, with the URL in a file, as a secret is mounted; and its environment."""
        secret = self.folder / "upstream_url"
        secret.write_text(url + "\n")
        secret.chmod(0o444)
        roots = self.readable(self.database.root_certificate)
        self.secrets = {"/run/secrets/upstream_url": secret, "/run/secrets/ca.crt": roots}
        mine = {
            "BALLAST_UPSTREAM_URL_FILE": "/run/secrets/upstream_url",
            "BALLAST_LISTEN_ADDR": "127.0.0.1",
            "BALLAST_LISTEN_PORT": str(self.port),
            "BALLAST_HTTP_PORT": str(self.http_port),
        }
        environment = self.image.environment | mine | settings
        log = self.folder / "ballast.log"
        root, writable = self.image.root, ["/var/lib/ballast"]
        process = root.spawn(self.image.account, self.image.entrypoint, environment, log, self.secrets, writable)
        self.stack.callback(processes.stop, process)
        processes.wait_until(
            lambda: processes.accepts(self.port) or process.poll() is not None, "the image's Ballast listens"
        )
        assert process.poll() is None, log.read_text()
        return process, environment

    def readable(self, file: Path) -> Path:
        copy = self.folder / file.name
        shutil.copy(file, copy)
        copy.chmod(0o444)
        return copy

    def psql(self, statement: str = "select current_user") -> str:
        url = f"postgresql://app:{self.password}@127.0.0.1:{self.port}/app"
        done = subprocess.run(["psql", "-XAtc", statement, url], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + (self.folder / "ballast.log").read_text()
        return done.stdout.strip()

