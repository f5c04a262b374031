"""Amounts in a text, in the notations that news use, as numbers that can be compared.

"$900,000", "900K", "0.9 million" and "nine hundred thousand" are one number. Knows spelling, not meaning: it cannot
tell what a number counts. Words for numbers are read by text2num.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import text_to_num

Unit = Literal["", "%", "points", "money"]

_SCALES = {
    "dozen": 12.0, "hundred": 1e2,
    "k": 1e3, "thousand": 1e3, "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "lacs": 1e5,
    "m": 1e6, "mn": 1e6, "mln": 1e6, "mio": 1e6, "million": 1e6, "cr": 1e7, "crore": 1e7, "crores": 1e7,
    "b": 1e9, "bn": 1e9, "bln": 1e9, "mrd": 1e9, "billion": 1e9,
    "tn": 1e12, "trn": 1e12, "trillion": 1e12, "lakh crore": 1e12,
}  # fmt: skip
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10,
}  # fmt: skip
_BEHIND = r"""(?:(?P<points>[\s-]?(?:percentage|pct\.?|per\s?cent)[\s-]?points?\b|\s?ppt?s?\b)
          |(?P<basis>[\s-]?(?:basis[\s-]points?|bps?)\b)
          |(?P<permille>\s?‰|\s?per\s?mille\b)
          |(?P<percent>\s?%|[\s-]?(?:per[\s-]?cent|pct|(?-i:pc))\b))?
        (?P<currency>(?:\.(?=\s))?\s(?:US\s)?
          (?:dollars?|euros?|pounds?|yuan|yen|rupees?|francs?|pesos?|rou?bles?|zlotys?|baht|ringgit|kron(?:or|er|a|e))\b
          |\s?(?-i:USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|SEK|NOK|DKK|PLN|BRL|MXN|ZAR|SGD|HKD|NZD)\b
          |\s?[€£₹₽](?!\s?\d))?"""
_AMOUNT = re.compile(
    rf"""(?P<minus>(?<![\w.,%)\]–—-])[-−](?=[$£¥₠-₿]?\d)|\b(?:minus|negative)\s(?=[$£¥₠-₿]?\d))?
        (?P<money>(?:US|AU?|CA?|HK|NZ|S)?[$£¥₠-₿]\s?|\bRs\.?\s?
          |(?-i:\b(?:USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|SEK|NOK|DKK|PLN|BRL|MXN|ZAR|SGD|HKD|NZD)\s?))?
        (?:(?<=[$£¥₠-₿])(?P<debit>[-−])(?=\d))?
        (?<![\w.,])(?:
          (?P<comma>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?)
          |(?P<dot>\d{{1,3}}(?:\.\d{{3}}){{2,}}(?:,\d+)?|0,\d+
            |\d+,\d{{1,2}}(?=\s?(?:[%‰€]|(?:mio|mrd|mln|million|billion|bn|per\s?cent|pct)\b)))
          |(?P<apart>\d{{1,3}}(?:[\u00a0\u2009\u202f'’]\d{{3}})+|\d{{1,3}}(?:\x20\d{{3}}){{2,}})(?!\d)
          |(?:(?P<wholes>\d+)\s)?(?P<over>\d{{1,2}}⁄[1-9]\d?|(?<=\d\s)[1-9]/(?:[2-5]|8|16)(?![\d/]))
          |(?P<plain>\d+(?:\.\d+)?)?(?P<vulgar>[¼-¾⅐-⅞])|(?P<digits>\d+(?:\.\d+)?)(?P<half>\sand\sa\shalf\b)?
        )
        (?:(?P<scale>\)?[\s-]?(?:lakh\scrore|hundred|thousand|million|billion|trillion|dozen
          |lakhs?|lacs?|crores?|cr|mln|mio|mrd|bln|trn|mn|bn|tn|[kmb]))\b)?
        {_BEHIND}""",
    re.VERBOSE | re.IGNORECASE,
)
_AFTER_WORDS = re.compile(
    rf"(?P<scale>[\s-](?:lakh\scrore|dozen|lakhs?|crores?)\b)?{_BEHIND}", re.VERBOSE | re.IGNORECASE
)
_DOZEN = re.compile(r"\b(?P<half>half\s)?a\sdozen\b", re.IGNORECASE)
_AND_A_PART = re.compile(r"\sand\sa\s(?:half|(?P<quarter>quarter))\b", re.IGNORECASE)
_PART_OF = re.compile(
    r"(?:\bhalf\sa[\s-]|\b(?:(?:a|(?P<three>three))[\s-])?(?P<quarter>quarters?)[\s-]of[\s-]a[\s-]|\bhalf[\s-])$",
    re.IGNORECASE,
)
_MINUS = re.compile(r"\b(?:minus|negative)\s$", re.IGNORECASE)
_LOSS = re.compile(r"([$£€])\((\d[\d.,]*)\)")  # of a table of accounts
# "a quarter-point cut", "half a percentage point", "three quarters of a percent"; no point of a third quarter.
_PART_OF_POINT = re.compile(
    r"""(?<!first[\s-])(?<!second[\s-])(?<!third[\s-])(?<!fourth[\s-])\b(?:(?:a|(?P<three>three))[\s-])?
        (?:half|(?P<quarter>quarters?))[\s-](?:of[\s-])?(?:an?[\s-])?
        (?:percentage[\s-]points?|(?P<percent>per\s?cent)|point)\b""",
    re.VERBOSE | re.IGNORECASE,
)
# A share: "two-thirds", "a quarter of the seats", "half the seats"; but no "third quarter", and no quarter of a year.
_SHARE = re.compile(
    r"""(?<!first\s)(?<!second\s)(?<!latter\s)\b(?P<half>half\b(?=\s(?:of|the|its|their|his|her|all)\b))
        |\b(?P<count>a|one|two|three|four|five|six|seven|eight|nine)[\s-]
          (?P<part>halves|third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth)s?\b
          (?:(?<=s)(?!\s(?:in|ago|of\s\d|after|before))|(?=\sof\b(?!\s(?:\d|the\s(?:year|season|game)))))""",
    re.VERBOSE | re.IGNORECASE,
)
_RANGE = re.compile(r"\s?[-–—]\s?|\sto\s|\sand\s", re.IGNORECASE)
_LOOSE = 1.0  # percent that a share in words may be off
_BETWEEN = re.compile(r"\bbetween\s$", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
_VAGUE = frozenset(("tens", "hundreds", "thousands", "millions", "billions", "trillions"))  # no numbers
_VAGUE_COUNT = re.compile(
    r"\b(?:(?:few|several|many|couple(?:\sof)?)\s(?:hundred|thousand|million|billion|trillion|dozen)"
    r"|no\sone|(?:five|six|seven|eight|nine)(?:-figures?|\sfigures))\b",
    re.IGNORECASE,
)
_SMALL = 1000.0  # "3-5 billion" means billions twice, "900,000 to 1.2 million" does not
_CURRENCIES = (  # the first that the words of an amount match
    (r"^AU?\$|AUD", "Australian dollars"),
    (r"^CA?\$|CAD", "Canadian dollars"),
    (r"^HK\$|HKD", "Hong Kong dollars"),
    (r"^NZ\$|NZD", "New Zealand dollars"),
    (r"^S\$|SGD", "Singapore dollars"),
    (r"\$|dollar|USD", "dollars"),
    (r"€|euro?", "euros"),
    (r"£|pound|GBP", "pounds"),
    (r"yuan|CNY", "yuan"),
    (r"yen|JPY", "yen"),
    (r"₹|Rs|rupee|INR", "rupees"),
    (r"franc|CHF", "francs"),
    (r"₽|rou?ble", "roubles"),
    (r"peso", "pesos"),
    (r"kron", "kroner"),
)

_OTHER_CURRENCY = re.compile(r"[¥₠-₿]|\b[A-Z]{3}\b")  # only ever the same as itself; "¥" is yen or yuan


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes:
        value: in full: "2.0 billion" is 2e9, "25 basis points" 0.25, "two-thirds" 66.7 (percent), "-4" is -4.
        unit: "points" are percentage points.
        start, end: its place in the text.
        scale, decimals: as it is written; "2.0 billion" has 1e9 and 1.
        slack: by how much it may be off as such words are meant: "two-thirds" for 66 or 67%.
    """

    value: float
    unit: Unit
    start: int
    end: int
    scale: float = field(default=1.0, compare=False)
    decimals: int = field(default=0, compare=False)
    slack: float = field(default=0.0, compare=False)

    def matches(self, other: Number) -> bool:
        """Whether both say the same amount; a unit that only one of them states does not count against it.

        "Fell 4%" and "-4%" are one amount: which way it goes is for others to tell.
        """
        one, two = self.value, other.value
        if "%" in (self.unit, other.unit):
            one, two = abs(one), abs(two)
        near = max(self.slack, other.slack, 1e-9 * max(abs(one), abs(two), 1.0))
        same = self.unit == other.unit or not {"%", "points"} & {self.unit, other.unit}
        return abs(one - two) <= near and same


def numbers(text: str) -> list[Number]:
    """Return the numbers of `text` in order: in digits or words, with scale, currency or percent; no ordinals.

    >>> [number.value for number in numbers("Half a million people, ₹4,50,000 and $3-5 billion")]
    [500000.0, 450000.0, 3000000000.0, 5000000000.0]
    """
    text = _LOSS.sub(r"-\1\2)", text)
    found = [_figure(match) for match in _AMOUNT.finditer(text)]
    for one in sorted((*_words(text, found), *_shares(text)), key=lambda one: one.start - one.end):
        if not any(one.start < other.end and other.start < one.end for other in found):  # the longer one counts
            found.append(one)
    return _ranges(text, sorted(found, key=lambda one: one.start))


def currency(amount: str) -> str:
    """Return the currency of an amount of money as written ("US$5 million"): "dollars"; "" if it names none."""
    named = next((name for pattern, name in _CURRENCIES if re.search(pattern, amount, re.IGNORECASE)), "")
    other = _OTHER_CURRENCY.search(amount)
    return named or (other[0] if other else "")


# -- digits ---------------------------------------------------------------------------------------------------


def _figure(match: re.Match[str]) -> Number:
    written = match["digits"] or match["plain"] or match["comma"] or match["apart"] or match["dot"] or "0"
    if match["dot"]:
        plain = written.replace(".", "").replace(",", ".")
    else:
        plain = "".join(sign for sign in written if sign.isdigit() or sign == ".")
    if match["over"]:
        over, _, under = match["over"].replace("/", "⁄").partition("⁄")
        plain = str(int(match["wholes"] or 0) + int(over) / int(under))
    value = float(plain) + (unicodedata.numeric(match["vulgar"]) if match["vulgar"] else 0.5 * bool(match["half"]))
    name = _scale(match)
    # "5 m" is metres as often as millions, so a lone letter counts only in money or when it touches the digits.
    scaled = name and (len(name) > 1 or match["money"] or not match["scale"][0].isspace())
    scale = _SCALES[name] if scaled else 1.0
    decimals = len(plain.partition(".")[2]) or 2 * bool(match["vulgar"]) or 1 * bool(match["half"])
    return _made(match, -value if match["minus"] or match["debit"] else value, scale, decimals, match.start())


def _scale(match: re.Match[str]) -> str:
    """The name of the scale that stands behind a number, "" where there is none."""
    return " ".join((match["scale"] or "").lower().strip(") -").split())


def _made(match: re.Match[str], value: float, scale: float, decimals: int, start: int) -> Number:
    """A number with the unit that stands behind it, or before it."""
    unit: Unit = "points" if match["points"] or match["basis"] else "%" if match["percent"] or match["permille"] else ""
    if not unit and (match["currency"] or match.groupdict().get("money")):
        unit = "money"
    whole = value * scale / (100 if match["basis"] else 10 if match["permille"] else 1)
    return Number(whole, unit, start, match.end(), scale, decimals)


# -- words ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Token:
    """A word as text2num wants it."""

    word: str
    start: int
    end: int
    taken: bool

    def text(self) -> str:
        return self.word

    def nt_separated(self, previous: _Token) -> bool:
        return previous.taken or self.taken

    def not_a_number_part(self) -> bool:
        return self.taken


def _words(text: str, figures: Sequence[Number]) -> Iterator[Number]:
    """Yield the numbers in words; those that are part of `figures` or of a longer one are left out."""
    vague = [match.span() for match in _VAGUE_COUNT.finditer(text)]
    taken = [*((one.start, one.end) for one in figures), *vague]
    read = []
    for match in _TOKEN.finditer(text):
        inside = any(start < match.end() and match.start() < last for start, last in taken)
        word = match[0].encode("utf-8", "replace").decode()  # text2num takes no half of a surrogate pair
        read.append(_Token(word, match.start(), match.end(), inside or match[0].lower() in _VAGUE))
    spans = [
        (read[one.start].start, read[one.end - 1].end, one.value)
        for one in text_to_num.find_numbers(read, "en", 0.0)
        if not one.is_ordinal and not any(token.taken for token in read[one.start : one.end])
    ]
    spans += [(m.start(), m.end(), 6.0 if m["half"] else 12.0) for m in _DOZEN.finditer(text)]
    end = 0
    spans.sort()
    for place, (start, last, value) in enumerate(spans):
        if start < end:
            continue
        own = _SCALES.get(_TOKEN.findall(text[start:last])[-1].lower(), 1.0)  # of "a dozen", "two million"
        part = _PART_OF.search(text, 0, start)
        if part and (own > 1 or not part[0].lower().startswith("half") or part[0].split()[1:]):
            start, value = part.start(), value * (3 if part["three"] else 1) / (4 if part["quarter"] else 2)
        elif more := _AND_A_PART.match(text, last):
            value, last = value + own / (4 if more["quarter"] else 2), more.end()
            behind = spans[place + 1 : place + 2]
            if behind and text[last : behind[0][0]] == " " and behind[0][2] in _SCALES.values():
                value, last = value * behind[0][2], behind[0][1]
        if minus := _MINUS.search(text, 0, start):
            start, value = minus.start(), -value
        after = _AFTER_WORDS.match(text, last)
        assert after is not None  # all of it may be missing
        name = _scale(after)
        factor = _SCALES[name] if name else 1.0
        whole = value * factor
        fitting = (one for one in sorted(_SCALES.values(), reverse=True) if abs(whole) >= one and not whole % one)
        scale = next(fitting, 1.0)
        found = _made(after, whole, 1.0, 0, start)
        end = found.end
        yield replace(found, scale=scale)


def _shares(text: str) -> Iterator[Number]:
    """Yield shares in words as percentages, and parts of a percent."""
    for match in _PART_OF_POINT.finditer(text):
        value = (3 if match["three"] else 1) / (4 if match["quarter"] else 2)
        yield Number(value, "%" if match["percent"] else "points", match.start(), match.end(), decimals=2)
    for match in _SHARE.finditer(text):
        if match["half"]:
            yield Number(50.0, "%", match.start(), match.end(), slack=_LOOSE)
            continue
        count = 1 if match["count"].lower() == "a" else int(text_to_num.text2num(match["count"], "en"))
        share = 100 * count / _PARTS[match["part"].lower()]
        if share <= 100:
            yield Number(share, "%", match.start(), match.end(), slack=_LOOSE)


def _ranges(text: str, found: list[Number]) -> list[Number]:
    """Give the first number of a range the scale and unit of the last, and the last the currency of the first."""
    made = list(found)
    for place in range(len(found) - 1):
        one, other = made[place], made[place + 1]
        joint = _RANGE.fullmatch(text, one.end, other.start)
        if not joint or (joint[0].strip().lower() == "and" and not _BETWEEN.search(text, 0, one.start)):
            continue
        if one.scale == 1 < other.scale and 0 <= one.value < _SMALL and other.unit != "%":
            one = replace(one, value=one.value * other.scale, scale=other.scale)
        if not one.unit and other.unit:
            one = replace(one, unit=other.unit)
        if one.unit == "money" and not other.unit:
            other = replace(other, unit="money")
        made[place : place + 2] = [one, other]
    return made
