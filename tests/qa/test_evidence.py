"""From hits to sentences in context, the likeliest first; clear cases with the real reader."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from readers import LIKELY, UNLIKELY, ScriptedReader

from citewire.index.dates import mentions
from citewire.index.passages import passages
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Hit, Passage, Span
from citewire.qa import evidence
from citewire.qa.evidence import (
    ANSWERS,
    REASON,
    Evidence,
    beside,
    gather,
    is_heading,
    sentence_before,
    window,
)
from citewire.qa.reader import Reader, Window, load_reader

ARTICLES = {
    "ferry.txt": """Lund Lines Opens Night Route To Skarvik

The ferry company Lund Lines opened a night route between Norland and Skarvik on 3 May 2021.
It runs 14 ferries and carried 2.3 million passengers last year, the company said.
“Night sailings let lorries skip the coast road,” said Ana Ruiz, chair of Lund Lines.
""",
    "bridge.txt": """Old Bridge Reopens After Repairs

The stone bridge over the Vann reopened in September 2019 after two years of repairs.
The repairs cost 40 million euros, twice the first estimate.
Mayor Greta Solheim said the bridge would halve the traffic in the old town.
""",
}
FERRIES = "How many ferries does Lund Lines run?"


def find(index: Index, embedder: Embedder, question: str, reader: Reader) -> list[Evidence]:
    return gather(question, search(index, embedder, question, 8), index.article, reader)


def test_the_likeliest_first_with_exact_words(index: Index, embedder: Embedder) -> None:
    found = find(index, embedder, FERRIES, ScriptedReader({FERRIES: ("14 ferries", "40 million")}))
    first, second, *rest = found
    assert (first.article, first.words, first.probability, first.sure) == ("ferry.txt", "14 ferries", LIKELY, 0.9)
    assert (second.article, second.words) == ("bridge.txt", "40 million")
    assert {one.probability for one in rest} == {UNLIKELY}
    for one in found:
        text = index.article(one.article).text
        assert text[one.span.start : one.span.end] == one.text
        assert text[one.answer.start : one.answer.end] == one.words
    lines = {line for text in ARTICLES.values() for line in text.split("\n")[1:] if line}
    assert {one.text for one in found} >= lines


def test_ties_keep_the_order_of_the_hits(index: Index, embedder: Embedder) -> None:
    found = find(index, embedder, FERRIES, ScriptedReader({FERRIES: ()}))
    hits = search(index, embedder, FERRIES, 8)
    places = [(hit.passage.article, span) for hit in hits for span in hit.passage.sentences]
    told = [(path, span) for path, span in places if not is_heading(index.article(path).text, span)]
    assert [(one.article, one.span) for one in found] == list(dict.fromkeys(told))


def test_in_the_place_of_a_heading_comes_the_sentence_that_tells_it_in_full(index: Index, embedder: Embedder) -> None:
    reader = ScriptedReader({FERRIES: ("Route To Skarvik", "Skarvik")})  # the heading has the higher probability

    found = find(index, embedder, FERRIES, reader)

    assert (found[0].words, found[0].probability) == ("Skarvik", LIKELY)
    assert found[0].text.startswith("The ferry company Lund Lines opened a night route")
    assert not any(is_heading(index.article(one.article).text, one.span) for one in found)


@pytest.mark.parametrize(
    ("text", "line", "heading"),
    [
        ("Lund Lines Grows\nIt runs 14 ferries.", "Lund Lines Grows", True),
        ("It grew.\n\nMore To Come\n\nIt plans two ships.", "More To Come", True),
        ("It grew.\nMore “to come”\n“Two ships,” it said: “or three.”", "More “to come”", True),
        ("It grew. More To Come\nIt plans two ships.", "More To Come", False),  # not a line of its own
        ("Sails daily:\nVire\nLund\nHolm", "Lund", False),  # an item of a list
        ("It grew.\nMore:Mill Closes For Good\nMore:Ferry Fares Rise", "More:Mill Closes For Good", True),
        ("It grew.\nSails:Vire and Lund\nRuns:daily", "Sails:Vire and Lund", False),
        ("It grew.\nNo end mark", "No end mark", False),  # the last line
        ("It grew.\nFares rise.\nIt plans two ships.", "Fares rise.", False),
        (f"{'very ' * 20}long line\nIt sails.", f"{'very ' * 20}long line", False),
    ],
)
def test_headings_are_known_by_their_line(text: str, line: str, heading: bool) -> None:
    start = text.index(line)
    assert is_heading(text, Span(start, start + len(line))) is heading


def test_a_sentence_is_read_in_its_context() -> None:
    article = Article("a.txt", "It opened. It runs 14 ferries.\n\nFares rose.", "0", title="Lund Lines Grows")
    whole = [Span(0, 10), Span(11, 30), Span(32, 43)]
    windows = [window(article, span) for span in whole]
    assert [one.sentence for one in windows] == ["It opened.", "It runs 14 ferries.", "Fares rose."]
    assert [one.before.endswith(before) for one, before in zip(windows, ["", "It opened.", "14 ferries."], strict=True)]
    assert all("Lund Lines Grows" in one.before for one in windows)
    assert [one.after for one in windows] == ["It runs 14 ferries.", "Fares rose.", ""]
    assert [sentence_before(article, span) for span in whole] == ["", "It opened.", "It runs 14 ferries."]
    assert window(Article("b.txt", "It opened.", "0"), Span(0, 10)).after == ""


def test_at_most_48_sentences_are_read_those_of_the_best_passages() -> None:
    text = " ".join(f"Ferry {n} sails." for n in range(100))
    article = Article("a.txt", text, "0")
    places = [Span(at := text.index(f"Ferry {n} sails"), text.index(".", at) + 1) for n in range(100)]
    hits: list[Hit] = []
    for n in (2, 0, 2, 1):  # one passage comes twice
        spans = tuple(places[n * 30 : n * 30 + 30])
        start, end = spans[0].start, spans[-1].end
        passage = Passage("a.txt", start, end, text[start:end], spans)
        hits.append(Hit(passage, 1 - len(hits) / 10, 0.5, 0.0))
    given: list[Window] = []

    class Counting(ScriptedReader):
        def read(self, question: str, windows: Sequence[Window]):  # type: ignore[no-untyped-def]
            given.extend(windows)
            return super().read(question, windows)

    found = gather(FERRIES, hits, {"a.txt": article}.__getitem__, Counting({FERRIES: ()}))
    assert len(given) == len(found) == evidence._MOST
    assert [one.span for one in found] == [*places[60:90], *places[:18]]
    assert (found[0].score, found[-1].score) == (1.0, 0.9)


def test_the_time_that_is_asked_about_is_read_where_a_sentence_states_one() -> None:
    text = "Lund Lines ran 14 ferries in 2019. It had 12 before.\nOn 3 May it bought two.\nOn Monday it sold one.\n"
    article = Article("a.txt", text, "0", published="2020-05-06", dates=tuple(mentions(text, "2020-05-06")))
    given: list[tuple[str, str]] = []

    class Noting(ScriptedReader):
        def read(self, question: str, windows: Sequence[Window]):  # type: ignore[no-untyped-def]
            given.extend((question, one.sentence) for one in windows)
            return super().read(question, windows)

    asked, timeless = "How many ferries did Lund Lines run in 2019?", "How many ferries did Lund Lines run?"
    hits = [Hit(passage, 1.0, 0.5, 0.0) for passage in passages(article)]
    found = gather(asked, hits, {"a.txt": article}.__getitem__, Noting({asked: (), timeless: ()}), timeless)
    assert given == [
        (asked, "Lund Lines ran 14 ferries in 2019."),
        (asked, "On 3 May it bought two."),
        (timeless, "It had 12 before."),
        (timeless, "On Monday it sold one."),
    ]
    assert sorted(one.text for one in found) == sorted(sentence for _, sentence in given)


def test_nothing_found_is_no_evidence(index: Index) -> None:
    assert gather(FERRIES, [], index.article, ScriptedReader()) == []


class TestReal:
    """Clear cases with the real weights."""

    @pytest.mark.parametrize(
        ("question", "sentence", "words"),
        [
            ("How many passengers did Lund Lines carry last year?", "It runs 14 ferries", "2.3 million"),
            ("Who is the chair of Lund Lines?", "“Night sailings", "Ana Ruiz"),
            ("When did the stone bridge over the Vann reopen?", "The stone bridge", "September 2019"),
            ("How much did the repairs of the bridge cost?", "The repairs cost", "40 million"),
        ],
    )
    def test_the_sentence_that_answers_is_first(
        self, index: Index, embedder: Embedder, question: str, sentence: str, words: str
    ) -> None:
        first = find(index, embedder, question, load_reader(2))[0]
        assert first.text.startswith(sentence)
        assert words in first.words
        assert first.probability >= ANSWERS

    @pytest.mark.parametrize(
        "question", ["What is the best recipe for pancakes?", "How many goals did the striker score on Sunday?"]
    )
    def test_none_answers_what_is_about_something_else(self, index: Index, embedder: Embedder, question: str) -> None:
        assert all(one.probability < ANSWERS for one in find(index, embedder, question, load_reader(2)))


def test_a_headline_that_asks_the_same_answers_nothing() -> None:
    text = "How many ferries does Lund Lines run?\nLund Lines runs 14 ferries. “Why so many?”\n"
    article = Article("a.txt", text, "0")
    hits = [Hit(passage, 1.0, 0.5, 0.0) for passage in passages(article)]
    found = gather("How many ferries does Lund Lines run?", hits, {"a.txt": article}.__getitem__, ScriptedReader())
    assert [one.text for one in found] == ["Lund Lines runs 14 ferries."]


def test_the_likeliest_neighbour_of_a_sentence() -> None:
    text = "It rained. The mill closed. Wood is dear. Nobody buys paper. The mayor is sad."
    places = [(0, 10), (11, 27), (28, 41), (42, 60), (61, 78)]

    def found(*probabilities: float) -> Evidence | None:
        read = [
            Evidence("a.txt", Span(*place), text[slice(*place)], 1.0, probability, Span(*place), 1.0)
            for place, probability in zip(places, probabilities, strict=True)
        ]
        return beside(read[1], read, {"a.txt": Article("a.txt", text, "0")}.__getitem__)

    one = found(REASON + 0.01, 0.9, 0.5, 0.6, 0.8)
    assert one is not None
    assert one.text == "Nobody buys paper."
    assert found(REASON - 0.01, 0.9, 0.1, 0.1, 0.8) is None


def test_sentences_that_answer_with_the_same_words_come_first_unless_these_are_the_questions() -> None:
    text = "The old mill closed.\nThe mill has stood on the Lund for long.\nThe Lund turned it.\nThe Lund froze.\n"
    article = Article("a.txt", text, "0")
    hits = [Hit(passage, 1.0, 0.5, 0.0) for passage in passages(article)]

    def first(question: str) -> str:
        reader = ScriptedReader({question: ("old mill", "Lund")})
        return gather(question, hits, {"a.txt": article}.__getitem__, reader)[0].text

    assert first("Which river turned it?") == "The mill has stood on the Lund for long."
    assert first("What stood at the Lund?") == "The old mill closed."
