"""The Rasa graph components, thin: each hands a message to plain code in this package and writes the result on the message."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, METADATA, METADATA_EXAMPLE, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu import crisis, facets, intents
from bot.nlu.augment import sloppy
from bot.nlu.entities import PLATFORM, EntityReader, age_band
from bot.nlu.features import NgramVectoriser
from bot.nlu.lexicon import Lexicon
from bot.nlu.linear import HeadSpec, LinearHeads
from bot.nlu.parallel import in_parts, on_all_processors
from bot.nlu.text import normalise
from bot.wegwijzer.content import load_content
from bot.wegwijzer.vocabulary import CONCERN, Crisis

#: Names of what the components put on a message. Only ``FACETS``, ``CONFIDENCES``, ``NAMED``, ``AT_EASE`` and ``PAGE`` leave the pipeline.
NORMALISED = "normalised"
ROW = "ngram_row"
READINGS = "readings"
CONCEPTS = "concepts"
FACETS = "facets"
CONFIDENCES = "facet_confidences"
NAMED = "facets_named"
AT_EASE = "at_ease"
PAGE = "page"


class Row:
    """Features of one message (two rows for a training message, see :func:`_readings`).

    Rasa fingerprints everything on a message after every step; this has a fingerprint at hand instead of printing a matrix.
    """

    __slots__ = ("_fingerprint", "matrix")

    def __init__(self, matrix: sp.csr_matrix, text: str) -> None:
        self.matrix = matrix
        self._fingerprint = f"{zlib.crc32(text.encode('utf-8')):08x}"

    def fingerprint(self) -> str:
        """What Rasa compares."""
        return self._fingerprint


PROJECT = Path(__file__).resolve().parents[2]
_CRISES = tuple(item.value for item in Crisis)

LEXICON_FOLDER = PROJECT / "data" / "lexicon"


def _normalised(message: Message) -> str:
    return str(message.get(NORMALISED) or "")


def _metadata(example: Message) -> dict[str, Any]:
    return (example.get(METADATA) or {}).get(METADATA_EXAMPLE) or {}


class _MadeOfFiles:
    """Rasa reuses a trained component while its own class, configuration and messages are the same; ours depend on more than those."""

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str:
        """A fingerprint of the other files that go into training: this package, the lexicon, and the names in ``content/``."""
        files = [*Path(__file__).parent.glob("*.py"), *LEXICON_FOLDER.glob("*.yml")]
        files += [PROJECT / "content" / "platforms.yml", PROJECT / "content" / "helplines.yml"]
        return f"{zlib.crc32(b''.join(path.read_bytes() for path in sorted(files))):08x}"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=True)
class DutchChatTokenizer(_MadeOfFiles, Tokenizer):
    """Normalises Dutch chat text, splits it with spaCy, and names platforms, helplines and ages as entities.

    Trainable only in that it keeps the patterns it was made with: a model goes on recognising what it recognised when trained.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None, "prefix_separator_symbol": None}

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource, reader: EntityReader | None = None) -> None:
        super().__init__(config)
        self._storage = storage
        self._resource = resource
        self._reader = reader

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> DutchChatTokenizer:
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        content = load_content()
        self._reader = EntityReader.from_content(content.platforms, content.helplines)
        with self._storage.write_to(self._resource) as folder:
            (folder / "patterns.json").write_text(json.dumps(self._reader.patterns, ensure_ascii=False), encoding="utf-8")
        return self._resource

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> DutchChatTokenizer:
        with model_storage.read_from(resource) as folder:
            patterns = json.loads((folder / "patterns.json").read_text(encoding="utf-8"))
        return cls(config, model_storage, resource, EntityReader(patterns))

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Tokens of the normalised text; spans refer to that text, not to what was typed."""
        text = normalise(message.get(attribute) or "")
        if attribute != TEXT or self._reader is None:
            return [Token(word, 0) for word in text.split()] or [Token(text, 0)]
        message.set(NORMALISED, text)
        tokens, named = self._reader.read(text)
        entities = [
            {"entity": item.kind, "value": item.id, "start": item.start, "end": item.end, "extractor": type(self).__name__}
            for item in named
        ]
        message.set(ENTITIES, (message.get(ENTITIES) or []) + entities, add_to_output=True)
        return [Token(word, start) for word, start in tokens]

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if message.get(TEXT) is not None:
                message.set(TOKENS_NAMES[TEXT], self.tokenize(message, TEXT))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Training needs no tokens and no entities: it needs each message as it was written and as a hurried writer would type it."""
        examples = training_data.intent_examples
        read = on_all_processors(_readings, in_parts([str(example.get(TEXT) or "") for example in examples]))
        for example, readings in zip(examples, chain.from_iterable(read), strict=True):
            example.set(READINGS, readings)
        return training_data


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class NgramFeaturizer(_MadeOfFiles, GraphComponent):
    """Word and character n-grams and lexicon concepts of a message, as one sparse row that all classifiers share."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            # An n-gram is kept when it stands in this many training messages.
            "min_word_count": 3,
            "min_char_count": 10,
            # Length of the block of lexicon concepts, relative to the n-gram blocks.
            "concept_weight": 1.0,
        }

    def __init__(
        self, config: dict[str, Any], storage: ModelStorage, resource: Resource, vectoriser: NgramVectoriser | None = None
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._vectoriser = vectoriser

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> NgramFeaturizer:
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        texts = [text for example in training_data.intent_examples for text in example.get(READINGS)]
        counts = {"word": self._config["min_word_count"], "char": self._config["min_char_count"]}
        self._vectoriser = NgramVectoriser(Lexicon.from_folder(LEXICON_FOLDER), counts, self._config["concept_weight"])
        self._vectoriser.fit(texts)
        with self._storage.write_to(self._resource) as folder:
            self._vectoriser.save(folder)
        return self._resource

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> NgramFeaturizer:
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, NgramVectoriser.load(folder))

    def process(self, messages: list[Message]) -> list[Message]:
        if self._vectoriser is not None:
            for message in messages:
                text = _normalised(message)
                row = self._vectoriser.transform([text])
                message.set(ROW, Row(row, text))
                message.set(CONCEPTS, self._vectoriser.concepts_in(row))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        assert self._vectoriser is not None
        examples = training_data.intent_examples
        matrix = self._vectoriser.transform_all([text for example in examples for text in example.get(READINGS)])
        for place, example in enumerate(examples):
            example.set(ROW, Row(matrix[2 * place : 2 * place + 2], str(example.get(TEXT))))
        return training_data


def _readings(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Training messages as they were written and as hurried writers would type them, normalised."""
    return [(normalise(text), normalise(sloppy(text))) for text in texts]


