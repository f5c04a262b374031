"""What a question asks for: its terms, names and times, the kind of its answer, and what it takes for granted.

Reads a follow-up as the question that it stands for. Works on the words alone; knows nothing of the articles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from citewire.index import dates
from citewire.index.query import times
from citewire.qa import english, facts, roles, wording
from citewire.qa.measured import Measure, asked
from citewire.qa.types import Turn

Expected = Literal["count", "amount", "percent", "date", "person", "named", "statement", "reason", "open"]

_SHARE = r"(?:share|percentage|per\s?cent|proportion|fraction|portion|slice|chunk)"
_PERCENT = re.compile(
    rf"\b(?:what|which|how (?:big|large|high|small)(?: an?)?)\s+(?:\w+\s+)?{_SHARE}\b"
    r"(?!\s(?:prices?|capital|sales?|issues?|buy-?backs?|offerings?|options?)\b)"
    rf"|\b(?:what|how (?:big|large|high|small)) (?:is|was|are|were) (?!.*\bworth\b)(?:[\w’'-]+\s){{1,6}}?{_SHARE} of\b"
    r"|\bhow (?:big|large|small) an? part of\b"
)
_AUXILIARY = "is|are|was|were|do|does|did|has|have|had|can|could|will|would"
# "how many [noun]": up to four words, ended by a verb or preposition, the question's end, or nothing at all.
_COUNT = re.compile(
    r"\bhow many(?:\s+of)?(?:\s+(?:its|their|his|her|the|these|those))?"
    rf"(?:\s+(?!(?:{_AUXILIARY})\b)(?P<noun>(?:[\w’'-]+\s+){{0,3}}?[\w’'-]+?)"
    rf"(?=\s+(?:{_AUXILIARY}|in|of|at|on|by|to|from|for|the|a|an|per)\b|\s*[?,]|$))?"
)
# What is measured in figures.
QUANTITY = (
    r"(?:revenue|profit|income|loss|price|cost|costs|tariff|rate|margin|sales|turnover|budget|number|"
    r"value|amount|capitali[sz]ation|fee|fine|salary|population|total|size|duty|duties|levy|levies|taxe?|toll)"
)
_WITHIN = "to|of|about|with|by|for|from|on|in|as|that|which|who"  # ends the noun phrase that "what" asks for
_AMOUNT = re.compile(
    r"\bhow (?:much|high|large|big|far|long|old|fast|tall|heavy)\b"
    rf"|\bwhat\b(?:(?!\s(?:{_WITHIN})\s)[^?]){{0,60}}?\b{QUANTITY}s?\b"
    rf"(?=\W*$|[?,;:]|\s(?:{english.PREPOSITIONS}|per|when|while|{_AUXILIARY}|[a-z]+s(?!\s(?:{_AUXILIARY})\b)|[a-z]+ed"
    r"|reach|hit|total|amount)\b)"
    r"|\bwhat\b[^?]{1,80}\sworth(?=\W*$|[?,;]|\s(?:when|while|in|at|on|now|today|by|before|after|during)\b)"
    rf"|\bwhat\s(?:{_AUXILIARY})\b[^?]{{1,60}}\s(?:take|taken|bring|brought|rake|raked)\sin\b(?!\s(?:the|its|an?)\s)"
    r"|\bwhat\s(?:did|does|do|has|have|had)\b[^?]{1,60}\s(?:earn(?:ed)?|pay|paid|charged?|spen[dt])(?!\sattention)\b"
)
# "When" that asks, not the one of "the price when it was sold".
_DATE = re.compile(
    rf"^\W*(?:(?:and|but|so)\W+)?(?:(?:since|until|by|from)\s)?when\b|,?\s(?:and|or|but)\s(?:since\s)?when\b"
    rf"|[,:]\s(?:since\s)?when\s(?:{_AUXILIARY})\b|\b(?:what|which)\s+(?:\w+\s+)?(?:year|month|date|day|week|quarter)\b"
)
_STATEMENT = re.compile(
    r"\bwhat\s+(?:did|does|do|has|have|had)\b.{1,60}\b(?:say|said|state|stated|comment|argue|argued|explain|think)\b"
)
_IS = re.compile(r"^\W*(?:who|what|which)(?:\s+(?:is|are|was|were)\b|[’']s\b)", re.IGNORECASE)
_PERSON = re.compile(r"\bwho(?:m|se)?\b")
_WHO_IS_NAMED = re.compile(r"\W*[Ww]ho (?:is|was) (?:[^\W\d_a-z][\w’'.-]+\s?){2,4}\W*")  # asks what the person is
# What made somebody do something is asked for as a reason: "What drew them to Norland?".
_REASON = re.compile(
    r"^\W*(?:why\b|(?:for\s)?(?:what|which)\s(?:\w+\s){0,3}?reasons?\b)"
    r"|^\W*what\s(?:(?:has|have|had|first|also|\w+ly)\s){0,2}"
    r"(?:(?:drew|drawn|draws|attract\w*|lured?|prompt\w*|led|leads?|push\w*|convinc\w*|persuad\w*|encourag\w*"
    r"|motivat\w*|forc\w*|drove|driven|brought|inspired|induced|compelled|tempt\w*|caus\w*)\s(?!to\b)[^?]{2,60}?\sto\b"
    r"|(?:made|makes|prompted|prompts)\s\w)"
)
_OF_WHAT = (
    r"(?:the|an?|its|his|her|their|this|that|(?:[\w.’'-]+\s){{0,3}}?[\w.’'-]+['’]s?)\s"
    r"(?P<{}>(?!(?:full|first|last|real)\s)[\w-]+(?:\s[\w-]+){{0,3}}?)"
)
# "What is the name of the old bridge?", "What is Lund's new ship called?"
_CALLED = re.compile(
    r"\W*[Ww]hat(?:['’]s|\s(?:is|was|are|were))\s(?:the\s(?:\w+\s)?names?\sof\s"
    + _OF_WHAT.format("named")
    + rf"(?=\s(?:the|its|their|that|which|who|{english.PREPOSITIONS}|{_AUXILIARY}|[^\W\d_a-z]\w*|[a-z]+ed)\b|\W*$)"
    + "|"
    + _OF_WHAT.format("called")
    + r"(?:\s(?:of|in|at)\s[^?]{2,40}?)?\s(?:called|named|known\sas)\W*$)",
)
_NAMING = frozenset(map(facts.stem, ("name", "called", "known", "full", "real", "exact")))
_OPEN = re.compile(
    r"\b(?:under|in|on) (?:what|which) (?:\w+ )?(?:conditions?|circumstances?|terms|ways?|respects?)\b"
    r"|\b(?:to|for) what (?:extent|degree|purpose)\b"
    r"|\b(?:what|which) (?:\w+ )?(?:kinds?|types?|sorts?|forms?) of\b"
)
# What a question expects, by the first of these that it has.
_KINDS: tuple[tuple[Expected, re.Pattern[str]], ...] = (
    ("percent", _PERCENT), ("reason", _REASON), ("statement", _STATEMENT), ("count", _COUNT), ("date", _DATE),
    ("amount", _AMOUNT), ("person", _PERSON), ("open", _OPEN),
)  # fmt: skip
PLACE = "place"  # the noun of a question with "where"
COUNTRY_NOUNS = (PLACE, "country", "nation")  # what the name of a country answers
_WHERE = re.compile(r"\bwhere\b")
_ASKING = frozenset(
    map(
        facts.stem,
        "much many far high large big long number amount share percentage percent total value came come everything"
        " fraction portion"
        " proportion slice chunk part".split(),
    )
)
# Words that shape a question without being part of what a sentence must state.
_FILLER = frozenset(
    facts.stem(w)
    for w in (
        "much many kind type sort exactly currently latest recent recently mention mentioned according article articles"
        " report reported together new first main key major happen happened describe explain compare comparison change"
        " changed "
        "end start make made get got go one thing"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart.

    Attributes:
        text: the question as it can be understood alone, in plain words (see `wording.plain`).
        terms: stems that an answering sentence should have, without names, years and the noun of "which ...".
        names: proper names in it.
        years: years in it.
        expects: the kind of answer; "reason" for why, "statement" for what somebody
            said, "open" for the rest.
        noun: what is counted or named ("miners" of "how many miners"), "" otherwise.
        describes: whether the terms describe one thing ("who is the chief financial officer"), so that all must hold.
        elliptic: whether the terms had to be taken from the earlier question.
        periods: first and last day, ISO 8601, both included, of the times it is about; "" at an end that is open, as in
            "since 2019" and "before June".
        newest: whether it asks for the latest: "the latest", "now", "this week".
        context: stems of the earlier question that a follow-up leans on; they help ranking and are not required.
        measure: the divisible quantity that it asks for, and of which part; None for any other question.
    """

    text: str
    terms: tuple[str, ...]
    names: tuple[str, ...]
    years: frozenset[int]
    expects: Expected
    noun: str
    describes: bool = False
    context: frozenset[str] = frozenset()
    elliptic: bool = False
    periods: tuple[tuple[str, str], ...] = ()
    newest: bool = False
    measure: Measure | None = None


