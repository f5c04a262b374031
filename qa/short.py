"""The few words of a quote that answer a question: "$40 million" where the quote has "The bridge cost $40 million".

Tells from the question what is asked for, lists the figures, times, names and noun phrases of the quotes, and takes the
one with the highest sum of weights (short.json, written by benchmarks/short.py). What comes out is a span of a quote,
character for character. Knows no article, does not judge whether a claim is supported, and has no few words for
questions that want a statement, a manner or yes or no.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from citewire.index import dates
from citewire.qa import english, facts
from citewire.qa.question import Expected, Question
from citewire.qa.vectors import WordVectors

Sought = Literal["count", "amount", "percent", "time", "person", "place", "thing", "reason"]
Form = Literal["figure", "counted", "time", "quoted", "name", "phrase", "cause"]

# What answers a question whose parse tells the kind of answer.
_FORMS: Mapping[Expected, tuple[Form, ...]] = {
    "count": ("figure", "counted"),
    "amount": ("figure", "counted", "time"),  # "how long"
    "percent": ("figure",),
    "date": ("time",),
    "person": ("name",),
}
_SUBSTITUTED = 6  # candidates of a quote, best without it, that are put into the question and compared with the quote
LEAST = 0.35  # probability below which the words are wrong more often than right
_CLAIMED = 3.0  # what it counts that a candidate stands in the claim: the model's choice; set by hand

# -- the question -----------------------------------------------------------------------------------------------

_VERBS = f"{english.AUXILIARIES}|may|might|must"
_AUXILIARY = f"(?:{_VERBS})"
_WH = re.compile(r"\b(?:who(?:m|se)?|what|which|when|where|why|how)\b", re.IGNORECASE)
# What a question word stands behind where it is no relative pronoun: "The ship sailed to which port?"
_LEADS_TO = re.compile(
    r"(?:^\W*|\b(?:in|at|on|by|to|from|for|of|as|over|with|into|than|is|was|against|within|under|named|visit|like)\s)$",
    re.IGNORECASE,
)
_RELATIVE = ("who", "whom", "whose", "when", "where", "which")
_NOUN_ENDS = re.compile(
    rf"\b(?:{_AUXILIARY}|{english.PREPOSITIONS}|this|these|last|next|now|ever|recently|currently|just|the|an?|per|that|who"
    r"|whose|will|remains?|keeps?|holds?|makes?|announce[sd]?|say|says|said)\b|[,?:;]",
    re.IGNORECASE,
)
_GENERAL = re.compile(r"(?:names?|titles?|types?|kinds?|sorts?)\sof\s(?:the\s|an?\s|this\s|that\s)?", re.IGNORECASE)
_NAMED_AS = re.compile(
    rf"(?:the|an?|his|her|its|their|[\w.]+['’]s)\s(?:{_GENERAL.pattern})?(?P<noun>.*)", re.IGNORECASE
)
_OF_SUBJECT = re.compile(
    rf"\s(?:(?:is|are|was|were)\b|(?:has|have|had)\s(?:the|an?|no|its|their)\b|(?!{_AUXILIARY}\b)\w)", re.IGNORECASE
)
_ADVERB = re.compile(r"(?!(?:dai|week|month|year|quarter|ear|fami|on)ly$)\w{3,}ly$", re.IGNORECASE)
_MEASURES = re.compile(r"\b(?:much|high|large|big|far|long|old|fast|tall|heavy|deep|wide)\b", re.IGNORECASE)
_SHARE = re.compile(r"\b(?:percentage|percent|share|proportion|rate)\b", re.IGNORECASE)
_TIME = re.compile(r"\b(?:year|month|date|day|week|quarter|century|decade)s?$", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\b(?:price|cost|revenue|profit|number|amount|population|wage|salary|fee|fine|budget|size|total|value|age|height"
    r"|temperature|length|distance|score)s?\b",
    re.IGNORECASE,
)
_MONEY_ASKED = re.compile(
    r"\b(?:cost|price|pay|paid|spen[dt]|worth|sold|sell|money|wage|salary|revenue|profit|fine|budget|amount|income)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sentence with the question word asks for.

    Attributes:
        text: that sentence.
        sought: the kind of thing.
        noun: what it is called: "city" of "which city", "miners" of "how many miners"; "" where it has no name.
        terms: stems of the whole question.
        wh: span of `text` that the answer takes the place of.
    """

    text: str
    sought: Sought
    noun: str
    terms: frozenset[str]
    wh: tuple[int, int]

    @property
    def head(self) -> str:
        """The last word of the noun, in lower case."""
        words = facts.words(self.noun)
        return words[-1] if words else ""

    def with_answer(self, words: str) -> str:
        """Return the question as a statement that has `words` for what is asked."""
        start, end = self.wh
        return f"{self.text[:start]}{words}{self.text[end:]}".rstrip("? ") + "."

    def knows(self, term: str) -> bool:
        """Whether a stem is one of the question's."""
        return any(facts.same_root(term, asked) for asked in self.terms)


