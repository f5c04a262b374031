"""Verdicts, findings and coefficients: each kind of difference by an example and a counter-example."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from citewire.index.passages import sentences
from citewire.index.types import Embedder, Span
from citewire.qa import findings, verdicts
from citewire.qa.findings import DECISIVE, find, read
from citewire.qa.opinion import NliOpinion
from citewire.qa.vectors import WordVectors
from citewire.qa.verdicts import AGAINST, GROUPS, Checker, Weights, shortest

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
KNOWN = frozenset({"acme", "borealis", "kestrel", "osprey"})


def kinds(claim: str, quote: str) -> list[tuple[str, str]]:
    return [(f.kind, f.reason) for f in find(read(claim, KNOWN), read(quote, KNOWN))]


@pytest.mark.parametrize(
    ("claim", "quote", "expected"),
    [
        ("It cost $4.1 million.", "It cost $4.2 million.", ("number", "$4.1 million is not in the quote")),
        ("It cost $9 million.", "It cost $4.2 million.", ("number", "$9 million is not in the quote")),
        ("It cost 14 million.", "It cost 14.2 million.", ("rounded", "the quote has 14.2 million, not 14 million")),
        ("It closed in June.", "It closed in July.", ("date", "June is not in the quote")),
        ("It was bought by Osprey.", "It was bought by Kestrel.", ("name", "Osprey is not in the quote")),
        (
            "Acme paid $4 million.",
            "Borealis paid $4 million.",
            ("subject", "the quote says this of Borealis, not of Acme"),
        ),
        (
            "Acme mined 200 coins.",
            "Acme mined 100 coins and Borealis 200 coins.",
            ("subject", "the quote says this of Borealis, not of Acme"),
        ),
        ("Sales rose 5%.", "Sales fell 5%.", ("opposite", "the quote says “fell”, not “rose”")),
        (
            "High sales hide a high base.",
            "High sales hide a low base.",
            ("opposite", "the quote says “low”, not “High”"),
        ),
        ("The plan is legal.", "The plan is illegal.", ("opposite", "the quote says “illegal”, not “legal”")),
        (
            "An American brewer closed.",
            "A German brewer closed.",
            ("opposite", "the quote says “German”, not “American”"),
        ),
        ("The mayor approved it.", "The mayor never approved it.", ("negation", "the quote denies this")),
        ("The mayor never approved it.", "The mayor approved it.", ("negation", "the quote does not deny this")),
        ("Acme sued Borealis.", "Borealis sued Acme.", ("role", "the quote has Acme and Borealis the other way round")),
        (
            "Acme is based in Norway.",
            "Acme, a Danish maker, plans to expand into Norway.",
            ("role", "the quote does not say what is based in Norway"),
        ),
        (
            "Ana Ruiz said it leaks.",
            "It leaks, said Tom Holm.",
            ("speaker", "the quote is of Tom Holm, not of Ana Ruiz"),
        ),
        (
            "Ana Ruiz said the route loses money.",
            "The route, which opened in May, loses money.",
            ("speaker", "the quote does not say that Ana Ruiz said it"),
        ),
        ("The bank cut rates.", "The bank may cut rates.", ("hedge", "the quote is less sure: it says “may”")),
        (
            "Osprey had the lowest cost.",
            "Kestrel had the lowest cost, while Osprey (OSP) had the highest price.",
            ("subject", "the quote says these things of different subjects"),
        ),
        (
            "Kestrel had the highest price.",
            "Kestrel had the highest pay and the lowest cost, while Osprey had the highest price.",
            ("subject", "the quote says these things of different subjects"),
        ),
        (
            "Osprey brewed most of the stout.",
            "Kestrel brewed most of the stout in winter; Osprey sold cider.",
            ("subject", "the quote says these things of different subjects"),
        ),
        (
            "The order of Kestrel was larger.",
            "Kestrel signed an order for 200 barrels.",
            ("quantifier", "the quote does not compare: it has no “larger”"),
        ),
        (
            "The bank cut rates.",
            "The bank said it would cut rates.",
            ("hedge", "the quote is less sure: it says “would”"),
        ),
        ("All ferries sank.", "Three ferries sank.", ("quantifier", "the quote does not say “All”")),
        (
            "The yard built two red ferries with borrowed savings.",
            "The yard built two red ferries.",
            ("addition", "the quote does not say “borrowed savings”"),
        ),
    ],
)
def test_a_difference_is_found_and_named(claim: str, quote: str, expected: tuple[str, str]) -> None:
    assert expected in kinds(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("It cost 4,200,000 dollars.", "It cost $4.2 million."),
        ("Borealis was sued by Acme.", "Acme sued Borealis."),
        ("Acme met Borealis.", "Borealis met Acme."),
        ("Acme is based in Norway.", "The Norway company Acme grew."),
        ("Acme is based in Oslo.", "Acme has its headquarters in Oslo."),
        ("The ban ended.", "They are ending the ban."),
        ("Carriers are allowed again.", "Carriers are free again, ending the ban."),
        ("China exports steel.", "Chinese steel is what the exports are made of."),
        ("Ana Ruiz resigned.", "The chair, Ms. Ruiz, or simply Ruiz, resigned."),
        ("The mayor did not approve it.", "The mayor didn't approve it."),
        ("The plan is not only a hedge.", "The plan is not only a hedge."),
        ("The bank may cut rates.", "The bank may cut rates."),
        ("Every ferry sank.", "All ferries sank."),
        ("It closed while he was away.", "It closed while he was away; it opened on 3 May 2021."),
        ("Sales rose and costs fell.", "Costs fell and sales rose."),
        ("Tom Holm said it leaks.", "It leaks, said Tom Holm."),
        ("Kestrel had the lowest cost.", "Kestrel had the lowest cost, while Osprey had the highest price."),
        ("Osprey's net price was $5.", "Kestrel had the lowest net cost at $2, while Osprey had a price of $5."),
        ("Ana Ruiz is a pilot.", "Ana Ruiz (born in Lund; raised in Oslo) is an American pilot."),
        ("Sales were higher in May.", "Sales rose in May."),
        ("It ordered more than 100 barrels.", "It ordered more than 100 barrels."),
        ("Ana Ruiz said the route loses money.", "For Ana Ruiz, the route loses money."),
        ("Ana Ruiz wrote two novels.", "Ana Ruiz is the author of two novels."),
        ("The bank announced a cut of rates.", "The bank announced that it would cut rates."),
    ],
)
def test_no_difference(claim: str, quote: str) -> None:
    assert kinds(claim, quote) == []


def test_irregular_forms_share_a_root() -> None:
    assert findings.root("rose") == findings.root("risen") == findings.root("rise")
    assert findings.root("sold") == findings.root("sell") != findings.root("solid")


SENTENCES = [
    "The ferry company Lund Lines opened a night route on 3 May 2021.",
    "It paid $40 million for two ships, said its chair Ana Ruiz.",
    "Kestrel had the lowest cost at $10 a barrel, while Osprey had the highest at $20.",
]


@pytest.fixture(scope="module", params=["words", "meaning"])
def checker(request: pytest.FixtureRequest, embedder: Embedder) -> Checker:
    return Checker(WordVectors(embedder) if request.param == "meaning" else None)


class TestChecker:
    @pytest.mark.parametrize("text", SENTENCES)
    def test_a_sentence_supports_itself(self, checker: Checker, text: str) -> None:
        judged = checker.check(text, SENTENCES)
        assert (judged.verdict, judged.reason) == ("supported", "")
        assert judged.spans[0] == (SENTENCES.index(text), Span(0, len(text)))

    @pytest.mark.parametrize(
        "claim",
        ["Lund Lines opened a night route in May 2021.", "Ana Ruiz said it paid 40,000,000 dollars for 2 ships."],
    )
    def test_other_words_are_supported(self, checker: Checker, claim: str) -> None:
        assert checker.check(claim, SENTENCES).verdict == "supported"

    @pytest.mark.parametrize(
        ("claim", "reason"),
        [
            ("Lund Lines closed a night route on 3 May 2021.", "the quote says “opened”, not “closed”"),
            ("Lund Lines opened a night route on 4 May 2021.", "4 is not in the quote"),
            ("Lund Lines did not open a night route on 3 May 2021.", "the quote does not deny this"),
            ("Osprey had the lowest cost at $20.", "the quote says these things of different subjects"),
            ("Bees make honey in summer.", "no sentence of the sources says this"),
        ],
    )
    def test_unsupported_and_why(self, checker: Checker, claim: str, reason: str) -> None:
        judged = checker.check(claim, SENTENCES)
        assert (judged.verdict, judged.reason, judged.spans) == ("unsupported", reason, ())
        assert judged.probability < verdicts.PARTIAL

    def test_a_claim_is_as_good_as_its_worst_sentence(self, checker: Checker) -> None:
        judged = checker.check(f"{SENTENCES[0]} It paid $41 million for two ships.", SENTENCES)
        assert (judged.verdict, judged.reason) == ("unsupported", "$41 million is not in the quote")

    def test_a_figure_of_another_sentence_is_a_second_quote_of_one_text_only(self, checker: Checker) -> None:
        claim = "Lund Lines paid $40 million for two ships in 2021."
        judged = checker.check(claim, SENTENCES)
        assert [i for i, _ in judged.spans] == [1, 0]
        assert set(judged.elsewhere) == {"Lund Lines", "2021"}
        strict = checker.check(claim, SENTENCES, naming=lambda at, name: SENTENCES[0])
        assert (strict.verdict, strict.reason) == ("unsupported", "2021 is not in the quote")

    def test_nothing_to_compare(self, checker: Checker) -> None:
        for claim, evidence in (("", SENTENCES), ("It rose.", []), ("It rose.", "")):
            assert checker.check(claim, evidence).verdict == "unsupported"

    def test_no_seed_sentence_is_called_unsupported_by_itself(self, checker: Checker) -> None:
        for file in sorted(SEEDS.glob("*.txt"))[:2]:
            text = file.read_text(encoding="utf-8")
            found = [text[s.start : s.end] for s in sentences(text)]
            for sentence in found[:12]:
                assert checker.check(sentence, found).verdict == "supported", sentence


class TestSpan:
    def test_what_follows_while_is_cut(self) -> None:
        claim = read("Kestrel had the lowest cost at $10 a barrel.")
        assert SENTENCES[2][: shortest(claim, SENTENCES[2]).end] == "Kestrel had the lowest cost at $10 a barrel"

    @pytest.mark.parametrize(
        ("claim", "quote"),
        [
            ("Osprey had the highest at $20.", SENTENCES[2]),
            ("Acme won the vote on Monday.", "Acme won the vote on Monday; the result was not valid."),
            ("Acme won the vote on Monday.", "Acme won the vote on Monday, but lost the appeal."),
            ("Acme won the vote on Monday.", "Acme won the vote on Monday; Borealis said so."),
        ],
    )
    def test_what_limits_or_carries_the_claim_stays(self, claim: str, quote: str) -> None:
        assert shortest(read(claim), quote) == Span(0, len(quote))


class TestWeights:
    stored = json.loads((Path(verdicts.__file__).parent / "verdicts.json").read_text(encoding="utf-8"))

    def test_no_difference_makes_a_claim_more_probable(self) -> None:
        for one in self.stored.values():
            assert all(weight < 0 if name in AGAINST else weight > 0 for name, weight in one["weights"].items())

    def test_each_set_weighs_only_its_own_features(self) -> None:
        for name, one in self.stored.items():
            assert set(one["weights"]) <= {f for group in name.split("+") for f in GROUPS[group]}

    def test_the_set_of_most_groups_is_taken(self) -> None:
        assert Weights.of(["words", "facts"]).intercept == self.stored["words+facts"]["intercept"]
        richest = Weights.of(["words", "facts", "meaning", "model"]).intercept
        assert richest == self.stored["words+facts+meaning+model"]["intercept"]

    def test_probability_is_the_logistic_function(self) -> None:
        weights = Weights(-1.0, {"rest": 2.0, "odd": -0.5})
        assert weights.probability({"rest": 0.5, "odd": 1.0, "other": 9}) == pytest.approx(1 / (1 + math.exp(0.5)))


@pytest.fixture(scope="module")
def vectors(embedder: Embedder) -> WordVectors:
    return WordVectors(embedder)


class Opinion:
    """Says the same of everything, and what it was asked about."""

    def __init__(self, probability: float | None) -> None:
        self.probability, self.asked = probability, list[tuple[str, str]]()

    def __call__(self, claim: str, quote: str) -> float | None:
        self.asked.append((claim, quote))
        return self.probability


class TestOpinion:
    TEXT = "The harbour board chose a Danish yard to mend its oldest ferry. Tickets cost 9 euros."
    OPEN = "A Danish shipyard will repair the oldest boat."

    def test_it_is_a_feature(self, vectors: WordVectors) -> None:
        opinion = Opinion(0.9)
        features = Checker(vectors, opinion).features("It rose 5%.", "It rose 5%. It fell later.")
        assert features["model"] == pytest.approx(math.log(9))
        assert opinion.asked == [("It rose 5%.", "It rose 5%. It fell later.")]

    def test_a_yes_makes_an_open_claim_more_probable_and_a_no_less(self, vectors: WordVectors) -> None:
        no, yes = (Checker(vectors, Opinion(p)).check(self.OPEN, self.TEXT).probability for p in (0.02, 0.98))
        assert no < yes

    def test_none_leaves_what_was_compared(self, vectors: WordVectors) -> None:
        opinion = Opinion(None)
        without = Checker(vectors).check(self.OPEN, self.TEXT)
        assert Checker(vectors, opinion).check(self.OPEN, self.TEXT) == without
        assert len(opinion.asked) == 1

    @pytest.mark.parametrize("claim", ["Tickets cost 9 euros.", "Tickets cost 12 euros."])
    def test_what_is_plain_is_not_asked(self, vectors: WordVectors, claim: str) -> None:
        opinion = Opinion(0.5)
        Checker(vectors, opinion).check(claim, self.TEXT)
        assert opinion.asked == []


def test_an_nli_model_reads_the_quote_as_premise() -> None:
    class Told:
        """`test_embed` has a real one."""

        def entailment(self, premise: str, hypothesis: str) -> float:
            assert (premise, hypothesis) == ("It rose 5%. It fell later.", "It rose.")
            return 0.25

    assert NliOpinion(Told())("It rose.", "It rose 5%.\nIt fell later.") == 0.25


def test_decisive_kinds_exist() -> None:
    assert set(findings.KINDS) >= DECISIVE


@pytest.mark.parametrize(
    ("claim", "question", "reversed_"),
    [
        ("Mara mined the most coins but had the highest cost.", "Which miner had the lowest cost?", True),
        ("Iren had the lowest cost.", "Which miner had the lowest cost?", False),
        ("Profit fell in 2022.", "Did profit rise in 2022?", False),
        ("Lund carried the fewest passengers.", "Which company carried the most passengers?", True),
    ],
)
def test_the_other_end_of_what_is_asked_for(claim: str, question: str, reversed_: bool) -> None:
    assert findings.reverses(claim, question) is reversed_
