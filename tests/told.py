"""Invented articles with their answer words in brackets, instead of a reader that finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from citewire.index.dates import mentions
from citewire.index.passages import sentences
from citewire.index.types import Article, Span
from citewire.qa.evidence import Evidence
from citewire.qa.reader import Reading, Support, Window


@dataclass(frozen=True, slots=True)
class Told:
    """Path -> article, and the evidence in the order of the articles."""

    articles: dict[str, Article]
    evidence: list[Evidence]

    def article(self, path: str) -> Article:
        return self.articles[path]


def told(*articles: tuple[str, str] | str, probability: float = 0.9, groups: Sequence[str] = ()) -> Told:
    """Make articles of (text, day of publication); a sentence with [words] in brackets answers with these words."""
    out = Told({}, [])
    for number, one in enumerate(articles):
        marked, day = (one, "") if isinstance(one, str) else one
        text = marked.replace("[", "").replace("]", "")
        group = groups[number] if groups else ""
        home = Article(f"{number}.txt", text, str(number), published=day, dates=mentions(text, day), group=group)
        out.articles[home.path] = home
        for span in sentences(text):
            out.evidence.extend(_evidence(home, span, marked, probability))
    return out


def _evidence(article: Article, span: Span, marked: str, probability: float) -> list[Evidence]:
    places, plain = [], 0
    for char in marked:
        if char in "[]":
            places.append(plain)
        plain += char not in "[]"
    answers = [Span(*two) for two in zip(places[::2], places[1::2], strict=True)]
    inside = [one for one in answers if span.start <= one.start and one.end <= span.end]
    text = article.text[span.start : span.end]
    return [Evidence(article.path, span, text, 0.7, probability, inside[0], 0.9)] if inside else []


class Judging:
    """A reader whose verifier supports only claims that equal the quote."""

    def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
        raise AssertionError("what has been read is not read again")

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [Support(1.0, 0.0, 0.0) if claim == quote else Support(0.0, 0.5, 0.5) for claim, quote in pairs]
