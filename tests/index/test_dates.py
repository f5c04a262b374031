"""index/dates.py on invented sentences; the expected spans and days are written by hand."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.index.dates import mentions, published_date
from citewire.index.errors import InputError
from citewire.index.types import DateMention

PUBLISHED = "2024-06-12"  # a Wednesday

Expected = tuple[tuple[str, str, str], ...]  # (words, first day, last day), in the order of the text

EXPLICIT: tuple[tuple[str, Expected], ...] = (
    ("The merger closed on June 3, 2024, in Zurich.", (("June 3, 2024", "2024-06-03", "2024-06-03"),)),
    ("He was born 3 June 1961 in Lyon.", (("3 June 1961", "1961-06-03", "1961-06-03"),)),
    ("The patch of 2024-06-03 fixed it.", (("2024-06-03", "2024-06-03", "2024-06-03"),)),
    ("As of October 31st, 2021, it ran 430 ferries.", (("October 31st, 2021", "2021-10-31", "2021-10-31"),)),
    ("The hearing on Tuesday, Sept. 3, 2019 was short.", (("Tuesday, Sept. 3, 2019", "2019-09-03", "2019-09-03"),)),
    ("Filed 8/17/2023 with the court.", (("8/17/2023", "2023-08-17", "2023-08-17"),)),
    ("Filed 03/04/2025 with the court.", ()),
    ("Talks ran June 3-5, 2023 in Geneva.", (("June 3-5, 2023", "2023-06-03", "2023-06-05"),)),
    ("It lasted from 28 to 30 March 2022.", (("28 to 30 March 2022", "2022-03-28", "2022-03-30"),)),
    ("Sales peaked in June 2022.", (("June 2022", "2022-06-01", "2022-06-30"),)),
    ("By February of 2024 it was over.", (("February of 2024", "2024-02-01", "2024-02-29"),)),
    ("Production began in 2021.", (("2021", "2021-01-01", "2021-12-31"),)),
    ("Prices have doubled since 2019.", (("2019", "2019-01-01", "2019-12-31"),)),
    ("The target is carbon neutrality by 2050.", (("2050", "2050-01-01", "2050-12-31"),)),
    ("Revenue in Q4 2024 fell.", (("Q4 2024", "2024-10-01", "2024-12-31"),)),
    ("Revenue in the fourth quarter of 2023 fell.", (("fourth quarter of 2023", "2023-10-01", "2023-12-31"),)),
    ("H1 2023 was weak.", (("H1 2023", "2023-01-01", "2023-06-30"),)),
    ("The second half of 2022 was better.", (("second half of 2022", "2022-07-01", "2022-12-31"),)),
    ("Exports fell in Q1 of 2022.", (("Q1 of 2022", "2022-01-01", "2022-03-31"),)),
    ("It was fashionable in the 1990s.", (("1990s", "1990-01-01", "1999-12-31"),)),
    ("Steam ruled the 1800s.", (("1800s", "1800-01-01", "1899-12-31"),)),
    ("It ran from 1999-00.", (("1999-00", "1999-01-01", "2000-12-31"),)),
    (
        "Between 2019 and 2021 rents fell.",
        (("2019", "2019-01-01", "2019-12-31"), ("2021", "2021-01-01", "2021-12-31")),
    ),
    ("He played there in the 2021-22 season.", (("2021-22", "2021-01-01", "2022-12-31"),)),
    ("The war of 1914-1918 changed it.", (("1914-1918", "1914-01-01", "1918-12-31"),)),
    ("She won the 2020 election narrowly.", (("2020", "2020-01-01", "2020-12-31"),)),
    ("It was built in early 1998.", (("1998", "1998-01-01", "1998-12-31"),)),
    ("Since mid-2023 nothing has moved.", (("2023", "2023-01-01", "2023-12-31"),)),
    (
        "From June 3 to July 2, 2019, the bridge was shut.",
        (("June 3", "2019-06-03", "2019-06-03"), ("July 2, 2019", "2019-07-02", "2019-07-02")),
    ),
    (
        "Exports grew between March and June 2023.",
        (("March", "2023-03-01", "2023-03-31"), ("June 2023", "2023-06-01", "2023-06-30")),
    ),
    (
        "It happened in 2017, 2018 and 2020.",
        (
            ("2017", "2017-01-01", "2017-12-31"),
            ("2018", "2018-01-01", "2018-12-31"),
            ("2020", "2020-01-01", "2020-12-31"),
        ),
    ),
)

RELATIVE: tuple[tuple[str, Expected], ...] = (
    ("The court ruled today.", (("today", "2024-06-12", "2024-06-12"),)),
    ("Today, the court ruled.", (("Today", "2024-06-12", "2024-06-12"),)),
    ("Shares fell yesterday.", (("yesterday", "2024-06-11", "2024-06-11"),)),
    ("A vote is due tomorrow.", (("tomorrow", "2024-06-13", "2024-06-13"),)),
    ("The storm hit last night.", (("last night", "2024-06-11", "2024-06-11"),)),
    ("Police said this morning that he had fled.", (("this morning", "2024-06-12", "2024-06-12"),)),
    ("The union announced Monday that it will close.", (("Monday", "2024-06-10", "2024-06-10"),)),
    ("Kestrel said on Friday that profit rose.", (("Friday", "2024-06-07", "2024-06-07"),)),
    ("The minister spoke on Wednesday.", (("Wednesday", "2024-06-12", "2024-06-12"),)),
    ("The unit will be closed, a spokesman said on Monday.", (("Monday", "2024-06-10", "2024-06-10"),)),
    ("The court will hear the case on Friday.", (("Friday", "2024-06-14", "2024-06-14"),)),
    ("The vote is scheduled for Thursday.", (("Thursday", "2024-06-13", "2024-06-13"),)),
    ("On Thursday, the council will vote.", (("Thursday", "2024-06-13", "2024-06-13"),)),
    ("He quit last Friday.", (("last Friday", "2024-06-07", "2024-06-07"),)),
    ("They meet next Monday.", (("next Monday", "2024-06-17", "2024-06-17"),)),
    ("They meet next Friday.", ()),  # ambiguous: in two days, or in nine
    ("She arrived last Monday.", ()),  # ambiguous: two days ago, or nine
    ("Tuesday's strike stopped all trains.", (("Tuesday", "2024-06-11", "2024-06-11"),)),
    ("Output fell this year.", (("this year", "2024-01-01", "2024-12-31"),)),
    ("Last year's profit was a record.", (("Last year", "2023-01-01", "2023-12-31"),)),
    ("It opens next year.", (("next year", "2025-01-01", "2025-12-31"),)),
    ("Earlier this month the bank cut rates.", (("Earlier this month", "2024-06-01", "2024-06-12"),)),
    ("The plant reopens later this year.", (("later this year", "2024-06-12", "2024-12-31"),)),
    ("He resigned last month.", (("last month", "2024-05-01", "2024-05-31"),)),
    ("This week the talks resumed.", (("This week", "2024-06-10", "2024-06-16"),)),
    ("Sales dropped last week.", (("last week", "2024-06-03", "2024-06-09"),)),
    ("Margins rose this quarter.", (("this quarter", "2024-04-01", "2024-06-30"),)),
    ("Margins fell last quarter.", (("last quarter", "2024-01-01", "2024-03-31"),)),
    ("The law passed three years ago.", (("three years ago", "2021-01-01", "2021-12-31"),)),
    ("She left two weeks ago.", (("two weeks ago", "2024-05-27", "2024-06-02"),)),
    ("It sank 10 days ago.", (("10 days ago", "2024-06-02", "2024-06-02"),)),
    ("It was cheaper a year ago.", (("a year ago", "2023-01-01", "2023-12-31"),)),
    ("It closed six months ago.", (("six months ago", "2023-12-01", "2023-12-31"),)),
    ("Over the past two weeks it rained.", (("past two weeks", "2024-05-29", "2024-06-12"),)),
    ("The rule took effect in March.", (("March", "2024-03-01", "2024-03-31"),)),
    ("The factory burned down in November.", (("November", "2023-11-01", "2023-11-30"),)),
    ("The plant will open in September.", (("September", "2024-09-01", "2024-09-30"),)),
    ("The ferry was laid up in May of this year.", (("May of this year", "2024-05-01", "2024-05-31"),)),
    ("He was hired last June.", (("last June", "2023-06-01", "2023-06-30"),)),
    ("The fire broke out on May 4.", (("May 4", "2024-05-04", "2024-05-04"),)),
    ("The fire broke out on Dec. 28.", (("Dec. 28", "2023-12-28", "2023-12-28"),)),
    ("The festival runs June 20-23.", (("June 20-23", "2024-06-20", "2024-06-23"),)),
    ("Voters will decide on Nov. 5.", (("Nov. 5", "2024-11-05", "2024-11-05"),)),
    ("Police arrested him on Monday, June 10.", (("Monday, June 10", "2024-06-10", "2024-06-10"),)),
    (
        "Sales in the first quarter of this year beat last year.",
        (("first quarter of this year", "2024-01-01", "2024-03-31"), ("last year", "2023-01-01", "2023-12-31")),
    ),
    ("Protests spread over the weekend.", ()),  # ambiguous on a Wednesday: last or next weekend
    ("Protests spread last weekend.", (("last weekend", "2024-06-08", "2024-06-09"),)),
)

NOT_DATES: tuple[str, ...] = (
    "It may rain, and the firm may 3 times refuse.",
    "Troops on the March 3 miles to the north stopped.",
    "The second attempt took a second.",
    "It cost $2024 and sold 2,024 units.",
    "Version 2.0.2024 runs on Python 3.11.",
    "Call 317-444-2021 or +1 2021 444 6418.",
    "It bought 2000 lamps and 1500 benches.",
    "The fall from 2000 people to 1500 people was steep.",
    "Police were called to the 2000 block of Main Street.",
    "The battle of 1066 and the year 2500 are far away.",
    "Prime Minister May told Reuters that April was ill.",
    "A speech by May did not help.",
    "In fiscal 2024 and in fiscal year 2023 it lost money.",
    "Profit in the first quarter of fiscal 2024 fell.",
    "Read it in USA TODAY or in Psychology Today.",
    "Shops open Monday through Friday, and every Sunday.",
    "Black Friday and Super Tuesday sell papers.",
    "The Sunday Times and Monday Night Football disagree.",
    "More than 30 years ago it was different.",
    "A few days ago it rained, and the following Monday it did not.",
    "The ship sailed at 2000 GMT.",
    "The Sept. 11 attacks changed flying.",
    "Today's youth know.",
    "A March for justice filled the square.",
    "Flight 2021 landed at gate 12.",
    "The index closed at 1998 points.",
    "He ran the 1500 meters in 3:45.",
    "The year was long; last of all came the month.",
    "On February 30, 2024 nothing happened.",
    "The verdict was expected on July 9, they would meet on Friday.",  # from here on: ambiguous
    "He said the July 9 vote stands.",
    "Output fell in July.",
    "A court extended the arrest until Nov. 19.",
    "He was hired last March.",
    "It grew in the 2000s and in the season of 2021-20.",
    "They rest next weekend, and for the next year.",
)


@pytest.mark.parametrize(("sentence", "expected"), EXPLICIT + RELATIVE + tuple((s, ()) for s in NOT_DATES))
def test_mentions(sentence: str, expected: Expected) -> None:
    found = [(sentence[m.start : m.end], m.first, m.last) for m in mentions(sentence, PUBLISHED)]
    assert found == list(expected)


BODY = (
    "\n\nThe bank cut its rate on May 2, 2019, the first cut since June 3, 2017, and said that more"
    " would follow if prices kept falling as they had.\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bank cuts rate\nPublished on June 29, 2025" + BODY, "2025-06-29"),
        ("Bank cuts rate\nPosted: Sunday, 29 June 2025 at 10:14 BST" + BODY, "2025-06-29"),
        ("Updated: 2 Mar 2024 10:14 UTC" + BODY, "2024-03-02"),
        ("UPDATED: March 4, 2024\nPUBLISHED: March 2, 2024 at 5:00 a.m." + BODY, "2024-03-02"),
        ("Bank cuts rate\nPublished March 2, 2024 | Updated March 4, 2024" + BODY, "2024-03-02"),
        ("Published 10:14 UTC, 2 March 2024" + BODY, "2024-03-02"),
        ("Published Mon, Jun 3 2024 9:00 AM EDT" + BODY, "2024-06-03"),
        ("LONDON, June 3, 2024 (Reuters) - The bank cut its rate.", "2024-06-03"),
        ("NEW YORK, June 3, 2024 /PRNewswire/ -- The bank cut its rate.", "2024-06-03"),
        ("SAN JOSE, Calif., June 3, 2024 (GLOBE NEWSWIRE) -- The bank cut its rate.", "2024-06-03"),
        ("Bank cuts rate\n\nJune 3, 2024\n" + BODY, "2024-06-03"),
        ("Bank cuts rate\n2024-06-03T10:14:00Z" + BODY, "2024-06-03"),
        ("Latest Update\n8/17/2023 4:06:12 PM" + BODY, "2023-08-17"),
        ("Bank cuts rate\n3rd of June 2024\n" + BODY, "2024-06-03"),
        ("Bank cuts rate\nPublished JUNE 3RD, 2024\n" + BODY, "2024-06-03"),
        ("Story by A. Writer | Photos by B. Taker | Dec. 10, 2015" + BODY, "2015-12-10"),
        ("03.04.2025 17:05\nPublished 3 April 2025" + BODY, "2025-04-03"),
        (BODY + "\nThis article was originally published on June 3, 2024.", "2024-06-03"),
        (BODY + "\nUpdated June 3, 2024.", ""),
        (BODY + "\nDate: June 3, 2024", ""),
        ("Date: June 3, 2024" + BODY, "2024-06-03"),
        ("Published 03/04/2025" + BODY, ""),
        ("Published on June 29" + BODY, ""),
        ("Published on June 31, 2025" + BODY, ""),
        ("Published 3 hours ago" + BODY, ""),
        ("Published in 2019, the study was read widely." + BODY, ""),
        ("Published June 3, 2024 in Nature, the study was read widely." + BODY, ""),
        ("LONDON, June 3 (Reuters) - The bank cut its rate.", ""),
        ("The bank cut its rate on June 3, 2024 - a surprise.", ""),
        (BODY, ""),
        (BODY + "\nJune 3, 2024\n" + BODY, ""),
        ("", ""),
    ],
)
def test_published_date(text: str, expected: str) -> None:
    assert published_date(text) == expected


@pytest.mark.parametrize(("sentence", "expected"), EXPLICIT)
def test_explicit_dates_need_no_publication(sentence: str, expected: Expected) -> None:
    assert [(sentence[m.start : m.end], m.first, m.last) for m in mentions(sentence, "")] == list(expected)


@pytest.mark.parametrize("sentence", [sentence for sentence, _ in RELATIVE])
def test_relative_dates_need_the_publication(sentence: str) -> None:
    assert mentions(sentence, "") == ()


@pytest.mark.parametrize(
    ("sentence", "published", "first", "last"),
    [
        ("It rained over the weekend.", "2024-06-10", "2024-06-08", "2024-06-09"),  # a Monday
        ("It rained last week.", "2025-01-02", "2024-12-23", "2024-12-29"),
        ("It rained last month.", "2025-01-02", "2024-12-01", "2024-12-31"),
        ("It rained last quarter.", "2025-01-02", "2024-10-01", "2024-12-31"),
        ("It rained yesterday.", "2024-03-01", "2024-02-29", "2024-02-29"),
        ("It rained on Dec. 28.", "2025-01-02", "2024-12-28", "2024-12-28"),
        ("It will rain on Jan. 2.", "2024-12-28", "2025-01-02", "2025-01-02"),
        ("It rained over the past year.", "2024-02-29", "2023-02-28", "2024-02-29"),
        ("It will rain this Friday.", "2024-06-12", "2024-06-14", "2024-06-14"),
        ("It rained this past Sunday.", "2024-06-12", "2024-06-09", "2024-06-09"),
        ("It rained next May.", "2024-06-12", "2025-05-01", "2025-05-31"),
        ("It will rain for the next two weeks.", "2024-06-12", "2024-06-12", "2024-06-26"),
    ],
)
def test_relative_dates_across_borders(sentence: str, published: str, first: str, last: str) -> None:
    assert [(m.first, m.last) for m in mentions(sentence, published)] == [(first, last)]


@pytest.mark.parametrize("published", ["2024", "June 3, 2024", "2024-13-01"])
def test_a_publication_day_that_is_no_date(published: str) -> None:
    with pytest.raises(InputError, match=re.escape(repr(published))):
        mentions("yesterday", published)


def test_a_publication_outside_the_calendar_known_resolves_nothing() -> None:
    assert mentions("yesterday, last month and in 2021", "0001-01-01") == (
        DateMention(start=29, end=33, first="2021-01-01", last="2021-12-31"),
    )


PIECES = [
    *"0 1 3 31 99 1500 2024 2,024 20244 -".split(),
    *"- – / . , : ' ’s ( ) $ \n \u00a0 é 字 ٣ \U0001f600".split(" "),
    *"May Mar. March Sept. Monday Tuesday, in since by of the this last next past earlier later two ago".split(),
    *"day days week weeks month year years quarter half first Q4 weekend will said today Published Updated".split(),
]
ODD = st.lists(st.sampled_from([*PIECES, " ", "  ", "\t"]), max_size=300).map("".join)


@given(ODD | ODD.map(" ".join) | st.text(max_size=200), st.dates().map(date.isoformat))
def test_any_text_gives_days_in_order_at_offsets_inside(text: str, published: str) -> None:
    end = 0
    for mention in mentions(text, published):
        assert end <= mention.start < mention.end <= len(text)
        assert text[mention.start : mention.end].strip() == text[mention.start : mention.end]
        assert date.fromisoformat(mention.first) <= date.fromisoformat(mention.last)
        end = mention.end
    stated = published_date(text)
    assert stated == "" or date.fromisoformat(stated).isoformat() == stated


@pytest.mark.parametrize(
    "piece", [*PIECES, " ", "May ", "two ", "the ", "2019, ", "1-", "Monday, ", "A, ", "A ", "1:11 "]
)
def test_long_runs_of_anything_end(piece: str) -> None:
    text = piece * (50_000 // len(piece))  # takes minutes if a pattern is quadratic
    mentions(text, PUBLISHED)
    assert published_date(text) == ""
