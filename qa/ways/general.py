"""Replies about citewire itself, and about the articles as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from citewire.index.store import Index
from citewire.qa import analysis, corpus, facts, replies, times
from citewire.qa.claims import place_of
from citewire.qa.entities import AllNames, Named, is_told_of
from citewire.qa.kinds import LIKELIER
from citewire.qa.types import Event
from citewire.qa.ways.task import Task

_LOOKED_AT, _TOLD_IN = 20, 3  # most names that are tried for a suggestion, and most articles read for each


def talk(task: Task) -> Iterator[Event]:
    """Reply to small talk, and to a line that cannot be understood."""
    told = task.told
    told.kind = "talk"
    told.lead = task.asked.reply or replies.TALK[task.asked.intents["talk"]]
    told.offered = (replies.OVERVIEW, *openers(task.index, task.names)[:2])
    yield told.searched(())


def not_for_it(task: Task) -> None:
    """Set the refusal of a line that asks for something other than the articles."""
    if task.kind == "not_for_it" and task.asked.sure >= LIKELIER:
        task.told.refused = replies.NOT_FOR_IT[task.asked.intents["not_for_it"]]


def openers(index: Index, names: AllNames) -> tuple[str, ...]:
    """Return example questions of different kinds; those about names only once the names have been read."""
    titled = [one for one in index.articles() if one.title]
    newest = max(titled, key=lambda one: one.published, default=None)
    asked = [replies.SUMMARISE.format(newest.title)] if newest else []
    likely = [one for one in names.known.named if one.kind != "place"][:_LOOKED_AT] if names.known else []
    named = list(islice((one.name for one in likely if _is_told_of(one, index)), 2))
    if named:
        asked += [replies.ABOUT.format(named[0]), f"Which articles mention {named[-1]}?"]
    return (*asked, "Who is mentioned most?")


def _is_told_of(named: Named, index: Index) -> bool:
    """Whether articles tell of a name, other than as their own outlet."""
    most = sorted(named.places, key=lambda place: -place.count)[:_TOLD_IN]
    articles = [index.article(place.article) for place in most]
    own = any(corpus.is_from(article, named.name) for article in articles)
    return not own and is_told_of(named.name, (article.text for article in articles))


def whole(task: Task) -> Iterator[Event] | None:
    """Answer from all articles together: counts, outlets, days, names, themes."""
    asked, (topic, days) = task.asked, topic_of(task.text)
    intent, origin = asked.intents["corpus"], bool(topic) and f" from {topic}" in task.text
    if topic and (intent == "count" or (origin and intent == "outlets")):
        intent = "mentions"  # "how many articles are about Orvik?"
    verbs = (token for token in analysis.read(topic) if token.pos_ == "VERB" and not analysis.asks(token))
    if intent in corpus.LISTS and any(verbs):
        return None  # "the countries that tariffs hit" are not all countries named
    sure = task.kind == "corpus" and (asked.sure >= LIKELIER or intent == "mentions")
    if topic and (not sure or intent in corpus.ENDS):
        return None  # it asks about the topic, not about the articles as a whole
    one, filters = _is_of_one(task.text), task.wanted.filters
    found = corpus.tell(intent, topic, task.index, task.names.read, task.finder.embedder, filters, days, one, origin)
    if intent == "mentions" and not found.items:
        task.told.refused = found.lead
        return None
    return _whole(found, task)


def _whole(found: corpus.Told, task: Task) -> Iterator[Event]:
    told = task.told
    told.kind, told.lead, told.listed = "corpus", found.lead, True
    yield told.searched(())
    for item in found.items:
        yield told.quote(place_of(task.index.article(item.article), item.span), item.text)


def topic_of(text: str) -> tuple[str, times.Days | None]:
    """Return the topic of a question about the articles as a whole; ("", days) if it names only a time.

    >>> topic_of("What happened in the news in 2021?"), topic_of("What do they say about Orvik in 2021?")
    (('', ('2021-01-01', '2021-12-31')), ('Orvik in 2021', None))
    """
    timeless = times.timeless(text)
    if timeless and not facts.terms(analysis.about(timeless)):
        return "", times.asked(text.replace(" from ", " of "))  # "news from 2021" means only that year
    return analysis.about(text), None


def _is_of_one(text: str) -> bool:
    """Whether a question asks for a single item: "the newest article", not "the newest articles" or "latest news"."""
    return any(
        token.tag_ == "NN"
        and not token.lower_.endswith("s")
        and any(child.dep_ == "amod" or child.tag_ == "WDT" for child in token.children)
        for token in analysis.read(text)
    )
