"""Hits -> the sentences that answer a question, best first, each with its answer span.

The reader reads every sentence of the hits in its context. No language model is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from citewire.index.passages import sentences, title_words
from citewire.index.types import Article, Hit, Span
from citewire.qa import facts
from citewire.qa.reader import Reader, Reading, Window

ANSWERS = 0.3  # least probability of a sentence that answers a question
REASON = 0.12  # the same for "why" questions: articles seldom say "because"
_VOTING = 16  # the top sentences whose odds add up if they answer with the same words
_HEADING = 20  # most words of a heading
# A label and, joined to it, the title of another article, to which the line was a link: "More:Mill Closes For Good".
_LINK = re.compile(r"[^.:!?\n]{1,60}:[^\W\d]\S*(?: \S+){3,}")
_MOST = 48  # most sentences that are read, those of the best passages first

ArticleOf = Callable[[str], Article]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that may answer the question.

    Attributes:
        article: path of the article.
        span: the sentence, as offsets into the article's text.
        text: the sentence, character-exact.
        score: of the best passage that contains it, as in `citewire.index.types.Hit`.
        probability: that it answers the question, 0 to 1, calibrated.
        answer: the answer span, as offsets into the article's text.
        sure: probability of this span among all spans of the sentence, 0 to 1.
    """

    article: str
    span: Span
    text: str
    score: float
    probability: float
    answer: Span
    sure: float

    @property
    def words(self) -> str:
        """The text of the answer span."""
        return self.text[self.answer.start - self.span.start : self.answer.end - self.span.start]


def gather(
    question: str, hits: Sequence[Hit], article: ArticleOf, reader: Reader, timeless: str = ""
) -> list[Evidence]:
    """Return the sentences of the hits, the likeliest to answer first; ties in the order of the hits.

    Sentences that end in a question mark are left out: a headline that asks the same answers nothing. A heading is
    replaced by the sentence of its article with the same answer words, if there is one. The odds of top sentences with
    the same answer words add up, unless these only repeat the question.

    Args:
        question: standalone.
        hits: the passages found, best first.
        article: looks up an article by path.
        reader: reads the sentences.
        timeless: the question without its time, "" if it has none. Sentences that state no day and no year are read
            with it: the reader does not know an article's date, so code checks the time.
    """
    places: dict[tuple[str, Span], Hit] = {}
    for hit in hits:
        for span in hit.passage.sentences:
            if not article(hit.passage.article).text[span.start : span.end].rstrip("\"'”’)] ").endswith("?"):
                places.setdefault((hit.passage.article, span), hit)
    chosen = list(places.items())[:_MOST]
    best = max((hit.score for hit in hits), default=0.0)
    windows = [window(article(path), span, hit.cosine, best - hit.score) for (path, span), hit in chosen]
    dated = (not timeless or _is_dated(article(path), span) for (path, span), _ in chosen)
    readings = _read(reader, [question if one else timeless for one in dated], windows)
    found = [
        _evidence(article(path), span, hit.score, reading)
        for ((path, span), hit), reading in zip(chosen, readings, strict=True)
    ]
    return _in_full(_agreed(question, sorted(found, key=lambda one: -one.probability)), article)


def beside(best: Evidence, evidence: Sequence[Evidence], article: ArticleOf) -> Evidence | None:
    """Return the likeliest of the sentence before `best` and the two after it; None if all are below REASON.

    A sentence says what happened; its neighbour often says why or how.
    """
    spans = _sentences(article(best.article).text)
    at = next((place for place, span in enumerate(spans) if span == best.span), None)
    if at is None:
        return None
    around = {*spans[max(at - 1, 0) : at], *spans[at + 1 : at + 3]}
    likely = [one for one in evidence if one.article == best.article and one.span in around]
    found = max(likely, key=lambda one: one.probability, default=None)
    return found if found is not None and found.probability >= REASON else None


def odds(probability: float) -> float:
    """Return p / (1 - p), with p limited to [1e-6, 1 - 1e-6]."""
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return kept / (1 - kept)


def _agreed(question: str, found: Sequence[Evidence]) -> list[Evidence]:
    """Sort groups of sentences with the same answer words by their summed odds; keep the order within a group."""
    words = [_words_of(question, one) for one in found[:_VOTING]]
    groups: list[int] = []  # for each sentence the position of its group's first sentence
    for at, own in enumerate(words):
        groups.append(next((group for group in dict.fromkeys(groups) if _same_words(own, words[group])), at))
    totals = dict.fromkeys(groups, 0.0)
    for group, one in zip(groups, found, strict=False):
        totals[group] += odds(one.probability)
    order = sorted(range(len(groups)), key=lambda at: -totals[groups[at]])
    return [*(found[at] for at in order), *found[_VOTING:]]


