"""Converts the answer object and its events to JSON and back."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from citewire.index.errors import InputError
from citewire.qa.types import Answer, Checked, Draft, Event, Searched
from citewire.ui.console import to_json

_EVENTS: dict[str, type[Event]] = {kind.__name__.lower(): kind for kind in (Searched, Draft, Checked, Answer)}


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_EVENTS[name])


def answer_json(answer: Answer, indent: int | None = 2) -> str:
    """Return the answer object as JSON."""
    return to_json(dataclasses.asdict(answer), indent)


def answer_from_json(text: str) -> Answer:
    """Return the answer that `answer_json` wrote; fields missing from an older file get their defaults.

    Raises:
        InputError: the text is not JSON, or a required field is missing or has another type.
    """
    try:
        answer: Answer = _adapter("answer").validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(f"This is no answer of citewire: {where}: {first['msg']}", "Ask the question again.") from None
    return answer


def event_values(event: Event) -> dict[str, Any]:
    """Return an event as JSON values: its name and its fields; an answer's fields are nested under "answer"."""
    name, fields = type(event).__name__.lower(), dataclasses.asdict(event)
    return {"event": name, "answer": fields} if isinstance(event, Answer) else {"event": name, **fields}


def event_from_values(values: dict[str, Any]) -> Event:
    """Return the event that `event_values` made. Raises: LookupError, ValueError."""
    name = values["event"]
    fields = values["answer"] if name == "answer" else {field: values[field] for field in values if field != "event"}
    event: Event = _adapter(name).validate_python(fields)
    return event
