"""The queue of questions of all visitors; one question is answered at a time.

Knows the order of the queue, not how a question is answered.
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

LONGEST_WAIT_S = 60  # longest Retry-After for a refused question

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
    """Runs jobs one at a time in its own thread, questions before suggestions and other work; thread-safe.

    The next question comes from the address, and within it the visitor, that was served least recently. So nobody waits
    for all the questions of someone else. The questions of one visitor are answered in the order they arrived.
    """

    def __init__(self) -> None:
        self._running: _Job | None = None
        self._waiting: list[_Job] = []  # in order of arrival
        self._turns = Turns()
        self._pace = 0.0  # moving average of the seconds per question
        self._lock = threading.Lock()
        self._subscribers: list[Callable[[Exchange, float], None]] = []

    def subscribe(self, ended: Callable[[Exchange, float], None]) -> None:
        """Call `ended` after each question, in the queue's thread, with its exchange and the seconds it took."""
        self._subscribers.append(ended)

    def enter(
        self, exchange: Exchange, work: Callable[[], None], sender: Sender = NOBODY, *, is_question: bool = True
    ) -> None:
        """Add a job to the queue.

        Args:
            exchange: the exchange that the job changes.
            work: does the job; must not raise.
            sender: decides the order of questions.
            is_question: False for jobs that run only while no question waits.
        """
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
        """Make the next job the running one; if questions wait, the waiting suggestions are cancelled."""
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
        """Return the waiting jobs in the order in which they will run if no others arrive."""
        ordered = self._turns.order((job for job in self._waiting if job.is_question), _sender)
        return [*ordered, *(job for job in self._waiting if not job.is_question)]

    def leave(self, *exchanges: Exchange) -> None:
        """Remove the waiting jobs of these exchanges; a running job continues."""
        with self._lock:
            self._waiting = [job for job in self._waiting if job.exchange not in exchanges]

    def ahead(self, exchange: Exchange) -> int:
        """Return how many unanswered questions come before this one, if no others arrive."""
        with self._lock:
            jobs = [*([self._running] if self._running else []), *self._order()]
            before = next((i for i, job in enumerate(jobs) if job.exchange is exchange), 0)
            return sum(job.is_question and not job.exchange.done for job in jobs[:before])

    @property
    def wait(self) -> int:
        """Seconds until half of the queue is answered; tells a refused sender when to retry."""
        return min(max(1, math.ceil(self._pace * self.waiting / 2)), LONGEST_WAIT_S)

    @property
    def running(self) -> bool:
        """Whether any job is running."""
        with self._lock:
            return self._running is not None

    @property
    def answering(self) -> bool:
        """Whether a question is being answered."""
        with self._lock:
            return self._running is not None and self._running.is_question

    @property
    def waiting(self) -> int:
        """Number of waiting questions."""
        with self._lock:
            return sum(job.is_question for job in self._waiting)

    def waiting_of(self, sender: Sender) -> tuple[int, int]:
        """Return how many questions of this visitor, and of this address, are waiting."""
        with self._lock:
            waiting = [job.sender for job in self._waiting if job.is_question]
        return (
            sum(one.visitor == sender.visitor for one in waiting),
            sum(one.address == sender.address for one in waiting),
        )
