"""Question -> checked answer: the ways to answer it are tried, and it is refused if none succeeds.

`understanding` says what is asked, `ways` answer each kind of question. Knows nothing of pages and terminals.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from threading import Lock
from typing import Literal

from cachetools import LRUCache

from citewire.index.errors import ModelError
from citewire.index.options import SearchOptions
from citewire.index.search import Reranker
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa import prompt, replies
from citewire.qa.entities import AllNames
from citewire.qa.evidence import Evidence
from citewire.qa.finding import Finder
from citewire.qa.kinds import load_kinds
from citewire.qa.reader import Reader
from citewire.qa.telling import Telling
from citewire.qa.types import Answer, Draft, Event, Generator, Manner, Searched, Status, Timings, Turn, checked_question
from citewire.qa.understanding import Context, understood, within
from citewire.qa.ways.choice import ways
from citewire.qa.ways.general import openers
from citewire.qa.ways.task import Task
from citewire.qa.writing import Writer

_WARMING = "What was said?"

logger = logging.getLogger("citewire.qa.answer")


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How an answer is made.

    Attributes:
        search: which passages are retrieved. Only one copy of an article counts.
        evidence: most sentences given to the model.
        max_tokens: most tokens of the model's reply.
        max_prompt_tokens: most tokens of its prompt; evidence is dropped, weakest first, until it fits.
        max_question_chars: longest question accepted.
        unsupported: whether a claim that no quote supports is withheld, shown and marked, or shown as it is.
        cached: most answers in the memory cache; the least recently used is dropped first.
        writes: whether the names in the articles may be cached in a file beside the index.
    """

    search: SearchOptions = field(default_factory=lambda: SearchOptions(k=8, copies=1))
    evidence: int = 6
    max_tokens: int = 160
    max_prompt_tokens: int = 1200
    max_question_chars: int = 2000
    unsupported: Literal["withheld", "marked", "kept"] = "withheld"
    cached: int = 128
    writes: bool = True


class Answerer:
    """Answers questions about one index with one model; thread-safe.

    Searches, readings and answers are cached as long as this object exists: for one generation of one index, one model
    and one set of options they stay the same. `options`: how answers are made; `reader`: reads and verifies sentences.
    """

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        generator: Generator,
        reader: Reader,
        options: AnswerOptions | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.options = chosen = options or AnswerOptions()
        self.reader = reader
        self._kinds = load_kinds(embedder, threads=1)
        self._finder = Finder(index, embedder, reader, reranker, chosen.evidence)
        self._writer = Writer(generator, reader, index.article, chosen.max_tokens, chosen.max_prompt_tokens)
        self._names = AllNames(index, chosen.writes)
        self._lock = Lock()  # guards the cached answers
        self._answers: LRUCache[tuple[str, str, str, bool], list[Event]] = LRUCache(chosen.cached)

    def over(self, index: Index, *, writes: bool = True) -> Answerer:
        """Return an answerer for another index, or another generation of this one, with the same models.

        Args:
            index: the index to answer from.
            writes: whether it may write the files that this one may; False for a part of an index (`Index.within`).
        """
        finder = self._finder
        options = replace(self.options, writes=self.options.writes and writes)
        return Answerer(index, finder.embedder, self._writer.generator, self.reader, options, finder.reranker)

    def with_generator(self, generator: Generator) -> Answerer:
        """Return an answerer with another language model and the same index, embedder and reader."""
        finder = self._finder
        return Answerer(finder.index, finder.embedder, generator, self.reader, self.options, finder.reranker)

    def about(self, stopped: Callable[[], bool] = lambda: False) -> Answer | None:
        """Return the answer to "What are these articles about?", with suggested questions.

        The language model is not asked. None once `stopped()`, or if there are no articles.
        """
        if self._names.read_until(stopped) is None:
            return None
        *_, last = self.stream(replies.OVERVIEW, stopped=stopped)
        assert isinstance(last, Answer)  # stream always ends with one
        offered = openers(self._finder.index, self._names)
        return replace(last, offered=offered) if last.claims and last.status == "answered" else None

    def warm_up(self) -> None:
        """Do the work that the first question would wait for: load the pipeline, read the common start of all prompts.

        Raises:
            ModelError: the model is gone.
            InputError: the filters leave no article.
        """
        self.evidence(_WARMING)
        deque(self._writer.generator.generate(prompt.build([_WARMING], _WARMING), max_tokens=1), maxlen=0)

    def evidence(self, text: str, *, search: SearchOptions | None = None) -> list[Evidence]:
        """Return the sentences that the model would be given, best first; empty if the question would be refused.

        Arguments and errors as in `stream`; the model is not asked.
        """
        asked = checked_question(text, self.options.max_question_chars)
        return list(self._finder.part(asked, search or self.options.search).chosen)

    def foreseen(
        self, text: str, history: Sequence[Turn] = (), *, search: SearchOptions | None = None
    ) -> Searched | None:
        """Return how the answer to a line would begin, None if it would be refused.

        Arguments and errors as in `stream`; the model is not asked.
        """
        told = Telling(checked_question(text, self.options.max_question_chars))
        task = self._task(told, history, search or self.options.search, lambda: False)
        first = next(_leading(task) or iter(()), None)
        return first if isinstance(first, Searched) else None

    def ask(self, text: str, history: Sequence[Turn] = (), *, search: SearchOptions | None = None) -> Answer:
        """Return the whole answer; arguments and errors as in `stream`."""
        *_, last = self.stream(text, history, search=search)
        assert isinstance(last, Answer)  # stream always ends with one
        return last

    def stream(
        self,
        text: str,
        history: Sequence[Turn] = (),
        *,
        stopped: Callable[[], bool] = lambda: False,
        search: SearchOptions | None = None,
        manner: Manner = "usual",
    ) -> Iterator[Event]:
        """Yield one Searched, then Drafts and Checked as the model writes, then the Answer.

        Args:
            text: the question.
            history: earlier turns of the conversation, oldest first.
            stopped: polled between tokens; once true, the answer ends with status "stopped".
            search: replaces `AnswerOptions.search` for this question.
            manner: how the answer is made.

        Raises:
            InputError: at once for an empty or too long question; on the first `next` if the filters leave no article.
            ModelError: on the first `next` if the reranker does not load.
        """
        asked = checked_question(text, self.options.max_question_chars)
        return self._stream(asked, history, stopped, search or self.options.search, manner)

    def _stream(
        self, text: str, history: Sequence[Turn], stopped: Callable[[], bool], wanted: SearchOptions, manner: Manner
    ) -> Iterator[Event]:
        told = Telling(text, withholds=self.options.unsupported == "withheld", quotes_only=manner == "quotes")
        task = self._task(told, history, wanted, stopped)
        key = (text, repr(task.asked), repr(wanted), told.quotes_only)  # repr: the filters have no hash
        with self._lock:
            kept = self._answers.get(key) if manner != "anew" else None
        if kept is not None:
            yield from _again(kept, told)
            return
        events: list[Event] = []
        for event in _anew(task):
            if not isinstance(event, Draft):
                events.append(event)
            yield event
        if isinstance(event, Answer) and event.status not in ("stopped", "failed") and self.options.cached:
            with self._lock:
                self._answers[key] = events

    def _task(self, told: Telling, history: Sequence[Turn], wanted: SearchOptions, stopped: Callable[[], bool]) -> Task:
        asked = understood(told.asked, Context(self._finder, self._kinds, history, wanted))
        told.standalone, told.kind = asked.text, asked.kinds[0]
        return Task(self._finder, self._writer, self._names, asked, told, wanted, stopped)


