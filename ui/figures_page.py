"""GET /figures, "How good is it": figures of this version, of the last evaluation here, and of a small one to run.

    GET     /figures        ?run=    the page
    GET     /figures/run    progress of the small evaluation: {"running", "done", "of", "problem"}
    POST    /figures/run    starts one: 409 if one is running, 503 if no model is loaded
    DELETE  /figures/run    stops it after the current question

Knows the folders and the summary that an evaluation writes, and `citewire.ui.measuring`, which runs one. Names of
files, kinds and models are untrusted: the page is built as a tree.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit
from xml.etree.ElementTree import Element

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from citewire.index.errors import CitewireError, InputError
from citewire.qa.evaluate.marks import MEASURES
from citewire.qa.evaluate.measure import interval
from citewire.qa.evaluate.runs import SUMMARY, Row, code_digest, read_results
from citewire.ui.chat import NotReadyError
from citewire.ui.figures import deciding_rows, latency_rows, measure_rows
from citewire.ui.measuring import FOLDER, Measuring, Progress, RunningError
from citewire.ui.report_html import diagram, table
from citewire.ui.tree import document, el
from citewire.ui.visitor import ProblemRoute, guest_of

logger = logging.getLogger(__name__)

TITLE = "How good is it?"
SHIPPED = "shipped.json"  # the figures of this version; a test compares them with docs/quality.md and README.md
RUNS_SHOWN = 20
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Answers", ("right", "exact_match", "f1", "answer_recall", "multiple_choice", "misled")),
    ("Questions that the articles cannot answer", ("refusal_recall", "refusal_precision", "answered")),
    (
        "Quotes",
        (
            "quotes_exact",
            "facts_quoted",
            "sentence_quoted",
            "citation_recall",
            "citation_precision",
            "source_precision",
        ),
    ),
    ("Sources that disagree", ("conflict_recall", "conflict_precision", "conflict_values")),
    ("Search", ("hits_at_1", "hits_at_4", "hits_at_10", "mrr")),
    ("The check of each sentence", ("verdict_balanced_accuracy", "supported_kept", "others_caught", "brier")),
)
_BACK = re.compile(r"/c/[A-Za-z0-9_-]+")  # the address of a conversation
_WAITS = {"retrieve_s": "until the sources are shown", "first_token_s": "until the first words", "total_s": "in all"}


class NoRunError(InputError):
    """There is no such evaluation."""


class _FiguresRoute(ProblemRoute):
    statuses: ClassVar[Mapping[type[CitewireError], int]] = {
        **ProblemRoute.statuses,
        NoRunError: 404,
        RunningError: 409,
        NotReadyError: 503,
    }


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation: its folder, when its figures were written, and its summary."""

    folder: Path
    written: datetime
    summary: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def made(self) -> bool:
        """Whether its questions were made from the articles."""
        return self.name == FOLDER

    @property
    def asks(self) -> bool:
        """Whether questions were answered."""
        return bool(self.summary["statuses"])

    @property
    def checks(self) -> bool:
        """Whether claims were checked."""
        return bool(self.summary["calibration"])


def router(folder: Path, measuring: Measuring | None = None) -> APIRouter:
    """Return the routes over the evaluations in `folder`, each in a subfolder; without `measuring` none can be run."""
    routes = APIRouter(route_class=_FiguresRoute)

    @routes.get("/figures")
    def figures(request: Request, run: str = "") -> HTMLResponse:
        from_ = urlsplit(request.headers.get("referer", "")).path
        back = from_ if _BACK.fullmatch(from_) else "./"  # the page may be below a path
        offered = measuring.progress if measuring and guest_of(request).admin else None
        return HTMLResponse(page(runs(folder), run, offered, back))

    if measuring:

        @routes.get("/figures/run")
        def progress() -> dict[str, Any]:
            return asdict(measuring.progress)

        @routes.post("/figures/run", status_code=202)
        def begin() -> dict[str, Any]:
            measuring.start()
            return asdict(measuring.progress)

        @routes.delete("/figures/run", status_code=202)
        def end() -> dict[str, Any]:
            measuring.stop()
            return asdict(measuring.progress)

    return routes


