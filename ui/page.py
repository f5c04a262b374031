"""The Gradio page: layout, events and the values of its components. The only importer of gradio.

`citewire.ui.chat` runs an exchange, `citewire.ui.render` and `page.css` display it, the scripts that `page.js` loads
handle clicks, and `citewire.ui.middleware` sets headers. Every handler changes the conversation and returns
`Page.view` of it, so a late result never restores an earlier state.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import inspect
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from cachetools import LRUCache
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from citewire.index.errors import CitewireError, InputError
from citewire.index.options import SearchOptions
from citewire.index.types import Filters
from citewire.ui.access import change
from citewire.ui.chat import Chat, Conversation
from citewire.ui.conversations import UnknownIdError
from citewire.ui.exchange import Exchange
from citewire.ui.gate import Again, Allowed, Chosen, Function, Gate, Kept, Model, New, Nothing, Question, Tab
from citewire.ui.labels import GONE, Card, CardOf, card_or_gone, corpus_line, filter_line, gone
from citewire.ui.middleware import assets, foreign
from citewire.ui.render import Mark, answer_html, error_html, panel_value, paragraphs, question_html, welcome_html
from citewire.ui.sessions import Sessions
from citewire.ui.tree import sheet
from citewire.ui.visitor import Guard, VisitorCookie, foreign_link, guest_of, sender_of, unrouted, visitor_of


def _of_components(getfile: Callable[[Any], str], thing: Any) -> str:
    if isinstance(thing, type) and thing.__module__.startswith("gradio."):
        raise OSError(f"{thing} has its stub already")
    return getfile(thing)


# Gradio reads both when it is imported: no telemetry, and a separate folder for its files.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_TEMP_DIR"] = str(Path(tempfile.gettempdir()) / f"citewire-{secrets.token_hex(8)}")
# At each import it makes the stubs of its components for editors again, unless it finds no file of a component. That
# takes more than half of the import: 2.3 of 4.3 s of a core.
_getfile, inspect.getfile = inspect.getfile, partial(_of_components, inspect.getfile)
try:
    import gradio as gr
finally:
    inspect.getfile = _getfile

CAUTION = "Answers can be wrong. Check the highlighted quote before you rely on one."
CACHE = Path(os.environ["GRADIO_TEMP_DIR"])  # stays empty: no file passes through Gradio
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
GRACE_S = 8  # a closed tab's answer is stopped after this, unless the tab is loaded again before
MOST_TABS = 500  # most tabs whose conversations are remembered
REDRAW_S = 0.05  # shortest time between two redraws; changes in between are drawn together
RARELY_S = 0.5  # longest time between two checks for a change, while nothing changes
FOLLOWERS = 4  # most event streams of one conversation; the page uses at most two
MARKS_PER_ARTICLE = 200  # most marked spans in one article; further ones are not marked
MOST_CHOSEN = 1_000  # most outlets or articles of a filter

View = tuple[Any, ...]  # values of the components in `shown`, in `build_page`


class Page:
    """The handlers of the page's events, and the values that display a conversation."""

    def __init__(self, chat: Chat, examples: Sequence[str], *, articles: bool, read_only: bool) -> None:
        self.chat = chat
        self.examples = examples
        self._read_only = read_only
        self._views = {"articles": articles, "history": chat.keeps}
        self._cards: dict[str, Card] = {}
        self._corpus: tuple[Any, str, int] = (None, "", 0)  # index, its description in words, number of its articles
        # By Gradio's session, to stop an answer when its tab closes; Gradio stores the conversations.
        self._sessions: WeakValueDictionary[str, Conversation] = WeakValueDictionary()
        # For tabs that are loaded again, by visitor and the tab's name.
        self._tabs: LRUCache[tuple[str, str], Conversation] = LRUCache(MOST_TABS)
        self._lock = threading.Lock()

    # values to display

    def card(self, path: str) -> Card:
        """Return an article's card by its path; the card of a missing article has only the path."""
        known = self._cards.get(path) or card_or_gone(self.chat.loaded.index, path)
        if known.date != GONE:  # visitors make up any number of missing paths
            self._cards[path] = known
        return known

    def corpus(self) -> tuple[str, int]:
        """Return the corpus in words and the number of its articles."""
        index = self.chat.loaded.index
        if self._corpus[0] is not index:
            listed = index.articles()
            self._cards = {}
            self._corpus = index, corpus_line(listed), len(listed)
        return self._corpus[1:]

    def head(self, request: gr.Request) -> dict[str, Any]:
        """Return the value of the top bar; it depends on whether the visitor may change articles."""
        return {
            "state": "ready",
            "corpus": self.corpus()[0],
            "model": self.chat.loaded.model,
            "overview": self.chat.overview() is not None,
            "read_only": self._read_only or not guest_of(_http(request)).admin,
            **self._views,
        }

    def view(self, conversation: Conversation) -> View:
        """Return the values of chat, panel, box, hint and filter of a conversation; the text in the box stays."""
        with conversation.lock:
            panel = self._panel(conversation, conversation.exchanges)
            below = _box(conversation), _hint(conversation), _filter_value(conversation.filters, self.card)
            return self._chat(conversation), {**panel, "view": conversation.next_view()}, *below

    def welcome(self) -> str:
        """Return the content of the empty page, as far as it is known."""
        return welcome_html(self.examples, self._overview())

    def _overview(self) -> Exchange | None:
        """Return the overview of the articles, None if it is unknown."""
        about = self.chat.overview()
        return about if about and about.answer and about.answer.status == "answered" else None

    def _telling(self) -> bool:
        about = self.chat.overview()
        return about is not None and not about.done

    def _chat(self, conversation: Conversation) -> Any:
        if conversation.exchanges:
            return self._messages(conversation)
        return gr.Chatbot(value=[], placeholder=self.welcome())

    def _messages(self, conversation: Conversation) -> list[dict[str, str]]:
        messages = []
        count = self.corpus()[1] if conversation.exchanges else 0
        for exchange in conversation.exchanges:
            last = exchange is conversation.exchanges[-1]
            reply = answer_html(exchange, self.card, articles=count, last=last)
            messages.append({"role": "user", "content": question_html(exchange)})
            messages.append({"role": "assistant", "content": reply})
        return messages

    def _panel(self, conversation: Conversation, exchanges: Iterable[Exchange]) -> dict[str, Any]:
        turns = [panel_value(exchange, self.card) for exchange in exchanges]
        about = self._overview()
        return {
            "chat": conversation.serial,
            "kept": conversation.kept or "",
            "turns": turns,
            "about": panel_value(about, self.card) if about else None,
            "telling": self._telling(),  # whether the overview is being computed
        }

    def choice(self, conversation: Conversation) -> dict[str, Any]:
        """Return the models in Settings: their names, the current one, and a message about it."""
        choice = self.chat.choice
        if choice is None:
            return {}
        called = conversation.model or choice.usual
        load = self.chat.load_of(called)
        state, said = "ready", ""
        if load.error:
            said = f"The {choice.usual} model answers, as the {called} one could not be loaded: {load.error}"
            called, state = choice.usual, "failed"
        elif not load.loaded:
            state, said = "loading", f"Loading the {called} model. The {choice.usual} one answers meanwhile."
        elif called != choice.usual:
            said = f"The {called} model answers."
        return {"models": dict(choice.models), "chosen": called, "state": state, "said": said}

    # events

    async def wait_until_loaded(self, request: gr.Request) -> AsyncIterator[View]:
        """Yield top bar, box, chat and models of a newly opened page once the models are loaded."""
        while not self.chat.background.done:
            await asyncio.sleep(0.1)
        error = self.chat.background.error
        if error is not None:
            head = {"state": "failed", "corpus": "", "model": ""}
            box = gr.Textbox(interactive=False, placeholder="The model could not be loaded")
            yield head, box, gr.Chatbot(placeholder=error_html(error.problem, error.fix)), gr.skip()
            return
        head = await asyncio.to_thread(self.head, request)
        box = gr.Textbox(interactive=True, placeholder="Ask about the articles")
        yield head, box, gr.skip(), self.choice(Conversation())

    def ask(self, question: str, conversation: Conversation, request: gr.Request) -> View:
        """Ask the question in the box; if that is impossible it stays in the box."""
        self._meet(conversation, request)
        if not self._asked(question, conversation):
            return self.view(conversation)
        chat, panel, _, hint, chosen = self.view(conversation)
        return chat, panel, gr.Textbox(value="", submit_btn=False, stop_btn=True), hint, chosen

    def ask_link(self, conversation: Conversation, request: gr.Request, event: gr.EventData) -> View:
        """Ask an example, a suggestion or the question in the page's address; the text in the box stays."""
        question = str(_data(event).get("question", ""))
        self._meet(conversation, request)
        self._asked(question, conversation)
        return self.view(conversation)

    def _asked(self, question: str, conversation: Conversation) -> bool:
        """Ask, or store the reason why the question cannot be asked; return whether it was asked."""
        conversation.notice = self.chat.refusal(question, conversation)
        if not conversation.notice:
            self.chat.ask(question.strip(), conversation)
        return not conversation.notice

    def retry(self, conversation: Conversation, request: gr.Request, event: gr.EventData) -> View:
        """Repeat the newest question, or answer it only with quotes; the old answer is replaced."""
        self._meet(conversation, request)
        conversation.notice = ""
        self.chat.retry(conversation, "quotes" if _data(event).get("quotes") else "anew")
        return self.view(conversation)

    def _meet(self, conversation: Conversation, request: gr.Request) -> None:
        """Record the visitor and the tab of a conversation."""
        conversation.visitor, conversation.sender = visitor_of(_http(request)), sender_of(_http(request))
        with self._lock:
            self._sessions[str(request.session_hash)] = conversation

    async def answer(self, conversation: Conversation) -> AsyncIterator[View]:
        """Yield a view at each change of the newest exchange or its suggestions, then one of the whole conversation."""
        conversation.followers += 1
        drawn: Any = None
        try:
            if conversation.followers <= FOLLOWERS:
                async for view in self._follow(conversation):
                    drawn = view[0] if isinstance(view[0], list) else drawn
                    yield view
        finally:
            conversation.followers -= 1
        chat, *rest = await asyncio.to_thread(self.view, conversation)
        # Redrawing the chat would move the keyboard focus out of it.
        yield gr.skip() if chat == drawn else chat, *rest

    async def _follow(self, conversation: Conversation) -> AsyncIterator[View]:
        exchange, seen, panel, pause = conversation.newest, -1, None, REDRAW_S
        drawn: list[dict[str, str]] | None = None
        while exchange is not None and exchange is conversation.newest:
            if exchange.version != seen:
                seen, pause = exchange.version, REDRAW_S
                # In a thread, because waiting for a lock or the disk would stop the event loop for all visitors.
                messages, value, number = await asyncio.to_thread(self._progress, conversation, exchange)
                # The box, its buttons and the line below change at the start, because the last view of the earlier
                # exchange may arrive late, and at the end, because the next question can be sent during suggestions.
                turns = panel is None or exchange.done
                below = (_box(conversation), _hint(conversation)) if turns else (gr.skip(), gr.skip())
                chat = gr.skip() if messages == drawn else messages
                # Only what is new: Gradio sends two values in a row as a difference, which the panel can lose.
                yield chat, gr.skip() if value == panel else {**value, "view": number}, *below, gr.skip()
                panel, drawn = value, messages
            if exchange.done and not exchange.suggesting:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 1.1, RARELY_S)
            exchange.move(self.chat.line.ahead(exchange))

    def _progress(
        self, conversation: Conversation, exchange: Exchange
    ) -> tuple[list[dict[str, str]], dict[str, Any], int]:
        with conversation.lock:
            value = self._panel(conversation, [exchange])
            return self._messages(conversation), value, conversation.next_view()

    def stop(self, conversation: Conversation) -> View:
        """Stop the answer that is being written or waits."""
        conversation.notice = ""
        self.chat.stop(conversation)
        return self.view(conversation)

    def new_chat(self, conversation: Conversation, event: gr.EventData) -> View:
        """Start an empty conversation."""
        return self._moved(conversation, event, lambda: self.chat.new(conversation))

    def open_kept(self, conversation: Conversation, request: gr.Request, event: gr.EventData) -> View:
        """Show a conversation from the History."""

        def open_it() -> None:
            self._meet(conversation, request)
            self.chat.open(conversation, str(_data(event).get("id", "")))

        return self._moved(conversation, event, open_it)

    def _moved(self, conversation: Conversation, event: gr.EventData, move: Callable[[], object]) -> View:
        """Show another conversation, unless a newer step of Back or Forward has come first; the view has its number."""
        step = _data(event).get("step", 0)
        with conversation.moving:
            if not step or step >= conversation.step:
                conversation.step, conversation.notice = step or conversation.step, ""
                try:
                    move()
                except CitewireError as error:
                    conversation.notice = f"{error.problem}. {error.fix}"
        chat, panel, *others = self.view(conversation)
        return chat, {**panel, "step": step}, *others

    def resume(self, conversation: Conversation, request: gr.Request, event: gr.EventData) -> View:
        """Resume the conversation of a tab that was loaded again; otherwise show the one in its address, if any.

        Returns:
            The conversation, its view, and the models in Settings.
        """
        tab, wanted = (str(_data(event).get(name, "")) for name in ("tab", "id"))
        with self._lock:
            known = self._tabs.setdefault((visitor_of(_http(request)), tab), conversation)
        self._meet(known, request)
        known.step = 0  # a page that is loaded again counts anew
        if known is not conversation:
            with contextlib.suppress(UnknownIdError):  # deleted meanwhile in another tab
                self.chat.recall_ratings(known)
            return known, *self.view(known), self.choice(known)
        if wanted:
            return gr.skip(), *self.open_kept(conversation, request, event), gr.skip()
        return gr.skip(), gr.skip(), self.view(conversation)[1], *[gr.skip()] * 4

    def choose(self, conversation: Conversation, event: gr.EventData) -> View:
        """Set the filters that the Articles view chose."""
        conversation.notice = ""
        try:
            conversation.filters = _filters(_data(event))
        except InputError as error:
            conversation.notice = str(error)
        return self.view(conversation)

    def choose_model(self, conversation: Conversation, event: gr.EventData) -> dict[str, Any]:
        """Choose the model; without a name, only report whether it is loaded."""
        if self.chat.choice and (name := str(_data(event).get("name", ""))) in self.chat.choice.models:
            self.chat.choose(name, conversation)
        return self.choice(conversation)

    def close(self, request: gr.Request) -> None:
        """Stop the answer of a closed tab, unless the tab is loaded again."""
        with self._lock:
            conversation = self._sessions.pop(str(request.session_hash), None)
        if conversation:
            timer = threading.Timer(GRACE_S if conversation.busy else 0, self._leave, (conversation,))
            timer.daemon = True
            timer.start()

    def _leave(self, conversation: Conversation) -> None:
        with self._lock:
            taken_up = any(one is conversation for one in self._sessions.values())
        if not taken_up:
            self.chat.leave(conversation)

    def read_article(self, wanted: Any) -> dict[str, Any]:
        """Return an article cut into segments; called by panel.js.

        Args:
            wanted: {"path": str, "marks": [[key, start, end, quote], ...]}, untrusted.

        Returns:
            {"paragraphs": [[[text, keys, keys that begin here], ...], ...]} or {"error": str}.
        """
        try:
            wished = [(str(k), int(s), int(e), str(q)) for k, s, e, q in wanted["marks"][:MARKS_PER_ARTICLE]]
            article = self.chat.loaded.index.article(str(wanted["path"]))
        except (KeyError, TypeError, ValueError):
            return {"error": "The article could not be opened: the request was not understood."}
        except InputError:
            return {"error": "It was removed since it was quoted. This is what it said then:"}
        except CitewireError as error:
            return {"error": str(error)}
        if any(article.text[start:end] != quote for _, start, end, quote in wished):
            return {"error": "The article has changed since it was quoted. This is what it said then:"}
        cut = paragraphs(article.text, [Mark(*one[:3]) for one in wished])
        return {"paragraphs": [[[part.text, part.keys, part.begins] for part in line] for line in cut]}


