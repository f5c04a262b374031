"""Every metric, compared with the script or library that defines it."""

from __future__ import annotations

import re
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from citewire.qa.evaluate import measure
from citewire.qa.facts import tokens

WORDS = st.lists(st.sampled_from("the a An cat cats sat, on 3.5 million 'mat' U.S. - !".split()), max_size=8).map(
    " ".join
)
FORECASTS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def official_normalise(text: str) -> list[str]:
    """As in SQuAD's evaluate-v2.0.py."""
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def official_f1(gold: str, said: str) -> float:
    """As in SQuAD's evaluate-v2.0.py."""
    gold_words, said_words = official_normalise(gold), official_normalise(said)
    if not gold_words or not said_words:
        return float(gold_words == said_words)
    same = sum((Counter(gold_words) & Counter(said_words)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(said_words), same / len(gold_words)
    return 2 * precision * recall / (precision + recall)


class TestWords:
    @given(WORDS, st.lists(WORDS, min_size=1, max_size=3))
    def test_exact_match_and_f1_are_those_of_squad(self, said: str, golds: list[str]) -> None:
        assert measure.token_f1(said, golds) == pytest.approx(max(official_f1(gold, said) for gold in golds))
        exact = any(official_normalise(said) == official_normalise(gold) for gold in golds)
        assert measure.exact_match(said, golds) == exact

    def test_curly_quotes_and_dashes_go_too(self) -> None:
        assert measure.exact_match("Squid Game", ["“Squid Game”"]) == 1
        assert tokens("the well—known ‘Ada’") == ["wellknown", "ada"]

    def test_signs_of_money_go_as_in_squad(self) -> None:
        assert tokens("$12.2 billion") == ["122", "billion"]

    def test_recall_is_of_the_accepted_answer(self) -> None:
        assert measure.token_recall("It was the red harbour bridge.", ["harbour tunnel", "blue boat shed"]) == 0.5
        assert measure.token_recall("Anything.", [""]) == 0

    def test_contains_wants_whole_words_side_by_side(self) -> None:
        assert measure.contains("The cost was 40 million euros.", "40 million")
        assert not measure.contains("The cost was 40 million euros.", "0 million")
        assert not measure.contains("40 of the million", "40 million")
        assert not measure.contains("anything", "The")


class TestRankings:
    def test_hits_and_reciprocal_rank(self) -> None:
        assert [measure.hit(place, 4) for place in (0, 1, 4, 5)] == [0, 1, 1, 0]
        assert [measure.reciprocal_rank(place, 10) for place in (0, 1, 4, 11)] == [0, 1, 0.25, 0]


class TestProbabilities:
    @given(FORECASTS)
    def test_brier_is_sklearns(self, forecasts: list[tuple[float, bool]]) -> None:
        mean = sum(measure.brier(*forecast) for forecast in forecasts) / len(forecasts)
        probabilities, happened = zip(*forecasts, strict=True)
        assert mean == pytest.approx(metrics.brier_score_loss(happened, probabilities, labels=[False, True]))

    @given(st.lists(st.tuples(st.integers(0, 999).map(lambda i: (i + 0.5) / 1000), st.booleans()), min_size=1))
    def test_calibration_error_is_that_of_its_definition(self, forecasts: list[tuple[float, bool]]) -> None:
        error = 0.0
        for low in range(10):
            inside = [f for f in forecasts if low / 10 < f[0] < (low + 1) / 10]
            error += abs(sum(p for p, _ in inside) - sum(h for _, h in inside)) / len(forecasts)
        bars = measure.reliability(forecasts)
        assert sum(bar.count for bar in bars) == len(forecasts)
        assert measure.calibration_error(bars) == pytest.approx(error)

    def test_bins(self) -> None:
        bars = measure.reliability([(0.0, False), (0.05, True), (0.95, True), (1.0, True)])
        assert [(bar.low, bar.high, bar.count, bar.observed) for bar in bars] == [(0, 0.1, 2, 0.5), (0.9, 1, 2, 1)]
        assert [bar.forecast for bar in bars] == pytest.approx([0.025, 0.975])
        assert measure.calibration_error(bars) == pytest.approx((2 * 0.475 + 2 * 0.025) / 4)

    def test_nothing_was_forecast(self) -> None:
        assert measure.calibration_error([]) is None


def tallies(*rights: float) -> list[measure.Tally]:
    return [(right, 1) for right in rights]


class TestShares:
    def test_a_share_of_one_part(self) -> None:
        assert measure.share([[(1, 2), (0, 0), (3, 4)]]) == pytest.approx(4 / 6)
        assert measure.share([[(0, 0)]]) is None
        assert measure.share([]) is None

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
    def test_balanced_accuracy_is_sklearns(self, pairs: list[tuple[bool, bool]]) -> None:
        kept = [(float(said), 1.0) if true else (0.0, 0.0) for true, said in pairs]
        caught = [(float(not said), 1.0) if not true else (0.0, 0.0) for true, said in pairs]
        found = measure.share([kept, caught])
        if {true for true, _ in pairs} == {True, False}:
            assert found == pytest.approx(metrics.balanced_accuracy_score(*zip(*pairs, strict=True)))
        else:
            assert found is None

    def test_the_interval_of_a_mean_is_scipys_bootstrap(self) -> None:
        values = np.random.default_rng(1).random(60)
        found = measure.interval([tallies(*values)])
        wanted = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(2))
        assert found == pytest.approx(tuple(wanted.confidence_interval), abs=0.01)

    def test_the_interval_of_a_ratio_moves_with_both_of_its_sums(self) -> None:
        low, high = measure.interval([[(1, 1)] * 10 + [(0, 9)] * 10]) or (0, 0)
        assert low < 0.1 < high
        assert measure.interval([[(1, 10)] * 20]) == pytest.approx((0.1, 0.1))

    @pytest.mark.parametrize(("right", "records"), [(6, 6), (0, 10), (1, 1)])
    def test_where_all_or_nothing_is_right_the_interval_is_wilsons(self, right: int, records: int) -> None:
        found = measure.interval([tallies(*[float(right > 0)] * records) + [(0, 0)] * 5])
        wanted = stats.binomtest(right, records).proportion_ci(method="wilson")
        assert found == pytest.approx((wanted.low, wanted.high), abs=1e-6)

    def test_the_interval_is_the_same_every_time_and_moves_with_the_seed(self) -> None:
        parts = [tallies(*np.random.default_rng(1).random(30))]
        assert measure.interval(parts) == measure.interval(parts) != measure.interval(parts, seed=1)

    def test_a_difference_is_drawn_in_pairs(self) -> None:
        before = [tallies(*np.random.default_rng(1).integers(0, 2, 50).astype(float))]
        after = [[(right + 0.25, tried) for right, tried in before[0]]]
        assert measure.difference(before, after) == pytest.approx((0.25, 0.25))
        assert measure.difference(before, [[(0, 0)] * 50]) is None

    def test_mcnemar(self) -> None:
        assert [measure.mcnemar(*flips) for flips in ((0, 0), (0, 5), (2, 1))] == [1.0, 0.0625, 1.0]

    def test_percentile(self) -> None:
        assert measure.percentile([4, 1, 3, 2], 50) == 2.5
        assert measure.percentile([], 50) is None
