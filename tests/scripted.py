"""A scripted answerer and its articles, which bring the page into every state without a model.

The articles contain curly quotes and emoji outside the Basic Multilingual Plane. The hostile one contains every payload
of `PAYLOADS` in its text and title, and some in outlet, author, date, path and URL.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from attacks import OUT

from citewire.index.errors import InputError, ModelError
from citewire.index.options import SearchOptions
from citewire.index.types import Article
from citewire.qa.replies import NO_PASSAGE
from citewire.qa.types import (
    Answer,
    AnswerHit,
    Checked,
    Claim,
    Conflict,
    ConflictValue,
    Draft,
    Event,
    Manner,
    Quote,
    Searched,
    Status,
    TimelinePoint,
    Timings,
    Turn,
    Verdict,
)
from citewire.ui.chat import Answerer, ArticleIndex, Loaded, ModelChoice
from citewire.ui.overview import About
from citewire.ui.tour import Step

PAYLOADS = (
    "<script>window.pwned=1</script>",
    f"<img src=x onerror='window.pwned=1'><img src={OUT}/1.png>",
    f"![a]({OUT}/2.png)",
    f"![a]({OUT}/3.png?q=secret \"t\")",
    "[click](javascript:window.pwned=1)",
    "<a href='javascript:window.pwned=1'>click</a>",
    f"```mermaid\ngraph TD; A[<img src='{OUT}/4.png' onerror='window.pwned=1'>]\n```",
    f"<svg onload='window.pwned=1'><image href='{OUT}/5.png'/></svg>",
    f"<iframe src='{OUT}/6.html' srcdoc='<script>parent.pwned=1</script>'></iframe>",
    f"<form action='{OUT}/7'><input autofocus onfocus='window.pwned=1'><button>go</button></form>",
    f"<style>@import '{OUT}/8.css'; body{{background:url({OUT}/9.png)}}</style>",
    f"<meta http-equiv=refresh content='0;url={OUT}/10'>",
    "${window.pwned=1}",
    "{{window.pwned=1}}",
    "{{#each this}}{{constructor.constructor 'window.pwned=1'}}{{/each}}",
    "`${(()=>{window.pwned=1})()}`",
    f"<link rel=stylesheet href={OUT}/11.css><link rel=prefetch href={OUT}/12>",
    f"<object data='{OUT}/13'></object><embed src='{OUT}/14'>",
    f"<video autoplay src='{OUT}/15.mp4' onerror='window.pwned=1'></video><audio src={OUT}/16></audio>",
    f"<base href='{OUT}/'>",
    "<details open ontoggle='window.pwned=1'>x</details>",
    "\"><img src=x onerror=window.pwned=1>",
    "'-(window.pwned=1)-'",
    f"</div></div><p>\n\n# heading\n\n![b]({OUT}/17.png)\n\n<b onmouseover='window.pwned=1'>b</b>",
    "$$\\href{javascript:window.pwned=1}{x}$$ <math><mtext><img src=x onerror=window.pwned=1></mtext></math>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt; &#60;img src=x onerror=window.pwned=1&#62;",
    "<a class='cw-chip' href='#cw-cite-t1-1' onclick='window.pwned=1'>1</a> #cw-retry-t1",
)  # fmt: skip

OPENING = "Northgate’s Harbour Tunnel will open to traffic on 18 May, transport chief Ines Okafor said."
COST = "The project’s cost has risen to €1.84 billion, up from the €1.31 billion approved in 2019"
GALLERY = "A four-metre service gallery beside the northbound tube will open to cyclists and pedestrians"
HOURS = "The gallery will be staffed from 05:30 to 23:00 and closed overnight"
AUDIT = "The Harbour Tunnel has cost €1.97 billion once financing charges are counted"

ARTICLES = (
    Article(
        path="herald/tunnel.txt",
        text=f"{OPENING}\n\nThe 3.2-kilometre road link runs under the old docks and is expected to take "
        "21,000 vehicles a day.\n\nMs Okafor told the committee that “there "
        "is no remaining technical obstacle to opening”. 𝔉ire-safety tests were completed on 6 February.\n\n"
        f"{COST}, according to the committee papers.\n\nMost of the increase "
        "came from contaminated soil, which added €290 million, and from steel prices.\n\n"
        "Opposition councillor Petra Vance said residents deserved “an account of where half a billion "
        "euros went”. A full audit is due in September.",
        sha256="1",
        title="Harbour Tunnel to open in May after two-year delay",
        outlet="Northgate Herald",
        author="Mara Lindqvist",
        published="2026-02-11",
        url="https://example.org/herald/harbour-tunnel-may",
    ),
    Article(
        path="ledger/audit.txt",
        text=f"{AUDIT}, the regional audit office said in an interim note on Monday.\n\nThe figure is "
        "€130 million higher than the number the city gave in February, because it left out interest paid "
        "during construction.\n\nAuditors said both numbers were “arithmetically correct”.",
        sha256="2",
        title="Auditors put tunnel bill at €1.97 billion",
        outlet="The Quay Ledger",
        author="Tomas Brandt",
        published="2026-03-02",
        url="https://example.org/ledger/tunnel-audit",
    ),
    Article(
        path="plain/gallery.txt",
        text=f"😀 {GALLERY}, the city confirmed on Monday.\n{HOURS}, the city said.\nCampaigners had "
        "collected 14,600 signatures for a crossing that did not require the ferry.\nAccess will be free.",
        sha256="3",
    ),
    Article(
        path="hostile/\"><img src=x onerror=window.pwned=1>.txt",
        text="HOSTILE " + "\n\n".join(PAYLOADS),
        sha256="4",
        title=" ".join(PAYLOADS),
        outlet=PAYLOADS[0] + PAYLOADS[12],
        author=PAYLOADS[1] + PAYLOADS[13],
        published=PAYLOADS[1],
        url="javascript:window.pwned=1",
    ),
)  # fmt: skip
TUNNEL, LEDGER, PLAIN, HOSTILE = ARTICLES
EXAMPLES = (
    "When does the Harbour Tunnel open, and can cyclists use it?",
    "How much did the Harbour Tunnel cost?",
    "What will the tunnel toll be?",
)


class ScriptedIndex:
    """An index of the first three articles, or of all four."""

    def __init__(self, articles: Sequence[Article] = ARTICLES[:3]) -> None:
        self._articles = {article.path: article for article in articles}

    @property
    def namesakes(self) -> frozenset[str]:
        told = Counter((one.headline, one.outlet, one.published) for one in self._articles.values())
        found = self._articles.items()
        return frozenset(path for path, one in found if told[one.headline, one.outlet, one.published] > 1)

    def article(self, path: str) -> Article:
        if path not in self._articles:
            raise InputError(f"No article {path!r}", "Choose one that is listed.")
        return self._articles[path]

    def articles(self) -> Sequence[Article]:
        return list(self._articles.values())


def quote(n: int, article: Article, text: str) -> Quote:
    """Return a quote of `text`, which must occur once in the article."""
    start = article.text.index(text)
    return Quote(n, article.path, start, start + len(text), text)


def claim(text: str, verdict: Verdict, *quotes: Quote, reason: str = "", shown: bool = True) -> Claim:
    return Claim(text, verdict, 0.9, reason, shown, quotes)


def hit(article: Article, text: str, score: float) -> AnswerHit:
    start = article.text.index(text)
    return AnswerHit(article.path, start, start + len(text), score, text)


HITS = (
    hit(TUNNEL, OPENING, 0.033),
    hit(PLAIN, GALLERY, 0.032),
    hit(LEDGER, AUDIT, 0.031),
    hit(TUNNEL, COST, 0.03),
)
OPEN_CLAIMS = (
    claim("The Harbour Tunnel opens to traffic on 18 May.", "supported", quote(1, TUNNEL, OPENING)),
    claim(
        "Cyclists get a four-metre gallery, staffed from 05:30 to 23:00.",
        "supported",
        quote(2, PLAIN, GALLERY),
        quote(3, PLAIN, HOURS),
    ),
)
COST_CLAIMS = (
    claim("The city put the cost at €1.84 billion.", "supported", quote(1, TUNNEL, COST)),
    claim("The audit office puts it at €1.97 billion.", "supported", quote(2, LEDGER, AUDIT)),
    claim(
        "It was finished in 2019 for €1.31 billion.",
        "partial",
        quote(1, TUNNEL, COST),
        reason="The quote says 1.31 billion was approved, not spent.",
    ),
    claim(
        "It is the most expensive road project in the region’s history.",
        "unsupported",
        reason="“most expensive” is in no quote.",
    ),
    claim("It has 14 lanes.", "unsupported", reason="14 is in no quote.", shown=False),
)


def value(text: str, article: Article, span: str) -> ConflictValue:
    start = article.text.index(span)
    return ConflictValue(text, article.path, article.published, start, start + len(span), span)


def point(first: str, last: str, stated: bool, article: Article, span: str) -> TimelinePoint:
    start = article.text.index(span)
    return TimelinePoint(first, last, stated, article.path, start, start + len(span), span)


COURSE = (
    point("2026-02-11", "2026-02-11", False, TUNNEL, COST),
    point("2026-03-02", "2026-03-02", False, LEDGER, AUDIT),
)
COST_CONFLICT = Conflict(
    "total cost of the tunnel", (value("€1.84 billion", TUNNEL, COST), value("€1.97 billion", LEDGER, AUDIT))
)
HOSTILE_CLAIMS = tuple(
    claim(
        payload,
        "supported" if i % 2 else "unsupported",
        *[quote(i, HOSTILE, payload)] * (i % 2),
        reason=payload,
    )
    for i, payload in enumerate(PAYLOADS)
)
HOSTILE_CONFLICT = Conflict(PAYLOADS[0], tuple(value(payload, HOSTILE, payload) for payload in PAYLOADS))


KINDS = (
    "hostile", "over time", "cost", "toll", "reader", "slow", "hold", "failed", "error", "crash", "hello",
    "these articles", "poem", "lighthouse",
)  # fmt: skip
GOING_ON = ("Who said that?", "Tell me more", "Is access to the gallery free?")
SUGGESTIONS = ("When does the Harbour Tunnel open to traffic?", "Is access to the gallery free?")


LEAD = "3 articles, 2 dated: 11 Feb to 2 Mar 2026."
OFFERED = (*EXAMPLES[:2], "How has the tunnel’s cost changed?", "Is access to the gallery free?")
GREETING = "Hello. I answer questions about 3 articles, and every sentence carries its quote."
OVERVIEW = Answer(
    "What are these articles about?", "What are these articles about?", "answered",
    f"{LEAD}\n- {OPENING} [1]\n- {GALLERY}. [2]\n- {AUDIT}. [3]",
    tuple(
        claim(text, "supported", quote(n, article, span))
        for n, (text, article, span) in enumerate(
            ((OPENING, TUNNEL, OPENING), (f"{GALLERY}.", PLAIN, GALLERY), (f"{AUDIT}.", LEDGER, AUDIT)), 1
        )
    ),
    timings=Timings(total_s=0.21), model="scripted", kind="corpus", lead=LEAD, listed=True, offered=OFFERED,
)  # fmt: skip
TALK = Answer(
    "hello", "hello", "answered", GREETING, timings=Timings(total_s=0.01), model="scripted", kind="talk",
    lead=GREETING, offered=OFFERED[:3],
)  # fmt: skip
NOT_FOR_IT = Answer(
    "Write a poem.", "Write a poem.", "abstained", "I answer questions about these articles and write no poems.",
    timings=Timings(total_s=0.01), model="scripted", kind="not_for_it", offered=OFFERED[:3],
)  # fmt: skip
GAP = "I found no sentence that answers “Who keeps the lighthouse?”"
HALF = Answer(
    "When does it open, and who keeps the lighthouse?", "When does it open, and who keeps the lighthouse?", "partial",
    f"{OPEN_CLAIMS[0].text} [1] {GAP}", (OPEN_CLAIMS[0], claim(GAP, "unsupported", reason=NO_PASSAGE)), hits=HITS,
)  # fmt: skip
WHOLE = {"hello": TALK, "these articles": OVERVIEW, "poem": NOT_FOR_IT, "lighthouse": HALF}


def scripted_about(stopped: Callable[[], bool]) -> Answer | None:
    """Return the overview of the articles, None if stopped."""
    return None if stopped() else OVERVIEW


class ScriptedAnswerer:
    """Answers as the first of `KINDS` that the question contains, else with the opening of the tunnel.

    `histories`, `searches` and `manners` record the arguments of each call.
    """

    def __init__(self, model: str = "scripted") -> None:
        self.model = model
        self.histories: list[Sequence[Turn]] = []
        self.searches: list[SearchOptions | None] = []
        self.manners: list[Manner] = []

    def stream(
        self,
        text: str,
        history: Sequence[Turn] = (),
        *,
        stopped: Callable[[], bool] = lambda: False,
        search: SearchOptions | None = None,
        manner: Manner = "usual",
    ) -> Iterator[Event]:
        question = text
        self.manners.append(manner)
        self.histories.append(tuple(history))
        self.searches.append(search)
        kind = next((kind for kind in KINDS if kind in question.lower()), "open")
        if kind in WHOLE:
            yield from events_of(replace(WHOLE[kind], question=question, standalone_question=question))
            return
        standalone = "Is the tunnel's gallery free for readers?" if kind == "reader" else question
        hits: tuple[AnswerHit, ...] = HITS
        if kind == "hostile":
            standalone = " ".join(PAYLOADS)
            hits = tuple(hit(HOSTILE, payload, 0.03) for payload in PAYLOADS)
        while kind == "hold" and not stopped():
            time.sleep(0.02)
        yield Searched(standalone, hits)
        if kind == "crash":
            raise RuntimeError("a bug")
        claims, status, conflicts, text = self._script(kind)
        if kind != "toll":
            yield Draft(claims[0].text[:20])
            yield Checked(claims[0])
        if kind == "error":
            raise ModelError("The model server at 127.0.0.1:1 closed the connection", "Start it and press Retry.")
        if kind == "slow":
            end = time.monotonic() + 300  # longer than any test needs
            yield Draft("Cyclists get a four-metre gallery,")
            while not stopped() and time.monotonic() < end:
                time.sleep(0.02)
                yield Draft("Cyclists get a four-metre gallery, staffed from")
        if kind in ("slow", "hold"):
            status, claims, conflicts = "stopped", claims[:1], ()
        yield Answer(
            question=question,
            standalone_question=standalone,
            status=status,
            text=text or " ".join(claim.text for claim in claims if claim.shown),
            claims=claims,
            conflicts=conflicts,
            timeline=COURSE if kind == "over time" else (),
            as_of="2026-03-02" if kind == "over time" else "",
            hits=hits,
            short="18 May" if kind == "open" else "",
            timings=Timings(total_s=2.13),
            model=self.model,
        )

    def _script(self, kind: str) -> tuple[tuple[Claim, ...], Status, tuple[Conflict, ...], str]:
        if kind == "hostile":
            return HOSTILE_CLAIMS, "partial", (HOSTILE_CONFLICT,), ""
        if kind == "cost":
            return COST_CLAIMS, "partial", (COST_CONFLICT,), ""
        if kind == "over time":
            return COST_CLAIMS[:2], "answered", (), ""
        if kind == "toll":
            return (COST_CLAIMS[-1],), "abstained", (), "The 3 articles do not say this [1]."
        if kind == "failed":
            return OPEN_CLAIMS[:1], "failed", (), "The model ran out of memory."
        return OPEN_CLAIMS, "answered", (), ""


def events_of(answer: Answer) -> Iterator[Event]:
    """Yield the events of an answer, and the answer."""
    yield Searched(answer.standalone_question, answer.hits, answer.kind, answer.lead, answer.listed)
    yield from (Checked(one) for one in answer.claims)
    yield answer


class Gated:
    """Answers once `go` is set, and ignores Stop until then, like a model in the middle of a step."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.stopped = False  # whether Stop was pressed meanwhile

    def stream(
        self, text: str, history: Sequence[Turn] = (), *, stopped: Callable[[], bool] = lambda: False, **_: object
    ) -> Iterator[Event]:
        yield Searched(text, HITS)
        yield Checked(OPEN_CLAIMS[0])
        yield Draft("Cyclists get")
        self.begun.set()
        assert self.go.wait(60)
        self.stopped = stopped()
        yield Checked(OPEN_CLAIMS[1])
        yield Answer(text, text, "answered", "late", claims=OPEN_CLAIMS, hits=HITS)
        self.ended.set()


