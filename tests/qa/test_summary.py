"""Summaries of invented articles with the real models: the articles, the sentences and their wording."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from conftest import indexed
from generators import ScriptedGenerator
from readers import ScriptedReader

from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Filters, Span
from citewire.qa import summary
from citewire.qa.claims import Judgement, Place
from citewire.qa.evidence import ANSWERS
from citewire.qa.reader import Reader
from citewire.qa.standing import plain, stands_alone
from citewire.qa.summary import Candidate, Selection, _lead, messages, points, select, shortened
from citewire.qa.types import Generator
from citewire.qa.verdicts import TRUSTED, Checker

FERRY = """Lund Lines opens a night ferry between Norland and Skarvik
Published: 2021-05-03

SKARVIK, Norland (AP) — The ferry company Lund Lines opened a night route between Norland and Skarvik on Monday.
The night ferry takes six hours and carries up to 80 lorries, the company said.
It will run on every day of the week but Sunday.
But lorry drivers have asked for a night ferry to Skarvik since the coast road was closed in 2018.
Will the route pay?
Ana Ruiz, chair of Lund Lines, expects the night route to earn 4 million euros in its first year.
“We had to do this.”
The mayor of Skarvik said the night ferry would bring 120 jobs to the harbour.
Click here to read our other stories about ferries.
"""
YARD = """Harbour of Skarvik to be dredged for larger ferries
Published: 2021-09-14

The harbour of Skarvik will be dredged to nine metres next spring, so that larger ferries can call there.
The work costs 11 million euros, of which Lund Lines pays a third.
Fishermen fear that the dredging will drive away the cod.
The council of Skarvik voted for the plan with 14 votes to 3.
"""
BREWER = """Brewer Kestrel loses a third of its profit
Published: 2023-02-01

