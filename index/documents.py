"""What the readers of all formats share: the document, its limits, and functions that clean text and parse dates.

Knows no format, no file name and no index.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_tz
from pathlib import Path
from typing import TypeGuard
from urllib.parse import urlsplit

from citewire.index.encodings import text_of

# A file with a higher share of control characters is binary; a text may hold a few from copy and paste.
MAX_CONTROL_SHARE = 0.01
MAX_LINE = 1_000  # most characters of a title, an author, ...; the longest news headlines have 300
MAX_EXTRA = 32  # most metadata keys beyond title, outlet, ...
MAX_EXTRA_KEY, MAX_EXTRA_VALUE = 64, 500  # most characters; a longer value is no use as a filter
MAX_RATIO = 200  # highest compression ratio beyond MIN_RATIO_BYTES; English XML has 5 to 30, DEFLATE at most 1,032
MIN_RATIO_BYTES = 1_000_000
FIRST_YEAR = 1600  # newspapers begin in 1605; databases use earlier years for missing dates

UNUSABLE_IN_LINES = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, surrogate, line and paragraph separators
MAX_BLANKS = 200  # most white space in a row; tables have dozens, and 40,000 would slow down the sentence splitter
_BLANKS = re.compile(rf"(?<!\s)\s{{{MAX_BLANKS + 1},}}")
# Invisible characters that reorder or hide the text around them: bidirectional controls, zero-width spaces, word
# joiners, soft hyphens, tags. Emoji and Persian need zero-width joiners; `_LONE_JOINER` finds those after an ASCII
# letter or at the start, where they have no effect.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_UNSEEN = re.compile(rf"(?!\u00ad[^\S\n]*+\n){_INVISIBLE.pattern}")  # keeps a soft hyphen that ends a line
_LONE_JOINER = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one file may take.

    Attributes:
        bytes: size of a file, and of each decompressed part of it.
        characters: length of one article's text.
        seconds: wall clock until a parser returns its next article.
        memory: address space of the parser's process, in bytes.
        articles: number of articles in one file, refused ones included; the rest is refused.
        total_characters: length of all article texts of one file together; the rest is refused.
        total_seconds: wall clock for one file; for a zip, for all its members together.
    """

    bytes: int = 100_000_000
    characters: int = 10_000_000
    seconds: float = 60.0
    memory: int = 1_500_000_000
    articles: int = 100_000
    total_characters: int = 500_000_000
    total_seconds: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Document:
    """One article as a format states it.

    Attributes:
        text, title, outlet, author, published, url, metadata: as in `Article`.
        part: what the article path has after the file's path: `#17`, `/monday.txt`, "".
        pages, notes: as in `Article`.
    """

    text: str
    title: str = ""
    outlet: str = ""
    author: str = ""
    published: str = ""
    url: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    pages: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a file that cannot be an article; `part` as in `Document`."""

    reason: str
    fix: str
    part: str = ""


class UnusableError(Exception):
    """A file, or the rest of it, cannot be read; becomes a `Refused`."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def too_large(what: str, fix: str = "Split it, or raise the limit") -> UnusableError:
    """Return the error for something over a limit.

    Args:
        what: the amount and the limit: "7 files inside, at most 5 are read".
        fix: what to do about it, in the imperative.
    """
    return UnusableError(f"is too large: {what}", fix)


