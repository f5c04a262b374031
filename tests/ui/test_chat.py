"""The line of questions and the conversations, without a page: order, Stop, storage, suggestions, filters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from conftest import until
from scripted import (
    EXAMPLES,
    GOING_ON,
    OFFERED,
    OPEN_CLAIMS,
    SUGGESTIONS,
    Gated,
    ScriptedAnswerer,
    ScriptedIndex,
    over_index,
    scripted_choice,
    scripted_suggest,
)

from citewire.index.errors import CitewireError, InputError, ModelError
from citewire.index.options import SearchOptions
from citewire.index.types import Filters
from citewire.qa.types import Answer, Manner, Turn
from citewire.ui.allowance import Sender
from citewire.ui.chat import (
    ADDRESS_LENGTH,
    LINE_LENGTH,
    VISITOR_LENGTH,
    Chat,
    Conversation,
    Loaded,
    ModelChoice,
    NotReadyError,
    Suggest,
    narrowed,
)
from citewire.ui.conversations import Conversations
from citewire.ui.exchange import Exchange
from citewire.ui.line import Line
from citewire.ui.render import closing
from citewire.ui.turns import Turns

VISITOR = "v" * 32


def loaded_chat(
    answerer: Gated | ScriptedAnswerer, kept: Conversations | None = None, suggest: Suggest | None = None
) -> Chat:
    chat = Chat(lambda: Loaded(answerer, ScriptedIndex(), "m", suggest=suggest), 1000, kept)
    until(lambda: chat.background.done)
    return chat


def visiting() -> Conversation:
    conversation = Conversation()
    conversation.visitor = VISITOR
    return conversation


def idle(chat: Chat) -> bool:
    return not (chat.line._running or chat.line._waiting)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Conversations]:
    with Conversations(tmp_path / "kept.db") as opened:
        yield opened


def test_what_is_loaded_answers_while_it_is_warmed_up() -> None:
    warming, go = threading.Event(), threading.Event()

    def warm_up() -> None:
        warming.set()
        go.wait(30)
        raise ModelError("the model went away", "Start it again")  # the next question will report it

    chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m", warm_up=warm_up), 1000)
    until(warming.is_set)
    assert chat.background.done
    exchange = chat.ask("When does it open?", visiting())
    until(lambda: exchange.done)
    go.set()
    assert exchange.answer
    assert exchange.answer.status == "answered"
    assert chat.background.error is None


def test_the_line_runs_one_at_a_time_questions_before_suggestions() -> None:
    line, order, go = Line(), [], threading.Event()
    names = ("first", "suggested", "second", "third")
    exchanges = {name: Exchange(name, name) for name in names}

    def work(name: str) -> Callable[[], None]:
        def run() -> None:
            go.wait(30)
            order.append(name)
            exchanges[name].fail("done", "")

        return run

    for name in names:
        line.enter(exchanges[name], work(name), is_question=name != "suggested")
    assert [line.ahead(exchanges[name]) for name in ("first", "second", "third")] == [0, 1, 2]
    assert line.waiting == 2
    line.leave(exchanges["second"], exchanges["first"])  # the running question continues
    assert line.ahead(exchanges["third"]) == 1
    go.set()
    until(lambda: len(order) == 3)
    assert order == ["first", "third", "suggested"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("a1 a2 a3 b1", "a1 b1 a2 a3"),
        ("a1 a2 a3 b1 b2 c1", "a1 b1 c1 a2 b2 a3"),
        ("a1 b1 c1 c2 b2 a2", "a1 b1 c1 a2 b2 c2"),
        ("a1 b1 c1 B1 B2", "a1 B1 b1 B2 c1"),  # capitals are another address
    ],
)
def test_the_next_is_who_was_served_least_recently(asked: str, expected: str) -> None:
    line, order, go = Line(), [], threading.Event()
    exchanges = {name: Exchange(name, name) for name in asked.split()}

    def work(name: str) -> Callable[[], None]:
        def run() -> None:
            go.wait(30)
            order.append(name)

        return run

    for name, exchange in exchanges.items():
        line.enter(exchange, work(name), Sender(name[0], "elsewhere" if name[0].isupper() else ""))
    told = sorted(exchanges, key=lambda name: line.ahead(exchanges[name]))
    assert [line.ahead(exchanges[name]) for name in told] == list(range(len(told)))
    assert " ".join(told) == expected
    assert line.waiting_of(Sender("a")) == (asked.count("a") - 1, len(exchanges) - 1 - asked.count("B"))
    go.set()
    until(lambda: len(order) == len(exchanges))
    assert " ".join(order) == expected


def test_the_line_forgets_who_was_served_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewire.ui.turns.REMEMBERED", 2)
    turns = Turns()
    for visitor in ("a", "b", "a", "c", "d"):
        assert turns.next_of([Sender(visitor)], lambda one: one) == Sender(visitor)
    assert set(turns._served) == {("address", ""), ("visitor", "a"), ("visitor", "c"), ("visitor", "d")}


def test_the_line_goes_on_after_it_was_empty() -> None:
    line, done = Line(), []
    for name in ("one", "two"):
        line.enter(Exchange(name, name), lambda name=name: done.append(name))  # type: ignore[misc]
        until(lambda name=name: name in done)  # type: ignore[misc]
    assert done == ["one", "two"]


def test_stop_ends_the_exchange_at_once_and_what_comes_later_is_dropped(kept: Conversations) -> None:
    answerer, conversation = Gated(), visiting()
    chat = loaded_chat(answerer, kept)
    exchange = chat.ask("When?", conversation)
    assert answerer.begun.wait(30)
    chat.stop(conversation)
    assert not answerer.ended.is_set()
    assert (exchange.done, exchange.stopped, exchange.draft) == (True, True, "Cyclists get")
    assert exchange.claims == [OPEN_CLAIMS[0]]
    second = chat.ask("And then?", conversation)
    assert second.phase == "searching"  # a stopped question does not count, although the model is still busy
    answerer.go.set()
    until(lambda: second.done)
    assert exchange.claims == [OPEN_CLAIMS[0]]
    until(lambda: second.done and idle(chat))
    assert conversation.kept
    stored = kept.get(VISITOR, conversation.kept).exchanges
    assert [(one.question, one.answer.status) for one in stored] == [("When?", "stopped"), ("And then?", "answered")]
    assert stored[0].answer.text == f"{OPEN_CLAIMS[0].text} [1]"


def test_a_waiting_question_that_is_stopped_is_never_asked_and_is_there_again(kept: Conversations) -> None:
    answerer, first, second = Gated(), visiting(), visiting()
    chat = loaded_chat(answerer, kept)
    chat.ask("one", first)
    assert answerer.begun.wait(30)
    waiting = chat.ask("two", second)
    assert (waiting.phase, waiting.ahead) == ("waiting", 1)
    stored = kept.get(VISITOR, str(second.kept)).exchanges  # stored before it is answered
    assert [(one.question, one.answer.status) for one in stored] == [("two", "stopped")]
    chat.leave(second)  # the tab was closed
    assert waiting.stopped
    again = visiting()
    chat.open(again, str(second.kept))
    assert [closing(one) for one in again.exchanges] == ["Stopped before there was an answer. Ask it again."]
    assert chat.line.waiting == 0
    answerer.go.set()
    assert answerer.ended.wait(30)
    assert waiting.claims == []
    assert chat.retry(again)
    until(lambda: idle(chat))
    assert [one.answer.text for one in kept.get(VISITOR, str(second.kept)).exchanges] == ["late"]
    answerer.begun.clear()
    answerer.go.clear()
    chat.ask("three", first)
    assert answerer.begun.wait(30)
    assert chat.retry(again)
    chat.stop(again)  # the old answer stays
    assert [one.answer.text for one in kept.get(VISITOR, str(second.kept)).exchanges] == ["late"]
    answerer.go.set()
    until(lambda: idle(chat))


def test_a_full_line_turns_questions_away() -> None:
    answerer = Gated()
    chat = loaded_chat(answerer)
    chat.ask("now", visiting())
    assert answerer.begun.wait(30)
    for number in range(LINE_LENGTH):
        conversation = visiting()
        conversation.sender = Sender(VISITOR, "here")
        if number >= VISITOR_LENGTH:
            refused = chat.refusal("q", conversation)
            assert refused == "8 of your questions are waiting already. Ask again in a moment."
            conversation.sender = Sender("w" * 32, "here")
        if number >= ADDRESS_LENGTH:
            conversation.sender = Sender("x" * 32, "here")
            refused = chat.refusal("q", conversation)
            assert refused == "16 questions from your address are waiting already. Ask again in a moment."
            conversation.sender = Sender("y" * 32, "there")
        assert chat.refusal("q", conversation) == ""
        chat.ask(str(number), conversation)
    assert chat.refusal("q", Conversation()) == "24 questions are waiting already. Ask again in a moment."
    answerer.go.set()
    until(lambda: not chat.line.waiting)


def test_an_answer_that_takes_too_long_ends_with_what_there_is(kept: Conversations) -> None:
    chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m"), keeper=kept, max_answer_seconds=0.3)
    until(lambda: chat.background.done)
    exchange = chat.ask("Answer slowly", visiting())
    until(lambda: exchange.done)
    assert exchange.fix == "Ask again, or ask for less at once."  # the visitor cannot change a setting
    assert exchange.problem == "This took too long and was stopped after 0.3 seconds"
    assert [claim.text for claim in exchange.claims] == ["The Harbour Tunnel opens to traffic on 18 May."]
    until(lambda: idle(chat))


def test_a_closed_tab_stops_and_what_was_shown_is_kept(kept: Conversations) -> None:
    answerer, conversation = ScriptedAnswerer(), visiting()
    chat = loaded_chat(answerer, kept)
    exchange = chat.ask("Answer slowly", conversation)
    until(lambda: exchange.draft)
    chat.leave(conversation)
    assert exchange.stopped
    (info,) = kept.list(VISITOR)
    assert kept.get(VISITOR, info.id).exchanges[0].answer.status == "stopped"
    until(lambda: chat.line.ahead(exchange) == 0 and idle(chat))  # the answerer has noticed Stop


def test_a_conversation_is_kept_and_opened_again_with_its_ratings(kept: Conversations) -> None:
    chat, conversation = loaded_chat(ScriptedAnswerer(), kept), visiting()
    for question in EXAMPLES[:2]:
        exchange = chat.ask(question, conversation)
        until(lambda exchange=exchange: exchange.done and idle(chat))  # type: ignore[misc]
    kept.rate(VISITOR, exchange.kept, "mismatch", quote=2)
    other = visiting()
    chat.open(other, str(conversation.kept))
    assert [one.question for one in other.exchanges] == list(EXAMPLES[:2])
    assert other.exchanges[1].answer == exchange.answer
    assert other.exchanges[1].ratings == {"2": "mismatch"}
    assert other.history()[0].question == EXAMPLES[0]
    third = chat.ask("And now?", other)
    until(lambda: third.done and idle(chat))
    assert len(kept.get(VISITOR, str(conversation.kept)).exchanges) == 3
    with pytest.raises(InputError, match="There is no conversation"):
        chat.open(Conversation(), str(conversation.kept))  # another visitor's conversation


def test_retry_takes_the_place_of_the_kept_answer(kept: Conversations) -> None:
    chat, conversation = loaded_chat(ScriptedAnswerer(), kept), visiting()
    first = chat.ask("When?", conversation)
    until(lambda: first.done and idle(chat))
    again = chat.retry(conversation)
    assert again
    until(lambda: again.done)
    assert again.kept == first.kept
    assert conversation.exchanges == [again]
    until(lambda: idle(chat))
    assert len(kept.get(VISITOR, str(conversation.kept)).exchanges) == 1


def test_after_its_conversation_was_deleted_an_answer_begins_another(kept: Conversations) -> None:
    chat, conversation = loaded_chat(ScriptedAnswerer(), kept), visiting()
    first = chat.ask("When?", conversation)
    until(lambda: first.done and idle(chat))
    kept.delete(VISITOR, str(conversation.kept))
    second = chat.ask("And now?", conversation)
    until(lambda: idle(chat))
    assert second.answer
    assert second.answer.status == "answered"
    assert [one.question for one in kept.get(VISITOR, str(conversation.kept)).exchanges] == ["And now?"]
    third = chat.ask("Answer slowly", conversation)
    until(lambda: third.draft)
    kept.delete(VISITOR, str(conversation.kept))  # while the answer is written
    chat.stop(conversation)
    assert (conversation.kept, third.kept, kept.list(VISITOR)) == (None, "", [])


def test_of_a_failed_answer_the_question_is_kept(kept: Conversations) -> None:
    chat = loaded_chat(ScriptedAnswerer(), kept)
    for question in ("This failed", "Now an error", "crash please"):
        conversation = visiting()
        exchange = chat.ask(question, conversation)
        until(lambda exchange=exchange: exchange.done)  # type: ignore[misc]
        assert exchange.problem
        (stored,) = kept.get(VISITOR, str(conversation.kept)).exchanges
        assert (stored.question, stored.answer.status, stored.answer.claims) == (question, "stopped", ())
    until(lambda: idle(chat))


def test_what_stands_beside_an_answer_is_opened_with_it(kept: Conversations) -> None:
    chat, conversation = loaded_chat(ScriptedAnswerer(), kept, scripted_suggest), visiting()
    conversation.filters = Filters(outlets=("Northgate Herald",))
    first = chat.ask("When?", conversation)
    until(lambda: first.done and not first.suggesting)
    again = visiting()
    chat.open(again, str(conversation.kept))
    (opened,) = again.exchanges
    assert (opened.narrowed, opened.offered) == ("Only Northgate Herald", GOING_ON)
    assert "Quotes only" not in closing(opened)
    assert chat.retry(conversation, "quotes")
    until(lambda: idle(chat))
    chat.open(again, str(conversation.kept))
    assert "Quotes only, without the model's words." in closing(again.exchanges[0])


def test_a_running_conversation_that_is_opened_again_shows_what_its_answer_had(kept: Conversations) -> None:
    chat, conversation = loaded_chat(ScriptedAnswerer(), kept), visiting()
    exchange = chat.ask("Answer slowly", conversation)
    until(lambda: exchange.claims)
    chat.open(conversation, str(conversation.kept))
    (opened,) = conversation.exchanges
    assert opened.stopped
    assert opened.claims[0].text == "The Harbour Tunnel opens to traffic on 18 May."
    until(lambda: idle(chat))


def test_suggestions_come_after_a_refusal_and_end_with_the_next_question() -> None:
    go, asked, ended = threading.Event(), [], threading.Event()

    def suggest(
        answer: Answer, history: Sequence[Turn], search: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[str]:
        if answer.status != "abstained":
            return
        asked.append(answer.standalone_question)
        yield SUGGESTIONS[0]
        assert go.wait(30)
        if not stopped():
            yield SUGGESTIONS[1]
        ended.set()

    chat, conversation = loaded_chat(ScriptedAnswerer(), suggest=suggest), visiting()
    refused = chat.ask(EXAMPLES[2], conversation)
    until(lambda: refused.suggestions)
    assert (refused.done, refused.suggesting, asked) == (True, True, [EXAMPLES[2]])
    answered = chat.ask(EXAMPLES[0], conversation)
    assert not refused.suggesting  # at once, although the search is still running
    go.set()
    assert ended.wait(30)
    until(lambda: answered.done and not refused.suggesting)
    assert refused.suggestions == SUGGESTIONS[:1]
    assert answered.suggestions == ()


def test_no_suggestions_are_looked_for_while_others_wait() -> None:
    answerer, sought = Gated(), []

    def suggest(*given: object) -> Iterator[str]:
        sought.append(given)
        yield "Tell me more"

    chat, other = loaded_chat(answerer, suggest=suggest), Conversation()
    first = chat.ask("q", visiting())
    assert answerer.begun.wait(30)
    second = chat.ask("q", other)
    assert (first.suggesting, second.suggesting) == (True, True)
    answerer.go.set()
    until(lambda: first.done and not first.suggesting)
    until(lambda: second.done and not second.suggesting)
    assert (first.suggestions, second.suggestions) == ((), ("Tell me more",))
    assert len(sought) == 1


def test_suggestions_end_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewire.ui.chat.SUGGESTING_S", 0.2)

    def suggest(
        answer: Answer, history: Sequence[Turn], search: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[str]:
        yield "Tell me more"
        until(stopped)

    exchange = loaded_chat(ScriptedAnswerer(), suggest=suggest).ask(EXAMPLES[0], visiting())
    until(lambda: exchange.done and not exchange.suggesting)
    assert exchange.suggestions == ("Tell me more",)


def test_after_an_answer_questions_are_offered_until_the_visitor_types() -> None:
    go, given = threading.Event(), []

    def suggest(
        answer: Answer, history: Sequence[Turn], search: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[str]:
        given.append((answer.question, [turn.question for turn in history], search.filters.outlets))
        yield "Tell me more"
        assert go.wait(30)
        while not stopped():
            pass

    chat, conversation = loaded_chat(ScriptedAnswerer(), suggest=suggest), visiting()
    conversation.filters = Filters(outlets=("Northgate Herald",))
    first = chat.ask("When?", conversation)
    until(lambda: first.suggestions)
    assert (first.done, first.suggesting) == (True, True)
    chat.hush(conversation)
    go.set()
    until(lambda: not first.suggesting)
    assert first.suggestions == ("Tell me more",)
    second = chat.ask("And now?", conversation)
    until(lambda: second.suggestions)
    chat.stop(conversation)
    assert given == [("When?", [], ("Northgate Herald",)), ("And now?", ["When?"], ("Northgate Herald",))]


def test_what_was_said_and_offered_is_told_with_the_next_question() -> None:
    answerer, conversation = ScriptedAnswerer(), visiting()
    chat = loaded_chat(answerer, suggest=scripted_suggest)
    for question in (EXAMPLES[2], "This failed", EXAMPLES[0], "Then what?"):
        exchange = chat.ask(question, conversation)
        until(lambda exchange=exchange: exchange.done and not exchange.suggesting)  # type: ignore[misc]
    refused, answered = answerer.histories[-1]
    offered = "\n".join(SUGGESTIONS)  # also after a refusal, so that "yes" can accept one
    assert refused == Turn(EXAMPLES[2], f"The 3 articles do not say this [1].\n{offered}")
    assert (answered.question, answered.answer.split("\n")[1:]) == (EXAMPLES[0], list(GOING_ON))


def test_what_was_asked_before_is_not_offered_again() -> None:
    chat, conversation = loaded_chat(ScriptedAnswerer()), visiting()
    for question in (OFFERED[1].lower().rstrip("?"), "hello"):
        exchange = chat.ask(question, conversation)
        until(lambda exchange=exchange: exchange.done)  # type: ignore[misc]
    assert exchange.offered == (OFFERED[0], OFFERED[2])


def test_a_retry_is_made_anew_or_of_quotes_alone() -> None:
    answerer, conversation = ScriptedAnswerer(), visiting()
    chat = loaded_chat(answerer)
    asked = [chat.ask("When?", conversation)]
    manners: tuple[Manner, ...] = ("anew", "quotes")
    for manner in manners:
        until(lambda: asked[-1].done)
        asked.extend(filter(None, [chat.retry(conversation, manner)]))
    until(lambda: asked[-1].done)
    assert answerer.manners == ["usual", "anew", "quotes"]
    assert closing(asked[-1]) == (
        "2 of 2 sentences checked against a quote, reworded. 1 of 2 read as answering the question: “18 May”."
        " 2 articles. Quotes only, without the model's words. 2.1 s."
    )


@pytest.mark.parametrize("error", [ModelError("gone", "start it"), RuntimeError("a bug")])
def test_a_refusal_stands_where_suggesting_fails(error: Exception) -> None:
    def suggest(
        answer: Answer, history: Sequence[Turn], search: SearchOptions, stopped: Callable[[], bool]
    ) -> Iterator[str]:
        yield SUGGESTIONS[0]
        raise error

    chat = loaded_chat(ScriptedAnswerer(), suggest=suggest)
    refused = chat.ask(EXAMPLES[2], visiting())
    until(lambda: refused.suggestions and not refused.suggesting)
    assert (refused.problem, refused.suggestions) == ("", SUGGESTIONS[:1])


def test_the_visitors_filters_reach_the_search() -> None:
    answerer, conversation = ScriptedAnswerer(), visiting()
    chat = loaded_chat(answerer)
    conversation.filters = Filters(outlets=("Northgate Herald",), published_from="2026-02-01")
    exchange = chat.ask("When?", conversation)
    until(lambda: exchange.done)
    (search,) = answerer.searches
    assert search
    assert search.filters == conversation.filters


def test_the_next_question_is_asked_of_the_new_index() -> None:
    over: list[ScriptedIndex] = []

    def another(index: ScriptedIndex) -> Loaded:
        over.append(index)
        return Loaded(ScriptedAnswerer(), index, "m2")

    chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m", over=another), 1000)
    new = ScriptedIndex()
    chat.search_in(new)  # while the answerer loads
    until(lambda: chat.background.done)
    assert (chat.loaded.index, chat.loaded.model) == (new, "m2")
    assert chat.loaded.index is new
    assert over == [new]


def test_the_usual_model_answers_while_the_chosen_one_is_loaded_once() -> None:
    go, loads = threading.Event(), []

    def load() -> ScriptedAnswerer:
        loads.append("careful")
        assert go.wait(30)
        return ScriptedAnswerer("scripted with care")

    chat = Chat(lambda: over_index(ScriptedIndex()), choice=scripted_choice(load))
    until(lambda: chat.background.done)
    first, second = visiting(), visiting()
    assert loads == []
    for conversation in (first, second, first):
        chat.choose("careful", conversation)
    asked = []
    for _ in range(2):
        asked.append(chat.ask("When does it open?", first))
        until(lambda: asked[-1].done)
        go.set()
        until(lambda: chat.load_of("careful").done)
    asked.append(chat.ask("When does it open?", visiting()))  # a visitor who chose no model
    until(lambda: asked[-1].done)
    assert [(one.by, one.answer and one.answer.model) for one in asked] == [
        ("fast", "scripted"), ("careful", "scripted with care"), ("fast", "scripted"),
    ]  # fmt: skip
    assert loads == ["careful"]
    chat.new(first)
    assert first.model == "careful"
    chat.choose("fast", first)
    again = chat.ask("When does it open?", first)
    assert again.by == "fast"


def test_a_model_that_cannot_be_loaded_is_tried_again_when_it_is_chosen_again() -> None:
    faults = [ModelError("too little memory", "close something")]

    def load() -> ScriptedAnswerer:
        if faults:
            raise faults.pop()
        return ScriptedAnswerer("scripted with care")

    chat, conversation = Chat(lambda: over_index(ScriptedIndex()), choice=scripted_choice(load)), visiting()
    until(lambda: chat.background.done)
    chat.choose("careful", conversation)
    until(lambda: chat.load_of("careful").error)
    assert chat.ask("When?", conversation).by == "fast"
    with pytest.raises(NotReadyError, match="too little memory"):
        chat.newest("careful")
    chat.choose("careful", conversation)
    until(lambda: chat.load_of("careful").loaded)
    assert chat.ask("When?", conversation).by == "careful"


def test_both_models_follow_a_new_index() -> None:
    chat = Chat(lambda: over_index(ScriptedIndex()), choice=scripted_choice())
    until(lambda: chat.background.done)
    until(lambda: chat.load_of("careful").loaded)
    new = ScriptedIndex()
    chat.search_in(new)
    assert chat.newest().index is chat.newest("fast").index is chat.newest("careful").index is new
    assert (chat.newest("fast").model, chat.newest("careful").model) == ("scripted", "scripted with care")


def test_no_other_model_is_taken() -> None:
    chat = Chat(lambda: over_index(ScriptedIndex()), choice=scripted_choice())
    with pytest.raises(InputError, match=r"No model here is called '/etc/passwd'\. Choose one of: fast, careful"):
        chat.choose("/etc/passwd", visiting())
    with pytest.raises(InputError, match="there is only one here"):
        loaded_chat(ScriptedAnswerer()).choose("careful", visiting())


def test_a_kept_answer_says_which_model_wrote_it(kept: Conversations) -> None:
    def made(choice: ModelChoice | None) -> Chat:
        chat = Chat(lambda: over_index(ScriptedIndex()), 1000, kept, choice=choice)
        until(lambda: chat.background.done)
        return chat

    conversation = visiting()
    chat = made(scripted_choice())
    chat.ask("When?", conversation)
    until(lambda: idle(chat))
    for choice, expected in ((scripted_choice(), "fast"), (None, "")):
        again = visiting()
        made(choice).open(again, str(conversation.kept))
        assert [one.by for one in again.exchanges] == [expected]


def test_nothing_is_asked_before_the_model_is_loaded() -> None:
    gate = threading.Event()

    def load() -> Loaded:
        gate.wait(30)
        raise ModelError("no model", "fetch it")

    chat = Chat(load, 1000)
    assert chat.refusal("q", visiting()) == "The model is still loading. Ask again in a moment."
    with pytest.raises(CitewireError, match="still loading"):
        _ = chat.loaded
    gate.set()
    until(lambda: chat.background.error)


@pytest.mark.parametrize(
    ("own", "chosen", "expected"),
    [
        (Filters(), Filters(outlets=("A",)), Filters(outlets=("A",))),
        (Filters(outlets=("A", "B")), Filters(outlets=("b", "C")), Filters(outlets=("b",))),
        (
            Filters(published_from="2026-01-05", published_to="2026-03-01", authors=("X",)),
            Filters(published_from="2026-01-01", published_to="2026-02-01"),
            Filters(published_from="2026-01-05", published_to="2026-02-01", authors=("X",)),
        ),
        (Filters(articles=("news/",)), Filters(articles=("news/a", "b")), Filters(articles=("news/a",))),
        (Filters(published_to="2026-03-01"), Filters(), Filters(published_to="2026-03-01")),
        (Filters(authors=("X", "Y")), Filters(authors=("y", "Z")), Filters(authors=("y",))),
        (Filters(metadata={"a": "1"}), Filters(metadata={"a": "1", "b": "2"}), Filters(metadata={"a": "1", "b": "2"})),
    ],
)
def test_a_visitors_filter_narrows_the_settings_own(own: Filters, chosen: Filters, expected: Filters) -> None:
    assert narrowed(SearchOptions(filters=own), chosen).filters == expected


def test_a_filter_that_the_settings_leave_nothing_of_is_an_error() -> None:
    with pytest.raises(InputError, match="The settings leave out every outlet that was chosen: C"):
        narrowed(SearchOptions(filters=Filters(outlets=("A",))), Filters(outlets=("C",)))
    with pytest.raises(InputError, match="The settings leave out every article of a = 2"):
        narrowed(SearchOptions(filters=Filters(metadata={"a": "1"})), Filters(metadata={"a": "2"}))
    with pytest.raises(InputError, match="nothing is published from"):
        narrowed(SearchOptions(filters=Filters(published_to="2026-01-01")), Filters(published_from="2026-02-01"))


def test_conversations_are_not_opened_where_none_are_kept() -> None:
    with pytest.raises(InputError, match="not kept here"):
        loaded_chat(ScriptedAnswerer()).open(visiting(), "x")
