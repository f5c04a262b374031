"""From hits to the few sentences that bear on a question, and how likely they answer it.

Orders the sentences of the hits by the fitted model of `answerable`, past those whose figure is of something else, says
in words what those that do not answer lack, and gives those that do what they need to be read alone. Asks no language
model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from citewire.index.types import Article, Embedder, Hit, Span
from citewire.qa import answerable, facts
from citewire.qa.answerable import Candidate, Features, Found
from citewire.qa.antecedents import antecedents
from citewire.qa.judge import Judge, before, is_heading
from citewire.qa.question import Question
from citewire.qa.vectors import WordVectors

ANSWERABLE = 0.5  # probability from which a question counts as answered by what was found (docs/quality.md)
_RIVAL = 1.5  # log odds by which a sentence may be behind the best and still count as answering
_OUTRIGHT = 0.8  # probability of what a rule is sure of: lower than its precision, as the name may be another's
_NONE = 0.2  # the most where every sentence is told to be of something else, which is told by words alone
_READ = 16  # sentences, best by `Reading.score`, whose features are looked at
_EXPLAINED = 8  # sentences whose antecedents are looked for
_FAR = "a passage close enough"
_NOT_SAID = "an answer in so many words"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that bears on the question.

    Attributes:
        article: path of the article.
        span: the sentence, as offsets into the article's text.
        text: the sentence, character-exact.
        score: mean of cosine and scaled BM25, 0 to 1; higher is better, comparable within one question.
        missing: what the question asks for and this sentence does not give, in words a reader understands;
            empty if it can answer.
        probability: that this sentence answers the question, 0 to 1; at most that of the question.
        context: spans of the same article that say who or what the sentence speaks of where it has only a pronoun or
            "the company" for it, in the order of the text.
    """

    article: str
    span: Span
    text: str
    score: float
    missing: tuple[str, ...]
    probability: float = 0.0
    context: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """The evidence on a question.

    Attributes:
        evidence: every sentence of the hits, those that can answer first, then by falling probability.
        probability: calibrated, that the question can be answered from it, 0 to 1.
    """

    evidence: tuple[Evidence, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence as it was read.

    Attributes:
        candidate: the sentence.
        score: as in `Evidence`.
        values: its `answerable.FEATURES`; empty where it is too far from the question to be looked at.
        missing: what it lacks by the strict rules.
    """

    candidate: Candidate
    score: float
    values: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def gather(
    question: Question,
    hits: Sequence[Hit],
    article: Callable[[str], Article],
    embedder: Embedder,
    judge: Judge,
) -> list[Evidence]:
    """Return every sentence of the hits, those that can answer first, then by falling probability."""
    return list(weigh(question, hits, article, embedder, judge).evidence)


def weigh(
    question: Question,
    hits: Sequence[Hit],
    article: Callable[[str], Article],
    embedder: Embedder,
    judge: Judge,
    least: float = ANSWERABLE,
) -> Weighed:
    """Return every sentence of the hits, and the probability that they answer the question.

    Args:
        question: the question, taken apart.
        hits: the passages found.
        article: the article of a path.
        embedder: for the likeness of question and sentences.
        judge: of the same question.
        least: probability of the question from which its best sentences count as answering: their `missing` is empty.
    """
    readings, rest = read(question, hits, article, embedder, judge)
    if not readings:
        return Weighed((), 0.0)
    model = answerable.fitted()
    odds = [model.sentence.log_odds(one.values) for one in readings]
    contenders, outright = _contenders(question, judge, readings)
    heard = contenders or range(len(odds))
    probability = model.answerable([readings[place].values for place in heard])
    probability = max(probability, _OUTRIGHT) if outright else probability if contenders else min(probability, _NONE)
    best = max(odds[place] for place in heard)
    order = sorted(range(len(odds)), key=lambda place: (place not in heard, -odds[place]))
    features = Features(question, judge)
    out = []
    for rank, place in enumerate(order):
        reading = readings[place]
        of_a_year = len(question.years) > 1 and not reading.missing  # each year has its own best sentence
        near = odds[place] >= best - _RIVAL or of_a_year
        able = probability >= least and place in contenders and near
        lacks = () if able else reading.missing or features.lacking(reading.candidate) or (_NOT_SAID,)
        likely = probability * min(1.0, answerable.sigmoid(odds[place]) / answerable.sigmoid(best)) * (place in heard)
        out.append(_evidence(reading, lacks, likely, explained=rank < _EXPLAINED))
    return Weighed((*out, *(_evidence(one, (_FAR,), 0.0, explained=False) for one in rest)), probability)


def _contenders(question: Question, judge: Judge, readings: Sequence[Reading]) -> tuple[list[int], bool]:
    """Return the places of the readings that can answer at all, however near the others, and whether they do outright.

    Where a figure is asked for, one without any, or with that of something else, does not answer. What is counted has
    too many names for the former to be sure.
    """
    told = [judge.says_outright(one.candidate.text) for one in readings]
    outright = [place for place, one in enumerate(readings) if not one.missing and told[place]]
    if outright:
        return outright, True
    places = [place for place, one in enumerate(readings) if not _of_another(question, judge, one.candidate)]
    figured = [place for place in places if not readings[place].values["no_figure"]]
    return (figured or places if question.expects in ("amount", "percent") else places), False


def _of_another(question: Question, judge: Judge, candidate: Candidate) -> bool:
    """Whether the sentence's figure is of another year, of several together, or of another part than asked for."""
    if question.expects not in ("amount", "percent", "count"):
        return False
    if judge.other_years(candidate.span, candidate.article) or judge.of_group(candidate.text):
        return True
    return bool(judge.other_measure(candidate.text, before(candidate.article.text, candidate.span)))


def _evidence(reading: Reading, missing: tuple[str, ...], probability: float, *, explained: bool) -> Evidence:
    article, span = reading.candidate.article, reading.candidate.span
    return Evidence(
        article.path,
        span,
        article.text[span.start : span.end],
        reading.score,
        missing,
        probability,
        antecedents(article, span) if explained else (),
    )


def read(
    question: Question,
    hits: Sequence[Hit],
    article: Callable[[str], Article],
    embedder: Embedder,
    judge: Judge,
) -> tuple[list[Reading], list[Reading]]:
    """Return the `_READ` best sentences with their features, and the others without, each by falling score."""
    articles = {path: article(path) for path in dict.fromkeys(h.passage.article for h in hits)}
    places = _places(hits, articles)
    if not places:
        return [], []
    candidates, found = _candidates(question, places, articles, embedder, judge.vectors)
    highest = found.best_bm25 or 1.0
    scored = sorted(
        (Reading(c, (c.cosine + c.bm25 / highest) / 2) for c in candidates), key=lambda reading: -reading.score
    )
    near, rest = scored[:_READ], scored[_READ:]
    judge.read(reading.candidate.text for reading in near)
    features = Features(question, judge)
    return [Reading(r.candidate, r.score, *features.of(r.candidate, found)) for r in near], rest


_Places = dict[tuple[str, Span], tuple[float, int]]  # (article, sentence) -> cosine and rank of its best passage


def _places(hits: Sequence[Hit], articles: Mapping[str, Article]) -> _Places:
    places: _Places = {}
    for rank, hit in enumerate(hits, 1):
        for span in hit.passage.sentences:
            place = hit.passage.article, span
            if place in places:
                places[place] = max(places[place][0], hit.cosine), places[place][1]
            elif not is_heading(articles[hit.passage.article].text[span.start : span.end]):
                places[place] = hit.cosine, rank
    return places


def _candidates(
    question: Question,
    places: _Places,
    articles: Mapping[str, Article],
    embedder: Embedder,
    vectors: WordVectors,
) -> tuple[list[Candidate], Found]:
    texts = [" ".join(articles[path].text[span.start : span.end].split()) for path, span in places]
    cosines = [float(cosine) for cosine in vectors.of(texts) @ embedder.embed_query(question.text)]
    weights = {**dict.fromkeys(question.context, 0.5), **dict.fromkeys(facts.terms(question.text), 1.0)}
    bm25, possible = answerable.bm25(weights, [Counter(facts.terms(text)) for text in texts])
    candidates = [
        Candidate(articles[path], span, text, cosine, score, *passage)
        for ((path, span), passage), text, cosine, score in zip(places.items(), texts, cosines, bm25, strict=True)
    ]
    return candidates, Found(sorted(cosines, reverse=True), max(bm25), possible)
