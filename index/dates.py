"""A text -> its date expressions with the days that they mean, and the day of publication that it states.

Knows English dates in news, Gregorian calendar, years 1500 to 2199. A date expression has the extent of a TIMEX3 of
TimeML (Pustejovsky et al. 2003), that is, without its preposition: "Monday" in "on Monday". Ambiguous expressions
("next Friday" on a Wednesday, 03/04/2025, fiscal years) are left out: a missing date costs a reader less than a
wrong one. Does not know metadata, files or other languages.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from citewire.index.errors import InputError
from citewire.index.types import DateMention

FIRST_YEAR, LAST_YEAR = 1500, 2199
NEAR_DAYS = 60  # "June 20" in an article of June 12 means eight days later, not last year
NEAR_MONTHS = 2  # "in July" in an article of June is ambiguous: this year or last year

HEAD_LINES = 15  # first lines in which a day of publication is looked for; FOOT_LINES: last lines
HEAD_CHARACTERS = 3_000  # these lines are at most this far from the start or end of the text
PROSE_WORDS = 25  # a line with as many words is the first paragraph; no day of publication follows it
FOOT_LINES = 8

_S = r"(?:[^\S\n]{1,2}|\n)"
_MONTH = (
    r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|Jun(?:e|\.)?|Jul(?:y|\.)?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)(?![^\W\d])"
)
_OTHER_MONTH = _MONTH.replace("?P<month>", "?:")
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_YEAR = r"(?:1[5-9]|2[01])[0-9]{2}(?![0-9])"
_DAY = r"[0-3]?[0-9](?![0-9])(?:st|nd|rd|th)?"
_TO = r"\s?(?:[-–—]|\bto\b|\bthrough\b|\buntil\b|\band\b)\s?"
_COUNTED = (  # after a number: it is a quantity, not a year or a day
    r"(?:[%°]|[.,:]?[0-9]|[-‐](?!based)\w|" + _S + r"(?:percent|per cent|[mb]illion|people|men|women|children|miles?"
    r"|km|kilomet\w+|met(?:er|re)s?|feet|yards?|dollars?|euros?|pounds?|points?|hours?|minutes?|seconds?|times|votes"
    r"|days|weeks|months|years|GMT|UTC|[ap]\.?m\b|o['’]clock|block|calories|tons|tonnes)\b)"
)
_NUMBERS = {
    word: number
    for number, words in enumerate("- a|an|one two three four five six seven eight nine ten eleven twelve".split())
    for word in words.split("|")
} | {"twenty": 20}
_NUMBER = r"(?:[1-9][0-9]?|" + "|".join(list(_NUMBERS)[1:]) + ")"
_UNIT = r"(?P<unit>day|week|month|year)"

# Where a date expression may begin; the group's name selects the rules to try. The first lookahead halves the time.
_ANCHOR = re.compile(
    r"\b(?=[JFMASONDTWQHLYEtylnpeoafs0-9])(?:"
    r"(?P<month>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?=[a-z]{0,6}\b))"
    rf"|(?P<weekday>{_WEEKDAY}\b)"
    r"|(?P<number>(?<![.,$€£#/+@\w])(?<!(?<!mid)[-–])[0-9](?=[0-9]{3}(?![0-9])|[0-9]?(?:[-–/.\s]|st|nd|rd|th)))"
    r"|(?P<word>[Tt]oday\b|[Tt]onight\b|[Tt]omorrow\b|[Yy]esterday\b|[Ll]ater\sthis\s|[Ee]arlier\sthis\s"
    r"|(?:[Tt]his|[Ll]ast|[Nn]ext|past)\s[1-9acdefmnpqstwyADFJMNOSTW]|[QH][1-4]\b|[Oo]ver\sthe\sweekend"
    r"|(?:[Ff]irst|[Ss]econd|[Tt]hird|[Ff]ourth)[\s-](?:quarter|half)"
    r"|(?:[Aa]n?|[Oo]ne|[Tt]wo|[Tt]hree|[Tt]en|[Tt]welve|[Tt]wenty|[Ff]our|[Ff]ive|[Ss]ix|[Ss]even|[Ee]ight|[Ee]leven"
    r"|[Nn]ine)\s(?:day|week|month|year)s?\sago))"
)

_MONTH_DAY = re.compile(
    rf"(?:{_WEEKDAY},?{_S})?{_MONTH}{_S}(?P<day>{_DAY})(?:\s?(?:[-–]|to|through)\s?(?P<until>{_DAY})(?!{_COUNTED}))?"
    rf"(?:,?{_S}(?P<year>{_YEAR})(?!{_COUNTED})|(?!{_COUNTED}))"
)
_DAY_MONTH = re.compile(
    rf"(?:{_WEEKDAY},?{_S})?(?:the{_S})?(?P<day>{_DAY})(?:\s?(?:[-–]|to|and)\s?(?P<until>{_DAY}))?"
    rf"{_S}(?:of{_S})?{_MONTH}(?:,?{_S}(?P<year>{_YEAR})(?!{_COUNTED}))?"
)
_YEAR_OF_RANGE = re.compile(
    rf"{_TO}(?:{_OTHER_MONTH}{_S})?(?:{_DAY}{_S}{_OTHER_MONTH}|{_DAY},?)?{_S}?(?P<year>{_YEAR})(?!{_COUNTED})"
)
_MONTH_YEAR = re.compile(
    rf"{_MONTH}(?:(?:,|{_S}of)?{_S}(?P<year>{_YEAR})(?!{_COUNTED})|{_S}of{_S}(?P<which>this|last|next){_S}year\b)"
)
_MONTH_ALONE = re.compile(rf"{_MONTH}(?!{_S}(?:[0-9]|Madness|for\b|on{_S}Washington))")
_ISO = re.compile(r"(?P<year>[0-9]{4})([-/])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})(?![-/0-9])")
_SLASHED = re.compile(r"(?P<one>[0-9]{1,2})([/.])(?P<two>[0-9]{1,2})\2(?P<year>[0-9]{4})(?![-/0-9]|\.[0-9])")
_DECADE = re.compile(r"(?P<year>(?:1[5-9]|20)[0-9]0)s\b")
_YEARS = re.compile(rf"(?P<year>{_YEAR})\s?[-–/]\s?(?P<until>{_YEAR}|[0-9]{{2}})(?![-–/0-9])(?!{_COUNTED})")
_ONE_YEAR = re.compile(rf"(?P<year>{_YEAR})(?!{_COUNTED})")
_NEXT_YEAR = re.compile(
    rf"(?:,\s|\s?[-–]\s?|,?\s(?:and|or|to|through|until|versus|vs\.?)\s)(?=(?P<year>{_YEAR})(?!{_COUNTED}))"
)
_PART = re.compile(
    rf"(?:(?P<ordinal>first|second|third|fourth)(?:{_S}|-)(?P<part>quarter|half)|(?P<letter>[QH])(?P<digit>[1-4]))"
    rf"(?:{_S}of|,)?{_S}(?:(?P<year>{_YEAR})|(?P<which>this|last|next){_S}year)\b",
    re.IGNORECASE,
)
_AGO = re.compile(rf"(?P<count>{_NUMBER}){_S}{_UNIT}s?{_S}ago\b", re.IGNORECASE)
_DAY_WORD = re.compile(r"(?:this (?:morning|afternoon|evening)|last night|to(?:day|night|morrow)|yesterday)\b", re.I)
_PERIOD = re.compile(
    r"(?:(?P<part>earlier|later)\s(?=this))?(?P<which>this|last|next)\s(?P<unit>week(?:end)?|month|quarter|year)\b"
    r"(?!\send\b)",
    re.IGNORECASE,
)
_ROLLING = re.compile(rf"(?P<which>last|past|next)\s(?:(?P<count>{_NUMBER})\s)?{_UNIT}s?\b(?!\sof\b)", re.IGNORECASE)
_OVER_WEEKEND = re.compile(r"over the weekend\b", re.IGNORECASE)
_CHOSEN_WEEKDAY = re.compile(
    rf"(?P<which>this past|this coming|last|next|this)\s(?P<day>{_WEEKDAY})\b(?!\s(?:of|night\sLive)\b)", re.IGNORECASE
)
_CHOSEN_MONTH = re.compile(rf"(?P<which>[Ll]ast|[Nn]ext|[Tt]his){_S}{_MONTH}(?!{_S}[0-9])")
_WEEKDAY_ALONE = re.compile(
    rf"(?P<day>{_WEEKDAY})\b(?!\s?(?:[-–]|to\b|through\b)\s?{_WEEKDAY}|\s(?:of|the|school|service)\b"
    r"|\s(?:Night|Times|Mirror|Telegraph|Express|Mail|Herald|Post|Evening|School|Addams|Independent)\b)"
)

# The context of a date expression; patterns that end in "$" match the text before it.
_BEFORE_YEAR = re.compile(
    r"\b(?:in|since|during|between|until|till|early|mid|late|spring|summer|autumn|fall|winter"
    r"|(?<!fiscal )(?<!financial )year)"
    r"[\s-](?:the\syear\s)?$",
    re.IGNORECASE,
)
_WEAKLY_BEFORE_YEAR = re.compile(r"\b(?:of|for|by|from|around|before|after|through)\s$", re.IGNORECASE)
_DEFINITE = re.compile(r"(?:\b(?:the|its|his|her|their|a)|['’]s)\s$", re.IGNORECASE)
_EVENT = re.compile(
    r"\s(?:(?:[A-Z]\w+|presidential|general|midterm|primary|parliamentary|federal|local|financial|debt|budget)\s){0,2}"
    r"(?:elections?|midterms?|race|primary|primaries|campaign|referendum|vote|census|Olympics?|Games|Cup|Super\sBowl"
    r"|season|draft|tournament|finals?|championships?|crisis|crash|recession|pandemic|budget|law|report|survey|study"
    r"|film|movie|album|song|novel|book|agreement|deal|treaty|accord|invasion|attacks?|coup|war"
    r"|deaths?|killings?|murders?|shootings?|ruling|merger|measure)\b"
)
_PLURAL_AFTER = re.compile(r"(?:\sto\s[0-9][0-9,.]*)?\s(?:[a-z]+[^s\W]s|people)\b")
_BEFORE_MONTH = re.compile(
    r"\b(?:in|since|during|early|mid|late|(?:end|start|beginning|middle|month)\sof)[\s-]$", re.IGNORECASE
)
_BEFORE_SPAN_OF_MONTHS = re.compile(r"\b(?:between|from|through|to|until|and)\s$", re.IGNORECASE)
_NAMES = ("May", "April", "June", "August")  # months that are also names of people
_NO_WEEKDAY = re.compile(
    r"(?:\b(?:every|each|any|an?|one|the|that|following|previous|same|other|another|most|some|of|on[cl]\w|first|second"
    r"|third|fourth|final|ago|Black|Good|Cyber|Super|Giving|Bloody|Palm|Easter|Ash|Holy|Fat|Shrove|Maundy|Whit|Freaky"
    r"|to|through|alternate|[Ll]ast|[Nn]ext|[Tt]his|past|coming)\s|[-–]\s?)$"
)
_OPEN_WEEKDAY = re.compile(r"\b(?:by|until|before|from|starting|beginning|till)\s$", re.IGNORECASE)
_FISCAL = re.compile(r"\b(?:fiscal|financial)(?:\syear)?\s$", re.IGNORECASE)
_ROUGH = re.compile(
    r"\b(?:more than|over|nearly|almost|about|around|roughly|some|at least|less than|under|or|to|last|past)\s$|[-–.,]$",
    re.IGNORECASE,
)
_SPAN_OF_TIME = re.compile(r"\b(?:the|this|over)\s$", re.IGNORECASE)
_START = re.compile(r"(?:^|[.!?:;\n—–])[\s\"“”'‘’(\]]*$")
_EVENT_NAMED_BY_DAY = re.compile(r"\s(?:attacks?|terror\w*|insurrection\w*|riot\w*|committee|massacre|coup|panel)\b")
_SENTENCE_END = re.compile(r"[^\W\d_]{3}[\")”’]?[.!?][\")”’]?\s|[!?;\n]")
_TENSE = re.compile(
    r"\b(?P<open>(?:was|were|been)\s(?:\w+\s)?(?:set|due|scheduled|slated|expected|going|supposed|planned)"
    r"|would|could|should|might|if)\b"
    r"|(?P<future>\b(?:will|won['’]t|shall|going\sto|set\sto|due|scheduled|slated|upcoming|coming|launching|ahead\sof|is\sto|are\sto"
    r"|has\suntil|have\suntil|(?:plan|expect|hope|intend|aim)(?:s|ed)?\sto|begins|starts|opens|ends|expires|hosts?|airs"
    r"|returns|premieres|kicks\soff|takes?\s(?:place|effect)|runs)\b|['’]ll\b|\b(?:is|are)(?:\son)?\s$)"
    r"|\b(?P<past>said|says?|told|tells?|announced|reported|wrote|confirmed|added|according|statement|was|were|did|had"
    r"|after|died|killed|arrested|ruled|voted|posted|tweeted|filed|released|launched)\b"
)

Days = tuple[date, date]


def mentions(text: str, published: str) -> tuple[DateMention, ...]:
    """Return the date expressions of `text` (days, months, quarters, years, ...), in text order, without overlaps.

    "Early 2021" and "three years ago" mean the whole year, "two weeks ago" the whole week from Monday to Sunday. A
    weekday, day or month without a year means the latest one up to the publication, or the next one if its clause is
    about the future. Takes linear time, under 1 ms for 1,000 words.

    Args:
        text: an article's text.
        published: ISO 8601 day of publication; with "", expressions that depend on it ("yesterday") are left out.

    Raises:
        InputError: `published` is neither "" nor a date.
    """
    day = _parsed(published)
    found: list[DateMention] = []
    position = 0
    while anchor := _ANCHOR.search(text, position):
        position = anchor.start() + 1
        for start, end, days in _first_reading(text, anchor, day):
            found.append(DateMention(start, end, days[0].isoformat(), days[1].isoformat()))
            position = end
    return tuple(found)


def _parsed(published: str) -> date | None:
    if not published:
        return None
    try:
        day = date.fromisoformat(published)
    except ValueError as error:
        raise InputError(f"the publication day {published!r} is no date", "Write it as YYYY-MM-DD") from error
    return day if FIRST_YEAR < day.year < LAST_YEAR else None


Reading = tuple[int, int, Days]
Rule = Callable[[re.Match[str], date | None], Days | None]


def _first_reading(text: str, anchor: re.Match[str], day: date | None) -> Iterator[Reading]:
    """Yield the date expression that begins at `anchor`, if any, and the years that are listed after it."""
    start = anchor.start()
    for pattern, rule in _RULES[anchor.lastgroup or ""]:
        found = pattern.match(text, start)
        if not found:
            continue
        if days := rule(found, day):
            yield found.start(), found.end(), days
            if pattern is _ONE_YEAR:
                yield from _listed_years(text, found.end())
            return
        if pattern not in _SHARED:
            return


def _listed_years(text: str, end: int) -> Iterator[Reading]:
    """Yield the years of a list such as ", 2018 and 2020" that follows a year."""
    while found := _NEXT_YEAR.match(text, end):
        start, end = found.span("year")
        yield start, end, _year(int(found["year"]))


# -- days of the calendar -------------------------------------------------------------------------------


def _date(year: int, month: int, day: int) -> date | None:
    if (
        not FIRST_YEAR <= year <= LAST_YEAR
        or not 1 <= month <= 12
        or not 1 <= day <= calendar.monthrange(year, month)[1]
    ):
        return None
    return date(year, month, day)


def _year(year: int) -> Days:
    return date(year, 1, 1), date(year, 12, 31)


def _months(year: int, month: int, count: int = 1) -> Days:
    """Return the first and last day of `count` months from `month` on; `month` may be outside 1 to 12."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    last = month + count - 1
    return date(year, month, 1), date(year, last, calendar.monthrange(year, last)[1])


