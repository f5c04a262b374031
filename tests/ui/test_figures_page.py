"""GET /figures: the figures of the last evaluation as they are drawn, what it says without one, and hostile names."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from browser import DESK, browser_context, faults, launched
from fastapi import FastAPI
from typer.testing import CliRunner

from citewire.qa.evaluate.marks import MEASURES
from citewire.qa.evaluate.runs import code_digest, summarise
from citewire.ui.figures_page import GROUPS, NoRunError, page, router, runs

HOSTILE = "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"


def asked(right: bool, kind: str, seconds: float) -> dict[str, Any]:
    timings = {"retrieve_s": 0.1, "first_token_s": seconds / 2, "total_s": seconds}
    answer = {"status": "answered", "claims": [], "timings": timings}
    marks = {"right": [float(right), 1.0], "quotes_exact": [1.0, 1.0]}
    return {
        "key": f"{kind}{seconds}",
        "kind": kind,
        "marks": marks,
        "right": right,
        "why": [],
        "record": {},
        "answer": answer,
    }


def claimed(probability: float, supported: bool) -> dict[str, Any]:
    right = (probability > 0.5) == supported
    marks = {"right": [float(right), 1.0]}
    verdict = {"verdict": "supported" if probability > 0.5 else "unsupported", "probability": probability, "reason": ""}
    row = {"key": str(probability), "kind": "claim", "marks": marks, "right": right, "why": []}
    return {**row, "record": {"supported": supported}, "verdict": verdict}


ANSWERS = [
    asked(True, "fact", 1.0),
    asked(True, "fact", 2.0),
    asked(True, "fact", 3.0),
    asked(False, "follow-up", 40.0),
]
CLAIMS = [claimed(0.9, True), claimed(0.8, False), claimed(0.1, False), claimed(0.2, True)]


def run(folder: Path, rows: list[dict[str, Any]], *, at: float = 1e9, **identity: Any) -> None:
    """Write what `citewire eval` would write of some rows."""
    known = {"file": "questions.jsonl", "model": "small-model", "code": code_digest(), "settings": {"passages": 8}}
    folder.mkdir(parents=True)
    index = {"folder": "news-index", "generation": 3}
    summary = {"run": {**known, "index": index, **identity}, "folder": str(folder), **summarise(rows)}
    (folder / "summary.json").write_text(json.dumps(summary))
    os.utime(folder / "summary.json", (at, at))


def drawn(folder: Path, wanted: str = "") -> ElementTree.Element:
    """The page as a tree; it is well-formed but for the doctype and the elements without an end."""
    text = page(runs(folder), wanted).removeprefix("<!doctype html>\n")
    for void in ("meta", "link"):
        text = "".join(
            part if not n else f"<{void}" + part.replace(">", "/>", 1) for n, part in enumerate(text.split(f"<{void}"))
        )
    return ElementTree.fromstring(text)


def words(tree: ElementTree.Element) -> str:
    return " ".join("".join(tree.itertext()).split())


def bars(tree: ElementTree.Element) -> dict[str, tuple[str, list[dict[str, str]]]]:
    """Label -> (what the bar says, its rectangles): track, value, interval."""
    found = {}
    for grid in tree.iter("dl"):
        cells = list(grid)
        for label, bar in zip(cells[::3], cells[1::3], strict=True):
            name = label.find(".//b")
            (svg,) = bar
            assert name is not None
            found[name.text or ""] = svg.get("aria-label") or "", [dict(rect.attrib) for rect in svg]
    return found


def test_what_was_measured_when_and_on_which_model(tmp_path: Path) -> None:
    run(tmp_path / "news", ANSWERS)
    text = words(drawn(tmp_path))
    assert "3 of 4 questions were answered right; 4 of 4 quotes stand in their article." in text
    assert "4 questions of questions.jsonl, small-model, over news-index (generation 3)." in text
    assert "Measured on 9 September 2001" in text
    assert "citewire has changed since" not in text
    assert "settings.passages8" in text


def test_bars_are_as_long_as_their_values(tmp_path: Path) -> None:
    run(tmp_path / "news", ANSWERS)
    summary = json.loads((tmp_path / "news" / "summary.json").read_bytes())
    found = bars(drawn(tmp_path))
    right = summary["measures"]["right"]
    said, (track, value, interval) = found["right"]
    assert (track["width"], value["width"]) == ("100", "75.0")
    assert float(interval["x"]) == pytest.approx(100 * right["low"], abs=0.01)
    assert float(interval["x"]) + float(interval["width"]) == pytest.approx(100 * right["high"], abs=0.02)
    assert said == f"75%, {100 * right['low']:.0f}% to {100 * right['high']:.0f}%"
    assert found["fact"][1][1]["width"] == "100.0"
    assert found["follow-up"][1][1]["width"] == "0.0"
    assert found["in all"][0].startswith("2.50 seconds")
    assert float(found["in all"][1][1]["width"]) == pytest.approx(
        100 * 2.5 / summary["latency"]["total_s"]["p95"], abs=0.01
    )


def test_the_reliability_of_verdicts(tmp_path: Path) -> None:
    run(tmp_path / "claims", CLAIMS, model="")
    tree = drawn(tmp_path)
    text = words(tree)
    assert "2 of 4 claims were judged right." in text
    assert "no model" in text
    summary = json.loads((tmp_path / "claims" / "summary.json").read_bytes())
    assert f"it is off by {100 * summary['calibration']['error']:.1f} points of 100" in text
    assert len(list(tree.iter("circle"))) == len(summary["calibration"]["bins"]) > 0


def test_the_newest_run_of_each_sort_is_shown_and_others_can_be_chosen(tmp_path: Path) -> None:
    run(tmp_path / "old", ANSWERS[:1], at=1e9)
    run(tmp_path / "new", ANSWERS, at=1.2e9, code="of another version")
    run(tmp_path / "claims", CLAIMS, at=1.1e9)
    text = words(drawn(tmp_path))
    assert "3 of 4 questions" in text
    assert "2 of 4 claims" in text
    assert "1 of 1 questions" not in text
    assert text.count("citewire has changed since") == 1
    links = [link.get("href") for link in drawn(tmp_path).iter("a")]
    assert links == ["?run=new", "?run=claims", "?run=old"]  # wherever the page lies
    assert "1 of 1 questions" in words(drawn(tmp_path, "old"))
    with pytest.raises(NoRunError, match=r"no evaluation '\.\./old'"):
        drawn(tmp_path, "../old")


def test_a_folder_that_is_a_run_itself(tmp_path: Path) -> None:
    run(tmp_path / "mine", ANSWERS)
    assert [one.name for one in runs(tmp_path / "mine")] == ["mine"]


def test_every_measure_has_its_place() -> None:
    assert sorted(name for _, names in GROUPS for name in names) == sorted(MEASURES)


def test_without_an_evaluation_it_says_how_to_make_one(tmp_path: Path) -> None:
    text = words(drawn(tmp_path / "nothing here"))
    assert "Nothing has been measured on this machine yet." in text
    assert "citewire eval questions.jsonl" in text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run": {}}'])
def test_damaged_results_are_left_out_and_logged(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "summary.json").write_text(content)
    run(tmp_path / "good", ANSWERS)
    assert [one.name for one in runs(tmp_path)] == ["good"]
    assert "bad/summary.json" in caplog.text


def test_hostile_names_are_words(tmp_path: Path) -> None:
    rows = [{**ANSWERS[0], "kind": HOSTILE}, {**ANSWERS[3], "kind": "x"}]
    run(tmp_path / "a&b'\"", rows, file=HOSTILE, model=HOSTILE, index={"folder": HOSTILE, "generation": 1})
    run(tmp_path / "other", CLAIMS, at=2e9)
    tree = drawn(tmp_path)
    assert not list(tree.iter("script"))
    assert not list(tree.iter("img"))
    assert words(tree).count(HOSTILE) >= 4


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(tmp_path: Path, dark: bool) -> None:
    run(tmp_path / "news", ANSWERS)
    with launched() as browser, browser_context(browser, DESK, dark=dark) as context:
        shown = context.new_page()
        shown.set_content(page(runs(tmp_path)))
        assert faults(shown) == []


def test_the_route(tmp_path: Path) -> None:
    app = FastAPI()
    app.include_router(router(tmp_path))

    def get(address: str) -> httpx.Response:
        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
                return await client.get(address)

        return asyncio.run(answer())

    assert "Nothing has been measured" in get("/figures").text
    run(tmp_path / "news", ANSWERS)
    answer = get("/figures")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "3 of 4 questions" in answer.text
    missing = get("/figures?run=none")
    assert (missing.status_code, missing.json()["problem"]) == (404, "there is no evaluation 'none'")


def test_the_command_that_it_names_is_one() -> None:
    from citewire.ui.cli import app

    assert CliRunner().invoke(app, ["eval", "--help"]).exit_code == 0
