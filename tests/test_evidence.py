"""Which sentence answers a question, and that none does where none can; with the real embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from conftest import indexed

from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Span
from citewire.qa.answerable import AGAINST, FREE, Model, Weights, fitted
from citewire.qa.antecedents import antecedents
from citewire.qa.evidence import Evidence, gather, weigh
from citewire.qa.judge import Judge
from citewire.qa.question import parse
from citewire.qa.vectors import WordVectors

ARTICLES = {
    "ferry.txt": """Lund Lines Opens Night Route To Skarvik

The ferry company Lund Lines opened a night route between Norland and Skarvik on 3 May 2021.
It runs 14 ferries and carried 2.3 million passengers last year, the company said.
“Night sailings let lorries skip the coast road,” said Ana Ruiz, chair of Lund Lines.
About 18% of all sailings were cancelled in the winter because ice blocked the harbour.
The ships were built by the Korvald yard in Oster, which also repairs them.
""",
    "brewer.txt": """Kestrel's Profit Slides As Barley Prices Soar

Profit at the brewer Kestrel fell 12% to £3.1 million in 2023, while its sales rose to £48 million.
Profit fell because Kestrel paid far more for barley and glass, said Tom Hale, its finance chief.
The brewer employs 420 people at two sites and sells beer in nine countries.
In 2022 the profit of Kestrel was £3.5 million.
""",
    "bridge.txt": """Old Bridge Reopens After Repairs