def _week(day: date) -> Days:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def _month_number(name: str) -> int:
    return 1 + "janfebmaraprmayjunjulaugsepoctnovdec".index(name[:3].lower()) // 3


def _weekday_number(name: str) -> int:
    return "montuewedthufrisatsun".index(name[:3].lower()) // 3


def _count(words: str) -> int:
    return _NUMBERS.get(words.lower()) or int(words)


def _before(found: re.Match[str], width: int = 28) -> str:
    """Return the `width` characters before a match; the default suffices for all patterns."""
    return found.string[max(0, found.start() - width) : found.start()]


def _tense(found: re.Match[str]) -> str:
    """Return the tense of the clause around a match: "future", "past", "open" (undecided), or "" if no verb tells.

    The nearest verb before the match decides ("will close, he said on Monday"); at the start of a sentence, the next
    verb after it.
    """
    before = _before(found, 110)
    ends = [m.end() for m in _SENTENCE_END.finditer(before)]
    clause = before[ends[-1] :] if ends else before
    verbs = list(_TENSE.finditer(clause))
    if verbs:
        return verbs[-1].lastgroup or ""
    if clause.strip(' "“‘(').lower() in ("", "on", "in", "by", "from", "starting", "beginning"):
        after = found.string[found.end() : found.end() + 80]
        end = _SENTENCE_END.search(after)
        following = _TENSE.search(after[: end.start() + 1] if end else after)
        return (following.lastgroup or "") if following else ""
    return ""


