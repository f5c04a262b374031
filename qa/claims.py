"""From the model's words to checked claims: split, align to exact quotes, judge.

Knows where a claim's quotes stand in their articles. What supports a claim is `verdicts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sentencex

from citewire.index.passages import sentences
from citewire.index.types import Article, Span
from citewire.qa import facts
from citewire.qa.evidence import Evidence
from citewire.qa.types import Verdict
from citewire.qa.verdicts import Checker

# [1], [1, 2], [[1]], 【1】, [1][2] and, at the end of a text, a marker that has only half arrived.
_MARKER = re.compile(r"\s*(?:\[+|【)\s*(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*(?:\]+|】)")
# What opens an aside that gives further figures: ", a fraction of the total of $9", ", up 5%".
_ASIDE = re.compile(
    r",\s(?=(?:an?|the|up|down|or|and|but|while|whereas|against|representing|compared (?:with|to)|accounting for)\b)"
)
_HALF_MARKER = re.compile(r"\s*(?:\[+|【)[\d\s,;–-]*$")


@dataclass(frozen=True, slots=True)
class Place:
    """An exact quote before it has a number."""

    article: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim's verdict, how probable its support is, the reason, and the quotes; see `verdicts.Judged`."""

    verdict: Verdict
    probability: float
    reason: str
    places: tuple[Place, ...]


def arriving(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield (text, whole) as `pieces` arrive: the sentence being written, whole=True once it has ended.

    How the text is cut into pieces decides nothing: a sentence has ended when the first word after it is complete,
    and no quotation is open.
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
    """Cut `text` into sentences; a citation marker after the full stop, and blanks, stay with what they follow."""
    out: list[str] = []
    for line in re.findall(r"[^\n]+\n*|\n+", text):
        # sentencex panics on some non-ASCII spaces before a full stop, so it gets plain ones.
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
    """Return the text without citation markers, and the numbers they held."""
    cited: list[int] = []
    before, plain = "", text
    while plain != before:  # taking one marker out can leave another, as in "[ [1] 2]"
        before = plain
        cited += [int(n) for m in _MARKER.finditer(plain) for n in re.findall(r"\d+", m[1])]
        plain = " ".join(_HALF_MARKER.sub("", _MARKER.sub("", plain)).split())
        plain = re.sub(r"\s+([.,;:!?])", r"\1", plain).lstrip("-•* ")
    return plain, cited


def focused(claim: str, answers: Callable[[str], bool]) -> str:
    """Return a claim without the aside, from a comma on, in which it gives further figures after it has answered.

    >>> focused("It made $9, a part of the $800 of all.", lambda text: "$9" in text)
    'It made $9.'
    """
    for m in _ASIDE.finditer(claim):
        kept = claim[: m.start()]
        if facts.numbers(claim[m.end() :]) and answers(kept):
            return f"{kept}."
    return claim


def verbatim(article: str, span: Span, text: str) -> Judgement:
    """The judgement of a claim that is the sentence itself: `text`, at `span` of the article of that path."""
    return Judgement("supported", 1.0, "", (Place(article, span, text),))


def judge(
    claim: str,
    cited: Sequence[int],
    evidence: Sequence[Evidence],
    article: Callable[[str], Article],
    known: frozenset[str],
    checker: Checker | None = None,
) -> Judgement:
    """Judge `claim` against the sentence of `evidence` that carries most of it.

    A name that the sentence leaves to its article ("the company") may be carried by a second quote: the nearest
    earlier sentence, else the opening one, that has the name. A figure has to stand in the first.

    Args:
        claim: a sentence without markers.
        cited: the 1-based numbers that the model wrote; they only break ties, since it may cite wrongly.
        evidence: the sentences that the model was given.
        article: looks up an article by path.
        known: words that are names although they open the claim; see `facts.name_words`.
        checker: compares them; without one by words and facts alone, not by meaning.
    """

    def naming(at: int, name: str) -> str | None:
        place = _place(name, evidence[at], article)
        return place.text if place else None

    judged = (checker or Checker()).check(claim, [e.text for e in evidence], [n - 1 for n in cited], known, naming)
    places = []
    for at, span in judged.spans:
        source = evidence[at]
        start = source.span.start
        places.append(
            Place(source.article, Span(start + span.start, start + span.end), source.text[span.start : span.end])
        )
    for name in judged.elsewhere if places else ():
        place = _place(name, evidence[judged.spans[0][0]], article)
        if place and not facts.has_name(name, " ".join(p.text for p in places)):
            places.append(place)
    return Judgement(judged.verdict, judged.probability, judged.reason, tuple(dict.fromkeys(places)))


def _place(name: str, evidence: Evidence, article: Callable[[str], Article]) -> Place | None:
    source = article(evidence.article)
    span = _naming(name, source, evidence.span)
    return Place(evidence.article, span, source.text[span.start : span.end]) if span else None


def _naming(name: str, article: Article, before: Span) -> Span | None:
    """The nearest sentence before `before` that has `name`, else the first of the article that has it."""
    having = [s for s in sentences(article.text) if facts.has_name(name, article.text[s.start : s.end])]
    earlier = [s for s in having if s.end <= before.start]
    return earlier[-1] if earlier else having[0] if having else None
