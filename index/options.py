"""What a search returns and prefers: how many passages, from which articles, how much newness counts.

Knows which values make sense. Does not know the index.
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
    """What each part of a score counts; all parts are better when higher. Measured in docs/retrieval.md.

    Attributes:
        lexical: 0 to 1: the passage's BM25, 0 outside of the `search.LEXICAL` best, as a share of the best one of
            this search.
        focus: 0 to 1: the mean BM25 of all passages of its article, 0 for those that are not among the
            `search.LEXICAL` best, as a share of the best article's: an article about the question before one that
            touches on it.
        meaning: -1 to 1: the cosine of question and passage.
        freshness: 0 to 1, where newer articles are preferred: 1 for the last days, then halved with every half-life.
            Bounded, so that an old article about the question stays before a new one about something else.
        period: 0 or 1: the article was published in a time that the question names, or the passage names it too.
        reranker: 0 to 1: what the reranker says.

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
        filters: what an article must have; others are left out before the search.
        per_article: most passages of one article; None for any number.
        per_group: most passages of one group of near-duplicate articles; None for any number.
        copies: most articles of one group of near-duplicates that passages are taken from, those with the best
            passages; None for any number. With 1 a story counts as one source however often it was reprinted.
        recency: "off": age counts for nothing. "prefer": newer articles score higher. "auto": as "prefer" where the
            question asks for it ("the latest", "this week"), else as "off"; a time that it names ("in 2021") is
            preferred. "only": nothing older than `half_life`, and newer ones score higher.
        half_life: days over which an article's freshness halves, counted from `search.FRESH_DAYS` before `as_of`.
        as_of: the ISO day on which the question is asked; articles published after it are left out. "newest" for
            the day of the newest article. Without a day nothing is left out, "this week" means nothing, and age is
            counted from the newest article.
        weights: what each part of the score counts.
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
