"""The renderer: untrusted text, the position of marks, and the lines around an answer."""

import html
import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

import pytest
from scripted import (
    ARTICLES,
    AUDIT,
    COST,
    COST_CLAIMS,
    COST_CONFLICT,
    GALLERY,
    GREETING,
    HITS,
    HOSTILE,
    LEAD,
    LEDGER,
    NOT_FOR_IT,
    OFFERED,
    OPEN_CLAIMS,
    OPENING,
    OVERVIEW,
    PAYLOADS,
    PLAIN,
    TUNNEL,
    ScriptedAnswerer,
    ScriptedIndex,
    claim,
    point,
    quote,
)

from citewire.index.types import Article, Filters
from citewire.qa.types import Answer, Checked, Claim, Draft, Quote, Searched, Status, Timings
from citewire.ui.exchange import Exchange, sources
from citewire.ui.labels import Card, card, card_or_gone, corpus_line, filter_line, human_date
from citewire.ui.render import (
    Mark,
    answer_html,
    answer_words,
    closing,
    error_html,
    escape,
    panel_value,
    paragraphs,
    plain_text,
    question_html,
    text_link,
    verbatim,
    verdict_words,
    welcome_html,
)

JUDGE = "Whether they answer the question is for you to judge."
COST_CLOSING = (
    f"2 of 4 sentences checked against a quote, reworded. {JUDGE} 1 sentence withheld: not in the sources."
    " 2 articles. 2.1 s."
)
BY_PATH = {article.path: article for article in ARTICLES}


def card_of(path: str) -> Card:
    return card(BY_PATH[path])


def finished(question: str) -> Exchange:
    """Run the scripted answerer to its end."""
    exchange = Exchange("t1", question)
    for event in ScriptedAnswerer().stream(question, (), stopped=lambda: True):
        exchange.apply(event)
    return exchange


def shown(exchange: Exchange) -> str:
    return answer_html(exchange, card_of, articles=3, last=True)


def hrefs(exchange: Exchange) -> set[str | None]:
    return {attributes["href"] for tag, attributes in Tags(shown(exchange)).seen if tag == "a"}


def words(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup))


