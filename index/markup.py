"""HTML, feeds, Word and EPUB bytes -> documents; the only importer of lxml and trafilatura.

Knows which tags state a title or a date, and where a paragraph ends. Never downloads anything and resolves no
entities. A date counts only if the page states it as its publication. trafilatura's own search for dates in the text,
the address and the calendar is not used.
"""

from __future__ import annotations

import codecs
import html
import html.entities
import json
import logging
import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import trafilatura
from lxml import etree
from lxml import html as lxml_html

from citewire.index.documents import (
    Document,
    Limits,
    UnusableError,
    day_of,
    member,
    one_line,
    open_zip,
    tidy,
    told,
    too_large,
    web_address,
    without_controls,
)
from citewire.index.encodings import stated_in, text_of
from citewire.index.headlines import useful
from citewire.index.visible import BLOCK, LEAST_CONTRAST, contrast, keep_visible

MAX_HTML = 20_000_000  # bytes; trafilatura reads no more, and the longest news pages have 2 MB
MAX_DEPTH = 250  # nested elements; libxml2 stops XML at 256, and news pages stay under 60
NO_TEXT = "holds no text of an article"

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its failures become refusals with a reason
logging.getLogger("htmldate").setLevel(logging.CRITICAL)

_BLOCKS = frozenset(
    "address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol option p pre search section "
    "select summary table tbody tfoot thead tr ul".split()
)
_WORD_HIDDEN = frozenset("del moveFrom Fallback rPr pPr instrText delText rt".split())
_CELLS = frozenset({"td", "th"})
_RUN = re.compile(" {2,}")
_SPACES = re.compile(r"[ \t\n\r\f]+")
_PROLOG = re.compile(rb"(?s).*?<[A-Za-z]")
_TIMES = "//time[@pubdate or @itemprop='datePublished']/@datetime | //*[@itemprop='datePublished']/@content"
_STATED_DATES = (  # names of <meta> tags, the most reliable first
    "article:published_time og:article:published_time og:published_time datepublished article:published "
    "parsely-pub-date sailthru.date citation_publication_date dc.date.issued dcterms.issued dc.date dcterms.date "
    "date publishdate publish-date publish_date pubdate publication_date article.published bt:pubdate "
    "article_date_original originalpublicationdate cxenseparse:recs:publishtime"
).split()


# -- HTML -----------------------------------------------------------------------------------------------


def read_html(data: bytes, url: str = "") -> Document:
    """Return the main text of a page, and what it states about itself.

    Args:
        data: the page, in any encoding.
        url: where it came from, "" if unknown.

    Raises:
        UnusableError: it has more than `MAX_HTML` bytes, or no main text.
    """
    if len(data) > MAX_HTML:
        raise too_large(f"{len(data):,} bytes of HTML, at most {MAX_HTML:,} are read", "Save only the article")
    markup, notes = _decoded(data)
    tree = _tree(markup)
    if tree is None:
        raise UnusableError(NO_TEXT, "Save the page again, or as plain text")
    said, stated = trafilatura.extract_metadata(tree, url or None, _NO_DATES), _stated(tree)
    facts = Document(
        text="",
        title=one_line(html.unescape(said.title or "")),
        outlet=_outlet(said.sitename or "", tree, stated),
        author=one_line(said.author or ""),
        published=_published(tree, stated),
        url=web_address(url or said.url or ""),
        notes=notes,
    )
    keep_visible(tree)
    blocks = _text(tree).split("\n")
    found = trafilatura.bare_extraction(tree, url=url or None, include_comments=False, with_metadata=False)
    text = tidy(found.text or "") if found is not None and not isinstance(found, dict) else ""
    text = tidy("\n".join(_in_blocks(text.split("\n"), blocks)))
    if not text:
        raise UnusableError(NO_TEXT, "Save the page again once it shows its text, or as plain text")
    return replace(facts, text=text)


_NO_DATES = {"original_date": True, "extensive_search": False, "max_date": "1600-01-01"}
_ROW = re.compile(r"\|(.*)\|")
_RULE = re.compile(r"[-:|\s]*")


def _in_blocks(lines: Iterable[str], blocks: Sequence[str]) -> Iterator[str]:
    """Yield the main text of a page, one block at a time.

    Args:
        lines: the main text from trafilatura, which writes tables as Markdown, and several blocks of a short
            page as one line.
        blocks: all blocks of the page, in order.
    """
    keys = ["".join(block.split()) for block in blocks]
    shown = dict(zip(keys, blocks, strict=True))
    plain = [_cells(line) for line in lines if not ((row := _ROW.fullmatch(line)) and _RULE.fullmatch(row[1]))]
    squeezed = ["".join(line.removeprefix("- ").split()) for line in plain]
    at = 0
    while at < len(plain):
        key, end = squeezed[at], at + 1
        while key not in shown and end < len(plain) and any(one.startswith(key) for one in keys):
            key, end = key + squeezed[end], end + 1  # trafilatura splits a block at a small number in it
        if key in shown:
            yield shown[key]
            at = end
        else:
            yield from [blocks[number] for number in _run(squeezed[at], keys)] or [plain[at]]
            at += 1


