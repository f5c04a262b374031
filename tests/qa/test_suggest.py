"""Suggested questions: which are kept, with a scripted model and, once, with the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from generators import ScriptedGenerator
from readers import ScriptedReader

from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters
from citewire.qa import replies, suggest
from citewire.qa.answer import Answerer
from citewire.qa.evaluate import made
from citewire.qa.evaluate.runs import Evaluator, Row, Source
from citewire.qa.reader import load_reader
from citewire.qa.suggest import TRIED, Suggester, clean, messages
from citewire.qa.types import REFUSAL, Answer, Claim, Generator, Quote, Turn
from citewire.qa.verdicts import Checker

FERRY = "The ferry company Lund Lines opened a night route between Norland and Skarvik on 3 May 2021."
FLEET = "Lund Lines runs 14 ferries on the route and carried 2.3 million passengers last year."
CHAIR = "“Night sailings let lorries skip the coast road 🚚,” said Ana Ruiz, chair of Lund Lines."
BREWER = "Profit at the brewer Kestrel fell 12% to £3.1 million in 2023, while its sales rose to £48 million."
ARTICLES = {"ferry.txt": f"{FERRY}\n{FLEET}\n{CHAIR}\n", "brewer.txt": f"{BREWER}\nIt said so.\n"}
REFUSED_QUESTION = "What does a ticket of Lund Lines cost?"
REFUSED = Answer(REFUSED_QUESTION, REFUSED_QUESTION, "abstained", REFUSAL)
OPENED_QUESTION = "When did the night route of Lund Lines open?"
FLEET_QUESTION = "How many ferries does Lund Lines run on the route?"
CHAIR_QUESTION = "Who is the chair of Lund Lines?"
FERRY_QUESTION = "When did Lund Lines open a night route between Norland and Skarvik?"
BREWER_QUESTION = "How much did the profit of Kestrel fall in 2023?"
READER = ScriptedReader(
    {
        FLEET_QUESTION: "14 ferries",
        CHAIR_QUESTION: "Ana Ruiz",
        FERRY_QUESTION: "3 May 2021",
        BREWER_QUESTION: "12%",
        "How many ferries does Lund Lines own in Norland?": "14 ferries",
        "What colour does the brewer Kestrel paint its vans?": (),
    }
)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not time out the suggestions."""
    monkeypatch.setattr(suggest, "PATIENCE_S", 120.0)


@pytest.fixture
def make(index: Index, embedder: Embedder) -> Callable[[Generator], Suggester]:
    return lambda generator: Suggester(Answerer(index, embedder, generator, READER), index, embedder, generator)


Make = Callable[[Generator], Suggester]


@pytest.mark.parametrize(
    "text", ["Lund Lines (LUND", "Lund Lines (LUND)", "Lund Lines’s", "Lund Lines's", "Lund Lines"]
)
def test_a_name_is_offered_without_what_its_sentence_adds(text: str) -> None:
    assert suggest.bare_name(text) == "Lund Lines"


def test_questions_of_the_nearest_sentences_that_find_them_again(make: Make, index: Index) -> None:
    model = ScriptedGenerator(
        {
            FLEET: f" {FLEET_QUESTION} And more?",
            CHAIR: f'"{CHAIR_QUESTION}"\n',
            FERRY: f"Question: {FERRY_QUESTION}",
            BREWER: BREWER_QUESTION,
        }
    )
    suggester = make(model)
    found = list(suggester.suggest(REFUSED))
    assert set(found[:4]) == {FLEET_QUESTION, CHAIR_QUESTION, FERRY_QUESTION, BREWER_QUESTION}
    assert found[3:] == [BREWER_QUESTION, replies.OVERVIEW]  # its sentence is the least similar
    assert model.asked[-1] == BREWER
    assert len(model.asked) == 4 <= TRIED  # "It said so." is not asked about


