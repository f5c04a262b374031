"""Conversations of the page. Their questions are answered one at a time over all visitors (`citewire.ui.line`).

Knows the answerer and the store of conversations, not Gradio or HTML. A background thread answers and changes the
exchange; views poll `Exchange.version`. So a stopped answer ends at once for its visitor, however long the model's last
step takes.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from cachetools import LRUCache

from citewire.index.errors import CitewireError, InputError
from citewire.index.options import SearchOptions
from citewire.index.types import Filters
from citewire.qa.types import Answer, Event, Manner, Turn, checked_question
from citewire.ui.allowance import LaterError, Sender
from citewire.ui.conversations import Beside, Conversations, Rating, UnknownIdError, UnusableFileError
from citewire.ui.exchange import Exchange
from citewire.ui.labels import Labelled, card_or_gone, filter_line
from citewire.ui.line import NOBODY, Line
from citewire.ui.overview import About, Overview

if TYPE_CHECKING:
    from citewire.index.segment import ArticleSummary
    from citewire.index.types import Article
    from citewire.qa.evaluate.runs import Row

logger = logging.getLogger(__name__)

LINE_LENGTH = 24  # most waiting questions of all visitors; more are refused
ADDRESS_LENGTH = 16  # most waiting questions of one address; the rest of the queue is for others
VISITOR_LENGTH = 8  # most waiting questions of one visitor
PARTS = 32  # most cached parts of the index; each is the set of articles that some key may see
SUGGESTED = 3  # most suggested questions after an answer or a refusal
SUGGESTING_S = 4  # longest job of suggesting; the model writes for `citewire.qa.suggest.PATIENCE_S` of it
BUSY = "An answer is being written. Wait for it, or press Stop."


class NotReadyError(LaterError):
    """The model is still loading or failed to load."""


class FullError(LaterError):
    """A limit of waiting questions is reached."""


class SlowError(CitewireError):
    """An answer took longer than the limit."""


class ArticleIndex(Labelled, Protocol):
    """What the page needs of an index. Called from several threads."""

    def articles(self) -> Sequence[Article | ArticleSummary]:
        """Return all articles without their texts."""
        ...


class Answerer(Protocol):
    """Answers questions; see `citewire.qa.answer.Answerer`."""

    def stream(
        self,
        text: str,
        history: Sequence[Turn] = (),
        *,
        stopped: Callable[[], bool] = ...,
        search: SearchOptions | None = None,
        manner: Manner = ...,
    ) -> Iterator[Event]:
        """Yield a Searched, any Drafts and Checked, and an Answer; end soon after `stopped()` returns True."""
        ...


# (answer or refusal, earlier turns, search options, stopped) -> questions that the articles answer
Suggest = Callable[[Answer, Sequence[Turn], SearchOptions, Callable[[], bool]], Iterator[str]]
# (random seed, stopped) -> rows of a small evaluation; see `citewire.qa.evaluate.made.rows`
Examine = Callable[[int, Callable[[], bool]], "Iterator[Row | None]"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An index with its models, ready to answer.

    Attributes:
        answerer: answers questions.
        index: the index it searches.
        model: the model's name, for the top bar.
        search: search options of the settings; the visitor's filters narrow them.
        suggest: suggests the next questions.
        over: returns the same for another index, or another generation of this one.
        by: returns the same with another model, loaded by `ModelChoice.load`.
        examine: generates questions from the articles, answers and marks them.
        within: returns the same restricted to these articles; see `Index.within`.
        warm_up: does the slow first-time work, so that the first question need not wait for it.
        about: returns the overview for the empty page.
    """

    answerer: Answerer
    index: ArticleIndex
    model: str
    search: SearchOptions = field(default_factory=SearchOptions)
    suggest: Suggest | None = None
    over: Callable[[Any], Loaded] | None = None
    warm_up: Callable[[], None] = lambda: None
    about: About | None = None
    by: Callable[[Any], Loaded] | None = None
    examine: Examine | None = None
    within: Callable[[Sequence[str]], Loaded] | None = None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The two models between which a visitor can choose.

    Attributes:
        models: display name -> model name, in display order.
        usual: display name of the default model, which is loaded at the start.
        load: loads the other model.
    """

    models: Mapping[str, str]
    usual: str
    load: Callable[[], Any]

    def called(self, model: str) -> str:
        """Return the display name of a model, "" if it is not offered."""
        return next((called for called, name in self.models.items() if name == model), "")


class BackgroundLoad:
    """Runs `load` in a thread, so that the page opens at once, then its `warm_up`.

    Attributes:
        loaded: the result, None while loading and after a failure.
        error: why loading failed.
    """

    def __init__(self, load: Callable[[], Loaded]) -> None:
        self.loaded: Loaded | None = None
        self.error: CitewireError | None = None
        self._load = load
        # Daemon: Ctrl-C must not wait for a model.
        threading.Thread(target=self._run, name="citewire-load", daemon=True).start()

    def _run(self) -> None:
        try:
            self.loaded = loaded = self._load()
        except CitewireError as error:
            self.error = error
        except Exception as error:  # the outermost layer of this thread: nothing else would report it
            logger.exception("loading failed")
            self.error = CitewireError(
                f"Loading failed: {type(error).__name__}", "See the log, then start citewire again."
            )
        else:
            try:
                loaded.warm_up()
            except CitewireError as error:  # the first question will report it
                logger.warning("not warmed up", extra={"problem": error.problem})

    @property
    def done(self) -> bool:
        """Whether loading has succeeded or failed."""
        return self.loaded is not None or self.error is not None

    def result(self) -> Loaded:
        """Return what was loaded. Raises: NotReadyError: it is still loading or failed to load."""
        if self.error:
            raise NotReadyError(self.error.problem, self.error.fix)
        if self.loaded is None:
            raise NotReadyError("The model is still loading", "Ask again in a moment.")
        return self.loaded


class Conversation:
    """One visitor's exchanges, their filters, and the event that stops the newest exchange.

    Attributes:
        lock: guards the exchanges; held only briefly.
        keeping: held while an exchange is stored; acquire it before `lock`.
        serial: incremented when another conversation replaces this one.
        moving: held while another conversation replaces this one.
        step: number of the newest step of Back or Forward in its tab, 0 for none.
        visitor: the owner's id; see `citewire.ui.visitor`.
        sender: decides the place of its questions in the queue.
        kept: its id in the store, None before the first question.
        filters: the visitor's filters; they narrow those of the settings.
        model: display name of the model that the visitor chose, "" for the default.
        notice: why the visitor's last action failed, "" if it succeeded.
        followers: number of event streams that follow its newest exchange.
    """

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.lock = threading.RLock()
        self.keeping = threading.Lock()
        self.stop = threading.Event()
        self.serial = 0
        self.moving = threading.Lock()
        self.step = 0
        self.visitor = ""
        self.sender = NOBODY
        self.kept: str | None = None
        self.filters = Filters()
        self.model = ""
        self.notice = ""
        self.followers = 0
        self._started = 0
        self._views = 0

    def __deepcopy__(self, memo: object) -> Conversation:
        """Return a new, empty conversation: Gradio deep-copies the initial state for each session."""
        return Conversation()

    @property
    def newest(self) -> Exchange | None:
        """The exchange that was started last."""
        return self.exchanges[-1] if self.exchanges else None

    @property
    def busy(self) -> bool:
        """Whether the newest exchange is still being answered."""
        return bool(self.exchanges) and not self.exchanges[-1].done

    @property
    def current_notice(self) -> str:
        """The notice, unless it is `BUSY` and the answer has arrived meanwhile."""
        return "" if self.notice == BUSY and not self.busy else self.notice

    def next_view(self) -> int:
        """Return the number of a view that is made now, with the lock held; one with a lower number is out of date."""
        self._views += 1
        return self._views

    def add(self, question: str) -> Exchange:
        """Append a new exchange with its own stop event; work for earlier exchanges is stopped."""
        self.stop.set()
        for one in self.exchanges:
            one.suggesting = False
        self.stop = threading.Event()
        self._started += 1
        self.exchanges.append(Exchange(f"t{self._started}", question))
        return self.exchanges[-1]

    def history(self) -> list[Turn]:
        """Return the finished exchanges before the newest one, oldest first, with the questions they offered."""
        told = [(one, one.answer) for one in self.exchanges[:-1] if one.answer and one.answer.status != "failed"]
        return [Turn(one.question, "\n".join((said.text, *one.offered)), said.articles) for one, said in told]

    def clear(self) -> None:
        """Stop all work and forget all exchanges; the filters and the chosen model stay."""
        self.stop.set()
        self.exchanges.clear()
        self.serial += 1
        self.kept = None


class Chat:
    """What all visitors share: the models, the queue and the store of conversations."""

    def __init__(
        self,
        load: Callable[[], Loaded],
        max_question_chars: int = 1000,
        keeper: Conversations | None = None,
        *,
        refresh: Callable[[], object] = lambda: None,
        choice: ModelChoice | None = None,
        max_answer_seconds: float = 120,
    ) -> None:
        """Start to load the models.

        Args:
            load: loads index and model; a CitewireError is shown with its fix.
            max_question_chars: longest question accepted.
            keeper: stores the answers; None stores nothing.
            refresh: called before each question; if the index has a new generation, it calls `search_in` with it.
            choice: the models that visitors choose between; None for only the one that `load` returns.
            max_answer_seconds: an answer that takes longer is stopped.
        """
        self.choice = choice
        self.background = BackgroundLoad(load)
        self._loads = {choice.usual if choice else "": self.background}  # by the model's display name
        self._choosing = threading.Lock()
        self.line = Line()
        self._overview = Overview(self.line)
        self.max_question_chars, self._max_answer_seconds = max_question_chars, max_answer_seconds
        self._index: ArticleIndex | None = None
        # (model, articles) -> what was loaded, and its restriction to these articles
        self._parts: LRUCache[tuple[str, tuple[str, ...]], tuple[Loaded, Loaded]] = LRUCache(PARTS)
        self._parting = threading.Lock()
        self._keeper = keeper
        self._refresh = refresh

    @property
    def keeps(self) -> bool:
        """Whether answers are stored."""
        return self._keeper is not None

    @property
    def loaded(self) -> Loaded:
        """The default model with the newest index that was passed to `search_in`.

        Raises:
            NotReadyError: it is still loading or failed to load.
        """
        return self._over_newest(self.background)

    def _over_newest(self, load: BackgroundLoad) -> Loaded:
        loaded, index = load.result(), self._index
        if index is not None and index is not loaded.index and loaded.over:
            loaded = load.loaded = loaded.over(index)
        return loaded

    def load_of(self, model: str, *, again: bool = False) -> BackgroundLoad:
        """Return the background load of a model, started now if it is the first request for this model.

        Args:
            model: the model's display name.
            again: whether to retry a failed load.

        Raises:
            InputError: no offered model has this name.
        """
        choice = self.choice
        if choice is None or model not in choice.models:
            offered = f"Choose one of: {', '.join(choice.models)}" if choice else "Name none: there is only one here"
            raise InputError(f"No model here is called {model!r}", offered)
        with self._choosing:
            load = self._loads.get(model)
            if load is None or (again and load.error and load is not self.background):
                load = self._loads[model] = BackgroundLoad(partial(self._load_other, choice))
            return load

    def _load_other(self, choice: ModelChoice) -> Loaded:
        by = self.loaded.by
        assert by, "whoever offers a choice says how to take it"
        return by(choice.load())

    def choose(self, model: str, conversation: Conversation) -> None:
        """Use a model for the conversation's next questions; the default model answers until it is loaded.

        Raises:
            InputError: no offered model has this display name.
        """
        self.load_of(model, again=True)
        conversation.model = model

    def search_in(self, index: ArticleIndex) -> None:
        """Answer the next questions from another index or generation; may be called while models load."""
        self._index = index

    def newest(self, model: str = "", articles: tuple[str, ...] = ()) -> Loaded:
        """Return a loaded model over the newest generation of the index.

        Args:
            model: the model's display name, "" for the default; see `load_of`.
            articles: the only articles that the client may see, as in `Index.within`; () for all.

        Raises:
            InputError: no offered model has this name.
            NotReadyError: it is still loading or failed to load.
        """
        self._refresh()
        whole = self._over_newest(self.load_of(model) if model else self.background)
        if not articles:
            return whole
        with self._parting:
            of, part = self._parts.get((model, articles), (None, whole))
            if of is not whole:
                assert whole.within, "whoever lets somebody see some articles says how to leave out the others"
                part = whole.within(articles)
                self._parts[model, articles] = whole, part
            return part

    def _answering(self, conversation: Conversation) -> Loaded:
        """Return the conversation's model if it is loaded, else the default."""
        chosen = self._loads.get(conversation.model)
        return self.newest(conversation.model if chosen and chosen.loaded else "")

    def overview(self) -> Exchange | None:
        """Return the overview of all articles, see `Overview.of`; None if no model is loaded."""
        return self._overview.of(self.loaded.index, self.loaded.about) if self.background.loaded else None

    def check(self, question: str, sender: Sender) -> None:
        """Check whether a sender may ask a question now.

        Raises:
            NotReadyError: no model is loaded.
            FullError: too many questions wait, in total, of this visitor or of this address.
            InputError: see `check_text`.
        """
        self.background.result()
        self.check_text(question)
        again = "Ask again in a moment.", self.line.wait
        if self.line.waiting >= LINE_LENGTH:
            raise FullError(f"{LINE_LENGTH} questions are waiting already", *again)
        own, here = self.line.waiting_of(sender)
        if own >= VISITOR_LENGTH:
            raise FullError(f"{VISITOR_LENGTH} of your questions are waiting already", *again)
        if here >= ADDRESS_LENGTH:
            raise FullError(f"{ADDRESS_LENGTH} questions from your address are waiting already", *again)

    def check_text(self, question: str) -> None:
        """Raise InputError if the question is empty or too long."""
        checked_question(question, self.max_question_chars)

    def refusal(self, question: str, conversation: Conversation) -> str:
        """Return why a question cannot be asked now, "" if it can.

        Args:
            question: as typed.
            conversation: where it would be asked; it is refused while that is busy.
        """
        if conversation.busy:
            return BUSY
        try:
            self.check(question, conversation.sender)
        except CitewireError as error:
            return str(error)
        return ""

    def ask(self, question: str, conversation: Conversation, *, again: str = "", manner: Manner = "usual") -> Exchange:
        """Add a question to the queue.

        Args:
            question: the question.
            conversation: the conversation that asks it.
            again: id of the stored exchange whose answer it replaces, "" for none.
            manner: how to answer.
        """
        loaded = self._answering(conversation)
        named = partial(card_or_gone, loaded.index)
        with conversation.lock:
            exchange = conversation.add(question)
            exchange.kept, exchange.narrowed = again, filter_line(conversation.filters, named)
            exchange.by = self._called(loaded.model) if manner != "quotes" else ""
            exchange.quotes_only, exchange.suggesting = manner == "quotes", loaded.suggest is not None
            stop, history = conversation.stop, conversation.history()
        work = partial(self._answer, loaded, exchange, conversation, stop, history, manner)
        self._keep(exchange, conversation)  # before it can fail
        self.line.enter(exchange, work, conversation.sender)
        exchange.move(self.line.ahead(exchange))
        return exchange

    def in_time(
        self, stream: Callable[[Callable[[], bool]], Iterator[Event]], stopped: Callable[[], bool]
    ) -> Iterator[Event]:
        """Yield the events of an answer; stop it at the time limit.

        Args:
            stream: starts the answer; it must end soon after the function it gets returns True.
            stopped: whether the client has cancelled.

        Raises:
            SlowError: the time limit is reached.
        """
        end = time.monotonic() + self._max_answer_seconds
        for event in stream(lambda: stopped() or time.monotonic() > end):
            if isinstance(event, Answer) and event.status == "stopped" and not stopped():
                seconds = self._max_answer_seconds
                logger.warning("answer took longer than max_answer_seconds", extra={"max_answer_seconds": seconds})
                problem = f"This took too long and was stopped after {seconds:g} seconds"
                raise SlowError(problem, "Ask again, or ask for less at once.")
            yield event

    def _called(self, model: str) -> str:
        return self.choice.called(model) if self.choice else ""

    def retry(self, conversation: Conversation, manner: Manner = "anew") -> Exchange | None:
        """Ask the newest question of a conversation again; the new answer replaces the old one.

        Args:
            conversation: the conversation.
            manner: how to answer.

        Returns:
            The new exchange; None if there is no question, or it is still being answered.
        """
        with conversation.lock:
            if conversation.busy or not conversation.exchanges:
                return None
            dropped = conversation.exchanges.pop()
        return self.ask(dropped.question, conversation, again=dropped.kept, manner=manner)

    def _answer(
        self,
        loaded: Loaded,
        exchange: Exchange,
        conversation: Conversation,
        stop: threading.Event,
        history: Sequence[Turn],
        manner: Manner,
    ) -> None:
        """Run the answerer to its end; events after the exchange was stopped are dropped."""
        exchange.move(0)
        try:
            search = narrowed(loaded.search, conversation.filters)
            stream = partial(loaded.answerer.stream, exchange.question, history, search=search, manner=manner)
            events = self.in_time(lambda stopped: stream(stopped=stopped), stop.is_set)
            asked = {_plain(turn.question) for turn in history}
            for event in events:
                if isinstance(event, Answer):  # do not offer a question that was asked before
                    event = replace(event, offered=tuple(one for one in event.offered if _plain(one) not in asked))
                with conversation.lock:
                    if not exchange.done:
                        exchange.apply(event)
        except CitewireError as error:
            self._fail(exchange, conversation, error.problem, error.fix)
        except Exception:  # the outermost layer: log the traceback, tell the visitor
            logger.exception("answering failed")
            self._fail(
                exchange, conversation, "The answer could not be finished",
                "Press Retry to ask again. The log has the details.",
            )  # fmt: skip
        if not exchange.done:
            self._fail(exchange, conversation, "The answer ended early", "Press Retry to ask again.")
        if exchange.stopped:
            exchange.suggest(more=False)
        else:
            self._keep(exchange, conversation)
            self._suggest_after(loaded, exchange, conversation, stop, history)

    def _fail(self, exchange: Exchange, conversation: Conversation, problem: str, fix: str) -> None:
        with conversation.lock:
            if not exchange.done:
                exchange.fail(problem, fix)

    def _keep(self, exchange: Exchange, conversation: Conversation) -> None:
        """Store an exchange, unless it is no longer part of its conversation.

        A question without an answer yet is stored as stopped, so that it can be asked again after a crash. On a retry
        the stored answer stays until the new one arrives.
        """
        keeper, visitor = self._keeper, conversation.visitor
        if not (keeper and visitor):
            return
        with conversation.keeping:
            asked_again = exchange.kept and not exchange.done
            if exchange.problem or asked_again or exchange not in conversation.exchanges:
                return
            answer, beside = exchange.answer or exchange.cut(), Beside(exchange.narrowed, exchange.quotes_only)
            try:
                if exchange.kept:
                    keeper.replace(visitor, exchange.kept, answer, beside)
                else:
                    ids = keeper.append(visitor, conversation.kept, exchange.question, answer, beside)
                    conversation.kept, exchange.kept = ids
                exchange.unkept = ""
            except UnknownIdError as error:  # deleted in another tab
                logger.warning("not kept", extra={"problem": error.problem})
                conversation.kept, exchange.kept = None, ""
                exchange.unkept = "what it belongs to was deleted"
            except UnusableFileError as error:  # such as a full disk
                logger.warning("not kept", extra={"problem": error.problem})
                exchange.kept, exchange.unkept = "", error.reason
            exchange.version += 1

    def _suggest_after(
        self,
        loaded: Loaded,
        exchange: Exchange,
        conversation: Conversation,
        stop: threading.Event,
        history: Sequence[Turn],
    ) -> None:
        suggest, answer = loaded.suggest, exchange.answer
        if not (suggest and answer) or answer.offered or exchange.problem or stop.is_set():
            exchange.suggest(more=False)
            return

        end = math.inf

        def work() -> None:
            nonlocal end
            end = time.monotonic() + SUGGESTING_S
            try:
                search = narrowed(loaded.search, conversation.filters)
                for question in suggest(answer, history, search, stopped):
                    with conversation.lock:
                        if stop.is_set():
                            break
                        exchange.suggest(question)
                    if len(exchange.suggestions) >= SUGGESTED:
                        break
            except CitewireError as error:  # suggestions are optional
                logger.warning("no suggestions", extra={"problem": error.problem})
            except Exception:  # as in _answer
                logger.exception("suggesting failed")
            finally:
                exchange.suggest(more=False)
                self._keep_suggested(exchange, conversation)

        def stopped() -> bool:
            return stop.is_set() or exchange.hushed or self.line.waiting > 0 or time.monotonic() > end

        self.line.enter(exchange, work, is_question=False)

    def _keep_suggested(self, exchange: Exchange, conversation: Conversation) -> None:
        shown = exchange.kept and exchange in conversation.exchanges
        if not (self._keeper and shown and exchange.suggestions):
            return
        beside = Beside(exchange.narrowed, exchange.quotes_only, exchange.suggestions)
        try:
            self._keeper.note(conversation.visitor, exchange.kept, beside)
        except InputError as error:  # deleted in another tab, or the disk is full; suggestions are optional
            logger.warning("suggestions not kept", extra={"problem": error.problem})

    def hush(self, conversation: Conversation) -> None:
        """Stop the search for suggestions, as the visitor types a question."""
        if (exchange := conversation.newest) and exchange.done:
            exchange.hushed = True

    def stop(self, conversation: Conversation) -> None:
        """Stop the newest answer, running or waiting; its text so far stays."""
        with conversation.lock:
            conversation.stop.set()
            exchange = conversation.newest
            if exchange is None or exchange.done:
                return
            exchange.apply(exchange.cut())
            exchange.suggest(more=False)
        self.line.leave(exchange)
        if exchange.hits or not exchange.kept:
            self._keep(exchange, conversation)

    def leave(self, conversation: Conversation) -> None:
        """Stop all work for a conversation; its exchanges stay stored."""
        self.stop(conversation)
        self.line.leave(*conversation.exchanges)
        for exchange in conversation.exchanges:
            exchange.suggest(more=False)

    def new(self, conversation: Conversation) -> None:
        """Start a new conversation in place of this one."""
        self.leave(conversation)
        with conversation.keeping, conversation.lock:
            conversation.clear()

    def open(self, conversation: Conversation, wanted: str) -> None:
        """Replace this conversation by a stored one.

        Args:
            conversation: the one that is replaced.
            wanted: id of the stored one.

        Raises:
            CitewireError: nothing is stored, or the visitor has no conversation of this id.
        """
        if self._keeper is None:
            raise InputError("Conversations are not kept here", "Start citewire with a place to keep them.")
        if wanted == conversation.kept:
            self.stop(conversation)  # first, so that what its answer has so far is stored
        stored = self._keeper.get(conversation.visitor, wanted)
        self.new(conversation)
        with conversation.lock:
            conversation.kept = stored.id
            for one in stored.exchanges:
                exchange = conversation.add(one.question)
                exchange.apply(one.answer)
                exchange.kept, exchange.narrowed = one.id, one.beside.narrowed
                exchange.quotes_only, exchange.suggestions = one.beside.quotes_only, one.beside.suggestions
                exchange.by = "" if exchange.quotes_only else self._called(one.answer.model)
        self.recall_ratings(conversation)

    def recall_ratings(self, conversation: Conversation) -> None:
        """Load the visitor's ratings of the conversation's answers and quotes from the store."""
        if self._keeper is None or conversation.kept is None:
            return
        ratings = self._keeper.ratings(conversation.visitor, conversation.kept)
        with conversation.lock:
            for exchange in conversation.exchanges:
                exchange.ratings = {_rated(r): r.value for r in ratings if r.exchange == exchange.kept}


