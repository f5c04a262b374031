"""The first lines of an article -> its headline, author, outlet and day of publication.

They only fill what the format and the metadata leave open. Unsure fields stay "", and the text does not change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from citewire.index.bylines import Byline, byline, is_named, outlet_alone
from citewire.index.dates import PROSE_WORDS, mentions, published_date
from citewire.index.documents import Document, one_line
from citewire.index.passages import HEADING_WORDS, count_words, is_boilerplate, is_hard_wrapped

HEAD_CHARACTERS = 20_000  # characters of the text that are examined
HEAD_LINES = 5  # most lines below the headline that may hold a byline
HEADLINE_WORDS = 3  # fewest words of a headline without a byline below it
PARAGRAPH_WORDS = 8  # fewest words of the first paragraph if there is no byline

_NO_HEADLINE = re.compile(  # beginnings of list items, letters and chat messages
    r"(?:[•·▪►◦‣*–—#>+-]|\d{1,3}[.)]\s|[A-Za-z][.)]\s|(?:dear|hi|hello|hey|to|re|fwd?)\b[ :,])", re.IGNORECASE
)
_GOES_ON = re.compile(  # a last word after which the sentence goes on in the next line
    r"\b(?:a|an|and|are|as|at|because|but|by|for|from|has|have|he|her|his|if|in|into|is|it|its|my|of|on|or|our|she|so"
    r"|than|that|the|their|they|this|to|was|we|were|which|who|will|with|would|you|your)$",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?…][\"”’»)\]]*(?=\s|$)")
_OPEN_END = re.compile(r"[.…。,;:–—-][\"”’»)\]]*$")
_USELESS = re.compile(
    r"about:.*|(?:https?|file):.*|www\..*|[^\s/]+\.[a-z]{2,}/\S*|microsoft (?:word|powerpoint) - .*|untitled.*"
    r"|(?:(?:word|powerpoint) )?(?:document|dokument|presentation)[ \d]*"
    r"|.*\.(?:docx?|html?|indd|md|odt|pages|pdf|php|pptx?|qxd|rtf|txt)",
    re.IGNORECASE,
)


def useful(title: str) -> str:
    """Return a title from a file's metadata, "" if a program set it: a file name, an address, "untitled".

    >>> useful("about:blank"), useful("Microsoft Word - ferry.doc"), useful("Ferry to Orvik sold")
    ('', '', 'Ferry to Orvik sold')
    """
    return "" if _USELESS.fullmatch(title) else title


def with_head(document: Document) -> Document:
    """Return a document with its empty fields filled from its first lines; unchanged if no headline is found."""
    lines = document.text[:HEAD_CHARACTERS].splitlines()
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return document
    found, below = _bylines([lines[number].strip() for number in filled], bool(document.title))
    signed = [one for one in found if one.author or one.outlet]
    title = document.title
    if not title and below < len(filled):
        apart = found or _is_apart(lines[filled[0] :])
        if apart and _is_headline(lines[filled[0]].strip(), bool(signed)):
            subtitled = count_words(lines[filled[below]]) >= HEADLINE_WORDS  # a subtitle may come before the text
            tops = filled[below : below + 1 + subtitled]
            prose = any(_is_paragraph(lines[number:], bool(signed)) for number in tops)
            title = one_line(lines[filled[0]]) if prose else ""
    if not title:
        return document
    day = _first(one.published for one in signed)
    if not day and not published_date(document.text):
        day = _first(one.published for one in found)  # from a line with only a name and a day
    return replace(
        document,
        title=title,
        author=document.author or _first(one.author for one in found),
        outlet=document.outlet or _first(one.outlet for one in found),
        published=document.published or day,
    )


def bylines_apart(markdown: str) -> str:
    r"""Return Markdown in which each byline among the first lines is a paragraph of its own.

    >>> bylines_apart("# Mill saved\n*By Anna Holm*\nThe mill stays.")
    '# Mill saved\n\n*By Anna Holm*\n\nThe mill stays.'
    """
    lines = markdown.split("\n")
    head = [f"\n{line}\n" if byline(line.strip("*_ \t\r")) else line for line in lines[: 2 * HEAD_LINES]]
    return "\n".join([*head, *lines[2 * HEAD_LINES :]])


def _first(values: Iterable[str]) -> str:
    return next(filter(None, values), "")


def _bylines(lines: list[str], titled: bool) -> tuple[list[Byline], int]:
    """Return the bylines under the headline, and the index of the line where the text begins.

    One other line, such as a subtitle, may come before them; if `titled`, the headline may come there, too.
    """
    found: list[Byline] = []
    start = 0 if titled else 1
    below, others = start, 0
    for number, line in enumerate(islice(lines, start, start + HEAD_LINES + start), start):
        if one := byline(line) or (outlet_alone(line) if found else None):
            found.append(one)
        elif not published_date(line):
            others += 1
            if found or others > 1 + titled or len(line.split()) >= PROSE_WORDS:
                break
            continue
        below = number + 1
    return found, below


def _is_headline(line: str, signed: bool) -> bool:
    """Whether a first line can be a headline; `signed` if a byline with a name follows."""
    words = line.split()
    if not (1 if signed else HEADLINE_WORDS) <= count_words(line) <= HEADING_WORDS or _NO_HEADLINE.match(line):
        return False
    if not any(character.isupper() or character.isdigit() for character in words[0]):
        return False  # a caption, or the rest of a sentence
    if not signed and (line.endswith(("?", "!")) or is_named(line)):
        return False  # a question that opens the text, or an author's name
    if _OPEN_END.search(line) or _GOES_ON.search(line) or re.search(r"[^\W\d_]{3}[.!?…]\s+[A-Z]", line):
        return False
    dated = any(mention.start == 0 for mention in mentions(line, ""))  # "May 3, 2024 Updated May 5, 2024"
    return not (dated or byline(line) or published_date(line) or is_boilerplate(line))


def _is_paragraph(lines: list[str], signed: bool) -> bool:
    """Whether lines begin with a paragraph of prose, not with list items or verse."""
    block: list[str] = []
    for line in lines:
        if not line.strip():
            break
        block.append(line)
    text = " ".join(block)
    enough = len(text.split()) >= (1 if signed else PARAGRAPH_WORDS)
    return enough and bool(_ENDS.search(text)) and not _NO_HEADLINE.match(text)


def _is_apart(lines: list[str]) -> bool:
    """Whether the first line is a paragraph of its own: an empty line follows, or every line is a paragraph."""
    if not lines[1].strip():
        return True
    width = max(map(len, lines))
    first, second = lines[0].rstrip(), lines[1].strip()
    room = len(first) + 1 + len(second.split()[0]) <= width
    return (
        room
        and not is_hard_wrapped(lines)
        and len(second.split()) >= PARAGRAPH_WORDS
        and len(second) > len(first)
        and not second[0].islower()
        and bool(re.search(r"[.!?…][\"”’»)\]]*$", second))
    )
