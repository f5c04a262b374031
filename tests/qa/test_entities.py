"""Names in articles: what counts as one, which spellings are one name, and the file that caches them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import indexed, untraced
from embedders import HashedWordsEmbedder

from citewire.index.maintenance import verify
from citewire.index.store import Index
from citewire.index.types import Embedder, Span
from citewire.qa import analysis, entities
from citewire.qa.entities import Entities, Found, Named, cache_file, found_in, read_entities

pytestmark = pytest.mark.slow  # processes, servers or real networks

FERRY = (
    "By Sam Writer\n\nMaria Jensen, the chief executive of Lund Lines, said on Monday that the company will sell two"
    " ferries.\n\nJensen told reporters in Oslo that Lund Lines needs the money. Jensen did not name a buyer.\n"
)
BANK = "The European Central Bank raised rates in Frankfurt on Friday.\n\nThe ECB said that Germany would feel it.\n"


def named(found: Entities, kind: str) -> dict[str, Named]:
    return {one.name: one for one in found.named if one.kind == kind}


def made(**texts: tuple[Found, ...]) -> Entities:
    return Entities(texts)


def one(name: str, label: str = "PERSON", count: int = 1, start: int = 0) -> Found:
    return Found(name, label, count, Span(start, start + len(name)))


class TestReading:
    """A text -> its names."""

    def test_names_are_exact_counted_and_inside_sentences(self) -> None:
        (read,) = analysis.names([FERRY])
        found = {(name.name, name.label): name for name in found_in(FERRY, read)}
        assert all(FERRY[name.span.start : name.span.end] == name.name for name in found.values())
        assert found["Jensen", "PERSON"].count == 2
        assert found["Maria Jensen", "PERSON"].span.start == FERRY.index("Maria")
        assert found["Oslo", "GPE"].count == 1
        assert not [name for name, _ in found if "Writer" in name]

    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ("the Senate", "Senate"),
            ("Acme's", "Acme's"),
            ("− Acme,", "Acme"),
            ("“Acme”", "Acme"),
            ("it: “Acme", "Acme"),
            ("Acme\nAlso", "Acme"),
            ("U.S.", "U.S."),
        ],
    )
    def test_what_is_taken_with_a_name_is_cut_off(self, written: str, name: str) -> None:
        text = f"They asked on Monday morning for {written} and went home."
        start = text.index(written)
        assert [found.name for found in found_in(text, [("ORG", start, start + len(written))])] == [name]

    def test_a_name_has_a_capital(self) -> None:
        assert found_in("They asked the senate about it.", [("ORG", 11, 21), ("DATE", 0, 4)]) == ()

    def test_long_texts_are_read_in_pieces(self) -> None:
        text = (FERRY + "\n") * 300 + "x" * 45_000
        (read,) = analysis.names([text])
        assert len(text) > 2 * analysis._PIECE
        assert sum(text[start:end] == "Oslo" for _, start, end in read) == 300

    def test_no_text_has_no_names(self) -> None:
        assert analysis.names(["", "half\ud800 a pair"])[0] == []


class TestOneName:
    """Spellings -> names."""

    def test_a_surname_is_the_person_of_its_article(self) -> None:
        found = made(
            a=(one("Maria Jensen", count=1, start=20), one("Jensen", count=4)),
            b=(one("Jensen"),),
            c=(one("Tom Jensen", count=1),),
        )
        people = named(found, "person")
        assert people["Maria Jensen"].spellings == ("Jensen", "Maria Jensen")
        assert [(place.article, place.span, place.count) for place in people["Maria Jensen"].places] == [
            ("a", Span(20, 32), 5),
            ("b", Span(0, 6), 1),
        ]
        assert people["Tom Jensen"].spellings == ("Tom Jensen",)

    def test_a_surname_of_two_people_is_neither(self) -> None:
        found = made(a=(one("Maria Jensen"), one("Tom Jensen"), one("Jensen", count=3)))
        assert {name: person.spellings for name, person in named(found, "person").items()} == {
            "Maria Jensen": ("Maria Jensen",),
            "Tom Jensen": ("Tom Jensen",),
        }

    def test_an_organisation_is_no_part_of_a_person(self) -> None:
        found = made(a=(one("Orvik", "ORG", 3), one("Orvik Lund")), b=(one("Orvik", "ORG"),))
        assert [(name.name, name.kind, len(name.places)) for name in found.named] == [
            ("Orvik", "organisation", 2),
            ("Orvik Lund", "person", 1),
        ]

    def test_middle_initials_blanks_dots_and_capitals_make_no_other_name(self) -> None:
        found = made(
            a=(one("Ana B. Ruiz"), one("J.P. Morgan", "ORG", 2), one("U.S.", "GPE")),
            b=(one("Ana Ruiz"), one("JP Morgan", "ORG"), one("United States", "GPE"), one("JP MORGAN", "ORG")),
        )
        assert sorted(len(name.places) for name in found.named) == [2, 2, 2]

    def test_most_mentions_tell_the_kind_and_a_lone_word_is_no_person(self) -> None:
        found = made(
            a=(one("Paris", "GPE", 3), one("Chirpr", "PERSON")), b=(one("Paris", "PERSON"), one("Dane", "NORP"))
        )
        assert [(name.name, name.kind, len(name.places)) for name in found.named] == [("Paris", "place", 2)]

    def test_real_articles(self) -> None:
        texts = {"ferry": FERRY, "bank": BANK}
        read = analysis.names(list(texts.values()))
        found = Entities({p: found_in(t, r) for (p, t), r in zip(texts.items(), read, strict=True)})
        assert named(found, "person")["Maria Jensen"].places[0].count == 3
        assert {"Lund Lines"} <= named(found, "organisation").keys()
        assert {"Oslo", "Frankfurt", "Germany"} <= named(found, "place").keys()


# -- the file -----------------------------------------------------------------------------------------------------

TEXTS = {f"{n:02}.txt": f"Maria Jensen of Lund Lines went to Oslo on trip {n}.\n" for n in range(20)}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with indexed(TEXTS, tmp_path, HashedWordsEmbedder(64)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, index: Index) -> Path:
    return tmp_path / "index"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of texts in each call of spaCy."""
    given: list[int] = []
    real = analysis.names

    def counted(texts: list[str]) -> list[list[tuple[str, int, int]]]:
        given.append(len(texts))
        return real(texts)

    monkeypatch.setattr(analysis, "names", counted)
    return given


