"""The model's words -> checked claims: split, align to exact quotes, judge.

Knows where a claim's quotes are in their articles; `verdicts` decides whether they support it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sentencex

from citewire.index.passages import sentences, title_words
from citewire.index.types import Article, Span
from citewire.qa import facts
from citewire.qa.evidence import ArticleOf, Evidence, sentence_before
from citewire.qa.types import CITATION, Verdict
from citewire.qa.verdicts import Checker, Quoted

# [1], [1, 2], [[1]], 【1】, [1][2] and, at the end of a text, an incomplete marker.
_MARKER = re.compile(rf"\s*{CITATION.pattern}")
_HALF_MARKER = re.compile(r"\s*(?:\[+|【)[\d\s,;–-]*$")


@dataclass(frozen=True, slots=True)
class Place:
    """An exact quote before it has a number."""

    article: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim's verdict, its probability of support, the reason and the quotes; see `verdicts.Judged`."""

    verdict: Verdict
    probability: float
    reason: str
    places: tuple[Place, ...]


def arriving(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield (text, whole) as `pieces` arrive: the sentence so far, with whole=True once it has ended.

    A sentence has ended when the first word after it is complete and no quotation is open, however the pieces are cut.
    """
    text = ""
    for piece in pieces:
        for character in piece:
            text += character
            if not character.isspace():
                continue
            first, *rest = _split(text)
            if rest and not _quoting(first):
                text = "".join(rest)
                yield first, True
        yield text, False
    yield from ((sentence, True) for sentence in _split(text) if sentence.strip())


def _quoting(text: str) -> bool:
    return text.count("“") > text.count("”") or text.count('"') % 2 == 1


def _split(text: str) -> list[str]:
    """Split `text` into sentences; blanks and citation markers after the full stop stay with their sentence."""
    out: list[str] = []
    for line in re.findall(r"[^\n]+\n*|\n+", text):
        # sentencex crashes on some non-ASCII spaces before a full stop.
        parts = sentencex.segment("en", re.sub(r"\s", " ", line.rstrip("\n")))
        for part in [*parts, line[len(line.rstrip("\n")) :]]:
            marker = re.match(r"(?:\s*(?:\[+|【)[\d\s,;–-]*(?:\]+|】))+", part)
            if out and marker:
                out[-1] += marker[0]
                part = part[marker.end() :]
            if out and (not part.strip() or not out[-1].strip() or _HALF_MARKER.fullmatch(part)):
                out[-1] += part
            else:
                out.append(part)
    return out or [""]


def strip_markers(text: str) -> tuple[str, list[int]]:
    """Return the text without citation markers, and their numbers."""
    cited: list[int] = []
    before, plain = "", text
    while plain != before:  # removing one marker can leave another: "[ [1] 2]"
        before = plain
        cited += [int(n) for m in _MARKER.finditer(plain) for n in re.findall(r"\d+", m[1])]
        plain = " ".join(_HALF_MARKER.sub("", _MARKER.sub("", plain)).split())
        plain = re.sub(r"\s+([.,;:!?])", r"\1", plain).lstrip("-•* ")
    return plain, cited


def polarity(text: str) -> tuple[str, str]:
    """Return the "Yes" or "No" that opens a sentence ("" if none) and the rest of the sentence.

    >>> polarity("Yes, the bridge is open.")
    ('Yes', 'The bridge is open.')
    """
    first, _, rest = text.partition(" ")
    said = first.strip(",.:;!").capitalize()
    if said not in ("Yes", "No") or first[-1:] not in ",.:;!":
        return "", text
    return said, rest[:1].upper() + rest[1:]


def verbatim(article: str, span: Span, text: str) -> Judgement:
    """Return the judgement of a verbatim claim: the sentence `text` at `span` of the article with path `article`."""
    return Judgement("supported", 1.0, "", (Place(article, span, text),))


def judge(
    claim: str, cited: Sequence[int], evidence: Sequence[Evidence], article: ArticleOf, checker: Checker
) -> Judgement:
    """Judge `claim` against the sentences of `evidence`.

    If the claim has a name for which the quote has only "the company", a second quote is added: the nearest earlier
    sentence with the name, else the first one.

    Args:
        claim: a sentence without markers.
        cited: the 1-based numbers that the model wrote; they only break ties, because it may cite wrongly.
        evidence: the sentences that the model was given.
        article: looks up an article by path.
        checker: compares claim and quotes.
    """
    quotes = [quoted_at(article(one.article), one.span) for one in evidence]
    judged = checker.check(claim, quotes, [n - 1 for n in cited])
    places = [verbatim_place(evidence[place]) for place in judged.places]
    for name in judged.elsewhere:
        naming = _naming(name, article(evidence[judged.places[0]].article), evidence[judged.places[0]].span)
        if naming and not facts.has_name(name, " ".join(place.text for place in places)):
            places.append(naming)
    return Judgement(judged.verdict, judged.probability, judged.reason, tuple(dict.fromkeys(places)))


def verbatim_place(evidence: Evidence) -> Place:
    """Return the whole sentence as a quote."""
    return Place(evidence.article, evidence.span, evidence.text)


def place_of(article: Article, span: Span) -> Place:
    """Return a span of an article as a quote."""
    return Place(article.path, span, article.text[span.start : span.end])


def quoted_at(article: Article, span: Span) -> Quoted:
    """Return a sentence of an article with its context and the days of its times."""
    times = tuple((date.first, date.last) for date in article.dates_in(span))
    around = f"{title_words(article)}\n{article.text}"
    return Quoted(article.text[span.start : span.end], sentence_before(article, span), around, times)


def _naming(name: str, article: Article, before: Span) -> Place | None:
    """The nearest sentence with `name` before the span `before`, else the article's first one with it."""
    having = [s for s in sentences(article.text) if facts.has_name(name, article.text[s.start : s.end])]
    earlier = [s for s in having if s.end <= before.start]
    span = earlier[-1] if earlier else having[0] if having else None
    return place_of(article, span) if span else None
