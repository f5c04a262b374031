"""Browsers for tests, with their background network services off; pages fail on errors and on outside requests.

Needs Chromium: `chromium-headless-shell` (opens a page in half the time) or `chromium` on the path, or its path in
`CHROMIUM`. Firefox is Debian's (`firefox-esr` or `firefox` on the path, or `FIREFOX`), which needs `firefox_relay.py`
to work with Playwright; without Firefox its tests are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import firefox_relay
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize, expect, sync_playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
# The same as Chromium's context options, as Firefox preferences; 6 is a mouse, which Firefox lacks without a screen.
FIREFOX_PREFERENCES = {
    "ui.prefersReducedMotion": 1, "ui.systemUsesDarkTheme": 0,
    "ui.primaryPointerCapabilities": 6, "ui.allPointerCapabilities": 6,
}  # fmt: skip
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}

GRADIO = re.compile("/gradio_api/(?!heartbeat/)")  # the heartbeat lasts as long as the page
ASKED: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()  # page of `tab` -> what Gradio has not answered yet

expect.set_options(timeout=15_000)  # milliseconds; long, as two cores are shared with other tests

# By default axe does not check the target size that WCAG 2.2 added.
AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def faults(page: Page) -> list[str]:
    """Return the accessibility faults that axe-core (4.12, bundled with axe-playwright-python) finds on a page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async (options) => (await axe.run(options)).violations", AXE)
    return [f"{one['id']}: {node['target']} {node['html'][:120]}" for one in found for node in one["nodes"]]


# Notes what Tab reaches, and whether the focus can be seen there (WCAG 2.2, 2.1.1, 2.4.7, 2.4.11).
WALK = """() => {
  const told = (e) => [e, e.parentElement, e.parentElement?.parentElement, e.closest("form, [id]")].filter(Boolean)
    .flatMap((one) => [null, "::before", "::after"].map((part) => getComputedStyle(one, part)))
    .map((style) => [style.outline, style.boxShadow, style.border, style.background].join()).join();
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length;
  const within = document.querySelector("dialog:modal") || document.body;
  document.activeElement.blur();
  const all = [...within.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter((e) => e.tabIndex >= 0 && !e.disabled && !e.closest("[inert]") && shown(e));
  const before = new Map(all.map((e) => [e, told(e)])), met = new Set(), wrong = [];
  let start = null, away = false, outside = 0;
  const name = (e) => e.outerHTML.slice(0, 120);
  const open = (e) => [...e.getClientRects()].some((box) => [[.5, .5], [.05, .5], [.95, .5], [.5, .1], [.5, .9]].some(([x, y]) => {
    const top = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
    return top && (e.contains(top) || top.closest("label")?.contains(e));
  }));
  const focused = ({ target }) => {
    if (met.has(target)) return;
    met.add(target);
    if (before.has(target) && before.get(target) === told(target)) wrong.push("no focus is seen: " + name(target));
    if (!open(target)) wrong.push("lies under something: " + name(target));
  };
  addEventListener("focusin", focused);
  const reached = (e) => met.has(e) || (e.type === "radio" && [...met].some((one) => one.name === e.name));
  window.walk = {
    round: () => {
      const now = document.activeElement;
      if (now !== document.body && !(start?.isConnected && shown(start))) [start, away] = [now, false];
      if (now !== start) away = true;
      if (now === document.body) outside += 1;
      return outside > 2 || (away && now === start);
    },
    end: () => {
      removeEventListener("focusin", focused);
      return [...wrong, ...all.filter((e) => e.isConnected && shown(e) && !reached(e)).map((e) => "not reached: " + name(e))];
    },
  };
}"""  # noqa: E501
MOST_STOPS = 200


def missed(page: Page) -> list[str]:
    """Press Tab until the focus comes round; return what is never reached, shows no focus or lies under something."""
    page.evaluate(WALK)
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("walk.round()"):
            return list(page.evaluate("walk.end()"))
    return [f"the focus does not come round in {MOST_STOPS} steps", *page.evaluate("walk.end()")]