def runs(folder: Path) -> list[Run]:
    """Return the finished evaluations in `folder`, or `folder` itself if it is one, newest first; skip damaged ones."""
    found = []
    for file in (folder / SUMMARY, *folder.glob(f"*/{SUMMARY}")):
        try:
            summary = json.loads(file.read_bytes())
            written = datetime.fromtimestamp(file.stat().st_mtime).astimezone()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            logger.warning("%s cannot be drawn: %s", file, error)
            continue
        if isinstance(summary, dict) and {"run", "records", "statuses", "measures", "kinds"} <= summary.keys():
            found.append(Run(file.parent, written, {"latency": {}, "calibration": None, **summary}))
        else:
            logger.warning("%s is no summary of `citewire eval`", file)
    return sorted(found, key=lambda run: (run.written, run.name), reverse=True)


def page(found: Sequence[Run], wanted: str = "", progress: Progress | None = None, back: str = "/") -> str:
    """Return the page.

    Args:
        found: the runs, newest first.
        wanted: name of the run to show; by default the newest one of each kind: questions made from the articles,
            questions of a file, claims.
        progress: progress of the small evaluation; None if none can be run.
        back: target of the link back.

    Raises:
        NoRunError: no run has this name.
    """
    head = [
        el("p", el("a", "← Back to the questions", {"href": back, "class": "back"})),
        el("h1", TITLE),
        *([] if wanted else _shipped()),
    ]
    own = [] if progress is None else [_own(progress)]
    script = "cw/figures.js" if own else ""
    if not found:
        return document(TITLE, "figures.css", [el("main", *head, *own, *_invitation())], script)
    if wanted:
        shown = [run for run in found if run.name == wanted][:1]
        if not shown:
            raise NoRunError(f"there is no evaluation {wanted!r}", "Choose one of those at the end of /figures")
    else:
        first = [
            next((run for run in found if run.made), None),
            next((run for run in found if run.asks and not run.made), None),
            next((run for run in found if run.checks), None),
        ]
        shown = list({run.name: run for run in first if run}.values()) or [found[0]]
    drawn = [part for run in shown for part in (_made(run) if run.made else _run(run))]
    return document(TITLE, "figures.css", [el("main", *head, *own, *drawn, *_others(found))], script)


@cache
def shipped() -> dict[str, Any]:
    """Return the figures of this version: "measured_on" a machine, "questions" with their counts."""
    read: dict[str, Any] = json.loads(files("citewire.ui").joinpath(SHIPPED).read_bytes())
    return read


def _shipped() -> Iterator[Element]:
    """Yield the figures of this version, and the machine they were measured on."""
    found = shipped()
    yield el("h2", f"What was measured of this version ({version('citewire')})")
    yield el("p", f"On {found['measured_on']}; none of it on the articles here.", {"class": "facts"})
    rows = []
    for one in found["questions"]:
        right, of = one["right"], one["of"]
        low, high = interval([[(float(n < right), 1.0) for n in range(of)]]) or (0.0, 1.0)
        share = {"value": right / of, "low": low, "high": high}
        said = f"{right} of {of}"
        wrong = f"; {one['wrong']} wrong, {of - right - one['wrong']} refused" if "wrong" in one else ""
        label = el("span", el("b", one["title"]), el("small", one["on"]))
        rows.append((label, _bar(share), el("span", el("b", said), " ", el("small", f"{one['counted']}{wrong}"))))
    yield _bars(rows)
    yield el(
        "p",
        "A wrong answer has exact quotes, too: they show what it rests on, not that it is what was asked. Lines in the"
        " bars are 95% intervals.",
        {"class": "facts"},
    )


def _own(progress: Progress) -> Element:
    """Return the box that runs an evaluation on the user's articles; figures.js updates it."""
    return el(
        "section",
        {"id": "own", "aria-labelledby": "own-title", **({"data-running": "1"} if progress.running else {})},
        el("h2", "On the articles here", id="own-title"),
        el(
            "p",
            f"The program makes up to {progress.of} questions from sentences of the articles, answers them as it does"
            " yours, and counts how often the answer quotes that sentence, or its article. It takes some minutes, and"
            " lets every question that somebody asks go first.",
        ),
        el(
            "p",
            el("button", "Run a small evaluation", {"type": "button", "data-do": "start"}),
            el("button", "Stop", {"type": "button", "data-do": "stop", "hidden": ""}),
        ),
        el("progress", {"data-do": "bar", "aria-label": "Questions answered", "hidden": ""}, max=progress.of, value=0),
        el("p", progress.problem, {"data-do": "said", "role": "status"}),
    )


