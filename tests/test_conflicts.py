"""Values that sources give for the same thing: which differ, and which only look as if they did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from told import Judging, Told, told

from citewire.index.passages import passages
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder, Hit
from citewire.qa.conflicts import find
from citewire.qa.evidence import gather
from citewire.qa.reader import Support, load_reader
from citewire.qa.types import Conflict

REVENUE = "What was the revenue of Kestrel in 2023?"
FERRIES = "How many ferries does Lund Lines run?"
CHIEF = "Who is the chief executive of Kestrel?"
OPENED = "When did the Vann bridge open?"
COUNTRY = "In which country is Kestrel based?"
CUP = "Who won the Norland Cup?"
OF_48 = "The revenue of Kestrel was [£48 million] in 2023."
RUNS_14 = "Lund Lines runs [14 ferries]."
RUIZ = "[Ana Ruiz] is the chief executive of Kestrel."


def look(question: str, home: Told) -> tuple[Conflict, ...]:
    found = find(question, home.evidence, home.article, Judging())
    for value in (v for c in found for v in c.values):
        assert home.article(value.article).text[value.start : value.end] == value.text
    return found


def values(found: tuple[Conflict, ...]) -> list[set[str]]:
    return [{v.value for v in c.values} for c in found]


DIFFER = [
    (REVENUE, OF_48, "Kestrel had revenue of [£53 million] in 2023.", {"£48 million", "£53 million"}),
    (FERRIES, RUNS_14, "Lund Lines runs [17 ferries].", {"14", "17"}),
    ("What share of trips was cancelled?", "About [18%] were.", "Of all trips, [31%] were.", {"18%", "31%"}),
    (OPENED, "It opened on [3 May 2019].", "The bridge opened in [June 2021].", {"3 May 2019", "June 2021"}),
    (CUP, "[Ana Ruiz] won the cup.", "The cup went to [Greta Solheim].", {"Ana Ruiz", "Greta Solheim"}),
    (COUNTRY, "It is based in [Norway].", "Kestrel is based in [Denmark].", {"Norway", "Denmark"}),
    ("What sport does Tom Hale play?", "He plays [snooker].", "He plays [chess].", {"snooker", "chess"}),
]


@pytest.mark.parametrize(("question", "one", "other", "expected"), DIFFER)
def test_different_values_are_a_conflict(question: str, one: str, other: str, expected: set[str]) -> None:
    found = look(question, told((one, "2024-02-01"), (other, "2024-02-03")))
    assert values(found) == [expected]
    assert {(v.article, v.published) for v in found[0].values} == {("0.txt", "2024-02-01"), ("1.txt", "2024-02-03")}
    assert found[0].about == question.rstrip("?")


ALIKE = {
    "the same": (REVENUE, OF_48, "Kestrel had revenue of [£48 million] in 2023."),
    "scale": (REVENUE, OF_48, "Kestrel had revenue of [£48,000,000] in 2023."),
    "rounding": (REVENUE, "The revenue of Kestrel was [£269.3 million] in 2023.", "It had [£270m] revenue in 2023."),
    "about": (REVENUE, OF_48, "Kestrel had revenue of [about £50 million] in 2023."),
    "more than": (FERRIES, "Lund Lines runs [more than 12] ferries.", "Lund Lines runs [17] ferries."),
    "range": (FERRIES, "Lund Lines runs [between 12 and 20 ferries].", "Lund Lines runs [17 ferries]."),
    "another unit": (REVENUE, OF_48, "Its revenue rose by [12%] in 2023."),
    "another year": (REVENUE, OF_48, "Kestrel had revenue of [£40 million] in 2022."),
    "a day of the month": (OPENED, "It opened on [3 May 2019].", "It opened in [May 2019]."),
    "part of the name": (CUP, "[Ana Ruiz] won the Norland Cup.", "[Ruiz] won the Norland Cup."),
    "statements": ("Why did profit fall?", "[Barley cost far more than anyone at the firm had thought].",
                   "[The strike in the docks kept most of the ships in for weeks on end]."),
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_what_only_looks_different_is_none(name: str) -> None:
    question, one, other = ALIKE[name]
    assert values(look(question, told(one, other))) == []


def test_copies_are_one_source() -> None:
    home = told(OF_48, OF_48, "Kestrel had revenue of [£53 million] in 2023.", "In 2023 it was [£53m].", groups="aabc")
    assert [v.article for v in look(REVENUE, home)[0].values] == ["0.txt", "2.txt", "3.txt"]
    assert look(REVENUE, told(OF_48, "Its revenue was [£53 million] in 2023.", groups="aa")) == ()


def test_an_article_that_gives_both_values_disagrees_with_neither() -> None:
    both = "Lund Lines runs [17 ferries]. Of old, Lund Lines ran [14 ferries]."
    assert look(FERRIES, told(both, RUNS_14)) == ()


def test_values_that_differ_only_by_time_are_none() -> None:
    seventeen, solheim = "Lund Lines runs [17 ferries].", "[Greta Solheim] is the chief executive of Kestrel."
    assert look(FERRIES, told((seventeen, "2024-06-01"), (RUNS_14, "2021-06-01"))) == ()
    assert look(CHIEF, told((RUIZ, "2021-06-01"), (solheim, "2024-06-01"))) == ()
    near = look(CHIEF, told((RUIZ, "2021-06-01"), (solheim, "2021-06-20")))
    assert values(near) == [{"Ana Ruiz", "Greta Solheim"}]


def test_only_sentences_that_answer_are_compared() -> None:
    unlikely = told(RUNS_14, "Lund Lines runs [17 ferries].", probability=0.15)
    assert look(FERRIES, unlikely) == ()
    assert find(FERRIES, unlikely.evidence, unlikely.article, Judging(), least=0.1) != ()


def test_what_the_verifier_finds_said_is_no_conflict() -> None:
    sport = "What sport does Tom Hale play?"
    home = told("He plays [snooker].", "He plays [billiards].")
    assert look(sport, home) != ()

    class Agreeing(Judging):
        def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
            return [Support(0.9, 0.0, 0.1) for _ in pairs]

    assert find(sport, home.evidence, home.article, Agreeing()) == ()


def test_nothing_to_compare() -> None:
    assert look(REVENUE, told()) == ()
    assert look(REVENUE, told(OF_48)) == ()
    assert look(REVENUE, told(OF_48, "The brewer was founded [by two sisters].")) == ()


def test_the_real_reader(seeds_index: Index, embedder: Embedder) -> None:
    """The wiring: whatever it makes of them, two values come of two articles or none."""
    question, reader = "How many people live there?", load_reader(1)
    hits = search(seeds_index, embedder, question, 8)
    for conflict in find(
        question, gather(question, hits, seeds_index.article, reader), seeds_index.article, reader, 0.0
    ):
        assert len({v.article for v in conflict.values}) > 1


PAIRS = Path(__file__).parent / "data" / "conflicts.jsonl"
LEAST_FOUND, MOST_FALSE = 0.85, 0.25  # shares of the pairs that disagree and of those that do not


def test_invented_pairs(embedder: Embedder) -> None:
    """The trained reader and the real embedder over pairs of articles that disagree, or only look as if they did."""
    reader, shown = load_reader(1), {True: 0, False: 0}
    cases = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    for case in cases:
        home = told((case["one"], case["one_day"]), (case["other"], case["other_day"]))
        hits = [
            Hit(passage, cosine, cosine, 0.0)
            for article in home.articles.values()
            for passage in passages(article)
            for cosine in [float(embedder.embed_query(case["question"]) @ embedder.embed([passage.text])[0])]
        ]
        evidence = gather(case["question"], hits, home.article, reader)
        shown[case["differ"]] += bool(find(case["question"], evidence, home.article, reader))
    differ = sum(case["differ"] for case in cases)
    assert shown[True] >= LEAST_FOUND * differ
    assert shown[False] <= MOST_FALSE * (len(cases) - differ)


def test_yes_and_no() -> None:
    class Deciding(Judging):
        def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
            return [Support(0.1, 0.8, 0.1) if "not" in quote else Support(0.8, 0.1, 0.1) for _, quote in pairs]

    yes, no = "The council [approved] the stadium.", "The council did [not approve] the stadium."
    home = told(yes, no)
    found = find("Did the council approve the stadium?", home.evidence, home.article, Deciding())
    assert values(found) == [{"The council approved the stadium.", "The council did not approve the stadium."}]


SCOPES = {
    "a quarter and its year": (
        "What was the profit of Kestrel?",
        "Profit was [£2 million] in the fourth quarter of 2024.",
        "Profit was [£9 million] in 2024.",
    ),
    "of the one asked about and of a namesake": (
        "How many people work at Arnheim Steel?",
        "Arnheim Steel employs [5,200 people].",
        "Arnheim Glass employs [800 people].",
    ),
    "a share and the whole": ("What did Kestrel earn?", "It earned [£1.40] a share.", "It earned [£31 million]."),
    "a kind and all": ("How many medals did it win?", "It won [14 medals].", "It won [three gold medals]."),
    "some of a whole": ("How many ships does it own?", "It owns [32 ships].", "[Eight] of its ships are electric."),
    "the figure before": (
        "How many people died?",
        "[Six people] died.",
        "The number of dead has risen to [nine] from six.",
    ),
    "a measure in round kilometres": (
        "How long is the tunnel?",
        "The tunnel is [7.94 kilometres] long.",
        "The tunnel is [8 kilometres] long.",
    ),
}


@pytest.mark.parametrize("name", SCOPES)
def test_another_scope_is_none(name: str) -> None:
    question, one, other = SCOPES[name]
    assert values(look(question, told(one, other))) == []


def test_a_forecast_is_none() -> None:
    sales, ahead = "What were the sales of Tellmar in 2024?", "Tellmar forecast sales of [$90 million] for 2024."
    home = told((ahead, "2024-01-15"), ("Tellmar had sales of [$82 million] in 2024.", "2025-01-30"))
    assert look(sales, home) == ()


def test_a_measure_does_not_change_with_the_day() -> None:
    seven, eleven = "The tunnel is [7.9 kilometres] long.", "The tunnel is [11.2 kilometres] long."
    found = look("How long is the tunnel?", told((seven, "2020-04-02"), (eleven, "2021-04-02")))
    assert values(found) == [{"7.9", "11.2"}]
