"""Amounts in a text, in the notations of news, as numbers that can be compared.

"$900,000", "900K", "0.9 million" and "nine hundred thousand" are one number. Does not know what a number counts.
text2num reads numbers in words; spaCy tells whether "double" is a verb.
"""

from __future__ import annotations

import calendar
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

import text_to_num

from citewire.qa import analysis

Unit = Literal["", "%", "points", "money", "times"]

_SCALES = {
    "dozen": 12.0, "hundred": 1e2,
    "k": 1e3, "thousand": 1e3, "lakh": 1e5, "lac": 1e5,
    "m": 1e6, "mn": 1e6, "mln": 1e6, "mio": 1e6, "million": 1e6, "millionen": 1e6, "cr": 1e7, "crore": 1e7,
    "b": 1e9, "bn": 1e9, "bln": 1e9, "mrd": 1e9, "milliard": 1e9, "milliarden": 1e9, "billion": 1e9,
    "tn": 1e12, "trn": 1e12, "trillion": 1e12,
}  # fmt: skip
_PARTS = {
    "half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "twentieth": 20, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_MULTIPLES = {  # lemma -> factor
    "double": 2.0, "twice": 2.0, "triple": 3.0, "treble": 3.0, "quadruple": 4.0, "quintuple": 5.0, "sextuple": 6.0,
    "halve": 0.5,
}  # fmt: skip
_WHOLE = r"(?:hundred|thousand|million(?:en)?|milliard(?:en)?|billion|trillion|dozen|lakh|lac|crore)s?"
_ABBREVIATED = "mln|mio|mrd|bln|trn"
_SYMBOLS = "$£¥₠-₿"
_CODES = "(?-i:USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|SEK|NOK|DKK|PLN|BRL|MXN|ZAR|SGD|HKD|NZD)"
_NAMED_MONEY = rf"""(?:[\s-](?:US[\s-])?
          (?:dollars?|euros?|pounds?|yuan|yen|rupees?|francs?|pesos?|rou?bles?|zlotys?|baht|ringgit|kron(?:or|er|a|e))\b
          |\s(?-i:kr|zł)\b|\s?{_CODES}\b|\s?[{_SYMBOLS}](?!\s?\d))"""
_BEHIND = rf"""(?:(?P<points>[\s-]?(?:percentage|pct\.?|per\s?cent)[\s-]?points?\b|\s?ppt?s?\b)
          |(?P<basis>[\s-]?(?:basis[\s-]points?|bps?)\b)
          |(?P<permille>\s?‰|\s?per\s?mille\b)
          |(?P<fold>[\s-]?fold\b|(?-i:x)\b(?!\s?\d)|×(?!\s?\d))
          |(?P<percent>\)?(?:\s?%|[\s-]?(?:per[\s-]?cent|pct|(?-i:pc))\b)))?
        (?P<currency>(?:(?<={_ABBREVIATED})\.(?=\s))?{_NAMED_MONEY})?"""