# -- days and months ------------------------------------------------------------------------------------


def _numeric(found: re.Match[str], _: date | None) -> Days | None:
    day = _date(int(found["year"]), int(found["month"]), int(found["day"]))
    return (day, day) if day else None


def _slashed(found: re.Match[str], _: date | None) -> Days | None:
    """Resolve 8/17/2023 or 17.8.2023; None for 3/4/2025, which is ambiguous."""
    year, one, two = int(found["year"]), int(found["one"]), int(found["two"])
    readings = {_date(year, one, two), _date(year, two, one)} - {None}
    day = readings.pop() if len(readings) == 1 else None
    return (day, day) if day else None


def _month_day(found: re.Match[str], published: date | None) -> Days | None:
    month, first = _month_number(found["month"]), _leading_number(found["day"])
    last = _leading_number(found["until"]) if found["until"] else first
    year = int(found["year"]) if found["year"] else _year_of_range(found)
    if not year:
        if published is None or _EVENT_NAMED_BY_DAY.match(found.string, found.end()):
            return None
        tense = _tense(found)
        if tense != "future" and _before(found).endswith(("until ", "till ")):
            return None
        year = _nearest_year(published, month, last, tense)
    days = _date(year, month, first), _date(year, month, last)
    return (days[0], days[1]) if days[0] and days[1] and days[0] <= days[1] else None


