"""One way to answer for each kind of question.

A way returns the events of its answer, or None if the articles have nothing for it; then the next way is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, zip_longest
from threading import Lock

from citewire.index.dates import spelled
from citewire.index.options import SearchOptions
from citewire.index.passages import sentences, title_words
from citewire.index.types import Article, Hit, Span
from citewire.qa import (
    analysis,
    attribution,
    claims,
    compare,
    conflicts,
    corpus,
    facts,
    lists,
    parts,
    replies,
    summary,
    timeline,
    times,
    values,
)  # fmt: skip
from citewire.qa.claims import Place
from citewire.qa.entities import Entities, Named, is_told_of, read_entities
from citewire.qa.evidence import ANSWERS, REASON, Evidence, sentence_before
from citewire.qa.finding import Finder, Part
from citewire.qa.telling import Telling
from citewire.qa.types import Event, TimelinePoint
from citewire.qa.writing import Writer

_SHORT = 12  # most words of a short answer
_COMPARED = 16  # passages that are searched for conflicting values
_BESIDE = 2  # the best sentences, which are added to a timeline that lacks them
_BEST = 3  # most sentences for a side if no aspect is named; as many vote for the article about the side
_SEVERAL, _MANY = 2, 3  # fewest items of a list: if a list is the likeliest kind, and if it is not
_LOOKED_AT, _TOLD_IN = 20, 3  # most names that are tried for a suggestion, and most articles read for each
_LISTED = 16  # passages that are searched for list items or for someone's words

APART = ("talk", "corpus", "not_for_it")  # kinds that no sentence of an article answers
_OF_ITSELF = ("talk", "more", "who_said", "which_article", "doubt")  # kinds without a fact as fallback
_FACTS = ("fact", "yes_no", "why", "list", "compare", "over_time")  # kinds that a single sentence may answer
_PARTLY = ("list", "over_time")  # kinds that need several sentences
_OPEN = 0.25  # answer threshold for these kinds and for short phrases
LIKELIER = 0.5  # from this probability on, a guess is likelier than all others together
CERTAIN = 0.8  # from this probability on, a guess needs no second opinion

Way = Callable[[], Iterator[Event] | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a line is understood.

    Attributes:
        kinds: possible kinds, the likeliest first, as in `citewire.qa.kinds`; for questions about the last answer
            also "more", "who_said", "which_article" and "doubt".
        intents: the likeliest intent of each kind.
        text: the standalone question.
        said: the sentences of the last answer that the line refers to, without citation numbers.
        reply: citewire's reply in its own words, "" for the one in `replies`.
        sure: probability of the first kind.
        least: answer threshold: the least probability of a sentence that answers.
        near: paths of the last answer's articles if they are searched before all others, else ().
    """

    kinds: tuple[str, ...]
    intents: Mapping[str, str]
    text: str
    said: tuple[str, ...] = ()
    reply: str = ""
    sure: float = 1.0
    least: float = ANSWERS
    near: tuple[str, ...] = ()


