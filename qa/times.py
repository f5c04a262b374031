"""The time that a question asks about, and the times that a sentence is about.

Knows days and their positions in a sentence; `citewire.index.dates` reads the dates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from citewire.index.dates import mentions, spelled
from citewire.index.query import times
from citewire.index.types import Article, DateMention, Span
from citewire.qa import analysis, facts, quantities, replies, rewriting
from citewire.qa.analysis import Token
from citewire.qa.evidence import Evidence, sentence_before

Days = tuple[str, str]  # first and last day, ISO 8601, both included

LATE = 45  # days after a time in which an article still reports on it in the present tense or without naming it
_TOLD = 400  # days after a time in which its figures are still reported
_REPORTED = (range(88, 94), range(179, 186))  # days of quarters and halves, for which firms report beside years
_MONTH = 28  # times of at least this many days are named by their months
_ONWARD = frozenset(("since", "from", "after"))  # words before the start of an open time
_UP_TO = frozenset(("before", "until"))
_ASIDE = frozenset(("relcl", "acl"))  # spaCy's labels of clauses that modify a noun
_FIRST, _LAST = "0001-01-01", "9999-12-31"


def asked(question: str) -> Days | None:
    """Return the days that a question asks about, from the first to the last time that it names; None if it names none.

    >>> asked("What did Lund Lines earn in 2019?"), asked("How has it grown since 2019?")
    (('2019-01-01', '2019-12-31'), ('2019-01-01', '9999-12-31'))
    """
    named = _named(question)
    if not named:
        return None
    alone = len(named) == 1
    before = {_before(question, one) for one in named}
    first = _FIRST if alone and before & _UP_TO else min(one.first for one in named)
    onward = before & _ONWARD or " between " in f" {question.lower()}"  # up to a time without a date
    return first, _LAST if alone and onward else max(one.last for one in named)


def timeless(question: str) -> str:
    """Return a question without its time, "" if it names no time or several, or if no content word is left.

    >>> timeless("What did Lund Lines earn in 2019?"), timeless("Who won the 2019 Orm Cup?")
    ('What did Lund Lines earn?', 'Who won the Orm Cup?')
    """
    named = _named(question)
    if len(named) != 1:
        return ""
    (time,) = named
    at, doc = tokens(question, time.start, time.end), analysis.read(question)
    start, end = at[0].i, at[-1].i + 1
    if at[-1].head.i < end:  # the time modifies no noun after it: "in 2019"
        while start and doc[start - 1].tag_ in ("IN", "DT"):
            start -= 1
    left = rewriting.replaced(doc, {(start, end): ""})
    return left if facts.terms(left) else ""


def _named(question: str) -> list[DateMention]:
    periods = set(times(question).periods)
    return [
        one for one in mentions(question, "") if (one.first, one.last) in periods and not _aside(question, one, None)
    ]


def of_another_time(question: str, evidence: Evidence, article: Article) -> bool:
    """Return whether a question asks about one time and a sentence answers for another.

    The sentence's time is the one that it states, else that of the sentence before or of its article. False if the
    answer itself is a time, or if no time is known.

    Args:
        question: standalone.
        evidence: the sentence with its answer span.
        article: its article.
    """
    wanted = asked(question)
    months = set() if (_ONWARD | _UP_TO) & set(facts.words(question)) else facts.months(question)
    if not (wanted or months) or _gives_a_time(evidence, article):
        return False
    told = spoken(evidence, article)
    if not wanted:  # a month without its year: "in September"
        return bool(told) and not any(_has_month(days, months) for days in told)
    if not told:
        return _undated_of_another(wanted, evidence, article)
    figure = bool(quantities.numbers(evidence.words))
    if figure:
        told = told[:1]
        if _partly(wanted, told[0]):
            return True
    return not meet(wanted, (min(one[0] for one in told), max(one[1] for one in told)))


def spoken(evidence: Evidence, article: Article) -> list[Days]:
    """Return the times that a sentence states for its answer, the nearest in the parse tree first.

    Times in a clause that modifies a noun are left out, unless the answer is in that clause.
    """
    text, offset = evidence.text, evidence.span.start
    answer = Span(evidence.answer.start - offset, evidence.answer.end - offset)
    inside = tokens(text, answer.start, answer.end)
    found = []
    for one in stated(evidence, article):
        place = DateMention(one.start - offset, one.end - offset, one.first, one.last)
        if inside and _aside(text, place, inside):
            continue
        steps = min((_steps(a, b) for a in inside for b in tokens(text, place.start, place.end)), default=0)
        gap = max(place.start - answer.end, answer.start - place.end, 0)
        found.append((steps, gap, _extent(text, place, article.published)))
    return [days for _, _, days in sorted(found)]


def stated(evidence: Evidence, article: Article) -> list[DateMention]:
    """Return the times that a sentence states, including bare years that count no noun."""
    found, offset = list(article.dates_in(evidence.span)), evidence.span.start
    years = facts.years(evidence.text)
    for one in quantities.numbers(evidence.text):
        start, end = offset + one.start, offset + one.end
        bare = one.value in years and evidence.text[one.start : one.end].isdigit()
        if bare and not counted(evidence.text, one) and not any(d.start < end and start < d.end for d in found):
            found.append(DateMention(start, end, f"{one.value:.0f}-01-01", f"{one.value:.0f}-12-31"))
    return found


def tokens(text: str, start: int, end: int) -> list[Token]:
    """Return the tokens that overlap text[start:end], without blanks."""
    inside = (one for one in analysis.read(text) if one.idx < end and one.idx + len(one) > start)
    return [one for one in inside if not one.is_space]


def counted(text: str, number: quantities.Number) -> Token | None:
    """Return the noun that a number counts, "ferries" for "2,000 night ferries"; None if there is none."""
    last = tokens(text, number.start, number.end)[-1]
    noun = last.head if last.dep_ == "nummod" else last
    while noun.dep_ == "compound":
        noun = noun.head
    return noun if noun.pos_ in ("NOUN", "PROPN") else None


def timed_first(evidence: Sequence[Evidence], article: Callable[[str], Article]) -> list[Evidence]:
    """Return the sentences that state a time before the others, otherwise in their order."""
    return sorted(evidence, key=lambda one: not stated(one, article(one.article)))


def worked_out(evidence: Evidence, article: Article) -> str:
    """Return which days the time of a sentence is, "" if it states them in full or the article has no date.

    >>> worked_out(closed, article)  # "Brask closed its mill on Monday.", an article of 2022-03-09
    'Monday is 7 March 2022, counted from the date of the article, 9 March 2022.'
    """
    day = article.published[:10]
    if not day:
        return ""
    answer = evidence.answer
    told = sorted(stated(evidence, article), key=lambda one: max(one.start - answer.end, answer.start - one.end, 0))
    if not told:
        return replies.UNTIMED.format(spelled(day, day))
    first, last = told[0].first, told[0].last
    words = article.text[told[0].start : told[0].end]
    to_come = first > day and tenses(evidence.text) == {"Past"}  # then "Monday" was resolved wrongly
    if mentions(words, "") or words.isdigit() or to_come:
        return ""
    few = length((first, last)) < _MONTH
    days = f"{spelled(first, first)} to {spelled(last, last)}" if few and first != last else spelled(first, last)
    return replies.COUNTED.format(f"{words[:1].upper()}{words[1:]}", days, spelled(day, day))


def tenses(text: str) -> set[str]:
    """Return the tenses of a sentence's main verb and auxiliaries: {"Past"}, {"Pres"}, set() for "will run"."""
    root = next((one for one in analysis.read(text) if one.dep_ == "ROOT"), None)
    verbs = [root, *(child for child in root.children if child.dep_ in ("aux", "auxpass"))] if root else []
    if any(one.tag_ == "MD" for one in verbs):
        return set()
    return {tense for one in verbs for tense in one.morph.get("Tense", [])}


