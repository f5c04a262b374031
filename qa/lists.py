"""Several things that are asked for: names of one sort, else the sentences or lines of the article that names most.

    wanted(question) -> Wanted: "countries", three of them
    named(question, wanted, evidence) -> ListItem (name, sentence) ...    Items(question, evidence) -> sentences, lines

Knows what the reader makes of each sentence, the names in it, and how an article is set in lines. Asks no language
model and does not search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from citewire.index.passages import sentences
from citewire.index.types import Article, Embedder, Span
from citewire.qa import analysis, entities, facts, quantities, times
from citewire.qa.claims import Place, verbatim_place
from citewire.qa.entities import Entities, Named, found_in
from citewire.qa.evidence import ArticleOf, Evidence, odds, window
from citewire.qa.reader import Reader
from citewire.qa.standing import is_whole, plain

MOST = 5  # most sentences of a list; twice as many if each is from a section of its own
NAMES = 24  # most people, organisations or places of a list
_AKIN = 0.5  # a name is of the sort asked for if it has this share of the best name's cosine with the noun
_BARE = 3  # least mentions of a single word that is taken for a person
_ROWS = 10  # most lines that are shown of a list in an article
_READ = 60  # most sentences of an article that are read
_NEAR = 3.0  # a sentence stays if its odds times this reach those of the best one
_SURE = 0.25  # there is a list if the best sentence has this probability
_SECTION = 0.04  # least probability of a section's sentence; low, as it need not repeat what its heading says
_SECTIONS = 3  # least number of such sections that make a list
_SHARED = 0.5  # most that is added to the log odds of a sentence, if it has all rare words of the question
_SHORT, _RUN = 16, 3  # most words of a line of a list; least number of such lines in a row


@dataclass(frozen=True, slots=True)
class _ListLine:
    """A sentence of the article, what the reader thinks of it, and whether it is a line of its own."""

    span: Span
    probability: float
    shared: int  # words of the question
    weight: float  # odds, with the words that it shares with the question
    row: bool
    heading: bool
    asks: bool
    opens: bool  # whether a line that is no sentence, as a short heading, stands before it


@dataclass(frozen=True, slots=True)
class ListItem:
    """One of several things: its `name` as the articles spell it, and the sentence that says so."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is wanted of.

    Attributes:
        noun: what it asks for, "countries"; "" for "who".
        sort: of `entities.SORTS`; "" where the noun names none.
        number: how many are asked for, 0 where that is not said.
        counts: whether it is asked how many there are.
        named: whether all that an article names is wanted, as in "the people in the story on ...".
        single: whether one thing is asked for: "which town", "what is the name".
    """

    noun: str
    sort: str
    number: int
    counts: bool
    named: bool
    single: bool = False


class Items:
    """What the article that answers best lists.

    Args:
        question: one that may ask for several things.
        evidence: as `qa.evidence.gather` returns it.
        article: looks up an article by path.
        reader: reads the whole article.
    """

    def __init__(self, question: str, evidence: Sequence[Evidence], article: ArticleOf, reader: Reader) -> None:
        best = max(evidence, key=lambda one: one.probability, default=None)
        self._lines: list[_ListLine] = []
        self._others = [one for one in evidence if best and one.article != best.article]
        if best is None or best.probability < _SURE:
            return
        self._home = home = article(best.article)
        read = _read(question, evidence, home, reader)
        spans = [one.span for one in read]
        rare = _rarities(question, home.title, [one.text for one in read])
        asked = set(facts.terms(question))
        self._lines = [_line(home, spans, at, one.probability, rare, asked) for at, one in enumerate(read)]

    def rows(self, most: int = _ROWS) -> list[Place]:
        """Return up to `most` lines of a list in the article, with the line that leads to it.

        Of lists one below the other it is that whose first line has most of the question's words. [] where no two lines
        answer.
        """
        best = max((odds(line.probability) for line in self._lines), default=0.0)
        for start, end in _runs(self._lines):
            near = [line for line in self._lines[start:end] if odds(line.probability) * _NEAR >= best]
            if len(near) >= 2:
                first = max(start - 1, 0)
                lead = max(range(first, end), key=lambda at: (self._lines[at].shared, -at))
                told = [line for line in self._lines[lead if lead + 1 < end else first : end] if not line.asks]
                return self._places(told[: most + 1])
        return []

    def sentences(self) -> list[Place]:
        """Return the sentences near the best, those of other articles behind; [] of one."""
        told = [line for line in self._lines if not line.heading and not line.asks]
        best = max((line.weight for line in told), default=0.0)
        near = sorted((line for line in told if line.weight * _NEAR >= best), key=lambda line: -line.weight)
        others = [one for one in self._others if near and odds(one.probability) * _NEAR >= odds(near[0].probability)]
        found = self._places(near[:MOST]) + [verbatim_place(one) for one in others[: MOST - 2]]
        return found if len(found) > 1 else []

    def sections(self) -> list[Place]:
        """Return the likeliest sentence of each section that has one; [] of fewer than three."""
        found: list[_ListLine] = []
        section: list[_ListLine] = []
        for line in (*self._lines, None):
            if line is None or line.heading or line.opens:
                found += sorted(section, key=lambda one: -one.weight)[:1]
                section = []
            section += [line] if line is not None and not line.heading else []
        likely = [line for line in found if line.probability >= _SECTION]
        return self._places(likely[: 2 * MOST]) if len(likely) >= _SECTIONS else []

    def _places(self, lines: Sequence[_ListLine]) -> list[Place]:
        spans = sorted((line.span for line in lines), key=lambda span: span.start)
        return [Place(self._home.path, span, self._home.text[span.start : span.end]) for span in spans]


def _line(
    home: Article, spans: Sequence[Span], at: int, probability: float, rare: dict[str, float], asked: set[str]
) -> _ListLine:
    span, text = spans[at], home.text[spans[at].start : spans[at].end]
    said = set(facts.terms(text))
    weight = odds(probability) * exp(_SHARED * sum(rare.get(term, 0.0) for term in said))
    following = home.text[spans[at + 1].start : spans[at + 1].end] if at + 1 < len(spans) else ""
    own = _is_own(home.text, span)
    closed = text.rstrip("\"'”’)]").endswith((".", "!", "?"))
    heading = own and not closed and not text.endswith(":") and following.rstrip("\"'”’)]").endswith((".", "!", "?"))
    row = own and not closed and len(text.split()) <= _SHORT and not text.endswith(":")
    opens = any(map(str.isalnum, home.text[spans[at - 1].end if at else 0 : span.start]))
    return _ListLine(span, probability, len(said & asked), weight, row, heading, text.endswith("?"), opens)


def _is_own(text: str, span: Span) -> bool:
    """Whether a sentence stands alone in its line."""
    before, after = text[: span.start].rstrip(" \t"), text[span.end :].lstrip(" \t")
    return (not before or before.endswith("\n")) and (not after or after.startswith("\n"))


def _runs(lines: Sequence[_ListLine]) -> list[tuple[int, int]]:
    """Where several short lines follow each other, from the first up to, without, the last."""
    found: list[tuple[int, int]] = []
    start = 0
    for at in range(len(lines) + 1):
        if at == len(lines) or not lines[at].row:
            found += [(start, at)] if at - start >= _RUN else []
            start = at + 1
    return found


def _rarities(question: str, title: str, texts: Sequence[str]) -> dict[str, float]:
    """The share that each term of the question has in them all, but for the title's, weighted by how rare it is."""
    said = [set(facts.terms(text)) for text in texts]
    counts = {term: sum(term in one for one in said) for term in set(facts.terms(question)) - set(facts.terms(title))}
    weights = {term: log((len(texts) + 1) / (count + 0.5)) for term, count in counts.items() if count}
    total = sum(weights.values())
    return {term: weight / total for term, weight in weights.items()} if total else {}


