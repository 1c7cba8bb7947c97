"""Let Rasa run where TensorFlow is not installed.

Rasa 3.6 imports TensorFlow at module level for components that this bot does not use (DIET, TED, UnexpecTED, ResponseSelector,
the ConveRT and language-model featurizers). :func:`install` answers those imports with inert modules (see :mod:`bot.runtime.stand_ins`).
``config.yml`` is checked by :func:`refuse_tensorflow_components` so that nobody meets their failure half-way through a training.

It must be called before the first ``import rasa.<anything>``; ``bot/__init__.py`` does so.
Set ``WEGWIJZER_TENSORFLOW=1`` to use a real TensorFlow (extra ``diet``).
"""

from __future__ import annotations

import os
import sys
from typing import Any

from bot.runtime import stand_ins

TENSORFLOW_PACKAGES = ("tensorflow", "tensorflow_hub", "tensorflow_text", "keras")

TENSORFLOW_COMPONENTS = frozenset(
    {
        "DIETClassifier",
        "TEDPolicy",
        "UnexpecTEDIntentPolicy",
        "ResponseSelector",
        "ConveRTFeaturizer",
        "LanguageModelFeaturizer",
    }
)


def is_wanted() -> bool:
    """Whether the real TensorFlow was asked for."""
    return os.environ.get("WEGWIJZER_TENSORFLOW") == "1"


def is_installed() -> bool:
    """Whether the stand-ins are in place."""
    return stand_ins.is_installed(TENSORFLOW_PACKAGES[0])


def install() -> None:
    """Put the stand-ins in place, once, unless a real TensorFlow is asked for or imported already."""
    if not is_wanted() and "tensorflow" not in sys.modules:
        stand_ins.install(dict.fromkeys(TENSORFLOW_PACKAGES, "needs TensorFlow, which is not installed (see the extra 'diet')"))


def refuse_tensorflow_components(config: dict[str, Any]) -> list[str]:
    """Names in a parsed ``config.yml`` that need TensorFlow; empty when the configuration can run without it."""
    listed = [*(config.get("pipeline") or []), *(config.get("policies") or [])]
    names = [str(item.get("name", "")) if isinstance(item, dict) else str(item) for item in listed]
    return [name for name in names if name.rpartition(".")[2] in TENSORFLOW_COMPONENTS]