_RAISED = "[⁻⁺]?[⁰¹²³⁴-⁹]{1,2}"
_NARROW = {wide: one for wide in range(0xFE50, 0xFFE7) if len(one := unicodedata.normalize("NFKC", chr(wide))) == 1}
_THIN = "\u00a0\u2002-\u200a\u202f'’"  # between groups of digits
_MONTHS = "".join(rf"(?<!{month}\s)(?<!{month[:3]}\s)(?<!{month[:3]}\.\s)" for month in calendar.month_name if month)
_AMOUNT = re.compile(
    rf"""(?P<minus>(?<![\w.,%)\]–—-])[-−](?=[{_SYMBOLS}]?\.?\d)|\b(?:minus|negative)\s(?=[{_SYMBOLS}]?\d))?
        (?:(?P<money>(?:US|AU?|CA?|HK|NZ|S|R)?[{_SYMBOLS}]\s?|\bRs\.?\s?|\b{_CODES}\s?)
          (?:(?:(?<=[{_SYMBOLS}])|(?<=[{_SYMBOLS}]\s))(?P<debit>[-−])(?=\d))?|(?<![\w.,]))
        (?:
          (?P<mantissa>\d+(?:[.,]\d+)?)\s?[×x·⋅*]\s?10(?P<power>\^\s?[-−+]?\d{{1,2}}(?!\d)|{_RAISED}|−\d{{1,2}}(?!\d))
          |10(?P<ten>\^[-−+]?\d{{1,2}}(?!\d)|[⁻⁺]?(?:[⁴-⁹]|[¹²][⁰¹²³⁴-⁹]))
          |(?P<floating>\d+(?:\.\d+)?e[+-]?\d{{1,2}})\b
          |(?P<comma>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?)(?!\s?[¼-¾⅐-⅞])
          |(?P<dot>\d{{1,3}}(?:\.\d{{3}}){{2,}}(?:,\d+)?|\d{{1,3}}(?:\.\d{{3}})+,\d\d?(?!\d)
            |(?:(?<=€)|(?<=€\s)|(?<=EUR\s))[1-9]\d{{0,2}}\.000(?!\d)|[1-9]\d{{0,2}}\.000(?=\s?(?:€|EUR\b|euros?\b))
            |0,\d+|(?<![(\[])\d+,\d\d?(?!\d|[.,]\d))
          |(?P<apart>[1-9]\d{{0,2}}(?:(?:[{_THIN}]\d{{3}})+|(?:\x20\d{{3}}){{2,}})(?:[.,]\d\d?(?!\d))?
            # "5 000", "€5 300", "5 300,50" and "5 300 €", but "May 5 300 people"
            |(?<!\d\x20){_MONTHS}[1-9]\d{{0,2}}\x20(?:0\d\d|\d{{3}}(?=[.,]\d\d?(?!\d)|{_NAMED_MONEY}))(?:[.,]\d\d?(?!\d))?
            |(?<=[{_SYMBOLS}])[1-9]\d{{0,2}}\x20\d{{3}}(?:[.,]\d\d?(?!\d))?)(?!\d)
          |(?:(?P<wholes>\d{{1,3}})[\s-])?(?P<over>\d{{1,2}}⁄[1-9]\d?|(?<=\d[\s-])[1-9]/(?:[2-5]|8|16)(?![\d/])
            |(?<!/)[1-9]\d?/(?:[2-9]|[1-9]\d)(?=\sof\b(?!\s(?:\d|this\b|last\b|next\b))
              |[\s-](?:majority|miles?|inch|in\.|cups?|pints?|pounds?|ounces?|lb|oz|acres?|hours?|tea|table)
              |\s(?:and|to|or)\s[1-9]/[2-9]\sof\b))
          |(?P<plain>(?:\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?)\s?)?(?P<vulgar>[¼-¾⅐-⅞])
          |(?P<digits>(?:\d+(?:\.\d+)?|\.\d+)(?!\.?\d))(?P<half>[\s-]and[\s-]a[\s-](?:half|(?P<fourth>quarter))\b)?
        )
        (?P<scale>\)?(?:[\s-]?(?:{_WHOLE}|cr|{_ABBREVIATED}|mn|bn|tn|[kmb])\b)(?:[\s-](?:thousand|million|billion|crore)s?\b)?)?
        {_BEHIND}""",
    re.VERBOSE | re.IGNORECASE,
)
_AFTER_WORDS = re.compile(rf"(?P<scale>(?:[\s-]{_WHOLE}\b){{1,2}})?{_BEHIND}", re.VERBOSE | re.IGNORECASE)
# "1.2m tall", "the 100m race", "5 m/s": metres.
_METRES = re.compile(
    r"[\s-](?:tall|high|long|wide|deep|thick|away|above|below|apart|across|race|sprint|dash|final|hurdles|freestyle"
    r"|butterfly|backstroke|relay)\b|[/²³]",
    re.IGNORECASE,
)
_AND_A_PART = re.compile(r"[\s-]and[\s-]a[\s-](?:half|(?P<quarter>quarter))\b", re.IGNORECASE)
_MINUS = re.compile(r"\b(?:minus|negative)\s$", re.IGNORECASE)
# "$(1.2)", "(12.5)%", "(114) million" of a table of accounts.
_LOSS = re.compile(rf"([$£€]\s?)\((\d[\d.,]*)\)|\((\d[\d.,]*)\)(?=%|\s(?:{_WHOLE}|per\s?cent)\b)", re.IGNORECASE)
_COUNT = "an?|one|two|three|four|five|six|seven|eight|nine"
_PART = f"(?:{'|'.join(_PARTS)})"
# "a quarter of a million", "three-quarter million", "half a crore", "half-dozen"; text2num reads no "a trillion".
_PART_OF = re.compile(
    rf"""\b(?:(?:(?!a[\s-]half[\s-](?!of))(?P<count>{_COUNT})[\s-])?(?P<part>{_PART})s?[\s-]
          (?:of[\s-]an?[\s-]|(?<=half[\s-])(?:an?[\s-])?|(?:(?<=quarter[\s-])|(?<=quarters[\s-]))(?(count)|(?<=r-)))
        |an?\s(?=dozen|trillion|lakh|crore))(?P<scale>{_WHOLE})\b""",
    re.VERBOSE | re.IGNORECASE,
)
_OF_A_WHOLE = re.compile(rf"\sof\san?(?P<scale>\s{_WHOLE})\b{_BEHIND}", re.VERBOSE | re.IGNORECASE)
# "a quarter-point cut", "half a percentage point", "three tenths of a percent"; not "third-quarter point".
_PART_OF_POINT = re.compile(
    rf"""(?<!first[\s-])(?<!second[\s-])(?<!third[\s-])(?<!fourth[\s-])\b(?:(?P<count>{_COUNT})[\s-])?
        (?:(?P<part>{_PART})s?[\s-]of[\s-](?:(?:an?|one)[\s-]|1\s?)|(?P<short>half|quarter)s?[\s-](?:an?[\s-])?)
        (?:percentage[\s-]points?\b|(?P<percent>per\s?cent\b|%)|point\b)""",
    re.VERBOSE | re.IGNORECASE,
)
# A share: "two-thirds", "a quarter of the seats", "half the seats"; not "third quarter" or a quarter of a year.
_SHARE = re.compile(
    rf"(?<!first\s)(?<!second\s)(?<!latter\s)\b(?:(?P<count>{_COUNT})[\s-])?(?P<part>{_PART})(?P<many>s)?\b",
    re.IGNORECASE,
)
_BEFORE_A_SHARE = re.compile(
    r"\b(?:by|than|nearly|almost|about|roughly|over|under|around|only|just|fell|rose|down|up)\s$", re.IGNORECASE
)
_OF_A_SHARE = re.compile(
    r"\sof\b(?!\s(?:\d|the\s(?:year|season|game)))|[\s-]majority\b"
    r"|\s(?:fewer|less|more|lower|higher|larger|bigger|smaller|cheaper|faster|slower)\b",
    re.IGNORECASE,
)
_OF_HALF = re.compile(r"\s(?:of|the|its|their|his|her|our|all|as)\b", re.IGNORECASE)
_BEHIND_A_SHARE = re.compile(  # what follows "by a third", not "by a third party"
    r"\s*(?:[.,;:!?)”\"]|\Z)|\s(?:in|to|from|since|on|this|last|after|when|at|and|or|but|compared|while|for|between"
    r"|because|during|were|are|was|is|had|have|has|said|say)\b",
    re.IGNORECASE,
)
_ANOTHER = rf"(?:(?:{_COUNT})[\s-]{_PART}s?|half)"
_TO_ANOTHER = re.compile(rf"\s(?:to\s{_ANOTHER}\b|(?:and|or)\s{_ANOTHER}\sof\b(?!\s\d))", re.IGNORECASE)
_ANOTHER_TO = re.compile(rf"\b{_ANOTHER}\sto\s$", re.IGNORECASE)
_TO_A_SHARE = re.compile(r"\s(?:and|to|or)\s[1-9]/[2-9]\sof\b", re.IGNORECASE)
_NO_SHARES = re.compile(r"\s(?:in|ago|of\s\d|after|before)", re.IGNORECASE)  # "two quarters in a row"
# "one in five", "nine out of ten", "one of every three"
_RATIO = re.compile(
    r"\s(?:(?P<inside>in)|out\sof|of(?=\s(?:every|each)\b))\s(?P<every>(?:every|each)\s)?(?:an?\s)?", re.IGNORECASE
)
_IN_TIME = re.compile(r"[\s-](?:second|minute|hour|day|week|month|season|year|decade|centur)|-|[,.:/]\d", re.IGNORECASE)
_RANKED = re.compile(r"(?:\bnumber|\bno\.|#)\s?$", re.IGNORECASE)
_FOLD = re.compile(r"\b(?:[a-z]+-to-)?([a-z]+(?:-[a-z]+){0,3}?)-?fold\b", re.IGNORECASE)
_MULTIPLE = re.compile(r"\b(?:doubl|twice|tripl|trebl|quadrupl|quintupl|sextupl|halv)[a-z]*", re.IGNORECASE)
_MULTIPLIED = frozenset("as the its their his her that what".split())  # "twice as many", "double the number"
_LOOSE = 0.05  # relative error of a share in words: "a fifth" means 19 to 21%, "two-thirds" 66 or 67%
_MOST_LOOSE = 1.0  # percent
_ABOUT = r"(?:(?:about|around|roughly|some|nearly|almost|perhaps|maybe|possibly|even|plus|as\s(?:much|many)\sas)\s)?"
_RANGE = re.compile(
    rf"\s?[-‑‒–−]\s?|—|-to-|-?\s(?:to|(?P<both>and)|(?P<either>or))\s{_ABOUT}|,\s(?:perhaps|maybe|possibly|even)\s",
    re.IGNORECASE,
)
_BEGUN = re.compile(rf"\b(?:(?P<both>between)|from)\s{_ABOUT}$", re.IGNORECASE)  # what a range begins with
_HUNDRED = re.compile(rf"\bhundred[\s-]{_WHOLE}\b", re.IGNORECASE)
# No "9:30", "Covid-19", "May 3", "2019".
_AMOUNT_HERE = re.compile(rf"(?<!:)(?<![a-z]-){_MONTHS}(?!(?:1[89]|20)\d\d(?!\d))", re.IGNORECASE)
# "gave $2 to 3 million people", "paid $5 to 10-year-olds", "fined $500 or 600 hours": no range.
_GIVES = re.compile(r"\b(?:g[ai]v|pa(?:y|id)|sen[dt]|offer|grant|len[dt]|donat|award|hand|mail|promis)", re.IGNORECASE)
_MANY = re.compile(r"[\s-](?:(?!(?:as|is|was|has|its|this|plus|bonus|[a-z]+ss)\b)[a-z-]+s|people|men|women|children)\b")
_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
_VAGUE = frozenset(("tens", "hundreds", "thousands", "millions", "billions", "trillions"))  # not numbers
_VAGUE_COUNT = re.compile(
    r"\b(?:(?:few|several|many|couple(?:\sof)?)\s(?:hundred|thousand|million|billion|trillion|dozen)"
    r"|no\sone|(?:five|six|seven|eight|nine)(?:-figures?|\sfigures))\b",
    re.IGNORECASE,
)
_NEAR = 40  # characters
_SMALL = 1000.0  # "3-5 billion" means billions twice, "900,000 to 1.2 million" does not
_CURRENCIES = (  # the first pattern that matches an amount counts
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
    (r"kron|\bkr\b", "kroner"),
    (r"zlot|zł|PLN", "zlotys"),
)