# -- names ------------------------------------------------------------------------------------------------------------


def wanted(question: str, embedder: Embedder) -> Wanted:
    """Return what a list is wanted of.

    >>> wanted("Name three countries that Lund Lines sails to.", embedder)
    Wanted(noun='countries', sort='country', number=3, counts=False, named=False, single=False)
    """
    doc = analysis.read(question)
    chunks = [chunk for chunk in doc.noun_chunks if not analysis.asks(chunk.root)]
    asking = next((token for token in doc if token.tag_ in ("WP", "WDT", "WRB")), None)
    head = next(iter(chunks), None)
    if head is not None and asking is not None and asking.tag_ == "WP" and asking.head.lemma_ != "be":
        head = None  # "who won the race?" asks for no races
    noun = head.root.text.lower() if head is not None else ""
    who = asking is not None and asking.lower_ in ("who", "whom")
    sort = "person" if who and head is None else entities.sort_of_noun(noun, embedder) if noun else ""
    said = quantities.numbers(head.text) if head is not None else []
    counts = asking is not None and asking.lower_ == "how"
    places = [chunk for chunk in doc.noun_chunks if chunk.start >= (head.end if head is not None else 0)]
    inside = next((chunk for chunk in places if chunk.root.tag_[0] != "W"), None)
    acts = (
        head is not None and head.root.dep_ == "nsubj" and head.root.head.pos_ == "VERB"
    )  # "what does the minister say"
    named = not acts and inside is not None and analysis.asks(inside.root)
    asks_one = asking is not None and asking.tag_ in ("WDT", "WP") and not who
    single = (
        asks_one and head is not None and head.root.morph.get("Number", []) == ["Sing"] and head.root.pos_ == "NOUN"
    )
    return Wanted(noun, sort, int(said[0].value) if said else 0, counts, named, single)


