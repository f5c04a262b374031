"""Several things that articles name, each once: the real reader and embedder on invented articles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import indexed
from readers import ScriptedReader
from scored import records

from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Span
from citewire.qa.evidence import Evidence, gather
from citewire.qa.lists import Item, introduced, items, places, short
from citewire.qa.reader import Reader, load_reader

FOUND = 0.6  # of the things expected, over all records
RIGHT = 0.6  # of the things listed; at first sight 27 of 40 were right
ARTICLES = {
    "ferry.txt": """Lund Lines Grows

The ferry company Lund Lines sails to Norland, Suderland and Estmark.
It bought two ferries, the Aurora and the Borealis, last spring.
Fares rose by 3 percent in May, the company said.
""",
    "flood.txt": """Floods In The South

Halden and Vire were flooded on Sunday after two days of rain.
Skarvik was flooded on Monday, when the river Vann burst its banks.
Mayor Olga Prest of Drangen said her city stayed dry.
""",
    "dairy.txt": """Orvik Foods Opens A Plant

Orvik Foods makes cheese, butter and yoghurt at its plant.
It competes with Brask Dairy and Tandem Milk in Norland.
The plant employs 300 people.
""",
    "loan.txt": """Brask Dairy Borrows For A New Mill

The Bank of Vire lent 4 million euros to Brask Dairy in March.
Halden Savings also lent money to Brask Dairy, the company said in its report.
""",
    "choir.txt": """A Choir Turns Fifty

Ana Ruiz and Karl Voss founded the Skarvik choir in 1974.
Lena Holm led the Skarvik choir until 2001.
Greta Solheim has led the Skarvik choir since then.
Karl Voss plays the violin and the oboe.
""",
    "island.txt": """The Wildlife Of Fenn Island

Seals, puffins and otters live on Fenn island.
Visitors come by boat in summer.
""",
    "games.txt": """Norland Wins Two Medals

Mira Dahl won a gold medal for Norland in the sprint.
Jon Berg won a silver medal for Norland in the high jump.
The games ended on Sunday.
""",
    "dye.txt": """Red Dye Banned

