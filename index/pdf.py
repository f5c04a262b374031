"""PDF bytes -> a document; the only importer of pypdfium2.

Removes invisible text, joins glyphs to lines, orders columns, and handles running headers, footers and footnotes. Does
not read pictures: a note names pages without text, such as scans, and a file without any text is refused.
"""

from __future__ import annotations

import ctypes
import re
import statistics
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from citewire.index.bylines import byline
from citewire.index.documents import Document, Limits, UnusableError, one_line, tidy, too_large
from citewire.index.headlines import useful
from citewire.index.hyphens import joined

MAX_PAGES = 5_000
PARAGRAPH_GAP = 1.35  # a larger line distance, relative to the median, starts a new paragraph
SHORT_LINE = 0.75  # a line shorter than this share of the widest one ends its paragraph if it ends a sentence
MAX_INFLATED = 10  # most bytes of all decompressed streams together, as a multiple of `Limits.bytes`
DICTIONARY = 2_000  # bytes before a stream in which its dictionary is looked for
BULLETS = tuple("•‣▪■◦●–—")
HYPHEN = "\ufffe"  # PDFium's character for a hyphen that breaks a word at the end of a line

PALE = 0.9  # text with a higher luminance (white is 1) may be invisible
TINY = 1.0  # points; text of less height is invisible
THIN = 0.25  # points; text of less width is invisible
MOST_SEGMENTS = 1_000  # most segments of a clipping path that are read
RENDERED = 2.0  # pixels per point of a rendered page, fewer if it would have more than `MOST_PIXELS`
MOST_PIXELS = 4_000_000
CONTRAST = 24  # least difference (of 255) between the darkest and lightest pixel of visible text

GUTTER = 9.0  # least distance between two columns, in points
CELL_GAP = 1.5  # least gap between table cells, in line heights; gaps in justified lines are smaller
COLUMN_WIDTH = 80.0  # least length of a line of prose, in points
COLUMN_LINES = 4  # fewest lines of prose on each side of a gutter
EDGE_LINES = 2  # first and last lines of a page that may be running headers or footers
SAME_HEIGHT = 6.0  # points by which the height of a running header may differ between pages
RUNNING_SHARE = 0.25  # least share of pages with the same header or footer; at least 2 pages, or 3 of four or more
FOOTNOTE_SIZE = 0.9  # lines at the foot of a page below this share of the median size are footnotes

_ZLIB_STARTS = bytes(range(0x08, 0x80, 0x10))  # first byte of a zlib stream: deflate, any window size (RFC 1950)
_STREAM = re.compile(rb"stream\r?\n")
_ENDS = re.compile(r"""[.!?:]["'”’)\]]*$""")
_PAGE_NUMBER = re.compile(
    r"(?:page |p\. ?|[-–—] ?)?(?:\d{1,4}|[ivxl]{1,7})(?: ?(?:of|/) ?\d+)?(?: ?[-–—])?", re.IGNORECASE
)
_NOTE_MARK = re.compile(r"[\d*†‡§¹²³⁴⁵⁶⁷⁸⁹]{1,3}[.)]?\s?\S")
_WORD_START = re.compile(r"[^\W_]+")
_WORD_END = re.compile(r"(?<![^\W_])[^\W_]++$")
_WORD_SEEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD of fpdfview.h

Boxes = NDArray[np.float64]  # (objects, 4): left, bottom, right, top, in points