def _data(event: gr.EventData) -> dict[str, Any]:
    return event._data if isinstance(event._data, dict) else {}


def _filters(given: dict[str, Any]) -> Filters:
    """Parse the filters of the Articles view: {"from", "to", "outlets", "articles"}, untrusted.

    Raises:
        InputError: a day is invalid, or the last day comes before the first.
    """
    outlets, articles = (given.get(name) or [] for name in ("outlets", "articles"))
    filters = Filters(
        published_from=str(given.get("from") or ""),
        published_to=str(given.get("to") or ""),
        outlets=tuple(map(str, outlets[:MOST_CHOSEN])),
        articles=tuple(map(str, articles[:MOST_CHOSEN])),
    )
    return SearchOptions(filters=filters).filters  # validates the days


def _box(conversation: Conversation) -> gr.Textbox:
    """Return the box with the matching button, Send or Stop; its text stays."""
    return gr.Textbox(submit_btn=not conversation.busy, stop_btn=conversation.busy)


def _hint(conversation: Conversation) -> str:
    """Return the line below the box: why the last action failed, while that is current, or a caution."""
    return conversation.current_notice or CAUTION


def _filter_value(filters: Filters, card_of: CardOf) -> dict[str, Any]:
    return {
        "words": filter_line(filters, card_of),
        "from": filters.published_from,
        "to": filters.published_to,
        "outlets": list(filters.outlets),
        "articles": list(filters.articles),
    }


