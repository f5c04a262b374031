"""Who said something, and which articles say it: of the last answer, or of someone named in the question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citewire.index.dates import spelled
from citewire.index.passages import title_words
from citewire.index.types import Article
from citewire.qa import attribution, facts, replies
from citewire.qa.claims import Judgement, Place
from citewire.qa.evidence import sentence_before
from citewire.qa.types import Event
from citewire.qa.ways.single import fact
from citewire.qa.ways.task import Task


def which_article(task: Task) -> Iterator[Event] | None:
    """Quote the first sentence of each article that the last answer rests on."""
    places = list({place.article: place for place in reversed(_located(task.asked.said, task))}.values())
    return _sources(places[::-1], task) if places else None


def doubt(task: Task) -> Iterator[Event] | None:
    """Quote again each sentence that the last answer rests on."""
    told = task.told
    told.kind, told.refused = "which_article", replies.UNQUOTED
    places = _located(task.asked.said, task)
    if not places:
        return None
    told.lead = replies.SAID
    return _sources(places, task)


def who_said(task: Task) -> Iterator[Event] | None:
    """Name who said the first sentence of the last answer."""
    places = _located(task.asked.said[:1], task)
    return _spoken(places[0], task) if places else None


def quote(task: Task) -> Iterator[Event] | None:
    """Quote what someone said, else sentences that state their position, else a fact about them."""
    finder, article = task.finder, task.index.article
    words = attribution.wanted(task.text, finder.reader)
    if finder.unknown(words.person):
        return None  # another person of that family name is not asked for
    evidence = finder.evidence(words.asked, task.wide)
    said: Sequence[tuple[Place, attribution.Speaker | None]] = attribution.quotes(
        words, evidence, article, finder.reader
    ) or [(place, None) for place in attribution.positions(words, evidence)]
    if said:
        return _quotes(said, task)
    chosen = task.part(task.text).chosen
    told_of = (f"{sentence_before(article(one.article), one.span)} {one.text}" for one in chosen)
    named = words.person and any(facts.has_name(facts.words(words.person)[-1], text) for text in told_of)
    return fact(task) if named else None


def _located(said: Sequence[str], task: Task) -> list[Place]:
    """Where the articles have the sentences of the last answer, without repeats."""
    reader, article = task.finder.reader, task.index.article
    found = (attribution.located(one, task.hits(one), article, reader) for one in said)
    return list(dict.fromkeys(place for place in found if place))


def _sources(places: Sequence[Place], task: Task) -> Iterator[Event]:
    task.told.listed = True
    yield task.told.searched(task.hits(task.asked.said[0]))
    for place in places:
        yield task.told.quote(place, f"{_label(task.index.article(place.article))}: {place.text}")


def _spoken(place: Place, task: Task) -> Iterator[Event]:
    told = task.told
    speaker = attribution.who_said(place, task.index.article, task.finder.reader)
    if speaker is None:
        told.lead = replies.UNKNOWN_SPEAKER
    yield told.searched(task.hits(task.asked.said[0]))
    yield told.quote(speaker.place if speaker else place)
    told.short = speaker.words if speaker else ""


def _quotes(said: Sequence[tuple[Place, attribution.Speaker | None]], task: Task) -> Iterator[Event]:
    told = task.told
    told.kind, told.listed = "fact", len(said) > 1
    yield told.searched(task.hits(task.text))
    for place, speaker in said:
        if speaker is None or facts.has_name(speaker.words, place.text):
            yield told.quote(place)
        else:  # also cite the sentence that names the speaker
            words = f"{speaker.words}: {' '.join(place.text.split())}"
            yield told.add(words, Judgement("supported", 1.0, "", (place, speaker.place)))


def _label(article: Article) -> str:
    """Title, outlet and day of an article, without what is not known."""
    day = article.published[:10]
    known = ", ".join(part for part in (article.outlet, spelled(day, day) if day else "") if part)
    title = f"“{title_words(article) or article.path}”"
    return f"{title} ({known})" if known else title
