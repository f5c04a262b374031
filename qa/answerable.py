"""How likely the sentences found answer the question: features of each, weighed by a fitted logistic regression.

Knows the features and how the coefficients of answerable.json (written by benchmarks/answerability.py) are applied: one
model ranks the sentences of a question, a second says from the best of them whether the question can be answered.
Does not know where sentences come from, nor what follows from a probability.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from citewire.index.types import Article, Span
from citewire.qa import facts
from citewire.qa.judge import Judge, before, content_words, opening, terms_of
from citewire.qa.question import Question

Numbers = NDArray[np.float64]

KINDS: dict[str, tuple[str, ...]] = {
    "no_figure": ("count", "amount", "percent"),
    "no_date": ("date",),
    "no_person": ("person",),
    "no_named": ("named",),
    "no_statement": ("statement",),
}
# What is known of one sentence, by group. Shares are 0 to 1; "in context" also looks at the sentences before, the
# title, the first line and the outlet.
GROUPS: dict[str, tuple[str, ...]] = {
    "meaning": (
        "cosine",  # of question and sentence
        "cosine_lead",  # over the mean of the five nearest sentences
        "passage_cosine",  # of question and the passage around the sentence
        "passage_rank",  # 1 / rank of that passage
    ),
    "words": (
        "bm25",  # share of the highest BM25 that any sentence could have
        "bm25_share",  # share of the best sentence's
    ),
    "coverage": (
        "covered",  # share of the question's words, names and years in the sentence
        "covered_context",
        "covered_article",
        "covered_terms",  # the same of the words that an answer should have
        "alike",  # mean likeness of the question's words to the nearest word of the sentence
        "alike_context",
        "alike_terms",
        "least_alike",  # lowest of these, in context
    ),
    "names": (
        "names_context",  # share of the question's names
        "names_article",
        "years_article",
        "years_clash",  # whether the sentence speaks of other years than the question
        "numbers",  # whether the question's numbers stand in the sentence
    ),
    "kind": (  # whether what is asked for, by kind, is not there
        *KINDS,
        "reason",  # a reason is asked for and given
        "novelty",  # log of how many words the sentence has beyond the question
    ),
    "rules": (  # what the strict rules of `Judge.missing` say; they know names by their capitals
        "missing",  # how many things they miss
        "any_missing",
        "complete_named",  # whether they miss nothing, though the question has names
        "complete_typed",  # though it asks for a kind of thing
    ),
    "contrast": (
        "negated",  # whether only one of both is negated
        "superlative",  # whether the question's "first" or "largest" is not in the sentence
    ),
    "shape": (
        "length",  # log of words
        "question_length",  # log of what the question names
        "long",  # by how much that is over eight
        "typed",  # whether a kind of answer is asked for
        "polar",  # whether yes or no is: what speaks of the same answers it, without a name or figure to be found
    ),
}
FEATURES = tuple(name for group in GROUPS.values() for name in group)
# The higher these are, the less likely is an answer; of `FREE`, either may be. The fit keeps to it, so that no lack
# ever makes an answer more probable.
AGAINST = frozenset((*KINDS, *"years_clash missing any_missing negated superlative lead".split()))
FREE = frozenset("length question_length long typed polar rivals".split())
# What is known of a question beside the features of its best sentence.
OVERALL = (
    "best",  # log odds of the best sentence
    "lead",  # over the second best
    "rivals",  # log of how many sentences are about as good
    "covered_together",  # highest `covered_context` of the three best sentences
    "alike_together",
    "nearest_passage",  # highest `passage_cosine` of all
)
_LEFT_OUT = ("cosine_lead", "passage_rank", "typed", "length")  # these tell sentences of one question apart
QUESTION_FEATURES = (*(name for name in FEATURES if name not in _LEFT_OUT), *OVERALL)

_SHORT = 4  # things that a question names below which the sets that were fitted have hardly any
_LONG = math.log1p(8)
_MOST_UNITS = 20  # words, names and years of a question that are looked for
_BM25_K1, _BM25_B = 1.2, 0.75  # Robertson and Zaragoza (2009), their usual values
_NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot|fail(?:s|ed)?|\w+n['’]t)\b", re.IGNORECASE)
_SUPERLATIVE = re.compile(r"\b(?:first|last|second|third|only|most|least|best|worst|\w{3,}est)\b", re.IGNORECASE)
_POLAR = re.compile(
    r"^\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b"
    r"|, (?:is|are|was|were|do|does|did|has|have|had) (?:the|there|it)\b",
    re.IGNORECASE,
)
# What a sentence that gives a reason has.
REASON = re.compile(
    r"\b(?:because|due to|owing to|thanks to|reasons?|since|so that|in order to|as a result|drove|prompted|led to|"
    r"citing|caused?|blam(?:e[ds]?|ing)|for (?:\w+ly )?\w+ing)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence with what the search says of it.

    Attributes:
        article, span: where it stands.
        text: the sentence, white space single.
        cosine: of question and sentence.
        bm25: of question and sentence, over the sentences found.
        passage_cosine, passage_rank: of the best passage around it, rank from 1.
    """

    article: Article
    span: Span
    text: str
    cosine: float
    bm25: float
    passage_cosine: float
    passage_rank: int


