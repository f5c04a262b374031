"""An exchange: a question with its answer so far, and the sources of the answer.

Knows the events of `citewire.qa.types`; `citewire.ui.render` displays an exchange.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from citewire.qa.types import (
    Answer,
    AnswerHit,
    Checked,
    Claim,
    Conflict,
    ConflictValue,
    Draft,
    Event,
    Quote,
    Searched,
    TimelinePoint,
    Timings,
)
from citewire.ui.labels import when

NOT_FOR_IT = "not_for_it"  # kind of a request that no article can answer; what was found for it is not shown
RELATED_SHOWN = 4  # passages that the panel lists if nothing is quoted
_WORD = re.compile(r"\w+")

Phase = Literal["waiting", "searching", "writing", "done"]
Relation = Literal["supports", "partly", "conflicts", "found", "related"]


@dataclass(slots=True, eq=False)
class Exchange:
    """One question and its answer so far.

    Attributes:
        id: unique within a conversation, letters and digits only.
        question: the question as typed.
        phase: waiting in the queue, searching, writing or done.
        ahead: number of unanswered questions before it in the queue.
        problem, fix: set if the answer failed; see `citewire.index.errors.CitewireError`.
        kind, lead, listed: as in `citewire.qa.types.Answer`; known after the search.
        suggestions: questions that the articles answer, found after the answer.
        suggesting: whether the search for suggestions goes on.
        hushed: whether no more suggestions are wanted.
        quotes_only: whether the answer consists of quotes, without the model's words.
        narrowed: the filters in words, "" for none.
        by: display name of the model, "" if there is no choice of models.
        kept: its id in the store of conversations, "" if it is not stored.
        unkept: why storing it failed, "" if it did not.
        ratings: the visitor's ratings, by "answer" or the number of a quote.
        started: when it was asked, from `time.monotonic()`.
        version: incremented by every change.
    """

    id: str
    question: str
    phase: Phase = "searching"
    ahead: int = 0
    standalone: str = ""
    hits: tuple[AnswerHit, ...] = ()
    kind: str = "fact"
    lead: str = ""
    listed: bool = False
    draft: str = ""
    claims: list[Claim] = field(default_factory=list)
    answer: Answer | None = None
    problem: str = ""
    fix: str = ""
    suggestions: tuple[str, ...] = ()
    suggesting: bool = False
    hushed: bool = False
    quotes_only: bool = False
    narrowed: str = ""
    by: str = ""
    kept: str = ""
    unkept: str = ""
    ratings: Mapping[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    version: int = 0

    def move(self, ahead: int) -> None:
        """Set the number of questions before it in the queue."""
        phase: Phase = "waiting" if ahead else "searching"
        if self.phase in ("waiting", "searching") and (ahead, phase) != (self.ahead, self.phase):
            self.ahead, self.phase = ahead, phase
            self.version += 1

    def suggest(self, *questions: str, more: bool = True) -> None:
        """Add suggested questions; `more` says whether the search goes on."""
        self.suggestions, self.suggesting = (*self.suggestions, *questions), more
        self.version += 1

    def apply(self, event: Event) -> None:
        """Apply one event of the answerer."""
        self.version += 1
        match event:
            case Searched():
                self.phase, self.standalone, self.hits = "writing", event.standalone_question, event.hits
                self.kind, self.lead, self.listed = event.kind, event.lead, event.listed
            case Draft():
                self.draft = event.text
            case Checked():
                self.draft = ""
                self.claims.append(event.claim)
            case Answer():
                self.phase, self.answer = "done", event
                self.standalone = event.standalone_question
                self.claims, self.hits = list(event.claims), event.hits or self.hits
                self.kind, self.lead, self.listed = event.kind, event.lead, event.listed
                if event.status != "stopped":
                    self.draft = ""
                if event.status == "failed":
                    self.fail(event.text or "The model did not answer", "Press Retry to ask again.")

    def fail(self, problem: str, fix: str) -> None:
        """End the exchange with an error; its claims so far stay.

        Args:
            problem: what is wrong.
            fix: what the user can do, in the imperative.
        """
        self.phase, self.problem, self.fix, self.draft, self.suggesting = "done", problem, fix, "", False
        self.version += 1

    def cut(self) -> Answer:
        """Return the answer so far, with the status "stopped"."""
        told = [f"{claim.text} {claim.marks}".rstrip() for claim in self.shown]
        joined = "\n".join(f"- {one}" for one in told) if self.listed else " ".join(told)
        return Answer(
            self.question, self.standalone or self.question, "stopped", f"{self.lead}\n{joined}".strip(),
            tuple(self.claims), hits=self.hits, timings=Timings(total_s=round(time.monotonic() - self.started, 4)),
            kind=self.kind, lead=self.lead, listed=self.listed,
        )  # fmt: skip

    @property
    def done(self) -> bool:
        """Whether the answer is complete, stopped or failed."""
        return self.phase == "done"

    @property
    def stopped(self) -> bool:
        """Whether the visitor stopped the answer."""
        return self.answer is not None and self.answer.status == "stopped"

    @property
    def abstained(self) -> bool:
        """Whether citewire refused to answer."""
        return self.answer is not None and self.answer.status == "abstained"

    @property
    def shown(self) -> list[Claim]:
        """The claims that are not withheld."""
        return [claim for claim in self.claims if claim.shown]

    @property
    def offered(self) -> tuple[str, ...]:
        """The suggested next questions: those of the answer, then those found after it."""
        return tuple(dict.fromkeys([*(self.answer.offered if self.answer else ()), *self.suggestions]))

    @property
    def searched(self) -> list[str]:
        """The question that was searched, if it differs from the one asked, and the filters, if there are any."""
        asked, standalone = (_WORD.findall(text.casefold()) for text in (self.question, self.standalone))
        said = [f"Searched for: {self.standalone}"] if standalone and standalone != asked else []
        return [*said, self.narrowed] if self.narrowed else said

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Where sources disagree; known once the answer is complete."""
        return self.answer.conflicts if self.answer else ()

    @property
    def timeline(self) -> tuple[TimelinePoint, ...]:
        """How the subject changed over time; known once the answer is complete."""
        return self.answer.timeline if self.answer else ()

    def time_of(self, claim: Claim) -> str:
        """Return the time of a sentence that quotes a point of the timeline, else ""."""
        told = (one for one in self.timeline if any(_overlap(quote, one) for quote in claim.quotes))
        return next(map(when, told), "")