def named(
    question: str, asked: Wanted, evidence: Sequence[Evidence], article: ArticleOf, embedder: Embedder
) -> list[ListItem]:
    """Return the people, organisations or places that are asked for, each once, under its name; [] of fewer than two.

    What the articles call a person is none of their companies, and what they spell in two ways is one thing.

    Args:
        question: one that may ask for several things.
        asked: what `wanted` makes of it.
        evidence: as `qa.evidence.gather` returns it.
        article: looks up an article by path.
        embedder: tells what sort of thing a noun and a name is.
    """
    best = max(evidence, key=lambda one: one.probability, default=None)
    if best is None:
        return []
    if asked.named and asked.sort:
        found = _named_in(article(best.article))
    elif best.probability >= _SURE:
        found = _answering(question, asked, evidence, article)
    else:
        return []
    kept = _of_sort(asked, found, embedder)
    items = [ListItem(one.name, found[one]) for one in kept]
    return items[: asked.number or NAMES] if len(items) > 1 else []


def _of_sort(asked: Wanted, found: Mapping[Named, Place], embedder: Embedder) -> list[Named]:
    """The names of the sort that is asked for; where that is none of the known ones, those near its noun."""
    if asked.sort == "person":
        return _once([one for one in found if one.kind == "person"])
    if asked.sort:
        names = list(found)
        return _once([one for one, fits in zip(names, entities.are(asked.sort, names, embedder), strict=True) if fits])
    counts = Counter(one.kind for one in found)
    names = [one for one in found if one.kind == counts.most_common(1)[0][0]]
    if names and names[0].kind == "organisation":  # who speaks of "airlines" means no office that watches them
        public = entities.are("public body", names, embedder)
        names = [one for one, is_public in zip(names, public, strict=True) if not is_public]
    if not names or not asked.noun:
        return []
    near = embedder.embed([one.name for one in names]) @ embedder.embed([asked.noun])[0]
    return _once([one for one, cosine in zip(names, near.tolist(), strict=True) if cosine >= _AKIN * near.max()])


