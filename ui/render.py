"""Renders an exchange: safe HTML for the chat, JSON for the panel, plain text for copying.

Knows exchanges and the values of `citewire.qa.types`, not Gradio, the network or the model. Articles, questions and the
model's words are untrusted. Chat HTML is one line with every markup character written as a numeric entity, so that
neither HTML nor Markdown in it takes effect; the panel gets JSON and builds its DOM with `textContent`. Article text is
cut into segments here, because offsets count code points and a browser's strings count UTF-16 units.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import quote as percent
from urllib.parse import urldefrag

from citewire.qa import replies
from citewire.qa.types import Answer, AnswerHit, Claim, ConflictValue, Quote, Timings, as_shown
from citewire.ui.exchange import NOT_FOR_IT, Exchange, Source, keys_of, number_of, sources
from citewire.ui.labels import Card, CardOf, bylines, counted, human_date, in_marks, shortened

SHORT_CHARS = 90  # longest short answer in the closing line
ECHOED_CHARS = 160  # longest "Searched for: ..." line; longer ones are shortened
CORPUS = "corpus"  # kind of a question about the articles as a whole
OVERVIEW_CLAIMS = OVERVIEW_QUESTIONS = 4  # most sentences and questions of the overview on the empty page
LINKED_WORDS = 12  # a link to the original holds a quote whole up to this length, else both its ends

# Labels of the two rating buttons: below an answer (""), if the articles lack an answer, if the request was refused.
_RATED: Mapping[str, tuple[str, str]] = {
    "": ("Right", "Wrong"),
    "lacking": ("Right: the articles do not have it", "Wrong: they do"),
    "refused": ("Right to refuse", "Wrong to refuse"),
}

_COMPARED_WORD = re.compile(r"\w+")


def escape(text: str) -> str:
    """Return one line of HTML that shows `text` literally, in HTML and in Markdown.

    >>> escape("<b> **x**")
    '&#60;b&#62; &#42;&#42;x&#42;&#42;'
    """
    return "<br>".join("".join(map(_inert, line)) for line in text.splitlines())


def _inert(char: str) -> str:
    if char.isalnum() or char in " .," or ord(char) > 127:
        return char
    return f"&#{ord(char)};" if char.isprintable() else " "


# Chat


def question_html(exchange: Exchange) -> str:
    """Return the user's message."""
    return f'<div class="cw-question">{escape(exchange.question)}</div>'


def answer_html(exchange: Exchange, card_of: CardOf, *, articles: int, last: bool) -> str:
    """Return the answer, complete or in progress.

    Args:
        exchange: the exchange.
        card_of: returns the card of an article that a conflict names.
        articles: how many articles were searched.
        last: whether it is the newest exchange, which Retry repeats.
    """
    # Parts that arrive last come last, so that text already on the screen does not move.
    parts = [*map(_echoed, exchange.searched), _abstained(exchange), _lead(exchange), _text(exchange)]
    parts += [_conflicts(exchange, card_of)]
    if exchange.phase == "done":
        parts += [
            error_html(exchange.problem, exchange.fix) if exchange.problem else "",
            _closing(exchange),
            _unkept(exchange),
            _actions(exchange, last),
        ]
        parts += [_offered(exchange)] if last or not exchange.shown else []
    else:
        parts.append(_busy(exchange, articles))
    return f'<div class="cw-answer">{"".join(parts)}</div>'


def _echoed(line: str) -> str:
    """Return a line above an answer, shortened if long; its tooltip then holds the full text."""
    whole = " ".join(line.split())
    short = shortened(whole, ECHOED_CHARS)
    title = f' title="{escape(whole)}"' if short != whole else ""
    return f'<p class="cw-searched"{title}>{escape(short)}</p>'


def _lead(exchange: Exchange) -> str:
    told = exchange.lead and not exchange.abstained
    return f'<p class="cw-lead">{escape(exchange.lead)}</p>' if told else ""