def _cells(line: str) -> str:
    """Return the cells of a Markdown table row as words; other lines unchanged."""
    row = _ROW.fullmatch(line)
    return " ".join(row[1].replace("|", " ").split()) if row else line


def _run(key: str, keys: Sequence[str]) -> list[int]:
    """Return ascending indexes of `keys` that together spell `key`, [] if there are none."""
    tried: set[tuple[int, int]] = set()  # states that lead nowhere: (characters matched, index of the last key)
    found: list[tuple[int, int, Iterator[int]]] = [(0, -1, _next(key, keys, 0, -1))]
    while found:
        done, last, following = found[-1]
        number = next(following, None)
        if number is None:
            tried.add((done, last))
            found.pop()
            continue
        end = done + len(keys[number])
        if end == len(key):
            return [*(one for _, one, _ in found[1:]), number]
        if (end, number) not in tried:
            found.append((end, number, _next(key, keys, end, number)))
    return []


def _next(key: str, keys: Sequence[str], done: int, last: int) -> Iterator[int]:
    return (n for n in range(last + 1, len(keys)) if keys[n] and key.startswith(keys[n], done))


def _check_depth(tree: Any) -> None:
    depth = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise too_large(f"elements nested deeper than {MAX_DEPTH}", "Save the article as plain text")


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return a page as text, without undecodable characters, and a note if its encoding was guessed."""
    found = text_of(data, stated_in(data))
    if found is None:
        return data.decode("utf-8", "ignore"), (
            "holds characters of an encoding that cannot be told; they are left out",
        )
    return found[0], told(found[1])


def _stated(tree: Any) -> list[Mapping[str, Any]]:
    """Return all objects of the page's JSON-LD, outermost first; invalid JSON has none."""
    objects: list[Mapping[str, Any]] = []
    for script in tree.xpath("//script[@type='application/ld+json']"):
        try:
            waiting = [json.loads(script.text or "null", strict=False)]
        except (ValueError, RecursionError):
            continue
        while waiting and len(objects) < 1_000:
            value = waiting.pop(0)
            if isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, dict):
                objects.append(value)
                waiting.extend(v for v in value.values() if isinstance(v, list | dict))
    return objects


def _published(tree: Any, stated: Iterable[Mapping[str, Any]]) -> str:
    """Return the day of publication from JSON-LD, a <meta> or a <time>, else ""."""
    articles = (o for o in stated if re.search(r"Article|Posting|Report|Review", str(o.get("@type"))))
    candidates = [one_line(o.get("datePublished")) for o in articles]
    metas: dict[str, str] = {}
    for tag in tree.iterfind(".//meta[@content]"):
        name = tag.get("property") or tag.get("name") or tag.get("itemprop") or ""
        metas.setdefault(name.lower(), tag.get("content"))
    candidates += [metas[name] for name in _STATED_DATES if name in metas]
    candidates += [str(value) for value in tree.xpath(_TIMES)]
    days = [day for day in map(day_of, candidates) if day]
    if days:
        return days[0]
    shown = tree.xpath("//article//time[@datetime][not(contains(@class, 'updat') or contains(@class, 'modif'))]")
    only = {day_of(time.get("datetime")) for time in shown}  # several days are those of teasers or comments
    return only.pop() if len(only) == 1 else ""


def _outlet(name: str, tree: Any, stated: Iterable[Mapping[str, Any]]) -> str:
    """Return `name`, or "" if it is only the page's host: trafilatura uses it if the page states no outlet."""
    contents = set(tree.xpath("//meta/@content"))
    publishers = [o["publisher"] for o in stated if isinstance(o.get("publisher"), dict)]
    named = {one_line(p.get("name")) for p in publishers}
    if "." in name and not any(name.lower() == str(c).strip().lstrip("@").lower() for c in contents | named):
        return ""
    return one_line(html.unescape(name))


def text_of_html(markup: str) -> str:
    """Return all visible text of a piece of HTML, one block on each line; for feeds and mails, which have no menus."""
    tree = _tree(markup)
    if tree is None:
        return ""
    keep_visible(tree)
    return _text(tree)