# Layout

# Each gr.HTML has a constant template and a JSON value that a function of components.js displays: text inserted into a
# template's ${...} or {{...}} would run as script.
SCRIPT = 'import("{root}/cw/components.js").then((show) => show.NAME({element, props, watch}));'
HEAD_TEMPLATE = (
    '<div class="cw-bar-top"><div class="cw-brand"><span class="cw-logo" aria-hidden="true"></span>'
    '<div><h1>citewire</h1><p class="cw-corpus"></p></div></div><div class="cw-tools">'
    '<div class="cw-status" role="status"><span class="cw-dot" aria-hidden="true"></span>'
    '<span class="cw-status-text"></span></div>'
    '<button type="button" class="cw-tool" data-cw-do="articles" hidden><i class="cw-icon cw-icon-articles"></i>'
    "<span>Articles</span></button>"
    '<button type="button" class="cw-tool" data-cw-do="history" hidden><i class="cw-icon cw-icon-history"></i>'
    "<span>History</span></button>"
    '<button type="button" class="cw-tool" data-cw-do="settings"><i class="cw-icon cw-icon-settings"></i>'
    "<span>Settings</span></button>"
    '<button type="button" class="cw-tool cw-new" data-cw-do="new"><i class="cw-icon cw-icon-new"></i>'
    "<span>New chat</span></button>"
    '<form method="post" action="{root}/logout"><button class="cw-tool" data-cw-do="leave" hidden>'
    '<i class="cw-icon cw-icon-leave"></i><span>Sign out</span></button></form></div></div>'
)
HINT_TEMPLATE = (
    '<p class="cw-hint"><span role="status"></span> '
    '<a class="cw-quality" href="{root}/figures" target="_blank" rel="noopener" hidden>How good is it?</a></p>'
)
FILTER_TEMPLATE = (
    '<p class="cw-filter" hidden><span></span>'
    '<button type="button" data-cw-do="unfilter" aria-label="Ask all articles again">Ask all articles</button></p>'
)
MODEL_TEMPLATE = '<p class="cw-model-said" role="status"></p>'
PANEL_TEMPLATE = '<div class="cw-panel-root"></div>'
# Gradio's script contains the names of a component's events as quoted strings.
PANEL_SCRIPT = """
// sends "cw_resume", "cw_follow", "cw_ask", "cw_retry", "cw_hush", "cw_new", "cw_open", "cw_filter", "cw_corpus",
// "cw_overview", "cw_model"
import("{root}/cw/page.js").then((page) => page.start({element, props, watch, server, trigger}));
"""
# Scripts that load while Gradio starts, so that its later imports are already there.
EARLY = ("settings.js", "components.js", "page.js")
# Style sheets of the views beside the chat; Gradio loads page.css itself, to put it after its own.
VIEWS = ("settings.css", "history.css", "notes.css", "corpus.css", "tour.css", "print.css")


