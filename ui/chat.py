"""Conversations, and how their questions are answered, one at a time (`citewire.ui.line`) over all visitors.

Knows the answerer and where conversations are kept; knows nothing of Gradio and HTML. A thread answers and changes
the exchange; whoever shows it looks at `Exchange.version`. So a stopped answer ends at once for its visitor, however
long the model's last step takes.
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
from citewire.ui.labels import ArticleInfo, Labelled, filter_line
from citewire.ui.line import NOBODY, Line
from citewire.ui.overview import About, Overview

if TYPE_CHECKING:
    from citewire.qa.evaluate.runs import Row

logger = logging.getLogger(__name__)

LINE_LENGTH = 24  # most waiting questions of all visitors; further ones are refused
ADDRESS_LENGTH = 16  # most waiting questions of one address: the rest of the line is for others
VISITOR_LENGTH = 8  # most waiting questions of one visitor
PARTS = 32  # sets of articles, as different people may see, that answers are kept for
SUGGESTED = 3  # most questions that are offered after an answer or a refusal
SUGGEST_S = 4  # seconds that they are looked for
BUSY = "An answer is being written. Wait for it, or press Stop."


class NotReadyError(LaterError):
    """No model answers: it is still loading, or it could not be loaded."""


class FullError(LaterError):
    """As many questions wait as may."""


class SlowError(CitewireError):
    """An answer that took longer than it may."""


class ArticleIndex(Labelled, Protocol):
    """What the page reads of an index. Called from several threads."""

    def articles(self) -> Sequence[ArticleInfo]:
        """Return all articles, without their text."""
        ...


class Answerer(Protocol):
    """What answers a question."""

    def stream(
        self,
        text: str,
        history: Sequence[Turn] = (),
        *,
        stopped: Callable[[], bool] = ...,
        search: SearchOptions | None = None,
        manner: Manner = ...,
    ) -> Iterator[Event]:
        """Yield a Searched, any Drafts and Checked, and an Answer; end soon after `stopped()` turns true."""
        ...


# (answer or refusal, the turns before it, what to search with, whether to stop) -> questions that have an answer
Suggest = Callable[[Answer, Sequence[Turn], SearchOptions, Callable[[], bool]], Iterator[str]]
# (which chance, whether to stop) -> a small evaluation, as `citewire.qa.evaluate.made.rows` runs it
Examine = Callable[[int, Callable[[], bool]], "Iterator[Row | None]"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `load` brings.

    Attributes:
        answerer: answers questions.
        index: what it searches.
        model: name of the model, for the top bar.
        search: what a question is searched with; the visitor's filters narrow it.
        suggest: offers questions to go on with.
        over: makes the same of another index, or of another generation of this one.
        by: makes the same with another model, as `ModelChoice.load` brings it.
        examine: makes questions from the articles, answers and marks them.
        within: makes the same as if there were these articles only; see `Index.within`.
        warm_up: does once what the first question would wait for.
        about: tells on the empty page what the articles are about.
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
    """The two models that a visitor chooses between.

    Attributes:
        models: their names by what people call them, in the order in which they are shown.
        usual: what the one is called that is loaded at the start and answers where nobody chooses.
        load: loads the other one.
    """

    models: Mapping[str, str]
    usual: str
    load: Callable[[], Any]

    def called(self, model: str) -> str:
        """Return what people call a model, by its name; "" for one that is not offered."""
        return next((called for called, name in self.models.items() if name == model), "")


class BackgroundLoad:
    """Runs `load` in a thread, so that the page opens at once; then warms up what was loaded.

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
        except Exception as error:  # the page is the outermost layer of this thread: nobody else would say it
            logger.exception("loading failed")
            self.error = CitewireError(
                f"Loading failed: {type(error).__name__}", "See the log, then start citewire again."
            )
        else:
            try:
                loaded.warm_up()
            except CitewireError as error:  # the first question will meet it, and say so
                logger.warning("not warmed up", extra={"problem": error.problem})

    @property
    def done(self) -> bool:
        """Whether loading has ended, well or not."""
        return self.loaded is not None or self.error is not None


