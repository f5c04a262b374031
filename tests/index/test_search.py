from __future__ import annotations

import dataclasses
import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from embedders import HashedWordsEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from citewire.index import segment
from citewire.index.address import Address, Location
from citewire.index.build import build_index
from citewire.index.errors import InputError
from citewire.index.manifest import Part
from citewire.index.options import HALF_LIFE_DAYS, Recency, SearchOptions, Weights
from citewire.index.passages import embedded_text, passages, searched_text, title_words
from citewire.index.postgres_writer import writer_of
from citewire.index.query import Times, terms, times
from citewire.index.scope import require_match
from citewire.index.search import CANDIDATES, FRESH_DAYS, LEXICAL, RERANKED, fuse, search
from citewire.index.segment import Entry
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Filters, Hit
from citewire.seeds import seeds_folder

Given = TypeVar("Given", Path, Address, Location)
POSTGRES = pytest.param("PostgreSQL", marks=pytest.mark.slow)
Opened = tuple[Index, HashedWordsEmbedder]
QUESTION = "How many miners has Canaan deployed in Kazakhstan?"


@pytest.fixture(scope="module", params=["folder", POSTGRES])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The seeds, indexed with the fast tests' embedder."""
    embedder = HashedWordsEmbedder()
    where: Location = tmp_path_factory.mktemp("seeds") / "index"
    if request.param == "PostgreSQL":
        where = request.getfixturevalue("postgres").database()
    build_index([seeds_folder()], where, embedder)
    with Index.open(where, embedder) as index:
        yield index, embedder


def article(path: str, text: str, published: str = "", title: str = "", group: str = "", **more: str) -> Article:
    outlet, author = more.pop("outlet", ""), more.pop("author", "")
    return Article(path, text, path, title, outlet, author, published, metadata=more, group=group or path)


LONG = "The dam storm news of Lowport came first. " + "Other roads and towns saw nothing of that at all today. " * 40
NEWS = (
    article("wire/old.txt", "A storm hit Lowport and cut power to homes.", "2021-09-10", "Storm", outlet="Courier"),
    article("wire/new.txt", "A storm hit Lowport and cut power to homes.", "2022-11-08", "Storm", "g", outlet="Herald"),
    article("wire/copy.txt", "A storm hit Lowport and cut power to homes!", "2022-11-09", "", "g", outlet="Post"),
    article("undated.txt", "The storm of Lowport cut power.", author="Ada Quill"),
    article("later.txt", "After the storm of Lowport power is back.", "2023-02-01", section="Weather"),
    article("digest.txt", LONG, "2022-11-10", outlet="Herald"),
    article("looks_back.txt", "Power was cut when the storm of 2021 came to Lowport.", "2022-10-01", section="Weather"),
    article("other.txt", "Chips were sold in Kazakhstan. Miners went there.", "2022-11-10", author="ada quill"),
)  # fmt: skip
STORM = "Where did the storm cut power?"
AS_OF = "2022-11-10"


def written(where: Given, *groups: Sequence[Article]) -> Given:
    """Publish an index with one segment for each group of articles."""
    embedder = HashedWordsEmbedder()
    with writer_of(where) as writer:
        parts = []
        for group in groups:
            with writer.segment(embedder) as new:
                for one in group:
                    pieces = passages(one)
                    vectors = embedder.embed([embedded_text(one, passage) for passage in pieces])
                    new.add(Entry(one, b"", pieces, vectors))
                parts.append(Part(new.finish()))
        writer.publish(parts, embedder=embedder.fingerprint)
    return where


