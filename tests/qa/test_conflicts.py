"""Values that sources state for the same thing: real conflicts, and values that only seem to differ."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scored import records
from told import Judging, Told, told

from citewire.index.passages import passages
from citewire.index.types import Embedder, Hit
from citewire.qa.conflicts import find
from citewire.qa.evidence import ANSWERS, gather
from citewire.qa.reader import Support, load_reader
from citewire.qa.types import Conflict

REVENUE = "What was the revenue of Kestrel in 2023?"
FERRIES = "How many ferries does Lund Lines run?"
CHIEF = "Who is the chief executive of Kestrel?"
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


def test_both_values_are_shown_with_their_articles_and_days() -> None:
    home = told((OF_48, "2024-02-01"), ("Kestrel had revenue of [£53 million] in 2023.", "2024-02-03"))
    found = look(REVENUE, home)
    assert values(found) == [{"£48 million", "£53 million"}]
    assert {(v.article, v.published) for v in found[0].values} == {("0.txt", "2024-02-01"), ("1.txt", "2024-02-03")}
    assert found[0].about == REVENUE.rstrip("?")


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
    unlikely = told(RUNS_14, "Lund Lines runs [17 ferries].", probability=ANSWERS - 0.01)
    assert look(FERRIES, unlikely) == ()
    assert find(FERRIES, unlikely.evidence, unlikely.article, Judging(), least=ANSWERS - 0.05) != ()


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


LEAST_FOUND, MOST_FALSE = 0.85, 0.2  # shares of flagged pairs, among those that disagree and those that do not


@pytest.mark.slow
def test_invented_pairs(embedder: Embedder) -> None:
    """The trained reader and the real embedder on pairs of articles that disagree, or only seem to."""
    reader, shown = load_reader(1), {True: 0, False: 0}
    cases = records("conflicts.jsonl")
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


def test_a_forecast_is_none() -> None:
    sales, ahead = "What were the sales of Tellmar in 2024?", "Tellmar forecast sales of [$90 million] for 2024."
    home = told((ahead, "2024-01-15"), ("Tellmar had sales of [$82 million] in 2024.", "2025-01-30"))
    assert look(sales, home) == ()


def test_a_measure_does_not_change_with_the_day() -> None:
    seven, eleven = "The tunnel is [7.9 kilometres] long.", "The tunnel is [11.2 kilometres] long."
    found = look("How long is the tunnel?", told((seven, "2020-04-02"), (eleven, "2021-04-02")))
    assert values(found) == [{"7.9", "11.2"}]