class Tags(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_escape_shows_the_text_and_has_no_character_that_starts_markup(payload: str) -> None:
    markup = escape(payload)
    assert html.unescape(markup.replace("<br>", "\n")) == payload
    assert not re.search(r"[<>\"'`*_\[\]()!$\\{}|~:/@=\n-]", markup.replace("<br>", ""))


def test_escape_turns_control_characters_into_spaces_and_all_line_ends_into_breaks() -> None:
    assert escape("a\x00b\x1bc\u2028d\r\ne\vf") == "a b c<br>d<br>e<br>f"


def test_chat_messages_of_hostile_words_are_one_line_of_known_tags() -> None:
    exchange = finished("hostile " + " ".join(PAYLOADS))
    for markup in (
        shown(exchange),
        question_html(exchange),
        welcome_html(PAYLOADS),
        error_html(*PAYLOADS[:2]),
    ):
        assert "\n" not in markup
        for tag, attributes in Tags(markup).seen:
            assert tag in {"div", "p", "span", "strong", "a", "br", "ul", "li", "h2"}
            assert set(attributes) <= {"class", "href", "title"}
            assert re.fullmatch(r"#cw-[a-z]+-[A-Za-z0-9-]+", attributes.get("href") or "#cw-a-1")


def test_a_url_that_is_not_http_is_dropped() -> None:
    assert card(HOSTILE).url == ""
    assert card(replace(TUNNEL, url="data:text/html,x")).url == ""
    assert card(replace(TUNNEL, url="http://[")).url == ""
    assert card(TUNNEL).url == "https://example.org/herald/harbour-tunnel-may"


def test_card_without_title_is_its_opening_words_and_says_that_the_date_is_unknown() -> None:
    label = card(PLAIN)
    assert label.title == "“😀 A four-metre service gallery beside the northbound tube…”"
    assert label.byline == "date unknown"
    assert card(Article("a.txt", "", "0")).title == "a.txt"
    assert card(TUNNEL).byline == "Northgate Herald, 11 Feb 2026"


@pytest.mark.parametrize(
    ("published", "expected"), [("2026-02-01", "1 Feb 2026"), ("", ""), ("spring 2026", "spring 2026")]
)
def test_human_date(published: str, expected: str) -> None:
    assert human_date(published) == expected


def test_corpus_line_says_how_many_state_a_date() -> None:
    dated = [replace(TUNNEL, published=day) for day in ("2026-03-14", "2026-01-02")]
    undated = [replace(PLAIN, path=str(i)) for i in range(4)]
    assert corpus_line(dated) == "2 articles, 2 Jan to 14 Mar 2026"
    assert corpus_line([*dated, LEDGER]) == "3 articles from 2 outlets, 2 Jan to 14 Mar 2026"
    assert corpus_line([replace(TUNNEL, published="2025-06-29"), *undated]) == "5 articles, 1 dated: 29 Jun 2025"
    assert corpus_line([replace(TUNNEL, published="2025-06-29"), LEDGER]).endswith("29 Jun 2025 to 2 Mar 2026")
    assert corpus_line(undated) == "4 articles, none dated"
    assert corpus_line(undated * 300) == "1,200 articles, none dated"
    assert corpus_line([]) == "No articles"


@pytest.mark.parametrize("quoted", [OPENING, COST, "𝔉ire-safety tests were completed"])
def test_marks_cover_exactly_their_code_points(quoted: str) -> None:
    start = TUNNEL.text.index(quoted)
    cut = paragraphs(TUNNEL.text, [Mark("1", start, start + len(quoted))])
    assert "".join(s.text for line in cut for s in line if s.keys == ("1",)) == quoted
    assert [s.begins for line in cut for s in line if s.keys] == [("1",)]
    assert "\n\n".join("".join(s.text for s in line) for line in cut) == TUNNEL.text


def test_overlapping_marks_are_cut_at_every_edge() -> None:
    cut = paragraphs("abcdefgh", [Mark("1", 1, 5), Mark("2", 3, 7)])
    assert [(s.text, s.keys, s.begins) for s in cut[0]] == [
        ("a", (), ()),
        ("bc", ("1",), ("1",)),
        ("de", ("1", "2"), ("2",)),
        ("fg", ("2",), ()),
        ("h", (), ()),
    ]


def test_a_mark_over_a_paragraph_break_is_in_both_and_numbered_once() -> None:
    cut = paragraphs("one two\n\nthree four", [Mark("1", 4, 14)])
    assert [[(s.text, s.begins) for s in line if s.keys] for line in cut] == [
        [("two", ("1",))],
        [("three", ())],
    ]


def test_line_breaks_separate_paragraphs_only_where_there_are_no_blank_lines() -> None:
    lines, blocks = paragraphs("a\nb\n", []), paragraphs("a\nb\r\n \r\nc\n\n", [])
    assert [[s.text for s in line] for line in lines] == [["a"], ["b"]]
    assert [[s.text for s in line] for line in blocks] == [["a\nb"], ["c"]]


@pytest.mark.parametrize(("start", "end"), [(-5, 2), (6, 99), (4, 4), (5, 2)])
def test_marks_outside_the_text_lose_no_text(start: int, end: int) -> None:
    cut = paragraphs("abcdefgh", [Mark("1", start, end)])
    assert "".join(s.text for s in cut[0]) == "abcdefgh"


def test_answer_shows_each_sentence_with_the_numbers_of_its_quotes() -> None:
    markup = shown(finished("When does it open?"))
    assert words(markup).startswith(
        "The Harbour Tunnel opens to traffic on 18 May.1 Cyclists get a four-metre gallery, staffed from "
        "05:30 to 23:00.23"
    )
    hrefs = [attributes["href"] for tag, attributes in Tags(markup).seen if attributes.get("class") == "cw-chip"]
    assert hrefs == ["#cw-cite-t1-1", "#cw-cite-t1-2", "#cw-cite-t1-3"]


def test_flags_conflicts_and_withheld_sentences() -> None:
    markup = shown(finished("How much did it cost?"))
    assert "14 lanes" not in markup
    assert "not in sources" in words(markup).split("Sources disagree")[0]  # below the words, which do not move
    assert (
        "Sources disagreetotal cost of the tunnel€1.84 billion Northgate Herald, 11 Feb 20261€1.97 billion "
        "The Quay Ledger, 2 Mar 20262"
    ) in words(markup)
    assert markup.count('class="cw-unsupported"') == 1
    assert markup.count('class="cw-partial"') == 1
    assert ">not in sources</a>" in markup
    assert ">partly in sources</a>" in markup


def test_panel_marks_conflicts_and_gives_reasons() -> None:
    value = panel_value(finished("How much did it cost?"), card_of)
    assert [(s["key"], s["relation"], s["quote"]) for s in value["sources"]] == [
        ("1", "conflicts", COST),
        ("2", "conflicts", AUDIT),
    ]
    reworded = "Reworded: check it against the quote."
    unknown = "Whether it answers the question is for you to judge."
    assert value["claims"] == {
        "0": {"keys": ["1"], "verdict": "supported", "words": reworded, "answers": unknown},
        "1": {"keys": ["2"], "verdict": "supported", "words": reworded, "answers": unknown},
        "2": {
            "keys": ["1"],
            "verdict": "partial",
            "words": "Partly in the sources: The quote says 1.31 billion was approved, not spent.",
            "answers": unknown,
        },
        "3": {
            "keys": [],
            "verdict": "unsupported",
            "words": "Not in the sources: “most expensive” is in no quote.",
            "answers": "",
        },
    }
    assert value["articles"][TUNNEL.path]["rank"] == "Best match"
    assert value["articles"][LEDGER.path]["rank"] == "Match 3 of 4"
    assert value["articles"][LEDGER.path]["strength"] == 0.5


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        (claim("x", "supported"), "Reworded: check it against the quote."),
        (claim(f"Yes: {OPENING}", "supported", quote(1, TUNNEL, OPENING)), "Quoted word for word."),
        (claim("x", "partial"), "Partly in the sources: the quote says only part of it."),
        (claim("x", "unsupported", reason="7 is in no quote. "), "Not in the sources: 7 is in no quote."),
        (claim("x", "unsupported"), "Not in the sources: no sentence of them says this."),
    ],
)
def test_a_verdict_says_its_reason(claimed: Claim, expected: str) -> None:
    assert verdict_words(claimed) == expected


