"""The course of something over time, and what is true now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import indexed
from told import Told, told

from citewire.index.options import SearchOptions
from citewire.index.types import Embedder
from citewire.qa.reader import load_reader
from citewire.qa.timeline import MOST, Course, course, joined, newest_first, points
from citewire.qa.types import TimelinePoint


def draw(question: str, home: Told) -> tuple[TimelinePoint, ...]:
    found = points(question, home.evidence, home.article)
    for point in found:
        assert home.article(point.article).text[point.start : point.end] == point.text
        assert point.value in point.text
    return found


def said(found: tuple[TimelinePoint, ...]) -> list[tuple[str, str]]:
    return [(p.first, p.value or p.text) for p in found]


REVENUES = told(
    ("Kestrel's revenue was [£48 million] in 2023. In 2022 revenue of Kestrel was [£40 million].", "2024-02-01"),
    ("Kestrel's revenue was [£35 million] in 2021. Its revenue grew by [9%] in 2020.", "2022-02-01"),
    ("Kestrel's revenue rose to [£60 million] in 2024, from £48 million in 2023.", "2025-02-01"),
    ("Revenue of Kestrel was [£20 million] in 2019.", "2020-03-01"),
)


def test_a_figure_has_its_value_of_each_year_asked_for() -> None:
    found = draw("How did Kestrel's revenue change between 2021 and 2025?", REVENUES)
    assert [(p.first, p.last, p.stated, p.value) for p in found] == [
        ("2021-01-01", "2021-12-31", True, "£35 million"),
        ("2022-01-01", "2022-12-31", True, "£40 million"),
        ("2023-01-01", "2023-12-31", True, "£48 million"),
        ("2024-01-01", "2024-12-31", True, "£60 million"),
    ]
    assert (found[0].article, found[0].text) == ("1.txt", "Kestrel's revenue was £35 million in 2021.")
    since = draw("How has Kestrel's revenue changed since 2023?", REVENUES)
    assert said(since) == [("2023-01-01", "£48 million"), ("2024-01-01", "£60 million")]


FERRIES = "How has the number of ferries of Lund Lines changed over the years?"


def test_a_count_that_is_not_dated_is_of_its_articles_day() -> None:
    found = draw(
        FERRIES,
        told(
            ("Lund Lines runs [17 ferries].", "2024-06-01"),
            ("Lund Lines runs [14 ferries].", "2021-06-01"),
            ("In 2019 Lund Lines ran [9 ferries].", "2024-06-02"),
            ("Lund Lines runs [14 ferries] today.", "2022-03-01"),
            ("Lund Lines runs [80 ferries].", ""),
        ),
    )
    assert [(p.first, p.stated, p.value) for p in found] == [
        ("2019-01-01", True, "9"),
        ("2021-06-01", False, "14"),
        ("2024-06-01", False, "17"),
    ]


def test_that_nothing_changed_is_told_by_the_first_and_the_last() -> None:
    days = ("2021-06-01", "2022-06-01", "2024-06-01")
    found = draw(FERRIES, told(*(("Lund Lines runs [14 ferries].", day) for day in days)))
    assert said(found) == [("2021-06-01", "14"), ("2024-06-01", "14")]


def test_months_where_all_is_of_one_year() -> None:
    january = "The price of barley was [£180] a tonne in January. The price of barley was [£200] in March."
    home = told((january, "2024-03-09"), ("The price of barley fell to [£190] a tonne.", "2024-05-01"))
    found = draw("How did the price of barley vary during 2024?", home)
    assert said(found) == [("2024-01-01", "£180"), ("2024-03-01", "£200"), ("2024-05-01", "£190")]


def test_a_sentence_far_less_likely_than_the_best_is_no_point() -> None:
    home = told(
        ("Kestrel has [40 vans].", "2021-05-01"),
        ("Barley Foods has [90 vans].", "2023-05-01"),
        ("Kestrel has [60 vans].", "2025-06-01"),
    )
    home.evidence[1] = replace(home.evidence[1], probability=0.2)
    found = draw("How has the number of vans of Kestrel changed?", home)
    assert [p.first[:4] for p in found] == ["2021", "2025"]
    assert draw("How has the price of barley changed?", Told(home.articles, home.evidence[1:2])) == ()


def test_one_point_is_no_timeline() -> None:
    history, built = "What is the history of the Vann bridge?", ("The Vann bridge was [built in 1931].", "2021-05-01")
    assert draw(history, told(built)) == ()
    assert draw(history, told()) == ()
    assert draw("How has the bridge changed since 2024?", told(built, ("It was [built in 1931].", "2022-05-01"))) == ()


def test_at_most_six_points_the_first_and_the_last_among_them() -> None:
    found = draw(FERRIES, told(*((f"Lund Lines runs [{5 + n} ferries].", f"{2010 + n}-06-01") for n in range(9))))
    assert len(found) == MOST
    assert (found[0].value, found[-1].value) == ("5", "13")


CHIEF = "Who is the chief executive of Kestrel?"


def newest(question: str, *articles: tuple[str, str]) -> list[str]:
    """The answer words in the order of `newest_first`."""
    home = told(*articles)
    return [one.words for one in newest_first(question, home.evidence, home.article)]


def test_what_holds_now_is_the_newest_that_answers() -> None:
    found = newest(
        CHIEF,
        ("[Ana Ruiz] is the chief executive of Kestrel.", "2019-05-01"),
        ("[Greta Solheim] is the chief executive of Kestrel.", "2024-05-01"),
        ("Kestrel is led [well].", "2025-01-01"),
        ("[Bo Lind] is the chief executive of Kestrel.", ""),
    )
    assert found == ["Greta Solheim", "Ana Ruiz", "Bo Lind", "well"]


def test_a_time_that_is_stated_goes_before_the_articles_day() -> None:
    found = newest(
        "How many ferries does Lund Lines run?",
        ("As of 2021, Lund Lines runs [14 ferries].", "2025-05-01"),
        ("Lund Lines runs [17 ferries].", "2023-05-01"),
        ("Since 2018 Lund Lines runs [20 ferries].", "2024-05-01"),
    )
    assert found == ["20 ferries", "17 ferries", "14 ferries"]


@pytest.mark.parametrize(
    "question", ["Who was the chief executive of Kestrel in 2019?", "Who founded Kestrel?", "Why did Kestrel grow?"]
)
def test_what_does_not_ask_for_now_keeps_its_order(question: str) -> None:
    old = ("[Ana Ruiz], who founded it, is the chief executive of Kestrel.", "2019-05-01")
    new = ("[Greta Solheim], who founded it, is the chief executive of Kestrel.", "2024-05-01")
    assert newest(question, old, new) == ["Ana Ruiz", "Greta Solheim"]


def test_where_all_say_the_same_the_best_stays_first() -> None:
    found = newest(CHIEF, ("[Ana Ruiz] is the chief.", "2019-05-01"), ("[Ruiz] is the chief executive.", "2024-05-01"))
    assert found == ["Ana Ruiz", "Ruiz"]
    assert newest(CHIEF) == []


STRIKE = {
    "monday.txt": """Ferry crews of Lund Lines walk out