def test_what_is_dropped(make: Make) -> None:
    model = ScriptedGenerator(
        {
            FLEET: REFUSED_QUESTION,  # the refused question itself
            CHAIR: "Who leads the Skarvik Bank?",  # names something that the sentence does not
            FERRY: "How many ferries does Lund Lines own in Norland?",  # finds another sentence first
            BREWER: "What colour does the brewer Kestrel paint its vans?",
        }
    )
    assert list(make(model).suggest(REFUSED)) == [replies.OVERVIEW]
    assert len(model.asked) == 4


def test_one_question_once(make: Make) -> None:
    model = ScriptedGenerator({FLEET: FLEET_QUESTION, FERRY: "how many ferries does Lund Lines run on THE route?"})
    assert list(make(model).suggest(REFUSED)) == [FLEET_QUESTION, replies.OVERVIEW]


def test_only_of_the_articles_that_are_searched(make: Make) -> None:
    model = ScriptedGenerator({BREWER: BREWER_QUESTION})
    only = SearchOptions(k=8, filters=Filters(articles=("brewer.txt",)))
    assert list(make(model).suggest(REFUSED, search=only)) == [BREWER_QUESTION, replies.OVERVIEW]
    assert model.asked == [BREWER]


def test_it_ends_when_told_to(make: Make) -> None:
    model = ScriptedGenerator(dict.fromkeys((FLEET, CHAIR, FERRY, BREWER), FLEET_QUESTION))
    assert list(make(model).suggest(REFUSED, stopped=lambda: True)) == []
    assert model.asked == []
    assert list(make(model).suggest(REFUSED, stopped=lambda: model.written >= 5)) == []
    assert (len(model.asked), model.written) == (1, 5)


