"""A stored conversation as a file to keep or to send: Markdown, one HTML page, or JSON.

The HTML page works without a server, runs no script and loads nothing. A citation number links to its quote below the
answer, and the number of the quote links back. Questions, articles and the model's words are untrusted. The page is
built as a tree, which escapes every text and attribute, and a content security policy is the second barrier. In
Markdown every character that could start markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from urllib.parse import quote as percent_encoded
from xml.etree.ElementTree import Element

from citewire.index.errors import CitewireError
from citewire.index.types import Article
from citewire.qa.types import Claim
from citewire.ui.console import one_line, safe, to_json
from citewire.ui.conversations import StoredConversation, StoredExchange
from citewire.ui.exchange import Exchange, Source, keys_of, number_of, sources
from citewire.ui.labels import Card, Labelled, bylines, card_or_gone, counted, in_marks
from citewire.ui.render import closing, doubt_of, refusal, refusal_title
from citewire.ui.tree import document, el

CONTEXT_CHARS = 320  # characters of the article on each side of a quote, cut between words
JSON_VERSION = 1
RELATED = "Related passages, not used:"

# Characters with a meaning in Markdown, its dialects (tables, math, footnotes, bare addresses) and template languages.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>&|~$#^@]|(?<=www)\.|:(?=//)", re.IGNORECASE)
_LINE_START = re.compile(r"^(?:[-+=:!]|\d+(?=[.)]))")
_URL_SAFE = "%/:?#@!$&'*+,;=~-._"  # without brackets and parentheses, which would end a link


@dataclass(frozen=True, slots=True)
class _Shown:
    """An exchange with its position in the conversation, from 1, and the targets of its numbers."""

    place: int
    exchange: Exchange
    sources: tuple[Source, ...]

    @property
    def refusal(self) -> str:
        """The text of a refusal, "" for an answer."""
        answer = self.exchange.answer
        return refusal(answer) if answer and self.exchange.abstained else ""

    @property
    def lead(self) -> str:
        """What citewire says about itself or its index before the claims, in its own words; "" for most answers."""
        return "" if self.refusal else self.exchange.lead


def _shown(stored: Iterable[StoredExchange]) -> Iterator[_Shown]:
    for place, one in enumerate(stored, 1):
        exchange = Exchange(one.id, one.question, narrowed=one.beside.narrowed, quotes_only=one.beside.quotes_only)
        exchange.apply(one.answer)
        yield _Shown(place, exchange, tuple(sources(exchange)))


class _Articles:
    """Articles that still exist; a missing one is labelled by its path."""

    def __init__(self, index: Labelled) -> None:
        self._index = index
        self._known: dict[str, Article | None] = {}

    def get(self, path: str) -> Article | None:
        if path not in self._known:
            try:
                self._known[path] = self._index.article(path)
            except CitewireError:
                self._known[path] = None
        return self._known[path]

    def card(self, path: str) -> Card:
        return card_or_gone(self._index, path)

    def byline(self, source: Source) -> str:
        """Return the byline of a quote's article, with a remark if the article has changed since."""
        known = self.card(source.article)
        changed = self.get(source.article) is not None and not self._as_quoted(source)
        return f"{known.byline}, changed since it was quoted" if changed else known.byline_at(source.start, source.end)

    def _as_quoted(self, source: Source) -> bool:
        article = self.get(source.article)
        return article is not None and article.text[source.start : source.end] == source.quote

    def around(self, source: Source) -> tuple[str, str]:
        """Return the text before and after a quote; nothing if the article has changed since."""
        article = self.get(source.article)
        if article is None or not self._as_quoted(source):
            return "", ""
        before = article.text[: source.start].lstrip()
        after = article.text[source.end :].rstrip()
        if len(before) > CONTEXT_CHARS:
            before = "… " + before[-CONTEXT_CHARS:].partition(" ")[2]
        if len(after) > CONTEXT_CHARS:
            after = after[:CONTEXT_CHARS].rpartition(" ")[0] + " …"
        return before, after


# JSON


