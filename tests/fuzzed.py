"""Hypothesis strategies of broken files of every format: mutated real files and invented markup.

    files(kind)        -> bytes of a file of that format, mostly broken
    check(data, kind)  -> number of articles read; raises AssertionError, or a reader's own error, for a bug

Mutations reach the content that is parsed: inside the zip of a .docx, and before a PDF's drawing is compressed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from urllib.parse import urlsplit

from documents import WORD, docx, drawn_pdf, epub, page, paragraph, pdf, shown, zipped
from hypothesis import strategies as st
from lxml import etree

from citewire.index.dates import is_day, mentions, published_date
from citewire.index.documents import Document, Limits, Refused
from citewire.index.duplicates import signature
from citewire.index.folding import folded
from citewire.index.formats import Entered, Request, read
from citewire.index.languages import language_of
from citewire.index.passages import embedded_text, passages, searched_text, title_words
from citewire.index.types import Article

LIMITS = Limits(bytes=5_000_000, characters=1_000_000, articles=500)
MAIL = (
    b"From: Ann Lee <ann@d.example>\r\nSubject: =?utf-8?q?Dam_breaks?=\r\nDate: Thu, 16 Jun 2022 10:00:00 +0000\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"The dam broke on Monday =E2=80=93 no one was hurt.\r\n"
    b"--b\r\nContent-Type: text/html; charset=windows-1252\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"PHA+VGhlIGRhbSBicm9rZSBvbiBNb25kYXkuPC9wPg==\r\n--b--\r\n"
)
RSS = (
    b'<?xml version="1.0" encoding="utf-8"?><rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
    b"<title>The Daily</title><link>https://d.example/</link><item><title>Dam</title><guid>1</guid><link>/dam</link>"
    b"<pubDate>Thu, 16 Jun 2022 10:00:00 GMT</pubDate><description>&lt;p&gt;It &amp;amp; rain.&lt;/p&gt;</description>"
    b"<content:encoded><![CDATA[<p>The dam broke.</p><p>No one was hurt.</p>]]></content:encoded>"
    b"</item></channel></rss>"
)
ATOM = (
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">The &lt;b&gt;Daily</title><entry><id>1</id>'
    b'<title>Dam</title><link href="dam"/><published>2022-06-16T10:00:00Z</published><author><name>Ann</name></author>'
    b'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One.</p><p>Two.</p></div></content>'
    b"</entry></feed>"
)
BODY = (
    paragraph("The dam above Low Valley ", "broke on Monday.")
    + '<w:p><w:pPr><w:pStyle w:val="a"/></w:pPr>'
    + '<w:r><w:rPr><w:vanish/><w:color w:val="FFFFFF"/></w:rPr><w:t>No</w:t></w:r>'
    + "<w:ins><w:r><w:t>added</w:t></w:r></w:ins><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    + f"<w:tbl><w:tr><w:tc>{paragraph('Cell 1')}</w:tc><w:tc>{paragraph('Cell 2')}</w:tc></w:tr></w:tbl>"
)
STYLES = (
    f'<w:styles xmlns:w="{WORD}"><w:style w:styleId="a">'
    '<w:basedOn w:val="b"/><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:styleId="b"><w:basedOn w:val="a"/></w:style></w:styles>'
)
DOCUMENT = f'<w:document xmlns:w="{WORD}"><w:body>{BODY}</w:body></w:document>'
CHAPTER = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><style>.n { display: none }</style></head>'
    '<body><h1>Dam</h1><p class="n">No</p><p>The dam broke on Monday.</p></body></html>'
)
DRAWN = (
    "".join(shown(f"Line {n} of the left column goes on", 72, 700 - 14 * n) for n in range(6))
    + "".join(shown(f"Line {n} of the right one is here", 320, 700 - 14 * n) for n in range(6))
    + shown("hidden", 72, 500, before="3 Tr")
    + shown("white", 72, 480, before="1 g")
    + "0 0 1 rg 60 440 200 30 re f "
    + shown("covered", 72, 450)
)
TEXT = (
    "Dam breaks\nBy Ann Lee\nJune 16, 2022\n\nThe dam broke at 9:35 a.m. EST on Monday. “Is it true?” asked Ms. Holm.\n"
    "It cost $3-5 billion, i.e. ₹4,50,000 or 1 200 000 inter-\nnational dollars.\n\n1. Open the door.\n2. Close it.\n"
)

# Tokens with a meaning in each format; a mutation may insert any of them anywhere.
TOKENS: Mapping[str, tuple[bytes, ...]] = {
    ".txt": (
        b"\n\n", b"\n", b". ", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe2\x80\x9c", b"June 31, 2022", b"last month",
        b"\x92", b"U.S. ", b"\xf0\x9f\x98\x80", b"99999999999999999999", b"the 1000000s", b"-\n",
    ),
    ".md": (
        b"---\n", b"# ", b"> ", b"| a | b |\n|---|---|\n", b"```", b"<div hidden>", b"[a](b)", b"![", b"* ", b"&#0;",
    ),
    ".html": (
        b"<p>", b"</p>", b"<div hidden>", b"</div>", b"<table><tr><td>", b"<style>p{display:none}</style>", b"<svg>",
        b"<math>", b"<template>", b"<!--", b"-->", b"<script type='application/ld+json'>{\"@graph\":[[",
        b"</script>", b"<meta property='article:published_time' content='2022-13-45'>", b"style='color:rgb(",
        b"font-size:1e999em", b"<frameset>", b"<br>", b"&#x110000;", b"<![CDATA[", b"<html>", b"<body>",
    ),
    ".pdf": (
        b" Tj ", b" ET ", b"BT ", b" Tm ", b" 0 Tr ", b"1e38 ", b"-1 0 0 1 0 0 cm ", b"q ", b"Q ", b" re f ",
        b"\xff", b"/F1 0 Tf ", b"(", b")", b"endobj", b"obj", b"R ", b"/Kids [2 0 R]", b"/Parent 4 0 R",
    ),
    ".docx": (
        b"<w:p>", b"</w:p>", b"<w:r>", b"</w:r>", b"<w:t>", b"</w:t>", b"<w:tbl>", b"<w:tr>", b"<w:vanish/>",
        b"<w:txbxContent>", b"<w:br/>", b"<w:sdt>", b"<mc:AlternateContent>", b"<w:fldChar w:fldCharType='begin'/>",
        b"<w:instrText>", b"&a;",
    ),
    ".epub": (
        b"<p>", b"</p>", b"<itemref idref='x'/>", b"<item id='' href='../../x'/>", b"href='%00'", b"<dc:date>",
        b"<link rel='stylesheet' href='/'/>", b"&nbsp;", b"<!DOCTYPE a [<!ENTITY a 'b'>]>",
    ),
    ".eml": (
        b"--b\r\n", b"--b--", b"\r\n\r\n", b"=?utf-8?b?", b"=?x?q?=FF?=", b"Content-Type: message/rfc822\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n", b"charset=utf-7", b"charset=unknown-8bit",
        b"charset=base64", b"charset=idna", b"Content-Transfer-Encoding: x-uuencode\r\n", b"From: <",
        b"Date: 99 Foo 10000000000\r\n", b'filename*0*="', b"Content-Disposition: attachment; filename=\xff\r\n",
    ),
    ".jsonl": (
        b"{", b"}", b"[", b"NaN", b"1e999", b'"\\ud800"', b'"text":', b"null", b"\n", b'"\\u0000"',
        b'"date": -1e300', b"9" * 5_000, b'"id": "..",', b'"source": {"name": {}},',
    ),
    ".json": (
        b"{", b"}", b"[", b"]", b'"articles": [', b'"data": {', b"NaN", b'"\\ud800"', b"null", b"\n", b'"text": 7,',
    ),
    ".csv": (b",", b";", b"\t", b'"', b"\n", b"\r", b"text", b"\x00", b'"""', b"date", b"|"),
    ".xml": (
        b"<item>", b"</item>", b"<![CDATA[", b"]]>", b"&lt;", b"&amp;amp;lt;", b"<entry>", b"xml:base='http://['",
        b"<link href='//['/>", b"<pubDate>1e9</pubDate>", b"<updated>9999-99-99</updated>",
        b"<!DOCTYPE a [<!ENTITY a 'b'>]>&a;", b"<content type='xhtml'>", b"encoding='utf-16'",
    ),
    ".zip": (
        b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"../", b".txt",
        b".zip",
    ),
}  # fmt: skip
KINDS = tuple(TOKENS)

