"""Words are found in every spelling of Unicode, and shown unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
from embedders import HashedWordsEmbedder

from citewire.index.build import build_index
from citewire.index.folding import folded
from citewire.index.passages import sentences
from citewire.index.search import search
from citewire.index.store import Index


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The ﬁnance oﬃce of the ﬂeet", "The finance office of the fleet"),
        ("ｆｕｌｌ ｗｉｄｔｈ １２３", "full width 123"),
        ("inter-\nnational", "international"),
        ("a well-\n  known man", "a well-known man"),
        ("an Anglo-\r\nAmerican bank", "an Anglo-American bank"),
        ("inter\u00adnational", "international"),
        ("Nor\u200bland", "Norland"),
        ("10½ years and ½ a day", "10 1/2 years and 1/2 a day"),
        ("5 m² of E=mc²", "5 m² of E=mc²"),
        ("㎏ and № 5 and ™", "kg and No 5 and TM"),
        ("white\u00a0space\n in\tlines", "white space in lines"),
        ("Café naïve", "Café naïve"),
        ("2021-\n2022", "2021- 2022"),
        ("inter\u2010\nnational", "international"),
        ("inter\u00ad\nnational", "international"),
        ("cafe\u0301, A\u030angstro\u0308m", "café, Ångström"),
        ("He left -\nthen came", "He left - then came"),
    ],
)
def test_what_is_searched_is_folded(text: str, words: str) -> None:
    assert folded(text) == words


def test_ligatures_and_broken_words_are_found_and_quoted_as_they_stand(tmp_path: Path) -> None:
    text = "The ﬁnance minister resigned.\n\nThe inter-\nnational court of the well-\nknown town met."
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.txt").write_text("Nothing of that kind is said here, and nobody met.")
    embedder = HashedWordsEmbedder()
    build_index([tmp_path / "a.txt", tmp_path / "b.txt"], tmp_path / "index", embedder)
    with Index.open(tmp_path / "index", embedder) as index:
        for word in ("finance", "international", "well-known"):
            hit = search(index, embedder, f"What {word} thing?", 1)[0]
            assert hit.bm25 > 0
            assert hit.passage.article == "a.txt"
        stored = index.article("a.txt").text
        assert stored == text
        assert stored[slice(*next((s.start, s.end) for s in sentences(stored)))] == "The ﬁnance minister resigned."