The stone bridge over the Vann reopened in September 2019 after two years of repairs.
The repairs cost 40 million euros, twice the first estimate.
Regulators criticised the city for hiring an inspector that had never examined a bridge.
Mayor Greta Solheim said the bridge would halve the traffic in the old town.
""",
}


@pytest.fixture(scope="module")
def index(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with indexed(ARTICLES, tmp_path_factory.mktemp("invented"), embedder) as opened:
        yield opened


Find = Callable[..., list[Evidence]]


@pytest.fixture(scope="module")
def find(index: Index, embedder: Embedder) -> Find:
    vectors = WordVectors(embedder)

    def find(text: str, context: str = "") -> list[Evidence]:
        question = parse(text, context)
        hits = search(index, embedder, f"{context} {text}", 8)
        return gather(question, hits, index.article, embedder, Judge(question, vectors))

    return find


ANSWERABLE = [
    ("How many ferries does Lund Lines run?", "14 ferries"),
    ("How many passengers did the company carry?", "2.3 million"),
    ("When did Lund Lines open the night route?", "3 May 2021"),
    ("What share of sailings was cancelled?", "18%"),
    ("Who is the chair of Lund Lines?", "Ana Ruiz"),
    ("What did Ana Ruiz say about night sailings?", "lorries skip"),
    ("Why were sailings cancelled?", "because ice"),
    ("Which yard built the ships?", "Korvald"),
    ("How much did the repairs of the bridge cost?", "40 million euros"),
    ("When did the bridge reopen?", "September 2019"),
    ("How many people does Kestrel employ?", "420 people"),
    ("What was the profit of Kestrel in 2022?", "£3.5 million"),
    ("What was the profit of Kestrel in 2023?", "£3.1 million"),
    ("Who is the finance chief of Kestrel?", "Tom Hale"),
    ("Why did Kestrel's profit fall?", "barley and glass"),
    ("Who is the mayor of the old town?", "Greta Solheim"),
]


@pytest.mark.parametrize(("question", "words"), ANSWERABLE)
def test_the_answering_sentence_comes_first(find: Find, question: str, words: str) -> None:
    first = find(question)[0]
    assert words in first.text
    assert first.missing == ()


UNANSWERABLE = [
    ("Who is the chief executive of Lund Lines?", "executive"),
    ("Who is the harbour master of Skarvik?", "master"),
    ("How many lighthouses does Lund Lines run?", "a number of lighthouses"),
    ("How many dogs does Kestrel employ?", "a number of dogs"),
    ("What was the profit of Kestrel in 2017?", "2017"),
    ("When did Lund Lines open the night route in 2019?", "2019"),
    ("Which inspector did the city hire?", "the name of the inspector"),
    ("How many ferries does Acme Shipping run?", "Acme Shipping"),
    ("When did Tom Hale marry?", "marry"),
    ("What share of lorries is electric?", "a percentage"),
    ("What did Greta Solheim say about taxes?", "taxes"),
]


@pytest.mark.parametrize(("question", "absent"), UNANSWERABLE)
def test_what_no_sentence_gives_is_named(find: Find, question: str, absent: str) -> None:
    found = find(question)
    assert found
    assert [e.text for e in found if not e.missing] == []
    assert any(absent in e.missing for e in found)


@pytest.mark.parametrize("question", ["What is the best recipe for pancakes?", "How tall is the moon tower of Zed?"])
def test_an_absent_subject(find: Find, question: str) -> None:
    assert all(e.missing for e in find(question))


def test_sentences_are_exact_and_headings_are_none(find: Find, index: Index) -> None:
    headings = {text.split("\n")[0] for text in ARTICLES.values()}
    seen = set()
    for question, _ in ANSWERABLE:
        for e in find(question):
            assert index.article(e.article).text[e.span.start : e.span.end] == e.text
            seen.add(e.text)
    assert not seen & headings
    assert len(seen) == sum(len(text.strip().split("\n")) - 2 for text in ARTICLES.values())


def test_those_that_can_answer_come_first_each_group_by_probability(find: Find) -> None:
    found = find("How many ferries does Lund Lines run?")
    able = [e.probability for e in found if not e.missing]
    rest = [e.probability for e in found if e.missing]
    assert able
    assert [bool(e.missing) for e in found] == [False] * len(able) + [True] * len(rest)
    assert rest == sorted(rest, reverse=True)
    assert all(0 <= probability <= able[0] for probability in rest)
    assert all(-0.5 <= e.score <= 1 for e in found)


def test_a_reason_is_preferred_to_a_nearer_sentence_without_one(find: Find) -> None:
    assert "because" in find("Why were sailings cancelled in the winter?")[0].text


def test_a_follow_up_is_ranked_with_its_context(find: Find) -> None:
    found = find("And in 2022?", "What was the profit of Kestrel in 2023?")
    assert "£3.5 million" in found[0].text


def test_nothing_found_is_no_evidence(index: Index, embedder: Embedder) -> None:
    question = parse("Who is it?")
    assert gather(question, [], index.article, embedder, Judge(question, WordVectors(embedder))) == []


@pytest.mark.parametrize(
    ("question", "claim", "answers"),
    [
        ("How much did the bridge cost?", "The bridge cost 40 million euros.", True),
        ("How much did the bridge cost?", "The bridge cost much.", False),
        ("How many ferries sail?", "14 ferries sail.", True),
        ("How many ferries sail?", "14 prizes sail.", False),
        ("Who is the chair of Lund Lines?", "Ana Ruiz is the chair of Lund Lines.", True),
        ("Who is the chair of Lund Lines?", "Lund Lines has a chair.", False),
        ("When did it open?", "It opened on 3 May 2021.", True),
        ("When did it open?", "It opened soon.", False),
        ("What share was cancelled?", "18% was cancelled.", True),
        ("What share was cancelled?", "18 were cancelled.", False),
        ("Why did profit fall?", "Profit did fall.", False),
        ("Why did profit fall?", "Profit fell because of barley.", True),
    ],
)
def test_whether_a_claim_answers(embedder: Embedder, question: str, claim: str, answers: bool) -> None:
    assert Judge(parse(question), WordVectors(embedder)).answers(claim) is answers


def test_alike_words(embedder: Embedder) -> None:
    vectors = WordVectors(embedder)
    vectors.add(["ship", "ships", "boat", "barley", ""])
    assert vectors.alike("ship", "ships")
    assert vectors.alike("ship", "boat", least=0.4)
    assert not vectors.alike("ship", "boat", least=0.99)
    assert not vectors.alike("ship", "barley")
    assert not vectors.alike("ship", "never added")


def test_word_vectors_stay_bounded(embedder: Embedder) -> None:
    vectors = WordVectors(embedder, limit=1)
    vectors.add(["ship", "ships"])
    vectors.add(["barley", "malt"])
    assert len(vectors._vectors) < 4  # cleared on the way
    assert vectors.alike("ship", "ships")  # and embedded again when asked for
    assert vectors.alike("barley", "barley")


def test_missing_reads_the_sentences_before(index: Index, embedder: Embedder) -> None:
    """Whose the ferries of "It runs 14 ferries" are stands only in the line before."""
    article = index.article("ferry.txt")
    start = article.text.index("It runs")
    span = Span(start, article.text.index("\n", start))
    judge = Judge(parse("How many ferries does Lund Lines run?"), WordVectors(embedder))
    judge.read([article.text[span.start : span.end]])
    assert judge.missing(span, article) == ()
    other = Judge(parse("How many ferries does Kestrel run?"), WordVectors(embedder))
    other.read([article.text[span.start : span.end]])
    assert other.missing(span, article) == ("Kestrel",)


def test_the_probability_tells_an_answerable_question(index: Index, embedder: Embedder) -> None:
    vectors = WordVectors(embedder)

    def probability(text: str, least: float = 0.5) -> tuple[float, bool]:
        question = parse(text)
        hits = search(index, embedder, text, 8)
        weighed = weigh(question, hits, index.article, embedder, Judge(question, vectors), least)
        return weighed.probability, any(not e.missing for e in weighed.evidence)

    likely, able = probability("How many ferries does Lund Lines run?")
    unlikely, unable = probability("How many lighthouses does Lund Lines run?")
    assert (able, unable) == (True, False)
    assert unlikely < 0.5 < likely
    assert probability("How many ferries does Lund Lines run?", least=0.999) == (likely, False)


def test_no_lack_makes_an_answer_more_probable() -> None:
    model = fitted()
    for weights in (model.sentence.weights, model.question.weights):
        for name, weight in weights.items():
            assert name in FREE or (weight <= 0 if name in AGAINST else weight >= 0), name


def test_the_log_odds_are_the_weighted_sum() -> None:
    assert Weights(0.5, {"a": 2.0, "b": -1.0}).log_odds({"a": 3.0, "b": 1.0, "c": 9.0}) == 5.5
    assert Model(Weights(0, {}), Weights(0, {})).answerable([]) == 0.0


STORY = """Acme Rockets hired Ada Lane as its chair in May.
She joined from Borealis. The company also built a site in Oslo.
It will open next year. The AI unit stays in Bergen.
"I like Oslo," she said. He resigned from the Singapore-based firm.
"""


@pytest.mark.parametrize(
    ("opening", "names"),
    [
        ("Acme Rockets hired", []),
        ("She joined", ["Ada Lane"]),
        ("The company also", ["Acme Rockets", "Borealis"]),
        ("It will open", ["Oslo"]),
        ("The AI unit", []),
    ],
)
def test_who_a_sentence_speaks_of(opening: str, names: list[str]) -> None:
    article = Article("a.txt", STORY, "")
    start = STORY.index(opening)
    found = antecedents(article, Span(start, STORY.index(".", start) + 1))
    assert len(found) == bool(names)
    assert all(STORY[span.start : span.end] in names for span in found)


def test_nobody_is_named_where_no_name_stands_before() -> None:
    article = Article("a.txt", "They won again. Acme lost.", "")
    assert antecedents(article, Span(0, 15)) == ()


def test_evidence_has_its_context(find: Find, index: Index) -> None:
    found = find("How many ferries does Lund Lines run?")[0]
    text = index.article(found.article).text
    assert [text[s.start : s.end] for s in found.context] == ["Lund Lines"]
    dates = index.article("ferry.txt").dates_in(find("When did Lund Lines open the night route?")[0].span)
    assert [(d.first, d.last) for d in dates] == [("2021-05-03", "2021-05-03")]
