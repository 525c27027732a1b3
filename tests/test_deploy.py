"""The files platforms read: they start what there is, with the versions there are, and without each platform's trap."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.scheduler import GRACE

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


DEPLOYED = ("postgres", "cluster", "dkim", "web", "bounces", "library")


def pins(lock: str = "requirements.txt") -> dict[str, list[str]]:
    """A lock file: name -> versions, more than one where they differ by Python version."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"(?<!\\)\n", (ROOT / lock).read_text(encoding="utf-8")):
        if entry and not entry.startswith("#"):
            match = re.match(r"([a-z0-9-]+)==([0-9][0-9a-z.]*)(?: ; [^\\]+)? \\\n", entry)
            assert match, f"not an exact pin: {entry}"
            assert re.search(r"--hash=sha256:[0-9a-f]{64}$", entry), f"no hash: {entry}"
            found.setdefault(match[1], []).append(match[2])
    return found


def wanted() -> list[str]:
    extras = PROJECT["optional-dependencies"]
    return [*PROJECT["dependencies"], *(one for name in DEPLOYED for one in extras[name])]


@pytest.mark.parametrize("requirement", wanted())
def test_the_lock_file_has_what_the_project_asks_for(requirement: str) -> None:
    requirements = pytest.importorskip("packaging.requirements")
    utils = pytest.importorskip("packaging.utils")
    asked = requirements.Requirement(requirement)

    versions = pins()[utils.canonicalize_name(asked.name)]
    assert all(asked.specifier.contains(version) for version in versions)


@pytest.mark.parametrize("requirement", PROJECT["optional-dependencies"]["dev"])
def test_the_development_lock_has_what_make_installs(requirement: str) -> None:
    requirements = pytest.importorskip("packaging.requirements")
    utils = pytest.importorskip("packaging.utils")
    asked = requirements.Requirement(requirement)
    locked = pins("requirements-dev.txt")

    if asked.name != "paperlark":
        assert all(asked.specifier.contains(version) for version in locked[utils.canonicalize_name(asked.name)])


def test_all_locks_agree() -> None:
    development, benchmarks = pins("requirements-dev.txt"), pins("benchmarks/requirements.txt")

    for name, versions in pins().items():
        assert set(versions) == set(development[name]), name
    for name, versions in development.items():
        assert set(versions) == set(benchmarks[name]), name