def _tree(markup: str) -> Any:
    """Return the tree of any HTML, None if it is empty. Raises: UnusableError if it is nested too deeply."""
    parser = lxml_html.HTMLParser(no_network=True, encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = lxml_html.document_fromstring(without_controls(markup).encode("utf-8"), parser=parser)
    except etree.XMLSyntaxError as error:
        _raise_if_exhausted(error)
        return None
    except (etree.ParserError, ValueError):  # an empty document
        return None
    _check_depth(tree)
    if "&#" in markup:
        _clean(tree)
    _write_out(tree)
    return tree


def _clean(tree: Any) -> None:
    """Remove the control characters that references such as "&#1;" leave in a tree; lxml raises when one is moved."""
    for one in tree.iter():
        for name in ("text", "tail"):
            text = getattr(one, name)
            if text and (cleaned := without_controls(text)) != text:
                setattr(one, name, cleaned)
        for name, value in one.attrib.items():
            if (cleaned := without_controls(value)) != value:
                one.attrib[name] = cleaned


def _write_out(tree: Any) -> None:
    """Put into the text of a tree, in place, what browsers draw: small digits and the quotation marks of `q`."""
    for quoted in tree.iter("{*}q"):
        inner = sum(_name(above) == "q" for above in quoted.iterancestors()) % 2
        opening, closing = "‘’" if inner else "“”"
        quoted.text = opening + (quoted.text or "")
        if len(quoted):
            quoted[-1].tail = (quoted[-1].tail or "") + closing
        else:
            quoted.text += closing
    etree.strip_tags(tree, "{*}q")  # trafilatura makes blocks of them
    for small in list(tree.iter("{*}sup", "{*}sub")):
        kind = "superscript" if _name(small) == "sup" else "subscript"
        if _SMALL.fullmatch("".join(small.itertext()).strip()):
            for one in small.iter():
                one.text = _raised(one.text or "", kind)


def _raised(text: str, kind: str) -> str:
    """Return a number in small digits, so that a note after a figure does not become a part of it: "4%¹"."""
    return text.translate(_DIGITS[kind]) if kind in _DIGITS and _SMALL.fullmatch(text.strip()) else text


_SMALL = re.compile(r"[0-9]{1,3}")
_DIGITS = {
    "superscript": str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "subscript": str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"),
}


def _text(root: Any) -> str:
    """Return the text of a tree: single blanks, separate blocks, `br` as line end, the cells of a row on one line."""
    pieces: list[str] = []
    typed = 0  # number of open elements with preformatted white space
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = _name(element)
        typed += (name in ("pre", "textarea")) * (1 if event == "start" else -1)
        if name in _CELLS or _is_whole_cell(element):
            pieces.append(" ")
        elif name == "br":
            pieces.append("\n" if event == "start" else "")
        elif name in _BLOCKS or element.get(BLOCK) or _is_source(element):
            pieces.append("\n\n")
        elif _APART.search(element.get("class") or ""):
            pieces.append(_OPENED if event == "start" else _CLOSED)
        words = element.text if event == "start" else element.tail if element is not root else ""
        if words:
            pieces.append(words if typed else _SPACES.sub(" ", words))
    pieces = _set_apart(pieces, _OPENED, _CLOSED, -1)
    pieces = _set_apart(pieces[::-1], _CLOSED, _OPENED, 0)[::-1]
    return tidy(_RUN.sub(" ", "".join(piece for piece in pieces if piece not in (_OPENED, _CLOSED))))


def _set_apart(pieces: Iterable[str], first: str, last: str, side: int) -> list[str]:
    """Return pieces with block ends instead of the marks around elements that begin a line.

    Args:
        pieces: pieces of a text, forwards or backwards.
        first: the mark before such an element.
        last: the mark after it.
        side: the end of a piece that touches the next one: -1, or 0 if backwards.
    """
    found: list[str] = []
    apart: list[bool] = []
    begins = True
    for piece in pieces:
        if piece == first:
            apart.append(begins)
        found.append("\n\n" if (begins and piece == first) or (piece == last and apart.pop()) else piece)
        if found[-1] not in (first, last) and (words := found[-1].strip(" ")):
            begins = words[side] == "\n"
    return found


def _is_source(element: Any) -> bool:
    """Whether an inline element at the end of a quotation names its speaker."""
    ends = _name(element) == "cite" and element.getnext() is None and not (element.tail or "").strip()
    return ends and any(_name(above) == "blockquote" for above in element.iterancestors())


# Classes of elements that, at the start or end of a line, are not part of its sentence: caption, credit, speaker.
_APART = re.compile(r"caption|cutline|attribution|pull-?quote|(?<![a-z])credits?(?![a-z]|[-_]card)", re.IGNORECASE)
_OPENED, _CLOSED = "\0", "\0\0"  # marks around them; no text of a tree has NUL


def _is_whole_cell(element: Any) -> bool:
    """Whether an element is the whole content of a table cell, so that it does not end the line of the row."""
    cell = element.getparent()
    if cell is None or _name(cell) not in _CELLS or len(cell) > 1:
        return False
    return not (cell.text or "").strip() and not (element.tail or "").strip()


def _name(element: Any) -> str:
    """Return the tag without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


# -- XML ------------------------------------------------------------------------------------------------


def parse_xml(data: bytes) -> Any:
    """Return the root of XML that declares no entities. Raises: UnusableError."""
    bare = data.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n\t ")
    data = bare if bare[:1] == b"<" and bare[1:2] != b"\0" else data
    prolog = _PROLOG.match(data.replace(b"\0", b""))  # without NUL bytes, UTF-16 reads as ASCII
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    if prolog and b"<!ENTITY" in prolog[0]:
        raise UnusableError("declares XML entities, which can grow without bound", "Save it without a DTD")
    try:
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            if error.code not in (_WRONG_ENCODING | _WRONG_ENTITY) or (found := text_of(data)) is None:
                raise
            text = _DECLARED.sub("", found[0])
            text = _with_entities(text) if error.code in _WRONG_ENTITY else text
            root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        _raise_if_exhausted(error)
        raise UnusableError(f"is not well-formed XML: {one_line(error.msg)}", "Correct it, or save it again") from error
    except ValueError as error:
        raise UnusableError(f"is not XML: {error}", "Save it again") from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(dtd.iterentities()):
        raise UnusableError("declares XML entities, which can grow without bound", "Save it without a DTD")
    return root


_WRONG_ENCODING = frozenset(
    getattr(etree.ErrorTypes, f"ERR_{name}")
    for name in ("INVALID_ENCODING", "INVALID_CHAR", "UNKNOWN_ENCODING", "UNSUPPORTED_ENCODING")
)
_WRONG_ENTITY = frozenset(
    getattr(etree.ErrorTypes, f"ERR_{name}")
    for name in ("UNDECLARED_ENTITY", "ENTITYREF_NO_NAME", "ENTITYREF_SEMICOL_MISSING", "NAME_REQUIRED")
)
_AMPERSAND = re.compile(r"&(?!(?:#[0-9]+|#x[0-9A-Fa-f]+|amp|lt|gt|quot|apos);)(?:([A-Za-z0-9]{1,32});)?")
_DECLARED = re.compile(r"\A\s*<\?xml[^>]*\?>")


def _with_entities(text: str) -> str:
    """Return XML with HTML entities replaced by their characters, and single ampersands escaped."""
    first, *others = text.split("<![CDATA[")
    pieces = [_AMPERSAND.sub(_named, first)]
    for other in others:
        inside, end, after = other.partition("]]>")
        pieces.append(f"<![CDATA[{inside}{end}{_AMPERSAND.sub(_named, after)}")
    return "".join(pieces)


def _named(found: re.Match[str]) -> str:
    return html.entities.html5.get(f"{found[1]};", f"&amp;{found[0][1:]}")


def _raise_if_exhausted(error: Any) -> None:
    if error.code == etree.ErrorTypes.ERR_NO_MEMORY:  # libxml2 reports it as a syntax error
        raise MemoryError


def _child_text(element: Any, *names: str) -> str:
    """Return the text of the first child with one of `names`, in their order."""
    for name in names:
        for child in element:
            if _name(child) == name and (text := "".join(child.itertext()).strip()):
                return text
    return ""


# -- feeds ----------------------------------------------------------------------------------------------


def read_feed(data: bytes) -> Iterator[tuple[Document, str]]:
    """Yield (document, id) of every entry of RSS 0.9x, 1.0, 2.0 or Atom; an entry without text has text "".

    Raises:
        UnusableError: it is not well-formed XML, or not a feed.
    """
    root = parse_xml(data)
    if _name(root) not in ("rss", "feed", "RDF"):
        raise UnusableError(f"is XML but no RSS or Atom feed: its root is <{_name(root)}>", "Name an RSS or Atom file")
    channel = next((child for child in root if _name(child) == "channel"), root)
    outlet = one_line(_plain(_child_text(channel, "title")))
    sites = [*_links(channel), *_links(channel, "self")]  # the feed's own address if it has no page
    site = next(filter(None, map(web_address, sites)), "")
    for entry in root.iter("{*}item", "{*}entry"):
        document = _entry(entry, outlet, site)
        key = _child_text(entry, "guid", "id")
        tail = posixpath.basename(urlsplit(document.url).path.rstrip("/")) if document.url else ""
        yield document, tail if "/" in key or not key else key


def _entry(entry: Any, outlet: str, site: str) -> Document:
    named = ("encoded", "content", "body", "description", "summary")
    text = next(filter(None, (_content(entry, name) for name in named)), "")
    authors = [_child_text(child, "name") or _person(child.text or "") for child in entry if _name(child) in _AUTHORS]
    guid = _child_text(entry, "guid") if all(c.get("isPermaLink") != "false" for c in entry) else ""
    raw = _child_text(entry, "published", "pubDate", "pubdate", "issued", "date", "created")
    published = day_of(raw)
    base = _base(entry, site)
    links = (_joined_address(base, link) for link in _links(entry))
    return Document(
        text=text,
        title=one_line(_plain(_child_text(entry, "title"))),
        outlet=outlet,
        author=one_line(", ".join(dict.fromkeys(filter(None, map(one_line, authors))))),
        published=published,
        url=next(filter(None, map(web_address, [*links, guid])), ""),
        metadata={"published_raw": one_line(raw)} if raw and not published else {},
    )


_AUTHORS = ("author", "creator")


def _person(text: str) -> str:
    """Return the name in RSS's form of an author, "ann@d.example (Ann Lee)"."""
    name, address = parseaddr(text) if "@" in text else (text, "")
    return name or address


_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"


def _links(element: Any, relation: str = "alternate") -> list[str]:
    """Return the addresses of the page that belongs to a channel or an entry, in Atom's or RSS's form."""
    links = [child for child in element if _name(child) == "link"]
    atom = [link.get("href") for link in links if link.get("rel", "alternate") == relation and link.get("href")]
    return [*atom, *("".join(link.itertext()).strip() for link in links if not link.get("href"))]


def _base(entry: Any, site: str) -> str:
    """Return the base address for the relative addresses of an entry."""
    base = site
    for element in (*reversed(list(entry.iterancestors())), entry):
        base = _joined_address(base, element.get(_XML_BASE) or "")
    return base


def _joined_address(base: str, address: str) -> str:
    try:
        return urljoin(base, address.strip())
    except ValueError:  # brackets that are not IPv6
        return ""


def _content(entry: Any, name: str) -> str:
    """Return the text of an entry's element: escaped HTML, child elements, or plain text."""
    for child in entry:
        kind = child.get("type") or "text"
        other = child.get("mode") == "base64" or ("/" in kind and not _WORDS.match(kind))
        other |= name == "content" and "search.yahoo.com/mrss" in str(child.tag)  # media:content
        if _name(child) == name and not other:
            if len(child):
                _write_out(child)
                keep_visible(child)
                found = _text(child)
            else:
                text = child.text or ""
                found = tidy(text) if child.get("type") in ("text", "text/plain") else _plain(text)
            if found:
                return found
    return ""


_WORDS = re.compile(r"text/|[^;]*(?:xml|html)", re.IGNORECASE)  # RFC 4287, 4.1.3.3: anything else is base64
MAX_ESCAPES = 3  # HTML in XML may be escaped this many times more
_ELEMENT = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")
_ESCAPED = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d+|#x[0-9A-Fa-f]+|[a-z]{3,8});")


def _plain(markup: str) -> str:
    """Return the text of HTML that a feed escaped once or more."""
    forms = [markup]
    for _ in range(MAX_ESCAPES):
        forms.append(html.unescape(forms[-1]))
    found = text_of_html(next(filter(_ELEMENT.search, forms), markup))
    return tidy(html.unescape(found)) if _ESCAPED.search(found) else found


# -- Word and EPUB --------------------------------------------------------------------------------------


def read_docx(data: bytes, limits: Limits) -> Document:
    """Return the text of a Word file with all changes accepted, notes at its end, without headers.

    Args:
        data: the bytes of the file.
        limits: each part of it may inflate to `limits.bytes`.

    Raises:
        UnusableError: it is not a Word file, or has no text.
    """
    with open_zip(data) as archive:
        names = set(archive.namelist())
        if "word/document.xml" not in names:
            raise UnusableError("is not a Word document: it has no word/document.xml", "Save it again as .docx")
        body = parse_xml(_part(archive, "word/document.xml", limits))
        others = [
            parse_xml(_part(archive, name, limits)) if name in names else None
            for name in ("word/styles.xml", "docProps/core.xml", "word/footnotes.xml", "word/endnotes.xml")
        ]
    styles, core, *notes = others  # the dates in `core` are the file's, not the publication's
    text = tidy("\n\n".join(_word_text(one, styles) for one in (body, *_referred(body, notes))))
    if not text:
        raise UnusableError(NO_TEXT, "Add the text, or remove the file")
    title, author = ("", "") if core is None else (_child_text(core, "title"), _child_text(core, "creator"))
    return Document(text=text, title=useful(one_line(title)), author=one_line(author))


def _referred(body: Any, notes: Iterable[Any]) -> Iterator[Any]:
    """Yield the parts with footnotes and endnotes, without the notes that no visible place in the body refers to."""
    for part in notes:
        if part is None:
            continue
        places = body.iter("{*}footnoteReference", "{*}endnoteReference")
        shown = [one for one in places if not any(_name(above) in _WORD_HIDDEN for above in one.iterancestors())]
        kind = _name(part).removesuffix("s")
        named = {_attribute(one, "id") for one in shown if _name(one).startswith(kind)}
        for note in list(part):
            if _attribute(note, "id") not in named:
                part.remove(note)
        yield part


def _part(archive: zipfile.ZipFile, name: str, limits: Limits) -> bytes:
    """Read a part of a package; errors name it. Raises: UnusableError."""
    try:
        return member(archive, archive.getinfo(name), limits)
    except KeyError as error:
        raise UnusableError(f"lacks the part {one_line(name)}", "Save it again") from error
    except UnusableError as error:
        raise UnusableError(f"{error.reason} (its part {one_line(name)})", error.fix) from error


def _word_text(body: Any, styles: Any) -> str:
    """Return the visible text of a Word file's body: text boxes after the paragraph of their anchor, rows as lines."""
    _hang_out_boxes(body)
    hidden = _Hidden(styles)
    rows = {row for row in body.iter("{*}tr") if _is_simple(row)}
    pieces: list[str] = []
    open_line = False  # whether the next paragraph continues the line of the last one
    walk = etree.iterwalk(body, events=("start", "end"))
    for event, element in walk:
        name = _name(element)
        if event == "start" and (name in _WORD_HIDDEN or (name == "tr" and _is_gone(element))):
            walk.skip_subtree()
        elif name == "p" and (cell := element.getparent()) is not None and cell.getparent() in rows:
            pieces.append(" ")
        elif name == "p":
            ends = event == "end"
            pieces.append("" if (ends and _goes_on(element)) or (not ends and open_line) else "\n\n")
            open_line = ends and _goes_on(element)
        elif name == "tr":
            pieces.append("\n\n")
        elif event == "start" and name == "r" and hidden(element):
            walk.skip_subtree()
        elif event == "start" and name == "t":
            pieces.append(_raised(element.text or "", _alignment(element.getparent())))
        elif event == "start" and name in _WORD_MARKS:
            pieces.append(_WORD_MARKS[name])
        elif event == "start" and name == "sym":
            pieces.append(_symbol(_attribute(element, "char"), _attribute(element, "font")))
    return tidy(_RUN.sub(" ", "".join(pieces)))


def _alignment(run: Any) -> str:
    """Return the vertical alignment of a run: "superscript", "subscript" or ""."""
    found = None if run is None else run.find("{*}rPr/{*}vertAlign")
    return "" if found is None else _attribute(found, "val")


def _symbol(code: str, font: str) -> str:
    """Return the character that Word stores as a number in a font, "" for a font of pictures."""
    number = int(code, 16) if re.fullmatch("[0-9A-Fa-f]{1,5}", code) else 0
    if font == "Symbol" or 0xF000 <= number < 0xF100:
        return _SYMBOLS.get(number & 0xFF, "") if font == "Symbol" else ""
    return chr(number)


_SYMBOLS = dict(zip(bytes.fromhex("616264656c6d706471a0a3b0b1b3b4b7b8bab9bb"), "αβδελμπδθ€≤°±≥×•÷≡≠≈", strict=True))
_WORD_MARKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
_WORD_OFF = frozenset({"0", "false", "off", "none"})
_BOXED = "citewire-boxed"  # attribute of text that was in a text box
_SMALLEST_SIZE = 2.0  # half points


def _hang_out_boxes(body: Any) -> None:
    """Move the paragraphs of each text box after the paragraph of its anchor, so that they do not split it."""
    last: dict[Any, Any] = {}
    for box in list(body.iter("{*}txbxContent")):
        above = [(_name(one), one) for one in box.iterancestors()]
        hosts = [one for name, one in above if name == "p"]
        if not hosts or any(name == "Fallback" for name, _ in above):
            continue
        for child in list(box):
            child.set(_BOXED, "1")
            last.get(hosts[-1], hosts[-1]).addnext(child)
            last[hosts[-1]] = child


def _is_simple(row: Any) -> bool:
    """Whether each cell of a row has at most one paragraph; otherwise the table is probably a layout, not data."""
    cells = [cell for cell in row if _name(cell) == "tc"]
    return all(sum(1 for _ in cell.iter("{*}p")) <= 1 for cell in cells)


def _goes_on(paragraph: Any) -> bool:
    """Whether the end of a paragraph is deleted, so that the next one continues its line."""
    mark = paragraph.find("{*}pPr/{*}rPr")
    return mark is not None and any(_name(one) == "del" for one in mark)


def _is_gone(row: Any) -> bool:
    """Whether a row is deleted or hidden by a property that is on (ECMA-376, ST_OnOff)."""
    found = [row.find(f"{{*}}trPr/{{*}}{name}") for name in ("del", "hidden")]
    return any(one is not None and _attribute(one, "val") not in _WORD_OFF for one in found)


def _attribute(element: Any, name: str) -> str:
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


class _Hidden:
    """Tests whether a run of a Word file is hidden: by itself, by its style or by the style of its paragraph."""

    def __init__(self, styles: Any) -> None:
        found = [] if styles is None else list(styles.iter("{*}style"))
        self._styles = {_attribute(style, "styleId"): style for style in found}
        self._usual = [style for style in found if _attribute(style, "default") == "1"]

    def __call__(self, run: Any) -> bool:
        if self._value(run, "vanish", _WORD_OFF) is not None or self._is_dot(run):
            return True
        colour, behind = _painted(self._property(run, "color"), "val", "theme"), self._behind(run)
        if not (_HEX.fullmatch(colour) and _HEX.fullmatch(behind)):
            return False
        return contrast(_colour_of(colour), _colour_of(behind)) < LEAST_CONTRAST

    def _is_dot(self, run: Any) -> bool:
        """Whether letters are half a point high, or scaled to almost no width."""
        sizes = [self._value(run, name, frozenset()) for name in ("sz", "w")]
        return any(bool(_COUNT.fullmatch(size)) and float(size) <= _SMALLEST_SIZE for size in sizes if size)

    def _value(self, run: Any, name: str, off: frozenset[str]) -> str | None:
        """Return the value of a run's property, None if it is missing or turned off."""
        found = self._property(run, name)
        value = None if found is None else _attribute(found, "val")
        return None if value in off else value

    def _property(self, run: Any, name: str) -> Any:
        properties = (holder.find(f"{{*}}rPr/{{*}}{name}") for holder in self._holders(run))
        return next((found for found in properties if found is not None), None)

    def _holders(self, run: Any) -> Iterator[Any]:
        """Yield the elements that state the properties of a run, the strongest first."""
        yield run
        paragraph = next(run.iterancestors("{*}p"), None)
        styles = [run.find("{*}rPr/{*}rStyle")]
        styles.append(None if paragraph is None else paragraph.find("{*}pPr/{*}pStyle"))
        for style in styles:
            named = "" if style is None else _attribute(style, "val")
            for _ in range(len(self._styles)):  # a style may be based on itself
                if named not in self._styles:
                    break
                yield self._styles[named]
                based = self._styles[named].find("{*}basedOn")
                named = "" if based is None else _attribute(based, "val")
        yield from (style for style in self._usual if _attribute(style, "type") == "paragraph")

    def _behind(self, run: Any) -> str:
        """Return the colour behind a run, of its highlight or shading; "" if unknown, white if none is stated."""
        if marked := self._value(run, "highlight", frozenset({"none"})):
            return _HIGHLIGHTS.get(marked.lower(), "")
        for holder in (*self._holders(run), *run.iterancestors()):
            for properties in ("rPr", "pPr", "tcPr", "tblPr"):
                shade = holder.find(f"{{*}}{properties}/{{*}}shd")
                if (fill := _painted(shade, "fill", "themeFill")) not in ("", "auto"):
                    return fill
            # A shape, a dark page or a styled table.
            if holder.get(_BOXED) or holder.find("{*}background") is not None:
                return ""
            if holder.find("{*}tblPr/{*}tblStyle") is not None:
                return ""
        return "FFFFFF"


def _painted(element: Any, value: str, theme: str) -> str:
    """Return the colour that an element states; Word prefers the theme's colour; "" without an element."""
    if element is None:
        return ""
    named = _attribute(element, f"{theme}Color" if theme == "theme" else theme)
    if named not in _THEME:
        return _attribute(element, value)
    light = _THEME[named]
    if share := _BYTE.fullmatch(_attribute(element, f"{theme}Shade")):  # ECMA-376, 17.3.2.6: darker
        light = light * int(share[0], 16) // 255
    if share := _BYTE.fullmatch(_attribute(element, f"{theme}Tint")):  # lighter
        light = 255 - (255 - light) * int(share[0], 16) // 255
    return f"{light:02X}" * 3


_THEME = {"background1": 255, "light1": 255, "text1": 0, "dark1": 0}  # grey values in Word's default themes
_BYTE = re.compile("[0-9A-Fa-f]{1,2}")
_HEX = re.compile("[0-9A-Fa-f]{6}")
_COUNT = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5})?")


