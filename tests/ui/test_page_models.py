"""The choice between the fast and the careful model: in a real browser, in the settings, and once with both models."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browser import PHONE, faults, opened
from conftest import until
from playwright.sync_api import Browser, Locator, Page, expect
from scripted import EXAMPLES, ScriptedAnswerer, ScriptedIndex, over_index, scripted_choice
from served import ask, served, serving, usable

from citewire.index.errors import ModelError
from citewire.qa.models.catalogue import CATALOGUE
from citewire.ui import engine
from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings

LOADING = "Loading the careful model. The fast one answers meanwhile."
PATIENCE_S = 240  # loading takes seconds; other work on the machine makes it minutes


class Slow:
    """Loads the careful answerer when it is let go; fails the first times, as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.go = threading.Event()
        self.loads = 0
        self._failures = failures

    def __call__(self) -> ScriptedAnswerer:
        self.loads += 1
        assert self.go.wait(60)
        if self.loads <= self._failures:
            raise ModelError("Too little memory", "Close something.")
        return ScriptedAnswerer("scripted with care")


def settings(page: Page) -> Locator:
    """Open the Settings; return the models there."""
    page.get_by_role("button", name="Settings").click()
    return page.get_by_role("group", name="Model")


def chosen(page: Page) -> str:
    return str(page.locator(".cw-settings input[name=model]:checked").input_value())


def test_the_careful_model_is_loaded_when_it_is_chosen_and_answers_say_who_wrote_them(
    chromium: Browser, tmp_path: Path
) -> None:
    slow = Slow()
    with (
        served(lambda: over_index(ScriptedIndex()), tmp_path / "kept.db", choice=scripted_choice(slow)) as address,
        opened(chromium, address) as page,
    ):
        switch = settings(usable(page))
        expect(switch.get_by_role("radio")).to_have_count(2)
        assert chosen(page) == "fast"
        assert slow.loads == 0
        assert faults(page) == []
        switch.get_by_role("radio", name="Fast").focus()
        page.keyboard.press("ArrowRight")  # the keyboard alone
        expect(switch.get_by_role("radio", name="Careful")).to_be_focused()
        expect(page.locator(".cw-settings-said")).to_have_text(LOADING)
        assert chosen(page) == "careful"
        assert faults(page) == []
        page.keyboard.press("Escape")
        said = page.locator(".cw-model-said")
        expect(said).to_have_text(LOADING)
        ask(page, EXAMPLES[0])
        closing = page.locator(".cw-closing").last
        expect(closing).to_contain_text("By the fast model.")
        page.get_by_role("textbox").fill("being typed")
        slow.go.set()
        expect(said).to_have_text("The careful model answers.")
        expect(page.get_by_role("textbox")).to_have_value("being typed")
        ask(page, EXAMPLES[0])
        expect(closing).to_have_text(
            "2 of 2 sentences checked against a quote, reworded. 1 of 2 read as answering the question: “18 May”."
            " 2 articles. By the careful model. 2.1\N{NO-BREAK SPACE}s."
        )
        settings(page).get_by_text("Fast").click()
        expect(said).to_have_text("")
        switch.get_by_text("Careful").click()
        expect(said).to_have_text("The careful model answers.")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".cw-question")).to_have_count(0)
        page.goto(address)  # another conversation, the same browser
        expect(said).to_have_text("The careful model answers.")
        settings(usable(page))
        assert chosen(page) == "careful"
        assert slow.loads == 1
        page.keyboard.press("Escape")
        page.get_by_role("textbox").fill("")


