"""Reading a message without scikit-learn, in half precision, and without keeping its words: the same reading."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

# Before other tests of the same process put something inert in the place of what training alone needs.
from sklearn.linear_model import LogisticRegression  # noqa: F401

from bot.nlu.entities import EntityReader
from bot.nlu.features import NgramVectoriser
from bot.nlu.lexicon import Lexicon
from bot.nlu.linear import HeadSpec, LinearHeads
from bot.nlu.text import normalise
from bot.runtime.settings import PROJECT
from bot.wegwijzer.content import load_content

TEXTS = [
    normalise(json.loads(line)["text"])
    for line in (PROJECT / "data" / "evaluation" / "heldout.jsonl").read_text(encoding="utf-8").splitlines()
]
LEXICON = Lexicon({"school": ["school", "klas*"], "fear": ["durf ... niet"]})


@pytest.fixture(scope="module")
def vectoriser(tmp_path_factory: pytest.TempPathFactory) -> NgramVectoriser:
    learnt = NgramVectoriser(LEXICON)
    learnt.fit(TEXTS)
    folder = tmp_path_factory.mktemp("features")
    learnt.save(folder)
    return NgramVectoriser.load(folder)


def test_the_ngrams_weigh_as_scikit_learn_weighs_them(vectoriser: NgramVectoriser) -> None:
    options = {"sublinear_tf": True, "lowercase": False}
    word = TfidfVectorizer(analyzer="word", token_pattern=r"\S+", ngram_range=(1, 2), min_df=2, **options)
    char = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, **options)
    expected = sp.hstack([table.fit(TEXTS).transform(TEXTS) for table in (word, char)], format="csr")
    odd = ["", "a", "ab  cd", "onbekendwoord", "ik " * 50]
    for texts, wanted in ((TEXTS, expected), (odd, sp.hstack([table.transform(odd) for table in (word, char)], format="csr"))):
        found = vectoriser.transform(texts)
        assert found.shape[1] == vectoriser.size == expected.shape[1] + len(LEXICON.names)
        assert abs(found[:, : expected.shape[1]] - wanted).max() < 1e-6


def test_one_message_reads_as_it_does_among_others(vectoriser: NgramVectoriser) -> None:
    together = vectoriser.transform(TEXTS)
    for place in range(0, len(TEXTS), 40):
        assert abs(vectoriser.transform([TEXTS[place]]) - together[place]).max() == 0


def test_half_precision_moves_no_probability(vectoriser: NgramVectoriser, tmp_path: Path) -> None:
    rows = vectoriser.transform(TEXTS)
    specs = [HeadSpec("school", ("yes", "no"))]
    labels = {"school": [frozenset({"yes" if "school" in text else "no"}) for text in TEXTS]}
    trained = LinearHeads.train(rows, specs, labels)
    trained.save(tmp_path, "heads")
    loaded = LinearHeads.load(tmp_path, "heads")
    for row in rows[:50]:
        before, after = (heads.probabilities(heads.scores(row), "school") for heads in (trained, loaded))
        assert np.abs(before - after).max() < 1e-3


def test_no_word_of_a_message_stays_behind() -> None:
    content = load_content()
    reader = EntityReader.from_content(content.platforms, content.helplines)
    reader.read("iets gewoons op snapchat")
    known = len(reader._language.vocab.strings)
    for number in range(50):
        tokens, named = reader.read(f"geheimwoord{number} op snapchat")
        assert [word for word, _ in tokens] == [f"geheimwoord{number}", "op", "snapchat"]
        assert [item.id for item in named] == ["snapchat"]
    assert len(reader._language.vocab.strings) == known
