"""Values in sentences: which numbers, dates, names and words can be what a question asks for, and of what they are.

Finds the candidates by their form, scores how well each fills the question's slot, and reads the time, measure, scope
and certainty that the sentence gives it. Knows no subject and asks no language model; what the values of several
articles mean beside each other is for others to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from citewire.index.types import Article
from citewire.qa import english, facts, places
from citewire.qa.evidence import Evidence
from citewire.qa.question import COUNTRY_NOUNS, PLACE, Question
from citewire.qa.vectors import WordVectors

Kind = Literal["number", "date", "name", "thing"]

_NEAR_BEST = 0.35  # share of the best evidence's score from which a sentence is read

_OF_EVIDENCE, _OF_SLOT, _OF_KIND = 0.3, 0.4, 0.3  # parts of a value's score
_THING = 0.5  # a word that is no name must be this much of the kind asked for
_NEAR = 3.0  # tokens at which a word asked for counts half
_CLAUSE = 3.0  # tokens that the end of a clause counts for
_NEAR_DATE = 12.0
_BESIDE = 9.0  # tokens within which the name of a measure belongs to a number
_NAME_WEIGHT = 0.7
_PLACES = ("country", "city", "region")
_BASED = frozenset(
    facts.stem(w)
    for w in (
        "based headquartered headquarters located domiciled incorporated registered home seat place country nation"
    ).split()
)
_PLACE_BASED = re.compile(
    r"(?<!\w)(?:The )?(?P<place>[^\W\d_a-z][\w.]*(?: [^\W\d_a-z][\w.]*)*)-(?:based|headquartered)\b"
)
_IS_A = r"(?: [A-Z][\w.]*){0,2}(?: \([^()]*\))?(?:,| is| was| remains) (?:an?|the|one of the)(?: [a-z-]+){0,2} $"
_KIND = r"(?: [A-Z]\w*(?= [a-z-]+ [a-z]))?(?: [a-z-]+| [A-Z]{2,}){0,5} "  # between "Chinese" and "Kestrel"
_FIRM = r" (?:[\w-]+ ){0,3}(?:company|firm|group|business|bank|startup|[a-z]{3,}(?:er|or))\b"
_STATE = re.compile(
    r"^\W*(?:(?:who|what|which|where|how)\b[^?]*?\b(?:is|are|has|have|does|do|holds?|leads?|owns?|runs?|plays?)\b)"
    r"|\b(?:now|currently|current|latest|newest|today|still|most recent|recently|this (?:week|month|year))\b",
    re.IGNORECASE,
)
_PLANNED = re.compile(
    r"\b(?:expect(?:s|ed|ing)?|forecasts?|project(?:s|ed|ion|ions)|predict(?:s|ed)?|target(?:s|ed|ing)?|guidance|aims?|"
    r"plan(?:s|ned|ning)?|will|would|could|may|might|hopes?|likely|estimates? (?:for|of) next|by (?:the )?end of)\b"
)
_DENIED = re.compile(r"\b(?:not|never|no longer|denied|denies|neither|nor|isn[’']t|wasn[’']t)\b")
_ABOUT = re.compile(
    r"\b(?:about|around|approximately|approx|roughly|nearly|almost|some|circa|ca|close to|estimated)\W*$|[~≈]\s*$",
    re.IGNORECASE,
)
_FLOOR = re.compile(
    r"\b(?:more than|over|at least|above|exceed(?:s|ed|ing)?|upwards? of|in excess of)\W*$", re.IGNORECASE
)
_CEILING = re.compile(r"\b(?:less than|under|fewer than|at most|below|up to)\W*$", re.IGNORECASE)
_RANGE = re.compile(r"\s?(?:[-–—]|to|or)\s?$", re.IGNORECASE)
_AND = re.compile(r"\sand\s$", re.IGNORECASE)
_PART_YEAR = re.compile(
    r"\b(?P<quarter>(?:first|second|third|fourth|last|previous|this|prior)[\s-]quarter|quarter(?:ly)?|Q[1-4])\b"
    r"|\b(?P<half>(?:first|second)[\s-]half|half[\s-]year|H[12])\b"
    r"|\b(?P<month>month(?:ly)?)\b|\b(?P<week>week(?:ly)?)\b|\b(?P<day>dai?ly|per day|a day)\b",
    re.IGNORECASE,
)
_MEASURES = frozenset(
    facts.stem(w)
    for w in (
        "metres meters feet foot ft miles mile kilometres kilometers km acres hectares square tons tonnes kg pounds "
        "litres liters gallons watts years year months days hours minutes seconds degrees points games times cc hp mph"
    ).split()
)
_PART = frozenset(map(facts.stem, "unit division segment subsidiary arm branch department part share".split()))
_PLAIN = frozenset(  # words before what is measured that do not narrow it
    facts.stem(w)
    for w in (
        "total overall annual full entire whole combined reported official final company group estimated approximate"
    ).split()
)
# What is said about a measure and is not its amount: "population density", "revenue growth".
_DERIVED = frozenset(
    map(facts.stem, "density growth rate increase decrease rise fall drop decline change share loss".split())
)
_OWNER_BEFORE = re.compile(r"\b(?:of|by|for)\s(?:the\s)?$", re.IGNORECASE)
_OWNER_AFTER = re.compile(
    r"['’]s?\s|\s(?:\([^)]*\)\s)?(?:also\s)?(?:said|reported|posted|booked|made|earned|had|has|employs?|runs?)\b"
)
_WHOLE = frozenset(map(facts.stem, "total overall group company whole entire".split()))
_ORDINALS = ("first", "second", "third", "fourth")
_TIMES = frozenset("year years week month quarter day recent today".split())
_NO_NOUN = re.compile(r".*(?:ly|ing|ed|est|ous|ful)|.*[^aeiou]ated?")  # endings that nouns seldom have
_YES_NO = re.compile(r"^\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b", re.IGNORECASE)
_RATE = re.compile(r"\b(?:rate|margin|tariff|share|how much|how high|how far)\b", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:\[\s?|\bNo\.\s?|#)$")
_EACH = re.compile(r"(?:\s[\w-]+){0,2}\s?(?:/|\bper\b|\ba (?:day|share|week|month|head)\b)", re.IGNORECASE)
_EACH_ASKED = re.compile(r"\b(?:per|a|each|every|rate|average)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\d.,$€£])(?:1[0-9]|20)\d{2}(?![\d%]|[.,]\d)")
_FOLLOWS = re.compile(r"\s\(?(?:in|for|during)\s(?:the\s)?", re.IGNORECASE)  # between a value and its time
_BREAK = re.compile(r"[;:()—–]|,(?=\s)|\s-\s")
_ASKED = frozenset(
    "many much name type kind sort one approximately exactly recently currently located associated primary main".split()
)
_NOUN = r"(?P<noun>[^?,.;:]+)"
_NAME_OF = re.compile(rf"\bwhat\b.{{0,12}}\bname of (?:the |a |an )?{_NOUN}")
_KIND_OF = re.compile(rf"\b(?:what|which) (?:type|kind|sort|breed|one|form)s? of (?:the |a |an )?{_NOUN}")
_WHAT_IS = re.compile(rf"\bwhat(?:[’']s| is| was| are| were) (?:the |a |an |one of the )?{_NOUN}")
_WHICH = re.compile(rf"\b(?:what|which) (?!(?:is|are|was|were|do|does|did|has|have|had|will|can)\b){_NOUN}")
_ENDS_NOUN = re.compile(
    r"is|are|was|were|do|does|did|has|have|had|can|could|will|would|of|for|in|at|on|to|by|from|with|that|which|who|"
    r"this|played|associated|known|caught|after|over|during|as|and|['\"“].*|.*ed"
)
_ADJECTIVE = re.compile(r"[a-z]{2,}(?:ese|ish|an|ch|i)$")  # of a place: "Bavarian"
_TOKEN = re.compile(r"[^\W_]+(?:[.&'’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Slot:
    """What is asked for: the form of the value, and the words that stand around it."""

    kind: Kind
    noun: str  # what the value is a kind of, or what is counted
    words: tuple[str, ...]  # content words of the question that an answering sentence has, as asked
    place: bool  # whether it is a place
    state: bool  # whether the answer holds for a while, so that the day of the article counts


@dataclass(frozen=True, slots=True)
class Reading:
    """One candidate for the answer in one sentence.

    Attributes:
        text: as written.
        form: "number", "date", "name" or "thing" (a word alike the noun of the question).
        start, end: offsets into the article's text.
        fills, fit: how near the words asked for stand, how much it is of the kind asked for; 0 to 1.
        score: mean of the evidence's score, `fills` and `fit`, weighted.
        key: stems, of names and things.
        low, high: of a number, what the words allow; of a date, its first and last day as ordinals.
        unit: "%", "money", the stem of a measure, or "".
        measure: stems beside a number that stand for what is asked for.
        scope: stems that narrow what is measured and that the question does not have.
        planned: whether it is forecast and not fact.
        days, stated: the time it is of, and whether the sentence says so or the article's day stands in.
    """

    text: str
    form: str
    start: int
    end: int
    evidence: Evidence
    article: Article
    fills: float
    fit: float
    score: float
    days: tuple[str, str]
    stated: bool
    planned: bool
    key: frozenset[str] = frozenset()
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    measure: frozenset[str] = frozenset()
    scope: frozenset[str] = frozenset()


# -- the question ---------------------------------------------------------------------------------------------


def slot_of(question: Question) -> Slot | None:
    """None where the question asks for no single value."""
    if question.expects in ("reason", "statement") or _YES_NO.match(question.text):
        return None
    kinds: dict[str, Kind] = {
        "count": "number",
        "amount": "number",
        "percent": "number",
        "date": "date",
        "person": "name",
    }
    kind = kinds.get(question.expects, "thing")
    noun = question.noun
    if kind == "thing":
        words = [w for w in facts.words(noun) if w not in facts.STOP_WORDS and w not in _ASKED]
        noun = " ".join(words) or _asked_noun(question.text)
    named = {w for n in question.names for w in facts.words(n)}
    words = [p for w in facts.words(question.text) for p in w.split("-")]
    words = [w for w in words if w not in facts.STOP_WORDS and w not in _ASKED and not w.isdigit()]
    words = [w for w in words if w not in named and not (kind == "thing" and w in facts.words(noun))]
    place = noun == PLACE or noun.split()[-1:] in [[p] for p in (*_PLACES, "state", "town", "nation")]
    return Slot(kind, noun, tuple(dict.fromkeys(words)), place, bool(_STATE.search(question.text)))


def _asked_noun(text: str) -> str:
    """The head of "which ...", "what is the ... of", "the name of the ..."; "" without one."""
    low = text.lower()
    for pattern in (_NAME_OF, _KIND_OF, _WHAT_IS, _WHICH):
        if m := pattern.search(low):
            words = []
            for w in m["noun"].split():
                if _ENDS_NOUN.fullmatch(w):
                    break
                words.append(w)
            words = [w for w in words if w not in facts.STOP_WORDS and w not in _ASKED]
            if words:
                return " ".join(words[-2:])
    return ""


# -- candidates -----------------------------------------------------------------------------------------------


def read(
    question: Question,
    slot: Slot,
    evidence: Sequence[Evidence],
    article: Callable[[str], Article],
    vectors: WordVectors,
) -> list[Reading]:
    """Every candidate of the sentences near the best, best first."""
    top = max(e.score for e in evidence)
    near = [e for e in evidence if e.score >= _NEAR_BEST * top]
    articles = {path: article(path) for path in {e.article for e in near}}
    known = facts.name_words([question.text, *(e.text for e in near)])
    lower = frozenset(t for e in near for t in _TOKEN.findall(e.text) if t.islower())
    sentences = [_Sentence(e, articles[e.article], known, lower) for e in near]
    found = [(s, c) for s in sentences for c in _candidates(question, slot, s)]
    vectors.add(
        [slot.noun, *slot.words, *_PLACES, *(w for s in sentences for w in s.words if w not in facts.STOP_WORDS)]
    )
    vectors.add(c.text for _, c in found if slot.kind == "thing")
    weights = _weights(slot, question, sentences, vectors)
    out = []
    for sentence, candidate in found:
        read = _reading(question, slot, sentence, candidate, weights, vectors)
        if read is not None:
            out.append(read)
    return sorted(out, key=lambda r: -r.score)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A span of a sentence that has the form of the answer."""

    start: int  # in the sentence
    end: int
    text: str
    form: Literal["number", "date", "name", "thing"]
    number: facts.Number | None = None
    implied: frozenset[str] = frozenset()  # stems of the question that its form stands for


