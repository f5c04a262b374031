"""The options of a search and their validation: how many passages, from which articles, and how much recency counts.

Does not know the index.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from citewire.index.dates import is_day
from citewire.index.errors import InputError
from citewire.index.types import Filters

HALF_LIFE_DAYS = 14.0

Recency = Literal["auto", "off", "prefer", "only"]


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a passage's score: score = sum of weight x feature. Measured in docs/retrieval.md.

    Each range is that of the feature; higher features are better.

    Attributes:
        lexical: 0 to 1: the passage's BM25 divided by the highest of this search; 0 outside of the `search.LEXICAL`
            best passages.
        focus: 0 to 1: the mean BM25 of the passages of its article (0 for passages outside of the `search.LEXICAL`
            best), divided by the highest among the candidates. It ranks an article about the question above one that
            only mentions it.
        meaning: -1 to 1: the cosine similarity of question and passage.
        freshness: 0 to 1, only if newer articles are preferred: 1 for the last days, then halved per half-life.
            It is bounded, so that an old article about the question stays above a new one about something else.
        period: 1 if the article was published in a period that the question names, or the passage names it; else 0.
        reranker: 0 to 1: the reranker's score.

    Raises:
        InputError: a weight is below 0.
    """

    lexical: float = 1.0
    focus: float = 1.0
    meaning: float = 1.0
    freshness: float = 2.0
    period: float = 1.0
    reranker: float = 3.0

    def __post_init__(self) -> None:
        """Raises: InputError."""
        for part, weight in asdict(self).items():
            if not 0 <= weight < float("inf"):
                raise InputError(f"the weight {weight} of {part}", "Use 0 or more")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What a search returns, and what it prefers.

    Attributes:
        k: most passages returned.
        filters: which articles are searched.
        per_article: most passages of one article; None for no limit.
        per_group: most passages of one group of near-duplicate articles; None for no limit.
        copies: most articles of one group of near-duplicates among the hits, those with the best passages; None for no
            limit. With 1, a story counts as one source however often it was reprinted.
        recency: "off": dates do not count. "prefer": newer articles score higher. "auto": the same, but only if the
            question asks for it ("the latest", "this week"). "only": the same as "prefer", and articles older than
            `half_life` are left out. All but "off" also prefer a period that the question names ("in 2021").
        half_life: days in which an article's freshness halves, once it is older than `search.FRESH_DAYS`.
        as_of: ISO 8601 day on which the question is asked; articles published later are left out. "newest" for the day
            of the newest article. With "" nothing is left out, "this week" has no meaning, and age counts from the
            newest article.
        weights: the weights of the score.
    """

    k: int = 10
    filters: Filters = field(default_factory=Filters)
    per_article: int | None = None
    per_group: int | None = None
    copies: int | None = None
    recency: Recency = "auto"
    half_life: float = HALF_LIFE_DAYS
    as_of: str = ""
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        """Raises: InputError."""
        if self.k < 1:
            raise InputError(f"cannot return {self.k} passages", "Ask for at least 1")
        for most, what in (
            (self.per_article, "passages of one article"),
            (self.per_group, "passages of one group"),
            (self.copies, "articles of one group"),
        ):
            if most is not None and most < 1:
                raise InputError(f"cannot return {most} {what}", "Allow at least 1, or None for any number")
        _check_days(self.filters)
        if self.recency not in get_args(Recency):
            raise InputError(f"there is no recency {self.recency!r}", f"Use one of {', '.join(get_args(Recency))}")
        if not 0 < self.half_life < float("inf"):
            raise InputError(f"a half-life of {self.half_life} days", "Use a number of days above 0")
        if self.as_of not in ("", "newest") and not is_day(self.as_of):
            raise InputError(f"{self.as_of!r} is no day", "Write it as YYYY-MM-DD, or 'newest'")


def _check_days(filters: Filters) -> None:
    """Raises: InputError."""
    first, last = filters.published_from, filters.published_to
    for day in (first, last):
        if day and not is_day(day):
            raise InputError(f"{day!r} is no day", "Write it as YYYY-MM-DD")
    if first and last and first > last:
        raise InputError(f"nothing is published from {first} to {last}", "Give the earlier day first")
