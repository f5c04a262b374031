"""A claim and the sentences it may rest on -> one probability that they support it, a verdict and the reason.

Knows the features that are compared, how a fitted logistic regression weighs them (verdicts.json, written by
benchmarks/verdicts.py) and which differences outweigh any probability. Does not know articles or answers: spans are
those of the sentences given. What single differences look like is `findings`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from citewire.index.passages import sentences
from citewire.index.types import Span
from citewire.qa import facts, findings
from citewire.qa.findings import DECISIVE, KINDS, Finding, Kind, Statement, Token
from citewire.qa.types import Verdict
from citewire.qa.vectors import WordVectors

# Features by group. Those of `AGAINST` speak against the claim the larger they are, the others for it; the fit gives
# none a weight of the wrong sign, so that no difference ever makes a claim more probable.
GROUPS: dict[str, tuple[str, ...]] = {
    "words": ("covered", "covered_all", "rest", "rest_all", "pairs"),
    "facts": (*(kind for kind in KINDS if kind != "rounded"), "number_all", "name_all", "name_rest_all", "nots"),
    "meaning": ("cosine", "cosine_best", "close", "clause", "odd"),
    "model": ("model",),
}
AGAINST = frozenset({*GROUPS["facts"], "odd"})

_NEAR = 3  # sentences that an `Opinion` reads: the quote and the next best
_OPEN = (0.35, 0.8)  # probabilities between which the language model is asked too
_EMBEDDED = 6  # of the sentences given, those with most of the claim's words are compared by meaning
SUPPORTED, PARTIAL = 0.5, 0.25  # least probability for each verdict
_CLOSE = 0.75  # cosine from which meaning counts double; a bend in an otherwise straight line
_UNSAID = 0.6  # cosine of two single words' embeddings below which one is not said by the other
_FAR = 0.4  # share of a claim's words below which a sentence not near in meaning does not speak of it at all
_MOST = 5.0  # log odds of an opinion are cut off here

_ELSEWHERE: frozenset[Kind] = frozenset({"number", "date"})  # what a second quote of one text may have
_POINTING = re.compile(
    r"\W*(?:he|she|it|they|his|her|its|their|this|these|the (?:company|firm|film|group|man|woman))\b", re.I
)

Features = dict[str, float]
Naming = Callable[[int, str], str | None]  # (index into the evidence, name) -> a text beside it that has the name


class Opinion(Protocol):
    """A second opinion: `citewire.qa.opinion` has the language model's own yes or no."""

    def __call__(self, claim: str, quote: str) -> float | None:
        """Return the probability that `quote`, up to three sentences, supports `claim`, one sentence.

        0 to 1, or None where there is no telling.
        """
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """What the evidence says of a claim.

    Attributes:
        verdict: supported, partial or unsupported.
        probability: that the evidence supports all of the claim, 0 to 1; calibrated on the sets that
            benchmarks/verdicts.py reads.
        reason: why not supported, in words a reader understands; "" for a supported claim.
        spans: (index into the evidence, span in that sentence) of the quotes, the one that carries most first; none
            where the verdict is unsupported.
        elsewhere: names of the claim that its quote leaves to the text around it; without `naming` figures too.
    """

    verdict: Verdict
    probability: float
    reason: str
    spans: tuple[tuple[int, Span], ...]
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Compared:
    """One sentence of a claim beside its evidence.

    Attributes:
        best: index of the sentence that carries most.
        quote: that and the next best, in the order of the text.
        found: how that differs from the claim.
        features: by name.
        unsaid: words of the claim that neither it nor any word near in meaning has.
        elsewhere: as in `Judged`; figures too.
    """

    claim: Statement
    best: int
    quote: str
    found: tuple[Finding, ...]
    features: Features
    unsaid: tuple[str, ...]
    elsewhere: tuple[str, ...]