class _Sentence:
    """A sentence of the evidence, as tokens."""

    def __init__(self, evidence: Evidence, article: Article, known: frozenset[str], lower: frozenset[str]) -> None:
        self.evidence, self.article, self.text = evidence, article, evidence.text
        self.known, self.lower = known, lower
        self.tokens = list(_TOKEN.finditer(self.text))
        self.words = [re.sub(r"['’]s?$", "", t[0].lower()) for t in self.tokens]
        self.stems = [facts.stem(w) for w in self.words]
        breaks = [m.start() for m in _BREAK.finditer(self.text)]
        self.clauses = [sum(b < t.start() for b in breaks) for t in self.tokens]
        self.dates = article.dates_in(evidence.span)
        self.times = times(evidence, article)

    def at(self, start: int, end: int) -> tuple[int, int]:
        """First and last token of a span."""
        inside = [i for i, t in enumerate(self.tokens) if t.start() < end and t.end() > start]
        return (inside[0], inside[-1]) if inside else (0, 0)

    def gap(self, first: int, last: int, token: int) -> float:
        """Tokens between a span and a token; a clause's end counts for several."""
        edge = first if token < first else last
        if first <= token <= last:
            return 0.0
        return abs(token - edge) - 1 + _CLAUSE * abs(self.clauses[token] - self.clauses[edge])