def _anew(task: Task) -> Iterator[Event]:
    told = task.told
    events: Iterator[Event] | None = None
    failed = ""
    try:
        events = _leading(task)
        yield from events or ()
    except ModelError as error:
        logger.warning("model failed", extra={"problem": error.problem})
        failed = str(error)
    if events is None:
        yield told.searched(task.hits(task.text))
    if failed:
        yield _answer(task, "failed", failed)
    elif task.stopped():
        yield _answer(task, "stopped")
    elif events is None or not (told.shown or told.lead):
        unknown = told.unknown or task.finder.unknown(task.text)
        yield _answer(task, "abstained", told.refused or replies.refusal(unknown))
    else:
        yield _answer(task, "answered" if all(c.verdict == "supported" for c in told.shown) else "partial")


def _leading(task: Task) -> Iterator[Event] | None:
    """The events of the first way that finds something; None if none does, or once stopped."""
    near = [within(task.wanted, task.asked.near)] if task.asked.near else []
    for wanted in (*near, task.wanted):
        here = replace(task, wanted=wanted)
        for way in ways(here):
            events = None if task.stopped() else way(here)
            if events is not None and not task.stopped():
                return events
    return None


def _answer(task: Task, status: Status, text: str = "") -> Answer:
    answer = task.told.answer(status, task.writer.generator.name, task.index.generation, text)
    as_of = max((task.index.article(path).published[:10] for path in answer.articles), default="")
    answer = replace(answer, as_of=as_of)
    _log(answer)
    return answer


def _again(kept: Sequence[Event], told: Telling) -> Iterator[Event]:
    """Repeat cached events, with the time that this takes."""
    for event in kept:
        if isinstance(event, Answer):
            event = replace(event, timings=Timings(total_s=told.seconds(), cached=True))
            _log(event)
        yield event


def _log(answer: Answer) -> None:
    verdicts = [claim.verdict for claim in answer.claims]
    told = {"status": answer.status, "kind": answer.kind, "verdicts": verdicts, "question": answer.question}
    logger.info("answered", extra={**told, **asdict(answer.timings)})