Profit at the brewer Kestrel fell 32% to £3.1 million in 2022, while its sales rose to £48 million.
Kestrel paid far more for barley and glass than in the year before, said Tom Hale, its finance chief.
The brewer will close its oldest brewhouse in Aldmoor, where 40 people work.
“Nobody will lose a job,” said Tom Hale, who has run the finances of Kestrel since 2015.
"""
ARTICLES = {"ferry.txt": FERRY, "yard.txt": YARD, "brewer.txt": BREWER, "copy.txt": BREWER}
OPTIONS = SearchOptions(k=8, copies=1)
OPENING = "The ferry company Lund Lines opened a night route between Norland and Skarvik on Monday."
LONG = (
    "Kestrel, a brewer that has been run by the same family since 1871 and is based in Aldmoor, said on Tuesday that it"
    " will close its oldest brewhouse in June, as the building would cost 9 million pounds to repair."
)
Choose = Callable[[str], Selection]
Found = Callable[[str], list[str]]
Worded = Callable[..., list[tuple[str, Judgement]]]


@pytest.fixture
def choose(index: Index, embedder: Embedder, reader: Reader) -> Choose:
    return lambda topic: select(topic, index, embedder, reader, OPTIONS)


@pytest.fixture
def told(index: Index, embedder: Embedder, reader: Reader, choose: Choose) -> Found:
    return lambda topic: [one.text for one in points(topic, choose(topic), index, embedder, reader)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("topic", "articles"),
    [
        ("the night ferry", {"ferry.txt"}),
        ("larger ferries in Skarvik, Norland", {"ferry.txt"}),  # the other article does not name Norland
        ("the dredging of the harbour", {"yard.txt"}),
        ("Skarvik", {"ferry.txt", "yard.txt"}),
        ("harbour dredging for ferries row", {"yard.txt"}),  # keywords, which the reader is unsure about
        ("layoffs at the brewer", {"brewer.txt"}),  # no sentence has these words
        ("the moon landing", set()),
        ("the Olympic games", set()),
    ],
)
def test_the_articles_that_bear_on_a_topic(choose: Choose, topic: str, articles: set[str]) -> None:
    found = choose(topic)
    assert set(found.articles) == articles
    assert {one.article for one in found.candidates} == articles


def test_few_sentences_on_a_topic_are_filled_up_with_the_nearest(choose: Choose) -> None:
    found = choose("the mayor of Skarvik").candidates
    sure = [one for one in found if one.relevance >= ANSWERS]
    assert len(sure) < len(found) == 7  # of nine, as no more are near
    assert found == tuple(sorted(found, key=lambda one: (one.article, one.span.start)))


def test_of_copies_one_is_summarised(choose: Choose) -> None:
    found = choose("the brewer's profit")
    assert found.articles in (("brewer.txt",), ("copy.txt",))


def test_a_name_that_no_article_has(choose: Choose) -> None:
    assert choose("Kestrel and Halvorsen") == Selection(missing=("Halvorsen",))


def test_everything_that_the_filters_leave(index: Index, embedder: Embedder, reader: Reader) -> None:
    found = select("", index, embedder, reader, OPTIONS)
    assert len(found.articles) == 3  # only one of the copies
    assert found.articles[1:] == ("yard.txt", "ferry.txt")  # the newest first
    one = SearchOptions(filters=Filters(articles=("yard.txt",)))
    assert select(" ", index, embedder, reader, one).articles == ("yard.txt",)
    none = SearchOptions(filters=Filters(articles=("none.txt",)))
    assert select("", index, embedder, reader, none) == Selection()
    assert select("Skarvik", index, embedder, reader, none).articles == ()
    assert points("", Selection(), index, embedder, reader) == []


def test_the_sentences_that_tell_most_in_their_order(told: Found) -> None:
    found = told("the night ferry")
    assert len(found) == 3
    assert found == sorted(found, key=FERRY.index)
    assert plain(found[0]) == OPENING
    assert not [one for one in found if one.startswith(("It will", "Will", "“We", "Click"))]


def test_a_topic_takes_from_each_article_the_oldest_first(told: Found) -> None:
    found = told("Skarvik")
    own = [one in FERRY for one in found]
    assert own == sorted(own, reverse=True)
    assert set(own) == {True, False}
    assert 3 <= len(found) <= 4


def test_what_repeats_is_passed_over(index: Index, embedder: Embedder) -> None:
    fed = ScriptedReader()
    one = SearchOptions(filters=Filters(articles=("ferry.txt",)))
    selection = select("", index, embedder, fed, one)
    assert len(points("", selection, index, embedder, fed)) == 3
    own = index.article("ferry.txt").text
    texts = [" ".join(own[one.span.start : one.span.end].split()) for one in selection.candidates]
    same = ScriptedReader(supports=dict.fromkeys(texts, 0.9))  # each supports all others
    vectors = embedder.embed([" ".join(one.text.split()) for one in points("", selection, index, embedder, same)])
    assert (vectors @ vectors.T - 2 * np.eye(len(vectors))).max() < 0.4  # only dissimilar ones do not repeat each other


def test_an_article_without_a_sentence_that_stands_alone(
    embedder: Embedder, reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with indexed({"a.txt": "It sank.\nWho knew?\n"}, tmp_path_factory.mktemp("short"), embedder) as short:
        found = points("", select("", short, embedder, reader, OPTIONS), short, embedder, reader)
    assert [one.text for one in found] == ["It sank."]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("LUND, Norland (AP) — But the ferry sank.", "The ferry sank."),
        ("WASHINGTON ― Lund Lines sold a ferry.", "Lund Lines sold a ferry."),
        ("OSLO − Lund Lines sold a ferry.", "Lund Lines sold a ferry."),
        ("NASA — which has sold it — said so.", "NASA — which has sold it — said so."),
        ("And the  ferry\nsank.", "The ferry sank."),
        ("Lund Lines sold and bought ferries.", "Lund Lines sold and bought ferries."),
        ("But.", "But."),
    ],
)
def test_a_sentence_without_what_leads_into_it(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Lund Lines said it would sell its ferries to the city of Norland.",
        "“We will sell the ferries to the city of Norland,” said Ana Ruiz on Monday.",
        "Ana Ruiz thanked those who had bought the ferries on Monday.",
        "This week the city of Norland bought a ferry of Lund Lines.",
        "Ana Ruiz said she had sold the ferries to the city of Norland.",
    ],
)
def test_sentences_that_stand_alone(text: str) -> None:
    assert stands_alone(text)


@pytest.mark.parametrize(
    "text",
    [
        "He said the ferries were sold to the city of Norland.",
        "This was the first time that the city bought a ferry.",
        "However, the city of Norland bought a ferry of Lund Lines.",
        "Did the city of Norland buy a ferry of Lund Lines?",
        "City of Norland buys a ferry of Lund Lines",
        "“The ferries were sold to the city of Norland for 4 million euros.”",
        "“The ferries were sold to the city of Norland,” she said.",
        "“The ferries were sold to the city of Norland, said Ana Ruiz.",
        'Ana Ruiz told Norland that "the ferries were sold on Monday evening.',
        "Ana Ruiz and the city of Norland know this very well.",
        "Sign up now for all of the news from the city of Norland.",
        "We have written to the city of Norland and to Lund Lines.",
        "The ferries were sold.",
        "In May the city of Norland and Lund Lines, as he had asked them.",
        "Ana Ruiz writes about ferries for a paper: write to ana@lund.example today.",
    ],
)
def test_sentences_that_do_not(text: str) -> None:
    assert not stands_alone(text)


# -- fewer words ----------------------------------------------------------------------------------------------------

SHORT = "The brewer will close its oldest brewhouse in Aldmoor, where 40 people work."
WORDED = (
    "Kestrel said it will close its oldest brewhouse in June, as the building would cost 9 million pounds to repair."
)


@pytest.fixture
def worded(embedder: Embedder, reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worded]:
    text = f"Kestrel to close a brewhouse\n\n{SHORT}\n{LONG}\n"
    with indexed({"a.txt": text}, tmp_path_factory.mktemp("long"), embedder) as opened:
        own = opened.article("a.txt").text
        spans = [Span(own.index(one), own.index(one) + len(one)) for one in (SHORT, LONG)]
        short, long = (Place("a.txt", span, own[span.start : span.end]) for span in spans)

        def run(
            generator: Generator, tokens: int = summary.TOKENS, twice: bool = False, topic: str = ""
        ) -> list[tuple[str, Judgement]]:
            found = [short, long, long] if twice else [short, long]
            checker = Checker(reader)
            if isinstance(generator, ScriptedGenerator):
                checker = Checker(ScriptedReader(supports={str(generator.says): 0.9}))
            return list(shortened(found, opened.article, generator, checker, topic=topic, tokens=tokens))

        yield run


def test_a_long_sentence_in_fewer_words(worded: Worded) -> None:
    model = ScriptedGenerator(WORDED)
    first, second = worded(model)
    assert (first[0], first[1].probability) == (SHORT, 1.0)
    assert second[0] == WORDED
    assert second[1].verdict == "supported"
    assert [place.text for place in second[1].places] == [LONG]
    assert model.asked == [LONG]  # the short one needs no model


def test_fewer_words_keep_the_topic(worded: Worded) -> None:
    assert worded(ScriptedGenerator(WORDED), topic="Kestrel's brewhouse in Lund")[1][0] == WORDED
    assert worded(ScriptedGenerator(WORDED), topic="the family of Kestrel")[1][0] == LONG


@pytest.mark.parametrize(
    "reply",
    [
        WORDED.replace("June", "July"),
        WORDED.replace("9", "8"),
        WORDED.replace("will close", "will not close"),
        WORDED.rstrip("."),
        f"It {WORDED.removeprefix('Kestrel ')}",
        LONG,
        "",
    ],
)
def test_what_is_wrong_or_no_shorter_is_replaced_by_the_sentence(worded: Worded, reply: str) -> None:
    unchanged = worded(ScriptedGenerator(""))[1]
    assert (unchanged[0], unchanged[1].probability) == (LONG, 1.0)
    assert worded(ScriptedGenerator(reply))[1] == unchanged


def test_the_model_writes_no_more_than_it_may(worded: Worded) -> None:
    model = ScriptedGenerator(WORDED)
    found = worded(model, tokens=40, twice=True)
    assert [text for text, _ in found] == [SHORT, WORDED, LONG]
    assert model.limits == [40]
    assert worded(ScriptedGenerator(WORDED), tokens=0)[1][0] == LONG


def test_nothing_comes_after_a_stop(reader: Reader) -> None:
    places = [Place("a.txt", Span(0, len(SHORT)), SHORT)]
    assert list(shortened(places, _no_article, ScriptedGenerator(""), Checker(reader), stopped=lambda: True)) == []


def _no_article(path: str) -> Article:
    raise AssertionError(path)


def test_the_prompt_ends_with_the_sentence() -> None:
    found = messages("A {b} of %s.")
    assert [message.role for message in found] == ["system", *["user", "assistant"] * 3, "user"]
    assert found[-1].content == "A {b} of %s."


def test_the_real_model_words_it_shorter_or_not_at_all(worded: Worded, generator: Generator) -> None:
    text, judgement = worded(generator)[1]
    assert judgement.verdict == "supported"
    assert judgement.probability >= TRUSTED
    assert [place.text for place in judgement.places] == [LONG]
    assert text == LONG or len(text.split()) < 0.85 * len(LONG.split())


@pytest.mark.parametrize(("near", "first"), [([0.5, 0.52, 0.55], 0), ([0.5, 0.52, 0.6], 2), ([0.5, 0.6, 0.6], 1)])
def test_the_opening_is_an_early_sentence_near_the_title(near: list[float], first: int) -> None:
    texts = [FERRY.splitlines()[at] for at in (3, 8, 10)]  # that stand alone
    given = [Candidate("a.txt", Span(at, at + 1), at / 3) for at in range(3)]
    assert _lead(given, texts, np.array(near)) == first
