"""Summaries: the articles about a topic, their most informative sentences, and these in fewer words.

Knows sentences, their vectors and the reader's probabilities, not how a summary was asked for or an answer is built.

    topic -> select -> points -> shortened -> (text, Judgement) ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp

import numpy as np
from numpy.typing import NDArray

from citewire.index.options import SearchOptions
from citewire.index.passages import title_words
from citewire.index.scope import allowed_rows, as_of
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Hit, Span, Vectors
from citewire.qa import claims, facts, prompt, quantities
from citewire.qa.boilerplate import is_own, own_sentences
from citewire.qa.claims import Judgement, Place, place_of
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence, odds, window
from citewire.qa.reader import Reader
from citewire.qa.standing import is_whole, plain, stands_alone
from citewire.qa.types import Generator, Message
from citewire.qa.verdicts import TRUSTED, Checker

ASKED = "What is known about {}?"  # the reader's question about a topic; calibrated like any other
ARTICLES = 8  # most articles of one summary
FEWEST, MOST = 3, 8  # least and greatest number of points of a summary
TOKENS = 64  # most tokens that the model writes for a summary: 4 s at 16 tokens a second

_HITS = 24  # passages that are retrieved for a topic
_EACH = 4  # most of these from one article
_READ = 48  # most sentences of these passages that the reader reads
_SENTENCES = 200  # most sentences of an article that are embedded, 5 ms each
_NEAR_BEST = 12.0  # an article stays if its odds times this reach those of the best one
_ABOUT = 0.5  # a sentence with this cosine with the topic is about it
# Fewer sentences than _FILLED about a topic are filled up with the likeliest that have the cosine _NEARBY with it.
_FILLED, _NEARBY = 9, 0.3
# If the reader is sure of no article, one stays if odds * exp(_SHARE * cosine of title and topic) >= _BEARS.
_BEARS, _SHARE = 1.35, 4.0
# One article is meant if its title has this cosine with the topic, and leads the next title by _AHEAD; _NEARBY is
# enough if no other article bears on it.
_TITLED, _AHEAD = 0.5, 0.1
_LONG = 25  # a sentence of this many words or more is shortened
_PER_POINT = 12  # this many sentences of an article give one more point
_PRIOR = 0.1  # weight of a sentence's own score (cosine, position, facts) beside its coverage of the others
# weights of an early position and of many facts in that score; the cosine with topic and title has weight 1
_EARLY, _FACTS = 0.5, 0.2
_MANY = 5  # a sentence with this many figures and names has the full score for facts
_REPEATS = 0.65  # a sentence repeats another one from this cosine on
_ALIKE, _SAYS = 0.4, 0.7  # from this cosine on the verifier decides; it says "repeats" from probability _SAYS on
_CENTRAL = 0.5  # a sentence below this share of the median centrality is left out, such as a line about the author
_SHORT = 10  # an article of at most this many sentences may have fewer than `FEWEST` points
_OPENS = 5  # a summary of one article has the one of this many first sentences that is nearest to its title
_LATE = 0.04  # the nearness falls by this for each sentence before; of 24 openings on which it decides most are better
_OPENING = 200  # first characters of an article that stand in for a missing title
_MOST_TOKENS = 40  # most tokens of one shortened sentence
_SHORTER = 0.85  # a shortened sentence is used if it has at most this share of the words

Weights = NDArray[np.float64]  # one for each candidate


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may go into a summary.

    Attributes:
        article: path of the article.
        span: the sentence, as offsets into the article's text.
        position: relative position in its article, 0 for the first sentence, always below 1.
        relevance: probability that it is about the topic, 0 to 1; 1 if there is no topic.
    """

    article: str
    span: Span
    position: float
    relevance: float = 1.0


@dataclass(frozen=True, slots=True)
class Selection:
    """The articles and sentences that a summary is made from.

    Attributes:
        articles: paths, the likeliest first: one article, those about a topic, or all that pass the filters; () if
            none is about it.
        candidates: sentences of these articles, in the order of each text.
        missing: names of the topic that no article has.
    """

    articles: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    missing: tuple[str, ...] = ()


