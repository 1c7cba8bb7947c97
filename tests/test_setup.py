"""What a newcomer meets first: the make targets, an install without TensorFlow, a clear line where TensorFlow is asked for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from bot import rasa_cli
from bot.runtime import quiet
from bot.runtime.settings import PROJECT
from bot.runtime.tensorflow_free import TENSORFLOW_COMPONENTS
from bot.runtime.training import TrainingError, check_config

TENSORFLOW = {"tensorflow", "tensorflow-text", "tensorflow-hub", "keras", "jax", "jaxlib"}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if name not in quiet.ENVIRONMENT} | environment
    return subprocess.run(command, cwd=PROJECT, env=given, capture_output=True, text=True, check=False)


def rasa(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "bot.rasa_cli", *arguments)


# --- make ------------------------------------------------------------------------------------------------------------


def test_make_alone_lists_every_target_that_is_described() -> None:
    listed = run("make").stdout
    described = re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"^  make ([a-z-]+) ", listed, re.M)) == set(described)


@pytest.mark.parametrize(
    "target",
    [
        *("install", "install-diet", "run", "test", "train", "check", "bench", "docs", "talk", "rasa", "rasa-train", "rasa-shell"),
        *("rasa-validate", "rasa-test-nlu", "rasa-test-core", "rasa-run", "rasa-actions"),
    ],
)
def test_make_offers(target: str) -> None:
    assert f"  make {target} " in run("make", "help").stdout


def test_readme_gives_the_two_commands_and_names_only_targets_that_exist() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8") + (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"`?make ([a-z-]+)", readme))
    assert {"run", "test"} <= named <= targets


def test_readme_and_contributing_name_only_files_that_exist() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        named = re.findall(r"\]\((?!https?:|#)([^)#]+)", (PROJECT / page).read_text(encoding="utf-8"))
        assert [path for path in named if not (PROJECT / path).exists()] == []


# --- the installer ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with what the installer itself uses, and neither a Python nor uv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "dirname", "env"):
        where = run("sh", "-c", f"command -v {tool}").stdout.strip()
        (folder / tool).symlink_to(where)
    return folder


def bootstrap(path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return run("sh", "scripts/bootstrap.sh", PATH=str(path), HOME=str(home), PYENV_ROOT=str(home / ".pyenv"), UV_PYTHON_DOWNLOADS="never")


def script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


#: A uv that says what it was asked to do.
TALKING_UV = 'case "$1" in --version) echo "uv 0.9.0" ;; python) exit 1 ;; *) echo "uv $*" ;; esac'


def test_installer_takes_python_310_from_pyenv_where_its_shim_only_complains(bare_path: Path, tmp_path: Path) -> None:
    script(bare_path / "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    script(bare_path / "uv", TALKING_UV)
    python = tmp_path / ".pyenv" / "versions" / "3.10.13" / "bin" / "python3.10"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    done = bootstrap(bare_path, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("uv sync --frozen --python ")
    assert str(tmp_path / ".pyenv") in done.stdout or sys.executable in done.stdout


def test_installer_says_in_one_line_that_there_is_no_python(bare_path: Path, tmp_path: Path) -> None:
    script(bare_path / "uv", TALKING_UV)
    done = bootstrap(bare_path, tmp_path)
    assert done.returncode == 2
    assert "no Python 3.10 found, nor downloaded" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


# --- without TensorFlow ----------------------------------------------------------------------------------------------


def locked(*extras: str) -> set[str]:
    """Names of what an install of the project brings, with extras of its own or without."""
    lock = tomli.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))
    packages = {package["name"]: package for package in lock["package"]}
    found: set[str] = set()
    following = ["wegwijzer"]
    while following:
        name = following.pop()
        if name in found:
            continue
        found.add(name)
        package = packages[name]
        wanted = list(package.get("dependencies", ()))
        for extra in extras if name == "wegwijzer" else package.get("optional-dependencies", ()):
            wanted += package["optional-dependencies"][extra]
        following += [entry["name"] for entry in wanted]
    return found


def test_lock_brings_tensorflow_with_the_extra_only() -> None:
    assert locked() & TENSORFLOW == set()
    assert {"rasa", "spacy", "python-telegram-bot", "redis"} <= locked()
    assert {"tensorflow", "tensorflow-text", "tensorflow-hub", "keras"} <= locked("diet")


def test_importing_the_bot_and_rasa_needs_no_tensorflow() -> None:
    code = "import sys, bot, rasa.nlu.classifiers.diet_classifier, rasa.core.agent; print(getattr(sys.modules['tensorflow'], '__file__', None))"
    done = run(sys.executable, "-W", "ignore", "-c", code)
    assert done.stdout.split() == ["None"], done.stderr


@pytest.mark.parametrize("component", sorted(TENSORFLOW_COMPONENTS))
@pytest.mark.parametrize("place", ["pipeline", "policies"])
def test_config_that_needs_tensorflow_is_refused(component: str, place: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(f"recipe: default.v1\nlanguage: nl\n{place}:\n- name: {component}\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=f"config.yml names {component}.*TensorFlow.*make install-diet"):
        check_config(config)


def test_own_config_is_not_refused() -> None:
    check_config()


@pytest.mark.parametrize("text", ["- a\n", "", "a: [", "5"])
def test_config_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=r"config\.yml"):
        check_config(config)


def test_rasa_train_refuses_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("recipe: default.v1\nlanguage: nl\npipeline:\n- name: DIETClassifier\n", encoding="utf-8")
    done = rasa("train", f"--config={config}", "--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "DIETClassifier" in done.stderr
    assert list(tmp_path.glob("*.tar.gz")) == []


def test_rasa_init_refuses_in_one_line() -> None:
    done = rasa("init", "--no-prompt")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


# --- rasa's own command line -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "given_on"),
    [
        (["run"], ["run", "--interface", "127.0.0.1"]),
        (["run", "-p", "5100"], ["run", "-p", "5100", "--interface", "127.0.0.1"]),
        (["run", "-i", "0.0.0.0"], ["run", "-i", "0.0.0.0"]),
        (["run", "--interface=0.0.0.0"], ["run", "--interface=0.0.0.0"]),
        (["run", "actions"], ["run", "actions"]),
        (["shell"], ["shell", "--interface", "127.0.0.1"]),
        (["shell", "nlu"], ["shell", "nlu"]),
        (["data", "validate"], ["data", "validate"]),
        ([], []),
    ],
)
def test_rasa_listens_on_this_machine_unless_told_otherwise(arguments: list[str], given_on: list[str]) -> None:
    assert rasa_cli.prepared(arguments) == given_on


def test_rasa_sends_no_figures_and_no_reports() -> None:
    code = (
        "import sys; sys.argv = ['rasa', '--version']; from bot import rasa_cli; rasa_cli.main();"
        "from rasa import telemetry; import os; print(telemetry.is_telemetry_enabled(), repr(os.environ['SENTRY_DSN']))"
    )
    done = run(sys.executable, "-c", code)
    assert done.stdout.splitlines()[-1] == "False ''", done.stderr


def test_rasa_knows_the_versions_that_the_project_pins() -> None:
    assert re.search(r"Rasa Version\s*:\s*3\.6\.21", rasa("--version").stdout)