def asked_for(question: str) -> Asked | None:
    """Read the question; None where no few words can answer it."""
    text = _sentence(question)
    found = list(_WH.finditer(text))
    if not found:
        return None
    lead = found[0]
    if lead.start() and lead[0].lower() in _RELATIVE:  # "the man who ... was born in which city"
        lead = next((m for m in reversed(found) if _LEADS_TO.search(text[: m.start()])), lead)
    read = _read(lead[0].lower(), text[lead.end() :])
    if read is None:
        return None
    sought, noun, behind = read
    return Asked(text, sought, noun, frozenset(facts.terms(question)), (lead.start(), lead.end() + behind))


def stated(question: str, words: str) -> str:
    """Return a question about a subject as a statement that has `words` for it; "" for any other question.

    >>> stated("Which yard built the ferry?", "Lund Lines")
    'Lund Lines built the ferry.'
    """
    asked = asked_for(question) if re.match(r"(?:who|which|what)\b", question, re.IGNORECASE) else None
    if asked is None or asked.wh[0] or not _OF_SUBJECT.match(asked.text[asked.wh[1] :]):
        return ""
    return asked.with_answer(words)


def _sentence(question: str) -> str:
    """The last sentence that asks, where a question begins with what happened."""
    parts = re.split(r"(?<=[.!?])\s+(?=[A-Z“\"])", question.strip())
    asking = [part for part in parts if part.rstrip().endswith("?") and _WH.search(part)]
    return asking[-1] if asking else question.strip()


def _read(wh: str, after: str) -> tuple[Sought, str, int] | None:
    """What is sought, its noun, and how many characters of `after` name it."""
    blank = len(after) - len(after.lstrip())
    after = after.lstrip()
    if wh == "how":
        if many := re.match(r"many\s+(?:of\s+(?:(?:the|its|their|these|those)\s+)?)?", after, re.IGNORECASE):
            noun = _noun(after[many.end() :])
            return "count", noun, blank + many.end() + len(noun)
        if measure := _MEASURES.match(after):
            return "amount", "", blank + measure.end()
        return ("time", "", blank + 4) if re.match(r"soon\b", after, re.IGNORECASE) else None
    if wh in ("when", "why", "where"):
        return {"when": "time", "why": "reason", "where": "place"}[wh], "", 0  # type: ignore[return-value]
    if wh.startswith("who"):
        return "person", "", 0
    link = re.match(rf"(?:{_AUXILIARY}|['’]s)\b\s*", after, re.IGNORECASE)
    if link:
        named = _NAMED_AS.match(after[link.end() :])
        noun = _noun(named["noun"]) if named else ""
        return *_kind("person" if re.match(r"h(?:is|er)\sname\b", after[link.end() :]) else noun), 0
    general = _GENERAL.match(after)
    begins = general.end() if general else 0
    noun = _noun(after[begins:])
    return *_kind(noun), blank + begins + len(noun)


