"""An answer under construction: claims with numbered quotes, and what else is known so far.

Decides nothing about what is true or shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from citewire.index.types import Hit, Span
from citewire.qa import claims, replies
from citewire.qa.claims import Judgement, Place
from citewire.qa.types import (
    Answer,
    AnswerHit,
    Checked,
    Claim,
    Conflict,
    Quote,
    Searched,
    Status,
    TimelinePoint,
    Timings,
    as_shown,
)


@dataclass(slots=True)
class Telling:
    """What is known of an answer so far.

    Attributes:
        asked: the question as typed.
        started: when it arrived, as `time.perf_counter()`.
        withholds: whether unsupported claims are hidden.
        quotes_only: whether only sentences of articles are shown and the model is not asked.
        numbers: citation number of each quote, in the order of first use.
        refused: the refusal, "" for the usual one; `unknown`: names that no article has.
    Others as in `Answer`.
    """

    asked: str
    started: float = field(default_factory=time.perf_counter)
    withholds: bool = True
    quotes_only: bool = False
    standalone: str = ""
    kind: str = "fact"
    lead: str = ""
    listed: bool = False
    offered: tuple[str, ...] = ()
    hits: tuple[AnswerHit, ...] = ()
    claims: list[Claim] = field(default_factory=list)
    conflicts: tuple[Conflict, ...] = ()
    timeline: tuple[TimelinePoint, ...] = ()
    short: str = ""
    refused: str = ""
    unknown: tuple[str, ...] = ()
    numbers: dict[Place, int] = field(default_factory=dict)
    timings: Timings = field(default_factory=Timings)

    def seconds(self) -> float:
        """Return the seconds since the question arrived."""
        return round(time.perf_counter() - self.started, 4)

    def searched(self, hits: Sequence[Hit]) -> Searched:
        """Record the passages found and return their event."""
        self.hits = tuple(
            AnswerHit(h.passage.article, h.passage.start, h.passage.end, round(h.score, 6), h.passage.text)
            for h in hits
        )
        return Searched(self.standalone, self.hits, self.kind, self.lead, self.listed)

    @property
    def shown(self) -> list[Claim]:
        """The claims that the user sees."""
        return [claim for claim in self.claims if claim.shown]

    def quotes(self, article: str, span: Span) -> bool:
        """Return whether a shown claim quotes a part of the span."""
        return any(
            quote.article == article and quote.start < span.end and span.start < quote.end
            for claim in self.shown
            for quote in claim.quotes
        )

    def says(self, text: str) -> bool:
        """Return whether a shown claim is this sentence word for word."""
        return any(claim.text == as_shown(text) for claim in self.shown)

    def add(self, text: str, judgement: Judgement) -> Checked:
        """Add a claim and return its event."""
        shown = judgement.verdict != "unsupported" or not self.withholds
        quotes = tuple(self._numbered(place) for place in judgement.places)
        return self._keep(
            Claim(as_shown(text), judgement.verdict, judgement.probability, judgement.reason, shown, quotes)
        )

    def quote(self, place: Place, text: str = "") -> Checked:
        """Add a sentence of an article; `text`, such as the sentence with a label, is shown instead if given."""
        return self.add(text or place.text, claims.verbatim(place.article, place.span, place.text))

    def gap(self, text: str) -> Checked:
        """Add a statement about what the articles lack."""
        return self._keep(Claim(text, "unsupported", 0.0, replies.NO_PASSAGE, True, ()))

    def _keep(self, claim: Claim) -> Checked:
        self.claims.append(claim)
        return Checked(claim)

    def _numbered(self, place: Place) -> Quote:
        number = self.numbers.setdefault(place, len(self.numbers) + 1)
        return Quote(number, place.article, place.span.start, place.span.end, place.text)

    def time(self, **seconds: float) -> None:
        """Set fields of `timings`."""
        self.timings = replace(self.timings, **seconds)  # type: ignore[arg-type]

    def answer(self, status: Status, model: str, generation: int, text: str = "") -> Answer:
        """Return the answer so far, without `as_of`; `text`, if given, replaces the text of the claims."""
        self.time(total_s=self.seconds())
        told = [f"{claim.text} {claim.marks}".rstrip() for claim in self.shown]
        joined = "\n".join(f"- {one}" for one in told) if self.listed else " ".join(told)
        return Answer(
            self.asked, self.standalone, status, text or "\n".join(part for part in (self.lead, joined) if part),
            tuple(self.claims), self.conflicts, self.timeline, "", self.short, self.hits, self.timings,
            model, generation, self.kind, self.lead, self.listed, self.offered,
        )  # fmt: skip
