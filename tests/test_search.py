from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from embedders import HashedWordsEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from citewire.index.build import build_index
from citewire.index.embed import SentenceTransformerEmbedder
from citewire.index.errors import InputError
from citewire.index.passages import embedding_text
from citewire.index.search import fuse, match_expression, search
from citewire.index.store import Index
from citewire.seeds import seeds_folder

QUESTION = "How many miners has Canaan deployed in Kazakhstan?"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Index, HashedWordsEmbedder]]:
    """The seeds, indexed with the embedder of fast tests."""
    folder, embedder = tmp_path_factory.mktemp("seeds") / "index", HashedWordsEmbedder()
    build_index([seeds_folder()], folder, embedder)
    with Index.open(folder, embedder) as index:
        yield index, embedder


def words_of(index: Index, row: int) -> str:
    (passage,) = index.fetch([row])
    return embedding_text(index.article(passage.article).text, passage)


# -- the two rankings ---------------------------------------------------------------------------------------


def test_dense_equals_brute_force(opened: tuple[Index, HashedWordsEmbedder]) -> None:
    index, embedder = opened
    vector = embedder.embed([QUESTION])[0]
    matrix = embedder.embed([words_of(index, row) for row in range(index.passages)])
    cosines = matrix @ vector
    found = index.search_dense(vector, 10)
    assert [score for _, score in found] == pytest.approx(sorted(cosines, reverse=True)[:10], abs=1e-6)
    assert all(score == pytest.approx(cosines[row], abs=1e-6) for row, score in found)
    assert index.cosines(vector, [3, 0]) == pytest.approx({3: cosines[3], 0: cosines[0]}, abs=1e-6)


def test_bm25_equals_sqlite(opened: tuple[Index, HashedWordsEmbedder]) -> None:
    index, _ = opened
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE words USING fts5(text, title, tokenize='porter unicode61')")
    for row in range(index.passages):
        title = index.article(index.fetch([row])[0].article).title
        database.execute("INSERT INTO words(rowid, text, title) VALUES (?, ?, ?)", (row, words_of(index, row), title))
    match = '"canaan" OR "kazakhstan" OR "miners"'
    expected = database.execute(
        "SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank, rowid", (match,)
    ).fetchall()
    database.close()
    assert index.search_bm25(match, 8) == expected[:8]
    assert index.bm25s(match, range(index.passages)) == dict(expected)


def test_more_than_there_is_can_be_asked_for(opened: tuple[Index, HashedWordsEmbedder]) -> None:
    index, embedder = opened
    found = index.search_dense(embedder.embed([QUESTION])[0], 10_000)
    assert sorted(row for row, _ in found) == list(range(index.passages))


# -- fusion -------------------------------------------------------------------------------------------------


def test_reciprocal_ranks_are_added() -> None:
    fused = fuse([[7, 8, 9], [9, 7]])
    assert fused == [(7, 1 / 61 + 1 / 62), (9, 1 / 63 + 1 / 61), (8, 1 / 62)]


def test_ties_are_in_order_of_the_row() -> None:
    assert [row for row, _ in fuse([[5, 2], [2, 5]])] == [2, 5]
    assert fuse([[], []]) == []


def test_a_hit_carries_the_scores_of_both_rankings(opened: tuple[Index, HashedWordsEmbedder]) -> None:
    index, embedder = opened
    vector, match = embedder.embed([QUESTION])[0], match_expression(QUESTION)
    rankings = [
        [row for row, _ in index.search_dense(vector, 50)],
        [row for row, _ in index.search_bm25(match, 50)],
    ]
    rows = range(index.passages)
    row_of = {(p.article, p.start): row for row, p in zip(rows, index.fetch(rows), strict=True)}
    hits = search(index, embedder, QUESTION, 50)
    found = [row_of[hit.passage.article, hit.passage.start] for hit in hits]
    assert list(zip(found, [hit.score for hit in hits], strict=True)) == fuse(rankings)
    assert [hit.cosine for hit in hits] == pytest.approx([index.cosines(vector, [row])[row] for row in found])
    bm25s = index.bm25s(match, list(rows))
    assert [hit.bm25 for hit in hits] == [bm25s.get(row, 0.0) for row in found]
    assert {hit.bm25 > 0 for hit in hits} == {True, False}
    assert "Kazakhstan" in hits[0].passage.text


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_passage_is_refused(opened: tuple[Index, HashedWordsEmbedder], k: int) -> None:
    with pytest.raises(InputError, match=f"cannot return {k} passages"):
        search(*opened, QUESTION, k)


# -- any question is a query --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("Who is the CEO of Canaan?", '"ceo" OR "canaan"'),
        ("What’s Canaan’s AI unit's share?", '"canaan" OR "ai" OR "unit" OR "share"'),
        (
            "$269.3 million year-to-date",
            '"269 3" OR "269" OR "million" OR "year to date" OR "year" OR "date"',
        ),
        ('U.S. OR (NOT) NEAR "x* {a}:b^2', '"u s" OR "near" OR "x" OR "a b 2"'),
        ("who is it?", ""),
        ("?!", ""),
        ("", ""),
    ],
)
def test_terms_are_quoted_and_function_words_dropped(question: str, expression: str) -> None:
    assert match_expression(question) == expression


def test_the_number_of_terms_is_limited() -> None:
    assert match_expression(" ".join(f"term{n}" for n in range(1000))).count(" OR ") == 63


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(['"', "canaan", "AND", "NEAR(", "-", "*", ":", "'", "ⅷ", "\0", "٣"])).map(" ".join)
)
def test_any_question_is_answered(opened: tuple[Index, HashedWordsEmbedder], question: str) -> None:
    index, embedder = opened
    assert len(search(index, embedder, question, 3)) == 3


# -- the real embedder --------------------------------------------------------------------------------------


def test_the_seeds_with_the_real_embedder(tmp_path: Path) -> None:
    embedder = SentenceTransformerEmbedder()
    report = build_index([seeds_folder()], tmp_path / "index", embedder)
    assert report.embedded == report.passages > 30
    with Index.open(tmp_path / "index", embedder) as index:
        matrix = embedder.embed([words_of(index, row) for row in range(index.passages)])
        vector = embedder.embed([QUESTION])[0]
        expected = np.argsort(-(matrix @ vector))[:5]
        assert [row for row, _ in index.search_dense(vector, 5)] == expected.tolist()
        for question, words in {
            QUESTION: "10,000",
            "Which new products did Canaan show at CES?": "Avalon Mini 3",
            "Who makes cheap power in Kazakhstan possible?": "coal power",
        }.items():
            assert any(words in hit.passage.text for hit in search(index, embedder, question, 3)), question