def _leading_number(words: str) -> int:
    return int(words.rstrip("stndrh"))


def _year_of_range(found: re.Match[str]) -> int:
    """Return the year at the end of a range, as for "June 3" in "June 3 to July 2, 2019"; 0 if there is none."""
    later = _YEAR_OF_RANGE.match(found.string, found.end())
    return int(later["year"]) if later else 0


def _nearest_year(published: date, month: int, day: int, tense: str) -> int:
    """Return the year of a date that does not state it, from the publication and the tense; 0 if it is unclear."""
    this = _date(published.year, month, day)
    if this is None or tense == "open":
        return 0
    ahead = (this if this >= published else this.replace(year=this.year + 1, day=min(this.day, 28))) - published
    if tense == "future" or (ahead.days <= NEAR_DAYS and tense != "past"):
        return this.year if this >= published else this.year + 1
    if 0 < ahead.days <= NEAR_DAYS:
        return 0
    return this.year if this <= published else this.year - 1


def _month_year(found: re.Match[str], published: date | None) -> Days | None:
    year = int(found["year"]) if found["year"] else _which_year(found["which"], published)
    return _months(year, _month_number(found["month"])) if year else None


def _which_year(which: str, published: date | None) -> int:
    return published.year + _STEPS[which.lower()] if published else 0