_RECORDS = (
    b'{"id": "a", "title": "Dam", "text": "The dam broke.", "date": "2022-06-16", "source": {"name": "The Daily"}}\n'
    b'{"headline": "Rain", "body": "It rained.", "published_at": 1655373600, "url": "https://d.example/r"}\n'
)
_RESPONSE = (
    b'{"status": "ok", "totalResults": 2, "articles": [{"title": "Dam", "content": "The dam broke.", '
    b'"publishedAt": "2022-06-16T08:00:00Z", "source": {"id": null, "name": "The Daily"}}, '
    b'{"title": "Rain", "content": "It rained.", "author": ["A. Dee"], "url": "https://d.example/r"}]}'
)
_TABLE = (
    b'title,text,date,url\nDam,"The dam, it broke.",16 June 2022,https://d.example/d\nRain,It rained.,2022-06-17,\n'
)
_MARKDOWN = (
    b"---\ntitle: Dam\ndate: 2022-06-16\n---\n# Dam\n\n> It broke.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n"
)


def _changed(data: bytes, tokens: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Bytes with up to 12 edits: ranges deleted, doubled, or replaced by tokens, random bytes or text."""
    place = st.integers(0, len(data))
    new = (
        st.sampled_from(tokens)
        | st.binary(max_size=6)
        | st.text(max_size=4).map(lambda text: text.encode("utf-8", "replace"))
    )
    repeated = st.tuples(st.sampled_from(tokens), st.sampled_from((3, 40, 400))).map(lambda pair: pair[0] * pair[1])
    edit = st.tuples(place, st.integers(0, 40), new | repeated | st.none())

    def apply(edits: list[tuple[int, int, bytes | None]]) -> bytes:
        changed = data
        for start, length, put in edits:
            taken = changed[start : start + length]
            changed = changed[:start] + (taken * 2 if put is None else put) + changed[start + length :]
        return changed

    return st.lists(edit, min_size=1, max_size=12).map(apply)


def _replanted(xml: str) -> st.SearchStrategy[str]:
    """Well-formed XML in which up to 12 elements are moved, doubled, deleted, or get other text."""
    size = len(list(etree.fromstring(xml.encode()).iter()))
    place, number = st.integers(0, size - 1), st.integers(0, 3)
    words = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn")), max_size=20)

    def apply(edits: list[tuple[int, int, int, str]]) -> str:
        root = etree.fromstring(xml.encode())
        for one, other, what, text in edits:
            found = list(root.iter(etree.Element))
            taken, to = found[one % len(found)], found[other % len(found)]
            if what == 0:
                taken.text = text
            elif what == 1 and taken is not root:
                taken.getparent().remove(taken)
            elif what == 2:
                taken.tag = to.tag
            elif len(found) < 300:
                to.append(deepcopy(taken))
        return str(etree.tostring(root, encoding="unicode"))

    return st.lists(st.tuples(place, place, number, words), min_size=1, max_size=12).map(apply)


def _text(strategy: st.SearchStrategy[bytes]) -> st.SearchStrategy[str]:
    return strategy.map(lambda data: data.decode("utf-8", "replace"))


_WORDS = st.text(max_size=30) | st.sampled_from(
    (
        "The dam broke on Monday.",
        "No.",
        "It fell 4 pct. to 3 p.m. EST.",
        "June 2022",
        " ",
        "\n\n",
        "“Why?” he said.",
        "e.g.",
    )
)
_STYLES = st.lists(
    st.sampled_from(
        (
        "display:none", "display:block", "visibility:hidden", "font-size:1e9em", "font:0/0 a", "color:#fff",
        "color:rgb(0 0 0/0)", "background:linear-gradient(#fff,#000)", "position:absolute;left:-9999px",
        "text-indent:calc(1px - 9e9px)", "opacity:1e-9", "transform:scale(0)", "clip-path:inset(50%)",
        "width:0;height:0;overflow:hidden", "all:unset", "color:var(--x)", "{", "}", "/*", ";",
    ),
    ),
    max_size=4,
).map(";".join)  # fmt: skip
_TAGS = st.sampled_from(
    (
        "p", "div", "span", "table", "tr", "td", "th", "ul", "li", "dl", "dt", "h1", "h6", "figure", "figcaption",
        "blockquote", "pre", "article", "aside", "nav", "a", "b", "br", "img", "select", "option", "details",
        "summary", "svg", "math", "template", "noscript", "iframe", "textarea", "form", "button", "ruby", "rt",
        "sup", "x-y", "caption", "col", "body", "head", "html", "title", "style",
    ),
)  # fmt: skip


def _element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    made = st.tuples(_TAGS, _STYLES, st.lists(inner, max_size=4), st.booleans())
    return made.map(lambda one: f'<{one[0]} style="{one[1]}">{" ".join(one[2])}' + (f"</{one[0]}>" if one[3] else ""))


_MARKUP = st.recursive(_WORDS, _element, max_leaves=25)
_PAGES = st.tuples(_STYLES, _MARKUP).map(
    lambda parts: (
        f"<html><head><title>Dam</title><style>p{{{parts[0]}}} @media print{{ .a > b{{color:red}} </style>"
        f"</head><body><article><p>The dam broke on Monday, officials said.</p>{parts[1]}</article></body></html>"
    )
)
_DEEP = st.tuples(_TAGS, st.sampled_from((50, 300, 3_000))).map(lambda one: f"<{one[0]}>" * one[1] + "The dam broke.")


def _drawings() -> st.SearchStrategy[bytes]:
    """PDF files with mutated bytes, mutated drawings, or text at random positions."""
    whole = _changed(pdf([["The dam broke on Monday,", "officials said."], ["", "Page two."]]), TOKENS[".pdf"])
    drawn = _text(_changed(DRAWN.encode(), TOKENS[".pdf"])).map(
        lambda text: text.encode("cp1252", "replace").decode("cp1252")
    )
    number = st.floats(-2_000, 2_000, width=32).map(lambda value: round(value, 2))
    words = st.text("abc .,-:0123456789", min_size=1, max_size=20)
    line = st.tuples(
        words,
        number,
        number,
        st.sampled_from((0, 0.01, 6, 12, 12, 12, 500)),
        st.sampled_from(("0 g", "1 g", "3 Tr", "7 Tr", "0 0 1 rg")),
    )
    placed = st.lists(line, min_size=1, max_size=20).map(lambda lines: "".join(shown(*one) for one in lines))
    return whole | st.lists(drawn | placed, min_size=1, max_size=4).map(lambda drawings: drawn_pdf(*drawings))


def _books() -> st.SearchStrategy[bytes]:
    chapter = _text(_changed(CHAPTER.encode(), TOKENS[".epub"])) | _MARKUP
    metadata = _text(
        _changed(b"<dc:title>Dam</dc:title><dc:creator>Ann</dc:creator><dc:date>2022</dc:date>", TOKENS[".epub"])
    )
    books = st.tuples(chapter, chapter, metadata).map(lambda c: epub({"a.xhtml": c[0], "b.xhtml": c[1]}, c[2]))
    moved = _replanted(CHAPTER).map(lambda chapter: epub({"a.xhtml": chapter}))
    return books | moved | _changed(epub({"a.xhtml": CHAPTER}), TOKENS[".zip"])


def _packed() -> st.SearchStrategy[bytes]:
    inside: dict[str, bytes | str] = {"a.txt": TEXT, "b/a.html": page(), "c.jsonl": _RECORDS, "d.eml": MAIL}
    inside["e.zip"] = zipped({"f.txt": "x"})
    return _changed(zipped(inside), TOKENS[".zip"])


def _texts() -> st.SearchStrategy[bytes]:
    encodings = st.sampled_from(("utf-16", "utf-16-le", "cp1252", "mac-roman", "utf-32", "shift_jis"))
    encoded = st.tuples(st.text(max_size=300), encodings).map(lambda one: one[0].encode(one[1], "replace"))
    return _changed(TEXT.encode(), TOKENS[".txt"]) | _WORDS.map(_bytes) | st.binary(max_size=400) | encoded


def _letters() -> st.SearchStrategy[bytes]:
    names = ("word/document.xml", "word/styles.xml")
    parts = st.tuples(_replanted(DOCUMENT), _replanted(STYLES) | st.just(STYLES))
    styled = parts.map(lambda two: zipped(dict(zip(names, two, strict=True))))
    broken = _text(_changed(BODY.encode(), TOKENS[".docx"])).map(docx)
    return broken | styled | _changed(docx(BODY), TOKENS[".zip"])


def _feeds() -> st.SearchStrategy[bytes]:
    whole = [_changed(feed, TOKENS[".xml"]) for feed in (RSS, ATOM)]
    moved = [_replanted(feed.decode().split("?>")[-1]).map(_bytes) for feed in (RSS, ATOM)]
    return st.one_of(*whole, *moved)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


_FILES: Mapping[str, Callable[[], st.SearchStrategy[bytes]]] = {
    ".txt": _texts,
    ".md": lambda: _changed(_MARKDOWN, TOKENS[".md"]) | _MARKUP.map(_bytes),
    ".html": lambda: _changed(page(), TOKENS[".html"]) | (_PAGES | _DEEP).map(_bytes),
    ".pdf": _drawings,
    ".docx": _letters,
    ".epub": _books,
    ".eml": lambda: _changed(MAIL, TOKENS[".eml"]),
    ".jsonl": lambda: _changed(_RECORDS, TOKENS[".jsonl"]),
    ".json": lambda: _changed(_RESPONSE, TOKENS[".json"]),
    ".csv": lambda: _changed(_TABLE, TOKENS[".csv"]),
    ".xml": _feeds,
    ".zip": _packed,
}


def files(kind: str) -> st.SearchStrategy[bytes]:
    """Return a strategy of files of a format, named by its suffix in `KINDS`."""
    return _FILES[kind]()


def check(data: bytes, kind: str) -> int:
    """Read a file and process its articles as indexing does; return their number.

    Raises:
        AssertionError: an article cannot be indexed.
        Exception: the reader failed instead of refusing the file.
    """
    articles = 0
    for found in read(data, Request(kind, f"a{kind}", limits=LIMITS)):
        if isinstance(found, Document):
            articles += 1
            _check_document(found)
        else:
            assert isinstance(found, Entered | Refused)
            assert isinstance(found, Entered) or (found.reason and found.fix)
    return articles


def _check_document(found: Document) -> None:
    assert found.text.strip(), "no text"
    lines = (found.title, found.outlet, found.author, found.part, *found.metadata, *found.metadata.values())
    for value in (found.text, *lines):
        value.encode()
        assert "\0" not in value
    assert not any("\n" in line for line in lines)
    assert found.published == "" or is_day(found.published)
    assert urlsplit(found.url).scheme in ("", "http", "https")
    assert list(found.pages) == sorted(found.pages)
    assert all(0 <= offset <= len(found.text) for offset in found.pages)
    article = Article(f"a{found.part}", found.text, "0" * 64, found.title, url=found.url)
    for passage in passages(article):
        assert found.text[passage.start : passage.end] == passage.text
        assert all(passage.start <= span.start < span.end <= passage.end for span in passage.sentences)
        embedded_text(article, passage)
        searched_text(article.text, passage)
    published = found.published or published_date(found.text)
    assert all(is_day(one.first) and is_day(one.last) for one in mentions(found.text, published))
    folded(title_words(article))
    signature(found.text)
    language_of(found.text)