def _colour_of(code: str) -> tuple[float, float, float, float]:
    red, green, blue = bytes.fromhex(code)
    return (red / 255, green / 255, blue / 255, 1.0)


_HIGHLIGHTS = {  # ECMA-376, 17.18.40
    "black": "000000", "blue": "0000FF", "cyan": "00FFFF", "green": "00FF00", "magenta": "FF00FF", "red": "FF0000",
    "yellow": "FFFF00", "white": "FFFFFF", "darkblue": "000080", "darkcyan": "008080", "darkgreen": "008000",
    "darkmagenta": "800080", "darkred": "800000", "darkyellow": "808000", "darkgray": "808080", "lightgray": "C0C0C0",
}  # fmt: skip


def read_epub(data: bytes, limits: Limits) -> Document:
    """Return the text of a book in reading order.

    Args:
        data: the bytes of the .epub file.
        limits: each part of it may inflate to `limits.bytes`.

    Raises:
        UnusableError: it is no book, is encrypted, or holds no text.
    """
    with open_zip(data) as archive:
        if "META-INF/encryption.xml" in archive.namelist() and "META-INF/rights.xml" in archive.namelist():
            raise UnusableError("is encrypted", "Remove the copy protection")
        container = parse_xml(_part(archive, "META-INF/container.xml", limits))
        path = next((e.get("full-path") or "" for e in container.iter("{*}rootfile")), "")
        package = parse_xml(_part(archive, path, limits))
        chapters = []
        total = 0
        for name in _spine(package, posixpath.dirname(path)):
            chapters.append(_chapter(archive, name, limits))
            total += len(chapters[-1])
            if total > limits.characters:
                raise too_large(f"more than {limits.characters:,} characters", "Split it")
    text = tidy("\n\n".join(chapters))
    if not text:
        raise UnusableError(NO_TEXT, "Save it as text; a book of pictures has none")
    return _book(package, text)