_STEPS = {"last": -1, "this": 0, "next": 1}


def _month_alone(found: re.Match[str], published: date | None) -> Days | None:
    month, before = _month_number(found["month"]), _before(found)
    span = _BEFORE_SPAN_OF_MONTHS.search(before)
    if span and (year := _year_of_range(found)):
        return _months(year, month)
    if published is None or not (_BEFORE_MONTH.search(before) or (span and found["month"] not in _NAMES)):
        return None
    tense, ahead = _tense(found), (month - published.month) % 12
    if tense == "future":
        return _months(published.year, published.month + ahead)
    if tense == "open" or 0 < ahead <= NEAR_MONTHS:
        return None
    return _months(published.year, published.month + ahead - (12 if ahead else 0))


def _chosen_month(found: re.Match[str], published: date | None) -> Days | None:
    """Resolve "last June" or "next June"; None if two years fit, as for "last June" in an article of August."""
    if published is None:
        return None
    month, step = _month_number(found["month"]), _STEPS[found["which"].lower()]
    if step * (month - published.month) > 0:
        return None
    return _months(published.year + step, month)


# -- years and their parts ------------------------------------------------------------------------------


def _one_year(found: re.Match[str], _: date | None) -> Days | None:
    year, before = int(found["year"]), _before(found)
    after = _PLURAL_AFTER.match(found.string, found.end())
    if _BEFORE_YEAR.search(before):
        return None if after and year % 100 == 0 else _year(year)
    if _WEAKLY_BEFORE_YEAR.search(before):
        return None if after or not 1900 <= year <= 2100 else _year(year)
    if _DEFINITE.search(before) and _EVENT.match(found.string, found.end()):
        return _year(year)
    return None


def _years(found: re.Match[str], _: date | None) -> Days | None:
    """Resolve 1914-1918 or 2021-22; None for 2021-06, which may be a month."""
    year, until = int(found["year"]), int(found["until"])
    if until < 100:
        until += year - year % 100 if until else year - year % 100 + 100
    if not year < until <= min(year + 100, LAST_YEAR) or (len(found["until"]) == 2 and until > year + 30):
        return None
    return date(year, 1, 1), date(until, 12, 31)


