"""What a question asks for and takes for granted, and how a follow-up leans on the turns before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.index.errors import InputError
from citewire.qa.measured import Measure
from citewire.qa.question import FollowUp, Question, event, follow_up, parse, presupposition, topic
from citewire.qa.types import Turn

MAYOR = Turn("Who is the mayor of Norland?", "Ana Ruiz is the mayor of Norland [1].")
REVENUE = Turn("What was the revenue of Kestrel in 2022?", "The revenue was £3.1 million [1].")


def alone_and_leaned_on(text: str, turns: list[Turn]) -> tuple[str, str]:
    found = follow_up(text, turns)
    return found.text, found.leaned_on


@pytest.mark.parametrize(
    ("text", "expects", "noun"),
    [
        ("How many ferries does Lund run?", "count", "ferries"),
        ("How many night ferries are there?", "count", "night ferries"),
        ("How many ferries sail at night?", "count", "ferries"),
        ("How many of its old ferries has Lund sold?", "count", "old ferries"),
        ("How many people in Norland own a boat?", "count", "people"),
        ("How much did the bridge cost?", "amount", ""),
        ("What did Lund earn from ferries?", "amount", ""),
        ("What were the gross margins of the yards?", "amount", ""),
        ("What price did Lund pay?", "amount", ""),
        ("What did the loss mean to Lund?", "open", ""),  # not how high it was
        ("What was the price of tickets when the bridge opened?", "amount", ""),
        ("Who paid when the bridge fell?", "person", ""),
        ("What is Lund's share of the ferry market?", "percent", ""),
        ("What main reasons did Lund give?", "reason", ""),
        ("Who is Ana Ruiz?", "open", ""),  # whoever she is, her name is known
        ("Who is Ana Ruiz's deputy?", "person", ""),
        ("What was the revenue of Kestrel in 2023?", "amount", ""),
        ("How long is the bridge?", "amount", ""),
        ("What share of trips is cancelled?", "percent", ""),
        ("Which percentage of seats stayed empty?", "percent", ""),
        ("When did the bridge open?", "date", ""),
        ("Since when has the bridge been open?", "date", ""),
        ("After the storm, when did the bridge open?", "date", ""),
        ("In which year did Kestrel close?", "date", ""),
        ("Who is the mayor of Norland?", "person", ""),
        ("Whose plan was it?", "person", ""),
        ("Which company operates the ferry?", "named", "company"),
        ("Which company built the bridge?", "named", "company"),
        ("Which firm won the contract?", "named", "firm"),
        ("What colour is the bridge?", "named", "colour"),
        ("Where is the bridge?", "named", "place"),
        ("What did Ana Ruiz say about the bridge?", "statement", ""),
        ("Why did profit fall?", "reason", ""),
        ("Why did it cost so much, and when?", "reason", ""),
        ("How does the ferry work?", "open", ""),
        ("What is a ferry?", "open", ""),
        ("What happened in Norland?", "open", ""),
        # reasons in other words
        ("What drew the crews to Norland?", "reason", ""),
        ("What made Lund sell its yard?", "reason", ""),
        ("What has led Acme to close?", "reason", ""),
        ("For what reason did Lund close?", "reason", ""),
        ("What brought the boat down?", "open", ""),
        # a manner, condition or kind is no name
        ("Under what conditions would Lund sell?", "open", ""),
        ("On what terms did Lund sell?", "open", ""),
        ("What kind of boats does Lund build?", "open", ""),
        ("Which firms agreed on terms?", "named", "firms"),
        # parts of a whole
        ("What fraction of sales came from ferries?", "percent", ""),
        ("Roughly what portion of the trips is late?", "percent", ""),
        ("How big a slice of the market does Lund have?", "percent", ""),
        ("How large a part of the budget is spent on fuel?", "percent", ""),
        ("What share price did Lund reach?", "amount", ""),
        # amounts in other words
        ("What duty does Norland put on boats?", "amount", ""),
        ("What toll do lorries pay?", "amount", ""),
        ("What price controls did Norland bring back?", "named", "price controls"),
        ("What was one share worth in May?", "amount", ""),
        ("What does Lund take in each year?", "amount", ""),
        ("What makes it worth the trouble?", "reason", ""),
        # what is called so
        ("What is Lund's new ferry line called?", "named", "new ferry line"),
        ("What is the name of the bridge that fell?", "named", "bridge"),
        ("What is the name of Lund's boss?", "person", ""),
        ("What is it called?", "open", ""),
        # what is counted before another verb
        ("How many sailors lost their boats when it rained?", "count", "sailors"),
        # two answers to choose from
        ("Is Lund a Danish or a Swedish company?", "named", "country"),
        ("Did Lund open in March or in April?", "date", ""),
    ],
)
def test_what_is_expected(text: str, expects: str, noun: str) -> None:
    question = parse(text)
    assert (question.expects, question.noun) == (expects, noun)


def test_parts() -> None:
    assert parse("What was the revenue of Kestrel in 2022 and 2023?") == Question(
        text="What was the revenue of Kestrel in 2022 and 2023?",
        terms=("revenu",),
        names=("Kestrel",),
        years=frozenset({2022, 2023}),
        expects="amount",
        noun="",
        describes=True,
        periods=(("2022-01-01", "2022-12-31"), ("2023-01-01", "2023-12-31")),
        measure=Measure("revenue", ""),
    )
    assert parse("Which company operates the ferry?").terms == ("oper", "ferri")
    assert parse("How many ferries does Ana Ruiz own?").names == ("Ana Ruiz",)


@pytest.mark.parametrize(
    ("text", "describes"),
    [
        ("Who is the finance chief of Kestrel?", True),
        ("What’s the budget?", True),
        ("Who runs Kestrel?", False),
        ("When is it due?", False),
    ],
)
def test_describes(text: str, describes: bool) -> None:
    assert parse(text).describes is describes


def test_what_is_counted_is_no_name() -> None:
    assert parse("How many Bitcoins does Lund own?").names == ("Lund",)
    assert parse("How many Avalon miners does Lund own?").names == ("Avalon", "Lund")


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("When was the founding of Lund?", "the founding of Lund"),
        ("When was Lund's merger with Acme?", "Lund's merger with Acme"),
        ("When did Lund sell its ferries?", "the time when Lund sold its ferries"),
        ("When was the bridge closed?", "the time when the bridge was closed"),
        ("Why was the bridge closed?", ""),
        ("What was the revenue of Lund?", ""),
    ],
)
def test_what_a_question_asks_the_time_of(text: str, thing: str) -> None:
    assert event(text) == thing


def test_asking_words_are_not_required_of_the_answer() -> None:
    assert parse("How much did it cost in total?").terms == ("cost",)
    assert "total" in parse("Why was the total wrong?").terms  # here it is what the question is about


def test_a_quarter_is_a_time_and_no_name() -> None:
    asked = parse("What were Lund's sales in Q2 of 2021?")
    assert (asked.names, asked.terms) == (("Lund",), ("sale", "second", "quarter"))
    assert asked.terms == parse("What were Lund's sales in the second quarter of 2021?").terms


@pytest.mark.parametrize(
    ("text", "terms", "names"),
    [
        ("What is Lund's ferry line called?", ("ferri", "line"), ("Lund",)),
        ("What is the full name of the bridge?", ("bridg",), ()),
        ("Who called the police?", ("call", "polic"), ()),
        ("What reason did Lund give for closing?", ("give", "close"), ("Lund",)),
        ("Roughly how many boats does Lund actually own?", ("boat",), ("Lund",)),
        ("Who wrote the Herald story on Lund?", ("wrote", "stori"), ("Herald", "Lund")),
    ],
)
def test_words_that_shape_a_question_are_not_required(
    text: str, terms: tuple[str, ...], names: tuple[str, ...]
) -> None:
    found = parse(text)
    assert (tuple(t for t in found.terms if t != "give"), found.names) == (
        tuple(t for t in terms if t != "give"),
        names,
    )


def test_the_outlet_that_is_only_the_source_is_not_required() -> None:
    asked = "Tell me what one boat was worth when the Herald.News piece was written, please."
    assert follow_up(asked, []) == FollowUp("What was one boat worth?")
    assert parse("What was one boat worth?").names == ()


def test_the_latest_is_asked_for_in_other_words() -> None:
    assert parse(follow_up("Who runs Lund these days?", []).text).newest


def test_context_lends_its_noun_and_terms() -> None:
    question = parse("How many?", "How many ferries does Lund run?")
    assert (question.expects, question.noun) == ("count", "ferries")
    assert question.context >= {"ferri", "lund", "run"}
    assert question.terms == ("ferri", "run")
    assert parse("How many buses?", "How many ferries does Lund run?").noun == "buses"


@pytest.mark.parametrize(
    ("text", "turn", "alone"),
    [
        ("What did she say?", MAYOR, "What did Ana Ruiz say?"),
        ("When was he born?", MAYOR, "When was Ana Ruiz born?"),
        ("Who met him?", MAYOR, "Who met Ana Ruiz?"),
        ("What is her plan?", MAYOR, "What is Ana Ruiz's plan?"),
        ("Who voted for her?", MAYOR, "Who voted for Ana Ruiz?"),
        ("Who met her in May?", MAYOR, "Who met Ana Ruiz in May?"),
        ("How much profit did it make?", REVENUE, "How much profit did Kestrel make?"),
        ("What are their plans?", REVENUE, "What are Kestrel's plans?"),
        ("Why?", REVENUE, "Why?"),
    ],
)
def test_a_follow_up(text: str, turn: Turn, alone: str) -> None:
    assert alone_and_leaned_on(text, [turn]) == (alone, turn.question)


@pytest.mark.parametrize("text", ["And what was it in 2019?", "How much was that in 2019?", "And in 2019?"])
def test_the_same_of_another_time(text: str) -> None:
    turn = Turn("What was Kestrel's profit in 2018?", "It was £3 million in 2018.")
    assert follow_up(text, [turn]).text == "What was Kestrel's profit in 2019?"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("What did it cost according to the articles?", "What did it cost?"),
        ("According to the news articles, who runs Lund?", "Who runs Lund?"),
        ("According to the articles?", "According to the articles?"),
        ("What did it cost according to the mayor?", "What did it cost according to the mayor?"),
    ],
)
def test_that_the_articles_say_it_goes_without_saying(text: str, plain: str) -> None:
    assert follow_up(text, []).text == plain


@pytest.mark.parametrize(
    "text",
    [
        "Why did Kestrel close its plant?",
        "What did Ana Ruiz say about her plan?",
        "How many ferries does Lund Lines have there?",
        "Who is the mayor of Norland?",
        "When did the bridge over the Lund open?",
        "What does Acme Shipping sell?",
    ],
)
def test_a_question_that_stands_alone_is_unchanged(text: str) -> None:
    assert alone_and_leaned_on(text, [MAYOR, REVENUE]) == (text, "")


@pytest.mark.parametrize(
    ("text", "names", "terms", "years", "expects", "elliptic"),
    [
        ("And in 2023?", ("Kestrel",), ("profit",), {2023}, "amount", True),
        ("What about Acme?", ("Acme",), ("profit",), {2022}, "amount", True),
        ("Why?", ("Kestrel",), ("profit",), {2022}, "reason", True),
        ("And who runs it?", ("Kestrel",), ("run",), set(), "person", False),
    ],
)
def test_what_a_follow_up_leaves_out_is_taken_from_the_question_before(
    text: str, names: tuple[str, ...], terms: tuple[str, ...], years: set[int], expects: str, elliptic: bool
) -> None:
    parsed = parse(text, "How much profit did Kestrel make in 2022?")
    assert (parsed.names, parsed.terms, set(parsed.years)) == (names, terms, years)
    assert (parsed.expects, parsed.elliptic) == (expects, elliptic)


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("And in 2023?", "What was the revenue of Kestrel in 2023?"),
        ("What about Acme?", "What was the revenue of Acme in 2022?"),
        ("And in 2023 or 2024?", "What was the revenue of Kestrel in 2023 or 2024?"),
        ("And the year after?", "What was the revenue of Kestrel in 2023?"),
        ("the previous year?", "What was the revenue of Kestrel in 2021?"),
        ("And two years later?", "What was the revenue of Kestrel in 2024?"),
        ("And the profit?", "What was the profit of Kestrel in 2022?"),
        ("And its net profit?", "What was the net profit of Kestrel in 2022?"),
        ("What about Acme and Lund?", "What was the revenue of Acme and Lund in 2022?"),
    ],
)
def test_a_follow_up_that_changes_one_thing_becomes_the_earlier_question_with_it(text: str, alone: str) -> None:
    assert alone_and_leaned_on(text, [REVENUE]) == (alone, "")


@given(st.text())
def test_without_history_nothing_changes(text: str) -> None:
    assert alone_and_leaned_on(text, []) == (text, "")


ORDER = Turn("How many night ferries did Acme order from Kestrel?", "Acme ordered 17 night ferries [1].")
CLOSING = Turn("When did Kestrel close its plant in Norland?", "Kestrel closed it in May 2021 [1].")
BUYER = Turn("Who bought Kestrel?", "Acme Shipping bought Kestrel in 2020 [1].")
WRITERS = Turn("Who wrote the report on Kestrel?", "Ana Ruiz and Bob Lee wrote the report [1].")
LEADER = Turn("Which firm had the lowest cost in Norland?", "Lund had the lowest cost, at $3 [1].")
QUARTER = Turn("What was Acme's revenue in Q4 2023?", "It was $3 million [1].")
BRIDGE = Turn("how much did the bridge cost?", "the bridge cost 40 million euros [1].")
CHIEF = Turn("Who is the chief of Kestrel?", "Ana Ruiz is the chief of Kestrel [1].")


@pytest.mark.parametrize(
    ("text", "turns", "alone"),
    [
        ("And Lund?", [ORDER], "How many night ferries did Lund order from Kestrel?"),
        ("What about Lund?", [ORDER], "How many night ferries did Lund order from Kestrel?"),
        ("And from Lund?", [ORDER], "How many night ferries did Acme order from Lund?"),
        ("And the quarter after?", [QUARTER], "What was Acme's revenue in Q1 2024?"),
        ("And in Q2?", [QUARTER], "What was Acme's revenue in Q2 2023?"),
        ("And Lund's?", [QUARTER], "What was Lund's revenue in Q4 2023?"),
        ("What about its competitors?", [QUARTER], "What was Acme's competitors' revenue in Q4 2023?"),
        ("And her deputy?", [CHIEF], "Who is Ana Ruiz's deputy?"),
        ("And Acme and Lund?", [Turn("Where is Kestrel based?", "In Norland.")], "Where are Acme and Lund based?"),
        ("And since 2020?", [Turn("What was Acme's revenue?", "$3.")], "What was Acme's revenue since 2020?"),
        ("Why?", [CLOSING], "Why did Kestrel close its plant in Norland?"),
        ("And why was that?", [CLOSING], "Why did Kestrel close its plant in Norland?"),
        ("Why?", [ORDER], "Why did Acme order night ferries from Kestrel?"),
        ("When was that?", [BUYER], "When was Kestrel bought?"),
        (
            "and the year after?",
            [ORDER, REVENUE, Turn("And in 2023?", "£4 million")],
            "What was the revenue of Kestrel in 2024?",
        ),
    ],
)
def test_what_is_exchanged_in_the_earlier_question(text: str, turns: list[Turn], alone: str) -> None:
    assert follow_up(text, turns) == FollowUp(alone)


@pytest.mark.parametrize(
    ("text", "turns", "alone"),
    [
        ("And how many did Lund order?", [ORDER], "How many night ferries did Lund order?"),
        ("What did they say?", [WRITERS], "What did Ana Ruiz and Bob Lee say?"),
        ("When did the latter resign?", [WRITERS], "When did Bob Lee resign?"),
        ("How much profit did it make?", [LEADER], "How much profit did Lund make?"),
        ("Where is that firm based?", [LEADER], "Where is Lund based?"),
        ("Who paid for it?", [BRIDGE], "Who paid for the bridge?"),
        ("When was she born?", [CHIEF, ORDER, QUARTER], "When was Ana Ruiz born?"),
        ("What did she say about its future?", [CHIEF], "What did Ana Ruiz say about Kestrel's future?"),
        ("What did it earn?", [MAYOR, REVENUE], "What did Kestrel earn?"),
        ("What happened the year after?", [Turn("When did it open?", "In 2019.")], "What happened in 2020?"),
        ("Was it higher than in 2022?", [QUARTER], "Was Acme's revenue in Q4 2023 higher than in 2022?"),
        ("Does he own shares?", [Turn("Who runs Acme?", "Lee runs Acme.")], "Does Lee own shares?"),
    ],
)
def test_what_a_follow_up_points_at(text: str, turns: list[Turn], alone: str) -> None:
    found = follow_up(text, turns)
    assert (found.text, found.unresolved) == (alone, ())


@pytest.mark.parametrize(
    ("text", "turn", "unresolved"),
    [
        ("What did she say?", REVENUE, ("she",)),  # no person there
        ("What did he say?", WRITERS, ("he",)),  # two persons
        ("What did Kestrel say about it?", REVENUE, ("it",)),  # not Kestrel itself
        ("How much was that?", CLOSING, ("that",)),
        ("Who runs it?", Turn("how is the weather?", "fine"), ("it",)),
        ("Why?", REVENUE, ("Why?",)),
        ("Tell me more", REVENUE, ("Tell me more",)),
        ("Where is that ferry based?", LEADER, ("that ferry",)),
        ("And the year after?", BRIDGE, ("And the year after?",)),
        ("What did it say, and when did they?", Turn("Who met?", ""), ("it", "they")),
    ],
)
def test_what_stays_open_is_said_and_not_guessed(text: str, turn: Turn, unresolved: tuple[str, ...]) -> None:
    found = follow_up(text, [turn])
    assert (found.unresolved, found.leaned_on) == (unresolved, turn.question)


@pytest.mark.parametrize(
    "text", ["Is it true that Acme sells ferries?", "How long does it take to build a ferry in Norland?"]
)
def test_an_it_that_points_at_nothing(text: str) -> None:
    assert follow_up(text, [REVENUE]) == FollowUp(text)


TODAY = "2025-07-01"


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("What was revenue in 2021?", (("2021-01-01", "2021-12-31"),)),
        ("What was Acme's 2024 revenue?", (("2024-01-01", "2024-12-31"),)),
        ("What was revenue in Q3 2024?", (("2024-07-01", "2024-09-30"),)),
        ("What was revenue in 2018, 2019 and 2024?", tuple((f"{y}-01-01", f"{y}-12-31") for y in (2018, 2019, 2024))),
        ("What was built between 2018 and 2020?", (("2018-01-01", "2020-12-31"),)),
        ("What was built from 2018 to 2020?", (("2018-01-01", "2020-12-31"),)),
        ("What has been built since 2019?", (("2019-01-01", TODAY),)),
        ("What was built before 2020?", (("", "2019-12-31"),)),
        ("What was built until June 2020?", (("", "2020-06-30"),)),
        ("What was built after March 2021?", (("2021-04-01", TODAY),)),
        ("What was built in the year after 2021?", (("2022-01-01", "2022-12-31"),)),
        ("What was revenue last year?", (("2024-01-01", "2024-12-31"),)),
        ("Who built the bridge?", ()),
    ],
)
def test_the_times_of_a_question(text: str, periods: tuple[tuple[str, str], ...]) -> None:
    assert parse(text, as_of=TODAY).periods == periods


def test_times_that_need_the_day_of_asking() -> None:
    assert parse("What was revenue last year?").periods == ()
    assert parse("What has been built since 2019?").periods == (("2019-01-01", ""),)
    assert parse("What is the latest revenue?").newest
    assert parse("Who resigned this week?", as_of=TODAY).newest
    assert not parse("Who resigned in 2021?", as_of=TODAY).newest
    with pytest.raises(InputError, match="'July' is no date"):
        parse("Who resigned?", as_of="July")


def test_an_elliptic_question_takes_the_times_of_the_one_before() -> None:
    earlier = "How much profit did Kestrel make in 2022?"
    assert parse("Why?", earlier).periods == (("2022-01-01", "2022-12-31"),)
    assert parse("And in 2023?", earlier).periods == (("2023-01-01", "2023-12-31"),)


@pytest.mark.parametrize(
    ("text", "premise"),
    [
        ("Why did Kestrel shut down its mine?", "Kestrel shut down its mine"),
        ("When did Acme stop selling phones?", "Acme stopped selling phones"),
        ("How did Norland win the 2022 World Cup?", "Norland won the 2022 World Cup"),
        ("What did Ana Ruiz say about resigning?", "Ana Ruiz said something about resigning"),
        ("Who bought Kestrel's ferry unit?", "someone bought Kestrel's ferry unit"),
        ("Which company bought Kestrel?", "a company bought Kestrel"),
        ("How many ferries did Acme order from Kestrel?", "Acme ordered ferries from Kestrel"),
        ("How much did Acme pay for Kestrel?", "Acme paid for Kestrel"),
        ("Why was Ana Ruiz arrested?", "Ana Ruiz was arrested"),
        ("Why is Kestrel moving to Norway?", "Kestrel is moving to Norway"),
        ("Why has Kestrel left Norland?", "Kestrel has left Norland"),
        ("Why didn't Acme sell?", "Acme did not sell"),
        ("When will Acme close its plant?", "Acme will close its plant"),
        ("In which country did Acme open a plant?", "Acme opened a plant"),
        ("Why did the mining company close its plant?", "the mining company closed its plant"),
        ("How many ferries had Acme shipped to Lund by 2021?", "Acme had shipped ferries to Lund by 2021"),
        ("How many ferries did Lund buy in May and how many does it run?", "Lund bought ferries in May"),
        (
            "Why did Danish courts have Kestrel's books in their sights?",
            "Danish courts had Kestrel's books in their sights",
        ),
        ("What fuels does Kestrel mostly rely on?", "Kestrel relies on fuels mostly"),
        ("Which ports does Kestrel sail to?", "Kestrel sails to ports"),
        ("What kind of fuel does Kestrel rely on?", ""),
        ("Why did Kestrel stock fall?", ""),
        ("Did Acme buy Kestrel?", ""),
        ("Who is the chief of Kestrel?", ""),
        ("How did revenue change?", ""),
        ("What does a ferry cost?", ""),
        ("Where is Acme based?", ""),
        ("How can Acme grow?", ""),
        ("Which of the ferries won?", ""),
        ("What caused the fire?", ""),
        ("Why?", ""),
        ("", ""),
    ],
)
def test_what_a_question_takes_for_granted(text: str, premise: str) -> None:
    assert presupposition(text) == premise


@pytest.mark.parametrize(
    ("text", "noun_phrase"),
    [
        ("What was Acme's revenue in 2018?", "Acme's revenue in 2018"),
        ("How many ferries did Acme order from Lund?", "the number of ferries that Acme ordered from Lund"),
        ("How much did Acme pay for Lund?", "the amount that Acme paid for Lund"),
        ("How much profit did Acme make in 2023?", "the profit that Acme made in 2023"),
        ("How large was Lund's order with Acme?", "Lund's order with Acme"),
        ("How often was it late?", ""),
        ("Who runs Acme?", ""),
    ],
)
def test_the_quantity_asked_for(text: str, noun_phrase: str) -> None:
    assert topic(text) == noun_phrase


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_taken_apart(text: str, question: str, answer: str) -> None:
    alone, context = alone_and_leaned_on(text, [Turn(question, answer)])
    assert parse(alone, context).text == alone
