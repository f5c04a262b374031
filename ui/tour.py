"""The guided tour of `citewire demo`: its questions about the sample articles, and a caption for each answer.

Knows the steps; `tour.js` drives the page through them. The answers come from the real model, so each step has a second
caption for an unexpected answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from citewire.ui import engine
from citewire.ui.options import SEARCHING
from citewire.ui.settings import Settings

ADDRESS = "/?tour=1"  # path that opens the page and starts the tour

Look = Literal["quote", "searched", "conflict", "refusal", "reply", "list"]


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the tour.

    Attributes:
        title: heading of the step.
        question: the question.
        before: caption while the question is typed.
        waiting: caption while it is answered.
        look: the part of the answer to point at; for "quote" the first citation is clicked.
        after: caption about that part.
        otherwise: caption if the answer lacks that part.
    """

    title: str
    question: str
    before: str
    waiting: str
    look: Look
    after: str
    otherwise: str


STEPS = (
    Step(
        "Hello",
        "hello",
        "Five news articles, and a small model that runs on this computer. Nothing leaves it.",
        "It reads what kind of thing was typed before it looks for anything.",
        "reply",
        "A greeting is answered in its own words, without sources, and with questions to begin with.",
        "It took the greeting for a question.",
    ),
    Step(
        "All articles at once",
        "What are these articles about?",
        "Who does not know the articles asks about all of them.",
        "Counts, outlets and days are known to the program itself.",
        "list",
        "The line above is counted, not written by a model. Each item below quotes a sentence of an article.",
        "This time there was no list.",
    ),
    Step(
        "A fact",
        "How many Avalon miners did Mawson order from Canaan?",
        "Now a figure that stands in one sentence of one article.",
        "It first looks for sentences that can answer, and shows where they are from; then the model writes.",
        "quote",
        "The number behind the sentence is its quote. Clicked, it opens the article at the exact words, highlighted:"
        " the figure can be checked at a glance.",
        "This time the answer has no quote to show. Read below it why.",
    ),
    Step(
        "A follow-up",
        "And how many did Genesis order?",
        "A follow-up leaves out what was just said.",
        "It is completed from the conversation before anything is searched.",
        "searched",
        "This is the question that was searched for. What a follow-up is taken to mean is never hidden.",
        "The question was searched for as it stands.",
    ),
    Step(
        "A summary",
        "Summarise the article about the JPMorgan report.",
        "A whole article can be asked for as well.",
        "The sentences that tell most are chosen, none twice.",
        "list",
        "Each point carries its quote, so that a summary can be checked as a figure can.",
        "This time there was only one point to tell.",
    ),
    Step(
        "A comparison",
        "Compare MARA and IREN.",
        "Two companies, side by side.",
        "The same is looked for on both sides.",
        "list",
        "Every point names the side that it tells of. A side that the articles lack would be named, too.",
        "The articles have too little on one of them.",
    ),
    Step(
        "A list",
        "Which countries do the articles mention as places for mining?",
        "Several things, from several sentences.",
        "Names are known from all articles, with how often each is told of.",
        "list",
        "One thing a line, each with a sentence that names it.",
        "This time there was nothing to list.",
    ),
    Step(
        "Sources disagree",
        "What was Canaan's total revenue in 2024?",
        "Now something that two articles tell differently.",
        "Figures for the same thing are compared across all sources.",
        "conflict",
        "Two outlets give two figures. It does not pick one: both stand side by side, with outlet, date and quote.",
        "This time no disagreement was found. The quotes show what the answer rests on.",
    ),
    Step(
        "A refusal",
        "How many people does Canaan employ?",
        "Last, something that none of the articles says.",
        "A model alone would invent a number here.",
        "refusal",
        "The sources do not say it, so it does not either. The nearest passages are shown as such, and below come"
        " questions that the articles do answer.",
        "This time it found something. Open the quote and judge for yourself.",
    ),
)
END = "That was the tour. Every sentence carries its quote, or is marked as not in the sources. Ask something yourself."


def router(steps: Sequence[Step] = STEPS, pace: float = 1) -> APIRouter:
    """Return the route from which tour.js loads the steps.

    Args:
        steps: the steps, in order.
        pace: multiplies the time that each caption stays.
    """
    routes = APIRouter()

    @routes.get("/tour")
    def tour() -> JSONResponse:
        return JSONResponse({"steps": [asdict(step) for step in steps], "end": END, "pace": pace})

    return routes


def over_samples(chosen: Settings) -> Settings:
    """Return settings for the sample articles, with an index and conversations separate from the user's."""
    own = {name: Settings.model_fields[name].get_default(call_default_factory=True) for name in SEARCHING}
    folder = chosen.cache / "demo"
    kept = {"index": folder / "index", "conversations": folder / "conversations.sqlite"}
    return chosen.model_copy(update={**own, **kept, "articles": (engine.samples(),)})