def read_pdf(data: bytes, limits: Limits) -> Document:
    """Return the visible text of all pages, with title and author of the metadata.

    Args:
        data: the bytes of the file.
        limits: what one file may need.

    Raises:
        UnusableError: it is encrypted, broken or over a limit, or no page holds text.
    """
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
    """Refuse a decompression bomb: 583 kB can hold 600 MB of blanks. Raises: UnusableError.

    Streams that are compressed twice are decompressed twice, as PDFium does; pictures are not, as PDFium ignores them
    when it reads text.
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
        return b""  # no real stream, or a broken one: PDFium decides


def _document(pdf: pypdfium2.PdfDocument, limits: Limits) -> Document:
    if len(pdf) > MAX_PAGES:
        raise too_large(f"{len(pdf):,} pages, at most {MAX_PAGES:,} are read", "Split it")
    pages: list[list[_Line]] = []
    total = 0
    for number in range(len(pdf)):
        page = pdf[number]
        try:
            _remove_unseen(page)
            pages.append(list(_lines(page)))
        finally:
            page.close()
        total += sum(len(line.text) for line in pages[-1])
        if total > limits.characters:
            raise too_large(f"more than {limits.characters:,} characters", "Split it")
    text, starts = _text(_without_running(pages))
    empty = [number for number, lines in enumerate(pages, 1) if not lines]
    if not text:
        raise UnusableError(
            f"holds no text on its {len(pdf)} pages, as a scan does", "Run it through text recognition (OCR) first"
        )
    stated = pdf.get_metadata_dict()
    told = f"{len(empty)} of {len(pdf)} pages hold no text, as scans do: {_ranges(empty)}"
    return Document(
        text=text,
        title=useful(one_line(stated.get("Title", ""))),
        author=one_line(stated.get("Author", "")),
        pages=starts,
        notes=(told,) if empty else (),
    )


def _ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers in short form: `2, 4 to 9`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


# -- what can be seen -----------------------------------------------------------------------------------


def _remove_unseen(page: pypdfium2.PdfPage) -> None:
    """Remove invisible text from a page: white on white, outside of the page, behind a shape.

    Text outside of the page, lower than `TINY` or narrower than `THIN` is always removed. Pale text, text under a later
    shape, in an optional layer or outside of its clipping path is removed if the rendered page has no contrast there.
    Text in an invisible rendering mode is removed unless a picture with contrast is at its place: the recognised text
    of a scan is stored so.
    """
    objects = list(page.get_objects())
    boxes = np.array([_box(one) for one in objects], np.float64).reshape(-1, 4)
    texts = [n for n, one in enumerate(objects) if one.type == pdfium.FPDF_PAGEOBJ_TEXT]
    pictures = [n for n, one in enumerate(objects) if one.type == pdfium.FPDF_PAGEOBJ_IMAGE]
    covers = [n for n, one in enumerate(objects) if n in set(pictures) or _is_cover(one, boxes[n])]
    left, bottom, right, top = page.get_cropbox()
    look: NDArray[np.uint8] | None = None
    for number in texts:
        one, box = objects[number], boxes[number]
        without_ink = pdfium.FPDFTextObj_GetTextRenderMode(one.raw) in _NO_INK
        outside = box[2] <= left or box[0] >= right or box[3] <= bottom or box[1] >= top
        hidden = outside or box[3] - box[1] < TINY or box[2] - box[0] < THIN
        if not hidden and without_ink:
            hidden = not any(_covers(boxes[picture], box) for picture in pictures)
        suspected = (
            without_ink
            or _is_pale(one)
            or _is_optional(one)
            or _is_clipped(one, box)
            or any(cover > number and _covers(boxes[cover], box) for cover in covers)
        )
        if not hidden and suspected:
            if look is None:
                look = _rendered(page)
            hidden = not _has_contrast(page, look, box)
        if hidden:
            remove = pdfium.FPDFPage_RemoveObject if one.container is None else pdfium.FPDFFormObj_RemoveObject
            if remove(one.container or page, one):
                pdfium.FPDFPageObj_Destroy(one)


_NO_INK = (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP)


def _box(one: pypdfium2.PdfObject) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of an object on the page in points, also inside forms; 0.0 if unknown."""
    edges = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(one.raw, *edges):
        return (0.0, 0.0, 0.0, 0.0)
    left, bottom, right, top = (edge.value for edge in edges)
    form = one.container
    while form is not None:
        left, bottom, right, top = form.get_matrix().on_rect(left, bottom, right, top)
        form = form.container
    return (left, bottom, right, top)