def _decade(found: re.Match[str], _: date | None) -> Days | None:
    """Resolve "the 1990s" or "the 1800s"; None for "the 2000s", which may be a decade or a century."""
    year = int(found["year"])
    if year == 2000:
        return None
    return date(year, 1, 1), date(year + (9 if year % 100 else 99), 12, 31)


def _part_of_year(found: re.Match[str], published: date | None) -> Days | None:
    """Resolve a quarter or a half of a calendar year; None for a fiscal year."""
    year = int(found["year"]) if found["year"] else _which_year(found["which"], published)
    if not year or _FISCAL.search(_before(found)):
        return None
    half = (found["part"] or found["letter"]).lower() in ("half", "h")
    if found["digit"]:
        number = int(found["digit"])
    else:
        number = 1 + ("first", "second", "third", "fourth").index(found["ordinal"].lower())
    if half:
        return _months(year, 6 * number - 5, 6) if number <= 2 else None
    return _months(year, 3 * number - 2, 3)


# -- expressions relative to the publication ------------------------------------------------------------


def _day_word(found: re.Match[str], published: date | None) -> Days | None:
    word, before = found[0].lower(), _before(found)
    if published is None or before.endswith("ago "):
        return None
    if word == "today" and (found.string.startswith(("'s", "’s"), found.end())):
        return None  # today's youth
    if found[0][0].isupper() and not _START.search(before):
        return None  # USA Today
    step = {"last night": -1, "yesterday": -1, "tomorrow": 1}.get(word, 0)
    return published + timedelta(days=step), published + timedelta(days=step)


def _ago(found: re.Match[str], published: date | None) -> Days | None:
    if published is None or _ROUGH.search(_before(found)):
        return None
    return _shifted(published, found["unit"].lower(), -_count(found["count"]))


def _shifted(day: date, unit: str, count: int) -> Days:
    """Return the day, week, month or year that is `count` units after the one that contains `day`."""
    if unit == "day":
        return day + timedelta(days=count), day + timedelta(days=count)
    if unit == "week":
        return _week(day + timedelta(weeks=count))
    if unit == "month":
        return _months(day.year, day.month + count)
    return _year(day.year + count)


def _period(found: re.Match[str], published: date | None) -> Days | None:
    """Resolve "this", "last" or "next" with week, weekend, month, quarter or year."""
    if published is None or (found["which"].lower() != "this" and _SPAN_OF_TIME.search(_before(found))):
        return None
    step, unit = _STEPS[found["which"].lower()], found["unit"].lower()
    if unit == "weekend":
        days = _weekend(published, step)
    elif unit == "quarter":
        days = _months(published.year, published.month - (published.month - 1) % 3 + 3 * step, 3)
    else:
        days = _shifted(published, unit, step)
    if days and found["part"]:
        return (days[0], published) if found["part"].lower() == "earlier" else (published, days[1])
    return days


def _weekend(published: date, step: int) -> Days | None:
    early, late = published.weekday() < 2, published.weekday() >= 5
    if (step == 0 and early) or (step == 1 and not late):
        return None
    monday = _week(published + timedelta(weeks=step))[0]
    return monday + timedelta(days=5), monday + timedelta(days=6)


def _over_weekend(found: re.Match[str], published: date | None) -> Days | None:
    """Resolve "over the weekend" to the last one, on a Monday or Tuesday; later in the week it is ambiguous: None."""
    if published is None or published.weekday() >= 2 or _tense(found) in ("future", "open"):
        return None
    return _weekend(published, -1)


def _rolling(found: re.Match[str], published: date | None) -> Days | None:
    """Resolve "the past two weeks", which end on the day of publication. `_period` resolves "last week"."""
    if published is None or not _SPAN_OF_TIME.search(_before(found)):
        return None
    if not found["count"] and found["which"].lower() == "next":
        return None
    count, unit = _count(found["count"] or "one"), found["unit"].lower()
    sign = 1 if found["which"].lower() == "next" else -1
    other = _same_day(published, unit, sign * count)
    return (published, other) if sign > 0 else (other, published)


def _same_day(day: date, unit: str, count: int) -> date:
    if unit in ("day", "week"):
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    first, last = _months(day.year, day.month + count * (12 if unit == "year" else 1))
    return first.replace(day=min(day.day, last.day))


def _weekday_alone(found: re.Match[str], published: date | None) -> Days | None:
    """Resolve a weekday to the latest one up to the publication, or the next one in a clause about the future."""
    before = _before(found)
    if published is None or _NO_WEEKDAY.search(before):
        return None
    tense = _tense(found)
    if tense == "open" or (tense != "future" and _OPEN_WEEKDAY.search(before)):
        return None
    back = (published.weekday() - _weekday_number(found["day"])) % 7
    day = published - timedelta(days=back)
    if tense == "future" and back:
        day += timedelta(weeks=1)
    return day, day


