"""A question to a checked answer: search, read, let the model word it, check every claim.

Decides what is shown, withheld and refused. Knows nothing of pages and terminals.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from threading import Lock
from typing import Literal

from cachetools import LRUCache

from citewire.index.errors import InputError, ModelError
from citewire.index.options import SearchOptions
from citewire.index.scope import require_match
from citewire.index.search import Reranker, search
from citewire.index.store import Index
from citewire.index.types import Embedder, Hit, Span
from citewire.qa import analysis, arithmetic, claims, conflicts, facts, followup, parts, prompt, timeline, values
from citewire.qa.claims import Judgement, Place
from citewire.qa.evidence import ANSWERS, Evidence, gather, odds
from citewire.qa.parts import Whole
from citewire.qa.reader import Reader, Window
from citewire.qa.types import (
    REFUSAL,
    Answer,
    AnswerHit,
    Checked,
    Claim,
    Conflict,
    Draft,
    Event,
    Generator,
    Message,
    Quote,
    Searched,
    Status,
    TimelinePoint,
    Timings,
    Turn,
)  # fmt: skip
from citewire.qa.values import Value
from citewire.qa.verdicts import TRUSTED, Checker

_NEAR_BEST = 7.0  # times by which the odds of a sentence may be behind the best, and it is still given to the model
_MAX_CLAIMS = 3  # a small model that goes on past this repeats or invents
_SHORT = 12  # words of a short answer at most
_SEARCHES = 256  # searches whose hits are kept: one answer makes several, the next question some of them again
_COMPARED = 16  # passages, copies of a story too, in which other values for what was answered are looked for
_DECIDED = 0.7  # probability of support or contradiction from which a question of yes or no is told
_UNANSWERED = "Not in the sources: {}"  # said of a part of the question
_WARMING = "What was said?"

logger = logging.getLogger("citewire.qa.answer")


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How an answer is made.

    Attributes:
        search: which passages are retrieved. Copies of an article count as one source.
        evidence: most sentences given to the model.
        max_tokens: most tokens of the model's reply.
        max_prompt_tokens: most tokens of its prompt; evidence is dropped, weakest first, until it fits.
        max_question_chars: longest question accepted.
        unsupported: whether a claim that no quote supports is withheld, shown and marked, or shown as it is.
        cached: most answers kept in memory, to be given again where the same is asked; the least used go first.
    """

    search: SearchOptions = field(default_factory=lambda: SearchOptions(k=8, copies=1))
    evidence: int = 4
    max_tokens: int = 160
    max_prompt_tokens: int = 1200
    max_question_chars: int = 2000
    unsupported: Literal["withheld", "marked", "kept"] = "withheld"
    cached: int = 128


@dataclass(slots=True)
class _Part:
    """A question that is searched and answered alone: the whole one, or one of those it consists of.

    Attributes:
        text: the question.
        hits: the passages found.
        evidence: their sentences, the likeliest to answer first.
        chosen: those that the model is given, none where nothing answers.
        polarity: "Yes" or "No" where that is asked and the best sentence tells it, else "".
        claims: numbers of its claims in the answer; parts can share one.
    """

    text: str
    hits: Sequence[Hit]
    evidence: Sequence[Evidence]
    chosen: Sequence[Evidence]
    polarity: str = ""
    claims: Sequence[int] = ()

    @property
    def probability(self) -> float:
        """How likely it has an answer."""
        return max((one.probability for one in self.evidence), default=0.0)


@dataclass(slots=True)
class _Progress:
    """What is known of the answer so far."""

    question: str
    started: float
    standalone: str = ""
    hits: tuple[AnswerHit, ...] = ()
    claims: list[Claim] = field(default_factory=list)
    conflicts: tuple[Conflict, ...] = ()
    timeline: tuple[TimelinePoint, ...] = ()
    short: str = ""
    numbers: dict[Place, int] = field(default_factory=dict)
    timings: Timings = field(default_factory=Timings)

    def seconds(self) -> float:
        return round(time.perf_counter() - self.started, 4)


