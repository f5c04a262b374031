"""Questions in everyday words, and the plain ones that they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa.wording import direct, plain


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Could you tell me what Lund earned, net, in 2022?", "What did Lund earn, net, in 2022?"),
        ("Tell me what the price of the ferry was, please.", "What was the price of the ferry?"),
        ("Tell me which company bought Lund.", "Which company bought Lund?"),
        ("Do you know who runs Lund?", "Who runs Lund?"),
        ("Can you tell me how many ferries Lund owns?", "How many ferries does Lund own?"),
        ("I'd like to know when the bridge opened", "When did the bridge open?"),
        ("Tell me how Lund's shares are doing", "How are Lund's shares doing?"),
        ("Do you know if Lund has sold its ferries?", "Has Lund sold its ferries?"),
        ("I wonder whether Acme closed its plant", "Did Acme close its plant?"),
        ("Which firms signed? I need their names.", "Which firms signed?"),
        ("Please, who runs Lund?", "Who runs Lund?"),
        ("What was it worth when the Herald article was written?", "What was it worth?"),
        ("What did Acme say in the Herald article?", "What did Acme say?"),
        ("who runs Lund these days?", "Who runs Lund now?"),
    ],
)
def test_the_question_itself(text: str, asked: str) -> None:
    assert direct(text) == asked


@pytest.mark.parametrize(
    "text",
    [
        "Tell me more",
        "What does Acme tell me?",
        "What did Ana Ruiz say to please voters?",
        "Who wrote the Herald article?",
        "When was the Herald article published?",
        "When was the report written?",
        "What does Lund need?",
        "Please?",
        "",
    ],
)
def test_a_question_that_is_asked_outright_stays(text: str) -> None:
    assert direct(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Roughly what portion of the boats is late?", "What portion of the boats is late?"),
        ("What actually happened in the first place?", "What happened?"),
        ("who's exactly the boss of lund?", "who's the boss of lund?"),
        ("Is Lund a Danish or a Swedish firm?", "In which country is Lund based?"),
        ("Is Lund Danish or Swedish?", "In which country is Lund based?"),
        ("Is Lund a Danish company or a Swedish one?", "In which country is Lund based?"),
        ("Is Lund based in Denmark or in Sweden?", "In which country is Lund based?"),
        ("Is Lund headquartered in Oslo or Bergen?", "Where is Lund headquartered?"),
        ("Did Lund open its yard in March or in April?", "When did Lund open its yard?"),
        ("Was it on Monday or Friday that Lund closed?", "When was it that Lund closed?"),
    ],
)
def test_in_plain_words(text: str, words: str) -> None:
    assert plain(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "Was it Acme or Lund?",
        "Is Lund bigger in Denmark or in Sweden?",
        "Is Ana Ruiz a Danish or a Swedish minister?",
        "Does Lund build a Danish or a Swedish ferry?",
        "Is Lund a big or a small firm?",
        "Did sales rise in 2019 or 2021?",
        "Exactly?",
        "",
    ],
)
def test_what_is_plain_already(text: str) -> None:
    assert plain(text) == text


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert direct(text).strip() or not text.strip()
    assert plain(text).strip() or not text.strip()