def _noun(text: str) -> str:
    """The noun phrase that `text` begins with: up to a verb, a preposition or a mark."""
    words = _NOUN_ENDS.split(text, maxsplit=1)[0].split()
    ends = (i for i in range(1, len(words)) if english.is_past(words[i]) or _ADVERB.match(words[i]))
    return " ".join(words[: next(ends, len(words))])


def _kind(noun: str) -> tuple[Sought, str]:
    if _SHARE.search(noun):
        return "percent", noun
    if _TIME.search(noun):
        return "time", noun
    return ("amount" if _AMOUNT.search(noun) else "thing"), noun


# -- what stands in a quote -------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[$€£¥]?\d[\d,]*(?:\.\d+)?%?|[^\W_]+(?:[.&'’-][^\W_]+)*|[^\w\s]")
_FUNCTION = (
    facts.STOP_WORDS
    | frozenset(english.PREPOSITIONS.split("|"))
    | frozenset(
        "up down out off away back through because it him them me us you such there here now ever never also still yet"
        " including according amid among per despite although though unless whether another every each either neither"
        " several many much as already even later recently first again less more most last".split()
    )
)
_FINITE = frozenset(f"{_VERBS}|be|been|being".split("|"))
_CAPITAL = r"[^\W\d_a-z][\w’'-]*"
_JOINS_NAMES = r"(?:de|los|las|la|del|van|von|der|bin|el|of the|of|for|and the)"
_RUN = re.compile(rf"{_CAPITAL}(?:(?:\s{_JOINS_NAMES})*\s(?:{_CAPITAL}|\d+\b))+")
_QUOTED = re.compile(r"[“\"]([^“”\"]{2,60})[”\"]")
_CAUSE = re.compile(
    r"\b(?:because\sof|because|due\sto|owing\sto|thanks\sto|as\sa\sresult\sof|caused\sby|over|in\sorder\sto|so\sthat)\s"
    rf"(?P<cause>[^,;.()–—]{{3,80}}?)(?=\s{_AUXILIARY}\b|[,;.()–—]|$)"
)
_YEAR = re.compile(r"(?<![\d.,$€£#])(?:1[5-9]|20)\d\d(?![\d%]|[.,]\d)")
_EDGES = ' \t\n",“”‘([—–'
_ANY_DAY = "2020-01-15"  # of publication: only how far a time's words reach is wanted, not which day they mean


@dataclass(frozen=True, slots=True)
class Candidate:
    """`text[start:end]` of a quote, and what it looks like."""

    start: int
    end: int
    form: Form
    text: str


def candidates(text: str, asked: Asked) -> list[Candidate]:
    """All that could be the answer, each span once, under the first form that finds it."""
    out: dict[tuple[int, int], Candidate] = {}
    for start, end, form in _spans(text, asked):
        while start < end and text[start] in _EDGES:
            start += 1
        while end > start and text[end - 1] in _EDGES:
            end -= 1
        if start < end:
            out.setdefault((start, end), Candidate(start, end, form, text[start:end]))
    return list(out.values())


def _spans(text: str, asked: Asked) -> Iterator[tuple[int, int, Form]]:
    if asked.sought == "reason":
        yield from ((*m.span("cause"), "cause") for m in _CAUSE.finditer(text))
        return
    yield from ((m.start, m.end, "time") for m in dates.mentions(text, _ANY_DAY))
    yield from ((*m.span(), "time") for m in _YEAR.finditer(text))
    for number in facts.numbers(text):
        start = number.start - (number.start > 0 and text[number.start - 1] in "$€£¥")
        yield start, number.end, "figure"
        noun = re.match(r"[\s-]([a-z]+)\b", text[number.end :])
        if noun and not number.unit and noun[1] not in _FUNCTION:
            yield start, number.end + noun.end(), "counted"
    yield from ((*m.span(1), "quoted") for m in _QUOTED.finditer(text))
    position = 0
    for name in facts.names(text, facts.name_words([text])):
        start = text.find(name, position)
        if start >= 0:
            position = start + len(name)
            yield start, position, "name"
    yield from ((*m.span(), "name") for m in _RUN.finditer(text))
    for run in _runs(text):
        yield from _phrases(run, asked)


