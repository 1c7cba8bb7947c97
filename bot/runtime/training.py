"""Training: content and data are checked, then Rasa trains and the model is written to ``models/``."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import yaml

from bot.runtime.errors import UserError
from bot.runtime.model_files import write_hash
from bot.runtime.quiet import rasa_logs
from bot.runtime.settings import PROJECT, Settings
from bot.runtime.tensorflow_free import is_installed, refuse_tensorflow_components
from bot.wegwijzer.content import load_content

DOMAIN = PROJECT / "domain.yml"
CONFIG = PROJECT / "config.yml"
TRAINING_FILES = (PROJECT / "data" / "nlu", PROJECT / "data" / "stories")


class TrainingError(UserError):
    """Training that cannot succeed; one line."""


def check_config(path: Path = CONFIG) -> None:
    """Refuse a pipeline that needs TensorFlow where it is not installed.

    Raises:
        TrainingError: with the names of the components.
    """
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TrainingError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(config, dict):
        raise TrainingError(f"{path.name} is not a configuration of Rasa")
    names = refuse_tensorflow_components(config) if is_installed() else []
    if names:
        raise TrainingError(
            f"{path.name} names {', '.join(names)}: that needs TensorFlow; see 'make install-diet' and set WEGWIJZER_TENSORFLOW=1"
        )


def train(settings: Settings, quiet: bool = False) -> Path:
    """Check, train and write a model with its hash beside it; returns its path.

    Raises:
        ContentError, TrainingError: what is wrong with content, configuration or data.
    """
    load_content()
    check_config()
    from rasa.model_training import train as rasa_train
    from rasa.shared.exceptions import RasaException

    rasa_logs(logging.ERROR if quiet else logging.INFO)
    settings.models_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if quiet:
            import io

            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        try:
            result = rasa_train(
                domain=str(DOMAIN),
                config=str(CONFIG),
                training_files=[str(path) for path in TRAINING_FILES],
                output=str(settings.models_dir),
                force_training=False,
            )
        except RasaException as error:
            raise TrainingError(str(error).strip().splitlines()[0]) from error
    if not result.model:
        raise TrainingError("training ended without a model; the lines above say why")
    model = Path(result.model)
    write_hash(model)
    return model
