"""The few words that answer: read from the question, found in the quotes, exact; with the real embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from citewire.index.types import Embedder
from citewire.qa import short as module
from citewire.qa.question import parse
from citewire.qa.short import Short, asked_for, chosen, placed, short
from citewire.qa.types import Generator, Message
from citewire.qa.vectors import WordVectors


@pytest.fixture(scope="module")
def vectors(embedder: Embedder) -> WordVectors:
    return WordVectors(embedder)


def found(vectors: WordVectors, question: str, *quotes: str, claim: str = "") -> str:
    """The words found, after a check that they stand where they are said to stand."""
    one = short(parse(question), claim, quotes, vectors)
    if one is None:
        return ""
    assert quotes[one.quote][one.start : one.end] == one.text
    assert module.LEAST <= one.probability <= 1
    return one.text


class TestWhatIsAsked:
    @pytest.mark.parametrize(
        ("question", "sought", "noun"),
        [
            ("How many ferries does Lund Lines run?", "count", "ferries"),
            ("How many of the ferries were sold?", "count", "ferries"),
            ("How much did the bridge cost?", "amount", ""),
            ("What was the price of the bridge?", "amount", "price"),
            ("What percentage of voters said yes?", "percent", "percentage"),
            ("When did the bridge open?", "time", ""),
            ("How soon could it open?", "time", ""),
            ("In what year did it open?", "time", "year"),
            ("Who runs Lund Lines?", "person", ""),
            ("Where is the bridge?", "place", ""),
            ("Why did the bridge close?", "reason", ""),
            ("Which old city built a bridge?", "thing", "old city"),
            ("The ferry sails to which island this summer?", "thing", "island"),
            ("What is the name of the ferry that sank?", "thing", "ferry"),
            ("The mayor lost her seat on Monday. What is her name?", "thing", "person"),
            ("A man who ran the port was jailed. In which city was he jailed?", "thing", "city"),
            ("The man who ran the port was jailed in which city?", "thing", "city"),
            ("Which storm?", "thing", "storm"),
        ],
    )
    def test_kind_and_noun(self, question: str, sought: str, noun: str) -> None:
        asked = asked_for(question)
        assert asked is not None
        assert (asked.sought, asked.noun) == (sought, noun)

    @pytest.mark.parametrize(
        "question", ["Is the bridge open?", "How did the mayor react?", "Tell me more.", "How often is it open?"]
    )
    def test_no_few_words_answer_it(self, question: str, vectors: WordVectors) -> None:
        assert asked_for(question) is None
        assert short(parse(question), "", ["The bridge reopened in May 2019."], vectors) is None

    @pytest.mark.parametrize(
        ("question", "words", "statement"),
        [
            ("Which old city built a bridge?", "Skarvik", "Skarvik built a bridge."),
            ("How many ferries does Lund run?", "14", "14 does Lund run."),
            ("Ann came. Who won?", "Bo", "Bo won."),
            ("The ferry sails to which island this summer?", "Norland", "The ferry sails to Norland this summer."),
        ],
    )
    def test_the_answer_takes_the_place_of_the_question_word(self, question: str, words: str, statement: str) -> None:
        asked = asked_for(question)
        assert asked is not None
        assert asked.with_answer(words) == statement


class TestFewWords:
    @pytest.mark.parametrize(
        ("question", "quote", "words"),
        [
            (
                "How many ferries does Lund Lines run?",
                "Lund Lines, founded in 1921, runs 14 ferries on 3 routes between Norland and Skarvik.",
                "14",
            ),
            (
                "How much did the repairs of the Vann bridge cost?",
                "The repairs of the Vann bridge, which took two years, cost 40 million euros.",
                "40 million euros",
            ),
            (
                "How much did the ticket sell for?",
                "After 12 minutes of bids the ticket from 1952 sold for $12.6 million on Sunday.",
                "$12.6 million",
            ),
            (
                "What percentage of adults disapprove of the ruling?",
                "In a survey of 1,004 adults released on Tuesday, 60% disapprove of the ruling, with 37% approving.",
                "60%",
            ),
            (
                "When did the Vann bridge reopen?",
                "The Vann bridge, closed since 2017, reopened on 4 September 2019 after 40 million euros of repairs.",
                "4 September 2019",
            ),
            ("What year did the ferry sink?", "The ferry sank off Norland on 3 May 1987, with 40 aboard.", "1987"),
            (
                "When will the rocket launch?",
                "The agency said on its site that the rocket will launch next week from Florida.",
                "next week",
            ),
            (
                "Who is the chair of Lund Lines?",
                "Ana Ruiz, who led the port of Skarvik until May, is the chair of Lund Lines.",
                "Ana Ruiz",
            ),
            (
                "Which comedian was found liable this week?",
                "(CNN) A Los Angeles jury found embattled comedian Bill Cosby liable in a civil case.",
                "Bill Cosby",
            ),
            (
                "Where was the event?",
                "Police in Boise arrested 31 men who had planned to riot at the event in Idaho, the paper said.",
                "Idaho",
            ),
            (
                "Which country was shaken by an earthquake?",
                "MANILA, July 27 (Reuters) - A strong earthquake shook the northern Philippines on Wednesday.",
                "Philippines",
            ),
            (
                "Which automaker recalled 2.9 million vehicles?",
                "Ford is recalling 2.9 million vehicles that could roll away, the agency said Wednesday.",
                "Ford",
            ),
            (
                "Which movie made her a star?",
                "The Australian singer became a star with the blockbuster movie “Grease,” made in California in 1978.",
                "Grease",
            ),
            (
                "Why were the cars recalled?",
                "Owners of some cars that were recalled because of fire risks should park them outside.",
                "fire risks",
            ),
        ],
    )
    def test_by_kind(self, question: str, quote: str, words: str, vectors: WordVectors) -> None:
        assert found(vectors, question, quote) == words

    def test_the_second_quote_can_have_it(self, vectors: WordVectors) -> None:
        quotes = ("The company runs a line between two ports.", "Lund Lines runs 14 ferries.")
        one = short(parse("How many ferries does Lund Lines run?"), "", quotes, vectors)
        assert one is not None
        assert (one.text, one.quote, one.start, one.end) == ("14", 1, 16, 18)

    def test_words_of_the_claim_are_preferred(self, vectors: WordVectors) -> None:
        question = "Which city did the mayor visit?"
        quote = "The mayor went to Lisbon and to Porto."
        assert found(vectors, question, quote, claim="The mayor visited Lisbon.") == "Lisbon"
        assert found(vectors, question, quote, claim="The mayor visited Porto.") == "Porto"

    def test_nothing_is_found_in_nothing(self, vectors: WordVectors) -> None:
        assert short(parse("Who won?"), "Ann won.", [], vectors) is None
        assert short(parse("Who won?"), "", ["", "..."], vectors) is None

    def test_what_somebody_said_takes_a_sentence(self, vectors: WordVectors) -> None:
        assert found(vectors, "What did Ana Ruiz say about the bridge?", "Ana Ruiz said the bridge was late.") == ""

    @pytest.mark.parametrize("quote", ["<b>“</b> [1] \x00 $ €", "é" * 300, "(CNN)", "A" * 2000, "1" * 400, "“”\n\n—"])
    def test_odd_quotes_give_a_span_or_nothing(self, quote: str, vectors: WordVectors) -> None:
        assert found(vectors, "Which city built the bridge?", quote) in quote


class Replying:
    """A model that always replies the same and remembers what it was asked."""

    name = "replying"

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.prompts: list[str] = []

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        del stopped
        assert max_tokens == module.REPLY_TOKENS
        self.prompts.append(messages[-1].content)
        yield from self.reply

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> list[float]:
        del messages
        return [1 / len(options)] * len(options)


DOUBTFUL = "Which change did the mayor announce?"
CHANGES = ("The mayor, who met traders of the port and of the old town, spoke of later buses and of cheaper tickets.",)


class TestChosenByAModel:
    def test_it_is_not_asked_where_the_words_are_sure(self, vectors: WordVectors) -> None:
        model = Replying("3")
        one = chosen(
            parse("How many ferries does Lund Lines run?"), "", ["Lund Lines runs 14 ferries."], vectors, model
        )
        assert one is not None
        assert (one.text, model.prompts) == ("14", [])

    def test_its_words_go_before_doubtful_ones(self, vectors: WordVectors) -> None:
        model = Replying("Later buses.")
        one = chosen(parse(DOUBTFUL), "", CHANGES, vectors, model)
        assert one == Short(
            "later buses", 0, CHANGES[0].index("later"), CHANGES[0].index(" and of cheaper"), module.SURE
        )
        assert DOUBTFUL in model.prompts[0]
        assert CHANGES[0] in model.prompts[0]

    def test_words_that_are_not_in_the_quotes_count_for_nothing(self, vectors: WordVectors) -> None:
        found = short(parse(DOUBTFUL), "", CHANGES, vectors)
        assert chosen(parse(DOUBTFUL), "", CHANGES, vectors, Replying("a new tunnel")) == found

    @pytest.mark.parametrize(("question", "quotes"), [("Is it open?", CHANGES), (DOUBTFUL, ()), (DOUBTFUL, ("",))])
    def test_it_is_not_asked_what_has_no_few_words(
        self, question: str, quotes: Sequence[str], vectors: WordVectors
    ) -> None:
        model = Replying("buses")
        assert chosen(parse(question), "", quotes, vectors, model) is None
        assert model.prompts == []

    @pytest.mark.real
    def test_the_default_model_copies_from_the_quote(self, vectors: WordVectors, generator: Generator) -> None:
        quote = "KFC is testing out new chicken nuggets for a limited time."
        one = chosen(parse("Which menu item did KFC try out?"), "", [quote], vectors, generator)
        assert one is not None
        assert quote[one.start : one.end] == one.text
        assert one.text.endswith("chicken nuggets")


class TestReplyOfAModel:
    def test_stands_in_a_quote_in_its_own_spelling(self) -> None:
        quotes = ["It opened late.", "The Squid\nGame was “green lit”."]
        assert placed("“squid game”.", quotes) == Short("Squid\nGame", 1, 4, 14, module.SURE)

    @pytest.mark.parametrize("reply", ["", "  ", "“”", "Friends", "quid", "a " * 13])
    def test_stands_nowhere(self, reply: str) -> None:
        assert placed(reply, ["The Squid Game was green lit. " + "a " * 13]) is None