def _text(exchange: Exchange) -> str:
    if exchange.abstained:
        return ""
    sentences = _sentences(exchange)
    if exchange.draft:
        draft = f'<span class="cw-draft">{escape(exchange.draft)}</span>'
        sentences.append(draft + (' <span class="cw-tag">not checked</span>' if exchange.stopped else ""))
    if exchange.listed:
        return _listed(sentences)
    return f'<p class="cw-text">{" ".join(sentences)}</p>' if sentences else ""


def _sentences(exchange: Exchange) -> list[str]:
    known = {source.key: source for source in sources(exchange)}
    return [
        _sentence(exchange.id, i, claim, known, exchange.time_of(claim))
        for i, claim in enumerate(exchange.claims)
        if claim.shown
    ]


def _listed(items: Sequence[str]) -> str:
    return f'<ul class="cw-text">{"".join(f"<li>{one}</li>" for one in items)}</ul>' if items else ""


def _sentence(turn: str, position: int, claim: Claim, known: dict[str, Source], time: str) -> str:
    """Return a checked sentence after its time; its citation numbers stay on the line of its last word."""
    doubt = doubt_of(claim)
    if claim.verdict == "unsupported":
        text = f'<span class="{"cw-unsupported" if doubt else "cw-gap"}">{escape(claim.text.strip())}</span>'
        inside = f"{text} {_flag(turn, position, doubt)}" if doubt else text
    else:
        chips = "".join(_chip(turn, known[key]) for key in keys_of(claim, known.values()))
        words = claim.text.strip().split(" ")
        end = f'<span class="cw-end">{escape(words[-1])}{chips}</span>'
        inside = f"{escape(' '.join(words[:-1]))} {end}" if len(words) > 1 else end
        if claim.verdict == "partial":
            inside = f'<span class="cw-partial">{inside}</span> {_flag(turn, position, doubt)}'
    time = f"<strong>{escape(time)}</strong> " if time else ""
    return f'{time}<span class="cw-claim cw-claim-{turn}-{position}">{inside}</span>'


def _flag(turn: str, position: int, label: str) -> str:
    return f'<a class="cw-flag" href="#cw-flag-{turn}-{position}">{label}</a>'


def _chip(turn: str, source: Source) -> str:
    kind = "cw-chip cw-orange" if source.relation == "conflicts" else "cw-chip"
    return f'<a class="{kind}" href="#cw-cite-{turn}-{source.key}">{source.label}</a>'


def _cited(exchange: Exchange, words: str, at: ConflictValue) -> str:
    """Return words with the number of their source, which stays on the line of the last one."""
    *first, last = words.split(" ")
    found = sources(exchange)
    chips = "".join(_chip(exchange.id, source) for source in found if source.key == number_of(at, found))
    return f'{escape(" ".join(first))} <span class="cw-end">{escape(last)}{chips}</span>'


def _conflicts(exchange: Exchange, card_of: CardOf) -> str:
    boxes = []
    for conflict in exchange.conflicts:
        rows = []
        for value, said in zip(conflict.values, bylines(conflict.values, card_of), strict=True):
            byline = _cited(exchange, said, value)
            rows.append(f'<li><strong>{escape(value.value)}</strong> <span class="cw-byline">{byline}</span></li>')
        about = f'<p class="cw-about">{escape(conflict.about)}</p>' if conflict.about else ""
        boxes.append(_note("conflict", "Sources disagree", f"{about}<ul>{''.join(rows)}</ul>"))
    return "".join(boxes)


def _abstained(exchange: Exchange) -> str:
    if not exchange.abstained or exchange.answer is None:
        return ""
    body = f"<p>{escape(refusal(exchange.answer))}</p>"
    if sources(exchange):
        body += "<p>The nearest passages are listed as such, in case they help.</p>"
    return _note("abstain", refusal_title(exchange.answer), body)