def parse(text: str, context: str = "", as_of: str = "") -> Question:
    """Take `text` apart.

    Args:
        text: the question as it can be understood alone.
        context: the earlier question that a follow-up leans on, "" if it stands alone. What the follow-up leaves out
            ("And in 2023?", "What about Acme?") is taken from there.
        as_of: ISO 8601 day of asking, which "last year" leans on; without it such words say nothing.

    Raises:
        InputError: `as_of` is neither "" nor a day.
    """
    newest = times(text, as_of).newest
    text = wording.plain(text)
    expects, noun = _expected(text)
    names = tuple(n for n in dict.fromkeys(facts.names(text)) if not noun or n.lower() != noun)
    named = {facts.stem(w) for n in names for part in n.split() for w in re.split(r"[-’'.]", part.lower()) if w}
    years = frozenset(facts.years(text))
    skip = named | {str(y) for y in years} | _FILLER
    called = _CALLED.match(text)
    if called and expects in ("named", "person"):
        skip |= _NAMING
    elif expects == "named":
        skip |= {facts.stem(w) for w in facts.words(noun)}
    if expects == "reason":
        skip |= {facts.stem("reason")}
    if expects in ("amount", "percent", "count"):
        skip |= _ASKING
    terms = tuple(dict.fromkeys(t for t in facts.terms(text) if t not in skip))
    parsed = Question(
        text, terms, names, years, expects, noun, bool(_IS.match(text)),
        periods=_periods(text, as_of), newest=newest,
        measure=asked(text) if expects == "amount" else None,
    )  # fmt: skip
    return _completed(parsed, context, as_of) if context else parsed


def _completed(question: Question, context: str, as_of: str) -> Question:
    """Fill what a follow-up leaves out from the question before it."""
    earlier = parse(context, as_of=as_of)
    filled = replace(question, names=question.names or earlier.names, context=frozenset(facts.terms(context)))
    if question.expects == "count" and not question.noun:
        filled = replace(filled, noun=earlier.noun)
    if question.terms or question.noun:
        return filled
    if question.expects == "open":
        filled = replace(filled, expects=earlier.expects, noun=earlier.noun)
    return replace(
        filled,
        elliptic=True,
        terms=earlier.terms,
        years=question.years or earlier.years,
        describes=False,
        periods=question.periods or earlier.periods,
        newest=question.newest or earlier.newest,
        measure=question.measure or earlier.measure,
    )


