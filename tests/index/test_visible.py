"""Only what a reader of the page can see is read, block by block."""

from __future__ import annotations

import email.message

import pytest
from attacks import HIDDEN_IN_PAGES, SECRET
from documents import WORD, docx, epub, paragraph, zipped

from citewire.index.documents import Document, Refused
from citewire.index.formats import Request, read

BEFORE, AFTER = "The ferry to Holm sank on Sunday.", "All on board were saved by fishermen."
LONG = "".join(
    f"<p>Passenger number {n} told the newspaper of Holm that the ferry was {n} minutes late and that nobody had "
    f"been warned of the waves which came over the rail.</p>"
    for n in range(1, 13)
)


def page(middle: str, head: str = "", *, more: str = "") -> str:
    title = "<title>Ferry sinks</title>"
    body = f"<article><h1>Ferry sinks off Holm</h1><p>{BEFORE}</p>{middle}<p>{AFTER}</p>{more}</article>"
    return f"<!DOCTYPE html><html><head>{title}{head}</head><body>{body}</body></html>"


def lines(data: str | bytes, kind: str = ".html") -> list[str]:
    (found,) = read(data.encode() if isinstance(data, str) else data, Request(kind, f"x{kind}"))
    assert isinstance(found, Document), found
    return [line for line in found.text.split("\n") if line]


@pytest.mark.parametrize("more", ["", LONG], ids=["short", "long"])
@pytest.mark.parametrize("middle", HIDDEN_IN_PAGES)
def test_what_an_attribute_or_its_style_hides_is_not_read(middle: str, more: str) -> None:
    found = lines(page(middle, more=more))
    assert found[:3] == ["Ferry sinks off Holm", BEFORE, AFTER]
    assert "drinking" not in " ".join(found)


@pytest.mark.parametrize(
    "css",
    [
        ".x{display:none}",
        "p.x{visibility:hidden}",
        "#y{opacity:0}",
        "article > .x{color:#fff}",
        ".x{display:block} .x{display:none}",
        ".x{display:none!important} .x{display:block}",
        "p{display:block} .x{display:none} p{display:block}",
        "@media screen{.x{display:none}}",
        "@media (min-width: 600px){.x{display:none}}",
        "@supports (display:grid){.x{display:none}}",
        "body{background:#000;color:#fff} .x{color:#000}",
        "p:nth-of-type(2){display:none}",
        "[id=y]{position:absolute;left:-9999px}",
        "h1, .none, .x{font-size:0} h1{font-size:2em}",
        ":root{--a:var(--b);--b:none} .x{display:var(--a)}",
        "article{color:#111; & .x{display:none}}",
        "article{.x{color:#fff}}",
        "article{@media screen{.x{display:none}}}",
        ".x{@media (min-width:100px){display:none}}",
        "@layer base{.x{display:none}}",
        "@layer a, b; @layer b{.x{display:none}} @layer a{.x{display:block}}",
        "@media (width >= 600px){.x{display:none}}",
        "@media (400px < width < 2000px) and (orientation: landscape){.x{display:none}}",
        "@media not print{.x{display:none}}",
        "@media not all and (max-width: 600px){.x{display:none}}",
        "@media print, (hover: hover) and (not (max-height: 300px)){.x{display:none}}",
        "@media (min-resolution: 1dppx) and (min-aspect-ratio: 4/3){.x{display:none}}",
        "div:has(> p), .x:not(.open){display:none}",
        ".x{d\\69splay:none}",
    ],
)
def test_a_style_sheet_of_the_page_hides_too(css: str) -> None:
    found = lines(page(f"<p id=y class='x z'>{SECRET}</p>", f"<style>{css}</style>"))
    assert found == ["Ferry sinks off Holm", BEFORE, AFTER]


