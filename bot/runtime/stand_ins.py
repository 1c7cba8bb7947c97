"""Inert modules in place of packages that Rasa imports and this bot never calls.

Rasa imports most of what any bot could need at module level. :func:`install` puts a finder on ``sys.meta_path`` that answers the imports
it is told to with inert modules: their attributes are empty classes, enough for class statements, annotations and decorators to be
evaluated, and anything that tries to compute with them fails at once with the reason. A module that was imported before stays what it is.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any


class StandInCalled(RuntimeError):
    """Something tried to compute with a package that has a stand-in; the message names it and says why it is not there."""


class _InertMeta(type):
    """Metaclass of the stand-in classes: every attribute is again a stand-in class."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inert = _inert_class(name, cls._reason)
        setattr(cls, name, inert)
        return inert

    def __getitem__(cls, _item: Any) -> Any:
        return cls

    def __or__(cls, _other: Any) -> Any:
        return cls

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_stand_in" not in cls.__dict__:
            raise StandInCalled(f"{cls.__name__} {cls._reason}")
        # Used as a decorator (``@tf.function``, ``@keras.utils.register(...)``): hand the decorated thing back unchanged. A call that
        # makes something else at import time (a base class, a logger) gets one more stand-in, which still decorates.
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        return _inert_class(cls.__name__, cls._reason)


def _inert_class(name: str, reason: str) -> type:
    return _InertMeta(name, (), {"_stand_in": True, "_reason": reason})


class _InertModule(types.ModuleType):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name)
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inert = _inert_class(name, self._reason)
        setattr(self, name, inert)
        return inert


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.absent: dict[str, str] = {}

    def reason(self, module: str) -> str | None:
        """Why a module, or a package that it belongs to, has a stand-in; None where it has none."""
        while module:
            if module in self.reasons:
                return self.reasons[module]
            module = module.rpartition(".")[0]
        return None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in self.absent:
            raise ModuleNotFoundError(f"{fullname} {self.absent[fullname]}", name=fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if self.reason(fullname) else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _InertModule(spec.name, self.reason(spec.name) or "")

    def exec_module(self, module: types.ModuleType) -> None:
        return None


_FINDER = _Finder()


def install(reasons: Mapping[str, str]) -> None:
    """Answer imports of these modules, and of all below them, with inert ones.

    Args:
        reasons: by the module's full name, why it is not there; it ends the sentence that begins with the name of what was called.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    _FINDER.reasons.update(reasons)


def hide(reasons: Mapping[str, str]) -> None:
    """Let imports of these modules fail, as where they are not installed: for what a package uses only if it is there.

    Args:
        reasons: by the module's full name, why it is hidden.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    _FINDER.absent.update(reasons)


def is_installed(module: str) -> bool:
    """Whether imports of a module are answered with an inert one."""
    return _FINDER in sys.meta_path and _FINDER.reason(module) is not None
