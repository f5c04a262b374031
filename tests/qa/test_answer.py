"""From question to checked answer: what is shown, withheld and refused; with a scripted model, then a real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from types import GeneratorType, MappingProxyType

import pytest
from conftest import SEEDS, check_quotes, indexed
from embedders import transformer_of
from generators import ScriptedGenerator
from readers import ScriptedReader

from citewire.index.build import build_index
from citewire.index.embed import CrossEncoderReranker
from citewire.index.errors import InputError
from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters, Hit
from citewire.qa import replies
from citewire.qa.answer import Answerer, AnswerOptions
from citewire.qa.reader import Reader, Reading, Window, load_reader
from citewire.qa.types import REFUSAL, Answer, Checked, Draft, Event, Generator, Searched, Timings, Turn

pytestmark = pytest.mark.slow  # processes, servers or real networks

ARTICLES = {
    "ferry.txt": """The ferry company Lund Lines opened a night route between Norland and Skarvik on 3 May 2021.
It runs 14 ferries on the route and carried 2.3 million passengers last year, the company said.
“Night sailings let lorries skip the coast road 🚚,” said Ana Ruiz, chair of Lund Lines.
""",
    "brewer.txt": """Profit at the brewer Kestrel fell 12% to £3.1 million in 2023, while its sales rose to £48 million.
In 2022 the profit of Kestrel was £3.5 million.
""",
    "bridge.txt": """The stone bridge over the Vann reopened in September 2019 after two years of repairs.
