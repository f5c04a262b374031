"""Questions that the articles can answer, near to one that they cannot.

For each sentence next to the refused question the language model writes a question (prompt in `suggest.md`: a system
message, then example sentences and questions in turn, parted by lines of `---`). Each is then asked for its evidence as
a visitor's would be, and kept only where the sentence it was made from comes back as the best.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np

from citewire.index.errors import ModelError
from citewire.index.options import SearchOptions
from citewire.index.search import search as search_index
from citewire.index.store import Index
from citewire.index.types import Embedder, Span
from citewire.qa import analysis, facts, parts, prompt
from citewire.qa.answer import Answerer
from citewire.qa.evaluate import measure
from citewire.qa.types import Generator, Message

TRIED = 8  # sentences that a question is made from at most; each costs the model a second or two
MAX_TOKENS = 40  # of a question
_WORDS = range(7, 61)  # of a sentence worth a question
_QUESTION_WORDS = range(4, 26)
_PEOPLE = ("PRP", "PRP$")  # tags of personal and possessive pronouns: the question leans on a text then

logger = logging.getLogger("citewire.qa.suggest")


class Suggester:
    """Suggests questions over one index with one model; `answerer` has to be over the same index."""

    def __init__(self, answerer: Answerer, index: Index, embedder: Embedder, generator: Generator) -> None:
        self._answerer = answerer
        self._index = index
        self._embedder = embedder
        self._generator = generator

    def suggest(
        self, refused: str, search: SearchOptions | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        """Yield one answerable question after the other, nearest first; none where the model fails.

        Args:
            refused: the question without an answer, as it was searched for.
            search: in place of the answerer's own.
            stopped: polled between tokens; once true, no more come.
        """
        options = search or self._answerer.options.search
        seen = {_same(refused)}
        for article, span, sentence in self._nearest(refused, options):
            if stopped():
                return
            try:
                written = self._written(sentence, stopped)
            except ModelError as error:
                logger.warning("no suggestions", extra={"problem": error.problem})
                return
            question = clean(written)
            ours = all(facts.has_name(name, sentence) for name in facts.names(question))  # and not the prompt's
            if stopped() or not question or not ours or _same(question) in seen:
                continue
            seen.add(_same(question))
            found = self._answerer.evidence(question, search=options)[:1]
            if any(e.article == article and e.span.start < span.end and span.start < e.span.end for e in found):
                yield question

    def _nearest(self, refused: str, options: SearchOptions) -> list[tuple[str, Span, str]]:
        """The sentences of the best passages that are most alike the question: article, place and text."""
        found: dict[str, tuple[str, Span]] = {}
        for hit in search_index(self._index, self._embedder, refused, options):
            text = self._index.article(hit.passage.article).text
            for span in hit.passage.sentences:
                found.setdefault(" ".join(text[span.start : span.end].split()), (hit.passage.article, span))
        sentences = [one for one in found if _says_something(one)]
        if not sentences:
            return []
        likeness = self._embedder.embed(sentences) @ self._embedder.embed_query(refused)
        best = np.argsort(-likeness, kind="stable")[:TRIED]
        return [(*found[sentences[i]], sentences[i]) for i in best]

    def _written(self, sentence: str, stopped: Callable[[], bool]) -> str:
        written = ""
        for piece in self._generator.generate(messages(sentence), max_tokens=MAX_TOKENS, stopped=stopped):
            written += piece
            if "?" in written or "\n" in written.lstrip():
                break
        return written


def messages(sentence: str) -> list[Message]:
    """Return the prompt that asks for a question which `sentence` answers."""
    return prompt.asked("suggest.md", sentence)


def clean(written: str) -> str:
    """Return what a model wrote as one question that stands alone and names something, "" where it is none.

    >>> clean(' "Who chairs Lund Lines? ')
    'Who chairs Lund Lines?'
    """
    question = " ".join(written.strip().strip("\"“”'* ").removeprefix("Question:").split())
    plain = question.endswith("?") and question.count("?") == 1
    if not plain or len(question.split()) not in _QUESTION_WORDS or not facts.names(question):
        return ""
    read = analysis.read(question)
    asks = read[0].tag_.startswith("W") or read[0].pos_ in ("AUX", "VERB", "ADP")  # "What", "Did", "In which"
    leans = any(token.tag_ in _PEOPLE for token in read)
    return "" if not asks or leans or parts.parts(question) else question


def _says_something(sentence: str) -> bool:
    """Whether a sentence stands alone: it does not open with a pronoun, and has a verb."""
    if len(sentence.split()) not in _WORDS:
        return False
    read = analysis.read(sentence)
    return read[0].tag_ not in (*_PEOPLE, "CC", "EX") and any(token.pos_ in ("VERB", "AUX") for token in read)


def _same(question: str) -> tuple[str, ...]:
    return tuple(sorted(measure.tokens(question)))
