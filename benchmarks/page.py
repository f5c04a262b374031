"""Measure how fast and how steady the page is, in Chromium against `citewire serve` with a real model.

    python benchmarks/page.py --index .citewire/index [--model qwen2.5-coder-0.5b] [--question "..."]

Prints these times in seconds: from the start of the program to an address that answers; from opening the page to a
usable input box, first and second time; from asking to the first row of sources, to the first citation number and to
the whole answer; from Stop to an answer marked as stopped. Also prints the layout shift while an answer streams
(https://web.dev/articles/cls, and also with the shifts within half a second after input, which that metric ignores).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
LONG = 120_000  # ms
# Records when each selector first matched after `asked`, every layout shift, and the distance between the question and
# the beginning of the answer: Gradio redraws messages, and the browser does not count that as a shift.
WATCH = """
selectors => {
  window.seen = {}; window.shifts = []; window.tops = new Set(); window.asked = performance.now();
  const top = (selector) => [...document.querySelectorAll(selector)].at(-1)?.getBoundingClientRect().top;
  const look = () => {
    if (top(".cw-answer .cw-text")) tops.add(Math.round(top(".cw-answer .cw-text") - top(".cw-question")));
    for (const [name, selector] of Object.entries(selectors))
    if (!(name in seen) && document.querySelector(selector)) seen[name] = (performance.now() - asked) / 1000; };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, attributes: true});
  new PerformanceObserver(list => { for (const e of list.getEntries()) shifts.push([e.value, e.hadRecentInput,
    (e.startTime - asked) / 1000, e.sources.map(s => s.node?.className || s.node?.nodeName || "?").join(" | ")]); }
  ).observe({type: "layout-shift"});
}
"""


@contextmanager
def serving(index: Path, model: str, port: int) -> Iterator[tuple[str, float]]:
    """Yield the address of a page and the seconds until it answered."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "citewire.ui", "serve", "--index", str(index), "--port", str(port)]
    each_anew = {**os.environ, "CITEWIRE_CACHED_ANSWERS": "0"}
    with subprocess.Popen([*command, "--model", model], stdout=subprocess.PIPE, text=True, env=each_anew) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.split()[2], time.perf_counter() - began
        finally:
            process.terminate()


def opened(browser: Browser, address: str, phone: bool) -> tuple[Page, float]:
    """Return a page with a usable input box, and the seconds until then."""
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
    page = browser.new_context(viewport=size).new_page()  # type: ignore[arg-type]
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("#cw-ask textarea:enabled", timeout=LONG)
    return page, time.perf_counter() - began


def ask(page: Page, question: str) -> None:
    page.fill("#cw-ask textarea", question)
    page.evaluate(
        WATCH, {"row": ".cw-row", "number": ".cw-answer a.cw-chip", "draft": ".cw-draft", "end": ".cw-closing"}
    )
    page.keyboard.press("Enter")


def measure_answer(page: Page, question: str) -> None:
    ask(page, question)
    page.wait_for_selector(".cw-closing", timeout=LONG)
    page.wait_for_timeout(800)
    seen, shifts, tops = page.evaluate("[seen, shifts, [...tops]]")
    times = ", ".join(f"{name} {seen[name]:.2f}" for name in ("row", "draft", "number", "end") if name in seen)
    print(f"  asked to: {times}")
    counted = sum(value for value, recent, *_ in shifts if not recent)
    moved = max(tops, default=0) - min(tops, default=0)
    every = sum(shift[0] for shift in shifts)
    print(f"  layout shift {counted:.4f}, with what follows input {every:.4f}; the text moved by {moved} px")
    for value, _, at, what in sorted(shifts, reverse=True)[:3]:
        print(f"    {value:.4f} at {at:.2f} s: {what[:90]}")


def measure_stop(page: Page, question: str) -> None:
    ask(page, question)
    page.wait_for_selector(".cw-draft, .cw-busy:has-text('Reading')", timeout=LONG)
    took, same = page.evaluate(
        """async () => {
          const began = performance.now();
          document.querySelector("#cw-ask .stop-button").click();
          while (!document.querySelector(".cw-closing")) await new Promise(requestAnimationFrame);
          const took = (performance.now() - began) / 1000, text = document.querySelector(".cw-answer").textContent;
          await new Promise(done => setTimeout(done, 3000));
          return [took, text === document.querySelector(".cw-answer").textContent];
        }"""
    )
    print(f"  stop to the stopped answer: {took:.3f}, text the same 3 s later: {same}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--port", type=int, default=7879)
    parser.add_argument("--question", default="Which miner had the lowest all-in cash cost per coin?")
    given = parser.parse_args()
    path = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    with sync_playwright() as playwright, serving(given.index, given.model, given.port) as (address, started):
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        print(f"program started to page served: {started:.2f} s")
        for phone in (False, True):
            print("390 x 844" if phone else "1280 x 800")
            for time_ in ("first", "second"):
                page, took = opened(browser, address, phone)
                print(f"  opened to usable, {time_} time: {took:.2f}")
            for _ in range(2):
                measure_answer(page, given.question)
                page.click("[data-cw-do=new]")
                page.wait_for_selector(".cw-welcome")
            measure_stop(page, given.question)
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
