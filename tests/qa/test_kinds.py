"""The kind of a line: the classifier that ships, on questions that it was not trained on, and its file."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from embedders import HashedWordsEmbedder
from safetensors.numpy import save_file

from citewire.index.embed import load_embedder
from citewire.index.errors import ModelError
from citewire.index.types import Embedder
from citewire.qa import kinds, wording
from citewire.qa.kinds import KINDS, Intent, Kind, Kinds, load_kinds

QUESTIONS = [
    json.loads(line) for line in (Path(__file__).parent.parent / "data" / "kinds.jsonl").read_text().splitlines()
]
LEAST, LEAST_INTENTS = 0.94, 0.92  # least accuracy on QUESTIONS; measured: 0.951, 0.941


@pytest.fixture(scope="module")
def real() -> Kinds:
    """The classifier that ships, with the real embedder."""
    return load_kinds(load_embedder(threads=1), threads=1)


@pytest.mark.slow
def test_questions_that_it_was_not_fitted_on(real: Kinds) -> None:
    guesses = [real.read(row["question"]) for row in QUESTIONS]
    right = [guess.kind == row["kind"] for guess, row in zip(guesses, QUESTIONS, strict=True)]
    assert np.mean(right) >= LEAST
    assert np.mean([one.intent == row["intent"] for one, row in zip(guesses, QUESTIONS, strict=True)]) >= LEAST_INTENTS
    sure = [is_right for is_right, guess in zip(right, guesses, strict=True) if guess.probability >= 0.9]
    assert len(sure) > len(right) / 4
    assert np.mean(sure) >= 0.95


def test_the_questions_cover_every_intent_with_its_kind() -> None:
    assert {row["intent"] for row in QUESTIONS} == set(get_args(Intent)) == set(KINDS)
    assert all(row["kind"] == KINDS[row["intent"]] for row in QUESTIONS)
    assert set(KINDS.values()) == set(get_args(Kind))
    assert max(Counter(row["question"].lower() for row in QUESTIONS).values()) == 1


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("Summarise the article about the ferry.", "summary"),
        ("How many articles do you have?", "count"),
        ("hello", "greeting"),
        ("and why?", "elliptic"),
        ("Write a poem about ferries", "create"),
        ("Warum fährt die Fähre nicht?", "translate"),
        ("港はいつ閉鎖されましたか", "translate"),
        ("ท่าเรือปิดเมื่อไหร่", "translate"),
    ],
)
def test_the_topic_does_not_matter(real: Kinds, question: str, intent: str) -> None:
    guess = real.read(question)
    assert guess.intent == intent
    assert guess.kind == KINDS[guess.intent]


@pytest.mark.parametrize("question", ["", " ", "?", "half\ud800 a pair", "why " * 500])
def test_anything_has_a_kind_with_probabilities_that_sum_to_one(real: Kinds, question: str) -> None:
    guess = real.read(question)
    assert guess.probability + sum(guess.others.values()) == pytest.approx(1, abs=1e-5)
    assert sum(guess.intents.values()) == pytest.approx(1, abs=1e-5)
    assert guess.probability >= max(guess.others.values())
    assert {guess.kind, *guess.others} == set(get_args(Kind))
    assert real.read(question) == guess


def test_another_embedder_leaves_the_guess_to_the_default_one(real: Kinds) -> None:
    other: Embedder = HashedWordsEmbedder()
    question = "Which articles mention ferries?"
    assert load_kinds(other, threads=1).read(question) == real.read(question)


class TestFile:
    """kinds.safetensors fits the features and is intact."""

    def test_it_was_fitted_with_these_features(self) -> None:
        assert kinds.fitted_with()["features"] == wording.digest(), "run training/kinds.py again"
        assert kinds.fitted_with()["embedder"] == load_embedder(threads=1).fingerprint
        assert kinds.WEIGHTS.stat().st_size < 300_000

    def test_a_damaged_or_missing_one_is_refused(self, tmp_path: Path) -> None:
        damaged = tmp_path / "kinds.safetensors"
        with pytest.raises(ModelError, match="cannot be loaded"):
            Kinds(HashedWordsEmbedder(), damaged)
        shutil.copy(kinds.WEIGHTS, damaged)
        damaged.write_bytes(damaged.read_bytes()[:-9])
        with pytest.raises(ModelError, match="cannot be loaded"):
            Kinds(HashedWordsEmbedder(), damaged)

    @pytest.mark.parametrize(("names", "problem"), [(["fact"], "weights of shape"), (["verse"], "verse")])
    def test_intents_that_do_not_fit_are_refused(self, tmp_path: Path, names: list[str], problem: str) -> None:
        file = tmp_path / "kinds.safetensors"
        tensors = {"weight": np.zeros((2, 3), np.float16), "bias": np.zeros(2, np.float16)}
        save_file(tensors, file, {"intents": json.dumps(names)})
        with pytest.raises(ModelError, match=problem):
            Kinds(HashedWordsEmbedder(), file)

    def test_what_it_belongs_to_cannot_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kinds.fitted_with.cache_clear()
        monkeypatch.setattr(kinds, "WEIGHTS", tmp_path / "none")
        with pytest.raises(ModelError, match="cannot be read"):
            kinds.fitted_with()
        kinds.fitted_with.cache_clear()
