"""The articles as a whole: how many, from which outlets, of which days, about what, and who is named in them.

    tell(intent, topic, index, names, embedder) -> Told: a line about the index itself, and items that quote articles

Knows the articles of an index, their vectors and their names. Every item ends with a character-exact sentence of an
article. Does not read questions: the caller passes the intent.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from urllib.parse import urlsplit

import numpy as np

from citewire.index.dates import spelled
from citewire.index.passages import sentences, title_words
from citewire.index.query import terms as searched_terms
from citewire.index.segment import ArticleSummary
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Filters, Span, Vectors
from citewire.qa import analysis, replies
from citewire.qa.boilerplate import is_own, own_sentences
from citewire.qa.entities import SORTS, Entities, EntityKind, FirstMention, Named, are, sort_of_noun
from citewire.qa.facts import has_name, month_of, same_name, terms
from citewire.qa.standing import stands_alone

ITEMS = 8  # most items of a reply
NEWEST = 5  # most articles for "newest" and "oldest"
NO_FILTERS = Filters()
_FIRST, _LAST = "0001-01-01", "9999-12-31"  # open ends of a time, see `times.asked`

LISTS: Mapping[str, tuple[EntityKind, str, str]] = {
    "people": ("person", "person", "people"),
    "organisations": ("organisation", "company or other organisation", "companies and other organisations"),
    "places": ("place", "place", "places"),
}
ENDS: Mapping[str, tuple[str, ...]] = {"newest": ("newest",), "oldest": ("oldest",), "ends": ("newest", "oldest")}
_LISTED = 24  # most names or outlets that the first line of a reply lists
_LOOKED_AT = 80  # most names that are considered for showing
_FIRST_WORDS = 8  # first words of an article that stand in for a missing title
_EARLY = 8  # this many first sentences that stand alone may introduce an article: news begins with what happened
_TITLE_WEIGHT = 0.5  # weight of a sentence's cosine with the title; the cosine with the whole article has weight 1
_LATE = 0.02  # the score falls by this for each earlier candidate
_MENTIONS = 5  # mentions of a name in one story beyond this do not count
_WITNESSES = 6  # most articles that are searched for a sentence about a name
_READ = 10  # most of these sentences that are parsed to see whether they stand alone
_THEMES = range(3, ITEMS + 1)  # numbers of themes that are tried
_SAMPLE = 1_000  # most articles in the sample for the silhouette score
_TYPICAL = 20  # the words of a theme come from at most this many articles,
_OPENING = 2  # and from this many opening sentences of each
_NAMING = 3  # words that name a theme
_NAMES = ("PERSON", "ORG", "GPE", "NORP", "EVENT")  # spaCy labels of entities that may be such words,
_FIGURES = ("DATE", "TIME", "CARDINAL", "ORDINAL", "QUANTITY", "MONEY", "PERCENT")  # and that may not hold one


@dataclass(frozen=True, slots=True)
class ToldItem:
    """A line of a list: `text` is shown, and ends with the quote `article.text[span.start:span.end]`."""

    text: str
    article: str
    span: Span


@dataclass(frozen=True, slots=True)
class Told:
    """A reply about the articles as a whole.

    Attributes:
        lead: one or more sentences about the index itself, not claims of an article.
        items: at most `ITEMS`, each with its quote; () if the lead is enough or nothing was found.
    """

    lead: str
    items: tuple[ToldItem, ...] = ()


def chosen(index: Index, filters: Filters = NO_FILTERS) -> list[ArticleSummary]:
    """Return the articles that pass the filters, sorted by path."""
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
    days: tuple[str, str] | None = None,
    one: bool = False,
    origin: bool = False,
) -> Told:
    """Describe the articles that pass the filters as a whole.

    Args:
        intent: a corpus intent of `citewire.qa.kinds`.
        topic: for "mentions" the name or words to look for; for "organisations" and "places" the sort wanted, such as
            "all companies"; unused for other intents.
        index: the articles.
        names: returns the names in them, of the same generation; called only if needed.
        embedder: the one that the index was made with.
        filters: which articles count; by default all.
        days: first and last day, ISO 8601; only articles published then count; None for all days.
        one: whether "newest" and "oldest" ask for one article.
        origin: for "mentions", whether articles from the topic are meant if it is an outlet: "from the Tarn Post".
    """
    view = _View(index, names, embedder, filters, days)
    if not view.articles:
        there = "There are no articles yet." if filters == NO_FILTERS else "Your choice has no article."
        return Told(f"No article is dated {view.time}." if days and chosen(index, filters) else there)
    if intent in LISTS:
        return _most_named(view, intent, topic)
    if intent == "mentions":
        return (_published_by(view, topic) if origin else None) or _mentions(view, topic)
    if intent in ENDS:
        return _by_day(intent, view, one)
    return _ABOUT[intent](view)


class _View:
    """The articles that pass the filters, with values that several replies need."""

    def __init__(
        self,
        index: Index,
        names: Callable[[], Entities],
        embedder: Embedder,
        filters: Filters,
        days: tuple[str, str] | None,
    ) -> None:
        self.index, self.names, self.embedder = index, names, embedder
        self.there = "There {}" if filters == NO_FILTERS else "Your choice has"
        self.time = _time(*days) if days else ""
        self.filters = _within(filters, *days) if days else filters
        self.articles = chosen(index, self.filters)
        self.by_path = {article.path: article for article in self.articles}

    @cached_property
    def stories(self) -> list[ArticleSummary]:
        """One article of each story."""
        return list({_story(article): article for article in reversed(self.articles)}.values())[::-1]

    def of(self, named: Named) -> list[FirstMention]:
        """Return the first mentions of a name, without an outlet's own name in its own articles."""
        return [
            place for place in named.places if (one := self.by_path.get(place.article)) and not is_from(one, named.name)
        ]

    def text(self, path: str) -> str:
        """Return an article's text."""
        return self.index.article(path).text

    def title(self, summary: ArticleSummary) -> str:
        """Return an article's title, else one from its web address, else its first words."""
        stated = summary.title or title_words(Article(summary.path, "", "", url=summary.url))
        if stated:
            return _one_line(stated)
        words = self.text(summary.path).split()
        return " ".join(words[:_FIRST_WORDS]) + ("…" if words[_FIRST_WORDS:] else "") or summary.path

    def label(self, path: str) -> str:
        """Return an article's title with outlet and day if known, and its path if another article looks the same."""
        summary = self.by_path[path]
        place = path if path in self.index.namesakes else ""
        known = ", ".join(filter(None, (summary.outlet, _day(summary.published), place)))
        title = f"“{self.title(summary)}”"
        return f"{title} ({known})" if known else title


