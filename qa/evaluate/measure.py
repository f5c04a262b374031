"""The figures that answers are measured by, each after its published definition.

Knows texts, counts and probabilities; does not know what an answer, a claim or an article is, and reads no file.

Nearly every figure is a share, or the mean of a few shares: a sum of what was right over a sum of what was tried, both
collected record by record. `Tally` is one record's part of such a share, so that one bootstrap over records serves all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from citewire.qa.facts import tokens

RESAMPLES = 2_000  # of a bootstrap; the limits of an interval then move by less than a hundredth
CONFIDENCE = 0.95
BINS = 10  # of a reliability diagram, as in Guo et al. (2017)

Tally = tuple[float, float]  # (right, tried) of one record; tried 0 where the record says nothing on the measure
Counts = NDArray[np.float64]


# -- words ----------------------------------------------------------------------------------------------------


def exact_match(said: str, accepted: Sequence[str]) -> float:
    """Return 1.0 where `said` has the very words of one accepted answer (SQuAD), else 0.0."""
    mine = tokens(said)
    return float(any(mine == tokens(answer) for answer in accepted))


def token_f1(said: str, accepted: Sequence[str]) -> float:
    """Return the best F1 of the words of `said` against an accepted answer's (SQuAD), 0 to 1."""
    return max((_f1(tokens(said), tokens(answer)) for answer in accepted), default=0.0)


def _f1(mine: list[str], wanted: list[str]) -> float:
    if not mine or not wanted:
        return float(mine == wanted)
    common = (Counter(mine) & Counter(wanted)).total()
    return 2 * common / (len(mine) + len(wanted))


def token_recall(said: str, accepted: Sequence[str]) -> float:
    """Return the best share of an accepted answer's words that `said` has, 0 to 1.

    The figure that agrees best with people where answers are whole sentences (Adlakha et al., TACL 2024).
    """
    mine = Counter(tokens(said))
    wanted = [Counter(tokens(answer)) for answer in accepted]
    return max(((mine & one).total() / one.total() for one in wanted if one), default=0.0)


def contains(said: str, answer: str) -> bool:
    """Whether the words of `answer` stand in `said` side by side (as in DrQA, Chen et al. 2017).

    >>> contains("It was won by the Squid Games team.", "squid games")
    True
    """
    mine, wanted = tokens(said), tokens(answer)
    size = len(wanted)
    return bool(wanted) and any(mine[i : i + size] == wanted for i in range(len(mine) - size + 1))


# -- rankings -------------------------------------------------------------------------------------------------


def hit(place: int, k: int) -> float:
    """Return 1.0 where the first thing wanted is among the first `k` (hits@k, success@k), else 0.0.

    Args:
        place: from 1; 0 where nothing wanted was found.
        k: how far down is looked.
    """
    return float(0 < place <= k)


def reciprocal_rank(place: int, k: int) -> float:
    """Return 1/place, 0.0 beyond the first `k`; its mean over questions is MRR@k (Voorhees, TREC-8)."""
    return 1 / place if 0 < place <= k else 0.0


# -- probabilities --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a reliability diagram: forecasts from `low` to `high`, their mean, and how often they came true."""

    low: float
    high: float
    count: int
    forecast: float
    observed: float


def brier(probability: float, happened: bool) -> float:
    """Return the squared error of one forecast (Brier 1950), 0 to 1; lower is better."""
    return (probability - happened) ** 2


def reliability(forecasts: Sequence[tuple[float, bool]]) -> list[Bin]:
    """Return the filled bars of the reliability diagram: `BINS` of equal width over 0 to 1."""
    filled: dict[int, list[tuple[float, bool]]] = {}
    for forecast in forecasts:
        filled.setdefault(min(int(forecast[0] * BINS), BINS - 1), []).append(forecast)
    return [
        Bin(
            number / BINS,
            (number + 1) / BINS,
            len(inside),
            sum(p for p, _ in inside) / len(inside),
            sum(happened for _, happened in inside) / len(inside),
        )
        for number, inside in sorted(filled.items())
    ]


def calibration_error(bars: Sequence[Bin]) -> float | None:
    """Return the expected calibration error (Naeini et al. 2015; Guo et al. 2017), 0 to 1; lower is better."""
    total = sum(bar.count for bar in bars)
    return sum(bar.count * abs(bar.forecast - bar.observed) for bar in bars) / total if total else None


# -- shares and how sure they are -----------------------------------------------------------------------------


def share(parts: Sequence[Sequence[Tally]]) -> float | None:
    """Return the mean of the shares of `parts`, None where one of them has nothing that was tried.

    One part is a plain share, as a precision or a recall; balanced accuracy (Brodersen et al. 2010) is that of two:
    of the positive records and of the negative ones.

    Args:
        parts: one row of tallies a part, records in the same order.
    """
    sums = [(sum(right for right, _ in part), sum(tried for _, tried in part)) for part in parts]
    if not sums or any(tried == 0 for _, tried in sums):
        return None
    return sum(right / tried for right, tried in sums) / len(sums)


def interval(parts: Sequence[Sequence[Tally]], seed: int = 0) -> tuple[float, float] | None:
    """Return the 95% interval of `share`, None as there.

    The percentile bootstrap over records (Efron 1979). It has no width where everything or nothing is right, however
    few records there are; of one part the limits are then Wilson's (1927).
    """
    value = share(parts)
    if value is None:
        return None
    if len(parts) == 1 and value in (0.0, 1.0):
        records = sum(tried > 0 for _, tried in parts[0])
        limits = binomtest(int(value) * records, records).proportion_ci(CONFIDENCE, "wilson")
        return float(limits.low), float(limits.high)
    return _limits(_resampled(_counts(parts), seed))


def difference(
    before: Sequence[Sequence[Tally]], after: Sequence[Sequence[Tally]], seed: int = 0
) -> tuple[float, float] | None:
    """Return the 95% interval of `share(after) - share(before)`, the same records drawn for both (paired bootstrap)."""
    if share(before) is None or share(after) is None:
        return None
    return _limits(_resampled(_counts(after), seed) - _resampled(_counts(before), seed))


def _counts(parts: Sequence[Sequence[Tally]]) -> Counts:
    """Return tallies as an array (parts, records, 2)."""
    return np.array(parts, np.float64)


def _resampled(counts: Counts, seed: int) -> Counts:
    """Return the mean of shares in each of `RESAMPLES` draws; a share of nothing in a draw is NaN."""
    sums = np.tensordot(_drawn(counts.shape[1], seed), counts, axes=(1, 1))  # draws, parts, (right, tried)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Counts = (sums[..., 0] / sums[..., 1]).mean(axis=1)
    return shares


@lru_cache(maxsize=4)
def _drawn(records: int, seed: int) -> Counts:
    """Return how often each record is in each draw, which is all that sums need; equal seeds draw alike."""
    draws = np.random.default_rng(seed).multinomial(records, np.full(records, 1 / records), size=RESAMPLES)
    return draws.astype(np.float64)


def _limits(values: Counts) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [outside, 1 - outside]) if known.size else (math.nan, math.nan)
    return float(low), float(high)


def mcnemar(lost: int, won: int) -> float:
    """Return the exact two-sided p of `lost` and `won` flipped records (McNemar 1947) if both ways are as likely.

    >>> mcnemar(0, 5)
    0.0625
    """
    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the percentile, interpolated between neighbours; None of no values."""
    return float(np.percentile(values, percent)) if values else None
