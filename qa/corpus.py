"""What the articles are as a whole: how many, of whom, from when to when, about what, and who is named in them.

    tell(intent, topic, index, names, embedder) -> Told: a line about the index itself, and items that quote articles

Knows the articles of an index, their vectors and their names. Every item ends with a sentence of an article,
character-exact. Does not know questions: what one asks for is said by its caller.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from citewire.index.passages import sentences, title_words
from citewire.index.query import terms as searched_terms
from citewire.index.segment import ArticleSummary
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Filters, Span, Vectors
from citewire.qa import analysis
from citewire.qa.entities import Entities, Kind, Named, Place
from citewire.qa.facts import has_name, month_of, same_name, terms

ITEMS = 8  # most items of a reply
NEWEST = 5  # articles that "newest" and "oldest" show
NO_FILTERS = Filters()

_KINDS: Mapping[str, tuple[Kind, str, str]] = {
    "people": ("person", "person", "people"),
    "organisations": ("organisation", "company or other organisation", "companies and other organisations"),
    "places": ("place", "place", "places"),
}
_LISTED = 24  # names and outlets that a lead lists
_EARLY = 8  # sentences of an article that may stand for it: news begins with what happened
_WORDS = range(10, 46)  # of a sentence that is shown for an article
_TITLE_WEIGHT = 0.5  # of nearness to the title against nearness to the whole article
_LATE = 0.02  # what each sentence before it takes from a sentence's nearness
_MENTIONS = 5  # of a name in one story that count
_WITNESSES = 6  # articles that the sentence for a name is looked for in
_READ = 10  # of these sentences that are read for whether they stand alone
_THEMES = range(3, ITEMS + 1)
_SAMPLE = 1_000  # articles that tell how well a number of themes fits
_NAMES = 3  # that describe a theme


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a list: `text` is shown, and ends with the quote `article.text[span.start:span.end]`."""

    text: str
    article: str
    span: Span


@dataclass(frozen=True, slots=True)
class Told:
    """A reply about the articles as a whole.

    Attributes:
        lead: one or more sentences that the index itself answers, no claim of an article.
        items: at most `ITEMS`, each with its quote; none where the lead says it all or nothing was found.
    """

    lead: str
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Articles in numbers.

    Attributes:
        articles: how many.
        stories: articles that are no copy of another one.
        outlets: with their articles, most first; articles that name none are not counted.
        first, last: earliest and latest day of publication, ISO 8601, "" where no article has one.
        undated: articles without a day.
    """

    articles: int
    stories: int
    outlets: tuple[tuple[str, int], ...]
    first: str
    last: str
    undated: int


def counts(articles: Sequence[ArticleSummary]) -> Counts:
    """Return some articles in numbers."""
    days = sorted(article.published for article in articles if article.published)
    outlets = Counter(article.outlet for article in articles if article.outlet)
    return Counts(
        len(articles),
        len({_story(article) for article in articles}),
        tuple(sorted(outlets.items(), key=lambda pair: (-pair[1], pair[0].casefold()))),
        days[0] if days else "",
        days[-1] if days else "",
        len(articles) - len(days),
    )


def chosen(index: Index, filters: Filters = NO_FILTERS) -> list[ArticleSummary]:
    """Return the articles that pass the filters, by path."""
    rows = index.select(filters)
    if rows is None:
        return index.articles()
    positions = np.unique(index.table.positions(np.flatnonzero(rows).tolist()))
    found = index.summaries(index.table.first_rows[positions].tolist())
    return sorted(found, key=lambda summary: summary.path)


def tell(
    intent: str,
    topic: str,
    index: Index,
    names: Callable[[], Entities],
    embedder: Embedder,
    filters: Filters = NO_FILTERS,
) -> Told:
    """Return what the articles that pass the filters are, as a whole.

    Args:
        intent: what is asked.
        topic: the name or words that "mentions" looks for; other intents do not read it.
        index: the articles.
        names: gives the names in them, of the same generation; called where they are needed.
        embedder: what the index was made with.
        filters: which articles count; by default all.
    """
    view = _View(index, names, embedder, filters)
    if not view.articles:
        return Told("There are no articles yet." if filters == NO_FILTERS else "Your choice has no article.")
    if intent in _KINDS:
        return _most_named(view, intent)
    if intent == "mentions":
        return _mentions(view, topic)
    return _ABOUT[intent](view)


class _View:
    """The articles that pass, with what is asked of them again and again."""

    def __init__(self, index: Index, names: Callable[[], Entities], embedder: Embedder, filters: Filters) -> None:
        self.index, self.names, self.embedder, self.filters = index, names, embedder, filters
        self.articles = chosen(index, filters)
        self.by_path = {article.path: article for article in self.articles}

    @cached_property
    def stories(self) -> list[ArticleSummary]:
        """One article of each story."""
        return list({_story(article): article for article in reversed(self.articles)}.values())[::-1]

    def stories_of(self, paths: Iterable[str]) -> int:
        """Return how many stories some of the articles tell."""
        return len({_story(self.by_path[path]) for path in paths})

    def of(self, named: Named) -> list[Place]:
        """Return where the articles have a name."""
        return [place for place in named.places if place.article in self.by_path]

    def label(self, path: str) -> str:
        """Return an article's title with outlet and day, as far as they are known."""
        summary = self.by_path[path]
        known = ", ".join(part for part in (summary.outlet, _day(summary.published)) if part)
        title = f"“{_one_line(_title(summary))}”"
        return f"{title} ({known})" if known else title