def _story(article: ArticleSummary) -> str:
    return article.group or article.path


def is_from(article: Article | ArticleSummary, outlet: str) -> bool:
    """Return whether an article is from an outlet, named as its metadata or a word of its address's host name it."""
    key = "".join(outlet.lower().split()).removesuffix(".com")
    host = (urlsplit(article.url).hostname or "").split(".")
    return not {key, f"the{key}"}.isdisjoint(("".join(article.outlet.lower().split()), *host))


# -- counts, outlets, days ----------------------------------------------------------------------------------------


def _count(view: _View) -> Told:
    """The number of articles, their outlets and days."""
    articles, stories, outlets = len(view.articles), len(view.stories), _outlets_of(view)
    said = f"{view.there.format('is' if articles == 1 else 'are')} {_many(articles, 'article')}"
    said += f" dated {view.time}" if view.time else ""
    if outlets:
        said += f" from {_many(len(outlets), 'outlet') if outlets[1:] else outlets[0][0]}"
        said += _without("an outlet", articles - sum(count for _, count in outlets))
    if not view.time and (days := _days(view)):
        said += f", published {_between(days)}{_without('a date', articles - len(days))}"
    if stories < articles:
        said += f". Some are copies, so they tell {_many(stories, 'different story', 'different stories')}"
    return Told(f"{said}.")


