"""Comparisons of sentences and figures, with the real reader and embedder on invented articles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import indexed

from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder, Span
from citewire.qa.compare import Outcome, answers, is_general, likely, outcomes, sides, told
from citewire.qa.evidence import Evidence, gather
from citewire.qa.reader import load_reader

ARTICLES = {
    "orvik.txt": """Orvik Foods Has A Good Year

Orvik Foods earned 40 million euros in 2024, it said on Monday.
Orvik Foods employs 300 people in Halden.
The weather in Halden was mild.
""",
    "tandem.txt": """Tandem Milk Reports Its Figures

Tandem Milk earned 25 million euros in 2024, less than the year before.
Tandem Milk employs 900 people in Vire.
Its chair Karl Voss likes sailing.
""",
}
EARNED = "Orvik Foods earned 40 million euros in 2024, it said on Monday."

Find = Callable[[str], Sequence[Evidence]]


@pytest.fixture(scope="module")
def find(index: Index, embedder: Embedder) -> Find:
    reader = load_reader(1)
    return lambda text: gather(text, search(index, embedder, text, 8), index.article, reader)


@pytest.mark.parametrize(
    ("question", "general"),
    [
        ("Compare Orvik and Tandem.", True),
        ("how does the kite differ from the merlin", True),
        ("How does Orvik compare with Tandem?", True),
        ("Orvik vs Tandem, how did their strikes end?", False),
        ("How much more did Orvik earn than Tandem?", False),
    ],
)
def test_what_only_compares_asks_nothing_certain(question: str, general: bool, embedder: Embedder) -> None:
    found = sides(question)
    assert found is not None
    assert is_general(found, embedder) == general


def test_each_side_is_told_by_sentences_that_name_it(index: Index, find: Find) -> None:
    question = "How many people do Orvik Foods and Tandem Milk employ?"
    found = sides(question)
    assert found is not None
    spoken = told(found, question, find, index.article)
    assert [some[0].text for some in likely(spoken)] == [
        "Orvik Foods employs 300 people in Halden.",
        "Tandem Milk employs 900 people in Vire.",
    ]
    assert answers(found, spoken, 0.5)


def test_a_side_that_no_article_names_is_not_told_of(index: Index, find: Find) -> None:
    question = "Who earned more in 2024, Orvik Foods or Brask Dairy?"
    found = sides(question)
    assert found is not None
    first, other = likely(told(found, question, find, index.article))
    assert first[0].text == EARNED
    assert other == []


def test_figures_of_one_unit_are_set_against_each_other(index: Index, find: Find, embedder: Embedder) -> None:
    question = "How much more did Orvik Foods earn than Tandem Milk in 2024?"
    found = sides(question)
    assert found is not None
    (one,) = outcomes(found, told(found, question, find, index.article), index.article, embedder)
    assert one.text == "Orvik Foods: 15 million euros more than Tandem Milk (40 - 25 = 15 million euros)."
    assert one.short == "15 million euros"
    assert one.sources[0].text == EARNED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "text", "short"),
    [
        (
            "Did Orvik Foods earn more than Tandem Milk in 2024?",
            "Yes: 40 million euros for Orvik Foods against 25 million euros for Tandem Milk (40 > 25 million euros).",
            "Yes",
        ),
        (
            "Does Orvik Foods employ more people than Tandem Milk?",
            "No: 900 for Tandem Milk against 300 for Orvik Foods (900 > 300 people).",
            "No",
        ),
        (
            "Who employs fewer people, Tandem Milk or Orvik Foods?",
            "Orvik Foods: 300 for Orvik Foods against 900 for Tandem Milk (300 < 900 people).",
            "Orvik Foods",
        ),
        (
            "How much did Orvik Foods and Tandem Milk earn together in 2024?",
            "Orvik Foods and Tandem Milk together: 65 million euros (40 + 25 = 65 million euros).",
            "65 million euros",
        ),
        (
            "How many more people does Tandem Milk employ than Orvik Foods?",
            "Tandem Milk: 600 people more than Orvik Foods (900 - 300 = 600 people).",
            "600 people",
        ),
    ],
)
def test_what_is_asked_is_computed(
    question: str, text: str, short: str, index: Index, find: Find, embedder: Embedder
) -> None:
    found = sides(question)
    assert found is not None
    (one,) = outcomes(found, told(found, question, find, index.article), index.article, embedder)
    assert (one.text, one.short) == (text, short)
    assert {source.article for source in one.sources} == set(ARTICLES)


@pytest.mark.parametrize(
    "question",
    [
        "Does Brask Dairy employ more people than Orvik Foods?",
        "How many people do Brask Dairy and Orvik Foods employ together?",
    ],
)
def test_without_one_of_the_figures_nothing_is_computed(
    question: str, index: Index, find: Find, embedder: Embedder
) -> None:
    found = sides(question)
    assert found is not None
    spoken = told(found, question, find, index.article)
    assert [[one.text for one in some] for some in spoken] == [[], ["Orvik Foods employs 300 people in Halden."]]
    assert outcomes(found, spoken, index.article, embedder) == []
    assert answers(found, spoken, 0.9)


def computed(question: str, articles: dict[str, str], folder: Path, embedder: Embedder) -> list[Outcome]:
    """Return what is computed from these articles alone."""
    found, reader = sides(question), load_reader(1)
    assert found is not None
    folder.mkdir()
    with indexed(articles, folder, embedder) as index:

        def find(text: str) -> Sequence[Evidence]:
            return gather(text, search(index, embedder, text, 8), index.article, reader)

        return outcomes(found, told(found, question, find, index.article), index.article, embedder)


def test_a_figure_is_of_a_side_that_its_sentence_or_title_names(embedder: Embedder, tmp_path: Path) -> None:
    swap = (
        "Orla Finn Is Swapped For Tom Bray\n\nOrla Finn was sentenced to nine years in prison in August.\n"
        "Nils Wegner was sentenced to sixteen years in prison in 2018.\nTom Bray went home on Thursday.\n"
    )
    bray = "Who is Tom Bray?\n\nTom Bray was sentenced to 25 years in prison in 2012.\n"
    question = "Who got the longer prison sentence, Orla Finn or Tom Bray?"
    (both,) = computed(question, {"swap.txt": swap, "bray.txt": bray}, tmp_path / "both", embedder)
    assert (both.short, [source.article for source in both.sources]) == ("Tom Bray", ["swap.txt", "bray.txt"])
    # the sixteen years are nobody's of the two
    assert computed(question, {"swap.txt": swap}, tmp_path / "one", embedder) == []


def test_a_figure_that_its_sentence_compares_is_not_compared_with_another_article(
    embedder: Embedder, tmp_path: Path
) -> None:
    voss = "Karl Voss Is The Richest\n\nKarl Voss is worth $171 billion.\n"
    passed = voss.replace(" billion.", " billion, more than the $164 billion of the tram maker.")
    bray = "Who is Tom Bray?\n\nTom Bray is worth $176 billion.\n"
    question = "Who is richer, Karl Voss or Tom Bray?"
    (one,) = computed(question, {"voss.txt": voss, "bray.txt": bray}, tmp_path / "one", embedder)
    assert one.short == "Tom Bray"
    assert computed(question, {"voss.txt": passed, "bray.txt": bray}, tmp_path / "two", embedder) == []


def test_two_sentences_on_both_sides_tell_no_figure_of_one(embedder: Embedder, tmp_path: Path) -> None:
    articles = {
        "stock.txt": "Doses for children\n\nStores have 5 million doses each of the Orvik and the Tandem vaccine.\n",
        "order.txt": "More is ordered\n\nThe state orders 10 million doses more of the Orvik and the Tandem vaccine.\n",
    }
    question = "How many more doses of the Orvik vaccine than of the Tandem vaccine are there?"
    found = sides(question)
    assert found is not None
    assert found.names == ("the Orvik vaccine", "the Tandem vaccine")
    assert computed(question, articles, tmp_path / "doses", embedder) == []


def test_what_is_told_of_both_sides_leaves_room_for_what_is_told_of_one() -> None:
    both, one, other, weak = (
        Evidence(f"{n}.txt", Span(0, len(text)), text, 0.0, p, Span(0, 1), 1.0)
        for n, (text, p) in enumerate(
            [
                ("Orvik Foods and Tandem Milk were founded in the same year by two sisters.", 0.95),
                ("Orvik Foods makes cheese and butter in a mill near the town of Halden.", 0.45),
                ("Tandem Milk sells its milk in bottles to all the schools of the region.", 0.4),
                ("Tandem Milk has a new gate since the day before yesterday, it says.", 0.11),
            ]
        )
    )
    assert [[place.text for place in some] for some in likely([[both, one], [both, other, weak]])] == [
        [both.text, one.text],
        [both.text, other.text],
    ]
    leaning = replace(other, text="It sells its milk in bottles to all the schools of the region.")
    assert [place.text for place in likely([[both, one], [both, leaning]])[1]] == [both.text, leaning.text]


def test_a_figure_of_another_month_is_not_that_of_the_one_asked_for(embedder: Embedder, tmp_path: Path) -> None:
    before = "Shelves In 2021\n\nThe share of empty shelves was 31% in 2021.\n"
    after = "Shelves Fill\n\nThe share of empty shelves was 23% in May 2022.\n"
    question = "By how much did the share of empty shelves fall from 2021 to May 2022?"
    (fell,) = computed(question, {"a.txt": before, "b.txt": after}, tmp_path / "may", embedder)
    assert fell.short == "8 percentage points"
    january = after.replace("May", "January")
    assert computed(question, {"a.txt": before, "b.txt": january}, tmp_path / "january", embedder) == []
    between = before.replace("31%", "29-31%")
    assert computed(question, {"a.txt": between, "b.txt": after}, tmp_path / "between", embedder) == []
