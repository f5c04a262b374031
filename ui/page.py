"""The Gradio page: layout, events and the state of each visitor's conversation. The only importer of gradio.

Knows how an exchange runs: one at a time asks the answerer. How it looks is `citewire.ui.render` and
`page.css`, what a click does is `panel.js`, ports and headers are `citewire.ui.server`. Every handler changes
the conversation and returns `Page.view` of it, so that a late result never brings back an earlier state.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read at import: nothing leaves this machine

import gradio as gr
from fastapi import FastAPI

from citewire.index.errors import CitewireError
from citewire.index.types import Article
from citewire.qa.types import Answer, Event, Turn
from citewire.ui.render import (
    ArticleInfo,
    Card,
    Exchange,
    Mark,
    answer_html,
    card,
    corpus_line,
    error_html,
    panel_value,
    paragraphs,
    question_html,
    welcome_html,
)

logger = logging.getLogger(__name__)

CAUTION = "Answers can be wrong. Check the highlighted quote before you rely on one."
QUEUE_SIZE = 16  # questions waiting over all visitors; more are turned away
REDRAW_S = 0.05  # drafts that follow each other faster than this are drawn together
MARKS_PER_ARTICLE = 200  # a request of the reader for more is cut

View = tuple[Any, ...]  # values of the components that `Page.outputs` lists


class ArticleIndex(Protocol):
    """What the page reads of an index. Called from several threads."""

    def article(self, path: str) -> Article:
        """Return one article; CitewireError if there is none at `path`."""
        ...

    def articles(self) -> Sequence[ArticleInfo]:
        """Return all articles, without their text."""
        ...


class Answerer(Protocol):
    """What answers a question."""

    def stream(self, question: str, history: Sequence[Turn], *, stopped: Callable[[], bool]) -> Iterator[Event]:
        """Yield a Searched, any Drafts and Checked, and an Answer; end soon after `stopped()` turns true."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `load` brings: an answerer, the index it searches, and the model's name for the top bar."""

    answerer: Answerer
    index: ArticleIndex
    model: str


