"""Metrics, each by its published definition.

Knows texts, counts and probabilities, not answers, claims or articles, and reads no file.

Nearly every metric is a share, right / tried summed over the records, or the mean of a few shares. `Tally` is one
record's part of a share, so that one bootstrap over records serves all metrics.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewire.qa.facts import tokens

RESAMPLES = 2_000  # of a bootstrap; enough for the limits to vary by less than 0.01
CONFIDENCE = 0.95
BINS = 10  # of a reliability diagram, as in Guo et al. (2017)

Tally = tuple[float, float]  # (right, tried) of one record; tried is 0 if the measure does not apply to it
Counts = NDArray[np.float64]


# -- words ---------------------------------------------------------------------------------------------------------


def exact_match(said: str, accepted: Sequence[str]) -> float:
    """Return 1.0 if `said` has exactly the words of an accepted answer (SQuAD exact match), else 0.0."""
    mine = tokens(said)
    return float(any(mine == tokens(answer) for answer in accepted))


def token_f1(said: str, accepted: Sequence[str]) -> float:
    """Return the best word F1 of `said` against an accepted answer (SQuAD), 0 to 1."""
    return max((_f1(tokens(said), tokens(answer)) for answer in accepted), default=0.0)


def _f1(mine: list[str], wanted: list[str]) -> float:
    if not mine or not wanted:
        return float(mine == wanted)
    common = (Counter(mine) & Counter(wanted)).total()
    return 2 * common / (len(mine) + len(wanted))


def token_recall(said: str, accepted: Sequence[str]) -> float:
    """Return the best share of an accepted answer's words that `said` has, 0 to 1.

    The metric that agrees best with people for answers of whole sentences (Adlakha et al., TACL 2024).
    """
    mine = Counter(tokens(said))
    wanted = [Counter(tokens(answer)) for answer in accepted]
    return max(((mine & one).total() / one.total() for one in wanted if one), default=0.0)


def contains(said: str, answer: str) -> bool:
    """Return whether the words of `answer` are in `said` in sequence (as in DrQA, Chen et al. 2017).

    >>> contains("It was won by the Squid Games team.", "squid games")
    True
    """
    mine, wanted = tokens(said), tokens(answer)
    size = len(wanted)
    return bool(wanted) and any(mine[i : i + size] == wanted for i in range(len(mine) - size + 1))


# -- rankings ------------------------------------------------------------------------------------------------------


def hit(place: int, k: int) -> float:
    """Return 1.0 if the first relevant rank `place`, from 1 or 0 for none, is at most `k` (hits@k), else 0.0."""
    return float(0 < place <= k)


def reciprocal_rank(place: int, k: int) -> float:
    """Return 1 / rank, 0.0 beyond rank `k`; its mean over questions is MRR@k (Voorhees, TREC-8)."""
    return 1 / place if 0 < place <= k else 0.0


# -- probabilities -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a reliability diagram: forecasts from `low` to `high`, their mean, and the observed frequency."""

    low: float
    high: float
    count: int
    forecast: float
    observed: float


def brier(probability: float, happened: bool) -> float:
    """Return the squared error of one forecast (Brier 1950), 0 to 1; lower is better."""
    return (probability - happened) ** 2


def reliability(forecasts: Sequence[tuple[float, bool]]) -> list[Bin]:
    """Return the non-empty bins of the reliability diagram, of `BINS` equal bins from 0 to 1."""
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


# -- shares and their confidence intervals -------------------------------------------------------------------------


def share(parts: Sequence[Sequence[Tally]]) -> float | None:
    """Return the mean of the shares of `parts`, None if nothing was tried in one of them.

    One part gives a plain share, such as precision or recall; two, the positive and the negative records, give balanced
    accuracy (Brodersen et al. 2010).

    Args:
        parts: one row of tallies per part, records in the same order.
    """
    sums = [(sum(right for right, _ in part), sum(tried for _, tried in part)) for part in parts]
    if not sums or any(tried == 0 for _, tried in sums):
        return None
    return sum(right / tried for right, tried in sums) / len(sums)


def interval(parts: Sequence[Sequence[Tally]], seed: int = 0) -> tuple[float, float] | None:
    """Return the 95% confidence interval of `share`, None if that is None.

    Percentile bootstrap over records (Efron 1979). If everything or nothing is right, that interval would have no width
    even for few records; for one part Wilson's interval (1927) is returned then.
    """
    value = share(parts)
    if value is None:
        return None
    if len(parts) == 1 and value in (0.0, 1.0):
        records = sum(tried > 0 for _, tried in parts[0])
        limits = _binomial(int(value) * records, records).proportion_ci(CONFIDENCE, "wilson")
        return float(limits.low), float(limits.high)
    return _limits(_resampled(_counts(parts), seed))


def difference(
    before: Sequence[Sequence[Tally]], after: Sequence[Sequence[Tally]], seed: int = 0
) -> tuple[float, float] | None:
    """Return the 95% confidence interval of `share(after) - share(before)` by a paired bootstrap.

    Args:
        before: as for `share`.
        after: as for `share`, of the same records.
        seed: of the draws.
    """
    if share(before) is None or share(after) is None:
        return None
    return _limits(_resampled(_counts(after), seed) - _resampled(_counts(before), seed))


def _counts(parts: Sequence[Sequence[Tally]]) -> Counts:
    """Return tallies as an array of shape (parts, records, 2)."""
    return np.array(parts, np.float64)


def _resampled(counts: Counts, seed: int) -> Counts:
    """Return the mean of shares in each draw, shape (RESAMPLES,); NaN if nothing was tried in a draw."""
    sums = np.tensordot(_drawn(counts.shape[1], seed), counts, axes=(1, 1))  # draws, parts, (right, tried)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Counts = (sums[..., 0] / sums[..., 1]).mean(axis=1)
    return shares


@lru_cache(maxsize=4)
def _drawn(records: int, seed: int) -> Counts:
    """Return how often each record is in each draw, shape (RESAMPLES, records); deterministic for a seed.

    All measures of a run share these draws. `scipy.stats.bootstrap` draws for each measure anew (3,000 records: 0.3 s,
    here 0.005 s after the first) and gives NaN where one draw has tried nothing.
    """
    draws = np.random.default_rng(seed).multinomial(records, np.full(records, 1 / records), size=RESAMPLES)
    return draws.astype(np.float64)


def _limits(values: Counts) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [outside, 1 - outside]) if known.size else (math.nan, math.nan)
    return float(low), float(high)


def mcnemar(lost: int, won: int) -> float:
    """Return the exact two-sided p-value of `lost` and `won` flipped records (McNemar 1947).

    >>> mcnemar(0, 5)
    0.0625
    """
    return float(_binomial(lost, lost + won).pvalue) if lost + won else 1.0


def _binomial(count: int, of: int) -> Any:
    from scipy.stats import binomtest  # takes half a second, which each start of the page would wait for

    return binomtest(count, of)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the percentile with linear interpolation; None for no values."""
    return float(np.percentile(values, percent)) if values else None