@dataclass(frozen=True, slots=True)
class Site:
    """A page with everything that is served beside it, for `mount_page`.

    Attributes:
        blocks: the page.
        routers: other routes.
        read_only: whether changes are refused.
        root_path: path below which a proxy serves the page, as in `build_page`; "" for none.
        on_end: called when the server stops normally.
    """

    blocks: gr.Blocks
    routers: Sequence[APIRouter] = ()
    read_only: bool = False
    root_path: str = ""
    on_end: Callable[[], None] = lambda: None


def _http(request: gr.Request) -> Request:
    assert request.request is not None, "events come over HTTP"
    return request.request


def _rooted(text: str, root: str) -> str:
    """Insert the path below which the page is served into the addresses of a template or a script."""
    return text.replace("{root}", root)


def _shown_by(name: str, root: str) -> str:
    """Return the script of a gr.HTML whose value a function of components.js displays."""
    return _rooted(SCRIPT, root).replace("NAME", name)


def _head(root: str) -> str:
    here = {file.name for file in files("citewire.ui").joinpath("static").iterdir()}
    sheets = "".join(f'<link rel="stylesheet" href="{root}/cw/{name}">' for name in VIEWS if name in here)
    icon = f'<link rel="icon" href="{root}/favicon.ico">'  # browsers otherwise look at the top of the host
    scripts = "".join(f'<script type="module" src="{root}/cw/{name}"></script>' for name in EARLY)
    return f"{icon}{sheets}{scripts}"


