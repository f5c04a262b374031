"""The place of an answer's sentence in the articles, and its speaker."""

from __future__ import annotations

import pytest
from readers import ScriptedReader
from scored import records

from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Hit, Span
from citewire.qa.attribution import SpeakerQuery, located, positions, quotes, wanted, who_said
from citewire.qa.claims import Place
from citewire.qa.evidence import ANSWERS, Evidence, gather
from citewire.qa.followup import resolve
from citewire.qa.reader import load_reader
from citewire.qa.types import Turn

ARTICLES = {
    "brask.txt": """Brask Closes Its Mill In Halden

Brask closed its paper mill in Halden on Monday after two years of losses.
“The price of wood has doubled since 2020,” said Lena Holm, the chief executive of Brask.
“We could not pay it any longer.”
About 240 people lose their work, the union said.
""",
    "ferry.txt": """Norsund Lines Buys The Vire Ferry

Norsund Lines bought the Vire ferry for 12 million euros in May.
The mayor of Vire, Paul Okafor, said the ferry would run all night from September.
He added that the fares would not rise.
The ferry carries 180 people and 40 cars.
A storm is expected on Friday.
""",
    "dam.txt": """Report Warns Of Cracks In The Skarvik Dam

The dam above Skarvik has cracks and must be repaired this year, according to a report by Amira Sole.
“Nobody has looked at these walls for a decade,” the engineer wrote.
“They will not stand another flood.”
The repair would cost 30 million euros.
""",
}

WOOD = "“The price of wood has doubled since 2020,” said Lena Holm, the chief executive of Brask."


def hits(index: Index, embedder: Embedder, sentence: str) -> list[Hit]:
    return search(index, embedder, sentence, SearchOptions(k=8))


def place(index: Index, article: str, text: str) -> Place:
    """The place of a sentence that an article contains word for word."""
    start = index.article(article).text.index(text)
    return Place(article, Span(start, start + len(text)), text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sentence", "article", "quote"),
    [
        ("About 240 people lose their work, the union said.", "brask.txt", "About 240 people lose"),  # word for word
        ("The paper mill in Halden was closed by Brask.", "brask.txt", "Brask closed its paper mill"),
        ("Norsund Lines paid 12 million euros for the Vire ferry.", "ferry.txt", "Norsund Lines bought"),
        ("The Vire ferry will run all night.", "ferry.txt", "The mayor of Vire, Paul Okafor"),
        ("The Skarvik dam needs repair.", "dam.txt", "The dam above Skarvik has cracks"),
    ],
)
def test_the_sentence_that_an_answer_is_from(
    index: Index, embedder: Embedder, sentence: str, article: str, quote: str
) -> None:
    found = located(sentence, hits(index, embedder, sentence), index.article, load_reader(1))
    assert found is not None
    assert found.article == article
    assert found.text.startswith(quote)
    assert index.article(article).text[found.span.start : found.span.end] == found.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "sentence",
    ["Norsund Lines sold the Vire ferry in 2019.", "Tandem makes kettles in Lund.", "Brask opened a new mill in Vire."],
)
def test_what_no_article_says_is_not_located(index: Index, embedder: Embedder, sentence: str) -> None:
    assert located(sentence, hits(index, embedder, sentence), index.article, load_reader(1)) is None


def test_nothing_found_is_nowhere(index: Index) -> None:
    assert located("Brask closed its mill.", [], index.article, ScriptedReader()) is None


RIGHT = 0.85  # least share of sentences with the right speaker, or rightly none


def test_the_words_and_the_sentence_that_name_the_speaker() -> None:
    wrong = []
    cases = records("speakers.jsonl")
    for case in cases:
        start = case["text"].index(case["said"])
        said = Place("a.txt", Span(start, start + len(case["said"])), case["said"])
        found = who_said(said, {"a.txt": Article("a.txt", case["text"], "0")}.__getitem__, load_reader(1))
        if (case["speaker"] or "") not in (found.words if found else "") or bool(found) != bool(case["speaker"]):
            wrong.append(case["said"])
        assert not found or found.words in found.place.text
    assert len(wrong) <= (1 - RIGHT) * len(cases), wrong


FERRY = Turn("Who owns the Vire ferry?", "Norsund Lines bought the Vire ferry for 12 million euros in May [1].")


