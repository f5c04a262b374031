"""What a question asks for: its terms, the names and years it is about, and the kind of thing that would answer it.

Works on the words alone; knows nothing of the articles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from citewire.qa import facts
from citewire.qa.types import Turn

Expected = Literal["count", "amount", "percent", "date", "person", "named", "statement", "reason", "open"]

_PERCENT = re.compile(
    r"\b(?:what|which|how (?:big|large|high)(?: a)?)\s+(?:\w+\s+)?(?:share|percentage|percent|proportion)\b"
)
_AUXILIARY = "is|are|was|were|do|does|did|has|have|had|can|could|will|would"
# "how many [noun]": up to four words, ended by a verb or preposition, the question's end, or nothing at all.
_COUNT = re.compile(
    r"\bhow many(?:\s+of)?(?:\s+(?:its|their|his|her|the|these|those))?"
    rf"(?:\s+(?!(?:{_AUXILIARY})\b)(?P<noun>(?:[\w’'-]+\s+){{0,3}}?[\w’'-]+?)"
    rf"(?=\s+(?:{_AUXILIARY}|in|of|at|on|by|to|from|for|the|a|an|per)\b|\s*[?,]|$))?"
)
_AMOUNT = re.compile(
    r"\bhow (?:much|high|large|big|far|long|old|fast|tall|heavy)\b"
    r"|\bwhat\b.{0,60}\b(?:revenue|profit|income|loss|price|cost|costs|tariff|rate|margin|sales|turnover|budget|number|"
    r"value|amount|capitali[sz]ation|fee|fine|salary|population|total|size)\b"
)
_DATE = re.compile(r"\bwhen\b|\b(?:what|which)\s+(?:\w+\s+)?(?:year|month|date|day|week|quarter)\b")
_STATEMENT = re.compile(
    r"\bwhat\s+(?:did|does|do|has|have|had)\b.{1,60}\b(?:say|said|state|stated|comment|argue|argued|explain|think)\b"
)
_IS = re.compile(r"^\W*(?:who|what|which)(?:\s+(?:is|are|was|were)\b|[’']s\b)", re.IGNORECASE)
_PERSON = re.compile(r"\bwho(?:m|se)?\b")
_IRREGULAR = (  # past forms that a news question may ask about and that do not end in "ed"
    "beat|became|began|bought|brought|built|came|cut|drew|fell|found|gave|got|grew|held|hit|kept|led|left|lost|made|met|"
    "paid|put|ran|rose|said|saw|sent|set|shut|sold|spent|took|told|went|won|wrote"
)
_NAMED = re.compile(
    rf"\b(?:which|what)\s+(?!(?:{_AUXILIARY}|the|a|an)\b)(?P<noun>(?:[\w’'-]+\s+){{0,2}}?[\w’'-]+)"
    rf"\s+(?:{_AUXILIARY}|[a-z]+s|[a-z]+ed|{_IRREGULAR})\b"
)
PLACE = "place"  # the noun of a question with "where"
_WHERE = re.compile(r"\bwhere\b")
_PERSONAL = re.compile(r"\b(he|she|him|his|her|hers|they|them|their|theirs|it|its)\b", re.IGNORECASE)
_OF_PERSONS = ("he", "she", "him", "his", "her", "hers")
_FOLLOWS_ON = re.compile(r"^\W*(?:and|but|so|or|also|what about|how about)\b", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:that|this|these|those|there|then|one|ones|same|else|former|latter)\b(?!\s+\w+\s+(?:that|which|who))",
    re.IGNORECASE,
)
_ASKING = frozenset(
    map(facts.stem, "much many far high large big long number amount share percentage percent total value".split())
)
# Words that shape a question without being part of what a sentence must state.
_FILLER = frozenset(
    facts.stem(w)
    for w in (
        "much many kind type sort exactly currently latest recent recently mention mentioned according article articles"
        " report reported together new first happen happened describe explain compare comparison change changed "
        "end start make made get got go"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart.

    Attributes:
        text: the question as it can be understood alone.
        terms: stems that an answering sentence should have, without names, years and the noun of "which ...".
        names: proper names in it.
        years: years in it.
        expects: the kind of answer; "reason" for why, "statement" for what somebody
            said, "open" for the rest.
        noun: what is counted or named ("miners" of "how many miners"), "" otherwise.
        describes: whether the terms describe one thing ("who is the chief financial officer"), so that all must hold.
        elliptic: whether the terms had to be taken from the earlier question.
        context: stems of the earlier question that a follow-up leans on; they help ranking and are not required.
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


def parse(text: str, context: str = "") -> Question:
    """Take `text` apart.

    Args:
        text: the question as it can be understood alone.
        context: the earlier question that a follow-up leans on, "" if it stands alone. What the follow-up leaves out
            ("And in 2023?", "What about Acme?") is taken from there.
    """
    expects, noun = _expected(text)
    names = tuple(dict.fromkeys(facts.names(text)))
    named = {facts.stem(w) for n in names for part in n.split() for w in re.split(r"[-’'.]", part.lower()) if w}
    years = frozenset(facts.years(text))
    skip = named | {str(y) for y in years} | _FILLER
    if expects == "named":
        skip |= {facts.stem(w) for w in facts.words(noun)}
    if expects in ("amount", "percent", "count"):
        skip |= _ASKING
    terms = tuple(dict.fromkeys(t for t in facts.terms(text) if t not in skip))
    parsed = Question(text, terms, names, years, expects, noun, bool(_IS.match(text)))
    return _completed(parsed, context) if context else parsed


def _completed(question: Question, context: str) -> Question:
    """Fill what a follow-up leaves out from the question before it."""
    earlier = parse(context)
    filled = replace(question, names=question.names or earlier.names, context=frozenset(facts.terms(context)))
    if question.expects == "count" and not question.noun:
        filled = replace(filled, noun=earlier.noun)
    if question.terms or question.noun:
        return filled
    if question.expects == "open":
        filled = replace(filled, expects=earlier.expects, noun=earlier.noun)
    return replace(filled, elliptic=True, terms=earlier.terms, years=question.years or earlier.years, describes=False)


def _expected(text: str) -> tuple[Expected, str]:
    low = text.lower()
    if _PERCENT.search(low):
        return "percent", ""
    if re.match(r"\W*why\b", low):
        return "reason", ""
    if _STATEMENT.search(low):
        return "statement", ""
    if m := _COUNT.search(low):
        return "count", _counted(m["noun"] or "")
    if _DATE.search(low):
        return "date", ""
    if _AMOUNT.search(low):
        return "amount", ""
    if _PERSON.search(low):
        return "person", ""
    if m := _NAMED.search(low):
        return "named", m["noun"]
    if _WHERE.search(low):
        return "named", PLACE
    return "open", ""


def _counted(words: str) -> str:
    """What is counted: up to the first plural ("ferries sail" -> "ferries"), else all of it."""
    plural = re.match(r"(?:.*?\s)??(?:[\w’'-]*[^\Ws]s|people|men|women|children)(?=\s|$)", words)
    return plural[0] if plural else words


def standalone(text: str, history: Sequence[Turn]) -> tuple[str, str]:
    """Return the question as it can be understood alone, and the earlier question that it leans on ("" if none).

    A pronoun is replaced by the name it can stand for: the last person-like name (two words or more) for he and she,
    the first name of the earlier question for it and they. "And in 2023?" and "What about Acme?" exchange the one year
    or name of the earlier question. What stays open is answered with the earlier question as context, not guessed at.
    """
    if not history or not _leans(text):
        return text, ""
    last = history[-1]
    if exchanged := _exchanged(text, last.question):
        return exchanged, ""
    out = text
    if m := _open_pronoun(text):
        name = _antecedent(m[1].lower(), last)
        if name:
            out = text[: m.start()] + _inflect(m[1], name, text[m.end() :]) + text[m.end() :]
    return out, last.question


def _exchanged(text: str, earlier: str) -> str:
    """The earlier question with its one year or one name exchanged for that of "And in 2023?", "What about Acme?".

    "" where the follow-up says more than that, or where more than one year or name could be meant.
    """
    mine, theirs = parse(text), parse(earlier)
    if mine.terms or mine.noun or mine.expects != "open":
        return ""
    if len(mine.years) == len(theirs.years) == 1 and not mine.names:
        return earlier.replace(str(min(theirs.years)), str(min(mine.years)))
    if len(mine.names) == len(theirs.names) == 1 and not mine.years:
        return earlier.replace(theirs.names[0], mine.names[0])
    return ""


def _leans(text: str) -> bool:
    """Whether a question points at something said before: a pronoun, "and ...", or too little to stand alone."""
    if _open_pronoun(text) or _FOLLOWS_ON.match(text):
        return True
    named = bool(facts.names(text))
    return not named and (bool(_POINTING.search(text)) or len(facts.terms(text)) <= 2)


def _open_pronoun(text: str) -> re.Match[str] | None:
    """The first pronoun, unless a name before it in the same question is what it stands for."""
    m = _PERSONAL.search(text)
    if not m:
        return None
    before = facts.names(text[: m.start()])
    own = [n for n in before if len(n.split()) > 1] if m[1].lower() in _OF_PERSONS else before
    return None if own else m


def _antecedent(pronoun: str, last: Turn) -> str:
    if pronoun in _OF_PERSONS:
        people = [n for n in facts.names(last.answer) + facts.names(last.question) if len(n.split()) > 1]
        people += [n for n in [last.answer.split(" is ")[0]] if 1 < len(n.split()) <= 3 and n.istitle()]
        return people[0] if people else ""
    known = facts.name_words([last.question, last.answer])
    things = facts.names(last.question, known) or facts.names(last.answer, known)
    return things[0] if things else ""


def _inflect(pronoun: str, name: str, after: str) -> str:
    """The name in the pronoun's case; "her" owns what follows it, unless that is a function word or nothing."""
    owned = re.match(r"\s+(\w+)", after)
    owns = pronoun.lower() == "her" and owned and owned[1].lower() not in facts.STOP_WORDS
    return name + "'s" if owns or pronoun.lower() in ("his", "hers", "their", "theirs", "its") else name