Token = tuple[str, int, int]  # word, start, end


def _runs(text: str) -> Iterator[list[Token]]:
    """Runs of words without function words, verbs and marks between them."""
    run: list[Token] = []
    before = ""
    for m in _TOKEN.finditer(text):
        word = m[0]
        function = word.lower() in _FUNCTION and not (word.isupper() and len(word) > 1)
        verb = word.islower() and (
            english.is_past(word) or word in _FINITE or (word.endswith("ing") and before.lower() in _FINITE)
        )
        before = word
        if function or verb or not re.match(r"[\w$€£¥]", word):
            if run:
                yield run
            run = []
            continue
        owner = re.search(r"['’]s$", word)
        run.append((word[: -2 if owner else None], m.start(), m.end() - (2 if owner else 0)))
        if owner:
            yield run
            run = []
    if run:
        yield run


def _phrases(run: list[Token], asked: Asked) -> Iterator[tuple[int, int, Form]]:
    """A run, and shorter ones at its end: without the question's words, the name in it, its last words."""
    end = run[-1][2]
    yield run[0][1], end, "name" if all(word[0].isupper() for word, *_ in run) else "phrase"
    first = 0
    while first < len(run) - 1 and run[first][0].islower() and asked.knows(facts.stem(run[first][0].lower())):
        first += 1
    yield run[first][1], end, "phrase"
    capital = len(run)
    while capital and run[capital - 1][0][0].isupper():
        capital -= 1
    if 0 < capital < len(run):
        yield run[capital][1], end, "name"
    if run[-1][0][0].islower():
        yield from ((run[-n][1], end, "phrase") for n in (1, 2) if n < len(run))


# -- which of them fits -----------------------------------------------------------------------------------------

_PERSONS = ("person", "man", "woman", "politician", "actor", "singer", "player", "leader", "president", "celebrity")
_PLACES = ("place", "city", "country", "state", "island", "region", "area")
_KINDS = {"count": "figure", "amount": "figure", "percent": "figure", "person": "name", "place": "name"}
# What a candidate is weighed by: its form for the kind that is sought, its words, where it stands, what it means, and
# how like the quote the question is once the candidate has taken the place of its question word.
FEATURES = (
    "figure:figure", "count:counted", "time:time", "time:year", "time:words", "name:name",
    "thing:figure", "thing:time", "thing:phrase",
    "new", "nothing_new", "lower", "wrong_unit", "counts", "full_name", "part_of_name",
    "by", "article", "is", "near", "nearest",
    "like_question", "like_noun", "like_head", "like_place", "substituted",
)  # fmt: skip
_UNIT_OF_MONEY = re.compile(r"[$€£¥]|\b(?:dollar|euro|pound|yuan)")


@dataclass(frozen=True, slots=True)
class Short:
    """The few words that answer.

    Attributes:
        text: `quotes[quote][start:end]`.
        quote: place among the quotes, from 0.
        start, end: offsets into that quote.
        probability: that these are the words, among all candidates of the quotes; 0 to 1.
    """

    text: str
    quote: int
    start: int
    end: int
    probability: float


Scored = tuple[float, int, Candidate]  # sum of weights, quote, what stands there


