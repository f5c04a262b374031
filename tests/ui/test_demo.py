"""`citewire demo`: the tour on a page of scripted answers in Chromium, and its questions to the real model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from browser import DESK, PHONE, opened
from commands import citewire
from conftest import until
from playwright.sync_api import Browser, Page, expect
from scripted import HOURS, OPENING, TOUR, ScriptedAnswerer, ScriptedIndex, scripted_load
from served import served

from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa.answer import Answerer
from citewire.qa.reader import load_reader
from citewire.qa.types import Generator, Turn
from citewire.ui import cli, engine
from citewire.ui.chat import Loaded
from citewire.ui.settings import Settings
from citewire.ui.tour import ADDRESS, END, STEPS, over_samples, router


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page whose tour waits for Next: the captions stay for minutes."""
    kept = tmp_path_factory.mktemp("demo") / "kept.sqlite"
    with served(scripted_load(), kept, routers=[router(TOUR, pace=100)]) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, url: str) -> Iterator[Page]:
    with touring(chromium, url) as ready:
        yield ready


@contextmanager
def touring(chromium: Browser, url: str) -> Iterator[Page]:
    with opened(chromium, url) as ready:
        ready.goto(url + ADDRESS)
        expect(ready.locator(".cw-tour")).to_be_visible()
        yield ready


def button(page: Page, name: str) -> None:
    page.get_by_role("region", name="Guided tour").get_by_role("button", name=name, exact=True).click()


def says(page: Page, caption: str) -> None:
    expect(page.locator(".cw-tour-caption")).to_have_text(caption)


def ringed(page: Page, selector: str) -> bool:
    """Whether the ring is around the last match of a selector."""
    return bool(
        page.evaluate(
            """(selector) => {
              const ring = document.querySelector(".cw-tour-ring").getBoundingClientRect();
              const one = [...document.querySelectorAll(selector)].at(-1)?.getBoundingClientRect();
              return one && Math.abs(ring.left + 6 - one.left) < 1.5 && Math.abs(ring.top + 6 - one.top) < 1.5
                && Math.abs(ring.width - 12 - one.width) < 1.5;
            }""",
            selector,
        )
    )


def test_the_tour_drives_the_page_and_points_at_what_matters(page: Page) -> None:
    says(page, "Before one.")
    expect(page.locator("#cw-ask textarea")).to_have_value("When does it open?")
    seen_in = ("mark.cw-on", ".cw-searched", ".cw-conflict", ".cw-abstain", ".cw-lead", "ul.cw-text")
    for step, seen in zip(TOUR[:6], seen_in, strict=True):
        says(page, step.before)
        button(page, "Next")
        says(page, step.after)
        expect(page.locator(".cw-question").last).to_have_text(step.question)
        expect(page.locator("#cw-ask textarea")).to_have_value("")
        expect(page.locator(".cw-tour-ring")).to_be_visible()
        page.wait_for_function("() => document.querySelector('.cw-tour-ring').getBoundingClientRect().width > 20")
        until(partial(ringed, page, seen))  # the chat scrolls, and the ring follows
        if step.look == "quote":
            expect(page.locator("mark.cw-on")).to_have_text(OPENING)
        button(page, "Next")
    says(page, "Before five.")
    button(page, "Next")
    says(page, "It knew.")
    expect(page.locator(".cw-tour-ring")).to_be_hidden()
    button(page, "Next")
    says(page, END)
    expect(page.get_by_role("button", name="Close the tour")).to_be_focused()
    button(page, "Close the tour")
    expect(page.locator(".cw-tour")).to_have_count(0)
    expect(page.locator("#cw-ask textarea")).to_be_focused()


def test_it_goes_on_by_itself_unless_it_is_paused(chromium: Browser, tmp_path: Path) -> None:
    with (
        served(scripted_load(), tmp_path / "kept.sqlite", routers=[router(TOUR)]) as url,
        touring(chromium, url) as page,
    ):
        says(page, "Before one.")
        button(page, "Pause")
        expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")
        page.wait_for_timeout(2600)  # longer than a caption is shown
        says(page, "Before one.")
        assert page.locator(".cw-question").count() == 0
        button(page, "Go on")
        says(page, "The quote.")
        says(page, "Before two.")