Norland banned the dye in sweets on 3 May 2024.
Estmark banned the dye a year later.
""",
}
CITIES = "Which cities were flooded?"


@pytest.fixture(scope="module")
def index(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with indexed(ARTICLES, tmp_path_factory.mktemp("invented"), embedder) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(1)


def listed(index: Index, embedder: Embedder, reader: Reader, question: str) -> tuple[Item, ...]:
    return items(question, gather(question, search(index, embedder, question, 8), index.article, reader), reader)


def test_the_records_are_listed(index: Index, embedder: Embedder, reader: Reader) -> None:
    expected, told, right, log = 0, 0, 0, []
    for record in records("listed.jsonl"):
        got = {one.words.lower() for one in listed(index, embedder, reader, record["question"])}
        wanted = {one.lower() for one in record["items"]}
        hits = {one for one in wanted if any(one in other for other in got)}
        expected, told, right = expected + len(wanted), told + len(got), right + len(hits)
        if got != wanted:
            log.append((record["question"], got))
    assert right >= FOUND * expected, (right, expected, log)
    assert right >= RIGHT * told, (right, told, log)


def test_things_of_two_sentences_with_their_places(index: Index, embedder: Embedder, reader: Reader) -> None:
    found = listed(index, embedder, reader, CITIES)
    assert {one.words for one in found} >= {"Halden", "Vire"}  # Skarvik's sentence says it in other words
    for one in found:
        text = index.article(one.article).text
        assert text[one.answer.start : one.answer.end] == one.words
        assert text[one.sentence.start : one.sentence.end] == one.text
        assert 0 < one.probability < 1


def test_nothing_is_listed_where_nothing_answers(index: Index, embedder: Embedder, reader: Reader) -> None:
    assert listed(index, embedder, reader, "Which planets have rings?") == ()
    assert items("Which planets have rings?", [], reader) == ()


def told(text: str, words: str, probability: float, path: str = "a.txt", at: int = 0) -> Evidence:
    start = at + text.index(words)
    return Evidence(path, Span(at, at + len(text)), text, 1.0, probability, Span(start, start + len(words)), 0.9)


def test_one_thing_in_several_spellings_is_listed_once_and_its_other_sentence_left_out() -> None:
    evidence = [
        told("President Emil Faber visited Halden.", "President Emil Faber", 0.9),
        told("Faber visited the town, too.", "Faber", 0.8, at=100),
        told("Karl Voss visited Halden on Monday.", "Karl Voss", 0.8, at=200),
    ]
    found = items("Who visited the clinic?", evidence, Sure())
    assert [one.words for one in found] == ["President Emil Faber", "Karl Voss"]
    assert short(found) == "President Emil Faber and Karl Voss"
    assert short(found[:1]) == "President Emil Faber"
    assert short(()) == ""


class Sure(ScriptedReader):
    """Finds every claim supported, except those of which the words stand in `doubted`."""

    def __init__(self, *doubted: str) -> None:
        super().__init__()
        self.doubted = doubted

    def verify(self, pairs):  # type: ignore[no-untyped-def]
        said = {pair: 0.05 if any(one in pair[0] for one in self.doubted) else 0.9 for pair in pairs}
        self.supports = said
        return super().verify(pairs)


def test_what_its_sentence_does_not_say_of_it_is_left_out() -> None:
    evidence = [told("Halden, Vire and Skarvik sent boats.", "Halden", 0.9)]
    assert [one.words for one in items("Who sent help?", evidence, Sure())] == ["Halden", "Vire", "Skarvik"]
    assert [one.words for one in items("Who sent help?", evidence, Sure("Vire"))] == ["Halden", "Skarvik"]


def test_what_only_repeats_the_question_is_no_thing() -> None:
    evidence = [told("Three cities were flooded.", "Three cities", 0.9)]
    assert items(CITIES, evidence, Sure()) == ()


def test_things_of_another_sort_are_left_out() -> None:
    evidence = [
        told("Lena Holm sang.", "Lena Holm", 0.9),
        told("The crowd sang along until midnight.", "until midnight", 0.9, at=50),
        told("Karl Voss sang.", "Karl Voss", 0.8, at=100),
    ]
    assert [one.words for one in items("Who gave the concert?", evidence, Sure())] == ["Lena Holm", "Karl Voss"]


def test_a_cut_phrase_is_made_whole() -> None:
    evidence = [
        told("The firm sells consumer mining rigs.", "consumer mining", 0.9),
        told("The firm sells garden chairs.", "garden chairs", 0.8, at=100),
    ]
    found = items("Which goods are sold?", evidence, Sure())
    assert [one.words for one in found] == ["consumer mining rigs", "garden chairs"]


def test_things_come_from_eight_sentences_at_most() -> None:
    names = ("Ana", "Bo", "Carl", "Dora", "Emil", "Fred", "Gina", "Hugo", "Ines", "Jon")
    evidence = [told(f"{name} Holt-{n} sang.", f"{name} Holt-{n}", 0.9, at=100 * n) for n, name in enumerate(names)]
    assert len({one.sentence for one in items("Who gave the concert?", evidence, Sure())}) <= 8


def lines(text: str, intro: str) -> tuple[Item, ...]:
    """What is listed behind a sentence of a text, by a reader that believes everything."""
    evidence = [told(intro, intro.split()[0], 0.9, at=text.index(intro))]
    return introduced("Which towns have a tram?", evidence, lambda path: Article(path, text, "Trams"), Sure())


def test_the_lines_behind_an_introduction_are_its_things() -> None:
    text = "Trams are back. These towns have one:\n\n• Halden\n\n• Vire: since 1990\n\nThe others use buses now.\n"
    found = lines(text, "These towns have one:")
    assert [one.words for one in found] == ["Halden", "Vire"]
    assert [text[one.sentence.start : one.sentence.end] for one in found] == ["Halden", "Vire: since 1990"]
    assert [one.text for one in places(found)] == ["These towns have one:", "Halden", "Vire: since 1990"]


def test_numbered_headings_are_things_whatever_stands_between_them() -> None:
    text = (
        "Here are the towns.\n\n3. Halden\n\nIt opened a line in 2001.\n\n2. Vire\n\n1. Skarvik\n\nIt is the oldest.\n"
    )
    assert [one.words for one in lines(text, "Here are the towns.")] == ["Halden", "Vire", "Skarvik"]


@pytest.mark.parametrize("rest", ["The others use buses now.\n", "When do they run?\n\nHalden\n\nVire\n", "Halden\n"])
def test_other_lines_make_no_list(rest: str) -> None:
    assert lines(f"These towns have one:\n\n{rest}", "These towns have one:") == ()


def test_what_a_number_counts_is_listed() -> None:
    evidence = [told("Holm met three mayors: Olga Prest, Paul Okafor and Karl Voss.", "three", 0.9)]
    assert [one.words for one in items("Which mayors were there?", evidence, Sure())] == [
        "Olga Prest",
        "Paul Okafor",
        "Karl Voss",
    ]