def _chosen_weekday(found: re.Match[str], published: date | None) -> Days | None:
    """Resolve "last", "next" or "this" with a weekday; None if "last" or "next" may mean the day in this week."""
    if published is None or _NO_WEEKDAY.search(_before(found)):
        return None
    which = found["which"].lower()
    here = _week(published)[0] + timedelta(days=_weekday_number(found["day"]))
    if which == "this":
        return (here, here) if here >= published or (published.weekday() < 6 and _tense(found) != "future") else None
    back = which in ("last", "this past")
    if back:
        day = here if here < published else here - timedelta(weeks=1)
    else:
        day = here if here > published else here + timedelta(weeks=1)
    return None if day == here and which in ("last", "next") else (day, day)


_DATES: tuple[tuple[re.Pattern[str], Rule], ...] = ((_MONTH_DAY, _month_day), (_DAY_MONTH, _month_day))
_RULES: dict[str, tuple[tuple[re.Pattern[str], Rule], ...]] = {
    "month": (_DATES[0], (_MONTH_YEAR, _month_year), (_MONTH_ALONE, _month_alone)),
    "weekday": (*_DATES, (_WEEKDAY_ALONE, _weekday_alone)),
    "number": (
        (_ISO, _numeric),
        (_SLASHED, _slashed),
        _DATES[1],
        (_DECADE, _decade),
        (_YEARS, _years),
        (_ONE_YEAR, _one_year),
        (_AGO, _ago),
    ),
    "word": (
        (_PART, _part_of_year),
        (_DAY_WORD, _day_word),
        (_PERIOD, _period),
        (_CHOSEN_WEEKDAY, _chosen_weekday),
        (_CHOSEN_MONTH, _chosen_month),
        (_ROLLING, _rolling),
        (_AGO, _ago),
        (_OVER_WEEKEND, _over_weekend),
    ),
}
_SHARED = (_PERIOD, _YEARS)  # if these patterns match but their rules return None, later rules are tried


# -- the day of publication -----------------------------------------------------------------------------

_CLOCK = (
    r"(?:[0-2]?[0-9][:.][0-5][0-9](?:[:.][0-5][0-9])?(?:\s?[ap]\.?m\.?)?|[0-2]?[0-9]\s?[ap]\.?m\.?)"
    r"(?:\s?\(?(?:[A-Z]{2,5}|[+-][0-9]{2}:?[0-9]{2}|Z)\)?(?:\s?[+-][0-9]{1,2})?)?"
)
_STATED_DAY = (
    r"(?:(?:Mon|Tue|Tues|Wed|Wednes|Thu|Thur|Thurs|Fri|Sat|Satur|Sun)(?:day)?\.?,?\s)?"
    rf"(?:{_OTHER_MONTH}\s{_DAY},?\s{_YEAR}|{_DAY}[\s-](?:of\s)?{_OTHER_MONTH}[\s,-]\s?{_YEAR}"
    r"|[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}(?=T|[^-/0-9]|$)|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4})"
)
_STATED_TIME = rf"(?:{_CLOCK}(?:,|\son|\s[-–|])?\s)?(?P<date>{_STATED_DAY})(?:(?:T|,?\s(?:at\s|[-–|]\s)?){_CLOCK})?"
_UPDATE = r"(?:last\s|latest\s)?(?:updated?|modified|edited)"
_STATEMENT = re.compile(
    r"(?:(?:this|the)\s(?:article|story|report|post|piece|column)\s(?:was|has\sbeen)\s)?(?:(?:first|originally)\s)?"
    rf"(?:(?P<published>published|posted|publication\sdate|publish\sdate)|(?P<dated>date|released|issued)"
    rf"|(?P<updated>{_UPDATE}))"
    rf"(?:\s?:|\son|\sat|,)?\s{_STATED_TIME}\.?",
    re.IGNORECASE,
)
_ONLY_DATE = re.compile(rf"{_STATED_TIME}", re.IGNORECASE)
_UPDATE_LABEL = re.compile(rf"{_UPDATE}(?:\son)?\s?:?", re.IGNORECASE)
_DATELINE = re.compile(
    rf"(?:[A-Z][A-Z.'’ -]+(?:,\s[A-Z][\w.’' ]{{1,30}}){{0,2}}[,:]?\s)?\(?(?P<date>{_STATED_DAY})\)?"
    r"\s?(?:\([A-Z][\w ./&-]{1,40}\)|/[A-Z][\w -]+/)?\s?(?:--?|–|—)\s"
)
_DATELINE_WIDTH = 120
_SEGMENT = re.compile(r"(?:(?<!\s)\s+)?[|·•;]\s*|(?<!\s)\s+[—–]\s+")


