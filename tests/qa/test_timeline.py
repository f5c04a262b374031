"""The course of something over time, and what is true now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import indexed
from told import told

from citewire.index.options import SearchOptions
from citewire.index.types import Embedder
from citewire.qa.reader import load_reader
from citewire.qa.timeline import Course, course, newest_first

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
