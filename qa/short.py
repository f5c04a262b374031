"""The few words of a quote that answer a question: "$40 million" where the quote has "The bridge cost $40 million".

Tells from the question what is asked for, lists the figures, times, names and noun phrases of the quotes, and takes the
one with the highest sum of `WEIGHTS`; where that leaves doubt, a language model can choose (`chosen`). What comes out
is a span of a quote, character for character. Knows no article, does not judge whether a claim is supported, and has no
few words for questions that want a statement, a manner or yes or no.

The weights are those of a softmax over the candidates of a sentence, fitted to the mean of SQuAD's EM and F1 on public
sets of questions with short answers, with a penalty on their squares, rounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from citewire.index import dates
from citewire.qa import english, facts
from citewire.qa.question import Question
from citewire.qa.types import Generator, Message
from citewire.qa.vectors import WordVectors

Sought = Literal["count", "amount", "percent", "time", "person", "place", "thing", "reason"]
Form = Literal["figure", "counted", "time", "quoted", "name", "names", "phrase", "phrases", "cause"]

SURE = 0.6  # probability from which the words are right four times in five; below it a model's choice is better
LONGEST_REPLY = 12  # words of a model's reply that can be "few"
REPLY_TOKENS = 16
_TASK = "Copy from the text the name, the number or the few words that answer the question. Write nothing else."
_ASK = "Text: {text}\n\nQuestion: {question}\n\nOnly the name, number or few words:"
_SUBSTITUTED = 6  # candidates of a quote, best without it, that are put into the question and compared with the quote
LEAST = 0.1  # probability below which the words are wrong more often than four times in five
_CLAIMED = 3.0  # what it counts that a candidate stands in the claim: the model's choice; set by hand

# -- the question -----------------------------------------------------------------------------------------------

_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
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
_ADVERB = re.compile(r"(?!(?:dai|week|month|year|quarter|ear|fami|on)ly$)\w{3,}ly$", re.IGNORECASE)
_MEASURES = re.compile(r"\b(?:much|high|large|big|far|long|old|fast|tall|heavy|deep|wide)\b", re.IGNORECASE)
_SHARE = re.compile(r"\b(?:percentage|percent|share|proportion)\b", re.IGNORECASE)
_TIME = re.compile(r"\b(?:year|month|date|day|week|quarter|century|decade)s?$", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\b(?:price|cost|revenue|profit|number|amount|population|rate|wage|salary|fee|fine|budget|size|total|value|age|height"
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
        subject: whether the answer is the subject, so that what is said of it follows it.
    """

    text: str
    sought: Sought
    noun: str
    terms: frozenset[str]
    wh: tuple[int, int]
    subject: bool

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
    subject = lead.start() == 0 and not re.match(
        r"\S*(?:\s\S+){0,3}?\s?\b(?:do|does|did)\b", text[lead.end() :].lstrip()
    )
    return Asked(text, sought, noun, frozenset(facts.terms(question)), (lead.start(), lead.end() + behind), subject)


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
_FINITE = frozenset(
    "is are was were be been being has have had do does did will would can could may might must".split()
)
_LOWER_PART = r"(?:de|los|las|la|del|van|von|der|bin|el|of the|of|for|and the)"
_CAPITAL = r"[^\W\d_a-z][\w’'-]*"
_RUN = re.compile(rf"(?:al[ -])?{_CAPITAL}(?:(?:\s{_LOWER_PART})*\s(?:{_CAPITAL}|\d+\b))+|\bal[ -][A-Z]\w+")
_LISTED = re.compile(
    rf"{_CAPITAL}(?:\s{_CAPITAL})*(?:,\s{_CAPITAL}(?:\s{_CAPITAL})*)*,?\s(?:and|&)\s(?:the\s)?{_CAPITAL}(?:\s{_CAPITAL})*"
)
_QUOTED = re.compile(r"[“\"]([^“”\"]{2,60})[”\"]")
_CAUSE = re.compile(
    r"\b(?:because\sof|because|due\sto|owing\sto|thanks\sto|as\sa\sresult\sof|caused\sby|over|in\sorder\sto|so\sthat)\s"
    rf"(?P<cause>[^,;.()–—]{{3,80}}?)(?=\s{_AUXILIARY}\b|[,;.()–—]|$)"
)
_YEAR = re.compile(r"(?<![\d.,$€£#])(?:1[5-9]|20)\d\d(?![\d%]|[.,]\d)")
_DAY = re.compile(
    r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|yesterday|today|tomorrow|(?:as early as )?(?:last|next|this)\s"
    r"(?:week|month|year|summer|winter|spring|fall|autumn|night)"
    r"|(?:a few|several|two|three|four|five|six)\s(?:days|weeks|months|years))\b"
)
# Where and by whom a report was filed: "(CNN)", "New York (CNN Business)", "NASHVILLE, Tenn. –".
_DATELINE = re.compile(
    r"(?:[A-Z][\w.,\s-]{0,40})?\([A-Z][\w\s]{1,20}\)\s?[-—–]*\s?|[A-Z]{3}[A-Z]*(?:[,.]?\s(?:[A-Z][\w.]*|\d{1,2})){0,4},?\s(?:\([A-Z]\w+\)\s)?[-—–]+\s"
)
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
    dateline = _DATELINE.match(text)
    begin = dateline.end() if dateline else 0
    out: dict[tuple[int, int], Candidate] = {}
    for start, end, form in _spans(text, begin, asked):
        while start < end and text[start] in _EDGES:
            start += 1
        while end > start and text[end - 1] in _EDGES:
            end -= 1
        if begin <= start < end:
            out.setdefault((start, end), Candidate(start, end, form, text[start:end]))
    joined = {(start, end) for one in out.values() for start, end in _joined(text, one, out)}
    for start, end in sorted(joined):
        out.setdefault((start, end), Candidate(start, end, "phrases", text[start:end]))
    return list(out.values())