# -- words ----------------------------------------------------------------------------------------------


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode bytes; return the text without its byte order mark, and notes on the encoding.

    Raises:
        UnusableError: the encoding is unknown, the file is binary, or there is no text.
    """
    found = text_of(data)
    if found is None and b"\0" in data:
        raise UnusableError(f"is a binary file: NUL at byte offset {data.index(0)}", "Save the article as plain text")
    if found is None:
        raise UnusableError("is in an encoding that cannot be told", "Save it as UTF-8")
    text, encoding = found
    if not text.strip():
        raise UnusableError("is empty" if not text else "holds only white space", "Add the text, or remove the file")
    control = _CONTROL.findall(text)
    if len(control) > MAX_CONTROL_SHARE * len(text):
        raise UnusableError(f"is a binary file: {len(control)} control characters", "Save the article as plain text")
    return text, told(encoding)


def told(encoding: str) -> tuple[str, ...]:
    """Return the note that an encoding was guessed, () for ""."""
    return (f"is read as {encoding}, as it is not UTF-8",) if encoding else ()


def tidy(text: str) -> str:
    r"""Return text from markup with stripped lines, `\n` line ends, single blank lines and no control characters."""
    text = without_controls(text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.strip() for line in text.replace("\u2028", "\n").replace("\u2029", "\n\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def without_controls(text: str) -> str:
    """Return `text` without control characters and others that XML forbids; a form feed becomes a line end."""
    return _NO_TEXT.sub("", text.replace("\x0c", "\n"))


def short_blanks(text: str) -> str:
    """Return `text` with each run of white space cut to about `MAX_BLANKS`; line and paragraph breaks are kept."""
    return _BLANKS.sub(lambda run: run[0][:MAX_BLANKS] + "\n" * min(2, run[0].count("\n", MAX_BLANKS)), text)


def as_seen(found: Document) -> Document:
    """Return a document with its text as people see it: without invisible characters and long runs of white space.

    Invisible characters may split a word or a figure, hide words, or display "21" as "12".
    """
    unseen = [one.start() for one in _UNSEEN.finditer(found.text)]
    pages = tuple(start - bisect_left(unseen, start) for start in found.pages)
    return replace(found, text=short_blanks(_UNSEEN.sub("", found.text)), pages=pages)


def visible(text: str) -> str:
    """Return `text` without invisible characters, which may also reorder the page around it."""
    return _INVISIBLE.sub("", text)


def escaped(name: str) -> str:
    """Return a name with unprintable and invisible characters escaped; a name that this changes is refused."""
    shown = "".join(repr(c)[1:-1] if unicodedata.category(c) in UNUSABLE_IN_LINES else c for c in name)
    return _LONE_JOINER.sub(_escape, _INVISIBLE.sub(_escape, shown))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("ascii", "backslashreplace").decode()


def one_line(value: object) -> str:
    """Return `value` as one printable line, "" if it is not a text, a number or a list of these."""
    if isinstance(value, list):
        return one_line(", ".join(filter(None, map(one_line, value))))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[: 4 * MAX_LINE]
    text = "".join(" " if unicodedata.category(c) in UNUSABLE_IN_LINES else c for c in text)
    return " ".join(visible(text).split())[:MAX_LINE]


def is_web_address(source: Path | str) -> TypeGuard[str]:
    """Return whether a source of articles is a web address and not a path."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def web_address(value: object) -> str:
    """Return `value`, without angle brackets, if it is an http(s) address, else ""."""
    text = one_line(value).strip("<>")
    return text if opens_a_page(text) and " " not in text else ""


