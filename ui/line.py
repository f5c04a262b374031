"""The line of questions: one is answered at a time, over all visitors.

Knows who waits for whom; knows nothing of how a question is answered.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from citewire.ui.allowance import Sender
from citewire.ui.exchange import Exchange
from citewire.ui.turns import Turns

LONGEST_WAIT_S = 60  # until somebody who was refused is told to ask again

NOBODY = Sender()


@dataclass(slots=True, eq=False)
class _Job:
    exchange: Exchange
    work: Callable[[], None]
    sender: Sender
    is_question: bool


def _sender(job: _Job) -> Sender:
    return job.sender


class Line:
    """Runs what waits, one at a time in a thread of its own: questions, then suggestions.

    The next question is that of the address, and there of the visitor, that was served least recently, so nobody waits
    for all that another one asks at once; the questions of one visitor are answered as they came.
    """

    def __init__(self) -> None:
        self._running: _Job | None = None
        self._waiting: list[_Job] = []  # as they came
        self._turns = Turns()
        self._pace = 0.0  # seconds that a question takes, the last ones most
        self._lock = threading.Lock()
        self._subscribers: list[Callable[[Exchange, float], None]] = []

    def subscribe(self, ended: Callable[[Exchange, float], None]) -> None:
        """Have `ended` called with each question that had its turn, and the seconds that took; in the line's thread."""
        self._subscribers.append(ended)

    def enter(
        self, exchange: Exchange, work: Callable[[], None], sender: Sender = NOBODY, *, is_question: bool = True
    ) -> None:
        """Let `work` run in its turn; it must not raise."""
        with self._lock:
            self._waiting.append(_Job(exchange, work, sender, is_question))
            if self._running is None:
                self._next()
                threading.Thread(target=self._run, name="citewire-answer", daemon=True).start()

    def _run(self) -> None:
        with self._lock:
            job = self._running
        while job is not None:
            began = time.monotonic()
            job.work()
            took = time.monotonic() - began
            if job.is_question:
                self._pace += (took - self._pace) / 4
            for ended in self._subscribers if job.is_question else ():
                ended(job.exchange, took)
            with self._lock:
                job = self._next()

    def _next(self) -> _Job | None:
        """Let what comes next run in place of what ran; where questions wait, nobody gets suggestions any more."""
        questions = [job for job in self._waiting if job.is_question]
        if questions:
            self._running = self._turns.next_of(questions, _sender)
            for job in [job for job in self._waiting if not job.is_question and job.exchange.suggesting]:
                self._waiting.remove(job)
                job.exchange.suggest(more=False)
        else:
            self._running = next(iter(self._waiting), None)
        if self._running is not None:
            self._waiting.remove(self._running)
        return self._running

    def _order(self) -> list[_Job]:
        """Return what waits in the order in which it will run if nothing else comes."""
        ordered = self._turns.order((job for job in self._waiting if job.is_question), _sender)
        return [*ordered, *(job for job in self._waiting if not job.is_question)]

    def leave(self, *exchanges: Exchange) -> None:
        """Take out what waits; what runs goes on to its end."""
        with self._lock:
            self._waiting = [job for job in self._waiting if job.exchange not in exchanges]

    def ahead(self, exchange: Exchange) -> int:
        """Return how many unanswered questions come before an exchange's, if nobody else asks meanwhile."""
        with self._lock:
            jobs = [*([self._running] if self._running else []), *self._order()]
            before = next((i for i, job in enumerate(jobs) if job.exchange is exchange), 0)
            return sum(job.is_question and not job.exchange.done for job in jobs[:before])

    @property
    def wait(self) -> int:
        """When there is room again, in seconds, where there is none: once half of what waits is answered."""
        return min(max(1, math.ceil(self._pace * self.waiting / 2)), LONGEST_WAIT_S)

    @property
    def running(self) -> bool:
        """Whether a question is being answered, or a suggestion sought."""
        with self._lock:
            return self._running is not None

    @property
    def answering(self) -> bool:
        """Whether a question is being answered."""
        with self._lock:
            return self._running is not None and self._running.is_question

    @property
    def waiting(self) -> int:
        """How many questions have not begun."""
        with self._lock:
            return sum(job.is_question for job in self._waiting)

    def waiting_of(self, sender: Sender) -> tuple[int, int]:
        """Return how many questions of one visitor, and of all at their address, have not begun."""
        with self._lock:
            waiting = [job.sender for job in self._waiting if job.is_question]
        return (
            sum(one.visitor == sender.visitor for one in waiting),
            sum(one.address == sender.address for one in waiting),
        )