def is_day(text: str) -> bool:
    """Whether `text` is an ISO 8601 day written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text  # fromisoformat also accepts 20250629
    except ValueError:
        return False


def spelled(first: str, last: str) -> str:
    """Return the days from `first` to `last` (ISO 8601) in the shortest English words.

    >>> spelled("2019-05-03", "2019-05-03"), spelled("2019-05-01", "2019-05-31"), spelled("2019-01-01", "2019-12-31")
    ('3 May 2019', 'May 2019', '2019')
    >>> spelled("2019-04-01", "2019-06-30"), spelled("2019-04-01", "2020-06-30")
    ('April to June 2019', 'April 2019 to June 2020')
    """
    a, b = date.fromisoformat(first), date.fromisoformat(last)
    if a == b:
        return f"{a.day} {a:%B} {a.year}"
    if (a.year, a.month, b.month) == (b.year, 1, 12):
        return str(a.year)
    if (a.month, a.day, b.month, b.day) == (1, 1, 12, 31):
        return f"{a.year} to {b.year}"
    if a.year != b.year:
        return f"{a:%B} {a.year} to {b:%B} {b.year}"
    return f"{a:%B} {a.year}" if a.month == b.month else f"{a:%B} to {b:%B} {a.year}"


def published_date(text: str) -> str:
    """Return the ISO 8601 day on which `text` says that it was published, "" if it does not.

    A line, or a part of one between "|" or "·", that says "Published ..." has priority; then come "Released ...", an
    agency's dateline, a line with only a date, and "Updated ...". Lines up to the first paragraph are read, and for
    "Published" also the last lines. A date in running text does not count.
    """
    lines = [line.strip() for line in text[:HEAD_CHARACTERS].split("\n")]
    head = _head([line for line in lines if line])
    foot = [line.strip() for line in text[-HEAD_CHARACTERS:].split("\n") if line.strip()][-FOOT_LINES:]
    stated = list(_statements(head))
    stated += [(kind, day) for kind, day in _statements(foot) if kind == "published"]
    for wanted in ("published", "dated", "dateline", "date", "updated"):
        for kind, day in stated:
            if kind == wanted:
                return day
    return ""


def _head(lines: list[str]) -> list[str]:
    """Return the first lines up to the first paragraph, which is included as it may begin with a dateline."""
    for number, line in enumerate(lines[:HEAD_LINES]):
        if len(line.split()) >= PROSE_WORDS:
            return lines[: number + 1]
    return lines[:HEAD_LINES]


def _statements(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield ("published" | "dated" | "dateline" | "date" | "updated", ISO day) for each statement in `lines`."""
    label = ""  # "updated" if the part before is only "Updated:"
    for line in lines:
        dateline = _DATELINE.match(line[:_DATELINE_WIDTH])
        if dateline and (day := _stated(dateline)):
            yield "dateline", day
        for part in _SEGMENT.split(line) if len(line) <= 3 * _DATELINE_WIDTH else ():
            statement = _STATEMENT.fullmatch(part)
            alone = _ONLY_DATE.fullmatch(part)
            if statement and (day := _stated(statement)):
                yield next(kind for kind, words in statement.groupdict().items() if words), day
            elif alone and (day := _stated(alone)):
                yield label or "date", day
            label = "updated" if _UPDATE_LABEL.fullmatch(part) else ""


def _stated(found: re.Match[str]) -> str:
    words = re.sub(r"\s+", " ", found["date"])
    words = re.sub(r"^[A-Z][a-z]+\.?,? (?=[0-9]|[A-Z])", "", words) if words[:3].lower() in _WEEKDAYS else words
    words = re.sub(r"(?<=[0-9])-(?=[A-Z])|(?<=[a-z])-(?=[0-9])", " ", words).lower()
    words = re.sub(r"\b(?!of\b)[a-z]+", lambda word: word[0].capitalize(), words)  # leaves "3rd" as it is
    for pattern, rule in ((_ISO, _numeric), (_SLASHED, _slashed), (_MONTH_DAY, _month_day), (_DAY_MONTH, _month_day)):
        if (whole := pattern.fullmatch(words)) and (days := rule(whole, None)):
            return days[0].isoformat()
    return ""


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