SEEN = f"""
<p>{SECRET}</p>
<p style="display:block">{SECRET}</p>
<p style="color:#777">{SECRET}</p>
<p style="color:CanvasText;background:Canvas">{SECRET}</p>
<p style="transform:scale(.9) scaleZ(0);line-height:1;overflow:hidden">{SECRET}</p>
<div style="line-height:0;overflow:hidden"><p style="line-height:1.4">{SECRET}</p></div>
<p style="line-height:0">{SECRET}</p>
<p style="line-height:0;overflow:hidden;height:40px">{SECRET}</p>
<p class="sr-only">{SECRET}</p>
<p style="color:white;background:#00f">{SECRET}</p>
<div style="background-color:navy"><p style="color:#fff">{SECRET}</p></div>
<div style="background:url(a.png)"><p style="color:#fff">{SECRET}</p></div>
<div style="background:var(--dark)"><p style="color:#fff">{SECRET}</p></div>
<p style="color:var(--x)">{SECRET}</p>
<div style="visibility:hidden"><p style="visibility:visible">{SECRET}</p></div>
<div style="font-size:0"><p style="font-size:16px">{SECRET}</p></div>
<p style="position:relative;left:-10px">{SECRET}</p>
<p style="left:-9999px">{SECRET}</p>
<p style="opacity:0;transition:opacity 1s">{SECRET}</p>
<p style="color:transparent;background:linear-gradient(red,blue);-webkit-background-clip:text">{SECRET}</p>
<p style="color:oklch(40% 0.2 20)">{SECRET}</p>
<p style="color:lab(100 0 0);background:#003">{SECRET}</p>
<p style="color:color(xyz 1 1 1)">{SECRET}</p>
<p style="--d:none;display:block">{SECRET}</p>
<p style="--a:var(--b);--b:var(--a);color:var(--a)">{SECRET}</p>
<div popover style="display:block"><p>{SECRET}</p></div>
<p style="filter:opacity(50%);scale:.9;translate:2px">{SECRET}</p>
<p style="margin:0 0 -20px">{SECRET}</p>
<p style="overflow:hidden;width:100%">{SECRET}</p>
<p style="height:0;overflow:hidden;padding-bottom:56%">{SECRET}</p>
<p aria-hidden="false">{SECRET}</p>
<dialog open><p>{SECRET}</p></dialog>
<p class="x" id="y" style="display:block">{SECRET}</p>
<p hidden style="display:block">{SECRET}</p>
<p style="position:absolute;left:50%;top:50%;transform:translate(-50%,-50%)">{SECRET}</p>
<p style="position:relative;left:-50%">{SECRET}</p>
<p style="transform:matrix(1,0,0,1,0,0) rotateY(180deg)">{SECRET}</p>
<p style="opacity:50%;margin:0 -9999px -9999px 0">{SECRET}</p>
<p style="position:relative;left:calc(50% - 9px);font-size:max(0px, 1em)">{SECRET}</p>
<p style="width:calc(100% - var(--gap));overflow:hidden">{SECRET}</p>
<p style="clip-path:inset(10px 40% 0 20%)">{SECRET}</p>
<p style="color:#fff;text-shadow:0 0 3px #000">{SECRET}</p>
<p style="color:white;-webkit-text-stroke:1px black">{SECRET}</p>
<p style="visibility:hidden;visibility:inherit">{SECRET}</p>
"""


@pytest.mark.parametrize("middle", SEEN.strip().splitlines())
def test_what_can_be_seen_is_read(middle: str) -> None:
    head = "<style>.x{display:none} #y:hover{display:none} @media print{p{display:none}}</style>"
    assert lines(page(middle, head)) == ["Ferry sinks off Holm", BEFORE, SECRET, AFTER]


@pytest.mark.parametrize(
    "css",
    [
        "@media (width < 600px){.x{display:none}}",
        "@media (400px <= width <= 700px){.x{display:none}}",
        "@media (orientation: portrait), (hover: none){.x{display:none}}",
        "@media (max-height: 300px){.x{display:none}}",
        "@media (prefers-color-scheme: dark){.x{display:none}}",
        "@media (unknown-feature: 5){.x{display:none}}",
        "@media not all{.x{display:none}}",
        "@supports not (display:grid){.x{display:none}}",
        ".x{display:block} @layer a{.x{display:none}}",
        "@layer a, b; @layer b{.x{display:block}} @layer a{.x{display:none}}",
    ],
)
def test_a_rule_that_does_not_hold_on_a_screen_or_is_overruled_hides_nothing(css: str) -> None:
    found = lines(page(f"<p class=x>{SECRET}</p>", f"<style>{css}</style>"))
    assert found == ["Ferry sinks off Holm", BEFORE, SECRET, AFTER]