def _offered(exchange: Exchange) -> str:
    """Return the questions that an answer offers, or a placeholder for suggestions that come later.

    links.js fills the placeholder: redrawing the chat for each suggestion would lose the selection and the focus.
    """
    if exchange.answer is None or not exchange.answer.offered:
        return f'<div class="cw-suggestions cw-sought-{exchange.id}"></div>'
    links = _question_links(exchange, "cw-suggestion", exchange.answer.offered)
    return f'<div class="cw-suggestions"><p class="cw-suggest-title">You can also ask:</p>{links}</div>'


def _question_links(exchange: Exchange, name: str, questions: Sequence[str]) -> str:
    """Return a list of questions as links that ask them, "" for none."""
    links = [
        f'<li><a class="{name}" href="#cw-suggestion-{exchange.id}-{i}">{escape(question)}</a></li>'
        for i, question in enumerate(questions)
    ]
    return f"<ul>{''.join(links)}</ul>" if links else ""


def refusal_title(answer: Answer) -> str:
    """Return the heading of a refusal."""
    return "Not something I can do" if answer.kind == NOT_FOR_IT else "No supported answer"


def refusal(answer: Answer) -> str:
    """Return the text of a refusal, without citation numbers, as no quote supports it."""
    return re.sub(r"(?:(?<!\s)\s+)?\[\d+\]", "", answer.text).strip() or "The sources do not answer this question."


def _error(exchange: Exchange) -> str:
    return error_html(exchange.problem, exchange.fix) if exchange.problem else ""


def error_html(problem: str, fix: str) -> str:
    """Return the box that says what failed and what the user can do."""
    return _note("error", escape(problem.rstrip(".")), f"<p>{escape(fix)}</p>")


def _note(kind: str, title: str, body: str) -> str:
    return f'<div class="cw-note cw-{kind}"><strong class="cw-note-title">{title}</strong>{body}</div>'


def _busy(exchange: Exchange, articles: int) -> str:
    if exchange.phase == "waiting":
        text = f"Waiting: {counted(exchange.ahead, 'question')} ahead of yours"
    elif exchange.phase == "searching":
        text = f"Searching {counted(articles, 'article')}"
    elif exchange.draft:
        text = "Checking each sentence against its quote"
    elif exchange.hits:
        text = f"Reading {counted(len(exchange.hits), 'passage')}"
    else:
        text = f"Looking through {counted(articles, 'article')}"
    return f'<p class="cw-busy">{text}</p>'


def closing(exchange: Exchange) -> str:
    """Return the status line of an answer, "" if the answer is only citewire's own words.

    "2 of 2 sentences checked against a quote, reworded. 1 of 2 read as answering the question: “18 May”. 2 articles."
    """
    ended = exchange.stopped or exchange.problem
    unsearched = exchange.abstained and exchange.kind == NOT_FOR_IT
    if not (exchange.claims or ended) and (exchange.lead or unsearched):
        return ""
    if exchange.stopped and not (exchange.hits or exchange.claims):
        return "Stopped before there was an answer. Ask it again."
    parts = ["Stopped before the answer was complete."] if exchange.stopped else []
    parts += _checked(exchange)
    quoted = {source.article for source in sources(exchange) if source.label}
    if quoted:
        parts.append(f"{counted(len(quoted), 'article')}.")
    if exchange.answer and exchange.answer.as_of:
        parts.append(f"As of {human_date(exchange.answer.as_of)}.")
    if exchange.quotes_only and quoted:
        parts.append("Quotes only, without the model's words.")
    if exchange.by and not exchange.abstained and exchange.kind != CORPUS:  # a model writes neither
        parts.append(f"By the {exchange.by} model.")
    timings = exchange.answer.timings if exchange.answer else Timings()
    if timings.cached:
        parts.append("Answered before.")
    elif timings.total_s:
        parts.append(f"{timings.total_s:.1f} s.")
    return " ".join(filter(None, parts))


