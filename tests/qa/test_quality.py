"""The metrics of benchmarks/quality.py on tiny invented data sets, with a scripted reader."""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, indexed
from embedders import HashedWordsEmbedder
from readers import WordReader

from citewire.qa.evidence import Evidence
from citewire.qa.reader import load_reader

# For the weights in the package: most wrong wordings that pass, and fewest right ones, as shares.
MOST_WRONG, LEAST_RIGHT = 0.10, 0.34

FERRY = "Lund Lines opened the night route in May. It runs 14 ferries from Skarvik."


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "benchmarks"))
        module = importlib.import_module("quality")
    monkeypatch.setattr(module, "load_reader", lambda threads, large: WordReader())
    monkeypatch.setattr(module, "load_embedder", lambda threads: HashedWordsEmbedder())
    return module


@pytest.fixture
def tools(quality: Any) -> Any:
    return quality.Tools(WordReader(), HashedWordsEmbedder())


def write(folder: Path, name: str, *records: dict[str, Any]) -> Path:
    file = folder / f"{name}.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return file


def squad(question: str, *answers: str) -> dict[str, Any]:
    return {"context": FERRY, "question": question, "answers": list(answers), "is_impossible": not answers}


class TestQuestions:
    def test_refusals_and_words(self, quality: Any, tools: Any, tmp_path: Path) -> None:
        asked = [
            squad("When opened Lund Lines the night route?", "May"),
            squad("From where runs it 14 ferries?", "the port of Skarvik"),
            squad("Which captain hates all of these cold winter storms?", "Ana"),
            squad("Which king sold a castle to some banker?"),
            squad("Who opened the night route in May?"),
        ]
        found = quality.measured("squad2", write(tmp_path, "squad2", *asked), tools, None)
        # The third (wrongly) and the fourth are refused; for the fifth, a sentence is taken for an answer.
        assert found == {
            "n": 5, "precision": 0.5, "recall": 0.5, "kept": 0.6667, "area": 0.5833, "em": 0.3333, "f1": 0.5,
        }  # fmt: skip

    def test_a_question_without_documents_is_read_over_those_of_all(
        self, quality: Any, tools: Any, tmp_path: Path
    ) -> None:
        day = "2023-10-04"
        facts = [{"fact": s, "title": "", "source": "The Post", "published_at": day} for s in FERRY.split(". ")]
        asked = [
            {"question": question, "question_type": f"{kind}_query", "answer": answer, "evidence_list": documents}
            for question, kind, answer, documents in [
                ("When opened Lund Lines the night route?", "inference", "May", facts),
                ("Who opened the night route in May?", "null", "None", []),
            ]
        ]
        found = quality.measured("multihoprag", write(tmp_path, "multihoprag", *asked), tools, None)
        assert found == {"n": 2, "precision": 0.0, "recall": 0.0, "kept": 1.0, "area": 0.5}

    def test_clapnq(self, quality: Any, tools: Any, tmp_path: Path) -> None:
        passage = {"title": "Ferries", "text": FERRY, "sentences": []}
        asked = [
            {"input": question, "passages": [passage], "output": [{"answer": answer}], "answerable": bool(answer)}
            for question, answer in [("when opened lund lines the night route", "May"), ("which king sold it all", "")]
        ]
        found = quality.measured("clapnq", write(tmp_path, "clapnq", *asked), tools, None)
        assert found == {"n": 2, "precision": 1.0, "recall": 1.0, "kept": 1.0, "area": 1.0}

    def test_over_an_index_a_refusal_counts_nothing(self, quality: Any, tmp_path: Path) -> None:
        embedder = HashedWordsEmbedder()
        asked = [
            {"question": question, "date": "2023/10/04", "choices": [], "answers": [answer]}
            for question, answer in [
                ("When opened Lund Lines the night route?", "May"),
                ("Which old harbour town sells fine new ferries?", "Skarvik"),
            ]
        ]
        with indexed({"ferry.txt": FERRY}, tmp_path, embedder) as index:
            tools = quality.Tools(WordReader(), embedder, index)
            found = quality.measured("realtimeqa", write(tmp_path, "realtimeqa", *asked), tools, None)
        assert (found["answered"], found["em"], found["f1"]) == (0.5, 0.5, 0.5)
        assert (found["first four have it"], found["n"]) == (1.0, 2)


