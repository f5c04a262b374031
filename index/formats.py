"""Bytes of a known format -> documents: one function per format, and a check of the content against the file name.

Knows suffixes, magic numbers, records and mails; markup.py and pdf.py read markup and PDF. Does not know
folders or `metadata.json`. Everything here runs in the child process of sandbox.py.

    name         gives
    .txt         the text below its header; in all formats, longer runs of white space are cut to `MAX_BLANKS`
    .md          the text of the rendered page, below its header
    .html .htm   the main text of a news page
    .pdf         the text of all pages
    .docx .epub  the text in reading order
    .eml         the mail's body; attachments are named in the metadata
    .jsonl .csv  one article for each record, `wire.jsonl#17`; also a list in .json
    .rss .atom .xml   one article for each entry
    .zip         all of these, `week.zip/monday.txt`; a zip in a zip is refused
"""

from __future__ import annotations

import codecs
import csv
import email
import email.policy
import html
import io
import json
import posixpath
import re
import stat
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from email.message import EmailMessage
from email.utils import parseaddr
from types import MappingProxyType

from citewire.index.documents import (
    Document,
    Limits,
    Refused,
    UnusableError,
    as_seen,
    day_of,
    decode,
    escaped,
    extra,
    member,
    one_line,
    open_zip,
    tidy,
    told,
    too_large,
    web_address,
)
from citewire.index.encodings import text_of

FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(  # citewire's name -> usual column names, the preferred first
    {
        "text": ("text", "body", "content", "article", "maintext"),
        "title": ("title", "headline"),
        "outlet": ("outlet", "source", "publisher", "publication", "source.name", "site", "newspaper"),
        "author": ("author", "byline", "by", "authors", "creator", "written_by"),
        "published": (
            *("published", "date", "pub_date", "published_at", "publishedat", "date_publish", "publish_date"),
            *("published_on", "date_published", "publication_date"),
        ),
        "url": ("url", "link", "source_url"),
        "id": ("id", "uid", "guid"),
    }
)
METADATA_NAME = "metadata.json"  # metadata of the articles beside it, not an article
MAX_MEMBERS = 100_000  # most files in a zip
MAX_INFLATED = 10  # all members of a zip may inflate to this many times `Limits.bytes`
MAX_ROW_REFUSALS = 20  # records refused by name; further ones are only counted
MAX_CELL = 10_000_000  # most characters of a .csv cell; the csv module's default is 131,072

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FRONT_MATTER = re.compile(  # YAML, or TOML between +++
    r"\A\s*(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
_NAMED_LINE = re.compile(  # Date: 3 May 2024, **Date**: 3 May 2024, **Date:** 3 May 2024
    r"[ \t]*[*_]*(?P<name>[A-Za-z]+(?:[ _-][A-Za-z]+){0,2})[*_]*[ \t]*:(?!//)[*_]*[ \t]*"
    r"(?P<value>[^\r\n]*)(?:\r\n?|\n|\Z)"
)
_EMPTY_LINE = re.compile(r"[ \t]*(?:[\r\n]|\Z)")
_SURE = {"title": one_line, "published": day_of, "url": web_address, "outlet": web_address}  # makes the lines a header
_FIELD_OF = {column: name for name, columns in FIELDS.items() for column in columns}
_HTML_START = re.compile(  # possessive, so it never backtracks: a comment ends at the first -->
    rb"\s*+(?:<\?xml[^>]*+>\s*+)?+(?:<!--(?>.*?-->)\s*+)*+<(?:!doctype\s++html|html)\b", re.DOTALL | re.IGNORECASE
)
_HTML_PIECE = re.compile(rb"\s*<(?:p|div|article|section|main|h[1-6])[\s>]", re.IGNORECASE)
_BLOCK = re.compile(
    r"</(?:p|div|h[1-6]|li|[uo]l|t[dhr]|table|blockquote|section|article|main|body|figure|d[dt])>|<(?:p|br)\b[^<>]*>",
    re.IGNORECASE,
)
_IN_LINE = re.compile(  # an end tag, a start tag with an attribute, an element without text, a comment
    r"</[a-z][a-z0-9-]*\s*>|<[a-z][a-z0-9-]*\s[^<>=]*+=[^<>]*+>|<(?:img|wbr|hr)\b[^<>]*>|<[a-z]+\s+hidden>"
    r"|<!--(?:(?!<!--|-->)[\s\S])*+-->",
    re.IGNORECASE,
)
MAX_ESCAPES = 3  # HTML in a field may be escaped this many times
_HEADING = re.compile(r"<h1>.*?</h1>", re.DOTALL)
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#[0-9]{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entered:
    """Member `number` of a zip is read next; a failure from here on is reported for `part`, its name."""

    number: int
    part: str


@dataclass(frozen=True, slots=True)
class Request:
    """A file to read.

    Attributes:
        format: a value of `FORMATS`.
        shown: the file's name, for advice.
        url: the address of a page, "" for a file.
        fields: citewire's name -> column of .jsonl, .json and .csv; these columns come before those of `FIELDS`.
        limits: limits of time, memory and text.
        first: number of the first member of a zip to read; earlier members are done.
        charset: encoding that the server states for a page; "" for a file.
    """

    format: str
    shown: str
    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    first: int = 0
    charset: str = ""


def read(data: bytes, request: Request) -> Iterator[Document | Refused | Entered]:
    """Yield all of a file: documents, and what is refused and why.

    Args:
        data: the bytes of the file.
        request: its format, and what is to be read of it.

    Returns:
        Documents without boilerplate of their first lines, `Refused` parts (`part` is "" if the whole file is
        refused), and `Entered` before each member of a zip.
    """
    from citewire.index.headlines import with_head

    for found in _read(data, request):
        yield with_head(as_seen(found)) if isinstance(found, Document) else found


def _read(data: bytes, request: Request) -> Iterator[Document | Refused | Entered]:
    try:
        data = _utf8(data, request)
        check_content(data, request.format)
        if request.format == ".zip":
            yield from _read_zip(data, request)
        elif request.format in _RECORDS:
            yield from _numbered(_RECORDS[request.format](data, request), request.limits)
        else:
            yield _fitting(_ARTICLES[request.format](data, request), request.limits)
    except UnusableError as error:
        yield Refused(error.reason, error.fix)


def _utf8(data: bytes, request: Request) -> bytes:
    """Return text in an encoding that a server states, as UTF-8."""
    if request.charset in ("", "utf-8", "utf8", "us-ascii") or request.format not in (".html", ".txt", ".md"):
        return data
    found = text_of(data, request.charset)
    return found[0].encode("utf-8", "replace") if found else data


def _fitting(document: Document, limits: Limits) -> Document:
    if len(document.text) > limits.characters:
        raise too_large(f"{len(document.text):,} characters of text, at most {limits.characters:,}", "Split it")
    return document


# -- the real format of a file -------------------------------------------------------------------------

_MAGIC = (
    (b"%PDF-", ".pdf", "a PDF"),
    (b"PK\x03\x04", ".zip", "a zip file"),
    (b"PK\x05\x06", ".zip", "an empty zip file"),
    (b"\xd0\xcf\x11\xe0", "", "an old or an encrypted Office file"),
    (b"{\\rtf", "", "an RTF file"),
    (b"\x1f\x8b", "", "a gzip file"),
    (b"\x89PNG", "", "a PNG picture"),
    (b"\xff\xd8\xff", "", "a JPEG picture"),
    (b"GIF8", "", "a GIF picture"),
)
_ZIPPED = (".zip", ".docx", ".epub")


def check_content(data: bytes, kind: str) -> None:
    """Check that a file does not begin as another format than its name says.

    Args:
        data: the bytes of the file.
        kind: a value of `FORMATS`.

    Raises:
        UnusableError: it does; the fix is to rename it or to save it anew.
    """
    found = next(((is_, name) for magic, is_, name in _MAGIC if data.startswith(magic)), None)
    wanted = ".zip" if kind in _ZIPPED else kind
    if found is None and kind == ".pdf" and b"%PDF-" in data[:1024]:  # some tools write lines before the header
        return
    if found is None and wanted in (".pdf", ".zip"):
        start = repr(data[:16])[1:]
        raise UnusableError(f"is no {kind} file: it begins with {start}", "Save it again, or correct its name")
    if found is not None and found[0] != wanted and not (kind == ".txt" and found[1].endswith("picture")):
        end = f"Rename it to {found[0]}" if found[0] else "Save it in the format of its name"
        raise UnusableError(f"is {found[1]} named {kind}", end)
    if (kind in (".txt", ".md") and _HTML_START.match(data[:4096])) or (kind == ".txt" and _HTML_PIECE.match(data)):
        raise UnusableError(f"is an HTML page named {kind}", "Rename it to .html")


# -- text, with markup or without ----------------------------------------------------------------------


def _read_text(data: bytes, _request: Request) -> Document:
    text, notes = decode(data)
    return replace(_headed(text), notes=notes)


def _headed(text: str) -> Document:
    """Return the fields in the front matter or the header lines of a text, and the text below them."""
    if found := _FRONT_MATTER.match(text):
        stated, body = _front_matter(*found.groups()), found.end()
    else:
        stated, body = _header_lines(text)
    if not stated:
        return Document(text)
    if not text[body:].strip():
        raise UnusableError("holds no text", "Add the text, or remove the file")
    document = _of_fields(text[body:].lstrip("\r\n"), stated, {})
    if document.published:
        return document
    from citewire.index.dates import published_date

    return replace(document, published=published_date(text[:body]))  # such as "Updated: ..."


def _front_matter(mark: str, text: str) -> Mapping[str, object]:
    """Return the fields of YAML or TOML; if it is invalid, such as `title: One: two`, those of its lines."""
    import yaml

    try:
        # BaseLoader makes only strings, lists and dicts.
        stated = tomllib.loads(text) if mark == "+++" else yaml.load(text, yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, tomllib.TOMLDecodeError):
        lines = map(_NAMED_LINE.match, text.splitlines())
        stated = {found["name"]: found["value"].strip("\"'") for found in lines if found}
    if not isinstance(stated, dict):
        return {}
    return _flat({str(key).lower(): str(value) if isinstance(value, date) else value for key, value in stated.items()})


def _header_lines(text: str) -> tuple[dict[str, object], int]:
    """Return the `Name: value` lines at the top of a text, and the offset of the text below; ({}, 0) if there are none.

    They are an unbroken block with a title, a day or a web address. It ends with an empty line, else with its
    last name of `FIELDS`. A sentence after any other name, as in "Markets: Shares fell.", belongs to the text.
    """
    stated: dict[str, object] = {}
    inside: dict[str, object] = {}  # also the names that count only if the block continues
    sure, body = False, 0
    at = len(text) - len(text.lstrip())
    while found := _NAMED_LINE.match(text, at):
        name, value = re.sub("[ -]", "_", found["name"].lower()), found["value"].strip()
        kind = _FIELD_OF.get(name, "")
        if kind == "text" or (not kind and value.endswith((".", "!", "?"))):
            body = found.start("value") if kind else body
            break
        sure |= kind in _SURE and bool(_SURE[kind](value))
        at = found.end()
        inside.setdefault(name, value)
        if kind or _EMPTY_LINE.match(text, at):
            stated, body = dict(inside), at
    return (stated, body) if sure and text[body:].strip() else ({}, 0)


def _read_markdown(data: bytes, _request: Request) -> Document:
    """Return the text of the rendered page."""
    from markdown_it import MarkdownIt

    from citewire.index.headlines import bylines_apart
    from citewire.index.markup import text_of_html

    text, notes = decode(data)
    document = _headed(text)
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(bylines_apart(document.text))
    plain = text_of_html(page)
    if not plain:
        raise UnusableError("holds no text", "Add the text, or remove the file")
    heading = _HEADING.match(page)
    title = document.title or (one_line(text_of_html(heading[0])) if heading else "")
    return replace(document, text=plain, title=title, notes=notes)


def _read_mail(data: bytes, _request: Request) -> Document:
    """Return a mail's body as mail programs show it; the outlet stays "", because a sender is an author."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and (found := text_of(data)):
        data = found[0].encode("utf-8", "replace")
    data = data.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n\t ")
    message = email.message_from_bytes(data, policy=email.policy.default)
    try:
        sender, subject, raw = (_header(message, name) for name in ("from", "subject", "date"))
        text, notes = _mail_text(message)
        named = ((part.get_filename(), part) for part in message.iter_attachments())
        attached = [one_line(name or part.get_content_type()) for name, part in named if name or not _is_shown(part)]
    except _BROKEN_MAIL as error:
        raise UnusableError(f"is a broken mail: {one_line(str(error))}", "Save the mail again as .eml") from error
    if not (sender or subject or raw):
        raise UnusableError("is not a mail: it has no From, Subject or Date", "Save the mail again as .eml")
    if not text:
        raise UnusableError("holds no text in its body", "Save its attachments as files of their own")
    name, address = parseaddr(sender)
    published = day_of(raw)
    facts = {"attachments": ", ".join(attached), "published_raw": "" if published else raw}
    return Document(
        text=text,
        title=one_line(subject),
        author=one_line(name or address),
        published=published,
        metadata=extra(facts),
        notes=notes,
    )


_BROKEN_MAIL = (
    LookupError,
    ValueError,
    AttributeError,
    TypeError,
    RecursionError,
)  # errors of the email package for malformed mails


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message[name] or "")
    except _BROKEN_MAIL:
        return next((str(value) for key, value in message.raw_items() if key.lower() == name), "")


def _mail_text(message: EmailMessage) -> tuple[str, tuple[str, ...]]:
    """Return the text that a mail program shows of a part, and notes on its encoding.

    RFC 2046, 5.1.3 and 5.1.4: all parts of a mixed mail in order; of alternatives the last one that can be shown.
    """
    if message.is_multipart():
        inside = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
        if message.get_content_subtype() == "alternative":
            return next((found for part in reversed(inside) if (found := _mail_text(part))[0]), ("", ()))
        shown = [one for part in inside if not part.is_attachment() and (one := _mail_text(part))[0]]
        notes = dict.fromkeys(note for _, noted in shown for note in noted)
        return "\n\n".join(text for text, _ in shown), tuple(notes)
    if not _is_shown(message):
        return "", ()
    payload = message.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = message.get_content_charset("")
    text, encoding = text_of(data, charset) or text_of(data.replace(b"\0", b""), charset) or ("", "")
    if message.get_content_subtype() == "html":
        from citewire.index.markup import text_of_html

        return text_of_html(text), told(encoding)
    if message.get_param("format") == "flowed":
        text = _unflowed(text, joined="" if message.get_param("delsp") == "yes" else " ")
    return tidy(text), told(encoding)


def _is_shown(part: EmailMessage) -> bool:
    """Whether a part of a mail is text in its body, not an attachment."""
    kinds = ("text/plain", "text/html")
    return part.get_content_type() in kinds and not part.is_attachment() and not part.get_filename()


def _unflowed(text: str, joined: str) -> str:
    """Return text with joined lines: a line that ends in a blank continues (RFC 3676); "-- " starts a signature."""
    lines: list[str] = []
    goes_on = False
    for line in text.splitlines():
        plain = line.removeprefix(" ") if not line.startswith(">") else line  # removes RFC 3676's space-stuffing
        if goes_on and not plain.startswith(">"):
            lines[-1] += joined + plain.rstrip(" ")
        else:
            lines.append(plain.rstrip(" "))
        goes_on = line.endswith(" ") and line != "-- " and not line.startswith(">")
    return "\n".join(lines)


# -- records --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    """One record: its number, its own name, and its document or the reason why there is none."""

    number: int
    key: str
    content: Document | UnusableError


def _numbered(records: Iterable[_Record], limits: Limits) -> Iterator[Document | Refused]:
    """Name each record `#id` if the id is valid and new, else `#number`; count refusals after the first ones."""
    used: set[str] = set()
    total = refused = 0
    for record in records:
        total += 1
        wanted = [record.key] if _ID.fullmatch(record.key) else []
        number = str(record.number)
        name = next(name for name in (*wanted, number, f"row-{number}", f"row-{number}-{total}") if name not in used)
        used.add(name)
        content = record.content
        if isinstance(content, Document) and len(content.text) > limits.characters:
            content = too_large(f"{len(content.text):,} characters of text, at most {limits.characters:,}", "Split it")
        if isinstance(content, Document):
            yield replace(content, part=f"#{name}")
            continue
        refused += 1
        if refused <= MAX_ROW_REFUSALS:
            yield Refused(content.reason, content.fix, f"#{number}")
    if refused > MAX_ROW_REFUSALS:
        yield Refused(f"{refused - MAX_ROW_REFUSALS:,} more records cannot be used either", "Correct them likewise")
    if not total:
        raise UnusableError("holds no records", "Add articles, or remove the file")


def _read_feed(data: bytes, _request: Request) -> Iterator[_Record]:
    from citewire.index.markup import read_feed

    for number, (document, key) in enumerate(read_feed(data), 1):
        problem = UnusableError("is an entry without text", "Index the page that it links to")
        yield _Record(number, key, document if document.text else problem)


def _read_jsonl(data: bytes, request: Request) -> Iterator[_Record]:
    data, notes = _as_utf8(data)
    for number, line in enumerate(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield _Record(number, "", UnusableError(f"is not valid JSON: {error}", "Write one JSON object a line"))
            continue
        if not isinstance(value, dict):
            yield _Record(number, "", UnusableError("is not a JSON object", "Write one JSON object a line"))
            continue
        yield _record(number, _flat(value), request.fields, notes)


def _read_json(data: bytes, request: Request) -> Iterator[_Record]:
    """Read one object, a list of objects, or the longest list in an object, which news APIs return."""
    text, notes = _as_utf8(data)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith(b"{") and getattr(error, "msg", "") == "Extra data":
            yield from _read_jsonl(data, request)  # one object a line
            return
        raise UnusableError(f"is not valid JSON: {error}", "Save it again as .json") from error
    if isinstance(value, dict):
        lists = [
            some for some in value.values() if isinstance(some, list) and any(isinstance(one, dict) for one in some)
        ]
        own = _column("text", {name.lower(): name for name in value}, value, request.fields)
        value = [value] if own or not lists else max(lists, key=len)
    if not isinstance(value, list):
        raise UnusableError("is no JSON object and no list of them", "Write a list of objects, each with its text")
    for number, one in enumerate(value, 1):
        if isinstance(one, dict):
            yield _record(number, _flat(one), request.fields, notes)
        else:
            yield _Record(number, "", UnusableError("is not a JSON object", "Write an object with its text"))


def _flat(value: Mapping[str, object]) -> dict[str, object]:
    """Return an object with the fields of its inner objects as `source.name`."""
    flat = dict(value)
    for key, inner in value.items():
        if isinstance(inner, dict):
            flat.update({f"{key}.{name}": part for name, part in inner.items()})
    return flat


def _read_csv(data: bytes, request: Request) -> Iterator[_Record]:
    """Read the records below a header line; the header is row 1, as in a spreadsheet."""
    text, notes = decode(data)
    csv.field_size_limit(MAX_CELL)
    header = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t|", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(rows)]
        missing = [column for column in request.fields.values() if column.lower() not in map(str.lower, names)]
        if missing:
            raise UnusableError(f"has no column {missing[0]!r}; it has {', '.join(names)}", "Correct the field mapping")
        for number, row in enumerate(rows, 2):
            if len(row) > len(names):
                problem = UnusableError(
                    f"has {len(row)} cells for {len(names)} columns", "Quote cells that hold commas"
                )
                yield _Record(number, "", problem)
            elif any(cell.strip() for cell in row):
                yield _record(number, dict(zip(names, row, strict=False)), request.fields, notes)
    except csv.Error as error:
        raise UnusableError(f"is broken .csv near line {rows.line_num}: {error}", "Save it again as .csv") from error


def _as_utf8(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return lines as UTF-8; the invalid lines of a mostly valid file stay unchanged, to be refused one by one."""
    try:
        data.decode("utf-8")
        if b"\0" not in data[:1_000]:
            return data, ()
    except UnicodeDecodeError:
        pass
    text, notes = decode(data)
    return text.encode("utf-8", "replace"), notes


def _record(
    number: int, values: Mapping[str, object], fields: Mapping[str, str], notes: tuple[str, ...] = ()
) -> _Record:
    columns = {name.lower(): name for name in values}
    text_at = _column("text", columns, values, fields)
    text = values.get(text_at)
    key = one_line(values.get(_column("id", columns, values, fields)))
    if not isinstance(text, str) or not (text := tidy(_unmarked(text))):
        have = one_line(", ".join(list(values)[:12]))
        wanted = fields.get("text") or text_at or "text"
        problem = UnusableError(f"has no text in {wanted!r}; it has {have}", "Name its column by the field mapping")
        return _Record(number, key, problem)
    return _Record(number, key, replace(_of_fields(text, values, fields), notes=notes))


def _unmarked(text: str) -> str:
    """Return a text without markup: collections of articles often store HTML, sometimes escaped."""
    markup = text
    for _ in range(1 + MAX_ESCAPES):
        blocks = _BLOCK.search(markup)
        if blocks or _IN_LINE.search(markup):
            from citewire.index.markup import text_of_html

            return text_of_html(markup if blocks else f"<pre>{markup}</pre>")  # <pre> keeps the lines of the text
        markup = _unescaped(markup)
    return _unescaped(text)


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def _of_fields(text: str, values: Mapping[str, object], fields: Mapping[str, str]) -> Document:
    """Return a document from columns of `values`; unused columns become metadata."""
    columns = {name.lower(): name for name in values}
    at = {name: _column(name, columns, values, fields) for name in FIELDS}
    taken = {name: one_line(values.get(column)) for name, column in at.items() if name != "text"}
    published = day_of(taken["published"])
    source = web_address(taken["outlet"])  # an address such as "source: https://..." is no outlet
    url = web_address(taken["url"]) or source
    used = set(at.values()) | {column for column in values if "." in column and column.partition(".")[0] in values}
    rest: dict[str, object] = {name: value for name, value in values.items() if name not in used}
    if taken["published"] and not published:
        rest = {"published_raw": taken["published"], **rest}
    return Document(
        text=text,
        title=one_line(_unmarked(taken["title"])),
        outlet="" if source else one_line(_unmarked(taken["outlet"])),
        author=one_line(_unmarked(taken["author"])),
        published=published,
        url=url,
        metadata=extra(rest),
    )


def _column(name: str, columns: Mapping[str, str], values: Mapping[str, object], fields: Mapping[str, str]) -> str:
    """Return the column for `name`: the mapped one, else the first usual column with a value."""
    if name in fields:
        return columns.get(fields[name].lower(), "")
    usual = [columns[column] for column in FIELDS[name] if column in columns]
    return next((column for column in usual if one_line(values[column])), "")


# -- zip ------------------------------------------------------------------------------------------------


def _read_zip(data: bytes, request: Request) -> Iterator[Document | Refused | Entered]:
    with open_zip(data) as archive:
        infos = [info for info in archive.infolist() if info.filename and not info.filename.endswith("/")]
        if len(infos) > MAX_MEMBERS:
            raise too_large(f"{len(infos):,} files inside, at most {MAX_MEMBERS:,} are read", "Split it")
        readable = [info for info in infos if _concerns(info.filename)]
        if not readable:
            raise UnusableError("holds no file of a format that can be read", "Pack .txt, .html, .pdf, ... files")
        left = MAX_INFLATED * request.limits.bytes
        seen: set[str] = set()
        for number, info in enumerate(readable):
            if number < request.first:
                seen.add(info.filename)
                left -= min(info.file_size, request.limits.bytes)
                continue
            yield Entered(number, f"/{escaped(info.filename)}")
            if left <= 0:
                raise too_large(
                    f"its files inflate to more than {MAX_INFLATED * request.limits.bytes:,} bytes", "Split it"
                )
            try:
                _check_name(info, seen)
                content = member(archive, info, request.limits)
            except UnusableError as error:
                yield Refused(error.reason, error.fix, f"/{escaped(info.filename)}")
                continue
            seen.add(info.filename)
            left -= len(content)
            yield from _member_documents(content, info.filename, request)


def _concerns(name: str) -> bool:
    """Whether a file in a zip is an article, or a document that the report must name."""
    parts = name.replace("\\", "/").split("/")
    suffix = posixpath.splitext(parts[-1])[1].lower()
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts) or parts[0] == "__MACOSX"
    return not hidden and parts[-1] != METADATA_NAME and (suffix in FORMATS or suffix in UNREADABLE)