def _theme() -> gr.themes.Base:
    teal = ("#eef6f6", "#d5e9ea", "#aed4d7", "#7db9be", "#4b989f", "#2b7b83", "#1f646c", "#1b5058", "#183f46")
    return gr.themes.Base(
        primary_hue=gr.themes.Color(*teal, "#14333a", "#0b2126"),
        neutral_hue="slate",
        # Gradio's own fonts; the files of weight 600 lack letters.
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "monospace"],
        radius_size="md",
    )


# gr.HTML is not subclassed, because Gradio writes a .pyi file beside the module of each subclass.
def build_page(
    chat: Chat,
    examples: Sequence[str],
    *,
    articles: bool = False,
    figures: bool = False,
    leave: bool = False,
    read_only: bool = False,
    root_path: str = "",
) -> gr.Blocks:
    """Build the page.

    Args:
        chat: answers questions; its models may still be loading.
        examples: example questions on the empty page.
        articles: whether the router of the Articles view is served too.
        figures: whether /figures is served too.
        leave: whether visitors sign in, and can sign out.
        read_only: whether changes of the articles are refused.
        root_path: path below which a proxy serves the page, "" for none.
    """
    CACHE.mkdir(mode=0o700, exist_ok=True)  # before Gradio creates it readable for everybody
    page = Page(chat, examples, articles=articles, read_only=read_only)

    # A function, because Gradio sets an attribute on it, which a bound method does not allow.
    def read_article(wanted: Any) -> dict[str, Any]:
        return page.read_article(wanted)

    blocks: gr.Blocks = gr.Blocks(title="citewire", fill_width=True, fill_height=True, analytics_enabled=False)
    with blocks:
        state = gr.State(Conversation())
        head = gr.HTML(
            {"state": "loading", "corpus": "Opening the articles", "model": ""},
            html_template=_rooted(HEAD_TEMPLATE, root_path),
            js_on_load=_shown_by("head", root_path), apply_default_css=False, elem_id="cw-head", leave=leave,
        )  # fmt: skip
        with gr.Row(elem_id="cw-main", equal_height=True):
            with gr.Column(scale=11, min_width=340, elem_id="cw-left"):
                messages = gr.Chatbot(
                    elem_id="cw-chat", show_label=False, label="Conversation", layout="bubble", height="100%",
                    buttons=[], latex_delimiters=[], allow_tags=False, feedback_options=None, autoscroll=False,
                    placeholder=welcome_html(examples),
                )  # fmt: skip
                chosen = gr.HTML(
                    _filter_value(Filters(), gone), html_template=FILTER_TEMPLATE,
                    js_on_load=_shown_by("filter", root_path), apply_default_css=False, elem_id="cw-filter",
                )  # fmt: skip
                model = gr.HTML(
                    {}, html_template=MODEL_TEMPLATE, js_on_load=_shown_by("model", root_path),
                    apply_default_css=False, elem_id="cw-model",
                )  # fmt: skip
                box = gr.Textbox(
                    elem_id="cw-ask", label="Ask a question", show_label=False, container=False,
                    placeholder="Loading the model", interactive=False, submit_btn=True,
                    max_length=chat.max_question_chars, max_lines=4,
                )  # fmt: skip
                hint = gr.HTML(
                    CAUTION, html_template=_rooted(HINT_TEMPLATE, root_path), js_on_load=_shown_by("hint", root_path),
                    apply_default_css=False, elem_id="cw-hint", usual=CAUTION, figures=figures,
                )  # fmt: skip
            with gr.Column(scale=9, min_width=320, elem_id="cw-right"):
                panel = gr.HTML(
                    {}, html_template=PANEL_TEMPLATE, js_on_load=_rooted(PANEL_SCRIPT, root_path),
                    apply_default_css=False, elem_id="cw-sources", server_functions=[read_article],
                )  # fmt: skip
        shown = [messages, panel, box, hint, chosen]
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        at_once: dict[str, Any] = {"queue": False, **quiet}
        # "multiple": a new answer streams while suggestions for the last one are still searched.
        follow: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple", **quiet}
        blocks.load(page.wait_until_loaded, None, [head, box, messages, model], **at_once)
        for event, handler, inputs in (
            (box.submit, page.ask, [box, state]),
            (panel.cw_ask, page.ask_link, [state]),
            (panel.cw_retry, page.retry, [state]),
        ):
            event(handler, inputs, shown, **at_once).then(page.answer, state, shown, **follow)
        box.stop(page.stop, state, shown, **at_once)
        # "multiple": Back and Forward may come faster than the server answers.
        panel.cw_new(page.new_chat, state, shown, **{**at_once, "trigger_mode": "multiple"})
        panel.cw_open(page.open_kept, state, shown, **{**at_once, "trigger_mode": "multiple"})
        panel.cw_filter(page.choose, state, shown, **at_once)
        panel.cw_corpus(page.head, None, head, **at_once)
        # "multiple": what is sent shortly after the first of its sort must not be dropped.
        panel.cw_overview(page.view, state, shown, **{**at_once, "trigger_mode": "multiple"})
        panel.cw_model(page.choose_model, state, model, **{**at_once, "trigger_mode": "multiple"})
        panel.cw_resume(page.resume, state, [state, *shown, model], **at_once)
        panel.cw_follow(page.answer, state, shown, **follow)
        panel.cw_hush(chat.hush, state, None, **{**at_once, "trigger_mode": "multiple"})
        blocks.unload(page.close)
    return blocks


