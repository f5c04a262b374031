"""Two files of one name and two articles of one title can be distinguished wherever an article is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from browser import opened
from embedders import HashedWordsEmbedder
from playwright.sync_api import Browser, expect
from scripted import (
    AUDIT,
    COST_CONFLICT,
    EXAMPLES,
    LEDGER,
    OPEN_CLAIMS,
    OPENING,
    PLAIN,
    TUNNEL,
    ScriptedAnswerer,
    ScriptedIndex,
    scripted_load,
)
from served import ask, served, usable

from citewire.index.build import build_index
from citewire.index.search import search
from citewire.index.store import Index
from citewire.qa import corpus as about
from citewire.qa.entities import Entities
from citewire.qa.types import Answer, Claim, Quote
from citewire.ui.ask_routes import labels
from citewire.ui.chat import Loaded
from citewire.ui.console import print_answer
from citewire.ui.conversations import StoredConversation, StoredExchange
from citewire.ui.corpus import Choice, Corpus
from citewire.ui.exchange import Exchange
from citewire.ui.export import as_html, as_markdown
from citewire.ui.labels import bylines, card_in
from citewire.ui.render import plain_text

pytestmark = pytest.mark.slow  # processes, servers or real networks

TWIN = replace(TUNNEL, path="weekly/tunnel.txt", sha256="5")
BYLINE = "Northgate Herald, 11 Feb 2026, herald/tunnel.txt"
BEGINNING = "The harbour master reports to the whole council of the town:"
TWINS = ScriptedIndex((TUNNEL, LEDGER, PLAIN, TWIN))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of two folders with a file of the same name, twice with the same beginning."""
    folder = tmp_path_factory.mktemp("twins")
    for place, end in (("north", "The ferry sails on Monday."), ("south", "The ferry stays in the harbour.")):
        (folder / "news" / place).mkdir(parents=True)
        (folder / "news" / place / "report.txt").write_text(f"{BEGINNING} {end}")
        (folder / "news" / place / "other.txt").write_text(f"In the {place}: {end}")
    build_index([folder / "news"], folder / "index", HashedWordsEmbedder())
    return folder / "index"


def test_only_articles_that_look_alike_are_namesakes(index: Path) -> None:
    with Index.open(index) as opened_index:
        assert opened_index.namesakes == {"north/report.txt", "south/report.txt"}
        assert card_in(opened_index, "north/report.txt").byline == "date unknown, north/report.txt"
        assert card_in(opened_index, "north/other.txt").byline == "date unknown"


def test_the_list_of_articles_and_the_overview_tell_them_apart(index: Path) -> None:
    corpus = Corpus(index, HashedWordsEmbedder())
    places = {row.path: row.place for row in corpus.select(Choice()).rows}
    assert places == {
        "north/other.txt": "", "south/other.txt": "",
        "north/report.txt": "north/report.txt", "south/report.txt": "south/report.txt",
    }  # fmt: skip
    with Index.open(index) as opened_index:
        told = about.tell("overview", "", opened_index, lambda: Entities({}), HashedWordsEmbedder())
        named = [item.text for item in told.items if "harbour master" in item.text]
    assert [text.partition(")")[0].rpartition("(")[2] for text in named] == ["north/report.txt", "south/report.txt"]
    corpus.close()


def test_the_terminal_names_the_file_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(EXAMPLES[0], ScriptedAnswerer().stream(EXAMPLES[0]), lambda path: card_in(TWINS, path))
    said = capsys.readouterr().out
    assert f"{TUNNEL.title}, Northgate Herald, 11 Feb 2026 - herald/tunnel.txt:0-{len(OPENING)}\n" in said


def test_copies_exports_and_programs_get_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(EXAMPLES[0], EXAMPLES[0], "answered", "…", OPEN_CLAIMS)
    kept = StoredConversation("c" * 24, "Tunnel", (StoredExchange("1", EXAMPLES[0], answer, "2026-03-02"),))
    assert f"{TUNNEL.title}, {BYLINE} <https://" in as_markdown(kept, TWINS).replace("\\", "")
    assert f'<b>{TUNNEL.title}</b><span class="dim">{BYLINE}</span>' in as_html(kept, TWINS)
    assert "herald/tunnel.txt" not in as_html(kept, ScriptedIndex())  # no other source has the same name
    exchange = Exchange("1", EXAMPLES[0])
    exchange.apply(answer)
    assert f"{TUNNEL.title}, {BYLINE}, https://" in plain_text(exchange, lambda path: card_in(TWINS, path))
    told = labels(answer, TWINS)
    assert (told[TUNNEL.path]["place"], told[PLAIN.path]["place"]) == ("herald/tunnel.txt", "")


