"""Let Rasa run where TensorFlow is not installed.

Rasa 3.6 imports TensorFlow at module level for components that this bot does not use (DIET, TED, UnexpecTED, ResponseSelector,
the ConveRT and language-model featurizers). :func:`install` puts a finder on ``sys.meta_path`` that answers those imports with
inert modules: their attributes are empty classes, enough for Rasa's class statements and annotations to be evaluated, and
anything that tries to compute with them fails at once. ``config.yml`` is checked by :func:`refuse_tensorflow_components` so that
nobody meets that failure half-way through a training.

It must be called before the first ``import rasa.<anything>``; ``bot/__init__.py`` does so.
Set ``WEGWIJZER_TENSORFLOW=1`` to use a real TensorFlow (extra ``diet``).
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Sequence
from typing import Any

TENSORFLOW_PACKAGES = frozenset({"tensorflow", "tensorflow_hub", "tensorflow_text", "keras"})

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


class TensorFlowMissing(RuntimeError):
    """A component was asked to compute with TensorFlow, which is not installed."""


class _InertMeta(type):
    """Metaclass of the stand-in classes: every attribute is again a stand-in class."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inert = _inert_class(name)
        setattr(cls, name, inert)
        return inert

    def __getitem__(cls, _item: Any) -> Any:
        return cls

    def __or__(cls, _other: Any) -> Any:
        return cls

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_tensorflow_stand_in" not in cls.__dict__:
            raise TensorFlowMissing(f"{cls.__name__} needs TensorFlow, which is not installed (see the extra 'diet')")
        # Used as a decorator (``@tf.function``, ``@keras.utils.register(...)``): hand the decorated thing back unchanged.
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        return lambda decorated: decorated


def _inert_class(name: str) -> type:
    return _InertMeta(name, (), {"_tensorflow_stand_in": True})


class _InertModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inert = _inert_class(name)
        setattr(self, name, inert)
        return inert


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] in TENSORFLOW_PACKAGES:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _InertModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        return None


def is_installed() -> bool:
    """Whether the stand-ins are in place."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def install() -> None:
    """Put the stand-ins in place, once, unless a real TensorFlow is asked for or imported already."""
    if os.environ.get("WEGWIJZER_TENSORFLOW") == "1" or "tensorflow" in sys.modules or is_installed():
        return
    sys.meta_path.insert(0, _Finder())


def refuse_tensorflow_components(config: dict[str, Any]) -> list[str]:
    """Names in a parsed ``config.yml`` that need TensorFlow; empty when the configuration can run without it."""
    listed = [*(config.get("pipeline") or []), *(config.get("policies") or [])]
    names = [str(item.get("name", "")) if isinstance(item, dict) else str(item) for item in listed]
    return [name for name in names if name.rpartition(".")[2] in TENSORFLOW_COMPONENTS]