def _check_name(info: zipfile.ZipInfo, seen: set[str]) -> None:
    name = info.filename
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise UnusableError("has a name that leads out of the zip", "Pack it again with plain names")
    if escaped(name) != name:
        raise UnusableError("has a name that holds control characters or invisible ones", "Rename the file")
    if name in seen:
        raise UnusableError("stands twice in the zip", "Keep one of both")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnusableError("is a link", "Pack the file itself")


def _member_documents(content: bytes, name: str, request: Request) -> Iterator[Document | Refused]:
    suffix = posixpath.splitext(name)[1].lower()
    if suffix in UNREADABLE:
        yield Refused(f"is a {suffix} file, which cannot be read", UNREADABLE[suffix], f"/{name}")
        return
    if suffix == ".zip":
        yield Refused("is a zip inside a zip", "Unpack it", f"/{name}")
        return
    inner = replace(request, format=FORMATS[suffix], shown=posixpath.basename(name), first=0)
    for found in read(content, inner):
        if not isinstance(found, Entered):
            yield replace(found, part=f"/{name}{found.part}")


# -- all formats ----------------------------------------------------------------------------------------


def _read_pdf(data: bytes, request: Request) -> Document:  # each heavy reader is imported where it is needed
    from citewire.index.pdf import read_pdf

    return read_pdf(data, request.limits)


