"""The values that pass between the stages of `citewire.qa`; every other module may import this one.

Offsets count Unicode code points of the article's text as stored, so `text[start:end] == quote.text`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, Protocol

from citewire.index.errors import InputError

CITATION = re.compile(r"(?:\[+|【)\s*(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*(?:\]+|】)")  # [1], [1, 2], [[1]], 【1】
# "LUND, Norland (AP) — ", "New York (CNN Business) ", "(CNN) "; without a dash only the agencies that write so
_PLACE_LINE = re.compile(
    r"^(?:[A-Z]{3,}[^—–―−\n]{0,60}?(?:\s[—–―−-]{1,2}|--)|[^()\n]{0,40}\((?:AP|CNN(?:\sBusiness)?|Reuters)\))\s+(?=[A-Z“\"])"
)
REFUSAL = "The sources do not have an answer to this."

Verdict = Literal["supported", "partial", "unsupported"]
# How an answer is made: as usual, again although it is cached, or from quotes alone, without the model's words.
Manner = Literal["usual", "anew", "quotes"]
Status = Literal["answered", "partial", "abstained", "stopped", "failed"]


def checked_question(text: str, most: float = inf) -> str:
    """Return a question with single blanks; raise InputError if it is empty or longer than `most` characters.

    >>> checked_question("  Who   won the vote? ")
    'Who won the vote?'
    """
    asked = " ".join(text.split())
    if not asked:
        raise InputError("The question is empty", "Type a question first.")
    if len(asked) > most:
        raise InputError(
            f"This question has {len(asked):,} characters, the limit is {most:,}", "Shorten it and ask again."
        )
    return asked


def without_dateline(text: str) -> str:
    """Return a sentence without the place and the agency that it opens with.

    >>> without_dateline("Lund (CNN Business) Ferries are late.")
    'Ferries are late.'
    """
    return _PLACE_LINE.sub("", text)


def as_shown(text: str) -> str:
    r"""Return a sentence on one line without its dateline; numbers in square brackets get parentheses.

    Brackets mark citations.

    >>> as_shown("It cost 12 million euros\n[7].")
    'It cost 12 million euros (7).'
    """
    return CITATION.sub(r"(\1)", without_dateline(" ".join(text.split())))


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation.

    Attributes:
        question: as typed.
        answer: its text as shown, with the suggested questions.
        articles: paths of the articles that it quotes, if known.
    """

    question: str
    answer: str
    articles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Quote:
    """An exact span of one article that a claim rests on; `n` is the number shown, 1-based within the answer."""

    n: int
    article: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the answer with its quotes.

    Attributes:
        text: the sentence without citation markers.
        verdict: supported, partial or unsupported by `quotes`.
        probability: that the quotes support the claim, 0 to 1.
        reason: why it is not supported, in words for the user; "" for a supported claim.
        shown: whether the answer's text contains the claim.
        quotes: at least one if the verdict is supported or partial.
    """

    text: str
    verdict: Verdict
    probability: float
    reason: str
    shown: bool
    quotes: tuple[Quote, ...]

    @property
    def marks(self) -> str:
        """The citation numbers that follow the claim: "[1][2]"."""
        return "".join(f"[{n}]" for n in dict.fromkeys(quote.n for quote in self.quotes))


@dataclass(frozen=True, slots=True)
class ConflictValue:
    """One of the values that sources give for the same thing, with the span that gives it."""

    value: str
    article: str
    published: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values for the same thing that differ between sources."""

    about: str
    values: tuple[ConflictValue, ...]


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """What one sentence says about one time.

    Attributes:
        first, last: first and last day of that time, ISO 8601, both included; equal for a day.
        stated: whether the sentence states the time; else it is the article's day of publication.
        article, start, end, text: the sentence.
    """

    first: str
    last: str
    stated: bool
    article: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class AnswerHit:
    """A retrieved passage, as the answer reports it; `score` as in `citewire.index.types.Hit`."""

    article: str
    start: int
    end: int
    score: float
    text: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds (`first_token_s` and `total_s` since the question arrived) and tokens; `cached`: it was given before."""

    retrieve_s: float = 0.0
    evidence_s: float = 0.0
    first_token_s: float = 0.0
    generate_s: float = 0.0
    check_s: float = 0.0
    total_s: float = 0.0
    prompt_tokens: int = 0
    output_tokens: int = 0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer object of every surface: command line, page, HTTP, export.

    Attributes:
        text: the answer as shown: the lead, then each shown claim followed by its citation numbers as `[n]`.
        kind: the kind of question, as in `citewire.qa.kinds`: "fact", "summary", "talk", ...
        lead: what citewire says about itself or its index, in its own words and without a quote; "" for most answers.
        listed: whether the claims are list items, one per line, not sentences of a paragraph.
        offered: suggested questions that the articles answer.
        timeline: at least two points, oldest first, if the question asks how something changed.
        short: the few words of a quote that answer, "" if the question wants more or none fit.
        as_of: newest day of publication of the quoted articles, ISO 8601; "" if none has a day.
    """

    question: str
    standalone_question: str
    status: Status
    text: str
    claims: tuple[Claim, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    timeline: tuple[TimelinePoint, ...] = ()
    as_of: str = ""
    short: str = ""
    hits: tuple[AnswerHit, ...] = ()
    timings: Timings = field(default_factory=Timings)
    model: str = ""
    index_generation: int = 0
    kind: str = "fact"
    lead: str = ""
    listed: bool = False
    offered: tuple[str, ...] = ()

    @property
    def articles(self) -> tuple[str, ...]:
        """Paths of the articles that are quoted, in the order of the quotes."""
        return tuple(dict.fromkeys(quote.article for claim in self.claims if claim.shown for quote in claim.quotes))


# What `Answerer.stream` yields, in this order: one Searched, any Drafts and Checked, one Answer.


@dataclass(frozen=True, slots=True)
class Searched:
    """Retrieval is done; fields as in `Answer`."""

    standalone_question: str
    hits: tuple[AnswerHit, ...]
    kind: str = "fact"
    lead: str = ""
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """The unchecked start of the sentence that the model is writing; replaces the previous draft."""

    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim is final."""

    claim: Claim


Event = Searched | Draft | Checked | Answer


class Generator(Protocol):
    """A language model that continues a chat prompt."""

    @property
    def name(self) -> str:
        """The name that `Answer.model` reports."""
        ...

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        """Yield the reply in pieces, greedily decoded.

        Args:
            messages: the prompt. Special tokens in a message's content are plain text, never tokens of the prompt.
            max_tokens: most tokens of the reply.
            stopped: polled between tokens; once true, the reply ends.
        """
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the number of tokens of the prompt that `generate` would read."""
        ...
