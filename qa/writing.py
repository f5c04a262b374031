"""Evidence -> checked sentences: the model writes, each sentence is judged, an unused best sentence is quoted.

Decides which of the model's sentences are shown. Knows nothing of search.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Yielding

from citewire.index.types import Span
from citewire.qa import analysis, claims, facts, prompt, quantities, summary
from citewire.qa.claims import Judgement, Place
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence, beside, odds
from citewire.qa.finding import Part
from citewire.qa.reader import Reader, Window
from citewire.qa.telling import Telling
from citewire.qa.types import Claim, Draft, Event, Generator, Message
from citewire.qa.verdicts import SUPPORTED, TRUSTED, Checker

_WIDE = ("why", "yes_no", "list", "over_time")  # kinds that several sentences may answer
_SENTENCES, _WHY = 3, 4  # most sentences that are quoted for these, and for "why"
_UNSURE = 2  # the same for other kinds, if the model does not use the best sentence
_ALSO = 2.0  # a further sentence is quoted if its odds times this reach the best one's; the ranking is no surer
_REASONS = 4.0  # the same for "why": what happened and what led to it both answer it
_KEPT = 0.5  # least share of the answer span's content words in a wording that is shown
_MAX_CLAIMS = 3  # beyond this a small model repeats or invents
# The bracket that `standalone` appends for search and reader; the model would take it for the answer.
_BEHIND = re.compile(r" \([^()]*\)\?$")


Yields = Yielding[Event, None, bool]  # yields events, returns a bool


class Writer:
    """Lets a model word the evidence and checks each sentence.

    Args:
        generator: the model.
        reader: tells whether a sentence of the model answers the question; verifies it against quotes.
        article: looks up an article by path.
        max_tokens, max_prompt_tokens: see `citewire.qa.answer.AnswerOptions`.
    """

    def __init__(
        self, generator: Generator, reader: Reader, article: ArticleOf, max_tokens: int, max_prompt_tokens: int
    ) -> None:
        self.generator = generator
        self._reader = reader
        self._article = article
        self._max_tokens = max_tokens
        self._max_prompt_tokens = max_prompt_tokens
        self.checker = Checker(reader)

    def write(self, told: Telling, part: Part, stopped: Callable[[], bool]) -> Yields:
        """Yield the model's checked sentences, then the best evidence that they leave out; return whether any is shown.

        A fact begins with the best sentence if the model's sentence rests on another one: where they differ, the reader
        is right more often. If only quotes are wanted, the model is not asked.

        Args:
            told: the answer, which gets the claims.
            part: the question with its evidence; `chosen` is not empty.
            stopped: polled between tokens; once true, nothing more comes.

        Raises:
            ModelError: the model is gone.
        """
        given, reason = list(part.chosen), None
        if told.kind == "why" and (reason := beside(given[0], part.evidence, self._article)):
            given = [given[0], reason, *(one for one in given[1:] if one != reason)]
        messages, chosen = self._fit(given, part.text)
        first, led = len(told.claims), False
        if not told.quotes_only:
            led = yield from self._check_all(told, messages, chosen, part, stopped)
        best = chosen[0]
        if stopped():
            return False
        agreed = not led and self._says_best(told.claims[first:], best)
        if not agreed and not told.says(best.text):  # not if another part quoted it
            yield told.add(_led(part.polarity, best.text), _as_it_stands(best))
        also = _REASONS if told.kind == "why" else _ALSO
        wide = told.quotes_only or told.kind in _WIDE
        wide = wide or analysis.is_phrase(part.text)  # a short phrase asks for anything on its topic
        most = _WHY if told.kind == "why" else _SENTENCES if wide else 1 if agreed else _UNSURE
        for one in chosen[1:most]:
            if one != reason and odds(one.probability) * also < odds(best.probability):
                continue
            if not told.quotes(one.article, one.span) and not self._is_said(told, one):
                yield told.add(one.text, _as_it_stands(one))
        return True

    def _is_said(self, told: Telling, one: Evidence) -> bool:
        """Whether a shown claim entails a sentence."""
        support = self._reader.verify([(one.text, claim.text) for claim in told.shown])
        return any(each.supported >= SUPPORTED for each in support)

    def shortened(
        self, places: Sequence[Place], topic: str, told: Telling, stopped: Callable[[], bool]
    ) -> Iterator[tuple[str, Judgement]]:
        """Yield sentences on a topic with their judgements; the model shortens long ones if the check trusts it.

        Raises:
            ModelError: the model is gone.
        """
        if told.quotes_only:
            return ((place.text, claims.verbatim(place.article, place.span, place.text)) for place in places)
        return summary.shortened(places, self._article, self.generator, self.checker, topic=topic, stopped=stopped)

    def _fit(self, chosen: list[Evidence], asked: str) -> tuple[list[Message], list[Evidence]]:
        while True:
            messages = prompt.build([one.text for one in chosen], _BEHIND.sub("?", asked))
            if len(chosen) == 1 or self.generator.count_tokens(messages) <= self._max_prompt_tokens:
                return messages, chosen
            chosen = chosen[:-1]

    def _check_all(
        self,
        told: Telling,
        messages: list[Message],
        chosen: Sequence[Evidence],
        part: Part,
        stopped: Callable[[], bool],
    ) -> Yields:
        """Yield the model's checked sentences, for a fact the best sentence first if they do not begin with it.

        Returns whether the best sentence was put before them.
        """
        enough, led, best, started = False, False, chosen[0], len(told.shown)
        pieces = self._counted(
            told,
            messages,
            self.generator.generate(messages, max_tokens=self._max_tokens, stopped=lambda: enough or stopped()),
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
                continue  # the model's yes or no is not that of the best sentence
            before = time.perf_counter()
            judgement = claims.judge(plain, cited, chosen, self._article, self.checker)
            answers = self._is_answer(part.text, plain, chosen)
            told.time(check_s=round(told.timings.check_s + time.perf_counter() - before, 4))
            kept = bool(analysis.statement(part.text)) or self._keeps(plain, judgement, chosen)
            shown = self._worded(told, plain, judgement, chosen, kept) if answers else None
            first = len(told.shown) == started and told.kind == "fact" and not told.says(best.text)
            if shown and shown[1].places and first and not _rests_on(best, *shown):
                led = True
                yield told.add(best.text, _as_it_stands(best))
            if shown:
                yield told.add(_led(part.polarity, shown[0]), shown[1])
            enough = len(told.claims) >= _MAX_CLAIMS
        return led

    def _worded(
        self, told: Telling, text: str, judgement: Judgement, chosen: Sequence[Evidence], kept: bool
    ) -> tuple[str, Judgement] | None:
        """A sentence of the model as shown: its quote instead if it is not trusted.

        It is trusted if the check is sure, it is a sentence with the answer words, and it tells no plan as a fact.

        None if that quote is already shown.
        """
        quoted = " ".join(place.text for place in judgement.places)
        whole = not analysis.is_phrase(text) and not analysis.only_meant(text, quoted)
        sure = judgement.probability >= TRUSTED and kept and whole
        if judgement.verdict == "unsupported" or sure or not told.withholds:
            return text, judgement
        home = next(one for one in chosen if judgement.places[0] == claims.verbatim_place(one))
        if told.says(home.text):
            return None
        return home.text, _as_it_stands(home)

    def _is_answer(self, question: str, claim: str, chosen: Sequence[Evidence]) -> bool:
        """Whether a claim answers the question: it has the words of an answer span, or the reader accepts it."""
        if not analysis.statement(question) and _meaning(claim) <= _lemmas(question):
            return False  # repeats the question
        if any(one.words and _gives(claim, one.words) for one in chosen):
            return True
        return self._reader.read(question, [Window(claim)])[0].probability >= ANSWERS

    def _keeps(self, claim: str, judgement: Judgement, chosen: Sequence[Evidence]) -> bool:
        """Whether a claim keeps at least _KEPT of the content words of its quote's answer span."""
        answering = [one.words for one in chosen if claims.verbatim_place(one) in judgement.places[:1]]
        wanted = {lemma for words in answering for lemma in _meaning(words)}
        return len(wanted & _lemmas(claim)) >= _KEPT * len(wanted)

    def _says_best(self, said: Sequence[Claim], best: Evidence) -> bool:
        """Whether a supported claim quotes the best sentence or has the words of its answer span."""
        supported = [claim for claim in said if claim.shown and claim.verdict == "supported"]
        return any(
            any(quote.article == best.article and _overlap(quote.start, quote.end, best.span) for quote in claim.quotes)
            or _gives(claim.text, best.words)
            for claim in supported
        )

    def _counted(self, told: Telling, messages: list[Message], pieces: Iterator[str]) -> Iterator[str]:
        """Pass `pieces` on; record the time of the first and their number."""
        told.time(prompt_tokens=told.timings.prompt_tokens + self.generator.count_tokens(messages))
        before, spent = time.perf_counter(), told.timings.generate_s
        for piece in pieces:
            told.time(
                first_token_s=told.timings.first_token_s or told.seconds(),
                output_tokens=told.timings.output_tokens + 1,
                generate_s=round(spent + time.perf_counter() - before, 4),
            )
            yield piece