def test_colours_that_the_body_states_are_those_of_its_text() -> None:
    dark = page(f"<p style='color:black'>{SECRET}</p>").replace("<body>", "<body bgcolor=black text=white>")
    assert lines(dark) == ["Ferry sinks off Holm", BEFORE, AFTER]
    picture = page(f"<p style='color:white'>{SECRET}</p>").replace("<body>", "<body background=a.gif>")
    assert lines(picture) == ["Ferry sinks off Holm", BEFORE, SECRET, AFTER]


def test_colours_of_a_page_whose_sheets_are_elsewhere_are_not_known() -> None:
    sheet = "<link rel=stylesheet href=a.css>"
    assert SECRET in lines(page(f"<p style='color:#fff'>{SECRET}</p>", sheet))
    assert SECRET not in lines(page(f"<p style='color:#fff;background:#fff'>{SECRET}</p>", sheet))
    assert SECRET not in lines(page(f"<p style='display:none'>{SECRET}</p>", sheet))


@pytest.mark.parametrize(
    ("classes", "seen"),
    [
        *dict.fromkeys(
            ("sr-only", "visually-hidden", "screen-reader-text", "d-none", "hidden", "a invisible b"), False
        ).items(),
        *dict.fromkeys(
            ("d-none d-md-block", "hidden md:block", "sr-only not-sr-only", "d-md-none d-lg-flex", "x"), True
        ).items(),
        ("d-none d-xxl-block", False),
        ("d-block d-lg-none", False),
    ],
)
def test_classes_of_a_sheet_that_is_elsewhere_hide_by_their_usual_names(classes: str, seen: bool) -> None:
    hidden = f"<p class='{classes}'>{SECRET}</p>"
    wanted = [BEFORE, *[SECRET] * seen, AFTER]
    assert lines(page(hidden, "<link rel=stylesheet href=a.css>"))[1:] == wanted
    assert lines(page(hidden, "<link rel=stylesheet href=a.css><style>p{color:red}</style>"))[1:] == wanted
    assert lines(page(hidden, "<style>@import url(a.css);</style>"))[1:] == wanted
    own = "<style>p{display:block;position:static;visibility:visible}</style>"
    assert lines(page(hidden, f"<link rel=stylesheet href=a.css>{own}"))[1:] == [BEFORE, SECRET, AFTER]


@pytest.mark.parametrize("classes", ["sr-only", "hidden", "d-none", "invisible"])
def test_a_class_hides_nothing_where_no_style_sheet_is(classes: str) -> None:
    shown = f"<p class='{classes}'>{SECRET}</p>"
    assert lines(page(shown))[1:] == [BEFORE, SECRET, AFTER]
    item = f"<rss><channel><item><description><![CDATA[<p>{BEFORE}</p>{shown}<p>{AFTER}</p>]]></description></item>"
    assert lines(f"{item}</channel></rss>", ".xml") == [BEFORE, SECRET, AFTER]


def test_a_page_that_hides_itself_until_a_script_runs_is_read() -> None:
    for css in ("body{opacity:0}", "body{visibility:hidden}", "html{display:none}"):
        assert lines(page("", f"<style>{css}</style>")) == ["Ferry sinks off Holm", BEFORE, AFTER]


@pytest.mark.parametrize(
    "middle",
    [
        "<p style='clip-path:inset(a% \u1200%)'>x</p>",
        "<style>@media (min-width:1.2.3px){p{color:red}}</style>",
        "<p>a<i hidden>b</i>&#1;\x02c</p>",
        "<style>p{content:'}'} .x{{display:none}</style>",
        "<p style='font-size:1e999em;color:rgb(1'>x</p>",
        "<p style='transform:rotateX(1.2.3deg) matrix(1,2);left:calc(1px / 0);margin:calc((1 +) * 2)'>x</p>",
        "<style>@media (min-resolution:1.2.3dpi) and (aspect-ratio:1/0) or (x{p{display:none}}</style>",
        f"<p style='left:calc({'(' * 30}1px{')' * 30});width:calc({'9' * 400}px - {'9' * 400}px)'>x</p>",
    ],
)
def test_broken_styles_hide_nothing_and_break_nothing(middle: str) -> None:
    found = lines(page(middle))
    assert (found[1], found[-1]) == (BEFORE, AFTER)