@pytest.fixture(scope="module", params=[1, 2, POSTGRES], ids=["one segment", "two segments", "PostgreSQL"])
def news(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """`NEWS` in one segment, split into two, and in PostgreSQL."""
    embedder = HashedWordsEmbedder()
    groups = [NEWS] if request.param == 1 else [NEWS[:3], NEWS[3:]]
    where: Location = tmp_path_factory.mktemp("news") / "index"
    if request.param == "PostgreSQL":
        where = request.getfixturevalue("postgres").database()
    with Index.open(written(where, *groups), embedder) as index:
        yield index, embedder


def words_of(index: Index, row: int) -> str:
    (passage,) = index.fetch([row])
    return searched_text(index.article(passage.article).text, passage)


def embedded_of(index: Index, row: int) -> str:
    (passage,) = index.fetch([row])
    return embedded_text(index.article(passage.article), passage)


def articles_of(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.article for hit in hits]


# -- oracles ------------------------------------------------------------------------------------------------


def python_bm25(index: Index, words: Sequence[str], rows: Sequence[int]) -> dict[int, float]:
    """BM25 as FTS5 defines it (k1 = 1.2, b = 0.75), for words that the stemmer does not change."""
    columns = []
    for row in range(index.rows):
        (passage,) = index.fetch([row])
        title = title_words(index.article(passage.article))
        columns.append([re.findall(r"\w+", text.lower()) for text in (words_of(index, row), title)])
    lengths = [sum(map(len, column)) for column in columns]
    mean = sum(lengths) / len(lengths)
    found: defaultdict[int, float] = defaultdict(float)
    for word in words:
        counts = [text.count(word) + segment.TITLE_WEIGHT * title.count(word) for text, title in columns]
        having = sum(count > 0 for count in counts)
        idf = max(math.log((len(counts) - having + 0.5) / (having + 0.5)), 1e-6)
        for row in rows:
            if counts[row]:
                norm = 1.2 * (1 - 0.75 + 0.75 * lengths[row] / mean)
                found[row] += idf * counts[row] * 2.2 / (counts[row] + norm)
    return dict(found)


def brute_force(
    opened: Opened, question: str, rows: Sequence[int], day: str = "", periods: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, int, float]]:
    """Return (article, start, score) of `rows`, best first, computed row by row as `Weights` defines it.

    Freshness counts only with `day`, and periods only if given.
    """
    index, embedder = opened
    weights = Weights()
    vector = embedder.embed_query(question)
    found = dict(zip(rows, index.fetch(rows), strict=True))
    bm25 = index.bm25s(terms(question), rows)
    means: dict[str, float] = {}
    for path in {passage.article for passage in found.values()}:
        own = [bm25.get(row, 0.0) for row, passage in found.items() if passage.article == path]
        means[path] = sum(own) / len(own)
    scored = []
    for row, passage in found.items():
        one = index.article(passage.article)
        score = weights.lexical * bm25.get(row, 0.0) / (max(bm25.values(), default=0.0) or 1.0)
        score += weights.focus * means[one.path] / (max(means.values()) or 1.0)
        score += weights.meaning * float(embedder.embed([embedded_of(index, row)])[0] @ vector)
        if day:
            age = HALF_LIFE_DAYS
            if one.published:
                age = max((date.fromisoformat(day) - date.fromisoformat(one.published)).days - FRESH_DAYS, 0)
            score += weights.freshness * 0.5 ** (age / HALF_LIFE_DAYS)
        if any(a <= one.published <= b or a[:4] in passage.text for a, b in periods):
            score += weights.period
        scored.append((one.path, passage.start, score))
    return sorted(scored, key=lambda item: -item[2])


def assert_same(hits: Sequence[Hit], expected: Sequence[tuple[str, int, float]]) -> None:
    assert [hit.score for hit in hits] == pytest.approx([score for *_, score in expected], abs=1e-5)
    assert {(hit.passage.article, hit.passage.start): hit.score for hit in hits} == pytest.approx(
        {(path, start): score for path, start, score in expected}, abs=1e-5
    )


# -- the two rankings ---------------------------------------------------------------------------------------


def test_dense_equals_brute_force(opened: Opened) -> None:
    index, embedder = opened
    vector = embedder.embed_query(QUESTION)
    matrix = embedder.embed([embedded_of(index, row) for row in range(index.passages)])
    cosines = matrix @ vector
    found = index.search_dense(vector, 10)
    assert [score for _, score in found] == pytest.approx(sorted(cosines, reverse=True)[:10], abs=1e-6)
    assert all(score == pytest.approx(cosines[row], abs=1e-6) for row, score in found)
    assert index.cosines(vector, [3, 0]) == pytest.approx({3: cosines[3], 0: cosines[0]}, abs=1e-6)