def _expected(text: str) -> tuple[Expected, str]:
    low = text.lower()
    if (m := _CALLED.match(text)) and (noun := (m["named"] or m["called"]).lower()):
        return ("person", "") if roles.is_role(noun) else ("named", noun)
    for expects, pattern in _KINDS:
        if not (found := pattern.search(low)) or (expects == "person" and _WHO_IS_NAMED.fullmatch(text)):
            continue
        if expects == "count":
            return "count", _counted(found["noun"]) if found["noun"] else _first_plural(low[found.end() :])
        return expects, ""
    if not _PERSON.search(low) and (noun := english.noun_asked(text)):
        return "named", noun
    return ("named", PLACE) if _WHERE.search(low) else ("open", "")


def _first_plural(after: str) -> str:
    """What is counted where a verb that is no auxiliary follows: "crews" of "crews lost their ship when it sank"."""
    m = re.match(r"\s(?P<noun>(?:[\w’'-]+\s){0,2}?[\w’'-]+)(?=\s)", after)
    noun = _counted(m["noun"]) if m else ""
    return noun if english.is_plural(noun) else ""


def _counted(words: str) -> str:
    """What is counted: up to the first plural ("ferries sail" -> "ferries"), else all of it."""
    plural = re.match(r"(?:.*?\s)??(?:[\w’'-]*[^\Ws]s|people|men|women|children)(?=\s|$)", words)
    return plural[0] if plural else words


# -- times ----------------------------------------------------------------------------------------------

_FROM = re.compile(r"\b(?:since|after|from)\s+(?:the\s+)?$", re.IGNORECASE)
_UP_TO = re.compile(r"\b(?:before|until|till|by|up to)\s+(?:the\s+)?(?:end of\s+)?$", re.IGNORECASE)
_RANGE_OPENS = re.compile(r"\b(?:between|from)\s+(?:the\s+)?$", re.IGNORECASE)
_RANGE_GOES_ON = re.compile(r"\s*(?:and|to|until|till|through|[-–])\s+(?:the\s+)?", re.IGNORECASE)
_YEAR_BESIDE = re.compile(r"\bthe year (?P<side>after|before)\s+$", re.IGNORECASE)
# A year that qualifies what follows: "Acme's 2024 revenue"; dates.py reads those that name an event.
_YEAR_OF = re.compile(r"(?:\b(?:the|its|his|her|their|of)|['’]s?)\s((?:19|20)\d\d)(?=\s[a-z]{3})")

Days = tuple[str, str]


def _periods(text: str, as_of: str) -> tuple[Days, ...]:
    near = times(text, as_of).periods
    found = [(m.start, m.end, (m.first, m.last)) for m in dates.mentions(text, as_of) if (m.first, m.last) in near]
    for m in _YEAR_OF.finditer(text):
        if not any(start <= m.start(1) < end for start, end, _ in found):
            found.append((m.start(1), m.end(1), (f"{m[1]}-01-01", f"{m[1]}-12-31")))
    out: list[Days] = []
    opened = -1  # where the range ends that the time before this one opens
    for start, end, days in sorted(found):
        if opened >= 0 and _RANGE_GOES_ON.fullmatch(text[opened:start]):
            out[-1] = min(out[-1][0], days[0]), max(out[-1][1], days[1])
            opened = -1
            continue
        opened = end if _RANGE_OPENS.search(text[:start]) and _RANGE_GOES_ON.match(text, end) else -1
        out.append(days if opened >= 0 else _bounded(text[:start], days, as_of))
    return tuple(dict.fromkeys(out))


def _bounded(before: str, days: Days, as_of: str) -> Days:
    """The days meant, by the words before a time: "since", "before", "the year after"."""
    first, last = days
    if m := _YEAR_BESIDE.search(before):
        year = str(int(last[:4]) + 1 if m["side"].lower() == "after" else int(first[:4]) - 1)
        return f"{year}-01-01", f"{year}-12-31"
    if m := _FROM.search(before):
        begin = _next_day(last) if m[0].lower().startswith("after") else first
        return begin, as_of if as_of >= begin else ""
    if m := _UP_TO.search(before):
        exclusive = m[0].lower().startswith("before") and "end" not in m[0].lower()
        return "", _next_day(first, -1) if exclusive else last
    return days


def _next_day(day: str, step: int = 1) -> str:
    return (date.fromisoformat(day) + timedelta(days=step)).isoformat()


# -- presuppositions ------------------------------------------------------------------------------------

_NO_PREMISE = re.compile(  # takes nothing for granted but that its subject exists
    r"(?:be|compare|change|differ|evolve|mean|work|matter|spell|pronounce|define|cost|based|located|situated|going)\Z"
)
_PREMISED = ("why", "when", "where", "how", "since when", "how long", "how often")
_STRANDED = re.compile(rf"(?P<prep>{english.PREPOSITIONS})(?:\s(?P<adverb>\w+ly))?", re.IGNORECASE)  # "rely on mostly"
_DO_OR_HAVE = ("did", "do", "does", "has", "have", "had")
_NEXT_QUESTION = re.compile(rf",?\s(?:and|but)\s(?=(?:{english.WH})\b)|\?\s")
_OBJECT_ASKED = re.compile(r"(?P<word>how many|how much|which|what|whose)\b\s*(?P<noun>.*)", re.IGNORECASE)
_SUBJECT_ASKED = re.compile(
    r"\W*(?P<wh>who|which\s(?P<noun>(?:[\w’'-]+\s){0,2}?[\w’'-]+))\s(?P<verb>[a-z]+)\s(?P<rest>[^?]{2,})\??\W*",
    re.IGNORECASE,
)


