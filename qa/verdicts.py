"""Whether quotes support a claim: the verifier's probability, and the differences that code detects for sure.

Knows sentences and the text around them, no articles and no answers. A figure, date, name or negation that the quote
lacks makes a claim unsupported, whatever the verifier's probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from citewire.index.passages import sentences
from citewire.qa import analysis, facts, quantities
from citewire.qa.reader import Reader, Support
from citewire.qa.types import Verdict

SUPPORTED, PARTIAL = 0.5, 0.25  # least probability for each verdict
TRUSTED = 0.89  # least probability for showing the model's wording instead of the quote
_DECIDED = 0.1  # highest probability of a claim with a figure, date, name or "not" that the quote lacks
_TOGETHER = 3  # most sentences that are read as one quote if none alone supports the claim
_SAME_WORDS = 0.8  # a "not" in only one of claim and quote reverses the claim if they share this many of its words
_ROUNDED = 0.05  # most relative change by rounding: 20 is not 15, although 15 rounds to it
_ABOUT_TIMES = 0.1  # most relative error of "doubled" against the ratio of two figures
_SURELY = 0.8  # least probability for accepting "Canadian" for "Canada"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A sentence that a claim may rest on.

    Attributes:
        text: the sentence.
        before: the sentence before it, which says who "he" is.
        around: the text that it is from, in which names may be found.
        times: (first day, last day) of its words for times, ISO 8601.
    """

    text: str
    before: str = ""
    around: str = ""
    times: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a claim.

    Attributes:
        verdict: supported, partial or unsupported.
        probability: that the quotes support all of the claim, 0 to 1.
        reason: why it is not supported, in words for the user; "" for a supported claim.
        places: indexes of the supporting quotes, the strongest first; () if it is unsupported.
        elsewhere: names of the claim that are near these quotes but not in them.
    """

    verdict: Verdict
    probability: float
    reason: str
    places: tuple[int, ...] = ()
    elsewhere: tuple[str, ...] = ()


class Checker:
    """Compares claims with quotes; thread-safe."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def check(self, claim: str, evidence: str | Sequence[Quoted], cited: Sequence[int] = ()) -> Judged:
        """Return whether `evidence` supports all of `claim`; the worst sentence of the claim decides.

        Args:
            claim: one or more sentences.
            evidence: sentences, or a text of any length.
            cited: indexes of the sentences that the model cited; they only break ties.
        """
        given = quoted(evidence) if isinstance(evidence, str) else list(evidence)
        said = [claim[span.start : span.end] for span in sentences(claim)] or [claim]
        if not given or not claim.strip():
            return Judged("unsupported", 0.0, "there is nothing to compare")
        found = [self._check(sentence, given, cited) for sentence in said]
        worst = min(found, key=lambda one: one.probability)
        if worst.verdict == "unsupported":
            return worst
        places = tuple(dict.fromkeys(place for one in found for place in one.places))
        elsewhere = tuple(dict.fromkeys(name for one in found for name in one.elsewhere))
        return Judged(worst.verdict, worst.probability, worst.reason, places, elsewhere)

    def _check(self, claim: str, given: Sequence[Quoted], cited: Sequence[int]) -> Judged:
        told = facts.words(claim)
        same = next((place for place, quote in enumerate(given) if _states(quote.text, told)), None)
        if same is not None:
            return Judged("supported", 1.0, "", (same,))
        support = self._supports(claim, given)
        order = sorted(range(len(given)), key=lambda place: -support[place].supported - 1e-3 * (place in cited))
        found: list[tuple[tuple[int, ...], Support]] = [((place,), support[place]) for place in order]
        found = [one for one in found if one[1].supported >= SUPPORTED] or found[:1]
        if found[0][1].supported < SUPPORTED and len(given) > 1:
            together = self._joined(claim, given, order[:_TOGETHER])
            if together[1].supported > found[0][1].supported:
                found = [together]
        # The verifier may also accept the next sentence, which lacks the figure; take the first without a difference.
        compared = [_difference(claim, [given[place] for place in places], one.supported) for places, one in found]
        best = next((n for n, (differs, _) in enumerate(compared) if not differs), 0)
        (places, one), (differs, elsewhere) = found[best], compared[best]
        if differs:
            return Judged("unsupported", min(one.supported, _DECIDED), differs)
        return _verdict(one, places, elsewhere)

    def _joined(self, claim: str, given: Sequence[Quoted], places: Sequence[int]) -> tuple[tuple[int, ...], Support]:
        """Sentences read as one quote in text order, without those that support does not need, and its support."""
        kept = list(places)
        read = self._reader.verify([(claim, _text(given, kept))])[0]
        for place in reversed(places):
            others = [one for one in kept if one != place]
            if read.supported >= SUPPORTED and others:
                without = self._reader.verify([(claim, _text(given, others))])[0]
                if without.supported >= SUPPORTED:
                    kept, read = others, without
        return tuple(kept), read

    def _supports(self, claim: str, given: Sequence[Quoted]) -> list[Support]:
        """The support of each sentence, alone or after the one before it, whichever is higher."""
        alone = self._reader.verify([(claim, quote.text) for quote in given])
        led = [place for place, quote in enumerate(given) if quote.before]
        behind = self._reader.verify([(claim, f"{given[place].before} {given[place].text}") for place in led])
        for place, support in zip(led, behind, strict=True):
            alone[place] = max(alone[place], support, key=lambda one: one.supported)
        return alone