def _made(run: Run) -> Iterator[Element]:
    """Yield the results for questions made from the articles, and their meaning."""
    measures = run.summary["measures"]
    right, quoted = measures["right"], measures["sentence_quoted"]
    yield el("h2", "Questions made from the articles here")
    yield el(
        "p",
        f"{right['right']:g} of {right['tried']:g} answers quote the article that the question was made from;"
        f" {quoted['right']:g} quote the very sentence.",
        {"class": "lead"},
    )
    yield from _when(run)
    told = (
        ("its article is quoted", right),
        ("the very sentence is quoted", quoted),
        ("answered", measures["answered"]),
    )
    yield _bars([(el("b", label), _bar(one), _counted(one)) for label, one in told])
    yield el(
        "p",
        el("b", "What it means: "),
        "how often the right article is found among all, and quoted, where a question uses its words. Only questions"
        " are asked that their own article answers best by the sentence they were made from.",
    )
    yield el(
        "p",
        el("b", "What it does not mean: "),
        "that your questions are answered as often. Questions that the program makes from the articles are easier than"
        " people’s: these use other words, ask about several articles at once, and ask what no article says, which"
        " should be refused. Some questions made so are badly put, and another article may answer one as well. For"
        " questions of your own, write them into a file with their answers and run ",
        el("code", "citewire eval"),
        ".",
    )
    if rows := _rows(run):
        listed = el("ul", {"class": "asked"}, *(_asked(row) for row in rows))
        yield el("details", el("summary", f"The {len(rows)} questions"), listed)


def _rows(run: Run) -> list[Row]:
    try:
        return read_results(run.folder)[1]
    except CitewireError as error:
        logger.warning("%s cannot be drawn: %s", run.folder, error)
        return []


def _asked(row: Row) -> Element:
    quoted = row["marks"]["sentence_quoted"][0]
    status = row["answer"]["status"]
    said = (
        "quotes the sentence"
        if quoted
        else "quotes its article"
        if row["right"]
        else "refused"
        if status == "abstained"
        else "quotes another article"
        if status in ("answered", "partial")
        else status
    )
    question, sentence = row["record"]["question"], row["record"]["quote"]
    return el("li", el("b", question), el("span", said), el("small", f"Made from: {sentence}"))


def _invitation() -> Iterator[Element]:
    yield el("p", "Nothing has been measured on this machine yet.", {"class": "lead"})
    yield el(
        "p",
        "How good the answers are depends on the articles and the questions. Write some questions whose answers you"
        " know into a file, one a line, also some that the articles cannot answer:",
    )
    yield el(
        "pre",
        '{"question": "Who won the vote?", "answer": "Ann Lee", "sources": ["vote.txt"]}\n'
        '{"question": "What did the losers say?", "unanswerable": true}',
    )
    yield el("p", "Then measure, and load this page again:")
    yield el("pre", "citewire eval questions.jsonl")
    yield el("p", "What people marked as right or wrong on the page becomes such a file too:")
    yield el("pre", "citewire feedback questions.jsonl")


def _run(run: Run) -> Iterator[Element]:
    yield from _about(run)
    measures = run.summary["measures"]
    for title, names in GROUPS:
        if rows := [_measure(run.summary, name) for name in names if name in measures]:
            yield el("h2", title)
            yield _bars(rows)
    kinds = {
        name: kind["measures"]["right"] for name, kind in run.summary["kinds"].items() if "right" in kind["measures"]
    }
    if len(kinds) > 1:
        yield el("h2", "Right, by kind of question")
        yield _bars([(el("b", name), _bar(one), _counted(one)) for name, one in kinds.items()])
    if times := list(_times(run.summary)):
        yield el("h2", "Seconds that a reader waits")
        yield _bars(times)
        yield el("p", "The bar is the median; the line ends where 95 of 100 answers are there.", {"class": "facts"})
    if calibration := run.summary["calibration"]:
        yield el("h2", "How far the check's probability can be believed")
        off = f"{100 * calibration['error']:.1f}"
        yield el(
            "p",
            "Each circle is a group of claims, its size how many. On the dotted line the probability that the check"
            f" gives is the share that is really supported; on average it is off by {off} points of 100.",
        )
        yield el("div", diagram(calibration["bins"]), {"class": "reliability"})
    decided = table((), list(deciding_rows(run.summary["run"])))
    yield el("details", el("summary", "All that decided these figures"), decided)


