"""HTML and SVG built as a tree, which escapes every text and attribute, so that input never becomes markup.

Knows elements and the style sheets of static/, not the contents of pages.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import Element, tostring

from citewire.ui.console import safe


def el(tag: str, *parts: Element | str | Mapping[str, str] | None, **attributes: object) -> Element:
    """Return an element; `parts` are its children and texts in order, and attributes whose names are not identifiers.

    Not Jinja2: the report as a template was hardly shorter (187 lines, not 199) and no faster. Neither types nor
    open elements were checked: `conflict.values` was a method there, and control characters needed a filter.
    """
    element = Element(tag, {name: str(value) for name, value in attributes.items()})
    for part in parts:
        if isinstance(part, Element):
            element.append(part)
        elif isinstance(part, str):
            _add_text(element, safe(part))
        elif part is not None:
            element.attrib.update(part)
    return element


def _add_text(element: Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


@cache
def sheet(name: str) -> str:
    """Return a style sheet of static/, for a page that must be a single file."""
    return files("citewire.ui").joinpath("static", name).read_text(encoding="utf-8")


def document(title: str, style: str, body: Sequence[Element], script: str | None = None) -> str:
    """Return a page in English.

    Args:
        title: title of the page.
        style: name of the style sheet of static/ to include.
        body: the elements of its body.
        script: address of its only script, "" for none. None for a page that is a single file and works without a
            server: its policy allows only the style sheet.
    """
    css = sheet(style)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    alone = (
        el("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        el("meta", name="referrer", content="no-referrer"),
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        *(alone if script is None else [el("link", rel="icon", href="data:,")]),
        el("meta", name="viewport", content="width=device-width"),
        el("title", title),
        el("style", css),
        *([el("script", {"type": "module", "src": script})] if script else []),
    )
    page = el("html", head, el("body", *body), lang="en")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"