def short(question: Question, claim: str, quotes: Sequence[str], vectors: WordVectors) -> Short | None:
    """Return the few words of `quotes` that answer `question`; None where it wants none or none fits well enough.

    Args:
        question: as it stands alone.
        claim: the sentence that the quotes support; words that it has too are preferred. "" for none.
        quotes: as they stand in their articles; words that stand in several are more likely.
        vectors: of words; texts that are not there yet are embedded in two batches.
    """
    asked = asked_for(question.text)
    if asked is None or question.expects == "statement":
        return None
    if question.expects in ("amount", "percent"):
        figure: Sought = "percent" if question.expects == "percent" else "amount"
        asked = asked if asked.sought in ("count", "amount", "percent", "time") else replace(asked, sought=figure)
    elif question.expects != "count" and asked.noun and english.is_plural(asked.noun):
        return None  # of several things, one is no answer
    forms = _FORMS.get(question.expects, get_args(Form))
    found = [(n, one) for n, quote in enumerate(quotes) for one in candidates(quote, asked) if one.form in forms]
    if asked.head == "year":
        found = [(n, one) for n, one in found if _YEAR.fullmatch(one.text)] or found
    if not found:
        return None
    said = _plain(claim)
    vectors.add([asked.text, asked.noun, asked.head, *_PERSONS, *_PLACES, *(one.text for _, one in found)])
    scored = []
    for n, one in found:
        in_claim = _CLAIMED * (_plain(one.text) in said)
        scored.append((in_claim + _sum(features(asked, quotes[n], one, vectors)), n, one))
    return _best(asked, quotes, _likely(scored), vectors)


def _likely(scored: Iterable[Scored]) -> list[Scored]:
    """The best `_SUBSTITUTED` of each quote."""
    out: dict[int, list[Scored]] = {}
    for one in sorted(scored, key=lambda one: -one[0]):
        kept = out.setdefault(one[1], [])
        if len(kept) < _SUBSTITUTED:
            kept.append(one)
    return [one for kept in out.values() for one in kept]


def _best(asked: Asked, quotes: Sequence[str], likely: Sequence[Scored], vectors: WordVectors) -> Short | None:
    """The words with the highest sum of probabilities over the places where they stand, at the best of these."""
    vectors.add([*quotes, *(asked.with_answer(one.text) for _, _, one in likely)])
    scores = [
        score + _sum({"substituted": vectors.cosine(asked.with_answer(one.text), quotes[n])})
        for score, n, one in likely
    ]
    top = max(scores)
    total = sum(math.exp(score - top) for score in scores)
    shares: dict[str, float] = {}
    for score, (_, _, one) in zip(scores, likely, strict=True):
        shares[_plain(one.text)] = shares.get(_plain(one.text), 0.0) + math.exp(score - top) / total
    words = max(shares, key=lambda words: shares[words])
    places = [i for i, (_, _, one) in enumerate(likely) if _plain(one.text) == words]
    _, n, one = likely[max(places, key=lambda i: scores[i])]
    return Short(one.text, n, one.start, one.end, shares[words]) if shares[words] >= LEAST else None


def _plain(text: str) -> str:
    return f" {' '.join(facts.words(text))} "


@cache
def _weights() -> dict[str, float]:
    stored: dict[str, float] = json.loads((files("citewire.qa") / "short.json").read_text(encoding="utf-8"))
    return stored


def _sum(values: Mapping[str, float]) -> float:
    weights = _weights()
    return sum(weights.get(name, 0.0) * value for name, value in values.items())


def features(asked: Asked, text: str, one: Candidate, vectors: WordVectors) -> dict[str, float]:
    """Return those of `FEATURES` that a candidate of `text` has, less "substituted"; 0 left out."""
    values = _of_form(asked, one) | _of_words(asked, one) | _of_surroundings(asked, text, one)
    if one.form in ("figure", "counted"):
        values |= _of_figure(asked, text, one)
    elif one.form != "time":
        values |= _of_meaning(asked, one, vectors)
    values["like_question"] = vectors.cosine(asked.text, one.text)
    return {name: value for name, value in values.items() if value and name in FEATURES}


def _of_form(asked: Asked, one: Candidate) -> dict[str, float]:
    """The form beside what is sought: "time:words" is against it, "time:time" for it."""
    kind = _KINDS.get(asked.sought, asked.sought)
    return {
        f"{kind}:{one.form}": 1.0,
        f"{asked.sought}:{one.form}": 1.0,
        f"{kind}:figure": float(one.form in ("figure", "counted")),
        "time:words": float(kind == "time" and one.form in ("name", "phrase")),
        "time:year": float(kind == "time" and asked.head != "year" and bool(_YEAR.fullmatch(one.text))),
    }


