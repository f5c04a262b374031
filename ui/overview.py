"""The overview of the articles on the empty page, computed in the background, once for each index.

Knows when to compute it and its progress; `Loaded.about` computes it, `citewire.ui.render` shows it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from citewire.index.errors import CitewireError
from citewire.qa.types import Answer
from citewire.ui.exchange import Exchange
from citewire.ui.line import Line

ID = "t0"  # the ids of a conversation start at t1

# (stopped) -> the answer to "What are these articles about?", None if it was stopped or there is none
About = Callable[[Callable[[], bool]], Answer | None]

logger = logging.getLogger(__name__)


class Overview:
    """Computes the overview while no question waits; a question stops it, and the next `of` restarts it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._index: object = None  # the index that the other fields describe
        self._exchange = Exchange(ID, "")
        self._working = False
        self._lock = threading.Lock()

    def of(self, index: object, about: About | None) -> Exchange | None:
        """Return the overview of an index; start to compute it if it is not known.

        The exchange is done once the overview is known, without an answer if there is none; None without `about`.
        """
        if about is None:
            return None
        with self._lock:
            if index is not self._index:
                self._index, self._exchange, self._working = index, Exchange(ID, ""), False
            if not (self._exchange.done or self._working):
                self._working = True
                self._begin(about, self._exchange)
            return self._exchange

    def _begin(self, about: About, exchange: Exchange) -> None:
        broken_off = False

        def stopped() -> bool:
            nonlocal broken_off
            broken_off = broken_off or self._line.waiting > 0 or exchange is not self._exchange
            return broken_off

        def work() -> None:
            try:
                answer = about(stopped)
                if answer is not None:
                    exchange.question = answer.question
                    exchange.apply(answer)
            except CitewireError as error:  # the page then shows its example questions
                logger.warning("no overview", extra={"problem": error.problem})
            except Exception:  # the outermost layer of the queue's thread
                logger.exception("no overview")
            with self._lock:
                if not (exchange.done or broken_off):
                    exchange.phase = "done"
                if exchange is self._exchange:
                    self._working = False

        self._line.enter(exchange, work, is_question=False)
