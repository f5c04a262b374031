"""Runs a small evaluation on the indexed articles while users go on asking; their questions come first.

Knows the queue and the folder of results; `citewire.qa.evaluate.made` makes and marks the questions. Each step is a
job of its own in the queue, so a user's question waits for one step at most.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from citewire.index.errors import CitewireError, InputError
from citewire.qa.evaluate.made import QUESTIONS
from citewire.qa.evaluate.runs import SUMMARY, Identity, Results, Row, summarise
from citewire.ui.chat import Chat, Loaded
from citewire.ui.console import to_json
from citewire.ui.exchange import Exchange

FOLDER = "made-from-the-articles"  # folder of its results, beside those of `citewire eval`
MADE = "the articles here"  # its name, where other evaluations have a file name

logger = logging.getLogger(__name__)


class RunningError(InputError):
    """An evaluation is already running."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress: `done` of at most `of` questions are answered; `problem` says why it ended early."""

    running: bool = False
    done: int = 0
    of: int = QUESTIONS
    problem: str = ""


class Measuring:
    """Runs the small evaluation.

    Args:
        chat: answers the questions.
        runs: the folder of all evaluations; this one replaces the last one in `FOLDER`.
        describe: returns all that decides the answers, by name.
    """

    def __init__(self, chat: Chat, runs: Path, describe: Callable[[Loaded], Identity]) -> None:
        self._chat, self._folder, self._describe = chat, runs / FOLDER, describe
        self._progress = Progress()
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def progress(self) -> Progress:
        """The current progress."""
        return self._progress

    def start(self) -> None:
        """Start an evaluation with new random questions.

        Raises:
            NotReadyError: no model is loaded.
            RunningError: one is already running.
            InputError: the results cannot be written.
        """
        loaded = self._chat.newest()
        if loaded.examine is None:
            raise InputError("Nothing here can make questions", "Use `citewire eval` with questions of your own.")
        with self._lock:
            if self._progress.running:
                raise RunningError("An evaluation is running already", "Wait for it, or stop it.")
            seed = secrets.randbelow(2**31)
            identity = {"file": MADE, "seed": seed, **self._describe(loaded)}
            results = Results(self._folder, identity)
            self._progress, self._stopped = Progress(running=True), False
        self._enter(loaded.examine(seed, lambda: self._stopped or self._chat.line.waiting > 0), results, identity)

    def stop(self) -> None:
        """Stop after the current step; the answers so far count."""
        self._stopped = True

    def _enter(self, rows: Iterator[Row | None], results: Results, identity: Identity) -> None:
        self._chat.line.enter(Exchange("measuring", ""), lambda: self._step(rows, results, identity), is_question=False)

    def _step(self, rows: Iterator[Row | None], results: Results, identity: Identity) -> None:
        try:
            if not self._stopped:
                row = next(rows)
                if row:
                    results.add(row)
                    self._progress = Progress(True, len(results.rows))
                self._enter(rows, results, identity)
                return
            problem = ""
        except StopIteration:
            problem = "" if results.rows else "No question could be made: too few sentences can be read alone"
        except CitewireError as error:
            problem = str(error)
        except Exception:  # the outermost layer of the queue's thread
            logger.exception("measuring failed")
            problem = "It broke off. The log has the details"
        self._end(results, identity, problem)

    def _end(self, results: Results, identity: Identity, problem: str) -> None:
        with results:
            rows = list(results.rows.values())
        try:
            if rows:
                summary = {"run": identity, "folder": str(self._folder), **summarise(rows)}
                (self._folder / SUMMARY).write_text(to_json(summary), encoding="utf-8")
        except OSError as error:
            problem = f"{self._folder / SUMMARY} cannot be written: {error.strerror}"
        self._progress = Progress(False, len(rows), problem=problem)
