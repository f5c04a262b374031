"""Correction of typing errors, with English words and a real index of invented articles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import indexed
from scored import ARTICLES, records, words

from citewire.index.maintenance import remove
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa import spelling
from citewire.qa.spelling import corrected

RESTORED = 0.9  # least share of misspelt words that are corrected
UNTOUCHED = 1.0  # least share of correct questions that stay unchanged


@pytest.fixture(scope="module")
def articles(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with indexed(ARTICLES, tmp_path_factory.mktemp("spelling"), embedder) as index:
        yield index


def test_the_share_of_words_restored(articles: Index) -> None:
    wrong = []
    errors = 0
    for record in records("spelling.jsonl"):
        got = words(corrected(record["typed"], articles))
        for typed, meant, now in zip(words(record["typed"]), words(record["meant"]), got, strict=True):
            errors += typed != meant
            if typed != meant and now != meant:
                wrong.append((typed, now, meant))
    assert errors == 30
    assert 1 - len(wrong) / errors >= RESTORED, wrong


def test_questions_without_errors_stay(articles: Index) -> None:
    clean = [record["typed"] for record in records("spelling.jsonl") if record["typed"] == record["meant"]]
    touched = [(typed, now) for typed in clean if (now := corrected(typed, articles)) != typed]
    assert 1 - len(touched) / len(clean) >= UNTOUCHED, touched


def test_case_and_punctuation_stay(articles: Index) -> None:
    typed = '  Waht did "Lund Lines" (a COMPANY) buy,\twich ferries -- and  wehn?!'
    assert corrected(typed, articles) == ('  What did "Lund Lines" (a COMPANY) buy,\twhich ferries -- and  when?!')


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("whats the night ferry", "what's the night ferry"),
        ("and whos its chair", "and who's its chair"),
        ("what's its price", "what's its price"),
    ],
)
def test_an_apostrophe_that_was_left_out(articles: Index, typed: str, meant: str) -> None:
    assert corrected(typed, articles) == meant


def test_a_letter_that_is_doubled_or_not_is_likelier_than_another_error(articles: Index) -> None:
    assert corrected("did they recal the leter", articles) == "did they recall the letter"


def test_the_neighbours_decide_between_two_words(articles: Index) -> None:
    assert corrected("hwo many ferries sail", articles) == "how many ferries sail"
    assert corrected("hwo is the mayor", articles) == "who is the mayor"


def test_articles_are_read_for_unknown_words_alone(articles: Index) -> None:
    spelling._counted.pop(articles, None)
    assert corrected("who is the president", articles) == "who is the president"
    assert articles not in spelling._counted
    assert corrected("who is teh president", articles) == "who is the president"
    counted = spelling._counted[articles]
    assert counted.articles["skarvik"] == 4
    assert corrected("where is skarvki", articles) == "where is skarvik"
    assert spelling._counted[articles] is counted


def test_removed_articles_names_once_told_and_accents(embedder: Embedder, tmp_path: Path) -> None:
    flood = "Flood\n\nMünchberg was flooded in its X-Hall, Kohl's said.\n"
    texts = {"one.txt": flood, "two.txt": "Fire\n\nOrvannia burned.\n"}
    with indexed(texts, tmp_path, embedder) as index:
        assert corrected("what of munchbreg, orvanina and kohls", index) == "what of munchberg, orvannia and kohls"
        assert corrected("was the xhall flooded", index) == "was the x-hall flooded"
        gone = next(summary.path for summary in index.articles() if "two" in summary.path)
    remove(tmp_path / "index", [gone])
    with Index.open(tmp_path / "index") as index:
        assert corrected("what of munchbreg and orvanina", index) == "what of munchberg and orvanina"


def test_questions_with_many_unknown_words_stay(articles: Index) -> None:
    typed = "hwo zwxqv grmblf qqrst vvkkp"
    assert corrected(typed, articles) == typed


def test_other_forms_of_known_words_stay(articles: Index) -> None:
    assert corrected("which skarviks are there", articles) == "which skarviks are there"
