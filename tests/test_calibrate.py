"""training/calibrate.py: calibration of logits to probabilities."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from embedders import HashedWordsEmbedder
from readers import WordReader

pytestmark = pytest.mark.slow  # loads torch

FERRY = "Lund Lines opened the night route in May. It runs 14 ferries from Skarvik."


@pytest.fixture(scope="module")
def calibrate() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "training"))
        yield importlib.import_module("calibrate")


def test_the_weights_of_a_logistic_regression_are_found(calibrate: Any) -> None:
    dice = np.random.default_rng(0)
    rows = np.column_stack([dice.normal(0, 3, 4000), dice.random(4000), np.ones(4000)])
    right = dice.random(4000) < 1 / (1 + np.exp(-(rows @ np.array([0.6, 2.0, -0.8]))))
    found = calibrate.logistic(rows, right, np.ones(4000), np.array([1.0, 0.0, 0.0]))
    assert found == pytest.approx([0.6, 2.0, -0.8], abs=0.25)


def test_the_best_sentence_tells_whether_there_is_an_answer(calibrate: Any) -> None:
    """Each question has three sentences; in half of the questions the one with the highest logit answers, else none."""
    dice = np.random.default_rng(1)
    cases = []
    for number in range(400):
        features = np.column_stack([dice.normal(-2, 1, 3), np.zeros(3), dice.random(3), -dice.random(3), np.ones(3)])
        right = np.zeros(3, bool)
        if number % 2:
            features[0, 0], right[0] = 3.0, True
        cases.append(calibrate.Case(features, right, 1.0))
    fitted = calibrate.fit(cases)
    assert fitted.probability(3.0, 0.5, 0.5) > 0.9
    assert fitted.probability(-2.0, 0.5, 0.5) < 0.1
    assert 0.3 < fitted.usual < 0.7


def test_a_question_is_read_with_and_without_what_answers_it(calibrate: Any) -> None:
    ferry = calibrate.News(
        "news/a-ferry", "Night route", FERRY, ((0, 44), (45, 77)),
        [("When opened Lund Lines the night route?", [0], ["May"])], ["Which king sold it?"], [],
    )  # fmt: skip
    harbour = calibrate.News("news/b-ice", "Ice", "The harbour froze in January.", ((0, 29),), [], [], [])
    cases = list(calibrate.read([ferry, harbour], [WordReader()], HashedWordsEmbedder()))
    # The answered question gives two cases: among all articles, and among those of the other writer.
    assert [bool(case.right.any()) for case in cases] == [True, False, False]
    assert [len(case.right) for case in cases] == [3, 1, 3]
    assert [round(case.weight, 2) for case in cases] == [1.0, 0.5, 0.5]
    assert all(case.features.shape == (len(case.right), 5) for case in cases)
    assert (cases[0].features[:, 3] <= 0).all()  # minus the distance from the best search score


def test_the_loss_at_a_temperature(calibrate: Any) -> None:
    logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), np.array([0, 1])
    expected = np.log(np.exp(1) + 2) - 1
    assert calibrate.loss(logits, labels, 2.0) == pytest.approx(expected)
