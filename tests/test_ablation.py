"""Each part that benchmarks/ablation.py takes out is missed by some question; the model's words are scripted."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, indexed

from citewire.index.options import SearchOptions, Weights
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters
from citewire.qa import evaluate, question, records
from citewire.qa.answer import AnswerOptions
from citewire.qa.evidence import weigh
from citewire.qa.judge import Judge
from citewire.qa.types import Message
from citewire.qa.vectors import WordVectors
from citewire.qa.verdicts import Checker

ARTICLES = {
    "ferry.txt": """The ferry company Lund Lines opened a night route between Norland and Skarvik on 3 May 2021.
It runs 14 ferries on the route and carried 2.3 million passengers last year, the company said.
“Night sailings let lorries skip the coast road,” said Ana Ruiz, chair of Lund Lines.
""",
    "brewer.txt": """In 2022 the profit of Kestrel was £3.5 million.
In 2023 the profit of Kestrel was £3.1 million.
""",
    "bridge.txt": """The stone bridge over the Vann reopened in September 2019 after two years of repairs.
The repairs of the bridge cost 40 million euros, twice the first estimate.
The bridge carries 9,000 cars a day, and the town is fond of it.
""",
    "herald.txt": "Greta Solheim won the Skarvik Cup.\n",
    "post.txt": "Bo Lind won the Skarvik Cup.\n",
}
COST = "How much did the repairs of the bridge cost?"
COST_SENTENCE = "The repairs of the bridge cost 40 million euros, twice the first estimate."
CUP: dict[str, object] = {
    "question": "Who won the Skarvik Cup?",
    "kind": "conflict",
    "must_include": [["Bo Lind"], ["Greta Solheim"]],
}
LIGHTHOUSES = "How many lighthouses does Lund Lines own?"

Row = dict[str, Any]


class Scripted:
    """Says the same of everything; keeps the prompts it was given, of replies and of choices."""

    name = "scripted"

    def __init__(self, words: str) -> None:
        self.words = words
        self.prompts: list[str] = []
        self.choices: list[str] = []

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        self.prompts.append(messages[-1].content)
        yield self.words

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(m.content.split()) for m in messages)

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> list[float]:
        self.choices.append(messages[-1].content)
        return [1 / len(options)] * len(options)


@pytest.fixture(scope="module")
def ablation() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "benchmarks"))
        yield importlib.import_module("ablation")


@pytest.fixture(scope="module")
def index(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with indexed(ARTICLES, tmp_path_factory.mktemp("invented"), embedder) as opened:
        yield opened


Rows = Callable[..., list[Row]]


@pytest.fixture
def rows(ablation: Any, index: Index, embedder: Embedder, tmp_path: Path) -> Rows:
    """The rows of a variant: what `words` of the model become, as answers to the records given."""

    def make(name: str, words: str | Scripted, *lines: dict[str, object]) -> list[Row]:
        generator = Scripted(words) if isinstance(words, str) else words
        file = tmp_path / "questions.jsonl"
        file.write_text("".join(f"{json.dumps(one)}\n" for one in lines), encoding="utf-8")
        digest, items = records.read(file)
        checker = Checker(WordVectors(embedder))
        bench = ablation.Bench(items, embedder, generator, checker, AnswerOptions().search, index)
        found: list[Row] = bench.rows(name, tmp_path / name, {"sha256": digest}, lambda *_: None)
        return found

    return make


def texts(row: Row) -> list[str]:
    return [claim["text"] for claim in row["answer"]["claims"] if claim["shown"]]


class TestVariants:
    def test_no_evidence(self, rows: Rows, index: Index) -> None:
        """The whole passages are read, and a claim may rest on a sentence that was not chosen."""
        asked, said = "When did the stone bridge reopen?", "Lund Lines opened a night route on 3 May 2021."
        prompts = {}
        for name in ("whole", "no-evidence"):
            generator = Scripted(f"It reopened in September 2019. {said}")
            (row,) = rows(name, generator, {"question": asked})
            prompts[name] = generator.prompts[0]
            quoted = [q["text"] for c in row["answer"]["claims"] if c["text"] == said for q in c["quotes"]]
            assert any("3 May 2021" in text for text in quoted) is (name == "no-evidence")
            for claim in row["answer"]["claims"]:
                for quote in claim["quotes"]:
                    assert index.article(quote["article"]).text[quote["start"] : quote["end"]] == quote["text"]
        assert "September 2019" in prompts["whole"]
        assert "fond of it" not in prompts["whole"]
        whole_article = " ".join(ARTICLES["bridge.txt"].split())
        assert re.search(rf"^\[\d\] {re.escape(whole_article)}$", prompts["no-evidence"], re.MULTILINE)
        assert prompts["no-evidence"].endswith(f"\n\nQuestion: {asked}")

    def test_no_refusal(self, rows: Rows) -> None:
        record = {"question": LIGHTHOUSES, "unanswerable": True}
        (refused,), (answered,) = (rows(name, "It owns 14.", record) for name in ("whole", "no-refusal"))
        assert (refused["answer"]["status"], refused["right"]) == ("abstained", True)
        assert answered["answer"]["status"] in ("answered", "partial")
        assert answered["right"] is False

    def test_no_refusal_where_all_is_of_another_year(self, ablation: Any, index: Index, embedder: Embedder) -> None:
        parsed = question.parse("What was the profit of Kestrel in 2019?")
        wanted = SearchOptions(filters=Filters(articles=("brewer.txt",)))
        hits = search(index, embedder, parsed.text, wanted)
        given = parsed, hits, index.article, embedder, Judge(parsed, WordVectors(embedder))
        assert all(one.missing for one in weigh(*given, least=0.0).evidence)
        assert [one.missing for one in ablation.answering(*given).evidence] == [(), ()]

    def test_no_check(self, rows: Rows) -> None:
        said, record = "The repairs cost 41 million euros [1].", {"question": COST, "answer": "40 million"}
        (withheld,), (kept,) = (rows(name, said, record) for name in ("whole", "no-check"))
        assert "The repairs cost 41 million euros." not in texts(withheld)
        (claim,) = [c for c in kept["answer"]["claims"] if c["text"] == "The repairs cost 41 million euros."]
        assert (claim["verdict"], claim["shown"], claim["quotes"][0]["text"]) == ("supported", True, COST_SENTENCE)
        assert withheld["marks"]["citation_recall"][0] == withheld["marks"]["citation_recall"][1]
        assert (
            kept["marks"]["citation_recall"][0] == kept["marks"]["citation_recall"][1] - 1
        )  # marked by the real check

    @pytest.mark.parametrize(
        "said", ["The repairs of the bridge did cost much.", "The repairs had the lowest cost: 12."]
    )
    def test_no_check_of_what_a_sentence_is_for(self, rows: Rows, said: str) -> None:
        record = {"question": "What was the highest cost of the repairs of the bridge?" if "lowest" in said else COST}
        for name, there in (("whole", False), ("no-check", True)):
            (row,) = rows(name, said, record)
            assert (said in [claim["text"] for claim in row["answer"]["claims"]]) is there

    def test_no_verbatim(self, rows: Rows) -> None:
        record = {"question": COST, "answer": "40 million euros", "sources": ["bridge.txt"]}
        (quoted,), (silent,) = (rows(name, "", record) for name in ("whole", "no-verbatim"))
        assert (quoted["right"], texts(quoted)[0]) == (True, COST_SENTENCE)
        assert (silent["right"], COST_SENTENCE in texts(silent)) == (False, False)

    def test_no_parts(self, rows: Rows) -> None:
        record = {"question": "How many ferries does Lund Lines run, and how many lighthouses does it own?"}
        (apart,), (whole,) = (rows(name, "It runs 14 ferries.", record) for name in ("whole", "no-parts"))
        named = f"Not in the sources: {LIGHTHOUSES}"
        assert (named in texts(apart), named in texts(whole)) == (True, False)

    def test_no_follow_up(self, rows: Rows) -> None:
        before = ["Who is the chair of Lund Lines?", "Ana Ruiz is the chair of Lund Lines."]
        record = {"question": "What did she say about lorries?", "history": [before]}
        (known,), (unknown,) = (rows(name, "", record) for name in ("whole", "no-follow-up"))
        assert known["answer"]["standalone_question"] == "What did Ana Ruiz say about lorries?"
        assert unknown["answer"]["standalone_question"] == "What did she say about lorries?"

    def test_no_disagreement(self, rows: Rows) -> None:
        said = "The Skarvik Cup was won by Bo Lind."
        (flagged,), (not_flagged,) = (rows(name, said, CUP) for name in ("whole", "no-disagreement"))
        assert (len(flagged["answer"]["conflicts"]), flagged["right"]) == (1, True)
        assert (len(not_flagged["answer"]["conflicts"]), not_flagged["right"]) == (0, False)

    def test_no_premise(self, rows: Rows) -> None:
        record = {"question": "Why did Zeppelin Air close its hangar?"}
        (named,), (believed,) = (rows(name, "", record) for name in ("whole", "no-premise"))
        said = "The sources do not say that Zeppelin Air closed its hangar."
        assert (said in named["answer"]["text"], said in believed["answer"]["text"]) == (True, False)

    def test_no_opinion(self, rows: Rows) -> None:
        for name, asked in (("whole", True), ("no-opinion", False)):
            generator = Scripted("The bridge was mended at a price of 40 million euros.")
            rows(name, generator, {"question": COST})
            assert bool(generator.choices) is asked

    def test_no_timeline(self, rows: Rows) -> None:
        record = {"question": "How did the profit of Kestrel change from 2022 to 2023?"}
        (told,), (untold,) = (rows(name, "", record) for name in ("whole", "no-timeline"))
        assert [point["value"] for point in told["answer"]["timeline"]] == ["£3.5 million", "£3.1 million"]
        assert not untold["answer"]["timeline"]

    @pytest.mark.parametrize(
        ("name", "weights"), [("dense-only", Weights(lexical=0, focus=0)), ("bm25-only", Weights(meaning=0))]
    )
    def test_one_ranking(self, rows: Rows, index: Index, embedder: Embedder, name: str, weights: Weights) -> None:
        (row,) = rows(name, "", {"question": COST})
        expected = search(index, embedder, COST, SearchOptions(k=8, copies=1, weights=weights))
        assert [hit["score"] for hit in row["answer"]["hits"]] == [round(hit.score, 6) for hit in expected]
        assert row["answer"]["hits"] != rows("whole", "", {"question": COST})[0]["answer"]["hits"]

    def test_each_variant_has_a_test(self, ablation: Any) -> None:
        tested = {name.removeprefix("test_").replace("_", "-") for name in dir(TestVariants)}
        assert set(ablation.VARIANTS) <= tested | {"whole", "dense-only", "bm25-only"}


class TestRuns:
    def test_a_row_is_taken_up_and_leaves_nothing_behind(self, rows: Rows, ablation: Any) -> None:
        first = rows("no-check", "The repairs cost 41 million euros.", {"question": COST})
        again = rows("no-check", "The repairs cost 42 million euros.", {"question": COST})
        assert texts(again[0]) == texts(first[0]) == ["The repairs cost 41 million euros."]
        (withheld,) = rows("whole", "The repairs cost 41 million euros.", {"question": COST})
        assert "The repairs cost 41 million euros." not in texts(withheld)

    def test_the_table(self, rows: Rows, ablation: Any) -> None:
        lines: list[dict[str, object]] = [
            {"question": COST, "kind": "fact", "answer": "40 million"},
            {"question": COST, "answer": "50 million"},
            {"question": LIGHTHOUSES, "kind": "unanswerable"},
            CUP,
        ]
        found = rows("whole", "The Skarvik Cup was won by Bo Lind.", *lines)
        seconds = evaluate.summarise(found)["latency"]["total_s"]["p50"]
        assert (
            ablation.line("whole", found) == f"| whole | 1 of 2 | 1 of 1 | - | 1 of 1 | 0.00 | 1.00 | {seconds:.1f} |"
        )
        assert ablation.line("whole", found).count("|") == len(ablation.COLUMNS) + 2

    def test_a_row_that_there_is_not(
        self, ablation: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("sys.argv", ["ablation.py", "questions.jsonl", "--only", "whole,no-luck"])
        with pytest.raises(SystemExit):
            ablation.main()
        assert "there is no row no-luck; the rows are whole, no-evidence," in capsys.readouterr().err
