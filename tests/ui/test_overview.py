"""The overview on the empty page: when it is computed, and what is shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from conftest import until
from scripted import EXAMPLES, LEAD, OFFERED, OPENING, OVERVIEW, ScriptedAnswerer, ScriptedIndex, scripted_about

from citewire.index.errors import ModelError
from citewire.qa.types import Answer
from citewire.ui.chat import Chat, Conversation, Loaded
from citewire.ui.exchange import Exchange
from citewire.ui.overview import About
from citewire.ui.render import escape, welcome_html


def chat_with(about: About | None) -> Chat:
    def over(index: ScriptedIndex) -> Loaded:
        return Loaded(ScriptedAnswerer(), index, "scripted", about=about, over=over)

    chat = Chat(lambda: over(ScriptedIndex()))
    until(lambda: chat.background.done)
    return chat


def known(chat: Chat) -> Exchange:
    until(lambda: (about := chat.overview()) and about.done)
    about = chat.overview()
    assert about
    return about


def test_it_is_found_out_once_for_each_index() -> None:
    calls: list[int] = []

    def about(stopped: Callable[[], bool]) -> Answer | None:
        calls.append(1)
        return scripted_about(stopped)

    chat = chat_with(about)
    assert known(chat).answer == OVERVIEW
    assert known(chat) is known(chat)
    assert len(calls) == 1
    chat.search_in(ScriptedIndex())
    assert known(chat).answer == OVERVIEW
    assert len(calls) == 2


def test_a_question_comes_first_and_breaks_it_off() -> None:
    begun, calls = threading.Event(), []

    def about(stopped: Callable[[], bool]) -> Answer | None:
        calls.append(1)
        if len(calls) == 1:
            begun.set()
            until(stopped)
            return None
        return scripted_about(stopped)

    chat = chat_with(about)
    first = chat.overview()
    assert first
    assert begun.wait(10)
    exchange = chat.ask(EXAMPLES[0], Conversation())
    until(lambda: exchange.done)
    assert not first.done
    assert known(chat).answer == OVERVIEW
    assert len(calls) == 2


@pytest.mark.parametrize("fault", [ModelError("The model broke", "Repair it."), RuntimeError("a bug")])
def test_where_it_cannot_be_found_out_nobody_tries_again(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def about(stopped: Callable[[], bool]) -> Answer | None:
        raise fault

    chat = chat_with(about)
    with caplog.at_level(logging.WARNING):
        assert known(chat).answer is None
    assert [record.message for record in caplog.records] == ["no overview"]


def test_where_nobody_can_tell_there_is_none() -> None:
    assert chat_with(None).overview() is None
    gate = threading.Event()

    def load() -> Loaded:
        gate.wait(60)
        return Loaded(ScriptedAnswerer(), ScriptedIndex(), "scripted", about=scripted_about)

    chat = Chat(load)
    assert chat.overview() is None
    gate.set()
    assert known(chat).answer == OVERVIEW


def test_an_overview_without_questions_keeps_the_examples() -> None:
    about = Exchange("t0", OVERVIEW.question)
    about.apply(OVERVIEW)
    markup = welcome_html(EXAMPLES, about)
    assert 'href="#cw-suggestion-t0-3"' in markup
    assert markup.count("cw-example") == len(OFFERED)
    assert 'href="#cw-cite-t0-1"' in markup
    bare = Exchange("t0", "q")
    bare.apply(Answer("q", "q", "answered", LEAD, kind="corpus", lead=LEAD))
    markup = welcome_html(EXAMPLES, bare)
    assert f'<p class="cw-lead">{escape(LEAD)}</p>' in markup
    assert "#cw-example-2" in markup
    assert OPENING.split("’")[0] not in markup
