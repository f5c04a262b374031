"""The course of a thing over time, and what holds now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from citewire.index.dates import mentions
from citewire.index.passages import sentences
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder
from citewire.qa.evidence import Evidence, gather
from citewire.qa.judge import Judge
from citewire.qa.question import parse
from citewire.qa.timeline import MOST, asks, points, prefer_newest
from citewire.qa.types import TimelinePoint
from citewire.qa.vectors import WordVectors

COURSE = """
How did the outlook for Kestrel change between 2021 and 2025?
How has the outlook for Kestrel changed?
How has the fleet of Lund Lines developed since 2019?
How have ferry prices evolved over the past decade?
How did Kestrel's revenue change from 2021 to 2024?
How did the revenue of Kestrel grow over time?
How has opinion on the bridge shifted over the last three years?
How did prices fluctuate throughout 2024?
How did fares rise and fall between March and June 2024?
How did the price of barley vary during 2024?
How did the number of ferries of Lund Lines change between 2019 and 2024?
how has the tariff changed since january 2024?
How did the dispute develop from spring to autumn?
What is the history of the Vann bridge?
History of Lund Lines
Timeline of the Vann bridge
Give me a short timeline for the strike
Could you please outline the history of the merger?
Trace the growth of Kestrel's revenue.
Trace how the dispute over the bridge unfolded.
What happened to Kestrel since 2019?
What has changed at Lund Lines between 2021 and 2025?
What was Kestrel's revenue over the years?
What were barley prices year by year?
"""
NO_COURSE = """
How did the CEO react?
What changed in the law?
How did Kestrel change its logo?
How did the price change in 2023?
How did the chief executive react to the strike between 2021 and 2025?
How did the change of the chief executive affect prices between 2021 and 2025?
How did the price change between London and Paris?
How does the law change affect brewers?
How do tides change?
Why did the price change between 2021 and 2025?
Did the price change between 2021 and 2025?
Who wrote the history of Norland?
What is the largest merger in the history of Norland?
What did the chief executive say about the history of the brewery?
What is the timeline for the approval?
When will the timeline of the merger be published?
How much has revenue grown since 2019?
How many ferries has Lund Lines run since 2019?
What was revenue in 2021 and 2022?
Who has been the chief executive since 2019?
What happened to the ferry?
Were trace amounts of lead found in the water?
Which company has grown most since 2019?
"""


@pytest.mark.parametrize("text", COURSE.strip().splitlines())
def test_asks_for_a_course(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize("text", NO_COURSE.strip().splitlines())
def test_asks_for_none(text: str) -> None:
    assert not asks(text)


# Text and day of publication of an article.
Told = tuple[str, str]
Draw = Callable[..., tuple[TimelinePoint, ...]]


def known(articles: tuple[Told, ...]) -> tuple[dict[str, Article], list[Evidence]]:
    """The articles by path, and their sentences, all of which bear on the question equally well."""
    out = {
        f"{n}.txt": Article(f"{n}.txt", text, str(n), published=day, dates=mentions(text, day))
        for n, (text, day) in enumerate(articles)
    }
    return out, [Evidence(a.path, s, a.text[s.start : s.end], 0.7, ()) for a in out.values() for s in sentences(a.text)]


@pytest.fixture(scope="module")
def draw(embedder: Embedder) -> Draw:
    """The timeline out of articles."""

    def draw(question: str, *articles: Told) -> tuple[TimelinePoint, ...]:
        home, evidence = known(articles)
        found = points(parse(question), evidence, home.__getitem__, WordVectors(embedder))
        for point in found:
            assert home[point.article].text[point.start : point.end] == point.text
            assert point.value in point.text
        return found

    return draw


def course(found: tuple[TimelinePoint, ...]) -> list[tuple[str, str]]:
    return [(p.first, p.value or p.text) for p in found]


REVENUES = (
    ("Kestrel's revenue was £48 million in 2023. In 2022 revenue of Kestrel was £40 million.", "2024-02-01"),
    ("Kestrel's revenue was £35 million in 2021. In the first quarter of 2021 its revenue was £8m.", "2022-02-01"),
    ("Kestrel's revenue rose to £60 million in 2024, from £48 million in 2023.", "2025-02-01"),
    ("Kestrel expects revenue of £70 million in 2025. Its cider unit had revenue of £9m in 2022.", "2025-02-01"),
    ("Revenue of Kestrel was £20 million in 2019.", "2020-03-01"),
    ("Heron's revenue was £91 million in 2021.", "2022-03-01"),
)


def test_a_figure_has_its_value_of_each_year_asked_for(draw: Draw) -> None:
    found = draw("How did Kestrel's revenue change between 2021 and 2025?", *REVENUES)
    assert [(p.first, p.last, p.stated, p.value) for p in found] == [
        ("2021-01-01", "2021-12-31", True, "£35 million"),
        ("2022-01-01", "2022-12-31", True, "£40 million"),
        ("2023-01-01", "2023-12-31", True, "£48 million"),
        ("2024-01-01", "2024-12-31", True, "£60 million"),
    ]
    assert (found[0].article, found[0].text) == ("1.txt", "Kestrel's revenue was £35 million in 2021.")
    since = draw("How has Kestrel's revenue changed since 2023?", *REVENUES)
    assert course(since) == [("2023-01-01", "£48 million"), ("2024-01-01", "£60 million")]


FERRIES = "How has the number of ferries of Lund Lines changed over the years?"


def test_a_count_that_is_not_dated_is_of_its_articles_day(draw: Draw) -> None:
    found = draw(
        FERRIES,
        ("Lund Lines runs 17 ferries.", "2024-06-01"),
        ("Lund Lines runs 14 ferries.", "2021-06-01"),
        ("In 2019 Lund Lines ran 9 ferries.", "2024-06-02"),
        ("Lund Lines runs 14 ferries today.", "2022-03-01"),
        ("Lund Lines runs 80 ferries.", ""),
    )
    assert [(p.first, p.stated, p.value) for p in found] == [
        ("2019-01-01", True, "9"),
        ("2021-06-01", False, "14"),
        ("2024-06-01", False, "17"),
    ]


def test_that_nothing_changed_is_told_by_the_first_and_the_last(draw: Draw) -> None:
    days = ("2021-06-01", "2022-06-01", "2024-06-01")
    found = draw(FERRIES, *(("Lund Lines runs 14 ferries.", day) for day in days))
    assert course(found) == [("2021-06-01", "14"), ("2024-06-01", "14")]


def test_months_where_all_is_of_one_year(draw: Draw) -> None:
    found = draw(
        "Trace the price of barley.",
        ("The price of barley was £180 a tonne in January. The price of barley was £200 in March.", "2024-03-09"),
        ("The price of barley fell to £190 a tonne.", "2024-05-01"),
    )
    assert course(found) == [("2024-01-01", "£180"), ("2024-03-01", "£200"), ("2024-05-01", "£190")]


def test_a_share_and_prices(draw: Draw) -> None:
    share = draw(
        "How has Kestrel's market share developed since 2019?",
        ("Kestrel's market share was 12% in 2020.", "2021-05-01"),
        ("Its market share reached 15% in 2022.", "2023-05-02"),
        ("The market share of Kestrel is 9%.", "2018-05-02"),
    )
    assert course(share) == [("2020-01-01", "12%"), ("2022-01-01", "15%")]
    prices = draw(
        "How did ferry prices change in recent years?",
        ("Ferry prices rose to £20.", "2021-05-01"),
        ("The ferry price is now £24.", "2023-05-02"),
    )
    assert course(prices) == [("2021-05-01", "£20"), ("2023-05-02", "£24")]


def test_what_is_no_figure_has_the_sentence_of_each_time(draw: Draw) -> None:
    found = draw(
        "How did the outlook for Kestrel change between 2021 and 2025?",
        ("The outlook for Kestrel is bleak, analysts said.", "2021-05-01"),
        ("The outlook for Kestrel has brightened, with growth of 5% expected in 2024.", "2023-05-02"),
        ("Kestrel's outlook is strong. Barley was dear.", "2025-06-01"),
        ("Kestrel's outlook is good.", "2019-05-01"),
        ("The outlook for barley is poor.", "2022-05-01"),
    )
    assert course(found) == [
        ("2021-05-01", "The outlook for Kestrel is bleak, analysts said."),
        (
            "2023-05-02",
            "The outlook for Kestrel has brightened, with growth of 5% expected in 2024.",
        ),  # when it was made
        ("2025-06-01", "Kestrel's outlook is strong."),
    ]


def test_one_point_is_no_timeline(draw: Draw) -> None:
    built = ("The Vann bridge was built in 1931.", "2021-05-01")
    assert draw("What is the history of the Vann bridge?", built) == ()
    assert draw("What is the history of the Vann bridge?") == ()
    assert draw("How has the tariff changed since 2019?", built, ("Kestrel grew.", "2023-05-01")) == ()
    rebuilt = draw(
        "What is the history of the Vann bridge?", built, ("In 1950 the Vann bridge was rebuilt.", "2021-05-01")
    )
    assert [p.first[:4] for p in rebuilt] == ["1931", "1950"]


def test_at_most_six_points_the_first_and_the_last_among_them(draw: Draw) -> None:
    ferries = ((f"Lund Lines runs {5 + n} ferries.", f"{2010 + n}-06-01") for n in range(9))
    found = draw(FERRIES, *ferries)
    assert len(found) == MOST
    assert (found[0].value, found[-1].value) == ("5", "13")


CHIEF = "Who is the chief executive of Kestrel?"


@pytest.fixture(scope="module")
def newest(embedder: Embedder) -> Callable[..., list[str]]:
    """The sentences of articles, as they are to be read."""

    def newest(question: str, *articles: Told) -> list[str]:
        home, evidence = known(articles)
        return [e.text for e in prefer_newest(parse(question), evidence, home.__getitem__, WordVectors(embedder))]

    return newest


def test_what_holds_now_is_the_newest_that_answers(newest: Callable[..., list[str]]) -> None:
    found = newest(
        CHIEF,
        ("Ana Ruiz is the chief executive of Kestrel. The brewer sells beer.", "2019-05-01"),
        ("Greta Solheim is the chief executive of Kestrel.", "2024-05-01"),
        ("Kestrel sells beer and cider.", "2025-01-01"),
        ("Bo Lind is the chief executive of Kestrel.", ""),
    )
    assert found[:3] == [
        "Greta Solheim is the chief executive of Kestrel.",
        "Bo Lind is the chief executive of Kestrel.",
        "Ana Ruiz is the chief executive of Kestrel.",
    ]
    assert sorted(found[3:]) == ["Kestrel sells beer and cider.", "The brewer sells beer."]


def test_a_time_that_is_stated_goes_before_the_articles_day(newest: Callable[..., list[str]]) -> None:
    found = newest(
        "How many ferries does Lund Lines run?",
        ("As of 2021, Lund Lines runs 14 ferries.", "2025-05-01"),
        ("Lund Lines runs 17 ferries.", "2023-05-01"),
        ("Since 2018 Lund Lines runs 20 ferries.", "2024-05-01"),
    )
    assert found == [
        "Since 2018 Lund Lines runs 20 ferries.",
        "Lund Lines runs 17 ferries.",
        "As of 2021, Lund Lines runs 14 ferries.",
    ]


@pytest.mark.parametrize(
    "question",
    [
        "Who was the chief executive of Kestrel in 2019?",
        "Who founded Kestrel?",
        "Why did Kestrel grow?",
        "What is Kestrel?",
    ],
)
def test_what_does_not_ask_for_now_keeps_its_order(newest: Callable[..., list[str]], question: str) -> None:
    old = "Ana Ruiz, who founded it, is the chief executive of Kestrel."
    new = "Greta Solheim, who founded it, is the chief executive of Kestrel."
    assert newest(question, (old, "2019-05-01"), (new, "2024-05-01")) == [old, new]


def test_without_days_nothing_is_newer(newest: Callable[..., list[str]]) -> None:
    texts = ["The brewer sells beer.", "Ana Ruiz is the chief executive of Kestrel."]
    assert newest(CHIEF, *((text, "") for text in texts)) == texts
    assert newest(CHIEF) == []


def test_real_articles(seeds_index: Index, embedder: Embedder) -> None:
    question = parse("How did the outlook for Canaan's AI chips change between 2021 and 2025?")
    vectors = WordVectors(embedder)
    hits = search(seeds_index, embedder, question.text, 16)
    evidence = gather(question, hits, seeds_index.article, embedder, Judge(question, vectors))
    first, *_, last = points(question, evidence, seeds_index.article, vectors)
    assert (first.first[:4], first.article[:3]) == ("2021", "003")
    assert (last.first, last.stated, last.article[:3]) == ("2025-06-29", False, "001")
    assert "winding down" in last.text