def _story(article: ArticleSummary) -> str:
    return article.group or article.path


def _title(summary: ArticleSummary) -> str:
    return summary.title or title_words(Article(summary.path, "", "", url=summary.url)) or summary.path


# -- counts, outlets, days ----------------------------------------------------------------------------------------


def _count(view: _View) -> Told:
    return Told(_lead(view))


def _lead(view: _View) -> str:
    """Return how many articles there are, from whom and of when."""
    found = counts(view.articles)
    copies = found.articles - found.stories
    there = f"There {_are(found.articles)}" if view.filters == NO_FILTERS else "Your choice has"
    parts = [f"{there} {_many(found.articles, 'article')}"]
    if found.outlets:
        names = f"{len(found.outlets):,} outlets" if len(found.outlets) > 1 else found.outlets[0][0]
        parts.append(f" from {names}")
    if found.first:
        parts.append(f", published {_between(found.first, found.last)}")
    said = "".join(parts) + "."
    if copies:
        copied = "One is a copy of another" if copies == 1 else f"{copies:,} of them are copies of others"
        said += f" {copied}, so they tell {_many(found.stories, 'different story', 'different stories')}."
    if found.undated:
        said += f" {_number(found.undated, 'article')} {_have(found.undated)} no date."
    return said


def _outlets(view: _View) -> Told:
    found = counts(view.articles)
    unnamed = found.articles - sum(count for _, count in found.outlets)
    said = []
    if len(found.outlets) > 1:
        listed = _and([f"{name} ({count:,})" for name, count in found.outlets], _LISTED)
        said.append(f"The articles come from {len(found.outlets):,} outlets: {listed}.")
    elif found.outlets:
        name, count = found.outlets[0]
        of = "All " if 1 < count == found.articles else ""
        said.append(f"{of}{_number(count, 'article')} {_are(count)} from {name}.")
    if unnamed == found.articles:
        said.append("No article names its outlet.")
    elif unnamed:
        said.append(f"{_number(unnamed, 'article')} {'does' if unnamed == 1 else 'do'} not name an outlet.")
    return Told(" ".join(said))


def _period(view: _View) -> Told:
    found = counts(view.articles)
    if not found.first:
        return Told("No article has a date.")
    said = f"The articles were published {_between(found.first, found.last)}."
    months = Counter(article.published[:7] for article in view.articles if article.published)
    if len(months) > 1:
        (month, most), *others = sorted(months.items(), key=lambda pair: (-pair[1], pair[0]))
        if most > others[0][1]:
            said += f" The month with most is {month_of(f'{month}-01').title()} {month[:4]}, with {most:,}."
    if found.undated:
        said += f" {_number(found.undated, 'article')} {_have(found.undated)} no date."
    return Told(said)


def _newest(view: _View) -> Told:
    return _by_day(view, "newest")


def _oldest(view: _View) -> Told:
    return _by_day(view, "oldest")


def _by_day(view: _View, which: str) -> Told:
    dated = [article for article in view.stories if article.published]
    if not dated:
        return Told("No article has a date.")
    ordered = sorted(dated, key=lambda article: article.published, reverse=which == "newest")
    day = ordered[0].published
    of_day = sum(article.published == day for article in ordered)
    said = (
        f"The {which} article is of {_day(day)}."
        if of_day == 1
        else f"The {which} {of_day:,} articles are of {_day(day)}."
    )
    return Told(said, tuple(_told_by(view, article) for article in ordered[:NEWEST]))