def as_json(conversation: StoredConversation, index: Labelled) -> str:
    """Return a conversation as JSON: its answer objects, and the labels of the articles they quote, by path."""
    articles = _Articles(index)
    paths = dict.fromkeys(source.article for shown in _shown(conversation.exchanges) for source in shown.sources)
    exchanges = [
        {"question": one.question, "asked": one.asked, "answer": asdict(one.answer)} for one in conversation.exchanges
    ]
    return to_json(
        {
            "citewire_conversation": JSON_VERSION,
            "title": conversation.title,
            "exchanges": exchanges,
            "articles": {path: asdict(articles.card(path)) for path in paths},
        }
    )


# Markdown


def as_markdown(conversation: StoredConversation, index: Labelled) -> str:
    """Return a conversation as CommonMark without HTML; each quote is listed with its number below the answer."""
    articles = _Articles(index)
    lines = [f"# {_plain(conversation.title)}"]
    for shown in _shown(conversation.exchanges):
        lines += ["", *_markdown_exchange(shown, articles)]
    return "\n".join(lines) + "\n"


def _markdown_exchange(shown: _Shown, articles: _Articles) -> Iterator[str]:
    exchange = shown.exchange
    yield f"## {_plain(exchange.question)}"
    for said in exchange.searched:
        yield f"\n*{_plain(said)}*"
    for conflict in exchange.conflicts:
        yield f"\n**Sources disagree** {_plain(conflict.about)}".rstrip() + "\n"
        for value, byline in zip(conflict.values, bylines(conflict.values, articles.card), strict=True):
            yield f"- **{_plain(value.value)}** ({_plain(byline)}){_numbers([number_of(value, shown.sources)])}"
    yield from _markdown_text(shown)
    if exchange.problem:
        yield f"\n**{_plain(exchange.problem)}**"
    if line := closing(exchange):
        yield f"\n*{_plain(line)}*"
    if shown.sources:
        yield "" if shown.sources[0].label else f"\n{RELATED}\n"
    for source in shown.sources:
        label = articles.card(source.article)
        named = ", ".join(_plain(part) for part in (label.title, articles.byline(source)) if part)
        link = f" <{percent_encoded(label.url, safe=_URL_SAFE)}>" if label.url else ""
        number = f"**\\[{source.label}\\]** " if source.label else ""
        yield f"- {number}{_plain(in_marks(source.quote))}\\\n  {named}{link}"


def _markdown_text(shown: _Shown) -> Iterator[str]:
    """Yield the refusal, or the lead and the sentences; list items each have their own line."""
    if words := shown.refusal or shown.lead:
        yield f"\n{_plain(words)}"
    sentences = [] if shown.refusal else [_markdown_sentence(claim, shown) for claim in shown.exchange.shown]
    if sentences:
        yield ""
        yield "\n".join(f"- {one}" for one in sentences) if shown.exchange.listed else " ".join(sentences)


def _markdown_sentence(claim: Claim, shown: _Shown) -> str:
    doubt = doubt_of(claim)
    why = ": ".join(_plain(part) for part in (doubt, claim.reason) if part)
    time = shown.exchange.time_of(claim)
    told = f"**{_plain(time)}** {_plain(claim.text)}" if time else _plain(claim.text)
    return told + _numbers(keys_of(claim, shown.sources)) + (f" *({why})*" if doubt else "")


def _numbers(keys: Iterable[str]) -> str:
    marks = "".join(f"\\[{key}\\]" for key in keys if key)
    return f" {marks}" if marks else ""


def _plain(text: str) -> str:
    r"""Return Markdown that shows `text` on one line and nothing else.

    >>> _plain("1. ![x](//a) <b>")
    '1\\. !\\[x\\](//a) \\<b\\>'
    """
    escaped = _MARKUP.sub(lambda match: f"\\{match[0]}", one_line(text))
    return _LINE_START.sub(lambda match: f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}", escaped)


# HTML


