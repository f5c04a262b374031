"""Question files, marking of answers, and runs that are interrupted and resumed; a real answerer, a scripted model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from embedders import HashedWordsEmbedder
from generators import ScriptedGenerator
from readers import ScriptedReader

from citewire.index.build import build_index
from citewire.index.errors import InputError
from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Article
from citewire.qa.answer import Answerer
from citewire.qa.evaluate import marks as marking
from citewire.qa.evaluate import records, runs
from citewire.qa.evaluate.records import Claimed, Item, QuestionItem
from citewire.qa.evaluate.runs import Evaluator, Results, Source
from citewire.qa.types import (
    REFUSAL,
    Answer,
    AnswerHit,
    Claim,
    Conflict,
    ConflictValue,
    Quote,
    Turn,
    Verdict,
)
from citewire.qa.verdicts import Checker, Judged, Quoted

BRIDGE = "The repairs of the Vann bridge cost 40 million euros. The bridge reopened in September 2019."
FERRY = "Lund Lines runs 14 ferries between Norland and Skarvik. Its chair is Ana Ruiz."


def written(folder: Path, *lines: object) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return file


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Item]]:
    return lambda *lines: records.read(written(tmp_path, *lines))[1]


@pytest.fixture
def asked(read: Callable[..., list[Item]]) -> Callable[..., QuestionItem]:
    def one(**fields: object) -> QuestionItem:
        (item,) = read({"question": "Who?", **fields})
        assert isinstance(item, QuestionItem)
        return item

    return one


Make = Callable[..., QuestionItem]


class TestQuestions:
    def test_the_users_own(self, asked: Make) -> None:
        item = asked(
            id=7,
            answer="Ann",
            sources=["vote.txt"],
            history=[["A?", "B."], {"question": "C?", "answer": "D."}],
            date="2022/06/16",
        )
        assert (item.id, item.line, item.kind, item.question) == ("7", 1, "question", "Who?")
        assert (item.answers, item.answerable, item.cite, item.find) == (("Ann",), True, ("vote.txt",), ("vote.txt",))
        assert item.history == (Turn("A?", "B."), Turn("C?", "D."))
        assert item.as_of == "2022-06-16"
        assert not item.own

    def test_without_an_answer_nothing_is_known(self, asked: Make) -> None:
        assert asked().answerable is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"unanswerable": True},
            {"is_impossible": True, "answers": [""]},
            {"answerable": False, "output": [{"answer": ""}]},
            {"kind": "unanswerable"},
            {"question_type": "null_query", "answer": "Insufficient information."},
        ],
    )
    def test_unanswerable(self, asked: Make, fields: dict[str, object]) -> None:
        item = asked(**fields)
        assert (item.kind, item.answerable, item.answers) == ("unanswerable", False, ())

    @pytest.mark.parametrize(
        ("fields", "answers", "every"),
        [
            ({"answers": ["Ann", "Ann Lee"]}, ("Ann", "Ann Lee"), False),
            ({"gold_answers": ["Ann", "Bo"], "wrong_answers": ["Cy"]}, ("Ann", "Bo"), True),
            ({"output": [{"answer": "Ann."}, {"answer": "It is Ann."}]}, ("Ann.", "It is Ann."), False),
            ({"answer": 14}, ("14",), False),
        ],
    )
    def test_right_answers(self, asked: Make, fields: dict[str, object], answers: tuple[str, ...], every: bool) -> None:
        item = asked(**fields)
        assert (item.answers, item.every, item.answerable) == (answers, every, True)

    def test_wrong_answers(self, asked: Make) -> None:
        assert asked(gold_answers=["Ann"], wrong_answers=["Bo"]).wrong == ("Bo",)
        assert asked(answer="“Ann”", choices=["Ann", "Bo", "Cy"]).wrong == ("Bo", "Cy")

    def test_gold_docs_are_to_be_found_and_need_not_be_cited(self, asked: Make) -> None:
        item = asked(gold_docs=[201])
        assert (item.cite, item.find) == ((), ("201",))

    @pytest.mark.parametrize(
        ("fields", "texts"),
        [
            ({"context": "One."}, ["One."]),
            ({"passages": [{"text": "One.", "title": "T"}]}, ["One."]),
            ({"docs": ["One.", "Two."]}, ["One.", "Two."]),
            ({"docs": [{"text": None}, {"text": "Two."}]}, ["Two."]),
            ({"evidence_list": [{"fact": "One.", "source": "Herald"}]}, ["One."]),
            ({"evidence_list": []}, []),
        ],
    )
    def test_documents_of_its_own(self, asked: Make, fields: dict[str, object], texts: list[str]) -> None:
        item = asked(**fields)
        assert item.own
        assert [document.text for document in item.documents] == texts

    def test_what_a_document_states(self, asked: Make) -> None:
        fields = {
            "fact": "F.",
            "title": "T",
            "source": "Herald",
            "published_at": "2023-09-26T17:01:22+00:00",
            "url": "U",
        }
        (document,) = asked(evidence_list=[fields]).documents
        assert document == records.Document("F.", "T", "Herald", "2023-09-26T17:01:22+00:00", "U")

    @pytest.mark.parametrize(
        ("answers", "disagree", "values"),
        [
            (["3,559", "3559", "unknown"], False, ("3559",)),
            (["1856", "1900", "unknown"], True, ("1856", "1900")),
            (["unknown", ""], None, ()),
        ],
    )
    def test_documents_that_say_their_answer(
        self, asked: Make, answers: list[str], disagree: bool | None, values: tuple[str, ...]
    ) -> None:
        item = asked(documents=[{"text": "T.", "answer": answer} for answer in answers])
        assert (item.disagree, item.values) == (disagree, values)
        assert item.kind == ("conflict" if disagree else "question")

    def test_documents_with_choices(self, asked: Make) -> None:
        texts = [{"text": "It was Ann Lee."}, {"text": "It was Bo."}]
        item = asked(docs=texts, choices=["Ann Lee", "Bo", "Cy"], answer="Bo")
        assert (item.disagree, item.values) == (True, ("Ann Lee", "Bo"))
        assert asked(docs=texts[:1], choices=["Ann Lee", "Bo"], answer="Bo").disagree is None

    def test_the_same_line_has_the_same_key_and_a_second_one_another(self, read: Callable[..., list[Item]]) -> None:
        first, second, third = read({"question": "A?"}, {"question": "B?"}, {"question": "A?"})
        (again,) = read({"question": "B?"})
        assert again.key == second.key
        assert third.key == f"{first.key}-2"


class TestClaims:
    @pytest.mark.parametrize("label", ["SUPPORTS", "supported", 1, True, "yes", "entailment"])
    def test_supported(self, read: Callable[..., list[Item]], label: object) -> None:
        (item,) = read({"id": "c", "claim": "C.", "evidence": ["A.", "B."], "label": label})
        assert isinstance(item, Claimed)
        assert (item.id, item.claim, item.evidence, item.supported) == ("c", "C.", "A.\nB.", True)

    @pytest.mark.parametrize("label", ["REFUTES", "partially_supported", "not supported", 0, False])
    def test_not_supported(self, read: Callable[..., list[Item]], label: object) -> None:
        (item,) = read({"doc": "D.", "summary": "S.", "label": label})
        assert isinstance(item, Claimed)
        assert (item.claim, item.evidence, item.supported, item.kind) == ("S.", "D.", False, "not supported")

    def test_most_responses_decide(self, read: Callable[..., list[Item]]) -> None:
        said = [["yes", "yes", "no"], ["no", "no", "yes"]]
        sentences = [{"sentence": f"S{i}.", "responses": [{"response": r} for r in rs]} for i, rs in enumerate(said)]
        items = read({"article": "A.", "summary_sentences": sentences})
        assert [(item.id, item.claim, item.supported) for item in items if isinstance(item, Claimed)] == [
            ("1.1", "S0.", True),
            ("1.2", "S1.", False),
        ]


class TestBadFiles:
    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("{oops", "line 2 is not JSON"),
            ("[1]", "line 2 is no object: [1]"),
            ({"text": "hello"}, "line 2 is neither a question nor a claim; it has text"),
            ({"question": " "}, "line 2 has an empty question"),
            ({"question": ["Who?"]}, 'line 2 has question = ["Who?"]'),
            ({"question": "Who?", "answer": {"a": 1}}, 'line 2 has {"a": 1} in answer'),
            ({"question": "Who?", "unanswerable": "yes"}, 'line 2 has unanswerable = "yes"'),
            ({"question": "Who?", "date": "last week"}, "line 2 has date = 'last week', which is no day"),
            ({"question": "Who?", "history": ["Hi"]}, 'line 2 has "Hi" in history'),
            ({"question": "Who?", "must_include": ["a"]}, 'line 2 has must_include = ["a"]'),
            ({"question": "Who?", "docs": "D."}, 'line 2 has docs = "D."'),
            ({"question": "Who?", "docs": [{"title": "T"}]}, "line 2 has a document without text in docs"),
            ({"question": "Who?", "output": ["A"]}, 'line 2 has output = ["A"]'),
            ({"claim": "C.", "evidence": "", "label": 1}, "line 2 has an empty evidence"),
            ({"claim": "C.", "evidence": "E.", "label": "maybe"}, 'line 2 has label = "maybe"'),
            ({"article": "A.", "summary_sentences": [{"sentence": "S."}]}, "line 2 has summary sentence"),
        ],
    )
    def test_the_line_the_value_and_the_fix_are_named(self, tmp_path: Path, line: object, said: str) -> None:
        with pytest.raises(InputError) as caught:
            records.read(written(tmp_path, {"question": "Who?"}, line))
        assert said in caught.value.problem
        assert "questions.jsonl" in caught.value.problem
        assert caught.value.fix

    def test_a_line_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "q.jsonl").write_bytes('{"question": "Café?"}\n'.encode("latin-1"))
        with pytest.raises(InputError, match="line 1 is not JSON in UTF-8"):
            records.read(tmp_path / "q.jsonl")

    def test_no_file_and_no_records(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be read: No such file"):
            records.read(tmp_path / "none.jsonl")
        with pytest.raises(InputError, match="has no records"):
            records.read(written(tmp_path, "", " "))


class TestSelection:
    @pytest.fixture
    def items(self, read: Callable[..., list[Item]]) -> list[Item]:
        return read(*({"question": f"Q{i}?", "kind": "odd" if i % 2 else "even"} for i in range(20)))

    def test_the_first(self, items: list[Item]) -> None:
        assert records.select(items, limit=3) == items[:3]
        assert records.select(items, limit=3, kinds=("odd",)) == items[1:7:2]

    def test_a_sample_keeps_the_order_and_moves_with_the_seed(self, items: list[Item]) -> None:
        one, same, other = (records.select(items, sample=8, seed=seed) for seed in (1, 1, 2))
        assert one == same != other
        assert [item.line for item in one] == sorted(item.line for item in one)
        assert records.select(items, sample=99) == items

    @pytest.mark.parametrize(
        ("wanted", "said"),
        [
            ({"kinds": ("fact",)}, "no record is of the kind 'fact'. The kinds are: even, odd"),
            ({"limit": 0}, "--limit 0 takes no record"),
            ({"sample": -1}, "--sample -1 takes no record"),
            ({"limit": 1, "sample": 1}, "--limit and --sample are both given"),
        ],
    )
    def test_what_cannot_be_selected(self, items: list[Item], wanted: dict[str, Any], said: str) -> None:
        with pytest.raises(InputError) as caught:
            records.select(items, **wanted)
        assert said in str(caught.value)


# -- what is right --------------------------------------------------------------------------------------------------


ARTICLES = {path: Article(path, text, "") for path, text in (("bridge.txt", BRIDGE), ("ferry.txt", FERRY))}


def quote(n: int, article: str, text: str) -> Quote:
    start = ARTICLES[article].text.index(text)
    return Quote(n, article, start, start + len(text), text)


COST = quote(1, "bridge.txt", "The repairs of the Vann bridge cost 40 million euros.")
CHAIR = quote(2, "ferry.txt", "Its chair is Ana Ruiz.")


def claim(text: str, *quotes: Quote, verdict: Verdict = "supported", shown: bool = True) -> Claim:
    return Claim(text, verdict, 0.9, "", shown, quotes)


def answer(*claims: Claim, conflicts: Sequence[Conflict] = (), hits: Sequence[str] = ()) -> Answer:
    found = tuple(AnswerHit(path, 0, 5, 1.0, "hello") for path in hits)
    text = " ".join(f"{one.text} {one.marks}" for one in claims if one.shown)
    return Answer("Q?", "Q?", "answered", text, claims, tuple(conflicts), hits=found)


REFUSED = Answer("Q?", "Q?", "abstained", REFUSAL)


@dataclass(frozen=True)
class Worded(Answer):
    """An answer with the short answer that is marked."""

    short: str = ""


def conflict(*values: str) -> Conflict:
    return Conflict("cost", tuple(ConflictValue(v, "bridge.txt", "", 0, 3, "The") for v in values))


def marks(item: QuestionItem, given: Answer) -> dict[str, tuple[float, float]]:
    return marking.mark_answer(item, given, ARTICLES.__getitem__, Checker(ScriptedReader())).tallies


def is_right(item: QuestionItem, given: Answer) -> bool | None:
    return marking.mark_answer(item, given, ARTICLES.__getitem__, Checker(ScriptedReader())).right


class TestRight:
    def test_gold_rules(self, asked: Make) -> None:
        item = asked(kind="fact", must_include=[["40 million", "40m"]], must_not_include=["50"], sources=["bridge.txt"])
        good = claim("The repairs cost 40 MILLION euros.", COST)
        assert is_right(item, answer(good))
        assert not is_right(item, answer(claim("The repairs cost a lot.", COST)))
        assert not is_right(item, answer(claim("The repairs cost 40 million, not 50.", COST)))
        assert not is_right(item, answer(claim("The repairs cost 40 million euros.", CHAIR)))
        assert not is_right(item, answer(replace(good, shown=False)))
        assert not is_right(item, REFUSED)
        assert not is_right(item, replace(answer(good), status="failed"))

    def test_a_sentence_to_be_quoted(self, asked: Make) -> None:
        item = asked(quote=f" {COST.text} ", sources=["bridge.txt"])
        said = answer(claim("It cost 40 million euros.", COST))
        assert (is_right(item, said), marks(item, said)["sentence_quoted"]) == (True, (1, 1))
        elsewhere = answer(claim("It cost 40 million euros.", replace(COST, article="copy.txt")))
        assert marking.judge(item, elsewhere) == (True, [])  # a copy of the story supports it, too
        other = answer(claim("She said so.", CHAIR))
        assert marking.judge(item, other) == (False, ["cites none of bridge.txt"])
        assert marking.judge(item, REFUSED) == (False, ["refuses what the sources say"])
        assert marking.judge(asked(quote="Say."), other) == (False, ["does not quote: Say."])
        assert "sentence_quoted" not in marks(asked(), said)

    def test_why_it_is_wrong(self, asked: Make) -> None:
        item = asked(must_include=[["40 million", "40m"]], must_not_include=["lot"], sources=["bridge.txt"])
        _, why = marking.judge(item, answer(claim("It cost a lot.", CHAIR)))
        assert why == ["does not say 40 million or 40m", "says 'lot'", "cites none of bridge.txt"]

    def test_unanswerable(self, asked: Make) -> None:
        item = asked(unanswerable=True)
        assert is_right(item, REFUSED)
        assert not is_right(item, answer(claim("It is Ana Ruiz.", CHAIR)))

    def test_a_false_premise_may_be_refused_or_corrected(self, asked: Make) -> None:
        item = asked(kind="false_premise", must_not_include=["shut because"], sources=["bridge.txt"])
        assert is_right(item, REFUSED)
        assert is_right(item, answer(claim("It reopened.", COST)))
        assert not is_right(item, answer(claim("It shut because of rain.", COST)))

    def test_a_conflict_is_shown_and_flagged(self, asked: Make) -> None:
        item = asked(kind="conflict", must_include=[["40"], ["44"]], sources=["bridge.txt"])
        both = claim("One says 40, one says 44.", COST)
        assert is_right(item, answer(both, conflicts=[conflict("40", "44")]))
        assert is_right(item, answer(claim("It cost 40 million.", COST), conflicts=[conflict("40", "44")]))
        assert not is_right(item, answer(both))

    def test_any_answer_or_every_answer(self, asked: Make) -> None:
        given = answer(claim("It is Ana Ruiz.", CHAIR))
        assert is_right(asked(answers=["Bo", "Ana Ruiz"]), given)
        assert not is_right(asked(gold_answers=["Bo", "Ana Ruiz"]), given)

    def test_an_answer_too_long_to_be_looked_for_is_not_judged(self, asked: Make) -> None:
        item = asked(output=[{"answer": "word " * 20}])
        assert is_right(item, answer(claim("It is Ana Ruiz.", CHAIR))) is None
        assert is_right(item, REFUSED) is None
        assert marks(item, answer(claim("word " * 5, CHAIR)))["f1"] == pytest.approx((10 / 25, 1))

    def test_nothing_is_known(self, asked: Make) -> None:
        given = marking.mark_answer(
            asked(), answer(claim("It is Ana.", CHAIR)), ARTICLES.__getitem__, Checker(ScriptedReader())
        )
        assert given.right is None
        assert "right" not in given.tallies

    @pytest.mark.parametrize(
        ("text", "wanted", "said"),
        [
            ("It carried 3,559 people.", "3559 people", True),
            ("It cost $12.2bn in all.", "$12.2 billion", True),
            ("It cost 12.3 billion dollars.", "$12.2 billion", False),
            ("There are 10 of them.", "ten", True),
            ("Ten ships.", "10 ferries", False),
            ("Yes, it does.", "Yes", True),
            ("It does. Yes.", "yes", False),
            ("No.", "yes", False),
            ("He is Anatol.", "Ana", False),
        ],
    )
    def test_says(self, text: str, wanted: str, said: bool) -> None:
        assert marking.says(text, wanted) is said


class TestMarks:
    def test_a_quote_that_is_not_exact(self, asked: Make) -> None:
        wrong = replace(CHAIR, start=CHAIR.start + 1)
        found = marking.mark_answer(
            asked(), answer(claim("A.", COST, wrong)), ARTICLES.__getitem__, Checker(ScriptedReader())
        )
        assert found.tallies["quotes_exact"] == (1.0, 2.0)
        assert found.why == ("a quote is not in its article: Its chair is Ana Ruiz.",)

    def test_a_value_of_a_conflict_that_is_not_exact(self, asked: Make) -> None:
        bad = Conflict("cost", (ConflictValue("40", "bridge.txt", "", 0, 3, "the"),))
        assert marks(asked(), answer(conflicts=[bad]))["quotes_exact"] == (0, 1)

    def test_facts_quoted(self, asked: Make) -> None:
        good, wrong = (
            claim("The bridge cost 40,000,000 euros.", COST),
            claim("The bridge cost 41 million in May 2019.", COST),
        )
        other = claim("In Norland the repairs cost 40 million.", COST)
        assert marks(asked(), answer(good, wrong, other))["facts_quoted"] == (1, 3)
        assert marks(asked(), answer(replace(wrong, verdict="partial")))["facts_quoted"] == (0, 0)
        place = quote(1, "bridge.txt", "The repairs of the Vann bridge cost 40 million euros.")
        assert marks(asked(), answer(claim(place.text, place)))["facts_quoted"] == (1, 1)
        computed = claim("Twice that is 80 million euros (40 million x 2 = 80 million euros).", COST)
        invented = claim("With the rest it is 90 million euros (40 million + 50 million = 90 million euros).", COST)
        assert marks(asked(), answer(computed))["facts_quoted"] == (0, 1)  # 2 is in no quote
        assert marks(asked(), answer(invented))["facts_quoted"] == (0, 1)
        both = claim("The cost less the cost is 0 euros (40 million - 40 million = 0 euros).", COST)
        assert marks(asked(), answer(both))["facts_quoted"] == (1, 1)

    def test_citations(self, asked: Make) -> None:
        cost = "The repairs of the Vann bridge cost 40 million euros."
        found = marks(asked(), answer(claim(cost, COST, CHAIR), claim("Bo likes tea.", CHAIR), claim("Hm.")))
        assert found["citation_recall"] == (1.0, 3.0)
        assert found["citation_precision"] == (1.0, 3.0)

    def test_a_sentence_supports_itself_whatever_the_checker_says(self, asked: Make) -> None:
        class Never(Checker):
            def check(self, claim: str, evidence: str | Sequence[Quoted], cited: Sequence[int] = ()) -> Judged:
                del claim
                return super().check("Bo likes tea.", evidence, cited)

        given = answer(claim("The bridge  cost\nmoney.", quote(1, "ferry.txt", "Its chair")), claim(CHAIR.text, CHAIR))
        found = marking.mark_answer(asked(), given, ARTICLES.__getitem__, Never(ScriptedReader())).tallies
        assert found["citation_recall"] == found["citation_precision"] == (1, 2)

    def test_sources(self, asked: Make) -> None:
        found = marks(asked(sources=["bridge.txt"]), answer(claim("A.", COST), claim("B.", CHAIR)))
        assert found["source_precision"] == (1, 2)

    def test_refusals(self, asked: Make) -> None:
        items = [asked(unanswerable=True), asked(answer="Ann")]
        found = [marks(item, given) for item in items for given in (REFUSED, answer(claim("A.", COST)))]
        assert [one["refusal_precision"] for one in found] == [(1, 1), (0, 0), (0, 1), (0, 0)]
        assert [one["refusal_recall"] for one in found] == [(1, 1), (0, 1), (0, 0), (0, 0)]
        assert [one["answered"] for one in found] == [(0, 0), (0, 0), (0, 1), (1, 1)]
        assert "refusal_recall" not in marks(asked(kind="false_premise"), REFUSED)

    def test_words_of_the_unanswerable_count_only_where_others_have_answers(self, asked: Make) -> None:
        assert marks(asked(is_impossible=True, answers=[]), REFUSED)["em"] == (1, 1)
        assert "em" not in marks(asked(kind="unanswerable"), REFUSED)

    def test_words(self, asked: Make) -> None:
        found = marks(asked(answers=["Ana Ruiz"]), answer(claim("Ana Ruiz", CHAIR), claim("Bo", CHAIR, shown=False)))
        assert (found["em"], found["f1"], found["answer_recall"]) == ((1, 1), (1, 1), (1, 1))
        assert marks(asked(answers=["Ana"]), REFUSED)["f1"] == (0, 1)

    @pytest.mark.parametrize(("said", "right"), [("It was the Squid Game.", 1), ("It was Friends.", 0), ("A game.", 0)])
    def test_multiple_choice(self, asked: Make, said: str, right: float) -> None:
        item = asked(answers=["“Squid Game”"], choices=["“Squid Game”", "“Friends”", "“Big Game”"])
        assert marks(item, answer(claim(said, COST)))["multiple_choice"] == (right, 1)

    def test_few_words_go_before_sentences(self, asked: Make) -> None:
        given = Worded("Q?", "Q?", "answered", "", (claim("Its chair is Ana Ruiz.", CHAIR),), short="Ana Ruiz")
        found = marks(asked(answers=["Ana Ruiz"]), given)
        assert (found["em"], found["f1"], found["answer_recall"]) == ((1, 1), (1, 1), (1, 1))
        whole = marks(asked(answers=["Ana Ruiz"]), replace(given, short=""))
        assert (whole["em"], whole["f1"]) == ((0, 1), (2 * 2 / (5 + 2), 1))
        other = marks(asked(answers=["chair"]), given)
        assert (other["em"], other["f1"], other["answer_recall"]) == ((0, 1), (0, 1), (1, 1))
        assert marks(asked(answers=["Ana Ruiz"]), replace(given, status="abstained"))["em"] == (0, 1)

    @pytest.mark.parametrize(("few", "right"), [("Ana", 1), ("Bo", 0), ("a chair", 1)])
    def test_multiple_choice_by_few_words_first(self, asked: Make, few: str, right: float) -> None:
        said = claim("Bo says that its chair is Ana Ruiz.", CHAIR)
        given = Worded("Q?", "Q?", "answered", "", (said,), short=few)
        item = asked(answers=["Ana Ruiz"], choices=["Ana Ruiz", "Bo Lind", "Cy Dahl"])
        assert marks(item, given)["multiple_choice"] == (right, 1)

    def test_disagreement(self, asked: Make) -> None:
        there = asked(documents=[{"text": "T", "answer": "40"}, {"text": "T", "answer": "44"}])
        none = asked(documents=[{"text": "T", "answer": "40"}])
        flagged = answer(claim("It cost 40.", COST), conflicts=[conflict("40", "50")])
        assert marks(there, flagged)["conflict_precision"] == marks(there, flagged)["conflict_recall"] == (1, 1)
        assert marks(there, flagged)["conflict_values"] == (1, 2)
        assert marks(none, flagged)["conflict_precision"] == (0, 1)
        assert marks(there, REFUSED)["conflict_recall"] == (0, 1)
        assert "conflict_recall" not in marks(asked(), flagged)

    def test_misled(self, asked: Make) -> None:
        item = asked(documents=[{"text": "T"}], gold_answers=["40"], wrong_answers=["50"])
        assert marks(item, answer(claim("It cost 50.", COST)))["misled"] == (1, 1)
        assert marks(item, answer(claim("It cost 50.", COST), conflicts=[conflict("60")]))["misled"] == (0, 1)
        assert marks(item, answer(claim("It cost 40, not 50.", COST)))["misled"] == (0, 1)

    def test_what_was_found(self, asked: Make) -> None:
        hits = ["a.txt", "a.txt", "b.txt", "wire.jsonl#7", "news/c.txt"]
        found = marks(asked(gold_docs=[7, "c.txt"]), answer(hits=hits))
        assert (found["hits_at_1"], found["hits_at_4"]) == ((0, 1), (1, 1))
        assert found["mrr"] == pytest.approx((1 / 3, 1))
        assert marks(asked(gold_docs=[17]), answer(hits=["wire.jsonl#117"]))["mrr"] == (0, 1)


COSTS = "The repairs of the bridge cost 40 million euros."


class TestChecker:
    @pytest.mark.parametrize(
        ("said", "verdict"),
        [
            ("The repairs of the bridge cost 40 million euros.", "supported"),
            ("The repairs of the bridge cost 50 million euros.", "unsupported"),
            ("The bridge reopened in September 2019. The repairs cost 40 million euros.", "supported"),
            ("The bridge reopened in September 2019. The repairs cost 4 million euros.", "unsupported"),
        ],
    )
    def test_a_claim_is_as_good_as_its_weakest_sentence(self, said: str, verdict: str) -> None:
        assert Checker(ScriptedReader()).check(said, BRIDGE).verdict == verdict

    def test_marks(self) -> None:
        item = Claimed("k", 1, "1", "not supported", "C.", "E.", supported=False)
        found = marking.mark_claim(item, Checker(ScriptedReader()).check(COSTS, BRIDGE))
        assert found.right is False
        assert (found.tallies["right"], found.tallies["others_caught"]) == ((0, 1), (0, 1))
        wrong, asked = found.tallies["brier"]
        assert asked == 1
        assert wrong == pytest.approx(Checker(ScriptedReader()).check(COSTS, BRIDGE).probability ** 2, abs=1e-6)
        assert found.why == ("is not supported, is called supported",)


# -- runs -----------------------------------------------------------------------------------------------------------


SCRIPT = {
    "cost": "The repairs of the Vann bridge cost 40 million euros.",
    "ferries": "Lund Lines runs 14 ferries.",
    "reopened": "The bridge reopened in September 2019.",
}
QUESTIONS = (
    {
        "question": "How much did the repairs of the Vann bridge cost?",
        "answer": "40 million",
        "sources": ["bridge.txt"],
    },
    {"question": "How many ferries does Lund Lines run?", "answer": "15", "sources": ["ferry.txt"]},
    {"question": "When was the bridge reopened?", "answer": "September 2019", "sources": ["bridge.txt"]},
    {"question": "Who invented the telescope?", "unanswerable": True},
)
IDENTITY = {"sha256": "a" * 64, "model": "scripted", "settings": {"passages": 8}}


def quiet(stage: str, done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder, embedder = tmp_path_factory.mktemp("corpus"), HashedWordsEmbedder()
    (folder / "news").mkdir()
    for article in ARTICLES.values():
        (folder / "news" / article.path).write_text(article.text)
    build_index([folder / "news"], folder / "index", embedder)
    with Index.open(folder / "index", embedder) as index:
        yield index


def evaluator(index: Index, generator: ScriptedGenerator) -> Evaluator:
    answerer = Answerer(index, HashedWordsEmbedder(), generator, ScriptedReader())
    return Evaluator(Checker(ScriptedReader()), SearchOptions(k=8), corpus=Source(index, answerer))


@pytest.fixture
def items(read: Callable[..., list[Item]]) -> list[Item]:
    return read(*QUESTIONS)


class TestRuns:
    def test_figures_of_a_whole_run(self, corpus: Index, items: list[Item], tmp_path: Path) -> None:
        with Results(tmp_path / "run", IDENTITY) as results:
            rows = runs.run(items, evaluator(corpus, ScriptedGenerator(SCRIPT)), results, quiet)
        assert [row["right"] for row in rows] == [True, False, True, True]
        assert rows[1]["why"] == ["does not say 15"]
        found = runs.summarise(rows)
        assert found["records"] == 4
        assert found["statuses"] == {"answered": 3, "abstained": 1}
        assert found["measures"]["right"] | {"low": 0, "high": 0} == {
            "value": 0.75, "low": 0, "high": 0, "right": 3, "tried": 4
        }  # fmt: skip
        assert found["measures"]["refusal_recall"]["value"] == found["measures"]["quotes_exact"]["value"] == 1
        assert found["kinds"]["unanswerable"]["measures"]["right"]["value"] == 1
        assert found["latency"]["total_s"]["n"] == 4
        assert found["latency"]["first_token_s"]["n"] == 3
        assert found["calibration"] is None

    def test_an_interrupted_run_goes_on_where_it_stopped(
        self, corpus: Index, items: list[Item], tmp_path: Path
    ) -> None:
        stopping = ScriptedGenerator({**SCRIPT, "reopened": KeyboardInterrupt})
        with pytest.raises(KeyboardInterrupt), Results(tmp_path, IDENTITY) as results:
            runs.run(items, evaluator(corpus, stopping), results, quiet)
        assert len(stopping.prompts) == 3
        going_on = ScriptedGenerator(SCRIPT)
        with Results(tmp_path, IDENTITY) as results:
            assert len(results.rows) == 2
            rows = runs.run(items, evaluator(corpus, going_on), results, quiet)
        (asked,) = going_on.asked
        assert "When was the bridge reopened?" in asked
        whole = ScriptedGenerator(SCRIPT)
        with Results(tmp_path / "whole", IDENTITY) as results:
            wanted = runs.run(items, evaluator(corpus, whole), results, quiet)
        assert [row["marks"] for row in rows] == [row["marks"] for row in wanted]

    @pytest.mark.slow
    def test_a_file_cut_off_anywhere_keeps_its_whole_lines(self, tmp_path: Path, items: list[Item]) -> None:
        row = {"kind": "fact", "marks": {}, "right": True, "record": {}}
        with Results(tmp_path, IDENTITY) as results:
            for item in items:
                results.add({"key": item.key, **row})
        whole = (tmp_path / runs.RESULTS).read_bytes()
        for cut in range(whole.index(b"\n") + 1, len(whole) + 1):
            (tmp_path / runs.RESULTS).write_bytes(whole[:cut])
            with Results(tmp_path, IDENTITY) as results:
                assert len(results.rows) == whole[:cut].count(b"\n") - 1
            assert runs.read_results(tmp_path) == (IDENTITY, list(results.rows.values()))

    def test_answers_that_failed_are_asked_again(self, tmp_path: Path) -> None:
        row = {"kind": "fact", "marks": {}, "right": False, "record": {}}
        with Results(tmp_path, IDENTITY) as results:
            results.add({"key": "1", **row, "answer": {"status": "failed"}})
            results.add({"key": "2", **row, "answer": {"status": "answered"}})
        with Results(tmp_path, IDENTITY) as results:
            assert list(results.rows) == ["2"]

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"sha256": "b" * 64}, "sha256 was aaaaaaaaaaaa, is bbbbbbbbbbbb"),
            ({"model": "other"}, "model was scripted, is other"),
            ({"settings": {"passages": 4}}, "settings.passages was 8, is 4"),
            ({"index": {"generation": 2}}, "index was None, is {'generation': 2}"),
        ],
    )
    def test_another_identity_starts_anew_and_says_why(
        self, tmp_path: Path, changed: dict[str, Any], said: str
    ) -> None:
        with Results(tmp_path, IDENTITY) as results:
            results.add({"key": "1", "kind": "fact", "marks": {}, "right": True, "record": {}})
        before = (tmp_path / runs.RESULTS).read_bytes()
        with Results(tmp_path, IDENTITY | changed) as results:
            assert (results.rows, results.restarted) == ({}, said)
        assert (tmp_path / runs.PREVIOUS).read_bytes() == before
        assert runs.read_results(tmp_path) == (IDENTITY | changed, [])

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('{"run": {}}\n{oops\n', "line 2 is damaged"),
            ('{"run": {}}\n{"key": "1"}\n', "line 2 is no result"),
            ('{"question": "Who?"}\n', "line 1 is no result"),
            ("", "is empty"),
        ],
    )
    def test_damaged_results(self, tmp_path: Path, text: str, said: str) -> None:
        (tmp_path / runs.RESULTS).write_text(text)
        with pytest.raises(InputError, match=said):
            runs.read_results(tmp_path)

    def test_no_results(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be read"):
            runs.read_results(tmp_path)
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="cannot be written"):
            Results(tmp_path / "file", IDENTITY)

    def test_a_question_without_documents_wants_an_index(self, items: list[Item]) -> None:
        with pytest.raises(InputError, match="line 1 brings no documents"):
            Evaluator(Checker(ScriptedReader()), SearchOptions()).row(items[0])

    def test_a_question_that_is_refused_is_one_wrong_answer(
        self, corpus: Index, read: Callable[..., list[Item]]
    ) -> None:
        (item,) = read({"question": "long " * 1000, "answer": "Ann"})
        row = evaluator(corpus, ScriptedGenerator(SCRIPT)).row(item)
        assert (row["right"], row["answer"]["status"]) == (False, "failed")
        assert "characters" in row["answer"]["text"]

    def test_history_and_day_reach_the_answerer(self, corpus: Index, read: Callable[..., list[Item]]) -> None:
        seen: list[tuple[object, ...]] = []

        class Asker:
            def ask(self, text: str, history: Sequence[Turn] = (), *, search: SearchOptions | None = None) -> Answer:
                seen.append((text, history, search and search.as_of))
                return REFUSED

        (item,) = read({"question": "And in 2020?", "history": [["A?", "B."]], "as_of": "2021-02-03"})
        Evaluator(Checker(ScriptedReader()), SearchOptions(), corpus=Source(corpus, Asker())).row(item)
        assert seen == [("And in 2020?", (Turn("A?", "B."),), "2021-02-03")]


class TestDocuments:
    def test_a_question_sees_its_own_documents_only(self, read: Callable[..., list[Item]], tmp_path: Path) -> None:
        question = "How much did the repairs of the Vann bridge cost?"
        other = BRIDGE.replace("40", "50")
        items = read(
            {"question": question, "docs": [{"text": BRIDGE, "date": "2019-09-01"}], "answer": "40 million"},
            {"question": question, "docs": [{"text": other, "date": "2019-09-01"}], "q_date": "2010-01-01"},
            {"question": question, "evidence_list": []},
        )
        embedder = HashedWordsEmbedder()
        articles = runs.index_documents(items, items, tmp_path, embedder, quiet)
        assert list(articles.values()) == [("documents.jsonl#1",), ("documents.jsonl#2",), ()]
        with Index.open(tmp_path / "index", embedder) as index:
            source = Source(index, Answerer(index, embedder, ScriptedGenerator(SCRIPT), ScriptedReader()))
            rows = [
                Evaluator(Checker(ScriptedReader()), SearchOptions(), None, source, articles).row(item)
                for item in items
            ]
        found = [{hit["article"] for hit in row["answer"]["hits"]} for row in rows]
        assert found == [{"documents.jsonl#1"}, {"documents.jsonl#2"}, {"documents.jsonl#1", "documents.jsonl#2"}]
        assert rows[0]["right"]
        assert "50 million" in rows[1]["answer"]["text"]  # `q_date` before all documents is ignored

    def test_the_index_is_taken_up_again(self, read: Callable[..., list[Item]], tmp_path: Path) -> None:
        items = read({"question": "Who?", "context": BRIDGE}, {"question": "When?", "context": BRIDGE})
        embedder = HashedWordsEmbedder()
        articles = runs.index_documents(items, items, tmp_path, embedder, quiet)
        assert set(articles.values()) == {("documents.jsonl#1",)}
        calls = embedder.calls
        assert runs.index_documents(items, items, tmp_path, embedder, quiet) == articles
        assert embedder.calls == calls


def rows_of(*rights: bool | None) -> list[dict[str, Any]]:
    return [
        {
            "key": str(n), "id": f"q{n}", "kind": "fact", "right": right, "record": {"question": f"Q{n}?"},
            "marks": {} if right is None else {"right": [float(right), 1]},
        }
        for n, right in enumerate(rights)
    ]  # fmt: skip


class TestCompare:
    def test_two_runs(self) -> None:
        found = runs.compare(rows_of(True, False, False, None, True), rows_of(True, True, True, True, False)[:5])
        assert found["records"] == 5
        assert found["right"] == {"lost": 1, "won": 2, "p": 1.0}
        assert found["flipped"] == [
            {"id": "q1", "kind": "fact", "text": "Q1?", "before": False, "after": True},
            {"id": "q2", "kind": "fact", "text": "Q2?", "before": False, "after": True},
            {"id": "q4", "kind": "fact", "text": "Q4?", "before": True, "after": False},
        ]
        right = found["measures"]["right"]
        assert (right["before"], right["after"], right["difference"]) == (0.5, 0.8, pytest.approx(0.3))
        assert right["low"] < 0.3 < right["high"]

    def test_records_of_one_run_only(self) -> None:
        found = runs.compare(rows_of(True, False), rows_of(True, False, True))
        assert (found["records"], found["only_before"], found["only_after"]) == (2, 0, 1)
        assert found["measures"]["right"]["difference"] == 0

    def test_nothing_in_common(self) -> None:
        with pytest.raises(InputError, match="no record in common"):
            runs.compare(rows_of(True), [{**rows_of(True)[0], "key": "x"}])


def test_claims_are_measured_by_balanced_accuracy(read: Callable[..., list[Item]]) -> None:
    said = [("40", True), ("40", True), ("50", True), ("50", False)]
    items = read(
        *(
            {"claim": f"The repairs cost {n} million euros.", "evidence": BRIDGE, "label": int(label)}
            for n, label in said
        )
    )
    found = runs.summarise([Evaluator(Checker(ScriptedReader()), SearchOptions()).row(item) for item in items])
    values = {name: one["value"] for name, one in found["measures"].items()}
    assert values["verdict_balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert (values["supported_kept"], values["others_caught"]) == (pytest.approx(2 / 3), 1)
    assert found["verdicts"] == {"supported": 2, "unsupported": 2}
    assert sum(one["count"] for one in found["calibration"]["bins"]) == 4