def test_values_that_differ_are_told_apart_by_title_where_the_byline_is_the_same() -> None:
    both = replace(LEDGER, outlet=TUNNEL.outlet, published=TUNNEL.published)
    index = ScriptedIndex((TUNNEL, both))
    said = [f"{one.title}, Northgate Herald, 11 Feb 2026" for one in (TUNNEL, both)]
    assert bylines(COST_CONFLICT.values, lambda path: card_in(index, path)) == said


def test_a_renamed_file_is_found_by_its_new_name_alone_and_an_old_answer_says_so(tmp_path: Path) -> None:
    embedder = HashedWordsEmbedder()
    (tmp_path / "news").mkdir()
    old = tmp_path / "news" / "old.txt"
    old.write_text(TUNNEL.text)
    build_index([tmp_path / "news"], tmp_path / "index", embedder)
    corpus = Corpus(tmp_path / "index", embedder)
    cited = Quote(1, "old.txt", 0, len(OPENING), OPENING)
    told = Answer("When?", "When?", "answered", "…", (Claim(OPENING, "supported", 0.9, "", True, (cited,)),))
    kept = StoredConversation("c" * 24, "Tunnel", (StoredExchange("1", "When?", told, "2026-03-02"),))
    assert "no longer" not in as_markdown(kept, corpus)
    old.rename(old.with_name("new.txt"))
    build_index([tmp_path / "news"], tmp_path / "index", embedder)
    found = search(corpus.refresh(), embedder, "When does the Harbour Tunnel open?")
    assert {hit.passage.article for hit in found} == {"new.txt"}
    for text in (as_markdown(kept, corpus), as_html(kept, corpus)):
        assert OPENING in text
        assert "no longer among the articles" in text
    corpus.close()


def test_the_page_names_the_file_on_chips_in_the_panel_and_in_notes(chromium: Browser, tmp_path: Path) -> None:
    load = scripted_load((TUNNEL, LEDGER, PLAIN, TWIN))
    with served(load, tmp_path / "kept.db") as address, opened(chromium, address) as page:
        ask(usable(page), EXAMPLES[0])
        chip = page.locator("#cw-chat a.cw-chip").first
        expect(chip).to_have_attribute("aria-label", f"Source 1: {TUNNEL.title}, herald/tunnel.txt")
        chip.hover()
        expect(page.locator(".cw-tip small").first).to_have_text(BYLINE)
        chip.click()
        expect(page.locator(".cw-row-title small").first).to_have_text(BYLINE)
        expect(page.locator(".cw-reader .cw-byline")).to_contain_text("11 Feb 2026, herald/tunnel.txt")
        page.locator("#cw-chat .cw-pin").click()
        page.get_by_role("button", name="Notes (1)").click()
        expect(page.locator(".cw-notes > li small").nth(1)).to_have_text(f"[1] {TUNNEL.title}, {BYLINE}")


def test_the_page_shows_a_quote_of_an_article_that_has_changed_as_it_was(chromium: Browser, tmp_path: Path) -> None:
    told: list[Callable[[ScriptedIndex], None]] = []

    def over(index: ScriptedIndex) -> Loaded:
        return Loaded(ScriptedAnswerer(), index, "scripted model", over=over)

    first = over(ScriptedIndex())
    kept = tmp_path / "kept.db"
    with served(lambda: first, kept, subscribe=told.append) as address, opened(chromium, address) as page:
        ask(usable(page), EXAMPLES[0])
        told[0](ScriptedIndex([replace(TUNNEL, text=f"Corrected. {AUDIT}."), PLAIN]))
        page.get_by_role("button", name="New chat").click()
        page.get_by_role("button", name="History").click()
        page.locator(".cw-history-open").click()
        page.locator("#cw-chat a.cw-chip", has_text="1").click()
        expect(page.locator(".cw-wait")).to_have_text(
            "The article has changed since it was quoted. This is what it said then:"
        )
        expect(page.locator("mark.cw-on")).to_have_text(OPENING)