def test_bm25_equals_its_definition(news: Opened) -> None:
    index, _ = news
    words = ["storm", "lowport", "homes", "kazakhstan"]
    expected = python_bm25(index, ["storm", "lowport", "kazakhstan"], range(index.rows))
    assert index.bm25s(words[:2] + words[3:], range(index.rows)) == pytest.approx(expected, rel=1e-4)
    found = index.search_bm25(words[:2] + words[3:], 100)
    assert dict(found) == pytest.approx(expected, rel=1e-4)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_bm25_equals_sqlite(opened: Opened) -> None:
    index, _ = opened
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE words USING fts5(text, title, tokenize='porter unicode61')")
    for row in range(index.passages):
        title = title_words(index.article(index.fetch([row])[0].article))
        database.execute("INSERT INTO words(rowid, text, title) VALUES (?, ?, ?)", (row, words_of(index, row), title))
    score = f"bm25(words, 1.0, {segment.TITLE_WEIGHT})"
    expected = database.execute(
        f"SELECT rowid, -{score} FROM words WHERE words MATCH ? ORDER BY {score}, rowid",
        ('"canaan" OR "kazakhstan" OR "miners"',),
    ).fetchall()
    database.close()
    found = index.search_bm25(["canaan", "kazakhstan", "miners"], 8)
    assert [row for row, _ in found] == [row for row, _ in expected[:8]]
    assert [value for _, value in found] == pytest.approx([value for _, value in expected[:8]])


def test_more_than_there_is_can_be_asked_for(opened: Opened) -> None:
    index, embedder = opened
    found = index.search_dense(embedder.embed_query(QUESTION), 10_000)
    assert sorted(row for row, _ in found) == list(range(index.passages))
    assert len(search(index, embedder, QUESTION, 10_000)) == index.passages


# -- fusion and score ---------------------------------------------------------------------------------------


def test_reciprocal_ranks_are_added() -> None:
    fused = fuse([[7, 8, 9], [9, 7]])
    assert fused == [(7, 1 / 61 + 1 / 62), (9, 1 / 63 + 1 / 61), (8, 1 / 62)]


def test_ties_are_in_order_of_the_row() -> None:
    assert [row for row, _ in fuse([[5, 2], [2, 5]])] == [2, 5]
    assert fuse([[], []]) == []


def test_a_score_is_the_sum_of_its_parts(opened: Opened) -> None:
    index, embedder = opened
    assert index.passages < min(CANDIDATES, LEXICAL)
    hits = search(index, embedder, QUESTION, 500)
    assert_same(hits, brute_force(opened, QUESTION, range(index.passages)))
    assert "Kazakhstan" in hits[0].passage.text


def test_a_hit_carries_the_scores_of_both_rankings(opened: Opened) -> None:
    index, embedder = opened
    rows = list(range(index.passages))
    row_of = {(p.article, p.start): row for row, p in zip(rows, index.fetch(rows), strict=True)}
    hits = search(index, embedder, QUESTION, 50)
    found = [row_of[hit.passage.article, hit.passage.start] for hit in hits]
    cosines = index.cosines(embedder.embed_query(QUESTION), found)
    assert [hit.cosine for hit in hits] == pytest.approx([cosines[row] for row in found])
    bm25s = index.bm25s(terms(QUESTION), rows)
    assert [hit.bm25 for hit in hits] == [bm25s.get(row, 0.0) for row in found]
    assert {hit.bm25 > 0 for hit in hits} == {True, False}