@dataclass(frozen=True, slots=True)
class Source:
    """One marked span. `key` is unique within its exchange; `label` is the text of its button, "" for none."""

    key: str
    label: str
    relation: Relation
    article: str
    start: int
    end: int
    quote: str


def sources(exchange: Exchange) -> list[Source]:
    """Return the sources of an exchange: its quotes and conflicting values, else the best passages found.

    A request that no article can answer has none.
    """
    quotes: dict[int, tuple[Quote, Claim]] = {}
    for claim in exchange.shown:
        for quote in claim.quotes:
            quotes.setdefault(quote.n, (quote, claim))
    values = [value for conflict in exchange.conflicts for value in conflict.values]
    found = []
    if not exchange.abstained:
        for n, (quote, claim) in sorted(quotes.items()):
            relation: Relation = "supports" if claim.verdict == "supported" else "partly"
            if any(_overlap(quote, value) for value in values):
                relation = "conflicts"
            found.append(Source(str(n), str(n), relation, quote.article, quote.start, quote.end, quote.text))
        unnumbered = [value for value in values if not number_of(value, found)]
        for letter, value in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", unnumbered, strict=False):
            found.append(Source(letter, letter, "conflicts", value.article, value.start, value.end, value.text))
    if found:
        return found
    if exchange.abstained and exchange.kind == NOT_FOR_IT:
        return []
    relation = "related" if exchange.done and not exchange.stopped else "found"
    return [
        Source(f"h{rank}", "", relation, hit.article, hit.start, hit.end, hit.text)
        for rank, hit in enumerate(exchange.hits[:RELATED_SHOWN], 1)
    ]


def _overlap(one: Quote | Source, other: ConflictValue | TimelinePoint) -> bool:
    return one.article == other.article and one.start < other.end and other.start < one.end


def number_of(value: ConflictValue | TimelinePoint, found: Iterable[Source]) -> str:
    """Return the key of the numbered source that overlaps a conflict's value or a timeline's point, "" if none does."""
    return next((source.key for source in found if source.label and _overlap(source, value)), "")


def keys_of(claim: Claim, found: Iterable[Source]) -> list[str]:
    """Return the keys of the sources that are quotes of a claim, in its order."""
    known = {source.key for source in found}
    return [key for key in dict.fromkeys(str(quote.n) for quote in claim.quotes) if key in known]