class BackgroundLoad:
    """Runs `load` in a thread, so that the page opens at once.

    Attributes:
        loaded: the result, None while loading and after a failure.
        error: why loading failed.
    """

    def __init__(self, load: Callable[[], Loaded]) -> None:
        self.loaded: Loaded | None = None
        self.error: CitewireError | None = None
        self._load = load
        # Daemon: Ctrl-C must not wait for a model.
        self._thread = threading.Thread(target=self._run, name="citewire-load", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.loaded = self._load()
        except CitewireError as error:
            self.error = error
        except Exception as error:  # the page is the outermost layer of this thread: nobody else would say it
            logger.exception("loading failed")
            self.error = CitewireError(
                f"Loading failed: {type(error).__name__}", "See the log, then start citewire again."
            )

    @property
    def done(self) -> bool:
        """Whether loading has ended, well or not."""
        return not self._thread.is_alive()


class Conversation:
    """One visitor's exchanges and the event that stops the newest one."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.stop = threading.Event()
        self._started = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> Conversation:
        """Return a new, empty conversation: Gradio makes each session's state by deep copy of the first."""
        return Conversation()

    @property
    def busy(self) -> bool:
        """Whether the newest exchange waits for its answer."""
        return bool(self.exchanges) and not self.exchanges[-1].done

    def ask(self, question: str) -> Exchange:
        """Append a new exchange with its own stop event."""
        self._started += 1
        self.stop = threading.Event()
        self.exchanges.append(Exchange(f"t{self._started}", question))
        return self.exchanges[-1]

    def history(self) -> list[Turn]:
        """Return the finished exchanges before the newest one, oldest first."""
        answers = [(exchange.question, exchange.answer) for exchange in self.exchanges[:-1]]
        return [Turn(question, answer.text) for question, answer in answers if answer and answer.status != "failed"]

    def clear(self) -> None:
        """Stop what runs and forget all exchanges."""
        self.stop.set()
        self.exchanges.clear()


class Page:
    """The handlers behind the page's events, and what they share between visitors."""

    def __init__(self, load: Callable[[], Loaded], examples: Sequence[str], max_question_chars: int) -> None:
        self.background = BackgroundLoad(load)
        self.examples = list(examples)
        self.max_question_chars = max_question_chars
        self._cards: dict[str, Card] = {}
        self._corpus: tuple[str, int] | None = None
        self._line: list[Exchange] = []  # being answered or waiting, over all visitors
        self._sessions: dict[str, Conversation] = {}  # to stop an answer when its tab closes
        self._lock = threading.Lock()

    # what is shown

    @property
    def _loaded(self) -> Loaded:
        if self.background.loaded is None:
            raise CitewireError("The model is not loaded yet", "Wait until the top bar says Ready.")
        return self.background.loaded

    def card(self, path: str) -> Card:
        """Return an article's label, by its path."""
        if path not in self._cards:
            self._cards[path] = card(self._loaded.index.article(path))
        return self._cards[path]

    def corpus(self) -> tuple[str, int]:
        """Return the corpus in words and the number of its articles."""
        if self._corpus is None:
            listed = self._loaded.index.articles()
            self._corpus = corpus_line(listed), len(listed)
        return self._corpus

    def view(self, conversation: Conversation, hint: str = CAUTION) -> View:
        """Return chat, panel, box and hint of a conversation; the text in the box stays."""
        messages = []
        count = self.corpus()[1] if self.background.loaded else 0
        for exchange in conversation.exchanges:
            last = exchange is conversation.exchanges[-1]
            reply = answer_html(exchange, self.card, articles=count, last=last)
            messages.append({"role": "user", "content": question_html(exchange)})
            messages.append({"role": "assistant", "content": reply})
        panel = panel_value(conversation.exchanges[-1], self.card) if messages else {}
        box = gr.Textbox(submit_btn=not conversation.busy, stop_btn=conversation.busy)
        return messages, panel, box, hint

    # events

    async def wait_until_loaded(self) -> AsyncIterator[View]:
        """Yield top bar, box and chat of a page that has just opened, once loading has ended."""
        while not self.background.done:
            await asyncio.sleep(0.1)
        error = self.background.error
        if error is not None:
            head = {"state": "failed", "corpus": "", "model": ""}
            box = gr.Textbox(interactive=False, placeholder="The model could not be loaded")
            yield head, box, gr.Chatbot(placeholder=error_html(error.problem, error.fix))
            return
        head = {"state": "ready", "corpus": self.corpus()[0], "model": self._loaded.model}
        yield head, gr.Textbox(interactive=True, placeholder="Ask about the articles"), gr.skip()

    def ask(self, question: str, conversation: Conversation, request: gr.Request) -> View:
        """Take a question from the box; it stays there if it cannot be asked."""
        question = question.strip()
        hint = self._refusal(question, conversation)
        if hint:
            return self.view(conversation, hint)
        return self._begin(question, conversation, request)

    def ask_example(self, conversation: Conversation, request: gr.Request, event: gr.EventData) -> View:
        """Take the example that was clicked."""
        index = event._data.get("index") if event._data else None
        if not isinstance(index, int) or not 0 <= index < len(self.examples):
            return self.view(conversation)
        hint = self._refusal(self.examples[index], conversation)
        return self.view(conversation, hint) if hint else self._begin(self.examples[index], conversation, request)

    def retry(self, conversation: Conversation, request: gr.Request) -> View:
        """Ask the newest question again; the earlier answer to it is dropped."""
        if conversation.busy or not conversation.exchanges:
            return self.view(conversation)
        return self._begin(conversation.exchanges.pop().question, conversation, request)

    def _refusal(self, question: str, conversation: Conversation) -> str:
        """Say why a question cannot be asked now, "" if it can."""
        if not self.background.loaded:
            return "The model is still loading. Ask again in a moment."
        if conversation.busy:
            return "An answer is being written. Wait for it, or press Stop."
        if not question:
            return "Type a question first."
        if len(question) > self.max_question_chars:
            return (
                f"This question has {len(question):,} characters, the limit is {self.max_question_chars:,}. "
                "Shorten it and ask again."
            )
        return ""

    def _begin(self, question: str, conversation: Conversation, request: gr.Request) -> View:
        exchange = conversation.ask(question)
        with self._lock:
            exchange.ahead = len(self._line)
            exchange.phase = "waiting" if exchange.ahead else "searching"
            self._line.append(exchange)
            self._sessions[str(request.session_hash)] = conversation
        chat, panel, _, hint = self.view(conversation)
        return chat, panel, gr.Textbox(value="", submit_btn=False, stop_btn=True), hint

    def answer(self, conversation: Conversation) -> Iterator[View]:
        """Run the newest exchange and yield its views; does nothing where none was begun."""
        if not conversation.busy:
            yield (gr.skip(),) * 4
            return
        exchange, stop = conversation.exchanges[-1], conversation.stop
        history = conversation.history()
        try:
            yield from self._run(exchange, conversation, stop, history)
        finally:
            self._leave_line(exchange)

    def _run(
        self, exchange: Exchange, conversation: Conversation, stop: threading.Event, history: list[Turn]
    ) -> Iterator[View]:
        """Ask the answerer; the last view is the conversation's own, whatever happened to this exchange."""
        exchange.phase = "searching"
        drawn, panel = 0.0, None
        try:
            yield self._progress(conversation, True)
            for event in self._loaded.answerer.stream(exchange.question, history, stopped=stop.is_set):
                exchange.apply(event)
                now = time.monotonic()
                if exchange.done or exchange not in conversation.exchanges:
                    continue
                if now - drawn >= REDRAW_S or not exchange.draft:
                    drawn = now
                    value = panel_value(exchange, self.card)
                    yield self._progress(conversation, value != panel)
                    panel = value
        except CitewireError as error:
            exchange.fail(error.problem, error.fix)
        except Exception:  # the outermost layer: logged with its traceback, and said to the visitor
            logger.exception("answering failed")
            exchange.fail("The answer could not be finished", "Press Retry to ask again. The log has the details.")
        if not exchange.done:
            exchange.fail("The answer ended early", "Press Retry to ask again.")
        yield self.view(conversation)

    def _progress(self, conversation: Conversation, panel_changed: bool) -> View:
        chat, panel, _, _ = self.view(conversation)
        return chat, panel if panel_changed else gr.skip(), gr.skip(), gr.skip()

    def _leave_line(self, *exchanges: Exchange) -> None:
        with self._lock:
            self._line = [exchange for exchange in self._line if exchange not in exchanges]

    def stop(self, conversation: Conversation) -> View:
        """Make the answer that is being written end; one that still waits in line ends here."""
        conversation.stop.set()
        exchange = conversation.exchanges[-1] if conversation.exchanges else None
        if exchange is None or exchange.phase != "waiting":
            return (gr.skip(),) * 4
        exchange.apply(Answer(exchange.question, exchange.question, "stopped", ""))
        self._leave_line(exchange)
        return self.view(conversation)

    def new_chat(self, conversation: Conversation) -> View:
        """Forget the conversation."""
        self._leave_line(*conversation.exchanges)
        conversation.clear()
        return self.view(conversation)

    def close(self, request: gr.Request) -> None:
        """Stop the answer of a tab that was closed."""
        with self._lock:
            conversation = self._sessions.pop(str(request.session_hash), None)
        if conversation:
            conversation.stop.set()
            self._leave_line(*conversation.exchanges)

    def read_article(self, wanted: Any) -> dict[str, Any]:
        """Return an article cut into segments; called by panel.js.

        Args:
            wanted: {"path": str, "marks": [[key, start, end], ...]}, untrusted.

        Returns:
            {"paragraphs": [[[text, keys, keys that begin here], ...], ...]} or {"error": str}.
        """
        try:
            marks = [Mark(str(key), int(start), int(end)) for key, start, end in wanted["marks"][:MARKS_PER_ARTICLE]]
            article = self._loaded.index.article(str(wanted["path"]))
        except (KeyError, TypeError, ValueError):
            return {"error": "The article could not be opened: the request was not understood."}
        except CitewireError as error:
            return {"error": str(error)}
        cut = paragraphs(article.text, marks)
        return {"paragraphs": [[[part.text, part.keys, part.begins] for part in line] for line in cut]}


# Layout

# Each gr.HTML has a constant template and a JSON value that its script shows: text put into a template's
# ${...} or {{...}} would run as script.
HEAD_TEMPLATE = (
    '<div class="cw-bar-top"><div class="cw-brand"><span class="cw-logo" aria-hidden="true"></span>'
    '<div><h1>citewire</h1><p class="cw-corpus"></p></div></div><div class="cw-tools">'
    '<div class="cw-status" role="status"><span class="cw-dot" aria-hidden="true"></span>'
    '<span class="cw-status-text"></span></div>'
    '<button type="button" class="cw-new">New chat</button></div></div>'
)
HEAD_SCRIPT = """
const words = {loading: "Loading model", ready: "Ready", failed: "Model not loaded"};
const find = (name) => element.querySelector(name);
function show() {
  const value = props.value || {state: "loading", corpus: "", model: ""};
  find(".cw-status").dataset.state = value.state;
  find(".cw-status").title = value.model;
  find(".cw-status-text").textContent = words[value.state] + (value.model ? ": " + value.model : "");
  find(".cw-corpus").textContent = value.corpus;
  document.body.dataset.cwState = value.state;
}
element.addEventListener("click", (event) => { if (event.target.closest(".cw-new")) trigger("cw_new", {}); });
watch("value", show);
show();
"""
HINT_TEMPLATE = '<p class="cw-hint" role="status"></p>'
HINT_SCRIPT = """
const line = element.querySelector(".cw-hint");
function show() {
  line.textContent = props.value || "";
  line.classList.toggle("cw-notice", props.value !== props.usual);
}
watch("value", show);
show();
"""
PANEL_TEMPLATE = '<div class="cw-panel-root"></div>'


def _asset(name: str) -> str:
    return files("citewire.ui").joinpath(name).read_text(encoding="utf-8")


def _theme() -> gr.themes.Base:
    teal = ("#eef6f6", "#d5e9ea", "#aed4d7", "#7db9be", "#4b989f", "#2b7b83", "#1f646c", "#1b5058", "#183f46")
    return gr.themes.Base(
        primary_hue=gr.themes.Color(*teal, "#14333a", "#0b2126"),
        neutral_hue="slate",
        # Fonts that come with Gradio; the files of weight 600 lack letters.
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "monospace"],
        radius_size="md",
    )