def test_what_answers_the_question_is_told_apart_from_what_is_supported() -> None:
    answer = finished("When does it open?").answer
    assert answer
    told = [answer_words(claim, replace(answer, short="18 May")) for claim in answer.claims]
    assert told == [
        "Read as answering the question: “18 May”.",
        "It stands beside the sentence that was read as answering the question.",
    ]
    for short, expected in (
        ("18 May", "1 of 2 read as answering the question: “18 May”."),
        ("8 May", JUDGE),
        ("<b>", JUDGE),
    ):
        exchange = Exchange("t1", "When does it open?")
        exchange.apply(replace(answer, short=short))
        assert expected in closing(exchange)
    computed = replace(answer, short="530 million")  # in no quote
    assert {answer_words(claim, computed) for claim in answer.claims} == {
        "Whether it answers the question is for you to judge."
    }
    assert answer_words(claim("x", "unsupported"), answer) == ""


@pytest.mark.parametrize(
    ("url", "quote", "expected"),
    [
        ("", "words", ""),
        ("https://a.org/x", "", "https://a.org/x"),
        ("https://a.org/x", "in 2019, he said", "https://a.org/x#:~:text=in%202019%2C%20he%20said"),
        ("https://a.org/x?q=1#top", "two-year & \n“5%”", "https://a.org/x?q=1#top:~:text=two%2Dyear%20%26%20%E2%80%9C5%25%E2%80%9D"),
        ("https://a.org", " ".join("abcdefghijklm"), "https://a.org#:~:text=a%20b%20c%20d%20e,i%20j%20k%20l%20m"),
    ],
)  # fmt: skip
def test_a_link_opens_the_original_at_the_quote(url: str, quote: str, expected: str) -> None:
    assert text_link(url, quote) == expected


def test_each_source_links_to_its_place_in_the_original() -> None:
    found = panel_value(finished("When does it open?"), card_of)["sources"]
    assert [source["link"] for source in found] == [
        "https://example.org/herald/harbour-tunnel-may#:~:text=Northgate%E2%80%99s%20Harbour%20Tunnel%20will%20open,"
        "transport%20chief%20Ines%20Okafor%20said.",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), ""),
        (Filters(outlets=("A",)), "Only A"),
        (Filters(outlets=("A", "B", "C"), published_to="2026-03-01"), "Only A, B and 1 other outlet, to 1 Mar 2026"),
        (Filters(published_from="2026-01-02", published_to="2026-03-01"), "Only from 2 Jan 2026 to 1 Mar 2026"),
        (Filters(articles=("a", "b")), "Only 2 chosen articles"),
        (Filters(articles=(TUNNEL.path,)), "Only “Harbour Tunnel to open in May after two-year delay”"),
        (Filters(articles=("gone.txt",), outlets=("A",)), "Only “gone.txt”, A"),
    ],
)
def test_a_filter_is_said_in_words(filters: Filters, expected: str) -> None:
    assert filter_line(filters, partial(card_or_gone, ScriptedIndex())) == expected