def _candidates(question: Question, slot: Slot, sentence: _Sentence) -> Iterator[_Candidate]:
    if slot.kind == "number":
        yield from _numbers(question, sentence)
    elif slot.kind == "date":
        yield from _dates(question, sentence)
    else:
        yield from _based_places(question, slot, sentence) if _asks_base(slot) else _names(question, slot, sentence)
        if slot.kind == "thing" and slot.noun and not slot.place:
            yield from _things(question, slot, sentence)


def _numbers(question: Question, sentence: _Sentence) -> Iterator[_Candidate]:
    asked = facts.numbers(question.text)
    offset = sentence.evidence.span.start
    dated = [(d.start - offset, d.end - offset) for d in sentence.dates]
    years = facts.years(sentence.text)
    for n in facts.numbers(sentence.text):
        if any(n.matches(a) for a in asked) or any(s < n.end and n.start < e for s, e in dated):
            continue
        if n.unit == "" and n.value in years and "," not in sentence.text[n.start : n.end]:
            continue
        if (question.expects == "percent") != (n.unit == "%") and not _RATE.search(question.text):
            continue
        before, after = sentence.text[: n.start], sentence.text[n.end :]
        if re.match(r"(?:st|nd|rd|th)\b|\s?\]", after) or _REFERENCE.search(before):
            continue
        if _EACH.match(after) and not _EACH_ASKED.search(question.text):
            continue
        yield _Candidate(n.start, n.end, sentence.text[n.start : n.end].strip(), "number", n)