def as_html(conversation: StoredConversation, index: Labelled) -> str:
    """Return a conversation as one HTML page; see the module."""
    articles = _Articles(index)
    count = counted(len(conversation.exchanges), "question")
    intro = el("p", f"{count}. Every number leads to the exact words it stands for.")
    main = el("main", *(_exchange(shown, articles) for shown in _shown(conversation.exchanges)))
    return document(conversation.title, "export.css", [el("header", el("h1", conversation.title), intro), main])


def _exchange(shown: _Shown, articles: _Articles) -> Element:
    parts = list(_answer(shown, articles))
    first: set[str] = set()
    for part in parts:  # a quote links back to the first use of its number
        for link in part.iter("a"):
            key = link.get("href", "").removeprefix("#q")
            if key not in first:
                first.add(key)
                link.set("id", f"n{key}")
    heading = el("h2", shown.exchange.question)
    answer = el("div", *parts, {"class": "answer"})
    return el("section", heading, el("div", answer, *_sources(shown, articles), {"class": "columns"}))


def _answer(shown: _Shown, articles: _Articles) -> Iterator[Element]:
    exchange = shown.exchange
    for said in exchange.searched:
        yield el("p", said, {"class": "dim"})
    for conflict in exchange.conflicts:
        rows = [
            el("li", el("strong", value.value), f" {byline} ", *_chips([number_of(value, shown.sources)], shown))
            for value, byline in zip(conflict.values, bylines(conflict.values, articles.card), strict=True)
        ]
        about = [el("p", conflict.about)] if conflict.about else []
        yield el("div", el("strong", "Sources disagree"), *about, el("ul", *rows), {"class": "box conflict"})
    if shown.refusal:
        title = refusal_title(exchange.answer) if exchange.answer else ""
        yield el("div", el("strong", title), el("p", shown.refusal), {"class": "box"})
    if shown.lead:
        yield el("p", shown.lead, {"class": "text"})
    if exchange.shown and not shown.refusal:
        sentences = [list(_sentence(claim, shown)) for claim in exchange.shown]
        if exchange.listed:
            yield el("ul", *(el("li", *parts) for parts in sentences), {"class": "text"})
        else:
            yield el("p", *(part for parts in sentences for part in parts), {"class": "text"})
    if exchange.problem:
        yield el("div", el("strong", exchange.problem), {"class": "box failed"})
    if line := closing(exchange):
        yield el("p", line, {"class": "dim"})


def _sentence(claim: Claim, shown: _Shown) -> Iterator[Element | str]:
    if time := shown.exchange.time_of(claim):
        yield el("strong", time)
        yield " "
    yield el("span", claim.text.strip(), {"class": claim.verdict})
    yield " "
    for chip in _chips(keys_of(claim, shown.sources), shown):
        yield chip
        yield " "
    if doubt := doubt_of(claim):
        yield el("small", ": ".join(part for part in (doubt, claim.reason) if part), {"class": "doubt"})
        yield " "


def _chips(keys: Iterable[str], shown: _Shown) -> list[Element]:
    orange = {source.key for source in shown.sources if source.relation == "conflicts"}
    return [
        el("a", key, {"class": "number orange" if key in orange else "number"}, href=f"#q{shown.place}-{key}")
        for key in keys
        if key
    ]


def _sources(shown: _Shown, articles: _Articles) -> Iterator[Element]:
    if not shown.sources:
        return
    rows = []
    for source in shown.sources:
        name = f"{shown.place}-{source.key}"
        known = articles.card(source.article)
        number = [el("a", source.label, {"class": "number"}, href=f"#n{name}", title="Back to the answer")]
        byline = el("span", articles.byline(source), {"class": "dim"})
        label = [*(number if source.label else ()), el("b", known.title), byline]
        if known.url:
            label.append(el("a", "Original article", href=safe(known.url), rel="noopener noreferrer"))
        before, after = articles.around(source) if source.label else ("", "")
        words = el("mark", source.quote) if source.label else source.quote  # only evidence is highlighted
        quoted = el("blockquote", before, words, after)
        rows.append(el("li", el("p", *label, {"class": "label"}), quoted, id=f"q{name}"))
    title = "Sources" if shown.sources[0].label else RELATED.rstrip(":")
    yield el("aside", el("h3", title), el("ol", *rows))
