"""Article -> passages: runs of neighbouring sentences with exact character offsets.

Knows paragraphs, headings and the boilerplate of news pages. Lengths are words, as no model's tokenizer is known.
The text never changes: boilerplate stays in it, but is left out of `Passage.sentences`, and so is not embedded,
searched or quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlsplit

from citewire.index.bylines import byline
from citewire.index.folding import folded
from citewire.index.sentences import ends
from citewire.index.types import Article, Passage, Span

# Raise it when passages, sentences or embedded texts change; an index of another version is then refused.
CHUNKER_VERSION = "7"
MAX_WORDS = 110  # about 150 to 180 word pieces of English news; all-MiniLM-L6-v2 reads at most 256
WORD_CHARACTERS = 20  # a longer token (an address, a script without spaces) counts as several words
HEADING_WORDS = 20  # most words of a heading, a line without end punctuation
STATEMENT_WORDS = 5  # fewest words of a heading that can be quoted


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, a heading or a list item, or a piece of one that is too long."""

    span: Span
    heading: bool
    quotable: bool


def passages(article: Article, max_words: int = MAX_WORDS) -> list[Passage]:
    """Cut `article` into passages of at most `max_words` words, in the order of the text.

    A passage may span paragraphs, as news paragraphs often have one sentence. It repeats the last sentence of the
    passage before if that fits. A heading starts a new passage once the current one has half of `max_words`. Every
    sentence of `sentences(article.text)` is in at least one passage.
    """
    units = _units(article.text, max_words)
    found: list[Passage] = []
    first = 0
    while first < len(units):
        last = _last_unit(article.text, units, first, max_words)
        quotable = [unit.span for unit in units[first : last + 1] if unit.quotable]
        if quotable:
            start, end = units[first].span.start, quotable[-1].end
            found.append(Passage(article.path, start, end, article.text[start:end], tuple(quotable)))
        first = _next_first(article.text, units, first, last, max_words)
    return found


def sentences(text: str, max_words: int = MAX_WORDS) -> list[Span]:
    """Return the spans that can be quoted: sentences and long headings, without boilerplate.

    Args:
        text: the text of an article.
        max_words: a longer sentence is cut into several spans.
    """
    return [unit.span for unit in _units(text, max_words) if unit.quotable]


def searched_text(article_text: str, passage: Passage) -> str:
    """Return the text that BM25 searches: the sentences of a passage, folded.

    Args:
        article_text: the text of the passage's article, which its offsets belong to.
        passage: the passage.
    """
    return " ".join(folded(article_text[span.start : span.end]) for span in passage.sentences)


def embedded_text(article: Article, passage: Passage) -> str:
    """Return the text that is embedded for `passage`: the article's title, for context, and the folded sentences."""
    title = folded(title_words(article))
    words = searched_text(article.text, passage)
    return f"{title}. {words}" if title else words


def title_words(article: Article) -> str:
    """Return the title, or the words of the page's web address if the source states no title.

    >>> title_words(Article("a.txt", "...", "", url="https://example.com/2022/06/vote-in-peru-314/index.html"))
    'vote in peru 314'
    """
    if article.title or not article.url:
        return article.title
    parts = [part for part in urlsplit(article.url).path.split("/") if part and not part.startswith("index.")]
    named = [part for part in parts if not part.isdigit()]
    return " ".join(re.findall(r"[^\W_]+", named[-1].partition(".")[0])) if named else ""