class Conversation:
    """One visitor's exchanges, what narrows their search, and the event that stops the newest one.

    Attributes:
        lock: held where exchanges change or are read as a whole; never for longer than that takes.
        keeping: held while an exchange is stored; taken before `lock`.
        serial: grows when another conversation takes this one's place.
        visitor: whose it is; see `citewire.ui.visitor`.
        sender: whose turn it is when its questions are answered.
        kept: its id where it is kept, None before the first question.
        filters: which articles the visitor asks; narrows the settings' own.
        model: what the model is called that the visitor chose, "" where none was chosen.
        notice: why what the visitor did last could not be done, "" where it was.
        followers: how many event streams tell of its newest exchange.
    """

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.lock = threading.RLock()
        self.keeping = threading.Lock()
        self.stop = threading.Event()
        self.serial = 0
        self.visitor = ""
        self.sender = NOBODY
        self.kept: str | None = None
        self.filters = Filters()
        self.model = ""
        self.notice = ""
        self.followers = 0
        self._started = 0

    def __deepcopy__(self, memo: object) -> Conversation:
        """Return a new, empty conversation: Gradio makes each session's state by deep copy of the first."""
        return Conversation()

    @property
    def newest(self) -> Exchange | None:
        """The exchange that was begun last."""
        return self.exchanges[-1] if self.exchanges else None

    @property
    def busy(self) -> bool:
        """Whether the newest exchange waits for its answer."""
        return bool(self.exchanges) and not self.exchanges[-1].done

    @property
    def current_notice(self) -> str:
        """The notice, unless it asked to wait for an answer that has come meanwhile."""
        return "" if self.notice == BUSY and not self.busy else self.notice

    def add(self, question: str) -> Exchange:
        """Append a new exchange with its own stop event; what still runs for those before is stopped."""
        self.stop.set()
        for one in self.exchanges:
            one.suggesting = False
        self.stop = threading.Event()
        self._started += 1
        self.exchanges.append(Exchange(f"t{self._started}", question))
        return self.exchanges[-1]

    def history(self) -> list[Turn]:
        """Return the finished exchanges before the newest one, oldest first, with the questions that they offered."""
        told = [(one, one.answer) for one in self.exchanges[:-1] if one.answer and one.answer.status != "failed"]
        return [Turn(one.question, "\n".join((said.text, *one.offered)), said.articles) for one, said in told]

    def clear(self) -> None:
        """Stop what runs and forget all exchanges; the filters and the chosen model stay."""
        self.stop.set()
        self.exchanges.clear()
        self.serial += 1
        self.kept = None