def test_outside_of_the_best_there_is_no_bm25(news: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    index, embedder = news
    monkeypatch.setattr("citewire.index.search.LEXICAL", 2)
    options = SearchOptions(k=3, weights=Weights(lexical=0, focus=0))
    question = "Miners sold chips of Lowport after the storm"
    listed = dict(index.search_bm25(terms(question), 3))
    hits = search(index, embedder, question, options)
    every = search(index, embedder, question, dataclasses.replace(options, k=50))
    assert [hit.passage for hit in hits] == [hit.passage for hit in every[:3]]
    assert all(hit.bm25 in {*listed.values(), 0.0} for hit in hits)
    assert sum(hit.bm25 > 0 for hit in hits) < 3 < sum(hit.bm25 > 0 for hit in every)


def test_weights_turn_parts_off(news: Opened) -> None:
    index, embedder = news
    only_dense = SearchOptions(k=50, weights=Weights(lexical=0, focus=0))
    hits = search(index, embedder, STORM, only_dense)
    assert [hit.score for hit in hits] == [hit.cosine for hit in hits] == sorted((h.cosine for h in hits), reverse=True)
    only_words = SearchOptions(k=50, weights=Weights(focus=0, meaning=0))
    hits = search(index, embedder, STORM, only_words)
    best = max(hit.bm25 for hit in hits)
    assert [hit.score for hit in hits] == pytest.approx([hit.bm25 / best for hit in hits])


def test_an_article_about_it_is_before_one_that_touches_on_it(tmp_path: Path) -> None:
    embedder = HashedWordsEmbedder()
    touching = article(
        "round-up.txt", "A dam broke, a storm came, a flood rose. " + "Roads and towns saw nothing at all today. " * 60
    )
    about = article("dam.txt", "The dam was old and nobody had looked after the dam for long. " * 30)
    others = [article(f"{n}.txt", f"Chips {n} were sold in shop {n}.") for n in range(20)]
    with Index.open(written(tmp_path / "index", [touching, about, *others]), embedder) as index:
        assert len(passages(touching)) > 3
        best = {}
        for name, weights in (
            ("lexical", Weights(focus=0, meaning=0)),
            ("focus", Weights(lexical=0, meaning=0)),
            ("both", Weights(meaning=0)),
        ):
            (hit,) = search(index, embedder, "dam storm flood", SearchOptions(k=1, weights=weights))
            best[name] = hit.passage.article
        assert best == {"lexical": "round-up.txt", "focus": "dam.txt", "both": "dam.txt"}


# -- filters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "passing"),
    [
        (Filters(), [one.path for one in NEWS]),
        (Filters(outlets=("HERALD",)), ["wire/new.txt", "digest.txt"]),
        (Filters(authors=("Ada Quill", "Nobody")), ["undated.txt", "other.txt"]),
        (Filters(articles=("wire/",)), ["wire/old.txt", "wire/new.txt", "wire/copy.txt"]),
        (Filters(articles=("later.txt", "wire/old.txt")), ["later.txt", "wire/old.txt"]),
        (Filters(metadata={"section": "Weather"}), ["later.txt", "looks_back.txt"]),
        (Filters(published_from="2022-10-01", published_to="2022-11-08"), ["looks_back.txt", "wire/new.txt"]),
        (Filters(outlets=("Herald",), published_to="2022-11-08"), ["wire/new.txt"]),
        (Filters(outlets=("Nobody",)), []),
    ],
)
def test_filters_equal_a_search_of_what_passes(news: Opened, filters: Filters, passing: list[str]) -> None:
    index, embedder = news
    rows = [row for row in range(index.rows) if index.fetch([row])[0].article in passing]
    hits = search(index, embedder, STORM, SearchOptions(k=50, filters=filters, recency="off"))
    assert set(articles_of(hits)) == set(passing)
    if rows:
        assert_same(hits, brute_force(news, STORM, rows))


# -- caps ---------------------------------------------------------------------------------------------------


FOLDERS = ["wire/", "undated.txt", "later.txt", "digest.txt", "looks_back.txt", "wire/old.txt", "nowhere/", "no.txt"]
WORDS = st.lists(st.sampled_from("storm Lowport power dam 2021 back homes the".split()), min_size=1, max_size=5)


@pytest.mark.slow
@settings(max_examples=60)
@given(seen=st.lists(st.sampled_from(FOLDERS), max_size=4), words=WORDS, k=st.integers(1, 100))
def test_of_a_part_of_an_index_nothing_else_is_ever_found(
    seen: list[str], words: list[str], k: int, news: Opened
) -> None:
    index, embedder = news
    part, question = index.within(seen), " ".join(words)
    paths = [one.path for one in index.articles()]
    may = [path for path in paths if path in seen or any(one.endswith("/") and path.startswith(one) for one in seen)]
    assert [one.path for one in part.articles()] == may
    hits = search(part, embedder, question, SearchOptions(k=k))
    assert set(articles_of(hits)) <= set(may)
    if may:  # the same hits as with a filter
        assert hits == search(index, embedder, question, SearchOptions(k=k, filters=Filters(articles=tuple(may))))
        assert part.passages == len(search(part, embedder, question, SearchOptions(k=10_000, recency="off")))
    assert {line for text in part.texts() for line in text.splitlines()} == {
        line for path in may for line in (index.article(path).title, *index.article(path).text.splitlines())
    }
    for path in {one.path for one in index.articles()} - set(may):
        with pytest.raises(InputError, match="the index has no article"):
            part.article(path)
        assert part.places(path) == []


def test_a_part_of_an_index_goes_on_when_it_is_closed(news: Opened) -> None:
    index, _ = news
    with index.within(["wire/"]) as part:
        assert len(part.articles()) == 3
    assert index.article("wire/old.txt").title == "Storm"