# -- overview -----------------------------------------------------------------------------------------------------


def _overview(view: _View) -> Told:
    stories = view.stories
    if len(stories) <= ITEMS:
        dated = sorted(stories, key=lambda article: article.published, reverse=True)
        return Told(_lead(view), tuple(_told_by(view, article) for article in dated))
    items = tuple(_theme(view, theme, stories) for theme in _themes(view, stories))
    return Told(f"{_lead(view)} They fall into {len(items)} themes, each with an article typical of it.", items)


def _told_by(view: _View, summary: ArticleSummary) -> Item:
    """Return an article with the sentence that tells best what it is about."""
    span = _telling(view, summary)
    return _item(view, summary.path, span, f"{view.label(summary.path)}: ")


def _item(view: _View, path: str, span: Span, before: str) -> Item:
    return Item(before + view.index.article(path).text[span.start : span.end], path, span)


def _telling(view: _View, summary: ArticleSummary) -> Span:
    """Return the sentence nearest to the article as a whole and to its title, among its first that stand alone."""
    text = view.index.article(summary.path).text
    spans = sentences(text)
    early = [span for span in spans if _fits(text, span)][:_EARLY]
    alone = [span for span in early if stands_alone(_one_line(text[span.start : span.end]))] or early or spans[:1]
    if len(alone) == 1:
        return alone[0]
    title = _title(summary)
    vectors = view.embedder.embed([title, *(_one_line(text[span.start : span.end]) for span in alone)])
    near = vectors[1:] @ _centre(view, summary) + _TITLE_WEIGHT * (vectors[1:] @ vectors[0])
    return alone[int(np.argmax(near - _LATE * np.arange(len(alone))))]


def _fits(text: str, span: Span) -> bool:
    sentence = text[span.start : span.end]
    return len(sentence.split()) in _WORDS and sentence.rstrip("\"'”’)").endswith((".", "!"))


def stands_alone(sentence: str) -> bool:
    """Whether a reader understands a sentence without the one before it, as far as its grammar tells.

    >>> stands_alone("Lund Lines sold its ferries."), stands_alone("It sold them.")
    (True, False)
    """
    doc = analysis.read(sentence)
    root = next((token for token in doc if token.dep_ == "ROOT"), None)
    if root is None or root.pos_ not in ("VERB", "AUX"):
        return False
    if doc[0].is_quote or doc[0].pos_ == "CCONJ" or doc[0].text.islower():  # words of somebody, or half a sentence
        return False
    subjects = [child for child in root.children if child.dep_ in ("nsubj", "nsubjpass", "expl")]
    return bool(subjects) and all(subject.pos_ in ("NOUN", "PROPN", "NUM") for subject in subjects)


def _centre(view: _View, summary: ArticleSummary) -> Vectors:
    """Return the mean direction of an article's passages, shape (dimension,)."""
    vectors = view.index.vectors_of(summary.sha256)
    if vectors is None or not len(vectors):
        return np.zeros(view.embedder.dimension, np.float32)
    mean: Vectors = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return mean / length if length else mean


@dataclass(frozen=True, slots=True)
class _Theme:
    """Articles that lie together, the most typical first."""

    articles: tuple[ArticleSummary, ...]