def presupposition(text: str) -> str:
    """Return what `text` takes for granted, as a statement; "" where it takes nothing for granted or that is not clear.

    >>> presupposition("Why did Kestrel close its plant?")
    'Kestrel closed its plant'
    >>> presupposition("Who bought Kestrel in 2021?")
    'someone bought Kestrel in 2021'
    """
    text = _NEXT_QUESTION.split(text, maxsplit=1)[0]
    if parts := english.clause(text):
        return _premise(parts)
    found = _SUBJECT_ASKED.fullmatch(" ".join(text.split()))
    if not found or not english.is_past(found["verb"]) or found["verb"] in ("was", "were", "had", "did"):
        return ""
    if found["noun"] and (english.is_plural(found["noun"]) or re.match(r"of\b", found["noun"])):
        return ""
    return f"{_some(found['noun']) if found['noun'] else 'someone'} {found['verb']} {found['rest'].strip(' ?')}"


def _premise(parts: english.Clause) -> str:
    verb = parts.verb
    if not parts.wh or parts.aux in ("can", "could", "would", "should") or _NO_PREMISE.match(verb):
        return ""
    wh = re.sub(r"^\W*(?:(?:in|on|at|for|from|to|by|with)\s)?", "", parts.wh.lower())
    if wh in _PREMISED or (wh.split()[0] in ("which", "what") and parts.wh.lower().split()[0] in ("in", "on", "at")):
        return english.statement(parts)
    asked = _OBJECT_ASKED.fullmatch(parts.wh)
    if not asked or parts.aux not in _DO_OR_HAVE or (parts.wh.lower() == "what" and not parts.rest):
        return ""
    noun, word = asked["noun"], asked["word"].lower()
    if re.match(r"of\s|(?:\w+\s)?(?:kinds?|types?|sorts?)\sof\b", noun) or word == "whose":
        return ""
    thing = noun if word.startswith("how") else _some(noun) if noun else "something"
    stranded = _STRANDED.fullmatch(parts.rest)
    rest = f"{stranded['prep']} {thing} {stranded['adverb'] or ''}" if stranded else f"{thing} {parts.rest}"
    return english.statement(replace(parts, rest=rest.strip()))


def _some(noun: str) -> str:
    if english.is_plural(noun):
        return noun
    return f"an {noun}" if re.match(r"[aeio]|un(?!i)", noun.lower()) else f"a {noun}"


_TOPIC = re.compile(
    rf"(?:what|how (?:high|large|big|much))\s(?:is|are|was|were)\s(?P<noun>[^?]*\b{QUANTITY}s?\b[^?]*)", re.IGNORECASE
)


_DEGREE = re.compile(r"how\s(?!many|much|often)\w+\s(?:is|are|was|were)\s(?P<noun>.+)", re.IGNORECASE)


def topic(text: str) -> str:
    """Return the quantity that a question asks for as a noun phrase, "" if it asks for none or it is not clear.

    >>> topic("What was the revenue of Lund in 2023?"), topic("How many ferries did Lund sell?")
    ('the revenue of Lund in 2023', 'the number of ferries that Lund sold')
    """
    asked = text.strip(" ?")
    if m := _TOPIC.fullmatch(asked) or _DEGREE.fullmatch(asked):
        return m["noun"]
    parts = english.clause(asked)
    if not parts or not (m := re.fullmatch(r"how (?P<word>many|much)\b\s*(?P<noun>.*)", parts.wh, re.IGNORECASE)):
        return ""
    if m["word"].lower() == "many":
        return f"the number of {m['noun']} that {english.statement(parts)}" if m["noun"] else ""
    return f"the {m['noun'] or 'amount'} that {english.statement(parts)}"


_WHEN_WAS = re.compile(r"when\s(?:was|were|is)\s(?P<thing>(?:the|its|(?-i:[^\W\d_a-z])[\w-]*['’]s)\s.+)", re.IGNORECASE)


def event(text: str) -> str:
    """Return what a question with "when" asks the time of, as a noun phrase; "" for other questions or where unclear.

    >>> event("When was the founding of Lund?"), event("When did Lund sell its ferries?")
    ('the founding of Lund', 'the time when Lund sold its ferries')
    """
    asked = text.strip(" ?")
    m = _WHEN_WAS.fullmatch(asked)
    if m and not any(english.is_past(word) for word in m["thing"].split()):
        return m["thing"]
    parts = english.clause(asked)
    if not parts or parts.wh.lower() != "when":
        return ""
    return f"the time when {english.statement(parts)}"


# -- follow-ups -----------------------------------------------------------------------------------------

_TURNS = 6  # earlier turns that a follow-up can lean on; a reader does not go back further
_MOST_PRONOUNS = 8  # that are replaced in one question
_MARK = re.compile(r"(?:(?<!\s)\s+)?\[\d+\]")
_SOURCES = (
    r"(?:(?:the|these|those|your|my|our)\s(?:\w+\s)?(?:articles?|sources?|texts?|documents?|stories|news|corpus)"
    r"|(?:the|this|that)\s(?:piece|report|story))"
)
_BY_THE_SOURCES = re.compile(
    rf"^\W*(?:according to|based on)\s{_SOURCES},?\s|,?\s(?:according to|based on)\s{_SOURCES}(?=\W*$)", re.IGNORECASE
)
# "And what was it in 2019?" asks the question before for another time.
_SAME_AT = re.compile(
    r"^\W*(?:(?:and|but|so)\s)?(?:what|how\s(?:much|many|high|large|big))\s(?:was|is|were|are|will)\s"
    r"(?:it|that|this|they|those)(?:\sbe)?\s(?P<when>(?:in|on|for|during|at)\s(?=.*\d).+)$",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"\b(he|she|him|his|her|hers|they|them|their|theirs|it|its)\b", re.IGNORECASE)