def _outlets_of(view: _View) -> list[tuple[str, int]]:
    """Return the outlets with their numbers of articles, most first; articles without an outlet do not count."""
    found = Counter(article.outlet for article in view.articles if article.outlet)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0].casefold()))


def _outlets(view: _View) -> Told:
    found = _outlets_of(view)
    if not found:
        return Told("No article names its outlet.")
    listed = _and([f"{name} ({count:,})" for name, count in found], _LISTED)
    left = _without("an outlet", len(view.articles) - sum(count for _, count in found))
    return Told(f"The articles come from {_many(len(found), 'outlet')}: {listed}{left}.")


def _period(view: _View) -> Told:
    days = _days(view)
    if not days:
        return Told("No article has a date.")
    left = _without("a date", len(view.articles) - len(days))
    return Told(f"The {'articles were' if days[1:] else 'article was'} published {_between(days)}{left}.")


def _without(what: str, number: int) -> str:
    count = "one" if number == 1 else f"{number:,}"
    return f" ({count} without {what})" if number else ""


def _days(view: _View) -> list[str]:
    """Return the days of the dated articles, ISO 8601."""
    return [article.published for article in view.articles if article.published]


def _between(days: Sequence[str]) -> str:
    first, last = _day(min(days)), _day(max(days))
    return f"on {first}" if first == last else f"between {first} and {last}"


def _by_day(which: str, view: _View, one: bool) -> Told:
    """The newest or oldest articles, or both; if one is asked for, only those of the last or first day."""
    dated = [article for article in view.stories if article.published]
    both = len(ENDS[which]) > 1
    if not dated:
        return Told("No article has a date.")
    said: list[str] = []
    shown: list[ArticleSummary] = []
    for end in ENDS[which]:
        ordered = sorted(dated, key=lambda article: article.published, reverse=end == "newest")
        day = ordered[0].published
        number = sum(article.published == day for article in ordered)
        sort = f"{end} dated" if len(dated) < len(view.stories) else end
        those = f"The {sort} article is" if number == 1 else f"The {sort} {number:,} articles are"
        said.append(f"{those} of {_day(day)}.")
        shown += ordered[: min(number, NEWEST) if one or both else NEWEST]
    return Told(" ".join(said), tuple(_told_by(view, article) for article in {one.path: one for one in shown}.values()))


# -- overview -----------------------------------------------------------------------------------------------------


def _overview(view: _View) -> Told:
    lead = _count(view).lead
    if len(view.stories) <= ITEMS:
        dated = sorted(view.stories, key=lambda article: article.published, reverse=True)
        return Told(lead, tuple(_told_by(view, article) for article in dated))
    themes = _themes(view)
    said = _words_of([_nouns(view, theme) for theme in themes])
    items = tuple(_theme(view, theme, words) for theme, words in zip(themes, said, strict=True))
    return Told(f"{lead} They fall into {len(items)} themes, each with an article typical of it.", items)


def _told_by(view: _View, summary: ArticleSummary) -> ToldItem:
    """Return an article with the sentence that best says what it is about."""
    return _item(view, summary.path, _telling(view, summary), f"{view.label(summary.path)}: ")


def _item(view: _View, path: str, span: Span, before: str) -> ToldItem:
    return ToldItem(before + view.text(path)[span.start : span.end], path, span)