def _checked(exchange: Exchange) -> list[str]:
    """Say how many sentences are supported, how many withheld, and how many parts of the question unanswered."""
    noun, told, parts = "item" if exchange.listed else "sentence", _told(exchange), []
    if told and not exchange.abstained:
        supported = [claim for claim in told if claim.verdict == "supported"]
        parts.append(f"{len(supported)} of {counted(len(told), noun)} checked against a quote{_manner(supported)}.")
        parts.append(answering(exchange))
    if gaps := len(exchange.shown) - len(told):
        parts.append(f"{counted(gaps, 'part')} without an answer.")
    if withheld := len(exchange.claims) - len(exchange.shown):
        parts.append(f"{counted(withheld, noun)} withheld: not in the sources.")
    return parts


def _told(exchange: Exchange) -> list[Claim]:
    return [claim for claim in exchange.shown if not is_gap(claim)]


def _manner(supported: Sequence[Claim]) -> str:
    """Say whether claims are verbatim or reworded: ", 1 of them quoted word for word"."""
    number = sum(bool(verbatim(claim)) for claim in supported)
    if not 0 < number < len(supported):
        return ", quoted word for word" if number else ", reworded" if supported else ""
    return f", {number} of them quoted word for word"


def answers(exchange: Exchange) -> list[Claim]:
    """Return the claims that contain the short answer which the reader extracted."""
    short = _short(exchange.answer)
    return [claim for claim in _told(exchange) if _holds(claim, short)]


def answering(exchange: Exchange) -> str:
    """Say which sentences answer the question ("supported" does not imply that), "" if there are no sentences to judge.

    Only the reader's short answer was measured; if no sentence contains it, this says that the user must judge.
    """
    told, found = _told(exchange), answers(exchange)
    whole = exchange.done and not (exchange.stopped or exchange.problem or exchange.abstained)
    if not (told and whole) or exchange.kind == CORPUS:
        return ""
    if not found:
        return f"Whether {'it answers' if len(told) == 1 else 'they answer'} the question is for you to judge."
    which = "Read" if len(told) == 1 else f"{len(found)} of {len(told)} read"
    return f"{which} as answering the question: “{shortened(_short(exchange.answer), SHORT_CHARS)}”."


def _short(answer: Answer | None) -> str:
    return " ".join(answer.short.split()) if answer else ""


def _holds(claim: Claim, short: str) -> bool:
    """Whether a claim or one of its quotes contains the short answer as whole words."""
    words = _words(short)
    texts = (claim.text, *(quote.text for quote in claim.quotes))
    return bool(words.strip() and claim.quotes) and any(words in _words(text) for text in texts)


def _words(text: str) -> str:
    return f" {' '.join(_COMPARED_WORD.findall(text))} "


def _closing(exchange: Exchange) -> str:
    text = closing(exchange)
    if exchange.abstained and exchange.kind != NOT_FOR_IT:
        text = f"Not answered, because no quote supports an answer. {text}"
    if not text:
        return ""
    whole = not (exchange.stopped or exchange.problem or exchange.abstained)
    good = whole and all(claim.verdict == "supported" and claim.shown for claim in exchange.claims)
    kind = "cw-good" if good else "cw-neutral" if exchange.abstained else "cw-mixed"
    said = answering(exchange)
    before, _, after = text.partition(said) if said else ("", "", text)
    mark = f'<span class="cw-mark {"cw-good" if answers(exchange) else "cw-neutral"}">{escape(said)}</span>'
    unbroken = escape(after).replace(" s.", "\N{NO-BREAK SPACE}s.")
    return f'<p class="cw-closing {kind}">{escape(before)}{mark if said else ""}{unbroken}</p>'


def _unkept(exchange: Exchange) -> str:
    text = f"This answer could not be kept in the History: {exchange.unkept}."
    return f'<p class="cw-unkept">{escape(text)}</p>' if exchange.unkept else ""


