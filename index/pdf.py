"""PDF bytes -> a document; the only importer of pypdfium2.

Knows lines and paragraphs of one column after another, as the file has them. Does not read pictures: a scan has no
text and is refused.
"""

from __future__ import annotations

import re
import statistics
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2

from citewire.index.documents import Document, Limits, UnusableError, one_line, tidy, too_large

MAX_PAGES = 5_000
PARAGRAPH_GAP = 1.35  # times the usual distance of two lines, from which on a new paragraph starts
SHORT_LINE = 0.75  # of the widest line of the page: a shorter one that ends a sentence ends its paragraph
MAX_INFLATED = 10  # times `Limits.bytes` that all streams may inflate to
DICTIONARY = 2_000  # bytes before a stream in which its dictionary is looked for
BULLETS = tuple("•‣▪■◦●–—")
HYPHEN = "\ufffe"  # PDFium writes it for the hyphen of a word that goes on in the next line

_ZLIB_STARTS = bytes(range(0x08, 0x80, 0x10))  # RFC 1950: deflate, with any size of window
_STREAM = re.compile(rb"stream\r?\n")
_ENDS = re.compile(r"""[.!?:]["'”’)\]]*$""")
_FILE_NAME = re.compile(r"^(microsoft word - .*|untitled.*|.*\.(docx?|indd|qxd|rtf|pdf|odt))$", re.IGNORECASE)
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD of fpdfview.h


def read_pdf(data: bytes, limits: Limits) -> Document:
    """Return the text of all pages. Raises: UnusableError."""
    _check_inflated(data, limits)
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise UnusableError("is encrypted", "Remove the password") from error
        raise UnusableError(f"is a broken PDF: {one_line(str(error))}", "Save or print it as PDF again") from error
    try:
        return _document(pdf, limits)
    except pypdfium2.PdfiumError as error:
        raise UnusableError(f"is a broken PDF: {one_line(str(error))}", "Save or print it as PDF again") from error
    finally:
        pdf.close()


def _check_inflated(data: bytes, limits: Limits) -> None:
    """Refuse a file with a stream that inflates to more than `limits.bytes`: 583 kB can hold 600 MB of blanks.

    A stream inside a stream (two filters) is followed, as PDFium follows it; pictures are not, as it leaves them
    alone while it reads text.
    """
    total = 0
    for found in _STREAM.finditer(data):
        dictionary = data[max(0, found.start() - DICTIONARY) : found.start()].rpartition(b" obj")[2]
        layer = memoryview(data)[found.end() :]
        while layer and layer[0] in _ZLIB_STARTS and b"/Image" not in dictionary:
            inflated = _inflate(layer, limits.bytes + 1)
            total += len(inflated)
            if len(inflated) > limits.bytes or total > MAX_INFLATED * limits.bytes:
                size = f"{len(data):,} bytes of PDF inflate to more than {limits.bytes:,}"
                raise too_large(size, "Print its pages to a new PDF")
            layer = memoryview(inflated)


def _inflate(data: memoryview, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""  # the bytes only look like a stream, or it is broken: PDFium decides


def _document(pdf: pypdfium2.PdfDocument, limits: Limits) -> Document:
    if len(pdf) > MAX_PAGES:
        raise too_large(f"{len(pdf):,} pages, at most {MAX_PAGES:,} are read", "Split it")
    pages: list[str] = []
    total = 0
    for number in range(len(pdf)):
        page = pdf[number]
        pages.append("\n\n".join(_paragraphs(page)))
        total += len(pages[-1])
        page.close()
        if total > limits.characters:
            raise too_large(f"more than {limits.characters:,} characters", "Split it")
    text = tidy("\n\n".join(pages))
    if not text:
        raise UnusableError(
            f"holds no text on its {len(pdf)} pages, as a scan does", "Run it through text recognition (OCR) first"
        )
    stated = pdf.get_metadata_dict()
    title = one_line(stated.get("Title", ""))
    return Document(
        text=text,
        title="" if _FILE_NAME.match(title) else title,
        author=one_line(stated.get("Author", "")),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, or several that PDFium joined at a hyphen: base lines of its first and last glyph, width, in points."""

    text: str
    top: float
    bottom: float
    width: float


def _paragraphs(page: pypdfium2.PdfPage) -> Iterator[str]:
    """Join the lines of a page to paragraphs by their distance and length; PDF itself knows only glyphs."""
    lines = list(_lines(page))
    gaps = [above.bottom - below.top for above, below in pairwise(lines) if above.bottom > below.top]
    usual = statistics.median_low(gaps) if gaps else 0.0
    widest = max((line.width for line in lines), default=0.0)
    paragraph: list[str] = []
    for number, line in enumerate(lines):
        if number and _starts_paragraph(lines[number - 1], line, usual, widest):
            yield " ".join(paragraph)
            paragraph = []
        paragraph.append(line.text)
    if paragraph:
        yield " ".join(paragraph)


def _starts_paragraph(above: _Line, below: _Line, usual: float, widest: float) -> bool:
    if below.text.startswith(BULLETS):
        return True
    gap = above.bottom - below.top
    ended = bool(_ENDS.search(above.text))
    if gap <= 0:  # at the top of the next column the sentence goes on
        return ended
    return gap > PARAGRAPH_GAP * usual or (ended and above.width < SHORT_LINE * widest)


def _lines(page: pypdfium2.PdfPage) -> Iterator[_Line]:
    reader = page.get_textpage()
    try:
        whole = reader.get_text_range()
        if len(whole) != reader.count_chars():  # a glyph that stands for two characters: positions would be off
            yield _Line(tidy(whole), 0.0, 0.0, 0.0)
            return
        start = 0
        for text in whole.split("\r\n"):
            shown = [start + index for index, character in enumerate(text) if not character.isspace()]
            if shown:
                left, top, _, _ = reader.get_charbox(shown[0], loose=True)
                _, bottom, right, _ = reader.get_charbox(shown[-1], loose=True)
                yield _Line(text.strip().replace(HYPHEN, ""), top, bottom, right - left)
            start += len(text) + 2
    finally:
        reader.close()