def _is_cover(one: pypdfium2.PdfObject, box: NDArray[np.float64]) -> bool:
    """Whether an object is a filled, opaque shape that may hide text under it."""
    if one.type != pdfium.FPDF_PAGEOBJ_PATH or box[2] - box[0] < TINY or box[3] - box[1] < TINY:
        return False
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium.FPDFPath_GetDrawMode(one.raw, mode, stroke) or not mode.value:
        return False
    return not pdfium.FPDFPageObj_HasTransparency(one.raw)


def _is_optional(one: pypdfium2.PdfObject) -> bool:
    """Whether an object is in a layer that a viewer may turn off (optional content, ISO 32000-1, 8.11)."""
    for number in range(pdfium.FPDFPageObj_CountMarks(one.raw)):
        name, length = ctypes.create_string_buffer(32), ctypes.c_ulong()
        mark = pdfium.FPDFPageObj_GetMark(one.raw, number)
        units = ctypes.cast(name, ctypes.POINTER(ctypes.c_ushort))
        if pdfium.FPDFPageObjMark_GetName(mark, units, len(name), length) and name.raw[:6] == b"O\0C\0\0\0":
            return True
    return False


def _is_clipped(one: pypdfium2.PdfObject, box: NDArray[np.float64]) -> bool:
    """Whether the centre of an object is outside of the bounds of its clipping path."""
    clip = pdfium.FPDFPageObj_GetClipPath(one.raw) if one.container is None else None
    for path in range(max(0, pdfium.FPDFClipPath_CountPaths(clip)) if clip else 0):
        points = []
        for number in range(min(MOST_SEGMENTS, pdfium.FPDFClipPath_CountPathSegments(clip, path))):
            x, y = ctypes.c_float(), ctypes.c_float()
            segment = pdfium.FPDFClipPath_GetPathSegment(clip, path, number)
            if pdfium.FPDFPathSegment_GetPoint(segment, x, y):
                points.append((x.value, y.value))
        if points and not _covers(np.array([*np.min(points, axis=0), *np.max(points, axis=0)]), box):
            return True
    return False


def _covers(above: NDArray[np.float64], box: NDArray[np.float64]) -> bool:
    """Whether the centre of `box` is inside `above`."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return bool(above[0] <= x <= above[2] and above[1] <= y <= above[3])


def _is_pale(one: pypdfium2.PdfObject) -> bool:
    """Whether the fill colour of text is nearly white or nearly transparent."""
    parts = [ctypes.c_uint() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetFillColor(one.raw, *parts):
        return False
    red, green, blue, alpha = (part.value / 255 for part in parts)
    return alpha < 1 - PALE or 0.299 * red + 0.587 * green + 0.114 * blue > PALE


def _rendered(page: pypdfium2.PdfPage) -> NDArray[np.uint8]:
    """Return the rendered page in greyscale, shape (height, width) in pixels; 0 is black."""
    width, height = page.get_size()
    scale = min(RENDERED, (MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    look: NDArray[np.uint8] = page.render(scale=scale, grayscale=True).to_numpy()
    return look[..., 0] if look.ndim == 3 else look


def _has_contrast(page: pypdfium2.PdfPage, look: NDArray[np.uint8], box: NDArray[np.float64]) -> bool:
    down, across = look.shape
    xs, ys = [], []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        left, top = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, across, down, 0, x, y, left, top)
        xs.append(left.value)
        ys.append(top.value)
    part = look[max(min(ys), 0) : max(ys) + 1, max(min(xs), 0) : max(xs) + 1]
    return part.size > 0 and int(part.max()) - int(part.min()) >= CONTRAST


# -- lines ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of one column.

    Attributes:
        left, right, top, bottom: its edges, in points.
        broken: whether its last word continues in the next line.
        cells: whether it has gaps as wide as between the cells of a table.
    """

    text: str
    left: float
    right: float
    top: float
    bottom: float
    broken: bool = False
    cells: bool = False

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def size(self) -> float:
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class _Glyphs:
    """The characters of a page in PDFium's order, one per UTF-16 code unit of its text."""

    text: str
    reader: Any
    shifted: bool  # whether PDFium's character indexes differ from indexes into `text`

    def box(self, index: int) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top of a character in points, with the full height of its line."""
        if self.shifted:
            index = pdfium.FPDFText_GetCharIndexFromTextIndex(self.reader, index)
        edges: tuple[float, float, float, float] = self.reader.get_charbox(max(index, 0), loose=True)
        return edges


def _lines(page: pypdfium2.PdfPage) -> Iterator[_Line]:
    """Yield the lines of a page in reading order."""
    reader = page.get_textpage()
    try:
        whole = reader.get_text_range()
        units = np.frombuffer(whole.encode("utf-16-le", "surrogatepass"), "<u2")
        glyphs = _Glyphs("".join(map(chr, units)), reader, len(units) != reader.count_chars())
        gutters = _gutters(page)
        found = [line for start, end in _runs(glyphs.text) for line in _cut(glyphs, start, end, gutters)]
    finally:
        reader.close()
    yield from _ordered(found, gutters) if gutters else _downwards(found)


def _downwards(lines: list[_Line]) -> list[_Line]:
    """Sort lines from the top; keep the drawing order if lines are vertical or beside each other."""
    found = sorted(lines, key=lambda line: -line.top)
    beside = (below.top - above.bottom > min(above.size, below.size) / 2 for above, below in pairwise(found))
    return lines if any(line.size <= 0 for line in lines) or any(beside) else found


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each line; PDFium writes no line end after a word-breaking hyphen."""
    start = 0
    for end in re.finditer(rf"\r\n|(?<={HYPHEN})|\Z", text):
        if text[start : end.start()].strip():
            yield start, end.start()
        start = end.end()