@dataclass(frozen=True, slots=True)
class Found:
    """All sentences of the hits taken together.

    Attributes:
        cosines: of question and sentences, falling.
        best_bm25: the highest.
        possible_bm25: what no sentence can exceed.
    """

    cosines: Sequence[float]
    best_bm25: float
    possible_bm25: float


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that a question names: `kind` "name", "year", "term" (an answer should have it) or "word"."""

    kind: Literal["name", "year", "term", "word"]
    text: str


def units(question: Question) -> list[Unit]:
    """Return what the question names, in its order of kinds: names, years, words; the first `_MOST_UNITS`."""
    inside = {w for name in question.names for w in facts.words(name)}
    found = [Unit("name", name) for name in question.names]
    found += [Unit("year", str(year)) for year in sorted(question.years)]
    for word in dict.fromkeys(content_words(question.text)):
        if word in inside or (word.isdigit() and int(word) in question.years):
            continue
        found.append(Unit("term" if facts.stem(word) in question.terms else "word", word))
    return found[:_MOST_UNITS]


class Features:
    """What of a question each sentence has; keeps what all sentences share."""

    def __init__(self, question: Question, judge: Judge) -> None:
        self._question, self._judge, self._vectors = question, judge, judge.vectors
        self._units = units(question)
        self._words = [unit.text.lower() for unit in self._units]
        self._asked = facts.numbers(question.text)
        self._stems = set(facts.terms(question.text))
        self._superlatives = _words_of(_SUPERLATIVE, question.text)
        self._length = math.log1p(max(_SHORT, len(self._units)))
        self._polar = float(bool(_POLAR.search(question.text)))
        self._negated = bool(_NEGATION.search(question.text))

    def of(self, candidate: Candidate, found: Found) -> tuple[dict[str, float], tuple[str, ...]]:
        """Return the value of each of `FEATURES`, and what the sentence lacks by the strict rules."""
        values = _retrieved(candidate, found) | self._covered(candidate) | self._kind(candidate) | self._form(candidate)
        missing = self._judge.missing(candidate.span, candidate.article)
        rules = {
            "missing": float(len(missing)),
            "any_missing": float(bool(missing)),
            "complete_named": float(not missing and bool(self._question.names)),
            "complete_typed": float(not missing) * values["typed"],
        }
        return values | rules, missing

    def lacking(self, candidate: Candidate) -> tuple[str, ...]:
        """Return the question's words that the sentence has least, in context: those absent, else the least alike."""
        if not self._units:
            return ()
        _, context, _ = self._presence(candidate)
        absent = [unit.text for unit, there in zip(self._units, context, strict=True) if not there]
        if absent:
            return tuple(absent)
        alike = self._likeness(candidate.text)
        return (self._units[int(np.argmin(alike))].text,)

    def _covered(self, candidate: Candidate) -> dict[str, float]:
        exact, context, article = self._presence(candidate)
        near = f"{before(candidate.article.text, candidate.span)} {candidate.article.title}"
        alike = np.maximum(exact, self._likeness(candidate.text))
        alike_context = np.maximum(np.maximum(context, alike), self._likeness(near))
        kinds = np.array([unit.kind for unit in self._units], str)
        terms, names, years = kinds == "term", kinds == "name", kinds == "year"
        every = kinds != ""
        spoken_of = facts.years(candidate.text)
        return {
            "covered": _mean(exact, every),
            "covered_context": _mean(context, every),
            "covered_article": _mean(article, every),
            "covered_terms": _mean(exact, terms),
            "alike": _mean(alike, every),
            "alike_context": _mean(alike_context, every),
            "alike_terms": _mean(alike, terms),
            "least_alike": float(alike_context[terms | names].min(initial=1.0)),
            "names_context": _mean(context, names),
            "names_article": _mean(article, names),
            "years_article": _mean(article, years),
            "years_clash": float(bool(self._question.years and spoken_of and not self._question.years & spoken_of)),
        }

    def _presence(self, candidate: Candidate) -> tuple[Numbers, Numbers, Numbers]:
        """1 or 0 for each unit: in the sentence, in context, in the article."""
        article, text = candidate.article, candidate.text
        head = f"{before(article.text, candidate.span)}\n{article.title}\n{opening(article.text)}\n{article.outlet}"
        stems, near, whole = frozenset(facts.terms(text)), frozenset(facts.terms(head)), terms_of(article.text)
        resolved = {
            int(day[:4]) for d in article.dates_in(candidate.span) for day in (d.first, d.last)
        }  # fmt: skip
        out = np.zeros((3, len(self._units)))
        for place, unit in enumerate(self._units):
            if unit.kind == "name":
                tests = [facts.has_name(unit.text, t) for t in (text, head)]
                tests.append(any(tests) or facts.has_name(unit.text, article.text))
            elif unit.kind == "year":
                year = int(unit.text)
                tests = [year in facts.years(text) | resolved, year in facts.years(head)]
                tests.append(year in facts.years(f"{article.text}\n{article.published[:4]}"))
            else:
                stem = facts.stem(unit.text)
                tests = [any(facts.same_root(stem, t) for t in there) for there in (stems, near)]
                tests.append(any(tests) or any(facts.same_root(stem, t) for t in whole))
            out[:, place] = tests[0], any(tests[:2]), any(tests)
        return out[0], out[1], out[2]

    def _likeness(self, text: str) -> Numbers:
        """The cosine of each unit and the nearest word of `text`, 0 at least."""
        words = list(dict.fromkeys(content_words(text)))
        if not words:
            return np.zeros(len(self._units))
        likeness: Numbers = self._vectors.likeness(self._words, words).max(axis=1, initial=0.0).astype(np.float64)
        return likeness

    def _kind(self, candidate: Candidate) -> dict[str, float]:
        expects = self._question.expects
        lacks = float(bool(self._judge.wanted(candidate.text, terms_of(candidate.article.text))))
        stems = facts.terms(candidate.text)
        new = [t for t in stems if not any(facts.same_root(t, asked) for asked in self._stems)]
        return {
            **{name: lacks * (expects in kinds) for name, kinds in KINDS.items()},
            "reason": float(expects == "reason" and bool(REASON.search(candidate.text))),
            "novelty": math.log1p(len(new)),
            "length": math.log1p(len(stems)),
            "question_length": self._length,
            "long": max(0.0, self._length - _LONG),
            "typed": float(expects not in ("open", "reason", "statement")),
            "polar": self._polar,
        }

    def _form(self, candidate: Candidate) -> dict[str, float]:
        there = facts.numbers(candidate.text)
        asked = [n for n in self._asked if n.value not in self._question.years]
        return {
            "numbers": float(all(any(n.matches(t) for t in there) for n in asked)),
            "negated": float(self._negated != bool(_NEGATION.search(candidate.text))),
            "superlative": float(not self._superlatives <= _words_of(_SUPERLATIVE, candidate.text)),
        }


