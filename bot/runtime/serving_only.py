"""What a process that only answers messages need not import.

Rasa imports every channel, tracker store, classifier and training tool that it has, whatever the model uses. The commands that only answer
(``wegwijzer run``, ``talk``, ``parse``, ``evaluate``) call :func:`install` before they import Rasa; training and Rasa's own commands do
not. Modules that other parts of the program could use themselves (SQLAlchemy, requests, Redis) are never replaced.
"""

from __future__ import annotations

import sys

from bot.runtime import stand_ins, tensorflow_free

_CHANNEL = "is a channel that this bot does not open"
_STORE = "belongs to a tracker store that this bot does not use"
_TRAINING = "is needed for training and testing only"
_COMPONENT = "belongs to a component that no model of this bot has"
_TERMINAL = "asks questions on a terminal, in Rasa's own commands only"

#: By module, why it is not there.
STAND_INS: dict[str, str] = {
    **dict.fromkeys(
        (
            f"rasa.core.channels.{name}"
            for name in (
                "botframework",
                "callback",
                "console",
                "facebook",
                "hangouts",
                "mattermost",
                "rasa_chat",
                "rocketchat",
                "slack",
                "socketio",
                "telegram",
                "twilio",
                "twilio_voice",
                "webexteams",
            )
        ),
        _CHANNEL,
    ),
    "boto3": _STORE,
    "botocore": _STORE,
    "pymongo": _STORE,
    "questionary": _TERMINAL,
    "rasa.cli.utils": _TERMINAL,
    "rasa.core.jobs": "schedules reminders, which this bot does not send",
    "rasa.core.test": _TRAINING,
    "rasa.engine.recipes.default_components": _COMPONENT,
    "rasa.engine.runner.dask": "is replaced by bot.runtime.graph_runner",
    "rasa.shared.importers": _TRAINING,
    "rasa.utils.tensorflow.data_generator": _COMPONENT,
    "rasa.utils.tensorflow.model_data": _COMPONENT,
    "rasa.utils.tensorflow.models": _COMPONENT,
    "scipy.sparse.csgraph": "has algorithms on graphs; rows of features need none",
    "sklearn": _TRAINING,
    "matplotlib": _TRAINING,
    # spaCy's own commands: downloads, training, evaluation.
    "spacy.cli": _TRAINING,
}

#: By module that is used only where it is installed, why it is hidden.
HIDDEN: dict[str, str] = {
    "rich": "prints tracebacks with the values of variables, which are messages of users",
}


def install() -> None:
    """Put the stand-ins in place, unless the real packages are asked for (``WEGWIJZER_TENSORFLOW=1``)."""
    if not tensorflow_free.is_wanted():
        stand_ins.install(STAND_INS)
        stand_ins.hide(HIDDEN)
        _plain_distutils()


def _plain_distutils() -> None:
    """Sanic imports one function of ``distutils``, in whose place setuptools would import most of itself."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "DistutilsMetaFinder"]
