"""Numbers, dates and names in a text, normalised so that they can be compared.

Knows spelling ("$900,000", "900K" and "0.9 million" are one number), not meaning: it cannot tell what a number counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import Stemmer

Unit = Literal["", "%", "money"]

_SCALES = {
    "hundred": 1e2,
    "thousand": 1e3, "k": 1e3,
    "million": 1e6, "mn": 1e6, "m": 1e6,
    "billion": 1e9, "bn": 1e9, "b": 1e9,
    "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
_WORDS = {
    word: value
    for value, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split(),
        start=1,
    )
}
_NUMBER = re.compile(
    r"""(?P<money>(?:US|A|C|HK)?[$€£¥]\s?)?
        (?<![\w.,])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)
        (?:(?P<percent>\s?%|\s?per\s?cent\b)
          |[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|mn|bn|tn|[kmb])\b)?
        (?P<currency>\s(?:US\s)?(?:dollars?|euros?|pounds?|yuan)\b)?""",
    re.VERBOSE | re.IGNORECASE,
)
_WORD_NUMBER = re.compile(
    rf"""\b(?P<word>{"|".join(_WORDS)})\b
        (?:[\s-](?P<scale>hundred|thousand|million|billion|trillion)\b)?
        (?:(?P<percent>\sper\s?cent\b)|(?P<currency>\s(?:US\s)?(?:dollars?|euros?|pounds?|yuan)\b))?""",
    re.VERBOSE | re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:[.&'’-][^\W_]+)*")
_NAME = re.compile(
    r"(?<![\w])(?:[A-Z]\.)+|(?<![\w])[^\W\d_a-z][\w]*(?:[&'’.-][\w]+)*(?:\s+(?:of\s+)?[^\W\d_a-z][\w]*(?:[&'’.-][\w]+)*)*"
)
_SIGNS = ("$", "€", "£", "¥")
_CURRENCIES = (  # the first that the words of an amount match
    (r"^A\$", "Australian dollars"),
    (r"^C\$", "Canadian dollars"),
    (r"^HK\$", "Hong Kong dollars"),
    (r"\$|dollar", "dollars"),
    (r"€|euro", "euros"),
    (r"£|pound", "pounds"),
    (r"yuan", "yuan"),
    (r"¥", "¥"),  # yen or yuan: only ever the same as itself
)
_QUARTERS = {"q1": "first", "q2": "second", "q3": "third", "q4": "fourth"}
_JOINED = 5  # letters from which a name written in one word is looked for as two, and the other way round
_MONTHS = "january february march april may june july august september october november december".split()
_TIMES = frozenset((*_MONTHS, *_QUARTERS))
# Function words of English, and the words a question is made of: they carry no subject of their own.
STOP_WORDS = frozenset(
    "a an the of in on at to for from by with and or but nor is are was were be been being am do does did done has"
    " have had having how what which who whom whose when where why that this these those it its as than then there"
    " here their they he she his her him them you your we our us i me my not no can could will would shall should"
    " may might must about into out up off over after before between during under again also just only very so such"
    " if any some all each both more most other own same too s t don now say says said tell give me please".split()
)
_stemmer = Stemmer.Stemmer("english")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes:
        value: in full: "2.0 billion" is 2e9.
        start, end: its place in the text.
        scale, decimals: as it is written; "2.0 billion" has 1e9 and 1.
    """

    value: float
    unit: Unit
    start: int
    end: int
    scale: float = field(default=1.0, compare=False)
    decimals: int = field(default=0, compare=False)

    def matches(self, other: Number) -> bool:
        """Whether both say the same amount; a unit that only one of them states does not count against it."""
        close = abs(self.value - other.value) <= 1e-9 * max(abs(self.value), abs(other.value), 1.0)
        return close and (self.unit == other.unit or "%" not in (self.unit, other.unit))


def numbers(text: str) -> list[Number]:
    """Return the numbers of `text` in order: digits with scale, currency or percent, and number words up to twenty."""
    found = []
    for m in _NUMBER.finditer(text):
        # "5 m" is metres as often as millions, so a lone letter counts only in money or when it touches the digits.
        scaled = m["scale"] and (len(m["scale"]) > 1 or m["money"] or m.end("digits") == m.start("scale"))
        scale = _SCALES[m["scale"].lower()] if scaled else 1.0
        value = float(m["digits"].replace(",", "")) * scale
        unit: Unit = "%" if m["percent"] else "money" if m["money"] or m["currency"] else ""
        found.append(Number(value, unit, m.start(), m.end(), scale, len(m["digits"].partition(".")[2])))
    for m in _WORD_NUMBER.finditer(text):
        scale = _SCALES.get((m["scale"] or "").lower(), 1.0)
        unit = "%" if m["percent"] else "money" if m["currency"] else ""
        found.append(Number(_WORDS[m["word"].lower()] * scale, unit, m.start(), m.end(), scale))
    return sorted(found, key=lambda n: n.start)