def test_text_that_only_its_data_hold_is_not_on_the_page() -> None:
    data = f'<script type="application/ld+json">{{"@type":"NewsArticle","articleBody":"{SECRET * 20}"}}</script>'
    assert lines(page("", data)) == ["Ferry sinks off Holm", BEFORE, AFTER]


def test_the_rest_of_a_sentence_around_hidden_words_stays() -> None:
    found = lines(page("<p>The ferry <span style='display:none'>never </span>sank <i hidden>not</i> at once.</p>"))
    assert found[2] == "The ferry sank at once."


# -- blocks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("middle", "blocks"),
    [
        ("<aside class=pullquote>We had no warning</aside>", []),  # an aside of the page
        ("<blockquote>We had no warning</blockquote>", ["We had no warning"]),
        ("<figure><img src=a><figcaption>The pier. Photo: A. Dee</figcaption></figure>", ["The pier. Photo: A. Dee"]),
        ("<div>The pier at Holm<div>A. Dee</div>Holm lost it</div>", ["The pier at Holm", "A. Dee", "Holm lost it"]),
        ("<h2>A long night</h2>", ["A long night"]),
        (
            "<p>Shut in May<figure><figcaption>The pier. Photo: A. Dee</figcaption></figure>Economists wept.</p>",
            ["Shut in May", "The pier. Photo: A. Dee", "Economists wept."],
        ),
        (
            "<p>It was shut in May<aside class=q>No warning</aside>Economists wept.</p>",
            ["It was shut in May", "Economists wept."],
        ),
        ("<p>He left <span style='float:right'>No warning</span> at once.</p>", ["He left", "No warning", "at once."]),
        ("<details><summary>More</summary>It was cold.</details>", ["More", "It was cold."]),
        ("<table><caption>Ferries</caption><tr><td>1</td></tr></table>", ["Ferries", "1"]),
        ("<ul><li>Forty were cold</li><li>Two were hurt</li></ul>", ["Forty were cold", "Two were hurt"]),
        ("<dl><dt>Lost</dt><dd>One ferry</dd></dl>", ["Lost", "One ferry"]),
        (
            "<table><tr><th>Year</th><th>Ferries</th></tr><tr><td>2021</td><td><p>Four</p></td></tr></table>",
            ["Year Ferries", "2021 Four"],
        ),
        ("<p>First line<br>Second line</p>", ["First line", "Second line"]),
        ("<p>Said <span style='display:block'>A. Dee</span> of Holm</p>", ["Said", "A. Dee", "of Holm"]),
        ("<p>Cold <b>and</b> <i>wet</i></p>", ["Cold and wet"]),
        ("<blockquote>We had no warning<cite>A. Dee</cite></blockquote>", ["We had no warning", "A. Dee"]),
        ("<blockquote><p>No warning <cite>A. Dee</cite></p></blockquote>", ["No warning", "A. Dee"]),
        ("<blockquote>I read <cite>The Daily</cite> at sea.</blockquote>", ["I read The Daily at sea."]),
        ("<p>I read <cite>The Daily</cite></p>", ["I read The Daily"]),
        ("<p>It was cold<em class=caption>The pier</em></p>", ["It was cold", "The pier"]),
        ("<figure><em class='img_caption'>The pier.</em>By hand</figure>", ["The pier.", "By hand"]),
        ("<p>It was cold.<span class='photo-credit'>A. Dee</span></p>", ["It was cold.", "A. Dee"]),
        ("<p>It took <span class='credit-card'>cards</span> too.</p>", ["It took cards too."]),
        ("<p>It fell <b><a class=text-caption>5%</a></b> on Monday.</p>", ["It fell 5% on Monday."]),
        ("<p><img><i class=caption>Ice</i> <i class=credit>A. Dee</i> It fell.</p>", ["Ice", "A. Dee", "It fell."]),
    ],
)
def test_blocks_of_a_page_are_lines_of_their_own(middle: str, blocks: list[str]) -> None:
    assert lines(page(middle)) == ["Ferry sinks off Holm", BEFORE, *blocks, AFTER]


