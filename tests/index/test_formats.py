"""Every format gives the text that a reader sees and the fields that it states; a broken file gives a reason."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import asdict, replace

import pytest
from attacks import BOMBS, ZIP_PATHS
from documents import PARAGRAPHS, deflated_blanks, docx, encrypted_pdf, epub, page, paragraph, pdf, zipped

from citewire.index.documents import Document, Limits, Refused, day_of, extra, one_line, tidy, web_address
from citewire.index.formats import Entered, Request, read


def everything(data: bytes | str, kind: str, **asked: object) -> list[Document | Refused]:
    request = replace(Request(kind, f"x{kind}"), **asked)  # type: ignore[arg-type]
    content = data.encode() if isinstance(data, str) else data
    return [found for found in read(content, request) if not isinstance(found, Entered)]


def document(data: bytes | str, kind: str, **asked: object) -> Document:
    (found,) = everything(data, kind, **asked)
    assert isinstance(found, Document), found
    return found


def refused(data: bytes | str, kind: str, **asked: object) -> Refused:
    (found,) = everything(data, kind, **asked)
    assert isinstance(found, Refused), found
    assert found.fix
    return found


def stated(found: Document) -> dict[str, object]:
    """Return the non-empty fields, without the text."""
    return {name: value for name, value in asdict(found).items() if value and name != "text"}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused(bomb: str) -> None:
    kind, make, reason = BOMBS[bomb]
    assert reason in refused(make(), kind, limits=Limits(bytes=2_000_000)).reason


# -- dates and words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2022-06-16", "2022-06-16"),
        ("2022/06/16", "2022-06-16"),
        ("2022.6.6 10:30", "2022-06-06"),
        ("2022-06-16T23:30:00-07:00", "2022-06-16"),
        ("20220616", "2022-06-16"),
        ("20220616T101500Z", "2022-06-16"),
        ("Thu, 16 Jun 2022 23:59:00 -0700", "2022-06-16"),
        ("16 Jun 22 10:00 GMT", "2022-06-16"),
        ("June 16, 2022", "2022-06-16"),
        ("Thursday, Sept. 1st, 2022 at 5 p.m.", "2022-09-01"),
        ("16 June 2022", "2022-06-16"),
        ("16.06.2022", "2022-06-16"),
        ("16.6.2022. 10:30", "2022-06-16"),
        ("16/06/2022.", "2022-06-16"),
        ("16.06.2022.5", ""),
        ("6/16/2022", "2022-06-16"),
        ("16/6/2022", "2022-06-16"),
        ("06/06/2022", "2022-06-06"),
        ("1655337600", "2022-06-16"),
        ("1655337600000", "2022-06-16"),
        ("16-Jun-2022", "2022-06-16"),
        ("16-Jun-22 10:00:00", "2022-06-16"),
        ("2022-Jun-16", "2022-06-16"),
        ("16/Jun/2022:10:00:00 +0000", "2022-06-16"),
        ("the 16th of June, 2022", "2022-06-16"),
        ("10:00, 16 June 2022", "2022-06-16"),
        ("Published: June 16, 2022 10:00 AM", "2022-06-16"),
        ("Thu Jun 16 10:00:00 UTC 2022", "2022-06-16"),
        ("20220616101500", "2022-06-16"),
        ("2022-W24-4", "2022-06-16"),
        ("2022-167", "2022-06-16"),
        ("2024-155T10:00:00Z", "2024-06-03"),
        ("03.06.24", "2024-06-03"),
        ("3.6.99, 10:15", "1999-06-03"),
        ("16-06-2022", "2022-06-16"),
        ("2022-366", ""),
        ("2022-W60-1", ""),
        ("16/06/24", ""),  # 2016 or 2024
        ("03-06-2024", ""),
        ("2022年6月16日", "2022-06-16"),
        ("/Date(1655337600000)/", "2022-06-16"),
        ("June 16, 2022 to June 18, 2022", ""),
        ("June 31, 2022", ""),
        ("06/07/2022", ""),  # ambiguous: June or July
        ("2022-02-30", ""),
        ("0001-01-01", ""),
        ("June 2022", ""),
        ("2022", ""),
        ("yesterday", ""),
        ("Foo 16, 2022", ""),
        ("", ""),
    ],
)
def test_a_date_field_is_read_only_where_it_is_clear(value: str, day: str) -> None:
    assert day_of(value) == day


def test_words_are_cleaned() -> None:
    assert tidy("a \r\nb\r\n\r\n\r\n\r\nc\x00\x08\ud800\ufeff d\u2029e ") == "a\nb\n\nc d\n\ne"
    assert one_line(" a\n\u2028b\x1b\ud800 ") == "a b"
    assert one_line(["A", 3, None, "B"]) == "A, 3, B"
    assert [one_line(value) for value in (True, None, {"a": 1}, 2.5)] == ["", "", "", "2.5"]
    assert len(one_line("x" * 9_000)) == 1_000
    assert [web_address(v) for v in ("http://a.b/c", "javascript:x", "http://[", "https://a b", 3)] == [
        "http://a.b/c",
        *[""] * 4,
    ]
    many = {f"k{number}": "v" for number in range(50)}
    assert list(extra({"long": "x" * 501, "y" * 65: "v", "none": "", **many})) == [f"k{n}" for n in range(32)]


# -- what a file really is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (pdf([["Text."]]), ".txt", "is a PDF named .txt"),
        (pdf([["Text."]]), ".html", "is a PDF named .html"),
        (zipped({"a": "b"}), ".txt", "is a zip file named .txt"),
        (page(), ".txt", "is an HTML page named .txt"),
        (b"\n<p class=a>The dam broke.</p>", ".txt", "is an HTML page named .txt"),
        (b"\xef\xbb\xbf<html>", ".pdf", "is no .pdf file: it begins with "),
        (b"text", ".zip", "is no .zip file: it begins with 'text'"),
        (b"\xd0\xcf\x11\xe0\xa1", ".docx", "is an old or an encrypted Office file named .docx"),
        (b"{\\rtf1", ".txt", "is an RTF file named .txt"),
        (b"\x1f\x8b\x08", ".jsonl", "is a gzip file named .jsonl"),
        (b"\x89PNG", ".html", "is a PNG picture named .html"),
        (b"%PDF-1.4", ".xml", "is a PDF named .xml"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(data: bytes, kind: str, reason: str) -> None:
    assert refused(data, kind).reason.startswith(reason)


def test_a_pdf_may_begin_with_other_lines() -> None:
    assert document(b"\n\n" + pdf([["Text."]]), ".pdf").text == "Text."


# -- text and Markdown --------------------------------------------------------------------------------------


def test_markdown_is_read_as_rendered_with_its_front_matter() -> None:
    text = (
        "---\ntitle: 'Dam breaks'\nauthor: Ann Lee\ndate: 2022-06-16 10:00\nsource: The Daily\n# no: comment\n"
        "desk: metro\n---\n# Dam *breaks*\n\nThe **dam**\nbroke &amp; [fell](http://x.y). ![pic](a.png)\n\n"
        "- one\n- two `x`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<div>Raw <b>block</b></div>\n\n```\ncode\n```\n"
    )
    found = document(text, ".md")
    assert found.text == "Dam breaks\n\nThe dam broke & fell.\n\none\n\ntwo x\n\na b\n\n1 2\n\nRaw block\n\ncode"
    assert stated(found) == {
        "title": "Dam breaks",
        "author": "Ann Lee",
        "published": "2022-06-16",
        "outlet": "The Daily",
        "metadata": {"desk": "metro"},
    }
    assert document("Only text.", ".md") == Document("Only text.")
    assert refused("---\ntitle: T\n---\n", ".md").reason == "holds no text"


DAM = "The dam broke on Monday. Source: a person familiar with the matter.\n"


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (
            "TITLE: Dam breaks\nDATE: 2024-05-03\nURL: https://example.org/dam\nOutlet: Courier\nAuthor: Ann Lee\n\n",
            {
                "title": "Dam breaks",
                "published": "2024-05-03",
                "url": "https://example.org/dam",
                "outlet": "Courier",
                "author": "Ann Lee",
            },
        ),
        (  # Windows line ends, other names
            "\r\nHeadline: Rates: again\r\nBy: Jo Holm\r\nPublisher: Reuters\r\nPublished on: 3 May 2024, 9:00\r\n\r\n",
            {"title": "Rates: again", "author": "Jo Holm", "outlet": "Reuters", "published": "2024-05-03"},
        ),
        (  # no empty line: the last known name ends it
            "Title: Dam breaks\nSection: World\nDate: 06/07/2022\n",
            {"title": "Dam breaks", "metadata": {"published_raw": "06/07/2022", "section": "World"}},
        ),
        ("Title\t: Dam breaks\nWord count\t: 7\n\n", {"title": "Dam breaks", "metadata": {"word_count": "7"}}),
        ("Title: Dam breaks\nUpdated: May 3, 2024\n\n",
         {"title": "Dam breaks", "published": "2024-05-03", "metadata": {"updated": "May 3, 2024"}}),
        ("**Source:** Courier  \n**Date**: May 3, 2024  \n\n", {"outlet": "Courier", "published": "2024-05-03"}),
        ("Source: https://example.org/dam\n\n", {"url": "https://example.org/dam"}),
        ("Link: https://example.org/dam\nSource: https://example.org\n\n", {"url": "https://example.org/dam"}),
        ("Url: <https://example.org/dam>\n\n", {"url": "https://example.org/dam"}),
        ('+++\ntitle = "Dam breaks"\ndate = 2024-05-03T10:00:00Z\n[source]\nname = "Courier"\n+++\n',
         {"title": "Dam breaks", "published": "2024-05-03", "outlet": "Courier"}),
        ("Title: Dam breaks\nText: ", {"title": "Dam breaks"}),
        ("---\ntitle: Dam: it breaks\ndate: 2024-05-03\n---\n", {"title": "Dam: it breaks", "published": "2024-05-03"}),
        (
            "---\ntitle: >\n  Dam\n  breaks\nauthors:\n  - Ada Quill\n  - Jo Roe\nsource: {name: Courier}\n...\n",
            {"title": "Dam breaks", "author": "Ada Quill, Jo Roe", "outlet": "Courier"},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [".txt", ".md"])
def test_a_header_is_metadata_and_no_text(header: str, says: dict[str, object], kind: str) -> None:
    found = document(header + DAM, kind)
    assert (found.text.strip(), stated(found)) == (DAM.strip(), says)


@pytest.mark.parametrize(
    "text",
    [
        "Source: a person familiar with the matter.\nThe bank would not say.",
        "By: the river stands a house.\nDate: unknown.\n\nNobody lives there.",
        "Outlet: The Courier\nAuthor: Ada Quill\n\nNeither says what the text is.",
        "The dam broke.\nTitle: no header\nDate: 2024-05-03",
        "Title: Dam breaks\nDate: 2024-05-03\n",
        "https://example.org/dam\n\nThe dam broke.",
        "---\nThe dam broke.\n---\nNobody was hurt.",
        "+++\nThe dam broke.\n+++\nNobody was hurt.",
    ],
)
def test_lines_that_look_like_a_header_are_text(text: str) -> None:
    assert document(text, ".txt") == Document(text)


def test_a_sentence_behind_a_header_is_text() -> None:
    found = document("Title: Monday\nMarkets: Shares fell by 2%.\nWeather: Rain\n\nNo more.", ".txt")
    assert found == Document("Markets: Shares fell by 2%.\nWeather: Rain\n\nNo more.", title="Monday")
    assert refused("---\ntitle: T\n---\n", ".txt").reason == "holds no text"


# -- HTML ---------------------------------------------------------------------------------------------------


def test_a_page_gives_its_main_text_and_what_it_states() -> None:
    head = (
        '<meta property="og:site_name" content="The Daily"><meta name="author" content="Ann Lee">'
        '<link rel="canonical" href="https://daily.example/dam"><meta property="article:published_time" '
        'content="2022-06-16T10:00:00Z"><meta property="article:modified_time" content="2023-01-01">'
    )
    found = document(page(head), ".html")
    assert found.text == "\n".join(("Dam breaks", *PARAGRAPHS))
    assert stated(found) == {
        "title": "Dam breaks",
        "author": "Ann Lee",
        "outlet": "The Daily",
        "published": "2022-06-16",
        "url": "https://daily.example/dam",
    }


def linked_data(**values: object) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@graph": [{"@type": "NewsArticle", **values}]})}</script>'


@pytest.mark.parametrize(
    ("head", "day"),
    [
        (linked_data(datePublished="2022-06-16T10:00:00Z", dateModified="2023-01-01"), "2022-06-16"),
        (linked_data(dateModified="2023-01-01", dateCreated="2023-01-01"), ""),
        ('<script type="application/ld+json">{broken</script><meta name="date" content="2022-06-16">', "2022-06-16"),
        ('<meta name="DC.date.issued" content="16 June 2022">', "2022-06-16"),
        ('<meta itemprop="datePublished" content="2022-06-16">', "2022-06-16"),
        ('<meta property="article:modified_time" content="2022-06-16">', ""),
        ('<meta name="date" content="soon">', ""),
        ('<link rel="canonical" href="https://daily.example/2022/06/16/dam">', ""),  # an address states no date
        ("<!-- 2022-06-16 -->", ""),
    ],
)
def test_the_date_of_a_page_is_stated_or_empty(head: str, day: str) -> None:
    assert document(page(head), ".html").published == day


@pytest.mark.parametrize(
    ("inside", "day"),
    [
        ("<time datetime='2022-06-16T10:00'>June 16</time>", "2022-06-16"),
        ("<time datetime='2022-06-16'>x</time><time class='updated' datetime='2022-06-18'>y</time>", "2022-06-16"),
        ("<time datetime='2022-06-16'>x</time><time datetime='2021-01-01'>y</time>", ""),
        ("<time itemprop='datePublished' datetime='2022-06-16'>x</time><time datetime='2021-01-01'>", "2022-06-16"),
        ("<p>Published June 16, 2022. Copyright 2022.</p>", ""),
    ],
)
def test_a_time_in_the_article_states_its_date_where_it_is_the_only_one(inside: str, day: str) -> None:
    data = page().replace(b"</h1>", b"</h1>" + inside.encode())
    assert document(data, ".html").published == day


def test_a_host_is_no_outlet_unless_the_page_calls_itself_so() -> None:
    link = '<link rel="canonical" href="https://daily.example/dam">'
    assert document(page(link), ".html").outlet == ""
    assert document(page(link + '<meta property="og:site_name" content="Daily.Example">'), ".html").outlet == (
        "Daily.Example"
    )


def test_a_page_in_another_encoding_is_read_as_it_states() -> None:
    text = "Die Brücke über den Fluß wurde am Montag geöffnet, teilte die Stadt mit, und viele Gäste kamen dazu."
    data = page(paragraphs=[text] * 3).decode().replace("charset='utf-8'", "charset='windows-1252'").encode("cp1252")
    assert text in document(data, ".html").text
    assert "Ð" not in document(data, ".html").text
    no_charset = data.replace(b"<meta charset='windows-1252'>", b"")
    assert text in document(no_charset, ".html").text


@pytest.mark.parametrize(
    "end",
    [
        "<p>The \x00end\x01 is\x0cnear.\x0b</p><caption>\x14Sy\x01<figure></figure> <i>a</i></caption>\ufffe",
        "<p>The &#1;end<style>p{}</style>&#x11; is near.&#11;<q title='&#2;'></q></p>",
    ],
)
def test_a_page_with_control_characters_is_read_without_them(end: str) -> None:
    (found,) = everything(page().replace(b"</article>", end.encode() + b"</article>"), ".html")
    assert isinstance(found, Document)
    assert not set(found.text) & {chr(n) for n in (0, 1, 2, 0xB, 0xC, 0x11, 0x14, 0xFFFE)}
    assert "The end is near." in found.text


def test_a_page_without_text_or_of_bottomless_nesting_is_refused() -> None:
    assert refused("", ".html").reason == "holds no text of an article"
    assert refused("<html><body><script>x()</script></body></html>", ".html").reason == "holds no text of an article"
    assert refused("<div>" * 50_000 + "x", ".html").reason == "is too large: elements nested deeper than 250"
    assert refused(b"<html>" + b" " * 20_000_000, ".html").reason.startswith("is too large: 20,000,006 bytes of HTML")


# -- PDF ----------------------------------------------------------------------------------------------------


def test_a_pdf_gives_paragraphs_without_line_breaks_and_hyphens() -> None:
    lines = ["The minister said on Mon-", "day that the talks are over, and", "went home.", "", "A new paragraph."]
    info = {"Title": "Talks end", "Author": "Ann Lee", "CreationDate": "D:20220616"}
    found = document(pdf([lines, ["On page two."]], info), ".pdf")
    assert found.text == (
        "The minister said on Monday that the talks are over, and went home.\n\nA new paragraph.\n\nOn page two."
    )
    assert stated(found) == {
        "title": "Talks end",
        "author": "Ann Lee",
        "pages": (0, 87),
    }  # the file's date is not the publication's
    assert document(pdf([["x"]], {"Title": "Microsoft Word - a.doc"}), ".pdf").title == ""


def test_a_short_line_that_ends_a_sentence_ends_its_paragraph_in_a_pdf() -> None:
    lines = [
        "The first paragraph of this page fills its line and goes",
        "on here.",
        "The second one is as wide, and so",
        "on.",
    ]
    assert document(pdf([lines]), ".pdf").text == (
        "The first paragraph of this page fills its line and goes on here.\n\nThe second one is as wide, and so on."
    )


def test_a_pdf_of_two_columns_goes_on_in_the_second() -> None:
    column = "BT /F1 12 Tf 14 TL {} 720 Td (Left one) Tj T* (left two) Tj ET "
    stream = zlib.compress((column.format(72) + column.replace("Left", "right").format(320)).encode())
    assert document(pdf([[]], stream=stream), ".pdf").text == "Left one left two right one left two"


@pytest.mark.slow
def test_the_limits_of_a_pdf() -> None:
    assert refused(pdf([[]] * 5_001), ".pdf").reason == "is too large: 5,001 pages, at most 5,000 are read"
    two = pdf([["x" * 50], ["Y" * 60]])
    assert refused(two, ".pdf", limits=Limits(characters=100)).reason == "is too large: more than 100 characters"
    assert document(two, ".pdf", limits=Limits(characters=120)).text == f"{'x' * 50}\n\n{'Y' * 60}"


def test_pictures_in_a_pdf_may_be_large() -> None:
    picture = b"9 0 obj\n<< /Subtype /Image >>\nstream\n" + deflated_blanks(3) + b"\nendstream endobj xref"
    assert (
        document(pdf([["Text."]]).replace(b"xref", picture, 1), ".pdf", limits=Limits(bytes=2_000_000)).text == "Text."
    )
    assert document(pdf([["Text."]], stream=deflated_blanks(3)), ".pdf").text == "Text."


def test_a_pdf_without_text_with_a_password_or_broken_is_refused() -> None:
    assert refused(pdf([[], []]), ".pdf").reason == "holds no text on its 2 pages, as a scan does"
    assert refused(encrypted_pdf(), ".pdf").reason == "is encrypted"
    assert refused(b"%PDF-1.4 nothing", ".pdf").reason.startswith("is a broken PDF")


# -- Word and EPUB ------------------------------------------------------------------------------------------


def test_a_word_file_is_read_as_accepted() -> None:
    body = (
        paragraph("Dam ", "breaks")
        + "<w:p><w:r><w:t>Now</w:t><w:tab/><w:t>and</w:t><w:br/><w:t>then</w:t></w:r>"
        + "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t> added</w:t></w:r></w:ins></w:p>"
        + f"<w:tbl><w:tr><w:tc>{paragraph('Cell 1')}</w:tc><w:tc>{paragraph('Cell 2')}</w:tc></w:tr></w:tbl>"
    )
    core = "<dc:title>Dam</dc:title><dc:creator>Ann Lee</dc:creator><dcterms:created>2022-06-16</dcterms:created>"
    found = document(docx(body, core), ".docx")
    assert found.text == "Dam breaks\n\nNow and\nthen added\n\nCell 1 Cell 2"
    assert stated(found) == {"title": "Dam", "author": "Ann Lee"}  # "created" is the file's date
    assert document(docx(body), ".docx").text == found.text
    drawn = '<w:sym w:font="Symbol" w:char="F0B0"/><w:sym w:font="Wingdings" w:char="F04A"/><w:sym w:char="0043"/>'
    assert document(docx(f"<w:p><w:r><w:t>5</w:t>{drawn}</w:r></w:p>"), ".docx").text == "5°C"


def test_a_word_file_that_is_none_is_refused() -> None:
    assert refused(docx(""), ".docx").reason == "holds no text of an article"
    assert refused(zipped({"a.txt": "x"}), ".docx").reason == "is not a Word document: it has no word/document.xml"
    assert refused(zipped({"word/document.xml": "<a>"}), ".docx").reason.startswith("is not well-formed XML")
    assert refused(docx(paragraph("x"))[:-40], ".docx").reason.startswith("is a broken zip file")


CHAPTER = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body><h1>{0}</h1><p>Text {0}.</p></body></html>'
)


def test_a_book_is_read_in_its_order() -> None:
    metadata = (
        "<dc:title>News of June</dc:title><dc:creator>Ann Lee</dc:creator><dc:creator>Bo Im</dc:creator>"
        '<dc:publisher>The Daily</dc:publisher><dc:date opf:event="modification">2023-01-01</dc:date>'
        '<dc:date opf:event="publication">2022-06-16</dc:date>'
    )
    chapters = {"a.xhtml": CHAPTER.format("A"), "b.xhtml": "<html><body><p>Caf&eacute;<br>open</body></html>"}
    found = document(epub(chapters, metadata, order=["b.xhtml", "a.xhtml", "a.xhtml"]), ".epub")
    assert found.text == "Café\nopen\n\nA\n\nText A."
    assert stated(found) == {
        "title": "News of June",
        "author": "Ann Lee, Bo Im",
        "outlet": "The Daily",
        "published": "2022-06-16",
    }


def test_a_book_that_is_none_is_refused() -> None:
    assert refused(zipped({"mimetype": "x"}), ".epub").reason == "lacks the part META-INF/container.xml"
    assert refused(epub({"a.xhtml": "<html><body></body></html>"}), ".epub").reason == "holds no text of an article"
    many = {f"{number}.xhtml": CHAPTER.format("x" * 900) for number in range(3)}
    assert refused(epub(many), ".epub", limits=Limits(characters=2_000)).reason == (
        "is too large: more than 2,000 characters"
    )


# -- mail ---------------------------------------------------------------------------------------------------

HEADERS = (
    "From: =?utf-8?q?J=C3=B6rg?= Lee <lee@daily.example>\nTo: you@x.example\nSubject: Dam\n breaks\n"
    "Date: Thu, 16 Jun 2022 23:30:00 -0700\n"
)


def test_a_mail_gives_its_plain_body_and_names_its_attachments() -> None:
    mail = HEADERS + (
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: multipart/alternative; "
        "boundary=B\n\n--B\nContent-Type: text/html\n\n<p>html</p>\n--B\nContent-Type: text/plain; charset=latin-1\n"
        "Content-Transfer-Encoding: quoted-printable\n\nCaf=E9 =\nopens.\n--B--\n--A\nContent-Type: application/pdf\n"
        'Content-Disposition: attachment; filename="plan.pdf"\n\nxxxx\n--A--\n'
    )
    found = document(mail, ".eml")
    assert found.text == "Café opens."  # of alternatives, the last one is shown (RFC 2046)
    assert stated(found) == {
        "title": "Dam breaks",
        "author": "Jörg Lee",
        "published": "2022-06-16",
        "metadata": {"attachments": "plan.pdf"},
    }


def test_a_mail_of_html_alone_is_read_as_shown() -> None:
    mail = HEADERS.replace("Thu, 16 Jun 2022 23:30:00 -0700", "soon") + (
        "Content-Type: text/html\n\n<style>p{}</style><p>One &amp;<br>two</p>"
        "<table><tr><td>a</td><td>b</td></tr></table>"
    )
    found = document(mail, ".eml")
    assert found.text == "One &\ntwo\n\na b"
    assert (found.published, found.metadata) == ("", {"published_raw": "soon"})
    page = '<meta charset="windows-1251"><p>The paper Правда</p>'.encode("cp1251")
    assert document(f"{HEADERS}Content-Type: text/html\n\n".encode() + page, ".eml").text == "The paper Правда"


def test_a_mail_gives_all_that_stands_in_its_body() -> None:
    part = "--A\nContent-Type: text/plain\n\n{}\n"
    named = '--A\nContent-Type: text/plain; name="notes.txt"\nContent-Disposition: attachment\n\nNotes.\n'
    mail = f"{HEADERS}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=A\n\n"
    found = document(mail + part.format("One.") + named + part.format("Two.") + "--A--\n", ".eml")
    assert (found.text, found.metadata) == ("One.\n\nTwo.", {"attachments": "notes.txt"})
    inline = named.replace("attachment", "inline")
    assert document(mail + part.format("One.") + inline + "--A--\n", ".eml").text == "One."
    assert document(mail + inline + "--A--\n", ".eml").text == "Notes."
    forwarded = f"{HEADERS}Content-Type: message/rfc822\n\nFrom: a@b.example\nSubject: Old\n\nIt broke.\n"
    assert document(forwarded, ".eml").text == "It broke."


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        (
            "text/plain; format=flowed",
            "A long \nline. \nIt ends.\n\n> old \n> words\n-- \nAnn\n",
            "A long line. It ends.\n\n> old\n> words\n--\nAnn",
        ),
        ("text/plain; format=flowed; delsp=yes", "A lo \nng line.\n", "A long line."),
        ("text/plain; charset=utf-7", "It+IBk-s a caf+AOk.\n", "It’s a café."),
        ("text/plain; charset=iso-2022-jp", "\x1b$BA%$,D@$s$@!#\x1b(B\n", "船が沈んだ。"),
        ("text/plain; charset=utf-8", "It\0 sank.\n", "It sank."),
    ],
)
def test_lines_and_encodings_of_mails_are_undone(kind: str, body: str, text: str) -> None:
    assert document(f"{HEADERS}MIME-Version: 1.0\nContent-Type: {kind}\n\n{body}", ".eml").text == text


def test_what_stands_before_a_mail_does_not_cost_it() -> None:
    mail = f"{HEADERS}Content-Type: text/plain\n\nText."
    for before in (b"\xef\xbb\xbf", b"\r\n\r\n", b"From ann@d.example Thu Jun 16 10:00:00 2022\n"):
        assert document(before + mail.encode(), ".eml").text == "Text."
    assert document(mail.encode("utf-16"), ".eml").text == "Text."


def test_a_broken_header_does_not_cost_the_mail() -> None:
    found = document('From: "\nSubject: Dam\nDate: nonsense <\n\nText.', ".eml")
    assert (found.text, found.title, found.author) == ("Text.", "Dam", "")
    assert document(HEADERS + "Content-Type: text/plain; charset=nonsense\n\nText.", ".eml").text == "Text."


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        ("just text", "is not a mail"),
        (HEADERS + "\n \n", "holds no text in its body"),
    ],
)
def test_a_mail_that_is_none_is_refused(mail: str, reason: str) -> None:
    assert refused(mail, ".eml").reason.startswith(reason)


# -- records ------------------------------------------------------------------------------------------------


def test_jsonl_records_are_articles_by_id_or_line() -> None:
    lines = [
        json.dumps({"id": "dam-1", "headline": "Dam", "body": "The dam broke.", "publish_date": "2022/06/16", "n": 3}),
        "",
        json.dumps({"id": "dam-1", "text": "Again.", "source": {"name": "The Daily"}, "authors": ["A", "B"]}),
        json.dumps({"id": "../x", "text": "A\r\n\r\n\r\nB \ud800", "date": "someday", "url": "ftp://x", "tags": "t"}),
        json.dumps({"title": "no text"}),
        "[1]",
        "{broken",
    ]
    assert everything("\n".join(lines), ".jsonl") == [
        Document("The dam broke.", title="Dam", published="2022-06-16", metadata={"n": "3"}, part="#dam-1"),
        Document("Again.", outlet="The Daily", author="A, B", part="#3"),
        Document("A\n\nB", metadata={"published_raw": "someday", "tags": "t"}, part="#4"),
        Refused("has no text in 'text'; it has title", "Name its column by the field mapping", "#5"),
        Refused("is not a JSON object", "Write one JSON object a line", "#6"),
        Refused(
            "is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            "Write one JSON object a line",
            "#7",
        ),
    ]


def test_json_is_an_article_or_a_list_of_them_wherever_it_stands() -> None:
    dam = {"id": "dam", "title": "Dam", "content": "The dam broke.", "source": {"id": None, "name": "The Daily"}}
    article = Document("The dam broke.", title="Dam", outlet="The Daily", part="#dam")
    assert everything(json.dumps(dam), ".json") == [article]
    assert everything(json.dumps([dam, {"text": "Again."}], indent=2), ".json") == [
        article,
        Document("Again.", part="#2"),
    ]
    answer = {"status": "ok", "tags": ["x"] * 9, "errors": [{"code": 1}], "articles": [dam, {"title": "no text"}, 7]}
    assert everything(json.dumps(answer), ".json") == [
        article,
        Refused("has no text in 'text'; it has title", "Name its column by the field mapping", "#2"),
        Refused("is not a JSON object", "Write an object with its text", "#3"),
    ]
    entry = {"title": "Dam", "content_html": "<p>The dam broke.</p>", "date_published": "2022-06-16T10:00:00Z"}
    entry["authors"] = [{"name": "Ann Lee"}, {"name": "Jo Poe"}]  # type: ignore[assignment]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "The Daily", "items": [entry]}
    assert everything(json.dumps(feed), ".json") == [
        Document("The dam broke.", title="Dam", author="Ann Lee, Jo Poe", published="2022-06-16", part="#1")
    ]
    lines = json.dumps(dam) + "\n" + json.dumps({"text": "Again."})
    assert everything(lines, ".json") == [article, Document("Again.", part="#2")]
    assert everything('{"text": "Übermut"}'.encode("utf-16"), ".json")[0].text == "Übermut"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("[]", "holds no records"),
        ('"text"', "is no JSON object and no list of them"),
        ('[{"text": "A."}', "is not valid JSON: Expecting ',' delimiter"),
        ("[" * 100_000, "is not valid JSON: "),
        ("", "is not valid JSON: "),
    ],
)
def test_json_that_is_none_is_refused(data: str, reason: str) -> None:
    assert refused(data, ".json").reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>The dam broke.</p><p>Nobody was <b>hurt</b>.</p>", "The dam broke.\n\nNobody was hurt."),
        ("The dam broke.<br/>It&#8217;s dry.<span hidden> Not here.</span>", "The dam broke.\nIt’s dry."),
        ("&lt;p&gt;The dam broke.&lt;/p&gt;&lt;p&gt;Now.&lt;/p&gt;", "The dam broke.\n\nNow."),
        ("&amp;amp;lt;p&amp;amp;gt;The dam&amp;amp;lt;/p&amp;amp;gt; broke.", "The dam\n\nbroke."),
        ("The <b>dam</b> broke.\n\nNow.<span style='display:none'> Not here.</span>", "The dam broke.\n\nNow."),
        ("The dam &lt;i class=x&gt;broke&lt;/i&gt;.&lt;!-- Not here. --&gt;", "The dam broke."),
        ("The dam broke.<img src=a.png alt='A dam'> <a href=/x>Now", "The dam broke. Now"),
        ("<section>The dam broke.</section><section>Now.</section>", "The dam broke.\n\nNow."),
        ("It begins with <!-- there.\n\nThe dam broke.", "It begins with <!-- there.\n\nThe dam broke."),
        ("Use the <b> tag if 1 < 2 or x <y and z> 3.", "Use the <b> tag if 1 < 2 or x <y and z> 3."),
        ("AT&amp;T said no.\n\nIt left: a<b & c>d, x?a=1&sect=2", "AT&T said no.\n\nIt left: a<b & c>d, x?a=1&sect=2"),
    ],
)
def test_markup_in_a_record_is_not_text(text: str, plain: str) -> None:
    found = document(json.dumps({"title": "Q&amp;A", "by": "<a href=/x>A. Dee</a>", "text": text}), ".jsonl")
    assert (found.title, found.author, found.text) == ("Q&A", "A. Dee", plain)


def test_numbers_and_ids_do_not_name_two_records_alike() -> None:
    lines = [json.dumps({"id": name, "text": f"{name}."}) for name in ("3", "x")] + ['{"text": "third."}']
    assert [found.part for found in everything("\n".join(lines), ".jsonl")] == ["#3", "#x", "#row-3"]


def test_columns_are_mapped() -> None:
    fields = {"text": "Story", "outlet": "paper", "published": "when"}
    data = '{"story": "Text.", "text": "not this", "PAPER": "The Daily", "when": 1655337600}'
    assert everything(data, ".jsonl", fields=fields) == [
        Document("Text.", outlet="The Daily", published="2022-06-16", metadata={"text": "not this"}, part="#1")
    ]
    assert refused("a,b\n1,2\n", ".csv", fields=fields) == Refused(
        "has no column 'Story'; it has a, b", "Correct the field mapping"
    )


def test_csv_rows_are_articles_by_the_row_of_a_spreadsheet() -> None:
    data = '\ufefftitle;text;date;desk\nDam;"It ""broke"";\nfast";16.06.2022;metro\n;;;\nX; ;2022;\na;b;c;d;e\n'
    assert everything(data, ".csv") == [
        Document('It "broke";\nfast', title="Dam", published="2022-06-16", metadata={"desk": "metro"}, part="#2"),
        Refused("has no text in 'text'; it has title, text, date, desk", "Name its column by the field mapping", "#4"),
        Refused("has 5 cells for 4 columns", "Quote cells that hold commas", "#5"),
    ]


def test_records_of_a_broken_or_empty_file() -> None:
    assert refused('text\n"open', ".csv").reason.startswith("is broken .csv near line 2")
    assert refused("text\n", ".csv").reason == "holds no records"
    assert refused("\n\n", ".jsonl").reason == "holds no records"
    long = json.dumps({"text": "x" * 50})
    (found,) = everything(long, ".jsonl", limits=Limits(characters=49))
    assert found == Refused("is too large: 50 characters of text, at most 49", "Split it", "#1")


def test_many_refused_records_are_counted() -> None:
    found = everything("{}\n" * 30 + '{"text": "x"}\n', ".jsonl")
    assert [one.part for one in found] == [f"#{number}" for number in range(1, 21)] + ["#31", ""]
    assert isinstance(found[-1], Refused)
    assert found[-1].reason == "10 more records cannot be used either"


# -- feeds --------------------------------------------------------------------------------------------------


def test_rss_entries_are_articles() -> None:
    feed = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"><channel>
    <title>The Daily</title><item><title>Dam &amp;amp; rain</title><link>https://d.example/dam-1/</link>
    <description>Short.</description>
    <content:encoded><![CDATA[<p>Long &amp; <b>full</b>.</p><p>End.</p>]]></content:encoded>
    <dc:creator>Ann Lee</dc:creator><pubDate>Thu, 16 Jun 2022 23:30:00 -0700</pubDate><media:content url="x"/></item>
    <item><title>Empty</title><guid isPermaLink="false">e-2</guid></item>
    <item><description>Only this.</description><pubDate>soon</pubDate><guid>urn:x:y</guid></item></channel></rss>"""
    assert everything(feed, ".xml") == [
        Document(
            "Long & full.\n\nEnd.",
            title="Dam & rain",
            outlet="The Daily",
            author="Ann Lee",
            published="2022-06-16",
            url="https://d.example/dam-1/",
            part="#dam-1",
        ),
        Refused("is an entry without text", "Index the page that it links to", "#2"),
        Document("Only this.", outlet="The Daily", metadata={"published_raw": "soon"}, part="#3"),
    ]