class Answerer:
    """Answers questions about one index with one model; safe to use from several threads.

    Hits and answers are kept for when they are asked for again, as long as this object: over one generation of one
    index, with one model and one set of options, they stay the same.
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
        self._index = index
        self._embedder = embedder
        self._generator = generator
        self._reader = reader
        self._options = options or AnswerOptions()
        self._reranker = reranker
        self._checker = Checker(reader)
        self._lock = Lock()  # of the two caches
        self._searches: LRUCache[tuple[str, str], list[Hit]] = LRUCache(_SEARCHES)
        self._answers: LRUCache[tuple[str, str, str], list[Event]] = LRUCache(self._options.cached)

    @property
    def options(self) -> AnswerOptions:
        """How answers are made."""
        return self._options

    def over(self, index: Index) -> Answerer:
        """Return an answerer over another index, or another generation of this one, with the same models."""
        return Answerer(index, self._embedder, self._generator, self._reader, self._options, self._reranker)

    def warm_up(self) -> None:
        """Do what the first question would wait for: load the pipeline, read the part that all prompts begin with.

        Raises:
            ModelError: the model went away.
            InputError: filters that leave no article.
        """
        self.evidence(_WARMING)
        deque(self._generator.generate(prompt.build([_WARMING], _WARMING), max_tokens=1), maxlen=0)

    def evidence(self, text: str, *, search: SearchOptions | None = None) -> list[Evidence]:
        """Return the sentences that the model would be given, best first; none where the question would be refused.

        Arguments and errors as in `stream`; the model is not asked.
        """
        return list(self._part(self._checked_question(text), search or self._options.search).chosen)

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
    ) -> Iterator[Event]:
        """Yield one Searched, then Drafts and Checked as the model writes, then the Answer.

        Args:
            text: the question.
            history: earlier turns of the conversation, oldest first.
            stopped: polled between tokens; once true, the answer ends with status "stopped".
            search: in place of the options' own, for this question.

        Raises:
            InputError: an empty or too long question, at once; on the first `next`, filters that leave no article.
            ModelError: on the first `next`, a reranker that does not load.
        """
        asked = self._checked_question(text)
        return self._stream(asked, history, stopped, search or self._options.search)

    def _checked_question(self, text: str) -> str:
        asked = " ".join(text.split())
        if not asked:
            raise InputError("the question is empty", "Type a question about the articles")
        limit = self._options.max_question_chars
        if len(asked) > limit:
            raise InputError(
                f"the question has {len(asked):,} characters, {limit:,} are allowed", "Ask it in fewer words"
            )
        return asked

    def _stream(
        self, asked: str, history: Sequence[Turn], stopped: Callable[[], bool], wanted: SearchOptions
    ) -> Iterator[Event]:
        state = _Progress(asked, time.perf_counter())
        state.standalone = self._standalone(asked, history, wanted)
        key = (asked, state.standalone, repr(wanted))  # all that an answer is made of; the filters have no hash
        with self._lock:
            kept = self._answers.get(key)
        if kept is not None:
            yield from self._again(kept, state)
            return
        told: list[Event] = []
        for event in self._anew(state, wanted, stopped):
            if not isinstance(event, Draft):
                told.append(event)
            yield event
        if isinstance(event, Answer) and event.status not in ("stopped", "failed") and self._options.cached:
            with self._lock:
                self._answers[key] = told

    def _again(self, told: Sequence[Event], state: _Progress) -> Iterator[Event]:
        """Tell what was told before, with the time that it takes now."""
        for event in told:
            if isinstance(event, Answer):
                event = replace(event, timings=Timings(total_s=state.seconds(), cached=True))
                _log(event)
            yield event

    # -- what is asked and what answers it ---------------------------------------------------------------------

    def _standalone(self, asked: str, history: Sequence[Turn], wanted: SearchOptions) -> str:
        """Of the questions that a follow-up can stand for, likeliest first, the first that the articles answer."""
        candidates = tuple(dict.fromkeys((*followup.follow_up(asked, history), asked)))
        if len(candidates) == 1:
            return asked
        answered = (text for text in candidates if self._part(text, wanted).chosen)
        return next(answered, candidates[0])

    def _part(self, text: str, wanted: SearchOptions) -> _Part:
        hits = self._hits(text, wanted)
        evidence = gather(text, hits, self._index.article, self._reader)
        chosen = self._choose(text, evidence)
        return _Part(text, hits, evidence, chosen, self._polarity(text, chosen))

    def _polarity(self, text: str, chosen: Sequence[Evidence]) -> str:
        """Return "Yes" or "No" where a question asks for that and its best sentence says so."""
        stated = analysis.statement(text)
        if not stated or not chosen:
            return ""
        support = self._reader.verify([(stated, chosen[0].text)])[0]
        said = "Yes" if support.supported > support.refuted else "No"
        return said if max(support.supported, support.refuted) >= _DECIDED else ""

    def _hits(self, query: str, wanted: SearchOptions) -> list[Hit]:
        """Raises: InputError where the filters leave nothing, which a refusal would hide."""
        key = (query, repr(wanted))
        with self._lock:
            kept = self._searches.get(key)
        if kept is not None:
            return kept
        hits = search(self._index, self._embedder, query, wanted, self._reranker)
        if not hits:
            require_match(self._index, wanted)
        with self._lock:
            self._searches[key] = hits
        return hits

    def _choose(self, text: str, evidence: Sequence[Evidence]) -> list[Evidence]:
        """The sentences that answer and are near the best, each once; the newest first where it is asked what holds."""
        best = max((one.probability for one in evidence), default=0.0)
        if best < ANSWERS:
            return []
        near = [one for one in evidence if odds(one.probability) * _NEAR_BEST >= odds(best)]
        ordered = timeline.newest_first(text, near, self._index.article)
        once = {" ".join(facts.words(one.text)): one for one in reversed(ordered)}
        return list(once.values())[::-1][: self._options.evidence]

    def _parts(self, state: _Progress, wanted: SearchOptions) -> tuple[Whole, list[_Part]]:
        """The questions answered alone; the whole one where another sentence than those of its parts answers it."""
        whole = parts.whole(state.standalone)
        found = [self._part(text, wanted) for text in whole.parts]
        if found and all(part.chosen for part in found):
            return whole, found
        one = self._part(state.standalone, wanted)
        told = [part.chosen[0] for part in found if part.chosen]
        if not told or (one.chosen and not _same_place(one.chosen[0], told)):
            return Whole(), [one]
        return whole, found

    # -- the answer --------------------------------------------------------------------------------------------

    def _anew(self, state: _Progress, wanted: SearchOptions, stopped: Callable[[], bool]) -> Iterator[Event]:
        state.hits = _reported([self._hits(state.standalone, wanted)])
        state.timings = replace(state.timings, retrieve_s=state.seconds())
        yield Searched(state.standalone, state.hits)
        whole, found = self._parts(state, wanted)
        state.hits = _reported([part.hits for part in found])
        state.timings = replace(state.timings, evidence_s=round(state.seconds() - state.timings.retrieve_s, 4))
        if stopped():
            yield self._answer(state, "stopped")
        elif not any(part.chosen for part in found):
            yield self._answer(state, "abstained", REFUSAL)
        else:
            yield from self._write_all(state, whole, found, wanted, stopped)

    def _write_all(
        self,
        state: _Progress,
        whole: Whole,
        found: Sequence[_Part],
        wanted: SearchOptions,
        stopped: Callable[[], bool],
    ) -> Iterator[Event]:
        if timeline.asks(state.standalone):
            one = found[0] if not whole.parts else self._part(state.standalone, wanted)
            state.timeline = timeline.points(one.text, one.evidence, self._index.article)
        for part in found if whole.parts or not state.timeline else ():
            try:
                yield from self._write(state, part, stopped) if part.chosen else self._unanswered(state, part)
            except ModelError as error:
                logger.warning("model failed", extra={"problem": error.problem})
                yield self._answer(state, "failed", str(error))
                return
            if stopped():
                yield self._answer(state, "stopped")
                return
        yield from self._computed(state, whole, found)
        yield from self._quoted(state)
        for part in found:
            yield from self._disagreements(state, part, wanted)
        state.short = self._short(state, found[0]) if len(found) == 1 else ""
        shown = [c for c in state.claims if c.shown]
        yield self._answer(state, "answered" if all(c.verdict == "supported" for c in shown) else "partial")

    def _write(self, state: _Progress, part: _Part, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Let the model answer one part, check what it says, and quote the best sentence where that leaves it out."""
        messages, chosen = self._fit(list(part.chosen), part.text)
        first = len(state.claims)
        yield from self._check_all(state, messages, chosen, part, stopped)
        if stopped():
            return
        again = []
        if not self._says_best(state.claims[first:], chosen[0]):
            text = " ".join(chosen[0].text.split())
            if said := [n for n, c in enumerate(state.claims) if c.shown and c.text == text]:
                again = said  # of another part
            else:
                yield Checked(self._add(state, _led(part.polarity, chosen[0].text), _verbatim(chosen[0])))
        part.claims = (*range(first, len(state.claims)), *again)

    def _fit(self, chosen: list[Evidence], asked: str) -> tuple[list[Message], list[Evidence]]:
        while True:
            messages = prompt.build([one.text for one in chosen], asked)
            if len(chosen) == 1 or self._generator.count_tokens(messages) <= self._options.max_prompt_tokens:
                return messages, chosen
            chosen = chosen[:-1]

    def _check_all(
        self,
        state: _Progress,
        messages: list[Message],
        chosen: Sequence[Evidence],
        part: _Part,
        stopped: Callable[[], bool],
    ) -> Iterator[Event]:
        enough = False
        pieces = self._counted(
            state,
            messages,
            self._generator.generate(
                messages, max_tokens=self._options.max_tokens, stopped=lambda: enough or stopped()
            ),
        )
        said: set[str] = set()
        for text, whole in claims.arriving(pieces):
            plain, cited = claims.strip_markers(text)
            if not whole:
                if not enough:
                    yield Draft(plain)
                continue
            polarity, plain = claims.polarity(plain)
            key = " ".join(facts.words(plain))
            if enough or stopped() or not key or key in said:
                continue
            said.add(key)
            if polarity and polarity != part.polarity:
                continue  # the model says yes where the best sentence says no, or neither
            before = time.perf_counter()
            judgement = claims.judge(plain, cited, chosen, self._index.article, self._checker)
            answers = self._is_answer(part.text, plain, chosen)
            check_s = round(state.timings.check_s + time.perf_counter() - before, 4)
            state.timings = replace(state.timings, check_s=check_s)
            if answers and (told := self._worded(state, plain, judgement, chosen)):
                yield Checked(self._add(state, _led(part.polarity, told[0]), told[1]))
            enough = len(state.claims) >= _MAX_CLAIMS

    def _worded(
        self, state: _Progress, text: str, judgement: Judgement, chosen: Sequence[Evidence]
    ) -> tuple[str, Judgement] | None:
        """A sentence of the model as it is shown: its quote in its place where the check is not sure enough of it."""
        if judgement.verdict == "unsupported" or judgement.probability >= TRUSTED:
            return text, judgement
        if self._options.unsupported != "withheld":
            return text, judgement
        home = next(one for one in chosen if judgement.places[0] == claims.verbatim_place(one))
        if any(c.shown and c.text == " ".join(home.text.split()) for c in state.claims):
            return None
        return home.text, _verbatim(home)

    def _is_answer(self, question: str, claim: str, chosen: Sequence[Evidence]) -> bool:
        """Whether a claim answers what was asked: it gives the words that the reader found, or reads as an answer."""
        if any(one.words and _gives(claim, one.words) for one in chosen):
            return True
        return self._reader.read(question, [Window(claim)])[0].probability >= ANSWERS

    def _says_best(self, said: Sequence[Claim], best: Evidence) -> bool:
        """Whether a supported claim quotes the best sentence, or gives the words of it that answer."""
        supported = [c for c in said if c.shown and c.verdict == "supported"]
        return any(
            any(_overlap(quote, best.article, best.span) for quote in c.quotes) or _gives(c.text, best.words)
            for c in supported
        )

    def _counted(self, state: _Progress, messages: list[Message], pieces: Iterator[str]) -> Iterator[str]:
        """Pass `pieces` on and note the time of the first and their number."""
        state.timings = replace(state.timings, prompt_tokens=self._generator.count_tokens(messages))
        before = time.perf_counter()
        for piece in pieces:
            timings = state.timings
            state.timings = replace(
                timings,
                first_token_s=timings.first_token_s or state.seconds(),
                output_tokens=timings.output_tokens + 1,
                generate_s=round(time.perf_counter() - before, 4),
            )
            yield piece

    def _unanswered(self, state: _Progress, part: _Part) -> Iterator[Event]:
        claim = Claim(_UNANSWERED.format(part.text), "unsupported", 0.0, "no passage answers it", True, ())
        part.claims = (len(state.claims),)
        state.claims.append(claim)
        yield Checked(claim)

    def _quoted(self, state: _Progress) -> Iterator[Event]:
        """The sentences of a timeline that no claim quotes yet, word for word."""
        for point in state.timeline:
            span = Span(point.start, point.end)
            if not any(_overlap(q, point.article, span) for c in state.claims if c.shown for q in c.quotes):
                yield Checked(self._add(state, point.text, claims.verbatim(point.article, span, point.text)))

    def _short(self, state: _Progress, part: _Part) -> str:
        """The few words that answer: those that the sentences together make likeliest; "" without a supported claim."""
        if not part.chosen or not any(state.claims[n].verdict == "supported" for n in part.claims):
            return ""
        weights: dict[str, float] = {}
        words: dict[str, str] = {}
        for one in part.chosen:
            if one.words and len(one.words.split()) <= _SHORT:
                key = " ".join(facts.words(one.words))
                weights[key] = weights.get(key, 0.0) + one.probability * one.sure
                words.setdefault(key, one.words)
        return words[max(weights, key=lambda key: weights[key])] if weights else ""

    def _computed(self, state: _Progress, whole: Whole, found: Sequence[_Part]) -> Iterator[Event]:
        """What the figures or days of the parts come to, computed by code, where the question asks for that."""
        if not whole.operation or not all(part.chosen for part in found):
            return
        best = [part.chosen[0] for part in found]
        given = [
            values.value(part.text, one, self._index.article(one.article))
            for part, one in zip(found, best, strict=True)
        ]
        result = _result(whole, [part.text for part in found], [one.text for one in best], given)
        if result is None:
            return
        quotes = [self._numbered(state, claims.verbatim_place(part.chosen[0])) for part in found]
        text = f"{result.sentence.rstrip('.')} ({result.formula})."
        probability = min(part.probability for part in found)
        claim = Claim(text, "supported", round(probability, 3), "", True, tuple(dict.fromkeys(quotes)))
        state.claims.append(claim)
        yield Checked(claim)

    def _disagreements(self, state: _Progress, part: _Part, wanted: SearchOptions) -> Iterator[Event]:
        """Other values that sources give for what a part answered: kept as a conflict, and each of them quoted."""
        if not part.chosen:
            return
        hits = self._hits(part.text, replace(wanted, k=max(_COMPARED, wanted.k), copies=None))
        evidence = gather(part.text, hits, self._index.article, self._reader)
        for conflict in conflicts.find(part.text, evidence, self._index.article, self._reader):
            state.conflicts += (conflict,)
            for value in conflict.values:
                home = next((e for e in evidence if e.article == value.article and _inside(e.span, value.start)), None)
                quoted = [q for c in state.claims if c.shown for q in c.quotes]
                if home and not any(_overlap(q, home.article, home.span) for q in quoted):
                    yield Checked(self._add(state, home.text, _verbatim(home)))

    def _add(self, state: _Progress, text: str, judgement: Judgement) -> Claim:
        shown = judgement.verdict != "unsupported" or self._options.unsupported != "withheld"
        quotes = tuple(self._numbered(state, place) for place in judgement.places)
        claim = Claim(" ".join(text.split()), judgement.verdict, judgement.probability, judgement.reason, shown, quotes)
        state.claims.append(claim)
        return claim

    def _numbered(self, state: _Progress, place: Place) -> Quote:
        number = state.numbers.setdefault(place, len(state.numbers) + 1)
        return Quote(number, place.article, place.span.start, place.span.end, place.text)

    def _answer(self, state: _Progress, status: Status, text: str = "") -> Answer:
        if not text:
            text = " ".join(f"{c.text} {c.marks}".rstrip() for c in state.claims if c.shown)
        state.timings = replace(state.timings, total_s=state.seconds())
        quoted = {q.article for c in state.claims if c.shown for q in c.quotes}
        as_of = max((self._index.article(path).published[:10] for path in quoted), default="")
        answer = Answer(
            state.question, state.standalone, status, text, tuple(state.claims), state.conflicts, state.timeline,
            as_of, state.short, state.hits, state.timings, self._generator.name, self._index.generation,
        )  # fmt: skip
        _log(answer)
        return answer