def test_every_article_is_read_once_with_progress(index: Index, folder: Path, reads: list[int]) -> None:
    seen: list[tuple[str, int, int]] = []
    assert not cache_file(folder).exists()
    first = read_entities(index, folder, lambda *step: seen.append(step))
    assert seen == [("reading names", 0, 20), ("reading names", 16, 20), ("reading names", 20, 20)]
    assert reads == [16, 4]
    assert cache_file(folder).exists()
    again = read_entities(index, folder)
    assert (reads, again.found) == ([16, 4], first.found)
    assert len(named(again, "person")["Maria Jensen"].places) == 20
    assert verify(folder).problems == ()
    assert sorted(path.name for path in folder.iterdir()) == ["CURRENT", "LOCK", "manifests", "segments"]


def test_what_is_gone_from_the_index_is_forgotten(index: Index, folder: Path) -> None:
    read_entities(index, folder)
    whole = sorted(cache_file(folder).read_bytes().split())
    gone = {"gone": (one("Ana Ruiz"),)}
    entities._write(cache_file(folder), gone)
    read_entities(index, folder)
    assert sorted(cache_file(folder).read_bytes().split()) == whole


@pytest.mark.parametrize(
    ("damage", "again"),
    [("garbage", [16, 4]), ("cut", [1]), ("name", [1]), ("spacy", [16, 4]), ("sentences", [16, 4])],
)
def test_damaged_or_older_lines_are_made_anew(
    index: Index, folder: Path, reads: list[int], damage: str, again: list[int]
) -> None:
    first = read_entities(index, folder)
    file = cache_file(folder)
    data = file.read_bytes()
    if damage == "garbage":
        file.write_bytes(b"no lines of names [1]\n[2]\n" * 500)
    elif damage == "cut":
        file.write_bytes(data[:-9])
    else:
        file.write_bytes(
            data.replace(b"Maria", b"Marla", 1) if damage == "name" else data.replace(damage.encode(), b"older")
        )
    reads.clear()
    assert read_entities(index, folder).found == first.found
    assert reads == again
    reads.clear()
    assert read_entities(index, folder).found == first.found
    assert reads == []
    assert len(file.read_bytes().split(b"\n")) <= 24


