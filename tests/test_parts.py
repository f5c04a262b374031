"""Which questions ask for several facts, what they are, and what joins them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa.parts import Whole, whole
from citewire.qa.question import follow_up
from citewire.qa.types import Turn


@pytest.mark.parametrize(
    "text",
    [
        "What is supply and demand?",
        "What are supply and demand?",
        "What was the profit and loss of Kestrel?",
        "How much is spent on research and development?",
        "Who runs Trinidad and Tobago?",
        "Where is Trinidad and Tobago?",
        "When did Procter and Gamble open its plant?",
        "What does Johnson and Johnson sell?",
        "Why did Procter and Gamble sell it in 2022 and 2023?",
        "What are the pros and cons of mining?",
        "What are the terms and conditions of the deal?",
        "What are the terms of the deal between Acme and Kestrel?",
        "Did Acme and Kestrel merge in 2019?",
        "When did Acme, Kestrel and Lund agree on a price?",
        "How much of the market do Acme, Kestrel and Lund control together?",
        "Who wrote the report on Acme, Kestrel and Lund?",
        "What did Ana Ruiz say about Acme and Kestrel?",
        "How many people died between 1914 and 1918?",
        "What was built between 2018 and 2020?",
        "Who was mayor in 2008 or 2009?",
        "In what month and year was it released?",
        "How many men and women work at Acme?",
        "Who wrote “War and Peace in 2018 and 2019”?",
        "Who wrote 'How Did It Change and Why Did It End'?",
        "Which decade saw the start of television and the end of the war?",
        "Who is the man linked to Acme, who was charged and who is alleged to have lied?",
        "Who is the person that won in 2018 and who also claimed the prize?",
        "Tell me who won and when.",
        "Do you know who won and when it was?",
        "What is the difference between a virus and a bacterium?",
        "What is the difference between Acme and Kestrel?",
        "Was Acme's revenue in 2023 higher than expected?",
        "Did the bridge cost more than $3 million?",
        "Did Kestrel sell more than 200 ferries?",
        "Which firm recalled more than 200,000 trucks?",
        "Is Acme no longer than a year old?",
        "How did the law change the market?",
        "What did the lagoon change into?",
        "How many ferries does Kestrel run?",
        "What is Kestrel's profit rather than its revenue?",
        "Between the Herald report and the Post report on the same ferry, was there agreement on prices?",
        "Did the Herald report a loss, while the same paper reports a profit?",
        "Ferry prices rose in 2022 and 2023. Why did they?",
        "Who won the race and is she still alive?",
        "Which ferry is the longest, and what was it called?",
        "",
        "?",
    ],
)
def test_one_question_stays_one(text: str) -> None:
    assert whole(text) == Whole()


LISTS = [
    (
        "What was the revenue of Kestrel in 2022 and 2023?",
        ("What was the revenue of Kestrel in 2022?", "What was the revenue of Kestrel in 2023?"),
    ),
    (
        "How many ferries sank in 2018, 2019, and 2020?",
        ("How many ferries sank in 2018?", "How many ferries sank in 2019?", "How many ferries sank in 2020?"),
    ),
    (
        "What was Acme's revenue in Q1 and Q2 2024?",
        ("What was Acme's revenue in Q1 2024?", "What was Acme's revenue in Q2 2024?"),
    ),
    (
        "What was Acme's revenue in March 2023 and April 2024?",
        ("What was Acme's revenue in March 2023?", "What was Acme's revenue in April 2024?"),
    ),
    ("Where are Acme and Kestrel based?", ("Where is Acme based?", "Where is Kestrel based?")),
    (
        "How many ferries did Acme, Kestrel and Lund each buy?",
        ("How many ferries did Acme buy?", "How many ferries did Kestrel buy?", "How many ferries did Lund buy?"),
    ),
    ("How much do Acme and Kestrel each earn?", ("How much does Acme earn?", "How much does Kestrel earn?")),
    (
        "What are the capitals of France and Spain?",
        ("What is the capital of France?", "What is the capital of Spain?"),
    ),
    (
        "What were the revenue and profit of Acme in 2023?",
        ("What was the revenue of Acme in 2023?", "What was the profit of Acme in 2023?"),
    ),
    ("What are Acme's revenue and profit?", ("What is Acme's revenue?", "What is Acme's profit?")),
    (
        "How many ferries did Lund buy in May and how many does it run?",
        ("How many ferries did Lund buy in May?", "How many ferries does Lund run?"),
    ),
    (
        "Which ferry carried the most people and which had the highest cost?",
        ("Which ferry carried the most people?", "Which ferry had the highest cost?"),
    ),
    (
        "Who is the chairman of Acme and who is the mayor?",
        ("Who is the chairman of Acme?", "Who is the mayor of Acme?"),
    ),
    ("What is Acme and how does it work?", ("What is Acme?", "How does Acme work?")),
    ("Who founded Acme, and when?", ("Who founded Acme?", "When was Acme founded?")),
    ("Who wrote “War and Peace” and when?", ("Who wrote “War and Peace”?", "When was “War and Peace” written?")),
    ("When did Acme open its plant and why?", ("When did Acme open its plant?", "Why did Acme open its plant?")),
    ("When and where was Ana Ruiz born?", ("When was Ana Ruiz born?", "Where was Ana Ruiz born?")),
    ("Who runs Acme? When was it founded?", ("Who runs Acme?", "When was Acme founded?")),
    (
        "who sold the old bridge and where is it now",
        ("Who sold the old bridge?", "Where is the old bridge now?"),
    ),
    (
        "What were the populations of Norland and Lund in 2020 and 2021?",
        (
            "What was the population of Norland in 2020?",
            "What was the population of Lund in 2020?",
            "What was the population of Norland in 2021?",
            "What was the population of Lund in 2021?",
        ),
    ),
]


@pytest.mark.parametrize(("text", "parts"), LISTS)
def test_a_list_becomes_questions_that_stand_alone(text: str, parts: tuple[str, ...]) -> None:
    assert whole(text) == Whole("list", "", parts)


@pytest.mark.parametrize(
    ("text", "operation", "parts"),
    [
        (
            "How did Acme's revenue in 2018, 2019 and 2024 compare?",
            "",
            tuple(f"What was Acme's revenue in {year}?" for year in (2018, 2019, 2024)),
        ),
        (
            "How does Acme's revenue compare to Kestrel's in 2023?",
            "",
            ("What is Acme's revenue in 2023?", "What is Kestrel's revenue in 2023?"),
        ),
        (
            "How did Acme's revenue in 2024 compare with the previous year?",
            "",
            ("What was Acme's revenue in 2024?", "What was Acme's revenue in 2023?"),
        ),
        ("How do Acme's and Lund's revenues compare?", "", ("What is Acme's revenue?", "What is Lund's revenue?")),
        ("How does Acme compare to Kestrel?", "", ()),
        ("Compare Acme's revenue with Lund's.", "", ("What is Acme's revenue?", "What is Lund's revenue?")),
        ("Is Acme's revenue higher than Lund's?", "larger", ("What is Acme's revenue?", "What is Lund's revenue?")),
        (
            "Is the revenue of Acme lower than that of Lund?",
            "smaller",
            ("What is the revenue of Acme?", "What is the revenue of Lund?"),
        ),
        (
            "Was revenue higher in 2023 than in 2022?",
            "larger",
            ("What was revenue in 2023?", "What was revenue in 2022?"),
        ),
        ("Is Acme older than Kestrel?", "older", ("How old is Acme?", "How old is Kestrel?")),
        ("Is the bridge longer than the tunnel?", "larger", ("How long is the bridge?", "How long is the tunnel?")),
        ("Is Acme more profitable than Lund?", "larger", ("How profitable is Acme?", "How profitable is Lund?")),
        (
            "Did Acme earn more than Kestrel in 2023?",
            "larger",
            ("How much did Acme earn in 2023?", "How much did Kestrel earn in 2023?"),
        ),
        (
            "Did Acme earn less in 2023 than in 2022?",
            "smaller",
            ("How much did Acme earn in 2023?", "How much did Acme earn in 2022?"),
        ),
        (
            "Does Acme employ more people than Kestrel does?",
            "larger",
            ("How many people does Acme employ?", "How many people does Kestrel employ?"),
        ),
        (
            "How many more ferries does Lund run than Acme?",
            "difference",
            ("How many ferries does Lund run?", "How many ferries does Acme run?"),
        ),
        (
            "How much higher was revenue in 2024 than in 2023?",
            "difference",
            ("What was revenue in 2024?", "What was revenue in 2023?"),
        ),
        (
            "How many times larger is Acme's revenue than Lund's?",
            "ratio",
            ("What is Acme's revenue?", "What is Lund's revenue?"),
        ),
        (
            "What was the difference in revenue between Acme and Lund in 2023?",
            "difference",
            ("What was the revenue of Acme in 2023?", "What was the revenue of Lund in 2023?"),
        ),
        (
            "What is the ratio of Acme's revenue to Lund's?",
            "ratio",
            ("What is Acme's revenue?", "What is Lund's revenue?"),
        ),
        (
            "Which of Acme and Lund had the higher revenue in 2023?",
            "larger",
            ("What was Acme's revenue in 2023?", "What was Lund's revenue in 2023?"),
        ),
        (
            "Which company had lower costs in 2023, Acme or Lund?",
            "smaller",
            ("What were Acme's costs in 2023?", "What were Lund's costs in 2023?"),
        ),
        ("Which is bigger, Norland or Lund?", "larger", ("How big is Norland?", "How big is Lund?")),
        ("Who is older, Ana Ruiz or Bob Lee?", "older", ("How old is Ana Ruiz?", "How old is Bob Lee?")),
        ("Which was founded first, Acme or Lund?", "earlier", ("When was Acme founded?", "When was Lund founded?")),
        ("Which opened later: Acme or Lund?", "later", ("When did Acme open?", "When did Lund open?")),
        (
            "Which firm, Acme or Lund, mined more coal in Q1 2025?",
            "larger",
            ("How much coal did Acme mine in Q1 2025?", "How much coal did Lund mine in Q1 2025?"),
        ),
        (
            "Of Acme, Lund and Kestrel, which is based in Norland?",
            "",
            ("Is Acme based in Norland?", "Is Lund based in Norland?", "Is Kestrel based in Norland?"),
        ),
        (
            "Do the claims of Acme and the report on Lund both show a loss, respectively?",
            "",
            ("Do the claims of Acme show a loss?", "Does the report on Lund show a loss?"),
        ),
        (
            "Between the Herald report on Acme and the Post report on Lund, was there agreement on prices?",
            "",
            (
                "What did the Herald report on Acme say about prices?",
                "What did the Post report on Lund say about prices?",
            ),
        ),
        ("Do Acme and Lund both sell ferries?", "", ("Does Acme sell ferries?", "Does Lund sell ferries?")),
        (
            "Does the Herald say profit fell, while the Post says that it rose?",
            "",
            ("Does the Herald say profit fell?", "Is it true that the Post says that it rose?"),
        ),
    ],
)
def test_a_comparison(text: str, operation: str, parts: tuple[str, ...]) -> None:
    found = whole(text)
    assert (found.kind, found.operation, found.parts) == ("comparison", operation, parts)


@pytest.mark.parametrize(
    ("text", "operation", "parts"),
    [
        (
            "How much more does it cost Acme than Lund to build one ferry?",
            "difference",
            ("How much does it cost Acme to build one ferry?", "How much does it cost Lund to build one ferry?"),
        ),
        (
            "How much less does Lund charge than Acme for a ticket?",
            "difference",
            ("How much does Lund charge for a ticket?", "How much does Acme charge for a ticket?"),
        ),
        (
            "How much more did Acme pay than Kestrel?",
            "difference",
            ("How much did Acme pay?", "How much did Kestrel pay?"),
        ),
        (
            "Whose order with Norland was larger, Acme's or Lund's, and how big were they?",
            "larger",
            ("How large was Acme's order with Norland?", "How large was Lund's order with Norland?"),
        ),
        (
            "Whose profits were lower, Acme's or Lund's?",
            "smaller",
            ("What were Acme's profits?", "What were Lund's profits?"),
        ),
        (
            "How do the costs per ton of Acme and Lund compare?",
            "",
            ("What is the cost per ton of Acme?", "What is the cost per ton of Lund?"),
        ),
        (
            "How do Acme's costs per ton compare with Lund's?",
            "",
            ("What are Acme's costs per ton?", "What are Lund's costs per ton?"),
        ),
    ],
)
def test_comparisons_in_everyday_words(text: str, operation: str, parts: tuple[str, ...]) -> None:
    assert whole(text) == Whole("comparison", operation, parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "How much more does it cost Lund than expected to build a ferry?",
        "How much more does it cost to build a ferry?",
        "Whose plan was better?",
        "Whose shares fell, and when?",
    ],
)
def test_no_two_things_are_compared(text: str) -> None:
    assert whole(text).operation == ""


def test_a_second_question_word_behind_a_preposition() -> None:
    assert whole("Could I run the Skua pump at home, and at what voltage?").parts == (
        "Could I run the Skua pump at home?",
        "At what voltage could I run the Skua pump at home?",
    )
    assert whole("Did Lund build the yard, and in what year?").parts[1] == "In what year did Lund build the yard?"


@pytest.mark.parametrize(
    ("text", "operation", "parts"),
    [
        (
            "How did the outlook for ferries change between 2021 and 2025?",
            "",
            ("What was the outlook for ferries in 2021?", "What was the outlook for ferries in 2025?"),
        ),
        (
            "How have ferry prices changed since 2019?",
            "difference",
            ("What were ferry prices in 2019?", "What are ferry prices now?"),
        ),
        (
            "How much did revenue grow from 2022 to 2023?",
            "difference",
            ("What was revenue in 2022?", "What was revenue in 2023?"),
        ),
        (
            "By what percentage did Acme's revenue rise between 2022 and 2023?",
            "percent change",
            ("What was Acme's revenue in 2022?", "What was Acme's revenue in 2023?"),
        ),
        ("How has Acme changed?", "", ()),
        ("How did Acme change between 2021 and 2025?", "", ()),
        ("How has the number of ferries changed over time?", "difference", ()),
    ],
)
def test_change_over_time(text: str, operation: str, parts: tuple[str, ...]) -> None:
    found = whole(text)
    assert (found.kind, found.parts) == ("change", parts)
    assert not parts or found.operation == operation


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "What was the combined revenue of Acme and Lund in 2023?",
            ("What was the revenue of Acme in 2023?", "What was the revenue of Lund in 2023?"),
        ),
        (
            "What was Acme's revenue in 2022 and 2023 combined?",
            ("What was Acme's revenue in 2022?", "What was Acme's revenue in 2023?"),
        ),
    ],
)
def test_a_sum(text: str, parts: tuple[str, ...]) -> None:
    assert whole(text) == Whole("list", "sum", parts)


@pytest.mark.parametrize(("_", "parts"), LISTS)
def test_parts_are_plain_and_lean_on_nothing(_: str, parts: tuple[str, ...]) -> None:
    for part in parts:
        assert whole(part) == Whole()
        assert not follow_up(part, [Turn("Who runs Kestrel?", "Bob Lee runs Kestrel.")]).unresolved


def test_too_many_parts_stay_one() -> None:
    years = ", ".join(str(y) for y in range(2001, 2011))
    assert whole(f"What was Acme's revenue in {years} and 2011?") == Whole()


PIECES = [*"aA ?.,'2“”ʼQ", " and ", " or ", " than ", "how did ", "is ", "which ", " compare", "2019", " more ", "x"]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_text_can_be_taken_apart(text: str) -> None:
    found = whole(text)
    assert len(found.parts) != 1
    assert all(part.strip() and "ʼ0ʼ" not in part for part in found.parts) or "ʼ" in text


@pytest.mark.parametrize(
    ("asked", "kind", "operation", "expected"),
    [
        (
            "Compare Acme's revenue and Lund's revenue",
            "comparison",
            "",
            ("What is Acme's revenue?", "What is Lund's revenue?"),
        ),
        ("How does Acme's profit compare to its revenue?", "comparison", "", ()),
        (
            "Compare the profit of Acme and the profit of Lund in 2021",
            "comparison",
            "",
            ("What is the profit of Acme in 2021?", "What is the profit of Lund in 2021?"),
        ),
        ("Is Acme better than Lund?", "comparison", "larger", ("How good is Acme?", "How good is Lund?")),
        (
            "Which is heavier, the Vann bridge or the Skarvik bridge?",
            "comparison",
            "larger",
            ("How heavy is the Vann bridge?", "How heavy is the Skarvik bridge?"),
        ),
        (
            "Which city is bigger, Skarvik or Norland?",
            "comparison",
            "larger",
            ("How big is Skarvik?", "How big is Norland?"),
        ),
        (
            "Of Acme and Lund, which had the higher profit?",
            "comparison",
            "larger",
            ("What was Acme's profit?", "What was Lund's profit?"),
        ),
        (
            "Which of Acme and Lund had the most ferries?",
            "comparison",
            "larger",
            ("How many ferries did Acme have?", "How many ferries did Lund have?"),
        ),
        (
            "Which of Acme and Lund sold more ferries in 2021?",
            "comparison",
            "larger",
            ("How many ferries did Acme sell in 2021?", "How many ferries did Lund sell in 2021?"),
        ),
        (
            "Which of Acme and Lund has fewer employees?",
            "comparison",
            "smaller",
            ("How many employees does Acme have?", "How many employees does Lund have?"),
        ),
        (
            "Which of Acme and Lund is the best in Norland?",
            "comparison",
            "larger",
            ("How good is Acme in Norland?", "How good is Lund in Norland?"),
        ),
        (
            "Which of Acme and Lund is most profitable?",
            "comparison",
            "larger",
            ("How profitable is Acme?", "How profitable is Lund?"),
        ),
        (
            "Which of Acme and Lund was founded earlier?",
            "comparison",
            "earlier",
            ("When was Acme founded?", "When was Lund founded?"),
        ),
        (
            "Did Acme buy Lund and did Kestrel sell its brewery?",
            "list",
            "",
            ("Did Acme buy Lund?", "Did Kestrel sell its brewery?"),
        ),
        ("Is Acme in Norland and is Lund in Skarvik?", "list", "", ("Is Acme in Norland?", "Is Lund in Skarvik?")),
        ("What is the difference between 2021 and 2022 in Acme's profit?", "plain", "", ()),
        ("Were Acme and Lund profitable in 2021, respectively?", "plain", "", ()),
        ("How much of the revenue and the profit came from Norland?", "plain", "", ()),
        ("How many ferries and bridges did Acme build?", "plain", "", ()),
        ("Did Acme report a loss while the Courier said that Lund made a profit in 2021?", "plain", "", ()),
        (
            "Which company, Acme or Lund, will open a new plant?",
            "comparison",
            "",
            ("Will Acme open a new plant?", "Will Lund open a new plant?"),
        ),
        (
            "Between Acme and Lund, which is wealthier?",
            "comparison",
            "larger",
            ("How wealthy is Acme?", "How wealthy is Lund?"),
        ),
        (
            "Which is worse, the flood of 2019 or the flood of 2021?",
            "comparison",
            "",
            ("Is the flood of 2019 worse?", "Is the flood of 2021 worse?"),
        ),
        (
            "Which is hotter, Norland or Skarvik?",
            "comparison",
            "larger",
            ("How hot is Norland?", "How hot is Skarvik?"),
        ),
        ("Compare Acme and Lund's profits in 2020 and 2021", "plain", "", ()),
        (
            "How did Acme's revenue compare with that of Lund in 2022?",
            "comparison",
            "",
            ("What was Acme's revenue in 2022?", "What was the revenue of Lund in 2022?"),
        ),
        (
            "What was Acme's revenue in 2021 versus 2022?",
            "list",
            "",
            ("What was Acme's revenue in 2021?", "What was Acme's revenue in 2022?"),
        ),
        (
            "Did the Courier say that Acme lost money, and did the Herald say that it won?",
            "list",
            "",
            ("Did the Courier say that Acme lost money?", "Did the Herald say that it won?"),
        ),
    ],
)
def test_more_ways_to_compare(asked: str, kind: str, operation: str, expected: tuple[str, ...]) -> None:
    found = whole(asked)
    assert (found.kind, found.operation, found.parts) == (kind, operation, expected)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "How long after Acme opened its plant did Lund close the yard?",
            ("When did Acme open its plant?", "When did Lund close the yard?"),
        ),
        (
            "How long after the launch of the ferry was the bridge closed?",
            ("When was the launch of the ferry?", "When was the bridge closed?"),
        ),
        (
            "How long after Acme opened its plant did it close?",
            ("When did Acme open its plant?", "When did Acme close?"),
        ),
        (
            "How many years passed between the founding of Acme and the founding of Lund?",
            ("When was the founding of Acme?", "When was the founding of Lund?"),
        ),
        (
            "How many months lie between Lund's merger and Acme's bankruptcy?",
            ("When was Lund's merger?", "When was Acme's bankruptcy?"),
        ),
        ("How long did it take from the order to the delivery?", ("When was the order?", "When was the delivery?")),
    ],
)
def test_the_time_between_two_events(text: str, parts: tuple[str, ...]) -> None:
    assert whole(text) == Whole("comparison", "difference", parts)


@pytest.mark.parametrize(
    "text",
    [
        "How many years between 2018 and 2020 did Acme lose money?",
        "How long is it from Oslo to Bergen?",
        "How long between 2019 and 2020?",
        "How many people live between Oslo and Bergen?",
        "How long after that did Lund close the yard?",
        "How long after the strike did they reopen it?",
    ],
)
def test_no_time_between_events(text: str) -> None:
    assert whole(text).parts == ()