def _actions(exchange: Exchange, last: bool) -> str:
    whole = not (exchange.stopped or exchange.problem)
    rated = whole and bool(exchange.kept and (exchange.claims or exchange.abstained))
    right, wrong = _RATED["refused" if exchange.kind == NOT_FOR_IT else "lacking"] if exchange.abstained else _RATED[""]
    found = bool(exchange.shown or sources(exchange))
    worded = any(claim.quotes and not verbatim(claim) for claim in exchange.shown)
    wanted = (
        ("open", "Show passages" if exchange.abstained else "Show sources", found),
        ("copy", "Copy with sources", found),
        ("pin", "Pin", bool(exchange.shown) and not exchange.abstained),
        ("retry", "Retry", last and bool(closing(exchange))),
        ("quotes", "Quotes only", last and worded and not exchange.quotes_only),
        ("more", "Export", last and bool(exchange.kept)),
    )
    spelled = " cw-spelled" if exchange.abstained else ""  # phones, too, show the full label of a rating
    links = [_action(exchange, name, label) for name, label, offered in wanted if offered]
    if rated:
        both = (("right", right), ("wrong", wrong))
        links.append(
            f'<span class="cw-ratings">{"".join(_action(exchange, n, label, spelled) for n, label in both)}</span>'
        )
    return f'<p class="cw-actions">{"".join(links)}</p>' if links else ""


def _action(exchange: Exchange, name: str, label: str, kind: str = "") -> str:
    return f'<a class="cw-action cw-{name}{kind}" href="#cw-{name}-{exchange.id}">{label}</a>'


def welcome_html(examples: Sequence[str], about: Exchange | None = None) -> str:
    """Return the empty page: example questions, or an overview of the articles with quotes.

    Args:
        examples: example questions, shown if the overview offers none.
        about: the overview, None if it is not ready.
    """
    items = [
        f'<li><a class="cw-example" href="#cw-example-{i}">{escape(example)}</a></li>'
        for i, example in enumerate(examples)
    ]
    questions = f"<ul>{''.join(items)}</ul>"
    said = (
        "<p>Every sentence of an answer carries a number. Select it to see the exact words it rests on. "
        "What the articles do not say is not answered.</p>"
    )
    if about:
        questions = _question_links(about, "cw-example", about.offered[:OVERVIEW_QUESTIONS]) or questions
        legend = "A number opens the exact words that its sentence rests on. What the articles lack is not answered."
        quotes = _listed(_sentences(about)[:OVERVIEW_CLAIMS])
        said, questions = _lead(about), f'{questions}<p class="cw-legend">{legend}</p>{quotes}'
    kind = "cw-welcome cw-overview" if about else "cw-welcome"
    return f'<div class="{kind}"><h2>Ask the articles</h2>{said}{questions}</div>'


# Source panel


def panel_value(exchange: Exchange, card_of: CardOf) -> dict[str, Any]:
    """Return the JSON values of an exchange for the source panel and for the links in the chat.

    Returns:
        `turn`, `question`, `phase`, `failed`, `stopped`, `sources` (fields of `Source`; `link`, a text link to the
        original; `page`, as "p. 3"), `articles` (path -> fields of `Card` without its pages; `byline`; `strength`, 0 to
        1 or null; `rank` in words), `claims` (index of a shown claim -> {"keys": its source keys, "verdict", "words":
        the verdict in words, "answers": whether it answers the question, in words}), `suggestions` (all offered
        questions), `said` (answer, conflicts and timeline as plain text), `copy` (`plain_text`, "" until the answer is
        done), `refused`, `suggesting`, `kind`, `kept`, `unkept` and `ratings` as in `Exchange`.
    """
    found = sources(exchange)
    cards = {source.article: card_of(source.article) for source in found}
    return {
        "turn": exchange.id,
        "question": exchange.question,
        "phase": exchange.phase,
        "failed": bool(exchange.problem),
        "stopped": exchange.stopped,
        "sources": [
            {
                **{name: getattr(s, name) for name in Source.__slots__},
                "link": text_link(cards[s.article].url, s.quote),
                "page": cards[s.article].page(s.start, s.end),
            }
            for s in found
        ],
        "articles": {path: _article_value(card, exchange.hits) for path, card in cards.items()},
        "claims": {
            str(i): {
                "keys": keys_of(claim, found),
                "verdict": claim.verdict,
                "words": verdict_words(claim),
                "answers": answer_words(claim, exchange.answer),
            }
            for i, claim in enumerate(exchange.claims)
            if claim.shown
        },
        "kind": exchange.kind,
        "suggestions": list(exchange.offered),
        "suggesting": exchange.suggesting,
        "refused": exchange.abstained,
        "said": "\n".join((_plain_answer(exchange), *_plain_notes(exchange, card_of))),
        "copy": plain_text(exchange, card_of) if exchange.phase == "done" else "",
        "kept": exchange.kept,
        "unkept": exchange.unkept,
        "ratings": dict(exchange.ratings),
    }