def test_blocks_of_a_long_page_are_what_they_are_on_a_short_one() -> None:
    middle = "<blockquote>We had no warning</blockquote><ul><li>Forty were cold</li><li>Two were hurt</li></ul>"
    table = "<table><tr><th>Year</th><th>Ferries</th></tr><tr><td>2021</td><td>Four</td></tr></table>"
    wanted = ["We had no warning", "Forty were cold", "Two were hurt", "Year Ferries", "2021 Four"]
    assert lines(page(middle + table)) == ["Ferry sinks off Holm", BEFORE, *wanted, AFTER]
    assert lines(page(middle + table, more=LONG))[2:7] == wanted


# -- other formats of HTML ----------------------------------------------------------------------------------


def test_what_a_book_hides_is_not_read() -> None:
    chapter = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><link rel="stylesheet" href="css/a.css"/>'
        f'<style>.b{{display:none}}</style></head><body><p>{BEFORE}</p><p class="a">{SECRET}</p><p class="b">{SECRET}'
        f'</p><p style="visibility:hidden">{SECRET}</p><p hidden="">{SECRET}</p><p>{AFTER}</p></body></html>'
    )
    assert lines(epub({"a.xhtml": chapter, "css/a.css": ".a{display:none}"}, order=["a.xhtml"]), ".epub") == [
        BEFORE,
        AFTER,
    ]


def mail(plain: str, html: str) -> bytes:
    message = email.message.EmailMessage()
    message["From"], message["Subject"], message["Date"] = "a@x.example", "Ferry", "Mon, 6 Jun 2022 10:00:00 +0000"
    if plain:
        message.set_content(plain)
    message.add_alternative(html, subtype="html") if plain else message.set_content(html, subtype="html")
    return bytes(message)


def test_a_mail_is_read_as_its_reader_sees_it() -> None:
    preheader = f"<div style='display:none;max-height:0'>{SECRET}</div>"
    html = f"<html><body>{preheader}<p>{BEFORE}</p><p style='font-size:0'>{SECRET}</p><p>{AFTER}</p></body></html>"
    assert lines(mail("", html), ".eml") == [BEFORE, AFTER]
    assert lines(mail(f"{BEFORE}\n\n{SECRET}\n\n{AFTER}", html), ".eml") == [BEFORE, AFTER]  # the HTML is shown
    assert lines(mail(f"{BEFORE}\n\n{AFTER}", "<p hidden>x</p>"), ".eml") == [BEFORE, AFTER]


def test_hidden_text_of_a_feed_and_of_markdown_is_not_read() -> None:
    hidden = f"<p>{BEFORE}</p><p style='display:none'>{SECRET}</p><p>{AFTER}</p>"
    feed = f"<rss><channel><item><description><![CDATA[{hidden}]]></description></item></channel></rss>"
    assert lines(feed, ".xml") == [BEFORE, AFTER]
    blocks = f"{BEFORE}\n\n<div hidden>\n{SECRET}\n</div>\n\n<!-- {SECRET} -->\n\n{AFTER}"
    assert lines(blocks, ".md") == [BEFORE, AFTER]
    inline = f"{BEFORE} <span hidden>{SECRET}</span> <!-- {SECRET} --> {AFTER}"
    assert "drinking" not in " ".join(lines(inline, ".md"))


def test_a_page_of_nothing_that_can_be_seen_is_refused() -> None:
    (found,) = read(f"<html><body><p hidden>{SECRET}</p></body></html>".encode(), Request(".html", "x.html"))
    assert isinstance(found, Refused)


# -- Word ---------------------------------------------------------------------------------------------------


def word(*paragraphs: str, styles: str = "") -> bytes:
    body = "".join((paragraph(BEFORE), *paragraphs, paragraph(AFTER)))
    document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    sheet = f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>'
    return zipped({"word/document.xml": document, "word/styles.xml": sheet})