def opens_a_page(url: str) -> bool:
    """Whether `url` is an http(s) address with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def extra(pairs: Mapping[str, object]) -> dict[str, str]:
    """Return the first `MAX_EXTRA` pairs that can be filters: short keys and values, each on one line."""
    kept: dict[str, str] = {}
    for key, value in pairs.items():
        name, text = one_line(key), one_line(value)
        if name and text and len(name) <= MAX_EXTRA_KEY and len(text) <= MAX_EXTRA_VALUE and len(kept) < MAX_EXTRA:
            kept[name] = text
    return kept


# -- dates ----------------------------------------------------------------------------------------------

_MONTHS = {
    name: number
    for number, names in enumerate(
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september|"
        "oct october|nov november|dec december".split("|"),
        1,
    )
    for name in names.split()
}
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_YEAR_FIRST_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_COUNTED = re.compile(r"\d{4}-(?:\d{3}|(W)\d\d-\d)(?![\d-])")  # ISO 8601: day of the year, or of a week
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T\d|\d{4}$|\d{6}$|$)")
_YEAR_LAST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)(?!\.?\d)")
_GAP = r"(?:\s+|-|/)"
_MONTH_FIRST = re.compile(
    rf"\b([a-z]{{3,9}})\.?{_GAP}(\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+|-|/)(\d{{4}})\b", re.IGNORECASE
)
_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)?\.?{_GAP}(?:of\s+)?([a-z]{{3,9}})\.?(?:,?\s+|-|/)(\d{{4}}\b|\d\d\b(?!:))",
    re.IGNORECASE,
)
_YEAR_NAMED = re.compile(rf"\b(\d{{4}}){_GAP}([a-z]{{3,9}})\.?{_GAP}(\d{{1,2}})\b", re.IGNORECASE)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?$")
_NET_DATE = re.compile(r"/Date\((\d{10,13})(?:[+-]\d{4})?\)/")


def day_of(value: str) -> str:
    """Return the day of a date field as YYYY-MM-DD, in the field's own time zone; "" if it is unclear.

    Reads `2022/06/16`, `2022-06-16T10:00:00Z`, `Thu, 16 Jun 2022 10:00:00 +0200`, `June 16, 2022`, `16.06.2022`,
    `16.06.22`, `2022-167`, and seconds or milliseconds since 1970. `06/07/2022` is ambiguous (June or July), so the
    result is "".
    """
    text = value.strip()
    if found := _NET_DATE.fullmatch(text):
        text = found[1]
    if found := _YEAR_FIRST.match(text):
        return _day(found[1], found[3], found[4])
    if found := _COMPACT.match(text) or _YEAR_FIRST_CJK.match(text):
        return _day(*found.groups())
    if found := _YEAR_LAST.match(text):
        return _year_last(int(found[1]), int(found[3]), found[4], dotted=found[2] == ".")
    if found := _COUNTED.match(text):
        try:
            day = datetime.strptime(found[0], "%G-W%V-%u" if found[1] else "%Y-%j").date().isoformat()
        except ValueError:
            return ""
        return day if found[1] or day[:4] == text[:4] else ""  # a year may have no day 366
    if _EPOCH.match(text):
        seconds = float(text) / (1000 if len(text.partition(".")[0]) == 13 else 1)
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    parsed = parsedate_tz(text)
    return (_day(*parsed[:3]) if parsed else "") or _named_day(text)


def _named_day(text: str) -> str:
    """Return the only day that a text names with a month in letters, "" for none or several."""
    days = [_day(found[3], _MONTHS.get(found[1].lower(), 0), found[2]) for found in _MONTH_FIRST.finditer(text)]
    days += [_day(_full(found[3]), _MONTHS.get(found[2].lower(), 0), found[1]) for found in _DAY_FIRST.finditer(text)]
    days += [_day(found[1], _MONTHS.get(found[2].lower(), 0), found[3]) for found in _YEAR_NAMED.finditer(text)]
    named = set(filter(None, days))
    return named.pop() if len(named) == 1 else ""


def _full(year: str) -> str:
    """Return a year of two digits with its century, as in RFC 2822."""
    return year if len(year) == 4 else f"{19 if year > '69' else 20}{year}"


def _year_last(first: int, second: int, year: str, *, dotted: bool) -> str:
    """Dots mean that the day comes first; slashes may be American or British, so one number must be over 12.

    With a year of two digits "16/06/24" may also begin with the year.
    """
    if dotted:
        return _day(_full(year), second, first)
    if len(year) == 2:
        return ""
    if first > 12 or first == second:
        return _day(year, second, first)
    return _day(year, first, second) if second > 12 else ""


def _day(year: str | int, month: str | int, day: str | int) -> str:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return ""
    return found.isoformat() if found.year >= FIRST_YEAR else ""


# -- zip members ----------------------------------------------------------------------------------------


_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> bytes:
    """Return the decompressed content of one member of a zip.

    Args:
        archive: the open zip.
        info: the member.
        limits: what one file may need.

    Raises:
        UnusableError: it is encrypted, compressed by an unusual method, broken, or over `limits.bytes` or `MAX_RATIO`.
    """
    if info.flag_bits & 0x1:
        raise UnusableError("is encrypted", "Remove the password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnusableError(f"is compressed by method {info.compress_type}", "Pack it with plain zip")
    cap = min(limits.bytes, max(MIN_RATIO_BYTES, MAX_RATIO * info.compress_size))
    try:
        with archive.open(info) as stream:
            data = stream.read(cap + 1)
    except _BROKEN_ZIP as error:
        raise UnusableError(f"is a broken zip file: {one_line(str(error))}", "Save it again") from error
    if len(data) > cap:
        raise too_large(f"{info.compress_size:,} bytes inflate to more than {cap:,}", "Remove it, or unpack it")
    return data


def open_zip(data: bytes) -> zipfile.ZipFile:
    """Open zip bytes. Raises: UnusableError."""
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN_ZIP as error:
        raise UnusableError(f"is a broken zip file: {one_line(str(error))}", "Save it again") from error