def select(topic: str, index: Index, embedder: Embedder, reader: Reader, options: SearchOptions) -> Selection:
    """Return the articles about a topic, or the newest that pass the filters if it is "".

    One article is chosen if its title is clearly the nearest to the topic. If the reader is sure of no sentence, as for
    a few loose words, the titles count too. Nothing is selected if nothing is found, or if no article found has a name
    of the topic.

    Args:
        topic: what to summarise: "the pope", "Acme's ferries".
        index: the articles.
        embedder: the one that the index was made with.
        reader: reads the sentences that are found.
        options: filters and time; the number of passages is set here.
    """
    if not topic.strip():
        return _everything(index, options)
    hits = search(index, embedder, topic, replace(options, k=_HITS, per_article=_EACH, copies=1))
    found = [index.article(path) for path in dict.fromkeys(hit.passage.article for hit in hits)]
    names = names_of(topic)
    missing = tuple(name for name in names if not any(_has(name, article) for article in found))
    if missing or not hits:
        return Selection(missing=missing)
    articles = {article.path: article for article in with_all(names, found)}
    hits = [hit for hit in hits if hit.passage.article in articles]
    likely = _likely(topic, hits, articles, index, embedder, reader)
    best = dict.fromkeys(articles, 0.0)
    for (path, span), (probability, _) in likely.items():
        there = _has_words(topic, f"{title_words(articles[path])} {articles[path].text[span.start : span.end]}")
        best[path] = max(best[path], probability, ANSWERS if there else 0.0)
    nearness = embedder.embed([_heading(one) for one in articles.values()]) @ embedder.embed_query(topic)
    near = dict(zip(articles, nearness.tolist(), strict=True))
    sure = [path for path, p in best.items() if p >= ANSWERS]
    bearing = sure or [path for path in near if odds(best[path]) * exp(_SHARE * near[path]) >= _BEARS]
    if not bearing:
        return Selection()
    highest = max(odds(best[path]) for path in bearing)
    bearing = [path for path in bearing if odds(best[path]) * _NEAR_BEST >= highest]
    first, *others = sorted(((near[path], path) for path in bearing), reverse=True)
    titled = [path for path in bearing if all(facts.has_name(name, _heading(articles[path])) for name in names)]
    ahead = first[0] >= _TITLED and first[0] - others[0][0] >= _AHEAD if others else first[0] >= _NEARBY
    if ahead and first[1] in titled:
        return of_article(articles[first[1]], index)
    kept = tuple(sorted(bearing, key=lambda path: -best[path])[:ARTICLES])
    candidates = [
        replace(one, relevance=likely[path, one.span][0])
        for path in kept
        for one in _sentences(articles[path], index)
        if (path, one.span) in likely
    ]
    about = [one for one in candidates if one.relevance >= ANSWERS]
    nearby = [one for one in candidates if one not in about and likely[one.article, one.span][1] >= _NEARBY]
    about += sorted(nearby, key=lambda one: -one.relevance)[: max(_FILLED - len(about), 0)]
    return Selection(kept, tuple(one for one in candidates if one in about))


def names_of(topic: str) -> list[str]:
    """Return the names in a topic; a capital marks one even in its first word."""
    return facts.names(topic, frozenset(topic.lower().split()[:1]))


def with_all(names: Sequence[str], articles: Sequence[Article]) -> Sequence[Article]:
    """Return the articles that have all names, or all articles if none has."""
    return [one for one in articles if all(_has(name, one) for name in names)] or articles


def _has(name: str, article: Article) -> bool:
    return facts.has_name(name, f"{title_words(article)} {article.text}")


def of_article(article: Article, index: Index) -> Selection:
    """Return one article with its sentences."""
    return Selection((article.path,), _sentences(article, index, _SENTENCES))


def _likely(
    topic: str, hits: Sequence[Hit], articles: Mapping[str, Article], index: Index, embedder: Embedder, reader: Reader
) -> dict[tuple[str, Span], tuple[float, float]]:
    """The sentences of the best passages: the probability that each is about the topic, and its cosine with it.

    A sentence with all words of the topic, or the cosine _ABOUT, has at least ANSWERS.
    """
    places: dict[tuple[str, Span], Hit] = {}
    for hit in hits:
        for span in hit.passage.sentences:
            if is_own(articles[hit.passage.article].text, span, index):
                places.setdefault((hit.passage.article, span), hit)
    read = list(places.items())[:_READ]
    windows = [window(articles[path], span, hit.cosine, hits[0].score - hit.score) for (path, span), hit in read]
    readings = reader.read(ASKED.format(topic), windows)
    cosines = embedder.embed([" ".join(one.sentence.split()) for one in windows]) @ embedder.embed_query(topic)
    found = {}
    for (place, _), reading, one, cosine in zip(read, readings, windows, cosines.tolist(), strict=True):
        there = cosine >= _ABOUT or _has_words(topic, one.sentence)
        found[place] = max(reading.probability, ANSWERS if there else 0.0), cosine
    return found


def _has_words(topic: str, text: str) -> bool:
    asked = set(facts.terms(topic))
    return bool(asked) and asked <= set(facts.terms(text))