# gr.HTML is not subclassed, because Gradio writes a .pyi file beside the module of each subclass.
def build_page(load: Callable[[], Loaded], examples: Sequence[str], *, max_question_chars: int = 1000) -> gr.Blocks:
    """Lay out the page and start loading in the background.

    Args:
        load: loads index and model; a CitewireError it raises is shown on the page with its fix.
        examples: questions offered on the empty page.
        max_question_chars: longer questions are refused.
    """
    page = Page(load, examples, max_question_chars)

    # A function, because Gradio sets an attribute on it, which a bound method refuses.
    def read_article(wanted: Any) -> dict[str, Any]:
        return page.read_article(wanted)

    blocks: gr.Blocks = gr.Blocks(title="citewire", fill_width=True, fill_height=True, analytics_enabled=False)
    with blocks:
        state = gr.State(Conversation())
        head = gr.HTML(
            {"state": "loading", "corpus": "Opening the articles", "model": ""}, html_template=HEAD_TEMPLATE,
            js_on_load=HEAD_SCRIPT, apply_default_css=False, elem_id="cw-head",
        )  # fmt: skip
        with gr.Row(elem_id="cw-main", equal_height=True):
            with gr.Column(scale=11, min_width=340, elem_id="cw-left"):
                chat = gr.Chatbot(
                    elem_id="cw-chat", show_label=False, label="Conversation", layout="bubble", height="100%",
                    buttons=[], latex_delimiters=[], allow_tags=False, feedback_options=None,
                    placeholder=welcome_html(examples),
                )  # fmt: skip
                box = gr.Textbox(
                    elem_id="cw-ask", label="Ask a question", show_label=False, container=False,
                    placeholder="Loading the model", interactive=False, submit_btn=True,
                    max_length=max_question_chars, max_lines=4,
                )  # fmt: skip
                hint = gr.HTML(
                    CAUTION, html_template=HINT_TEMPLATE, js_on_load=HINT_SCRIPT, apply_default_css=False,
                    elem_id="cw-hint", usual=CAUTION,
                )  # fmt: skip
            with gr.Column(scale=9, min_width=320, elem_id="cw-right"):
                panel = gr.HTML(
                    {}, html_template=PANEL_TEMPLATE, js_on_load=_asset("panel.js"), apply_default_css=False,
                    elem_id="cw-sources", server_functions=[read_article],
                )  # fmt: skip
        shown = [chat, panel, box, hint]
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        blocks.load(page.wait_until_loaded, None, [head, box, chat], queue=False, **quiet)
        for event, handler, inputs in (
            (box.submit, page.ask, [box, state]),
            (panel.cw_example, page.ask_example, [state]),
            (panel.cw_retry, page.retry, [state]),
        ):
            begun = event(handler, inputs, shown, queue=False, **quiet)
            begun.then(page.answer, state, shown, concurrency_limit=1, concurrency_id="answer", **quiet)
        box.stop(page.stop, state, shown, queue=False, **quiet)
        head.cw_new(page.new_chat, state, shown, queue=False, **quiet)
        blocks.unload(page.close)
    return blocks


def mount_page(blocks: gr.Blocks) -> FastAPI:
    """Return the ASGI application that serves a page at "/", with all that leaves the machine turned off."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        blocks.queue(max_size=QUEUE_SIZE),
        path="/",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=1,  # nothing on the page takes a file
        theme=_theme(),
        css=_asset("page.css"),
    )
    return mounted