def _text(given: Sequence[Quoted], places: Sequence[int]) -> str:
    return " ".join(given[place].text for place in sorted(places))


def quoted(text: str) -> list[Quoted]:
    """Return the sentences of a text as quotes, each with the one before it."""
    parts = [text[span.start : span.end] for span in sentences(text)] or ([text] if text.strip() else [])
    return [Quoted(part, before, text) for part, before in zip(parts, ["", *parts], strict=False)]


def _verdict(best: Support, places: tuple[int, ...], elsewhere: tuple[str, ...]) -> Judged:
    probability = round(best.supported, 3)
    if best.supported >= SUPPORTED:
        return Judged("supported", probability, "", places, elsewhere)
    reason = "the quote says otherwise" if best.refuted > best.not_said else "the quote does not say this"
    if best.supported >= PARTIAL:
        return Judged("partial", probability, "the quote says only a part of this", places, elsewhere)
    return Judged("unsupported", probability, reason)


def _states(text: str, wanted: Sequence[str]) -> bool:
    """Whether a sentence states these words: they are at its beginning or in a clause that it states itself.

    A clause under a verb such as "said" or "denied" does not count, nor words after a colon, as in an order to write.
    """
    words, length = facts.words(text), len(wanted)
    places = [at for at in range(len(words) - length + 1) if length and words[at : at + length] == list(wanted)]
    if not places or places[0] == 0:
        return bool(places)
    read = analysis.read(text)
    before = [len(facts.words(text[: token.idx])) for token in read]  # number of words before each token
    main = next(token for token in read if token.dep_ == "ROOT")
    for at in places:
        inside = {token.i: token for token in read if at <= before[token.i] < at + length and not token.is_punct}
        heads = [token for token in inside.values() if token.dep_ == "ROOT" or token.head.i not in inside]
        first = min(inside, default=0)  # 0: the words are only a part of a token, such as "2021" in "2019-2021"
        lead = [token for token in read[:first] if token.head.i in inside and not token.is_punct]
        # Words before them may add a time or a reason to the verb, or describe a name; then the amount stays the same.
        adds = all(one.dep_ != "neg" and (one.head in heads or one.head.pos_ == "PROPN") for one in lead)
        ordered = text[: read[first].idx].rstrip().endswith(":")
        if first and adds and not ordered and all(_is_stated(head, main) for head in heads):
            return True
    return False


def _is_stated(token: analysis.Token, main: analysis.Token) -> bool:
    """Whether a sentence states the clause of a verb: the main clause, one joined to it, or one without "if"."""
    while token != main:
        joined = token.dep_ in ("conj", "advcl") or (token.dep_ == "ccomp" and token.head.i > token.i)
        if not joined or any(child.dep_ == "mark" and child.lower_ in ("if", "unless") for child in token.children):
            return False
        token = token.head
    return True


