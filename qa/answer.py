"""Question -> checked answer: what is meant, which ways to answer are tried, and the refusal if none succeeds.

Knows nothing of pages and terminals; `ways` answers each kind of question.
"""

from __future__ import annotations

import logging
import re
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
from citewire.qa import analysis, casing, facts, followup, prompt, replies, spelling
from citewire.qa.evidence import Evidence, odds
from citewire.qa.finding import Finder
from citewire.qa.kinds import KINDS, Guess, load_kinds
from citewire.qa.reader import Reader
from citewire.qa.telling import Telling
from citewire.qa.types import (
    Answer,
    Draft,
    Event,
    Generator,
    Manner,
    Searched,
    Status,
    Timings,
    Turn,
    checked_question,
)
from citewire.qa.ways import APART, CERTAIN, LIKELIER, Asked, Ways
from citewire.qa.writing import Writer

_WARMING = "What was said?"
_QUOTES = re.compile(r"[“”\"]")
_PIECE = re.compile(r"\S.*?(?:[.,:;!?](?=\s)|$)")  # a piece of a line, up to its next punctuation mark
_QUOTED_TITLE = re.compile(r"“[^”]*”")
_NEAR = 6.0  # multiplies the odds of an answer from an article that the last answer quotes
_TOLD = 3.0  # divides the odds of a sentence that the last answer already showed
_FIRST = 2.0  # multiplies the odds for the first, likeliest reading of a follow-up
_FOLLOWING = 0.3  # least probability of an answer to a follow-up; the reader does not see the earlier turns
_THERE = 0.2  # the same for an answer from an article that the last answer quotes
_BEARS = 0.1  # the same while the readings of a follow-up are compared
_LIKELY = 0.15  # least probability of a kind that is tried

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
    and one set of options they stay the same.
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
        self._generator = generator
        self._options = options or AnswerOptions()
        self._kinds = load_kinds(embedder, threads=1)
        self._finder = Finder(index, embedder, reader, reranker, self._options.evidence)
        self._ways = Ways(
            self._finder,
            Writer(generator, reader, index.article, self._options.max_tokens, self._options.max_prompt_tokens),
            self._options.writes,
        )
        self._lock = Lock()  # guards the cached answers
        self._answers: LRUCache[tuple[str, str, str, str], list[Event]] = LRUCache(self._options.cached)

    @property
    def options(self) -> AnswerOptions:
        """How answers are made."""
        return self._options

    @property
    def reader(self) -> Reader:
        """The network that reads sentences and verifies claims."""
        return self._finder.reader

    def over(self, index: Index, *, writes: bool = True) -> Answerer:
        """Return an answerer for another index, or another generation of this one, with the same models.

        Args:
            index: the index to answer from.
            writes: whether it may write the files that this one may; False for a part of an index (`Index.within`).
        """
        finder = self._finder
        options = replace(self._options, writes=self._options.writes and writes)
        return Answerer(index, finder.embedder, self._generator, finder.reader, options, finder.reranker)

    def with_generator(self, generator: Generator) -> Answerer:
        """Return an answerer with another language model and the same index, embedder and reader."""
        finder = self._finder
        return Answerer(finder.index, finder.embedder, generator, finder.reader, self._options, finder.reranker)

    def about(self, stopped: Callable[[], bool] = lambda: False) -> Answer | None:
        """Return the answer to "What are these articles about?", with suggested questions.

        The language model is not asked. None once `stopped()`, or if there are no articles.
        """
        if self._ways.entities(stopped) is None:
            return None
        *_, last = self.stream(replies.OVERVIEW, stopped=stopped)
        assert isinstance(last, Answer)  # stream always ends with one
        return replace(last, offered=self._ways.openers()) if last.claims and last.status == "answered" else None

    def warm_up(self) -> None:
        """Do the work that the first question would wait for: load the pipeline, read the common start of all prompts.

        Raises:
            ModelError: the model is gone.
            InputError: the filters leave no article.
        """
        self.evidence(_WARMING)
        deque(self._generator.generate(prompt.build([_WARMING], _WARMING), max_tokens=1), maxlen=0)

    def evidence(self, text: str, *, search: SearchOptions | None = None) -> list[Evidence]:
        """Return the sentences that the model would be given, best first; empty if the question would be refused.

        Arguments and errors as in `stream`; the model is not asked.
        """
        return list(self._finder.part(self._checked_question(text), search or self._options.search).chosen)

    def foreseen(
        self, text: str, history: Sequence[Turn] = (), *, search: SearchOptions | None = None
    ) -> Searched | None:
        """Return how the answer to a line would begin, None if it would be refused.

        Arguments and errors as in `stream`; the model is not asked.
        """
        wanted = search or self._options.search
        asked = self._understood(self._checked_question(text), history, wanted)
        told = Telling(text)
        told.standalone, told.kind = asked.text, asked.kinds[0]
        first = next(self._leading(asked, told, wanted, lambda: False) or iter(()), None)
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
        asked = self._checked_question(text)
        return self._stream(asked, history, stopped, search or self._options.search, manner)

    def _checked_question(self, text: str) -> str:
        return checked_question(text, self._options.max_question_chars)

    def _stream(
        self, text: str, history: Sequence[Turn], stopped: Callable[[], bool], wanted: SearchOptions, manner: Manner
    ) -> Iterator[Event]:
        told = Telling(text, withholds=self._options.unsupported == "withheld", quotes_only=manner == "quotes")
        asked = self._understood(text, history, wanted)
        told.standalone, told.kind = asked.text, asked.kinds[0]
        words = "quotes" if manner == "quotes" else "model"
        key = (text, repr(asked), repr(wanted), words)  # repr: the filters have no hash
        with self._lock:
            kept = self._answers.get(key) if manner != "anew" else None
        if kept is not None:
            yield from _again(kept, told)
            return
        events: list[Event] = []
        for event in self._anew(asked, told, wanted, stopped):
            if not isinstance(event, Draft):
                events.append(event)
            yield event
        if isinstance(event, Answer) and event.status not in ("stopped", "failed") and self._options.cached:
            with self._lock:
                self._answers[key] = events

    def _understood(self, text: str, history: Sequence[Turn], wanted: SearchOptions) -> Asked:
        """What a line asks for: its kinds, and the standalone question after the earlier turns."""
        text = self._unaddressed(spelling.corrected(text, self._finder.index))
        guess = self._read(text)
        leaning = guess.kind == "follow_up"
        sure = guess.intents[guess.intent] >= LIKELIER
        of_all = (guess.kind == "talk" and sure) or (guess.kind == "corpus" and guess.probability >= CERTAIN)
        if of_all and not (followup.has_pronoun(text) and followup.topic(history)):
            return self._asked(guess, text)  # "what are these about?" refers to no earlier turn
        text = self._cased(text, wanted, history)
        history = [replace(turn, question=casing.cased(turn.question, [turn.answer])) for turn in history]
        meant = followup.resolve(text, history, (guess.intent if sure else "elliptic") if leaning else "")
        if meant.kind == "nothing":
            before = replies.REFUSED if followup.refused(history) else replies.NOTHING_BEFORE
            reply = replies.NOTHING_OFFERED if guess.intent == "agree" else before
            return Asked(("talk",), {}, text, reply=reply, sure=guess.probability)
        if meant.kind in ("more", "who_said", "which_article", "doubt"):
            near = followup.last_quoted(history) if meant.kind != "more" else ()
            return Asked((meant.kind,), {}, meant.candidates[0], meant.said, near=near)
        if not followup.topic(history) or meant.kind == "agree":  # no earlier turn has content
            return self._asked(self._read(meant.candidates[0]), meant.candidates[0])
        if followup.names_nothing(text):
            return Asked(("talk",), {}, text, reply=replies.WHOM)
        leaning = leaning or followup.leans(text)
        last = self._last_articles(history, wanted)
        own = not leaning and guess.kind in ("talk", "corpus", "summary", "not_for_it")
        if own and (guess.kind == "talk" or facts.names(text)):
            return self._asked(guess, text)
        if own and guess.kind == "summary":  # "tell me more about the strike": that of the last answer
            return replace(self._asked(guess, text), near=last if analysis.about(text) else ())
        following = self._standalone(text, meant.candidates, history, wanted, leaning, last)
        if own and not following.sure:
            return self._asked(guess, text)
        behind = following.text.startswith(text.rstrip(" ?!."))  # text added at the end keeps the line's kind
        if guess.kind == "follow_up" or not behind:
            guess = self._read(following.text)
        follows = leaning or own or bool(following.near) or following.text != text
        asked = self._asked(guess, following.text, follows)
        return replace(asked, least=following.least, near=following.near) if follows else asked

    def _last_articles(self, history: Sequence[Turn], wanted: SearchOptions) -> tuple[str, ...]:
        """The articles that the last answer quotes; if unknown, those found for its sentences."""
        if quoted := followup.last_quoted(history):
            return quoted
        said = followup.last_told(history)
        return tuple(dict.fromkeys(hit.passage.article for one in said for hit in self._finder.hits(one, wanted)[:1]))

    def _cased(self, text: str, wanted: SearchOptions, history: Sequence[Turn]) -> str:
        """A line with capitals as in the earlier answers and the passages found for it."""

        def written() -> Iterator[str]:  # a generator, so that a line typed with capitals costs no search
            yield from (turn.answer for turn in history)
            for hit in self._finder.hits(text, wanted):
                whole = self._finder.index.article(hit.passage.article).text
                yield from (whole[span.start : span.end] for span in hit.passage.sentences)

        return casing.cased(text, written())

    def _read(self, text: str) -> Guess:
        """Classify a line without the titles that it quotes, which say nothing about its kind."""
        return self._kinds.read(_QUOTED_TITLE.sub("", text).strip() or text)

    def _unaddressed(self, text: str) -> str:
        """A line without small talk around its question: "Another question: who runs Orvik?"."""
        pieces = [] if _QUOTES.search(text) else list(_PIECE.finditer(text))
        asking = [piece for piece in pieces[1:] and pieces if not self._is_talk(piece[0])]
        return text[asking[0].start() : asking[-1].end()].rstrip(" ,;:") if asking else text

    def _is_talk(self, text: str) -> bool:
        guess = self._read(text)
        return guess.kind == "talk" and guess.probability >= CERTAIN and not facts.names(text)

    def _asked(self, guess: Guess, text: str, leaning: bool = False) -> Asked:
        """Return the question with the kinds to try, likeliest first; a follow-up (`leaning`) is about articles."""
        likely = {guess.kind: guess.probability, **guess.others}
        for kind in ("follow_up", *(("talk", "corpus", "not_for_it") if leaning else ())):
            likely.pop(kind, None)
        tried = (kind for kind in likely if likely[kind] >= _LIKELY)
        # Kinds that no article answers come last below LIKELIER: if such a guess is wrong, the question is refused.
        kinds = sorted(tried, key=lambda kind: (kind in APART and likely[kind] < LIKELIER, -likely[kind]))
        intents: dict[str, str] = {KINDS[one]: one for one in sorted(guess.intents, key=lambda one: guess.intents[one])}
        sure = likely[kinds[0]] if kinds else 0.0
        return Asked(tuple(kinds) or ("fact",), intents, text, sure=sure)

    def _standalone(
        self,
        text: str,
        candidates: Sequence[str],
        history: Sequence[Turn],
        wanted: SearchOptions,
        leaning: bool,
        last: tuple[str, ...],
    ) -> _Following:
        """Return the reading of a follow-up that the articles answer best.

        Each reading is searched in all articles; the line as typed is also searched in those of the last answer only,
        where "how much is a ticket?" is clear. Answers from these articles get more weight and a lower threshold, as
        the subject is right; answers that were already shown get less weight. A line with a name that does not lean on
        earlier turns is returned unchanged.
        """
        if not leaning and facts.names(text):
            return _Following(text)
        told = {" ".join(facts.words(one)) for one in followup.last_told(history)}
        readings = [_Following(one) for one in candidates]
        readings += [_Following(followup.without_opening(text), last)] if last else []

        judged = []  # (has an answer, weighted odds, reading, answer)
        for at, one in enumerate(readings):
            found = self._finder.part(one.text, _within(wanted, one.near) if one.near else wanted, _BEARS).chosen[:1]
            if not found:
                judged.append((False, 0.0, one, ""))
                continue
            (best,) = found
            least = _THERE if best.article in last else _FOLLOWING
            good = odds(best.probability) * (_NEAR if best.article in last else 1.0) * (_FIRST if at == 0 else 1.0)
            good /= _TOLD if " ".join(facts.words(best.text)) in told else 1.0
            one = replace(one, least=least, sure=best.probability >= LIKELIER)
            judged.append((best.probability >= least, good, one, best.text))
        first = max(judged, key=lambda one: one[:2])
        same = (one for one in judged if one[0] == first[0] and one[3] == first[3])  # prefers a name to "she"
        return next(same)[2]

    def _anew(self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]) -> Iterator[Event]:
        events: Iterator[Event] | None = None
        failed = ""
        try:
            events = self._leading(asked, told, wanted, stopped)
            yield from events or ()
        except ModelError as error:
            logger.warning("model failed", extra={"problem": error.problem})
            failed = str(error)
        if events is None:
            yield told.searched(self._finder.hits(asked.text, wanted))
        if failed:
            yield self._answer(told, "failed", failed)
        elif stopped():
            yield self._answer(told, "stopped")
        elif events is None or not (told.shown or told.lead):
            unknown = told.unknown or self._finder.unknown(asked.text)
            yield self._answer(told, "abstained", told.refused or replies.refusal(unknown))
        else:
            yield self._answer(told, "answered" if all(c.verdict == "supported" for c in told.shown) else "partial")

    def _leading(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        """The events of the first way that finds something; None if none does, or once stopped."""
        scopes = [_within(wanted, asked.near), wanted] if asked.near else [wanted]
        for options in scopes:
            for way in self._ways.of(asked, told, options, stopped):
                events = None if stopped() else way()
                if events is not None and not stopped():
                    return events
        return None

    def _answer(self, told: Telling, status: Status, text: str = "") -> Answer:
        index = self._finder.index
        answer = told.answer(status, self._generator.name, index.generation, text)
        as_of = max((index.article(path).published[:10] for path in answer.articles), default="")
        answer = replace(answer, as_of=as_of)
        _log(answer)
        return answer


@dataclass(frozen=True, slots=True)
class _Following:
    """A reading of a follow-up.

    `near`: the only articles that are searched, () for all; `least`: answer threshold; `sure`: the best answer reaches
    LIKELIER.
    """

    text: str
    near: tuple[str, ...] = ()
    least: float = _FOLLOWING
    sure: bool = False


def _within(wanted: SearchOptions, articles: tuple[str, ...]) -> SearchOptions:
    return replace(wanted, filters=replace(wanted.filters, articles=articles))


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
