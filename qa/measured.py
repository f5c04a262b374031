"""What a quantity is of: revenue as a whole, or the revenue of a part ("AI revenue", "the chip unit's revenue").

Reads the words around a quantity that can be divided among parts of a business or a country's trade. Knows no subject:
it tells that "AI" narrows "revenue", not what AI is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from citewire.qa import english, facts

# Quantities that parts add up to.
_DIVISIBLE = (
    r"(?:revenues?|profits?|income|loss(?:es)?|sales|turnover|earnings|expenses|spending|exports?|imports?|output)"
)
_DERIVED = r"(?:growth|margins?|per|targets?|forecasts?|share|rates?|tax|tariffs?|figures|streams?)"
_HEAD = re.compile(rf"(?<![\w-])(?P<head>{_DIVISIBLE})\b(?!\s{_DERIVED}\b|-)", re.IGNORECASE)
_UNIT = r"(?:unit|division|arm|segment|business|branch|subsidiary|department|operations?)"
_OF_UNIT = re.compile(rf"(?P<unit>{_UNIT})(?:['’]s?)?(?![\w-])", re.IGNORECASE)
_FROM = re.compile(r"\s(?:\w+\s)?from\s(?:(?:the|its|their|his|her|selling|sales of)\s)*(?P<what>[^,;:.?]+)")
_EARNED = re.compile(r"\b(?:earn|make|get|take|generate|book|come|made|earned|got|took)(?=\s(?:\w+\s)?from\b)")
_OF_GOODS = re.compile(r"\s(?:of|on)\s(?:selling\s)?(?P<what>(?!the\b|its\b|an?\b)[a-z][^,;:.?]+)")
_GOODS = re.compile(r"(?:sales|exports?|imports?|output|spending)\Z", re.IGNORECASE)
_ENDS_WHAT = re.compile(
    rf"\b(?:{english.PREPOSITIONS}|{english.AUXILIARIES}|per|and|or|that|which|who|(?:19|20)\d\d)\b", re.IGNORECASE
)
# What is said before a quantity without narrowing what it is of: its time, its kind, that it is all of it.
_PLAIN = re.compile(
    r"total|overall|net|gross|annual|yearly|quarterly|monthly|weekly|daily|operating|pre-?tax|after-tax|full|whole|entire"
    r"|combined|reported|record|average|recurring|adjusted|underlying|first|second|third|fourth|last|latest|previous|fiscal"
    r"|quarter|half|year|month|full-year|half-year|group|consolidated|company|corporate|estimated|expected|projected|stat"
    r"utory|sales|revenue|higher|lower|strong|weak|new|own|more|less|much|minimal|current|past|recent|q[1-4]|h[12]|\W*\d.*"
    r"|.*-(?:quarter|half|year|month)",
    re.IGNORECASE,
)
_TIMES = re.compile(r"(?:\w+\s)?(?:same\s)?(?:year|quarter|month|period|week|half)(?:\sbefore)?", re.IGNORECASE)
_WHOLE = re.compile(
    r"\b(?:total|overall|whole|entire|consolidated|combined)\b(?:\s(?!and\b)[\w-]+){0,2}\Z"
    r"|\b(?:company|group|firm|bank)['’]s(?:\s[\w-]+){0,2}\Z",
    re.IGNORECASE,
)
_OWNS = re.compile(r"['’]s?\Z")
_STOPS = facts.STOP_WORDS | frozenset(f"{english.PREPOSITIONS}|{english.AUXILIARIES}|per|us".split("|")) - {"us"}
_SAME = {
    "revenue": frozenset(map(facts.stem, ("revenue", "sales", "turnover"))),
    "profit": frozenset(map(facts.stem, ("profit", "income", "earnings", "loss"))),
    "expenses": frozenset(map(facts.stem, ("expenses", "spending"))),
}
_INCOME_FROM = re.compile(r"\sfrom\b")
_OF_PROFIT = re.compile(r"\b(?:net|operating|pre-?tax|after-tax|taxable)\s\Z", re.IGNORECASE)
_TAKEN_IN = re.compile(r"\b(?:tak(?:e|es|en)|took|br(?:ing|ings|ought))\sin\b", re.IGNORECASE)
_SHARE_OF = re.compile(
    rf"\d\s?(?:%|per\s?cent)\s(?:share\s)?of\s(?:[\w’'-]+\s){{0,4}}?(?P<head>{_DIVISIBLE})\b", re.IGNORECASE
)
_LOSS = facts.stem("loss")
_BEFORE_VERB = frozenset(
    "to will would can could should may might do does did not i we they he she it you who which".split()
)
_VAGUE = frozenset(
    map(facts.stem, "product products service services business unit machine core main other key".split())
)
_TOKEN = re.compile(r"[$€£]?[\w&.’'-]*[\w’']|[,;:()“”\"]")
_ACRONYM = re.compile(r"[A-Z]{2,5}\b")


@dataclass(frozen=True, slots=True)
class Measure:
    """A divisible quantity that a text speaks of.

    Attributes:
        head: its noun, lower case; "" where only the part is named, as in "how much did the AI unit earn".
        part: the words that narrow it, as written ("AI", "cloud storage"); "" for the whole.
        whole: whether the text says that it is all of it: "total", "the company's".
    """

    head: str
    part: str
    whole: bool = False

    @property
    def name(self) -> str:
        """What is measured, for a reader: "AI revenue"."""
        return f"{self.part} {self.head}".strip()

    def keys(self) -> tuple[str, ...]:
        """The words of the part that tell it from other parts, lower case; "product" and "unit" only alone."""
        every = tuple(w for w in facts.words(self.part) if w not in facts.STOP_WORDS)
        return tuple(w for w in every if facts.stem(w) not in _VAGUE) or every

    def same_quantity(self, other: Measure) -> bool:
        """Whether both have the same noun, or one that business news uses for it."""
        return _kind(self.head) == _kind(other.head)

    def mentioned(self, text: str) -> bool:
        """Whether its noun, or one used for it, stands in the text in any role: "revenue growth"."""
        return any(_kind(word) == _kind(self.head) for word in facts.words(text))


def _kind(head: str) -> str:
    stem = facts.stem(head)
    return next((kind for kind, names in _SAME.items() if stem in names), stem)


def same_word(word: str, others: Iterable[str]) -> bool:
    """Whether one of `others` is another word for the quantity that `word` names: "sales" and "revenue", no "loss"."""
    kind = _kind(word)
    return (
        kind in _SAME and any(_kind(w) == kind for w in others if facts.stem(w) != _LOSS) and facts.stem(word) != _LOSS
    )


def taken_in(question: str) -> bool:
    """Whether a question says "take in" or "bring in" for the money that something makes."""
    return bool(_TAKEN_IN.search(question))


def shared(question: str) -> str:
    """Return what a question wants a share of, as a kind of quantity ("revenue", "profit"); "" where it does not say.

    >>> shared("Of all that Lund took in, what fraction came from boats?"), shared("What share of voters stayed?")
    ('revenue', '')
    """
    if taken_in(question):
        return "revenue"
    kinds = [_kind(head["head"]) for head in _HEAD.finditer(question)]
    return kinds[0] if kinds and kinds[0] in _SAME else ""


def shares(sentence: str) -> tuple[str, ...]:
    """Return the kinds of quantity that the percentages of a sentence are of, where it says so: "8% of expenses"."""
    return tuple(_kind(m["head"]) for m in _SHARE_OF.finditer(sentence))


def asked(text: str) -> Measure | None:
    """Return the divisible quantity that a question asks for, None where it asks for none.

    >>> asked("What was Kestrel's cider revenue in 2023?"), asked("How much revenue did Lund's freight arm make?")
    (Measure(head='revenue', part='cider', whole=False), Measure(head='revenue', part='freight', whole=False))
    """
    head, earned = _HEAD.search(text), _EARNED.search(text)
    part = _unit_before(text, len(text)) or (_after(_FROM, text, earned.end()) if earned else "")
    if not head:
        return Measure("", part) if part else None
    # Income "from" something is what it brings in; without that, or net, it is what is left.
    taken = (
        head["head"].lower() == "income"
        and _INCOME_FROM.match(text, head.end())
        and not _OF_PROFIT.search(text[: head.start()])
    )
    return Measure(
        "revenue" if taken else head["head"].lower(),
        _narrowed(text, head) or part,
        bool(_WHOLE.search(text[: head.start()].rstrip())),
    )


def said(sentence: str) -> list[Measure]:
    """Return the divisible quantities that a sentence speaks of, in order."""
    found = []
    for head in _HEAD.finditer(sentence):
        before = sentence[: head.start()]
        whole = bool(_WHOLE.search(before.rstrip()))
        clause = re.split(r"[;:]|\s(?:and|but|while)\s", before)[-1]
        part = "" if whole else _narrowed(sentence, head) or _unit_before(clause, len(clause))
        found.append(Measure(head["head"].lower(), part, whole))
    return found


def _narrowed(text: str, head: re.Match[str]) -> str:
    """The words that stand right before the noun, or after it with "from", and narrow it."""
    after = _after(_FROM, text, head.end())
    if not after and _GOODS.match(head["head"]):
        after = _after(_OF_GOODS, text, head.end())
    before = text[: head.start()]
    opening = re.fullmatch(r"\W*(?P<word>[^\W\d_a-z][\w-]+)\s", before)  # its capital makes it no name
    if opening and not _PLAIN.fullmatch(opening["word"]) and opening["word"].lower() not in _STOPS:
        return opening["word"]
    return _modifiers(before) or after


def _unit_before(text: str, end: int) -> str:
    """What tells a unit of the business from others: "AI" of "its AI unit"; "" where there is none."""
    for unit in _OF_UNIT.finditer(text, 0, end):
        if words := _modifiers(text[: unit.start()]):
            return words
    return ""


def _modifiers(before: str) -> str:
    """The nouns at the end of `before` that belong to what follows; "" where a verb or a name stands there."""
    words: list[str] = []
    for word in reversed(_TOKEN.findall(before)):
        low = word.lower()
        if _PLAIN.fullmatch(word):
            continue
        if _OWNS.search(word) or not re.match(r"\w", word) or (low in _STOPS and word != "US"):
            words = [] if low in _BEFORE_VERB else words
            break
        if len(words) == 3 or english.is_past(low) or (english.is_plural(low) and not word.isupper()):
            return ""
        words.append(word)
    named = all(re.match(r"[^\W\d_a-z][a-z]", w) for w in words)
    return "" if named else " ".join(reversed(words))


def _after(pattern: re.Pattern[str], text: str, start: int) -> str:
    found = pattern.match(text, start)
    if not found:
        return ""
    what = _ENDS_WHAT.split(found["what"])[0].strip(" ?")
    capital = re.match(r"[^\W\d_a-z][a-z]", what)
    no_part = capital or not what or re.match(r"\d", what) or _TIMES.fullmatch(what) or len(what.split()) > 4
    return "" if no_part else what


def acronyms(text: str) -> frozenset[str]:
    """Return, lower case, the acronyms in `text` and those that runs of its words would have, of two to five letters.

    >>> sorted(acronyms("artificial intelligence"))
    ['ai']
    """
    found = {m[0].lower() for m in _ACRONYM.finditer(text)}
    words = re.findall(r"[^\W\d_]+", text.lower())
    for size in range(2, 6):
        found.update("".join(w[0] for w in words[i : i + size]) for i in range(len(words) - size + 1))
    return frozenset(found)
