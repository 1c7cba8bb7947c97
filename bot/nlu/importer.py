"""Reading ``data/nlu/`` quickly.

Rasa parses and validates its training data with a pure Python YAML reader: a minute for our messages, in every command. This importer
reads the same files in the same format with libyaml, a hundred times faster, and checks them itself; stories, rules and the domain stay
with Rasa's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from rasa.shared.exceptions import RasaException
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import INTENT, METADATA, METADATA_EXAMPLE, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TrainingFileError(RasaException):
    """A training file that cannot be used; one line that names file and entry."""


def read_examples(path: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Intent, text and metadata of every example of a file.

    Raises:
        TrainingFileError: not YAML, or not in the form ``nlu: [{intent, examples: [{text, metadata}]}]``.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 (a safe loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainingFileError(f"{path.name}: {str(error).splitlines()[0]}") from None
    blocks = data.get("nlu") if isinstance(data, dict) else None
    if not isinstance(blocks, list):
        raise TrainingFileError(f"{path.name}: needs a list under 'nlu'")
    examples = []
    for block in blocks:
        intent, listed = (block.get("intent"), block.get("examples")) if isinstance(block, dict) else (None, None)
        if not isinstance(intent, str) or not isinstance(listed, list):
            raise TrainingFileError(f"{path.name}: each entry needs 'intent' and a list of 'examples'")
        for number, example in enumerate(listed, start=1):
            text = example.get("text") if isinstance(example, dict) else None
            metadata = example.get("metadata", {}) if isinstance(example, dict) else None
            if not isinstance(text, str) or not text.strip() or not isinstance(metadata, dict):
                raise TrainingFileError(f"{path.name}: {intent}, example {number}: needs a 'text', and 'metadata' of facets")
            examples.append((intent, text.strip(), metadata))
    return examples


class WrittenMessage(Message):
    """A training message that is known by what stands in its file.

    Rasa prints and hashes all that the components put on each message, again after every step: half the time of a training. What a step
    adds follows from the message, the configuration and the code, of which Rasa has fingerprints apart.
    """

    _cached_fingerprint: str | None

    def fingerprint(self) -> str:
        """Hash of text, intent and facets."""
        if self._cached_fingerprint is None:
            written = [self.data.get(TEXT), self.data.get(INTENT), (self.data.get(METADATA) or {}).get(METADATA_EXAMPLE)]
            self._cached_fingerprint = hashlib.md5(json.dumps(written, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
        return self._cached_fingerprint

    def set(self, prop: str, info: Any, add_to_output: bool = False) -> None:
        """As Rasa's, without forgetting the fingerprint."""
        known = self._cached_fingerprint
        super().set(prop, info, add_to_output)
        self._cached_fingerprint = known


class NluFileImporter(RasaFileImporter):
    """Rasa's importer with a fast reader for the messages. Named under ``importers`` in ``config.yml``."""

    def __init__(
        self, config_file: str | None = None, domain_path: str | None = None, training_data_paths: list[str] | str | None = None
    ) -> None:
        given = [training_data_paths] if isinstance(training_data_paths, str) else training_data_paths or []
        messages, others = _split(Path(path) for path in given)
        # Rasa would read every file twice only to see of which kind it is.
        super().__init__(config_file, domain_path, [str(path) for path in others])
        self._nlu_files: list[str] = [*self._nlu_files, *(str(path) for path in messages)]

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """The messages of all files, each with its facets as metadata."""
        messages = []
        for name in sorted(self._nlu_files):
            for intent, text, metadata in read_examples(Path(name)):
                messages.append(WrittenMessage.build(text=text, intent=intent, example_metadata=metadata or None))
        return TrainingData(training_examples=messages)


def _split(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Files with messages (those in a folder ``nlu``), and all others."""
    messages: list[Path] = []
    others: list[Path] = []
    for path in paths:
        files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
        for file in files:
            (messages if file.suffix in (".yml", ".yaml") and file.parent.name == "nlu" else others).append(file)
    return messages, others
