"""Question -> the sentences that answer it: search, read, choose; results are cached.

Knows one index, the embedder and the reader; knows no language model and not how an answer is worded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from cachetools import LRUCache

from citewire.index.options import SearchOptions
from citewire.index.scope import require_match
from citewire.index.search import Reranker, search
from citewire.index.store import Index
from citewire.index.types import Embedder, Hit, Span
from citewire.qa import analysis, boilerplate, facts, quantities, timeline, values
from citewire.qa.evidence import ANSWERS, Evidence, gather, odds
from citewire.qa.reader import Reader
from citewire.qa.times import of_another_time, timed_first, timeless

_NEAR_BEST = 7.0  # the model gets a sentence if its odds times this reach the best one's
_KEPT = 256  # cached searches and readings: one answer makes several, and the next question repeats some
_UNCOUNTED = 4.0  # divides the odds of an answer span without a figure if the question asks how many or how much
# Least probability of support or contradiction for an answer "Yes" or "No": 9 in 10 held-out claims that reach it are
# right (86 of 100 at 0.7).
_DECIDED = 0.8


@dataclass(frozen=True, slots=True)
class Part:
    """A question that is searched and answered alone: the whole line or one of its sub-questions.

    Attributes:
        text: the question.
        hits: the passages found.
        evidence: their sentences, the likeliest to answer first.
        chosen: the sentences for the model; empty if none answers.
        polarity: "Yes" or "No" if the question asks for that and the best sentence decides it, else "".
    """

    text: str
    hits: Sequence[Hit]
    evidence: Sequence[Evidence]
    chosen: Sequence[Evidence]
    polarity: str = ""

    @property
    def probability(self) -> float:
        """The highest probability of a sentence, 0 to 1."""
        return max((one.probability for one in self.evidence), default=0.0)


class Finder:
    """Searches and reads one generation of one index; thread-safe.

    Args:
        index: an open index.
        embedder: the one that the index was made with.
        reader: reads the sentences of the passages found.
        reranker: reorders the best passages, None for none.
        most: most sentences that are chosen.
    """

    def __init__(
        self, index: Index, embedder: Embedder, reader: Reader, reranker: Reranker | None = None, most: int = 4
    ) -> None:
        self.index = index
        self.embedder = embedder
        self.reader = reader
        self.reranker = reranker
        self._most = most
        self._lock = Lock()  # guards the caches
        self._searches: LRUCache[tuple[str, str], list[Hit]] = LRUCache(_KEPT)
        self._readings: LRUCache[tuple[str, str], list[Evidence]] = LRUCache(_KEPT)

    def hits(self, query: str, wanted: SearchOptions) -> list[Hit]:
        """Return the best passages for a query.

        Raises:
            InputError: the filters leave no article; a refusal would hide that.
        """
        key = (query, repr(wanted))  # the filters have no hash
        with self._lock:
            kept = self._searches.get(key)
        if kept is not None:
            return kept
        hits = search(self.index, self.embedder, query, wanted, self.reranker)
        if not hits:
            require_match(self.index, wanted)
        with self._lock:
            self._searches[key] = hits
        return hits

    def evidence(self, text: str, wanted: SearchOptions) -> list[Evidence]:
        """Return the sentences of the best passages, the likeliest to answer first. Raises: see `hits`."""
        key = (text, repr(wanted))
        with self._lock:
            kept = self._readings.get(key)
        if kept is None:
            sort = values.asked(text)
            without = "" if sort == "date" else timeless(text)  # code cannot check the time of a time
            found = gather(text, self.hits(text, wanted), self.index.article, self.reader, without)
            kept = [one for one in found if self.is_own(one.article, one.span)]
            if sort == "number":
                kept = [one if _counts(one) else _less_likely(one) for one in kept]
                kept.sort(key=lambda one: not _counts(one))
            with self._lock:
                self._readings[key] = kept
        return kept

    def is_own(self, path: str, span: Span) -> bool:
        """Return whether a sentence is its article's own, not boilerplate that several stories repeat."""
        return boilerplate.is_own(self.index.article(path).text, span, self.index)

    def part(self, text: str, wanted: SearchOptions, least: float = ANSWERS) -> Part:
        """Return a question with its sentences; `least` is the answer threshold. Raises: see `hits`."""
        evidence = self.evidence(text, wanted)
        chosen = self._choose(text, evidence, least)
        return Part(text, self.hits(text, wanted), evidence, chosen, self._polarity(text, chosen))

    def unknown(self, text: str) -> tuple[str, ...]:
        """Return the names in a text that contain a word which is in no article."""
        times = " ".join(entity.text for entity in analysis.read(text).ents if entity.label_ in ("DATE", "TIME"))
        names = (name for name in dict.fromkeys(facts.names(text)) if name not in times)
        return tuple(name for name in names if not all(self.index.search_bm25([word], 1) for word in facts.words(name)))

    def _choose(self, text: str, evidence: Sequence[Evidence], least: float) -> list[Evidence]:
        """The sentences that answer and are near the best, without repeats, those without a verb last.

        Newest first for what holds now.
        """
        article = self.index.article
        likely = [one for one in evidence if one.probability >= least]
        likely = [one for one in likely if not of_another_time(text, one, article(one.article))]
        if not likely:
            return []
        best = max(one.probability for one in likely)
        near = [one for one in likely if odds(one.probability) * _NEAR_BEST >= odds(best)]
        ordered = timeline.newest_first(text, near, article)
        if values.asked(text) == "date":
            ordered = timed_first(ordered, article)
        ordered.sort(key=lambda one: analysis.is_phrase(one.text))  # "Colombo, Sri Lanka." says less than a sentence
        once = {" ".join(facts.words(one.text)): one for one in reversed(ordered)}
        return list(once.values())[::-1][: self._most]

    def _polarity(self, text: str, chosen: Sequence[Evidence]) -> str:
        """Return "Yes" or "No" if the question asks for that and the verifier is sure of the best sentence, else "".

        A sentence that only tells of a plan decides nothing.
        """
        stated = analysis.statement(text)
        if not stated or not chosen or analysis.only_meant(stated, chosen[0].text):
            return ""
        support = self.reader.verify([(stated, chosen[0].text)])[0]
        said = "Yes" if support.supported > support.refuted else "No"
        return said if max(support.supported, support.refuted) >= _DECIDED else ""


def _counts(one: Evidence) -> bool:
    """Whether the answer span has an amount: "14 ferries", "dozens"."""
    amounts = ("CARDINAL", "MONEY", "PERCENT", "QUANTITY")
    return bool(quantities.numbers(one.words)) or any(ent.label_ in amounts for ent in analysis.read(one.words).ents)


def _less_likely(one: Evidence) -> Evidence:
    behind = odds(one.probability) / _UNCOUNTED
    return replace(one, probability=behind / (1 + behind))