def test_quitting_leaves_a_page_that_can_be_used(page: Page) -> None:
    says(page, "Before one.")
    assert (
        page.evaluate("document.querySelector('.gradio-container').getBoundingClientRect().bottom")
        < DESK["height"] - 90
    )
    page.get_by_role("button", name="Quit").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".cw-tour")).to_have_count(0)
    whole = "height => document.querySelector('.gradio-container').getBoundingClientRect().bottom === height"
    page.wait_for_function(whole, arg=DESK["height"])
    page.locator("#cw-ask textarea").fill("Asked by hand")
    page.keyboard.press("Enter")
    expect(page.locator(".cw-question")).to_have_text("Asked by hand")
    expect(page.locator(".cw-closing")).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.locator(".cw-question")).to_have_count(1)


def test_on_a_phone_nothing_is_covered(chromium: Browser, url: str) -> None:
    with opened(chromium, url, PHONE) as page:
        page.goto(url + ADDRESS)
        says(page, "Before one.")
        top = page.evaluate("document.querySelector('.cw-tour').getBoundingClientRect().top")
        assert page.evaluate("document.querySelector('#cw-ask').getBoundingClientRect().bottom") <= top
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        button(page, "Next")
        says(page, "The quote.")
        expect(page.locator("mark.cw-on")).to_be_in_viewport()


def test_without_the_route_there_is_no_tour(chromium: Browser, tmp_path: Path) -> None:
    load = lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "scripted model")  # noqa: E731
    with served(load, tmp_path / "kept.sqlite") as url:
        assert httpx.get(f"{url}/tour").status_code == 404
        assert HOURS not in httpx.get(url).text


# -- the command ------------------------------------------------------------------------------------------


def test_the_demo_leaves_what_is_the_users_alone(tmp_path: Path) -> None:
    chosen = Settings(
        cache=tmp_path,
        index=Path("mine"),
        articles=(Path("news"),),
        outlets=("Herald",),
        published_from="2026-01-01",
        port=7861,
    )
    shown = over_samples(chosen)
    assert shown.articles == (engine.samples(),)
    assert (shown.index, shown.conversations.parent) == (tmp_path / "demo" / "index", tmp_path / "demo")
    assert (shown.outlets, shown.published_from, shown.port) == ((), "", 7861)


def test_the_command_opens_the_page_at_the_tour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[Settings, str, int]] = []
    monkeypatch.setattr(
        cli,
        "_open_page",
        lambda chosen, prepare, *, routers, opens: calls.append((chosen, opens, len(routers))),
    )
    done = citewire("demo", "--cache", str(tmp_path), "--port", "7999")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ((chosen, opens, routers),) = calls
    assert (chosen.port, chosen.index, opens, routers) == (7999, tmp_path / "demo" / "index", ADDRESS, 1)


@pytest.mark.model
def test_the_real_model_answers_as_the_captions_say(
    seeds_index: Index, embedder: Embedder, generator: Generator
) -> None:
    answerer = Answerer(seeds_index, embedder, generator, load_reader(2))
    history: list[Turn] = []
    for step in STEPS:
        answer = answerer.ask(step.question, tuple(history))
        history.append(Turn(step.question, answer.text))
        if step.look == "reply":
            assert (answer.kind, answer.claims) == ("talk", ()), step.title
            continue
        if step.look == "refusal":
            assert answer.status == "abstained", step.title
            continue
        assert answer.status == "answered", step.title
        assert any(claim.quotes for claim in answer.claims)
        if step.look == "list":
            assert answer.listed, step.title
        if step.look == "searched":
            assert "Genesis" in answer.standalone_question
            assert "Avalon miners" in answer.standalone_question
        if step.look == "conflict":  # a small reader may miss it; both values are quoted anyway
            assert {"269.3 million", "88.8 million"} <= set(re.findall(r"[\d.]+ million", answer.text))