def _themes(view: _View, stories: Sequence[ArticleSummary]) -> list[_Theme]:
    """Return groups of articles near in meaning, the largest first; as many as fit best by silhouette."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    vectors = np.stack([_centre(view, article) for article in stories])
    best: tuple[float, KMeans] | None = None
    for number in _THEMES:
        if 2 * number > len(stories):
            break
        fitted = KMeans(number, n_init=3, random_state=0).fit(vectors)
        if len(set(fitted.labels_)) < 2:  # all articles are one
            break
        size = _SAMPLE if len(stories) > _SAMPLE else None
        score = float(silhouette_score(vectors, fitted.labels_, sample_size=size, random_state=0))
        if best is None or score > best[0]:
            best = score, fitted
    if best is None:
        return [_Theme(tuple(stories))]
    themes = []
    for label, centre in enumerate(best[1].cluster_centers_):
        members = np.flatnonzero(best[1].labels_ == label)
        typical = members[np.argsort(-(vectors[members] @ centre), kind="stable")]
        themes.append(_Theme(tuple(stories[i] for i in typical)))
    return sorted(themes, key=lambda theme: -len(theme.articles))


def _theme(view: _View, theme: _Theme, stories: Sequence[ArticleSummary]) -> Item:
    number = len(theme.articles)
    names = _typical_names(view, theme, stories)
    around = f" around {_and(names)}" if names else ""
    typical = theme.articles[0]
    such = ", such as" if number > 1 else ":"
    before = f"{_number(number, 'article')}{around}{such} {view.label(typical.path)}: "
    return _item(view, typical.path, _telling(view, typical), before)


def _typical_names(view: _View, theme: _Theme, stories: Sequence[ArticleSummary]) -> list[str]:
    """Return the names that the theme's articles have most, compared with all articles."""
    inside = {article.path for article in theme.articles}
    everywhere = {article.path for article in stories}
    scored = []
    for named in view.names().named:
        counted = {p.article: min(p.count, _MENTIONS) for p in named.places if p.article in everywhere}
        there = [count for path, count in counted.items() if path in inside]
        lift = sum(there) * len(stories) / (max(sum(counted.values()), 1) * len(inside))
        if len(there) > 1 and lift > 1:
            scored.append((sum(there) * math.log(lift), named.name))
    return [name for _, name in sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:_NAMES]]


# -- who and what is named ----------------------------------------------------------------------------------------


def _most_named(view: _View, intent: str) -> Told:
    kind, one, many = _KINDS[intent]
    found = [named for named in view.names().named if named.kind == kind and view.of(named)]
    if not found:
        return Told(f"The articles name no {one}, as far as citewire can tell.")
    found.sort(key=lambda named: (-_weight(view, named), named.name))
    shown = _spread(view, found)
    said = f"citewire finds the names of {_many(len(found), one, many)} in the articles"
    said += ", most mentioned first." if len(found) > 1 else "."
    if len(found) > len(shown):
        said += f" Next after the {len(shown)} below: {_and([named.name for named in found[len(shown) :]], _LISTED)}."
    return Told(said, shown)


def _weight(view: _View, named: Named) -> int:
    """Return how often a name is mentioned: a story counts up to `_MENTIONS` times, its copies not at all.

    So neither the reporters, whom each of their articles names once, nor the hero of one long article comes first.
    """
    by_story: defaultdict[str, int] = defaultdict(int)
    for place in view.of(named):
        story = _story(view.by_path[place.article])
        by_story[story] = max(by_story[story], min(place.count, _MENTIONS))
    return sum(by_story.values())


def _spread(view: _View, found: Sequence[Named]) -> tuple[Item, ...]:
    """Return the first names, each with a sentence that no other one has where there is a choice."""
    used: set[tuple[str, Span]] = set()
    items = []
    for named in found[:ITEMS]:
        path, span = _introduction(view, named, used)
        used.add((path, span))
        paths = [place.article for place in view.of(named)]
        before = f"{named.name}, in {_many(len(paths), 'article')}{_copied(view, paths)}: "
        items.append(_item(view, path, span, before))
    return tuple(items)


def _copied(view: _View, paths: Collection[str]) -> str:
    """Return in brackets how many stories some articles tell, "" where none is a copy."""
    stories = view.stories_of(paths)
    return f" ({_many(stories, 'different story', 'different stories')})" if stories < len(paths) else ""


def _introduction(view: _View, named: Named, used: Collection[tuple[str, Span]]) -> tuple[str, Span]:
    """Return the sentence that tells most of a name: that begins with it and stands alone, in articles full of it."""
    ranked = sorted(_candidates(view, named, used))
    for _, path, start, end in ranked[:_READ]:
        if stands_alone(_one_line(view.index.article(path).text[start:end])):
            return path, Span(start, end)
    _, path, start, end = ranked[0]
    return path, Span(start, end)


def _candidates(view: _View, named: Named, used: Collection[tuple[str, Span]]) -> Iterator[tuple[float, str, int, int]]:
    """Yield (doubts, path, start, end) of sentences with a name; the lower the doubts, the more it tells."""
    places = sorted(view.of(named), key=lambda place: (-place.count, place.article))[:_WITNESSES]
    for rank, place in enumerate(places):
        text = view.index.article(place.article).text
        name = text[place.span.start : place.span.end]
        for span in sentences(text):
            at = text.find(name, span.start, span.end)
            if at >= 0:
                doubts = 4 * ((place.article, span) in used) + 2 * (not _fits(text, span)) + 0.1 * rank
                yield doubts + (at - span.start) / (span.end - span.start), place.article, span.start, span.end


