"""The counts in docs/security.md are the numbers of test cases."""

from __future__ import annotations

import re

import attacks
from conftest import REPOSITORY
from scripted import PAYLOADS

TRIED = {f"orders in articles: {kind}": len(orders) for kind, orders in attacks.ORDERS.items()} | {
    "script, pictures, frames, styles, forms and templates in titles, texts and the model's words": len(PAYLOADS),
    "words that a web page hides": len(attacks.HIDDEN_IN_PAGES),
    "words that a PDF hides": len(attacks.HIDDEN_IN_PDFS),
    "addresses that are not on the open internet": len(attacks.PRIVATE_ADDRESSES),
    "the own machine, written otherwise": len(attacks.OWN_MACHINE),
    "other ports, schemes and hosts": len(attacks.NO_WEB_PAGES),
    "redirects to any of these": len(attacks.REDIRECTS),
    "paths out of a zip": len(attacks.ZIP_PATHS),
    "bombs: Word, EPUB, zip, PDF, XML": len(attacks.BOMBS),
}


def test_every_kind_is_counted() -> None:
    text = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    part = text.partition("## Payloads by kind")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \| `(tests/[\w/.]+)` \|$", part, re.MULTILINE)
    assert {kind: (int(tried), int(stopped)) for kind, tried, stopped, _ in rows} == {
        kind: (count, count)
        for kind, count in TRIED.items()  # each is a test case, and fails if the attack succeeds
    }
    assert all((REPOSITORY / file).is_file() for *_, file in rows)
