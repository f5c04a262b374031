"""benchmarks/rivals/compare.py: marks and ratios computed by hand, and whole runs with the real citewire.

The other systems are not installed here, so the tests of their adapters check how these fail.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

from citewire.qa.evaluate import records

FOLDER = REPOSITORY / "benchmarks" / "rivals"
CANAL = """The canal at Vellin opened on 3 May 2021 after four years of digging.
It cost 40 million euros, twice the first estimate, said Ana Ruiz, its engineer.
"""
FERRY = "Lund Lines runs 14 ferries between Norland and Skarvik.\n"
QUESTIONS: list[dict[str, object]] = [
    {"id": "cost", "kind": "fact", "question": "How much did the canal at Vellin cost?",
     "must_include": [["40 million"]], "must_not_include": ["41"], "sources": ["canal.txt"]},
    {"id": "lighthouses", "kind": "unanswerable", "question": "Who composed the music of the film?"},
    {"id": "told", "question": "And it?", "history": [["Which canal?", "That at Vellin."]], "answer": "1"},
]  # fmt: skip


@pytest.fixture(scope="module")
def compare() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("compare")
    for name in ("compare", "protocol"):  # other modules may have these names
        sys.modules.pop(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of questions."""
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in QUESTIONS), encoding="utf-8")
    return file


def asked(tmp_path: Path, **fields: object) -> records.QuestionItem:
    """The record of a line."""
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps({"question": "What?", **fields}), encoding="utf-8")
    (item,) = records.read(file)[1]
    assert isinstance(item, records.QuestionItem)
    return item


class TestMarks:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Empty Response",
            "I don't know.",
            "I'm sorry, but I cannot answer this question.",
            "I cannot find enough information in the knowledge base to answer this question.",
            "None of the sources are helpful.",
            "The provided context does not contain relevant information about lighthouses.",
            "The sources do not have an answer to this.",
            "The sources don't explicitly mention any lighthouses [1].",
            "There is no mention of lighthouses in the text.",
            "Lighthouses are not mentioned in the given sources.",
            "The number of lighthouses is not specified.",
            "Based on the provided articles, it is not possible to determine how many there are.",
            "There is not enough information to say.",
        ],
    )
    def test_refusals(self, compare: Any, tmp_path: Path, text: str) -> None:
        assert compare.mark(asked(tmp_path, kind="unanswerable"), text) == compare.Mark(True, True)
        assert compare.mark(asked(tmp_path, must_include=[["40"]]), text) == compare.Mark(False, True)

    @pytest.mark.parametrize(
        "text",
        [
            "Lund Lines runs 14 ferries and owns 3 lighthouses [1].",
            "The company did not provide figures for 2020, but it owns 3 lighthouses.",
            "She does not have a lighthouse.",
            "It was known as the Night Line, with no fewer than 3 lighthouses.",
            "According to the sources, Lund Lines has 3 lighthouses.",
        ],
    )
    def test_answers(self, compare: Any, tmp_path: Path, text: str) -> None:
        assert compare.mark(asked(tmp_path, kind="unanswerable"), text) == compare.Mark(False, False)

    def test_what_is_wanted_and_what_is_forbidden(self, compare: Any, tmp_path: Path) -> None:
        item = asked(
            tmp_path, must_include=[["40 million", "40m"], ["euro"]], must_not_include=["41"], sources=["a.txt"]
        )
        assert compare.mark(item, "It cost 40 million EUROS.") == compare.Mark(True, False)  # no source required
        assert compare.mark(item, "It cost 40 million.") == compare.Mark(False, False)
        assert compare.mark(item, "It cost 40 million euros, others say 41.") == compare.Mark(False, False)
        assert compare.mark(item, "40m euros; the year is not mentioned in the text.") == compare.Mark(True, False)

    def test_a_disagreement_needs_both_values_and_no_flag(self, compare: Any, tmp_path: Path) -> None:
        item = asked(tmp_path, kind="conflict", must_include=[["Bo Lind"], ["Greta Solheim"]])
        assert compare.mark(item, "Bo Lind or Greta Solheim won.").right is True
        assert compare.mark(item, "Bo Lind won.").right is False

    def test_a_false_premise_may_be_refused(self, compare: Any, tmp_path: Path) -> None:
        item = asked(tmp_path, kind="false_premise", must_not_include=["closed because"])
        assert compare.mark(item, "The sources do not say that it closed.") == compare.Mark(True, True)
        assert compare.mark(item, "It closed because of rain.") == compare.Mark(False, False)

    def test_long_answers_say_nothing_of_right(self, compare: Any, tmp_path: Path) -> None:
        assert compare.mark(asked(tmp_path, answer="word " * 20), "Anything.") == compare.Mark(None, False)

    def test_the_own_rule_asks_for_a_source_and_a_flag(self, compare: Any, tmp_path: Path) -> None:
        def marked(item: records.QuestionItem, **event: object) -> object:
            return compare.own_mark(
                item, {"text": "40 or 41", "status": "answered", "articles": ["b.txt"], "flagged": 0, **event}
            )

        fact = asked(tmp_path, must_include=[["40"]], sources=["a.txt"])
        assert marked(fact) == compare.Mark(False, False)
        assert marked(fact, articles=["b.txt", "news/a.txt"]) == compare.Mark(True, False)
        conflict = asked(tmp_path, kind="conflict", must_include=[["40"], ["41"]])
        assert marked(conflict) == compare.Mark(False, False)
        assert marked(conflict, flagged=1) == compare.Mark(True, False)
        refused = {"status": "abstained", "text": "", "articles": []}
        assert marked(asked(tmp_path, kind="unanswerable"), **refused) == compare.Mark(True, True)


def run(compare: Any, system: str, round_: int, *answered: tuple[str, float, float, int], took: float) -> Any:
    """A run on 1000 characters in 10 passages; answers are (id, first, whole, tokens), retrieved in `first` / 2."""
    events: list[dict[str, object]] = [{"what": "indexed", "seconds": took, "passages": 10}]
    for id_, first, whole, read in answered:
        events.append({"what": "retrieved", "id": id_, "seconds": first / 2, "articles": []})
        events.append({"what": "answered", "id": id_, "question": f"{id_}?", "first": first, "seconds": whole,
                       "text": "40 million", "articles": [], "prompt_tokens": read, "output_tokens": 5})  # fmt: skip
    return compare.Run(system, round_, "", 2_000_000, 500_000, 1000, tuple(events))


class TestFigures:
    def test_ratios_are_of_the_same_question_in_the_same_round(self, compare: Any) -> None:
        own = compare.figures(
            [
                run(compare, "citewire", 1, ("a", 1.0, 2.0, 100), ("b", 3.0, 4.0, 0), took=2.0),
                run(compare, "citewire", 2, ("a", 2.0, 3.0, 100), took=4.0),
            ]
        )
        other = compare.figures(
            [
                run(compare, "txtai", 1, ("a", 4.0, 10.0, 400), ("c", 1.0, 1.0, 1), took=10.0),
                run(compare, "txtai", 2, ("a", 5.0, 6.0, 300), ("b", 1.0, 1.0, 1), took=8.0),
            ]
        )
        assert own["passages"] == {(1, ""): 5.0, (2, ""): 2.5}
        assert compare.ratios(own["first"], other["first"]) == [0.25, 0.4]  # 1/4 and 2/5; b and c have no pair
        assert compare.ratios(own["whole"], other["whole"]) == [0.2, 0.5]
        assert compare.ratios(own["characters"], other["characters"]) == [2.0, 5.0]  # 250/125 and 500/100
        assert compare.ratios(own["read"], other["read"]) == [0.25, pytest.approx(1 / 3)]
        assert compare.spread([0.2, 0.4, 0.9]) == "0.40 (0.20 to 0.90)"

    def test_the_limit_is_of_answers_that_the_engine_worked_for(self, compare: Any) -> None:
        one = run(compare, "citewire", 1, ("a", 1.0, 3.0, 100), ("b", 1.0, 0.1, 0), took=1.0)
        engine = [
            {"what": "engine", "question": "a?", "seconds": 2.0, "calls": 3},
            {"what": "engine", "question": "b?", "seconds": 0.0, "calls": 0},
        ]
        one = compare.Run(one.system, 1, "", 0, 0, 0, (*one.events, *engine))
        assert compare.limits([one]) == [1.5]

    def test_the_table(self, compare: Any, file: Path) -> None:
        items = [item for item in records.read(file)[1] if isinstance(item, records.QuestionItem) and not item.history]
        own = [run(compare, "citewire", 1, ("cost", 1.0, 2.0, 100), ("lighthouses", 1.0, 2.0, 100), took=2.0)]
        slow = [run(compare, "txtai", 1, ("cost", 2.0, 8.0, 400), took=4.0)]
        broken = [compare.Run("haiku", 1, "exit code 1: no | module", 0, 0, 1000, ())]
        results = [
            compare.result(name, runs, items) for name, runs in (("citewire", own), ("txtai", slow), ("haiku", broken))
        ]
        lines = compare.table(results, items).splitlines()
        assert lines[2] == "| citewire | 5 | 500 | 0.5 | 2 | 500 | 1.00 | 2.00 | 100 | 1 of 1 | 0 of 1 | 0 of 1 |"
        assert lines[3] == "| txtai | 2 | 250 | 0.5 | 2 | 1,000 | 2.00 | 8.00 | 400 | 1 of 1 | 0 of 1 | 0 of 1 |"
        assert lines[4].startswith("| haiku | failed: exit code 1: no / module |  |")
        (paired,) = [line for line in lines[5:] if line.startswith("| txtai")]
        one = "{0} ({0} to {0})".format
        shown = ("2.00", "1.00", "1.00", "0.50", "0.50", "0.25", "0.25")
        assert paired == f"| txtai | {' | '.join(map(one, shown))} |"


@pytest.mark.slow
class TestRuns:
    def test_citewire_beside_one_that_fails(
        self, compare: Any, cache: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        news, envs, out = tmp_path / "news", tmp_path / "envs", tmp_path / "out"
        news.mkdir()
        (news / "canal.txt").write_text(CANAL, encoding="utf-8")
        (news / "ferry.txt").write_text(FERRY, encoding="utf-8")
        python = envs / "langchain" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        command = [
            "compare.py",
            str(file),
            "--articles",
            str(news),
            "--envs",
            str(envs),
            "--out",
            str(out),
            "--rounds",
            "1",
        ]
        command += [
            "--only",
            "citewire,langchain",
            "--model",
            "smollm2-135m",
            "--cache",
            str(cache),
            "--max-tokens",
            "20",
        ]
        monkeypatch.setattr("sys.argv", command)
        compare.main()
        table = capsys.readouterr().out
        assert "| langchain | failed: exit code 1: ModuleNotFoundError: No module named " in table
        (done,) = [json.loads(f.read_text()) for f in (out / "runs").glob("*-citewire.json")]
        assert done["error"] == ""
        assert done["characters"] == len(CANAL) + len(FERRY)
        assert done["memory"] > 100e6
        kinds = [event["what"] for event in done["events"]]
        assert kinds == ["loaded", "indexed", *["retrieved", "answered"] * 2, *["engine"] * 2]
        cost, lighthouses = [event for event in done["events"] if event["what"] == "answered"]
        assert "40 million" in cost["text"]
        assert (cost["articles"], cost["status"]) == (["canal.txt"], "answered")
        assert 0 < cost["first"] <= cost["seconds"]
        assert cost["prompt_tokens"] > 50
        assert (lighthouses["status"], lighthouses["prompt_tokens"]) == ("abstained", 0)
        engine = {event["question"]: event for event in done["events"] if event["what"] == "engine"}
        assert engine[cost["question"]]["seconds"] > 0
        assert engine[lighthouses["question"]]["calls"] == 0
        kept = json.loads((out / "results.json").read_text())["citewire"]
        assert (kept["quality"], kept["own_quality"]) == (
            ["1 of 1", "1 of 1", "0 of 1"],
            ["1 of 1", "1 of 1", "0 of 1"],
        )
        assert len(kept["figures"]["whole"]) == 2

        compare.main()  # citewire's run is reused, the failed one is tried again
        said = capsys.readouterr().out
        assert "round 1, langchain" in said
        assert "round 1, citewire" not in said
        assert said.endswith(table[table.index("| system") :])

    def test_other_settings_want_another_folder(
        self, compare: Any, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        (tmp_path / "canal.txt").write_text(CANAL, encoding="utf-8")
        command = ["compare.py", str(file), "--articles", str(tmp_path / "canal.txt"), "--envs", str(tmp_path / "envs")]
        command += ["--out", str(tmp_path / "out"), "--rounds", "0"]
        monkeypatch.setattr("sys.argv", [*command, "--threads", "1"])
        compare.main()
        monkeypatch.setattr("sys.argv", [*command, "--threads", "2"])
        with pytest.raises(SystemExit):
            compare.main()
        assert "holds runs with other settings (threads)" in capsys.readouterr().err

    def test_a_system_that_there_is_not(
        self, compare: Any, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        command = ["compare.py", str(file), "--articles", "seeds", "--envs", "envs", "--only", "citewire,oracle"]
        monkeypatch.setattr("sys.argv", command)
        with pytest.raises(SystemExit):
            compare.main()
        assert (
            "there is no system oracle; the systems are citewire, citewire-torch, llama_index"
            in capsys.readouterr().err
        )

    def test_a_corpus_is_cut(self, compare: Any, tmp_path: Path) -> None:
        lines = [
            {"id": n, "title": f"Title {n}", "date": "2018/03/15", "text": f"Text {n} is here."} for n in (1, 2, 3)
        ]
        (tmp_path / "corpus.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines), encoding="utf-8")
        work = tmp_path / "work"
        work.mkdir()
        found = compare.articles([tmp_path / "corpus.jsonl"], 2, work)
        assert [(one.title, one.published, one.text) for one in found] == [
            ("Title 1", "2018-03-15", "Text 1 is here."),
            ("Title 2", "2018-03-15", "Text 2 is here."),
        ]

    def test_memory_is_that_of_all_processes(self, compare: Any) -> None:
        """A process and its child with 50 MB each count as at least 100 MB."""
        hold = "import sys, time; held = bytearray(50_000_000); print(1, flush=True); time.sleep(60)"
        both = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {hold!r}]); {hold}"
        with compare.Memory() as memory:
            process = subprocess.Popen([sys.executable, "-c", both], stdout=subprocess.PIPE, start_new_session=True)
            memory.add(process.pid)
            assert process.stdout is not None
            with process.stdout:
                assert [process.stdout.readline() for _ in range(2)] == [b"1\n", b"1\n"]
                before = memory.peak
                while memory.peak <= max(before, 100_000_000):
                    assert process.poll() is None
            os.killpg(process.pid, 9)
            process.wait()
        assert 100_000_000 < memory.peak < 300_000_000