_OTHER_CURRENCY = re.compile(r"[¥₠-₿]|\b[A-Z]{3}\b")  # compared as written; "¥" is yen or yuan


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes:
        value: in full: "2.0 billion" is 2e9, "25 basis points" 0.25, "one in five" 20 (percent), "-4" is -4.
        unit: "points" are percentage points, "times" are multiples: "doubled" is 2.
        start, end: offsets into the text.
        scale, decimals: as written; "2.0 billion" has 1e9 and 1, "25 basis points" 0.01 and 0.
        slack: absolute error that the wording allows: "two-thirds" for 66 or 67%.
        counts: the numbers of a share, such as 1 and 5 for "one in five".
    """

    value: float
    unit: Unit
    start: int
    end: int
    scale: float = field(default=1.0, compare=False)
    decimals: int = field(default=0, compare=False)
    slack: float = field(default=0.0, compare=False)
    counts: tuple[float, ...] = field(default=(), compare=False)

    def matches(self, other: Number) -> bool:
        """Return whether both are the same amount; the units need to agree only if one is "%" or "points".

        The sign of a percentage is ignored, as in "fell 4%" and "-4%". "Doubled" equals "rose by 100%". A number
        without a unit also matches the counts of a share.
        """
        one, two = self.value, other.value
        units = {self.unit, other.unit}
        if units == {"times", "%"}:
            one, two = (100 * abs(n.value - 1) if n.unit == "times" else n.value for n in (self, other))
        if "%" in units:
            one, two = abs(one), abs(two)
        near = max(self.slack, other.slack, 1e-9 * max(abs(one), abs(two), 1.0))
        same = self.unit == other.unit or not {"%", "points"} & units or units == {"times", "%"}
        counted = any(a.value in b.counts and not a.unit for a, b in ((self, other), (other, self)))
        return counted or (abs(one - two) <= near and same)


def numbers(text: str) -> list[Number]:
    """Return the numbers of `text` in order, in digits or words, with scale, currency or percent; no ordinals.

    >>> [number.value for number in numbers("Half a million people, ₹4,50,000 and $3-5 billion")]
    [500000.0, 450000.0, 3000000000.0, 5000000000.0]
    """
    text = _LOSS.sub(_negative, text.translate(_NARROW))
    found = list(_points(text))
    ends = [one.end for one in found]  # the "1%" of "a third of 1%"
    found += [figure for match in _AMOUNT.finditer(text) if (figure := _figure(match)).end not in ends]
    others = (*_words(text, found), *_shares(text), *_multiples(text))
    for one in sorted(others, key=lambda one: one.start - one.end):
        if not any(one.start < other.end and other.start < one.end for other in found):  # longer ones come first
            found.append(one)
    return _ranges(text, _ratios(text, sorted(found, key=lambda one: one.start)))


def currency(amount: str) -> str:
    """Return the currency of an amount of money as written ("US$5 million"): "dollars"; "" if it names none."""
    named = next((name for pattern, name in _CURRENCIES if re.search(pattern, amount, re.IGNORECASE)), "")
    other = _OTHER_CURRENCY.search(amount)
    return named or (other[0] if other else "")


def _figure(match: re.Match[str]) -> Number:
    if match["over"] or (match["vulgar"] and not match["plain"]):
        return _fraction(match)
    value, decimals, power = _value(match)
    factor = _factor(match["scale"] or "")
    # "5 m" is metres as often as millions: a lone letter is a scale only in money or directly after the digits.
    letter = (match["scale"] or "").strip(") -")
    if len(letter) == 1 and not match["money"]:
        metres = letter in "mM" and _METRES.match(match.string, match.end("scale"))
        factor = 1.0 if metres or not match["scale"][0].isalpha() else factor
    return _made(match, -value if match["minus"] or match["debit"] else value, power * factor, decimals, match.start())


def _value(match: re.Match[str]) -> tuple[float, int, float]:
    """Return an amount's digits as a number, the number of decimals, and the power of ten."""
    if match["floating"]:
        mantissa, power = match["floating"].lower().split("e")
    elif exponent := match["power"] or match["ten"]:
        mantissa = (match["mantissa"] or "1").replace(",", ".")
        power = unicodedata.normalize("NFKC", exponent).replace("−", "-").lstrip("^ ")
    else:
        mantissa, power = _plain(match), "0"
    part = unicodedata.numeric(match["vulgar"]) if match["vulgar"] else 0.0
    part += 0.25 if match["fourth"] else 0.5 if match["half"] else 0.0
    decimals = len(mantissa.partition(".")[2]) or len(f"{part:g}"[2:4])
    return float(mantissa) + part, decimals, 10.0 ** int(power)