def _rests_on(best: Evidence, text: str, judgement: Judgement) -> bool:
    """Whether a sentence of the model quotes the best sentence or has the words of its answer span."""
    return claims.verbatim_place(best) in judgement.places or _gives(text, best.words)


def _gives(claim: str, words: str) -> bool:
    """Whether a claim has the figures of an answer span, or all its content words if it has no figure."""
    figures = quantities.numbers(words)
    if figures:
        there = quantities.numbers(claim)
        return all(any(figure.matches(other) for other in there) for figure in figures)
    wanted = _meaning(words)
    return bool(wanted) and wanted <= _lemmas(claim)


def _lemmas(text: str) -> set[str]:
    return {token.lemma_.lower() for token in analysis.read(text)}


def _meaning(text: str) -> set[str]:
    """The lemmas of the content words."""
    kept = (token for token in analysis.read(text) if (token.is_alpha or token.like_num) and not token.is_stop)
    return {token.lemma_.lower() for token in kept}


def _led(polarity: str, text: str) -> str:
    return f"{polarity}: {text}" if polarity else text


def _overlap(start: int, end: int, span: Span) -> bool:
    return start < span.end and span.start < end


def _as_it_stands(evidence: Evidence) -> Judgement:
    return claims.verbatim(evidence.article, evidence.span, evidence.text)