# The data that the panel's script sends with its events.
EVENTS: dict[str, type[BaseModel]] = {
    "cw_ask": Question, "cw_retry": Again, "cw_new": New, "cw_open": Kept, "cw_filter": Chosen, "cw_model": Model,
    "cw_resume": Tab,
}  # fmt: skip


def allowed(blocks: gr.Blocks) -> Allowed:
    """Return the functions and components that the page's scripts may call."""
    functions, components = {}, {blocks._id}
    for number, function in blocks.fns.items():
        events = [name for _, name in function.targets]
        if "unload" in events:
            continue  # the server calls it when a tab's stream ends
        components.update(component for component, _ in function.targets if component is not None)
        texts = [isinstance(component, gr.Textbox) for component in function.inputs]
        functions[number] = Function(function.queue, texts, EVENTS.get(events[0], Nothing))
    panel = next(block for block in blocks.blocks.values() if getattr(block, "elem_id", None) == "cw-sources")

    def waiting(session: str) -> int:
        unread = blocks._queue.pending_messages_per_session.get(session)
        return unread.qsize() if unread else 0

    return Allowed(functions, frozenset(components), (panel._id, "read_article"), waiting)


def forget(blocks: gr.Blocks, session: str) -> None:
    """Delete everything that Gradio stores for a session."""
    states, queue = blocks.state_holder, blocks._queue
    for event in queue.pending_event_ids_session.get(session, ()):
        if event in queue.event_ids_to_events:
            queue.event_ids_to_events[event].alive = False  # ends the event without a message
    for kept in (
        states.session_data, states.time_last_used, queue.pending_messages_per_session,
        queue.pending_event_ids_session, blocks.pending_streams, blocks.pending_diff_streams,
    ):  # fmt: skip
        kept.pop(session, None)


