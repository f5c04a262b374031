"""Style sheets: the faults that .ci/styles.py finds, and that a browser knows every declaration."""

from __future__ import annotations

import runpy
from typing import Any

import tinycss2
from conftest import REPOSITORY
from playwright.sync_api import Browser

STYLES: dict[str, Any] = runpy.run_path(str(REPOSITORY / ".ci" / "styles.py"))


def test_what_a_browser_drops_and_what_nothing_uses_is_found() -> None:
    sheets = {
        "page.css": ":root { --cw-ink: #000; --cw-old: 1px; }\n.cw-row { color: red; margin: 0; color: blue }",
        "view.css": ".cw-file-sent, .cw-file-lost { color: var(--cw-ink) }\n"
        "@media print { .cw-gone { top: var(--cw-none) } }\n.cw-row { colour }\n} p { top: 0 }",
    }
    assert list(STYLES["faults"](sheets, 'el("li", { class: `cw-row cw-file-${state}` }); state = "sent";')) == [
        "page.css:2: color stands twice in one rule",
        "page.css: --cw-old is not used",
        "view.css:1: nothing has the class cw-file-lost",
        "view.css:2: nothing has the class cw-gone",
        "view.css:3: EOF reached before {} block for a qualified rule.",
        "view.css:4: Unmatched }",
        "view.css: --cw-none is not set",
    ]


def test_a_browser_knows_every_declaration(chromium: Browser) -> None:
    declared = {
        (node.name, tinycss2.serialize(node.value).strip())
        for sheet in (REPOSITORY / "ui" / "static").glob("*.css")
        for rule in STYLES["rules"](tinycss2.parse_stylesheet(sheet.read_text("utf-8"), skip_comments=True))
        if rule.type == "qualified-rule"
        for node in tinycss2.parse_blocks_contents(rule.content)
        if node.type == "declaration" and not node.name.startswith("--")
    }
    with chromium.new_page() as page:
        unknown = page.evaluate("(all) => all.filter(([name, value]) => !CSS.supports(name, value))", sorted(declared))
    assert unknown == []
    assert len(declared) > 500
