"""Environment of every command: Rasa's telemetry and error reporting off, libraries silent, one processor a process."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

#: Read by Rasa and numpy when they are imported; ``Makefile`` and ``Dockerfile`` set the same for Rasa.
ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    # Rasa reports crashes to Sentry only when telemetry is on; this closes the second way too.
    "SENTRY_DSN": "",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "MPLBACKEND": "Agg",
    "LOG_LEVEL": "WARNING",
    "LOG_LEVEL_LIBRARIES": "ERROR",
    # A message is a product of a few hundred numbers. Numpy's threads would spin beside each one, and cost a bot as much processor
    # time again as the whole turn.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


def apply() -> None:
    """Set the environment where it is not set already, and keep third-party warnings off the terminal."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _hide_deprecations()
    warnings.filterwarnings("ignore", category=UserWarning, module=r"rasa\..*|pkg_resources.*|skops.*")
    warnings.filterwarnings("ignore", message=".*pkg_resources.*")
    logging.getLogger("rasa").setLevel(logging.WARNING)


def _hide_deprecations() -> None:
    """Rasa's dependencies turn the filters for these warnings on again when they are imported, so they are dropped where they are shown."""
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **kwargs: Any) -> None:
        if not issubclass(category, DeprecationWarning):
            shown(message, category, *place, **kwargs)

    warnings.showwarning = show


def rasa_logs(level: int = logging.ERROR) -> None:
    """Rasa's structured log from this level on; it would print every debug line, messages of users among them. Imports Rasa."""
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(level)
    logging.getLogger("rasa").setLevel(level)