# -- differences that decide ----------------------------------------------------------------------------------------


def _difference(claim: str, quotes: Sequence[Quoted], probability: float) -> tuple[str, tuple[str, ...]]:
    """Return the reason if something surely differs, else "", and the names that only the surrounding text has."""
    text = " ".join(quote.text for quote in quotes)
    if figure := _other_figure(claim, text, quotes):
        return f"{figure} is not in the quote", ()
    elsewhere = []
    proper = frozenset(token.lower_ for token in analysis.read(claim) if token.pos_ == "PROPN")  # "Acme" as first word
    for name in facts.names(claim, facts.name_words([claim, text]) | proper):
        if facts.has_name(name, text):
            continue
        if any(facts.has_name(name, f"{quote.before} {quote.around}") for quote in quotes):
            elsewhere.append(name)
        elif not (any(map(_points, quotes)) or (probability >= _SURELY and _is_nationality(claim, name))):
            return f"“{name}” is not in the quote", ()
    if _turned(claim, text):
        return "the quote says the opposite", ()
    return "", tuple(elsewhere)


def _other_figure(claim: str, text: str, quotes: Sequence[Quoted]) -> str:
    """The first figure or month of a claim that the quotes lack, "" if there is none."""
    there = quantities.numbers(text)
    times = [time for quote in quotes for time in quote.times]
    years = {int(day[:4]) for time in times for day in time}
    for number in quantities.numbers(claim):
        if number.value in years or any(_agrees(number, other, claim) for other in there):
            continue
        if number.unit == "times" and any(_comes_to(number.value, *pair) for pair in permutations(there, 2)):
            continue
        return claim[number.start : number.end].strip()
    meant = facts.months(text) | {facts.month_of(day) for time in times for day in time}
    return next((month.capitalize() for month in sorted(facts.months(claim) - meant)), "")


def _comes_to(times: float, one: quantities.Number, other: quantities.Number) -> bool:
    """Whether one figure of a quote is about `times` the other: "doubled" for "from 2.1 to 4 million"."""
    return one.unit == other.unit and math.isclose(one.value, times * other.value, rel_tol=_ABOUT_TIMES)


def _agrees(said: quantities.Number, told: quantities.Number, claim: str) -> bool:
    """Whether a figure of a claim equals one of the quote, also if the claim rounds it."""
    if said.matches(told):
        return True
    if "%" in (said.unit, told.unit) and said.unit != told.unit:
        return False
    if not told.value or not said.value or said.value in facts.years(claim):
        return False
    digits = f"{said.value / said.scale:.{said.decimals}f}".replace(".", "").lstrip("0")
    written = len(digits if said.decimals else digits.rstrip("0")) or 1
    step = 10.0 ** (math.floor(math.log10(abs(told.value))) - written + 1)
    return (
        written < len(f"{told.value:.15g}".replace(".", "").strip("0"))
        and math.isclose(round(told.value / step) * step, said.value, rel_tol=1e-9)
        and math.isclose(said.value, told.value, rel_tol=_ROUNDED)
    )


def _points(quote: Quoted) -> bool:
    """Whether a quote without context opens with a pronoun, so that a missing name may be meant."""
    alone = not quote.before and quote.around in ("", quote.text)
    return alone and analysis.read(quote.text)[0].tag_ in ("PRP", "PRP$")


def _is_nationality(claim: str, name: str) -> bool:
    return any(token.text == name and token.ent_type_ == "NORP" for token in analysis.read(claim))


def _turned(claim: str, text: str) -> bool:
    """Whether claim and quote share most words, but a negation is in only one of them."""
    said, told = analysis.read(claim), analysis.read(text)
    words = {token.lemma_.lower() for token in said if not token.is_stop and token.is_alpha}
    there = {token.lemma_.lower() for token in told}
    if not words or len(words & there) < _SAME_WORDS * len(words):
        return False
    near = [token for token in told if token.lemma_.lower() in words]
    denied = {token.head.lemma_.lower() for token in said if token.dep_ == "neg"}
    denies = {token.head.lemma_.lower() for token in told if token.dep_ == "neg" and token.head in near}
    return denied != denies and bool(denied ^ denies)