def test_the_lock_file_has_what_its_packages_ask_for() -> None:
    """Nothing is left for the installer to choose: what is locked needs only what is locked."""
    requirements = pytest.importorskip("packaging.requirements")
    utils = pytest.importorskip("packaging.utils")
    from importlib.metadata import PackageNotFoundError, requires

    locked = pins()
    loose = []
    for name in locked:
        try:
            needed = [requirements.Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue
        for one in needed:
            if (one.marker is None or one.marker.evaluate({"extra": ""})) and utils.canonicalize_name(
                one.name
            ) not in locked:
                loose.append(f"{name} needs {one}")
    assert loose == []


def test_the_python_version_is_one_the_project_runs_on() -> None:
    specifiers = pytest.importorskip("packaging.specifiers")
    version = (ROOT / ".python-version").read_text(encoding="utf-8").strip()

    assert re.fullmatch(r"3\.\d+", version), "Heroku wants one major version, without a patch level"
    assert specifiers.SpecifierSet(PROJECT["requires-python"]).contains(f"{version}.0")
    assert f"FROM python:{version}-slim" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def verb_is_there(*command: str) -> None:
    assert command[:3] == ("python", "-m", "bot")
    done = subprocess.run(
        [sys.executable, "-m", "bot", *command[3:], "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_procfile_starts_what_there_is() -> None:
    lines = dict(
        line.split(": ", 1)
        for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    )
    assert lines == {"release": "python -m bot migrate", "worker": "python -m bot run"}
    offered = re.findall(r"^# web: (.+)$", (ROOT / "Procfile").read_text(encoding="utf-8"), re.M)
    for command in (*lines.values(), *offered):
        verb_is_there(*command.split())
    assert offered == ["python -m bot web"]


def test_fly_stops_the_worker_gently_and_keeps_its_disk() -> None:
    fly = tomllib.loads((ROOT / "fly.toml").read_text(encoding="utf-8"))

    assert fly["kill_signal"] == "SIGTERM"
    assert GRACE < fly["kill_timeout"] <= 300
    assert "release_command" not in fly.get("deploy", {})  # it has no volume
    assert not {"services", "http_service"} & set(fly)  # nothing that would stop a machine nobody visits
    assert fly["mounts"]["processes"] == list(fly["processes"])
    assert fly["env"]["DATABASE_URL"].startswith(f"sqlite:///{fly['mounts']['destination']}/")
    assert (fly["files"][0]["guest_path"], fly["files"][0]["local_path"]) == (
        fly["env"]["PAPERLARK_CONFIG"],
        "config.toml",
    )
    verb_is_there("python", "-m", "bot", *fly["processes"]["worker"].split())
    # The default gives up after ten failures in a row, and nobody would wake the machine.
    assert fly["restart"] == [{"policy": "always", "processes": ["worker"]}]


def dockerfile() -> list[tuple[str, str]]:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]


def test_the_container_gets_signals_and_is_not_root() -> None:
    steps = dockerfile()
    last = dict(steps)  # the last of each kind

    assert sum(kind == "FROM" for kind, _ in steps) == 2
    assert json.loads(last["ENTRYPOINT"]) == ["paperlark"]  # exec form: no shell between the signal and Python
    assert json.loads(last["CMD"]) == ["run"]
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert last["ARG"] == "RUN_AS=paperlark"
    assert last["USER"] == "${RUN_AS}"
    assert last["VOLUME"] == last["WORKDIR"] == "/data"
    assert "paperlark" in PROJECT["scripts"]
    options, _, check = last["HEALTHCHECK"].partition(" CMD ")
    assert check == "paperlark --quiet health || exit 1"  # other codes mean nothing to Docker
    assert "--start-period=" in options
    verb_is_there("python", "-m", "bot", "health")


# --- Docker Compose ------------------------------------------------------------------------------------------------


def test_compose_runs_the_worker_and_on_demand_the_rest() -> None:
    """As Compose itself reads the file, where it is installed."""
    composes = [["docker", "compose"], ["docker-compose"]]
    compose = next((one for one in composes if shutil.which(one[0]) and works([*one, "version"])), None)
    if compose is None:
        pytest.skip("no Docker Compose here")
    file = ["--file", str(ROOT / "compose.yaml")]
    everything = {"COMPOSE_PROFILES": "web,postgres", "POSTGRES_PASSWORD": "x", "MAIL_URL": "outbox:out"}

    def services(**environment: str) -> str:
        done = subprocess.run(
            [*compose, *file, "config"],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "HOME": "/", **environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    services()  # nothing has to be set for the worker alone
    text = services(**everything)
    assert re.findall(r"^  (worker|web|postgres):", text, re.M)
    assert "outbox:out" in text
    assert re.search(r"stop_grace_period: (60s|1m0?s?)", text)
    commands = re.findall(r"^    command:\n    +- (\w+)$", text, re.M)
    assert commands == ["web"]
    for command in commands:
        verb_is_there("python", "-m", "bot", command)


def works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


# --- systemd -------------------------------------------------------------------------------------------------------

UNITS = sorted((ROOT / "examples" / "systemd").glob("*.service"))


def unit(path: Path) -> dict[str, str]:
    """The last value of each key of [Service]."""
    text = path.read_text(encoding="utf-8").partition("[Service]")[2].partition("[Install]")[0]
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_what_there_is_on_the_same_state(path: Path) -> None:
    service = unit(path)
    program, *arguments = service["ExecStart"].split()

    assert program == "/opt/paperlark/bin/paperlark"
    verb_is_there("python", "-m", "bot", *arguments)
    assert service["RestartPreventExitStatus"] == "2"  # a mistake in the configuration is not mended by trying again
    assert service["Restart"] == "always"
    assert int(service["TimeoutStopSec"]) > GRACE
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    for key in ("User", "Group", "EnvironmentFile", "StateDirectory", "StateDirectoryMode", "UMask"):
        assert service[key] == unit(UNITS[0])[key]
    assert not any("%" in value or "$" in value for value in service.values())  # systemd would read them itself
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert service["EnvironmentFile"] in guide
    assert f"{service['WorkingDirectory']}/paperlark.db" in guide


def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    assert len(UNITS) == 2
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace("/opt/paperlark/bin/paperlark", sys.executable)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.glob("*.service"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_verbs_look_at_the_service_s_database(tmp_path: Path) -> None:
    """The script that operators call: the values of the environment file, whatever stands in a password."""
    (tmp_path / "environment").write_text(
        f"PAPERLARK_CONFIG='{tmp_path}/config.toml'\nDATABASE_URL='sqlite:///{tmp_path}/the service.db'\n"
        "MAIL_URL='smtps://me:p$a&s%22sw`o!r%2Fd@127.0.0.1:9'\n"
    )
    (tmp_path / "config.toml").write_text('database = "sqlite:///another.db"\n[mail]\nfrom = "a@example.org"\n')
    script = (ROOT / "examples" / "systemd" / "paperlark").read_text(encoding="utf-8")
    for ours, here in (
        ("/etc/paperlark/environment", f"{tmp_path}/environment"),
        ("runuser -u paperlark -- /opt/paperlark/bin/paperlark", f"{sys.executable} -m bot"),
    ):
        assert script.count(ours) >= 1
        script = script.replace(ours, here)
    done = subprocess.run(
        ["sh", "-c", script, "paperlark", "doctor", "--offline", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr  # nothing listens there
    said = json.loads(done.stdout)["findings"]
    assert any("127.0.0.1" in one["what"] for one in said), done.stderr
    assert (tmp_path / "the service.db").exists()
    assert not (tmp_path / "another.db").exists()


def test_the_container_is_made_of_what_is_there_and_nothing_else() -> None:
    copied = [
        name for kind, rest in dockerfile() if kind == "COPY" and "--from" not in rest for name in rest.split()[:-1]
    ]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert "*" in ignored
    assert {f"!{name}" for name in copied} == {line for line in ignored if line.startswith("!")}
    for name in copied:
        assert (ROOT / name).exists(), name
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    for name in build["targets"]["wheel"]["force-include"]:
        assert name in copied