_OF_PERSONS = ("he", "she", "him", "his", "her", "hers")
_OF_MANY = ("they", "them", "their", "theirs")
_OWNING = ("his", "hers", "their", "theirs", "its")
_EXPLETIVE = re.compile(
    r"\bit\s+(?:(?:take|takes|took|taken|rain|rains|seem|seems|appear|appears)\b|(?:\w+\s+){1,3}(?:that|to|for)\b)"
    r"|\btime\s+is\s+it\b",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^\W*(?:(?:and|but|so|or|also|then|ok|okay)\b[\s,]*)*(?:(?:what|how)\s+about\b\s*)?", re.IGNORECASE
)
_FOLLOWS_ON = re.compile(r"^\W*(?:and|but|so|or|also|what about|how about)\b", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:that|this|these|those|there|then|one|ones|same|else|former|latter)\b(?!\s+\w+\s+(?:that|which|who))",
    re.IGNORECASE,
)
_POINTING_ALONE = re.compile(
    r"\b(?P<word>that|this|these|those|then|else|former|latter)\b"
    rf"(?=\W*$|\s+(?:(?:{english.AUXILIARIES}|happen|happened|cost|mean)\b(?!\s+there\b)))",
    re.IGNORECASE,
)
_CAPITALISED = r"[^\W\d_a-z][\w&’'.-]*"
_RUN = rf"{_CAPITALISED}(?:\s(?:of\s)?{_CAPITALISED})*"
_LISTED = rf"{_RUN}(?:,\s{_RUN})*(?:,?\s(?:and|or)\s{_RUN})?"
_NAME_FRAGMENT = re.compile(rf"(?:(?P<prep>{english.PREPOSITIONS})\s)?(?:the\s)?(?P<names>{_LISTED})")
_YEARS = r"(?:19|20)\d\d(?:(?:,\s|,?\s(?:and|or|to)\s)(?:19|20)\d\d)*"
_POINTING_NOUN = re.compile(
    rf"\b(?:{english.AUXILIARIES})\s(?P<word>(?:that|this|these|those)\s(?!week|month|year|quarter|morning)[a-z]+)\b",
    re.IGNORECASE,
)
# "It" of a figure: "was it higher than in 2022?"
_IT_COMPARED = re.compile(
    r"\b(?:is|was|did|has)\s(?P<it>it)\s(?:more|less|higher|lower|up|down|above|below|better|worse|rise|fall|grow|change"
    r"|increase|decrease|drop|a record)\b",
    re.IGNORECASE,
)
_TIME_FRAGMENT = re.compile(
    rf"(?P<prep>(?:in|for|during|since|before|after|by)\s)?(?:the\s(?:year\s)?)?(?P<when>(?P<part>Q[1-4]\s)?{_YEARS}|Q[1-4])",
    re.IGNORECASE,
)
_SHIFT = re.compile(
    r"\b(?:in\s|for\s|during\s)?(?:the\s(?P<way>next|following|previous|preceding|prior)\s(?P<unit>year|quarter)"
    r"|(?P<count>the|a|one|two|three|five|ten)\s(?P<units>year|quarter)s?\s"
    r"(?P<side>after|later|before|earlier|prior)(?:\s(?:that|then))?"
    r"|(?P<same>that(?:\ssame)?\syear|the\ssame\syear))(?=\W*$|,)",
    re.IGNORECASE,
)
_STEPS = {"the": 1, "a": 1, "one": 1, "two": 2, "three": 3, "five": 5, "ten": 10}
_AGAIN = re.compile(
    r"(?P<wh>why|when|where|how)(?:\s(?:is|was)\s(?:that|this|it)(?:\sso)?|\sdid\s(?:that|this|it)\shappen"
    r"|\sdid\s(?:it|he|she|they)\sdo\s(?:that|so|it|this)|\sso)?",
    re.IGNORECASE,
)
_OWNED_FRAGMENT = re.compile(r"(?:(?P<whose>his|her|its|their|the)\s)?(?P<noun>[a-z][\w’' -]{2,40})", re.IGNORECASE)
_AGENT = re.compile(  # a noun for who acts: it can stand where a name did
    r"(?:\w+(?:tor|sor|ist|ee|yer|ler|cer|ner)s?|rivals?|peers?|makers?|managers?|parent|subsidiar(?:y|ies)|customers?)\Z"
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question as it can be understood after what was said.

    Attributes:
        text: the question on its own, as far as that could be told.
        leaned_on: the earlier question that it still leans on, itself on its own; "" if none.
        unresolved: the words of `text` that point at something that could not be told; empty if it stands alone.
    """

    text: str
    leaned_on: str = ""
    unresolved: tuple[str, ...] = ()


def follow_up(text: str, history: Sequence[Turn]) -> FollowUp:
    """Return the question that `text` stands for after `history`, oldest turn first.

    A pronoun is replaced by the name that it can stand for, from the nearest turn that has one: he and she by a person,
    it by the subject of the question or what the answer named, they by that or by the names that the answer lists.
    "And in 2023?", "the year after?", "What about Acme?", "and for Lund?" exchange the time, or the name in the same
    place, of the question before; "Why?" and "When was that?" ask it again. Where two things could be meant, the words
    stay and are reported.
    """
    turns: list[Turn] = []
    for turn in history[-_TURNS:]:
        turns.append(Turn(_alone(_plain(turn.question), turns).text, _MARK.sub("", turn.answer)))
    return _alone(_plain(text), turns)


def _plain(text: str) -> str:
    """The question itself, without "tell me" and without "according to the articles", which goes without saying."""
    text = wording.direct(text)
    without = _BY_THE_SOURCES.sub("", text)
    return without[:1].upper() + without[1:] if without != text and without.strip(" ?") else text


def _alone(text: str, turns: Sequence[Turn]) -> FollowUp:
    if not turns or not _leans(text):
        return FollowUp(text)
    last = turns[-1]
    dated = _dated(_SAME_AT.sub(r"And \g<when>", text), last)
    if whole := _exchanged(dated, turns) or _asked_again(dated, last.question):
        return FollowUp(whole)
    out = _opened(dated)
    out = _with_noun(out, last.question)
    out = _pointed(out, last)
    out, unresolved = _with_names(out, turns)
    unresolved += [m["word"] for pattern in (_POINTING_ALONE, _POINTING_NOUN) for m in pattern.finditer(out)]
    if not unresolved and (len(facts.words(out)) < 3 or not (facts.names(out) or english.opens_question(out))):
        unresolved = [out.strip()]
    return FollowUp(out, last.question, tuple(dict.fromkeys(unresolved)))


def _leans(text: str) -> bool:
    """Whether a question points at something said before: a pronoun, "and ...", or too little to stand alone."""
    if _open_pronouns(text) or _FOLLOWS_ON.match(text) or _SHIFT.search(text) or _POINTING_ALONE.search(text):
        return True
    if (m := _COUNT.search(text.lower())) and not m["noun"]:
        return True
    named = bool(facts.names(text))
    return not named and (bool(_POINTING.search(text)) or len(facts.terms(text)) <= 2)


def _opened(text: str) -> str:
    """The text without "And", where a question follows."""
    rest = re.sub(r"^\W*(?:(?:and|but|so|also)\b[\s,]*)+", "", text, flags=re.IGNORECASE)
    if rest == text or not english.opens_question(rest) or len(rest.split()) < 3 or _FOLLOWS_ON.match(rest):
        return text
    return rest[0].upper() + rest[1:]


def _with_noun(text: str, earlier: str) -> str:
    """The text, such as "How many did Lund sell?", with the noun that the earlier question counts."""
    m = re.search(rf"\bhow many(?=\s(?:{english.AUXILIARIES})\b)", text, re.IGNORECASE)
    noun = parse(earlier).noun if m and _COUNT.search(earlier.lower()) else ""
    written = re.search(re.escape(noun), earlier, re.IGNORECASE) if noun else None
    return f"{text[: m.end()]} {written[0]}{text[m.end() :]}" if m and written else text


def _dated(text: str, last: Turn) -> str:
    """The text with the year that "the year after" or "that year" means, if the last turn speaks of one year."""
    m = _SHIFT.search(text)
    years = facts.years(last.question) or facts.years(last.answer)
    if not m or len(years) != 1:
        return text
    year = min(years)
    ahead = (m["side"] or m["way"] or "").lower() in ("after", "later", "next", "following")
    step = 0 if m["same"] else _STEPS.get((m["count"] or "the").lower(), 1) * (1 if ahead else -1)
    when = str(year + step)
    if (m["unit"] or m["units"] or "year").lower() == "quarter":
        quarter = re.search(rf"\bQ([1-4])\s{year}", f"{last.question} {last.answer}")
        if not quarter:
            return text
        number = year * 4 + int(quarter[1]) - 1 + step
        when = f"Q{number % 4 + 1} {number // 4}"
    return f"{text[: m.start()]}in {when}{text[m.end() :]}"


# ---- the earlier question, with one thing exchanged


def _exchanged(text: str, turns: Sequence[Turn]) -> str:
    """The earlier question with a time, name or quantity exchanged for that of a fragment, "" where it is not clear."""
    earlier = turns[-1].question
    fragment = _OPENING.sub("", text).strip(" ?!.\"'")
    if not fragment or not english.opens_question(earlier) or len(fragment.split()) > 10:
        return ""
    if m := _TIME_FRAGMENT.fullmatch(fragment):
        return _with_time(earlier, m["prep"] or "in ", m["when"])
    if english.opens_question(fragment) and not re.match(rf"(?:{english.PREPOSITIONS})\s", fragment):
        return ""
    if (m := _NAME_FRAGMENT.fullmatch(fragment)) and facts.names(f"of {m['names']}"):
        return _with_name(earlier, m["prep"] or "", re.sub(r"['’]s$", "", m["names"]))
    if m := _OWNED_FRAGMENT.fullmatch(fragment):
        return _with_owned(turns, (m["whose"] or "").lower(), m["noun"])
    return ""


def _with_time(earlier: str, preposition: str, when: str) -> str:
    years = list(re.finditer(r"\b(?:19|20)\d\d\b", earlier))
    if re.fullmatch(r"Q[1-4]", when, re.IGNORECASE):
        quarters = re.findall(r"\bQ[1-4]\b", earlier)
        return earlier.replace(quarters[0], when) if len(quarters) == 1 else ""
    if not years and not facts.months(earlier):
        return earlier.rstrip().rstrip("?").rstrip() + f" {preposition.lower()}{when}?"
    if len(years) != 1:
        return ""
    start = years[0].start()
    if when[:1] in "Qq" and (quarter := re.search(r"\bQ[1-4]\s$", earlier[:start])):
        start = quarter.start()
    return earlier[:start] + when + earlier[years[0].end() :]


def _with_name(earlier: str, preposition: str, new: str) -> str:
    """The earlier question with `new` for the name after that preposition, else for its subject, else its only one."""
    old = _replaceable(earlier, preposition.lower())
    if not old or facts.name_key(old) == facts.name_key(new):
        return ""
    plural = " and " in new or (" " in new and new.split()[-1].islower() and english.is_plural(new))
    owner = rf"\b{re.escape(old)}['’]s?(?!\w)"
    if re.search(owner, earlier):
        return re.sub(owner, lambda _: english.possessive(new), earlier, count=1)
    return re.sub(
        rf"(?:\b({english.AUXILIARIES})\s)?(?<!\w){re.escape(old)}(?!\w)",
        lambda m: (english.agreeing(m[1], plural) + " " if m[1] else "") + new,
        earlier,
        count=1,
    )


def _replaceable(earlier: str, preposition: str) -> str:
    names = list(dict.fromkeys(facts.names(earlier)))
    if preposition:
        after = [n for n in names if re.search(rf"\b{preposition}\s(?:the\s)?{re.escape(n)}", earlier, re.IGNORECASE)]
        return after[0] if len(after) == 1 else ""
    return _subject(earlier, names) or (names[0] if len(names) == 1 else "")


def _subject(question: str, names: Sequence[str]) -> str:
    """The one name that is the subject of a question or owns it, "" if there is none."""
    parts = english.clause(question)
    inside = [n for n in names if parts and n in parts.subject]
    if len(inside) == 1:
        return inside[0]
    owners = [n for n in inside or names if re.search(rf"{re.escape(n)}['’]s?(?!\w)", question)]
    return owners[0] if len(owners) == 1 else ""


def _with_owned(turns: Sequence[Turn], whose: str, noun: str) -> str:
    """The earlier question for "and its profit?" or "what about its competitors?"."""
    earlier = turns[-1].question
    quantity = re.search(rf"(?:\b(?:total|net|gross|annual|quarterly|average)\s)*\b{QUANTITY}\b", earlier)
    if quantity and re.search(rf"\b{QUANTITY}$", noun.lower()):
        return earlier[: quantity.start()] + noun + earlier[quantity.end() :]
    owner = _antecedent(whose, turns) if whose not in ("", "the") else ""
    if not owner:
        return ""
    owned = f"{english.possessive(owner)} {noun}"
    if (
        _AGENT.match(noun.lower().split()[-1])
        and _replaceable(earlier, "") == owner
        and not _PERSON.match(earlier.lower())
    ):
        return _with_name(earlier, "", owned)
    asked = re.match(r"(who|what)\s(is|are|was|were)\s", earlier, re.IGNORECASE)
    return f"{asked[1]} {english.agreeing(asked[2], english.is_plural(noun))} {owned}?" if asked else ""


def _asked_again(text: str, earlier: str) -> str:
    """The earlier question with another question word, for "Why?" and "When was that?"."""
    m = _AGAIN.fullmatch(_OPENING.sub("", text).strip(" ?!."))
    if not m:
        return ""
    parts = english.clause(earlier)
    if not parts:
        return english.ask_of_object(m["wh"], earlier)
    if parts.wh.lower() in ("", "why", "when", "where", "how"):
        return english.ask(m["wh"], parts)
    counted = re.fullmatch(r"how many\s(?P<noun>.+)", parts.wh, re.IGNORECASE)
    if counted and parts.aux in ("did", "do", "does"):
        return english.ask(m["wh"], replace(parts, rest=f"{counted['noun']} {parts.rest}"))
    return ""


# ---- pronouns


def _pointed(text: str, last: Turn) -> str:
    """The text with names for "that company" (if the last question asked which), "the former", and "it" of a figure."""
    named = [n for n in facts.names(last.answer, _first_word(last.answer)) if n not in facts.names(last.question)]
    noun = parse(last.question).noun.split()
    if (m := _IT_COMPARED.search(text)) and (figure := topic(last.question)):
        text = text[: m.start("it")] + figure + text[m.end("it") :]
    if len(set(named)) == 1 and noun:
        text = re.sub(rf"\b(?:that|this|the same|the)\s{re.escape(noun[-1])}\b", named[0], text, flags=re.IGNORECASE)
    pair = re.search(rf"\b(?:the\s)?({_RUN})\s(?:and|or)\s({_RUN})", last.answer)
    pair = pair or re.search(rf"\b(?:the\s)?({_RUN})\s(?:and|or)\s({_RUN})", last.question)
    if pair:
        for place, word in enumerate(("former", "latter"), start=1):
            text = re.sub(rf"\bthe\s{word}\b", re.sub(r"['’]s$", "", pair[place]), text, flags=re.IGNORECASE)
    return text


def _open_pronouns(text: str) -> list[re.Match[str]]:
    """The pronouns that no name before them in the same question can be meant by."""
    pronouns = list(_PERSONAL.finditer(text))
    if not pronouns:
        return []
    first, first_long = _first_name(text, 1), _first_name(text, 2)
    expletive = [(m.start(), m.end()) for m in _EXPLETIVE.finditer(text)]
    objects = _objects(text)
    found = []
    for m in pronouns:
        word = m[1].lower()
        if word == "it" and any(start <= m.start() < end for start, end in expletive):
            continue
        own = (first_long if word in _OF_PERSONS else first) < m.start()
        if not own or word in objects:
            found.append(m)
    return found


def _first_name(text: str, least: int) -> int:
    """Where the first name of at least `least` words begins; the text's length if there is none."""
    return min((text.find(n) for n in facts.names(text) if len(n.split()) >= least and n in text), default=len(text))


def _objects(text: str) -> set[str]:
    """The pronouns that follow the verb of a simple clause: they cannot stand for its subject."""
    parts = english.clause(text)
    if not parts or re.search(r"\b(?:and|that|when|if|because|while|after|before|who|which)\b", parts.rest):
        return set()
    return {w for w in facts.words(parts.rest) if w in ("it", "him", "them")}


def _with_names(text: str, turns: Sequence[Turn]) -> tuple[str, list[str]]:
    """Return the text with names for its open pronouns, and the pronouns that stay open."""
    unresolved: list[str] = []
    people: list[str] = []
    position = 0
    for _ in range(_MOST_PRONOUNS):
        masked = text
        for person in people:
            masked = masked.replace(person, "x" * len(person))
        m = next((m for m in _open_pronouns(masked) if m.start() >= position), None)
        if m is None:
            break
        word = m[1].lower()
        name = "" if word == "it" and _IT_COMPARED.search(text) else _antecedent(word, turns)
        if name in text[: m.start()] and word not in _OWNING:
            name = ""  # the subject of the clause is not its object too
        if name:
            said = _inflect(m[1], name, text[m.end() :])
            text, position = text[: m.start()] + said + text[m.end() :], m.start() + len(said)
            people += [name] if word in _OF_PERSONS else []
        else:
            unresolved.append(word)
            position = m.end()
    return text, unresolved


def _antecedent(pronoun: str, turns: Sequence[Turn]) -> str:
    """What a pronoun can stand for, from the nearest turn that offers something; "" where that offers two."""
    for turn in reversed(turns):
        if pronoun in _OF_PERSONS:
            found = _people(turn)
        elif pronoun in _OF_MANY:
            listed = re.search(rf"(?<!\w){_RUN}(?:,\s{_RUN})*,?\sand\s{_RUN}", turn.answer)
            found = [listed[0]] if listed and len(facts.names(listed[0])) > 1 else _things(turn)
        else:
            found = _things(turn)
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


def _people(turn: Turn) -> list[str]:
    """The persons that a turn can speak of: names of two words and more that are not marked as something else."""
    asked = facts.names(turn.question)
    if parse(turn.question).expects == "person":
        said = facts.names(turn.answer, _first_word(turn.answer))
        new = [n for n in said if n not in asked and _may_be_person(n, turn.answer, 1)]
        opening = [n for n in new if re.match(rf"\W*{re.escape(n)}(?!\w|,|\sand\b)", turn.answer)]
        if new:
            return opening[:1] or list(dict.fromkeys(new))
    found = [n for n in facts.names(turn.answer) if _may_be_person(n, turn.answer)]
    found = found or [n for n in asked if _may_be_person(n, turn.question)]
    return list(dict.fromkeys(found))


def _first_word(answer: str) -> frozenset[str]:
    """The word that opens an answer, where it can be the name that was asked for."""
    return frozenset(w.lower() for w in re.findall(r"^\W*([^\W\d_a-z]\w+)\s", answer))


def _may_be_person(name: str, text: str, least: int = 2) -> bool:
    if len(name.split()) < least or not roles.may_be_person(name):
        return False
    return not re.search(rf"\b(?:the|in|at|from|into|near|across)\s{re.escape(name)}", text, re.IGNORECASE)


def _things(turn: Turn) -> list[str]:
    """What "it" can stand for: what the answer named if that was asked, else the question's subject, else its names."""
    asked = parse(turn.question)
    known = facts.name_words([turn.question, turn.answer])
    if asked.expects == "named":
        known |= _first_word(turn.answer)
    mine = list(dict.fromkeys(facts.names(turn.question, known)))
    theirs = [n for n in dict.fromkeys(facts.names(turn.answer, known)) if n not in mine]
    if asked.expects == "named" and asked.noun != PLACE and not turn.answer:
        return []  # what was named is not known
    if asked.expects == "named" and asked.noun != PLACE and theirs:
        opening = [n for n in theirs if re.match(rf"\W*(?:the\s)?{re.escape(n)}(?!\w|,|\sand\b)", turn.answer, re.I)]
        return opening[:1] or theirs
    if subject := _subject(turn.question, mine):
        return [subject]
    located = [n for n in mine if re.search(rf"\b(?:in|at|from|near)\s(?:the\s)?{re.escape(n)}", turn.question)]
    nearer = [n for n in mine if n not in located]
    return nearer or mine or theirs or _common(turn.question)


def _common(question: str) -> list[str]:
    """The subject of a question without names, or the object of one that asks for its subject: "the bridge"."""
    parts = english.clause(question)
    thing = parts.subject if parts else english.object_asked_of(question)
    m = re.fullmatch(
        rf"(?:the|a|an)\s(?P<noun>(?:(?!(?:{english.PREPOSITIONS})\b)[\w’'-]++\s?){{1,4}})", thing, re.IGNORECASE
    )
    return [f"the {m['noun']}"] if m else []


def _inflect(pronoun: str, name: str, after: str) -> str:
    """The name in the pronoun's case; "her" owns what follows it, unless that is a function word or nothing."""
    owned = re.match(r"\s+(\w+)", after)
    owns = pronoun.lower() == "her" and owned and owned[1].lower() not in facts.STOP_WORDS
    return english.possessive(name) if owns or pronoun.lower() in _OWNING else name
