"""From the model's words to verdicts: each rule by an example and a counter-example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.index.types import Article, Span
from citewire.qa import facts
from citewire.qa.claims import Judgement, arriving, judge, strip_markers, verbatim
from citewire.qa.evidence import Evidence

OPENING = "The ferry company Lund Lines of Norland opened a night route on 3 May 2021."
COST = "The company paid $40 million for two ships, said its chair Ana Ruiz."
CONTRAST = "Kestrel had the lowest cost at $10 a barrel, while Osprey had the highest at $20."
DENIAL = "The mayor did not approve the new bridge."
TEXT = "\n".join([OPENING, COST, CONTRAST, DENIAL])
ARTICLE = Article("a.txt", TEXT, "0")


def evidence(sentence: str, article: Article = ARTICLE) -> Evidence:
    start = article.text.index(sentence)
    return Evidence(article.path, Span(start, start + len(sentence)), sentence, 1.0, ())


def judged(claim: str, *sentences: str, cited: Sequence[int] = (), article: Article = ARTICLE) -> Judgement:
    found = [evidence(s, article) for s in sentences]
    known = facts.name_words([article.text])
    judgement = judge(claim, cited, found, {article.path: article}.__getitem__, known)
    for place in judgement.places:
        assert article.text[place.span.start : place.span.end] == place.text
    return judgement


def quotes(judgement: Judgement) -> list[str]:
    return [place.text for place in judgement.places]


class TestVerdict:
    def test_supported(self) -> None:
        judgement = judged("The company paid $40 million for two ships.", COST)
        assert (judgement.verdict, judgement.reason) == ("supported", "")
        assert judgement.probability > 0.5
        assert quotes(judgement) == [COST]

    def test_a_figure_of_the_quote_that_only_names_the_subject_does_not_count(self) -> None:
        judgement = judged("Lund Lines paid $40 million for two ships on 3 May.", COST)
        assert judgement.verdict == "unsupported"
        assert judgement.reason == "3, May are not in the quote"
        assert judged("Lund Lines paid $40 million for two ships.", COST).verdict == "supported"

    @pytest.mark.parametrize(
        "claim", ["The company paid 40,000,000 dollars for 2 ships.", "Ana Ruiz said the company paid $40m for ships."]
    )
    def test_other_spellings_and_order_are_supported(self, claim: str) -> None:
        assert judged(claim, COST).verdict == "supported"

    @pytest.mark.parametrize(
        ("claim", "wrong"),
        [
            ("The company paid $41 million for two ships.", "$41 million"),
            ("The company paid $40 billion for two ships.", "$40 billion"),
            ("The company paid 40% for two ships.", "40%"),
            ("The company paid $40 million for two ships in 2022.", "2022"),
        ],
    )
    def test_a_wrong_number_is_unsupported_and_named(self, claim: str, wrong: str) -> None:
        judgement = judged(claim, COST)
        assert (judgement.verdict, judgement.reason) == ("unsupported", f"{wrong} is not in the quote")
        assert judgement.places == ()
        assert judgement.probability < 0.6

    def test_several_wrong_numbers_are_all_named(self) -> None:
        assert judged("The company paid $41 million for 9 ships.", COST).reason == "$41 million, 9 are not in the quote"

    def test_a_wrong_number_in_words(self) -> None:
        judgement = judged("The company paid $40 million for seven ships.", COST)
        assert (judgement.verdict, judgement.reason) == ("unsupported", "seven is not in the quote")

    def test_a_wrong_month(self) -> None:
        claim = "The ferry company Lund Lines opened a night route on 3 June 2021."
        judgement = judged(claim, OPENING)
        assert (judgement.verdict, judgement.reason) == ("unsupported", "June is not in the quote")
        assert judged(claim.replace("June", "May"), OPENING).verdict == "supported"

    def test_a_month_of_another_sentence_does_not_help(self) -> None:
        text = f"In June it rained. {OPENING}"
        claim = "The ferry company Lund Lines opened a night route on 3 June 2021."
        assert judged(claim, OPENING, article=Article("b.txt", text, "0")).verdict == "unsupported"

    def test_one_is_often_no_figure(self) -> None:
        judgement = judged("Ana Ruiz is the one chair who paid $40 million for two ships.", COST)
        assert (judgement.verdict, judgement.reason) == ("supported", "")

    def test_a_name_that_the_article_gives_elsewhere_brings_a_second_quote(self) -> None:
        judgement = judged("Lund Lines paid $40 million for two ships.", COST)
        assert judgement.verdict == "supported"
        assert quotes(judgement) == [COST, OPENING]

    def test_the_naming_quote_is_the_nearest_before(self) -> None:
        again = "Lund Lines has sailed since 1990."
        text = f"{OPENING} {again} {COST} Lund Lines rose."
        judgement = judged("Lund Lines paid $40 million for two ships.", COST, article=Article("b.txt", text, "0"))
        assert quotes(judgement) == [COST, again]

    def test_a_name_that_is_nowhere_makes_it_partial(self) -> None:
        judgement = judged("Acme Shipping paid $40 million for two ships.", COST)
        assert (judgement.verdict, judgement.reason) == ("partial", "Acme Shipping is not in the quote")
        assert quotes(judgement) == [COST]

    def test_a_denial_that_the_quote_does_not_have(self) -> None:
        judgement = judged("The company did not pay $40 million for two ships.", COST)
        assert (judgement.verdict, judgement.reason) == ("unsupported", "the quote does not deny this")

    def test_a_denial_that_the_quote_has(self) -> None:
        assert judged("The mayor didn't approve the new bridge.", DENIAL).verdict == "supported"

    @pytest.mark.parametrize(
        ("quote", "claim"),
        [
            ("The plan is not just a hedge but an investment, said Ruiz.", "The plan is a hedge, said Ruiz."),
            ("The line posted a profit without raising fares.", "The line posted a profit."),
        ],
    )
    def test_a_negation_of_something_else(self, quote: str, claim: str) -> None:
        assert judged(claim, quote, article=Article("b.txt", quote, "0")).verdict == "supported"

    def test_an_affirmation_of_what_the_quote_denies(self) -> None:
        judgement = judged("The mayor approved the new bridge.", DENIAL)
        assert (judgement.verdict, judgement.reason) == ("unsupported", "the quote denies this")

    @pytest.mark.parametrize("claim", ["Osprey had the lowest cost at $20.", "Kestrel had the highest cost at $10."])
    def test_contrasted_parts_must_not_be_mixed(self, claim: str) -> None:
        judgement = judged(claim, CONTRAST)
        assert judgement.verdict == "unsupported"
        assert judgement.reason == "the quote says these things of different subjects"
        assert judgement.places == ()

    @pytest.mark.parametrize(
        "claim",
        [
            "Kestrel had the lowest cost at $10.",
            "Osprey had the highest at $20.",
            "Kestrel had the lowest cost at $10, while Osprey had the highest at $20.",
        ],
    )
    def test_contrasted_parts_told_apart_are_supported(self, claim: str) -> None:
        assert judged(claim, CONTRAST).verdict == "supported"

    def test_another_subject_is_unsupported(self) -> None:
        judgement = judged("Bees make honey in summer.", COST, OPENING)
        assert (judgement.verdict, judgement.reason) == ("unsupported", "no sentence of the sources says this")
        assert judgement.places == ()

    def test_half_of_the_words_is_partial(self) -> None:
        judgement = judged("The company paid for two ships gladly with borrowed savings.", COST)
        assert (judgement.verdict, judgement.reason) == ("partial", "the quote does not say “gladly borrowed”")


class TestQuote:
    def test_what_is_said_of_another_beside_it_is_not_quoted(self) -> None:
        claim = "Kestrel had the lowest cost at $10 a barrel."
        assert quotes(judged(claim, CONTRAST)) == ["Kestrel had the lowest cost at $10 a barrel"]

    def test_the_best_sentence_is_quoted_whatever_was_cited(self) -> None:
        for cited in ([], [1], [2], [9], [0], [1, 9]):
            assert quotes(judged("The company paid $40 million for two ships.", OPENING, COST, cited=cited)) == [COST]

    def test_the_cited_number_breaks_ties(self) -> None:
        text = "Fares rose 5% in spring. Fares rose 5% in autumn."
        article = Article("b.txt", text, "0")
        spring, autumn = text[:24], text[25:]
        assert quotes(judged("Fares rose 5%.", spring, autumn, cited=[2], article=article)) == [autumn]
        assert quotes(judged("Fares rose 5%.", spring, autumn, cited=[1], article=article)) == [spring]

    def test_curly_quotes_and_emoji_stay_character_exact(self) -> None:
        text = "🚢🚢 Ferries!\n“We’re paying 5\u00a0% more — 🫠 —  for naïve cafe\u0301s,” said Zoe\u0308 Lund. 👩‍🚀"
        article = Article("b.txt", text, "0")
        sentence = text[text.index("“") : text.index(" 👩")]
        judgement = judged("Zoë Lund said they pay 5% more for cafés.", sentence, article=article)
        assert judgement.verdict == "supported"
        assert quotes(judgement) == [sentence]

    def test_verbatim(self) -> None:
        judgement = verbatim("a.txt", Span(TEXT.index(COST), TEXT.index(COST) + len(COST)), COST)
        assert (judgement.verdict, judgement.probability, judgement.reason) == ("supported", 1.0, "")
        assert quotes(judgement) == [COST]


class TestMarkers:
    @pytest.mark.parametrize(
        ("text", "plain", "cited"),
        [
            ("It cost 5 euros [1].", "It cost 5 euros.", [1]),
            ("It cost 5 euros [1,2].", "It cost 5 euros.", [1, 2]),
            ("It cost 5 euros [1][2].", "It cost 5 euros.", [1, 2]),
            ("It cost 5 euros. [[3]]", "It cost 5 euros.", [3]),
            ("It cost【1】5 euros.", "It cost5 euros.", [1]),
            ("It cost [ 12 ; 3 ] 5 euros", "It cost 5 euros", [12, 3]),
            ("It cost 5 euros [1", "It cost 5 euros", []),
            ("It cost 5 euros [1, ", "It cost 5 euros", []),
            ("It cost 5 euros 【", "It cost 5 euros", []),
            ("- It cost\n5 euros [1] .", "It cost 5 euros.", [1]),
            ("[1] [2]", "", [1, 2]),
            ("x [ [1] 2]", "x", [1, 2]),
        ],
    )
    def test_taken_out(self, text: str, plain: str, cited: list[int]) -> None:
        assert strip_markers(text) == (plain, cited)

    @pytest.mark.parametrize(
        "text", ["“[The port] pays,” she said.", "In [2024] it rose.", "f(1) and {1} stay", "It fell (1)."]
    )
    def test_other_brackets_stay(self, text: str) -> None:
        assert strip_markers(text) == (text, [])

    @given(st.text() | st.text("[]【】 12,;–-.a\n", max_size=30))
    def test_idempotent(self, text: str) -> None:
        plain, _ = strip_markers(text)
        assert strip_markers(plain) == (plain, [])


def whole(pieces: Sequence[str]) -> list[str]:
    return [text for text, ended in arriving(pieces) if ended]


def cut(text: str, places: Sequence[int]) -> list[str]:
    edges = [0, *sorted(p % (len(text) + 1) for p in places), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


SENTENCES = [
    "It cost $1.5 million [1].",
    "Ana Ruiz of the U.S. said no. [2]",
    "“We won. We paid 3.5%,” he said [1, 3].",
    'Dr. Holm said: "Stop. Now." [[2]]',
    "- Fares rose!【1】",
    "Why?",
    "1. First",
    "No. 5 closed…",
    "é 🚢 [1][2]",
]


class TestArriving:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("It rose. It fell.", ["It rose. ", "It fell."]),
            ("It rose [1]. It fell [2].", ["It rose [1]. ", "It fell [2]."]),
            ("It rose. [1] It fell. [2]", ["It rose. [1]", " It fell. [2]"]),
            ("Dr. Holm left Acme Inc. at 3.30.", ["Dr. Holm left Acme Inc. at 3.30."]),
            ("“We won. We paid,” he said. It rose.", ["“We won. We paid,” he said. ", "It rose."]),
            ("It rose\n\nIt fell", ["It rose\n\n", "It fell"]),
            ("", []),
            (" \n ", []),
        ],
    )
    def test_sentences(self, text: str, expected: list[str]) -> None:
        assert whole([text]) == expected
        assert whole(list(text)) == expected

    def test_a_draft_after_each_piece_and_the_sentence_as_soon_as_the_next_begins(self) -> None:
        assert list(arriving(["It ", "rose. It", " fell", "."])) == [
            ("It ", False),
            ("It rose. It", False),
            ("It rose. ", True),
            ("It fell", False),
            ("It fell.", False),
            ("It fell.", True),
        ]

    def test_a_sentence_does_not_wait_for_the_end(self) -> None:
        def pieces() -> Iterator[str]:
            yield "It rose. It "
            pytest.fail("a second piece was read")

        assert next(arriving(pieces())) == ("It rose. ", True)

    @given(
        st.lists(st.sampled_from(SENTENCES), max_size=5),
        st.sampled_from([" ", "\n", "\n\n", "  "]),
        st.lists(st.integers(0, 10_000), max_size=20),
    )
    def test_any_cut_gives_the_same_sentences(self, parts: list[str], glue: str, places: list[int]) -> None:
        text = glue.join(parts)
        pieces = cut(text, places)
        assert whole(pieces) == whole([text])
        assert "".join("".join(whole(pieces)).split()) == "".join(text.split())

    @given(st.text() | st.text('[1]【】 .,"“”\nAb?', max_size=40), st.lists(st.integers(0, 100), max_size=8))
    def test_any_cut_of_any_text(self, text: str, places: list[int]) -> None:
        assert whole(cut(text, places)) == whole([text])

    @given(st.lists(st.sampled_from(SENTENCES), max_size=4), st.lists(st.integers(0, 10_000), max_size=20))
    def test_markers_never_show(self, parts: list[str], places: list[int]) -> None:
        for text, _ in arriving(cut(" ".join(parts), places)):
            assert not set(strip_markers(text)[0]) & set("[]【】")
