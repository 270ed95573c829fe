"""What deploy/ and docker-compose.yml say agrees with the program and with itself; tests/deploy/run tries it."""

import configparser
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from poolers import Ballast
from processes import free_port

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "deploy"))

from dockerfile import Unknown, parse

COMPOSE = [ROOT / "docker-compose.yml", ROOT / "deploy/compose.secrets.yml"]
DOCKERFILES = [ROOT / "deploy/Dockerfile", ROOT / "deploy/chatbot/Dockerfile"]
MANIFESTS = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
UNITS = sorted((ROOT / "deploy/systemd").glob("ballast.*"))
CONFFILE = ROOT / "deploy/debian/ballast.toml"
THROUGH_BALLAST = ROOT / "deploy/chatbot/through_ballast.py"


def ballast(*arguments, **environment: str) -> str:
    done = subprocess.run([Ballast.program, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def settings() -> set[str]:
    return set(re.findall(r"^\| `(\w+)`", ballast("config", "--markdown"), re.MULTILINE))


def manifests() -> dict[str, dict]:
    """By kind: there is one of each."""
    return {document["kind"]: document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text())}


def pod() -> dict:
    return manifests()["Deployment"]["spec"]["template"]["spec"]


def sidecar() -> dict:
    return next(container for container in pod()["initContainers"] if container["name"] == "ballast")


def compose() -> dict:
    return yaml.safe_load(COMPOSE[0].read_text())


def unit(name: str) -> configparser.ConfigParser:
    class Repeated(dict):  # a directive may be there more than once
        def __setitem__(self, key, value):
            if isinstance(value, list) and key in self:
                value = self[key] + value
            super().__setitem__(key, value)

    parser = configparser.ConfigParser(dict_type=Repeated, strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "deploy/systemd" / name)
    return parser


def environment_of(dockerfile: Path, stage: str) -> dict[str, str]:
    steps = next(each for each in parse(dockerfile.read_text()) if each.name == stage).instructions
    return dict(word.split("=", 1) for step in steps if step.name == "ENV" for word in step.text.split())


def plain(value: str) -> str:
    """What docker compose makes of ${NAME:-default} where NAME is not set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def given_settings() -> dict[str, dict[str, str]]:
    """Where Ballast is started, and with which BALLAST_*."""
    image = environment_of(DOCKERFILES[0], "ballast")
    in_compose = {name: plain(value) for name, value in compose()["services"]["ballast"]["environment"].items()}
    in_pod = {variable["name"]: variable["value"] for variable in sidecar()["env"]}
    places = {"image": image, "compose": image | in_compose, "pod": image | in_pod}
    return {
        place: {name: value for name, value in given.items() if name.startswith("BALLAST_")}
        for place, given in places.items()
    }


@pytest.mark.parametrize("path", [*COMPOSE, *DOCKERFILES, *MANIFESTS, *UNITS], ids=lambda path: path.name)
def test_each_variable_for_ballast_is_one_of_its_settings(path):
    named = {name.lower() for name in re.findall(r"\bBALLAST_([A-Z_]+)", path.read_text())}
    assert named <= settings()


@pytest.mark.parametrize("place", ["image", "compose", "pod"])
def test_ballast_takes_the_values_that_it_is_given(place, tmp_path):
    url = tmp_path / "upstream_url"
    url.write_text("postgresql://app:secret@localhost/app\n")
    given = given_settings()[place]
    if "BALLAST_UPSTREAM_URL_FILE" in given:
        given["BALLAST_UPSTREAM_URL_FILE"] = str(url)
    shown = ballast("config", **given)
    for name in given:
        assert f"# {name}\n" in shown or name == "BALLAST_UPSTREAM_URL_FILE"


def test_ballast_takes_the_configuration_of_the_package(tmp_path):
    url = tmp_path / "upstream_url"
    url.write_text("postgresql://app:secret@localhost/app\n")
    text = CONFFILE.read_text()
    assert '"/etc/ballast/upstream_url"' in text
    copy = tmp_path / "ballast.toml"
    copy.write_text(text.replace("/etc/ballast/upstream_url", str(url)))
    assert "upstream_url_file" in ballast("config", "--config", str(copy))


def test_the_unit_and_the_configuration_of_the_package_name_the_same_files():
    service, text = unit("ballast.service"), CONFFILE.read_text()
    configured = dict(re.findall(r"^(\w+) = \"?([^\"\n]*)\"?$", text, re.MULTILINE))
    assert service["Unit"]["ConditionFileNotEmpty"] == configured["upstream_url_file"]
    assert "/var/lib/" + service["Service"]["StateDirectory"] == configured["state_dir"]
    assert "/run/" + service["Service"]["RuntimeDirectory"] == configured["unix_socket_dir"]
    listen = unit("ballast.socket")["Socket"]["ListenStream"]
    assert configured["listen_addr"] == "localhost" and listen == f"127.0.0.1:{configured['listen_port']}"
    assert "--config /etc/ballast/ballast.toml" in service["Service"]["ExecStart"]
    assert (ROOT / "deploy/debian/conffiles").read_text() == "/etc/ballast/ballast.toml\n"


def test_whoever_ends_ballast_gives_it_the_time_to_drain():
    default_s = int(re.search(r"`shutdown_timeout` \| `(\d+)s`", ballast("config", "--markdown"))[1])
    assert int(unit("ballast.service")["Service"]["TimeoutStopSec"].removesuffix("s")) > default_s
    assert int(compose()["services"]["ballast"]["stop_grace_period"].removesuffix("s")) > default_s
    in_pod_s = int(given_settings()["pod"]["BALLAST_SHUTDOWN_TIMEOUT"].removesuffix("s"))
    before_s = int(pod()["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pod()["terminationGracePeriodSeconds"] > in_pod_s + before_s


def test_the_version_is_the_same_everywhere():
    version = ballast("--version").split()[1]
    assert f"project(ballast VERSION {version} " in (ROOT / "CMakeLists.txt").read_text()
    assert (ROOT / "deploy/debian/changelog").read_text().startswith(f"ballast ({version}) ")
    assert sidecar()["image"] == f"ballast:{version}"


# ---- Docker


def test_the_interpreter_of_dockerfiles_refuses_what_it_does_not_know():
    for text in ("FROM a\nVOLUME /x", "RUN true", "FROM a b c", "FROM a\nADD x /y"):
        with pytest.raises(Unknown):
            parse(text)
    [stage] = parse("# nothing\nFROM a AS b\nRUN one \\\n# in between\n && two\n")
    assert (stage.base, stage.name, stage.instructions[0].text) == ("a", "b", "one && two")


@pytest.mark.parametrize("path", DOCKERFILES, ids=["ballast", "chatbot"])
def test_an_image_runs_as_a_numbered_user_and_has_a_health_check(path):
    stages = parse(path.read_text())
    final = {step.name: step.text for step in stages[-1].instructions}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final["USER"])
    assert {"HEALTHCHECK", "ENTRYPOINT", "EXPOSE"} <= final.keys()


def test_the_image_exposes_the_ports_of_its_settings():
    image = given_settings()["image"]
    listen_port = re.search(r"`listen_port` \| `(\d+)`", ballast("config", "--markdown"))[1]
    assert f"EXPOSE {listen_port} {image['BALLAST_HTTP_PORT']}\n" in DOCKERFILES[0].read_text()
    assert {f"127.0.0.1:{port}:{port}" for port in (listen_port, image["BALLAST_HTTP_PORT"])} == set(
        compose()["services"]["ballast"]["ports"]
    )


def test_compose_publishes_on_loopback_only_and_limits_everything():
    for name, service in compose()["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["mem_limit"], name
        if name != "postgres":  # its start changes owners and its own account
            assert service["read_only"] and service["cap_drop"] == ["ALL"], name


def test_compose_builds_what_is_here_and_pulls_fixed_versions():
    for name, service in compose()["services"].items():
        if "build" not in service:
            assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"]), name
        elif isinstance(service["build"], dict):
            stages = [stage.name for stage in parse((ROOT / service["build"]["dockerfile"]).read_text())]
            assert service["build"]["target"] in stages, name
        else:
            assert (ROOT / service["build"] / "Dockerfile").exists(), name


def test_compose_starts_what_others_need_first():
    services = compose()["services"]
    for name, service in services.items():
        needs = service.get("depends_on", {})
        assert set(needs) <= services.keys(), name
        for need in needs:  # one of a profile would keep away what needs it
            assert "profiles" not in services[need] or "profiles" in service, name
    local = {name for name, service in services.items() if service.get("profiles") == ["local"]}
    assert local == {"postgres", "neonsim"}
    assert services["chatbot"]["depends_on"]["ballast"]["condition"] == "service_healthy"


def test_compose_mounts_what_is_there():
    document = compose()
    for name, service in document["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            exists = (ROOT / source).exists() if source.startswith("./") else source in document["volumes"]
            assert exists, f"{name}: {source}"


def test_prometheus_and_grafana_ask_the_services_of_compose():
    document = compose()["services"]
    [job] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"ballast:{given_settings()['compose']['BALLAST_HTTP_PORT']}"]}]
    assert document["grafana"]["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"
    [source] = (ROOT / "deploy/grafana/provisioning/datasources").iterdir()
    assert yaml.safe_load(source.read_text())["datasources"][0]["url"] == "${PROMETHEUS_URL}"
    [provider] = (ROOT / "deploy/grafana/provisioning/dashboards").iterdir()
    folder = yaml.safe_load(provider.read_text())["providers"][0]["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in document["grafana"]["volumes"]


def test_compose_without_a_database_leads_to_the_simulator():
    document = compose()
    url = plain(document["services"]["ballast"]["environment"]["NEON_DATABASE_URL"])
    host = re.search(r"@([^:/]+):5432/", url)[1]
    assert document["services"]["neonsim"]["networks"]["default"]["aliases"] == [host]
    endpoint, _, domain = host.partition(".")
    script = (ROOT / "deploy/local/neonsim").read_text()
    assert f"--domain {domain} --endpoint {endpoint} " in script
    user, password, database = re.match(r"postgresql://(\w+):(\w+)@[^/]+/(\w+)", url).groups()
    sql = (ROOT / "deploy/local/app.sql").read_text()
    assert f"create role {user} login password '{password}';" in sql
    assert f"create database {database} owner {user};" in sql


@pytest.mark.parametrize(
    "given, made",
    [
        ("postgresql://app:p%40ss@host.example:5433/db?sslmode=require", "postgresql://app:p%40ss@ballast:6432/db"),
        ("postgres://app@[2001:db8::1]/db", "postgresql://app@ballast:6432/db"),
        ("postgresql://app:a@b@one,two/d%20b?channel_binding=require\n", "postgresql://app:a@b@ballast:6432/d%20b"),
    ],
)
def test_an_application_gets_the_url_of_the_database_with_the_address_of_ballast(given, made, tmp_path):
    file = tmp_path / "url"
    file.write_text(given)
    for source in ({"NEON_DATABASE_URL": given}, {"NEON_DATABASE_URL_FILE": str(file), "NEON_DATABASE_URL": ""}):
        assert through(**source) == (0, made + "\n", "")
    assert through(DATABASE_URL="as it is", NEON_DATABASE_URL=given)[1] == "as it is\n"


@pytest.mark.parametrize(
    "given", ["", "host=a user=b", "postgresql://host/db", "mysql://u:p@host/db", "postgresql://u:p@h"]
)
def test_a_url_that_leads_to_no_database_is_refused_without_being_shown(given):
    status, output, error = through(NEON_DATABASE_URL=given)
    assert status == 1 and not output
    assert error == "NEON_DATABASE_URL has to be like postgresql://user:password@host/database\n"


def through(**environment: str) -> tuple[int, str, str]:
    command = ["/usr/bin/python3", THROUGH_BALLAST, "printenv", "DATABASE_URL"]
    environment = {"POOLER_ADDRESS": "ballast:6432", "PATH": "/usr/bin:/bin"} | environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


# ---- Kubernetes


def test_the_sidecar_is_a_native_one_that_comes_first():
    containers = pod()["initContainers"]
    assert containers[0]["name"] == "ballast"
    assert containers[0]["restartPolicy"] == "Always"
    assert "restartPolicy" not in containers[1]
    assert "lifecycle" not in containers[0]  # it would run while the application still asks


def test_each_container_of_the_pod_is_confined():
    for container in pod()["initContainers"] + pod()["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"], container["name"]
        assert context["capabilities"] == {"drop": ["ALL"]}, container["name"]
        assert container["resources"]["limits"]["memory"], container["name"]
    assert pod()["securityContext"]["runAsNonRoot"]
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False


def test_probes_ask_ballast_what_it_answers(start):
    given, container = given_settings()["pod"], sidecar()
    [port] = container["ports"]
    assert str(port["containerPort"]) == given["BALLAST_HTTP_PORT"]
    http_port = free_port()
    start(http_port=http_port)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        get = container[probe]["httpGet"]
        assert get["port"] == port["name"]
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}{get['path']}", timeout=60) as answer:
            assert answer.status == 200


def test_what_the_pod_mounts_and_reads_is_defined():
    secret, volumes = manifests()["Secret"], {volume["name"]: volume for volume in pod()["volumes"]}
    for container in pod()["initContainers"] + pod()["containers"]:
        assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes.keys()
        for variable in container["env"]:
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["name"] == secret["metadata"]["name"]
                assert reference["key"] in secret["stringData"]
    upstream = volumes["upstream"]["secret"]
    assert upstream["secretName"] == secret["metadata"]["name"]
    mount = next(mount for mount in sidecar()["volumeMounts"] if mount["name"] == "upstream")
    paths = {f"{mount['mountPath']}/{item['path']}" for item in upstream["items"]}
    assert given_settings()["pod"]["BALLAST_UPSTREAM_URL_FILE"] in paths
    assert {item["key"] for item in upstream["items"]} <= secret["stringData"].keys()


def test_the_secret_of_the_example_leads_through_ballast():
    urls = manifests()["Secret"]["stringData"]
    given = given_settings()["pod"]
    address = f"{given['BALLAST_LISTEN_ADDR']}:{given['BALLAST_LISTEN_PORT']}"
    assert through(NEON_DATABASE_URL=urls["upstream_url"], POOLER_ADDRESS=address)[1].strip() == urls["database_url"]


def test_selectors_and_ports_of_the_manifests_agree():
    labels = manifests()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests()["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests()["Service"]["spec"]["selector"] == labels
    policy = manifests()["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    [http] = pod()["containers"][0]["ports"]
    assert manifests()["Service"]["spec"]["ports"][0]["targetPort"] == http["name"]
    incoming = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    assert incoming == {http["containerPort"], sidecar()["ports"][0]["containerPort"]}
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 5432}
    listed = set(manifests()["Kustomization"]["resources"])
    assert listed == {path.name for path in MANIFESTS} - {"kustomization.yaml", "secret.example.yaml"}