def scripted_suggest(
    answer: Answer, history: Sequence[Turn], search: SearchOptions, stopped: Callable[[], bool]
) -> Iterator[str]:
    """Suggest `SUGGESTIONS` after a refusal and `GOING_ON` after an answer, until stopped."""
    for suggestion in SUGGESTIONS if answer.status == "abstained" else GOING_ON:
        time.sleep(0.02)  # the page waits for all of them after each answer
        if stopped():
            return
        yield suggestion


def over_index(index: ArticleIndex, answerer: Answerer | None = None, model: str = "scripted") -> Loaded:
    """Return a loaded answerer that can change to another index or another model."""
    own = answerer or ScriptedAnswerer(model)
    return Loaded(
        own, index, model,
        over=lambda other: over_index(other, own, model),
        by=lambda other: over_index(index, other, "scripted with care"),
    )  # fmt: skip


def scripted_choice(
    load: Callable[[], Answerer] = lambda: ScriptedAnswerer("scripted with care"), usual: str = "fast"
) -> ModelChoice:
    """Return a choice of two models for `over_index`; `load` loads the careful one."""
    return ModelChoice({"fast": "scripted", "careful": "scripted with care"}, usual, load)


def scripted_load(articles: Sequence[Article] = ARTICLES[:3], about: About | None = None) -> Callable[[], Loaded]:
    """Return a `load` function for `build_page`."""
    index = ScriptedIndex(articles)
    return lambda: Loaded(ScriptedAnswerer(), index, "scripted model", suggest=scripted_suggest, about=about)


TOUR = (
    Step("A fact", "When does it open?", "Before one.", "Waiting one.", "quote", "The quote.", "No quote."),
    Step("A follow-up", "reader: is it free?", "Before two.", "Waiting two.", "searched", "Searched.", "As it is."),
    Step("Disagreement", "What does it cost?", "Before three.", "Waiting three.", "conflict", "Two values.", "No two."),
    Step("A refusal", "Is there a toll?", "Before four.", "Waiting four.", "refusal", "Refused.", "Found."),
    Step("Hello", "hello", "Before hello.", "Waiting hello.", "reply", "A greeting.", "No greeting."),
    Step("A list", "What are these articles about?", "Before list.", "Waiting list.", "list", "Items.", "No items."),
    Step("Otherwise", "When does it open again?", "Before five.", "Waiting five.", "refusal", "Refused.", "It knew."),
)
