"""From a question to its evidence: read once, chosen by odds, and cached for the same question only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import indexed
from readers import ScriptedReader

from citewire.index.errors import InputError
from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters
from citewire.qa.finding import Finder
from citewire.qa.reader import load_reader

RUNS = "Lund Lines runs 14 ferries."
ALSO = "Its 14 ferries are what Lund Lines runs now."
COST = "The repairs of the bridge cost 40 million euros."
ARTICLES = {
    "a.txt": f"{RUNS}\nA ferry of Lund Lines is blue.\n",
    "b.txt": f"{RUNS.upper()}\n{ALSO}\n",
    "c.txt": f"{COST}\n",
}
FLEET = "How many ferries does Lund Lines run?"
DID = "Did the repairs of the bridge cost 40 million euros?"
STATED = "the repairs of the bridge did cost 40 million euros."
WANTED = SearchOptions(k=8)


def finder(index: Index, embedder: Embedder, reader: ScriptedReader, most: int = 4) -> Finder:
    return Finder(index, embedder, reader, most=most)


def test_the_same_question_is_searched_and_read_once(index: Index, embedder: Embedder) -> None:
    reader = ScriptedReader({FLEET: "14 ferries"})
    found = finder(index, embedder, reader)
    first = found.part(FLEET, WANTED)
    assert len(reader.asked) == 1
    assert found.part(FLEET, replace(WANTED)) == first
    assert found.hits(FLEET, WANTED) is first.hits
    assert found.evidence(FLEET, WANTED) is first.evidence
    assert len(reader.asked) == 1


def test_other_filters_and_another_question_are_read_anew(index: Index, embedder: Embedder) -> None:
    reader = ScriptedReader({FLEET: "14 ferries"})
    found = finder(index, embedder, reader)
    found.part(FLEET, WANTED)
    one = found.part(FLEET, replace(WANTED, filters=Filters(articles=("a.txt",))))
    assert {hit.passage.article for hit in one.hits} == {"a.txt"}
    assert [evidence.text for evidence in one.chosen] == [RUNS]
    found.part("Who runs ferries?", WANTED)
    assert reader.asked == [FLEET, FLEET, "Who runs ferries?"]


def test_sentences_near_the_best_each_once(index: Index, embedder: Embedder) -> None:
    part = finder(index, embedder, ScriptedReader({FLEET: "14 ferries"})).part(FLEET, WANTED)
    assert sorted(one.text.casefold() for one in part.chosen) == sorted([ALSO.casefold(), RUNS.casefold()])
    assert (part.text, part.probability, part.polarity) == (FLEET, 0.9, "")
    assert len(part.evidence) > len(part.chosen)
    only = finder(index, embedder, ScriptedReader({FLEET: "14 ferries"}), most=1).part(FLEET, WANTED)
    assert len(only.chosen) == 1


def test_a_sentence_comes_before_a_line_without_a_verb(embedder: Embedder, tmp_path: Path) -> None:
    question, said = "Where did the ferry of Lund Lines end?", "The ferry of Lund Lines ended in Skarvik harbour."
    reader = ScriptedReader({question: ("Skarvik harbour, Norland.", "in Skarvik harbour")})
    with indexed({"a.txt": f"{said}\n", "b.txt": "Skarvik harbour, Norland.\n"}, tmp_path, embedder) as index:
        chosen = finder(index, embedder, reader).part(question, WANTED).chosen
    assert [one.text for one in chosen] == [said, "Skarvik harbour, Norland."]


def test_nothing_that_answers(index: Index, embedder: Embedder) -> None:
    part = finder(index, embedder, ScriptedReader({FLEET: ()})).part(FLEET, WANTED)
    assert (list(part.chosen), part.polarity) == ([], "")
    assert part.hits
    assert part.probability == 0.05


@pytest.mark.parametrize(
    ("supported", "refuted", "told"), [(0.9, False, "Yes"), (0.1, True, "No"), (0.6, False, ""), (0.4, True, "")]
)
def test_yes_or_no_where_it_is_decided(
    index: Index, embedder: Embedder, supported: float, refuted: bool, told: str
) -> None:
    reader = ScriptedReader({DID: "40 million euros"}, {STATED: supported}, [STATED] if refuted else [])
    assert finder(index, embedder, reader).part(DID, WANTED).polarity == told


def test_a_plan_decides_no_question(tmp_path: Path, embedder: Embedder) -> None:
    asked, stated = "Did Holm Dairy buy the mill?", "Holm Dairy did buy the mill."
    reader = ScriptedReader({asked: "the mill"}, {stated: 0.9})
    for number, verb, polarity in ((1, "was to buy", ""), (2, "bought", "Yes")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with indexed({"a.txt": f"Holm Dairy {verb} the mill in May.\n"}, folder, embedder) as index:
            assert finder(index, embedder, reader).part(asked, WANTED).polarity == polarity


def test_filters_that_leave_nothing(index: Index, embedder: Embedder) -> None:
    none = replace(WANTED, filters=Filters(articles=("z.txt",)))
    with pytest.raises(InputError):
        finder(index, embedder, ScriptedReader()).part(FLEET, none)


def test_for_real(index: Index, embedder: Embedder) -> None:
    found = Finder(index, embedder, load_reader(1))
    part = found.part(FLEET, WANTED)
    assert "14" in part.chosen[0].words
    assert found.part("Does Lund Lines run 14 ferries?", WANTED).polarity == "Yes"
    assert not found.part("What do owls eat in winter?", WANTED).chosen


def test_names_that_no_article_has(index: Index, embedder: Embedder) -> None:
    found = finder(index, embedder, ScriptedReader())
    assert found.unknown("Did Zorbania buy Lund Lines from Ana Ruiz?") == ("Zorbania", "Ana Ruiz")
    assert found.unknown("How many ferries does Lund Lines run?") == ()