def _telling(view: _View, summary: ArticleSummary) -> Span:
    """Return the sentence nearest to the article's centre and title, among its first that stand alone."""
    text = view.text(summary.path)
    spans = own_sentences(text, view.index) or sentences(text)
    alone = list(islice((span for span in spans if _stands_alone(text, span)), _EARLY)) or spans[:1]
    if len(alone) == 1:
        return alone[0]
    vectors = view.embedder.embed([view.title(summary), *(_one_line(text[span.start : span.end]) for span in alone)])
    near = vectors[1:] @ _centre(view, summary) + _TITLE_WEIGHT * (vectors[1:] @ vectors[0])
    return alone[int(np.argmax(near - _LATE * np.arange(len(alone))))]


def _stands_alone(text: str, span: Span) -> bool:
    return stands_alone(_one_line(text[span.start : span.end]))


def _centre(view: _View, summary: ArticleSummary) -> Vectors:
    """Return the mean of an article's passage vectors, normalised to length 1, shape (dimension,)."""
    vectors = view.index.vectors_of(summary.sha256)
    if vectors is None or not len(vectors):
        return np.zeros(view.embedder.dimension, np.float32)
    mean: Vectors = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return mean / length if length else mean


_Theme = Sequence[ArticleSummary]  # the articles of a cluster, the most typical first


def _themes(view: _View) -> list[_Theme]:
    """Return the stories in clusters (k-means; k with the best silhouette: Rousseeuw 1987), the largest first."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    stories = view.stories
    vectors = np.stack([_centre(view, article) for article in stories])
    best: tuple[float, KMeans] | None = None
    for number in _THEMES:
        if 2 * number > len(stories):
            break
        fitted = KMeans(number, n_init=3, random_state=0).fit(vectors)
        if len(set(fitted.labels_)) < 2:  # all vectors are equal
            break
        size = _SAMPLE if len(stories) > _SAMPLE else None
        score = float(silhouette_score(vectors, fitted.labels_, sample_size=size, random_state=0))
        if best is None or score > best[0]:
            best = score, fitted
    if best is None:
        return [stories]
    themes = []
    for label, centre in enumerate(best[1].cluster_centers_):
        members = np.flatnonzero(best[1].labels_ == label)
        typical = members[np.argsort(-(vectors[members] @ centre), kind="stable")]
        themes.append([stories[i] for i in typical])
    return sorted(themes, key=lambda theme: -len(theme))


def _theme(view: _View, theme: _Theme, words: Sequence[str]) -> ToldItem:
    typical = theme[0]
    on = f" on {_and(words)}" if words else ""
    before = f"{_number(len(theme), 'article')}{on}{', such as' if theme[1:] else ':'} {view.label(typical.path)}: "
    return _item(view, typical.path, _telling(view, typical), before)


def _nouns(view: _View, theme: _Theme) -> list[set[str]]:
    """Return for each typical article of a theme the nouns and names of its opening sentences."""
    found = []
    for summary in theme[:_TYPICAL]:
        text = view.text(summary.path)
        docs = [analysis.read(_one_line(text[s.start : s.end])) for s in own_sentences(text, view.index)[:_OPENING]]
        names = {ent.text.removeprefix("the ") for doc in docs for ent in doc.ents if ent.label_ in _NAMES}
        words = (token for doc in docs for token in doc if token.pos_ == "NOUN" and token.is_alpha)
        nouns = {token.lower_ for token in words if token.ent_type_ not in _FIGURES}  # no "year"
        found.append(names | nouns)
    return found


def _words_of(themes: Sequence[Sequence[Collection[str]]]) -> list[list[str]]:
    """Return the words that distinguish each theme, best first: those that two of its articles have, by tf-idf.

    Of "Carter" and "Jimmy Carter", or "storm" and "storms", only the better one is returned.
    """
    counts = [Counter(word for article in theme for word in article) for theme in themes]
    having = Counter(word for count in counts for word in count)
    named = []
    for count in counts:
        weights = {word: n * math.log((1 + len(themes)) / having[word]) for word, n in count.items() if n > 1}
        once: dict[str, str] = {}
        for word in sorted(weights, key=lambda word: (-weights[word], -len(word), word)):
            stems = terms(word)
            if once.keys().isdisjoint(stems):
                once |= dict.fromkeys(stems, word)
        named.append(list(dict.fromkeys(once.values()))[:_NAMING])
    return named


# -- who and what is named ----------------------------------------------------------------------------------------


def _most_named(view: _View, intent: str, topic: str) -> Told:
    kind, one, many = LISTS[intent]
    found = [named for named in view.names().named if named.kind == kind and view.of(named)]
    sort = _sort(view, kind, topic)
    if not found:
        return Told(f"The articles name no {one}, as far as citewire can tell.")
    found.sort(key=lambda named: (-_weight(view, named), named.name))
    looked_at = found[:_LOOKED_AT]
    if sort:
        fits = are(sort, looked_at, view.embedder)
        looked_at = [named for named, fit in zip(looked_at, fits, strict=True) if fit] or looked_at
    introduced = ((named, place) for named in looked_at if (place := _introduction(view, named)))
    shown = list(islice(introduced, ITEMS + _LISTED))
    said = f"citewire finds the names of {_many(len(found), one, many)} in the articles"
    said += ", most mentioned first." if len(found) > 1 else "."
    if others := [named.name for named, _ in shown[ITEMS:]]:
        said += f" Next after the {ITEMS} below: {_and([*others, *[''] * (len(found) - len(shown))], len(others))}."
    items = []
    for named, (path, span) in shown[:ITEMS]:
        paths = [place.article for place in view.of(named)]
        before = f"{named.name}, in {_many(len(paths), 'article')}{_copied(view, paths)}: "
        items.append(_item(view, path, span, before))
    return Told(said, tuple(items))


def _sort(view: _View, kind: EntityKind, topic: str) -> str:
    """The sort of name that a topic's first noun asks for, as "companies"; "" if it is not of this kind."""
    noun = next((token.lower_ for token in analysis.read(topic) if token.pos_ == "NOUN"), "")
    sort = sort_of_noun(noun, view.embedder) if noun else ""
    return sort if sort and kind != "person" and SORTS[sort][0] == kind else ""