def _mentions(view: _View, topic: str) -> Told:
    topic = topic.strip(" ?!.,\"'“”")
    found = _mentioning(view, topic)
    if not found:
        return Told(f"No article mentions “{topic}”.")
    stories: dict[str, str] = {}
    for path in sorted(found, key=lambda path: _aboutness(view, path, topic, found[path])):
        stories.setdefault(_story(view.by_path[path]), path)
    verb = "mentions" if len(found) == 1 else "mention"
    said = f"{_number(len(found), 'article')}{_copied(view, found)} {verb} “{topic}”."
    if len(stories) > ITEMS:
        said += f" The {ITEMS} that speak of it most:"
    return Told(said, tuple(_mention(view, path, found[path]) for path in list(stories.values())[:ITEMS]))


def _aboutness(view: _View, path: str, topic: str, spans: Collection[Span]) -> tuple[bool, int, int, str]:
    """Return what orders articles by how much they are about a topic, most first: in the title, often, early."""
    return not _has(topic, _title(view.by_path[path])), -len(spans), min(span.start for span in spans), path


def _mention(view: _View, path: str, spans: Collection[Span]) -> Item:
    text = view.index.article(path).text
    ordered = sorted(spans, key=lambda span: span.start)
    fit = [span for span in ordered[:_EARLY] if _fits(text, span)]
    alone = next((span for span in fit if stands_alone(_one_line(text[span.start : span.end]))), None)
    return _item(view, path, alone or (fit or ordered)[0], f"{view.label(path)}: ")


def _mentioning(view: _View, topic: str) -> dict[str, set[Span]]:
    """Return the sentences that have the topic's words, or name it in another spelling, by path of the article."""
    found: defaultdict[str, set[Span]] = defaultdict(set)
    allowed = view.index.select(view.filters)
    matches = [
        {row for row, _ in view.index.search_bm25([term], view.index.rows, allowed)} for term in searched_terms(topic)
    ]
    for passage in view.index.fetch(sorted(set.intersection(*matches)) if matches else []):
        for span in passage.sentences:
            if _has(topic, passage.text[span.start - passage.start : span.end - passage.start]):
                found[passage.article].add(span)
    for path, span in _named_so(view, topic):
        text = view.index.article(path).text
        found[path] |= {one for one in sentences(text) if one.start <= span.start < one.end}
    return {path: spans for path, spans in found.items() if spans}


def _named_so(view: _View, topic: str) -> Iterator[tuple[str, Span]]:
    """Yield where articles name what the topic is a spelling of."""
    for named in view.names().named:
        if any(same_name(topic, spelling) for spelling in named.spellings):
            yield from ((place.article, place.span) for place in view.of(named))


def _has(topic: str, text: str) -> bool:
    """Whether a text has all words of a topic, in any case, inflection aside."""
    wanted = set(terms(topic))
    return has_name(topic, text) or (bool(wanted) and wanted <= set(terms(text)))


# -- words --------------------------------------------------------------------------------------------------------


def _day(day: str) -> str:
    """Return an ISO 8601 day as "11 Feb 2026"; "" stays.

    >>> _day("2026-02-11")
    '11 Feb 2026'
    """
    return f"{int(day[8:])} {month_of(day)[:3].title()} {day[:4]}" if day else ""


def _between(first: str, last: str) -> str:
    return f"on {_day(first)}" if first == last else f"between {_day(first)} and {_day(last)}"


def _many(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun: "one article", "317 articles"."""
    return f"one {one}" if number == 1 else f"{number:,} {several or one + 's'}"


def _number(number: int, one: str) -> str:
    """Return a number with its noun to begin a sentence with: "One article"."""
    return _many(number, one).replace("one ", "One ", 1)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _and(names: Sequence[str], most: int = ITEMS) -> str:
    """Return names as English lists them: "A, B and C", "A, B and 3 more"."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append("one more" if len(names) == most + 1 else f"{len(names) - most:,} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def _one_line(text: str) -> str:
    return " ".join(text.split())


_ABOUT: Mapping[str, Callable[[_View], Told]] = {
    "overview": _overview,
    "count": _count,
    "outlets": _outlets,
    "newest": _newest,
    "oldest": _oldest,
    "period": _period,
}