def remove_cache() -> None:
    """Delete Gradio's folder, for a process that ends without its exit handlers."""
    shutil.rmtree(CACHE, ignore_errors=True)


def mount_page(site: Site) -> FastAPI:
    """Return the ASGI application that serves a page at "/", without telemetry or calls to other machines."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, exception_handlers={HTTPException: unrouted})
    app.add_middleware(Guard, refuse=foreign_link)
    app.add_middleware(VisitorCookie)
    app.add_middleware(Guard, refuse=foreign)
    if site.read_only:
        app.add_middleware(Guard, refuse=change)
    for router in (assets(), *site.routers):
        app.include_router(router)
    blocks = site.blocks
    blocks.has_launched = True  # otherwise Gradio does not check paths; the gate lets none pass anyway
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        blocks.queue(max_size=None),  # `Chat` limits the queue
        path="/",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=1,  # Gradio receives no files; articles are uploaded to our own route
        mcp_server=False,
        pwa=False,
        theme=_theme(),
        css=sheet("page.css"),
        head=_head(site.root_path),
        root_path=site.root_path or None,
    )
    mount = mounted.routes[-1]
    assert isinstance(mount, Mount)
    mount.app = Gate(mount.app, allowed(blocks), Sessions(lambda session: forget(blocks, session)))
    return mounted