def _plain(question: str) -> str:
    """Return a question for comparison: case and final punctuation removed."""
    return " ".join(question.casefold().split()).rstrip("?!. ")


def _rated(rating: Rating) -> str:
    """Return the key of a rating in panel.js: "answer", or the number of a quote."""
    return "answer" if rating.quote is None else str(rating.quote)


def narrowed(search: SearchOptions, chosen: Filters) -> SearchOptions:
    """Return search options for the articles that pass both the settings' filters and the visitor's.

    Args:
        search: the settings' search options.
        chosen: the visitor's filters.

    Raises:
        InputError: no article passes both, or a day is invalid.
    """
    own = search.filters
    days = (own.published_to, chosen.published_to)
    filters = replace(
        own,
        published_from=max(own.published_from, chosen.published_from),
        published_to=min(day for day in days if day) if any(days) else "",
        outlets=_both(own.outlets, chosen.outlets, "outlet"),
        authors=_both(own.authors, chosen.authors, "author"),
        articles=_both(own.articles, chosen.articles, "article"),
        metadata=_all(own.metadata, chosen.metadata),
    )
    return replace(search, filters=filters)


def _both(own: tuple[str, ...], chosen: tuple[str, ...], what: str) -> tuple[str, ...]:
    if not (own and chosen):
        return own or chosen
    known = [name.casefold() for name in own]
    if what == "article":
        both = tuple(c for c in chosen if any(c == o or (o.endswith("/") and c.startswith(o)) for o in own))
    else:
        both = tuple(c for c in chosen if c.casefold() in known)
    if not both:
        raise InputError(
            f"The settings leave out every {what} that was chosen: {', '.join(chosen[:3])}",
            f"Choose others under Articles, or start citewire without its filter of {what}s.",
        )
    return both


def _all(own: Mapping[str, str], chosen: Mapping[str, str]) -> Mapping[str, str]:
    for key in own.keys() & chosen.keys():
        if own[key] != chosen[key]:
            raise InputError(
                f"The settings leave out every article of {key} = {chosen[key]}",
                f"Choose {key} = {own[key]}, or start citewire without that filter.",
            )
    return {**own, **chosen}