class TestClaims:
    DOCUMENT = f"{FERRY} The harbour froze in January. Nobody was hurt."

    @pytest.mark.parametrize("name", ["summedits_news", "wice_claims", "fever_symmetric", "qags_cnndm"])
    def test_a_claim_is_as_good_as_its_worst_sentence(
        self, quality: Any, tools: Any, tmp_path: Path, name: str
    ) -> None:
        good, bad = "It runs 14 ferries. Nobody was hurt.", "It runs 14 ferries. Nobody was arrested there."
        records = {
            "summedits_news": [{"doc": self.DOCUMENT, "summary": s, "label": n} for s, n in ((good, 1), (bad, 0))],
            "wice_claims": [
                {"claim": s, "evidence": quality.split(self.DOCUMENT), "label": label}
                for s, label in ((good, "supported"), (bad, "partially_supported"))
            ],
            "fever_symmetric": [
                {"claim": s, "evidence": self.DOCUMENT, "label": label}
                for s, label in ((good, "SUPPORTS"), (bad, "REFUTES"))
            ],
            "qags_cnndm": [
                {
                    "article": self.DOCUMENT,
                    "summary_sentences": [
                        {"sentence": s, "responses": [{"worker_id": 1, "response": yes}]}
                        for s, yes in ((good, "yes"), (bad, "no"))
                    ],
                }
            ],
        }
        found = quality.measured(name, write(tmp_path, name, *records[name]), tools, None)
        assert found == {"n": 2, "alone": 1.0, "checked": 1.0, "area alone": 1.0}

    def test_quotes_are_the_sentences_with_the_rare_words_of_the_claim(self, quality: Any) -> None:
        filler = [f"The committee met in room {number} of the house." for number in range(20)]
        document = " ".join([*filler[:10], "Ice closed the harbour.", *filler[10:]])
        quotes = quality.near("The harbour of the house was closed.", document)
        assert (quotes[0].text, quotes[0].before) == ("Ice closed the harbour.", filler[9])
        assert len(quotes) == quality.NEAR

    @pytest.mark.parametrize(
        ("right", "said", "figure"),
        [([True, True, False, False], [True, False, False, False], 0.75), ([True], [True], 0.0)],
    )
    def test_balanced_accuracy(self, quality: Any, right: list[bool], said: list[bool], figure: float) -> None:
        assert quality.balanced(right, said) == figure


class TestDisagreement:
    def documents(self, *answers: str) -> list[dict[str, str]]:
        return [{"text": f"The bridge cost {one} crowns.", "type": "correct", "answer": one} for one in answers]

    def disagree(self, question: str, found: Sequence[Evidence], library: Any, reader: Any) -> list[list[str]]:
        values = list(dict.fromkeys(word for one in found for word in one.text.split() if word.isdigit()))
        return [values] if len(values) > 1 else []

    def test_ramdocs(self, quality: Any, tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quality, "disagreements", self.disagree)
        lines = [
            {"question": "What did the bridge cost?", "documents": self.documents("40", "40", "55")},
            {"question": "What did the bridge cost?", "documents": self.documents("40", "unknown")},
            {"question": "What did the bridge cost?", "documents": self.documents("forty", "fifty")},
        ]
        found = quality.measured("ramdocs", write(tmp_path, "ramdocs", *lines), tools, None)
        # Four cases: the first record counts again without the document of the other answer.
        assert found == {"n": 4, "precision": 1.0, "recall": 0.5, "both values": 0.5}

    def test_newspolluted(self, quality: Any, tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quality, "disagreements", self.disagree)
        texts = [("It cost 40 crowns.", "high"), *[(f"The town paid {n} crowns.", "low") for n in (55, 55, 55)]]
        line = {"question": "What?", "choices": ["40", "55"], "docs": [{"text": t, "cred": c} for t, c in texts]}
        found = quality.measured("newspolluted", write(tmp_path, "newspolluted", line), tools, None)
        # With only one record, the documents "of another record" are its own, so the last case is flagged wrongly.
        assert found == {"n": 3, "precision": 0.5, "recall": 1.0, "both values": 1.0}