def currency(amount: str) -> str:
    """Return the currency of an amount of money as written ("US$5 million"): "dollars"; "" if it names none."""
    return next((name for pattern, name in _CURRENCIES if re.search(pattern, amount, re.IGNORECASE)), "")


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without possessive endings; "Q2" as "second", "quarter"."""
    found = []
    for word in (re.sub(r"['’]s?$", "", w.lower()) for w in _WORD.findall(_composed(text))):
        found += [_QUARTERS[word], "quarter"] if word in _QUARTERS else [word]
    return found


def _composed(text: str) -> str:
    """A letter and its accent as one character, however the source writes them."""
    return unicodedata.normalize("NFC", text)


def stem(word: str) -> str:
    """Return the Snowball stem (Porter 1980, revised) of a lower-case word."""
    return str(_stemmer.stemWord(word))


def terms(text: str) -> list[str]:
    """Return the stems of the words of `text` that carry meaning, in order, repetitions kept."""
    return [stem(part) for w in words(text) if w not in STOP_WORDS for part in re.split(r"[-’']", w) if part]


def months(text: str) -> set[str]:
    """Return the months that `text` names, in lower case; "May" and "March" only beside a number or after "in"."""
    found = {w for w in words(text) if w in _MONTHS and w != "may" and w != "march"}
    for m in re.finditer(r"\b(May|March)\b(?=\s+\d)|(?<=\d )(May|March)\b|(?<=\b[Ii]n )(May|March)\b", text):
        found.add(m[0].lower())
    return found


def month_of(day: str) -> str:
    """Return the month of an ISO 8601 day in lower case: "may" of 2024-05-03."""
    return _MONTHS[int(day[5:7]) - 1]


def whole_years(first: str, last: str) -> bool:
    """Whether a time, ISO 8601 days, begins with one year and ends with that or another."""
    return first.endswith("-01-01") and last.endswith("-12-31")


def years(text: str) -> set[int]:
    """Return the years 1900 to 2099 that `text` names."""
    return {int(y) for y in re.findall(r"(?<![\d.,$€£])((?:19|20)\d{2})(?![\d,.]\d|\d|%)", text)}


def names(text: str, known: frozenset[str] = frozenset()) -> list[str]:
    """Return the proper names of `text` as written: runs of capitalised words, possessives cut off.

    A capital that only opens a sentence does not make a name, unless the word has more capitals or its lower-case form
    is in `known` (see `name_words`); "Q2" is a time.
    """
    found = []
    text = _composed(text)
    for m in _NAME.finditer(text):
        before = text[: m.start()].rstrip(" \"'“”‘’([")
        opens = not before or before[-1] in ".!?:•\n"
        name = m[0].rpartition(" ")[0] if text[m.end() :].startswith(_SIGNS) else m[0]  # "US$" is a currency
        for run in re.split(r"['’]s?\s+|['’]s?$", name):
            parts = run.split()
            while parts and ((parts[0] != "US" and parts[0].lower() in STOP_WORDS) or parts[0].lower() in _TIMES):
                parts, opens = parts[1:], False
            while parts and parts[-1].lower() in _QUARTERS:
                parts = parts[:-1]
            plain = len(parts) == 1 and parts[0][1:] == parts[0][1:].lower() and not parts[0].startswith("U.")
            parts = [w.split("-")[0] if re.search(r"-[a-z]", w) else w for w in parts]  # "US-listed" names the US
            if parts and not (opens and plain and parts[0].lower() not in known):
                found.append(" ".join(parts).rstrip("."))
            opens = False
    return found


def name_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the words, in lower case, that stand inside the proper names of `texts`."""
    return frozenset(w for text in texts for name in names(text) for w in name_key(name).split())


def name_key(name: str) -> str:
    """Return a name's comparable form: lower case, no dots, hyphens as spaces, no possessive, "us" and "uk" short."""
    key = " ".join(re.sub(r"['’]s\b|[.]", "", _composed(name).lower()).replace("-", " ").split())
    return re.sub(r"\bunited (states|kingdom)\b", lambda m: "us" if m[1] == "states" else "uk", key)


def has_name(name: str, text: str) -> bool:
    """Whether `text` has every word of `name`, as whole words in any case ("US" is found in "U.S.-based").

    A blank or hyphen more or less makes no other name: "JP Morgan" and "JPMorgan" are one.
    """
    key = name_key(text)
    there = set(re.sub(r"[()/]", " ", key).split())
    there = {w.strip(",;:!?\"'“”‘’[]$@#") for w in there}
    wanted = name_key(name).replace("/", " ").split()
    wanted = [w for w in wanted if w not in STOP_WORDS] or wanted  # "US" is a name although "us" is no word to look for
    if all(w in there or w + "s" in there for w in wanted):
        return True
    joined = "".join(wanted)
    if len(joined) < _JOINED or joined not in key.replace(" ", ""):
        return False
    return joined in there if len(wanted) > 1 else _has_apart(joined, text)


def _has_apart(word: str, text: str) -> bool:
    """Whether two words of the text, each with a capital, make up `word` together."""
    parts = re.findall(r"[^\W_]+", _composed(text))
    return any(a[0].isupper() and b[0].isupper() and (a + b).lower() == word for a, b in pairwise(parts))


def same_name(a: str, b: str) -> bool:
    """Whether two names differ in nothing but blanks, hyphens, dots and capitals."""
    return name_key(a).replace(" ", "") == name_key(b).replace(" ", "")
