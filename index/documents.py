"""What the readers of all formats share: the document, its limits, and how its words are cleaned.

Knows text, dates and bytes; knows no format, no file name and no index.
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
from urllib.parse import urlsplit

from citewire.index.encodings import text_of

# Share of control characters above which a file counts as binary; a text may hold a stray one from copy and paste.
MAX_CONTROL_SHARE = 0.01
MAX_LINE = 1_000  # characters of a title, an author, ...; the longest headlines of news have 300
MAX_EXTRA = 32  # metadata keys beyond title, outlet, ...
MAX_EXTRA_KEY, MAX_EXTRA_VALUE = 64, 500  # characters; a longer value is a text and no filter
MAX_RATIO = 200  # compression ratio allowed from MIN_RATIO_BYTES on; English XML has 5 to 30, DEFLATE at most 1,032
MIN_RATIO_BYTES = 1_000_000
FIRST_YEAR = 1600  # newspapers begin in 1605; years before are the null dates of data bases

UNUSABLE_IN_LINES = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, surrogate, line and paragraph separators
MAX_BLANKS = 200  # white space in a row; a table has dozens, and 40,000 would slow down what reads sentences
_BLANKS = re.compile(rf"(?<!\s)\s{{{MAX_BLANKS + 1},}}")
# Invisible characters that reorder or hide the text around them: bidirectional controls, zero-width spaces, word
# joiners, soft hyphens, tags. Zero-width joiners are not among them, as emoji and Persian need them; in a name, one
# behind an ASCII letter is, as it has no effect there.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_UNSEEN = re.compile(rf"(?!\u00ad[^\S\n]*+\n){_INVISIBLE.pattern}")  # a soft hyphen at a line's end parts a word
_LONE_JOINER = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may need.

    Attributes:
        bytes: of a file, and of anything inside of it once inflated.
        characters: of one article's text.
        seconds: wall clock until a parser gives its next article.
        memory: bytes of address space of a parser's process.
        articles: of one file, those refused included; what follows is refused.
        total_characters: of the texts of all articles of one file together; what follows is refused.
        total_seconds: wall clock that the parsers of one file may take together, for a zip of all its members.
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
        part: what follows the file's path: `#17`, `/monday.txt`, "".
        pages: as in `Article`.
        notes: what a reader of the report should know of how it was read, each a clause such as "is read as ...".
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
    """A file, or what is left of it, cannot be read; becomes a `Refused`."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def too_large(what: str, fix: str = "Split it, or raise the limit") -> UnusableError:
    """Return the error of anything over a limit; `what` names the amount and the limit."""
    return UnusableError(f"is too large: {what}", fix)


# -- words ----------------------------------------------------------------------------------------------


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text of bytes without a byte order mark, unchanged, and what there is to say about its encoding.

    Raises:
        UnusableError: an encoding that cannot be told, a binary file, or nothing to read.
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
    """Return the note of a document in a guessed encoding, () for ""."""
    return (f"is read as {encoding}, as it is not UTF-8",) if encoding else ()


def tidy(text: str) -> str:
    r"""Return text out of markup as plain text: `\n` between lines, at most one blank line, nothing invisible."""
    text = without_controls(text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.strip() for line in text.replace("\u2028", "\n").replace("\u2029", "\n\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def without_controls(text: str) -> str:
    """Return `text` without what neither a text nor a tree of XML can hold; a form feed ends a line."""
    return _NO_TEXT.sub("", text.replace("\x0c", "\n"))


def short_blanks(text: str) -> str:
    """Return `text` with each run of white space cut to about `MAX_BLANKS`; line and paragraph breaks stay."""
    return _BLANKS.sub(lambda run: run[0][:MAX_BLANKS] + "\n" * min(2, run[0].count("\n", MAX_BLANKS)), text)


def as_seen(found: Document) -> Document:
    """Return a document with its text as people see it: nothing invisible, and runs of white space as `short_blanks`.

    Invisible characters part a word or a figure, hide words, or show "12" where the text has "21".
    """
    unseen = [one.start() for one in _UNSEEN.finditer(found.text)]
    pages = tuple(start - bisect_left(unseen, start) for start in found.pages)
    return replace(found, text=short_blanks(_UNSEEN.sub("", found.text)), pages=pages)


def visible(text: str) -> str:
    """Return `text` without the characters that nobody sees, and that could reorder the page around it."""
    return _INVISIBLE.sub("", text)


def escaped(name: str) -> str:
    """Return a name with unprintable and invisible characters as escapes; a name that this changes is refused."""
    shown = "".join(repr(c)[1:-1] if unicodedata.category(c) in UNUSABLE_IN_LINES else c for c in name)
    return _LONE_JOINER.sub(_escape, _INVISIBLE.sub(_escape, shown))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("ascii", "backslashreplace").decode()


def one_line(value: object) -> str:
    """Return `value` as one printable line, "" for what is no text, number or list of them."""
    if isinstance(value, list):
        return one_line(", ".join(filter(None, map(one_line, value))))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[: 4 * MAX_LINE]
    text = "".join(" " if unicodedata.category(c) in UNUSABLE_IN_LINES else c for c in text)
    return " ".join(visible(text).split())[:MAX_LINE]


def web_address(value: object) -> str:
    """Return `value` where it is an http(s) address, also in angle brackets, else ""."""
    text = one_line(value).strip("<>")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc and " " not in text else ""


def extra(pairs: Mapping[str, object]) -> dict[str, str]:
    """Return the pairs that can be filters: short one-line keys and values, the first `MAX_EXTRA`."""
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
_WEEK = re.compile(r"\d{4}-W\d{2}-\d")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T\d|\d{4}$|\d{6}$|$)")
_YEAR_LAST = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?!\d)")
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
    """Return the day that a date field states as YYYY-MM-DD, in the field's own time zone; "" where it is unclear.

    `2022/06/16`, `2022-06-16T10:00:00Z`, `Thu, 16 Jun 2022 10:00:00 +0200`, `June 16, 2022`, `16.06.2022`, seconds
    or milliseconds since 1970. `06/07/2022` is June or July: "".
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
    if _WEEK.fullmatch(text):
        return date.fromisoformat(text).isoformat()
    if _EPOCH.match(text):
        seconds = float(text) / (1000 if len(text.partition(".")[0]) == 13 else 1)
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    parsed = parsedate_tz(text)
    return (_day(*parsed[:3]) if parsed else "") or _named_day(text)


def _named_day(text: str) -> str:
    """Return the only day that a text names with the month as a word, "" for none or several."""
    days = [_day(found[3], _MONTHS.get(found[1].lower(), 0), found[2]) for found in _MONTH_FIRST.finditer(text)]
    for found in _DAY_FIRST.finditer(text):
        year = found[3] if len(found[3]) == 4 else f"{19 if found[3] > '69' else 20}{found[3]}"  # as in RFC 2822
        days.append(_day(year, _MONTHS.get(found[2].lower(), 0), found[1]))
    days += [_day(found[1], _MONTHS.get(found[2].lower(), 0), found[3]) for found in _YEAR_NAMED.finditer(text)]
    named = set(filter(None, days))
    return named.pop() if len(named) == 1 else ""


def _year_last(first: int, second: int, year: str, *, dotted: bool) -> str:
    """Dots are day first everywhere; slashes are American or British, clear only where one is over 12."""
    if dotted or first > 12 or first == second:
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
    """Return what one member of a zip inflates to.

    Raises:
        UnusableError: encrypted, compressed in an unusual way, broken, or larger than `limits.bytes`.
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
