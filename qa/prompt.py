"""The prompt: `prompt.md` beside this file, filled with evidence and the question.

`prompt.md` is the system message, then example questions and answers in turn, separated by lines of `---`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from citewire.qa.types import Message


def build(sentences: Sequence[str], question: str) -> list[Message]:
    """Return the messages that ask `question` about `sentences`, which are numbered from 1."""
    numbered = "\n".join(f"[{n}] {' '.join(s.split())}" for n, s in enumerate(sentences, 1))
    return asked("prompt.md", f"{numbered}\n\nQuestion: {question}")


def asked(name: str, text: str) -> list[Message]:
    """Return the messages of the prompt file `name` beside this one, followed by `text` as the user's message."""
    return [*_fixed(name), Message("user", text)]


@cache
def _fixed(name: str) -> tuple[Message, ...]:
    system, *examples = sections(name)
    turns = [Message("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(examples)]
    return (Message("system", system), *turns)


@cache
def sections(name: str) -> tuple[str, ...]:
    """Return the parts of a file beside this one, split at lines of `---`."""
    text = (files("citewire.qa") / name).read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split("\n---\n"))