def _spine(package: Any, base: str) -> list[str]:
    """Return the names of the chapters in reading order, each once: a spine of repetitions is a bomb."""
    items = {e.get("id"): e for e in package.iter("{*}item")}
    found = [items[e.get("idref")] for e in package.iter("{*}itemref") if e.get("idref") in items]
    pages = [e for e in found if "nav" not in (e.get("properties") or "").split()]
    names = [posixpath.normpath(posixpath.join(base, unquote(e.get("href") or ""))) for e in pages]
    return list(dict.fromkeys(names))


def _chapter(archive: zipfile.ZipFile, name: str, limits: Limits) -> str:
    data = _part(archive, name, limits)
    try:
        tree = parse_xml(data)
    except UnusableError:  # many books are not quite valid XML: named entities, open tags
        tree = _tree(data.decode("utf-8", "replace"))
    if tree is None:
        return ""
    _write_out(tree)
    keep_visible(tree, [_sheet(archive, file, limits) for file in _sheets(tree, name)])
    return _text(tree)


def _sheets(tree: Any, chapter: str) -> list[str]:
    """Return the names of the style sheets that a chapter links to."""
    links = [e for e in tree.iter("{*}link") if "stylesheet" in (e.get("rel") or "").lower()]
    base = posixpath.dirname(chapter)
    return [posixpath.normpath(posixpath.join(base, unquote(e.get("href") or ""))) for e in links]


def _sheet(archive: zipfile.ZipFile, name: str, limits: Limits) -> str:
    try:
        return _part(archive, name, limits).decode("utf-8", "replace")
    except UnusableError:  # a book without its style sheet can be read
        return ""


def _book(package: Any, text: str) -> Document:
    metadata = next((e for e in package if _name(e) == "metadata"), package)
    authors = [one_line("".join(e.itertext())) for e in metadata if _name(e) == "creator"]
    dates = [e for e in metadata if _name(e) == "date"]
    event = "{http://www.idpf.org/2007/opf}event"
    raw = [e.text or "" for e in dates if e.get(event, "publication") == "publication"]
    return Document(
        text=text,
        title=one_line(_child_text(metadata, "title")),
        outlet=one_line(_child_text(metadata, "publisher")),
        author=one_line(", ".join(filter(None, authors))),
        published=next(filter(None, map(day_of, raw)), ""),
        url=web_address(_child_text(metadata, "source")),
    )
