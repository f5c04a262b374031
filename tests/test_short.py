"""The few words that answer: read from the question, found in the quotes, exact; with the real embedder."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from citewire.index.types import Embedder
from citewire.qa import short as module
from citewire.qa.question import parse
from citewire.qa.short import asked_for, candidates, features, short
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
            ("What was the unemployment rate in June?", "percent", "unemployment rate"),
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


class TestWhatCouldAnswer:
    def of(self, question: str, quote: str) -> list[tuple[str, str]]:
        asked = asked_for(question)
        assert asked is not None
        there = candidates(quote, asked)
        assert all(quote[one.start : one.end] == one.text for one in there)
        return [(one.text, one.form) for one in there]

    def test_each_span_once_under_its_first_form(self) -> None:
        assert self.of("Who won?", "“Lund Lines” of Ana Ruiz sold 14 old ferries for $40 on 3 May 2021.") == [
            ("3 May 2021", "time"),
            ("2021", "time"),
            ("14", "figure"),
            ("14 old", "counted"),
            ("$40", "figure"),
            ("3", "figure"),
            ("Lund Lines", "quoted"),
            ("Ana Ruiz", "name"),
            ("May 2021", "name"),
            ("14 old ferries", "phrase"),
            ("ferries", "phrase"),
            ("old ferries", "phrase"),
        ]

    def test_of_a_reason_only_what_follows_its_conjunction(self) -> None:
        assert self.of("Why did it close?", "It closed because of rain, and later due to a strike.") == [
            ("rain", "cause"),
            ("a strike", "cause"),
        ]

    @pytest.mark.parametrize("quote", ["", " ", "“” — ,", "..."])
    def test_nothing(self, quote: str) -> None:
        assert self.of("Who won?", quote) == []


class TestFeatures:
    def of(self, vectors: WordVectors, question: str, quote: str, words: str) -> dict[str, float]:
        asked = asked_for(question)
        assert asked is not None
        one = next(one for one in candidates(quote, asked) if one.text == words)
        values = features(asked, quote, one, vectors)
        return {name: value for name, value in values.items() if not name.startswith("like_")}

    def test_of_a_figure(self, vectors: WordVectors) -> None:
        question, quote = "How many ferries does Lund run?", "Lund runs 14 ferries for $3."
        # from the end of "runs" to "14" is 1 character, from the end of "Lund" 6, from "14" to "ferries" 1
        near = (1 / (1 + 6 / 15) + 2 / (1 + 1 / 15)) / 3
        assert self.of(vectors, question, quote, "14") == {
            "figure:figure": 1.0, "new": 1.0, "counts": 1.0, "near": pytest.approx(near), "nearest": 1 / 1.1
        }  # fmt: skip
        assert self.of(vectors, question, quote, "$3")["wrong_unit"] == 1.0
        counted = self.of(vectors, question, quote, "14 ferries")
        assert (counted["count:counted"], counted["new"]) == (1.0, 0.5)

    def test_of_names(self, vectors: WordVectors) -> None:
        quote = "The race was won by Ana Ruiz of Lund."
        assert self.of(vectors, "Who won the race?", quote, "Ana Ruiz") == {
            "name:name": 1.0, "new": 1.0, "full_name": 1.0, "by": 1.0,
            "near": pytest.approx((1 / (1 + 12 / 15) + 1 / (1 + 4 / 15)) / 2), "nearest": 1 / 1.4,
        }  # fmt: skip
        assert "full_name" not in self.of(vectors, "Who won the race?", quote, "Lund")

    def test_of_times_and_words_for_when(self, vectors: WordVectors) -> None:
        quote = "The old bridge opened in 1998."
        year = self.of(vectors, "When did the bridge open?", quote, "1998")
        assert (year["time:time"], year["time:year"]) == (1.0, 1.0)
        bridge = self.of(vectors, "When did the bridge open?", quote, "bridge")
        assert (bridge["time:words"], bridge["nothing_new"], bridge["lower"]) == (1.0, 1.0, 1.0)
        assert "time:year" not in self.of(vectors, "In which year did the bridge open?", quote, "1998")

    def test_each_has_a_weight(self) -> None:
        stored = json.loads((files("citewire.qa") / "short.json").read_text(encoding="utf-8"))
        assert tuple(stored) == module.FEATURES
        assert all(0.05 < abs(weight) < 15 for weight in stored.values())


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
            ("How long is the Vann bridge?", "The Vann bridge of 1998 is 1,200 metres long.", "1,200 metres"),
            (
                "What was the unemployment rate in June?",
                "The unemployment rate fell to 3.6% in June from 3.9% in May, as 372,000 jobs were added.",
                "3.6%",
            ),
            ("What share of the vote did Ruiz win?", "Ana Ruiz, 54, won in 2019 with 61% of the vote.", "61%"),
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

    def test_words_that_are_hardly_likely_are_left_out(
        self, vectors: WordVectors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        quote = "Ann or Bo or Cy won."
        assert found(vectors, "Who won?", quote) in ("Ann", "Bo", "Cy")
        monkeypatch.setattr(module, "LEAST", 0.999)
        assert found(vectors, "Who won?", quote) == ""

    def test_what_somebody_said_takes_a_sentence(self, vectors: WordVectors) -> None:
        assert found(vectors, "What did Ana Ruiz say about the bridge?", "Ana Ruiz said the bridge was late.") == ""

    @pytest.mark.parametrize("quote", ["<b>“</b> [1] \x00 $ €", "é" * 300, "(CNN)", "A" * 2000, "1" * 400, "“”\n\n—"])
    def test_odd_quotes_give_a_span_or_nothing(self, quote: str, vectors: WordVectors) -> None:
        assert found(vectors, "Which city built the bridge?", quote) in quote
