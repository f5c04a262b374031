"""How training/calibrate.py turns logits into probabilities."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from embedders import HashedWordsEmbedder
from test_quality import FERRY, WordReader


@pytest.fixture(scope="module")
def calibrate() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "training"))
        yield importlib.import_module("calibrate")


def test_scale_and_shift_are_found(calibrate: Any) -> None:
    dice = np.random.default_rng(0)
    logits = dice.normal(0, 3, 4000)
    right = dice.random(4000) < 1 / (1 + np.exp(-(0.6 * logits - 0.8)))
    cases = [calibrate.Case(float(logit), bool(one), 1.0) for logit, one in zip(logits, right, strict=True)]
    scale, shift = calibrate.fit(cases)
    assert scale == pytest.approx(0.6, abs=0.05)
    assert shift == pytest.approx(-0.8, abs=0.1)


def test_a_question_is_read_with_and_without_what_answers_it(calibrate: Any) -> None:
    question = "When opened Lund Lines the night route?"
    line = {"group": "wikipedia/Lund_Lines", "question": question, "source": "selqa"}
    start = FERRY.index("May")
    told = [
        {**line, "passage": FERRY, "answerable": True, "answers": [{"start": start, "end": start + 3, "text": "May"}]},
        {**line, "passage": "The harbour froze in January.", "answerable": False, "answers": []},
        {**line, "question": "Which king sold it?", "passage": FERRY, "answerable": False, "answers": []},
    ]
    cases = list(calibrate.read(told, WordReader(), HashedWordsEmbedder()))
    assert [(round(case.logit, 2), case.right, case.weight) for case in cases] == [
        (2.2, True, 1.0),
        (-2.2, False, 0.5),
        (-2.2, False, 0.5),
    ]


def test_the_loss_at_a_temperature(calibrate: Any) -> None:
    logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), np.array([0, 1])
    expected = np.log(np.exp(1) + 2) - 1
    assert calibrate.loss(logits, labels, 2.0) == pytest.approx(expected)