def test_a_model_that_cannot_be_loaded_says_why_and_can_be_chosen_again(chromium: Browser, tmp_path: Path) -> None:
    slow = Slow(failures=1)
    slow.go.set()
    with (
        served(lambda: over_index(ScriptedIndex()), tmp_path / "kept.db", choice=scripted_choice(slow)) as address,
        opened(chromium, address, PHONE) as page,
    ):
        careful = settings(usable(page)).locator("label", has_text="Careful")
        careful.click()
        said = page.locator(".cw-settings-said")
        expect(said).to_have_text(
            "The fast model answers, as the careful one could not be loaded: Too little memory. Close something."
        )
        assert chosen(page) == "fast"
        assert faults(page) == []
        careful.click()
        expect(said).to_have_text("The careful model answers.")
        for label in page.locator(".cw-settings .cw-pair label").all():
            box = label.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 44
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_there_is_no_switch_where_there_is_one_model(chromium: Browser, tmp_path: Path) -> None:
    with (
        served(lambda: over_index(ScriptedIndex()), tmp_path / "kept.db") as address,
        opened(chromium, address) as page,
    ):
        ask(usable(page), EXAMPLES[0])
        expect(page.locator(".cw-closing")).to_be_visible()
        expect(page.locator(".cw-closing")).not_to_contain_text("model")
        assert page.locator("#cw-model").bounding_box() is None  # it takes no room
        expect(settings(page)).to_be_hidden()


def put(cache: Path, name: str, *, short: int = 0) -> None:
    """Put a file as long as a model's, or shorter, where the model would be."""
    entry = CATALOGUE[name]
    file = cache / "models" / name / entry.filename
    file.parent.mkdir(parents=True)
    with file.open("wb") as opened_file:
        opened_file.truncate(entry.bytes - short)  # a hole: takes no room


@pytest.mark.parametrize(
    ("model", "usual"),
    [("qwen2.5-coder-0.5b", "fast"), ("Qwen2.5-Coder-1.5B", "careful"), ("smollm2-135m", ""), ("owner/name", "")],
)
def test_both_models_are_offered_where_both_are_fetched_and_one_is_the_settings(
    tmp_path: Path, model: str, usual: str
) -> None:
    settings = Settings(cache=tmp_path, model=model)
    put(tmp_path, "qwen2.5-coder-0.5b")
    assert engine.choice(settings) is None
    put(tmp_path, "qwen2.5-coder-1.5b")
    offered = engine.choice(settings)
    assert (offered.usual if offered else "") == usual
    if offered:
        assert offered.models == {"fast": "qwen2.5-coder-0.5b", "careful": "qwen2.5-coder-1.5b"}


def test_a_model_that_is_fetched_in_part_is_not_offered(tmp_path: Path) -> None:
    put(tmp_path, "qwen2.5-coder-0.5b")
    put(tmp_path, "qwen2.5-coder-1.5b", short=1)
    assert engine.choice(Settings(cache=tmp_path, model="qwen2.5-coder-0.5b")) is None


@pytest.fixture
def real(seeds_folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A page of two real models over the samples; the smallest stands in for the careful one, which is 1.1 GB."""
    monkeypatch.setattr(engine, "CHOICE", {"fast": "qwen2.5-coder-0.5b", "careful": "smollm2-135m"})
    shutil.copytree(seeds_folder, tmp_path / "index")
    settings = Settings(
        index=tmp_path / "index", conversations=tmp_path / "kept.db", runs=tmp_path / "runs", cache=cache,
        model="qwen2.5-coder-0.5b", reader="small", device="cpu",
    )  # fmt: skip
    assert engine.choice(settings), "run: citewire models fetch qwen2.5-coder-0.5b smollm2-135m"
    with serving(lambda: lay_out(settings)) as address, httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        yield client


@pytest.mark.model
def test_both_real_models_answer_from_one_index(real: httpx.Client) -> None:
    def answer(**named: str) -> httpx.Response:
        return real.post("/v1/ask", json={"question": "How many Avalon miners did Mawson order from Canaan?", **named})

    def careful() -> httpx.Response | None:
        time.sleep(0.3)  # leaves the cores to the loading
        response = answer(model="careful")
        return response if response.status_code != 503 else None

    until(lambda: real.get("/v1/status").json()["state"] == "ready", PATIENCE_S)
    assert careful() is None  # nobody has asked for it before
    by_fast = answer().json()  # meanwhile
    until(careful, PATIENCE_S)
    by_careful = answer(model="careful").json()
    assert [one["model"] for one in (by_fast, by_careful)] == ["qwen2.5-coder-0.5b", "smollm2-135m"]
    assert "17,352" in by_fast["text"]
    assert "17,352" in by_careful["text"]
    assert by_fast["hits"] == by_careful["hits"]