def _about(run: Run) -> Iterator[Element]:
    """Describe the result in words: what was measured, when, with which model."""
    measures = run.summary["measures"]
    what = "questions" if run.asks else "claims"
    if right := measures.get("right"):
        said = f"{right['right']:g} of {right['tried']:g} {what} were {'answered' if run.asks else 'judged'} right"
        quotes = measures.get("quotes_exact")
        also = f"; {quotes['right']:g} of {quotes['tried']:g} quotes stand in their article" if quotes else ""
        yield el("p", f"{said}{also}.", {"class": "lead"})
    yield from _when(run)


def _when(run: Run) -> Iterator[Element]:
    """Say what was measured, over which articles, when, and whether citewire has changed since."""
    summary, identity = run.summary, run.summary["run"]
    what = "questions" if run.asks else "claims"
    index = identity.get("index")
    over = f", over {index['folder']} (generation {index['generation']})" if index else ""
    model = identity.get("model") or "no model"
    day = f"{run.written.day} {run.written:%B %Y, %H:%M}"
    yield el(
        "p",
        f"{summary['records']:,} {what} of {identity.get('file', run.name)}, {model}{over}. Measured on {day}.",
        {"class": "facts"},
    )
    if identity.get("code") != code_digest():
        yield el("p", "citewire has changed since: measure again to see how good it is now.", {"class": "note"})
    yield el("p", "Lines in the bars are 95% intervals: with more records they get shorter.", {"class": "facts"})


def _measure(summary: Mapping[str, Any], name: str) -> tuple[Element, Element, Element]:
    shown, *_, meaning = next(measure_rows({"measures": {name: summary["measures"][name]}}))
    label = el("span", el("b", shown), el("small", meaning))
    return label, _bar(summary["measures"][name]), _counted(summary["measures"][name], len(MEASURES[name][1]) == 1)


def _counted(found: Mapping[str, float], counted: bool = True) -> Element:
    limits = f"{100 * found['low']:.0f} to {100 * found['high']:.0f}"
    number = f"of {found['tried']:g}" if counted else ""
    return el("span", el("b", f"{100 * found['value']:.0f}%"), " ", el("small", f"{limits}% {number}".strip()))


def _times(summary: Mapping[str, Any]) -> Iterator[tuple[Element, Element, Element]]:
    longest = max((one["p95"] or 0 for one in summary["latency"].values()), default=0)
    for name, p50, p95, number in latency_rows(summary):
        one = summary["latency"][name]
        if longest and one["p50"] is not None:
            shares = {"value": one["p50"] / longest, "low": one["p50"] / longest, "high": one["p95"] / longest}
            label = el("b", _WAITS.get(name, name))
            said = el("span", el("b", p50), " ", el("small", f"{p95} at most in 95%, of {number}"))
            yield label, _bar(shares, f"{p50} seconds, {p95} in 95 of 100"), said


def _bars(rows: Sequence[tuple[Element, Element, Element]]) -> Element:
    cells = []
    for label, bar, said in rows:
        cells += [el("dt", label), el("dd", bar), el("dd", said, {"class": "number"})]
    return el("dl", *cells, {"class": "bars"})


def _bar(found: Mapping[str, float], label: str = "") -> Element:
    """Draw a value from 0 to 1 as a bar with its interval; it fills the width."""
    value, low, high = (round(100 * min(1.0, max(0.0, found[name])), 2) for name in ("value", "low", "high"))
    label = label or f"{value:.0f}%, {low:.0f}% to {high:.0f}%"
    wide = round(max(0.4, high - low), 2)
    box = {"viewBox": "0 0 100 18", "preserveAspectRatio": "none", "role": "img", "aria-label": label}
    return el(
        "svg",
        box,
        el("rect", x=0, y=4, width=100, height=10, fill="var(--line)"),
        el("rect", x=0, y=4, width=value, height=10, fill="var(--bar)"),
        el("rect", x=low, y=8, width=wide, height=2, fill="var(--ink)"),
    )


def _others(found: Sequence[Run]) -> Iterator[Element]:
    if len(found) < 2:
        return
    yield el("h2", "All evaluations here")
    rows = [
        (
            el("a", run.name, {"href": f"?{urlencode({'run': run.name})}"}),
            f"{run.written:%Y-%m-%d %H:%M}",
            f"{run.summary['records']:,} records",
            run.summary["run"].get("model") or "no model",
        )
        for run in found[:RUNS_SHOWN]
    ]
    yield table((), rows)