@pytest.mark.parametrize(("question", "refused"), [("What is the toll?", True), ("When does it open?", False)])
def test_what_is_sought_after_an_answer_changes_nothing_of_what_is_drawn(question: str, refused: bool) -> None:
    exchange = finished(question)
    markup = shown(exchange)
    assert markup.endswith('<div class="cw-suggestions cw-sought-t1"></div></div>')
    exchange.suggest("Is it <b>free</b>?")
    assert shown(exchange) == markup
    value = panel_value(exchange, card_of)
    assert value["suggestions"] == ["Is it <b>free</b>?"]
    assert (value["suggesting"], value["refused"]) == (True, refused)


def test_a_lead_stands_without_numbers_before_the_items_of_a_list() -> None:
    exchange = Exchange("t1", OVERVIEW.question)
    for event in ScriptedAnswerer().stream(OVERVIEW.question):
        exchange.apply(event)
        assert (exchange.kind, exchange.lead, exchange.listed) == ("corpus", LEAD, True)
    markup = shown(exchange)
    lead, items = re.fullmatch(r'<div class="cw-answer"><p class="cw-lead">(.*?)</p><ul class="cw-text">(.*?)</ul>.*',
                               markup).groups()  # type: ignore[union-attr]  # fmt: skip
    assert html.unescape(lead) == LEAD
    assert [words(item) for item in items.removesuffix("</li>").split("</li>")] == [
        f"{OPENING}1", f"{GALLERY}.2", f"{AUDIT}.3"
    ]  # fmt: skip
    assert closing(exchange) == "3 of 3 items checked against a quote, quoted word for word. 3 articles. 0.2 s."
    assert [s.label for s in sources(exchange)] == ["1", "2", "3"]
    assert plain_text(exchange, card_of).startswith(
        f"{OVERVIEW.question}\n\n{LEAD}\n\n- {OPENING} [1]\n- {GALLERY}. [2]\n- {AUDIT}. [3]\n\n3 of 3 items"
    )
    assert words(markup).endswith("".join(["You can also ask:", *OFFERED]))
    assert panel_value(exchange, card_of)["suggestions"] == list(OFFERED)


def test_a_list_is_drawn_as_one_while_it_is_written_and_when_it_is_stopped() -> None:
    exchange = Exchange("t1", "q")
    exchange.apply(Searched("q", (), "summary", "", True))
    assert "Looking through 3 articles" in shown(exchange)
    exchange.apply(Checked(OPEN_CLAIMS[0]))
    exchange.apply(Draft("Cyclists get"))
    assert '</a></span></span></li><li><span class="cw-draft">Cyclists get</span></li></ul>' in shown(exchange)
    cut = exchange.cut()
    assert (cut.kind, cut.listed, cut.text) == ("summary", True, f"- {OPEN_CLAIMS[0].text} [1]")
    exchange.lead = LEAD
    assert exchange.cut().text == f"{LEAD}\n- {OPEN_CLAIMS[0].text} [1]"


def test_a_greeting_is_answered_in_own_words_with_questions_and_nothing_else() -> None:
    exchange = finished("hello")
    exchange.kept = "abc"
    assert words(shown(exchange)) == GREETING + "Export" + "".join(["You can also ask:", *OFFERED[:3]])
    assert closing(exchange) == ""
    assert panel_value(exchange, card_of)["kind"] == "talk"
    assert plain_text(exchange, card_of) == f"hello\n\n{GREETING}\n"


def test_what_is_no_matter_of_articles_is_refused_in_a_friendlier_way() -> None:
    exchange = finished("Write a poem.")
    markup = words(shown(exchange))
    exchange.hits = HITS  # which were found before it was understood
    assert sources(exchange) == []
    assert markup == words(shown(exchange))
    assert markup.startswith("Not something I can do" + NOT_FOR_IT.text)
    assert "no quote supports" not in markup
    assert markup.endswith("".join(["You can also ask:", *OFFERED[:3]]))
    assert closing(exchange) == ""