@pytest.mark.parametrize(
    ("line", "standalone", "answer"),
    [
        ("and when did they buy it?", "When did Norsund Lines buy it?", "May"),
        ("Who bought the ferry?", "Who bought the ferry (the Vire ferry, Norsund Lines)?", "Norsund Lines"),
    ],
)
def test_the_reader_finds_an_answer_to_the_question_meant(
    index: Index, embedder: Embedder, line: str, standalone: str, answer: str
) -> None:
    """The first candidate that the articles answer is taken, as by the answerer."""
    meant = resolve(line, [FERRY], "elliptic").candidates
    read = ((q, gather(q, hits(index, embedder, q), index.article, load_reader(1))) for q in meant)
    found = next(((q, best[0]) for q, best in read if best and best[0].probability >= ANSWERS), None)
    assert found is not None
    assert found[0] == standalone
    assert answer in found[1].words


def test_from_an_answer_to_its_article_and_its_speaker(index: Index, embedder: Embedder) -> None:
    turn = Turn("Will the ferry run at night?", "The Vire ferry will run all night from September [1].")
    (said,) = resolve("who said that?", [turn], "who_said").said
    found = located(said, hits(index, embedder, said), index.article, load_reader(1))
    assert found is not None
    speaker = who_said(found, index.article, load_reader(1))
    assert speaker is not None
    assert (speaker.words, speaker.place) == ("Paul Okafor", found)


def words_on(question: str, index: Index, embedder: Embedder) -> list[tuple[str, str]]:
    """The speaker and the sentence of each quote that answers the question."""
    asked = wanted(question, load_reader(1))
    evidence = gather(asked.asked, hits(index, embedder, asked.asked), index.article, load_reader(1))
    found = quotes(asked, evidence, index.article, load_reader(1))
    assert all(index.article(one.article).text[one.span.start : one.span.end] == one.text for one, _ in found)
    return [(speaker.words, one.text) for one, speaker in found]


ASKED = 0.85  # least share of questions with the right speaker and topic


def test_whose_words_are_asked_for_and_on_what() -> None:
    cases = records("asked_words.jsonl")
    wrong = []
    for case in cases:
        got = wanted(case["question"], load_reader(1))
        if (got.person, got.topic) != (case["person"], case["topic"]):
            wrong.append((case, got.person, got.topic))
    assert len(wrong) <= (1 - ASKED) * len(cases), wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "speaker", "quote"),
    [
        ("What did Lena Holm say about the price of wood?", "Lena Holm", WOOD),
        ("Give me a quote from Lena Holm", "Lena Holm", WOOD),
        ("What did Paul Okafor say about the ferry?", "Paul Okafor", "The mayor of Vire, Paul Okafor, said the ferry"),
        ("Quote what the mayor said", "Paul Okafor", "The mayor of Vire, Paul Okafor, said the ferry would run"),
        ("Any quotes on the price of wood?", "Lena Holm", WOOD),
    ],
)
def test_the_words_of_someone_on_something(
    index: Index, embedder: Embedder, question: str, speaker: str, quote: str
) -> None:
    found = words_on(question, index, embedder)
    assert found[0][0] == speaker
    assert found[0][1].startswith(quote)


def test_a_sentence_that_is_all_quotation_has_the_speaker_of_the_one_before(index: Index, embedder: Embedder) -> None:
    assert ("Lena Holm", "“We could not pay it any longer.”") in words_on("Quote Lena Holm", index, embedder)


def test_who_is_not_quoted_has_no_words(index: Index, embedder: Embedder) -> None:
    assert words_on("What did Emil Faber say about the price of wood?", index, embedder) == []
    assert words_on("What did Lena Holm say about the dam above Skarvik?", index, embedder) == []
    assert words_on("quote", index, embedder) == []


@pytest.mark.parametrize(
    ("topic", "probability", "told"),
    [
        ("the mill", 0.2, True),
        ("the mill", 0.05, False),  # too unlikely to answer
        ("the mill strike", 0.2, False),  # another topic
        ("", 0.2, False),
    ],
)
def test_a_sentence_on_speaker_and_topic_tells_a_position(topic: str, probability: float, told: bool) -> None:
    text = "Orvik rates the paper mill as a risk."
    span = Span(0, len(text))
    asked = SpeakerQuery("Orvik", topic, frozenset(("orvik",)), frozenset())

    found = positions(asked, [Evidence("a.txt", span, text, 1.0, probability, span, 1.0)])

    assert found == ([Place("a.txt", span, text)] if told else [])