class Checker:
    """Compares claims with evidence; safe to use from several threads.

    Args:
        vectors: compare meaning; without them only words and facts are compared.
        opinion: asked about claims that these leave open; needs `vectors`.
    """

    def __init__(self, vectors: WordVectors | None = None, opinion: Opinion | None = None) -> None:
        self._vectors = vectors
        self._opinion = opinion
        self._weights = Weights.of(("words", "facts", *(["meaning"] if vectors else [])))

    def check(
        self,
        claim: str,
        evidence: str | Sequence[str],
        cited: Sequence[int] = (),
        known: frozenset[str] = frozenset(),
        naming: Naming | None = None,
    ) -> Judged:
        """Return whether `evidence` supports the whole of `claim`.

        Args:
            claim: one or more sentences; it is as good as the worst.
            evidence: sentences in the order of their text, or a text of any length.
            cited: indexes of sentences that the claim's author named; they only break ties.
            known: words that are names although they open a sentence; see `facts.name_words`.
            naming: finds a text that says whom a sentence leaves unnamed. Without it the evidence is one text, of
                which any sentence may name whom and, as a second quote, have a figure that the first has not.
        """
        given = split(evidence) if isinstance(evidence, str) else list(evidence)
        compared = self._compare_all(claim, given, cited, known, naming)
        if not compared:
            return Judged("unsupported", 0.0, "there is nothing to compare", ())
        verdict, probability, reason = _verdict(compared, *self._probability(compared))
        elsewhere = tuple(dict.fromkeys(name for c in compared for name in c.elsewhere))
        spans = () if verdict == "unsupported" else _spans(compared, given, naming is None)
        return Judged(verdict, round(probability, 3), reason, spans, elsewhere)

    def features(self, claim: str, evidence: str | Sequence[str]) -> Features:
        """Return what `check` weighs, by name, with "model" where there is an opinion; {} if there is nothing."""
        given = split(evidence) if isinstance(evidence, str) else list(evidence)
        compared = self._compare_all(claim, given, (), frozenset(), None)
        odds = self._asked(compared)
        return {**worst(c.features for c in compared), **({} if odds is None else {"model": odds})} if compared else {}

    def _probability(self, compared: Sequence[_Compared]) -> tuple[float, bool]:
        """Return the probability of support, and whether an opinion, asked where the rest leaves it open, is for it."""
        features = worst(c.features for c in compared)
        probability = self._weights.probability(features)
        if not _OPEN[0] < probability < _OPEN[1] or any(f.kind in DECISIVE for c in compared for f in c.found):
            return probability, False
        odds = self._asked(compared)
        if odds is None:
            return probability, False
        return Weights.of(("words", "facts", "meaning", "model")).probability({**features, "model": odds}), odds > 0

    def _asked(self, compared: Sequence[_Compared]) -> float | None:
        """The lowest log odds that the opinion gives a sentence of the claim; None where it has none."""
        opinions = [self._opinion(c.claim.text, c.quote) for c in compared] if self._opinion else []
        told = [_log_odds(p) for p in opinions if p is not None]
        return min(told, default=None)

    def _compare_all(
        self, claim: str, given: Sequence[str], cited: Sequence[int], known: frozenset[str], naming: Naming | None
    ) -> list[_Compared]:
        known = known | facts.name_words([*given, claim])
        read = [findings.read(text, known) for text in given]
        parts = [findings.read(part, known) for part in split(claim)]
        return [self._compare(part, read, cited, naming) for part in parts if read]

    def _compare(
        self, claim: Statement, evidence: Sequence[Statement], cited: Sequence[int], naming: Naming | None
    ) -> _Compared:
        rest = _Rest([s.text for s in evidence])
        order, cosines = self._ranked(claim, evidence, cited)
        best = evidence[order[0]]
        missing = [name for name in findings.missing_names(claim, best.text) if not any(map(str.isdigit, name))]
        nearby = {name: text for name in missing if (text := (naming or rest)(order[0], name))}
        found = findings.find(claim, best, "\n".join(nearby.values()))
        figures = [] if naming else [f for f in found if f.kind in _ELSEWHERE and rest(order[0], f.what)]
        unsaid, meaning = tuple(t.text for t in claim.content if not best.has(t.root)), Features()
        if self._vectors:
            meaning, unsaid = _meaning(claim, best, list(cosines.values()), self._vectors)
        said = best if naming else findings.read("\n".join(rest.given))
        found = [f for f in found if f not in figures and not (f.kind == "addition" and _said(f, said, unsaid))]
        features = _words(claim, best, evidence) | _facts(claim, best, found, evidence) | meaning
        elsewhere = (*nearby, *(f.what for f in figures))
        quote = " ".join(evidence[i].text for i in sorted(order[:_NEAR]))
        return _Compared(claim, order[0], quote, tuple(found), features, unsaid, elsewhere)

    def _ranked(
        self, claim: Statement, evidence: Sequence[Statement], cited: Sequence[int]
    ) -> tuple[list[int], dict[int, float]]:
        """Return indexes of the evidence, the sentence that carries most first, and cosines of those embedded."""
        lexical = {i: _lexical(claim, s) + 1e-3 * (i in cited) for i, s in enumerate(evidence)}
        order = sorted(lexical, key=lambda i: -lexical[i])
        if self._vectors is None:
            return order, {}
        first = order[:_EMBEDDED]
        rows = self._vectors.of([claim.text, *(evidence[i].text for i in first)])
        cosines = {i: float(c) for i, c in zip(first, rows[1:] @ rows[0], strict=True)}
        return sorted(first, key=lambda i: -(lexical[i] + cosines[i])) + order[_EMBEDDED:], cosines