def test_caps_keep_the_best_of_each_article_and_group(news: Opened) -> None:
    index, embedder = news
    every = search(index, embedder, STORM, 50)
    assert Counter(articles_of(every))["digest.txt"] > 2
    group_of = {one.path: one.group for one in NEWS}
    for per_article, per_group in ((1, None), (2, None), (None, 1), (2, 1), (1, 2)):
        hits = search(index, embedder, STORM, SearchOptions(k=50, per_article=per_article, per_group=per_group))
        kept: list[Hit] = []
        for hit in every:
            path, owners = hit.passage.article, articles_of(kept)
            groups = [group_of[owner] for owner in owners]
            if owners.count(path) < (per_article or 99) and groups.count(group_of[path]) < (per_group or 99):
                kept.append(hit)
        assert hits == kept
    assert len(search(index, embedder, STORM, SearchOptions(k=3, per_article=1))) == 3


@pytest.mark.parametrize("copies", [1, 2, 9])
def test_copies_of_a_story_count_as_one_source(tmp_path: Path, copies: int) -> None:
    embedder = HashedWordsEmbedder()
    reprints = [article(f"reprint{n}.txt", f"{LONG} Outlet {n} adds a line.", group="reprinted") for n in range(5)]
    with Index.open(written(tmp_path / "index", [*NEWS, *reprints[:2]], reprints[2:]), embedder) as index:
        groups = {one.path: one.group for one in index.articles()}
        every = search(index, embedder, STORM, 100)
        kept: list[Hit] = []
        for hit in every:
            path = hit.passage.article
            others = {owner for owner in articles_of(kept) if groups[owner] == groups[path]} - {path}
            if len(others) < copies:
                kept.append(hit)
        assert search(index, embedder, STORM, SearchOptions(k=100, copies=copies)) == kept
        per_article = Counter(articles_of(kept))
        reprinted = [path for path in per_article if groups[path] == "reprinted"]
        assert len(reprinted) == min(copies, 5)
        assert min(per_article[path] for path in reprinted) > 2
        alone = {one.path for one in NEWS if one.group != "g"}
        assert alone < set(per_article)


# -- time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recency", ["prefer", "auto", "off"])
@pytest.mark.parametrize("question", [STORM, "Where did the storm cut power this week?", "The latest on the storm"])
def test_newer_articles_are_preferred_where_they_should_be(news: Opened, recency: Recency, question: str) -> None:
    index, embedder = news
    rows = [row for row in range(index.rows) if index.fetch([row])[0].article != "later.txt"]
    fresh = recency == "prefer" or (recency == "auto" and question != STORM)
    hits = search(index, embedder, question, SearchOptions(k=50, recency=recency, as_of=AS_OF))
    assert_same(hits, brute_force(news, question, rows, AS_OF if fresh else ""))
    if fresh:
        order = articles_of(hits)
        assert order.index("wire/new.txt") < order.index("undated.txt")
        assert order.index("wire/new.txt") < order.index("wire/old.txt")


def test_the_day_of_asking_leaves_out_what_came_later(news: Opened) -> None:
    index, embedder = news
    for day in (date(2021, 9, 9), date(2021, 9, 10), date(2022, 11, 8), date(2023, 2, 1)):
        hits = search(index, embedder, STORM, SearchOptions(k=50, as_of=day.isoformat(), recency="off"))
        expected = {one.path for one in NEWS if not one.published or one.published <= day.isoformat()}
        assert set(articles_of(hits)) == expected


@pytest.mark.parametrize("as_of", ["", "newest"])
def test_without_a_day_age_is_counted_from_the_newest_article(news: Opened, as_of: str) -> None:
    index, embedder = news
    hits = search(index, embedder, STORM, SearchOptions(k=50, recency="prefer", as_of=as_of))
    assert_same(hits, brute_force(news, STORM, range(index.rows), "2023-02-01"))


def test_without_a_day_this_week_says_nothing(news: Opened) -> None:
    question = "Where did the storm cut power this week?"
    index, embedder = news
    assert_same(search(index, embedder, question, 50), brute_force(news, question, range(index.rows)))


def test_only_new_articles(news: Opened) -> None:
    index, embedder = news
    for half_life, as_of, day in (
        (1.0, AS_OF, AS_OF),
        (40, AS_OF, AS_OF),
        (90, "", "2023-02-01"),
        (1e12, AS_OF, AS_OF),
    ):
        first = date.fromisoformat(day) - timedelta(days=min(half_life, 700_000))
        options = SearchOptions(k=50, recency="only", half_life=half_life, as_of=as_of)
        expected = {one.path for one in NEWS if first.isoformat() <= one.published <= day}
        assert set(articles_of(search(index, embedder, STORM, options))) == expected