def _dates(question: Question, sentence: _Sentence) -> Iterator[_Candidate]:
    offset = sentence.evidence.span.start
    taken = []
    for d in sentence.dates:
        start, end = d.start - offset, min(d.end - offset, len(sentence.text))
        taken.append((start, end))
        text = sentence.text[start:end]
        if not (facts.years(text) and facts.years(text) <= question.years):
            yield _Candidate(start, end, text, "date")
    for m in _YEAR.finditer(sentence.text):
        house = sentence.text[: m.start()].endswith("at ")  # "at 1701 Farnam Street"
        if house or any(s < m.end() and m.start() < e for s, e in taken):
            continue
        if int(m[0][:4]) not in question.years:
            yield _Candidate(m.start(), m.end(), m[0], "date")


def _asks_base(slot: Slot) -> bool:
    return slot.place and any(facts.stem(w) in _BASED for w in slot.words)


def _based_places(question: Question, slot: Slot, sentence: _Sentence) -> Iterator[_Candidate]:
    """The places where something is said to be: "the Singapore-based Kestrel", "Kestrel, a Chinese brewer"."""
    implied = _BASED | {facts.stem(w) for name in question.names for w in facts.words(name)}
    taken = []
    found = [(m.span("place"), m.end()) for m in _PLACE_BASED.finditer(sentence.text)]
    found += [(t.span(), t.end()) for t in sentence.tokens if places.is_adjective(t[0])]
    for (start, end), after in found:
        taken.append((start, after))
        if _is_of_subject(question, sentence, start, after):
            yield _Candidate(start, end, sentence.text[start:end], "name", implied=implied)
    for c in _names(question, slot, sentence):
        first, last = sentence.at(c.start, c.end)
        said = any(s in _BASED and sentence.gap(first, last, i) <= _BESIDE for i, s in enumerate(sentence.stems))
        if said and not any(c.start < end and start < c.end for start, end in taken):
            yield c


def _is_of_subject(question: Question, sentence: _Sentence, start: int, end: int) -> bool:
    """Whether the adjective, or "Singapore-based", at a span is said of what the question names."""
    before, after = sentence.text[:start], sentence.text[end:]
    for name in map(re.escape, question.names):
        kind = re.match(rf"(?P<kind>{_KIND})(?:the )?{name}(?!\w)", after)
        words = kind["kind"].split() if kind else []
        if kind and not any(w in facts.STOP_WORDS or english.is_past(w) for w in words):
            return True
        if re.search(rf"(?<!\w){name}{_IS_A}", before) and re.match(r" (?:[A-Z]{2,} )?[a-z]", after):
            return True
    if facts.names(before, sentence.known) or any(facts.has_name(name, sentence.text) for name in question.names):
        return False
    of_article = any(facts.has_name(name, sentence.article.text) for name in question.names)
    return of_article and bool(re.search(r"\bthe $", before, re.IGNORECASE) and re.match(_FIRM, after))