The repairs of the bridge cost 40 million euros, twice the first estimate.
The bridge carries 9,000 cars a day, and the repairs of the bridge cost each citizen 12 euros.
""",
}
COST = "How much did the repairs of the bridge cost?"
COST_SENTENCE = "The repairs of the bridge cost 40 million euros, twice the first estimate."
FLEET = "How many ferries does Lund Lines run?"
SPOKEN = "“Night sailings let lorries skip the coast road 🚚,” said Ana Ruiz, chair of Lund Lines."
PROFIT_2022, PROFIT_2023 = "What was Kestrel's profit in 2022?", "What was Kestrel's profit in 2023?"
LIGHTHOUSES = "How many lighthouses does Lund Lines own?"
COURSE = "How did the number of ferries develop over time?"
NOT_SAID = "Who is the finance chief of Lund Lines?"
# The words that answer these questions; a sentence answers any other if it shares half of the question's words.
ANSWERS: dict[str, str | Sequence[str]] = {
    COST: ("40 million euros", "12 euros", "41 million euros"),
    FLEET: "14 ferries",
    PROFIT_2022: "£3.5 million",
    PROFIT_2023: "£3.1 million",
    "By how much did Kestrel's profit fall in 2022?": "£3.5 million",
    "By how much did Kestrel's profit fall in 2023?": "£3.1 million",
    LIGHTHOUSES: (),
    "How many ferries does Lund Lines run, and how many lighthouses does Lund Lines own?": (),
    "What was Kestrel's profit in 2022 and 2023?": (),
    NOT_SAID: (),
    "What is the capital of France?": (),
    "What did Lund Lines say about lorries?": (),
    "What did Ana Ruiz say about lorries?": "skip the coast road",
    "What did the repairs of the bridge say about lorries?": (),
    "Who leads Lund Lines: What did she say about lorries?": (),
}


Make = Callable[..., Answerer]


@pytest.fixture
def answerer(index: Index, remembering: Embedder) -> Make:
    def make(generator: str | Generator, reader: Reader | None = None, **options: object) -> Answerer:
        if isinstance(generator, str):
            generator = ScriptedGenerator(generator)
        chosen = replace(AnswerOptions(), **options)  # type: ignore[arg-type]
        return Answerer(index, remembering, generator, reader or ScriptedReader(ANSWERS), chosen)

    return make


class TestClaims:
    def test_a_mark_alone_is_no_short_answer(self, answerer: Make) -> None:
        answer = answerer("The repairs cost 40 million euros [1].", ScriptedReader({COST: "."})).ask(COST)
        assert (answer.status, answer.short) == ("answered", "")

    def test_a_supported_claim(self, answerer: Make, index: Index) -> None:
        answer = answerer("The repairs cost 40 million euros [1].").ask(COST)
        assert (answer.status, answer.text) == ("answered", "The repairs cost 40 million euros. [1]")
        (claim,) = answer.claims
        assert (claim.verdict, claim.reason, claim.shown) == ("supported", "", True)
        assert [(q.article, q.text) for q in claim.quotes] == [("bridge.txt", COST_SENTENCE)]
        assert (answer.question, answer.standalone_question) == (COST, COST)
        assert (answer.model, answer.index_generation, answer.short) == ("scripted", 1, "40 million euros")
        check_quotes(answer, index)

    def test_a_wrong_citation_does_not_matter(self, answerer: Make) -> None:
        answer = answerer("The repairs cost 40 million euros [9].").ask(COST)
        assert answer.text == "The repairs cost 40 million euros. [1]"

    @pytest.mark.parametrize(
        ("unsupported", "shown", "text", "status"),
        [
            ("withheld", False, f"{COST_SENTENCE} [1]", "answered"),
            ("marked", True, f"The repairs cost 41 million euros. {COST_SENTENCE} [1]", "partial"),
            ("kept", True, f"The repairs cost 41 million euros. {COST_SENTENCE} [1]", "partial"),
        ],
    )
    def test_an_invented_number(
        self, answerer: Make, index: Index, unsupported: str, shown: bool, text: str, status: str
    ) -> None:
        answer = answerer("The repairs cost 41 million euros [1].", unsupported=unsupported).ask(COST)
        invented, quoted = answer.claims
        assert (invented.verdict, invented.reason) == ("unsupported", "41 million euros is not in the quote")
        assert (invented.shown, invented.quotes) == (shown, ())
        assert (quoted.verdict, quoted.text, quoted.shown) == ("supported", COST_SENTENCE, True)
        assert (answer.text, answer.status) == (text, status)
        check_quotes(answer, index)

    @pytest.mark.parametrize(
        "words", ["", "\n \n", "[1]", "The repairs of the bridge did cost much.", "How much did the repairs cost?"]
    )
    @pytest.mark.parametrize("unsupported", ["withheld", "marked"])
    def test_what_does_not_answer_is_not_shown(self, answerer: Make, words: str, unsupported: str) -> None:
        answer = answerer(words, unsupported=unsupported).ask(COST)
        assert (answer.status, answer.text) == ("answered", f"{COST_SENTENCE} [1]")
        assert [c.verdict for c in answer.claims] == ["supported"]

    @pytest.mark.parametrize("probability", [0.4, 0.6, 0.84])
    def test_words_that_are_not_trusted_give_way_to_their_quote(
        self, answerer: Make, index: Index, probability: float
    ) -> None:
        claim = "Repairing it took 40 million euros of taxes."
        answer = answerer(claim, ScriptedReader(ANSWERS, {claim: probability})).ask(COST)
        assert (answer.status, answer.text) == ("answered", f"{COST_SENTENCE} [1]")
        check_quotes(answer, index)

    def test_words_that_are_trusted_stay(self, answerer: Make, index: Index) -> None:
        claim = "Repairing it took 40 million euros of taxes."
        answer = answerer(claim, ScriptedReader(ANSWERS, {claim: 0.9})).ask(COST)
        assert answer.text == f"{claim} [1]"
        check_quotes(answer, index)

    def test_a_partial_claim_is_marked_where_nothing_is_withheld(self, answerer: Make, index: Index) -> None:
        claim = "Repairing it took 40 million euros of taxes."
        answer = answerer(claim, ScriptedReader(ANSWERS, {claim: 0.4}), unsupported="marked").ask(COST)
        assert (answer.status, answer.text) == ("partial", f"{claim} [1] {COST_SENTENCE} [1]")
        assert answer.claims[0].reason == "the quote says only a part of this"
        check_quotes(answer, index)

    def test_one_number_for_one_quote_and_no_claim_twice(self, answerer: Make, index: Index) -> None:
        said = "The repairs cost 40 million euros [1]."
        answer = answerer(f"{said} {said} Repairs cost 40 million euros, twice the estimate [2].").ask(COST)
        assert answer.text == (
            "The repairs cost 40 million euros. [1] Repairs cost 40 million euros, twice the estimate. [1]"
        )
        check_quotes(answer, index)

    def test_at_most_three_claims(self, answerer: Make) -> None:
        said = " ".join(
            f"{repairs} cost 40 million euros."
            for repairs in ("The repairs", "Repairs of the bridge", "The bridge repairs", "These repairs of a bridge")
        )
        assert len(answerer(said).ask(COST).claims) == 3

    def test_offsets_count_code_points(self, answerer: Make, index: Index) -> None:
        asked = "What did Ana Ruiz say about night sailings?"
        answer = answerer("Night sailings let lorries skip the coast road, said Ana Ruiz.").ask(asked)
        assert [q.text for q in answer.claims[0].quotes] == [ARTICLES["ferry.txt"].split("\n")[2]]
        check_quotes(answer, index)

    def test_a_name_is_quoted_where_it_stands(self, answerer: Make, index: Index) -> None:
        answer = answerer("Lund Lines runs 14 ferries on the route.").ask(FLEET)
        assert [q.text for q in answer.claims[0].quotes] == [
            ARTICLES["ferry.txt"].split("\n")[1],
            ARTICLES["ferry.txt"].split("\n")[0],
        ]
        assert answer.text == "Lund Lines runs 14 ferries on the route. [1][2]"
        check_quotes(answer, index)

    @pytest.mark.parametrize(
        ("said", "probability", "second"),
        [
            ("Workers found a rusty sword.", 0.9, False),  # model and reader agree
            ("The mill is old.", 0.9, True),
            ("The mill is old.", 0.6, False),  # much less likely than the best
        ],
    )
    def test_two_sentences_where_model_and_reader_do_not_agree(
        self, remembering: Embedder, tmp_path: Path, said: str, probability: float, second: bool
    ) -> None:
        asked = "What was found at the old mill?"
        best, other = "Workers found a rusty sword at the old mill.", "A child found some coins near the old mill."

        class Likely(ScriptedReader):
            def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
                found = super().read(question, windows)
                return [replace(one, probability=probability) if one.probability < 0.9 else one for one in found]

        with indexed({"a.txt": f"{best}\n{other}\n"}, tmp_path, remembering) as index:
            reader = Likely({asked: ("a rusty sword", "some coins")})
            answer = Answerer(index, remembering, ScriptedGenerator(said), reader).ask(asked)
        quoted = [quote.text for claim in answer.claims if claim.shown for quote in claim.quotes]
        assert quoted == ([best, other] if second else [best])

    def test_a_fact_begins_with_the_best_sentence(self, answerer: Make, index: Index) -> None:
        other = ARTICLES["bridge.txt"].split("\n")[2]
        claim = "Each citizen paid 12 euros for the bridge."
        answer = answerer(claim, ScriptedReader(ANSWERS, {(claim, other): 0.9, claim: 0.1})).ask(COST)
        assert answer.text == f"{COST_SENTENCE} [1] {claim} [2]"
        check_quotes(answer, index)

    def test_the_short_answer_is_what_the_sentences_make_likeliest(self, remembering: Embedder, tmp_path: Path) -> None:
        asked = "Who won the Skarvik Cup?"
        texts = {
            "a.txt": "The Skarvik Cup was won by Bo Lind in the end.\n",
            "b.txt": "Greta Solheim took the Skarvik Cup home on Sunday.\n",
            "c.txt": "Nobody thought that Bo Lind would win the Skarvik Cup.\n",
        }
        reader = ScriptedReader({asked: ("Greta Solheim", "Bo Lind")})
        with indexed(texts, tmp_path, remembering) as index:
            assert Answerer(index, remembering, ScriptedGenerator(""), reader).ask(asked).short == "Bo Lind"


class TestYesOrNo:
    ASKED = "Did the repairs of the bridge cost 40 million euros?"
    STATED = "the repairs of the bridge did cost 40 million euros."

    @pytest.mark.parametrize(
        ("supported", "refuted", "told"), [(0.9, False, "Yes: "), (0.1, True, "No: "), (0.5, False, "")]
    )
    @pytest.mark.parametrize("said", ["", "Yes, it did.", "No, it did not."])
    def test_the_best_sentence_says_which(
        self, answerer: Make, index: Index, supported: float, refuted: bool, told: str, said: str
    ) -> None:
        refutes = [self.STATED] if refuted else []
        reader = ScriptedReader({self.ASKED: "40 million euros"}, {self.STATED: supported}, refutes)
        answer = answerer(said, reader).ask(self.ASKED)
        assert answer.text == f"{told}{COST_SENTENCE} [1]"
        check_quotes(answer, index)

    def test_a_claim_that_says_the_same_stays(self, answerer: Make) -> None:
        reader = ScriptedReader({self.ASKED: "40 million euros"}, {self.STATED: 0.9})
        answer = answerer("Yes, the repairs cost 40 million euros [1].", reader).ask(self.ASKED)
        assert answer.text == "Yes: The repairs cost 40 million euros. [1]"


class TestParts:
    BOTH = "How many ferries does Lund Lines run, and how many lighthouses does Lund Lines own?"

    def test_a_part_without_an_answer_is_named(self, answerer: Make, index: Index) -> None:
        answer = answerer("").ask(self.BOTH)
        ferries, lighthouses = answer.claims
        assert answer.status == "partial"
        assert ferries.text == ARTICLES["ferry.txt"].split("\n")[1]
        assert lighthouses.text == f"I found no sentence that answers “{LIGHTHOUSES}”"
        assert (lighthouses.verdict, lighthouses.shown, lighthouses.quotes) == ("unsupported", True, ())
        assert answer.text == f"{ferries.text} [1] {lighthouses.text}"
        check_quotes(answer, index)

    def test_no_part_with_an_answer_is_a_refusal(self, answerer: Make) -> None:
        reader = ScriptedReader({**ANSWERS, FLEET: (), self.BOTH: ()})
        answer = answerer("", reader).ask(self.BOTH)
        assert (answer.status, answer.claims, answer.text) == ("abstained", (), REFUSAL)

    def test_a_whole_that_another_sentence_answers_needs_no_parts(self, answerer: Make, index: Index) -> None:
        reader = ScriptedReader({**ANSWERS, self.BOTH: "3 May 2021"})
        answer = answerer("", reader).ask(self.BOTH)
        assert [q.text for c in answer.claims for q in c.quotes] == [ARTICLES["ferry.txt"].split("\n")[0]]
        check_quotes(answer, index)

    def test_a_whole_with_the_sentence_of_a_part_leaves_the_other_part_open(self, answerer: Make, index: Index) -> None:
        reader = ScriptedReader({**ANSWERS, self.BOTH: "14 ferries"})
        answer = answerer("Lund Lines runs 14 ferries.", reader).ask(self.BOTH)
        assert answer.text.startswith("Lund Lines runs 14 ferries. [1][2] I found no sentence that answers “")
        check_quotes(answer, index)

    def test_both_years_are_told(self, answerer: Make, index: Index) -> None:
        answer = answerer("").ask("What was Kestrel's profit in 2022 and 2023?")
        before, after, computed = answer.claims
        assert [q.text for c in (before, after) for q in c.quotes] == ARTICLES["brewer.txt"].split("\n")[1::-1]
        assert "3.5 - 3.1 = 0.4 million pounds" in computed.text
        check_quotes(answer, index)

    def test_a_sentence_that_answers_two_parts_is_quoted_once(self, remembering: Embedder, tmp_path: Path) -> None:
        text = "Profit at Kestrel was £3.5 million in 2022 and £3.1 million in 2023, the brewer said.\n"
        with indexed({"brewer.txt": text}, tmp_path, remembering) as index:
            answer = Answerer(index, remembering, ScriptedGenerator(""), ScriptedReader(ANSWERS)).ask(
                "What was Kestrel's profit in 2022 and 2023?"
            )
        assert answer.text.splitlines()[0] == f"- {text.strip()} [1]"
        assert {quote.n for claim in answer.claims for quote in claim.quotes} == {1}

    def test_a_difference_is_computed_from_both_quotes(self, answerer: Make, index: Index) -> None:
        answer = answerer("").ask("By how much did Kestrel's profit fall between 2022 and 2023?")
        computed = answer.claims[-1]
        assert "0.4 million pounds" in computed.text
        assert "3.5 - 3.1 = 0.4 million pounds" in computed.text
        assert [q.text for q in computed.quotes] == ARTICLES["brewer.txt"].split("\n")[1::-1]
        check_quotes(answer, index)


class TestDisagreement:
    def test_both_values_are_quoted_and_flagged(self, remembering: Embedder, tmp_path: Path) -> None:
        more = "The repairs of the bridge over the Vann cost 46 million euros, the council said."
        reader = ScriptedReader({COST: ("40 million euros", "46 million euros")})
        with indexed({**ARTICLES, "gazette.txt": f"{more}\n"}, tmp_path, remembering) as torn:
            generator = ScriptedGenerator("The repairs cost 40 million euros.")
            answer = Answerer(torn, remembering, generator, reader).ask(COST)
            (conflict,) = answer.conflicts
            assert {(v.value, v.article) for v in conflict.values} == {
                ("40 million euros", "bridge.txt"),
                ("46 million euros", "gazette.txt"),
            }
            for value in conflict.values:
                assert torn.article(value.article).text[value.start : value.end] == value.text
            assert answer.text == f"The repairs cost 40 million euros. [1] {more} [2]"
            check_quotes(answer, torn)

    def test_one_value_is_none(self, answerer: Make) -> None:
        assert answerer("").ask(FLEET).conflicts == ()


class TestTime:
    TOLD = MappingProxyType(
        {
            "a.txt": "Published 4 March 2022\nLund Lines ran 10 ferries in 2021, its chair said.\n",
            "b.txt": "Published 9 May 2024\nIn 2023 Lund Lines ran 14 ferries, the company said.\n",
            "c.txt": "Published 2 June 2019\nLund Lines opened its first night route in April 2018.\n"
            "It opened a second night route in May 2019.\n",
        }
    )

    def test_the_answer_says_as_of_when(self, remembering: Embedder, tmp_path: Path) -> None:
        asked = "How many ferries did Lund Lines run in 2023?"
        with indexed(self.TOLD, tmp_path, remembering) as index:
            reader = ScriptedReader({asked: "14 ferries", **ANSWERS})
            answerer = Answerer(index, remembering, ScriptedGenerator("Lund Lines ran 14 ferries."), reader)
            assert answerer.ask(asked).as_of == "2024-05-09"
            assert answerer.ask("What is the capital of France?").as_of == ""


class TestRefusal:
    def test_no_claim_no_word_of_the_model_and_the_nearest_passages(self, answerer: Make, index: Index) -> None:
        generator = ScriptedGenerator("It was painted by Acme Shipping.")
        answer = answerer(generator).ask(LIGHTHOUSES)
        assert (answer.status, answer.claims, answer.text, answer.short) == ("abstained", (), REFUSAL, "")
        assert generator.prompts == []
        assert answer.timings.output_tokens == 0
        assert answer.hits[0].article == "ferry.txt"
        for hit in answer.hits:
            assert index.article(hit.article).text[hit.start : hit.end] == hit.text
        assert answerer("").evidence(LIGHTHOUSES) == []

    def test_an_answerable_question_calls_the_model_once(self, answerer: Make) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros.")
        answerer(generator).ask(COST)
        assert len(generator.prompts) == 1

    def test_an_index_on_something_else_refuses(self, remembering: Embedder, tmp_path: Path) -> None:
        with indexed({"a.txt": "Owls sleep by day."}, tmp_path, remembering) as index:
            answer = Answerer(index, remembering, ScriptedGenerator("Never said."), load_reader(2)).ask(COST)
        assert (answer.status, answer.claims, answer.text) == ("abstained", (), REFUSAL)


class TestEvidence:
    def test_sentences_near_the_best_each_once(self, remembering: Embedder, tmp_path: Path) -> None:
        texts = {
            "a.txt": "Lund Lines runs 14 ferries.\n",
            "b.txt": "LUND LINES runs 14 ferries.\n",
            "c.txt": "A ferry of Lund Lines is blue.\n",
            "d.txt": "Its 14 ferries are what Lund Lines runs now.\n",
        }
        with indexed(texts, tmp_path, remembering) as index:
            answerer = Answerer(index, remembering, ScriptedGenerator(""), ScriptedReader(ANSWERS))
            found = [one.text for one in answerer.evidence(FLEET)]
            only = Answerer(
                index, remembering, ScriptedGenerator(""), ScriptedReader(ANSWERS), AnswerOptions(evidence=1)
            )
            assert len(only.evidence(FLEET)) == 1
        assert sorted(text.casefold() for text in found) == sorted(
            {text.strip().casefold() for text in texts.values() if "14" in text}
        )


class TestFollowUp:
    HISTORY = (Turn("Who leads Lund Lines?", "Ana Ruiz leads Lund Lines [1]."),)

    def test_it_is_asked_with_the_name_it_means(self, answerer: Make) -> None:
        generator = ScriptedGenerator("Night sailings let lorries skip the coast road.")
        reader = ScriptedReader({**ANSWERS, "What did she say about lorries (Lund Lines, Ana Ruiz)?": ()})
        answer = answerer(generator, reader).ask("What did she say about lorries?", self.HISTORY)
        assert (answer.question, answer.standalone_question) == (
            "What did she say about lorries?",
            "What did Ana Ruiz say about lorries?",
        )
        assert (answer.status, [claim.text for claim in answer.claims]) == ("answered", [SPOKEN])

    def test_of_several_readings_the_one_that_the_articles_answer(
        self, answerer: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        candidates = (LIGHTHOUSES, FLEET, COST)
        monkeypatch.setattr("citewire.qa.followup.follow_up", lambda asked, history, elliptic: candidates)
        answer = answerer("").ask("And how many?", self.HISTORY)
        assert answer.standalone_question == FLEET  # COST has an answer, too, but comes later

    def test_it_is_also_looked_for_in_the_articles_of_the_last_answer(
        self, answerer: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line = "What number is given there?"
        monkeypatch.setattr("citewire.qa.followup.follow_up", lambda asked, history, elliptic: (line,))
        reader = ScriptedReader({line: ("9,000 cars", "14 ferries")})
        alone, after = (answerer("", reader).ask(line, history) for history in ((), self.HISTORY))
        assert alone.claims[0].quotes[0].article == "bridge.txt"
        assert {quote.article for claim in after.claims for quote in claim.quotes} == {"ferry.txt"}
        assert {hit.article for hit in after.hits} == {"ferry.txt"}

    def test_an_article_of_the_last_answer_that_is_gone_or_filtered_out_is_passed_over(self, answerer: Make) -> None:
        line = "What number is given there?"
        reader = ScriptedReader({line: ("9,000 cars", "14 ferries")})
        gone, ferry = (replace(self.HISTORY[0], articles=(path,)) for path in ("gone.txt", "ferry.txt"))
        assert answerer("", reader).ask(line, [gone]).status == "answered"
        only = SearchOptions(filters=Filters(articles=("bridge.txt", "brewer.txt")))
        answer = answerer("", reader).ask(line, [ferry], search=only)
        assert {quote.article for claim in answer.claims for quote in claim.quotes} == {"bridge.txt"}

    def test_a_name_of_the_last_answer_is_looked_for_there_first(self, answerer: Make) -> None:
        lines = ("What number does Lund Lines give?", "What number does Kestrel give?")
        reader = ScriptedReader(dict.fromkeys(lines, ("9,000 cars", "14 ferries")))
        asked = [answerer("", reader).ask(line, self.HISTORY).claims[0].quotes[0].article for line in lines]
        assert asked == ["ferry.txt", "bridge.txt"]

    def test_she_is_nobody_whom_the_articles_call_he(self, remembering: Embedder, tmp_path: Path) -> None:
        told = (
            "Ruth Vale is the new mayor of Orm.\n\nVale said that she faces a strike of her drivers.\n\n"
            "Otto Holm resigned on Monday.\n\nHolm lost his seat. Holm said that he misses it.\n"
        )
        history = [
            Turn("Who is the new mayor of Orm?", "Ruth Vale is the new mayor of Orm [1].", ("mayor.txt",)),
            Turn("When did Otto Holm resign?", "Otto Holm resigned on Monday [1].", ("mayor.txt",)),
        ]
        with indexed({"mayor.txt": told}, tmp_path, remembering) as index:
            lines = ("What does she face?", "What does he face?")
            meant = ("What does Ruth Vale face?", "What does Otto Holm face?")
            reader = ScriptedReader({**dict.fromkeys(lines, ()), **dict.fromkeys(meant, "a strike")})
            answering = Answerer(index, remembering, ScriptedGenerator(""), reader)
            assert tuple(answering.ask(line, history).standalone_question for line in lines) == meant

    def test_a_question_of_its_own_does_not_lean_on_history(self, answerer: Make) -> None:
        words = "The repairs cost 40 million euros [1]."
        alone, after = answerer(words).ask(COST), answerer(words).ask(COST, self.HISTORY)
        assert (after.standalone_question, after.hits, after.claims) == (COST, alone.hits, alone.claims)


class TestStream:
    def test_order_of_events(self, answerer: Make) -> None:
        events = list(answerer("The repairs cost 40 million euros [1].").stream(COST))
        assert [type(e) for e in events] == [Searched, *[Draft] * 7, Checked, Answer]
        assert [e.text for e in events if isinstance(e, Draft)][-1] == "The repairs cost 40 million euros."
        assert [e.claim for e in events if isinstance(e, Checked)] == list(events[-1].claims)  # type: ignore[union-attr]
        assert events[0].hits == events[-1].hits  # type: ignore[union-attr]

    @pytest.mark.parametrize("words", [3, 8, 12])
    def test_stopped_between_tokens(self, answerer: Make, words: int) -> None:
        said = "The repairs cost 40 million euros. They were twice the first estimate of the bridge."
        events: list[Event] = []

        def stopped() -> bool:
            return sum(isinstance(e, Draft) for e in events) >= words

        for event in answerer(said).stream(COST, stopped=stopped):
            events.append(event)  # noqa: PERF402  `stopped` reads the list as it grows
        answer = events[-1]
        assert isinstance(answer, Answer)
        assert answer.status == "stopped"
        assert sum(isinstance(e, Draft) for e in events) == words
        expected = [] if words == 3 else ["The repairs cost 40 million euros."]
        assert [c.text for c in answer.claims] == expected
        assert answer.text == "".join(f"{text} [1]" for text in expected)

    def test_stopped_before_the_model(self, answerer: Make) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros.")
        *_, answer = answerer(generator).stream(COST, stopped=lambda: True)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.claims, generator.prompts) == ("stopped", (), [])
        assert answer.hits

    @pytest.mark.parametrize("after", [0, 9])
    def test_a_model_that_fails(self, answerer: Make, after: int) -> None:
        said = "The repairs cost 40 million euros. They were twice the first estimate."
        answer = answerer(ScriptedGenerator(said, fails_after=after)).ask(COST)
        assert (answer.status, answer.text) == ("failed", "the model went away. Start it again")
        assert [c.text for c in answer.claims] == (["The repairs cost 40 million euros."] if after else [])
        assert answer.hits

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "The question is empty"),
            (" \n\t ", "The question is empty"),
            ("x" * 100_000, "This question has 100,000 characters, the limit is 2,000"),
        ],
    )
    def test_a_question_that_cannot_be_used(self, answerer: Make, text: str, problem: str) -> None:
        with pytest.raises(InputError) as caught:
            answerer("").stream(text)  # raises before the stream is read
        assert caught.value.problem == problem
        assert caught.value.fix
        with pytest.raises(InputError, match=problem):
            answerer("").ask(text)

    def test_half_a_surrogate_pair_that_a_shell_passes_on(self, answerer: Make) -> None:
        answer = answerer("", load_reader(2)).ask("How many\udcff ferries does Lund Lines run?")
        assert answer.status in ("answered", "partial", "abstained")

    def test_a_question_of_just_the_allowed_length(self, answerer: Make) -> None:
        assert answerer("", max_question_chars=len(COST)).ask(f"  {COST}\n").question == COST


class TestPrompt:
    def test_sentences_are_numbered_best_first_and_the_question_comes_last(self, answerer: Make) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros.")
        answerer(generator).ask(COST)
        last = generator.prompts[0][-1]
        assert last.role == "user"
        assert last.content.startswith(f"[1] {COST_SENTENCE}\n[2] The bridge carries")
        assert last.content.endswith(f"\n\nQuestion: {COST}")

    @pytest.mark.parametrize("tokens", [1, 10**6])
    def test_the_budget_drops_the_weakest_and_keeps_the_best(self, answerer: Make, tokens: int) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros.")
        answerer(generator, max_prompt_tokens=tokens).ask(COST)
        content = generator.prompts[0][-1].content
        assert COST_SENTENCE in content
        assert ("[2]" in content) is (tokens > 1)

    def test_tokens_are_limited_and_counted(self, answerer: Make) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros.")
        answer = answerer(generator, max_tokens=4).ask(COST)
        assert answer.timings.output_tokens == 4
        assert answer.timings.prompt_tokens == generator.count_tokens(generator.prompts[0])
        assert answer.timings.total_s >= answer.timings.first_token_s > 0


def test_the_answer_as_json(answerer: Make) -> None:
    answer = json.loads(json.dumps(asdict(answerer("The repairs cost 40 million euros [1].").ask(COST))))
    assert answer.keys() >= {
        "question", "standalone_question", "status", "text", "claims", "conflicts", "hits", "timings", "model",
        "index_generation",
    }  # fmt: skip
    assert answer["claims"][0].keys() >= {"text", "verdict", "probability", "reason", "shown", "quotes"}
    assert answer["claims"][0]["quotes"][0].keys() >= {"n", "article", "start", "end", "text"}
    assert answer["hits"][0].keys() >= {"article", "start", "end", "score", "text"}
    assert answer["timings"].keys() >= {"retrieve_s", "first_token_s", "total_s", "prompt_tokens", "output_tokens"}
    assert answer["status"] == "answered"
    assert answer["conflicts"] == []


@pytest.fixture(scope="module")
def reprinted(remembering: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The seeds, and four reprints of the first."""
    folder = tmp_path_factory.mktemp("reprinted")
    for file in (*SEEDS.glob("*.txt"), SEEDS / "metadata.json"):
        (folder / "news" / "seeds").mkdir(parents=True, exist_ok=True)
        (folder / "news" / "seeds" / file.name).write_bytes(file.read_bytes())
    for n, day in enumerate(["2025-07-01", "2025-07-02", "2025-07-03", "2025-07-04"]):
        front = f"---\noutlet: Wire {n}\nauthor: Ada Quill\ndate: {day}\nsection: {'chips' * (n % 2) or 'mines'}\n---\n"
        text = (SEEDS / "000_dc4ea0124dbaad63.txt").read_text(encoding="utf-8")
        (folder / "news" / f"wire{n}.md").write_text(front + text, encoding="utf-8")
    build_index([folder / "news"], folder / "index", remembering)
    with Index.open(folder / "index", remembering) as opened:
        yield opened