def test_a_year_prefers_what_was_published_then_or_names_it(news: Opened) -> None:
    index, embedder = news
    question = "Where did the storm of 2021 cut power?"
    hits = search(index, embedder, question, SearchOptions(k=50))
    expected = brute_force(news, question, range(index.rows), periods=[("2021-01-01", "2021-12-31")])
    assert_same(hits, expected)
    assert set(articles_of(hits[:2])) == {"wire/old.txt", "looks_back.txt"}
    off = search(index, embedder, question, SearchOptions(k=50, recency="off"))
    assert_same(off, brute_force(news, question, range(index.rows)))


def test_nothing_dated_nothing_new(tmp_path: Path) -> None:
    embedder = HashedWordsEmbedder()
    with Index.open(written(tmp_path / "index", [NEWS[3]]), embedder) as index:
        assert search(index, embedder, STORM, SearchOptions(recency="only")) == []
        for as_of in ("", "newest", AS_OF):
            (hit,) = search(index, embedder, STORM, SearchOptions(recency="prefer", as_of=as_of))
            (plain,) = search(index, embedder, STORM, SearchOptions(as_of=as_of))
            assert hit.score - plain.score == pytest.approx(1.0)  # undated, so one half-life old


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is the latest on Iran?", Times(newest=True)),
        ("the most recent poll", Times(newest=True)),
        ("Who was recently fired?", Times(newest=True)),
        ("Who is currently in charge?", Times(newest=True)),
        ("What happened this week?", Times(newest=True)),
        ("Who retired on Tuesday?", Times(newest=True)),
        ("Who spoke yesterday?", Times(newest=True)),
        ("Who won in 2021?", Times(False, (("2021-01-01", "2021-12-31"),), ("2021",))),
        ("Who quit in June 2022?", Times(False, (("2022-06-01", "2022-06-30"),), ("june 2022",))),
        ("What did he say last month?", Times(False, (("2022-10-01", "2022-10-31"),), ("last month",))),
        ("on January 6, 2021", Times(False, (("2021-01-06", "2021-01-06"),), ("january 6 2021",))),
        ("What is now known of the storm of 2021?", Times(True, (("2021-01-01", "2021-12-31"),), ("2021",))),
        ("Who may know the newest?", Times(newest=True)),
        ("Where is Lowport?", Times()),
        ("", Times()),
    ],
)
def test_the_time_a_question_asks_about(question: str, found: Times) -> None:
    assert times(question, AS_OF) == found


def test_times_that_lean_on_the_day_say_nothing_without_one() -> None:
    assert times("What happened this week, and last month?") == Times()
    assert times("Who won in 2021?").periods == (("2021-01-01", "2021-12-31"),)


# -- filters that leave nothing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (Filters(outlets=("Herlad",)), r"no article has the outlet 'Herlad'\. Did you mean 'Herald'\?"),
        (Filters(outlets=("Herald", "Psot")), r"the outlet 'Psot'\. Did you mean 'Post'\?"),
        (Filters(outlets=("Zwiebelfisch",)), r"'Zwiebelfisch'\. There are 'Courier', 'Herald', 'Post'$"),
        (Filters(outlets=("",)), "the outlet ''"),
        (Filters(authors=("ada qill",)), r"the author 'ada qill'\. Did you mean '[Aa]da [Qq]uill'\?"),
        (Filters(articles=("wire",)), r"the index has no article 'wire'\. Did you mean 'wire/'"),
        (Filters(articles=("later.txt", "latr.txt")), r"no article 'latr\.txt'\. Did you mean 'later\.txt'"),
        (Filters(articles=("wires/",)), r"no article 'wires/'\. Did you mean 'wire/'"),
        (Filters(metadata={"sectoin": "Weather"}), r"the metadata key 'sectoin'\. Did you mean 'section'\?"),
        (Filters(metadata={"section": "Wether"}), r"the metadata section 'Wether'\. Did you mean 'Weather'\?"),
        (Filters(metadata={"section": "weather"}), r"the metadata section 'weather'\. Did you mean 'Weather'\?"),
        (
            Filters(outlets=("Courier",), articles=("later.txt",), published_from="2022-01-01"),
            r"no article is of the outlet 'Courier', in 'later\.txt', published from 2022-01-01\. Leave one out or",
        ),
        (
            Filters(published_from="2023-02-02", published_to="2023-03-01"),
            "published from 2023-02-02, published to 2023-03-01.*are 2021-09-10 to 2023-02-01, 1 have none",
        ),
    ],
)
def test_filters_that_leave_nothing_are_named(news: Opened, filters: Filters, said: str) -> None:
    with pytest.raises(InputError, match=said):
        require_match(news[0], SearchOptions(filters=filters))


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ({"recency": "only", "half_life": 2, "as_of": "2022-10-20"}, "in the 2 days until 2022-10-20"),
        ({"recency": "only", "as_of": "2001-01-01"}, "in the 14 days until 2001-01-01"),
        ({"filters": Filters(outlets=("Post",)), "as_of": "2022-11-08"}, "'Post', published until 2022-11-08"),
    ],
)
def test_times_that_leave_nothing_are_named(news: Opened, time: dict[str, object], said: str) -> None:
    options = dataclasses.replace(SearchOptions(), **time)  # type: ignore[arg-type]
    assert search(*news, STORM, options) == []
    with pytest.raises(InputError, match=said):
        require_match(news[0], options)