def _names(question: Question, slot: Slot, sentence: _Sentence) -> Iterator[_Candidate]:
    """Names that are not the question's; places that follow one another ("Leeds, England") are one."""
    own = set(facts.terms(question.text)) | {t for n in question.names for t in facts.terms(n)}
    spans: list[tuple[int, int]] = []
    position = 0
    for name in facts.names(sentence.text, sentence.known):
        start = sentence.text.find(name, position)
        if start < 0:
            continue  # the name has an accent that the sentence writes in two characters
        position = start + len(name)
        if slot.place and spans and sentence.text[spans[-1][1] : start] == ", ":
            spans[-1] = (spans[-1][0], position)
        else:
            spans.append((start, position))
    named = {t for n in question.names for t in facts.terms(n)}
    for start, end in spans:
        words = list(_TOKEN.finditer(sentence.text, start, end))
        if any(set(facts.terms(w[0])) & named for w in words):
            continue
        while words and _is_plain(words[0][0], own, sentence, slot):
            words = words[1:]
        while words and _is_plain(words[-1][0], own, sentence, slot):
            words = words[:-1]
        if not words or (slot.kind == "name" and len(words) == 1 and words[0][0].isupper()):
            continue
        start, end = words[0].start(), words[-1].end()
        text = sentence.text[start:end]
        if slot.kind == "name" and " of " in text:
            continue
        if slot.place and len(words) > 1 and places.is_adjective(words[0][0]):
            end = words[0].end()  # "Chinese" of "Chinese ASIC maker"
            text = sentence.text[start:end]
        if slot.kind == "name" and _ADJECTIVE.match(facts.name_key(text)) and re.match(r"\s[a-z]", sentence.text[end:]):
            continue  # "German" of "the German singer"
        yield _Candidate(start, end, text, "name")


def _is_plain(word: str, own: set[str], sentence: _Sentence, slot: Slot) -> bool:
    """Whether a capitalised word is the question's, or no part of a person's name."""
    low = word.lower()
    return (
        bool(set(facts.terms(word)) & own) or low in facts.STOP_WORDS or (slot.kind == "name" and low in sentence.lower)
    )


def _things(question: Question, slot: Slot, sentence: _Sentence) -> Iterator[_Candidate]:
    """Content words and pairs of them that are not the question's."""
    own = set(map(facts.stem, facts.words(question.text)))
    noun = facts.stem(slot.noun.split()[-1]) if slot.noun else ""
    free = [
        w not in facts.STOP_WORDS
        and s not in own
        and t[0].islower()
        and len(w) > 2
        and (facts.same_root(s, noun) or not _NO_NOUN.fullmatch(w))
        for w, s, t in zip(sentence.words, sentence.stems, sentence.tokens, strict=True)
    ]
    for i, token in enumerate(sentence.tokens):
        if free[i]:
            yield _Candidate(token.start(), token.end(), token[0], "thing")
            if i + 1 < len(free) and free[i + 1] and sentence.text[token.end() : sentence.tokens[i + 1].start()] == " ":
                end = sentence.tokens[i + 1].end()
                yield _Candidate(token.start(), end, sentence.text[token.start() : end], "thing")


# -- how well a candidate fills the slot ----------------------------------------------------------------------

Weights = dict[str, tuple[float, frozenset[str]]]  # word asked -> its weight, the stems that stand for it


def _weights(slot: Slot, question: Question, sentences: Sequence[_Sentence], vectors: WordVectors) -> Weights:
    """Rare words weigh more; a name of the question half of a word."""
    vocabulary = {s: w for x in sentences for s, w in zip(x.stems, x.words, strict=True) if w not in facts.STOP_WORDS}
    out: Weights = {}
    for word in [*slot.words, *facts.words(slot.noun)]:
        stem = facts.stem(word)
        same = {stem} | {s for s, w in vocabulary.items() if facts.same_root(s, stem) or vectors.alike(word, w)}
        df = sum(bool(same & set(x.stems)) for x in sentences)
        out[word] = (math.log(1 + (len(sentences) + 0.5) / (df + 0.5)), frozenset(same))
    for name in question.names:
        stems = frozenset(facts.stem(w) for w in facts.words(name) if w not in facts.STOP_WORDS)
        if stems:
            out[name] = (_NAME_WEIGHT, stems)
    return out


def _fills(sentence: _Sentence, candidate: _Candidate, weights: Weights) -> float:
    """How near the words asked for stand to the candidate, 0 to 1."""
    first, last = sentence.at(candidate.start, candidate.end)
    implied = _implied(sentence, candidate)
    total = sum(w for w, _ in weights.values())
    got = 0.0
    for weight, stems in weights.values():
        gaps = [sentence.gap(first, last, i) for i, s in enumerate(sentence.stems) if s in stems]
        if implied & stems:
            gaps.append(0.0)
        if gaps:
            got += weight / (1 + min(gaps) / _NEAR)
    return got / total if total else 0.0


def _implied(sentence: _Sentence, candidate: _Candidate) -> frozenset[str]:
    """What a date in brackets means without words: "(11 November 1798 – 10 November 1864)" is a life."""
    if candidate.form != "date":
        return candidate.implied
    before, after = sentence.text[: candidate.start], sentence.text[candidate.end :]
    if re.search(r"\([^()\d]*$", before) and re.match(r"\s?[-–—]\s?[^()]*\d{4}[^()\d]*\)", after):
        return frozenset({"born", "birth"})
    if re.search(r"\([^()]*\d{4}\s?[-–—]\s?[^()\d]*$", before) and re.match(r"[^()\d]*\)", after):
        return frozenset({"die", "death"})
    return frozenset()


