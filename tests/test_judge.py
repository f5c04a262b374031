"""What the strict rules find in a sentence, one rule at a time; with the real embedder."""

from __future__ import annotations

from dataclasses import replace

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
        # a refusal names only what reads as a noun phrase
        ("How many signed the deal?", "They signed the deal.", ("a number",)),
        ("How many ferries sank?", "Ferries sank.", ("a number of ferries",)),
        # a quarter, in figures or words
        ("What was Lund's profit in Q2 of 2022?", "Lund's profit in the second quarter of 2022 was £4 million.", ()),
        ("What was Lund's profit in the second quarter of 2022?", "Lund's Q2 2022 profit was £4 million.", ()),
        # other words for one thing
        ("What duty does Norland put on boats?", "Norland put a 12% tariff on boats.", ()),
        ("What duty does Norland put on it?", "Norland put 12 boats up for sale.", ("duty",)),
        ("What were Lund's sales in 2022?", "Lund's revenue in 2022 was £4 million.", ()),
        ("What was one share of Lund worth?", "Lund was trading at $12 a share.", ()),
        ("What was Lund's net loss in 2022?", "Lund's net profit in 2022 was £4 million.", ("loss",)),
        # a share of something else
        ("What share of revenue came from ferries?", "Ferries made up 8% of revenue.", ()),
        ("What share of revenue came from ferries?", "Ferries, not revenue, were 8% of costs.", ()),
        ("What share of sales came from ferries?", "Ferries were 8% of expenses, not sales.", ("a share of revenue",)),
        ("Of all that Lund took in, what fraction came from ferries?", "Lund's ferries made up 8% of its sales.", ()),
        # some that are not named
        ("Which yards signed with Lund?", "Lund signed with several old yards in Ghana.", ("the name of the yards",)),
        ("Which yards signed with Lund?", "Lund signed with two yards in Ghana, Merlin and Kite.", ()),
        # who published it
        ("Which paper interviewed the mayor?", "The mayor spoke in an interview with Nordblad.", ()),
        ("Which paper interviewed the mayor?", "The mayor read Nordblad.", ("interviewed", "the name of the paper")),
        # what is taken in
        ("How much did Lund take in last year?", "Lund had revenue of £4 million last year.", ()),
        ("How much money did Lund bring in in 2022?", "Lund made £4 million in 2022.", ()),
        ("How much did Lund take in last year?", "Lund had 4 ferries last year.", ("a sum of money",)),
        # conditions
        ("Under what conditions will Lund sell?", "Lund will sell if the price is right.", ()),
        ("Under what conditions will Lund sell?", "Lund will sell its yard.", ("a condition",)),
        # who: no country's adjective, and nothing that is written small too
        ("Who bought the yard?", "The firm Acme bought the yard.", ()),
        ("Who bought the yard?", "A Danish crew bought the yard.", ("a name",)),
        ("Who founded the yard?", "They founded the yard in Ghana.", ("a name",)),
        ("Who founded the yard?", "Together with Ghana they founded the yard.", ()),
        ("Who sold the bitcoins?", "They sold the Bitcoin, as bitcoins fell.", ("a name",)),
        ("Who is Lund's finance chief?", "Lund's finance chief spoke to StarBank.", ("a name",)),
        ("Who is Lund's finance chief?", "Ana Ruiz, Lund's finance chief, spoke.", ()),
        ("Which analyst covers Lund?", "An analyst of NordBank covers Lund.", ("the name of the analyst",)),
        # one name in two spellings
        ("What did Star Bank buy?", "StarBank did buy a yard.", ()),
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
    assert judge.says_outright(sentence) is outright


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
    assert not judge.says_outright(sentence)
    assert "based" in judge.missing(Span(0, len(sentence)), Article("a.txt", sentence, ""))


def test_what_is_no_noun_is_not_shown(vectors: WordVectors) -> None:
    judge = Judge(replace(parse("Which ferry sank?"), noun="drew all those"), vectors)
    assert judge.wanted("It sank.", None) == "a name"


@pytest.mark.parametrize(
    ("question", "sentence", "outright"),
    [
        # where shares are listed
        ("On what exchange do Plover's shares trade?", "Plover Inc. (NYSE: PLV) sells sails.", True),
        ("Which exchange is Plover listed on?", "Plover (OMX: PLV) sells sails.", True),
        ("What ticker does Plover trade under?", "Plover (NYSE: PLV) sells sails.", True),
        ("Which exchange is Plover listed on?", "Plover sells sails to Grebe Ltd. (NYSE: GRB).", False),
        ("Which exchange is Plover listed on?", "Plover sells sails (PLV).", False),
        ("Which country does Plover trade with?", "Plover (NYSE: PLV) sells sails.", False),
        # who heads it
        ("Who's the boss of Plover?", "Ana Ruiz, Plover's chief executive, spoke.", True),
        ("Who runs Plover?", "“Yes,” said Ana Ruiz, the company’s chairman and CEO.", True),
        ("Who heads Plover?", "Plover CEO Ana Ruiz spoke.", True),
        ("Who is in charge of Plover?", "Ana Ruiz is the managing director of Plover.", True),
        ("Who heads Plover?", "Grebe CEO Ana Ruiz spoke of Plover.", False),
        ("Who heads Plover?", "Ana Ruiz, Plover's former chief executive, spoke.", False),
        ("Who heads Plover?", "Ana Ruiz, Plover's chief financial officer, spoke.", False),
        ("Who runs the programme?", "Plover CEO Ana Ruiz spoke.", False),
        # who wrote it
        ("Who were the authors of the StarBank note?", "“It rose,” wrote analysts Ana Ruiz and Bob Lee.", True),
        ("Who wrote the report on Plover?", "A report by Ana Ruiz said so.", True),
        ("Who wrote the report on Plover?", "Ana Ruiz read the report.", False),
    ],
)
def test_what_is_said_outright(vectors: WordVectors, question: str, sentence: str, outright: bool) -> None:
    judge = Judge(parse(question), vectors)
    judge.read([sentence])
    assert judge.says_outright(sentence) is outright


def test_an_adjective_tells_no_city(vectors: WordVectors) -> None:
    judge = Judge(parse("In which city is Plover based?"), vectors)
    assert not judge.says_outright("Plover, a Danish maker of sails, opened a shop.")
    assert judge.says_outright("Plover, an Aarhus-based maker of sails, opened a shop.")


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