class TestFalse:
    def test_one_thing_is_changed(self, quality: Any) -> None:
        text = "Ana Ruiz was not paid 40 crowns in Paris. Tom Hale flew to Rome."
        first = quality.split(text)[0]
        changed = dict(quality.changes(first, text, random.Random(0)))
        assert set(changed) == {"number", "name", "not"}
        assert changed["not"] == "Ana Ruiz was paid 40 crowns in Paris."
        assert changed["name"] in (first.replace("Ana Ruiz", "Tom Hale"), first.replace("Paris", "Rome"))
        assert changed["number"] != first
        assert len(changed["number"]) == len(first)
        assert dict(quality.changes("Tom Hale was here.", "", random.Random(0))) == {"not": "Tom Hale was not here."}

    def test_what_passes(self, quality: Any, tools: Any) -> None:
        found = quality.falsified([FERRY], tools, lambda done, total: None)
        assert (found["verbatim passed"], found["number passed"]) == (1.0, 0.0)
        assert found["passed"] == 0.0

    def test_two_questions_of_every_wording(self, quality: Any, tools: Any) -> None:
        quote, question = "The bridge cost 40 crowns.", "What did the bridge cost?"
        told = [
            {"quote": quote, "question": question, "claim": claim, "right": right, "kind": kind}
            for claim, right, kind in [
                ("The bridge cost 40 crowns.", True, "verbatim"),
                ("The bridge cost 50 crowns.", False, "number"),
                ("The bridge.", False, "beside"),
            ]
        ]
        found = quality.wordings(told, tools, lambda done, total: None)
        assert found["n"] == 3
        assert (found["right passed"], found["wrong passed"]) == (1.0, 0.0)
        assert (found["wrong supported"], found["wrong answering"]) == (0.5, 0.5)
        assert found["number passed"] == found["beside passed"] == 0.0

    def test_the_wordings_are_many_and_of_both_kinds(self, quality: Any) -> None:
        told = quality.lines(quality.WORDINGS)
        assert sum(line["right"] for line in told) >= 60
        assert sum(not line["right"] for line in told) >= 200
        assert len({(line["quote"], line["claim"]) for line in told}) == len(told)
        assert all(line["claim"] == line["quote"] for line in told if line["kind"] == "verbatim")

    @pytest.mark.model
    def test_wrong_wordings_do_not_pass_and_right_ones_do(self, quality: Any) -> None:
        tools = quality.Tools(load_reader(1), HashedWordsEmbedder())
        found = quality.wordings(quality.lines(quality.WORDINGS), tools, lambda done, total: None)
        assert found["wrong passed"] <= MOST_WRONG
        assert found["right passed"] >= LEAST_RIGHT


class TestRun:
    def run(self, quality: Any, monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
        monkeypatch.setattr("sys.argv", ["quality.py", *flags])
        quality.main()

    def test_a_set_is_measured_once(
        self, quality: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        write(tmp_path, "squad2", squad("When opened Lund Lines the night route?", "May"))
        write(tmp_path, "realtimeqa")
        flags = (str(tmp_path), "--only", "squad2,clapnq,realtimeqa", "--out", str(tmp_path / "figures.json"))
        self.run(quality, monkeypatch, *flags)
        first = capsys.readouterr()
        assert (
            "| squad2 | n 1, precision 0.000, recall 0.000, kept 1.000, area 0.500, em 1.000, f1 1.000 |" in first.out
        )
        assert "squad2: 1 of 1" in first.err
        assert "clapnq: left out, no file" in first.err
        assert "realtimeqa: left out, no --index" in first.err
        self.run(quality, monkeypatch, *flags)
        second = capsys.readouterr()
        assert second.out == first.out
        assert "squad2" not in second.err
        self.run(quality, monkeypatch, *flags, "--again")
        assert "squad2: 1 of 1" in capsys.readouterr().err
        write(tmp_path, "squad2", squad("Which king sold a castle?"))
        self.run(quality, monkeypatch, *flags[:2], "squad2", *flags[3:])
        assert "squad2: 1 of 1" in capsys.readouterr().err

    def test_an_unknown_set_is_named(
        self, quality: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as left:
            self.run(quality, monkeypatch, "--only", "squad2,luck")
        assert left.value.code == 2
        assert "there is no set luck; the sets are squad2, " in capsys.readouterr().err

    def test_a_sample_is_the_same_each_time(self, quality: Any, tools: Any, tmp_path: Path) -> None:
        asked = [squad(f"When opened Lund Lines the night route {number}?", "May") for number in range(9)]
        file = write(tmp_path, "squad2", *asked)
        one, other = (quality.measured("squad2", file, tools, 4) for _ in range(2))
        assert one == other
        assert one["n"] == 4
