"""What the empty page says of the articles, found out in the background, once for each index.

Knows when to find out and how far it has come; what is found is `Loaded.about`, how it looks is `citewire.ui.render`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from citewire.index.errors import CitewireError
from citewire.qa.types import Answer
from citewire.ui.exchange import Exchange
from citewire.ui.line import Line

ID = "t0"  # those of a conversation begin with t1

# (whether to stop) -> what the articles are about, as asked; None where it was stopped or nothing can be said
About = Callable[[Callable[[], bool]], Answer | None]

logger = logging.getLogger(__name__)


class Overview:
    """Finds out while no question waits; a question stops that work, and the next look at the page begins it again."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._index: object = None  # of which what follows is
        self._exchange = Exchange(ID, "")
        self._working = False
        self._lock = threading.Lock()

    def of(self, index: object, about: About | None) -> Exchange | None:
        """Return what is known of an index, and begin to find it out by `about` where nothing is.

        Returns:
            An exchange: done once it is known, without an answer where it cannot be; None where nobody can tell.
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
            except CitewireError as error:  # the page shows its examples
                logger.warning("no overview", extra={"problem": error.problem})
            except Exception:  # the outermost layer of this thread
                logger.exception("no overview")
            with self._lock:
                if not (exchange.done or broken_off):
                    exchange.phase = "done"
                if exchange is self._exchange:
                    self._working = False

        self._line.enter(exchange, work, is_question=False)