def _cut(glyphs: _Glyphs, start: int, end: int, gutters: Sequence[tuple[float, float]]) -> Iterator[_Line]:
    """Yield a run of characters as one line, or split at the gutters between columns."""
    if not gutters:
        yield from _line(glyphs, start, end)
        return
    boxes = {n: glyphs.box(n) for n in range(start, end) if not glyphs.text[n].isspace()}
    if any(box[0] < right - 1 and box[2] > left + 1 for box in boxes.values() for left, right in gutters):
        yield from _line(glyphs, start, end)  # a headline across columns
        return
    begin, last = start, -1
    for n, box in boxes.items():
        column = sum(box[0] >= right - 1 for _, right in gutters)
        if last not in (-1, column):
            yield from _line(glyphs, begin, n)
            begin = n
        last = column
    yield from _line(glyphs, begin, end)


def _line(glyphs: _Glyphs, start: int, end: int) -> Iterator[_Line]:
    text = glyphs.text[start:end]
    inked = [start + n for n, character in enumerate(text) if not character.isspace()]
    if not inked:
        return
    first, last = glyphs.box(inked[0]), glyphs.box(inked[-1])
    words = text.replace(HYPHEN, "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    words = " ".join(tidy(words).split())
    hard = bool(re.search(r"[^\W\d_]-$", words))
    if words:
        broken = hard or text.rstrip().endswith(HYPHEN)
        words = words.removesuffix("-") if hard else words
        cells = any(
            glyphs.box(after)[0] - glyphs.box(before)[2] > CELL_GAP * (first[3] - first[1])
            for before, after in pairwise(inked)
            if after > before + 1
        )
        yield _Line(words, first[0], last[2], first[3], last[1], broken, cells)


# -- columns --------------------------------------------------------------------------------------------


def _gutters(page: pypdfium2.PdfPage) -> list[tuple[float, float]]:
    """Return left and right edge of each gutter between columns of text, from left to right, in points."""
    boxes = np.array([_box(one) for one in page.get_objects([pdfium.FPDF_PAGEOBJ_TEXT])], np.float64).reshape(-1, 4)
    boxes = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
    if len(boxes) < 2 * COLUMN_LINES:
        return []
    left, right = boxes[:, 0].min(), boxes[:, 2].max()
    edges = np.arange(left, right, 1.0)
    rows = np.round(boxes[:, 1] / 3).astype(int)
    crossed = [len(set(rows[(boxes[:, 0] < x + 1) & (boxes[:, 2] > x)])) for x in edges]
    lines = len(set(rows))
    empty = np.array(crossed) <= 0.2 * lines  # headlines across columns may cross a gutter
    found: list[tuple[float, float]] = []
    for start, end in _stretches(empty):
        near, far = float(edges[start]), float(edges[end - 1]) + 1.0
        middle = (near + far) / 2
        beside = [boxes[boxes[:, 2] <= middle], boxes[boxes[:, 0] >= middle]]
        if all(_full_lines(side) >= COLUMN_LINES for side in beside):
            gap = (float(beside[0][:, 2].max()), float(beside[1][:, 0].min()))
            found += [gap] if gap[1] - gap[0] >= GUTTER else []
    return found


def _full_lines(boxes: Boxes) -> int:
    """Count the lines that are long enough for prose; table cells are shorter."""
    widths: dict[int, float] = {}
    for row, box in zip(np.round(boxes[:, 1] / 3).astype(int), boxes, strict=True):
        widths[row] = widths.get(row, 0.0) + float(box[2] - box[0])
    return sum(width >= COLUMN_WIDTH for width in widths.values())


def _stretches(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of true values that touches neither end of `flags`."""
    changes = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(int)))
    for start, end in zip(changes[::2], changes[1::2], strict=True):
        if start > 0 and end < len(flags):
            yield int(start), int(end)


def _ordered(lines: Sequence[_Line], gutters: Sequence[tuple[float, float]]) -> Iterator[_Line]:
    """Yield lines column by column; a line across columns comes after the columns above it."""
    columns: list[list[_Line]] = [[] for _ in range(len(gutters) + 1)]
    for line in sorted(lines, key=lambda line: -line.top):
        if any(line.left < left and line.right > right for left, right in gutters):
            for column in columns:
                yield from column
                column.clear()
            yield line
        else:
            columns[sum(line.left >= right - 1 for _, right in gutters)].append(line)
    for column in columns:
        yield from column


# -- headers, footers and footnotes ---------------------------------------------------------------------


def _without_running(pages: Sequence[Sequence[_Line]]) -> list[list[_Line]]:
    """Return the lines of each page without running headers and footers, its footnotes moved by `_notes_first`."""
    edges = [_edges(lines) for lines in pages]
    counts = Counter(key for keys in edges for key in {_key(line) for line in keys})
    filled = sum(1 for lines in pages if lines)
    found: list[list[_Line]] = []
    for lines, ends in zip(pages, edges, strict=True):
        running = [line for line in ends if _is_running(line, counts, filled)]
        left = [line for line in lines if line not in running]
        # A page that has nothing else just resembles other pages: only its page number is removed.
        found.append(_notes_first(left or [line for line in lines if not _PAGE_NUMBER.fullmatch(line.text)]))
    return found


def _edges(lines: Sequence[_Line]) -> list[_Line]:
    """Return the first and last lines of a page."""
    by_height = sorted(lines, key=lambda line: -line.top)
    return [*by_height[:EDGE_LINES], *by_height[EDGE_LINES:][-EDGE_LINES:]]


def _key(line: _Line) -> tuple[str, int]:
    """Return what a running header shares between pages: its words without numbers, and its rounded height."""
    return re.sub(r"\d+", "#", line.text.casefold()), round(line.bottom / SAME_HEIGHT)


def _is_running(line: _Line, counts: Counter[tuple[str, int]], pages: int) -> bool:
    words, height = _key(line)
    count = sum(counts[words, near] for near in (height - 1, height, height + 1))
    if pages < 2 or len(line.text) > 120:
        return False
    return (count >= max(min(3, pages - 1), 2, RUNNING_SHARE * pages)) or (
        count >= 1 and bool(_PAGE_NUMBER.fullmatch(line.text))
    )


def _notes_first(lines: list[_Line]) -> list[_Line]:
    """Move the footnotes of a page before its last paragraph if that continues on the next page."""
    if len(lines) < 3:
        return lines
    usual = statistics.median(line.size for line in lines)
    lowest = min(line.top for line in lines if line.size >= FOOTNOTE_SIZE * usual)
    notes = [line for line in lines if line.size < FOOTNOTE_SIZE * usual and line.top < lowest]
    if not notes or not _NOTE_MARK.match(notes[0].text):
        return lines
    body = [line for line in lines if line not in notes]
    if not body or _ENDS.search(body[-1].text):
        return [*body, *notes]
    starts = _paragraph_starts(body)
    return [*body[: starts[-1]], *notes, *body[starts[-1] :]]


# -- paragraphs -----------------------------------------------------------------------------------------


def _text(pages: Sequence[Sequence[_Line]]) -> tuple[str, tuple[int, ...]]:
    """Join lines to paragraphs across columns and pages; return the text and the offset of each page in it."""
    seen = {word.lower() for lines in pages for line in lines for word in _WORD_SEEN.findall(line.text)}
    pieces: list[str] = []
    length = 0
    starts: list[int] = []
    last: _Line | None = None
    for lines in pages:
        openings = set(_paragraph_starts(lines))
        starts.append(length)
        for number, line in enumerate(lines):
            text = line.text
            if last is None:
                between = ""
            elif number == 0:
                between = " " if _goes_over(last, line) else "\n\n"
            else:
                between = "\n\n" if number in openings else " "
            if last is not None and last.broken:
                between, text = _unbroken(pieces, text, between, seen)
                length = sum(map(len, pieces)) if between == "" else length
            if number == 0:
                starts[-1] = length + len(between)
            pieces += (between, text)
            length += len(between) + len(text)
            last = line
    if last is not None and last.broken:
        pieces.append("-")
    text = "".join(pieces)
    return text, tuple(min(start, len(text)) for start in starts)


def _unbroken(pieces: list[str], text: str, between: str, seen: set[str]) -> tuple[str, str]:
    """Return the separator after a line that ends in a broken word (last of `pieces`), and the next line's text."""
    before, after = _WORD_END.search(pieces[-1]), _WORD_START.match(text)
    if between == "\n\n" or before is None or after is None:
        return f"-{between}", text
    word = joined(before[0], after[0], seen)
    return word[len(before[0]) : len(word) - len(after[0])], text


def _goes_over(above: _Line, below: _Line) -> bool:
    """Whether a paragraph continues from the last line of a page to the first line of the next."""
    return above.broken or (not _ENDS.search(above.text) and below.text[:1].islower())


def _paragraph_starts(lines: Sequence[_Line]) -> list[int]:
    """Return the indexes of lines that start a paragraph, from line distances and lengths: a PDF has only glyphs."""
    gaps = [above.bottom - below.bottom for above, below in pairwise(lines) if above.bottom > below.bottom]
    usual = statistics.median_low(gaps) if gaps else 0.0
    widest = max((line.width for line in lines), default=0.0)
    starts = [n for n, pair in enumerate(pairwise(lines), 1) if _starts_paragraph(*pair, usual, widest)]
    rows = [n for n, (above, below) in enumerate(pairwise(lines), 1) if above.cells and below.cells]
    return [0, *sorted({*starts, *rows, *(n - 1 for n in rows if n > 1), *(n + 1 for n in rows if n + 1 < len(lines))})]


def _starts_paragraph(above: _Line, below: _Line, usual: float, widest: float) -> bool:
    if below.text.startswith(BULLETS) or byline(above.text) or byline(below.text):
        return True
    gap = above.bottom - below.bottom
    ended = bool(_ENDS.search(above.text))
    if gap <= 0:  # at the top of the next column, a sentence may continue
        return ended
    return gap > PARAGRAPH_GAP * usual or (ended and above.width < SHORT_LINE * widest)