def _read_html(data: bytes, request: Request) -> Document:
    from citewire.index.markup import read_html

    return read_html(data, request.url)


def _read_docx(data: bytes, request: Request) -> Document:
    from citewire.index.markup import read_docx

    return read_docx(data, request.limits)


def _read_epub(data: bytes, request: Request) -> Document:
    from citewire.index.markup import read_epub

    return read_epub(data, request.limits)


# A new format is a function and its line in one of these tables.
_ARTICLES: Mapping[str, Callable[[bytes, Request], Document]] = MappingProxyType(  # one article a file
    {
        ".txt": _read_text,
        ".md": _read_markdown,
        ".html": _read_html,
        ".pdf": _read_pdf,
        ".docx": _read_docx,
        ".epub": _read_epub,
        ".eml": _read_mail,
    }
)
_RECORDS: Mapping[str, Callable[[bytes, Request], Iterable[_Record]]] = MappingProxyType(  # any number of articles
    {
        ".jsonl": _read_jsonl,
        ".json": _read_json,
        ".csv": _read_csv,
        ".xml": _read_feed,
    }
)
CONTAINERS = frozenset({*_RECORDS, ".zip"})  # formats with several articles a file
FORMATS: Mapping[str, str] = MappingProxyType(  # suffix -> format, the suffix in the tables above
    {suffix: suffix for suffix in (*_ARTICLES, *CONTAINERS)}
    | {".htm": ".html", ".markdown": ".md", ".ndjson": ".jsonl", ".rss": ".xml", ".atom": ".xml"}
)
UNREADABLE: Mapping[str, str] = MappingProxyType(  # suffix of a document that is no format of ours -> what to do
    dict.fromkeys((".doc", ".rtf", ".odt", ".pages", ".wpd", ".dot", ".docm"), "Save it as .docx or .txt")
    | dict.fromkeys((".mobi", ".azw", ".azw3", ".fb2"), "Convert it to .epub")
    | dict.fromkeys((".msg", ".mbox", ".pst"), "Save each mail as .eml")
    | dict.fromkeys((".xls", ".xlsx", ".ods", ".tsv", ".parquet"), "Save it as .csv")
    | dict.fromkeys((".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst"), "Unpack it, or pack it as .zip")
    | dict.fromkeys((".mht", ".mhtml", ".warc", ".xhtml"), "Save each page as .html")
    | dict.fromkeys((".djvu", ".ps", ".xps"), "Convert it to .pdf")
)
