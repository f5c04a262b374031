"""What docs/architecture.md says on adding a format, a model, a retriever and a kind of question, done in a copy.

Each is added to one file of the copy. One process then uses all four.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

from citewire.qa.models.catalogue import CATALOGUE

pytestmark = [pytest.mark.model, pytest.mark.slow]

SMALLEST = CATALOGUE["smollm2-135m"]
FORMAT = """def _read_wire(data: bytes, _request: Request) -> Document:
    title, _, text = data.decode().partition("|")
    return Document(text, title=title)


"""
RETRIEVER = '''def _by_initials(
    index: Index, question: str, allowed: NDArray[np.bool_] | None, k: int
) -> Sequence[tuple[int, float]]:
    """Find "Early Urchin Fishing" for "EUF"."""
    wanted = {word.strip("?") for word in question.split() if word.isupper()}
    initials = ("".join(word[0] for word in one.text.split()) for one in index.fetch(range(index.passages)))
    return [(row, 1.0) for row, text in enumerate(initials) if any(word in text for word in wanted)][:k]


'''
IMPORTS = """from citewire.index.passages import sentences
from citewire.qa.claims import place_of
"""
KIND = """def _asks_for_the_longest(text: str) -> bool:
    return "longest sentence" in text


def _longest(task: Task) -> Iterator[Event]:
    task.told.kind = "longest"
    yield task.told.searched(())
    articles = [task.index.article(one.path) for one in task.index.articles()]
    places = [place_of(one, span) for one in articles for span in sentences(one.text)]
    yield task.told.quote(max(places, key=lambda place: len(place.text)))


"""
ENTRY = json.dumps(asdict(replace(SMALLEST, name="wire-135m")))
ADDED = (  # file, what is in it once, what is put before that
    ("index/formats.py", "# A new format is", FORMAT),
    ("index/formats.py", '".txt": _read_text,\n', '".wire": _read_wire, '),
    ("index/search.py", "# A new retriever is", RETRIEVER),
    ("index/search.py", ")\n\n\ndef search", "(_by_initials, 9.0),"),
    ("qa/ways/choice.py", "from citewire.qa import analysis", IMPORTS),
    ("qa/ways/choice.py", "# A new kind of", KIND),
    ("qa/ways/choice.py", ")\n_OF_ITSELF", "(_asks_for_the_longest, _longest),"),
    ("qa/models/catalogue.json", '{"name": "qwen2.5-coder-0.5b"', f"{ENTRY},\n"),
)
LONGEST = "Anna Berg, who has chaired Lund Lines since May, sells the two oldest of its nine ships to a yard in Vire."
ARTICLES = {
    "ferry.wire": f"Ferries sold|{LONGEST} The yard takes them in June.",
    "quay.txt": "EUF is short for a plan. The plan for EUF is old.\n",
    "urchins.txt": "Every Uncle Fishes.\n",
}
PROGRAM = """
import json, sys
from pathlib import Path
import citewire
from citewire.qa.models.cache import list_models

report = citewire.index("news", "news.index")
with citewire.open("news.index", cache=sys.argv[1], model="wire-135m", reader="small", device="cpu") as news:
    longest, who = news.ask("What is the longest sentence?"), news.ask("Who chairs Lund Lines?")
    print(json.dumps({
        "of": citewire.__file__,
        "rejected": [one.path for one in report.rejected],
        "titles": {one.path: one.title for one in news.articles()},
        "states": {one.name: one.state for one in list_models(Path(sys.argv[1]))},
        "found": [hit.passage.article for hit in news.search("What is EUF?")],
        "longest": [longest.kind, longest.status, longest.claims[0].quotes[0].text],
        "who": [who.kind, who.status, who.model, who.claims[0].quotes[0].article],
    }))
"""


@pytest.fixture(scope="module")
def used(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the copy with the four additions says."""
    folder = tmp_path_factory.mktemp("added")
    shutil.copytree(REPOSITORY / "ui" / "root", folder / "citewire")
    for name in ("index", "qa", "seeds", "ui"):
        linked = folder / "citewire" / name
        shutil.copytree(REPOSITORY / name, linked, copy_function=os.symlink, ignore=shutil.ignore_patterns("*.pyc"))
    for name, place, added in ADDED:
        file = folder / "citewire" / name
        text = file.read_text("utf-8")
        assert text.count(place) == 1, place
        file.unlink()  # a link to the repository's file
        file.write_text(text.replace(place, added + place), "utf-8")
    (folder / "news").mkdir()
    for name, text in ARTICLES.items():
        (folder / "news" / name).write_text(text)
    shutil.copytree(
        cache / "models" / SMALLEST.name, folder / "cache" / "models" / "wire-135m", copy_function=os.symlink
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "cache")],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["of"] == str(folder / "citewire" / "__init__.py")
    return found


def test_a_format_is_read(used: dict[str, Any]) -> None:
    assert used["rejected"] == []
    assert used["titles"]["ferry.wire"] == "Ferries sold"
    assert used["who"][3] == "ferry.wire"


def test_a_model_is_listed_and_answers(used: dict[str, Any]) -> None:
    assert used["states"]["wire-135m"] == "converted"
    assert used["who"][:3] == ["fact", "answered", "wire-135m"]


def test_a_retriever_finds_what_the_others_rank_last(used: dict[str, Any]) -> None:
    assert used["found"][0] == "urchins.txt"


def test_a_kind_of_question_has_its_own_answer(used: dict[str, Any]) -> None:
    assert used["longest"] == ["longest", "answered", LONGEST]