class TestSearching:
    """The sources of an answer if one article was reprinted."""

    QUESTION = "How much revenue did Canaan's AI unit generate in 2024?"

    def articles(
        self, index: Index, embedder: Embedder, options: AnswerOptions | None, search: SearchOptions | None = None
    ) -> list[str]:
        answerer = Answerer(index, embedder, ScriptedGenerator("It was $900,000 [1]."), ScriptedReader(), options)
        answer = answerer.ask(self.QUESTION, search=search)
        return [hit.article for hit in answer.hits]

    def test_copies_count_as_one_source_unless_asked_for(self, reprinted: Index, remembering: Embedder) -> None:
        copies = {article.path for article in reprinted.articles() if article.path.startswith("wire")}
        copies.add("seeds/000_dc4ea0124dbaad63.txt")
        assert len({article.group for article in reprinted.articles() if article.path in copies}) == 1
        found = self.articles(reprinted, remembering, None)
        assert len(found) == 8
        (one,) = set(found) & copies
        assert found.count(one) > 1
        assert "seeds/001_3d7a106fe718a57a.txt" in found
        every = self.articles(reprinted, remembering, AnswerOptions(search=SearchOptions(k=12)))
        assert len(set(every) & copies) == 5

    def test_options_reach_the_search(self, reprinted: Index, remembering: Embedder) -> None:
        for filters, expected in (
            (Filters(outlets=("wire 2",)), {"wire2.md"}),
            (Filters(authors=("Ada Quill",), published_to="2025-07-02"), {"wire0.md", "wire1.md"}),
            (Filters(metadata={"section": "chips"}), {"wire1.md", "wire3.md"}),
            (Filters(articles=("seeds/",), published_from="2025-01-01"), {"seeds/001_3d7a106fe718a57a.txt"}),
        ):
            wanted = SearchOptions(filters=filters)
            assert set(self.articles(reprinted, remembering, AnswerOptions(search=wanted))) == expected
            assert set(self.articles(reprinted, remembering, None, wanted)) == expected
        for as_of, expected in (("2025-07-03", {"wire2.md", "wire1.md"}), ("newest", {"wire2.md", "wire3.md"})):
            wanted = SearchOptions(recency="only", half_life=1, as_of=as_of)
            assert set(self.articles(reprinted, remembering, AnswerOptions(search=wanted))) == expected

    def test_the_day_of_asking_is_the_one_given(self, reprinted: Index, remembering: Embedder) -> None:
        answerer = Answerer(reprinted, remembering, ScriptedGenerator("Never said."), ScriptedReader())
        for day in ("2025-06-28", "2025-07-02"):
            hits = answerer.ask("Who runs Canaan now?", search=SearchOptions(k=50, as_of=day)).hits
            expected = search(reprinted, remembering, "Who runs Canaan now?", SearchOptions(k=50, as_of=day))
            assert [(hit.article, hit.score) for hit in hits] == [
                (hit.passage.article, round(hit.score, 6)) for hit in expected
            ]
            later = {article.path for article in reprinted.articles() if article.published > day}
            assert later
            assert not later & {hit.article for hit in hits}

    def test_filters_that_leave_nothing_are_no_refusal(self, reprinted: Index, remembering: Embedder) -> None:
        model = ScriptedGenerator("Never said.")
        answerer = Answerer(reprinted, remembering, model, ScriptedReader())
        wanted = SearchOptions(filters=Filters(outlets=("Wire 9",)))
        events = answerer.stream(self.QUESTION, search=wanted)
        with pytest.raises(InputError, match=r"no article has the outlet 'Wire 9'\. Did you mean 'Wire \d'"):
            next(events)
        assert model.prompts == []

    def test_a_reranker_is_asked(self, reprinted: Index, remembering: Embedder, tmp_path: Path) -> None:
        transformer_of("bert", tmp_path, num_labels=1)
        reranker = CrossEncoderReranker(tmp_path, threads=1)
        options = AnswerOptions(search=SearchOptions(k=5))
        answerer = Answerer(reprinted, remembering, ScriptedGenerator("No."), ScriptedReader(), options, reranker)
        hits = answerer.ask(self.QUESTION).hits
        expected = search(reprinted, remembering, self.QUESTION, 5, reranker)
        assert [(hit.article, hit.start, hit.score) for hit in hits] == [
            (hit.passage.article, hit.passage.start, round(hit.score, 6)) for hit in expected
        ]
        plain = search(reprinted, remembering, self.QUESTION, 5)
        assert min(hit.score for hit in hits) > max(hit.score for hit in plain)