class _HeadsComponent(_MadeOfFiles, GraphComponent):
    """What the classifiers share: heads over the shared row, trained, stored and loaded alike."""

    NAME: str

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource, heads: LinearHeads | None = None) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._heads = heads

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> Any:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> Any:
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, LinearHeads.load(folder, cls.NAME))

    def _fit(self, examples: list[Message], specs: list[HeadSpec], labels: dict[str, list[frozenset[str] | None]]) -> Resource:
        rows = [example.get(ROW).matrix for example in examples]
        repeated = {
            name: [label for label, row in zip(values, rows, strict=True) for _ in range(row.shape[0])] for name, values in labels.items()
        }
        self._heads = LinearHeads.train(sp.vstack(rows, format="csr"), specs, repeated)
        with self._storage.write_to(self._resource) as folder:
            self._heads.save(folder, self.NAME)
        return self._resource

    def _scores(self, message: Message) -> np.ndarray | None:
        row = message.get(ROW)
        return None if row is None or self._heads is None else self._heads.scores(row.matrix)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class FacetClassifier(_HeadsComponent):
    """Facets of the situation that a message tells, each with its confidence; crisis by classifier and lexicon together."""

    NAME = "facets"

    def train(self, training_data: TrainingData) -> Resource:
        examples = training_data.intent_examples
        labels: dict[str, list[frozenset[str] | None]] = {spec.name: [] for spec in facets.HEADS}
        for example in examples:
            for name, label in facets.labels_of(_metadata(example), example.get(INTENT)).items():
                labels[name].append(label)
        return self._fit(examples, list(facets.HEADS), labels)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            scores = self._scores(message)
            if scores is None or self._heads is None:
                continue
            told, confidences = facets.decode(self._heads, scores)
            text = _normalised(message)
            platforms = [entity["value"] for entity in message.get(ENTITIES) or [] if entity["entity"] == PLATFORM]
            told["platform"] = platforms[0] if platforms else None
            told["age_band"] = age_band(text)
            chances = dict(zip(_CRISES, self._heads.probabilities(scores, "crisis")[0].tolist(), strict=True))
            told["crisis"], confidences["crisis"] = crisis.decide(chances, message.get(CONCEPTS) or ())
            facets.add_from_concepts(told, message.get(CONCEPTS) or ())
            confidences["platform"] = confidences["age_band"] = 1.0
            message.set(FACETS, told, add_to_output=True)
            calm, confidences[CONCERN] = facets.at_ease(self._heads, scores, told)
            message.set(CONFIDENCES, confidences, add_to_output=True)
            message.set(AT_EASE, calm, add_to_output=True)
            message.set(NAMED, facets.named(message.get(CONCEPTS) or (), platforms), add_to_output=True)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class DialogueActClassifier(_HeadsComponent, IntentClassifier):
    """What a message does in the conversation (Rasa's intent), and which page answers it when it is a question.

    Falls back when no act is likely and nothing is told.
    """

    NAME = "intents"

    def train(self, training_data: TrainingData) -> Resource:
        examples = training_data.intent_examples
        acts = [example.get(INTENT) for example in examples]
        # Messages without a label teach nothing about pages.
        pages = [_metadata(example).get(PAGE) for example in examples]
        # Most messages tell a story; the other acts are few, and short.
        by_act = HeadSpec("intent", tuple(sorted(set(acts))), rare_weight=0.25)
        by_page = HeadSpec(PAGE, tuple(sorted({page for page in pages if page} | {intents.NO_PAGE})), rare_weight=0.25)
        labels: dict[str, list[frozenset[str] | None]] = {
            "intent": [frozenset({act}) for act in acts],
            PAGE: [frozenset({page}) if page else None for page in pages],
        }
        return self._fit(examples, [by_act, by_page], labels)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            scores = self._scores(message)
            if scores is None or self._heads is None:
                continue
            by_intent, by_page = (
                dict(zip(spec.classes, self._heads.probabilities(scores, spec.name)[0].tolist(), strict=True)) for spec in self._heads.specs
            )
            ranking = intents.rank(by_intent, _normalised(message), message.get(FACETS) or {})
            message.set(PAGE, intents.page(by_page, ranking[0]["name"]), add_to_output=True)
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages
