"""`citewire eval`: mostly in this process with a scripted model, once with real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import browser_context, faults, missed
from commands import citewire
from embedders import HashedWordsEmbedder
from generators import ScriptedGenerator
from playwright.sync_api import Browser
from readers import ScriptedReader
from scripted import PAYLOADS

from citewire.index.types import Embedder
from citewire.qa.types import Generator
from citewire.ui import engine, report_html

pytestmark = pytest.mark.slow  # processes, servers or real networks

BRIDGE = "The repairs of the Vann bridge cost 40 million euros. The bridge reopened in September 2019."
COST = "How much did the repairs of the Vann bridge cost?"
QUESTIONS = [
    {
        "id": "cost",
        "question": COST,
        "answer": "40 million",
        "kind": "fact",
    },
    {"id": "open", "question": "When was the bridge reopened?", "answer": "May 2018", "sources": ["bridge.txt"]},
    {"id": "none", "question": "Who invented the telescope?", "unanswerable": True},
]
SAID = {"reopened?": "The bridge reopened in September 2019.", "": "The repairs cost 40 million euros."}
CLAIMS = [
    {"claim": f"The repairs cost {n} million euros.", "evidence": BRIDGE, "label": label}
    for n, label in ((40, "supported"), (50, "refutes"), (40, "refutes"))
]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedGenerator:
    """A model that repeats the article's sentence about the bridge, over an index of it in the working folder."""
    scripted = ScriptedGenerator(SAID)
    monkeypatch.setattr(engine, "load_embedder", lambda chosen: HashedWordsEmbedder())
    monkeypatch.setattr(engine, "load_generator", lambda chosen, report: scripted)
    monkeypatch.setattr(engine, "load_reader", lambda chosen: ScriptedReader())
    Path("news").mkdir()
    Path("news/bridge.txt").write_text(BRIDGE)
    assert citewire("index", "news").returncode == 0
    return scripted


def file_of(records: Sequence[object], name: str = "questions.jsonl") -> str:
    Path(name).write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return name


def rows_in(folder: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(folder, "results.jsonl").read_text().splitlines()[1:]]


class TestRun:
    def test_table_files_and_returncode(self, model: ScriptedGenerator) -> None:
        done = citewire("eval", file_of(QUESTIONS))
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["right", "0.667", "0.000", "to", "1.000", "2/3"] in [line[:6] for line in lines]
        assert ["quotes", "exact", "1.000"] in [line[:3] for line in lines]
        assert ["fact", "1", "1", "of", "1"] in lines
        assert ["question", "1", "0", "of", "1"] in lines
        assert any(line[:1] == ["total_s"] and line[3:] == ["3"] for line in lines)
        folder = Path(".citewire/eval/questions")
        assert "report.html" in done.stderr
        assert {file.name for file in folder.iterdir()} == {"results.jsonl", "summary.json", "report.html"}
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["measures"]["right"]["value"] == pytest.approx(2 / 3)
        assert summary["run"]["model"] == "scripted"
        assert summary["run"]["index"] == {"folder": ".citewire/index", "generation": 1}
        assert [row["right"] for row in rows_in(str(folder))] == [True, False, True]

    def test_json_is_the_summary(self, model: ScriptedGenerator) -> None:
        done = citewire("eval", file_of(QUESTIONS), "--out", "out", "--json")
        assert json.loads(done.stdout) == json.loads(Path("out/summary.json").read_text())

    def test_a_second_run_asks_nothing_again(self, model: ScriptedGenerator) -> None:
        file = file_of(QUESTIONS)
        first = citewire("eval", file, "--json")
        assert len(model.prompts) == 2  # the unanswerable question does not reach the model
        second = citewire("eval", file, "--json")
        assert len(model.prompts) == 2
        assert "3 of 3 records were done before" in second.stderr
        assert json.loads(second.stdout) == json.loads(first.stdout)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [(["--passages", "3"], "settings.passages was 8, is 3"), (["--unsupported", "kept"], "is kept")],
    )
    def test_other_settings_start_anew(self, model: ScriptedGenerator, arguments: list[str], said: str) -> None:
        file = file_of(QUESTIONS)
        citewire("eval", file, "--out", "out")
        done = citewire("eval", file, "--out", "out", *arguments)
        assert done.returncode == 0
        assert "starts anew: " in done.stderr
        assert said in done.stderr
        assert len(model.prompts) == 4
        assert Path("out/results.previous.jsonl").exists()

    def test_another_file_or_index_starts_anew(self, model: ScriptedGenerator) -> None:
        citewire("eval", file_of(QUESTIONS), "--out", "out")
        assert "sha256 was" in citewire("eval", file_of(QUESTIONS[:2]), "--out", "out").stderr
        Path("news/ferry.txt").write_text("Lund Lines runs 14 ferries between Norland and Skarvik.")
        citewire("index", "news")
        assert "index.generation was 1, is 2" in citewire("eval", file_of(QUESTIONS[:2]), "--out", "out").stderr

    def test_ctrl_c_keeps_what_is_done(self, model: ScriptedGenerator) -> None:
        file = file_of(QUESTIONS)
        model.says = {**SAID, "reopened?": KeyboardInterrupt}
        stopped = citewire("eval", file, "--out", "out")
        model.says = SAID
        assert stopped.returncode == 130
        assert "the same command goes on from there" in stopped.stderr
        assert [row["id"] for row in rows_in("out")] == ["cost"]
        again = citewire("eval", file, "--out", "out")
        assert again.returncode == 0
        assert "1 of 3 records were done before" in again.stderr
        assert len(model.prompts) == 3
        assert [row["id"] for row in rows_in("out")] == ["cost", "open", "none"]

    def test_limit_sample_and_kinds(self, model: ScriptedGenerator) -> None:
        file = file_of(QUESTIONS)
        ran = [
            [row["id"] for row in rows_in(name)]
            for name, flags in (
                ("a", ["--limit", "2"]),
                ("b", ["--kinds", "unanswerable,fact"]),
                ("c", ["--sample", "2"]),
            )
            if citewire("eval", file, "--out", name, *flags).returncode == 0
        ]
        assert ran[:2] == [["cost", "open"], ["cost", "none"]]
        assert len(ran[2]) == 2

    def test_documents_of_the_records(self, model: ScriptedGenerator) -> None:
        question = {"question": COST, "answer": "40 million"}
        file = file_of([{**question, "context": BRIDGE}, {**question, "context": "Tea is a drink. It is hot."}])
        done = citewire("eval", file, "--index", "none", "--out", "out")
        assert done.returncode == 0, done.stderr
        assert [row["right"] for row in rows_in("out")] == [True, False]

    @pytest.mark.usefixtures("model")
    def test_claims_need_no_index(self) -> None:
        done = citewire("eval", file_of(CLAIMS), "--json", "--out", "out")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["measures"]["verdict_balanced_accuracy"]["value"] == 0.75
        assert "calibration error" in citewire("eval", file_of(CLAIMS), "--out", "out").stdout


def test_help_names_both_ways_to_call_it() -> None:
    done = citewire("eval", "--help")
    assert done.returncode == 0
    assert "eval [OPTIONS] FILE" in done.stdout
    assert "eval diff [OPTIONS] A B" in done.stdout
    assert "--sample N" in done.stdout


class TestBadInput:
    @pytest.mark.parametrize(
        ("records", "arguments", "said"),
        [
            ([{"question": "A?"}, {"question": 7.5, "history": "x"}], [], 'line 2 has "x" in history'),
            ([{"claim": "C.", "evidence": "E.", "label": "?"}], [], 'line 1 has label = "?"'),
            ([], [], "has no records"),
            (QUESTIONS, ["--kinds", "facts"], "The kinds are: fact, question, unanswerable"),
            (QUESTIONS, ["--sample", "1", "--limit", "1"], "Take the first N or any N"),
            (QUESTIONS, ["--limit", "0"], "--limit 0 takes no record"),
            (QUESTIONS, ["--index", "none"], "none"),
        ],
    )
    def test_returncode_2_and_what_to_do(
        self, model: ScriptedGenerator, records: list[object], arguments: list[str], said: str
    ) -> None:
        done = citewire("eval", file_of(records), *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_no_file(self) -> None:
        done = citewire("eval", "none.jsonl")
        assert done.returncode == 2
        assert "none.jsonl cannot be read" in done.stderr
        assert citewire("eval").returncode == 2

    def test_a_folder_that_cannot_be_written(self, model: ScriptedGenerator) -> None:
        Path("out").write_text("")
        done = citewire("eval", file_of(QUESTIONS), "--out", "out")
        assert done.returncode == 2
        assert "out cannot be written" in done.stderr


class TestDiff:
    @pytest.fixture
    def runs(self, model: ScriptedGenerator) -> None:
        """Two runs over two records; one mark of the second run is flipped by hand."""
        citewire("eval", file_of(QUESTIONS), "--out", "a")
        head, *rows = Path("a/results.jsonl").read_text().splitlines()
        changed = [json.loads(row) for row in rows]
        changed[0]["right"], changed[0]["marks"]["right"] = False, [0.0, 1.0]
        Path("b").mkdir()
        Path("b/results.jsonl").write_text("".join(f"{line}\n" for line in (head, *map(json.dumps, changed))))

    def test_table(self, runs: None) -> None:
        done = citewire("eval", "diff", "a", "b")
        assert done.returncode == 0, done.stderr
        lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
        assert any(line.startswith("right 0.667 0.333 -0.333 -1.000 to +0.000") for line in lines)
        assert "3 records in both: 0 became right, 1 became wrong (McNemar p = 1.000)" in lines
        assert f"cost fact right -> WRONG {COST}" in lines

    def test_json(self, runs: None) -> None:
        found = json.loads(citewire("eval", "diff", "b", "a/results.jsonl", "--json").stdout)
        assert found["right"] == {"lost": 0, "won": 1, "p": 1.0}
        assert [one["id"] for one in found["flipped"]] == ["cost"]
        assert found["before"]["model"] == "scripted"

    def test_many_flips_and_records_of_one_run_only(self, runs: None) -> None:
        head = Path("a/results.jsonl").read_text().splitlines()[0]
        row = rows_in("a")[0]
        for folder, right, count in (("many", False, 45), ("more", True, 50)):
            rows = [{**row, "key": str(n), "right": right, "marks": {"right": [right, 1]}} for n in range(count)]
            Path(folder).mkdir()
            Path(folder, "results.jsonl").write_text("".join(f"{line}\n" for line in (head, *map(json.dumps, rows))))
        done = citewire("eval", "diff", "many", "more")
        assert "45 records in both: 45 became right, 0 became wrong (McNemar p = 0.000)" in done.stdout
        assert done.stdout.count("wrong -> right") == 40
        assert "... and 5 more, all with --json" in done.stderr
        assert "5 records are in one run only and not compared" in done.stderr

    def test_bad_input(self, runs: None) -> None:
        assert "cannot be read" in citewire("eval", "diff", "a", "c").stderr
        citewire("eval", file_of(CLAIMS, "claims.jsonl"), "--out", "claims")
        done = citewire("eval", "diff", "a", "claims")
        assert done.returncode == 2
        assert "no record in common" in done.stderr
        assert citewire("eval", "diff", "a").returncode == 2


class Elements(HTMLParser):
    """Collects the tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


class TestReport:
    def test_wrong_answers_stand_beside_their_evidence(self, model: ScriptedGenerator) -> None:
        citewire("eval", file_of(QUESTIONS), "--out", "out")
        page = Elements(Path("out/report.html").read_text())
        assert page.tags.count("article") == 1
        assert "What went wrong: 1 of 3" in page.text
        assert "does not say May 2018" in page.text
        assert "Wanted: May 2018; citing bridge.txt" in page.text
        assert "“The bridge reopened in September 2019.”bridge.txt:54-92" in page.text
        assert "svg" in page.tags
        assert not {"script", "link", "img", "iframe", "a", "form", "input"} & set(page.tags)
        policy = next(str(value) for name, value in page.attributes if name == "content")
        assert policy.startswith("default-src 'none'; style-src 'sha256-")

    def test_claims_have_a_reliability_diagram(self, model: ScriptedGenerator) -> None:
        citewire("eval", file_of(CLAIMS), "--out", "out")
        page = Elements(Path("out/report.html").read_text())
        assert "Expected calibration error" in page.text
        assert "circle" in page.tags
        assert f"Evidence{BRIDGE}" in page.text

    def test_what_an_answer_can_hold_is_all_there(self, model: ScriptedGenerator, chromium: Browser) -> None:
        question = {"question": "How?", "gold_answers": ["Ann", "Bo"], "history": [["Who came?", "Ann came."]]}
        citewire("eval", file_of([question]), "--out", "out")
        (row,) = rows_in("out")
        value = {"value": "40 million", "article": "bridge.txt", "published": "", "start": 0, "end": 3, "text": "The"}
        row["answer"]["conflicts"] = [{"about": "the cost", "values": [value]}]
        claim = {"text": "Bo left.", "verdict": "unsupported", "probability": 0.1, "reason": "Bo is not in the quote"}
        row["answer"]["claims"] = [{**claim, "shown": False, "quotes": []}]
        row["answer"]["short"] = "Bo <b>"
        refused = {**row, "record": {**row["record"], "answerable": False}, "kind": "a kind"}
        summary = json.loads(Path("out/summary.json").read_text())
        report = report_html.page(summary, [row, refused])
        with browser_context(chromium) as context:
            shown = context.new_page()
            shown.set_content(report)
            assert faults(shown) == []
            assert missed(shown) == []
            shown.emulate_media(color_scheme="dark")
            assert faults(shown) == []
        page = Elements(report)
        assert "Before: Who came? — Ann came." in page.text
        assert "Wanted: Ann and Bo" in page.text
        assert "Wanted: a refusal" in page.text
        assert "In few words: Bo <b>" in page.text
        assert "Sources disagree: the cost40 million bridge.txt:0-3“The”" in page.text
        assert "Bo left. unsupported (0.10, withheld): Bo is not in the quote" in page.text

    def test_hostile_texts_stay_texts(self, model: ScriptedGenerator) -> None:
        questions = [{"id": p, "kind": p, "question": f"bridge {p}", "answer": p, "sources": [p]} for p in PAYLOADS]
        harmless = citewire("eval", file_of([{"question": "bridge ?", "answer": "x"}]), "--out", "harmless")
        claims = [{"claim": p, "evidence": p + " no", "label": 0} for p in PAYLOADS]
        hostile = citewire("eval", file_of([*questions, *claims], "<img src=x onerror=1>.jsonl"), "--out", "hostile")
        assert (harmless.returncode, hostile.returncode) == (0, 0)
        page = Elements(Path("hostile/report.html").read_text())
        plain = Elements(Path("harmless/report.html").read_text())
        own = {"h3", "small", "strong", "blockquote", "ol", "circle", "text", "div", "details", "summary", "title"}
        assert set(page.tags) <= set(plain.tags) | own
        assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("href", "src")]
        for payload in PAYLOADS:
            assert " ".join(payload.split()) in " ".join(page.text.split())

    def test_control_characters_do_not_reach_the_page_or_the_terminal(self, model: ScriptedGenerator) -> None:
        done = citewire(
            "eval", file_of([{"id": "\x1b[2J", "kind": "\x1b]0;x\x07", "question": "Q \u202e?", "answer": "x"}])
        )
        assert done.returncode == 0
        page = Path(".citewire/eval/questions/report.html").read_text()
        assert not {"\x1b", "\x07", "\u202e"} & set(page + done.stdout + done.stderr)


@pytest.mark.model
def test_real_models(
    monkeypatch: pytest.MonkeyPatch, embedder: Embedder, small_generator: Generator, seeds_folder: Path
) -> None:
    monkeypatch.setattr(engine, "load_embedder", lambda chosen: embedder)
    monkeypatch.setattr(engine, "load_generator", lambda chosen, report: small_generator)
    questions = [
        {"question": "Who is the chief executive of Canaan?", "answer": "Nangeng Zhang"},
        {"question": "What is the capital of France?", "unanswerable": True},
    ]
    done = citewire("eval", file_of(questions), "--index", str(seeds_folder), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["run"]["model"] == small_generator.name
    assert found["measures"]["quotes_exact"]["value"] == found["measures"]["refusal_recall"]["value"] == 1
    assert rows_in(".citewire/eval/questions")[0]["answer"]["timings"]["output_tokens"] > 0


@pytest.mark.model
@pytest.mark.usefixtures("small_generator")  # it must be downloaded
def test_a_process_of_its_own() -> None:
    """A process has the right exit code and both outputs, and loads nothing of the page."""
    program = (
        "import sys, citewire.ui.cli as cli\n"
        f"sys.argv = ['citewire', 'eval', {file_of(CLAIMS)!r}, '--json', '--model', 'smollm2-135m']\n"
        "try: cli.main()\n"
        "finally: assert 'gradio' not in sys.modules"
    )
    run_it = [sys.executable, "-c", program]
    variables = os.environ | {"CITEWIRE_READER": "small"}
    done = subprocess.run(run_it, env=variables, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["run"]["model"], sum(found["verdicts"].values())) == ("smollm2-135m", len(CLAIMS))
    assert "report.html has the figures" in done.stderr