def test_where_nothing_can_be_written_names_are_read_into_memory(index: Index, folder: Path, reads: list[int]) -> None:
    cache_file(folder).mkdir()
    assert len(read_entities(index, folder).found) == 20
    assert len(read_entities(index, folder).found) == 20
    assert reads == [16, 4, 16, 4]


def test_without_keeping_nothing_is_written(index: Index, folder: Path, reads: list[int]) -> None:
    first = read_entities(index, folder, stopped=lambda: False, keep=False)
    assert first is not None
    assert (sum(reads), cache_file(folder).exists()) == (20, False)
    assert read_entities(index, folder).found == first.found
    before = cache_file(folder).read_bytes()
    reads.clear()
    again = read_entities(index, folder, stopped=lambda: False, keep=False)
    assert again is not None
    assert (again.found, reads, cache_file(folder).read_bytes()) == (first.found, [], before)
    cache_file(folder).write_bytes(b"damaged")
    read_entities(index, folder, stopped=lambda: False, keep=False)
    assert (sum(reads), cache_file(folder).read_bytes()) == (20, b"damaged")


def test_a_stop_keeps_what_was_read(index: Index, folder: Path, reads: list[int]) -> None:
    stops = iter([False, True])
    assert read_entities(index, folder, stopped=lambda: next(stops)) is None
    assert reads == [16]
    read_entities(index, folder)
    assert reads == [16, 4]


SLOW = """
import os, signal, sys
from pathlib import Path
from citewire.index.store import Index
from citewire.qa import entities
folder = Path(sys.argv[1])
entities.BATCH = 4
def report(stage, done, total):
    if done >= 8:
        os.kill(os.getpid(), int(sys.argv[2]))
with Index.open(folder) as index:
    entities.read_entities(index, folder, report)
"""


def test_what_was_read_before_a_kill_is_kept(index: Index, folder: Path, reads: list[int]) -> None:
    command = [sys.executable, "-c", SLOW, str(folder), str(int(signal.SIGKILL))]
    done = subprocess.run(command, env=untraced() | {"OMP_NUM_THREADS": "1"}, check=False, timeout=300, stderr=-3)
    assert done.returncode == -signal.SIGKILL
    assert cache_file(folder).stat().st_size > 0
    assert len(read_entities(index, folder).found) == 20
    assert reads == [12]


@pytest.mark.parametrize(
    ("noun", "sort"),
    [
        ("retailers", "company"),
        ("nations", "country"),
        ("towns", "city"),
        ("actors", "person"),
        ("agencies", "public body"),
        ("teams", "association"),
        ("states", "state"),
        ("risks", ""),
        ("movies", ""),
        ("reasons", ""),
    ],
)
def test_the_sort_that_a_noun_asks_for(embedder: Embedder, noun: str, sort: str) -> None:
    assert entities.sort_of_noun(noun, embedder) == sort


def test_names_are_of_the_sort_that_they_sound_like(embedder: Embedder) -> None:
    def fitting(sort: str, kind: entities.EntityKind, *names: str) -> list[str]:
        given = [Named(name, kind, (name,), ()) for name in names]
        return [name.name for name, fits in zip(given, entities.are(sort, given, embedder), strict=True) if fits]

    assert fitting("country", "place", "Jamaica", "Paris", "Texas", "Cuba") == ["Jamaica", "Cuba"]
    assert fitting("company", "organisation", "Boeing", "Congress", "Walmart", "Supreme Court") == ["Boeing", "Walmart"]
    assert fitting("company", "place", "Nestle", "Jamaica") == ["Nestle"]  # spaCy labels it a place
    assert fitting("state", "place") == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Lund Lines", True),
        ("Maria Jensen", True),  # mentioned again as "Jensen"
        ("Nordic Shipping", False),  # mentioned once
        ("Focus On Ferry Fares", False),  # a heading that occurs twice
        ("de Marne", False),
    ],
)
def test_articles_tell_of_a_whole_name_in_two_sentences(name: str, told: bool) -> None:
    text = (
        "Focus On Ferry Fares\n\nMaria Jensen, the chief executive of Lund Lines, met reporters in Oslo on Monday.\n\n"
        "Focus On Ferry Fares\n\nJensen said on Monday that Lund Lines will sell two ferries to Nordic Shipping.\n\n"
        "The buyer was found by Ana de Marne, whom Jensen had asked for help in May.\n\n"
        "In the end Ana de Marne said that she did not want any money for it.\n"
    )
    assert entities.is_told_of(name, [text, text]) is told