def at_rest(page: Page) -> Page:
    """Wait until the page asks Gradio nothing for a tenth of a second; at most a second.

    Gradio logs an error if its event stream is cut off.
    """
    expect(page.locator("body:not([data-cw-seeking])")).to_be_attached()
    busy = True
    for _ in range(10):
        before = busy
        page.wait_for_timeout(100)
        busy = bool(ASKED.get(page, True))
        if not before and not busy:
            break
    return page


@contextmanager
def launched() -> Iterator[Browser]:
    """Yield a running Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not path:
        pytest.fail("No Chromium: install the package chromium, or set CHROMIUM to the path of its program.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def launched_firefox(folder: Path) -> Iterator[Browser]:
    """Yield a running Firefox; `folder` gets the script that starts it, and downloads."""
    path = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if not path:
        pytest.skip("No Firefox: `make firefox` installs Debian's, or set FIREFOX to the path of its program.")
    start = folder / "firefox"
    start.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{firefox_relay.__file__}" "{path}" "$@"\n')
    start.chmod(0o700)
    with sync_playwright() as playwright:
        browser = playwright.firefox.launch(
            channel="moz-firefox",
            executable_path=start,
            downloads_path=folder,  # Playwright does not see downloads that scripts create
            firefox_user_prefs=dict(FIREFOX_PREFERENCES),
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, address: str, size: dict[str, int] = DESK, *, dark: bool = False, refused: int = 0
) -> Iterator[Page]:
    """Open an address; at the end, fail if the page had errors, sent requests elsewhere or opened a window.

    `refused` is the expected number of requests that the server refuses; Chromium logs these as errors.
    """

    def as_if_new(page: Page) -> None:
        page.set_viewport_size(ViewportSize(width=size["width"], height=size["height"]))
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.context.clear_permissions()
        kept = {"origin": "/".join(address.split("/")[:3]), "storageTypes": "local_storage"}
        page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", kept)

    unused = [one for one in browser.contexts if not one.pages]  # has the page's scripts in its cache
    context = unused[0] if unused else new_context(browser)
    with tab(context, address, refused=refused, first=as_if_new) as page:
        yield page


def new_context(browser: Browser, size: dict[str, int] = DESK, *, dark: bool = False) -> BrowserContext:
    """Return a context with its own cookies and cache, like another person's browser."""
    return browser.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        reduced_motion="reduce",
        color_scheme="dark" if dark else "light",
    )


@contextmanager
def browser_context(browser: Browser, size: dict[str, int] = DESK, *, dark: bool = False) -> Iterator[BrowserContext]:
    """Yield a new context, and close it."""
    context = new_context(browser, size, dark=dark)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def tab(
    context: BrowserContext, address: str, *, refused: int = 0, first: Callable[[Page], None] = lambda _: None
) -> Iterator[Page]:
    """Open an address in a new tab without cookies, after `first`; at the end, fail as `opened` does.

    A second tab of a context loads in a quarter of the time, from the context's cache. The tab of a test that fails is
    closed, too, with what it opened: the next test counts windows.
    """
    context.clear_cookies()
    page = context.new_page()
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(f"page error: {error}"))
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on(
        "request",
        lambda request: told.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None,
    )
    asked = ASKED[page] = set()

    def ended(request: Request) -> None:
        asked.discard(request)

    page.on("request", lambda request: asked.add(request) if GRADIO.search(request.url) else None)
    page.on("requestfinished", ended)
    page.on("requestfailed", ended)
    try:
        first(page)
        page.goto(address)
        yield page
        pages = len(context.pages)
        bad = list(told)  # closing cuts off the event stream, which Gradio logs
    finally:
        for one in context.pages:
            one.close()
    refusals = [one for one in bad if re.search(r"responded with a status of 4\d\d", one)]
    assert len(refusals) == refused, bad
    # Gradio logs this harmless error if a page is left or reloaded while its event stream is open.
    bad = [one for one in bad if not one.startswith("AbortError: signal is aborted")]
    assert len(bad) == refused, bad
    assert pages == 1, "something opened a window"
