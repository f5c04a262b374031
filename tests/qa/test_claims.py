"""From the model's words to judged claims: sentences as they arrive, without citation markers, with exact quotes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from readers import ScriptedReader

from citewire.index.dates import mentions
from citewire.index.types import Article, Span
from citewire.qa.claims import Judgement, Place, arriving, judge, polarity, strip_markers, verbatim
from citewire.qa.evidence import Evidence
from citewire.qa.verdicts import Checker

OPENING = "The ferry company Lund Lines of Norland opened a night route on 3 May 2021."
COST = "The company paid $40 million for two ships, said its chair Ana Ruiz."
LATER = "Fares went up last month."
TEXT = "\n".join([OPENING, COST, LATER])
ARTICLE = Article("a.txt", TEXT, "0")


def evidence(sentence: str, article: Article = ARTICLE) -> Evidence:
    start = article.text.index(sentence)
    span = Span(start, start + len(sentence))
    return Evidence(article.path, span, sentence, 1.0, 0.9, span, 0.5)


def judged(
    claim: str,
    *sentences: str,
    cited: Sequence[int] = (),
    article: Article = ARTICLE,
    supports: Mapping[str | tuple[str, str], float] | None = None,
) -> Judgement:
    found = [evidence(s, article) for s in sentences]
    checker = Checker(ScriptedReader(supports=supports or {claim: 0.9}))
    judgement = judge(claim, cited, found, {article.path: article}.__getitem__, checker)
    for place in judgement.places:
        assert article.text[place.span.start : place.span.end] == place.text
    return judgement


def quotes(judgement: Judgement) -> list[str]:
    return [place.text for place in judgement.places]


class TestJudge:
    def test_supported(self) -> None:
        claim = "It paid $40 million for ships."
        judgement = judged(claim, OPENING, COST, supports={(claim, OPENING): 0.1, claim: 0.8})
        assert judgement == Judgement("supported", 0.8, "", (Place("a.txt", evidence(COST).span, COST),))

    def test_unsupported_has_a_reason_and_no_quote(self) -> None:
        judgement = judged("It paid $41 million for ships.", COST)
        assert judgement == Judgement("unsupported", 0.1, "$41 million is not in the quote", ())

    def test_a_name_of_another_sentence_brings_that_as_a_second_quote(self) -> None:
        judgement = judged("Lund Lines paid $40 million for two ships.", COST)
        assert (judgement.verdict, quotes(judgement)) == ("supported", [COST, OPENING])

    def test_the_naming_quote_is_the_nearest_before(self) -> None:
        again = "Lund Lines has sailed since 1990."
        article = Article("b.txt", f"{OPENING} {again} {COST} Lund Lines rose.", "0")
        assert quotes(judged("Lund Lines paid $40 million.", COST, article=article)) == [COST, again]

    def test_else_the_first_that_has_the_name(self) -> None:
        after = "Lund Lines rose."
        article = Article("b.txt", f"{COST} {after}", "0")
        assert quotes(judged("Lund Lines paid $40 million.", COST, article=article)) == [COST, after]

    def test_a_name_in_the_title_needs_no_quote(self) -> None:
        article = Article("b.txt", COST, "0", title="Lund Lines grows")
        judgement = judged("Lund Lines paid $40 million.", COST, article=article)
        assert (judgement.verdict, quotes(judgement)) == ("supported", [COST])

    def test_two_names_of_one_sentence_bring_it_once(self) -> None:
        assert quotes(judged("Lund Lines of Norland paid $40 million.", COST)) == [COST, OPENING]

    def test_the_cited_number_breaks_ties(self) -> None:
        article = Article("b.txt", "Fares rose in spring. Fares rose in autumn.", "0")
        spring, autumn = "Fares rose in spring.", "Fares rose in autumn."
        claim = "Tickets cost more."
        assert quotes(judged(claim, spring, autumn, cited=[2], article=article)) == [autumn]
        for cited in ([], [1], [0], [9]):
            assert quotes(judged(claim, spring, autumn, cited=cited, article=article)) == [spring]

    def test_times_are_those_of_the_article(self) -> None:
        dates = tuple(mentions(TEXT, "2024-06-10"))
        article = Article("a.txt", TEXT, "0", published="2024-06-10", dates=dates)
        assert judged("Fares went up in May 2024.", LATER, article=article).verdict == "supported"
        assert judged("Fares went up in June 2024.", LATER, article=article).reason == "June is not in the quote"

    def test_curly_quotes_and_emoji_stay_character_exact(self) -> None:
        text = "🚢🚢 Ferries!\n“We’re paying 5\u00a0% more — 🫠 —  for naïve cafe\u0301s,” said Zoe\u0308 Lund. 👩‍🚀"
        article = Article("b.txt", text, "0")
        sentence = text[text.index("“") : text.index(" 👩")]
        judgement = judged("Zoë Lund said they pay 5% more for cafés.", sentence, article=article)
        assert (judgement.verdict, quotes(judgement)) == ("supported", [sentence])

    def test_verbatim(self) -> None:
        span = evidence(COST).span
        assert verbatim("a.txt", span, COST) == Judgement("supported", 1.0, "", (Place("a.txt", span, COST),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes, the bridge is open.", ("Yes", "The bridge is open.")),
        ("No. It closed.", ("No", "It closed.")),
        ("no: it closed.", ("No", "It closed.")),
        ("Yes.", ("Yes", "")),
        ("No ferry sails.", ("", "No ferry sails.")),
        ("Yesterday, it rained.", ("", "Yesterday, it rained.")),
        ("", ("", "")),
    ],
)
def test_the_yes_or_no_that_opens_a_sentence(text: str, expected: tuple[str, str]) -> None:
    assert polarity(text) == expected


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