@given(
    st.builds(
        Filters,
        published_from=st.sampled_from(["", "2021-09-10", "2022-11-09"]),
        published_to=st.sampled_from(["", "2022-11-09", "2024-01-01"]),
        outlets=st.sampled_from([(), ("herald",), ("Courier", "Post")]),
        authors=st.sampled_from([(), ("ADA QUILL",)]),
        articles=st.sampled_from([(), ("wire/",), ("later.txt", "wire/old.txt")]),
        metadata=st.sampled_from([{}, {"section": "Weather"}]),
    ),
    st.sampled_from(["off", "only"]),
    st.sampled_from(["", "newest", "2022-11-10", "2001-01-01"]),
)
def test_filters_are_refused_where_a_search_finds_nothing(
    news: Opened, filters: Filters, recency: Recency, as_of: str
) -> None:
    options = SearchOptions(filters=filters, recency=recency, as_of=as_of, half_life=30)
    if search(*news, STORM, options):
        require_match(news[0], options)
    else:
        with pytest.raises(InputError, match="no article is "):
            require_match(news[0], options)


def test_removed_articles_are_not_there_to_filter(tmp_path: Path) -> None:
    folder, embedder = tmp_path / "news", HashedWordsEmbedder()
    folder.mkdir()
    for name, day in {"old": "2021-01-01", "new": "2022-01-01"}.items():
        (folder / f"{name}.md").write_text(f"---\ndate: {day}\noutlet: {name}\n---\nA storm.\n{LONG}")
    build_index([folder], tmp_path / "index", embedder)
    (folder / "old.md").unlink()
    build_index([folder], tmp_path / "index", embedder)
    with Index.open(tmp_path / "index", embedder) as index:
        for filters in (Filters(outlets=("old",)), Filters(published_to="2021-06-01")):
            assert search(index, embedder, STORM, SearchOptions(filters=filters)) == []
            with pytest.raises(InputError, match=r"no article (has the outlet 'old'|is published to 2021-06-01)"):
                require_match(index, SearchOptions(filters=filters))


def test_an_index_where_nothing_is_stated(tmp_path: Path) -> None:
    embedder = HashedWordsEmbedder()
    with Index.open(written(tmp_path / "index", [article("a.txt", "A storm.")]), embedder) as index:
        with pytest.raises(InputError, match=r"no article has the author 'Ada'\. No article states one"):
            require_match(index, SearchOptions(filters=Filters(authors=("Ada",))))
        with pytest.raises(InputError, match=r"no article is of a known day.*no article has a day of publication"):
            require_match(index, SearchOptions(recency="only"))
    with Index.open(written(tmp_path / "empty"), embedder) as index:
        require_match(index, SearchOptions(filters=Filters(authors=("Ada",))))


# -- reranker -----------------------------------------------------------------------------------------------


class Wanting:
    """A reranker that prefers passages with one word."""

    def __init__(self, word: str) -> None:
        self.word, self.seen = word, 0

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        self.seen = len(texts)
        return [float(self.word in text) for text in texts]


