"""Sentences and lines that list several things, with the real reader and embedder on invented articles."""

from __future__ import annotations

import pytest
import scored
from readers import ScriptedReader

from citewire.index.passages import sentences
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Hit, Passage
from citewire.qa.evidence import Evidence, gather
from citewire.qa.lists import MOST, Items, Wanted, outlined, wanted
from citewire.qa.reader import Reader

ARTICLES = scored.ARTICLES
FOUND = 0.6  # least recall of the expected items, over all records
RIGHT = 0.6  # least share of the given sentences that name an expected item


def listed(index: Index, embedder: Embedder, reader: Reader, question: str) -> list[str]:
    """The items that are given for a question, or the best sentence if there is no list."""
    evidence = gather(question, search(index, embedder, question, 8), index.article, reader)
    found = Items(question, evidence, index.article, reader)
    return [one.text for one in found.rows() or found.sentences()] or [one.text for one in evidence[:1]]


@pytest.mark.slow
def test_the_records_are_listed(index: Index, embedder: Embedder, reader: Reader) -> None:
    expected, told, found, right, log = 0, 0, 0, 0, []
    for record in scored.records("listed.jsonl"):
        got = [one.lower() for one in listed(index, embedder, reader, record["question"])]
        wanted = [one.lower() for one in record["items"]]
        hits = sum(any(one in text for text in got) for one in wanted)
        naming = sum(any(one in text for one in wanted) for text in got)
        expected, told, found, right = expected + len(wanted), told + len(got), found + hits, right + naming
        if hits < len(wanted) or naming < len(got):
            log.append((record["question"], got))
    assert found >= FOUND * expected, (found, expected, log)
    assert right >= RIGHT * told, (right, told, log)


def test_nothing_is_listed_where_nothing_answers(index: Index, embedder: Embedder, reader: Reader) -> None:
    question = "Which planets have rings?"
    evidence = gather(question, search(index, embedder, question, 8), index.article, reader)
    for given in (evidence, []):
        found = Items(question, given, index.article, reader)
        assert (found.rows(), found.sentences(), found.sections()) == ([], [], [])


TRAMS = "Which towns have a tram?"


def items(text: str, *answers: str) -> Items:
    """The lists of a text, if the sentences with these words answer."""
    reader = ScriptedReader({TRAMS: answers})
    home = Article("trams.txt", text, "Trams")
    hit = Hit(Passage("trams.txt", 0, len(text), text, tuple(sentences(text))), 1.0, 0.9, 0.0)
    return Items(TRAMS, gather(TRAMS, [hit], lambda path: home, reader), lambda path: home, reader)


def test_of_each_other_article_the_best_sentence_that_answers() -> None:
    said = [("Vire", 0.9), ("Orm", 0.4), ("Lund", 0.15), ("Skarvik", 0.08)]
    articles = {f"{town}.txt": Article(f"{town}.txt", f"{town} has a tram.", town) for town, _ in said}
    articles["Orm.txt"] = Article("Orm.txt", "Orm has a tram. So has Halden.", "Orm")
    evidence = [
        Evidence(
            path, span, one.text[span.start : span.end], 0.0, dict(said)[path[:-4]] - 0.05 * (span.start > 0), span, 1.0
        )
        for path, one in articles.items()
        for span in sentences(one.text)
    ]
    found = Items(TRAMS, evidence, articles.__getitem__, ScriptedReader({TRAMS: "Vire"})).sentences()
    assert [one.text for one in found] == ["Vire has a tram.", "Orm has a tram.", "Lund has a tram."]


def test_the_lines_of_a_list_come_with_the_line_that_leads_to_them() -> None:
    text = "These towns have one:\n\nHalden, since 1950\n\nVire, since 1990\n\nSkarvik, since 2001\n\nBuses go there.\n"
    found = items(text, "Halden", "Vire").rows()
    assert [one.text for one in found] == [
        "These towns have one:",
        "Halden, since 1950",
        "Vire, since 1990",
        "Skarvik, since 2001",
    ]
    assert all(text[one.span.start : one.span.end] == one.text for one in found)
    assert items(text, "Buses").rows() == []


def test_the_sentences_that_answer_are_told_in_their_order() -> None:
    text = "Halden has a tram. The weather was mild. Vire has had a tram since 1990. The mayor of Skarvik is ill."
    found = items(text, "Vire", "Halden").sentences()
    assert [one.text for one in found] == ["Halden has a tram.", "Vire has had a tram since 1990."]
    assert items(text, "Halden").sentences() == []
    many = " ".join(f"Town {n} has a tram." for n in range(9))
    assert len(items(many, "tram").sentences()) == MOST


def test_what_a_colon_leads_to() -> None:
    lines = ["Halden, which has had one since 1950, and longer than any other.", "Vire.", "Skarvik."]
    text = "The town council met.\n\nThese towns have a tram:\n\n" + "\n\n".join(lines) + "\n\nWho pays?\n\nBuses go.\n"
    assert [one.text for one in items(text, "These towns").led()] == ["These towns have a tram:", *lines]
    assert items(text, "Buses").led() == []
    assert items("They said: no tram. It rained.", "tram").led() == []