def _fit(slot: Slot, sentence: _Sentence, candidate: _Candidate, vectors: WordVectors) -> float:
    """How much the candidate is of the kind asked for, 0 to 1."""
    if candidate.form == "date":
        return 0.5
    if slot.kind == "name":
        return 0.7 if 2 <= len(candidate.text.split()) <= 4 else 0.4
    if candidate.number is not None:
        return _number_fit(slot, sentence, candidate, vectors)
    kinds = _PLACES if slot.noun == PLACE else [slot.noun, slot.noun.split()[-1]] if slot.noun else []
    parts = [candidate.text, *(candidate.text.split(", ") if ", " in candidate.text else [])]
    if slot.noun.split()[-1:] and slot.noun.split()[-1] in COUNTRY_NOUNS and places.is_country(candidate.text):
        return 1.0
    cosine = max((vectors.cosine(kind, part) for kind in kinds for part in parts), default=0.3)
    return min(1.0, max(0.0, (cosine - 0.2) / 0.4)) + (0.15 if candidate.form == "name" else 0.0)


def _number_fit(slot: Slot, sentence: _Sentence, candidate: _Candidate, vectors: WordVectors) -> float:
    assert candidate.number is not None
    if candidate.number.unit:
        return 0.8
    after = facts.words(re.split(r"[,;:.()]", sentence.text[candidate.end : candidate.end + 60])[0])[:4]
    wanted = [*facts.words(slot.noun)[-1:], *(slot.words[:3] if not slot.noun else ())]
    near = [w for w in after if w not in facts.STOP_WORDS]
    cosine = max((vectors.cosine(a, b) for a in wanted for b in near), default=0.3)
    return min(1.0, max(0.0, (cosine - 0.2) / 0.4))


def _reading(
    question: Question, slot: Slot, sentence: _Sentence, candidate: _Candidate, weights: Weights, vectors: WordVectors
) -> Reading | None:
    """The candidate with its score and what it can be compared by; None where it cannot be the answer."""
    clause = _clause(sentence, candidate)
    if candidate.form != "thing" and _DENIED.search(clause) and not _DENIED.search(question.text):
        return None
    fills = _fills(sentence, candidate, weights)
    fit = _fit(slot, sentence, candidate, vectors)
    if slot.kind == "name" and any(vectors.alike(w, candidate.text) for w in slot.words):
        return None  # "CEO" is no answer to who the chief executive is
    if fit < _THING and (candidate.form == "thing" or slot.place):
        return None
    offset = sentence.evidence.span.start
    days, stated = _days(sentence, candidate)
    read = Reading(
        text=candidate.text,
        form=candidate.form,
        start=offset + candidate.start,
        end=offset + candidate.end,
        evidence=sentence.evidence,
        article=sentence.article,
        fills=fills,
        fit=fit,
        score=_OF_EVIDENCE * sentence.evidence.score + _OF_SLOT * fills + _OF_KIND * fit,
        days=days,
        stated=stated,
        planned=bool(_PLANNED.search(clause)),
    )
    if candidate.number is not None:
        return _numeric(question, slot, sentence, candidate, read, vectors)
    if candidate.form == "date":
        low, high = _ordinals(sentence, candidate)
        return replace(read, low=low, high=high)
    stems = frozenset(facts.stem(w) for w in facts.words(candidate.text) if w not in facts.STOP_WORDS)
    return replace(read, key=stems) if stems else None


def _clause(sentence: _Sentence, candidate: _Candidate) -> str:
    first, _ = sentence.at(candidate.start, candidate.end)
    same = [t for t, c in zip(sentence.tokens, sentence.clauses, strict=True) if c == sentence.clauses[first]]
    return sentence.text[same[0].start() : same[-1].end()] if same else sentence.text


def _days(sentence: _Sentence, candidate: _Candidate) -> tuple[tuple[str, str], bool]:
    """The time of the value: the nearest one that the sentence names, else the article's day."""
    first, last = sentence.at(candidate.start, candidate.end)
    near = [
        (-1.0 if _FOLLOWS.fullmatch(sentence.text[candidate.end : start]) else gap, days)
        for (start, end), days in sentence.times.items()
        if not (start < candidate.end and candidate.start < end)
        for gap in [sentence.gap(first, last, sentence.at(start, end)[0])]
    ]
    if near and min(near)[0] <= _NEAR_DATE:
        return min(near)[1], True
    day = sentence.article.published
    return (day, day), False


