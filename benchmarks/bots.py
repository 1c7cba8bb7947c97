"""The two bots as programs on this machine: made, trained, started, measured from the outside, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.clients import Client, RestClient, WebClient

PROJECT = Path(__file__).resolve().parents[1]
#: Environments and compiled files, kept between runs; ignored by git.
CACHE = PROJECT / ".bench"
_START_SECONDS = 300
_STOP_SECONDS = 30


class BenchmarkError(RuntimeError):
    """A bot that cannot be made or started; the message ends with what it printed."""


class BotProgram(ABC):
    """A bot that can be trained and started.

    Args:
        folder: an empty temporary folder for all that it writes.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "output.log"

    @abstractmethod
    def environment(self) -> Path:
        """Its virtual environment, made when it is not there yet."""

    @abstractmethod
    def roots(self) -> tuple[str, ...]:
        """The distributions that a user asks for; what they require counts as installed for it."""

    @abstractmethod
    def train_command(self) -> list[str]:
        """Trains into its folder."""

    @abstractmethod
    def start_command(self) -> list[str]:
        """Starts its server on ``port``."""

    @abstractmethod
    def client(self) -> Client:
        """Talks to its server."""

    @abstractmethod
    def health_path(self) -> str:
        """Answers as soon as the server listens."""

    def settings(self) -> dict[str, str]:
        """Environment variables of its programs."""
        return {}

    def train(self) -> float:
        """Train; the seconds that it took."""
        started = time.perf_counter()
        self._run(self.train_command())
        return time.perf_counter() - started

    def start(self) -> None:
        """Start the server and wait until it listens.

        Raises:
            BenchmarkError: it does not.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.start_command(), cwd=self.folder, env=self.environment_variables(), stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkError(f"{self.name} does not start:\n{self._end_of_log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server, with all that it started."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def pid(self) -> int:
        """The process of the server."""
        assert self._process is not None
        return self._process.pid

    def resident_megabytes(self) -> float:
        """Resident memory of the server and of all its processes; what several of them share is counted once."""
        assert self._process is not None
        listed = subprocess.run(["ps", "-A", "-o", "pgid=,pid="], capture_output=True, text=True, check=True).stdout
        rows = (line.split() for line in listed.splitlines())
        return sum(_proportional_kilobytes(pid) for group, pid in rows if int(group) == self._process.pid) / 1024

    def installed_megabytes(self) -> float:
        """Size on disk of what is installed for it."""
        script = Path(__file__).with_name("installed_size.py")
        return float(self._run([str(self.environment() / "bin" / "python"), str(script), *self.roots()])) / 1e6

    def _listens(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{self.health_path()}", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment_variables(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{self.name}: {command[0]} failed:\n{(done.stderr or done.stdout)[-2000:]}")
        return done.stdout

    def environment_variables(self) -> dict[str, str]:
        """The environment of its programs."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {
            **inherited,
            "RASA_TELEMETRY_ENABLED": "false",
            "SENTRY_DSN": "",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            # As on a machine where the bot was started before: nothing is compiled again at each start.
            "PYTHONPYCACHEPREFIX": str(CACHE / "compiled"),
            # A training that was done before is done again.
            "RASA_CACHE_DIRECTORY": str(self.folder / "cache"),
            **self.settings(),
        }

    def _end_of_log(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


class StockBot(BotProgram):
    """What ``rasa init`` makes: Rasa's default pipeline on TensorFlow, its example domain and stories, its REST channel."""

    name = "rasa init"

    def environment(self) -> Path:
        return _environment("stock", "--extra", "diet", "--no-install-project")

    def roots(self) -> tuple[str, ...]:
        return ("rasa", "tensorflow", "tensorflow-text", "tensorflow-hub")

    def make(self) -> None:
        """Let Rasa write its example project."""
        (self.folder / "bot").mkdir()
        script = "from rasa.cli.scaffold import create_initial_project; create_initial_project('bot')"
        self._run([str(self.environment() / "bin" / "python"), "-c", script])

    def train_command(self) -> list[str]:
        return self.rasa("train")

    def start_command(self) -> list[str]:
        return self.rasa("run", "--interface", "127.0.0.1", "--port", str(self.port))

    def client(self) -> Client:
        return RestClient(self.port)

    def health_path(self) -> str:
        return "/webhooks/rest/"

    def rasa(self, *arguments: str) -> list[str]:
        """A command of Rasa, in the folder of the example."""
        return ["/bin/sh", "-c", 'cd bot && exec "$@"', "rasa", str(self.environment() / "bin" / "rasa"), *arguments]


class OurBot(BotProgram):
    """``wegwijzer run``: the full bot, its actions in the same process, its web channel."""

    name = "wegwijzer"

    def environment(self) -> Path:
        return _environment("ours")

    def roots(self) -> tuple[str, ...]:
        return ("wegwijzer",)

    def settings(self) -> dict[str, str]:
        many = "1000000"
        return {
            "WEGWIJZER_MODELS_DIR": str(self.folder / "models"),
            "WEGWIJZER_DATA_DIR": str(self.folder / "data"),
            # One machine plays many users here.
            "WEGWIJZER_MESSAGES_PER_MINUTE": many,
            "WEGWIJZER_ADDRESS_MESSAGES_PER_MINUTE": many,
            "WEGWIJZER_SESSIONS_PER_HOUR": many,
            # The moderators' console is a process of its own, of which the example bot has no like; transcripts are written, and
            # moved to the database by a process that counts.
            "WEGWIJZER_CONSOLE_PORT": "0",
        }

    def train_command(self) -> list[str]:
        return [str(self.environment() / "bin" / "wegwijzer"), "train", "--quiet"]

    def start_command(self) -> list[str]:
        return [str(self.environment() / "bin" / "wegwijzer"), "run", "--port", str(self.port)]

    def client(self) -> Client:
        return WebClient(self.port)

    def health_path(self) -> str:
        return "/health"


def _proportional_kilobytes(pid: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _environment(name: str, *options: str) -> Path:
    """A virtual environment with what ``uv.lock`` names, without the tools of developers."""
    uv = shutil.which("uv") or str(PROJECT / ".venv-tools" / "bin" / "uv")
    folder = CACHE / name
    command = [uv, "sync", "--frozen", "--no-dev", "--quiet", "--python", sys._base_executable, *options]  # type: ignore[attr-defined]
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"the environment of '{name}' cannot be made:\n{done.stderr[-2000:]}")
    return folder


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