def test_questions_sought_after_a_refusal_join_those_of_the_answer() -> None:
    exchange = finished("Write a poem.")
    exchange.suggest(OFFERED[1], "Who audits it?")
    assert exchange.offered == (*OFFERED[:3], "Who audits it?")


def test_only_a_kept_answer_can_be_rated_and_exported() -> None:
    exchange = finished("When does it open?")
    assert not {"#cw-right-t1", "#cw-more-t1"} & hrefs(exchange)
    exchange.kept = "abc"
    assert {"#cw-right-t1", "#cw-wrong-t1", "#cw-more-t1"} <= hrefs(exchange)
    assert panel_value(exchange, card_of)["kept"] == "abc"
    exchange.fail("The model broke off", "Press Retry.")  # the question is stored, the drafts are not
    assert "#cw-right-t1" not in hrefs(exchange)


def test_a_conflict_value_without_a_quote_gets_a_letter() -> None:
    answer = Answer("q", "q", "answered", "", claims=COST_CLAIMS[:1], conflicts=(COST_CONFLICT,), hits=HITS)
    exchange = Exchange("t1", "q")
    exchange.apply(answer)
    assert [(s.key, s.quote) for s in sources(exchange)] == [("1", COST), ("A", AUDIT)]
    assert 'href="#cw-cite-t1-A"' in shown(exchange)


def test_a_course_has_its_days_beside_its_sentences() -> None:
    points = (
        point("2026-02-11", "2026-02-11", False, TUNNEL, COST),
        point("2026-03-02", "2026-03-02", True, LEDGER, AUDIT),
    )
    answer = Answer("q", "q", "answered", "", claims=COST_CLAIMS[:2], timeline=points, hits=HITS, listed=True)
    exchange = Exchange("t1", "q")
    exchange.apply(answer)
    said = words(shown(exchange))
    assert said.startswith(f"reported 11 Feb 2026 {COST_CLAIMS[0].text}12 Mar 2026 {COST_CLAIMS[1].text}2")
    assert f"- 2 Mar 2026: {COST_CLAIMS[1].text} [2]\n" in plain_text(exchange, card_of)


def test_a_long_question_that_was_searched_for_is_cut_and_whole_where_one_points() -> None:
    whole = " ".join(["When does the “harbour” tunnel open?"] * 30)
    exchange = finished("When?")
    exchange.standalone = whole
    (line,) = re.findall(r'<p class="cw-searched".*?</p>', shown(exchange))
    assert len(words(line)) <= 160
    assert words(line).endswith(" ...")
    assert [attributes["title"] for tag, attributes in Tags(line).seen] == [f"Searched for: {whole}"]


def test_what_was_stopped_is_neither_answered_nor_lacking() -> None:
    exchange = Exchange("t1", "q", hits=HITS)
    exchange.apply(exchange.cut())
    assert {source.relation for source in sources(exchange)} == {"found"}
    assert panel_value(exchange, card_of)["stopped"] is True


def test_abstained_answer_has_no_numbers_and_lists_what_was_found() -> None:
    exchange = finished("What is the toll?")
    markup = shown(exchange)
    assert words(markup).startswith("No supported answerThe 3 articles do not say this.")
    assert "cw-chip" not in markup
    assert [(s.label, s.relation, s.quote) for s in sources(exchange)] == [("", "related", hit.text) for hit in HITS]


def test_passages_found_come_before_the_text_and_numbers_replace_them() -> None:
    exchange = Exchange("t1", "q")
    exchange.apply(Searched("q", HITS))
    exchange.apply(Draft("Cyclists <b>"))
    assert {source.relation for source in sources(exchange)} == {"found"}
    assert '<span class="cw-draft">Cyclists &#60;b&#62;</span>' in shown(exchange)
    exchange.claims.append(OPEN_CLAIMS[1])
    assert sources(exchange)[0].quote == GALLERY


def test_another_question_than_the_asked_one_is_shown() -> None:
    assert "Searched for: Is the tunnel's gallery free" in words(shown(finished("reader?")))
    assert "Searched for" not in words(shown(finished("When does it open?")))


