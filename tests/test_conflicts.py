"""Values that sources give for the same thing: which differ, and which only look as if they did."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from citewire.index.dates import mentions
from citewire.index.passages import sentences
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder
from citewire.qa.conflicts import find, pairs
from citewire.qa.evidence import Evidence, gather
from citewire.qa.judge import Judge
from citewire.qa.question import parse
from citewire.qa.types import Conflict
from citewire.qa.vectors import WordVectors

Find = Callable[..., tuple[Conflict, ...]]


def article(number: int, text: str, published: str = "", group: str = "") -> Article:
    dates = mentions(text, published)
    return Article(f"{number}.txt", text, str(number), published=published, dates=dates, group=group)


@pytest.fixture(scope="module")
def look(embedder: Embedder) -> Find:
    """Find in articles all of whose sentences bear on the question equally well."""

    def look(question: str, *articles: Article) -> tuple[Conflict, ...]:
        known = {a.path: a for a in articles}
        evidence = [Evidence(a.path, s, a.text[s.start : s.end], 0.7, ()) for a in articles for s in sentences(a.text)]
        found = find(parse(question), evidence, known.__getitem__, WordVectors(embedder))
        for value in (v for c in found for v in c.values):
            assert known[value.article].text[value.start : value.end] == value.text
        return found

    return look


def values(found: tuple[Conflict, ...]) -> list[set[str]]:
    return [{v.value for v in c.values} for c in found]


REVENUE = "What was the revenue of Kestrel in 2023?"

OF_48 = "The revenue of Kestrel was £48 million in 2023."
FERRIES = "How many ferries does Lund Lines run?"
COUNTRY = "In which country is Kestrel based?"

DIFFER = [
    (REVENUE, OF_48, "Kestrel had revenue of £53 million in 2023.", {"£48 million", "£53 million"}),
    (FERRIES, "Lund Lines runs 14 ferries.", "Lund Lines runs 17 ferries.", {"14", "17"}),
    ("What share of trips was cancelled?", "About 18% of trips were cancelled.", "Of all trips, 31% were cancelled.",
     {"18%", "31%"}),
    ("When did the Vann bridge open?", "The Vann bridge opened on 3 May 2019.", "The Vann bridge opened in June 2021.",
     {"3 May 2019", "June 2021"}),
    ("When was Ana Ruiz born?", "Ana Ruiz (3 May 1961 – 4 June 2020) was a mayor.", "Ana Ruiz was born on 9 July 1964.",
     {"3 May 1961", "9 July 1964"}),
    ("Who won the Norland Cup?", "Ana Ruiz won the Norland Cup.", "Greta Solheim won the Norland Cup.",
     {"Ana Ruiz", "Greta Solheim"}),
    (COUNTRY, "Kestrel, the Norway-based brewer, grew.", "Kestrel is based in Denmark.", {"Norway", "Denmark"}),
    ("What sport does Tom Hale play?", "Tom Hale plays snooker.", "Tom Hale plays chess.", {"snooker", "chess"}),
    (COUNTRY, "The brewer Kestrel is based in Skarvik, Norland, and sells beer.",
     "The Danish brewer Kestrel is based in Denmark, its chair said.", {"Skarvik, Norland", "Denmark"}),
    ("What instrument does Ana Ruiz play?", "Ana Ruiz plays the violin in the town's orchestra.",
     "Ana Ruiz plays the cello in the town's orchestra.", {"violin", "cello"}),
    ("What is the name of the new bridge over the Vann?", "The new bridge over the Vann is named Harbour Bridge.",
     "The new bridge over the Vann is named Queen Maud Bridge.", {"Queen Maud", "Harbour"}),
    ("Which city hosts the ferry company Lund Lines?",
     "The ferry company Lund Lines is in the city of Skarvik, Norland.",
     "The ferry company Lund Lines is in the city of Leeds, England.", {"Skarvik, Norland", "Leeds, England"}),
    ("Who was the first captain of the ferry Norland Star?", "The first captain of the ferry Norland Star was Bo Lind.",
     "The first captain of the ferry Norland Star was Ana Ruiz.", {"Bo Lind", "Ana Ruiz"}),
    ("How many passengers did the ferry carry?", "The ferry carried between 200 and 300 passengers.",
     "The ferry carried 450 passengers.", {"450", "200"}),
    ("When did the bridge open?", "The bridge opened in spring 2019.", "The bridge opened on 3 May 2021.",
     {"3 May 2021", "2019"}),
    (COUNTRY, "Shares of the Singapore-based Kestrel rose on Monday.", "The Chinese manufacturer Kestrel sold more.",
     {"Singapore", "Chinese"}),
    ("Where is Kestrel based?", "Singapore-based brewing machine maker Kestrel, which employs 40 people, grew.",
     "Kestrel Inc. (KES), a Chinese ASIC maker, sold more this year.", {"Singapore", "Chinese"}),
    ("Where is Kestrel headquartered?", "Kestrel is headquartered in Singapore.",
     "The Danish brewer said that it had hired. Kestrel sells beer.", {"Singapore", "Danish"}),
    ("In which city is Kestrel based?", "Kestrel is based in Lyon, France.", "Kestrel is based in Paris, France.",
     {"Lyon, France", "Paris, France"}),
]  # fmt: skip


@pytest.mark.parametrize(("question", "one", "other", "expected"), DIFFER)
def test_different_values_are_a_conflict(look: Find, question: str, one: str, other: str, expected: set[str]) -> None:
    found = look(question, article(1, one, "2024-02-01"), article(2, other, "2024-02-03"))
    assert values(found) == [expected]
    assert {(v.article, v.published) for v in found[0].values} == {
        ("1.txt", "2024-02-01"),
        ("2.txt", "2024-02-03"),
    }
    assert found[0].about == question.rstrip("?")


ALIKE = {
    "the same": (REVENUE, OF_48, "Kestrel had revenue of £48 million in 2023."),
    "scale": (REVENUE, OF_48, "Kestrel had revenue of £48,000,000 in 2023."),
    "rounding": (REVENUE, "The revenue of Kestrel was £269.3 million in 2023.", "Kestrel had £270m revenue in 2023."),
    "about": (REVENUE, OF_48, "Kestrel had revenue of about £50 million in 2023."),
    "more than": (FERRIES, "Lund Lines runs more than 12 ferries.", "Lund Lines runs 17 ferries."),
    "range": (FERRIES, "Lund Lines runs between 12 and 20 ferries.", "Lund Lines runs 17 ferries."),
    "quarter": (REVENUE, OF_48, "In Q4 2023, Kestrel had revenue of £13 million."),
    "full year": (
        "What was the revenue of Kestrel in the second quarter of 2023?",
        "In the second quarter of 2023 the revenue of Kestrel was £13 million.",
        OF_48,
    ),
    "another year": (REVENUE, OF_48, "Kestrel had revenue of £40 million in 2022."),
    "profit": (REVENUE, OF_48, "The profit of Kestrel was £3 million in 2023."),
    "growth": (REVENUE, OF_48, "Revenue growth of Kestrel was £8 million in 2023."),
    "a part": (REVENUE, OF_48, "Kestrel's cider unit had revenue of £9 million in 2023."),
    "another firm": (REVENUE, OF_48, "The revenue of Heron was £91 million in 2023."),
    "forecast": (REVENUE, OF_48, "Kestrel expects revenue of £60 million for 2023."),
    "denied": (COUNTRY, "Kestrel is based in Norway.", "Kestrel is not based in Denmark."),
    "a day of the month": ("When did it open?", "It opened on 3 May 2019.", "It opened in May 2019."),
    "part of the name": ("Who won the Norland Cup?", "Ana Ruiz won the Norland Cup.", "Ruiz won the Norland Cup."),
    "of that country": (COUNTRY, "Kestrel is based in Norway.", "Kestrel is a Norwegian brewer based abroad."),
    "by table": (COUNTRY, "Kestrel is based in France.", "Kestrel is a French brewer based abroad."),
    "its capital": (COUNTRY, "Kestrel, a Danish brewer, grew.", "Kestrel is headquartered in Copenhagen."),
    "a city there": (COUNTRY, "Kestrel is a French brewer.", "Kestrel is headquartered in Lille, France."),
    "one country": (COUNTRY, "The U.S.-based Kestrel grew.", "Kestrel is an American brewer."),
    "of others": (COUNTRY, "Kestrel is based in Norway.", "Danish officials met Kestrel in June."),
    "based elsewhere": (COUNTRY, "Kestrel is based in Norway.", "Denmark-based Heron bought shares of Kestrel."),
    "bought": (COUNTRY, "Kestrel is based in Norway.", "The Danish firm bought Kestrel beer."),
    "reasons": ("Why did profit fall?", "Profit fell because barley cost more.", "Profit fell because of the strike."),
    "yes or no": ("Is Kestrel based in Norway?", "Kestrel is based in Norway.", "Kestrel is based in Denmark."),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_only_looks_different_is_none(look: Find, name: str) -> None:
    question, one, other = ALIKE[name]
    assert values(look(question, article(1, one), article(2, other))) == []


def test_copies_are_one_source(look: Find) -> None:
    text = "The revenue of Kestrel was £48 million in 2023."
    found = look(
        REVENUE,
        article(1, text, "2024-02-01", group="a"),
        article(2, text, "2024-02-02", group="a"),
        article(3, "Kestrel had revenue of £53 million in 2023.", "2024-02-03", group="b"),
        article(4, "In 2023 the revenue of Kestrel was £53m.", "2024-02-04", group="c"),
    )
    assert sorted(v.article for v in found[0].values) in (
        ["1.txt", "3.txt", "4.txt"],
        ["2.txt", "3.txt", "4.txt"],
    )


def test_one_article_can_disagree_with_itself(look: Find) -> None:
    text = "The revenue of Kestrel was £48 million in 2023. The revenue of Kestrel was £53 million in 2023."
    assert values(look(REVENUE, article(1, text))) == [{"£48 million", "£53 million"}]


def test_values_that_differ_only_by_time_are_none(look: Find) -> None:
    now = look(
        FERRIES,
        article(2, "Lund Lines runs 17 ferries.", "2024-06-01"),
        article(1, "Lund Lines runs 14 ferries.", "2021-06-01"),
        article(3, "In 2019 Lund Lines ran 9 ferries.", "2024-06-01"),
    )
    assert now == ()
    chief = "Who is the chief executive of Kestrel?"
    earlier = article(1, "Ana Ruiz is the chief executive of Kestrel.", "2021-06-01")
    later = "Greta Solheim is the chief executive of Kestrel."
    assert look(chief, earlier, article(2, later, "2024-06-01")) == ()
    assert values(look(chief, earlier, article(2, later, "2021-06-20"))) == [{"Ana Ruiz", "Greta Solheim"}]


def test_nothing_to_compare(look: Find, embedder: Embedder) -> None:
    assert look(REVENUE) == ()
    none: dict[str, Article] = {}
    assert pairs(parse(REVENUE), [], none.__getitem__, WordVectors(embedder)) == []
    assert look(REVENUE, article(1, "The brewer was founded by two sisters.")) == ()


def test_real_articles(seeds_index: Index, embedder: Embedder) -> None:
    question = parse("What was Canaan's total revenue in 2024?")
    hits = search(seeds_index, embedder, question.text, 8)
    evidence = gather(question, hits, seeds_index.article, embedder, Judge(question, WordVectors(embedder)))
    found = find(question, evidence, seeds_index.article, WordVectors(embedder))
    assert values(found) == [{"$88.8 million", "$269.3 million"}]
    assert {v.article[:3] for v in found[0].values} == {"000", "001"}


def test_the_bar_can_be_set(look: Find, embedder: Embedder) -> None:
    articles = {
        a.path: a
        for a in (
            article(1, "The revenue of Kestrel was £48 million in 2023."),
            article(2, "Kestrel had revenue of £53 million in 2023."),
        )
    }
    evidence = [Evidence(a.path, s, a.text, 0.7, ()) for a in articles.values() for s in sentences(a.text)]
    best = pairs(parse(REVENUE), evidence, articles.__getitem__, WordVectors(embedder))[0]
    for least, flagged in ((best.probability - 0.01, True), (best.probability + 0.01, False)):
        found = find(parse(REVENUE), evidence, articles.__getitem__, WordVectors(embedder), least)
        assert bool(found) is flagged