def verdict_words(claim: Claim) -> str:
    """Return the verdict on a claim in words, with the reason if it is not supported: "Quoted word for word."."""
    reason = claim.reason.strip().rstrip(".")
    if claim.verdict == "supported":
        return "Quoted word for word." if verbatim(claim) else "Reworded: check it against the quote."
    if claim.verdict == "partial":
        return f"Partly in the sources: {reason or 'the quote says only part of it'}."
    return f"Not in the sources: {reason or 'no sentence of them says this'}."


def answer_words(claim: Claim, answer: Answer | None) -> str:
    """Say whether a claim answers the question, which being supported does not imply; "" for a claim without quotes.

    A claim answers if it contains `Answer.short`, the words that the reader extracted as the answer.
    """
    if answer is None or not claim.quotes:
        return ""
    short = _short(answer)
    if _holds(claim, short):
        return f"Read as answering the question: “{short}”."
    if any(_holds(other, short) for other in answer.claims if other.shown):
        return "It stands beside the sentence that was read as answering the question."
    return "Whether it answers the question is for you to judge."


def verbatim(claim: Claim) -> list[Quote]:
    """Return the quotes that a claim repeats word for word, at most with a label before it."""
    text = " ".join(claim.text.split()).rstrip(".")
    return [quote for quote in claim.quotes if text.endswith(as_shown(quote.text).rstrip("."))]


def is_gap(claim: Claim) -> bool:
    """Return whether a sentence is citewire's note that the articles lack a part of the answer."""
    return claim.reason == replies.NO_PASSAGE


def doubt_of(claim: Claim) -> str:
    """Return the warning beside a sentence, "" if it is supported or a gap (`is_gap`)."""
    return (
        ""
        if is_gap(claim)
        else {"supported": "", "partial": "partly in sources", "unsupported": "not in sources"}[claim.verdict]
    )


def text_link(url: str, quote: str) -> str:
    """Return a link that opens a web page at a quote, "" if `url` is empty.

    Uses the directive `:~:text=` of the WICG draft "URL Fragment Text Directives" with the quote, or with the first and
    last words of a long one, as a page may break the text anywhere. Browsers that do not support it open the page.

    >>> text_link("https://example.org/a#top", "ten-year plan, he said")
    'https://example.org/a#top:~:text=ten%2Dyear%20plan%2C%20he%20said'
    """
    words = quote.split()
    if not url or not words:
        return url
    parts = [" ".join(words)] if len(words) <= LINKED_WORDS else [" ".join(words[:5]), " ".join(words[-5:])]
    page, fragment = urldefrag(url)
    # "-" and "," are syntax in the directive; `quote` leaves "-" as it is.
    directive = ",".join(percent(part, safe="").replace("-", "%2D") for part in parts)
    return f"{page}#{fragment}:~:text={directive}"


def _article_value(card: Card, hits: Sequence[AnswerHit]) -> dict[str, Any]:
    """Return a card with its match strength: the rank of its best passage among the hits.

    Fused scores are reciprocal ranks, so the rank holds the same information.
    """
    place = next((i for i, hit in enumerate(hits) if hit.article == card.path), None)
    strength = None if place is None else (len(hits) - place) / len(hits)
    rank = "" if place is None else "Best match" if place == 0 else f"Match {place + 1} of {len(hits)}"
    fields = {name: getattr(card, name) for name in Card.__slots__ if name != "pages"}
    return {**fields, "byline": card.byline, "strength": strength, "rank": rank}