@pytest.mark.parametrize(
    ("status", "claims", "expected"),
    [
        ("answered", OPEN_CLAIMS, f"2 of 2 sentences checked against a quote, reworded. {JUDGE} 2 articles. 2.1 s."),
        (
            "answered",
            (replace(OPEN_CLAIMS[0], text=f"Okafor: {OPENING}"), OPEN_CLAIMS[1]),
            f"2 of 2 sentences checked against a quote, 1 of them quoted word for word. {JUDGE} 2 articles. 2.1 s.",
        ),
        (
            "partial",
            COST_CLAIMS,
            COST_CLOSING,
        ),
        ("abstained", COST_CLAIMS[-1:] * 2, "2 sentences withheld: not in the sources. 2.1 s."),
        ("stopped", (), "Stopped before there was an answer. Ask it again."),
    ],
)
def test_closing_line(status: Status, claims: tuple, expected: str) -> None:  # type: ignore[type-arg]
    exchange = Exchange("t1", "q")
    exchange.apply(Answer("q", "q", status, "", claims=claims, timings=Timings(total_s=2.13)))
    assert closing(exchange) == expected


def test_the_closing_line_names_the_model_where_there_is_another() -> None:
    exchange = Exchange("t1", "q", by="careful")
    exchange.apply(Answer("q", "q", "answered", "", claims=OPEN_CLAIMS[:1], timings=Timings(total_s=2.13)))
    assert closing(exchange) == (
        "1 of 1 sentence checked against a quote, reworded. Whether it answers the question is for you to judge."
        " 1 article. By the careful model. 2.1 s."
    )


def test_an_answer_that_was_kept_says_so_in_place_of_its_time() -> None:
    exchange = Exchange("t1", "q")
    timings = Timings(total_s=0.002, cached=True)
    exchange.apply(Answer("q", "q", "answered", "", claims=OPEN_CLAIMS[:1], timings=timings))
    assert closing(exchange) == (
        "1 of 1 sentence checked against a quote, reworded. Whether it answers the question is for you to judge."
        " 1 article. Answered before."
    )


def test_a_quote_with_a_number_in_brackets_is_word_for_word() -> None:
    quote = Quote(1, "a.txt", 0, 12, "It cost 5 [7].")
    assert verbatim(Claim("It cost 5 (7).", "supported", 1.0, "", True, (quote,))) == [quote]


def test_failed_answer_says_what_failed_and_keeps_what_was_shown() -> None:
    markup = shown(finished("This failed"))
    assert words(markup).startswith("The Harbour Tunnel opens to traffic on 18 May.1The model ran out of memory")
    assert "#cw-retry-t1" in markup


def test_only_the_last_answer_offers_retry() -> None:
    markup = answer_html(finished("When?"), card_of, articles=3, last=False)
    assert "#cw-copy-t1" in markup
    assert "#cw-retry-t1" not in markup


def test_plain_text_copy() -> None:
    assert plain_text(finished("How much did it cost?"), card_of) == (
        "How much did it cost?\n\n"
        "The city put the cost at €1.84 billion. [1] The audit office puts it at €1.97 billion. [2] "
        "It was finished in 2019 for €1.31 billion. [1] (partly in sources) "
        "It is the most expensive road project in the region’s history. (not in sources)\n\n"
        "Sources disagree: total cost of the tunnel\n"
        "- €1.84 billion (Northgate Herald, 11 Feb 2026) [1]\n"
        "- €1.97 billion (The Quay Ledger, 2 Mar 2026) [2]\n\n"
        f"{COST_CLOSING}\n\n"
        f"[1] “{COST}”\n    Harbour Tunnel to open in May after two-year delay, Northgate Herald, "
        "11 Feb 2026, https://example.org/herald/harbour-tunnel-may\n"
        f"[2] “{AUDIT}”\n    Auditors put tunnel bill at €1.97 billion, The Quay Ledger, 2 Mar 2026, "
        "https://example.org/ledger/tunnel-audit\n"
    )


def test_a_quote_of_a_pdf_names_its_page() -> None:
    paged = card(Article("a.pdf", "One. Two. Three.", "", "Report", "Daily", pages=(0, 5, 5, 10)))
    assert [paged.page(*span) for span in ((0, 4), (5, 9), (10, 16), (0, 9))] == ["p. 1", "p. 3", "p. 4", "pp. 1–3"]
    assert paged.byline_at(5, 9) == "Daily, date unknown, p. 3"
    assert card(Article("a.txt", "One.", "", "Report", "Daily")).byline_at(0, 4) == "Daily, date unknown"