def _has_month(days: Days, months: set[str]) -> bool:
    """Whether a time has a day in one of these months."""
    first, last = (int(day[:4]) * 12 + int(day[5:7]) for day in days)
    return any(facts.month_of(f"0000-{at % 12 or 12:02}") in months for at in range(first, min(last, first + 11) + 1))


def _undated_of_another(wanted: Days, evidence: Evidence, article: Article) -> bool:
    """Whether a sentence without a time is about another one, by the text before it and its article's day."""
    if any(meet(wanted, (f"{year:.0f}-01-01", f"{year:.0f}-12-31")) for year in facts.years(evidence.text)):
        return False  # "the 2019 regatta"
    before = sentence_before(article, evidence.span)
    around = [(one.first, one.last) for text in (before, article.title) for one in mentions(text, article.published)]
    if any(meet(wanted, one) for one in around):
        return False
    if not article.published:
        return bool(around)
    told, day = tenses(evidence.text), article.published[:10]
    late = _TOLD if told == {"Past"} else LATE
    return bool(told) and not wanted[0] <= day <= _later(wanted[1], late)


def _gives_a_time(evidence: Evidence, article: Article) -> bool:
    """Whether at least half of the answer span is a time."""
    answer = evidence.answer
    dated = sum(max(0, min(one.end, answer.end) - max(one.start, answer.start)) for one in stated(evidence, article))
    return answer.end > answer.start and 2 * dated >= answer.end - answer.start


def _aside(text: str, place: DateMention, inside: Sequence[Token] | None) -> bool:
    """Whether a time is in a clause that modifies a noun and does not contain the tokens `inside`."""
    at = tokens(text, place.start, place.end)
    above = {head for one in at[:1] for head in (one, *one.ancestors)}
    clauses = [one for one in above if one.dep_ in _ASIDE]
    return any(not any(clause == one or clause.is_ancestor(one) for one in inside or ()) for clause in clauses)


def _steps(a: Token, b: Token) -> int:
    """The number of edges between two tokens in the dependency tree."""
    ups, others = [a, *a.ancestors], [b, *b.ancestors]
    shared = next((one for one in ups if one in others), None)
    return ups.index(shared) + others.index(shared) if shared is not None else len(a.doc)


def _extent(text: str, place: DateMention, published: str) -> Days:
    """The days of a time; after "since" it ends with the day of publication."""
    if _before(text, place) in _ONWARD:
        return place.first, max(place.last, published or _LAST)
    return place.first, place.last


def _before(text: str, place: DateMention) -> str:
    """The word before a time, in lower case."""
    return next((one.lower_ for one in reversed(list(analysis.read(text))) if one.idx < place.start), "")


def meet(a: Days, b: Days) -> bool:
    """Return whether two times share a day."""
    return a[0] <= b[1] and b[0] <= a[1]


def _partly(wanted: Days, told: Days) -> bool:
    """Whether one of two times is a quarter or half of the other, which is a year."""
    short, long = sorted((length(wanted), length(told)))
    return meet(wanted, told) and any(short in some for some in _REPORTED) and long > 300


def length(days: Days) -> int:
    """Return the number of days of a time, 0 if an end is open."""
    if _FIRST in days or _LAST in days:
        return 0
    return (date.fromisoformat(days[1]) - date.fromisoformat(days[0])).days + 1


def _later(day: str, count: int) -> str:
    return _LAST if day == _LAST else (date.fromisoformat(day) + timedelta(days=count)).isoformat()
