"""A question -> its search terms, and the time that it asks about.

Knows English function words and words for recency; dates.py reads the dates. Does not know the index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from citewire.index.dates import mentions

MAX_TERMS = 64  # most terms of a question that BM25 searches, as each one takes time
NEAR_DAYS = 31  # a shorter and more recent period ("this week", "on Tuesday") asks for the newest articles

# English function words and question words, which are in nearly every passage.
_FUNCTION_WORDS = """
    a about after all also an and any are as at be because been before being but by can could did do does
    doing don doesn didn for from give had has have he her here him his how i if in into is isn it its
    just list many me more most much my name no not of on or our out over please she should so some such
    tell than that the their them then there these they this those to under up us was wasn we were weren
    what when where which while who whom whose why will with would you your
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())

_ELISION = re.compile(r"['’](?:s|t|d|m|ll|re|ve)$")
_TOKEN = re.compile(r"[^\W_]+")
_NEWS = re.compile(
    r"\b(?:latest|newest|(?:most )?recent(?:ly)?|current(?:ly)?|nowadays|these days|right now|at the moment|so far"
    r"|now|breaking)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Times:
    """The time that a question asks about.

    Attributes:
        newest: whether newer articles are preferred: "the latest", "recently", "this week", "on Tuesday".
        periods: first and last day (ISO 8601) of each other period that it names: "in 2021", "June 2022".
        names: the words for these periods, in lower case, to find passages with the same words.
    """

    newest: bool = False
    periods: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()


def times(question: str, as_of: str = "") -> Times:
    """Return the time that `question`, asked on the ISO 8601 day `as_of`, asks about.

    With `as_of` "", relative expressions ("last month") are ignored; "the latest" still asks for the newest articles.

    >>> times("Who resigned in June 2021?", "2022-11-10").periods
    (('2021-06-01', '2021-06-30'),)
    >>> times("Who resigned this week?", "2022-11-10").newest
    True
    """
    found = mentions(question, as_of)
    far = [mention for mention in found if not _is_news(mention.first, mention.last, as_of)]
    return Times(
        newest=bool(_NEWS.search(question)) or len(far) < len(found),
        periods=tuple((mention.first, mention.last) for mention in far),
        names=tuple(" ".join(_TOKEN.findall(question[mention.start : mention.end].lower())) for mention in far),
    )


def _is_news(first: str, last: str, as_of: str) -> bool:
    if not as_of:
        return False
    day, begin, end = date.fromisoformat(as_of), date.fromisoformat(first), date.fromisoformat(last)
    return (end - begin).days < NEAR_DAYS and (day - begin).days < NEAR_DAYS


def terms(question: str) -> list[str]:
    """Return the words and phrases of a question that BM25 searches, in its order, at most `MAX_TERMS`.

    A word of several tokens becomes a phrase; those of its tokens with over two characters are searched, too.

    >>> terms("What were Nokia's Q4 sales, year-to-date?")
    ['nokia', 'q4', 'sales', 'year to date', 'year', 'date']
    """
    found: dict[str, None] = {}
    for word in question.lower().split():
        tokens = _TOKEN.findall(_ELISION.sub("", word.strip("\"'“”‘’.,;:!?()[]")))
        if len(tokens) > 1:
            found[" ".join(tokens)] = None
            tokens = [token for token in tokens if len(token) > 2]
        found.update(dict.fromkeys(token for token in tokens if token not in STOP_WORDS))
    return list(found)[:MAX_TERMS]
