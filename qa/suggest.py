"""Suggested follow-up questions after an answer or a refusal; the articles answer each of them.

First come plain questions ("Who said that?"), if they have an answer. Then the language model writes a question for a
sentence near the quoted ones or, after a refusal, for one near the question. `suggest.md` is its prompt: a system
message, then example sentences and questions in turn, separated by lines of `---`. Each question is then searched like
a user's, and kept only if the sentence that it was written for is the best evidence. The model has `PATIENCE_S` seconds
in all; plain questions fill the remaining places.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from citewire.index.errors import ModelError
from citewire.index.options import SearchOptions
from citewire.index.passages import sentences
from citewire.index.search import search as search_index
from citewire.index.store import Index
from citewire.index.types import Embedder, Span
from citewire.qa import analysis, facts, parts, prompt, replies, standing
from citewire.qa.answer import Answerer
from citewire.qa.entities import is_told_of
from citewire.qa.types import Answer, Generator, Message, Turn

TRIED = 8  # most sentences that the model writes a question for
PATIENCE_S = 2.0  # seconds after which the model writes no more
MAX_TOKENS = 40  # most tokens of a question
_PLAIN = 2  # plain questions that come before those of the model
_LOOKED = 3  # quotes that are searched for names
_REACH = 3  # sentences before and after a quote that are near it
_SURE = 0.7  # least probability of the answer to a question by the model; high, because many are badly worded
_QUESTION_WORDS = range(4, 26)
_NAMES = ("PERSON", "ORG")  # spaCy labels of names for "Tell me about ..."
_PEOPLE = ("PRP", "PRP$")  # tags of personal and possessive pronouns, which a standalone question lacks

logger = logging.getLogger("citewire.qa.suggest")


class Suggester:
    """Suggests questions about one index with one model; `answerer` must use the same index."""

    def __init__(self, answerer: Answerer, index: Index, embedder: Embedder, generator: Generator) -> None:
        self._answerer = answerer
        self._index = index
        self._embedder = embedder
        self._generator = generator

    def suggest(
        self,
        answer: Answer,
        history: Sequence[Turn] = (),
        search: SearchOptions | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[str]:
        """Yield answerable questions, none that was asked or offered before.

        Args:
            answer: the last answer or refusal.
            history: the conversation before that answer, oldest turn first.
            search: replaces the answerer's options.
            stopped: polled between tokens; once true, no more come.
        """
        options = search or self._answerer.options.search
        turns = [*history, Turn(answer.question, answer.text, answer.articles)]
        seen = {_same(one) for one in (answer.standalone_question, *answer.offered, *(t.question for t in turns))}
        end = time.monotonic() + PATIENCE_S
        fitting = (one for one in self._fitting(answer) if _same(one[0]) not in seen)
        plain = self._plain(fitting, turns, options)
        for question in self._found(answer, plain, options, lambda: stopped() or time.monotonic() > end):
            if stopped():
                return
            if _same(question) not in seen:
                seen.add(_same(question))
                yield question

    def _found(
        self, answer: Answer, plain: Iterator[str], options: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[str]:
        if answer.status == "abstained":
            if answer.kind != "not_for_it":  # the articles have no poems
                near = self._nearest(answer.standalone_question, options)
                yield from self._written(near, options, stopped)
        else:
            yield from islice(plain, _PLAIN)
            yield from self._written(self._beside(answer), options, stopped)
        yield from plain

    def _plain(
        self, fitting: Iterator[tuple[str, str]], turns: Sequence[Turn], options: SearchOptions
    ) -> Iterator[str]:
        """Yield the plain questions that would be answered with the intended kind."""
        for question, kind in fitting:
            begun = self._answerer.foreseen(question, turns, search=options)
            if begun and begun.kind == kind and begun.lead != replies.UNKNOWN_SPEAKER:
                yield question

    def _fitting(self, answer: Answer) -> Iterator[tuple[str, str]]:
        """Yield the plain questions that fit an answer, with the intended kind of their answer."""
        quoted = [quote for claim in answer.claims if claim.shown for quote in claim.quotes]
        told = bool(quoted) and answer.kind not in ("corpus", "which_article")
        spoken = told and any(mark in quoted[0].text for mark in '“"')
        named = spoken and any(one.label_ == "PERSON" for one in analysis.read(quoted[0].text).ents)
        if spoken and not named and answer.kind != "who_said":
            yield replies.WHO_SAID, "who_said"
        days = {self._index.article(path).published for path in {quote.article for quote in quoted}}
        if told and answer.kind in ("fact", "yes_no") and len(days - {""}) > 1:
            yield replies.CHANGED, "over_time"
        read = [quote.text for quote in quoted[:_LOOKED]]
        read = read or [hit.text for hit in answer.hits[:1] if answer.kind != "not_for_it"]
        found = [one.text for text in read for one in analysis.read(text).ents if one.label_ in _NAMES]
        names = [bare_name(name) for name in found]
        new = [name for name in names if not name.isupper() and not facts.has_name(name, answer.standalone_question)]
        near = [quote.article for quote in quoted[:_LOOKED]] or [hit.article for hit in answer.hits[:1]]
        texts = [self._index.article(path).text for path in dict.fromkeys(near)]
        told_of = (name for name in dict.fromkeys(new) if is_told_of(name, texts))
        yield from ((replies.ABOUT.format(name), "summary") for name in islice(told_of, 1 if quoted else 2))
        if told:
            yield replies.MORE, "summary"
        places = [quote.article for quote in quoted] or [hit.article for hit in answer.hits]
        titles = [title for path in places if (title := self._index.article(path).title)]
        if titles and (answer.kind != "summary" or len(set(places)) > 1):
            yield replies.SUMMARISE.format(" ".join(titles[0].split())), "summary"
        if not told and answer.kind != "corpus":
            yield replies.OVERVIEW, "corpus"

    def _written(
        self, near: Sequence[tuple[str, Span, str]], options: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[str]:
        """Yield the model's questions for sentences (path, span, text) that are the best evidence for them."""
        for article, span, sentence in near:
            if stopped():
                return
            try:
                question = self.question_of(article, span, sentence, options, stopped)
            except ModelError as error:
                logger.warning("no suggestions", extra={"problem": error.problem})
                return
            if question and self._answerer.foreseen(question, search=options):
                yield question

    def question_of(
        self,
        article: str,
        span: Span,
        sentence: str,
        options: SearchOptions,
        stopped: Callable[[], bool] = lambda: False,
    ) -> str:
        """Return the model's question for a sentence, "" if it is badly worded or another sentence answers it better.

        Args:
            article: path of the article.
            span: the sentence, as offsets into the article's text.
            sentence: its text.
            options: the search in which the sentence has to be the best evidence.
            stopped: polled between tokens.

        Raises:
            ModelError: the model is gone.
        """
        question = clean(self._of(sentence, stopped))
        ours = all(facts.has_name(name, sentence) for name in facts.names(question))  # names not from the prompt
        if stopped() or not question or not ours:
            return ""
        best = next(iter(self._answerer.evidence(question, search=options)), None)
        if best is None or best.probability < _SURE or best.article != article:
            return ""
        return question if best.span.start < span.end and span.start < best.span.end else ""

    def _nearest(self, refused: str, options: SearchOptions) -> list[tuple[str, Span, str]]:
        """The sentences (path, span, text) of the best passages, those most similar to a question first."""
        hits = search_index(self._index, self._embedder, refused, options)
        return self._alike(refused, [(hit.passage.article, span) for hit in hits for span in hit.passage.sentences])

    def _beside(self, answer: Answer) -> list[tuple[str, Span, str]]:
        """The sentences around the quoted ones, those most similar to the question first; see `_nearest`."""
        quotes = [quote for claim in answer.claims if claim.shown for quote in claim.quotes]
        places = []
        for path in dict.fromkeys(quote.article for quote in quotes):
            own = [quote for quote in quotes if quote.article == path]
            spans = list(sentences(self._index.article(path).text))
            taken = {n for n, span in enumerate(spans) if any(q.start < span.end and span.start < q.end for q in own)}
            near = {n + step for n in taken for step in range(-_REACH, _REACH + 1)} - taken
            places += [(path, spans[n]) for n in sorted(near) if 0 <= n < len(spans)]
        return self._alike(answer.standalone_question, places)

    def _alike(self, question: str, places: Sequence[tuple[str, Span]]) -> list[tuple[str, Span, str]]:
        """At most TRIED of the sentences that stand alone, without repeats, by cosine similarity to a question."""
        found: dict[str, tuple[str, Span]] = {}
        for path, span in places:
            text = self._index.article(path).text
            found.setdefault(" ".join(text[span.start : span.end].split()), (path, span))
        said = [one for one in found if standing.stands_alone(one)]
        if not said:
            return []
        likeness = self._embedder.embed(said) @ self._embedder.embed_query(question)
        return [(*found[said[i]], said[i]) for i in np.argsort(-likeness, kind="stable")[:TRIED]]

    def _of(self, sentence: str, stopped: Callable[[], bool]) -> str:
        written = ""
        for piece in self._generator.generate(messages(sentence), max_tokens=MAX_TOKENS, stopped=stopped):
            written += piece
            if "?" in written or "\n" in written.lstrip():
                break
        return written


def messages(sentence: str) -> list[Message]:
    """Return the prompt that asks for a question which `sentence` answers."""
    return prompt.asked("suggest.md", sentence)


def bare_name(text: str) -> str:
    """Return an entity's text without a possessive ending and an opening bracket.

    >>> bare_name("Lund Lines (LUND"), bare_name("Lund Lines’s")
    ('Lund Lines', 'Lund Lines')
    """
    return text.partition(" (")[0].removesuffix("’s").removesuffix("'s")


def clean(written: str) -> str:
    """Return the model's text as a single standalone question with a name, "" if it is not one.

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


def _same(question: str) -> tuple[str, ...]:
    return tuple(sorted(facts.tokens(question)))