class TestAskedAgain:
    """A cached answer is given again as long as nothing that it depends on has changed."""

    @staticmethod
    def lasting(answer: Answer) -> Answer:
        return replace(answer, timings=Timings())

    def test_the_same_question_gets_the_same_answer_without_the_model(self, answerer: Make) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros [1].")
        answering = answerer(generator)
        first = list(answering.stream(COST))
        again = list(answering.stream(f" {COST}  "))
        assert len(generator.prompts) == 1
        assert again[:-1] == [event for event in first[:-1] if not isinstance(event, Draft)]
        before, after = first[-1], again[-1]
        assert isinstance(before, Answer)
        assert isinstance(after, Answer)
        assert self.lasting(after) == self.lasting(before)
        assert (before.timings.cached, after.timings.cached) == (False, True)
        assert (after.timings.prompt_tokens, after.timings.output_tokens) == (0, 0)
        assert after.timings.total_s < before.timings.total_s

    def test_anew_the_model_is_asked_again(self, answerer: Make) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros [1].")
        answering = answerer(generator)
        first = answering.ask(COST)
        *_, anew = answering.stream(COST, manner="anew")
        assert isinstance(anew, Answer)
        assert not anew.timings.cached
        assert self.lasting(anew) == self.lasting(first)
        assert len(generator.prompts) == 2
        assert answering.ask(COST).timings.cached

    def test_quotes_alone_are_sentences_of_articles(self, answerer: Make, index: Index) -> None:
        generator = ScriptedGenerator("The repairs cost 40 million euros [1].")
        answering = answerer(generator)
        worded = answering.ask(COST)
        *_, quoted = answering.stream(COST, manner="quotes")
        assert isinstance(quoted, Answer)
        assert not quoted.timings.cached
        assert len(generator.prompts) == 1
        check_quotes(quoted, index)
        assert [claim.text for claim in quoted.claims][:1] == [quoted.claims[0].quotes[0].text]
        assert quoted.claims[0].quotes[0].text == worded.claims[0].quotes[0].text
        assert answering.ask(COST).text == worded.text

    def test_how_an_answer_begins_is_known_without_the_model(self, answerer: Make) -> None:
        generator = ScriptedGenerator("Never said.")
        answering = answerer(generator)
        begun = answering.foreseen(COST)
        assert begun
        assert (begun.standalone_question, begun.kind, bool(begun.hits)) == (COST, "fact", True)
        assert answering.foreseen(NOT_SAID) is None
        assert answering.foreseen("Write a poem about the bridge.") is None
        assert generator.prompts == []

    def test_a_title_decides_nothing_of_what_is_asked(self, answerer: Make) -> None:
        asked = "Summarise the article “How did the bridge over the Vann change since 2019?”"
        begun = answerer("Never said.").foreseen(asked)
        assert begun
        assert begun.kind == "summary"

    def test_a_refusal_too(self, answerer: Make) -> None:
        answering = answerer("Never said.")
        first, again = (answering.ask(NOT_SAID) for _ in range(2))
        assert first.status == "abstained"
        assert again.timings.cached
        assert self.lasting(again) == self.lasting(first)

    def test_another_search_is_another_question(self, answerer: Make) -> None:
        answering = answerer("The repairs cost 40 million euros [1].")
        answering.ask(COST)
        for other in (SearchOptions(k=3), SearchOptions(filters=Filters(articles=("bridge.txt",)))):
            assert not answering.ask(COST, search=other).timings.cached
            assert answering.ask(COST, search=other).timings.cached

    def test_a_follow_up_is_known_by_what_it_follows(self, answerer: Make) -> None:
        generator = ScriptedGenerator("Night sailings let lorries skip the coast road.")
        reader = ScriptedReader({**ANSWERS, "What did she say about lorries (Lund Lines, Ana Ruiz)?": ()})
        answering = answerer(generator, reader)
        asked = "What did she say about lorries?"
        chair = [Turn("Who leads Lund Lines?", "Ana Ruiz leads Lund Lines [1].")]
        bridge = [Turn(COST, "The repairs cost 40 million euros [1].")]
        first = answering.ask(asked, chair)
        assert first.standalone_question == "What did Ana Ruiz say about lorries?"
        other = answering.ask(asked, bridge)
        assert not other.timings.cached
        assert other.standalone_question != first.standalone_question
        again = answering.ask(asked, [Turn("Hello?", "Hello."), *chair])
        assert again.timings.cached
        assert self.lasting(again) == self.lasting(first)

    def test_a_changed_index_is_asked_anew(self, remembering: Embedder, tmp_path: Path) -> None:
        news = tmp_path / "news"
        news.mkdir()
        (news / "bridge.txt").write_text(ARTICLES["bridge.txt"])
        build_index([news], tmp_path / "index", remembering)
        generator = ScriptedGenerator("The repairs cost 40 million euros [1].")
        with Index.open(tmp_path / "index", remembering) as old:
            answering = Answerer(
                old, remembering, generator, ScriptedReader({COST: ("40 million euros", "70 million euros")})
            )
            before = answering.ask(COST)
            (news / "bridge.txt").write_text(ARTICLES["bridge.txt"].replace("40 million", "70 million"))
            build_index([news], tmp_path / "index", remembering)
            with Index.open(tmp_path / "index", remembering) as new:
                after = answering.over(new).ask(COST)
            assert answering.ask(COST).timings.cached  # the old generation keeps its answers
        assert before.index_generation < after.index_generation
        assert not after.timings.cached
        assert "40 million" in before.text
        assert "70 million" in after.text
        assert "40 million" not in after.text

    def test_another_model_is_asked_of_the_same_index_and_its_answers_are_its_own(self, answerer: Make) -> None:
        other = ScriptedGenerator("40 million euros was the cost of the repairs [1].")
        answering = answerer("The repairs cost 40 million euros [1].", max_tokens=99)
        before = answering.ask(COST)
        by_other = answering.with_generator(other)
        after = by_other.ask(COST)
        assert by_other.options == answering.options
        assert not after.timings.cached
        assert len(other.prompts) == 1
        assert (before.hits, before.index_generation) == (after.hits, after.index_generation)
        assert [one.claims[0].text.split()[0] for one in (before, after)] == ["The", "40"]

    def test_what_was_stopped_or_failed_is_not_kept(self, answerer: Make) -> None:
        answering = answerer("The repairs cost 40 million euros [1].")
        *_, stopped = answering.stream(COST, stopped=lambda: True)
        assert isinstance(stopped, Answer)
        assert stopped.status == "stopped"
        assert answering.ask(COST).status == "answered"
        failing = answerer(ScriptedGenerator("The repairs cost 40 million euros.", fails_after=2))
        assert [failing.ask(COST).status for _ in range(2)] == ["failed", "failed"]

    def test_who_leaves_before_the_end_leaves_nothing_half_told(self, answerer: Make) -> None:
        answering = answerer("The repairs cost 40 million euros [1].")
        events = answering.stream(COST)
        assert isinstance(events, GeneratorType)
        next(events)
        events.close()
        answer = answering.ask(COST)
        assert not answer.timings.cached
        assert answer.text == "The repairs cost 40 million euros. [1]"

    @pytest.mark.parametrize(
        ("cached", "kept"), [(2, [False, True, True]), (1, [False, False, True]), (0, [False] * 3)]
    )
    def test_the_least_used_are_forgotten(self, answerer: Make, cached: int, kept: list[bool]) -> None:
        answering = answerer("The repairs cost 40 million euros [1].", cached=cached)
        asked = [COST, FLEET, PROFIT_2022]
        for text in asked:
            answering.ask(text)
        assert [answering.ask(text).timings.cached for text in reversed(asked)] == kept[::-1]

    def test_what_was_searched_is_not_searched_again(self, answerer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        searched: list[str] = []

        def counted(*given: object) -> list[Hit]:
            searched.append(f"{given[2]} {given[3]}")
            return search(*given)  # type: ignore[arg-type]

        monkeypatch.setattr("citewire.qa.finding.search", counted)
        answering = answerer("The repairs cost 40 million euros [1].", cached=0)
        first, again = answering.ask(COST), answering.ask(COST)
        assert len(searched) == len(set(searched)) > 0
        assert again.hits == first.hits


def test_warming_up_reads_what_all_prompts_begin_with(answerer: Make) -> None:
    generator = ScriptedGenerator("The repairs cost 40 million euros [1].")
    answering = answerer(generator)
    answering.warm_up()
    (warming,) = generator.prompts
    answer = answering.ask(COST)
    assert answer.text == "The repairs cost 40 million euros. [1]"
    assert generator.prompts[1][:-1] == warming[:-1]


def test_threads_may_share_it(answerer: Make) -> None:
    asked = [COST, FLEET, LIGHTHOUSES, PROFIT_2022] * 4
    alone = {text: replace(answerer("").ask(text), timings=Timings()) for text in asked}
    shared = answerer("", load_reader(2), cached=0)
    expected = {text: replace(shared.ask(text), timings=Timings()) for text in asked[:4]}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(answerer("").ask, asked))
        real = list(pool.map(shared.ask, asked))
    assert [replace(answer, timings=Timings()) for answer in found] == [alone[text] for text in asked]
    assert [replace(answer, timings=Timings()) for answer in real] == [expected[text] for text in asked]