def _said(added: Finding, text: Statement, unsaid: Sequence[str]) -> bool:
    """Whether a word that looked put in is said in other words by the quote, or as it is by the text."""
    return any(word not in unsaid or text.has(findings.root(word.lower())) for word in added.what.split())


def split(text: str) -> list[str]:
    """Return the sentences of a text, without headings unless it has nothing else."""
    return [text[s.start : s.end] for s in sentences(text)] or ([text] if text.strip() else [])


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted logistic regression: probability = 1 / (1 + exp(-(intercept + sum of weight * feature)))."""

    intercept: float
    weights: Mapping[str, float]

    @staticmethod
    def of(groups: Iterable[str]) -> Weights:
        """Return the set that was fitted with most of these feature groups, and with no others."""
        groups = set(groups)
        names = [name for name in _fitted() if set(name.split("+")) <= groups]
        return _fitted()[max(names, key=lambda name: name.count("+"))]

    def probability(self, features: Mapping[str, float]) -> float:
        """Return the probability of "supported"."""
        z = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-z))


@cache
def _fitted() -> dict[str, Weights]:
    stored = json.loads((Path(__file__).parent / "verdicts.json").read_text(encoding="utf-8"))
    return {name: Weights(one["intercept"], one["weights"]) for name, one in stored.items()}


@dataclass(frozen=True, slots=True)
class _Rest:
    """What a sentence leaves out is looked for in the evidence: in the nearest before it, else in the first.

    A lone sentence that opens with a pronoun was cut from a text that says who is meant: its claim is believed there.
    """

    given: Sequence[str]

    def index(self, best: int, what: str) -> int | None:
        """Return which sentence has the name or figure."""
        having = [i for i, text in enumerate(self.given) if findings.states(text, what)]
        return max((i for i in having if i < best), default=having[0] if having else None)

    def __call__(self, best: int, what: str) -> str | None:
        """Return the sentence that has it."""
        at = self.index(best, what)
        if at is None and len(self.given) == 1 and _POINTING.match(self.given[0]) and not facts.numbers(what):
            return what
        return None if at is None else self.given[at]


# -- verdict ----------------------------------------------------------------------------------------------------------


def _verdict(compared: Sequence[_Compared], probability: float, agreed: bool) -> tuple[Verdict, float, str]:
    """Return verdict, probability and reason: a decisive difference leaves no support, any other at most a part.

    Where the opinion has read the quote and `agreed`, words that look added may be meant by it.
    """
    found = [f for c in compared for f in c.found]
    decisive = [f for f in found if f.kind in DECISIVE]
    if decisive:
        return "unsupported", min(probability, PARTIAL / 2), findings.reason(decisive)
    far = [c for c in compared if c.features["covered"] < _FAR and c.features.get("cosine_best", 0.0) < _UNSAID]
    if far or probability < PARTIAL:
        reason = findings.reason(found) if found and not far else "no sentence of the sources says this"
        return "unsupported", min(probability, PARTIAL - 0.01), reason
    if any(f.kind != "addition" or not agreed for f in found):
        return "partial", min(probability, SUPPORTED - 0.01), findings.reason(found)
    if probability < SUPPORTED:
        if found:
            return "partial", probability, findings.reason(found)
        unsaid = list(dict.fromkeys(w for c in compared for w in c.unsaid))[:3]
        words = " or ".join(f"“{w}”" for w in unsaid)
        return "partial", probability, f"the quote does not say {words}" if unsaid else "the quote says it differently"
    return "supported", probability, ""


def _spans(compared: Sequence[_Compared], given: Sequence[str], named: bool) -> tuple[tuple[int, Span], ...]:
    """Return the quotes of each sentence of the claim; with `named` also the sentences that name whom it is about."""
    out: list[tuple[int, Span]] = []
    for c in compared:
        out.append((c.best, shortest(c.claim, given[c.best])))
        indexes = [_Rest(given).index(c.best, name) for name in c.elsewhere] if named else []
        out += [(i, Span(0, len(given[i]))) for i in indexes if i is not None]
    return tuple(dict.fromkeys(out))


_ASIDE = re.compile(r";|,\s(?:while|whereas)\b")


def shortest(claim: Statement, quote: str) -> Span:
    """Return the span of `quote` that carries the claim: without what follows a semicolon or "while" and is not in it.

    Nothing is cut that could limit what stays: a "but", a negation, words of doubt or of saying, half a quotation.
    """
    for m in _ASIDE.finditer(quote):
        kept, cut = quote[: m.start()], findings.read(quote[m.start() :])
        whole = findings.read(quote)
        same = all(findings.read(kept).has(t.root) for t in claim.content if whole.has(t.root))
        figures = any(n.matches(t) for n in claim.numbers for t in cut.numbers)
        if same and not figures and not findings.limits(cut) and len(kept.split()) > 4:
            return Span(0, m.start())
    return Span(0, len(quote))


# -- features ---------------------------------------------------------------------------------------------------------


def worst(rows: Iterable[Features]) -> Features:
    """Return for each feature the value that speaks most against the claim."""
    rows = list(rows)
    return {name: (max if name in AGAINST else min)(row[name] for row in rows) for name in rows[0]}


def _lexical(claim: Statement, quote: Statement) -> float:
    absent = sum(not any(n.matches(t) for t in quote.numbers) for n in claim.numbers)
    absent += len(findings.missing_names(claim, quote.text))
    return _covered(claim, [quote]) - 0.3 * absent


def _covered(claim: Statement, texts: Sequence[Statement]) -> float:
    """Share of the claim's words and numbers, function words left out, that `texts` have in some form."""
    have = [any(s.has(r) for s in texts) for r in dict.fromkeys(t.root for t in claim.content)]
    have += [any(n.matches(t) for s in texts for t in s.numbers) for n in claim.numbers]
    return sum(have) / len(have) if have else 0.0