class Chat:
    """What visitors share: the answerers, the line, and where conversations are kept."""

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
        """Start loading.

        Args:
            load: loads index and model; a CitewireError it raises is shown with its fix.
            max_question_chars: longer questions are refused.
            keeper: where answers are kept; None for nowhere.
            refresh: called before each question; looks for a new generation of the index, and has it given to
                `search_in`.
            choice: the models that visitors choose between; None for the one that `load` brings.
            max_answer_seconds: an answer that takes longer is ended.
        """
        self.choice = choice
        self.background = BackgroundLoad(load)
        self._loads = {choice.usual if choice else "": self.background}  # by what the model is called
        self._choosing = threading.Lock()
        self.line = Line()
        self._overview = Overview(self.line)
        self.max_question_chars, self._max_answer_seconds = max_question_chars, max_answer_seconds
        self._index: ArticleIndex | None = None
        # (model, articles) -> what was loaded, and the same as if there were these articles only
        self._parts: LRUCache[tuple[str, tuple[str, ...]], tuple[Loaded, Loaded]] = LRUCache(PARTS)
        self._parting = threading.Lock()
        self._keeper = keeper
        self._refresh = refresh

    @property
    def keeps(self) -> bool:
        """Whether answers are kept."""
        return self._keeper is not None

    @property
    def loaded(self) -> Loaded:
        """What was loaded at the start, over the index that was shown last.

        Raises:
            NotReadyError: nothing yet, or it could not be loaded.
        """
        return self._over_newest(self.background)

    def _over_newest(self, load: BackgroundLoad) -> Loaded:
        loaded, index = load.loaded, self._index
        if load.error:
            raise NotReadyError(load.error.problem, load.error.fix)
        if loaded is None:
            raise NotReadyError("The model is not loaded yet", "Ask again in a moment.")
        if index is not None and index is not loaded.index and loaded.over:
            loaded = load.loaded = loaded.over(index)
        return loaded

    def load_of(self, model: str, *, again: bool = False) -> BackgroundLoad:
        """Return how far a model is loaded, by what it is called; begin to load it where nobody has asked for it yet.

        Args:
            model: what it is called.
            again: whether to try again where it could not be loaded.

        Raises:
            InputError: no model that is offered is called so.
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
        """Let a model answer a conversation from the next question on; until it is loaded, the usual one does.

        Args:
            model: what it is called.
            conversation: which one.

        Raises:
            InputError: no model that is offered is called so.
        """
        self.load_of(model, again=True)
        conversation.model = model

    def search_in(self, index: ArticleIndex) -> None:
        """Answer the next questions from another index, or another generation of this one; also while loading."""
        self._index = index

    def newest(self, model: str = "", articles: tuple[str, ...] = ()) -> Loaded:
        """Return what was loaded, over the newest generation of the index.

        Args:
            model: what the model is called, "" for the usual one; see `load_of`.
            articles: the only ones that who asks may see, as in `Index.within`; () for all.

        Raises:
            InputError: no model that is offered is called so.
            NotReadyError: it is not loaded yet, or could not be loaded.
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
        """Return what answers a conversation now."""
        chosen = self._loads.get(conversation.model)
        return self.newest(conversation.model if chosen and chosen.loaded else "")

    def overview(self) -> Exchange | None:
        """Return what is known of all articles; see `Overview.of`. None where no model is loaded, too."""
        return self._overview.of(self.loaded.index, self.loaded.about) if self.background.loaded else None

    def check(self, question: str, sender: Sender) -> None:
        """Say why somebody cannot ask a question now.

        Raises:
            NotReadyError: no model is loaded.
            FullError: too many questions wait, of all visitors, of this one, or of all at the address.
            InputError: as `check_text`.
        """
        self.check_ready()
        self.check_text(question)
        again = "Ask again in a moment.", self.line.wait
        if self.line.waiting >= LINE_LENGTH:
            raise FullError(f"{LINE_LENGTH} questions are waiting already", *again)
        own, here = self.line.waiting_of(sender)
        if own >= VISITOR_LENGTH:
            raise FullError(f"{VISITOR_LENGTH} of your questions are waiting already", *again)
        if here >= ADDRESS_LENGTH:
            raise FullError(f"{ADDRESS_LENGTH} questions from your address are waiting already", *again)

    def check_ready(self) -> None:
        """Raises: NotReadyError, where no model is loaded."""
        if error := self.background.error:
            raise NotReadyError(error.problem, error.fix)
        if not self.background.loaded:
            raise NotReadyError("The model is still loading", "Ask again in a moment.")

    def check_text(self, question: str) -> None:
        """Raises: InputError, where the question is empty or too long."""
        checked_question(question, self.max_question_chars)

    def refusal(self, question: str, conversation: Conversation) -> str:
        """Say why a question cannot be asked now, "" if it can."""
        if conversation.busy:
            return BUSY
        try:
            self.check(question, conversation.sender)
        except CitewireError as error:
            return str(error)
        return ""

    def ask(self, question: str, conversation: Conversation, *, again: str = "", manner: Manner = "usual") -> Exchange:
        """Put a question in the line.

        Args:
            question: what is asked.
            conversation: by whom.
            again: the id of the kept exchange whose answer it replaces, "" for none.
            manner: how it is answered.
        """
        loaded = self._answering(conversation)
        with conversation.lock:
            exchange = conversation.add(question)
            exchange.kept, exchange.narrowed = again, filter_line(conversation.filters)
            exchange.by = self._called(loaded.model) if manner != "quotes" else ""
            exchange.quotes_only, exchange.suggesting = manner == "quotes", loaded.suggest is not None
            stop, history = conversation.stop, conversation.history()
        work = partial(self._answer, loaded, exchange, conversation, stop, history, manner)
        self.line.enter(exchange, work, conversation.sender)
        exchange.move(self.line.ahead(exchange))
        self._keep(exchange, conversation)
        return exchange

    def in_time(
        self, stream: Callable[[Callable[[], bool]], Iterator[Event]], stopped: Callable[[], bool]
    ) -> Iterator[Event]:
        """Yield the events of an answer, and end it once it takes too long.

        Args:
            stream: begins it, and ends it soon after what it is given turns true.
            stopped: whether nobody wants it any more.

        Raises:
            SlowError: it took longer than it may.
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
        """Ask the newest question again, to be answered as `manner` says; the earlier answer to it is dropped."""
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
        """Run the answerer to its end; what it says after the exchange was stopped is dropped."""
        exchange.move(0)
        try:
            search = narrowed(loaded.search, conversation.filters)
            stream = partial(loaded.answerer.stream, exchange.question, history, search=search, manner=manner)
            events = self.in_time(lambda stopped: stream(stopped=stopped), stop.is_set)
            asked = {_plain(turn.question) for turn in history}
            for event in events:
                if isinstance(event, Answer):  # what was asked before is not offered again
                    event = replace(event, offered=tuple(one for one in event.offered if _plain(one) not in asked))
                with conversation.lock:
                    if not exchange.done:
                        exchange.apply(event)
        except CitewireError as error:
            self._fail(exchange, conversation, error.problem, error.fix)
        except Exception:  # the outermost layer: logged with its traceback, and said to the visitor
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
        """Store what there is of an exchange, unless its conversation was left meanwhile.

        A question without an answer yet is stored as one that was stopped: whatever ends it, it can be asked again. The
        answer to a question that is asked again stays until another one comes.
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
            except UnusableFileError as error:  # a full disk
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
            end = time.monotonic() + SUGGEST_S
            try:
                search = narrowed(loaded.search, conversation.filters)
                for question in suggest(answer, history, search, stopped):
                    with conversation.lock:
                        if stop.is_set():
                            break
                        exchange.suggest(question)
                    if len(exchange.suggestions) >= SUGGESTED:
                        break
            except CitewireError as error:  # the refusal stands without suggestions
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
        except InputError as error:  # deleted in another tab, or a full disk: the answer itself is what counts
            logger.warning("suggestions not kept", extra={"problem": error.problem})

    def hush(self, conversation: Conversation) -> None:
        """Look for no more questions to offer: the visitor types one."""
        if (exchange := conversation.newest) and exchange.done:
            exchange.hushed = True

    def stop(self, conversation: Conversation) -> None:
        """End the answer that is being written or waited for; what is shown of it stays."""
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
        """End all that runs for a conversation; its exchanges stay kept."""
        self.stop(conversation)
        self.line.leave(*conversation.exchanges)
        for exchange in conversation.exchanges:
            exchange.suggest(more=False)

    def new(self, conversation: Conversation) -> None:
        """Begin another conversation in the place of this one."""
        self.leave(conversation)
        with conversation.keeping, conversation.lock:
            conversation.clear()

    def open(self, conversation: Conversation, wanted: str) -> None:
        """Show a kept conversation in the place of this one.

        Raises:
            CitewireError: the visitor has none of this id.
        """
        if self._keeper is None:
            raise InputError("Conversations are not kept here", "Start citewire with a place to keep them.")
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
        """Set what the visitor has said of each answer and quote of a conversation, as it is stored."""
        if self._keeper is None or conversation.kept is None:
            return
        ratings = self._keeper.ratings(conversation.visitor, conversation.kept)
        with conversation.lock:
            for exchange in conversation.exchanges:
                exchange.ratings = {_rated(r): r.value for r in ratings if r.exchange == exchange.kept}


def _plain(question: str) -> str:
    """A question as it is compared with others: without case, and the marks at its end."""
    return " ".join(question.casefold().split()).rstrip("?!. ")


def _rated(rating: Rating) -> str:
    """What a rating is of, as panel.js names it: "answer", or the number of a quote."""
    return "answer" if rating.quote is None else str(rating.quote)


def narrowed(search: SearchOptions, chosen: Filters) -> SearchOptions:
    """Return a search over the articles that the settings and the visitor both want.

    Raises:
        InputError: no article is wanted by both, or a day is none.
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