@pytest.fixture(scope="module")
def real(seeds_index: Index, embedder: Embedder, generator: Generator) -> Answerer:
    return Answerer(seeds_index, embedder, generator, load_reader(2))


@pytest.mark.model
class TestReal:
    """The five articles of seeds/ with the real embedder, reader and default model."""

    def test_a_fact(self, real: Answerer, seeds_index: Index) -> None:
        events = list(real.stream("How much revenue did Canaan's AI unit generate in 2024?"))
        answer = events[-1]
        assert isinstance(answer, Answer)
        assert answer.status == "answered"
        assert "$900,000" in answer.text
        assert any("$900,000" in q.text for c in answer.claims for q in c.quotes)
        check_quotes(answer, seeds_index)
        assert answer.model == "qwen2.5-coder-0.5b"
        kinds = [type(e) for e in events]
        assert (kinds[0], kinds[-1]) == (Searched, Answer)
        assert kinds.count(Checked) == len(answer.claims)
        assert set(kinds[1:-1]) <= {Draft, Checked}

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ("What is the capital of Peru?", replies.NOT_FOR_IT["general"]),
            ("What do owls eat in winter?", replies.NOT_FOR_IT["general"]),
        ],
    )
    def test_a_refusal(self, real: Answerer, asked: str, told: str) -> None:
        answer = real.ask(asked)
        assert (answer.status, answer.claims, answer.text) == ("abstained", (), told)
        assert answer.hits