def run(properties: str, text: str = SECRET, of: str = "") -> str:
    return f"<w:p><w:pPr>{of}</w:pPr><w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def style(name: str, properties: str, rest: str = "") -> str:
    return f'<w:style w:type="paragraph" w:styleId="{name}">{rest}<w:rPr>{properties}</w:rPr></w:style>'


STYLES = (
    style("Ghost", "<w:vanish/>")
    + style("Child", "", '<w:basedOn w:val="Ghost"/>')
    + style("Self", "", '<w:basedOn w:val="Self"/>')
)


@pytest.mark.parametrize(
    "hidden",
    [
        run("<w:vanish/>"),
        run('<w:vanish w:val="1"/>'),
        run('<w:color w:val="FFFFFF"/>'),
        run('<w:color w:val="FFFF00"/><w:highlight w:val="yellow"/>'),
        run('<w:color w:val="1f3864"/><w:shd w:fill="1F3864"/>'),
        run('<w:sz w:val="2"/>'),
        run('<w:color w:val="auto" w:themeColor="background1"/>'),
        run('<w:color w:val="000000" w:themeColor="light1" w:themeShade="FE"/>'),
        run('<w:color w:themeColor="text1"/>', of='<w:shd w:fill="auto" w:themeFill="dark1"/>'),
        run('<w:color w:val="00000F" w:themeColor="text1" w:themeTint="02"/>'),
        run('<w:w w:val="1"/>'),
        run('<w:color w:val="FEFEFE"/>'),
        run('<w:color w:val="000081"/><w:shd w:fill="000080"/>'),
        f"<w:tbl><w:tr><w:trPr><w:hidden/></w:trPr><w:tc>{paragraph(SECRET)}</w:tc></w:tr></w:tbl>",
        f"<w:p><w:r><w:ruby><w:rt><w:r><w:t>{SECRET}</w:t></w:r></w:rt></w:ruby></w:r></w:p>",
        run('<w:rStyle w:val="Ghost"/>'),
        run("", of='<w:pStyle w:val="Ghost"/>'),
        run("", of='<w:pStyle w:val="Child"/>'),
        f"<w:p><w:del><w:r><w:delText>{SECRET}</w:delText></w:r></w:del></w:p>",
        f"<w:p><w:del><w:r><w:t>{SECRET}</w:t></w:r></w:del></w:p>",
        f"<w:p><w:moveFrom><w:r><w:t>{SECRET}</w:t></w:r></w:moveFrom></w:p>",
        f"<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc>{paragraph(SECRET)}</w:tc></w:tr></w:tbl>",
        f'<w:p><w:r><w:instrText>HYPERLINK "{SECRET}"</w:instrText></w:r></w:p>',
    ],
)
def test_what_a_word_file_hides_is_not_read(hidden: str) -> None:
    assert lines(word(hidden, styles=STYLES), ".docx") == [BEFORE, AFTER]


@pytest.mark.parametrize(
    "seen",
    [
        run('<w:vanish w:val="0"/>'),
        run('<w:vanish w:val="false"/>', of='<w:pStyle w:val="Ghost"/>'),
        run('<w:color w:val="FFFFFF"/><w:highlight w:val="black"/>'),
        run('<w:color w:val="FFFFFF"/><w:shd w:fill="1F3864"/>'),
        run('<w:color w:val="FFFFFF"/>', of='<w:shd w:fill="000000"/>'),
        run('<w:color w:val="auto"/>'),
        run('<w:color w:val="FFFFFF" w:themeColor="background1"/><w:shd w:fill="auto" w:themeFill="text1"/>'),
        run('<w:color w:val="FFFFFF" w:themeColor="background1" w:themeShade="80"/>'),
        run('<w:color w:val="auto" w:themeColor="accent1"/>'),
        run('<w:color w:val="999999"/><w:w w:val="90"/>'),
        run('<w:color w:val="FFFFFF"/><w:sz w:val="x"/>', of='<w:shd w:fill="nonsense"/>'),
        run("<w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange>"),
        f"<w:tbl><w:tr><w:trPr><w:hidden w:val='0'/></w:trPr><w:tc>{paragraph(SECRET)}</w:tc></w:tr></w:tbl>",
        run('<w:sz w:val="16"/>'),
        run("", of='<w:pStyle w:val="Self"/>'),
        f"<w:p><w:ins><w:r><w:t>{SECRET}</w:t></w:r></w:ins></w:p>",
    ],
)
def test_what_a_word_file_shows_is_read(seen: str) -> None:
    assert lines(word(seen, styles=STYLES), ".docx") == [BEFORE, SECRET, AFTER]