def _weight(view: _View, named: Named) -> int:
    """Return the number of mentions of a name, at most `_MENTIONS` per story.

    So neither a reporter, named once in many articles, nor the subject of one long article comes first.
    """
    by_story: defaultdict[str, int] = defaultdict(int)
    for place in view.of(named):
        story = _story(view.by_path[place.article])
        by_story[story] = max(by_story[story], min(place.count, _MENTIONS))
    return sum(by_story.values())


def _copied(view: _View, paths: Collection[str]) -> str:
    """Return the number of different stories in brackets, "" if no article is a copy."""
    stories = len({_story(view.by_path[path]) for path in paths})
    return f" ({_many(stories, 'different story', 'different stories')})" if stories < len(paths) else ""


def _introduction(view: _View, named: Named) -> tuple[str, Span] | None:
    """Return the best sentence about a name, if possible one that stands alone and begins with it."""
    found: list[tuple[float, str, Span]] = []
    for place in sorted(view.of(named), key=lambda place: (-place.count, place.article))[:_WITNESSES]:
        text = view.text(place.article)
        name = text[place.span.start : place.span.end]
        said = ((text.find(name, span.start, span.end), span) for span in own_sentences(text, view.index))
        found += [((at - s.start) / (s.end - s.start), place.article, s) for at, s in said if at >= 0]
    ranked = [(path, span) for _, path, span in sorted(found, key=lambda one: one[0])]
    alone = (one for one in ranked[:_READ] if _stands_alone(view.text(one[0]), one[1]))
    return next(alone, next(iter(ranked), None))


def _published_by(view: _View, outlet: str) -> Told | None:
    """The articles of an outlet, which is named as they name it or by a word of their host name; None without any."""
    own = [article for article in view.articles if is_from(article, outlet)]
    if not own:
        return None
    said = f"{_number(len(own), 'article')} {'is' if len(own) == 1 else 'are'} from {outlet}."
    said += f" The newest {ITEMS}:" if len(own) > ITEMS else ""
    newest = sorted(own, key=lambda article: article.published, reverse=True)[:ITEMS]
    return Told(said, tuple(_told_by(view, article) for article in newest))