def _plain(match: re.Match[str]) -> str:
    """Return the digits of an amount without group separators, with a decimal point."""
    if written := match["digits"] or match["plain"]:
        return written.strip().replace(",", "")
    if match["comma"]:
        return match["comma"].replace(",", "")
    if match["apart"]:
        whole, decimal = re.fullmatch(r"(.+?)(?:[.,](\d\d?))?", match["apart"]).groups("")  # type: ignore[union-attr]
        return "".join(filter(str.isdigit, whole)) + (f".{decimal}" if decimal else "")
    if match["dot"].endswith(".000") and "," not in match["dot"]:
        return match["dot"].replace(".", "")
    return match["dot"].replace(".", "").replace(",", ".")


def _fraction(match: re.Match[str]) -> Number:
    """Return the number of "3/4" or "¾": a percentage before "of", as for shares in words."""
    over, _, under = (match["over"] or "").replace("/", "⁄").partition("⁄")
    value = int(over) / int(under) if over else unicodedata.numeric(match["vulgar"])
    value += int(match["wholes"] or 0)
    decimals, text, end = len(f"{value:.3f}".rstrip("0")) - 2, match.string, match.end()
    if whole := _OF_A_WHOLE.match(text, end):
        return _made(whole, value, _factor(whole["scale"]), decimals, match.start())
    if value < 1 and match["scale"] is None and _is_share(text, end):
        return Number(100 * value, "%", match.start(), end, slack=_slack(100 * value))
    return _made(match, -value if match["minus"] else value, _factor(match["scale"] or ""), decimals, match.start())


