"""One of the conversations of `page_talks`, typed into the real page with the real model; how replies are marked."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_shots import PATIENT_MS, samples
from page_talks import TALKS, held, read, wrong
from playwright.sync_api import Browser, expect


@pytest.mark.parametrize(
    ("expected", "shown", "text", "found"),
    [
        ("answer", "answer", "The order was for 17,352 machines.", []),
        ("answer", "answer", "The order was for 117,352 machines.", ["0 of 1 groups of words"]),
        ("answer", "refuse", "No supported answer", ["refuse in place of answer", "0 of 1 groups of words"]),
        ("answer", "chat", "There are 17,352 articles.", []),
        ("refuse", "answer", "17,352", ["answer in place of refuse"]),
        ("chat", "refuse", "I do not write poems. 17,352", []),
    ],
)
def test_a_reply_is_marked_by_its_words(expected: str, shown: str, text: str, found: list[str]) -> None:
    turn = {"question": "How many?", "expect": expected, "groups": [["17,352", "17.352"]]}
    assert wrong(turn, {"shown": shown, "text": text}) == found


@pytest.mark.model
def test_a_conversation_goes_as_written(chromium: Browser, tmp_path: Path) -> None:
    talks = {talk["id"]: talk["turns"] for talk in read(TALKS)}
    assert (len(talks), {len(turns) for turns in talks.values()}) == (8, {4})
    with samples(tmp_path) as address, chromium.new_page() as page:
        page.goto(address)
        expect(page.locator(".cw-status[data-state=ready]")).to_be_attached(timeout=PATIENT_MS)
        replies = list(held(page, talks["greeting-overview"]))
        assert {reply["question"]: reply["wrong"] for reply in replies if reply["wrong"]} == {}
        asked: set[str] = set()
        for reply in replies:
            asked.add(reply["question"].lower().strip("?!. "))
            assert len(reply["offered"]) <= 3
            assert not asked & {one.lower().strip("?!. ") for one in reply["offered"]}