def _mentions(view: _View, topic: str) -> Told:
    topic = topic.strip(" ?!.,\"'“”")
    found = _mentioning(view, topic)
    if not found:
        return Told(replies.UNMENTIONED.format(topic))
    stories: dict[str, str] = {}
    for path in sorted(found, key=lambda path: _aboutness(view, path, topic, found[path])):
        stories.setdefault(_story(view.by_path[path]), path)
    verb = "mentions" if len(found) == 1 else "mention"
    said = f"{_number(len(found), 'article')}{_copied(view, found)} {verb} “{topic}”."
    if len(stories) > ITEMS:
        said += f" The {ITEMS} that speak of it most:"
    return Told(said, tuple(_mention(view, path, found[path]) for path in list(stories.values())[:ITEMS]))


def _aboutness(view: _View, path: str, topic: str, spans: Collection[Span]) -> tuple[bool, int, int, str]:
    """Return a sort key: articles with the topic in the title first, then by number of sentences, then by position."""
    return not _has(topic, view.title(view.by_path[path])), -len(spans), min(span.start for span in spans), path


def _mention(view: _View, path: str, spans: Collection[Span]) -> ToldItem:
    text = view.text(path)
    ordered = sorted(spans, key=lambda span: span.start)
    alone = next((span for span in ordered[:_EARLY] if _stands_alone(text, span)), ordered[0])
    return _item(view, path, alone, f"{view.label(path)}: ")


def _mentioning(view: _View, topic: str) -> dict[str, set[Span]]:
    """Return by path the sentences that have the topic's words or another spelling of its name."""
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
        found[path] |= {one for one in sentences(view.text(path)) if one.start <= span.start < one.end}
    own = {path: {one for one in spans if is_own(view.text(path), one, view.index)} for path, spans in found.items()}
    return {path: spans for path, spans in own.items() if spans}


def _named_so(view: _View, topic: str) -> Iterator[tuple[str, Span]]:
    """Yield the first mentions of every name that the topic is a spelling of."""
    for named in view.names().named:
        if any(same_name(topic, spelling) for spelling in named.spellings):
            yield from ((place.article, place.span) for place in view.of(named))


def _has(topic: str, text: str) -> bool:
    """Whether a text has all words of a topic, ignoring case and inflection."""
    wanted = set(terms(topic))
    return has_name(topic, text) or (bool(wanted) and wanted <= set(terms(text)))


# -- words --------------------------------------------------------------------------------------------------------


def _day(day: str) -> str:
    """Return an ISO 8601 day as "11 Feb 2026"; "" for "".

    >>> _day("2026-02-11")
    '11 Feb 2026'
    """
    return f"{int(day[8:])} {month_of(day)[:3].title()} {day[:4]}" if day else ""


def _time(first: str, last: str) -> str:
    """Return a time as it follows "dated": "in 2019", "31 May 2020 or earlier"; either end may be open."""
    if last == _LAST:
        return f"{_day(first)} or later"
    return f"{_day(last)} or earlier" if first == _FIRST else ("on " if first == last else "in ") + spelled(first, last)


def _within(filters: Filters, first: str, last: str) -> Filters:
    """Return filters that also limit the days."""
    last = min(last, filters.published_to or last)
    return replace(filters, published_from=max(first, filters.published_from), published_to=last)


def _many(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun: "one article", "317 articles"."""
    return f"one {one}" if number == 1 else f"{number:,} {several or one + 's'}"


def _number(number: int, one: str) -> str:
    """Return a number with its noun, as a sentence begins: "One article"."""
    return _many(number, one).replace("one ", "One ", 1)


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
    "period": _period,
}
