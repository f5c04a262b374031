"""Exports of a conversation: their contents, links from numbers to quotes in a browser, and escaped texts."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path

from browser import DESK, PHONE, opened
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, expect
from scripted import (
    AUDIT,
    COST,
    COST_CLAIMS,
    COST_CONFLICT,
    GALLERY,
    GREETING,
    HITS,
    HOSTILE,
    HOSTILE_CLAIMS,
    HOSTILE_CONFLICT,
    LEAD,
    NOT_FOR_IT,
    OFFERED,
    OPEN_CLAIMS,
    OPENING,
    OVERVIEW,
    PAYLOADS,
    PLAIN,
    TALK,
    TUNNEL,
    ScriptedIndex,
    hit,
)

from citewire.index.types import Article
from citewire.qa.types import Answer, Claim, Status, TimelinePoint, Timings
from citewire.ui.answer_json import answer_from_json
from citewire.ui.conversations import Beside, StoredConversation, StoredExchange
from citewire.ui.export import CONTEXT_CHARS, as_html, as_json, as_markdown
from citewire.ui.labels import in_marks

QUESTIONS = ("When does the Harbour Tunnel open?", "How much did it cost?", "What is the toll?", "Who is the mayor?")
POINTS = (TimelinePoint("2026-02-11", "2026-02-11", False, TUNNEL.path, TUNNEL.text.index(COST), 500, COST),)


def answer(
    question: str, standalone: str, status: Status, text: str, claims: tuple[Claim, ...], **more: object
) -> Answer:
    fields = {"hits": HITS, "timings": Timings(total_s=2.13), **more}
    return Answer(question, standalone, status, text, claims, **fields)  # type: ignore[arg-type]


def stored(title: str, *answers: Answer) -> StoredConversation:
    exchanges = [StoredExchange(f"{n:x}" * 24, one.question, one, "2026-03-03T10:00:00.000+00:00")
                 for n, one in enumerate(answers, 1)]  # fmt: skip
    return StoredConversation("c" * 24, title, tuple(exchanges))


CONVERSATION = stored(
    "The Harbour Tunnel",
    answer(QUESTIONS[0], QUESTIONS[0], "answered", "…", OPEN_CLAIMS, as_of="2026-02-11"),
    answer(QUESTIONS[1], "How much did the Harbour Tunnel cost?", "partial", "…", COST_CLAIMS,
           conflicts=(COST_CONFLICT,), timeline=POINTS),
    answer(QUESTIONS[2], QUESTIONS[2], "abstained", "The 3 articles do not say this [1].", (COST_CLAIMS[-1],)),
    answer(QUESTIONS[3], QUESTIONS[3], "failed", "The model ran out of memory.", ()),
)  # fmt: skip
EVIL_HITS = tuple(hit(HOSTILE, payload, 0.03) for payload in PAYLOADS)
EVIL = stored(
    " ".join(PAYLOADS),
    answer(" ".join(PAYLOADS), PAYLOADS[1], "partial", " ".join(PAYLOADS), HOSTILE_CLAIMS, hits=EVIL_HITS,
           conflicts=(HOSTILE_CONFLICT,)),
    *(answer(payload, payload, "abstained", payload, (), hits=EVIL_HITS[n : n + 1])
      for n, payload in enumerate(PAYLOADS)),
    *(answer(payload, payload, "failed", payload, (), hits=()) for payload in PAYLOADS[:3]),
)  # fmt: skip
INDEX = ScriptedIndex((*ScriptedIndex().articles(), HOSTILE))


def saved(text: str, folder: Path) -> str:
    file = folder / "conversation.html"
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


# HTML


def test_numbers_lead_to_the_exact_quotes_without_a_server(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, saved(as_html(CONVERSATION, INDEX), tmp_path)) as page:
        expect(page.locator("h1")).to_have_text("The Harbour Tunnel")
        expect(page.locator("h2")).to_have_text(QUESTIONS)
        number = page.locator("section").nth(1).locator(".text a.number", has_text="2")
        number.click()
        target = page.locator("li:target")
        expect(target.locator("mark")).to_have_text(AUDIT)
        assert target.locator("mark").text_content() == AUDIT
        expect(target.locator("mark")).to_be_in_viewport()
        assert "rgb(255, 211, 77)" in target.locator("mark").evaluate("e => getComputedStyle(e).backgroundColor")
        expect(target).to_contain_text("The Quay Ledger, 2 Mar 2026")
        expect(target.locator("a", has_text="Original")).to_have_attribute(
            "href", "https://example.org/ledger/tunnel-audit"
        )
        target.locator("a.number").click()  # and back
        expect(page.locator("a.number:target")).to_have_text("2")
        expect(page.locator("a.number:target")).to_be_in_viewport()
        first = page.locator("section").nth(0)
        first.locator(".text a.number", has_text="1").focus()
        page.keyboard.press("Enter")
        assert page.locator("li:target mark").text_content() == OPENING


def test_each_state_of_an_answer_is_in_the_page(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, saved(as_html(CONVERSATION, INDEX), tmp_path), PHONE, dark=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        opening, cost, toll, mayor = page.locator("section").all()
        expect(opening).to_contain_text("2 of 2 sentences checked against a quote, reworded.")
        expect(cost).to_contain_text("Searched for: How much did the Harbour Tunnel cost?")
        expect(cost.locator(".conflict")).to_contain_text("€1.97 billion The Quay Ledger, 2 Mar 2026")
        expect(cost.locator(".conflict a.orange")).to_have_text(["1", "2"])
        expect(cost.locator(".text")).to_contain_text("reported 11 Feb 2026 ")
        expect(cost.locator(".doubt").nth(0)).to_have_text(
            "partly in sources: The quote says 1.31 billion was approved, not spent."
        )
        expect(cost.locator(".unsupported")).to_have_text(COST_CLAIMS[3].text)
        assert "14 lanes" not in cost.inner_text()  # withheld
        expect(toll.locator(".box")).to_contain_text("The 3 articles do not say this.")
        expect(toll.locator("h3")).to_have_text("Related passages, not used")
        expect(toll.locator("blockquote")).to_have_count(4)
        expect(toll.locator("mark")).to_have_count(0)  # similar to the question, but no evidence
        expect(toll.locator("a.number")).to_have_count(0)
        expect(mayor.locator(".failed")).to_have_text("The model ran out of memory.")


def test_a_quote_stands_in_its_article() -> None:
    page = as_html(CONVERSATION, INDEX)
    start = TUNNEL.text.index(COST)
    quoted = page[page.index('<li id="q2-1">') :].partition("</li>")[0]
    before, mark, after = (html.unescape(part) for part in quoted.partition(f"<mark>{html.escape(COST, False)}</mark>"))
    assert mark
    shown = before.rpartition("<blockquote>")[2]
    assert shown.startswith("… ")
    assert TUNNEL.text[:start].endswith(shown[2:])
    assert len(shown) <= CONTEXT_CHARS + 2
    assert TUNNEL.text[start + len(COST) :] == after.removesuffix("</blockquote>")


def test_articles_that_are_gone_or_changed_are_quoted_without_context() -> None:
    changed = Article(TUNNEL.path, "Another text " * 100, "9", title="New words")
    only = ScriptedIndex((changed, PLAIN))
    for page in (as_html(CONVERSATION, only), as_markdown(CONVERSATION, only)):
        assert "New words, date unknown, changed since it was quoted" in page.replace('</b><span class="dim">', ", ")
        assert "Another text" not in page
        assert "ledger/audit.txt, no longer among the articles" in page.replace('</b><span class="dim">', ", ")
    assert f"<blockquote><mark>{html.escape(COST, False)}</mark></blockquote>" in as_html(CONVERSATION, only)


# Markdown and JSON


def test_a_quote_that_begins_or_ends_with_quotation_marks_gets_no_more() -> None:
    told = ["The ferry\nsank.", "“It sank,” she said.", 'She said: "It sank."', "A “night” ferry sank."]
    assert [in_marks(one) for one in told] == ["“The ferry sank.”", *told[1:3], "“A “night” ferry sank.”"]


def test_markdown_holds_answers_and_their_quotes() -> None:
    text = as_markdown(CONVERSATION, INDEX)
    assert text.startswith("# The Harbour Tunnel\n\n## When does the Harbour Tunnel open?\n")
    assert "The Harbour Tunnel opens to traffic on 18 May. \\[1\\] Cyclists get a four-metre gallery, staffed" in text
    assert (
        f"- **\\[1\\]** “{OPENING}”\\\n  Harbour Tunnel to open in May after two-year delay, Northgate Herald, " in text
    )
    assert "<https://example.org/herald/harbour-tunnel-may>" in text
    assert "- **€1.97 billion** (The Quay Ledger, 2 Mar 2026) \\[2\\]" in text
    assert "**reported 11 Feb 2026** " in text
    assert "*(partly in sources: The quote says 1.31 billion was approved, not spent.)*" in text
    assert "Related passages, not used:\n\n- “Northgate’s" in text
    assert "**The model ran out of memory.**" in text
    assert "14 lanes" not in text


def test_what_stands_beside_an_answer_is_in_markdown() -> None:
    narrowed = replace(CONVERSATION.exchanges[0], beside=Beside("Only Northgate Herald", quotes_only=True))
    text = as_markdown(replace(CONVERSATION, exchanges=(narrowed,)), INDEX)
    assert "\n*Only Northgate Herald*\n" in text
    assert "Quotes only, without the model's words." in text


def test_json_holds_the_answer_objects() -> None:
    found = json.loads(as_json(CONVERSATION, INDEX))
    assert found["title"] == "The Harbour Tunnel"
    answers = [answer_from_json(json.dumps(one["answer"])) for one in found["exchanges"]]
    assert answers == [one.answer for one in CONVERSATION.exchanges]
    assert found["articles"][TUNNEL.path]["url"] == TUNNEL.url
    assert found["articles"]["ledger/audit.txt"]["date"] == "2 Mar 2026"
    assert sorted(found["articles"]) == ["herald/tunnel.txt", "ledger/audit.txt", "plain/gallery.txt"]


# citewire's own words, and lists


def test_a_lead_and_a_list_are_in_every_export(chromium: Browser, tmp_path: Path) -> None:
    kept = stored("Start", TALK, OVERVIEW, NOT_FOR_IT)
    text = as_markdown(kept, INDEX)
    assert f"\n## hello\n\n{GREETING}\n\n## What are these articles about?\n\n{LEAD}\n\n- {OPENING} \\[1\\]\n" in text
    checked = "3 of 3 items checked against a quote, quoted word for word. 3 articles. 0.2 s."
    assert f"\n- {AUDIT}. \\[3\\]\n\n*{checked}*\n" in text
    assert text.endswith(f"## Write a poem.\n\n{NOT_FOR_IT.text}\n")
    told = json.loads(as_json(kept, INDEX))["exchanges"][1]["answer"]
    assert (told["kind"], told["lead"], told["listed"], told["offered"]) == ("corpus", LEAD, True, list(OFFERED))
    with opened(chromium, saved(as_html(kept, INDEX), tmp_path)) as page:
        hello, about, poem = page.locator("section").all()
        expect(hello.locator(".answer")).to_have_text(GREETING)
        expect(about.locator("p.text")).to_have_text(LEAD)
        expect(about.locator("ul.text > li")).to_have_text([f"{OPENING} 1", f"{GALLERY}. 2", f"{AUDIT}. 3"])
        about.locator("ul.text a.number", has_text="3").click()
        expect(page.locator("li:target mark")).to_have_text(AUDIT)
        expect(poem.locator(".box")).to_have_text(f"Not something I can do{NOT_FOR_IT.text}")


# hostile texts

OUR_TAGS = set(
    "html head meta title style body header h1 h2 h3 p main section div aside ol ul li a b strong span small blockquote"
    " mark".split()
)


def test_hostile_words_are_words_in_the_page(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, saved(as_html(EVIL, INDEX), tmp_path), DESK) as page:
        for link in page.locator("a.number").all()[::5]:
            link.click()
        assert page.evaluate("window.pwned") is None
        tags = page.evaluate("[...document.querySelectorAll('*')].map((e) => e.localName)")
        assert set(tags) <= OUR_TAGS
        assert page.locator("a:not([href^='#'])").count() == 0
        attributes = page.evaluate(
            "[...new Set([...document.querySelectorAll('body *')].flatMap((e) => e.getAttributeNames()))]"
        )
        assert set(attributes) <= {"class", "href", "id", "title", "rel"}
        for payload in PAYLOADS:
            assert " ".join(payload.split()) in " ".join((page.locator("main").text_content() or "").split())


def test_the_policy_stops_what_would_come_through(chromium: Browser, tmp_path: Path) -> None:
    text = as_html(CONVERSATION, INDEX)
    injected = text.replace("<main>", "<main><script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"
                            "<style>h1{color:red}</style>")  # fmt: skip
    assert injected != text
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(saved(injected, tmp_path))
        assert page.evaluate("window.pwned") is None
        assert page.locator("h1").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
        assert (
            page.locator("body").evaluate("e => getComputedStyle(e).maxWidth") == "1216px"
        )  # citewire's own style wins


def test_hostile_words_are_words_in_markdown() -> None:
    text = as_markdown(EVIL, INDEX)
    renderer = MarkdownIt("gfm-like", {"linkify": False}).enable(["table", "strikethrough"])
    tokens = [token for block in renderer.parse(text) for token in [block, *(block.children or ())]]
    kinds = {token.type for token in tokens}
    allowed = {"heading", "paragraph", "bullet_list", "list_item", "em", "strong"}
    assert kinds <= {f"{kind}_{side}" for kind in allowed for side in ("open", "close")} | {
        "inline", "text", "text_special", "hardbreak", "softbreak",
    }  # fmt: skip
    shown = " ".join("".join(token.content for token in tokens if token.type in ("text", "text_special")).split())
    for payload in PAYLOADS:
        assert " ".join(payload.split()) in shown
    for opener in ("{{", "${", "$$", "https://", "http://"):
        assert opener not in text


def test_addresses_that_would_end_a_link_are_encoded() -> None:
    odd = Article("odd.txt", OPENING, "1", title="Odd", url="https://example.org/a>b <c>)](x)\n'\"")
    one = stored("Odd", answer("q", "q", "answered", "", (OPEN_CLAIMS[0],), hits=(hit(TUNNEL, OPENING, 1.0),)))
    index = ScriptedIndex((replace(odd, path=TUNNEL.path),))
    text = as_markdown(one, index)
    assert "<https://example.org/a%3Eb%20%3Cc%3E%29%5D%28x%29%0A'%22>" in text
    assert 'href="https://example.org/a' in as_html(one, index)