def _negative(loss: re.Match[str]) -> str:
    """A negative amount with a minus, as long as before; "(3)" of "three (3) million" only repeats a word."""
    before = loss.string[max(0, loss.start() - _NEAR) : loss.start()].split()[-1:]
    with suppress(ValueError):
        text_to_num.text2num("".join(before).lower(), "en")
        return loss[0]
    return f"{loss[1] or ''}-{loss[2] or loss[3]})"


def _is_share(text: str, end: int) -> bool:
    """Whether a fraction in digits is a share of something, also the first one in "between 1/3 and 1/2 of them"."""
    return bool(_OF_A_SHARE.match(text, end) or _TO_A_SHARE.match(text, end))


def _factor(scale: str) -> float:
    """Return the product of the words of a scale: 1e9 for "thousand million", 1 for none."""
    words = re.split(r"[\s-]+", scale.lower().strip(") -"))
    return math.prod(_SCALES.get(word) or _SCALES[word.removesuffix("s")] for word in words if word)


def _made(match: re.Match[str], value: float, scale: float, decimals: int, start: int) -> Number:
    """A number with the unit after or before it."""
    unit: Unit = "points" if match["points"] or match["basis"] else "%" if match["percent"] or match["permille"] else ""
    if not unit and (match["currency"] or match.groupdict().get("money")):
        unit = "money"
    elif match["fold"]:
        unit = "times"
    part = 100 if match["basis"] else 10 if match["permille"] else 1
    return Number(value * scale / part, unit, start, match.end(), scale / part, decimals)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word with the methods that text2num calls."""

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
    """Yield the numbers in words, without those inside `figures` or a longer number."""
    vague = [match.span() for match in _VAGUE_COUNT.finditer(text)]
    taken = [*((one.start, one.end) for one in figures), *vague]
    read = []
    for match in _TOKEN.finditer(text):
        inside = any(start < match.end() and match.start() < last for start, last in taken)
        word = match[0].encode("utf-8", "replace").decode()  # text2num fails on lone surrogates
        read.append(_Token(word, match.start(), match.end(), inside or match[0].lower() in _VAGUE))
    spans = [
        (read[one.start].start, read[one.end - 1].end, one.value)
        for one in text_to_num.find_numbers(read, "en", 0.0)
        if not one.is_ordinal and not any(token.taken for token in read[one.start : one.end])
    ]
    spans += [
        (m.start(), m.end(), _factor(m["scale"]) * _share(m["count"], m["part"])) for m in _PART_OF.finditer(text)
    ]
    end = 0
    for start, last, value in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start < end:
            continue
        own = _SCALES.get(_TOKEN.findall(text[start:last])[-1].lower(), 1.0)  # scale of "a dozen", "two million"
        if more := _AND_A_PART.match(text, last):
            value, last = value + own / (4 if more["quarter"] else 2), more.end()
        if minus := _MINUS.search(text, 0, start):
            start, value = minus.start(), -value
        after = _AFTER_WORDS.match(text, last)
        assert after is not None  # every part of the pattern is optional
        factor = _factor(after["scale"] or "")
        whole, scale = value * factor, own if factor == 1 else factor
        scale = 1.0 if scale <= 100 and whole % scale else scale  # half a dozen is six
        found = _made(after, whole, 1.0, len(f"{whole / scale:.3f}".rstrip("0").partition(".")[2]), start)
        end = found.end
        yield replace(found, scale=min(found.scale, scale) if found.scale < 1 else scale)


def _share(count: str | None, part: str | None) -> float:
    """Return the share for "three" and "quarter": 0.75; "a" and None count as one, no part is the whole."""
    counted = 1 if count is None or count.lower() in ("a", "an") else text_to_num.text2num(count, "en")
    return counted / (_PARTS[part.lower()] if part else 1)


def _slack(share: float) -> float:
    return min(_MOST_LOOSE, _LOOSE * share)


def _points(text: str) -> Iterator[Number]:
    """Yield parts of a percent or of a point."""
    for match in _PART_OF_POINT.finditer(text):
        value = _share(match["count"], match["part"] or match["short"])
        yield Number(value, "%" if match["percent"] else "points", match.start(), match.end(), decimals=2)


def _shares(text: str) -> Iterator[Number]:
    """Yield shares in words as percentages."""
    for match in _SHARE.finditer(text):
        share = 100 * _share(match["count"], match["part"])
        if share <= 100 and _shares_out(match):
            yield Number(share, "%", match.start(), match.end(), slack=_slack(share))


def _shares_out(match: re.Match[str]) -> bool:
    """Whether words such as "a third" are a share, not an ordinal, a half of a game or a quarter of a year."""
    text, part, count = match.string, match["part"].lower(), (match["count"] or "").lower()
    before = _BEFORE_A_SHARE.search(text, 0, match.start())
    joined = _TO_ANOTHER.match(text, match.end()) or _ANOTHER_TO.search(
        text, max(0, match.start() - _NEAR), match.start()
    )
    goes_with = joined or (before and _BEHIND_A_SHARE.match(text, match.end()))
    if not count:
        return part == "half" and bool(_OF_HALF.match(text, match.end()) or goes_with)
    if match["many"]:
        return not _NO_SHARES.match(text, match.end())
    if part == "half" and count == "a" and not (before or joined):
        return bool(_OF_A_SHARE.match(text, match.end()))
    sure = count not in ("a", "an") and (part != "quarter" or "-" in match[0])  # "one third" is no ordinal
    return sure or bool(goes_with or _OF_A_SHARE.match(text, match.end()))


def _multiples(text: str) -> Iterator[Number]:
    """Yield multiples: "fourfold", "doubled", "twice as many"."""
    for match in _FOLD.finditer(text):
        try:
            value = float(text_to_num.text2num(match[1].lower(), "en"))
        except ValueError:  # "manifold"
            continue
        yield Number(value, "times", match.start(1), match.end())
    if not _MULTIPLE.search(text):
        return
    doc = analysis.read(text)
    for token in doc:
        factor = _MULTIPLES.get(token.lower_) or _MULTIPLES.get(token.lemma_.lower())
        if not factor:
            continue
        after = doc[token.i + 1].lower_ if token.i + 1 < len(doc) else ""
        # Not "double down", "double back" or "double as".
        grows = token.pos_ == "VERB" and after != "as" and all(child.dep_ != "prt" for child in token.children)
        if grows or (token.pos_ != "VERB" and after in _MULTIPLIED):
            yield Number(factor, "times", token.idx, token.idx + len(token), slack=_LOOSE * factor)


def _ratios(text: str, found: list[Number]) -> list[Number]:
    """Join the numbers of "one in five" and "9 out of 10" to a share, not "three in five years" or "23 of 25 firms"."""
    made: list[Number] = []
    for one in found:
        few = made[-1] if made else None
        joint = few and _RATIO.fullmatch(text, few.end, one.start)
        if few and joint and _is_ratio(text, few, one, joint):
            share = 100 * few.value / one.value
            counts = (few.value, one.value)
            made[-1] = Number(share, "%", few.start, one.end, slack=_slack(share), counts=counts)
        else:
            made.append(one)
    return made


def _is_ratio(text: str, few: Number, many: Number, joint: re.Match[str]) -> bool:
    if few.unit or many.unit or not 0 < few.value < many.value or _IN_TIME.match(text, many.end):
        return False
    if joint["every"]:
        return True
    rounded = many.value <= 10 or math.log10(many.value).is_integer()
    if not joint["inside"]:
        return rounded
    if _RANKED.search(text, 0, few.start) or not few.value.is_integer():
        return False
    year = many.value in range(1800, 2101) and many.scale == 1
    return (few.value == 1 and not year) or (few.value <= 10 and rounded)


def _ranges(text: str, found: list[Number]) -> list[Number]:
    """Give the first number of a range the scale and unit of the last, and the last the currency of the first."""
    made = list(found)
    for place in range(len(found) - 1):
        one, other = made[place], made[place + 1]
        joint = _RANGE.fullmatch(text, one.end, other.start)
        begun = _BEGUN.search(text, max(0, one.start - _NEAR), one.start)
        if not joint or (joint["both"] and not (begun and begun["both"])) or not _is_range(text, one, other, joint):
            continue
        scales = [1.0] if other.scale >= 1 else []  # "25-50 bps": none but that of both
        if one.scale in (1, 100) and one.unit in ("", "money") and (one.value < _SMALL or other.scale < 1):
            scales.insert(0, other.scale)
            if _HUNDRED.search(text, other.start, other.end):
                scales.insert(0, 100 * other.scale)
        way = "or" if joint["either"] else "from" if begun else ""
        if scale := next((scale for scale in scales if _fits(one.value, other.value, scale, way)), None):
            unit, own = one.unit or other.unit, one.scale if scale == 1 else scale
            one = replace(one, value=one.value * scale, unit=unit, scale=own)
            made[place : place + 2] = [one, replace(other, unit=unit)]
    return made


def _is_range(text: str, one: Number, other: Number, joint: re.Match[str]) -> bool:
    """Whether two numbers can be a range: no "12% to $5", "doubled to 4%", "in 2019 to 5%", "gave $2 to 3 people"."""
    no_amount = not _AMOUNT_HERE.match(text, one.start) or any(_MULTIPLE.match(text, n.start) for n in (one, other))
    if no_amount or one.scale > max(100, other.scale):
        return False
    if one.unit != "money" or other.unit:
        return one.unit in ("", other.unit)
    apart = joint["either"] or _GIVES.search(text, max(0, one.start - _NEAR), one.start)
    return not (apart and _MANY.match(text, other.end))


def _fits(one: float, other: float, scale: float, way: str) -> bool:
    """Whether a range goes up, or down to what is near: "900 to 1.2 million" does not begin with 900 million."""
    low, high = abs(one * scale), abs(other)
    if way == "or":
        return low < high <= 2 * low  # "two or three million", but "5 or 90% of them"
    near = low <= 10 * high
    falls = near or way if scale <= 1 else near and way and scale >= _SMALL
    return one * scale < other or low < high or bool(falls)
