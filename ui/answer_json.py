"""The answer object as JSON and back."""

from __future__ import annotations

import dataclasses

from pydantic import TypeAdapter, ValidationError

from citewire.index.errors import InputError
from citewire.qa.types import Answer
from citewire.ui.console import to_json

_ANSWER = TypeAdapter(Answer)


def answer_json(answer: Answer, indent: int | None = 2) -> str:
    """Return the answer object as JSON."""
    return to_json(dataclasses.asdict(answer), indent)


def answer_from_json(text: str) -> Answer:
    """Return the answer object that `answer_json` wrote; fields it does not know yet have their defaults.

    Raises:
        InputError: it is no JSON, or a field is missing or of another type.
    """
    try:
        return _ANSWER.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(f"This is no answer of citewire: {where}: {first['msg']}", "Ask the question again.") from None
