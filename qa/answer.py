"""A question to a checked answer: search, choose evidence, let the model word it, check every claim.

Decides what is shown, withheld and refused. Knows nothing of pages and terminals.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from citewire.index.errors import InputError, ModelError
from citewire.index.options import SearchOptions
from citewire.index.scope import require_match
from citewire.index.search import Reranker, search
from citewire.index.store import Index
from citewire.index.types import Embedder, Hit
from citewire.qa import claims, facts, prompt, question
from citewire.qa.claims import Judgement, Place
from citewire.qa.evidence import Evidence, Judge, WordVectors, gather
from citewire.qa.types import (
    Answer,
    AnswerHit,
    Checked,
    Claim,
    Draft,
    Event,
    Generator,
    Message,
    Quote,
    Searched,
    Status,
    Timings,
    Turn,
)  # fmt: skip

REFUSAL = "The sources do not have an answer to this."
_NEAR_BEST = 0.7  # share of the best evidence's score from which a sentence is given to the model
_MAX_CLAIMS = 3  # a small model that goes on past this repeats or invents

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
    """

    search: SearchOptions = field(default_factory=lambda: SearchOptions(k=8, copies=1))
    evidence: int = 4
    max_tokens: int = 160
    max_prompt_tokens: int = 1200
    max_question_chars: int = 2000
    unsupported: Literal["withheld", "marked", "kept"] = "withheld"


@dataclass(slots=True)
class _Progress:
    """What is known of the answer so far."""

    question: str
    started: float
    standalone: str = ""
    leaned_on: str = ""
    hits: tuple[AnswerHit, ...] = ()
    claims: list[Claim] = field(default_factory=list)
    numbers: dict[Place, int] = field(default_factory=dict)
    timings: Timings = field(default_factory=Timings)

    def seconds(self) -> float:
        return round(time.perf_counter() - self.started, 4)


class Answerer:
    """Answers questions about one index with one model; safe to use from several threads."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        generator: Generator,
        options: AnswerOptions | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._generator = generator
        self._options = options or AnswerOptions()
        self._reranker = reranker
        self._vectors = WordVectors(embedder)

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
        state.standalone, state.leaned_on = question.standalone(asked, history)
        query = f"{state.leaned_on} {state.standalone}".strip()
        hits = self._hits(query, wanted)
        state.hits = tuple(
            AnswerHit(h.passage.article, h.passage.start, h.passage.end, round(h.score, 6), h.passage.text)
            for h in hits
        )
        state.timings = replace(state.timings, retrieve_s=state.seconds())
        yield Searched(state.standalone, state.hits)
        parsed = question.parse(state.standalone, state.leaned_on)
        judge = Judge(parsed, self._vectors)
        found = gather(parsed, hits, self._index.article, self._embedder, judge)
        state.timings = replace(state.timings, evidence_s=round(state.seconds() - state.timings.retrieve_s, 4))
        chosen = self._choose(found, parsed)
        if stopped():
            yield self._answer(state, "stopped")
        elif not chosen:
            yield self._answer(state, "abstained", _refusal(found))
        else:
            yield from self._write(state, chosen, parsed, judge, stopped)

    def _hits(self, query: str, wanted: SearchOptions) -> list[Hit]:
        """Raises: InputError where the filters leave nothing, which a refusal would hide."""
        hits = search(self._index, self._embedder, query, wanted, self._reranker)
        if not hits:
            require_match(self._index, wanted)
        return hits

    def _choose(self, found: Sequence[Evidence], parsed: question.Question) -> list[Evidence]:
        """The sentences that can answer, best first: near the best, and the best for each year asked about."""
        able = [e for e in found if not e.missing]
        chosen = [e for e in able if e.score >= _NEAR_BEST * able[0].score][: self._options.evidence]
        for year in sorted(parsed.years) if len(parsed.years) > 1 else []:
            chosen += [e for e in _about(able, year, parsed) if e not in chosen]
        return _distinct(chosen)

    def _write(
        self,
        state: _Progress,
        chosen: list[Evidence],
        parsed: question.Question,
        judge: Judge,
        stopped: Callable[[], bool],
    ) -> Iterator[Event]:
        asked = f"{state.leaned_on} {state.standalone}" if parsed.elliptic else state.standalone
        messages, chosen = self._fit(chosen, asked)
        known = facts.name_words([state.standalone, *(h.text for h in state.hits)])
        try:
            yield from self._check_all(state, messages, chosen, judge, known, stopped)
        except ModelError as error:
            logger.warning("model failed", extra={"problem": error.problem})
            yield self._answer(state, "failed", str(error))
            return
        if stopped():
            yield self._answer(state, "stopped")
            return
        for evidence in self._unsaid(state, chosen, parsed):
            yield Checked(self._add(state, evidence.text, claims.verbatim(evidence)))
        shown = [c for c in state.claims if c.shown]
        yield self._answer(state, "answered" if all(c.verdict == "supported" for c in shown) else "partial")

    def _fit(self, chosen: list[Evidence], asked: str) -> tuple[list[Message], list[Evidence]]:
        while True:
            messages = prompt.build([e.text for e in chosen], asked)
            if len(chosen) == 1 or self._generator.count_tokens(messages) <= self._options.max_prompt_tokens:
                return messages, chosen
            chosen = chosen[:-1]

    def _check_all(
        self,
        state: _Progress,
        messages: list[Message],
        chosen: Sequence[Evidence],
        judge: Judge,
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
            before = time.perf_counter()
            if not judge.answers(plain):
                continue  # a sentence that only repeats the question is true and useless
            judgement = claims.judge(plain, cited, chosen, self._index.article, known)
            check_s = round(state.timings.check_s + time.perf_counter() - before, 4)
            state.timings = replace(state.timings, check_s=check_s)
            yield Checked(self._add(state, plain, judgement))
            enough = len(state.claims) >= _MAX_CLAIMS

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

    def _unsaid(self, state: _Progress, chosen: Sequence[Evidence], parsed: question.Question) -> list[Evidence]:
        """Evidence to quote word for word: exact words beat a wrong paraphrase.

        The best evidence, unless a supported claim quotes it or already says what it has beyond the question; and
        evidence for each year asked about that no claim speaks of.
        """
        supported = [c for c in state.claims if c.shown and c.verdict == "supported"]
        said = " ".join(c.text for c in supported)
        quoted_best = any(
            q.start == chosen[0].span.start and q.article == chosen[0].article for c in supported for q in c.quotes
        )
        figures = _figures(chosen[0].text)
        said_best = quoted_best or (supported and figures and figures <= _figures(f"{said} {parsed.text}"))
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
        verdicts = [c.verdict for c in state.claims]
        logger.info(
            "answered",
            extra={
                "status": status,
                "verdicts": verdicts,
                "question": state.question,
                **_flat(state.timings),
            },
        )
        return Answer(
            state.question, state.standalone, status, text, tuple(state.claims), (), state.hits, state.timings,
            self._generator.name, self._index.generation,
        )  # fmt: skip


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


def _refusal(found: Sequence[Evidence]) -> str:
    """The refusal, with what the nearest sentence lacks."""
    if not found or found[0].score <= 0:
        return REFUSAL
    return f"{REFUSAL} The nearest passage does not give: {', '.join(found[0].missing)}."


def _flat(timings: Timings) -> dict[str, float]:
    return {name: getattr(timings, name) for name in timings.__dataclass_fields__}