def _words(claim: Statement, best: Statement, every: Sequence[Statement]) -> Features:
    mine, follow = [t.root for t in claim.content], set(pairwise(t.root for t in best.content))
    pairs = [pair in follow for pair in pairwise(mine)]
    covered = _covered(claim, [best])
    return {
        "covered": covered,
        "covered_all": _covered(claim, every),
        "rest": _rest(claim, [best]),
        "rest_all": _rest(claim, every),
        "pairs": sum(pairs) / len(pairs) if pairs else covered,  # neighbours in the claim that are so in the quote
    }


def _rest(claim: Statement, texts: Sequence[Statement]) -> float:
    """Share of the words after the name that opens the claim, which a quote may leave to a pronoun."""
    have = [any(s.has(t.root) for s in texts) for t in claim.content if t.start >= findings.subject_end(claim)]
    return sum(have) / len(have) if have else 1.0


def _facts(claim: Statement, best: Statement, found: Sequence[Finding], every: Sequence[Statement]) -> Features:
    """Count differences, two of a kind at most; `_all` looks in all of the evidence, `_rest` beyond the subject."""
    whole = "\n".join(s.text for s in every)
    missing = findings.missing_names(claim, whole)
    counts = {kind: sum(f.kind == kind for f in found) for kind in KINDS} | {
        "number_all": any(not any(n.matches(t) for s in every for t in s.numbers) for n in claim.numbers),
        "name_all": bool(missing),
        "name_rest_all": sum(claim.text.find(name) >= findings.subject_end(claim) for name in missing),
        "nots": bool(findings.negated(claim)) != bool(findings.negated(best)),
    }
    return {name: float(min(2, count)) for name, count in counts.items()}


def _meaning(
    claim: Statement, best: Statement, cosines: Sequence[float], vectors: WordVectors
) -> tuple[Features, tuple[str, ...]]:
    """Return the features of meaning, and the words of the claim that nothing in the quote comes near to."""
    clauses = [c.strip() for c in re.split(r"[,;:()–—]", best.text) if len(c.split()) > 2][:8]
    rows = vectors.of([claim.text, best.text, *clauses])
    cosine, *of_clauses = (float(c) for c in rows[1:] @ rows[0])
    new = [t for t in claim.content if not best.has(t.root)]
    near = _nearest(new, best.content, vectors)
    features = {
        "cosine": cosine,
        "cosine_best": max(cosines),
        "close": max(0.0, max(cosines) - _CLOSE),
        "clause": max(of_clauses, default=cosine),
        "odd": (1 - min(near, default=1.0)) * _covered(claim, [best]),  # one foreign word in what is otherwise a copy
    }
    return features, tuple(t.text for t, c in zip(new, near, strict=True) if c < _UNSAID)


def _nearest(words: Sequence[Token], others: Sequence[Token], vectors: WordVectors) -> list[float]:
    """Return for each word the cosine of the nearest other."""
    if not words or not others:
        return [0.0] * len(words)
    rows = vectors.of([t.key for t in words]) @ vectors.of([t.key for t in others]).T
    return [float(c) for c in rows.max(axis=1)]


def _log_odds(probability: float) -> float:
    p = min(1 - 1e-6, max(1e-6, probability))
    return max(-_MOST, min(_MOST, math.log(p / (1 - p))))
