"""Logs as JSON lines, one object per record, without the text of questions unless configured.

Knows where records go and what they may contain. Modules log with
`logging.getLogger("citewire.<package>.<module>")` and pass values by name:

    log.info("answered", extra={"total_s": 2.1, "claims": 3})
    {"level": "INFO", "logger": "citewire.qa.answer", "event": "answered", "total_s": 2.1, "claims": 3,
     "time": "2026-01-31T12:00:00.000000+00:00"}
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from pythonjsonlogger.json import JsonFormatter

from citewire.index.errors import InputError

ROOT = "citewire"
# Extras with text that a user wrote or received.
PRIVATE = frozenset({"question", "standalone_question", "answer_text", "history", "prompt"})


class PrivacyFilter(logging.Filter):
    """Replaces each extra in `PRIVATE` by its length in characters, as `<name>_chars`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove private extras from a record and keep it."""
        for name in PRIVATE & vars(record).keys():
            value = vars(record).pop(name)
            vars(record)[f"{name}_chars"] = len(str(value))
        return True


def set_up(level: str = "warning", file: Path | None = None, *, questions: bool = False) -> None:
    """Send the logs of citewire to standard error or a file; a second call replaces the first.

    Args:
        level: debug, info, warning or error.
        file: the log file, None for standard error; created with its folder if missing, readable by its owner only.
        questions: whether records keep the text of questions, answers and prompts.

    Raises:
        InputError: the file cannot be written.
    """
    handler = _handler(file)
    names = {"levelname": "level", "name": "logger", "message": "event", "exc_info": "exception"}
    handler.setFormatter(JsonFormatter(list(names)[:3], rename_fields=names, timestamp="time", json_ensure_ascii=False))
    if not questions:
        handler.addFilter(PrivacyFilter())
    logger = logging.getLogger(ROOT)
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False  # a root handler would print the record again, without the filter


def _handler(file: Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        return logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        problem = f"The log file {file} cannot be written: {error.strerror}"
        raise InputError(problem, "Name another one with CITEWIRE_LOG_FILE.") from error