def _result(
    whole: Whole, questions: Sequence[str], quotes: Sequence[str], given: Sequence[Value | None]
) -> arithmetic.Result | None:
    """What the values come to; None where they do not fit together."""
    operation = whole.operation
    if not operation or any(value is None for value in given):
        return None
    labels = [analysis.topic(text) or text.rstrip(" ?") for text in questions]
    told = [
        (label, value, quote) for label, value, quote in zip(labels, given, quotes, strict=True) if value is not None
    ]
    if all(value.days for _, value, _ in told):
        moments = [arithmetic.moment(*one) for one in told]
        result = arithmetic.compute_days(operation, [one for one in moments if one])
    else:
        figures = [arithmetic.figure(*one) for one in told]
        if any(one is None for one in figures):
            return None
        same_time = whole.kind == "comparison"
        result = arithmetic.compute(operation, [one for one in figures if one], same_time=same_time)
    return None if isinstance(result, arithmetic.Refusal) else result


def _gives(claim: str, words: str) -> bool:
    """Whether a claim gives the words of a sentence that answer: their figures, else all that carry meaning."""
    figures = facts.numbers(words)
    if figures:
        there = facts.numbers(claim)
        return all(any(figure.matches(other) for other in there) for figure in figures)
    said = {token.lemma_.lower() for token in analysis.read(claim)}
    wanted = {token.lemma_.lower() for token in analysis.read(words) if token.is_alpha and not token.is_stop}
    return bool(wanted) and wanted <= said


