"""Browsers for tests, without network services of their own, and pages that fail on errors and outside requests.

Needs Chromium: `chromium-headless-shell`, which has no windows of its own and opens a page in half the time, or
`chromium` on the path, or its path in `CHROMIUM`. Firefox (`firefox-esr` or `firefox`, or `FIREFOX`) is Debian's, which
`firefox_relay.py` brings together with Playwright; without it its tests are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import firefox_relay
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
# What a context of Chromium is told, a profile of Firefox says; 6 is a mouse, which it else lacks without a screen.
FIREFOX_PREFERENCES = {
    "ui.prefersReducedMotion": 1, "ui.systemUsesDarkTheme": 0,
    "ui.primaryPointerCapabilities": 6, "ui.allPointerCapabilities": 6,
}  # fmt: skip
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}

expect.set_options(timeout=15_000)  # milliseconds; two cores shared with other tests are slow at times

# Of its own accord axe leaves out what WCAG 2.2 brought: the size of what is pressed.
AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def faults(page: Page) -> list[str]:
    """Return what axe-core (4.12, inside axe-playwright-python; needs no network) finds in what a page shows now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async (options) => (await axe.run(options)).violations", AXE)
    return [f"{one['id']}: {node['target']} {node['html'][:120]}" for one in found for node in one["nodes"]]


def at_rest(page: Page) -> Page:
    """Wait until nothing comes any more: Gradio logs an error where its event stream is cut off."""
    expect(page.locator("body:not([data-cw-seeking])")).to_be_attached()
    page.wait_for_timeout(1000)
    return page


@contextmanager
def launched() -> Iterator[Browser]:
    """Yield a running Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not path:
        pytest.fail("No Chromium: install the package chromium, or set CHROMIUM to the path of its program.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def launched_firefox(folder: Path) -> Iterator[Browser]:
    """Yield a running Firefox; `folder` gets the script that starts it, and what is saved from pages."""
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
            downloads_path=folder,  # Playwright is told of no file that a script makes
            firefox_user_prefs=dict(FIREFOX_PREFERENCES),
        )
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, address: str, size: dict[str, int] = DESK, *, dark: bool = False, refused: int = 0
) -> Iterator[Page]:
    """Open an address; at the end fail on errors of the page, on requests elsewhere and on other windows.

    `refused` is how many of its requests the server has to refuse, which Chromium logs as errors.
    """
    with browser_context(browser, size, dark=dark) as context, tab(context, address, refused=refused) as page:
        yield page


@contextmanager
def browser_context(browser: Browser, size: dict[str, int] = DESK, *, dark: bool = False) -> Iterator[BrowserContext]:
    """Yield what has cookies and a cache of its own, as a browser of another person has."""
    context = browser.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        reduced_motion="reduce",
        color_scheme="dark" if dark else "light",
    )
    yield context
    context.close()


@contextmanager
def tab(context: BrowserContext, address: str, *, refused: int = 0) -> Iterator[Page]:
    """Open an address in a new tab without cookies; at the end fail as `opened` does.

    A second tab of a context loads in a quarter of the time, since what the first one fetched is in its cache.
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
    page.goto(address)
    yield page
    pages = len(context.pages)
    bad = list(told)  # closing cuts off what still comes, which Gradio logs
    page.close()
    refusals = [one for one in bad if re.search(r"responded with a status of 4\d\d", one)]
    assert len(refusals) == refused, bad
    # Gradio says so where a page is left, or loaded again, while its event stream is open; nothing is lost by it.
    bad = [one for one in bad if not one.startswith("AbortError: signal is aborted")]
    assert len(bad) == refused, bad
    assert pages == 1, "something opened a window"