def _words_of(pattern: re.Pattern[str], text: str) -> set[str]:
    return {word.lower() for word in pattern.findall(text)}


def _mean(values: Numbers, chosen: NDArray[np.bool_]) -> float:
    """Mean of the chosen values; 1 where none is, as nothing asked for is missing."""
    return float(values[chosen].mean()) if chosen.any() else 1.0


def _retrieved(candidate: Candidate, found: Found) -> dict[str, float]:
    return {
        "cosine": candidate.cosine,
        "cosine_lead": candidate.cosine - sum(found.cosines[:5]) / len(found.cosines[:5]),
        "passage_cosine": candidate.passage_cosine,
        "passage_rank": 1 / candidate.passage_rank,
        "bm25": candidate.bm25 / found.possible_bm25 if found.possible_bm25 else 0.0,
        "bm25_share": candidate.bm25 / found.best_bm25 if found.best_bm25 else 0.0,
    }


def bm25(weights: Mapping[str, float], bags: Sequence[Mapping[str, int]]) -> tuple[list[float], float]:
    """Return the BM25 of each bag of stems over these bags, and what no bag can exceed.

    Args:
        weights: how much each stem of the question counts.
        bags: how often each stem stands in each sentence.
    """
    lengths = [sum(bag.values()) for bag in bags]
    mean = sum(lengths) / len(bags) or 1.0
    idf = {}
    for term in weights:
        df = sum(term in bag for bag in bags)
        idf[term] = math.log(1 + (len(bags) - df + 0.5) / (df + 0.5))
    scores = [
        sum(
            w * idf[t] * bag[t] * (_BM25_K1 + 1) / (bag[t] + _BM25_K1 * (1 - _BM25_B + _BM25_B * length / mean))
            for t, w in weights.items()
            if t in bag
        )
        for bag, length in zip(bags, lengths, strict=True)
    ]
    return scores, (_BM25_K1 + 1) * sum(w * idf[t] for t, w in weights.items())