def test_each_section_has_its_sentence() -> None:
    text = "".join(
        f"The town of {town}\n\nIt is small. A tram runs in {town} now.\n\n" for town in ("Halden", "Vire", "Skarvik")
    )
    found = items(text, "A tram").sections()
    assert [one.text for one in found] == [f"A tram runs in {town} now." for town in ("Halden", "Vire", "Skarvik")]


def test_the_list_whose_first_line_has_the_words_of_the_question() -> None:
    trains = "Towns that have a train now\n\nSkarvik, since 1901\n\nDrangen, since 1911\n\nOrvik, since 1921\n\n"
    trams = "Towns that have a tram now\n\nHalden, since 1950\n\nVire, since 1990\n\nLund, since 2001\n\nIt was mild.\n"
    found = items(trains + trams, "Skarvik", "Drangen", "Halden", "Vire").rows(2)
    assert [one.text for one in found] == ["Towns that have a tram now", "Halden, since 1950", "Vire, since 1990"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which countries does Lund Lines sail to?", Wanted(0, single=False)),
        ("Name three companies that compete with Orvik Foods.", Wanted(3, single=False)),
        ("Who founded the choir?", Wanted(0, single=False)),
        ("What are the risks of the dye?", Wanted(0, single=False)),
        ("Which town was flooded?", Wanted(0, single=True)),
        ("What is the name of the dye?", Wanted(0, single=True)),
        ("How many towns were flooded?", Wanted(0, single=False)),
    ],
)
def test_what_a_list_is_wanted_of(question: str, expected: Wanted) -> None:
    assert wanted(question) == expected


DISHES = """For those who would rather eat than read. Here is where to go in Lund.

1. Smoked eel

It comes from the river and is sold on the quay.

2. Barley soup

The mill has made it since 1920.

3. Plum cake

Only in autumn, and only on Sundays.
"""
BALCONY = """Some plants need little. The gardeners of Orm want you to know them.

Radishes

They are ripe after a month.

Sign up for the letter of the garden desk

It comes on Fridays.

More:Ten Ways To Feed Your Roses

The beans take longer.

Runner beans

Give them a string to climb.

Wild strawberries

They like the shade of a wall.

Read on: how the rich garden

The gardeners have found out.
"""
WINNERS = """The jury of the Orm Fair met on Friday. It gave its prizes to farms in three valleys.

Here are the farms that won a prize:

Berg Farm, goat cheese.

Holm & Sons, plum jam.

Vire Dairy, butter.

The fair ends on Sunday, and the prizes are handed over by the mayor of Orm in the great hall of the town.
"""
LISTS = [
    Article("dishes.txt", DISHES, "", "Three dishes from around Lund"),
    Article("balcony.txt", BALCONY, "", "3 plants that you can grow on a balcony"),
    Article("fair.txt", WINNERS, "", "Prizes at the Orm Fair"),
]


@pytest.mark.parametrize(
    ("question", "items"),
    [
        ("What are good dishes to eat around Lund?", ["1. Smoked eel", "2. Barley soup", "3. Plum cake"]),
        ("Which plants can I grow on my balcony?", ["Radishes", "Runner beans", "Wild strawberries"]),
        (
            "Which farms won prizes?",
            [
                *("Here are the farms that won a prize:", "Berg Farm, goat cheese."),
                *("Holm & Sons, plum jam.", "Vire Dairy, butter."),
            ],
        ),
        ("Who judged the farms that won a prize?", []),  # the list is near, its lines do not answer
        ("Which farms won prizes in Skarvik?", []),
        ("Which farms won prizes in 1998?", []),
        ("Which ships sail over the sea?", []),
    ],
)
def test_an_article_that_is_the_list_is_told_by_its_lines(
    embedder: Embedder, reader: Reader, question: str, items: list[str]
) -> None:
    found = outlined(question, LISTS, embedder, reader)
    assert [one.text for one in found] == items
    by_path = {one.path: one.text for one in LISTS}
    assert all(by_path[one.article][one.span.start : one.span.end] == one.text for one in found)


def test_headings_that_no_title_counts_and_no_number_opens_are_no_list(embedder: Embedder, reader: Reader) -> None:
    report = Article("balcony.txt", BALCONY, "", "What you can grow on a balcony")
    assert outlined("Which plants can I grow on my balcony?", [report], embedder, reader) == []


def test_a_title_that_counts_one_thing_names_no_list(embedder: Embedder, reader: Reader) -> None:
    text = "\n\n".join(
        f"{head}\n\nThe gardeners of Orm say more on it, and they say it at length."
        for head in (
            "Gardeners of Orm.",
            "Radishes on a balcony",
            "Runner beans on a balcony",
            "Strawberries on a balcony",
        )
    )
    named = "plants that you can grow on a balcony"
    question = "Which plants can I grow on my balcony?"
    counted, single = (Article("balcony.txt", text, "", f"{count} {named}") for count in (3, 1))
    assert len(outlined(question, [counted], embedder, reader)) == 3
    assert outlined(question, [single], embedder, reader) == []