def _led(polarity: str, text: str) -> str:
    return f"{polarity}: {text}" if polarity else text


def _reported(found: Sequence[Sequence[Hit]]) -> tuple[AnswerHit, ...]:
    """The hits of all parts, each once, the parts' best first."""
    ranked = [hit for rank in zip_longest(*found) for hit in rank if hit is not None]
    once: dict[tuple[str, int], Hit] = {}
    for hit in ranked:
        once.setdefault((hit.passage.article, hit.passage.start), hit)
    return tuple(
        AnswerHit(h.passage.article, h.passage.start, h.passage.end, round(h.score, 6), h.passage.text)
        for h in once.values()
    )


def _same_place(one: Evidence, others: Sequence[Evidence]) -> bool:
    return any((one.article, one.span) == (other.article, other.span) for other in others)


def _inside(span: Span, place: int) -> bool:
    return span.start <= place < span.end


def _overlap(quote: Quote, article: str, span: Span) -> bool:
    return quote.article == article and quote.start < span.end and span.start < quote.end


def _verbatim(evidence: Evidence) -> Judgement:
    return claims.verbatim(evidence.article, evidence.span, evidence.text)


def _log(answer: Answer) -> None:
    verdicts = [claim.verdict for claim in answer.claims]
    told = {"status": answer.status, "verdicts": verdicts, "question": answer.question}
    logger.info("answered", extra={**told, **asdict(answer.timings)})
