"""A question to a checked answer: search, choose evidence, let the model word it, check every claim.

Decides what is shown, withheld and refused. Knows nothing of pages and terminals.
"""

from __future__ import annotations

import logging
import re
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
from citewire.qa import (
    arithmetic,
    casing,
    claims,
    conflicts,
    facts,
    findings,
    parts,
    prompt,
    question,
    roles,
    short,
    timeline,
    values,
)  # fmt: skip
from citewire.qa.claims import Judgement, Place
from citewire.qa.evidence import Evidence, gather
from citewire.qa.judge import Judge
from citewire.qa.opinion import ModelOpinion
from citewire.qa.parts import Whole
from citewire.qa.types import (
    REFUSAL,
    Answer,
    AnswerHit,
    Checked,
    Claim,
    Conflict,
    ConflictValue,
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
from citewire.qa.vectors import WordVectors
from citewire.qa.verdicts import Checker, Opinion

_NEAR_BEST = 0.7  # share of the best evidence's score from which a sentence is given to the model
_SURELY = 0.6  # probability of the few words that answer from which another name, given by the model, is a wrong one
_FIGURES = ("count", "amount", "percent")
_COMPARABLE = (*_FIGURES, "date", "person")  # answers told apart well enough to be set side by side
_MAX_CLAIMS = 3  # a small model that goes on past this repeats or invents
_SEARCHES = 256  # searches whose hits are kept: one answer makes several, the next question some of them again
_COMPARED = 16  # passages, copies of a story too, in which other values for what was answered are looked for
_UNANSWERED = "Not in the sources: {}"  # said of a part of the question
_WHEN = re.compile(r"\s(?:in|during|since|by|on)\s(?:\w+\s)?(?:19|20)\d\d\b")
_WARMING = "What was said?"
_NOT_SAID = "The sources do not say that {}."  # said of what a question takes for granted

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
        leaned_on: the earlier question that a follow-up still leans on, "" if it stands alone.
        parsed: taken apart.
        hits: the passages found.
        evidence: their sentences, those that can answer first.
        judge: what the sentences and claims of this question are held against.
        chosen: the sentences that the model is given, none where nothing answers.
        claims: numbers of its claims in the answer; parts can share one.
    """

    text: str
    leaned_on: str
    parsed: question.Question
    hits: Sequence[Hit]
    judge: Judge
    evidence: Sequence[Evidence] = ()
    chosen: Sequence[Evidence] = ()
    claims: Sequence[int] = ()


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
    writing: bool = False  # whether the model is in the middle of its reply
    numbers: dict[Place, int] = field(default_factory=dict)
    timings: Timings = field(default_factory=Timings)

    def seconds(self) -> float:
        return round(time.perf_counter() - self.started, 4)


class Answerer:
    """Answers questions about one index with one model; safe to use from several threads.

    Hits and answers are kept for when they are asked for again, as long as this object: over one generation of one
    index, with one model and one set of options, they stay the same. Whether a quote supports a claim is asked of
    `opinion`, also while the model writes; without one the model is asked.
    """

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        generator: Generator,
        options: AnswerOptions | None = None,
        reranker: Reranker | None = None,
        opinion: Opinion | None = None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._generator = generator
        self._options = options or AnswerOptions()
        self._reranker = reranker
        self._vectors = WordVectors(embedder)
        self._opinion = opinion
        self._checker = Checker(self._vectors, opinion or ModelOpinion(generator))
        self._busy_checker = self._checker if opinion else Checker(self._vectors)  # the model cannot be asked mid-reply
        self._lock = Lock()  # of the two caches
        self._searches: LRUCache[tuple[str, str], list[Hit]] = LRUCache(_SEARCHES)
        self._answers: LRUCache[tuple[str, question.FollowUp, str], list[Event]] = LRUCache(self._options.cached)

    @property
    def options(self) -> AnswerOptions:
        """How answers are made."""
        return self._options

    def over(self, index: Index) -> Answerer:
        """Return an answerer over another index, or another generation of this one, with the same models."""
        return Answerer(index, self._embedder, self._generator, self._options, self._reranker, self._opinion)

    def warm_up(self) -> None:
        """Do what the first question would wait for: load word lists, read the part that all prompts begin with.

        Raises:
            ModelError: the model went away.
            InputError: filters that leave no article.
        """
        self.evidence(_WARMING)
        deque(self._generator.generate(prompt.build([_WARMING], _WARMING), max_tokens=1), maxlen=0)
        (self._opinion or ModelOpinion(self._generator))(_WARMING, _WARMING)

    def evidence(self, text: str, *, search: SearchOptions | None = None) -> list[Evidence]:
        """Return the sentences that the model would be given, best first; none where the question would be refused.

        Arguments and errors as in `stream`; the model is not asked.
        """
        wanted = search or self._options.search
        part = self._searched(self._cased(self._checked_question(text), wanted), "", wanted)
        self._gather(part)
        return list(part.chosen)

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
            history: earlier turns of the conversation, oldest first; only the last is leaned on.
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
        followed = question.follow_up(self._cased(asked, wanted), history)
        key = (asked, followed, repr(wanted))  # all that an answer is made of; the filters in `wanted` have no hash
        with self._lock:
            kept = self._answers.get(key)
        if kept is not None:
            yield from self._again(kept, state)
            return
        told: list[Event] = []
        for event in self._anew(state, followed, wanted, stopped):
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

    def _anew(
        self, state: _Progress, followed: question.FollowUp, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event]:
        state.standalone = followed.text
        whole = parts.whole(followed.text)
        found = [self._searched(text, "", wanted) for text in whole.parts]
        found = found or [self._searched(followed.text, followed.leaned_on, wanted)]
        state.hits = _reported(found)
        state.timings = replace(state.timings, retrieve_s=state.seconds())
        yield Searched(state.standalone, state.hits)
        for part in found:
            self._gather(part)
        if len(found) > 1 and not any(part.chosen for part in found):  # one sentence may answer it as a whole
            parts_hits, whole = found, Whole()
            found = [self._searched(followed.text, followed.leaned_on, wanted)]
            self._gather(found[0])
            state.hits = _reported([*parts_hits, *found])
        state.timings = replace(state.timings, evidence_s=round(state.seconds() - state.timings.retrieve_s, 4))
        if stopped():
            yield self._answer(state, "stopped")
        elif not any(part.chosen for part in found):
            yield self._answer(state, "abstained", _refusal(found[0]))
        else:
            yield from self._write_all(state, whole, found, wanted, stopped)

    def _cased(self, asked: str, wanted: SearchOptions) -> str:
        """The question with capitals on its names, where it was typed without."""
        if casing.has_names(asked):
            return asked
        return casing.cased(asked, [hit.passage.text for hit in self._hits(asked, wanted)])

    def _searched(self, text: str, leaned_on: str, wanted: SearchOptions) -> _Part:
        day = "" if wanted.as_of == "newest" else wanted.as_of
        parsed = question.parse(text, leaned_on, day)
        title = roles.TITLE if roles.led(text) else ""
        hits = self._hits(f"{leaned_on} {parsed.text} {title}".strip(), wanted)
        return _Part(text, leaned_on, parsed, hits, Judge(parsed, self._vectors))

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

    def _gather(self, part: _Part) -> None:
        part.evidence = gather(part.parsed, part.hits, self._index.article, self._embedder, part.judge)
        part.chosen = self._choose(part.evidence, part.parsed)

    def _choose(self, found: Sequence[Evidence], parsed: question.Question) -> list[Evidence]:
        """The sentences that can answer, best first, or newest where it is asked what holds now.

        Of these the near best, and the best for each year asked about.
        """
        newest = timeline.prefer_newest(parsed, found, self._index.article, self._vectors)
        able = _of_whole_years([e for e in newest if not e.missing], parsed)
        chosen = [e for e in able if e.score >= _NEAR_BEST * able[0].score][: self._options.evidence]
        for year in sorted(parsed.years) if len(parsed.years) > 1 else []:
            chosen += [e for e in _about(able, year, parsed) if e not in chosen]
        return _distinct(chosen)

    def _write_all(
        self,
        state: _Progress,
        whole: Whole,
        found: Sequence[_Part],
        wanted: SearchOptions,
        stopped: Callable[[], bool],
    ) -> Iterator[Event]:
        if timeline.asks(state.standalone):
            state.timeline = self._course(state, whole, found, wanted)
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
        if whole.parts and not self._tells_course(state, found):
            state.timeline = ()
        yield from self._quoted(state)
        for part in found:
            yield from self._disagreements(state, part, wanted)
            yield from self._premise(state, part)
        state.short = self._short(state, found[0]) if len(found) == 1 else ""
        shown = [c for c in state.claims if c.shown]
        yield self._answer(state, "answered" if all(c.verdict == "supported" for c in shown) else "partial")

    def _course(
        self, state: _Progress, whole: Whole, found: Sequence[_Part], wanted: SearchOptions
    ) -> tuple[TimelinePoint, ...]:
        """What was so at different times, where the question asks how something changed."""
        part = found[0]
        if whole.parts:
            part = self._searched(state.standalone, "", wanted)
            self._gather(part)
        return timeline.points(part.parsed, part.evidence, self._index.article, self._vectors)

    def _tells_course(self, state: _Progress, found: Sequence[_Part]) -> bool:
        """Whether the figures of the timeline are those that the parts were answered with, one of which is its own."""
        supported = [(p, c) for p in found for n in p.claims if (c := state.claims[n]).verdict == "supported"]
        figures = [figure.number for part, claim in supported if (figure := _figure(part, claim))]
        given = [number for point in state.timeline for number in facts.numbers(point.value)]
        return all(any(number.matches(figure) for figure in figures) for number in given)

    def _quoted(self, state: _Progress) -> Iterator[Event]:
        """The sentences of a timeline that no claim quotes yet, word for word."""
        for point in state.timeline:
            span = Span(point.start, point.end)
            if not any(_overlap(q, point.article, span) for c in state.claims if c.shown for q in c.quotes):
                yield Checked(self._add(state, point.text, claims.verbatim(point.article, span, point.text)))

    def _premise(self, state: _Progress, part: _Part) -> Iterator[Event]:
        """Say so where a question asks for the reason of something that neither evidence nor answer says."""
        premise = question.presupposition(part.text) if part.chosen and part.parsed.expects == "reason" else ""
        if not premise:
            return
        known = facts.name_words([part.text, *(h.text for h in state.hits)])
        told = [c.text for n in part.claims if (c := state.claims[n]).shown and c.verdict == "supported"]
        untimed = _WHEN.sub("", premise)  # news says the year once, if at all
        said = self._checker.check(untimed, [*told, *(e.text for e in part.evidence)], known=known).verdict
        if said != "supported":
            self._withhold_repeats(state, part, premise)
            claim = Claim(_NOT_SAID.format(premise), "unsupported", 0.0, "no sentence says it", True, ())
            state.claims.append(claim)
            yield Checked(claim)

    def _withhold_repeats(self, state: _Progress, part: _Part, premise: str) -> None:
        """Take out claims that only repeat what no source says."""
        asked = facts.terms(premise)
        for n in part.claims:
            claim = state.claims[n]
            new = [t for t in facts.terms(claim.text) if not any(facts.same_root(t, a) for a in asked)]
            if claim.verdict != "supported" and not new and self._options.unsupported == "withheld":
                state.claims[n] = replace(claim, shown=False)

    def _short(self, state: _Progress, part: _Part) -> str:
        """The few words that answer, of the first supported claim that has any."""
        for claim in (state.claims[n] for n in part.claims):
            quotes = [q.text for q in claim.quotes]
            found = (
                short.short(part.parsed, claim.text, quotes, self._vectors) if claim.verdict == "supported" else None
            )
            if found:
                return found.text
        return ""

    def _unanswered(self, state: _Progress, part: _Part) -> Iterator[Event]:
        claim = Claim(_UNANSWERED.format(part.text), "unsupported", 0.0, "no passage answers it", True, ())
        part.claims = (len(state.claims),)
        state.claims.append(claim)
        yield Checked(claim)

    def _write(self, state: _Progress, part: _Part, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Let the model answer one part, check what it says, and quote what it left out."""
        asked = f"{part.leaned_on} {part.text}" if part.parsed.elliptic else part.text
        messages, chosen = self._fit(list(part.chosen), asked)
        known = facts.name_words([part.text, *(h.text for h in state.hits)])
        first = len(state.claims)
        yield from self._check_all(state, messages, chosen, part, known, stopped)
        if stopped():
            return
        again = []
        for evidence in self._unsaid(state.claims[first:], chosen, part):
            text = " ".join(evidence.text.split())
            if said := [n for n, c in enumerate(state.claims) if c.shown and c.text == text]:
                again += said  # of another part
            else:
                yield Checked(self._add(state, evidence.text, _verbatim(evidence)))
        part.claims = (*range(first, len(state.claims)), *again)

    def _computed(self, state: _Progress, whole: Whole, found: Sequence[_Part]) -> Iterator[Event]:
        """What the figures of the parts come to, computed by code, where the question asks for that."""
        supported = [[c for n in part.claims if (c := state.claims[n]).verdict == "supported"] for part in found]
        if not whole.operation or not all(supported):
            return
        first = [told[0] for told in supported]
        quotes = [claim.quotes[0] for claim in first]
        if all(part.parsed.expects == "date" for part in found):
            moments = [self._moment(part, quote) for part, quote in zip(found, quotes, strict=True)]
            days = [moment for moment in moments if moment is not None]
            result = arithmetic.compute_days(whole.operation, days) if len(days) == len(found) else None
        else:
            answers = [_figure(part, claim) for part, claim in zip(found, first, strict=True)]
            figures = [figure for figure in answers if figure is not None]
            same_time = whole.kind == "comparison" and not any(part.parsed.periods for part in found)
            known = len(figures) == len(found)
            result = arithmetic.compute(whole.operation, figures, same_time=same_time) if known else None
        if result is None or isinstance(result, arithmetic.Refusal):
            return
        text = f"{result.sentence.rstrip('.')} ({result.formula})."
        probability = min(c.probability for part in found for n in part.claims if (c := state.claims[n]).shown)
        claim = Claim(text, "supported", probability, "", True, tuple(dict.fromkeys(quotes)))
        state.claims.append(claim)
        yield Checked(claim)

    def _moment(self, part: _Part, quote: Quote) -> arithmetic.Moment | None:
        """When the quote says that what a part asks the time of was."""
        dates = self._index.article(quote.article).dates
        label = question.event(part.text) or part.text
        return arithmetic.pick_moment(part.parsed, label, quote.text, dates, quote.start)

    def _disagreements(self, state: _Progress, part: _Part, wanted: SearchOptions) -> Iterator[Event]:
        """Other values that sources give for what a part answered: kept as a conflict, and each of them quoted."""
        if not part.chosen or not (part.parsed.expects in _COMPARABLE or _asks_place(part)):
            return
        if len(part.parsed.years) > 1:  # values of different years are no disagreement
            return
        wide = replace(wanted, k=max(_COMPARED, wanted.k), copies=None)
        hits = self._hits(f"{part.leaned_on} {part.parsed.text}".strip(), wide)
        evidence = gather(part.parsed, hits, self._index.article, self._embedder, part.judge)
        for conflict in conflicts.find(part.parsed, evidence, self._index.article, self._vectors):
            told = [t for n in part.claims if (c := state.claims[n]).verdict == "supported" for t in _told(part, c)]
            if not any(_tells(text, value.value) for text in told for value in conflict.values):
                continue  # of something beside what was answered
            homes = [next((e for e in evidence if _holds(e, v)), None) for v in conflict.values]
            state.conflicts += (conflict,)
            for home in homes:
                quoted = [q for c in state.claims if c.shown for q in c.quotes]
                if home and not any(_overlap(q, home.article, home.span) for q in quoted):
                    yield Checked(self._add(state, home.text, _verbatim(home)))

    def _fit(self, chosen: list[Evidence], asked: str) -> tuple[list[Message], list[Evidence]]:
        while True:
            messages = prompt.build([self._readable(e) for e in chosen], asked)
            if len(chosen) == 1 or self._generator.count_tokens(messages) <= self._options.max_prompt_tokens:
                return messages, chosen
            chosen = chosen[:-1]

    def _readable(self, evidence: Evidence) -> str:
        """The sentence, with whom or what it speaks of before it where it does not say so itself."""
        text = self._index.article(evidence.article).text if evidence.context else ""
        names = ", ".join(dict.fromkeys(text[span.start : span.end] for span in evidence.context))
        return f"({names}) {evidence.text}" if names else evidence.text

    def _check_all(
        self,
        state: _Progress,
        messages: list[Message],
        chosen: Sequence[Evidence],
        part: _Part,
        known: frozenset[str],
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
        focus = part.parsed.expects in (*_FIGURES, "date") and " and " not in part.text
        for text, whole in claims.arriving(pieces):
            plain, cited = claims.strip_markers(text)
            if not whole:
                if not enough:
                    yield Draft(plain)
                continue
            key = " ".join(facts.terms(plain))
            if enough or stopped() or not key or key in said:
                continue
            said.add(key)
            if focus:
                plain = claims.focused(plain, part.judge.answers)
            before = time.perf_counter()
            if not part.judge.answers(plain) or findings.reverses(plain, part.text):
                continue  # a sentence that only repeats the question, or tells of the highest for the lowest
            if self._misnames(plain, chosen, part):
                continue
            checker = self._busy_checker if state.writing else self._checker
            judgement = claims.judge(plain, cited, chosen, self._index.article, known, checker)
            check_s = round(state.timings.check_s + time.perf_counter() - before, 4)
            state.timings = replace(state.timings, check_s=check_s)
            yield Checked(self._add(state, plain, judgement))
            enough = len(state.claims) >= _MAX_CLAIMS

    def _misnames(self, said: str, chosen: Sequence[Evidence], part: _Part) -> bool:
        """Whether the model answers with a bare name, and the sentences it was given say otherwise.

        Such a name stands in its quote, so the check of the claim has nothing against it. Here it is put into the
        question, and compared with the few words of these sentences that answer.
        """
        name = said.strip(' .!"“”')
        texts = [e.text for e in chosen]
        if facts.names(name, facts.name_words(texts)) != [name]:
            return False
        statement = short.stated(part.text, name)
        if statement and self._busy_checker.check(statement, texts).verdict == "unsupported":
            return True
        found = short.short(part.parsed, "", texts, self._vectors)
        return found is not None and found.probability >= _SURELY and not _tells(said, found.text)

    def _counted(self, state: _Progress, messages: list[Message], pieces: Iterator[str]) -> Iterator[str]:
        """Pass `pieces` on and note the time of the first, their number and their end."""
        state.timings = replace(state.timings, prompt_tokens=self._generator.count_tokens(messages))
        before = time.perf_counter()
        state.writing = True
        for piece in pieces:
            timings = state.timings
            state.timings = replace(
                timings,
                first_token_s=timings.first_token_s or state.seconds(),
                output_tokens=timings.output_tokens + 1,
                generate_s=round(time.perf_counter() - before, 4),
            )
            yield piece
        state.writing = False

    def _unsaid(self, said: Sequence[Claim], chosen: Sequence[Evidence], part: _Part) -> list[Evidence]:
        """Evidence to quote word for word: exact words beat a wrong paraphrase.

        The best evidence, unless a supported claim quotes it, gives its figure as the answer, or already says what it
        has beyond the question; and evidence for each year asked about that no claim speaks of.
        """
        parsed = part.parsed
        supported = [c for c in said if c.shown and c.verdict == "supported"]
        text = " ".join(c.text for c in supported)
        quotes = [q for c in supported for q in c.quotes]
        quoted_best = any(_overlap(q, chosen[0].article, chosen[0].span) for q in quotes)
        figures = _figures(chosen[0].text)
        said_best = quoted_best or (supported and figures and figures <= _figures(f"{text} {parsed.text}"))
        if not said_best and parsed.expects in _FIGURES:
            answers = [figure.number for c in supported if (figure := _figure(part, c))]
            said_best = any(n.matches(a) for n in facts.numbers(chosen[0].text) for a in answers)
        ranked = findings.superlatives(parsed.text)  # a sentence that ranks nothing is no better than one that does
        if ranked and not ranked <= findings.superlatives(chosen[0].text):
            said_best = said_best or any(ranked <= findings.superlatives(q.text) for q in quotes)
        out = [] if said_best else [chosen[0]]
        if len(parsed.years) > 1:
            for year in sorted(parsed.years):
                quoted = " ".join([*(q.text for c in supported for q in c.quotes), *(e.text for e in out)])
                if year not in facts.years(quoted):
                    out += _about(chosen, year, parsed)
        return out

    def _add(self, state: _Progress, text: str, judgement: Judgement) -> Claim:
        shown = judgement.verdict != "unsupported" or self._options.unsupported != "withheld"
        quotes = tuple(
            Quote(
                state.numbers.setdefault(p, len(state.numbers) + 1),
                p.article,
                p.span.start,
                p.span.end,
                p.text,
            )
            for p in judgement.places
        )
        claim = Claim(" ".join(text.split()), judgement.verdict, judgement.probability, judgement.reason, shown, quotes)
        state.claims.append(claim)
        return claim

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


def _of_whole_years(able: Sequence[Evidence], parsed: question.Question) -> list[Evidence]:
    """Leave out what tells a figure of a quarter or half, where one of the whole year is asked for and told."""
    asked = parsed.periods and all(facts.whole_years(*period) for period in parsed.periods)
    if parsed.expects not in _FIGURES or not asked or values.part_of_year(parsed.text):
        return list(able)
    whole = [e for e in able if not values.part_of_year(e.text).startswith(("quarter", "half"))]
    return whole if any(parsed.years & facts.years(e.text) for e in whole) else list(able)


def _about(evidence: Sequence[Evidence], year: int, parsed: question.Question) -> list[Evidence]:
    """The sentence on `year` that has most of the question's names and terms in itself, if there is one."""
    wanted = {*parsed.terms, *(t for n in parsed.names for t in facts.terms(n))}
    having = [e for e in evidence if year in facts.years(e.text)]
    return sorted(having, key=lambda e: (-len(wanted & set(facts.terms(e.text))), -e.score))[:1]


def _figures(text: str) -> set[float]:
    return {n.value for n in facts.numbers(text)}


def _distinct(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Drop sentences that repeat one before them word for word."""
    return list({" ".join(facts.terms(e.text)): e for e in reversed(evidence)}.values())[::-1]


def _figure(part: _Part, claim: Claim) -> arithmetic.Figure | None:
    """The figure of a claim's quote that answers the part; where the quote leaves it open, the one the claim gives."""
    quote = claim.quotes[0].text
    period = part.parsed.periods[0] if len(part.parsed.periods) == 1 else ("", "")
    label = question.topic(part.text) or part.text
    if figure := arithmetic.pick(part.parsed, label, quote, period):
        return figure
    said = arithmetic.pick(part.parsed, label, claim.text, period)
    meant = [n for n in facts.numbers(quote) if said and n.matches(said.number)]
    return arithmetic.Figure(label, quote, meant[0], period) if len(meant) == 1 else None


def _told(part: _Part, claim: Claim) -> list[str]:
    """What of a claim answers the part: its figure where one is asked for, else all of it.

    Nothing of a sentence that is quoted as it stands: why it was chosen says little of what it is the value of.
    """
    if _asks_place(part):
        return [claim.text]
    if claim.text in (" ".join(q.text.split()) for q in claim.quotes):
        return []
    if part.parsed.expects in ("date", "person"):
        return [claim.text]
    figure = _figure(part, claim)
    return [figure.text] if figure else []


def _reported(found: Sequence[_Part]) -> tuple[AnswerHit, ...]:
    """The hits of all parts, each once, the parts' best first."""
    ranked = [hit for rank in zip_longest(*(part.hits for part in found)) for hit in rank if hit is not None]
    once: dict[tuple[str, int], Hit] = {}
    for hit in ranked:
        once.setdefault((hit.passage.article, hit.passage.start), hit)
    return tuple(
        AnswerHit(h.passage.article, h.passage.start, h.passage.end, round(h.score, 6), h.passage.text)
        for h in once.values()
    )


def _holds(evidence: Evidence, value: ConflictValue) -> bool:
    span = evidence.span
    return evidence.article == value.article and span.start <= value.start and value.end <= span.end


def _tells(text: str, value: str) -> bool:
    """Whether a text gives a value, a figure in whatever form."""
    if figures := facts.numbers(value):
        return all(any(f.matches(n) for n in facts.numbers(text)) for f in figures)
    return facts.has_name(value, text)


def _overlap(quote: Quote, article: str, span: Span) -> bool:
    return quote.article == article and quote.start < span.end and span.start < quote.end


def _verbatim(evidence: Evidence) -> Judgement:
    return claims.verbatim(evidence.article, evidence.span, evidence.text)


def _asks_place(part: _Part) -> bool:
    return part.parsed.expects == "named" and part.parsed.noun in question.COUNTRY_NOUNS


def _refusal(part: _Part) -> str:
    """The refusal, with what the nearest sentence lacks.

    What the question takes for granted is denied where a name in it stands in none of the passages: that it is said in
    other words cannot be told without the model.
    """
    premise = question.presupposition(part.text)
    unknown = [n for n in facts.names(premise) if not any(facts.has_name(n, h.passage.text) for h in part.hits)]
    text = f"{REFUSAL} {_NOT_SAID.format(premise)}" if unknown else REFUSAL
    if not part.evidence or part.evidence[0].score <= 0:
        return text
    return f"{text} The nearest passage does not give: {', '.join(part.evidence[0].missing)}."


def _log(answer: Answer) -> None:
    verdicts = [claim.verdict for claim in answer.claims]
    told = {"status": answer.status, "verdicts": verdicts, "question": answer.question}
    logger.info("answered", extra={**told, **asdict(answer.timings)})