def test_blocks_of_a_word_file() -> None:
    box = f"<w:pict><w:txbxContent>{paragraph('We had no warning')}{paragraph('A. Dee')}</w:txbxContent></w:pict>"
    split = f"<w:p><w:r><w:t>The ferry sank </w:t>{box}<w:t>at once.</w:t></w:r></w:p>"
    cells = f"<w:tc>{paragraph('2021')}</w:tc><w:tc>{paragraph('Four')}</w:tc>"
    frame = f"<w:tc>{paragraph('One.')}{paragraph('Two.')}</w:tc><w:tc>{paragraph('Three.')}</w:tc>"
    joined = f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>All </w:t></w:r></w:p>{paragraph('lived.')}"
    body = f"{split}<w:tbl><w:tr>{cells}</w:tr><w:tr>{frame}</w:tr></w:tbl>{joined}"
    wanted = ["The ferry sank at once.", "We had no warning", "A. Dee", "2021 Four", "One.", "Two.", "Three."]
    assert lines(docx(body), ".docx") == [*wanted, "All lived."]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>It fell 4%<sup>1</sup> in May.</p>", "It fell 4%¹ in May."),
        ("<p>He said: <q>She <i>said</i> <q>No</q></q>.</p>", "He said: “She said ‘No’”."),
        ("<p>It <ruby>sank<rp>(</rp><rt>aid</rt><rp>)</rp></ruby> here.</p>", "It sank here."),
        ("<p>It is 12<sup><a href='#n'>3</a></sup> now.</p>", "It is 12³ now."),
        ("<p>H<sub>2</sub>O, 10<sup>6</sup> of it.</p>", "H₂O, 10⁶ of it."),
        ("<p>On the 1<sup>st</sup>, see<sup>[2]</sup> it.</p>", "On the 1st, see[2] it."),
    ],
)
def test_a_small_number_is_no_digit_of_the_figure_before_it(markup: str, text: str) -> None:
    assert text in lines(page(markup))


def test_a_small_number_of_a_book_and_of_atom_is_no_digit_either() -> None:
    body = "<p>It fell 4%<sup>1</sup> in May.</p>"
    assert lines(
        epub({"a.xhtml": f"<html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>"}), ".epub"
    ) == ["It fell 4%¹ in May."]
    entry = f"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>{body}</div></content>"
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry>{entry}</entry></feed>"
    assert lines(atom, ".xml") == ["It fell 4%¹ in May."]


def test_a_small_number_of_a_word_file_is_no_digit_of_the_figure_before_it() -> None:
    small = '<w:r><w:rPr><w:vertAlign w:val="{}"/></w:rPr><w:t>{}</w:t></w:r>'
    added = small.format("superscript", "1") + small.format("subscript", "22") + small.format("superscript", "th")
    assert lines(docx(paragraph("It fell 4%").replace("</w:p>", f"{added}</w:p>")), ".docx") == ["It fell 4%¹₂₂th"]


def test_notes_of_a_word_file_that_are_referred_to_stand_at_its_end() -> None:
    def note(number: int, text: str) -> str:
        return f'<w:footnote w:id="{number}">{paragraph(text)}</w:footnote>'

    places = (
        '<w:p><w:r><w:footnoteReference w:id="1"/></w:r><w:del><w:r><w:footnoteReference w:id="2"/></w:r></w:del></w:p>'
    )
    parts = {
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{paragraph(BEFORE)}{places}</w:body></w:document>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{WORD}">{note(1, AFTER)}{note(2, SECRET)}</w:footnotes>',
    }
    assert lines(zipped(parts), ".docx") == [BEFORE, AFTER]
    assert lines(
        zipped({"word/document.xml": f'<w:p xmlns:w="{WORD}"><w:r><w:t>{BEFORE}</w:t></w:r></w:p>'}), ".docx"
    ) == [BEFORE]