def _is_name(one: Candidate) -> bool:
    """Whether all its words have capitals, but for those that join names."""
    words = one.text.split()
    capital = all(w[0].isupper() or not w[0].isalpha() or w.lower() in _FUNCTION for w in words)
    return capital and words[0][0].isupper() and one.form not in ("time", "figure", "counted")


def _of_words(asked: Asked, one: Candidate) -> dict[str, float]:
    known = [asked.knows(term) for term in facts.terms(one.text)]
    return {
        "new": 1 - sum(known) / len(known) if known else float(bool(re.search(r"\d", one.text))),
        "nothing_new": float(bool(known) and all(known)),
        "lower": float(not one.text[0].isupper() and one.form not in ("figure", "counted", "time")),
    }


def _of_figure(asked: Asked, text: str, one: Candidate) -> dict[str, float]:
    """Whether the unit and what is counted are those asked for."""
    percent, money = bool(re.search(r"%|per ?cent", one.text)), bool(_UNIT_OF_MONEY.search(one.text))
    wants_money = asked.sought == "amount" and bool(_MONEY_ASKED.search(asked.text))
    clash = {"percent": not percent, "count": percent or money}.get(asked.sought, money != wants_money and not percent)
    near = [*facts.words(text[one.end : one.end + 60])[:4], *facts.words(one.text)]
    head = facts.stem(asked.head)
    return {
        "wrong_unit": float(clash),
        "counts": float(bool(head) and any(facts.same_root(head, facts.stem(word)) for word in near)),
    }


def _of_meaning(asked: Asked, one: Candidate, vectors: WordVectors) -> dict[str, float]:
    """Whether the candidate is what the question's noun names."""
    heads = [asked.head or asked.sought]
    person = asked.sought == "person" or float(vectors.likeness(heads, _PERSONS).max()) > 0.5
    place = asked.sought == "place" or float(vectors.likeness(heads, _PLACES).max()) > 0.6
    return {
        "like_noun": vectors.cosine(asked.noun, one.text) if asked.noun else 0.0,
        "like_head": vectors.cosine(asked.head, one.text) if asked.head else 0.0,
        "like_place": place * float(vectors.likeness(_PLACES, [one.text]).max()),
        "full_name": float(person and _is_name(one) and len(one.text.split()) in (2, 3)),
    }


def _of_surroundings(asked: Asked, text: str, one: Candidate) -> dict[str, float]:
    before, after = text[: one.start], text[one.end :]
    values = {
        "by": float(bool(re.search(r"\bby\s(?:the\s|a\s)?$", before))),
        "article": float(bool(re.search(r"\b(?:an?|the)\s$", before))),
        "is": float(bool(re.search(r"\b(?:is|was|are|were|as|called|named|dubbed)\s(?:the\s|an?\s)?[“\"]?$", before))),
    }
    if one.text[0].isupper():
        inside = bool(re.search(rf"{_CAPITAL}[\s-]$", before)) + bool(re.match(r"[\s-][A-Z]\w+", after))
        values["part_of_name"] = float(inside)
    spans = [m.span() for m in _TOKEN.finditer(text) if not (one.start <= m.start() and m.end() <= one.end)]
    spans = [(start, end) for start, end in spans if _is_asked(asked, text[start:end])]
    if spans:
        gaps = [max(0, one.start - end if end <= one.start else start - one.end) for start, end in spans]
        values |= {
            "near": sum(1 / (1 + gap / 15) for gap in gaps) / len(gaps),
            "nearest": 1 / (1 + min(gaps) / 10),
        }
    return values


def _is_asked(asked: Asked, word: str) -> bool:
    plain = re.sub(r"['’]s?$", "", word.lower())
    return plain not in facts.STOP_WORDS and bool(re.match(r"\w", plain)) and asked.knows(facts.stem(plain))
