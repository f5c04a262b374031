"""What the strict rules find in a sentence, one rule at a time; with the real embedder."""

from __future__ import annotations

import pytest

from citewire.index.types import Article, DateMention, Embedder, Span
from citewire.qa.judge import Judge
from citewire.qa.question import parse
from citewire.qa.vectors import WordVectors


@pytest.fixture(scope="module")
def vectors(embedder: Embedder) -> WordVectors:
    return WordVectors(embedder)


def missing(vectors: WordVectors, question: str, sentence: str, title: str = "") -> tuple[str, ...]:
    judge = Judge(parse(question), vectors)
    judge.read([sentence])
    return judge.missing(Span(0, len(sentence)), Article("a.txt", sentence, title))


@pytest.mark.parametrize(
    ("question", "sentence", "lacks"),
    [
        # a sum of money is no count and no change in percent, unless a change is asked for
        ("What was Lund's profit in 2022?", "Lund's profit in 2022 was £4 million.", ()),
        ("What was Lund's profit in 2022?", "Lund's profit in 2022 was 4.5 million.", ()),
        ("What was Lund's profit in 2022?", "Lund's profit rose 8% in 2022.", ("a sum of money",)),
        ("How much did Lund pay for the ferries?", "Lund paid for 250 ferries.", ("a sum of money",)),
        ("How much did Lund pay for the ferries?", "Lund paid 250 kroner for the ferries.", ()),
        ("By how much did Lund's profit rise in 2022?", "Lund's profit rose 8% in 2022.", ()),
        # what a quantity is measured in stands for its name
        ("What voltage does the Skua pump need?", "The Skua pump needs 110V.", ()),
        ("What is the top speed of the Skua ferry?", "At its top the Skua ferry does 40 knots.", ()),
        ("What is the voltage of the Skua?", "The Skua has 40 seats.", ("voltage",)),
        # how long: since when
        ("How long has Lund looked for a buyer?", "Lund has looked for a buyer since March 2022.", ()),
        ("How long has Lund looked for a buyer?", "Lund has looked for a buyer.", ("a figure",)),
        # words on one side of opposites.txt
        ("How far did Lund fall?", "Lund plunged by 20%.", ()),
        # acronyms
        ("What did Lund spend on artificial intelligence?", "Lund spent $4 million on AI.", ()),
        ("What did Lund spend on AI?", "Lund spent $4 million on artificial intelligence.", ()),
        # compounds
        ("How many miners does Lund run?", "Lund runs 10,300 SkuaMiners.", ()),
        # countries
        ("What did Lund build in Denmark?", "Lund built a Danish yard.", ()),
        ("What did Lund build in Denmark?", "Lund built a Dutch yard.", ("Denmark",)),
        (
            "Which Danish company did Lund buy?",
            "Lund bought several companies in Denmark.",
            ("the name of the danish company",),
        ),
        ("Which country did Lund leave?", "Lund left Ghana.", ()),
        ("Which country did Lund leave?", "Lund left Skua.", ("the name of the country",)),
        # where: a place, an event, or what is called so
        ("Where was the Skua shown?", "The Skua was shown at Nordcon.", ()),
        ("Where was the Skua shown?", "The Skua was shown by Kestrel.", ("the name of the place",)),
        ("Which province is rich in coal?", "A rich province, Outer Vannia has much coal.", ()),
        # what has no name of its own
        ("What rating does Lund have?", "Lund has hired Ana Ruiz.", ("the name of the rating",)),
        ("What rating does Lund have?", "Lund has a good rating at Moody.", ()),
        # of one alone
        (
            "What share of the market does Lund have?",
            "Lund and Skua together have 90% of the market.",
            ("a figure of Lund alone",),
        ),
        ("What share of the market do they have?", "Lund and Skua together have 90% of the market.", ()),
    ],
)  # fmt: skip
def test_what_a_sentence_lacks(vectors: WordVectors, question: str, sentence: str, lacks: tuple[str, ...]) -> None:
    assert missing(vectors, question, sentence) == lacks


@pytest.mark.parametrize(
    ("sentence", "outright"),
    [
        ("Plover, a Danish maker of sails, opened a shop.", True),
        ("Plover Inc. (OMX: PLO), a Danish sail manufacturer, opened a shop.", True),
        ("The Aarhus-based Plover opened a shop.", True),
        ("The South Korean carmaker Plover opened a shop.", True),
        ("It encouraged the Danish company to grow.", False),  # that one may be another
    ],
)
def test_where_a_company_is_based(vectors: WordVectors, sentence: str, outright: bool) -> None:
    judge = Judge(parse("In which country is Plover based?"), vectors)
    judge.read([sentence])
    span, article = Span(0, len(sentence)), Article("a.txt", sentence, "Plover Grows")
    assert "based" not in judge.missing(span, article)
    assert judge.says_seat(sentence) is outright


@pytest.mark.parametrize(
    "sentence",
    [
        "Plover sold sails to the Norwegian company Grebe.",
        "Grebe, a Norwegian company, bought sails of Plover.",
        "Plover works with the North American sail company Grebe.",
        "Plover, a US-listed company, sold sails.",
        "Plover sells sails in the Norwegian market.",
    ],
)
def test_where_others_are_based(vectors: WordVectors, sentence: str) -> None:
    judge = Judge(parse("Where is Plover based?"), vectors)
    judge.read([sentence])
    assert not judge.says_seat(sentence)
    assert "based" in judge.missing(Span(0, len(sentence)), Article("a.txt", sentence, ""))


def test_an_adjective_tells_no_city(vectors: WordVectors) -> None:
    judge = Judge(parse("In which city is Plover based?"), vectors)
    assert not judge.says_seat("Plover, a Danish maker of sails, opened a shop.")
    assert judge.says_seat("Plover, an Aarhus-based maker of sails, opened a shop.")


@pytest.mark.parametrize(
    ("sentence", "other"),
    [
        ("Revenue was £4 million in 2021.", True),
        ("Revenue was £4 million in 2022.", False),
        ("Revenue was £4 million.", False),
        ("Revenue was £4 million, up from 2021.", False),  # which is only compared with
        ("Revenue was £4 million last year, after a bad 2021.", False),  # the year before the article's 2023
    ],
)
def test_the_figure_of_another_year(vectors: WordVectors, sentence: str, other: bool) -> None:
    at = sentence.find("last year")
    dates = (DateMention(at, at + 9, "2022-01-01", "2022-12-31"),) if at >= 0 else ()
    article = Article("a.txt", sentence, "", dates=dates)
    judge = Judge(parse("What was the revenue in 2022?"), vectors)
    assert judge.other_years(Span(0, len(sentence)), article) is other
