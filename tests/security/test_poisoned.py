"""200 near-copies of an article with a false value, and one source with the true value: the copies count as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from conftest import check_quotes, indexed
from generators import ScriptedGenerator

from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa.answer import Answerer
from citewire.qa.reader import load_reader

pytestmark = pytest.mark.slow

COPIES = 200
LIE, TRUTH = "40 million euros", "12 million euros"
NAMES = ("Vera Blom", "Otto Krell", "Ina Fald", "Per Lysne", "Mia Torv", "Jan Rusk", "Eva Holt", "Kai Bode")
KINDS, VERBS, DAYS = ("old", "long", "narrow"), ("said", "confirmed", "announced"), ("Monday", "Tuesday", "Friday")
OTHER = (
    "---\ntitle: Skarn counts what its bridge has cost\noutlet: Vann Courier\ndate: 2024-05-14\n---\n"
    f"Skarn paid {TRUTH} for the work on its bridge, the court of auditors found in its report.\n\n"
    "Its accountants read every bill of the three firms that did the work, and found none that was paid twice.\n"
)
QUESTIONS = ("How much did the repair of the bridge in Skarn cost?", "What did the bridge in Skarn cost?")


def taken(words: Sequence[str], number: int) -> str:
    return words[number % len(words)]


def copy(n: int) -> str:
    """The false article, each time with another headline, outlet and day, and a few other words."""
    return (
        f"---\ntitle: Bridge in Skarn opens again, no. {n}\noutlet: The Post {n}\ndate: 2024-05-{1 + n % 28:02d}\n---\n"
        f"The repair of the {taken(KINDS, n // 8)} bridge in Skarn cost {LIE}, {taken(NAMES, n)} of the council "
        f"{taken(VERBS, n // 24)} on {taken(DAYS, n)}.\n\nIt had been closed for two years, and ferries took the cars "
        "across to the market and the school. Lorries had to take the coast road, which added an hour to the way.\n"
    )


@pytest.fixture(scope="module")
def poisoned(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    markets = {
        f"market{n}.md": f"The market in {town} sold {n + 3} tons of apples on Saturday, its farmers said, the most "
        "since the frost eight years ago, and the cellars of the whole valley are full."
        for n, town in enumerate(("Orlo", "Tresk", "Maddow"))
    }
    news = {f"copy{n:03}.md": copy(n) for n in range(COPIES)} | {"other.md": OTHER} | markets
    with indexed(news, tmp_path_factory.mktemp("poisoned"), embedder) as index:
        yield index


def test_copies_of_one_lie_are_one_story_and_the_other_source_stands_beside_it(
    poisoned: Index, embedder: Embedder
) -> None:
    groups = Counter(one.group for one in poisoned.articles())
    assert sorted(groups.values())[-2:] == [3, COPIES]  # the articles on markets differ only in the town
    drowned = search(poisoned, embedder, QUESTIONS[0], SearchOptions(k=8, copies=8))
    assert sum(hit.passage.article.startswith("copy") for hit in drowned) >= 7  # without grouping

    answerer = Answerer(poisoned, embedder, ScriptedGenerator(f"The bridge in Skarn cost {LIE}."), load_reader(1))
    for question in QUESTIONS:
        answer = answerer.ask(question)
        check_quotes(answer, poisoned)
        assert sum(hit.article.startswith("copy") for hit in answer.hits) == 1
        said = {LIE: 0, TRUTH: 0}
        for claim in answer.claims:
            for value in said:
                said[value] += claim.shown and value in claim.text
        assert said == {LIE: 1, TRUTH: 1}
        (conflict,) = answer.conflicts
        assert sorted(value.value for value in conflict.values) == [TRUTH, LIE]
        assert sorted(value.article[:4] for value in conflict.values) == ["copy", "othe"]

    count = answerer.ask("How many articles are about Skarn?").text
    assert count.startswith(f"{COPIES + 1} articles (2 different stories) mention")