class Ways:
    """The ways to answer from one index; thread-safe.

    Args:
        finder: searches the index and reads the passages.
        writer: lets the model word what is found.
        keeps: whether the names in the articles may be cached in a file beside the index.
    """

    def __init__(self, finder: Finder, writer: Writer, keeps: bool = True) -> None:
        self._keeps = keeps
        self._finder = finder
        self._writer = writer
        self._index = finder.index
        self._lock = Lock()
        self._entities: Entities | None = None

    def of(self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]) -> Sequence[Way]:
        """Return the ways to try, the likeliest first; they raise the errors of `Answerer.stream`.

        Args:
            asked: the line as understood.
            told: the answer, which the ways fill.
            wanted: filters, and how many passages are searched.
            stopped: polled; once true, no more events come.
        """
        own: Mapping[str, Callable[..., Iterator[Event] | None]] = {
            "talk": self._talk, "corpus": self._corpus, "summary": self._summary, "list": self._list,
            "compare": self._compare, "over_time": self._course, "more": self._more, "who_said": self._who_said,
            "which_article": self._which_article, "doubt": self._doubt, "not_for_it": self._not_for_it,
        }  # fmt: skip
        first, *others = asked.kinds
        if first == "fact" and "list" in others and not analysis.is_phrase(asked.text):
            first, others = "list", ["fact", *(kind for kind in others if kind != "list")]
        if first == "corpus" and asked.intents["corpus"] == "overview" and facts.terms(_named(asked.text)[0]):
            first, others = "summary", [*others, "fact"]  # "what do they say about Orvik?"
        if first == "compare" and parts.parts(asked.text):
            first, others = "fact", [*others, "compare"]  # two questions are no comparison
        if first in _FACTS and first != "compare" and (sides := compare.sides(asked.text)) and sides.joined == "beside":
            first, others = "compare", [first, *others]
        overruled = self._overruled(asked, wanted) if first in APART else self._is_fact(asked, first, others, wanted)
        unsure = first == "summary" or (first == "list" and asked.sure < CERTAIN)
        named = unsure and analysis.about(asked.text) == asked.text.rstrip(" ?!.,")  # a bare topic
        overruled = overruled or (named and self._is_answered_phrase(asked.text, wanted))
        tried: list[Callable[..., Iterator[Event] | None]] = [self._facts] if overruled else []
        if first == "list" or (first == "summary" and "list" in others):
            tried.insert(0, self._outlined)
        tried += [own.get(kind, self._facts) for kind in (first, *others) if kind == first or kind not in _OF_ITSELF]
        if first == "corpus" and _named(asked.text)[0]:
            tried.append(self._list)
        if first not in _OF_ITSELF:
            tried.append(self._facts)
            tried.insert(tried.index(self._facts), self._phrase)
            tried.append(self._defined)
        if "corpus" in others:
            tried = [*(way for way in tried if way != self._corpus), self._corpus]
        if asked.intents.get("fact") == "quote":
            if asked.kinds[0] == "fact":
                kept = [way for way in tried if way != self._facts or asked.sure < LIKELIER]
                tried = [self._quote, *kept]
            elif asked.kinds[0] not in _FACTS and "fact" in asked.kinds:
                tried.insert(tried.index(self._facts), self._quote)
        tried[:0] = [partial(way, self) for recognises, way in RECOGNISED if recognises(asked.text)]
        return [partial(way, asked, told, wanted, stopped) for way in dict.fromkeys(tried)]

    def _overruled(self, asked: Asked, wanted: SearchOptions) -> bool:
        """Whether the articles answer a line classified as talk, corpus or out of scope.

        They do if the reader's probability reaches the classifier's, or LIKELIER if that is lower. The reader's reaches
        LIKELIER for one in a hundred lines that the articles do not answer.
        """
        if asked.kinds[0] != "not_for_it" and asked.sure >= CERTAIN:
            return False  # saves a search
        return self._finder.part(asked.text, wanted).probability >= min(asked.sure, LIKELIER)

    def _is_fact(self, asked: Asked, first: str, others: Sequence[str], wanted: SearchOptions) -> bool:
        """Whether one sentence (probability >= LIKELIER) answers a line that may or may not ask for several things."""
        unsure = asked.sure < CERTAIN and first in ("list", "compare", "summary") and "fact" in others
        if not unsure or (first == "compare" and compare.sides(asked.text)) or analysis.is_phrase(asked.text):
            return False
        return self._finder.part(asked.text, wanted).probability >= LIKELIER

    # -- on citewire and its articles ------------------------------------------------------------------------------

    def _talk(self, asked: Asked, told: Telling, *_: object) -> Iterator[Event]:
        told.kind = "talk"
        told.lead = asked.reply or replies.TALK[asked.intents["talk"]]
        told.offered = (replies.OVERVIEW, *self.openers()[:2])
        yield told.searched(())

    def _not_for_it(self, asked: Asked, told: Telling, *_: object) -> None:
        if asked.kinds[0] == "not_for_it" and asked.sure >= LIKELIER:
            told.refused = replies.NOT_FOR_IT[asked.intents["not_for_it"]]

    def openers(self) -> tuple[str, ...]:
        """Return example questions of different kinds; those about names only once the names have been read."""
        titled = [one for one in self._index.articles() if one.title]
        newest = max(titled, key=lambda one: one.published, default=None)
        asked = [replies.SUMMARISE.format(newest.title)] if newest else []
        likely = [one for one in self._entities.named if one.kind != "place"][:_LOOKED_AT] if self._entities else []
        named = list(islice((one.name for one in likely if self._is_told_of(one)), 2))
        if named:
            asked += [replies.ABOUT.format(named[0]), f"Which articles mention {named[-1]}?"]
        return (*asked, "Who is mentioned most?")

    def _is_told_of(self, named: Named) -> bool:
        most = sorted(named.places, key=lambda place: -place.count)[:_TOLD_IN]
        return is_told_of(named.name, (self._index.article(place.article).text for place in most))

    def entities(self, stopped: Callable[[], bool] = lambda: False) -> Entities | None:
        """Return the names in all articles, or None once `stopped()`; the articles read until then are cached.

        Raises:
            ModelError: the English pipeline cannot be used.
        """
        with self._lock:
            if self._entities is None:
                self._entities = read_entities(self._index, self._index.folder, stopped=stopped, keep=self._keeps)
            return self._entities

    def _names(self) -> Entities:
        found = self.entities()
        assert found is not None  # it was not stopped
        return found

    def _corpus(self, asked: Asked, told: Telling, wanted: SearchOptions, *_: object) -> Iterator[Event] | None:
        intent, (topic, days) = asked.intents["corpus"], _named(asked.text)
        if topic and intent == "count":
            intent = "mentions"  # "how many articles are about Orvik?"
        verbs = (token for token in analysis.read(topic) if token.pos_ == "VERB" and not analysis.asks(token))
        if intent in corpus.LISTS and any(verbs):
            return None  # "the countries that tariffs hit" are not all countries named
        sure = asked.kinds[0] == "corpus" and (asked.sure >= LIKELIER or intent == "mentions")
        if topic and (not sure or intent in corpus.ENDS):
            return None  # it asks about the topic, not about the articles as a whole
        index, finder = self._index, self._finder
        one = _is_of_one(asked.text)
        found = corpus.tell(intent, topic, index, self._names, finder.embedder, wanted.filters, days, one)
        if intent == "mentions" and not found.items:
            told.refused = found.lead
            return None
        return self._corpus_told(found, told)

    def _corpus_told(self, found: corpus.Told, told: Telling) -> Iterator[Event]:
        told.kind, told.lead, told.listed = "corpus", found.lead, True
        yield told.searched(())
        for item in found.items:
            text = self._index.article(item.article).text[item.span.start : item.span.end]
            yield told.quote(Place(item.article, item.span, text), item.text)

    # -- summaries -------------------------------------------------------------------------------------------------

    def _summary(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        return self._summarised(analysis.about(asked.text), told, wanted, stopped)

    def _phrase(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        """Summarise the topic of a short phrase, unless single sentences answer the phrase."""
        if not analysis.is_phrase(asked.text) or self._is_answered_phrase(asked.text, wanted):
            return None
        return self._summarised(asked.text, told, wanted, stopped)

    def _defined(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        """Summarise X for "what is X?"; tried after single sentences."""
        topic = analysis.defined(asked.text)
        return self._summarised(topic, told, wanted, stopped) if topic else None

    def _is_answered_phrase(self, text: str, wanted: SearchOptions) -> bool:
        """Whether single sentences answer a short phrase, such as "acme ceo"."""
        return analysis.is_phrase(text) and self._finder.part(text, wanted).probability >= _OPEN

    def _summarised(
        self,
        topic: str,
        told: Telling,
        wanted: SearchOptions,
        stopped: Callable[[], bool],
        said: Sequence[str] = (),
    ) -> Iterator[Event] | None:
        finder = self._finder
        chosen = summary.select(topic, self._index, finder.embedder, finder.reader, wanted)
        told.unknown = chosen.missing
        if not chosen.articles:
            return None
        known = {" ".join(facts.words(one)) for one in said}
        found = [
            place
            for place in summary.points(topic, chosen, self._index, finder.embedder, finder.reader)
            if " ".join(facts.words(place.text)) not in known
        ]
        return self._points(found, told, wanted, topic, stopped) if found else None

    def _points(
        self, found: Sequence[Place], told: Telling, wanted: SearchOptions, topic: str, stopped: Callable[[], bool]
    ) -> Iterator[Event]:
        told.kind, told.listed = "summary", len(found) > 1
        yield told.searched(self._finder.hits(topic, wanted) if topic else ())
        for text, judgement in self._writer.shortened(found, told, stopped):
            yield told.add(text, judgement)

    # -- what was said before --------------------------------------------------------------------------------------

    def _more(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        topic = analysis.about(asked.text) or asked.text
        found = self._summarised(topic, told, wanted, stopped, asked.said)
        told.refused = replies.NO_MORE
        return found

    def _which_article(self, asked: Asked, told: Telling, wanted: SearchOptions, *_: object) -> Iterator[Event] | None:
        places = list({place.article: place for place in reversed(self._located(asked.said, wanted))}.values())
        return self._sources(places[::-1], told, wanted, asked.said) if places else None

    def _doubt(self, asked: Asked, told: Telling, wanted: SearchOptions, *_: object) -> Iterator[Event] | None:
        """Quote again each sentence that the last answer rests on."""
        told.kind, told.refused = "which_article", replies.UNQUOTED
        places = self._located(asked.said, wanted)
        if places:
            told.lead = replies.SAID
        return self._sources(places, told, wanted, asked.said) if places else None

    def _sources(
        self, places: Sequence[Place], told: Telling, wanted: SearchOptions, said: Sequence[str]
    ) -> Iterator[Event]:
        told.listed = True
        yield told.searched(self._finder.hits(said[0], wanted))
        for place in places:
            yield told.quote(place, f"{_label(self._index.article(place.article))}: {place.text}")

    def _who_said(self, asked: Asked, told: Telling, wanted: SearchOptions, *_: object) -> Iterator[Event] | None:
        places = self._located(asked.said[:1], wanted)
        if not places:
            return None
        return self._spoken(places[0], told, wanted, asked.said)

    def _spoken(self, place: Place, told: Telling, wanted: SearchOptions, said: Sequence[str]) -> Iterator[Event]:
        speaker = attribution.who_said(place, self._index.article, self._finder.reader)
        if speaker is None:
            told.lead = replies.UNKNOWN_SPEAKER
        yield told.searched(self._finder.hits(said[0], wanted))
        yield told.quote(speaker.place if speaker else place)
        told.short = speaker.words if speaker else ""

    def _quote(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        """Quote what someone said, else sentences that state their position, else a fact about them."""
        finder = self._finder
        words = attribution.wanted(asked.text, finder.reader)
        evidence = finder.evidence(words.asked, replace(wanted, k=max(_LISTED, wanted.k)))
        said = attribution.quotes(words, evidence, self._index.article, finder.reader)
        if said:
            return self._quotes(said, told, wanted, asked.text)
        if held := attribution.positions(words, evidence):
            return self._positions(held, told, wanted, asked.text)
        told_of = (f"{self._before(one)} {one.text}" for one in finder.part(asked.text, wanted).chosen)
        named = words.person and any(facts.has_name(facts.words(words.person)[-1], text) for text in told_of)
        return self._facts(asked, told, wanted, stopped) if named else None

    def _before(self, evidence: Evidence) -> str:
        return sentence_before(self._index.article(evidence.article), evidence.span)

    def _quotes(
        self, said: Sequence[tuple[Place, attribution.Speaker]], told: Telling, wanted: SearchOptions, text: str
    ) -> Iterator[Event]:
        told.kind, told.listed = "fact", len(said) > 1
        yield told.searched(self._finder.hits(text, wanted))
        for place, speaker in said:
            if facts.has_name(speaker.words, place.text):
                yield told.quote(place)
            else:  # also cite the sentence that names the speaker
                words = f"{speaker.words}: {' '.join(place.text.split())}"
                yield told.add(words, claims.Judgement("supported", 1.0, "", (place, speaker.place)))

    def _positions(self, held: Sequence[Place], told: Telling, wanted: SearchOptions, text: str) -> Iterator[Event]:
        told.kind, told.listed = "fact", len(held) > 1
        yield told.searched(self._finder.hits(text, wanted))
        for place in held:
            yield told.quote(place)

    def _located(self, said: Sequence[str], wanted: SearchOptions) -> list[Place]:
        """Where the articles have the sentences of the last answer, without repeats."""
        found = (
            attribution.located(one, self._finder.hits(one, wanted), self._index.article, self._finder.reader)
            for one in said
        )
        return list(dict.fromkeys(place for place in found if place))

    # -- several things --------------------------------------------------------------------------------------------

    def _list(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        several = lists.wanted(asked.text)
        if several.single:
            return None  # "which town ...?"
        evidence = self._finder.evidence(asked.text, replace(wanted, k=max(_LISTED, wanted.k)))
        found = lists.Items(asked.text, evidence, self._index.article, self._finder.reader)
        places = found.rows(several.number) if several.number else found.rows()
        if asked.kinds[0] != "compare":  # a comparison without sides wants exact rows: "the fastest three"
            few = _SEVERAL if asked.kinds[0] == "list" else _MANY
            places = next(
                (some for some in (places, found.led(), found.sentences(), found.sections()) if len(some) >= few), []
            )
        places = [place for place in places if self._finder.is_own(place.article, place.span)]
        return self._listed(places, asked, told, wanted, stopped) if places and not stopped() else None

    def _outlined(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        """Quote the items of an article that is itself the list: "7 dishes to try"."""
        if lists.wanted(asked.text).single:
            return None
        hits = self._finder.hits(asked.text, replace(wanted, k=max(_LISTED, wanted.k)))
        articles = [self._index.article(path) for path in dict.fromkeys(hit.passage.article for hit in hits)]
        places = lists.outlined(asked.text, articles, self._finder.embedder, self._finder.reader)
        return self._listed(places, asked, told, wanted, stopped) if places else None

    def _listed(
        self, places: Sequence[Place], asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event]:
        told.kind, told.listed = "list", True
        yield told.searched(self._finder.hits(asked.text, wanted))
        for text, judgement in self._writer.shortened(places, told, stopped):
            yield told.add(text, judgement)

    def _compare(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        sides = compare.sides(asked.text)
        if sides is None:
            return self._list(asked, told, wanted, stopped) or self._course(asked, told, wanted, stopped)
        finder, article = self._finder, self._index.article
        apart = sides.joined != "and" or sides.degree or sides.operation
        if not apart and lists.wanted(asked.text).single:
            return None  # "which road leads from Lund to Vire?"
        find = partial(finder.evidence, wanted=wanted)
        spoken = compare.told(sides, asked.text, find, article)
        outcomes = compare.outcomes(sides, spoken, article, finder.embedder)
        general = compare.is_general(sides, finder.embedder)
        if outcomes:
            places = [[claims.verbatim_place(one.sources[n]) for one in outcomes] for n in range(len(sides.names))]
        elif general:
            known = replace(sides, asked=tuple(map(summary.ASKED.format, sides.names)))
            spoken = compare.told(known, asked.text, find, article)
            places = [self._telling(name, some) for name, some in zip(sides.names, spoken, strict=True)]
        else:
            places = [compare.likely(some) for some in spoken]
        whole = finder.part(asked.text, wanted).probability
        course = sides.times and asked.kinds[0] == "over_time"
        sure = outcomes or general or (compare.answers(sides, spoken, whole) and not course)
        refused = sides.figures and asked.kinds[0] == "compare" and whole < ANSWERS  # and the gap is named
        if not any(places) or not (refused or sure):
            return None  # no comparison is asked for, or the articles lack both sides
        return self._side_by_side(places, sides, outcomes, told, wanted)

    def _telling(self, name: str, spoken: Sequence[Evidence]) -> list[Place]:
        """Sentences about a side; if the reader is unsure, the most informative ones of the article most about it."""
        finder, index = self._finder, self._index
        if spoken and spoken[0].probability >= ANSWERS:
            return compare.likely(spoken)
        own = [one for one in spoken if facts.has_name(name, one.text)]
        if own:
            return [claims.verbatim_place(one) for one in own[:_BEST]]
        paths = [one.article for one in spoken[:_BEST]]
        if not paths:
            return []
        chosen = summary.of_article(index.article(max(paths, key=paths.count)), index)
        return summary.points(name, chosen, index, finder.embedder, finder.reader)[:_BEST]

    def _side_by_side(
        self,
        places: Sequence[Sequence[Place]],
        sides: compare.Sides,
        outcomes: Sequence[compare.Outcome],
        told: Telling,
        wanted: SearchOptions,
    ) -> Iterator[Event]:
        told.kind, told.listed = "compare", True
        untold = replies.UNCOUNTED if sides.figures else replies.UNTOLD
        yield told.searched(_ranked([self._finder.hits(text, wanted) for text in sides.asked]))
        for name, some in zip(sides.names, places, strict=True):
            if not some:
                yield told.gap(untold.format(name))
        for name, some in zip(sides.names, places, strict=True):
            for place in some:
                shared = sum(place in other for other in places) > 1
                if not told.quotes(place.article, place.span):
                    text = " ".join(place.text.split())
                    yield told.quote(place, text if shared else f"{name}: {text}")
        for one in outcomes:
            sources = tuple(dict.fromkeys(claims.verbatim_place(source) for source in one.sources))
            probability = round(min(source.probability for source in one.sources), 3)
            yield told.add(one.text, claims.Judgement("supported", probability, "", sources))
        told.short = outcomes[0].short if len(outcomes) == 1 else ""

    def _course(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        sides = compare.sides(asked.text) if asked.kinds[0] == "over_time" else None
        both = self._compare(asked, told, wanted, stopped) if sides and sides.times else None
        if both is not None:
            return both
        part, finder = self._finder.part(asked.text, wanted), self._finder
        points = timeline.points(asked.text, part.evidence, self._index.article)
        if asked.kinds[0] != "over_time":  # it may ask for something else
            return self._points_in_time(points, part, told, wanted) if points else None
        course = timeline.course(asked.text, self._index, finder.embedder, finder.reader, wanted)
        if points:
            return self._points_in_time(timeline.joined(points, course), part, told, wanted)
        return self._happened(course, part, told) if course else None

    def _happened(self, course: timeline.Course, part: Part, told: Telling) -> Iterator[Event]:
        told.kind, told.listed, told.timeline, told.lead = "over_time", True, course.points, course.lead
        yield told.searched(part.hits)
        if part.chosen and part.probability >= LIKELIER:  # the question may be about a single event
            yield told.quote(claims.verbatim_place(part.chosen[0]))
        for place in course.places:
            if not told.quotes(place.article, place.span):
                yield told.quote(place)

    def _points_in_time(
        self, points: Sequence[TimelinePoint], part: Part, told: Telling, wanted: SearchOptions
    ) -> Iterator[Event]:
        told.kind, told.timeline = "over_time", tuple(points)
        yield told.searched(part.hits)
        for point in points:
            place = Place(point.article, Span(point.start, point.end), point.text)
            if not told.quotes(place.article, place.span):
                yield told.quote(place)
        for one in part.chosen[:_BESIDE]:
            if not told.quotes(one.article, one.span):
                yield told.quote(claims.verbatim_place(one))
        yield from self._disagreements(told, part, wanted)

    # -- facts -----------------------------------------------------------------------------------------------------

    def _facts(
        self, asked: Asked, told: Telling, wanted: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[Event] | None:
        if asked.kinds[0] == "not_for_it" and not self._overruled(asked, wanted):
            return None
        told.searched(self._finder.hits(asked.text, wanted))
        told.time(retrieve_s=told.seconds())
        least = _OPEN if asked.kinds[0] in _PARTLY or analysis.is_phrase(asked.text) else asked.least
        least = REASON if asked.kinds[0] == "why" else least
        found = self._parts(asked.text, wanted, least)
        told.searched(_ranked([part.hits for part in found]))
        told.time(evidence_s=round(told.seconds() - told.timings.retrieve_s, 4))
        if not any(part.chosen for part in found):
            return None
        return self._told(told, found, wanted, stopped)

    def _parts(self, text: str, wanted: SearchOptions, least: float) -> list[Part]:
        """The sub-questions if all have answers; else the whole line, unless its best sentence answers one of them."""
        asked = parts.parts(text)
        if not asked and (sides := compare.sides(text)) and sides.times:  # "in 2018 and 2024"
            asked = sides.asked
        found = [self._finder.part(one, wanted, least) for one in asked]
        if found and all(part.chosen for part in found):
            return found
        one = self._finder.part(text, wanted, least)
        best = [part.chosen[0] for part in found if part.chosen]
        return [one] if not best or (one.chosen and not _same_place(one.chosen[0], best)) else found

    def _told(
        self,
        told: Telling,
        found: Sequence[Part],
        wanted: SearchOptions,
        stopped: Callable[[], bool],
    ) -> Iterator[Event]:
        """Yield the answers to the parts, then the values of other sources that conflict with them."""
        told.kind = told.kind if told.kind in _FACTS and told.kind != "compare" else "fact"
        yield told.searched(_ranked([part.hits for part in found]))
        for part in found:
            answered = bool(part.chosen) and (yield from self._writer.write(told, part, stopped))
            if stopped():
                return
            if not answered:
                if len(found) > 1:
                    yield told.gap(replies.UNANSWERED.format(part.text))
                continue
            if values.asked(part.text) == "date":
                yield from self._worked_out(told, part.chosen[0])
            place = self._introduced(analysis.defined(part.text), part)
            if place and not told.quotes(place.article, place.span):
                yield told.quote(place)
        for part in found if told.shown else ():
            yield from self._disagreements(told, part, wanted)
        if not told.short and len(found) == 1 and any(c.verdict == "supported" for c in told.claims):
            told.short = _short(found[0])

    def _introduced(self, name: str, part: Part) -> Place | None:
        """The first sentence that names `name` in the article of the best sentence; None if there is no name."""
        article = self._index.article(part.chosen[0].article)
        spans = (span for span in sentences(article.text) if self._finder.is_own(article.path, span))
        named = (Place(article.path, span, article.text[span.start : span.end]) for span in spans)
        return next((place for place in named if name and facts.has_name(name, place.text)), None)

    def _worked_out(self, told: Telling, best: Evidence) -> Iterator[Event]:
        """Which day a stated "Tuesday" is; if the sentence states no time, say so."""
        place, article = claims.verbatim_place(best), self._index.article(best.article)
        text = times.worked_out(best, article) if told.quotes(place.article, place.span) else ""
        if text and not times.stated(best, article):
            yield told.gap(text)
        elif text:
            yield told.add(text, claims.Judgement("supported", 1.0, "", (place,)))

    def _disagreements(self, told: Telling, part: Part, wanted: SearchOptions) -> Iterator[Event]:
        """Record a conflict if sources give different values for the same thing, and quote each value."""
        if not part.chosen or told.kind == "why":  # reasons cannot be compared as values
            return
        evidence = self._finder.evidence(part.text, replace(wanted, k=max(_COMPARED, wanted.k)))
        for conflict in conflicts.find(part.text, evidence, self._index.article, self._finder.reader):
            told.conflicts += (conflict,)
            for value in conflict.values:
                home = next((e for e in evidence if e.article == value.article and _inside(e.span, value.start)), None)
                if home and not told.quotes(home.article, home.span):
                    yield told.add(home.text, claims.verbatim(home.article, home.span, home.text))


# A new kind of question is two functions and their line here: whether a standalone question is of that kind, and its
# way, called as a method of `Ways`, which sets `told.kind`. These ways are tried before those of the trained kinds.
RECOGNISED: tuple[tuple[Callable[[str], bool], Callable[..., Iterator[Event] | None]], ...] = ()


def _short(part: Part) -> str:
    """The short answer with the highest total weight (probability * confidence in the words) over the sentences."""
    weights: dict[str, float] = {}
    words: dict[str, str] = {}
    for one in part.chosen:
        key = " ".join(facts.words(one.words))
        if key and len(one.words.split()) <= _SHORT:  # no key: punctuation alone
            weights[key] = weights.get(key, 0.0) + one.probability * one.sure
            words.setdefault(key, one.words)
    return words[max(weights, key=lambda key: weights[key])] if weights else ""


def _label(article: Article) -> str:
    """Title, outlet and day of an article, without what is not known."""
    day = article.published[:10]
    known = ", ".join(part for part in (article.outlet, spelled(day, day) if day else "") if part)
    title = f"“{title_words(article) or article.path}”"
    return f"{title} ({known})" if known else title


def _ranked(found: Sequence[Sequence[Hit]]) -> list[Hit]:
    """The hits of all parts without repeats: first the best of each part, then the second best, and so on."""
    once: dict[tuple[str, int], Hit] = {}
    for hit in (hit for rank in zip_longest(*found) for hit in rank if hit is not None):
        once.setdefault((hit.passage.article, hit.passage.start), hit)
    return list(once.values())


def _same_place(one: Evidence, others: Sequence[Evidence]) -> bool:
    return any((one.article, one.span) == (other.article, other.span) for other in others)


def _inside(span: Span, place: int) -> bool:
    return span.start <= place < span.end


def _named(text: str) -> tuple[str, times.Days | None]:
    """The topic of a question about the articles as a whole; ("", days) if it names only a time.

    >>> _named("What happened in the news in 2021?"), _named("What do they say about Orvik in 2021?")
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