def _once(names: Sequence[Named]) -> list[Named]:
    """The names without those that only shorten another one of them, or have its letters but for a last "s"."""
    words = {one: set(facts.name_key(one.name).split()) for one in names}
    plain = {one: facts.name_key(one.name).replace("'", "").replace("’", "").removesuffix("s") for one in names}
    once = [one for at, one in enumerate(names) if plain[one] not in [plain[other] for other in names[:at]]]
    return [one for one in once if not any(words[one] < words[other] for other in once)]


def counted(items: Sequence[ListItem]) -> str:
    """Return a sentence that says how many there are."""
    return f"The articles name {len(items)}, as far as citewire can tell."


def _named_in(home: Article) -> dict[Named, Place]:
    """The names of an article, most frequent first, each with the first sentence that has it."""
    there = _names((home,))
    return {one: place for one in there if (place := _sentence_with(one, home)) is not None}


def _sentence_with(named: Named, home: Article) -> Place | None:
    """The first sentence that has the name and is a statement: a line of credits is none."""
    for span in sentences(home.text):
        text = home.text[span.start : span.end]
        if _has(named, text) and is_whole(plain(text)):
            return Place(home.path, span, text)
    return None


def _answering(question: str, asked: Wanted, evidence: Sequence[Evidence], article: ArticleOf) -> dict[Named, Place]:
    """The names among the words that answer, and those that stand beside them, the likeliest first.

    Names that the question itself has are no answer. None where it asks for no known sort, and most answers are no
    names.
    """
    most = max(odds(one.probability) for one in evidence)
    near = [one for one in evidence if odds(one.probability) * _NEAR >= most]
    there = _names([article(path) for path in dict.fromkeys(one.article for one in near)])
    places: dict[Named, Place] = {}
    weights: dict[Named, float] = {}
    naming = 0.0
    for one in near:
        words = _with_others(one)
        names = [name for name in there if _has(name, words) and not facts.has_name(name.name, question)]
        naming += odds(one.probability) if names else 0.0
        for name in names:
            places.setdefault(name, verbatim_place(one))
            weights[name] = weights.get(name, 0.0) + odds(one.probability)
    if not asked.sort and 2 * naming < sum(odds(one.probability) for one in near):
        return {}
    return {name: places[name] for name in sorted(weights, key=lambda name: -weights[name])}


def _has(named: Named, text: str) -> bool:
    return any(facts.has_name(spelling, text) for spelling in named.spellings)


def _with_others(one: Evidence) -> str:
    """The words that answer, with what "and" and commas join to them: of a row of names the reader may take one."""
    start = one.span.start
    inside = times.tokens(one.text, one.answer.start - start, one.answer.end - start)
    others = [other for token in inside for other in token.conjuncts]
    return " ".join([one.words, *(other.doc[other.left_edge.i : other.i + 1].text for other in others)])


def _names(articles: Sequence[Article]) -> tuple[Named, ...]:
    found = zip(articles, analysis.names([one.text for one in articles]), strict=True)
    return Entities({one.path: found_in(one.text, there) for one, there in found}, _BARE).named


def _read(question: str, evidence: Sequence[Evidence], home: Article, reader: Reader) -> list[Evidence]:
    """The first sentences of an article in their order, those that are no evidence yet read now."""
    known = {one.span: one for one in evidence if one.article == home.path}
    spans = sentences(home.text)[:_READ]
    unread = [span for span in spans if span not in known]
    readings = reader.read(question, [window(home, span) for span in unread])
    for span, one in zip(unread, readings, strict=True):
        answer = Span(span.start + one.start, span.start + one.end)
        text = home.text[span.start : span.end]
        known[span] = Evidence(home.path, span, text, 0.0, one.probability, answer, one.sure)
    return [known[span] for span in spans]