def times(evidence: Evidence, article: Article) -> dict[tuple[int, int], tuple[str, str]]:
    """Return first and last day, ISO 8601, of each time that a sentence names, by where in the sentence it stands."""
    span = evidence.span
    found = {(d.start - span.start, d.end - span.start): (d.first, d.last) for d in article.dates_in(span)}
    for m in _YEAR.finditer(evidence.text):  # the index leaves "2024 revenue" open, as it may be a number
        if not any(s < m.end() and m.start() < e for s, e in found) and m[0].startswith(("19", "20")):
            found[m.span()] = f"{m[0]}-01-01", f"{m[0]}-12-31"
    return found


def _measures(
    question: Question, slot: Slot, sentence: _Sentence, candidate: _Candidate, vectors: WordVectors
) -> frozenset[str] | None:
    """The stems beside a number that say it is of what is asked for; None where they do not."""
    if slot.noun and question.expects == "count":
        after = facts.words(re.split(r"[,;:.()]", sentence.text[candidate.end : candidate.end + 60])[0])[:5]
        head = slot.noun.split()[-1]
        counted = any(facts.stem(head) in facts.stem(w) or vectors.alike(head, w) for w in after)
        return frozenset() if counted else None
    first, last = sentence.at(candidate.start, candidate.end)
    near = [i for i in range(len(sentence.stems)) if sentence.gap(first, last, i) <= _BESIDE]
    measure = [w for w in slot.words if w not in _TIMES and facts.stem(w) not in _PLAIN]
    found: set[str] = set()
    beside = 0
    for word in measure:
        stem = facts.stem(word)
        same = {i for i in near if facts.same_root(sentence.stems[i], stem)}
        same = same or {i for i in near if vectors.alike(word, sentence.words[i])}
        beside += bool(same)
        found |= {stem if facts.same_root(sentence.stems[i], stem) else sentence.stems[i] for i in same}
    return frozenset(found) if 2 * beside >= len(measure) else None


def _of_another(question: Question, sentence: _Sentence, candidate: _Candidate) -> bool:
    """Whether the sentence is of somebody else: it has another name as owner or subject, and none of the question's."""
    if not question.names or any(facts.has_name(n, sentence.text) for n in question.names):
        return False
    before = sentence.text[: candidate.start]
    for name in facts.names(before, sentence.known):
        at = before.find(name)
        if at < 0 or (name.isupper() and len(name) < 4) or name.lower() in facts.words(question.text):
            continue
        if _OWNER_BEFORE.search(before[:at]) or _OWNER_AFTER.match(before[at + len(name) :]):
            return True
    return False


def _numeric(
    question: Question, slot: Slot, sentence: _Sentence, candidate: _Candidate, read: Reading, vectors: WordVectors
) -> Reading | None:
    n = candidate.number
    assert n is not None
    before, after = sentence.text[: n.start], sentence.text[n.end :]
    low, high = _range(sentence, n) or _bounds(n, sentence.text[n.start : n.end], before[-24:])
    measure = _measures(question, slot, sentence, candidate, vectors)
    if measure is None or _of_another(question, sentence, candidate):
        return None
    part, asked = _part_of_year(sentence, candidate), part_of_year(question.text)
    whole = read.stated and facts.whole_years(*read.days)
    if part != asked and (part or whole) and question.expects != "percent":
        return None
    if question.years and read.stated and not any(_in_year(read.days, y) for y in question.years):
        return None
    unit: str = n.unit
    following = facts.words(after[:30])[:1]
    if not unit and following and facts.stem(following[0]) in _MEASURES:
        unit = facts.stem(following[0])
    return replace(read, low=low, high=high, unit=unit, measure=measure, scope=_scope(question, sentence, candidate))


def part_of_year(text: str) -> str:
    """The part of a year that a text names: "first quarter" and "Q1" alike; "" if none."""
    m = _PART_YEAR.search(text)
    if not m:
        return ""
    found = m[0].lower()
    which = next((str(i) for i, w in enumerate(_ORDINALS, 1) if w in found or str(i) in found), "")
    return f"{m.lastgroup} {which}".strip()


def _part_of_year(sentence: _Sentence, candidate: _Candidate) -> str:
    """Whether the value is of a quarter, half, month ..., by the time that stands nearest in the sentence."""
    first, _ = sentence.at(candidate.start, candidate.end)
    offset = sentence.evidence.span.start
    times = [(d.start - offset, d.end - offset) for d in sentence.dates]
    times += [m.span() for m in _PART_YEAR.finditer(sentence.text)]
    times = [(s, e) for s, e in times if not (s < candidate.end and candidate.start < e)]
    if not times:
        return ""
    near = {span: abs(sentence.at(*span)[0] - first) for span in times}
    closest = min(near.values())
    return next(
        (part for span, gap in near.items() if gap == closest and (part := part_of_year(sentence.text[slice(*span)]))),
        "",
    )