def test_a_reranker_adds_to_the_scores_of_the_best(opened: Opened, news: Opened) -> None:
    index, embedder = news
    plain = {hit.passage: hit for hit in search(index, embedder, STORM, 50)}
    hits = search(index, embedder, STORM, 50, Wanting("Kazakhstan"))
    assert hits[0].passage.article == "other.txt"
    assert hits[0].score == pytest.approx(plain[hits[0].passage].score + Weights().reranker)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.passage for hit in hits} == set(plain)
    reader = Wanting("no such word")
    assert search(*opened, QUESTION, 100, reader) == search(*opened, QUESTION, 100)
    assert reader.seen == min(RERANKED, opened[0].passages)


# -- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_passage_is_refused(opened: Opened, k: int) -> None:
    with pytest.raises(InputError, match=f"cannot return {k} passages"):
        search(*opened, QUESTION, k)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"per_article": 0}, "cannot return 0 passages of one article"),
        ({"per_group": -2}, "cannot return -2 passages of one group"),
        ({"copies": 0}, "cannot return 0 articles of one group"),
        ({"filters": Filters(published_from="May 2022")}, "'May 2022' is no day.*YYYY-MM-DD"),
        ({"filters": Filters(published_to="2022-13-01")}, "'2022-13-01' is no day"),
        (
            {"filters": Filters(published_from="2022-02-01", published_to="2022-01-31")},
            "nothing is published from 2022-02-01 to 2022-01-31.*earlier day first",
        ),
        ({"recency": "hard"}, "no recency 'hard'.*auto, off, prefer, only"),
        ({"half_life": 0}, "a half-life of 0 days"),
        ({"half_life": float("nan")}, "a half-life of nan days"),
        ({"half_life": float("inf")}, "a half-life of inf days"),
        ({"as_of": "yesterday"}, "'yesterday' is no day"),
        ({"as_of": "20221110"}, "'20221110' is no day"),
        ({"as_of": "2022-02-30"}, "'2022-02-30' is no day"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(SearchOptions(), **setting)  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_weights_that_cannot_be_are_refused(weight: float) -> None:
    with pytest.raises(InputError, match=f"the weight {weight} of focus"):
        Weights(focus=weight)


# -- any question is a query --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who is the CEO of Nokia?", ["ceo", "nokia"]),
        ("What’s Nokia’s AI unit's share?", ["nokia", "ai", "unit", "share"]),
        ("$312.6 million year-to-date", ["312 6", "312", "million", "year to date", "year", "date"]),
        ('U.S. OR (NOT) NEAR "x* {a}:b^2', ["u s", "near", "x", "a b 2"]),
        ("who is it?", []),
        ("?!", []),
        ("", []),
    ],
)
def test_function_words_are_dropped(question: str, found: list[str]) -> None:
    assert terms(question) == found


def test_the_number_of_terms_is_limited() -> None:
    assert terms(" ".join(f"term{n}" for n in range(1000))) == [f"term{n}" for n in range(64)]


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(
            ['"', "nokia", "AND", "NEAR(", "-", "*", ":", "'", "ⅷ", "\0", "٣", "in 2021", "last", "week", "0000-00-00"]
        )
    ).map(" ".join)
)
def test_any_question_is_answered(opened: Opened, question: str) -> None:
    index, embedder = opened
    hits = search(index, embedder, question, SearchOptions(k=3, as_of="9999-12-31"))
    assert len(hits) == 3
    assert all(math.isfinite(hit.score) for hit in hits)


def test_an_empty_index_has_no_hits(tmp_path: Path) -> None:
    embedder = HashedWordsEmbedder()
    with Index.open(written(tmp_path / "index"), embedder) as index:
        assert index.passages == 0
        for options in (SearchOptions(), SearchOptions(recency="only"), SearchOptions(as_of="newest")):
            assert search(index, embedder, QUESTION, options) == []


# -- the real embedder --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_seeds_with_the_real_embedder(embedder: Embedder, tmp_path: Path) -> None:
    report = build_index([seeds_folder()], tmp_path / "index", embedder)
    assert report.embedded == report.passages > 30
    with Index.open(tmp_path / "index", embedder) as index:
        matrix = embedder.embed([embedded_of(index, row) for row in range(index.passages)])
        vector = embedder.embed_query(QUESTION)
        expected = np.argsort(-(matrix @ vector))[:5]
        assert [row for row, _ in index.search_dense(vector, 5)] == expected.tolist()
        for question, words in {
            QUESTION: "10,000",
            "Which new products did Canaan show at CES?": "Avalon Mini 3",
            "Who makes cheap power in Kazakhstan possible?": "coal power",
        }.items():
            assert any(words in hit.passage.text for hit in search(index, embedder, question, 3)), question