def test_a_model_that_fails_suggests_nothing(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    assert list(make(ScriptedGenerator("Who is", fails_after=2)).suggest(REFUSED)) == [replies.OVERVIEW]
    assert "no suggestions" in caplog.text


def answered(sentence: str, path: str, question: str = OPENED_QUESTION, kind: str = "fact") -> Answer:
    start = ARTICLES[path].index(sentence)
    quote = Quote(1, path, start, start + len(sentence), sentence)
    return Answer(
        question,
        question,
        "answered",
        f"{sentence} [1]",
        (Claim(sentence, "supported", 0.9, "", True, (quote,)),),
        kind=kind,
    )


def test_after_an_answer_plain_ones_and_those_of_the_sentences_beside(make: Make) -> None:
    model = ScriptedGenerator({FLEET: FLEET_QUESTION, CHAIR: CHAIR_QUESTION, BREWER: BREWER_QUESTION})
    found = list(make(model).suggest(answered(FERRY, "ferry.txt")))
    assert found[0] == replies.MORE  # only one sentence has "Norland"
    assert set(found[1:]) == {FLEET_QUESTION, CHAIR_QUESTION}
    assert set(model.asked) == {FLEET, CHAIR}  # neither quoted nor of another article


def test_who_said_it_is_offered_where_somebody_did(make: Make) -> None:
    found = list(make(ScriptedGenerator({})).suggest(answered(CHAIR, "ferry.txt")))
    assert found[0] == replies.WHO_SAID
    assert replies.WHO_SAID not in list(make(ScriptedGenerator({})).suggest(answered(FERRY, "ferry.txt")))
    again = answered(CHAIR, "ferry.txt", replies.WHO_SAID, "who_said")
    assert replies.WHO_SAID not in list(make(ScriptedGenerator({})).suggest(again))


def test_nothing_that_was_asked_or_offered_before(make: Make) -> None:
    model = ScriptedGenerator({FLEET: FLEET_QUESTION, CHAIR: CHAIR_QUESTION})
    before = [Turn(FLEET_QUESTION, "14."), Turn("tell me more!", "That is all.")]
    found = list(make(model).suggest(answered(FERRY, "ferry.txt"), before))
    assert found == [CHAIR_QUESTION]


def test_what_is_not_for_it_leads_to_plain_questions_without_the_model(make: Make) -> None:
    model = ScriptedGenerator(dict.fromkeys((FLEET, CHAIR, FERRY, BREWER), FLEET_QUESTION))
    poem = Answer("Write a poem.", "Write a poem.", "abstained", replies.NOT_FOR_IT["create"], kind="not_for_it")
    assert list(make(model).suggest(poem)) == [replies.OVERVIEW]
    assert model.asked == []


def test_the_model_has_its_time_and_no_longer(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "PATIENCE_S", 0.0)
    model = ScriptedGenerator(dict.fromkeys((FLEET, CHAIR, FERRY, BREWER), FLEET_QUESTION))
    assert list(make(model).suggest(REFUSED)) == [replies.OVERVIEW]
    assert model.written == 0


def test_the_prompt_ends_with_the_sentence() -> None:
    found = messages("A {b} of %s.")
    assert [message.role for message in found] == ["system", *["user", "assistant"] * 3, "user"]
    assert found[-1].content == "A {b} of %s."


@pytest.mark.parametrize(
    ("written", "question"),
    [
        (" Who chairs Lund Lines?", "Who chairs Lund Lines?"),
        ('"Who chairs Lund Lines?"', "Who chairs Lund Lines?"),
        ("**Question: Who chairs  Lund Lines?**", "Who chairs Lund Lines?"),
        ("Lund Lines opened a route.", ""),
        ("Kestrel hopes to sell more beer?", ""),
        ("Who chairs it?", ""),
        ("Who chairs Lund Lines? Who owns Kestrel?", ""),
        ("Who is the chair of Lund Lines and when did the ferry open in Skarvik?", ""),  # two questions
        ("When did he open the route to Skarvik?", ""),
        ("What did the market react with?", ""),  # names nothing
        ("Who is " + "very " * 25 + "big in Skarvik?", ""),
        ("", ""),
    ],
)
def test_what_counts_as_one_question_that_stands_alone(written: str, question: str) -> None:
    assert clean(written) == question


# -- questions made from the articles, for a small evaluation ----------------------------------------------


def evaluated(index: Index, embedder: Embedder, model: Generator, **options: Any) -> list[Row | None]:
    answerer = Answerer(index, embedder, model, READER)
    evaluator = Evaluator(Checker(READER), SearchOptions(k=8), Source(index, answerer))
    return list(made.rows(Suggester(answerer, index, embedder, model), evaluator, 1, **options))


def test_questions_made_from_the_articles_are_answered_and_marked(index: Index, embedder: Embedder) -> None:
    model = ScriptedGenerator({FLEET: FLEET_QUESTION, FERRY: FERRY_QUESTION, BREWER: "What colour is it?"})
    found = evaluated(index, embedder, model)
    rows = [row for row in found if row]
    assert found.count(None) == 4  # one entry for each standalone sentence that was tried
    assert {row["record"]["question"] for row in rows} == {FLEET_QUESTION, FERRY_QUESTION}
    assert {row["record"]["quote"] for row in rows} == {FLEET, FERRY}
    assert all(row["right"] and row["marks"]["sentence_quoted"] == [1.0, 1] for row in rows)
    assert [row["kind"] for row in rows] == ["made", "made"]
    assert len([row for row in evaluated(index, embedder, model, number=1) if row]) == 1
    assert not any(evaluated(index, embedder, model, stopped=lambda: True))


def test_a_sentence_of_each_article_is_tried_before_a_second_one(index: Index) -> None:
    first, second, *more = made.places(index, SearchOptions(), 3)
    assert {first[0], second[0]} == set(ARTICLES)
    assert {one[0] for one in more} == {"ferry.txt"}
    assert {text for _, _, text in (first, second, *more)} == {FERRY, FLEET, CHAIR, BREWER}
    only = SearchOptions(filters=Filters(articles=("brewer.txt",)))
    assert [text for _, _, text in made.places(index, only, 3)] == [BREWER]


def test_the_real_model_suggests_what_can_be_answered(index: Index, embedder: Embedder, generator: Generator) -> None:
    answerer = Answerer(index, embedder, generator, load_reader(2))
    first = next(Suggester(answerer, index, embedder, generator).suggest(REFUSED))
    assert first.endswith("?")
    assert first != REFUSED_QUESTION
    assert answerer.evidence(first)
    assert answerer.ask(first).status in ("answered", "partial")