def _in_year(days: tuple[str, str], year: int) -> bool:
    return bool(days[0]) and int(days[0][:4]) <= year <= int(days[1][:4])


def _scope(question: Question, sentence: _Sentence, candidate: _Candidate) -> frozenset[str]:
    """Stems that narrow what is measured and that the question does not have: "gross" profit, a "unit's" revenue."""
    own = set(facts.terms(question.text))
    first, last = sentence.at(candidate.start, candidate.end)
    named = {t for n in question.names for t in facts.terms(n)} | {str(y) for y in question.years}
    heads = [i for i, s in enumerate(sentence.stems) if s in own - named and not first <= i <= last]
    out = set()
    if heads:
        head = min(heads, key=lambda i: sentence.gap(first, last, i))
        if set(sentence.stems[max(0, head - 2) : head + 1]) & _WHOLE:
            return frozenset()
        if sentence.stems[head + 1 : head + 2] and sentence.stems[head + 1] in _DERIVED - own:
            out.add(sentence.stems[head + 1])
        for i in (head - 1, head - 2):
            if i < 0 or first <= i <= last or sentence.clauses[i] != sentence.clauses[head]:
                break
            word, stem = sentence.words[i], sentence.stems[i]
            if word in facts.STOP_WORDS or word[0].isdigit() or stem in own or sentence.tokens[i][0][0].isupper():
                break
            if stem not in _PLAIN and not _NO_NOUN.fullmatch(word):
                out.add(stem)
    return frozenset(out | set(sentence.stems[:first]) & _PART - own)


def _range(sentence: _Sentence, n: facts.Number) -> tuple[float, float] | None:
    """Both ends of "12 to 20", "12-20", "between 12 and 20", whichever end `n` is."""
    for other in facts.numbers(sentence.text):
        one, two = sorted((n, other), key=lambda x: x.start)
        between = sentence.text[one.end : two.start]
        joined = _RANGE.match(between) or (
            _AND.match(between) and sentence.text[: one.start].lower().endswith("between ")
        )
        if other.start != n.start and joined and one.value < two.value:
            return one.value, two.value
    return None


def _bounds(n: facts.Number, written: str, before: str) -> tuple[float, float]:
    """What the words allow: "269.3 million" 269.25 to 269.35, "about 270 million" 5 in 100 more and less."""
    m = re.search(r"\d[\d,]*(?:\.\d+)?", written)
    digits = m[0].replace(",", "") if m else ""
    half = 0.0
    if digits and n.value:
        whole, _, decimals = digits.partition(".")
        scale = n.value / float(digits) if float(digits) else 1.0
        zeros = 0 if decimals else len(whole) - max(2, len(whole.rstrip("0")))
        half = 0.5 * scale * 10.0 ** (-len(decimals) if decimals else max(0, zeros))
        if not decimals and zeros <= 0 and scale == 1.0:
            half = 0.0  # a count
    if _FLOOR.search(before):
        return n.value, 2 * n.value
    if _CEILING.search(before):
        return n.value / 2, n.value
    if _ABOUT.search(before):
        half = max(half, 0.05 * n.value)
    return n.value - half, n.value + half


def _ordinals(sentence: _Sentence, candidate: _Candidate) -> tuple[float, float]:
    """First and last day of a date."""
    offset = sentence.evidence.span.start
    for d in sentence.dates:
        if d.start - offset == candidate.start:
            return _ordinal(d.first), _ordinal(d.last)
    year = int(candidate.text[:4])
    return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()


def _ordinal(day: str) -> float:
    return date.fromisoformat(day).toordinal()


# -- beside another value ---------------------------------------------------------------------------------------


def same(slot: Slot, a: Reading, b: Reading) -> bool:
    """Whether two readings say the same."""
    if slot.kind in ("number", "date"):
        return a.low <= b.high and b.low <= a.high
    if a.key <= b.key or b.key <= a.key:
        return True
    if slot.place and _same_place(slot, a.text, b.text):
        return True
    return any(facts.same_root(x, y) for x in a.key - b.key for y in b.key - a.key)


def _same_place(slot: Slot, a: str, b: str) -> bool:
    """Whether one is the adjective of the other ("Chinese", "China"), or the country that it lies in."""
    if places.where(a) & places.where(b):
        return places.is_country(a) or places.is_country(b) or slot.noun.split()[-1:] in (["country"], ["nation"])
    a, b = facts.name_key(a), facts.name_key(b)
    return any(_ADJECTIVE.match(one) and one[:4] == other[:4] for one, other in ((a, b), (b, a)))


def comparable(a: Reading, b: Reading) -> bool:
    """Whether both are values of the same thing: unit, scope, plan or fact."""
    measured = bool(a.measure & b.measure) or not (a.measure or b.measure)
    return measured and a.unit == b.unit and a.scope == b.scope and a.planned == b.planned