# -- the fitted model ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression: the log odds are `bias` and the sum of each weight times its feature."""

    bias: float
    weights: Mapping[str, float]

    def log_odds(self, values: Mapping[str, float]) -> float:
        """Return the log odds for the features `values`."""
        return self.bias + sum(weight * values[name] for name, weight in self.weights.items())


@dataclass(frozen=True, slots=True)
class Model:
    """The fitted coefficients.

    Attributes:
        sentence: how well a sentence answers, of `FEATURES`; orders the sentences of one question.
        question: whether the question can be answered, of `QUESTION_FEATURES` of its best sentence.
    """

    sentence: Weights
    question: Weights

    def overall(self, sentences: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Return the value of each of `QUESTION_FEATURES` from the `FEATURES` of the sentences, at least one."""
        scores = [self.sentence.log_odds(values) for values in sentences]
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        best, three = scores[order[0]], [sentences[place] for place in order[:3]]
        together = {
            "best": best,
            "lead": best - scores[order[1]] if len(order) > 1 else 3.0,
            "rivals": math.log(sum(math.exp(score - best) for score in scores)),
            "covered_together": max(values["covered_context"] for values in three),
            "alike_together": max(values["alike_context"] for values in three),
            "nearest_passage": max(values["passage_cosine"] for values in sentences),
        }
        return dict(sentences[order[0]]) | together

    def answerable(self, sentences: Sequence[Mapping[str, float]]) -> float:
        """Return the probability that the sentences, given by their `FEATURES`, answer the question; 0 for none."""
        return sigmoid(self.question.log_odds(self.overall(sentences))) if sentences else 0.0


def sigmoid(value: float) -> float:
    """Return the probability of log odds."""
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


@cache
def fitted() -> Model:
    """Return the model of answerable.json."""
    text = (files("citewire.qa") / "answerable.json").read_text(encoding="utf-8")
    return model_of(json.loads(text))


def model_of(fields: Mapping[str, Mapping[str, Any]]) -> Model:
    """Return the model that answerable.json spells as {"sentence": {"bias", "weights"}, "question"}."""

    def weights(name: str) -> Weights:
        part = fields[name]
        return Weights(float(part["bias"]), {key: float(value) for key, value in part["weights"].items()})

    return Model(weights("sentence"), weights("question"))