def count_words(text: str) -> int:
    """Count the words of `text`; a token counts once for every `WORD_CHARACTERS` characters or part thereof."""
    return sum(-(-len(token) // WORD_CHARACTERS) for token in text.split())


# -- units -> passages ----------------------------------------------------------------------------------


def _last_unit(text: str, units: list[_Unit], first: int, max_words: int) -> int:
    """Return the index of the last unit of the passage that starts at unit `first`."""
    start, last = units[first].span.start, first
    while last + 1 < len(units):
        if count_words(text[start : units[last + 1].span.end]) > max_words:
            break
        opens_section = units[last + 1].heading and not units[last].heading
        if opens_section and count_words(text[start : units[last].span.end]) * 2 >= max_words:
            break
        last += 1
    while last > first and units[last].heading and last + 1 < len(units):
        last -= 1  # a heading belongs to the text after it
    return last


def _next_first(text: str, units: list[_Unit], first: int, last: int, max_words: int) -> int:
    """Return the first unit of the passage after `first` .. `last`: `last` again if it fits, else the one after it."""
    following = last + 1
    if following == len(units) or units[following].heading or units[last].heading or last == first:
        return following
    overlapped = count_words(text[units[last].span.start : units[following].span.end])
    return last if overlapped <= max_words else following


# -- text -> units --------------------------------------------------------------------------------------


def _units(text: str, max_words: int) -> list[_Unit]:
    """Return the units of `text` without boilerplate."""
    units: list[_Unit] = []
    paragraphs = list(_paragraphs(text))
    lines = {text[paragraph.start : paragraph.end].strip() for paragraph in paragraphs}
    seen_headings: set[str] = set()
    for paragraph in paragraphs:
        line = text[paragraph.start : paragraph.end].strip()
        title = _TAB_TITLE.split(line, maxsplit=1)[0]
        if is_boilerplate(line) or (title != line and title in lines):
            continue
        spans = _sentences(text, paragraph)
        heading = len(spans) == 1 and _is_heading(text[spans[0].start : spans[0].end])
        for span in spans:
            words = text[span.start : span.end]
            if heading and words in seen_headings:
                continue  # web pages repeat their title
            seen_headings.add(words)
            units.extend(_Unit(piece, heading, not heading or _states(words)) for piece in _cut(text, span, max_words))
    if not any(unit.quotable for unit in units):
        # The text has only short lines and boilerplate, so all of it is quotable.
        whole = (_sentences(text, paragraph, keep_boilerplate=True) for paragraph in paragraphs)
        spans = [span for found in whole for span in found]
        units = [_Unit(piece, False, True) for span in spans for piece in _cut(text, span, max_words)]
    return units


def _paragraphs(text: str) -> Iterator[Span]:
    """Yield the paragraphs of `text`: its non-blank lines, or blocks of lines if the text is hard-wrapped."""
    lines: list[Span] = []
    start = 0
    for line in text.splitlines(keepends=True):
        lines.append(Span(start, start + len(line)))
        start += len(line)
    block: list[Span] = []
    wrapped = is_hard_wrapped(text.splitlines())
    apart = False  # whether the line before is a byline, which is a paragraph of its own
    for span in [*lines, Span(start, start)]:
        line = text[span.start : span.end]
        blank, signed = not line.strip(), _is_signature(line)
        broken = (
            block and _HALF.search(text, block[-1].start, block[-1].end) and text[span.start : span.start + 1].islower()
        )
        if block and (blank or apart or signed or not (wrapped or broken)):
            yield Span(block[0].start, block[-1].end)
            block = []
        if not blank:
            block.append(span)
        apart = signed


_HALF = re.compile(r"[^\W\d_][-\u00ad\u2010][^\S\n]*\r?\n\Z")  # a line that ends in the first half of a word


def is_hard_wrapped(lines: list[str]) -> bool:
    """Whether lines were broken at a fixed width: few had room for the first word of the next line."""
    width = max(map(len, lines), default=0)
    pairs = [(line, following.split()[0]) for line, following in pairwise(lines) if line.strip() and following.strip()]
    full = sum(len(line.rstrip()) + 1 + len(word) > width for line, word in pairs)
    return 40 <= width <= 100 and len(pairs) >= 3 and full >= 0.8 * len(pairs)


_BULLET = re.compile(r"\s*(?:[•·▪►◦‣*–—-]\s+)*")
_TAB_TITLE = re.compile(r"(?<!\s)\s+[|–—-]\s+")  # "Title | Outlet"; dropped if the title is also a line
_TAG = r"(?:#[^\W\d]\S*|@\w\S*|https?://\S+|www\.\S+|pic\.twitter\.com/\S+)"
_TAGS_AFTER_END = re.compile(rf"(?<=[.!?…”\"’)])\s*{_TAG}(?:\s+{_TAG})*\s*$")
_WINDOW_CHARACTERS = 20_000  # characters split at once: unclosed quotation marks take sentencex quadratic time
_TAGS_CHARACTERS = 300  # last characters of a sentence in which hashtags and links are looked for


def _sentences(text: str, paragraph: Span, keep_boilerplate: bool = False) -> list[Span]:
    """Return the sentences of a paragraph, without surrounding white space, bullets and hashtags."""
    found: list[Span] = []
    for span in _boundaries(text, paragraph):
        sentence = text[span.start : span.end]
        if not sentence.strip():
            continue
        if is_boilerplate(sentence) and not sentence.strip().isalpha() and not keep_boilerplate:
            continue
        start, end = span.start + len(sentence) - len(sentence.lstrip()), span.start + len(sentence.rstrip())
        tags = _TAGS_AFTER_END.search(text, max(span.start, span.end - _TAGS_CHARACTERS), span.end)
        found.append(Span(start, tags.start() if tags and tags.start() > start else end))
    return found


def _boundaries(text: str, paragraph: Span) -> Iterator[Span]:
    """Yield the sentences of a paragraph after its bullet, with the white space around them."""
    bullet = _BULLET.match(text, paragraph.start, paragraph.end)
    start = bullet.end() if bullet else paragraph.start
    if not text[start : paragraph.end].strip():
        start = paragraph.start  # nothing but bullets
    while start < paragraph.end:
        window = re.sub(r"\s", " ", text[start : min(start + _WINDOW_CHARACTERS, paragraph.end)])
        if start + len(window) < paragraph.end:
            window = window[: window.rfind(" ") + 1] or window
        begin = 0
        for end in ends(window):
            yield Span(start + begin, start + end)
            begin = end
        start += len(window)


def _is_heading(line: str) -> bool:
    return count_words(line) <= HEADING_WORDS and not re.search(r"[.!?…。！？:;,][\"”’»)\]]*$", line)


def _states(heading: str) -> bool:
    """Whether a heading can be quoted: it has enough words, or a figure."""
    return count_words(heading) >= STATEMENT_WORDS or any(character.isdigit() for character in heading)


def _cut(text: str, span: Span, max_words: int) -> Iterator[Span]:
    """Yield `span` in pieces of at most `max_words` words, cut after a clause if possible, else after a word."""
    start = span.start
    while (end := _fitting_end(text, start, span.end, max_words)) < span.end:
        clauses = [match.end() for match in _CLAUSE.finditer(text, start, end)]
        if clauses and (clauses[-1] - start) * 2 > end - start:
            end = clauses[-1]
        yield Span(start, end)
        start = end
        while text[start].isspace():
            start += 1
    yield Span(start, span.end)


_CLAUSE = re.compile(r"[,;:—–](?=\s)")
_TOKEN = re.compile(r"\S+")


def _fitting_end(text: str, start: int, end: int, max_words: int) -> int:
    """Return the end of the longest run of whole tokens from `start` that fits; at least a part of one token."""
    words, fitting = 0, start
    for token in _TOKEN.finditer(text, start, end):
        words += -(-(token.end() - token.start()) // WORD_CHARACTERS)
        if words > max_words:
            break
        fitting = token.end()
    return fitting if fitting > start else start + max_words * WORD_CHARACTERS


# -- boilerplate ----------------------------------------------------------------------------------------

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DATE = (
    rf"(?:{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}|\d{{1,2}}\.?\s+{_MONTH}\s+\d{{4}}"
    r"|\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4})"
)
_TIME = r"(?:\d{1,2}:\d{2}(?::\d{2})?\s*(?:[ap]\.?m\.?)?\s*(?:utc|gmt|e[sd]?t|p[sd]?t|cet)?)"
_LINE = r".{0,120}"
_BOILERPLATE_CHARACTERS = 400  # a longer line is never boilerplate

_BOILERPLATE = re.compile(
    "|".join(
        (
            r"(?:(?![.!]\W?\s).){0,120}\b(?:e-?mail|contact|write to) us (?:at|on|via) \S{1,60}@\S{1,60}",
            r"(?:advertise(?:ment| here| with us)?|sponsored(?: (?:content|post|by\W.{0,60}))?|promoted|ad)",
            rf"(?:story|article) continues (?:below|after){_LINE}",
            r"share(?: this| the)? (?:article|story|post|page|news)",
            r"share (?:on|via|to) (?:facebook|twitter|x|linkedin|email|whatsapp|telegram|reddit)",
            r"(?:the )?link (?:has been )?copied(?: to (?:the |your )?clipboard)?",
            r"copy(?: the)? link",
            rf"(?:follow|join|find) us on {_LINE}",
            rf"(?:subscribe to|sign up (?:for|to)) (?:our|the|my) {_LINE}",
            rf"(?:click|tap) (?:here|below) (?:to|for) {_LINE}",
            rf"(?:read (?:more|also|next)|also read|see also|related(?: articles?| stories| news| posts?)?"
            rf"|recommended(?: reading)?|more on this|you (?:might|may) also like)(?:\s*:\s*{_LINE})?",
            r"(?:featured )?(?:image|photo|picture)(?: (?:credits?|source|by|courtesy(?: of)?))?"
            rf"\s*:\s*{_LINE}",
            r"the post .{1,300} (?:first appeared|appeared first) on .{1,80}",
            rf"(?:©|\(c\)|copyright (?:©|\(c\)|by|\d)){_LINE}",
            r"all rights reserved",
            r"\d+\s*-?\s*min(?:ute)?s?(?: read)?",
            r"(?:latest|last|first)? ?(?:updated?|published|posted)(?: on| at)?\s*:?"
            rf"\s*(?:{_DATE})?[,\s|-]*(?:at )?{_TIME}?",
            rf"{_DATE}[,\s|·-]*(?:at )?{_TIME}?",
            rf"[—–-]+\s*.{{1,80}}\(@\w{{1,30}}\)\s*(?:{_DATE})?",
            r"[^\W\d]+",  # a single word on a line: NEW, Source, Analysis, a menu entry
            rf"{_TAG}(?: {_TAG})*",
            r"[\W_]+",  # a rule such as *** or ---
        )
    ),
    re.IGNORECASE,
)


def is_boilerplate(line: str) -> bool:
    """Whether a whole line or sentence is part of the web page, not of the article.

    >>> is_boilerplate("The link has been copied!"), is_boilerplate("Share prices fell.")
    (True, False)
    """
    if len(line) > _BOILERPLATE_CHARACTERS:
        return False
    if _is_signature(line):
        return True
    words = " ".join(line.split())
    if re.fullmatch(r"[^\W\d]+[.!?…]+", words):
        return False  # "Why?" and "No." are sentences
    return bool(_BOILERPLATE.fullmatch(words.rstrip(".!…:").strip() or words))


def _is_signature(line: str) -> bool:
    """Whether a line is a byline with an author or outlet; a name with only a day may be a list item."""
    found = byline(line)
    return found is not None and bool(found.author or found.outlet)
