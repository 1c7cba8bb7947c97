"""The image: what is left out is not needed, and no secret gets in; neither into the project."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from web.conftest import PROJECT

_SLIM = (PROJECT / "scripts" / "slim.sh").read_text(encoding="utf-8")
_DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
#: Modules that are for training, measuring and for Rasa's own commands.
_TRAINING = (
    "bot.rasa_cli",
    "bot.runtime.training",
    "bot.transcripts.measure",
    "bot.transcripts.demo",
    "bot.transcripts.migrations",
    "bot.nlu.",
)

_WITHOUT = """
import importlib, os, sys

gone = set(os.environ["GONE"].split())

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name in gone or name.split(".")[0] in gone:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, Gone())
from bot.runtime import quiet, serving_only
quiet.apply()
serving_only.install()
for name in os.environ["NEEDED"].split():
    importlib.import_module(name)
from bot.runtime.cli import run
sys.exit(run(["talk", "--json"]))
"""


def _gone() -> list[str]:
    """Every module that the script takes out."""
    done = subprocess.run(["sh", PROJECT / "scripts" / "slim.sh", "--list"], capture_output=True, text=True, check=True)
    names = {name.lower().replace("-", "_") for name in done.stdout.split()}
    modules = [
        module for module, owners in packages_distributions().items() if {owner.lower().replace("-", "_") for owner in owners} <= names
    ]
    parts = re.search(r"for part in (.*); do", _SLIM)
    assert parts
    return [
        *modules,
        *(f"scipy.{part}" for part in parts[1].split()),
        "phonenumbers.geodata",
        "phonenumbers.carrierdata",
        "phonenumbers.tzdata",
    ]


def test_the_bot_answers_without_what_is_taken_out() -> None:
    modules = [".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in (PROJECT / "bot").rglob("*.py")]
    needed = [
        name.removesuffix(".__init__") for name in sorted(modules) if not name.startswith(_TRAINING) and not name.endswith("__main__")
    ]
    environment = {"GONE": " ".join(_gone()), "NEEDED": " ".join(needed), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _WITHOUT], input="ik word gepest op school\n", env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"bot": [' in done.stdout


def test_what_is_taken_out_is_installed() -> None:
    """A name that is misspelt, or that Rasa no longer brings, would take out nothing."""
    gone = _gone()
    assert {"sklearn", "matplotlib", "PIL", "botocore", "scipy.linalg", "twilio", "aiogram"} <= set(gone)
    assert len(gone) > 35


# --- secrets ---------------------------------------------------------------------------------------------------------

_SECRETS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "token of a Telegram bot": r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b",
    "key of a cloud": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    "token of a forge": r"\b(gh[pousr]_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20}|github_pat_\w{50})",
    "token of a registry": r"\b(pypi-AgEI\w{40}|npm_[A-Za-z0-9]{36})",
    "key of a mail service": r"\bSG\.[\w-]{22}\.[\w-]{43}\b",
    "password in an address": r"\b(redis|rediss|postgres|postgresql|https?|amqp)://[^\s:/@'\"{}$<>]*:(?!password@|\$|<|\{)[^\s/@'\"{}$<>]{6,}@",
    "signed token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.",
}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no checkout")
    return [PROJECT / name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()]


def _found(text: str) -> list[str]:
    return [name for name, pattern in _SECRETS.items() if re.search(pattern, text)]


def test_no_secret_stands_in_the_project() -> None:
    """In tests stand made-up ones, which say so in their words."""
    made_up = re.compile(r"geheim|secret|hunter2|wachtwoord|sesam", re.I)
    problems = []
    for path in _tracked():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if _found(line) and not ("tests" in path.parts and made_up.search(line)):
                problems.append(f"{path.relative_to(PROJECT)}:{number}: {_found(line)}")
    assert not problems


def test_the_patterns_find_secrets() -> None:
    for text in (
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "1234567890:" + "A" * 35,
        "AKIA" + "B" * 16,
        "postgresql://wegwijzer:" + "x9x9x9x9@host/name",
        "redis://:" + "x9x9x9x9@host",
    ):
        assert _found(text), text
    assert not _found("redis://:password@host:6379/0 postgresql://user:password@host/name")


def test_what_is_secret_is_kept_out_of_the_project_and_of_the_image() -> None:
    ignored = (PROJECT / ".gitignore").read_text().split()
    assert {"deploy/secrets/", ".data/"} <= set(ignored)
    first, *let_in = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert first == "*"
    for secret in ("deploy/secrets/redis_url", ".data/web.key", ".env", ".git/config", "models/x.tar.gz"):
        assert not any(fnmatch(secret, pattern.removeprefix("!") + "*") for pattern in let_in if pattern.startswith("!")), secret


def test_the_image_is_made_of_files_that_are_let_in_and_hands_over_no_secret() -> None:
    let_in = {line.removeprefix("!") for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", _DOCKERFILE, re.M) for name in line.split()}
    assert copied <= let_in
    assert not re.search(r"^ARG|--mount=type=secret|COPY \. ", _DOCKERFILE, re.M)
    for name, value in re.findall(r"^(?:ENV |    )(\w+)=(\S*)", _DOCKERFILE, re.M):
        assert not (re.search("PASSWORD|TOKEN|SECRET|KEY|_URL", name) and value), name


def test_the_image_does_not_run_as_root() -> None:
    last = _DOCKERFILE.rindex("\nFROM ")
    assert re.search(r"^USER 10001$", _DOCKERFILE[last:], re.M)
    assert "HEALTHCHECK" in _DOCKERFILE[last:]