def _spans(text: str, begin: int, asked: Asked) -> Iterator[tuple[int, int, Form]]:
    if asked.sought == "reason":
        yield from ((*m.span("cause"), "cause") for m in _CAUSE.finditer(text))
        return
    times = [(m.start, m.end) for m in dates.mentions(text, _ANY_DAY)]
    times += [m.span() for pattern in (_YEAR, _DAY) for m in pattern.finditer(text)]
    yield from ((start, end, "time") for start, end in times)
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
    yield from ((*m.span(), "names") for m in _LISTED.finditer(text))
    yield from ((*m.span(), "name") for m in _RUN.finditer(text))
    for run in _runs(text, begin):
        yield from _phrases(run, asked)


Token = tuple[str, int, int]  # word, start, end


def _runs(text: str, begin: int) -> Iterator[list[Token]]:
    """Runs of words without function words, verbs and marks between them."""
    run: list[Token] = []
    before = ""
    for m in _TOKEN.finditer(text, begin):
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
    yield run[0][1], end, "phrase"
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


def _joined(text: str, one: Candidate, all_: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The candidate with one that "of" or "and" joins to it."""
    if one.form not in ("phrase", "name", "figure", "counted"):
        return
    link = re.match(r"\s(?:of|and|&)\s(?:the\s|an?\s)?", text[one.end :])
    if link:
        yield from ((one.start, end) for start, end in all_ if start == one.end + link.end())


# -- which of them fits -----------------------------------------------------------------------------------------

_PERSONS = ("person", "man", "woman", "politician", "actor", "singer", "player", "leader", "president", "celebrity")
_PLACES = ("place", "city", "country", "state", "island", "region", "area")
_ORGANISATION = re.compile(
    r"\b(?:Inc|Corp|Co|Ltd|LLC|Group|Company|University|College|School|Department|Ministry|Court|Party|Association"
    r"|Committee|Council|Agency|Bank|House|Senate|Congress|Street|County|City|Awards?|Cup|League|Club|Act|Cent(?:er|re)"
    r"|Hospital|Institute|Museum|Park|Stadium|Office|Commission|News|Times|Post)\b"
)
_SAID = r"(?:said|told|says|reported|according|announced|tweeted)\b"
_UNIT_OF_MONEY = re.compile(r"[$€£¥]|\b(?:dollar|euro|pound|yuan)")

WEIGHTS: Mapping[str, float] = {
    "after_comma": 0.6,
    "by": 0.5,
    "counts": 1.6,
    "counts_alike": 1.1,
    "figure:capital": -1.6,
    "figure:counted": 0.6,
    "figure:digits": -0.7,
    "figure:figure": 2.6,
    "figure:joined": -0.7,
    "figure:name": -1.2,
    "figure:phrase": -1.5,
    "figure:quoted": -0.3,
    "figure:time": 0.6,
    "figure:year": -0.5,
    "in_brackets": -0.6,
    "is": 1.1,
    "like_before": -0.3,
    "like_head": 2.7,
    "like_noun": 3.2,
    "like_place": 0.6,
    "like_question": 1.6,
    "located": 0.8,
    "long": -1.2,
    "lower": -1.4,
    "money": 1.0,
    "near": 0.6,
    "nearest": 1.8,
    "new": 2.2,
    "no_money": -1.2,
    "no_percent": -0.2,
    "nothing_new": -2.5,
    "noun_beside": 0.3,
    "noun_inside": -0.6,
    "noun_known": -0.8,
    "object_last": -0.6,
    "part_of_name": -2.3,
    "percent": 0.8,
    "person:capital": 1.2,
    "person:counted": -0.3,
    "person:digits": -0.3,
    "person:full": 1.5,
    "person:joined": 1.2,
    "person:name": 0.9,
    "person:no_name": 0.8,
    "person:phrase": -0.8,
    "person:quoted": -0.5,
    "person:time": -0.6,
    "person:year": -0.5,
    "place:capital": 0.6,
    "place:counted": -0.2,
    "place:joined": 1.0,
    "place:name": 0.7,
    "place:no_name": -1.0,
    "place:phrase": -1.1,
    "place:time": -0.2,
    "place:year": -0.2,
    "position": -0.7,
    "several": 0.5,
    "smallest": -0.9,
    "speaker": -0.5,
    "subject_first": -0.4,
    "substituted": 7.9,
    "then_is": 0.5,
    "thing:capital": 0.5,
    "thing:figure": -0.3,
    "thing:name": 0.3,
    "thing:phrase": 0.6,
    "thing:quoted": 0.9,
    "thing:time": -1.3,
    "thing:year": -0.7,
    "time:capital": -1.4,
    "time:figure": 0.5,
    "time:joined": -1.3,
    "time:name": -1.5,
    "time:phrase": -1.5,
    "time:quoted": -0.4,
    "time:time": 4.4,
    "time:year": -1.7,
    "words": -0.3,
}


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
    found = [(n, one) for n, quote in enumerate(quotes) for one in candidates(quote, asked)]
    if asked.head == "year":
        found = [(n, one) for n, one in found if _YEAR.fullmatch(one.text)] or found
    if not found:
        return None
    said = _plain(claim)
    vectors.add([asked.text, asked.noun, asked.head, *_PERSONS, *_PLACES, *(one.text for _, one in found)])
    scored = []
    for n, one in found:
        in_claim = _CLAIMED * (_plain(one.text) in said)
        scored.append((in_claim + _weighed(features(asked, quotes[n], one, vectors)), n, one))
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
        score + WEIGHTS["substituted"] * vectors.cosine(asked.with_answer(one.text), quotes[n])
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


def chosen(
    question: Question, claim: str, quotes: Sequence[str], vectors: WordVectors, generator: Generator
) -> Short | None:
    """As `short`; where that is not `SURE`, the words that the model copies out of the quotes, if they stand there.

    Costs a prompt of the quotes and the question, and `REPLY_TOKENS`.

    Raises:
        ModelError: the model fails.
    """
    found = short(question, claim, quotes, vectors)
    if (found and found.probability >= SURE) or asked_for(question.text) is None or not any(quotes):
        return found
    asked = _ASK.format(text="\n".join(quotes), question=question.text)
    messages = [Message("system", _TASK), Message("user", asked)]
    return placed("".join(generator.generate(messages, max_tokens=REPLY_TOKENS)), quotes) or found


def placed(reply: str, quotes: Sequence[str]) -> Short | None:
    """Return where a model's reply of a few words stands in `quotes`, in whatever case; None where it does not.

    The probability is `SURE`: nothing better is known of it.
    """
    words = reply.strip().strip(".\"“”'’ ").split()
    if not words or len(words) > LONGEST_REPLY:
        return None
    spelled = r"\s+".join(map(re.escape, words))
    pattern = re.compile(rf"(?<!\w){spelled}(?!\w)", re.IGNORECASE)
    for n, quote in enumerate(quotes):
        if found := pattern.search(quote):
            return Short(found[0], n, found.start(), found.end(), SURE)
    return None


def _plain(text: str) -> str:
    return f" {' '.join(facts.words(text))} "


def _weighed(values: Mapping[str, float]) -> float:
    return sum(WEIGHTS.get(name, 0.0) * value for name, value in values.items())


def features(asked: Asked, text: str, one: Candidate, vectors: WordVectors) -> dict[str, float]:
    """Return what speaks for and against a candidate of `text`, less what substitution tells; 0 left out."""
    values = _of_form(asked, one) | _of_words(asked, one) | _of_surroundings(asked, text, one)
    if one.form in ("figure", "counted"):
        values |= _of_figure(asked, text, one, vectors)
    elif one.form != "time":
        values |= _of_meaning(asked, text, one, vectors)
    values["like_question"] = vectors.cosine(asked.text, one.text)
    return {name: value for name, value in values.items() if value}


def _is_name(one: Candidate) -> bool:
    """Whether all its words have capitals, but for those that join names."""
    words = one.text.split()
    capital = all(w[0].isupper() or not w[0].isalpha() or w.lower() in _FUNCTION for w in words)
    return capital and words[0][0].isupper() and one.form not in ("time", "figure", "counted")


def _of_form(asked: Asked, one: Candidate) -> dict[str, float]:
    """The form for the kind that is sought: "time:name" is against it, "time:time" for it."""
    sought = "figure" if asked.sought in ("count", "amount", "percent") else asked.sought
    form: str = {"names": "joined", "phrases": "joined"}.get(one.form, one.form)
    values = {f"{sought}:{form}": 1.0}
    if _is_name(one):
        values[f"{sought}:capital"] = 1.0
    elif form in ("phrase", "joined") and re.search(r"\d", one.text):
        values[f"{sought}:digits"] = 1.0
    if one.form == "time" and asked.head != "year" and _YEAR.fullmatch(one.text):
        values[f"{sought}:year"] = 1.0
    return values


def _of_words(asked: Asked, one: Candidate) -> dict[str, float]:
    terms = facts.terms(one.text)
    known = [asked.knows(term) for term in terms]
    count = len(one.text.split())
    new = 1 - sum(known) / len(known) if known else float(bool(re.search(r"\d", one.text)))
    return {
        "new": new,
        "nothing_new": float(bool(known) and all(known)),
        "words": min(count, 8) / 4,
        "long": float(count > 4),
        "lower": float(not one.text[0].isupper() and one.form not in ("figure", "counted", "time")),
    }


def _of_figure(asked: Asked, text: str, one: Candidate, vectors: WordVectors) -> dict[str, float]:
    percent = bool(re.search(r"%|per ?cent", one.text))
    money = bool(_UNIT_OF_MONEY.search(one.text))
    wants_money = bool(_MONEY_ASKED.search(asked.text))
    after = facts.words(text[one.end : one.end + 60])[:4]
    near = [facts.stem(word) for word in (*after, *facts.words(one.text))]
    head = facts.stem(asked.head)
    counted = bool(head) and any(facts.same_root(head, word) for word in near)
    liked = 0.0
    if asked.sought == "count" and head and not counted and after:
        liked = float(vectors.likeness([asked.head], after[:3]).max())
    return {
        "percent": float(percent) * {"percent": 1.0, "count": -1.0}.get(asked.sought, 0.0),
        "no_percent": float(asked.sought == "percent" and not percent),
        "money": float(money) * (1.0 if wants_money else -1.0),
        "no_money": float(wants_money and not money and asked.sought == "amount"),
        "counts": float(counted),
        "counts_alike": liked,
        "noun_known": float(one.form == "counted" and asked.knows(facts.stem(one.text.split()[-1].lower()))),
        "smallest": float(one.text.lower() in ("one", "two", "1", "2")),
    }


def _of_meaning(asked: Asked, text: str, one: Candidate, vectors: WordVectors) -> dict[str, float]:
    """Whether the candidate is what the question's noun names."""
    name, words = _is_name(one), one.text.split()
    full = float(name and len(words) in (2, 3))
    before = text[: one.start]
    located = float(bool(re.search(r"\b(?:in|at|near|from|to|northern|southern|western|eastern)\s(?:the\s)?$", before)))
    if asked.sought == "person":
        organisation = float(bool(_ORGANISATION.search(one.text)))
        return {"person:full": full, "person:organisation": organisation}
    if asked.sought == "place":
        likeness = float(vectors.likeness(_PLACES, [one.text]).max())
        return {"like_noun": likeness, "located": located, "after_comma": float(before.endswith(", "))}
    if not asked.head:
        return {}
    head = [asked.head]
    person = float(vectors.likeness(head, _PERSONS).max()) > 0.5
    place = float(vectors.likeness(head, _PLACES).max()) > 0.6
    beside = re.search(r"([\w’'-]+)\s$", before)
    stem = facts.stem(asked.head)
    around = [facts.stem(w) for w in (*facts.words(before[-30:])[-2:], *facts.words(text[one.end : one.end + 40])[:4])]
    modified = beside is not None and beside[1].lower() not in _FUNCTION
    return {
        "like_noun": vectors.cosine(asked.noun, one.text),
        "like_head": vectors.cosine(asked.head, one.text),
        "like_before": vectors.cosine(asked.head, beside[1].lower()) if modified and beside else 0.0,
        "noun_beside": float(any(facts.same_root(stem, w) for w in around)),
        "noun_inside": float(any(facts.same_root(stem, facts.stem(w)) for w in facts.words(one.text))),
        "person:full": full * person,
        "person:no_name": float(person and not name),
        "like_place": place * float(vectors.likeness(_PLACES, [one.text]).max()),
        "place:no_name": float(place and not name),
        "located": located * place,
        "several": float(english.is_plural(asked.noun) and one.form in ("names", "phrases")),
    }


def _of_surroundings(asked: Asked, text: str, one: Candidate) -> dict[str, float]:
    before, after = text[: one.start], text[one.end :]
    values = {
        "position": one.start / max(1, len(text)),
        "by": float(bool(re.search(r"\bby\s(?:the\s|a\s)?$", before))),
        "article": float(bool(re.search(r"\b(?:an?|the)\s$", before))),
        "is": float(bool(re.search(r"\b(?:is|was|are|were|as|called|named|dubbed)\s(?:the\s|an?\s)?[“\"]?$", before))),
        "then_is": float(bool(re.match(r"[”\"]?,?\s(?:is|was|are|were|has|have|will)\b", after))),
        "speaker": float(bool(re.match(rf"[”\"]?,?\s{_SAID}", after)))
        or float(bool(re.search(r"(?:said|told|according to|says)\s(?:the\s)?$", before))),
        "in_brackets": float(before.count("(") > before.count(")")),
        "part_of_name": 0.0,
    }
    if one.text[0].isupper():
        inside = bool(re.search(rf"(?:{_CAPITAL}|\bal|\bde los|\bde)[\s-]$", before))
        values["part_of_name"] = float(inside) + float(bool(re.match(r"[\s-][A-Z]\w+", after)))
    spans = [m.span() for m in _TOKEN.finditer(text) if not (one.start <= m.start() and m.end() <= one.end)]
    spans = [(start, end) for start, end in spans if _is_asked(asked, text[start:end])]
    if spans:
        gaps = [max(0, one.start - end if end <= one.start else start - one.end) for start, end in spans]
        follow = sum(start >= one.end for start, _ in spans) / len(spans) - 0.5
        values |= {
            "near": sum(1 / (1 + gap / 15) for gap in gaps) / len(gaps),
            "nearest": 1 / (1 + min(gaps) / 10),
            "subject_first" if asked.subject else "object_last": follow,
        }
    return values


def _is_asked(asked: Asked, word: str) -> bool:
    plain = re.sub(r"['’]s?$", "", word.lower())
    return plain not in facts.STOP_WORDS and bool(re.match(r"\w", plain)) and asked.knows(facts.stem(plain))