def _in_full(found: Sequence[Evidence], article: ArticleOf) -> list[Evidence]:
    """Replace each heading by the sentence that states it in full; keep the higher probability."""
    told: dict[tuple[str, Span], Evidence] = {}
    full = [one for one in found if not is_heading(article(one.article).text, one.span)]
    for one in found:
        same = (o for o in full if o.article == one.article and _same_words(_spaced(o.words), _spaced(one.words)))
        there = one if one in full else next(same, None)
        if there is not None:
            likelier = replace(there, probability=max(there.probability, one.probability))
            told.setdefault((there.article, there.span), likelier)
    return list(told.values())


def _words_of(question: str, one: Evidence) -> str:
    """The answer words, with a blank at both ends; "" if they only repeat words of the question."""
    return _spaced(one.words) if set(facts.terms(one.words)) - set(facts.terms(question)) else ""


def _spaced(text: str) -> str:
    said = facts.words(text)
    return f" {' '.join(said)} " if said else ""


def _same_words(one: str, other: str) -> bool:
    """Whether one of two non-empty texts, each with a blank at both ends, contains the other."""
    return bool(one and other) and (one in other or other in one)


def window(article: Article, span: Span, likeness: float | None = None, behind: float = 0.0) -> Window:
    """Return a sentence with its context, as in training: the title and the sentences before and after it.

    `likeness` and `behind` as in `Window`.
    """
    after = next((one for one in _sentences(article.text) if one.start >= span.end), None)
    title = title_words(article)
    parts = [f"{title}." if title else "", sentence_before(article, span)]
    following = article.text[after.start : after.end] if after else ""
    return Window(
        article.text[span.start : span.end], " ".join(part for part in parts if part), following, likeness, behind
    )


def is_heading(text: str, span: Span) -> bool:
    """Return whether a sentence is a heading: a short line without an end mark, above a line that has one.

    So is the title of another article that was a link, whatever is below it.
    """
    said = text[span.start : span.end]
    starts = not text[: span.start].strip(" \t") or text[: span.start].rstrip(" \t").endswith("\n")
    rest, _, below = text[span.end :].partition("\n")
    own = starts and not rest.strip() and not is_closed(said) and len(said.split()) <= _HEADING
    return own and (is_link(said) or is_closed(below.lstrip().partition("\n")[0]))


def is_link(line: str) -> bool:
    """Return whether a line is the title of another article behind a label, to which it was a link."""
    return bool(_LINK.fullmatch(line.strip()))


def is_closed(text: str) -> bool:
    """Return whether a line ends as a sentence does, or with a colon; quotation marks and brackets may follow."""
    return text.rstrip("\"'”’)] \t").endswith((".", "!", "?", ":"))


def sentence_before(article: Article, span: Span) -> str:
    """Return the sentence before a span, "" before the first."""
    before = next((one for one in reversed(_sentences(article.text)) if one.end <= span.start), None)
    return article.text[before.start : before.end] if before else ""


@lru_cache(maxsize=256)
def _sentences(text: str) -> tuple[Span, ...]:
    return tuple(sentences(text))


def _read(reader: Reader, questions: Sequence[str], windows: Sequence[Window]) -> list[Reading]:
    """Read each window with its own question; windows of the same question form one batch."""
    readings: dict[int, Reading] = {}
    for question in dict.fromkeys(questions):
        places = [at for at, one in enumerate(questions) if one == question]
        readings |= zip(places, reader.read(question, [windows[at] for at in places]), strict=True)
    return [readings[at] for at in range(len(windows))]


def _is_dated(article: Article, span: Span) -> bool:
    """Whether a sentence states a day or a year in digits; "on Saturday" needs its article's date."""
    stated = (article.text[one.start : one.end] for one in article.dates_in(span))
    return any(map(str.isdigit, "".join(stated))) or bool(facts.years(article.text[span.start : span.end]))


def _evidence(article: Article, span: Span, score: float, reading: Reading) -> Evidence:
    answer = Span(span.start + reading.start, span.start + reading.end)
    return Evidence(
        article.path, span, article.text[span.start : span.end], score, reading.probability, answer, reading.sure
    )