def plain_text(exchange: Exchange, card_of: CardOf) -> str:
    """Return the question, the answer with citation numbers, and each cited quote with its article, as plain text.

    Args:
        exchange: a question whose answer is done.
        card_of: returns the card of an article, by its path.
    """
    lines = [exchange.question, "", _plain_answer(exchange), "", *_plain_notes(exchange, card_of)]
    lines += [closing(exchange), ""]
    for source in sources(exchange):
        if source.label:
            label = card_of(source.article)
            lines.append(f"[{source.label}] {in_marks(source.quote)}")
            byline = label.byline_at(source.start, source.end)
            lines.append("    " + ", ".join(part for part in (label.title, byline, label.url) if part))
    return "\n".join(lines).strip() + "\n"


def _plain_notes(exchange: Exchange, card_of: CardOf) -> list[str]:
    """Return the lines of the conflicts, each block followed by an empty line."""
    known = sources(exchange)

    def marked(line: str, at: ConflictValue) -> str:
        label = number_of(at, known)
        return f"- {line} [{label}]" if label else f"- {line}"

    lines = []
    for conflict in exchange.conflicts:
        said = zip(conflict.values, bylines(conflict.values, card_of), strict=True)
        title = f"Sources disagree: {conflict.about}".rstrip(": ")
        lines += [title, *(marked(f"{value.value} ({byline})", value) for value, byline in said), ""]
    return lines


def _plain_answer(exchange: Exchange) -> str:
    """Return the refusal, or the lead and the sentences with citation numbers; each list item is on its own line."""
    if exchange.abstained and exchange.answer:
        return refusal(exchange.answer)
    sentences = [_plain_sentence(claim, exchange.time_of(claim)) for claim in exchange.shown]
    told = [f"- {one}" for one in sentences] if exchange.listed else [" ".join(sentences)]
    return "\n".join([*([exchange.lead, ""] if exchange.lead else []), *told])


def _plain_sentence(claim: Claim, time: str) -> str:
    doubt = doubt_of(claim)
    told = f"{time}: {claim.text.strip()}" if time else claim.text.strip()
    return f"{told} {claim.marks}".rstrip() + (f" ({doubt})" if doubt else "")


# Article reader


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to highlight: `text[start:end]` in code points."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of article text: `keys` of the marks that cover it, `begins` the keys of marks that start here."""

    text: str
    keys: tuple[str, ...]
    begins: tuple[str, ...]


def paragraphs(text: str, marks: Sequence[Mark]) -> list[list[Segment]]:
    """Cut an article into paragraphs of segments, so that the browser needs no offsets.

    Paragraphs end at blank lines, or at line breaks in a text without blank lines; other line breaks stay in the
    segments. White space between paragraphs is dropped, all other characters are kept in order.

    Args:
        text: the text of the article.
        marks: the quotes in it, as offsets in code points.
    """
    blank = re.search(r"\n[^\S\n]*\n", text)
    separator = re.compile(r"(?<!\s)[^\S\n]*+\n[^\S\n]*+\n\s*" if blank else r"(?<!\s)[^\S\n]*+\n\s*")
    cut: list[list[Segment]] = []
    begun: set[str] = set()
    start = len(text) - len(text.lstrip())
    for match in [*separator.finditer(text, start), None]:
        end = match.start() if match else len(text.rstrip())
        if start < end:
            cut.append(_segments(text, start, end, marks, begun))
        start = match.end() if match else end
    return cut


def _segments(text: str, start: int, end: int, marks: Sequence[Mark], begun: set[str]) -> list[Segment]:
    edges = {start, end, *(edge for mark in marks for edge in (mark.start, mark.end) if start < edge < end)}
    bounds = sorted(edges)
    segments = []
    for left, right in pairwise(bounds):
        keys = tuple(mark.key for mark in marks if mark.start <= left and right <= mark.end)
        segments.append(Segment(text[left:right], keys, tuple(key for key in keys if key not in begun)))
        begun.update(keys)
    return segments