def test_atom_entries_are_articles() -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">The &lt;b&gt;Daily&lt;/b&gt;</title>
    <entry><title>Dam</title><id>tag:d.example,2022:1</id><link rel="self" href="https://d.example/self"/>
    <link href="https://d.example/dam"/><updated>2023-01-01T00:00:00Z</updated><published>2022-06-16T10:00:00Z</published>
    <author><name>Ann Lee</name></author><author><name>Bo Im</name></author>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One.</p><p>Two.</p></div></content></entry>
    <entry><id>s1</id><updated>2023-01-01</updated><summary type="text">a &lt; b</summary></entry></feed>"""
    assert everything(feed, ".xml") == [
        Document(
            "One.\n\nTwo.",
            title="Dam",
            outlet="The Daily",
            author="Ann Lee, Bo Im",
            published="2022-06-16",
            url="https://d.example/dam",
            part="#1",
        ),
        Document("a < b", outlet="The Daily", part="#s1"),  # "updated" is not "published"
    ]


RSS = '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><link>https://d.example/news/</link>{}</channel></rss>'


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<description>&lt;p&gt;One &amp;amp; two.&lt;/p&gt;</description>", "One & two."),
        ("<description>&amp;lt;p&amp;gt;One &amp;amp;amp; two.&amp;lt;/p&amp;gt;</description>", "One & two."),
        ("<description><![CDATA[&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;]]></description>", "One.\n\nTwo."),
        ("<description><![CDATA[<p>One.</p><p>Two.</p>]]></description>", "One.\n\nTwo."),
        ("<description><p>One.</p><p>Two.</p></description>", "One.\n\nTwo."),
        ("<description>&amp;amp;lt;p&amp;amp;gt;One.&amp;amp;lt;/p&amp;amp;gt;</description>", "One."),
        ("<description><![CDATA[&amp;amp;lt;p&amp;amp;gt;One.&amp;amp;lt;/p&amp;amp;gt;]]></description>", "One."),
        ('<content type="image/png">iVBORw0KGgo=</content><summary>Short.</summary>', "Short."),
        ('<content mode="base64">iVBORw0KGgo=</content><summary>Short.</summary>', "Short."),
        ('<content type="text/plain">a &lt;b c="d"&gt;</content><summary>Short.</summary>', 'a <b c="d">'),
        ('<content type="application/xhtml+xml"><p>One.</p></content><summary>Short.</summary>', "One."),
        ("<description>Holm &amp;amp;amp; Tarn</description>", "Holm & Tarn"),
        ("<description>Holm&amp;amp;#8217;s ferry</description>", "Holm’s ferry"),
        ("<description>&lt;p&gt;Use the &amp;lt;p&amp;gt; tag.&lt;/p&gt;</description>", "Use the <p> tag."),
        ("<description>5 &lt; 6 and 7 &gt; 6</description>", "5 < 6 and 7 > 6"),
        ("<description>x</description><content:encoded><![CDATA[<p>Long.</p>]]></content:encoded>", "Long."),
        ("<description>Short.</description><content:encoded><![CDATA[<img src='a'/>]]></content:encoded>", "Short."),
        ('<body xmlns="http://www.w3.org/1999/xhtml"><p>One.</p><p>Two.</p></body>', "One.\n\nTwo."),
    ],
)
def test_descriptions_are_read_however_often_they_are_escaped(inside: str, text: str) -> None:
    assert document(RSS.format(f"<item>{inside}</item>"), ".xml").text == text


@pytest.mark.parametrize(
    ("before", "inside", "text"),
    [
        (" \n" + '<?xml version="1.0"?>', "Words.", "Words."),
        ('\ufeff\n<?xml version="1.0"?>', "Words.", "Words."),
        ("", "It&nbsp;sank &mdash; so.", "It\xa0sank — so."),
        ("", "Holm & Tarn &co; &amp; &#38; more", "Holm & Tarn &co; & & more"),
        ("", "<![CDATA[Holm & Tarn &mdash; one]]> & <![CDATA[two &amp; three", "refused"),
        ("", "<![CDATA[Holm &mdash; one]]> & <![CDATA[two &amp; three]]>", "Holm — one & two & three"),
    ],
)
def test_a_feed_is_read_though_its_xml_is_not_quite_right(before: str, inside: str, text: str) -> None:
    data = before + RSS.format(f"<item><description>{inside}</description></item>")
    if text == "refused":
        assert refused(data, ".xml").reason.startswith("is not well-formed XML")
    else:
        assert document(data, ".xml").text == text


def test_authors_and_texts_of_a_feed_stand_where_each_dialect_has_them() -> None:
    media = 'xmlns:m="http://search.yahoo.com/mrss/"'
    entry = f"<item><author>ann@d.example (Ann Lee)</author><m:description {media}>Words.</m:description></item>"
    found = document(RSS.format(entry), ".xml")
    assert (found.text, found.author) == ("Words.", "Ann Lee")
    picture = f"<item><m:content {media} url='a.jpg'>x</m:content><description>Words.</description></item>"
    assert document(RSS.format(picture), ".xml").text == "Words."


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("<item><description>x</description><link>/dam</link></item>", "https://d.example/dam"),
        ("<item><description>x</description><link>dam.html</link></item>", "https://d.example/news/dam.html"),
        (
            "<item><description>x</description><link><![CDATA[ https://o.example/x ]]></link></item>",
            "https://o.example/x",
        ),
        (
            '<item xml:base="https://o.example/a/"><description>x</description><link>b</link></item>',
            "https://o.example/a/b",
        ),
        ("<item><description>x</description><link>//o.example/x</link></item>", "https://o.example/x"),
        ("<item><description>x</description><link>javascript:x</link></item>", ""),
        ("<item><description>x</description><link>http://[x</link></item>", ""),
    ],
)
def test_links_of_a_feed_are_meant_from_its_site(entry: str, url: str) -> None:
    assert document(RSS.format(entry), ".xml").url == url


def test_links_of_atom_are_meant_from_their_base() -> None:
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://d.example/a/"><entry xml:base="b/"><link '
        'href="c.html"/><title type="html">&amp;lt;i&amp;gt;Dam&amp;lt;/i&amp;gt;</title><content type="xhtml"><div '
        'xmlns="http://www.w3.org/1999/xhtml"><p>One.</p><p hidden="">No.</p></div></content></entry></feed>'
    )
    assert document(feed, ".xml") == Document("One.", title="Dam", url="https://d.example/a/b/c.html", part="#c.html")
    for own in ("", '<link href="/"/>'):
        links = f'{own}<link rel="self" href="https://d.example/news/atom"/>'
        entry = '<entry><summary>x</summary><link href="dam"/></entry>'
        feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{links}{entry}</feed>'
        assert document(feed, ".xml").url == "https://d.example/news/dam"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("<rss><channel>", "is not well-formed XML"),
        ("<html><body/></html>", "is XML but no RSS or Atom feed: its root is <html>"),
        ("<rss><channel/></rss>", "holds no records"),
        ("plain", "is not well-formed XML"),
        ("", "is not well-formed XML"),
    ],
)
def test_a_feed_that_is_none_is_refused(data: bytes | str, reason: str) -> None:
    assert refused(data, ".xml").reason.startswith(reason)


# -- zip ----------------------------------------------------------------------------------------------------


def test_a_zip_gives_what_its_files_give() -> None:
    files: dict[str, bytes | str] = {
        "monday.txt": "Monday.",
        "metadata.json": "{}",
        "wire/w.jsonl": '{"id": "a", "text": "A."}\n{}',
        "pic.png": b"\x89PNG",
        ".hidden.txt": "no",
        "__MACOSX/._monday.txt": "no",
        "old.doc": "no",
        "inner.zip": zipped({"a.txt": "x"}),
        "dam.html": page(),
        "empty.md": "",
    }
    found = everything(zipped(files), ".zip")
    assert [(one.part, one.text if isinstance(one, Document) else one.reason) for one in found] == [
        ("/monday.txt", "Monday."),
        ("/wire/w.jsonl#a", "A."),
        ("/wire/w.jsonl#2", "has no text in 'text'; it has "),
        ("/old.doc", "is a .doc file, which cannot be read"),
        ("/inner.zip", "is a zip inside a zip"),
        ("/dam.html", "\n".join(("Dam breaks", *PARAGRAPHS))),
        ("/empty.md", "is empty"),
    ]


@pytest.mark.parametrize("name", ZIP_PATHS)
def test_a_name_that_leads_out_of_a_zip_is_refused(name: str) -> None:
    (found, good) = everything(zipped({name: "Text.", "good.txt": "Good."}), ".zip")
    assert isinstance(found, Refused)
    assert (found.reason, found.part) == ("has a name that leads out of the zip", f"/{name}")
    assert isinstance(good, Document)


def test_files_of_a_zip_that_cannot_be_read_are_refused_one_by_one() -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    info = zipfile.ZipInfo("control\x07.txt")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr(info, "x")
        archive.writestr("twice.txt", "First.")
        archive.writestr("other.txt", "Second.")
        archive.writestr("bz.txt", "x", zipfile.ZIP_BZIP2)
        archive.writestr("secret.txt", "x")
        archive.writestr("flipped.txt", "unflipped text")
        archive.writestr("bomb.txt", b" " * 3_000_000, zipfile.ZIP_DEFLATED)
    data = buffer.getvalue().replace(b"unflipped", b"xnflipped").replace(b"other.txt", b"twice.txt")
    for marker in (b"PK\x03\x04", b"PK\x01\x02"):  # set the encryption flag in the local and the central header
        at = data.index(b"secret.txt", data.index(marker) if marker == b"PK\x03\x04" else data.index(b"PK\x01\x02"))
        start = data.rindex(marker, 0, at)
        flag = start + (6 if marker == b"PK\x03\x04" else 8)
        data = data[:flag] + b"\x01" + data[flag + 1 :]
    found = everything(data, ".zip")
    assert [(one.part, one.text if isinstance(one, Document) else one.reason.split(":")[0]) for one in found] == [
        ("/link.txt", "is a link"),
        ("/control\\x07.txt", "has a name that holds control characters or invisible ones"),
        ("/twice.txt", "First."),
        ("/twice.txt", "stands twice in the zip"),
        ("/bz.txt", "is compressed by method 12"),
        ("/secret.txt", "is encrypted"),
        ("/flipped.txt", "is a broken zip file"),
        ("/bomb.txt", "is too large"),
    ]


def test_a_zip_without_articles_or_with_too_much_is_refused() -> None:
    assert refused(zipped({"a.png": "x"}), ".zip").reason == "holds no file of a format that can be read"
    assert refused(zipped({}), ".zip").reason == "holds no file of a format that can be read"
    many = zipped({f"{number}.txt": "x" * 99 for number in range(12)}, zipfile.ZIP_STORED)
    found = everything(many, ".zip", limits=Limits(bytes=99))
    assert len(found) == 11
    assert isinstance(found[-1], Refused)
    assert found[-1].reason == "is too large: its files inflate to more than 990 bytes"


def test_a_zip_can_be_read_from_a_member_on() -> None:
    data = zipped({f"{number}.txt": f"{number}." for number in range(3)})
    found = list(read(data, Request(".zip", "x.zip", first=1)))
    assert found == [
        Entered(1, "/1.txt"),
        Document("1.", part="/1.txt"),
        Entered(2, "/2.txt"),
        Document("2.", part="/2.txt"),
    ]
