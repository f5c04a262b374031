"""Several things that are asked for: the sentences, or the lines of a list, of the article that names most of them.

Knows what the reader makes of each sentence and how an article is set in lines. Cuts no words out of sentences; asks no
language model and does not search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from citewire.index.passages import sentences
from citewire.index.types import Article, Span
from citewire.qa import facts
from citewire.qa.claims import Place, verbatim_place
from citewire.qa.evidence import ArticleOf, Evidence, odds, window
from citewire.qa.reader import Reader

MOST = 5  # sentences
_ROWS = 10  # lines of a list in the article
_READ = 60  # sentences of an article
_NEAR = 3.0  # times by which the odds of a sentence may be behind the best
_SURE = 0.25  # probability of the best from which there is a list
_SECTION = 0.04  # probability from which a section tells of a thing; what its heading says need not be said again
_SECTIONS = 3  # with such a sentence that make a list
_SHARED = 1.5  # added to the log odds of a sentence that has all words of the question that are rare in the article
_SHORT, _RUN = 16, 3  # words of a line of a list, and such lines in a row


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence of the article, what the reader thinks of it, and whether it is a line of its own."""

    span: Span
    probability: float
    weight: float  # odds, with the words that it shares with the question
    row: bool
    heading: bool
    asks: bool
    opens: bool  # whether a line that is no sentence, as a short heading, stands before it


class Items:
    """What the article that answers best lists.

    Args:
        question: one that may ask for several things.
        evidence: as `qa.evidence.gather` returns it.
        article: looks up an article by path.
        reader: reads the whole article.
    """

    def __init__(self, question: str, evidence: Sequence[Evidence], article: ArticleOf, reader: Reader) -> None:
        best = max(evidence, key=lambda one: one.probability, default=None)
        self._lines: list[_Line] = []
        self._others = [one for one in evidence if best and one.article != best.article]
        if best is None or best.probability < _SURE:
            return
        self._home = home = article(best.article)
        spans = sentences(home.text)[:_READ]
        known = {one.span: one.probability for one in evidence if one.article == best.article}
        unread = [span for span in spans if span not in known]
        readings = reader.read(question, [window(home, span) for span in unread])
        known |= {span: one.probability for span, one in zip(unread, readings, strict=True)}
        rare = _rarities(question, home.title, [home.text[span.start : span.end] for span in spans])
        self._lines = [_line(home, spans, at, known[span], rare) for at, span in enumerate(spans)]

    def rows(self) -> list[Place]:
        """Return the lines of a list in the article, with the line that leads to it; [] where no two of them answer."""
        best = max((odds(line.probability) for line in self._lines), default=0.0)
        for start, end in _runs(self._lines):
            near = [line for line in self._lines[start:end] if odds(line.probability) * _NEAR >= best]
            if len(near) >= 2:
                told = [line for line in self._lines[max(start - 1, 0) : end] if not line.asks]
                return self._places(told[: _ROWS + 1])
        return []

    def sentences(self) -> list[Place]:
        """Return the sentences near the best, those of other articles behind; [] of one."""
        told = [line for line in self._lines if not line.heading and not line.asks]
        best = max((line.weight for line in told), default=0.0)
        near = sorted((line for line in told if line.weight * _NEAR >= best), key=lambda line: -line.weight)
        others = [one for one in self._others if near and odds(one.probability) * _NEAR >= odds(near[0].probability)]
        found = self._places(near[:MOST]) + [verbatim_place(one) for one in others[: MOST - 2]]
        return found if len(found) > 1 else []

    def sections(self) -> list[Place]:
        """Return the likeliest sentence of each section that has one; [] of fewer than three."""
        found: list[_Line] = []
        section: list[_Line] = []
        for line in (*self._lines, None):
            if line is None or line.heading or line.opens:
                found += sorted(section, key=lambda one: -one.weight)[:1]
                section = []
            section += [line] if line is not None and not line.heading else []
        likely = [line for line in found if line.probability >= _SECTION]
        return self._places(likely[: 2 * MOST]) if len(likely) >= _SECTIONS else []

    def _places(self, lines: Sequence[_Line]) -> list[Place]:
        spans = sorted((line.span for line in lines), key=lambda span: span.start)
        return [Place(self._home.path, span, self._home.text[span.start : span.end]) for span in spans]


def _line(home: Article, spans: Sequence[Span], at: int, probability: float, rare: dict[str, float]) -> _Line:
    span, text = spans[at], home.text[spans[at].start : spans[at].end]
    shared = sum(rare.get(term, 0.0) for term in set(facts.terms(text)))
    following = home.text[spans[at + 1].start : spans[at + 1].end] if at + 1 < len(spans) else ""
    own = _is_own(home.text, span)
    closed = text.rstrip("\"'”’)]").endswith((".", "!", "?"))
    heading = own and not closed and not text.endswith(":") and following.rstrip("\"'”’)]").endswith((".", "!", "?"))
    row = own and not closed and len(text.split()) <= _SHORT and not text.endswith(":")
    opens = any(map(str.isalnum, home.text[spans[at - 1].end if at else 0 : span.start]))
    return _Line(span, probability, odds(probability) * exp(_SHARED * shared), row, heading, text.endswith("?"), opens)


def _is_own(text: str, span: Span) -> bool:
    """Whether a sentence stands alone in its line."""
    before, after = text[: span.start].rstrip(" \t"), text[span.end :].lstrip(" \t")
    return (not before or before.endswith("\n")) and (not after or after.startswith("\n"))


def _runs(lines: Sequence[_Line]) -> list[tuple[int, int]]:
    """Where several short lines follow each other, from the first up to, without, the last."""
    found: list[tuple[int, int]] = []
    start = 0
    for at in range(len(lines) + 1):
        if at == len(lines) or not lines[at].row:
            found += [(start, at)] if at - start >= _RUN else []
            start = at + 1
    return found


def _rarities(question: str, title: str, texts: Sequence[str]) -> dict[str, float]:
    """The share that each term of the question has in them all, but for the title's, weighted by how rare it is."""
    said = [set(facts.terms(text)) for text in texts]
    counts = {term: sum(term in one for one in said) for term in set(facts.terms(question)) - set(facts.terms(title))}
    weights = {term: log((len(texts) + 1) / (count + 0.5)) for term, count in counts.items() if count}
    total = sum(weights.values())
    return {term: weight / total for term, weight in weights.items()} if total else {}