def _everything(index: Index, options: SearchOptions) -> Selection:
    """The newest articles that pass the filters, at most ARTICLES, one of each group of copies."""
    allowed, empty = allowed_rows(index, options, as_of(index, options))
    table = index.table
    at = np.flatnonzero(table.alive if allowed is None else table.alive & allowed[table.first_rows])
    if empty or not len(at):
        return Selection()
    newest = at[np.argsort(-table.published[at].astype(np.int64), kind="stable")]
    _, once = np.unique(table.groups[newest], return_index=True)
    rows = table.first_rows[newest[np.sort(once)[:ARTICLES]]]
    articles = [index.article(summary.path) for summary in index.summaries(rows.tolist())]
    candidates = tuple(one for article in articles for one in _sentences(article, index, _SENTENCES // len(articles)))
    return Selection(tuple(article.path for article in articles), candidates)


def _sentences(article: Article, index: Index, most: int | None = None) -> tuple[Candidate, ...]:
    spans = own_sentences(article.text, index)
    return tuple(Candidate(article.path, span, at / len(spans)) for at, span in enumerate(spans[:most]))


def _heading(article: Article) -> str:
    return title_words(article) or article.text[:_OPENING]


# -- the most informative sentences ---------------------------------------------------------------------------------


def points(topic: str, selection: Selection, index: Index, embedder: Embedder, reader: Reader) -> list[Place]:
    """Return the most informative sentences, the oldest article first, in the order of each text.

    The summary of one article has one of its first sentences. Each next sentence is the one that adds most
    to the coverage of all candidates (facility location: Lin and Bilmes, "A Class of Submodular Functions for Document
    Summarization", ACL 2011) plus its own score: cosine with topic and title, early position, number of facts.
    Skipped are sentences that cannot stand alone, and those that repeat a chosen one by cosine (maximal marginal
    relevance: Carbonell and Goldstein, SIGIR 1998) or by the verifier.

    Args:
        topic: as for `select`.
        selection: what `select` returned.
        index: the articles.
        embedder: the one that the index was made with.
        reader: verifies which sentences repeat others.
    """
    articles = {path: index.article(path) for path in selection.articles}
    given = selection.candidates
    if not given:
        return []
    texts = [" ".join(articles[one.article].text[one.span.start : one.span.end].split()) for one in given]
    vectors = embedder.embed(texts)
    headings = dict(zip(articles, embedder.embed([_heading(one) for one in articles.values()]), strict=True))
    near = np.array([vector @ headings[one.article] for vector, one in zip(vectors, given, strict=True)])
    lead = _lead(given, texts, near)
    if topic.strip():
        near = (near + vectors @ embedder.embed_query(topic)) / 2
    early = 1 - np.array([one.position for one in given])
    many = np.array([min(len(quantities.numbers(text)) + len(facts.names(text)), _MANY) / _MANY for text in texts])
    prior = _PRIOR * np.array([one.relevance for one in given]) * (near + _EARLY * early + _FACTS * many)
    chosen = _chosen(given, texts, vectors, prior, lead, _wanted(selection), reader) or [int(prior.argmax())]
    ordered = sorted(
        (given[at] for at in chosen), key=lambda one: (articles[one.article].published, one.article, one.span.start)
    )
    return [place_of(articles[one.article], one.span) for one in ordered]


def _chosen(
    given: Sequence[Candidate],
    texts: Sequence[str],
    vectors: Vectors,
    prior: Weights,
    lead: int,
    most: int,
    reader: Reader,
) -> list[int]:
    """The positions of up to `most` candidates: `lead`, then greedily, one of each article before a second of any."""
    likeness = np.maximum(vectors @ vectors.T, 0)
    np.fill_diagonal(likeness, 0)
    np.fill_diagonal(likeness, likeness.max(axis=1))  # so that a sentence like no other covers little
    relevance = np.array([one.relevance for one in given])
    covers = likeness * relevance[:, None] / relevance.sum()
    covered = np.zeros(len(given))
    central = likeness.mean(axis=1)
    leaning: list[int] = []  # sentences that need their context, the best first, in case too few others are left
    left = np.flatnonzero(central >= _CENTRAL * np.median(central)).tolist()
    chosen: list[int] = []
    while left and len(chosen) < most:
        told = {given[one].article for one in chosen}
        fresh = [one for one in left if given[one].article not in told] or left
        gains = np.maximum(covers[:, fresh] - covered[:, None], 0).sum(axis=0) + prior[fresh]
        best = lead if lead in left else fresh[int(gains.argmax())]
        left.remove(best)
        if not stands_alone(plain(texts[best])):
            leaning.append(best)
        elif not _repeats(best, chosen, texts, vectors, reader):
            chosen.append(best)
            covered = np.maximum(covered, covers[:, best])
    enough = FEWEST if len(given) > _SHORT else 0
    for one in leaning:
        if len(chosen) < enough and is_whole(texts[one]) and not _repeats(one, chosen, texts, vectors, reader):
            chosen.append(one)
    return chosen


def _lead(given: Sequence[Candidate], texts: Sequence[str], near: NDArray[np.floating]) -> int:
    """The position of the opening sentence nearest to the title, if all are of one article; else -1.

    Many stories open with a scene and say in the second or third sentence what they are about. It stands alone.
    """
    one = len({candidate.article for candidate in given}) == 1
    opening = (at for at in range(min(_OPENS, len(given))) if one and stands_alone(plain(texts[at])))
    return max(opening, key=lambda at: near[at] - _LATE * at, default=-1)


def opening(article: Article, index: Index, embedder: Embedder) -> Place | None:
    """Return the one of the first sentences that is nearest to the title and can be read alone; None if none can."""
    given = of_article(article, index).candidates[:_OPENS]
    places = [place_of(article, one.span) for one in given]
    texts = [" ".join(place.text.split()) for place in places]
    if not texts:
        return None
    lead = _lead(given, texts, embedder.embed(texts) @ embedder.embed([_heading(article)])[0])
    return places[lead] if lead >= 0 else None


def _wanted(selection: Selection) -> int:
    """The number of points: it grows with the length of one article, or with the number of articles."""
    if len(selection.articles) == 1:
        return min(FEWEST + len(selection.candidates) // _PER_POINT, MOST)
    return min(max(FEWEST, len(selection.articles) + 2), MOST)


def _repeats(one: int, chosen: Sequence[int], texts: Sequence[str], vectors: Vectors, reader: Reader) -> bool:
    """Whether a sentence is very similar to a chosen one, entails it or is entailed by it."""
    likeness = {other: float(vectors[one] @ vectors[other]) for other in chosen}
    if any(cosine >= _REPEATS for cosine in likeness.values()):
        return True
    alike = [other for other, cosine in likeness.items() if cosine >= _ALIKE]
    pairs = [pair for other in alike for pair in ((texts[one], texts[other]), (texts[other], texts[one]))]
    return any(support.supported >= _SAYS for support in reader.verify(pairs))


# -- shorter wording ------------------------------------------------------------------------------------------------


def shortened(
    found: Sequence[Place],
    article: ArticleOf,
    generator: Generator,
    checker: Checker,
    *,
    topic: str = "",
    tokens: int = TOKENS,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[str, Judgement]]:
    """Yield the text of each point with its judgement and quote.

    The first is always verbatim, so that it appears at once.

    Args:
        found: the points.
        article: looks up an article by path.
        generator: shortens long sentences; a wording that the check does not trust is not shown.
        checker: checks a wording against its sentence.
        topic: what the points are about; a wording keeps those of its words that the sentence has.
        tokens: most tokens that the model writes in all; later points are verbatim.
        stopped: polled between tokens; once true, no more points come.

    Raises:
        ModelError: the model is gone.
    """
    for n, place in enumerate(found):
        said = plain(place.text)
        shown = said, claims.verbatim(place.article, place.span, place.text)
        if n and len(said.split()) > _LONG and tokens >= _LONG:
            pieces = list(generator.generate(messages(said), max_tokens=min(tokens, _MOST_TOKENS), stopped=stopped))
            tokens -= len(pieces)
            written = " ".join("".join(pieces).split())
            if set(facts.terms(topic)) & set(facts.terms(said)) <= set(facts.terms(written)):
                shown = _trusted(written, said, place, article, checker) or shown
        if stopped():
            return
        yield shown


def messages(sentence: str) -> list[Message]:
    """Return the prompt that asks for `sentence` in fewer words."""
    return prompt.asked("summary.md", sentence)


def _trusted(text: str, said: str, place: Place, article: ArticleOf, checker: Checker) -> tuple[str, Judgement] | None:
    """The model's wording with its judgement; None if it is no shorter, does not stand alone or is not trusted."""
    if len(text.split()) >= _SHORTER * len(said.split()) or not stands_alone(text):
        return None
    evidence = Evidence(place.article, place.span, place.text, 0.0, 1.0, place.span, 1.0)
    judgement = claims.judge(text, (), [evidence], article, checker)
    return (text, judgement) if judgement.verdict == "supported" and judgement.probability >= TRUSTED else None