Published: 2021-05-03

Ferry crews of Lund Lines began a strike on Monday over night shifts.
The strike stopped all ferries to Skarvik.
The union wants nine hours of rest between two shifts.
""",
    "friday.txt": """Lund Lines and the union end the strike
Published: 2021-05-07

Lund Lines and the union agreed on Friday to end the strike of the ferry crews.
Crews will rest nine hours between two shifts from June.
""",
    "wednesday.txt": """Strike at Lund Lines spreads
Published: 2021-05-05

The strike at Lund Lines spread on Wednesday to the harbour of Halden, where dockers joined it.
Lund Lines said it had lost 2 million euros.
""",
    "mill.txt": """The mill of Vire: a timeline
Published: 2022-09-01

12 March 2018: The mill burns down
2019: Rebuilding begins
9 May 2021: The mill opens again
The mill of Vire is the oldest of the country.
""",
    "bridge.txt": """The bridge of Drangen was to be torn down, as its iron had rusted.
Neighbours of the bridge collected money and wrote to the council.
The council of Drangen gave way and paid for new iron.
The bridge of Drangen carries trams again today.
""",
    "library.txt": """Published: 2022-06-14

Water from a broken pipe ran into the library of Moss.
Firefighters carried 4,000 books out of the library.
The library of Moss closed its reading room.
Readers were sent to the town hall.
""",
}


@pytest.fixture(scope="module")
def happened(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Course | None]]:
    with indexed(STRIKE, tmp_path_factory.mktemp("courses"), embedder) as index:
        yield lambda question: course(question, index, embedder, load_reader(1), SearchOptions(k=8, copies=1))


Happened = Callable[[str], Course | None]


def test_of_several_articles_each_tells_what_was_new_on_its_day(happened: Happened) -> None:
    found = happened("How did the strike at Lund Lines develop?")
    assert found
    assert list(dict.fromkeys(one.first for one in found.points)) == ["2021-05-03", "2021-05-05", "2021-05-07"]
    assert [one.first for one in found.points] == sorted(one.first for one in found.points)
    assert [one.text for one in found.places] == [one.text for one in found.points]
    said = " ".join(one.text for one in found.points)
    assert said.index("began a strike on Monday") < said.index("spread on Wednesday") < said.index("end the strike")
    since = happened("What has happened with the strike at Lund Lines since 4 May 2021?")
    assert since
    assert {one.first for one in since.points} == {"2021-05-05", "2021-05-07"}


def test_what_other_articles_tell_stands_among_the_figures(happened: Happened) -> None:
    found = happened("How did the strike at Lund Lines develop?")
    assert found
    first, *_, last = found.points
    middle = next(one for one in found.points if one.article == "wednesday.txt")
    figure = replace(middle, first="2021-05-06", value="2 million")
    told = joined([figure], found)
    assert (told[0], told[-1]) == (first, last)
    assert [one for one in told if one.article == "wednesday.txt"] == [figure]
    assert joined([figure], None) == (figure,)


def test_a_list_of_times_is_told_by_its_lines(happened: Happened) -> None:
    found = happened("Give me a timeline of the mill of Vire.")
    assert found
    assert [(one.first, one.text) for one in found.points] == [
        ("2018-03-12", "12 March 2018: The mill burns down"),
        ("2019-01-01", "2019: Rebuilding begins"),
        ("2021-05-09", "9 May 2021: The mill opens again"),
    ]


def test_a_course_without_times_is_told_as_the_article_tells_it(happened: Happened) -> None:
    found = happened("How did the fate of the bridge of Drangen unfold?")
    assert found
    assert found.points == ()
    assert found.lead == "In the order in which the article tells it:"
    starts = [one.span.start for one in found.places]
    assert len(starts) >= 3
    assert starts == sorted(starts)


def test_what_states_no_time_is_of_the_articles_own(happened: Happened) -> None:
    found = happened("What happened at the library of Moss in June 2022?")
    assert found
    assert (found.points, found.lead) == ((), "In the order in which the article tells it:")
    assert happened("What happened at the library of Moss in June 2021?") is None


def test_of_what_no_article_tells_there_is_no_course(happened: Happened) -> None:
    assert happened("How did the price of olive oil develop?") is None


DIGESTS = {
    f"{day}.txt": f"Five things to know\nPublished: {day}\n\nGood morning, and welcome to another long day. "
    "Barley is dear this year, say the millers of Vire and all of Norland.\n"
    f"{said}\nThe football club of Halden has a new trainer from the south of the country.\n"
    for day, said in (
        (
            "2022-04-26",
            "The border rule of Norland will be lifted soon, and the mayors of the border towns are worried.",
        ),
        ("2022-11-16", "The border rule of Norland was blocked by a judge, who called it arbitrary and unlawful."),
    )
}


def test_what_articles_tell_beside_other_things_and_without_a_time_is_of_their_day(
    embedder: Embedder, tmp_path: Path
) -> None:
    with indexed(DIGESTS, tmp_path, embedder) as index:
        found = course("What's happened with the border rule?", index, embedder, load_reader(1), SearchOptions(k=8))
    assert found
    assert [(one.first, one.text.partition(",")[0]) for one in found.points] == [
        ("2022-04-26", "The border rule of Norland will be lifted soon"),
        ("2022-11-16", "The border rule of Norland was blocked by a judge"),
    ]
