"""Answers about the articles as a whole, on invented articles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from conftest import indexed

from citewire.index.maintenance import remove
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Filters
from citewire.qa.corpus import ITEMS, NO_FILTERS, Told, _and, _words_of, is_from, tell
from citewire.qa.entities import Entities, read_entities


class Ask(Protocol):
    """`tell` on the few articles."""

    def __call__(
        self,
        intent: str,
        topic: str = "",
        filters: Filters = NO_FILTERS,
        days: tuple[str, str] | None = None,
        one: bool = False,
        origin: bool = False,
    ) -> Told: ...


def article(title: str, outlet: str, day: str, *paragraphs: str) -> str:
    """An article as Markdown with front matter."""
    known = {"title": title, "outlet": outlet, "date": day}
    front = "\n".join(f'{name}: "{value}"' for name, value in known.items() if value)
    return f"---\n{front}\n---\n\n" + "\n\n".join(paragraphs) + "\n"


FERRY = (
    "Lund Lines will sell its two night ferries to Nordic Shipping before the summer ends.",
    "It needs the money. Why now?",
    "Maria Jensen, the chief executive of Lund Lines, told reporters in Oslo that fares had fallen for three years.",
    "Jensen said that the sale would not cost any jobs on the ferries.",
)
FEW = {
    "ferry.md": article("Lund Lines sells its night ferries", "The Courier", "2026-02-11", *FERRY),
    "copy.md": article("Lund Lines sells its night ferries", "The Herald", "2026-02-12", *FERRY),
    "bank.md": article(
        "Marbank raises its rate again",
        "The Courier",
        "2026-01-05",
        "The Marbank raised its main rate to 4.5 percent on Monday, the third rise within a year.",
        "Rosa Lindqvist, its governor, said in Copenhagen that prices were still rising too fast.",
        "Many households in Denmark will pay more for their mortgages, economists at Nordic Shipping said.",
    ),
    "owl.md": article(
        "", "", "", "A snowy owl was seen on the roof of the town hall in Bergen by a group of pupils last week."
    ),
}


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[tuple[Index, Entities]]:
    folder = tmp_path_factory.mktemp("few")
    with indexed(FEW, folder, embedder) as index:
        yield index, read_entities(index, folder / "index")


@pytest.fixture
def ask(few: tuple[Index, Entities], embedder: Embedder) -> Ask:
    def asked(
        intent: str,
        topic: str = "",
        filters: Filters = NO_FILTERS,
        days: tuple[str, str] | None = None,
        one: bool = False,
        origin: bool = False,
    ) -> Told:
        return exact(few[0], tell(intent, topic, few[0], lambda: few[1], embedder, filters, days, one, origin))

    return asked


def exact(index: Index, told: Told) -> Told:
    """Check that every item ends with its exact quote; return `told`."""
    assert len(told.items) <= ITEMS
    for item in told.items:
        quote = index.article(item.article).text[item.span.start : item.span.end]
        assert quote
        assert item.text.endswith(quote)
    return told


def texts(told: Told) -> list[str]:
    return [item.text for item in told.items]


def test_counts_know_copies_outlets_and_days(ask: Ask) -> None:
    assert ask("count").lead == (
        "There are 4 articles from 2 outlets (one without an outlet),"
        " published between 5 Jan 2026 and 12 Feb 2026 (one without a date)."
        " Some are copies, so they tell 3 different stories."
    )
    assert ask("outlets").lead == (
        "The articles come from 2 outlets: The Courier (2) and The Herald (1) (one without an outlet)."
    )
    assert ask("period").lead == (
        "The articles were published between 5 Jan 2026 and 12 Feb 2026 (one without a date)."
    )
    one = Filters(articles=("owl.md", "bank.md"))
    assert ask("count", "", one).lead == (
        "Your choice has 2 articles from The Courier (one without an outlet),"
        " published on 5 Jan 2026 (one without a date)."
    )


def test_a_time_that_is_named(ask: Ask) -> None:
    february = ("2026-02-01", "2026-02-28")
    told = ask("overview", days=february)
    assert told.lead == (
        "There are 2 articles dated in February 2026 from 2 outlets. Some are copies, so they tell one different story."
    )
    assert [item.article for item in told.items] in (["ferry.md"], ["copy.md"])
    assert ask("oldest", days=february).items[0].article != "bank.md"
    assert ask("count", "", Filters(outlets=("The Herald",)), february).lead == (
        "Your choice has one article dated in February 2026 from The Herald."
    )
    assert ask("count", days=("2026-02-12", "9999-12-31")).lead == (
        "There is one article dated 12 Feb 2026 or later from The Herald."
    )
    assert ask("newest", days=("2019-01-01", "2019-12-31")) == Told("No article is dated in 2019.")


def test_the_articles_chosen_in_the_page_alone_count(ask: Ask) -> None:
    assert ask("count", "", Filters(articles=("bank.md",))).lead == (
        "Your choice has one article from The Courier, published on 5 Jan 2026."
    )
    assert (
        ask("outlets", "", Filters(outlets=("the courier",))).lead
        == "The articles come from one outlet: The Courier (2)."
    )
    assert ask("outlets", "", Filters(articles=("owl.md",))).lead == "No article names its outlet."
    assert ask("period", "", Filters(articles=("bank.md",))).lead == "The article was published on 5 Jan 2026."
    assert ask("period", "", Filters(articles=("owl.md",))).lead == "No article has a date."
    assert ask("newest", "", Filters(articles=("owl.md",))).lead == "No article has a date."
    assert (
        ask("people", "", Filters(articles=("owl.md",))).lead
        == "The articles name no person, as far as citewire can tell."
    )
    assert ask("mentions", "Jensen", Filters(articles=("bank.md",))).lead == "No article mentions “Jensen”."
    assert ask("overview", "", Filters(articles=("none.md",))) == Told("Your choice has no article.")


def test_an_article_without_title_is_called_by_its_first_words(ask: Ask) -> None:
    (owl,) = ask("mentions", "owl").items
    assert owl.text.startswith("“A snowy owl was seen on the roof…”: A snowy owl")


@pytest.mark.slow
def test_companies_are_no_public_bodies(tmp_path: Path, embedder: Embedder) -> None:
    said = "Boeing, Walmart and Congress met on Monday, said the Federal Reserve, the Senate and McDonald's in Paris."
    with indexed(
        {"one.md": said, "two.md": "Walmart praised Boeing and Congress on Tuesday."}, tmp_path, embedder
    ) as index:
        names = read_entities(index, tmp_path / "index")
        all_of_them = texts(tell("organisations", "", index, lambda: names, embedder))
        companies = texts(tell("organisations", "all companies", index, lambda: names, embedder))
    shown = [text.partition(",")[0] for text in companies]
    assert {"Boeing", "Walmart"} <= set(shown)
    assert not {"Congress", "Federal Reserve", "Senate"} & set(shown)
    assert "Congress" in [text.partition(",")[0] for text in all_of_them]


def test_newest_and_oldest_count_a_copy_once(ask: Ask) -> None:
    newest, oldest = ask("newest"), ask("oldest")
    assert oldest.lead == "The oldest dated article is of 5 Jan 2026."
    assert oldest.items[0].article == "bank.md"
    assert len(newest.items) == len(oldest.items) == 2
    assert [item.article for item in ask("oldest", one=True).items] == ["bank.md"]


def test_the_newest_and_the_oldest(ask: Ask) -> None:
    told = ask("ends")
    assert told.lead.endswith("2026. The oldest dated article is of 5 Jan 2026.")
    assert [item.article for item in told.items] in (["ferry.md", "bank.md"], ["copy.md", "bank.md"])
    only = ask("ends", "", Filters(articles=("bank.md", "owl.md")))
    assert [item.article for item in only.items] == ["bank.md"]


def test_an_overview_of_few_has_a_sentence_of_each_story(ask: Ask) -> None:
    told = ask("overview")
    assert told.lead == ask("count").lead
    assert sorted(item.article for item in told.items if item.article != "copy.md") in (
        ["bank.md", "owl.md"],
        ["bank.md", "ferry.md", "owl.md"],
    )
    assert len(told.items) == 3
    ferry, bank, owl = texts(told)
    assert ferry.startswith("“Lund Lines sells its night ferries” (The ")
    assert ferry.endswith(FERRY[0])
    assert bank.startswith(
        "“Marbank raises its rate again” (The Courier, 5 Jan 2026): The Marbank raised its main rate"
    )
    assert owl.startswith("“A snowy owl was seen on the roof…”: A snowy owl was seen")


def test_organisations_people_and_places_have_counts_and_a_sentence(ask: Ask) -> None:
    people = ask("people")
    assert people.lead == "citewire finds the names of 2 people in the articles, most mentioned first."
    assert texts(people)[0].startswith("Maria Jensen, in 2 articles (one different story): Maria Jensen, the chief")
    assert texts(people)[1].startswith("Rosa Lindqvist, in one article: Rosa Lindqvist, its governor, said")
    assert {text.partition(",")[0] for text in texts(ask("organisations"))} >= {"Lund Lines", "Nordic Shipping"}
    assert {text.partition(",")[0] for text in texts(ask("places"))} >= {"Oslo", "Denmark", "Bergen"}


@pytest.mark.parametrize(
    ("topic", "paths"),
    [
        ("Lindqvist", ["bank.md"]),
        ("rosa lindqvist", ["bank.md"]),
        ("mortgage?", ["bank.md"]),
        ("night ferry", ["ferry.md"]),
        ("Nordic Shipping", ["ferry.md", "bank.md"]),
        ("town hall", ["owl.md"]),
        ("Kazakhstan", []),
        ("the", []),
        ("", []),
    ],
)
def test_mentions_are_sentences_that_have_the_words(ask: Ask, topic: str, paths: list[str]) -> None:
    told = ask("mentions", topic, Filters(articles=("ferry.md", "bank.md", "owl.md")))
    assert sorted(item.article for item in told.items) == sorted(paths)
    numbers = {0: "No article mentions ", 1: "One article mentions ", 2: "2 articles mention "}
    assert told.lead == f"{numbers[len(paths)]}“{topic.strip('?')}”."


def test_the_article_about_it_comes_first_and_a_copy_is_told_once(ask: Ask) -> None:
    told = ask("mentions", "Lund Lines")
    assert told.lead == "2 articles (one different story) mention “Lund Lines”."
    assert len(told.items) == 1
    assert [item.article for item in ask("mentions", "Nordic Shipping").items][1] == "bank.md"


@pytest.mark.parametrize(
    ("topic", "lead", "paths"),
    [
        ("courier", "2 articles are from courier.", ["ferry.md", "bank.md"]),
        ("The Herald", "One article is from The Herald.", ["copy.md"]),
        ("Lindqvist", "One article mentions “Lindqvist”.", ["bank.md"]),  # no outlet
    ],
)
def test_articles_from_an_outlet_are_its_own(ask: Ask, topic: str, lead: str, paths: list[str]) -> None:
    told = ask("mentions", topic, origin=True)
    assert told.lead == lead
    assert [item.article for item in told.items] == paths


@pytest.mark.parametrize(
    ("outlet", "own"),
    [("The Tarn Post", True), ("tarn post", True), ("orvik.com", True), ("Orvik", True), ("Tarn", False)],
)
def test_an_article_is_from_the_outlet_of_its_metadata_or_host(outlet: str, own: bool) -> None:
    one = Article("a.txt", "", "", outlet="The Tarn Post", url="https://www.orvik.com/a")
    assert is_from(one, outlet) is own
    assert not is_from(Article("b.txt", "", ""), outlet)


def test_a_theme_is_named_by_different_words() -> None:
    storm, bank = {"storm", "storms", "Ada Carter", "Carter"}, {"bank", "Carter"}
    assert _words_of([[storm, storm], [bank, bank]]) == [["Ada Carter", "storms"], ["bank", "Carter"]]


def test_lists_in_words() -> None:
    assert [_and(["A"]), _and(["A", "B"]), _and(["A", "B", "C"]), _and(["A", "B", "C"], 2)] == [
        "A",
        "A and B",
        "A, B and C",
        "A, B and one more",
    ]


def test_an_index_without_articles(tmp_path: Path, embedder: Embedder) -> None:
    with indexed({"a.txt": "Peru voted in May."}, tmp_path, embedder):
        pass
    remove(tmp_path / "index", ["a.txt"])
    with Index.open(tmp_path / "index", embedder) as index:
        assert tell("overview", "", index, lambda: read_entities(index, tmp_path / "index"), embedder) == Told(
            "There are no articles yet."
        )


# -- many articles -----------------------------------------------------------------------------------------------

TOPICS: Mapping[str, tuple[str, ...]] = {
    "Rates": (
        "The Marbank raised its main interest rate in {place} and said that inflation was too high.",
        "Mortgages and loans will cost more after the decision of the Marbank, economists said.",
    ),
    "Whales": (
        "Biologists counted more humpback whales off {place} than in any year since 1990.",
        "The whales follow herring into the fjord, and the Ocean Institute tags them there.",
    ),
    "Football": (
        "Brann Rovers won the football match in {place} with two late goals before a full stadium.",
        "The striker of Brann Rovers scored twice, and the coach praised the defenders.",
    ),
}
TOWNS = ("Bergen", "Oslo", "Tromso", "Stavanger", "Trondheim")
MANY = {
    f"{topic}-{place}.md": article(
        f"{topic} in {place}", "The Courier", f"2026-03-0{day}", *(line.format(place=place) for line in lines)
    )
    for topic, lines in TOPICS.items()
    for day, place in enumerate(TOWNS, 1)
}


@pytest.mark.slow
def test_many_articles_fall_into_themes(tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewire.qa.corpus._story", lambda article: article.path)  # these are nearly copies
    with indexed(MANY, tmp_path, embedder) as index:
        entities = read_entities(index, tmp_path / "index")
        told = exact(index, tell("overview", "", index, lambda: entities, embedder))
        assert told.lead == (
            "There are 15 articles from The Courier, published between 1 Mar 2026 and 5 Mar 2026."
            " They fall into 3 themes, each with an article typical of it."
        )
        assert sorted(item.article.partition("-")[0] for item in told.items) == ["Football", "Rates", "Whales"]
        football = next(text for text in texts(told) if "“Football" in text)
        assert football.startswith("5 articles on ")
        assert "Brann Rovers" in football.partition(", such as")[0]
        assert ", such as “Football in " in football
        mentions = exact(index, tell("mentions", "whales", index, lambda: entities, embedder))
        assert (mentions.lead, len(mentions.items)) == ("5 articles mention “whales”.", 5)


PAGE = (
    "Replay More Films from the archive of the Courier now.",
    "Sign up here for the letter that Ken Wade of the Courier writes on Mondays.",
)
PEOPLE = {
    "storm.md": article(
        "Storm tears down the trees of the old park",
        "",
        "2026-04-01",
        "A storm tore down forty trees in the old park of Bergen on Monday night, the town said.",
        "Ana Lund, the chair of the harbour board, said that no ship had been lost, and Lund thanked the pilots.",
        *PAGE,
    ),
    "rates.md": article(
        "Harbour raises its fees for large ships",
        "",
        "2026-05-02",
        "Fees for large ships will rise by a tenth in July, Chair Ana Lund told the shipowners in Oslo.",
        "Chair Lund said that the quays had to be mended, which costs nine million euros.",
        *PAGE,
    ),
    "whale.md": article(
        "A whale visits the inner harbour",
        "",
        "2026-06-03",
        "A young humpback whale swam past the fish market and back to the open sea on Sunday.",
        "Biologists follow it with a drone, and Chair Lund asked all boats to keep away from it.",
        *PAGE,
    ),
}


@pytest.mark.slow
def test_what_stands_in_many_stories_names_nobody(tmp_path: Path, embedder: Embedder) -> None:
    with indexed(PEOPLE, tmp_path, embedder) as index:
        entities = read_entities(index, tmp_path / "index")
        told = [exact(index, tell(what, "", index, lambda: entities, embedder)) for what in ("people", "overview")]
        mentioned = tell("mentions", "Ken Wade", index, lambda: entities, embedder)
    people, _ = told
    assert texts(people)[0].startswith("Ana Lund, in ")
    assert not [item.text for one in told for item in one.items if any(line in item.text for line in PAGE)]
    assert mentioned.lead == "No article mentions “Ken Wade”."
