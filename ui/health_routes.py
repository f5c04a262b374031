"""Health checks and metrics for operators.

    GET /healthz    200 while the process runs; needs no password
    GET /readyz     200 if the index exists and the models are loaded, else 503 with the reason
    GET /metrics    metrics in Prometheus' text format

Knows HTTP and the Prometheus client; `citewire.ui.chat` and `citewire.ui.corpus` supply the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, get_args

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from citewire.index.errors import CitewireError
from citewire.qa.types import Status
from citewire.ui.access import OPEN
from citewire.ui.chat import Chat
from citewire.ui.corpus import Corpus
from citewire.ui.exchange import Exchange
from citewire.ui.visitor import ProblemRoute

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)  # upper bounds of the histogram's buckets
_PRIVATE = {"Cache-Control": "no-store"}


class _Figures(Response):
    media_type = CONTENT_TYPE_LATEST


class _HealthRoute(ProblemRoute):
    statuses: ClassVar[Mapping[type[CitewireError], int]] = {CitewireError: 503}


class Figures:
    """The metrics of one server, counted from its start."""

    def __init__(self, chat: Chat, corpus: Corpus) -> None:
        self._corpus = corpus
        self._registry = CollectorRegistry()
        self._questions = Counter(
            "citewire_questions", "Questions that had their turn, by how they ended.", ["status"],
            registry=self._registry,
        )  # fmt: skip
        for status in get_args(Status):  # start at 0: Prometheus computes a rate from the step 0 -> 1
            self._questions.labels(status)
        self._seconds = Histogram(
            "citewire_answer_seconds", "Seconds that answering took, without waiting in line.", buckets=SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self._gauge("citewire_questions_running", "Questions that are being answered.", lambda: chat.line.answering)
        self._gauge("citewire_questions_waiting", "Questions in line.", lambda: chat.line.waiting)
        self._gauge("citewire_articles", "Articles of the index.", lambda: len(corpus.paths()))
        self._gauge("citewire_passages", "Passages of the index.", lambda: corpus.index.passages)
        self._gauge("citewire_index_generation", "Generation of the index.", lambda: corpus.index.generation)
        chat.line.subscribe(self._count)

    def _gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        Gauge(name, meaning, registry=self._registry).set_function(value)

    def _count(self, exchange: Exchange, seconds: float) -> None:
        self._questions.labels(exchange.answer.status if exchange.answer else "failed").inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Return the current metrics in Prometheus' text format."""
        self._corpus.refresh()
        return generate_latest(self._registry)


def router(chat: Chat, corpus: Corpus) -> APIRouter:
    """Return the routes; the metrics count from now on."""
    routes, figures = APIRouter(route_class=_HealthRoute), Figures(chat, corpus)

    @routes.head(OPEN, include_in_schema=False)
    @routes.get(OPEN)
    def healthz() -> JSONResponse:
        """Say that the process lives; needs no password."""
        return JSONResponse({"status": "ok"}, headers=_PRIVATE)

    @routes.head("/readyz", include_in_schema=False)
    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        """Say whether questions can be answered: the index is there, the models are loaded."""
        chat.background.result()
        corpus.require_same()
        return JSONResponse({"status": "ready"}, headers=_PRIVATE)

    @routes.get("/metrics", response_class=_Figures)
    def metrics() -> Response:
        """Return the figures of this page since its start, in Prometheus' text format."""
        return _Figures(figures.text(), headers=_PRIVATE)

    return routes
