"""Whether a model file is the one that was trained: its SHA-256 stands beside it, and may be fixed in the settings.

The file beside it shows damage and a half copy. Whoever can write in the folder of models can write both, so a deployment that wants more
sets ``WEGWIJZER_MODEL_SHA256``: nothing else is loaded then.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from bot.runtime.errors import UserError

_SUFFIX = ".sha256"
_LINE = re.compile(r"^([0-9a-f]{64}) [ *](\S+)\s*$")


class ModelError(UserError):
    """A model that is missing or cannot be used; one line."""


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def hash_file(model: Path) -> Path:
    """Where the hash of a model stands."""
    return model.with_name(model.name + _SUFFIX)


def write_hash(model: Path) -> Path:
    """Write the hash of a model beside it, in the form of ``sha256sum``."""
    path = hash_file(model)
    path.write_text(f"{sha256(model)}  {model.name}\n", encoding="utf-8")
    return path


def check_hash(model: Path, wanted: str | None) -> bool:
    """Hold a model against the hash of the settings, or else against the one beside it; before anything in it is read.

    Returns:
        False when there is neither: Rasa's own ``rasa train`` writes none.

    Raises:
        ModelError: another file than the one that was trained, or a hash that cannot be read.
    """
    path = hash_file(model)
    if wanted is None and not path.exists():
        return False
    try:
        expected, source = (wanted, "WEGWIJZER_MODEL_SHA256") if wanted else (_expected(path, model), path.name)
        found = sha256(model)
    except OSError as error:
        raise ModelError(f"{error.filename} cannot be read: {error.strerror}") from None
    if found != expected:
        raise ModelError(
            f"model {model.name} is not the one that was trained: its SHA-256 is not what {source} says; copy it again, or 'make train'"
        )
    return True


def _expected(path: Path, model: Path) -> str:
    match = _LINE.match(path.read_text(encoding="utf-8", errors="replace"))
    if not match or match[2] != model.name:
        raise ModelError(f"{path} holds no hash of {model.name}; copy both again, or 'make train'")
    return match[1]
